//! Whoever is taken charge of hears it at home, once.

// req: G9

use veglia_diary::{
    AlertId, AssignmentId, AttributionId, CallOutcome, Changed, Saying, Whom, answer_whose,
    record_call, share_device, take_charge,
};
use veglia_view::is_stand_in;

use super::*;
use crate::calls::{Calls, UnderWay, announce};

const ANNA: Actor = Actor::Staff(1);
const OTHER: PatientId = PatientId::new(0xb0b);

const SPOKEN: &str = "In casa è stato detto a voce: «La chiamiamo».";

/// A watch that has read that the patient is bad, and the flag.
async fn red(house: &mut House) -> (Watching, FlagId) {
    let last = house.receive(frame(1, 82));
    house.connect();
    let watching = house.watch("first").await;
    watching.until_read(last).await;
    let flag = house.listed().await.remove(0).0;
    (watching, flag)
}

impl House {
    fn calls(&self, watching: &Watching) -> Calls {
        Calls::new(self.asker(), watching.board.clone())
    }

    async fn until_noted(&self, words: &str) {
        let began = Instant::now();
        while !self.notes().await.iter().any(|it| it == words) {
            assert!(began.elapsed() < PATIENCE, "the diary says nothing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The hand-over that the house begins with.
    async fn given(&self) -> AssignmentId {
        let changes = changes_since(&self.record, &ACTOR, ChangeId(0)).await;
        let Changed::Assigned(given) = &changes.unwrap()[0].what else {
            panic!("the house begins with an assignment")
        };
        given.id
    }
}

#[tokio::test]
async fn who_is_taken_charge_of_hears_it_at_home_once_and_the_diary_says_so() {
    let mut house = House::new().await;
    let (watching, flag) = red(&mut house).await;
    let stop = CancellationToken::new();
    let saying = tokio::spawn(house.calls(&watching).serve(stop.clone()));
    take_charge(&house.record, &ANNA, &flag, NOON)
        .await
        .unwrap();
    let commanded = house.commanded().await;
    let [command] = &commanded[..] else {
        panic!("{commanded:?}")
    };
    let told = (command.session, &command.kind);
    assert_eq!(told, (Session(5), &CommandKind::WeWillCall));
    house.answer(command, Outcome::Done);
    house.until_noted(SPOKEN).await;
    stop.cancel();
    saying.await.unwrap();

    // Nobody answers the telephone: it is the same alert. Nor does another life say it again.
    let call = (Whom::Patient, CallOutcome::NoAnswer);
    record_call(&house.record, &ANNA, &flag, call, "", NOON)
        .await
        .unwrap();
    let again = house.calls(&watching).look().await.unwrap();
    assert!(again.is_empty(), "{again:?}");
    watching.stop().await;
}

#[tokio::test]
async fn who_does_not_answer_the_telephone_hears_that_somebody_calls() {
    let mut house = House::new().await;
    let (watching, flag) = red(&mut house).await;
    let mut calls = house.calls(&watching);
    let spoken = (Whom::Patient, CallOutcome::Well);
    record_call(&house.record, &ANNA, &flag, spoken, "", NOON)
        .await
        .unwrap();
    let found = calls.look().await.unwrap();
    assert!(found.is_empty(), "they have spoken: {found:?}");
    let silent = (Whom::Patient, CallOutcome::NoAnswer);
    record_call(&house.record, &ANNA, &flag, silent, "", NOON)
        .await
        .unwrap();
    assert_eq!(calls.look().await.unwrap().len(), 1);
    let found = calls.look().await.unwrap();
    assert!(found.is_empty(), "looked at twice: {found:?}");
    watching.stop().await;
}

#[tokio::test]
async fn what_is_read_when_nobody_has_it_any_more_says_nothing() {
    let mut house = House::new().await;
    let (watching, flag) = red(&mut house).await;
    take_charge(&house.record, &ANNA, &flag, NOON)
        .await
        .unwrap();
    house.close().await;
    let found = house.calls(&watching).look().await.unwrap();
    assert!(found.is_empty(), "it is closed: {found:?}");
    watching.stop().await;
}

#[tokio::test]
async fn a_box_without_a_voice_is_said_in_the_diary() {
    let mut house = House::new().await;
    let (watching, flag) = red(&mut house).await;
    let stop = CancellationToken::new();
    let saying = tokio::spawn(house.calls(&watching).serve(stop.clone()));
    take_charge(&house.record, &ANNA, &flag, NOON)
        .await
        .unwrap();
    let commanded = house.commanded().await;
    house.answer(&commanded[0], Outcome::NotSupported);
    let words = "«La chiamiamo» non è stato detto in casa: la scatola non ha voce.";
    house.until_noted(words).await;
    stop.cancel();
    saying.await.unwrap();
    watching.stop().await;
}

#[tokio::test]
async fn of_a_device_that_a_household_shares_no_box_is_told() {
    let mut house = House::new().await;
    let back = NOON.plus_ms(-500);
    let given = house.given().await;
    end_assignment(&house.record, &ACTOR, given, back, NOON)
        .await
        .unwrap();
    let members = [PATIENT, OTHER];
    share_device(&house.record, &ACTOR, &device(), &members, back, NOON)
        .await
        .unwrap();
    let change = house.change().await;
    house.append(&change);
    let (watching, flag) = red(&mut house).await;
    assert!(is_stand_in(flag.patient));
    take_charge(&house.record, &ANNA, &flag, NOON)
        .await
        .unwrap();
    // By now it is later than what was measured.
    let asker = Asker {
        care: CareClock::real(Arc::new(Handover)),
        ..house.asker()
    };
    let mut calls = Calls::new(asker, watching.board.clone());
    let found = calls.look().await.unwrap();
    assert!(found.is_empty(), "nobody knows who it is: {found:?}");

    // Somebody says whose it was: who is on the telephone has it, and the box may stand with the
    // other.
    let saying = Saying {
        device: &device(),
        measured: NOON..NOON.plus_ms(1),
        patient: Some(PATIENT),
        seen: AttributionId::default(),
    };
    answer_whose(&house.record, &ANNA, saying, NOON)
        .await
        .unwrap();
    let change = house.change().await;
    let last = house.append(&change);
    watching.until_read(last).await;
    let listed = open_flags(&house.record, &ACTOR).await.unwrap();
    let [theirs] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(theirs.flag.id.patient, PATIENT);
    let hold = theirs.alert.as_ref().and_then(|it| it.state.hold.as_ref());
    assert_eq!(hold.map(|it| it.by.as_str()), Some("staff:1"));
    let found = calls.look().await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    watching.stop().await;
}

#[tokio::test]
async fn a_box_that_is_reached_late_says_nothing_when_nobody_has_the_alert_any_more() {
    let mut house = House::new().await;
    let last = house.receive(frame(1, 82));
    let watching = house.watch("first").await;
    watching.until_read(last).await;
    let flag = house.listed().await.remove(0).0;
    take_charge(&house.record, &ANNA, &flag, NOON)
        .await
        .unwrap();
    let mut found = house.calls(&watching).look().await.unwrap();
    let one = found.remove(0);
    // It is closed while the box is looked for.
    house.close().await;
    let before = house.notes().await;
    announce(&house.asker(), one, Duration::ZERO).await;
    assert_eq!(house.notes().await, before, "there is nothing to say");
    watching.stop().await;
}

#[tokio::test]
async fn an_alert_whose_telling_broke_down_can_be_told_again() {
    let mut under_way = UnderWay::default();
    let alert = AlertId(7);
    under_way.begin(alert, async { panic!("telling breaks down") });
    assert!(under_way.is_told(alert));
    under_way.ended().await;
    assert!(!under_way.is_told(alert));
}
