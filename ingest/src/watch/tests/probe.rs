//! The probe of the alarm path on its way through the watch, and what it leaves behind: nothing.

// req: G9

use veglia_diary::probe::{self, Leg};
use veglia_diary::{PageId, pages_since};

use super::*;

/// What the probe's gateway says: a red reading.
fn spoken(sequence: u64) -> Vec<u8> {
    let device = DeviceId::new(probe::DEVICE).unwrap();
    let bytes = frame_of(&device, sequence, 80, NOON);
    let mut frame = UpFrame::decode(&bytes).unwrap();
    frame.header.gateway = GatewayId::new(probe::GATEWAY).unwrap();
    frame.encode().unwrap()
}

async fn rounds(house: &House) -> Vec<(String, Option<Leg>)> {
    let rounds = probe::under_way(&house.record, &ACTOR).await.unwrap();
    let rounds = rounds.into_iter().map(|it| {
        let missing = it.missing();
        (it.key, missing)
    });
    rounds.collect()
}

/// A life of the watch that reads the journal from its beginning to its end.
async fn live(house: &House, life: &str, last: Position) -> usize {
    let watching = house.watch(life).await;
    watching.until_read(last).await;
    let shown = watching.board.patients();
    watching.stop().await;
    shown
}

#[tokio::test]
async fn a_round_of_the_probe_is_judged_and_called_once_in_however_many_lives() {
    let mut house = House::new().await;
    house.receive(spoken(1));
    let last = house.append(&Entry::Tick { at: NOON });
    for life in ["first", "second"] {
        live(&house, life, last).await;
        let expected = [("0000000000000007-1".to_owned(), Some(Leg::Carried))];
        assert_eq!(rounds(&house).await, expected);
    }
}

#[tokio::test]
async fn without_a_tick_of_the_ladder_nobody_is_called() {
    let mut house = House::new().await;
    let last = house.receive(spoken(1));
    live(&house, "first", last).await;
    let standing = probe::standing(&house.record, &ACTOR).await.unwrap();
    assert_eq!(standing.waiting.unwrap().missing(), Some(Leg::Called));
}

#[tokio::test]
async fn the_probe_has_no_patient_no_flag_no_page_and_no_place_on_the_board() {
    let mut house = House::new().await;
    house.receive(spoken(1));
    let last = house.append(&Entry::Tick { at: NOON });
    assert_eq!(live(&house, "first", last).await, 0);
    assert!(house.listed().await.is_empty());
    let pages = pages_since(&house.record, &ACTOR, PageId(0), 10).await;
    assert!(pages.unwrap().is_empty());
}
