//! What is given up and what is kept, alone and in an outbox at its limit.

use std::path::Path;

use veglia_journal::Position;
use veglia_journal::fake::FaultyFilesystem;
use veglia_wire::{Answer, AnswerCode, DeviceEvent, MonoMs, Sequence, SpO2, Vital};

use super::super::{Outbox, OutboxOptions, OutboxState};
use super::*;

const SECOND: u64 = 1_000;

fn record(device: &str, mono_ms: u64, body: Body) -> Record {
    Record {
        device: Some(DeviceId::new(device).unwrap()),
        when: When {
            boot: Boot(1),
            mono: MonoMs(mono_ms),
            wall: None,
            device: None,
        },
        body,
    }
}

fn saturation(device: &str, mono_ms: u64, quality: Quality) -> Record {
    let vital = Vital::SpO2(SpO2::from_percent_tenths(970).unwrap());
    record(device, mono_ms, Body::Reading(vital, quality))
}

fn live(mono_ms: u64) -> Record {
    saturation("nonin:1", mono_ms, Quality::empty())
}

fn entries(records: &[Record]) -> Vec<Entry> {
    let numbered = (1..).zip(records);
    let entry = |(number, record): (u64, &Record)| Entry {
        position: Position::new(number).unwrap(),
        bytes: record.encode(),
    };
    numbered.map(entry).collect()
}

/// What is left: records as they are, and gaps as what they count.
fn thinned(records: &[Record]) -> (u64, Vec<Option<Record>>) {
    let mut entries = entries(records);
    let given_up = Thinner::default().thin(&mut entries);
    let left = entries
        .iter()
        .map(|entry| Record::decode(&entry.bytes).ok());
    (given_up, left.collect())
}

fn lost(record: &Record) -> u64 {
    match record.body {
        Body::Gap(gap) => gap.lost.into(),
        _ => 0,
    }
}

#[test]
fn of_a_continuous_measurement_one_reading_a_minute_stays() {
    let records: Vec<Record> = (0..600).map(|second| live(second * SECOND)).collect();
    let (given_up, left) = thinned(&records);
    assert_eq!(given_up, 590);
    let left: Vec<Record> = left.into_iter().flatten().collect();
    assert_eq!(left.iter().map(lost).sum::<u64>(), given_up);
    let kept: Vec<u64> = left
        .iter()
        .filter(|record| lost(record) == 0)
        .map(|record| record.when.mono.0 / SECOND)
        .collect();
    assert_eq!(kept, (0..10).map(|minute| minute * 60).collect::<Vec<_>>());
    let Body::Gap(gap) = left[1].body else {
        panic!("a gap follows the first reading: {left:?}");
    };
    assert_eq!((gap.reason, gap.lost), (GapReason::Limit, 59));
    assert_eq!((gap.lasted_ms, left[1].when.mono.0), (Some(58_000), 59_000));
}

#[test]
fn what_is_no_continuous_reading_stays_whatever_surrounds_it() {
    let answer = Answer {
        code: AnswerCode::ChestPain,
        value: 1,
    };
    let kept = [
        record("nonin:1", 1_500, Body::Event(DeviceEvent::BatteryLow)),
        record("nonin:1", 2_500, Body::Answer(answer)),
        record("nonin:1", 3_500, Body::Clock),
        saturation("o2ring:7", 3_600, Quality::FROM_STORAGE),
        saturation("o2ring:7", 3_601, Quality::FROM_STORAGE),
        saturation("spot:1", 3_700, Quality::empty()),
        saturation("spot:1", 28_700, Quality::empty()),
    ];
    let mut records: Vec<Record> = (0..40).map(|second| live(second * SECOND)).collect();
    records.extend(kept.clone());
    records.sort_by_key(|record| record.when.mono);
    let (given_up, left) = thinned(&records);
    assert_eq!(given_up, 39);
    let left: Vec<Record> = left.into_iter().flatten().collect();
    for record in kept {
        assert!(left.contains(&record), "{record:?}");
    }
    assert_eq!(left.iter().map(lost).sum::<u64>(), 39);
}

#[test]
fn what_was_thinned_out_once_stays_as_it_is() {
    let records: Vec<Record> = (0..300).map(|second| live(second * SECOND)).collect();
    let mut entries = entries(&records);
    Thinner::default().thin(&mut entries);
    let once = entries.clone();
    assert_eq!(Thinner::default().thin(&mut entries), 0);
    assert_eq!(entries, once);
}

fn open(fs: &FaultyFilesystem) -> Outbox {
    let options = OutboxOptions {
        segment_bytes: 8 * 1024,
        max_total_bytes: 64 * 1024,
        ..OutboxOptions::default()
    };
    Outbox::open_on(fs.clone(), Path::new("outbox"), options).unwrap()
}

async fn everything(outbox: &Outbox) -> Vec<Record> {
    let mut spool = outbox.spool().await.unwrap();
    let newest = outbox.status().newest.unwrap();
    let page = spool.take(Sequence::FIRST, newest, 100_000).await.unwrap();
    assert_eq!(page.first, Sequence::FIRST, "nothing was removed");
    page.records
}

#[tokio::test]
async fn an_outbox_at_its_limit_goes_on_and_counts_what_it_gives_up() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    let mut events = 0;
    let seconds = 5_000;
    // A reader that is in the middle of an old segment when that is replaced.
    let mut spool = outbox.spool().await.unwrap();
    for second in 0..seconds {
        let at_ms = second * SECOND;
        let mut records = vec![live(at_ms)];
        if second % 100 == 0 {
            records.push(record("nonin:1", at_ms, Body::Event(DeviceEvent::Up)));
            events += 1;
        }
        outbox.append(records).await.unwrap();
        if second == 50 {
            let newest = outbox.status().newest.unwrap();
            let page = spool.take(Sequence::FIRST, newest, 40).await.unwrap();
            assert_eq!(page.records.len(), 40);
        }
    }
    assert_eq!(outbox.status().state, OutboxState::Writing);
    assert!(outbox.status().bytes <= 64 * 1024);
    let records = everything(&outbox).await;
    let appended = seconds + events;
    assert_eq!(records.len(), usize::try_from(appended).unwrap());
    let given_up = outbox.status().thinned;
    assert!(given_up > seconds / 2, "{given_up}");
    assert_eq!(records.iter().map(lost).sum::<u64>(), given_up);
    let is_kept = |record: &&Record| !matches!(record.body, Body::Gap(_));
    let kept = records.iter().filter(is_kept).count();
    assert_eq!(u64::try_from(kept).unwrap() + given_up, appended);
    let is_event = |record: &&Record| matches!(record.body, Body::Event(_));
    let kept_events = records.iter().filter(is_event).count();
    assert_eq!(u64::try_from(kept_events).unwrap(), events);
    let newest = records.last().unwrap();
    assert_eq!(newest, &live((seconds - 1) * SECOND), "the newest stay");

    let newest = outbox.status().newest.unwrap();
    let page = spool
        .take(Sequence::FIRST.plus(40), newest, 100_000)
        .await
        .unwrap();
    let damaged =
        |record: &Record| matches!(record.body, Body::Gap(gap) if gap.reason != GapReason::Limit);
    assert!(!page.records.iter().any(damaged), "no damage is seen");

    outbox.close().await;
    assert_eq!(
        everything(&open(&fs)).await,
        records,
        "also after a restart"
    );
}

#[tokio::test]
async fn a_power_cut_while_thinning_loses_nothing_that_is_not_counted() {
    for cut in (0..700).step_by(7) {
        let fs = FaultyFilesystem::new();
        let outbox = open(&fs);
        fs.cut_power_after(cut);
        let mut promised = 0_u64;
        for second in 0..2_500 {
            if outbox.append(vec![live(second * SECOND)]).await.is_err() {
                break;
            }
            promised += 1;
        }
        outbox.close().await;
        fs.crash_midway(cut);
        let outbox = open(&fs);
        if promised == 0 {
            continue;
        }
        let records = everything(&outbox).await;
        let records = &records[..usize::try_from(promised).unwrap()];
        let mut waiting = 0_u64;
        for (record, second) in records.iter().zip(0..) {
            match record.body {
                Body::Gap(gap) => {
                    assert_eq!(gap.reason, GapReason::Limit, "cut after {cut}");
                    waiting += 1;
                    if gap.lost > 0 {
                        assert_eq!(u64::from(gap.lost), waiting, "cut after {cut}");
                        waiting = 0;
                    }
                }
                _ => assert_eq!(record, &live(second * SECOND), "cut after {cut}"),
            }
        }
        assert_eq!(waiting, 0, "every gap is counted; cut after {cut}");
    }
}
