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
    assert!(kept.is_handed);
    assert_eq!(kept.said, call.said);
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
async fn a_death_before_the_outbox_is_finished_and_one_after_it_is_not_repeated() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    let (first, second) = (call(1, vec![spo2(93)]), call(2, vec![spo2(94)]));
    // Dead after the rows, before the outbox.
    line.write(&ACTOR, &first, NOW).await.unwrap();
    let status = line.outbox.status();
    let row = handed::ActiveModel {
        id: NotSet,
        call: Set(first.id.to_string()),
        epoch: Set(status.epoch.to_string()),
        after: Set(super::newest(&status)),
    };
    let row = &row;
    let written = record.run_tx("test", &ACTOR, move |tx| {
        Box::pin(async move {
            handed::Entity::insert(row.clone())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    });
    written.await.unwrap();
    let is_handed = async |line: &Line, call: &Call| {
        let kept = line.kept(&ACTOR, PATIENT, &call.id).await.unwrap();
        kept.unwrap().is_handed
    };
    assert!(!is_handed(&line, &first).await);
    let stuck = line.stuck(&ACTOR, NOW).await.unwrap();
    assert_eq!(stuck, [(PATIENT, first.id.clone())]);
    line.save(&ACTOR, second.clone(), NOW).await.unwrap();
    assert!(!is_handed(&line, &first).await, "the second one went in");
    assert!(is_handed(&line, &second).await);
    let kept = line
        .kept(&ACTOR, PATIENT, &first.id)
        .await
        .unwrap()
        .unwrap();
    line.finish(&ACTOR, &first.id, kept).await.unwrap();
    assert!(is_handed(&line, &first).await);
    assert_eq!(newest(&line), 2);
    assert_eq!(line.stuck(&ACTOR, NOW).await.unwrap(), []);
    // Started again: all of it is known.
    line.outbox.close().await;
    drop(line);
    let line = open(&folder, &record);
    for call in [first, second] {
        line.save(&ACTOR, call.clone(), NOW).await.unwrap();
        assert!(is_handed(&line, &call).await);
    }
    assert_eq!(newest(&line), 2);
}

#[tokio::test]
async fn an_outbox_that_was_begun_anew_asks_nobody_to_send_old_calls_again() {
    let folder = TempDir::new().unwrap();
    let record = record(&folder).await;
    let line = open(&folder, &record);
    line.save(&ACTOR, call(1, vec![spo2(93)]), NOW)
        .await
        .unwrap();
    line.outbox.close().await;
    drop(line);
    std::fs::rename(folder.path().join("phone"), folder.path().join("away")).unwrap();
    let line = open(&folder, &record);
    assert_eq!(line.stuck(&ACTOR, NOW).await.unwrap(), []);
    // A form that is repeated is sent: a value twice is better than none.
    line.save(&ACTOR, call(1, vec![spo2(93)]), NOW)
        .await
        .unwrap();
    assert_eq!(newest(&line), 1);
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
