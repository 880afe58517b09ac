//! The line by itself: what is kept, what is repeated, and what survives a death in between.

// req: B11

use std::sync::Arc;

use tempfile::TempDir;
use veglia_wire::{Answer, AnswerCode, Clock, SpO2, Vital};

use super::*;
use crate::schema::SCHEMA;

const NOW: WallMs = WallMs(1_605_964_320_000);
const ACTOR: Actor = Actor::Staff(3);
const PATIENT: PatientId = PatientId::new(0xa11ce);

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        NOW
    }
}

async fn record(folder: &TempDir) -> Database {
    let schemas = [veglia_diary::SCHEMA, SCHEMA];
    veglia_trial::open(&folder.path().join("record.db"), &schemas).await
}

fn open(folder: &TempDir, record: &Database) -> Line {
    let care = CareClock::real(Arc::new(Still));
    Line::open(&folder.path().join("phone"), record.clone(), care).unwrap()
}

fn spo2(percent: i32) -> Said {
    Said::Value(Vital::SpO2(
        SpO2::from_percent_tenths(percent * 10).unwrap(),
    ))
}

fn call(number: u64, said: Vec<Said>) -> Call {
    Call {
        id: format!("{number:032x}").parse().unwrap(),
        patient: PATIENT,
        at: NOW,
        said,
        need: None,
        words: "Telefonata.".to_owned(),
    }
}

fn newest(line: &Line) -> u64 {
    let newest = line.outbox.status().newest;
    newest.map_or(0, |sequence| sequence.get())
}

async fn place(line: &Line, call: &Call) -> Place {
    let kept = line.kept(&ACTOR, PATIENT, &call.id).await.unwrap();
    kept.unwrap().place
}

/// Which calls somebody has to look after, and whether an outbox had them that is gone.
async fn loose(line: &Line) -> Vec<(CallId, bool)> {
    let loose = line.loose(&ACTOR, NOW).await.unwrap();
    let loose = loose.into_iter().map(|it| (it.call, it.is_lost));
    loose.collect()
}

/// All that is done for a call until somebody dies: before the outbox has it, or after.
async fn dies(line: &Line, call: &Call, is_in_outbox: bool) {
    line.write(&ACTOR, call, NOW).await.unwrap();
    let status = line.outbox.status();
    let before = (status.epoch, status.newest);
    let handed = way::is_handed(&line.record, &ACTOR, &call.id, before).await;
    handed.unwrap();
    if is_in_outbox {
        let records = line.records(PATIENT, call.at, &call.said);
        line.outbox.append(records).await.unwrap();
    }
}

/// The power goes in the middle of the last write.
fn tear_the_tail(folder: &TempDir) {
    let files = std::fs::read_dir(folder.path().join("phone/journal")).unwrap();
    let newest = files.map(|file| file.unwrap().path()).max().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(newest);
    let file = file.unwrap();
    file.set_len(file.metadata().unwrap().len() - 3).unwrap();
}

#[tokio::test]
async fn a_repeated_form_doubles_nothing() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let yes = Said::Answer(Answer {
        code: AnswerCode::ChestPain,
        value: 1,
    });
    let call = call(1, vec![spo2(88), yes]);
    for _ in 0..3 {
        line.save(&ACTOR, call.clone(), NOW).await.unwrap();
        assert_eq!(newest(&line), 2);
    }
    let device = device(PATIENT);
    let worn = wearer(&record, &ACTOR, &device, NOW).await.unwrap();
    assert_eq!(worn, Some(PATIENT));
    let kept = line.kept(&ACTOR, PATIENT, &call.id).await.unwrap().unwrap();
    assert_eq!(kept.place, Place::Waiting);
    assert_eq!(kept.said, call.said);
    let newest = line.outbox.status().newest.unwrap();
    line.outbox.acknowledged(newest);
    assert_eq!(place(&line, &call).await, Place::Arrived);
}

#[tokio::test]
async fn other_values_under_the_same_name_are_refused() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    line.save(&ACTOR, call(1, vec![spo2(93)]), NOW)
        .await
        .unwrap();
    let other = line.save(&ACTOR, call(1, vec![spo2(88)]), NOW).await;
    assert!(matches!(other, Err(SaveError::Other)), "{other:?}");
    assert_eq!(newest(&line), 1);
}

#[tokio::test]
async fn what_is_changed_under_the_same_name_is_never_dropped() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let first = call(1, vec![spo2(93)]);
    line.save(&ACTOR, first.clone(), NOW).await.unwrap();
    let need = Draft {
        kinds: vec!["food"],
        words: String::new(),
        place: "via Larga 1".to_owned(),
        has_consent: true,
    };
    let changed = [
        Call {
            need: Some(need),
            ..first.clone()
        },
        Call {
            words: "Telefonata. È stanca.".to_owned(),
            ..first.clone()
        },
        Call {
            at: NOW.plus_ms(60_000),
            ..first.clone()
        },
    ];
    for changed in changed {
        let other = line.save(&ACTOR, changed, NOW).await;
        assert!(matches!(other, Err(SaveError::Other)), "{other:?}");
    }
    line.save(&ACTOR, first, NOW).await.unwrap();
    assert_eq!(newest(&line), 1);
}

#[tokio::test]
async fn a_death_before_the_outbox_is_finished_and_one_after_it_is_not_repeated() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let (before, after) = (call(1, vec![spo2(93)]), call(2, vec![spo2(94)]));
    let third = call(3, vec![spo2(95)]);
    dies(&line, &before, false).await;
    dies(&line, &after, true).await;
    line.save(&ACTOR, third.clone(), NOW).await.unwrap();
    let doubtful = [(before.id.clone(), false), (after.id.clone(), false)];
    assert_eq!(
        loose(&line).await,
        doubtful,
        "nobody says yet that they went in"
    );
    for call in [&before, &after] {
        assert_eq!(place(&line, call).await, Place::Stuck);
        let kept = line.kept(&ACTOR, PATIENT, &call.id).await.unwrap().unwrap();
        line.finish(&ACTOR, &call.id, kept).await.unwrap();
        assert_eq!(place(&line, call).await, Place::Waiting);
    }
    assert_eq!(newest(&line), 3, "each is there once");
    assert_eq!(loose(&line).await, []);
    // Started again: all of it is known.
    line.outbox.close().await;
    drop(line);
    let line = open(&folder, &record);
    for call in [before, after, third] {
        line.save(&ACTOR, call.clone(), NOW).await.unwrap();
        assert_eq!(place(&line, &call).await, Place::Waiting);
    }
    assert_eq!(newest(&line), 3);
}

#[tokio::test]
async fn a_call_whose_write_was_cut_short_is_not_saved_before_it_is_there() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    line.save(&ACTOR, call(1, vec![spo2(97)]), NOW)
        .await
        .unwrap();
    let cut = call(2, vec![spo2(88), spo2(89)]);
    dies(&line, &cut, true).await;
    line.outbox.close().await;
    drop(line);
    tear_the_tail(&folder);

    let line = open(&folder, &record);
    assert!(
        newest(&line) >= 3,
        "the numbers of what was torn are not given again"
    );
    assert_eq!(place(&line, &cut).await, Place::Stuck);
    // Even when a later call has gone in, and the sequence beyond.
    line.save(&ACTOR, call(3, vec![spo2(96)]), NOW)
        .await
        .unwrap();
    assert_eq!(place(&line, &cut).await, Place::Stuck);
    assert_eq!(loose(&line).await, [(cut.id.clone(), false)]);
    line.save(&ACTOR, cut.clone(), NOW).await.unwrap();
    for wanted in line.records(PATIENT, cut.at, &cut.said) {
        let held = line.outbox.holds(None, |record| is_same(record, &wanted));
        assert!(held.await.unwrap(), "what is said to be saved is there");
    }
    assert_eq!(place(&line, &cut).await, Place::Waiting);
    let then = newest(&line);
    line.save(&ACTOR, cut, NOW).await.unwrap();
    assert_eq!(newest(&line), then, "and once");
}

#[tokio::test]
async fn of_calls_in_an_outbox_that_is_gone_nobody_says_that_they_arrived() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let said = call(1, vec![spo2(93)]);
    line.save(&ACTOR, said.clone(), NOW).await.unwrap();
    line.outbox.close().await;
    drop(line);
    std::fs::rename(folder.path().join("phone"), folder.path().join("away")).unwrap();
    let line = open(&folder, &record);
    assert_eq!(loose(&line).await, [(said.id.clone(), true)]);
    assert_eq!(place(&line, &said).await, Place::Lost);
    // A form that is repeated is sent: a value twice is better than none.
    line.save(&ACTOR, said.clone(), NOW).await.unwrap();
    assert_eq!(newest(&line), 1);
    assert_eq!(place(&line, &said).await, Place::Waiting);
    assert_eq!(loose(&line).await, []);
}

#[tokio::test]
async fn two_calls_at_once_both_get_there_once() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let (a, b) = (call(1, vec![spo2(93)]), call(2, vec![spo2(94), spo2(95)]));
    let saves = [&a, &b, &a, &b].map(|call| line.save(&ACTOR, call.clone(), NOW));
    let [one, two, three, four] = saves;
    let (one, two, three, four) = tokio::join!(one, two, three, four);
    for saved in [one, two, three, four] {
        saved.unwrap();
    }
    assert_eq!(newest(&line), 3);
}
