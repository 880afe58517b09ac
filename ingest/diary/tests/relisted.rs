//! What a person has closed comes back while its cause lasts, and a new episode is told to
//! everybody who believes the last one over.

// req: G9

mod support;

use support::person::*;
use support::*;
use veglia_diary::{Callee, PageWhy, page_seen};
use veglia_triage::{Expected, Input, Parameter, Plan, step};
use veglia_wire::{AnswerCode, Quality, VitalKind};

#[tokio::test]
async fn a_red_measured_soon_after_a_person_closed_it_reaches_a_person() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 91), TEN).await;
    record(&diary, &person.spo2(TEN + 2, 90), TEN + 2).await;
    close_all(&diary, TEN + 8).await;
    let before = called(&diary).await.len();
    // The patient feels worse and measures twice more; then lies down.
    record(&diary, &person.spo2(TEN + 20, 89), TEN + 20).await;
    record(&diary, &person.spo2(TEN + 25, 89), TEN + 25).await;
    live(&diary, &mut person, TEN + 26..=TEN + 240).await;
    let said = called(&diary).await;
    assert!(
        said.len() > before,
        "89 % is the newest known value for three hours: {said:?}"
    );
    assert!(
        !listed(&diary).await.is_empty(),
        "and nothing is on the list"
    );
}

#[tokio::test]
async fn a_symptom_told_soon_after_a_person_closed_it_reaches_a_person() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.says(TEN, AnswerCode::ChestPain, 1), TEN).await;
    close_all(&diary, TEN + 8).await;
    let before = called(&diary).await.len();
    record(
        &diary,
        &person.says(TEN + 25, AnswerCode::ChestPain, 1),
        TEN + 25,
    )
    .await;
    live(&diary, &mut person, TEN + 26..=TEN + 240).await;
    let said = called(&diary).await;
    assert!(
        said.len() > before,
        "chest pain again, 17 minutes after it was closed: {said:?}"
    );
}

#[tokio::test]
async fn a_silence_that_a_person_closed_comes_back_when_the_next_measurement_is_missed_too() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    let times = ["08:00", "14:00", "20:00"].map(|time| time.parse().unwrap());
    let plan = Plan {
        parameters: vec![Parameter {
            vital: VitalKind::SpO2,
            expected: Expected::DailyAt(times.to_vec()),
            grace_minutes: 120,
        }],
        ..Plan::template("home-covid", PATIENT, minute(-600)).unwrap()
    };
    let said = step(
        &person.rules,
        &mut person.state,
        Input::Plan(&plan),
        minute(-600),
    );
    record(&diary, &said, -600).await;
    record(&diary, &person.spo2(-590, 97), -590).await;
    for now in [119, 120, 160, 165] {
        live(&diary, &mut person, now..=now).await;
    }
    assert_eq!(listed(&diary).await.len(), 1, "the morning was missed");
    // "Misura alle 14, promesso." Nothing more ever comes.
    close_all(&diary, 170).await;
    let before = called(&diary).await.len();
    for quarter in 12..=4 * 96 {
        live(&diary, &mut person, quarter * 15..=quarter * 15).await;
    }
    let said = called(&diary).await;
    assert!(
        said.len() > before,
        "four days without a measurement: {said:?}"
    );
}

#[tokio::test]
async fn a_bad_signal_that_a_person_closed_comes_back_when_the_next_attempts_fail_too() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    for at in [TEN, TEN + 10] {
        let said = person.vital(at, VitalKind::SpO2, 97, Quality::ARTEFACT);
        record(&diary, &said, at).await;
    }
    live(&diary, &mut person, TEN + 11..=TEN + 20).await;
    close_all(&diary, TEN + 20).await;
    let before = called(&diary).await.len();
    for at in [TEN + 300, TEN + 310, TEN + 600, TEN + 610] {
        let said = person.vital(at, VitalKind::SpO2, 97, Quality::ARTEFACT);
        record(&diary, &said, at).await;
        live(&diary, &mut person, at + 1..=at + 9).await;
    }
    live(&diary, &mut person, TEN + 620..=TEN + 640).await;
    let said = called(&diary).await;
    assert!(said.len() > before, "four more attempts failed: {said:?}");
}

#[tokio::test]
async fn a_new_episode_of_an_alert_that_nobody_closed_is_told_to_the_family_doctor_too() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    for (at, percent) in [(0, 91), (2, 90), (10, 96), (45, 96)] {
        record(&diary, &person.spo2(TEN + at, percent), TEN + at).await;
    }
    taken(&diary, TEN + 46).await;
    let page = page_of(&diary, Callee::Mmg).await;
    page_seen(&diary, &TRIAGE, page, minute(TEN + 47))
        .await
        .unwrap();
    let before = called(&diary).await.len();
    record(&diary, &person.spo2(TEN + 200, 84), TEN + 200).await;
    let said = called(&diary).await;
    let doctor = said[before..]
        .iter()
        .any(|(_, callee, _)| *callee == Callee::Mmg);
    assert!(doctor, "84 % three hours later: {:?}", &said[before..]);
}

#[tokio::test]
async fn an_unconfirmed_red_that_was_closed_comes_back_when_it_is_confirmed() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 91), TEN).await;
    close_all(&diary, TEN + 1).await;
    live(&diary, &mut person, TEN + 2..=TEN + 11).await;
    let said = called(&diary).await;
    assert_eq!(said[0], (TEN + 10, Callee::Operator, PageWhy::New));
}

#[tokio::test]
async fn a_confirmed_red_that_late_data_took_back_stays_for_a_person() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 91), TEN).await;
    record(&diary, &home.tick(TEN + 10), TEN + 10).await;
    record(&diary, &home.spo2(TEN + 5, TEN + 12, 97), TEN + 12).await;
    assert_eq!(listed(&diary).await.len(), 1);
    assert_eq!(alerts(&diary).await[0].state.over, Some(minute(TEN + 12)));
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
