//! Alerts as the watch drives them: by the ticks of the journal, and by nothing else.

// req: G9

use veglia_diary::{Callee, PageId, PageWhy, pages_since, take_charge};

use super::*;

/// So many minutes past noon.
fn minute(minutes: i64) -> WallMs {
    NOON.plus_ms(minutes * 60_000)
}

impl House {
    fn tick(&mut self, minutes: i64) -> Position {
        self.append(&Entry::Tick {
            at: minute(minutes),
        })
    }

    /// Whom pages called, by the minute after noon.
    async fn called(&self) -> Vec<(i64, Callee, PageWhy)> {
        let pages = pages_since(&self.record, &ACTOR, PageId(0), 500).await;
        let pages = pages.unwrap().into_iter();
        let said = pages.map(|it| (it.at.since(NOON) / 60_000, it.callee, it.why));
        said.collect()
    }

    /// A life of the watch that reads the journal from its beginning to its end.
    async fn live(&self, life: &str, last: Position) {
        let watching = self.watch(life).await;
        watching.until_read(last).await;
        watching.stop().await;
    }
}

#[tokio::test]
async fn an_unconfirmed_red_pages_in_the_batch_of_its_confirmation() {
    let mut house = House::new().await;
    let last = house.receive(frame(1, 91));
    house.live("first", last).await;
    assert_eq!(house.called().await, []);
    let repeat = frame_of(&device(), 2, 90, minute(2));
    let last = house.receive_at(repeat, minute(2));
    house.live("second", last).await;
    let said = house.called().await;
    assert_eq!(said[0], (2, Callee::Operator, PageWhy::New));
}

#[tokio::test]
async fn whoever_restarts_where_nobody_answers_nobody_is_paged_twice() {
    let mut house = House::new().await;
    house.receive(frame(1, 85));
    let mut last = house.tick(0);
    for minutes in 1..=20 {
        last = house.tick(minutes);
        if minutes % 4 == 0 {
            house.live(&format!("life {minutes}"), last).await;
        }
    }
    house.live("last", last).await;
    let said = house.called().await;
    let callees: Vec<(Callee, PageWhy)> = said.iter().map(|it| (it.1, it.2)).collect();
    assert_eq!(
        callees,
        [
            (Callee::Operator, PageWhy::New),
            (Callee::Mmg, PageWhy::Informed),
            (Callee::Operator, PageWhy::Again),
            (Callee::SecondOperator, PageWhy::Escalated),
            (Callee::Doctor, PageWhy::Escalated),
        ]
    );
}

#[tokio::test]
async fn twenty_minutes_without_ingest_lose_no_deadline() {
    let mut house = House::new().await;
    house.receive(frame(1, 85));
    let last = house.tick(1);
    house.live("before", last).await;
    // Somebody took charge just before, and the page was read; then nothing ran until it lapsed.
    let open = open_flags(&house.record, &ACTOR).await.unwrap();
    let anna = Actor::Staff(1);
    take_charge(&house.record, &anna, &open[0].flag.id, minute(2))
        .await
        .unwrap();
    let last = house.tick(22);
    house.live("on time", last).await;
    assert_eq!(house.called().await.len(), 2, "it is hers");
    let last = house.tick(45);
    house.live("late", last).await;
    let said = house.called().await;
    assert_eq!(said[2], (45, Callee::Operator, PageWhy::ChargeLapsed));
}

#[tokio::test]
async fn a_clock_that_jumped_a_day_ahead_and_was_set_right_does_not_stop_the_ladder() {
    let mut house = House::new().await;
    house.receive(frame(1, 85));
    for minutes in [0, 1, 24 * 60] {
        let last = house.tick(minutes);
        house.live(&format!("life {minutes}"), last).await;
    }
    let before = house.called().await.len();
    // The process that finds the clock set right is not the one that saw it jump.
    for minutes in 2..=20 {
        let last = house.tick(minutes);
        house.live(&format!("back {minutes}"), last).await;
    }
    let said = house.called().await;
    let later: Vec<_> = said[before..].iter().filter(|it| it.0 <= 20).collect();
    assert!(!later.is_empty(), "nobody has taken charge: {said:?}");
}
