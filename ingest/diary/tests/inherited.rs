//! Somebody unknown turns out to be a patient while somebody is on the telephone for them.

// req: G9

mod support;

use support::person::*;
use support::*;
use veglia_diary::{
    Act, ActKind, Callee, PageWhy, Written, assign_device, diary_of, snooze, take_charge,
};
use veglia_store::Database;
use veglia_triage::{FlagId, PatientId, PatientState, Verdict, Why};

/// Who stands in while nobody knows whose the readings are: a number that nobody is given.
const NOBODY_KNOWN: PatientId = PatientId::new(1 << 63 | 7);

/// Said of a flag after all else.
const LAST_TELLING: u32 = 1 << 16;

fn person_of(patient: PatientId) -> Person {
    let mut person = Person::new();
    person.state = PatientState::new(patient);
    person
}

/// What is said when the readings of `of` turn out to be another's: the flag is taken back, and
/// the same readings speak of whoever they are.
fn turns_out(of: &FlagId, said: Vec<Verdict>, at: i64) -> Vec<Verdict> {
    let taken_back = Verdict::End {
        id: of.clone(),
        why: Why::NotTheirs,
        at: minute(at),
        telling: LAST_TELLING,
    };
    std::iter::once(taken_back).chain(said).collect()
}

async fn acts(diary: &Database, patient: PatientId) -> Vec<Act> {
    let all = minute(0)..minute(10_000);
    let lines = diary_of(diary, &ANNA, patient, all, 100).await;
    let lines = lines.expect("the diary");
    let acts = lines.into_iter().filter_map(|line| match line.what {
        Written::Act(act) => Some(act),
        _ => None,
    });
    acts.collect()
}

/// A red of somebody unknown, of whom ANNA takes charge a minute later.
async fn red_in_charge(diary: &Database, percent: i32) -> FlagId {
    let mut unknown = person_of(NOBODY_KNOWN);
    record(diary, &unknown.spo2(TEN, percent), TEN).await;
    taken(diary, TEN + 1).await
}

#[tokio::test]
async fn who_has_somebody_unknown_has_whom_they_turn_out_to_be_and_nobody_is_called_anew() {
    let (_folder, diary) = diary().await;
    let flag = red_in_charge(&diary, 84).await;
    let before = called(&diary).await.len();
    let mut person = Person::new();
    let said = turns_out(&flag, person.spo2(TEN, 84), TEN + 4);
    record(&diary, &said, TEN + 4).await;
    live(&diary, &mut person, TEN + 5..=TEN + 12).await;

    let said = called(&diary).await;
    let staff = said[before..].iter().filter(|it| it.1 != Callee::Mmg);
    assert_eq!(
        staff.collect::<Vec<_>>(),
        Vec::<&(i64, Callee, PageWhy)>::new()
    );
    let open = alerts(&diary).await;
    let [alert] = &open[..] else {
        panic!("{open:?}")
    };
    let hold = alert.state.hold.as_ref().unwrap();
    assert_eq!(alert.patient, PATIENT);
    assert_eq!((hold.by.as_str(), hold.since), ("staff:1", minute(TEN + 1)));

    let theirs = acts(&diary, PATIENT).await;
    let [act] = &theirs[..] else {
        panic!("{theirs:?}")
    };
    let said = (act.kind, act.by.as_str(), act.at);
    assert_eq!(said, (ActKind::TakenCharge, "staff:1", minute(TEN + 4)));
    assert!(act.words.contains("misura senza nome"), "{}", act.words);
    let unknown = acts(&diary, NOBODY_KNOWN).await;
    let words = &unknown[0].words;
    assert!(words.contains(&PATIENT.to_string()), "{words}");
}

#[tokio::test]
async fn a_charge_that_was_carried_over_lapses_as_any_other() {
    let (_folder, diary) = diary().await;
    let flag = red_in_charge(&diary, 84).await;
    let mut person = Person::new();
    let said = turns_out(&flag, person.spo2(TEN, 84), TEN + 4);
    record(&diary, &said, TEN + 4).await;
    let hold = alerts(&diary).await.remove(0).state.hold.unwrap();
    let lapses = hold.until.since(minute(0)) / 60_000;
    let before = called(&diary).await.len();
    live(&diary, &mut person, TEN + 5..=lapses).await;
    let said = called(&diary).await;
    let again = (lapses, Callee::Operator, PageWhy::ChargeLapsed);
    assert!(said[before..].contains(&again), "{said:?}");
}

#[tokio::test]
async fn what_is_measured_after_the_answer_is_told_to_whoever_has_it() {
    let (_folder, diary) = diary().await;
    let mut unknown = person_of(NOBODY_KNOWN);
    record(&diary, &unknown.spo2(TEN, 91), TEN).await;
    record(&diary, &unknown.spo2(TEN + 2, 90), TEN + 2).await;
    let flag = taken(&diary, TEN + 3).await;
    let mut person = Person::new();
    let mut said = person.spo2(TEN, 91);
    said.extend(person.spo2(TEN + 2, 90));
    record(&diary, &turns_out(&flag, said, TEN + 4), TEN + 4).await;
    let before = called(&diary).await.len();
    record(&diary, &person.spo2(TEN + 6, 84), TEN + 6).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(TEN + 6, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn of_what_nobody_had_taken_in_charge_the_operator_is_called() {
    let (_folder, diary) = diary().await;
    let mut unknown = person_of(NOBODY_KNOWN);
    record(&diary, &unknown.spo2(TEN, 84), TEN).await;
    let flag = listed(&diary).await.remove(0).0;
    let before = called(&diary).await.len();
    let said = turns_out(&flag, Person::new().spo2(TEN, 84), TEN + 4);
    record(&diary, &said, TEN + 4).await;
    let said = called(&diary).await;
    assert!(said[before..].contains(&(TEN + 4, Callee::Operator, PageWhy::New)));
    assert_eq!(acts(&diary, PATIENT).await, []);
}

#[tokio::test]
async fn what_is_graver_than_what_was_taken_in_charge_calls_for_people() {
    let (_folder, diary) = diary().await;
    let mut unknown = person_of(NOBODY_KNOWN);
    // Amber: somebody keeps an eye on it.
    record(&diary, &unknown.spo2(TEN, 93), TEN).await;
    record(&diary, &unknown.spo2(TEN + 5, 93), TEN + 5).await;
    let flag = taken(&diary, TEN + 6).await;
    let mut person = Person::new();
    person.spo2(TEN, 93);
    let mut said = person.spo2(TEN + 5, 84);
    said.retain(|it| matches!(it, Verdict::Raise(_)));
    let before = called(&diary).await.len();
    record(&diary, &turns_out(&flag, said, TEN + 7), TEN + 7).await;
    let said = called(&diary).await;
    assert!(said[before..].contains(&(TEN + 7, Callee::Operator, PageWhy::New)));
}

#[tokio::test]
async fn a_correction_from_one_patient_to_another_hands_no_charge_on() {
    let (_folder, diary) = diary().await;
    let (nonin, noon) = (device("nonin:501234"), minute(0));
    let given = assign_device(&diary, &ANNA, &nonin, OTHER, noon, noon);
    given.await.unwrap();
    let mut other = person_of(OTHER);
    record(&diary, &other.spo2(TEN, 84), TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    let before = called(&diary).await.len();
    let said = turns_out(&flag, Person::new().spo2(TEN, 84), TEN + 4);
    record(&diary, &said, TEN + 4).await;
    let said = called(&diary).await;
    assert!(said[before..].contains(&(TEN + 4, Callee::Operator, PageWhy::New)));
}

#[tokio::test]
async fn what_was_put_aside_for_somebody_unknown_is_nobodys() {
    let (_folder, diary) = diary().await;
    let mut unknown = person_of(NOBODY_KNOWN);
    record(&diary, &unknown.spo2(TEN, 84), TEN).await;
    let flag = listed(&diary).await.remove(0).0;
    let taken = take_charge(&diary, &ANNA, &flag, minute(TEN + 1)).await;
    taken.unwrap();
    let until = minute(TEN + 20);
    let quiet = snooze(&diary, &ANNA, &flag, until, "Richiamo.", minute(TEN + 2)).await;
    quiet.unwrap();
    let said = turns_out(&flag, Person::new().spo2(TEN, 84), TEN + 4);
    record(&diary, &said, TEN + 4).await;
    assert_eq!(alerts(&diary).await.remove(0).state.hold, None);
}
