//! Whoever has taken charge of a patient: what they are told, what they are not told again, and
//! what is theirs with it.

// req: G9

mod support;

use support::person::*;
use support::*;
use veglia_diary::{
    CallOutcome, Callee, PageId, PageWhy, Whom, hand_over, page_failed, pages_since, record_call,
    snooze, take_charge,
};
use veglia_store::Database;
use veglia_wire::{AnswerCode, Quality, VitalKind};

#[tokio::test]
async fn a_further_symptom_ends_a_snooze() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.says(TEN, AnswerCode::ChestPain, 1), TEN).await;
    let flag = listed(&diary).await.remove(0).0;
    let until = minute(TEN + 30);
    snooze(
        &diary,
        &ANNA,
        &flag,
        until,
        "Richiama il figlio.",
        minute(TEN + 1),
    )
    .await
    .unwrap();
    let before = called(&diary).await.len();
    record(
        &diary,
        &person.says(TEN + 5, AnswerCode::Fainting, 1),
        TEN + 5,
    )
    .await;
    live(&diary, &mut person, TEN + 5..=TEN + 6).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 5, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn a_further_symptom_is_told_to_whoever_has_taken_charge() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.says(TEN, AnswerCode::ChestPain, 1), TEN).await;
    taken(&diary, TEN + 1).await;
    let before = called(&diary).await.len();
    record(
        &diary,
        &person.says(TEN + 5, AnswerCode::Fainting, 1),
        TEN + 5,
    )
    .await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 5, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn a_value_too_bad_to_wait_is_told_to_whoever_has_taken_charge() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 91), TEN).await;
    record(&diary, &person.spo2(TEN + 2, 90), TEN + 2).await;
    taken(&diary, TEN + 3).await;
    let before = called(&diary).await.len();
    record(&diary, &person.spo2(TEN + 5, 84), TEN + 5).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 5, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn a_third_vital_sign_that_turns_red_ends_the_snooze_of_the_pair() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 91), TEN).await;
    let fast = person.vital(TEN, VitalKind::Pulse, 135, Quality::empty());
    record(&diary, &fast, TEN).await;
    for (flag, _) in listed(&diary).await {
        let until = minute(TEN + 30);
        snooze(&diary, &ANNA, &flag, until, "Richiamo.", minute(TEN + 1))
            .await
            .unwrap();
    }
    let before = called(&diary).await.len();
    let breaths = person.vital(TEN + 5, VitalKind::RespiratoryRate, 30, Quality::empty());
    record(&diary, &breaths, TEN + 5).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 5, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn whoever_is_given_a_red_is_called_or_the_ladder_goes_on() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    let before = called(&diary).await.len();
    // To somebody who has gone home, or does not look at the page.
    hand_over(&diary, &ANNA, &flag, 2, "Fine turno.", minute(TEN + 2))
        .await
        .unwrap();
    live(&diary, &mut person, TEN + 2..=TEN + 17).await;
    let said = called(&diary).await;
    assert_ne!(
        said[before..],
        [],
        "a quarter of an hour, and nobody was told"
    );
}

#[tokio::test]
async fn whoever_has_taken_charge_of_a_patient_is_not_called_for_the_same_minute_again_and_again() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    let mut now = TEN;
    for (kind, units) in [
        (VitalKind::SpO2, 90),
        (VitalKind::Pulse, 135),
        (VitalKind::RespiratoryRate, 28),
    ] {
        let said = person.vital(now, kind, units, Quality::empty());
        record(&diary, &said, now).await;
    }
    let pair = listed(&diary).await.into_iter();
    let mut pair = pair.filter(|(flag, _)| flag.rule.as_str() == "two-reds");
    let (pair, _) = pair.next().expect("at once");
    take_charge(&diary, &ANNA, &pair, minute(now + 1))
        .await
        .unwrap();
    let before = called(&diary).await.len();
    now += 2;
    live(&diary, &mut person, now..=TEN + 29).await;
    let said = called(&diary).await;
    let to_people: Vec<_> = said[before..]
        .iter()
        .filter(|it| it.1 != Callee::Mmg)
        .collect();
    assert!(
        to_people.len() <= 1,
        "{} calls: {to_people:?}",
        to_people.len()
    );
}

#[tokio::test]
async fn a_snooze_of_an_unconfirmed_red_ends_with_its_confirmation() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 91), TEN).await;
    let flag = listed(&diary).await.remove(0).0;
    let until = minute(TEN + 30);
    snooze(&diary, &ANNA, &flag, until, "Rimisura.", minute(TEN + 1))
        .await
        .unwrap();
    live(&diary, &mut person, TEN + 2..=TEN + 11).await;
    let said = called(&diary).await;
    assert_eq!(said[0], (TEN + 10, Callee::Operator, PageWhy::New));
}

/// Who has which open alert, by its rule.
async fn holders(diary: &Database) -> Vec<(String, Option<String>)> {
    let held = alerts(diary).await.into_iter().map(|alert| {
        let by = alert.state.hold.map(|hold| hold.by);
        (alert.flag.rule.to_string(), by)
    });
    held.collect()
}

#[tokio::test]
async fn what_was_taken_with_a_patient_calls_again_when_the_charge_lapses() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    for (kind, units) in [(VitalKind::SpO2, 90), (VitalKind::Pulse, 135)] {
        let said = person.vital(TEN, kind, units, Quality::empty());
        record(&diary, &said, TEN).await;
    }
    let listed = listed(&diary).await;
    let pair = listed
        .iter()
        .find(|(flag, _)| flag.rule.as_str() == "two-reds");
    take_charge(&diary, &ANNA, &pair.expect("at once").0, minute(TEN + 1))
        .await
        .unwrap();
    let hers = Some("staff:1".to_owned());
    let held = holders(&diary).await;
    assert!(held.iter().all(|(_, by)| *by == hers), "{held:?}");
    live(&diary, &mut person, TEN + 2..=TEN + 35).await;
    let said = called(&diary).await;
    let lapsed = said
        .iter()
        .filter(|(.., why)| *why == PageWhy::ChargeLapsed);
    let confirmed = alerts(&diary).await.into_iter();
    let confirmed = confirmed.filter(|alert| alert.state.is_confirmed).count();
    assert_eq!((lapsed.count(), confirmed), (3, 3), "{said:?}");
}

#[tokio::test]
async fn what_is_too_bad_to_wait_is_told_to_whoever_has_another_red_and_to_the_doctor_once() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.says(TEN, AnswerCode::ChestPain, 1), TEN).await;
    taken(&diary, TEN + 1).await;
    let before = called(&diary).await.len();
    record(&diary, &person.spo2(TEN + 5, 85), TEN + 5).await;
    record(&diary, &person.spo2(TEN + 6, 84), TEN + 6).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 5, Callee::Operator, PageWhy::New)]);
    let held = holders(&diary).await;
    assert!(held.iter().all(|(_, by)| by.is_some()), "{held:?}");
}

#[tokio::test]
async fn what_another_has_stays_theirs_and_what_nobody_has_is_taken_with_the_call() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    record(&diary, &person.says(TEN, AnswerCode::ChestPain, 1), TEN).await;
    let fast = person.vital(TEN, VitalKind::Pulse, 135, Quality::empty());
    record(&diary, &fast, TEN).await;
    let flags = listed(&diary).await;
    let of = |rule: &str| {
        let mut flags = flags.iter();
        &flags
            .find(|(flag, _)| flag.rule.as_str() == rule)
            .unwrap()
            .0
    };
    let now = minute(TEN + 1);
    hand_over(&diary, &ANNA, of("spo2-red"), 2, "", now)
        .await
        .unwrap();
    let call = (Whom::Patient, CallOutcome::NoAnswer);
    record_call(&diary, &ANNA, of("red-symptom"), call, "", now)
        .await
        .unwrap();
    for (rule, by) in holders(&diary).await {
        let expected = if rule == "spo2-red" {
            "staff:2"
        } else {
            "staff:1"
        };
        assert_eq!(by.as_deref(), Some(expected), "{rule}");
    }
    // What is theirs goes together, and is told once.
    hand_over(&diary, &ANNA, of("red-symptom"), 2, "", minute(TEN + 2))
        .await
        .unwrap();
    let held = holders(&diary).await;
    let his = Some("staff:2".to_owned());
    assert!(held.iter().all(|(_, by)| *by == his), "{held:?}");
    let pages = pages_since(&diary, &TRIAGE, PageId(0), 500).await.unwrap();
    let given = pages
        .iter()
        .filter(|page| page.callee == Callee::Receiver && page.at == minute(TEN + 2));
    let to: Vec<_> = given.map(|page| page.to.clone()).collect();
    assert_eq!(to, [his]);
}

#[tokio::test]
async fn whoever_is_given_a_red_and_cannot_be_reached_is_not_waited_for() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    let flag = listed(&diary).await.remove(0).0;
    hand_over(&diary, &ANNA, &flag, 2, "Fine turno.", minute(TEN + 1))
        .await
        .unwrap();
    let page = page_of(&diary, Callee::Receiver).await;
    page_failed(&diary, &TRIAGE, page, minute(TEN + 2), "SMS 500")
        .await
        .unwrap();
    let said = called(&diary).await;
    let last = (TEN + 2, Callee::Operator, PageWhy::ChannelFailed);
    assert_eq!(said.last(), Some(&last));
    alerts(&diary).await;
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
