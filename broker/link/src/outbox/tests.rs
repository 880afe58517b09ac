//! The outbox on a disk that fills up, fails, forgets and is spoiled.

use std::path::Path;

use veglia_journal::fake::FaultyFilesystem;
use veglia_wire::{Body, Boot, GapReason, MonoMs, RefusalReason, When};

use super::*;

const DIR: &str = "outbox";

fn heartbeat(mono: u64) -> Record {
    Record {
        device: None,
        when: When {
            boot: Boot(1),
            mono: MonoMs(mono),
            wall: None,
            device: None,
        },
        body: Body::Heartbeat(0),
    }
}

fn heartbeats(count: u64) -> Vec<Record> {
    (1..=count).map(heartbeat).collect()
}

fn sequence(number: u64) -> Sequence {
    Sequence::new(number).expect("tests count from 1")
}

fn try_open(fs: &FaultyFilesystem) -> Result<Outbox, OpenError> {
    Outbox::open_on(fs.clone(), Path::new(DIR), OutboxOptions::default())
}

fn open(fs: &FaultyFilesystem) -> Outbox {
    try_open(fs).unwrap()
}

/// With segments of some ten heartbeats.
fn open_small(fs: &FaultyFilesystem, max_total_bytes: u64) -> Outbox {
    let options = OutboxOptions {
        segment_bytes: 600,
        max_total_bytes,
        ..OutboxOptions::default()
    };
    Outbox::open_on(fs.clone(), Path::new(DIR), options).unwrap()
}

async fn everything(outbox: &Outbox) -> Vec<Record> {
    let newest = outbox.status().newest.unwrap();
    let mut spool = outbox.spool().await.unwrap();
    let page = spool.take(Sequence::FIRST, newest, 1000).await.unwrap();
    page.records
}

async fn settled(outbox: &Outbox, wanted: impl FnMut(&OutboxStatus) -> bool) -> OutboxStatus {
    let mut watched = outbox.watch();
    let waiting = watched.wait_for(wanted);
    let status = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    *status.expect("it settles").unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

#[tokio::test]
async fn sequences_go_on_after_a_power_cut_and_the_epoch_stays() {
    let fs = FaultyFilesystem::new();
    let before = open(&fs);
    let appended = before.append(heartbeats(3)).await.unwrap();
    assert_eq!((appended.first, appended.last), (sequence(1), sequence(3)));
    fs.crash();

    let outbox = open(&fs);
    assert_eq!(outbox.status().epoch, before.status().epoch);
    assert_eq!(outbox.status().waiting(), 3);
    let appended = outbox.append(heartbeats(2)).await.unwrap();
    assert_eq!((appended.first, appended.last), (sequence(4), sequence(5)));
}

/// Opens, appends and acknowledges until the power goes; answers what was promised to be kept.
async fn use_until_the_power_goes(fs: &FaultyFilesystem) -> Option<(Epoch, Vec<(u64, Record)>)> {
    let options = OutboxOptions {
        segment_bytes: 200,
        ..OutboxOptions::default()
    };
    let outbox = Outbox::open_on(fs.clone(), Path::new(DIR), options).ok()?;
    let mut promised = Vec::new();
    for mono in 1.. {
        let record = heartbeat(mono);
        let Ok(appended) = outbox.append(vec![record.clone(), record.clone()]).await else {
            break;
        };
        for sequence in [appended.first, appended.last] {
            promised.push((sequence.get(), record.clone()));
        }
        if mono % 4 == 0 {
            outbox.acknowledged(sequence(mono));
            promised.retain(|(sequence, _)| *sequence > mono);
        }
    }
    outbox.close().await;
    Some((outbox.status().epoch, promised))
}

#[tokio::test]
async fn whatever_was_appended_survives_a_power_cut_at_any_moment() {
    for changes in 0..150 {
        let fs = FaultyFilesystem::new();
        fs.cut_power_after(changes);
        let promised = use_until_the_power_goes(&fs).await;
        fs.crash_midway(changes);
        let outbox = open(&fs);
        let Some((epoch, promised)) = promised else {
            continue;
        };
        assert!(outbox.status().epoch == epoch || promised.is_empty());
        let Some(newest) = outbox.status().newest else {
            assert_eq!(promised, []);
            continue;
        };
        let mut spool = outbox.spool().await.unwrap();
        let page = spool.take(sequence(1), newest, 1000).await.unwrap();
        for (number, record) in promised {
            let place = usize::try_from(number - page.first.get()).unwrap();
            assert_eq!(page.records[place], record, "cut after {changes} changes");
        }
    }
}

#[tokio::test]
async fn every_new_outbox_has_an_epoch_of_its_own() {
    let epochs = [(); 2].map(|()| open(&FaultyFilesystem::new()).status().epoch);
    assert_ne!(epochs[0], epochs[1]);
}

#[tokio::test]
async fn appends_made_together_share_a_sync_and_keep_their_order() {
    let fs = FaultyFilesystem::new();
    let options = OutboxOptions {
        commit_window: Duration::from_millis(50),
        ..OutboxOptions::default()
    };
    let outbox = Outbox::open_on(fs.clone(), Path::new(DIR), options).unwrap();
    outbox.append(heartbeats(1)).await.unwrap();
    let syncs = fs.syncs();
    let appends: Vec<_> = (0..20)
        .map(|_| {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.append(heartbeats(2)).await })
        })
        .collect();
    let mut firsts = Vec::new();
    for append in appends {
        let appended = append.await.unwrap().unwrap();
        assert_eq!(appended.last, appended.first.plus(1));
        firsts.push(appended.first.get());
    }
    firsts.sort_unstable();
    assert_eq!(firsts, (0..20).map(|n| 2 + 2 * n).collect::<Vec<u64>>());
    assert!(fs.syncs() - syncs < 20);
}

#[tokio::test]
async fn unreasonable_appends_are_refused_without_being_counted() {
    let outbox = open(&FaultyFilesystem::new());
    let nothing = outbox.append(Vec::new()).await;
    assert!(matches!(nothing, Err(AppendError::Empty)));
    let too_many = outbox.append(heartbeats(1025)).await;
    assert!(matches!(too_many, Err(AppendError::TooMany(1025))));
    assert_eq!(outbox.status().state, OutboxState::Writing);
}

#[tokio::test]
async fn what_did_not_fit_on_the_disk_is_counted_and_stands_as_a_gap() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(vec![heartbeat(1_000)]).await.unwrap();
    fs.set_free_bytes(Some(0));
    for mono in [2_000, 3_000] {
        let full = outbox.append(vec![heartbeat(mono), heartbeat(mono)]).await;
        assert!(matches!(full, Err(AppendError::DiskFull(_))));
    }
    assert_eq!(outbox.status().state, OutboxState::Refusing { lost: 4 });

    fs.set_free_bytes(None);
    let appended = outbox.append(vec![heartbeat(9_000)]).await.unwrap();
    assert_eq!(appended.first, sequence(3), "the gap has sequence 2");
    assert_eq!(outbox.status().state, OutboxState::Writing);
    let records = everything(&outbox).await;
    let gap = veglia_wire::Gap {
        reason: GapReason::DiskFull,
        lost: 4,
        lasted_ms: Some(7_000),
    };
    assert_eq!(records[1].body, Body::Gap(gap));
    assert_eq!(records[1].when, heartbeat(9_000).when);
    assert_eq!(records[2], heartbeat(9_000));
}

fn gaps(records: &[Record]) -> Vec<(GapReason, u32)> {
    let gap = |record: &Record| match record.body {
        Body::Gap(gap) => Some((gap.reason, gap.lost)),
        _ => None,
    };
    records.iter().filter_map(gap).collect()
}

#[tokio::test]
async fn what_a_full_disk_refused_is_told_after_a_power_cut_and_only_once() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(1)).await.unwrap();
    fs.set_free_bytes(Some(0));
    for _ in 0..2 {
        outbox.append(heartbeats(2)).await.unwrap_err();
    }
    fs.crash();
    let outbox = open(&fs);
    outbox.append(heartbeats(3)).await.unwrap_err();
    fs.crash();

    fs.set_free_bytes(None);
    let outbox = open(&fs);
    outbox.append(heartbeats(1)).await.unwrap();
    assert_eq!(
        gaps(&everything(&outbox).await),
        [(GapReason::DiskFull, 2 * 2 + 3)]
    );
    outbox.close().await;
    for _ in 0..2 {
        let outbox = open(&fs);
        outbox.append(heartbeats(1)).await.unwrap();
        assert_eq!(gaps(&everything(&outbox).await).len(), 1);
        outbox.close().await;
    }
}

/// Fills the disk, loses records, has room again, until the power goes; how many it says are lost.
async fn lose_until_the_power_goes(fs: &FaultyFilesystem) -> Option<u32> {
    let outbox = try_open(fs).ok()?;
    outbox.append(heartbeats(1)).await.ok()?;
    fs.set_free_bytes(Some(0));
    let mut lost = 0;
    for _ in 0..3 {
        let refused = outbox.append(heartbeats(1)).await;
        if let Err(AppendError::DiskFull(_)) = refused
            && let OutboxState::Refusing { lost: told } = outbox.status().state
        {
            lost = told;
        }
    }
    fs.set_free_bytes(None);
    drop(outbox.append(heartbeats(1)).await);
    outbox.close().await;
    Some(lost)
}

#[tokio::test]
async fn what_was_lost_is_told_exactly_once_whenever_the_power_goes() {
    for changes in 0..60 {
        let fs = FaultyFilesystem::new();
        fs.cut_power_after(changes);
        let lost = lose_until_the_power_goes(&fs).await;
        fs.crash_midway(changes);
        fs.set_free_bytes(None);
        let outbox = open(&fs);
        outbox.append(heartbeats(1)).await.unwrap();
        let told: u32 = gaps(&everything(&outbox).await)
            .iter()
            .filter(|(reason, _)| *reason == GapReason::DiskFull)
            .map(|(_, lost)| lost)
            .sum();
        // The power may go while the last of them is being written down.
        let least = lost.unwrap_or(0);
        assert!(
            told == least || told + 1 == least,
            "cut after {changes}: {told} of {least}"
        );
    }
}

fn of_a_stream(mono: u64) -> Record {
    let spo2 = veglia_wire::SpO2::from_percent_tenths(970).unwrap();
    let vital = veglia_wire::Vital::SpO2(spo2);
    Record {
        device: Some(veglia_wire::DeviceId::new("nonin:1").unwrap()),
        body: Body::Reading(vital, veglia_wire::Quality::empty()),
        ..heartbeat(mono)
    }
}

#[tokio::test]
async fn readings_that_go_on_wait_for_company_and_what_is_urgent_takes_them_along() {
    let fs = FaultyFilesystem::new();
    let options = OutboxOptions {
        // Nobody waits so long.
        commit_window: Duration::from_secs(3_600),
        ..OutboxOptions::default()
    };
    let outbox = Outbox::open_on(fs.clone(), Path::new(DIR), options).unwrap();
    let appending = |record: Record| {
        let outbox = outbox.clone();
        tokio::spawn(async move { outbox.append(vec![record]).await })
    };
    outbox.append(vec![of_a_stream(1_000)]).await.unwrap();
    let syncs = fs.syncs();
    let waiting: Vec<_> = (2..6).map(|n| appending(of_a_stream(n * 1_000))).collect();
    let out = Body::Contact(veglia_wire::Sensor::Oximeter, veglia_wire::Contact::Off);
    let urgent = Record {
        body: out,
        ..of_a_stream(6_000)
    };
    let urgent = appending(urgent).await.unwrap().unwrap();
    for waiting in waiting {
        assert!(waiting.await.unwrap().unwrap().last < urgent.first);
    }
    assert_eq!(fs.syncs() - syncs, 1);
}

#[tokio::test]
async fn over_its_limit_it_refuses_until_ingest_acknowledges() {
    let outbox = open_small(&FaultyFilesystem::new(), 2_000);
    let mut appended = 0;
    let error = loop {
        match outbox.append(vec![heartbeat(appended)]).await {
            Ok(_) => appended += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Full(_)));
    let bytes = outbox.status().bytes;
    outbox.acknowledged(outbox.status().newest.unwrap());
    settled(&outbox, |status| status.bytes < bytes).await;
    outbox.append(vec![heartbeat(appended)]).await.unwrap();
    let mut spool = outbox.spool().await.unwrap();
    let newest = outbox.status().newest.unwrap();
    let page = spool
        .take(sequence(appended + 1), newest, 10)
        .await
        .unwrap();
    let Body::Gap(gap) = page.records[0].body else {
        panic!("no gap: {:?}", page.records[0]);
    };
    assert_eq!((gap.reason, gap.lost), (GapReason::Limit, 1));
}

#[tokio::test]
async fn a_disk_that_does_not_confirm_is_final() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(1)).await.unwrap();
    fs.fail_sync_after(0);
    for _ in 0..2 {
        let failed = outbox.append(heartbeats(1)).await;
        assert!(matches!(failed, Err(AppendError::Poisoned(_))));
    }
    assert_eq!(outbox.status().state, OutboxState::Poisoned);
}

#[tokio::test]
async fn acknowledged_segments_are_deleted_and_the_mark_survives() {
    let fs = FaultyFilesystem::new();
    let outbox = open_small(&fs, 1_000_000);
    for mono in 0..50 {
        outbox.append(vec![heartbeat(mono)]).await.unwrap();
    }
    let bytes = outbox.status().bytes;
    outbox.acknowledged(sequence(40));
    outbox.acknowledged(sequence(7));
    let status = settled(&outbox, |status| status.bytes < bytes).await;
    assert_eq!(status.waiting(), 10);
    let oldest = status.oldest.unwrap();
    assert!(oldest > sequence(1) && oldest <= sequence(41));
    outbox.close().await;

    let outbox = open_small(&fs, 1_000_000);
    assert_eq!(outbox.status().acknowledged, Some(sequence(40)));
    let mut spool = outbox.spool().await.unwrap();
    let page = spool.take(sequence(1), sequence(50), 1000).await.unwrap();
    assert_eq!(page.first, oldest, "what was removed is skipped");
}

#[tokio::test]
async fn an_acknowledgement_beyond_the_newest_counts_as_the_newest() {
    let outbox = open(&FaultyFilesystem::new());
    outbox.append(heartbeats(3)).await.unwrap();
    outbox.acknowledged(sequence(9));
    assert_eq!(outbox.status().acknowledged, Some(sequence(3)));
}

#[tokio::test]
async fn a_damaged_mark_means_starting_over() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(3)).await.unwrap();
    outbox.acknowledged(sequence(3));
    outbox.close().await;
    fs.flip(&path("acknowledged"), 20, 1).unwrap();
    assert_eq!(open(&fs).status().waiting(), 3);
}

#[tokio::test]
async fn without_its_epoch_an_outbox_with_records_does_not_open() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(3)).await.unwrap();
    outbox.close().await;
    fs.flip(&path("epoch"), 20, 1).unwrap();
    assert!(matches!(try_open(&fs), Err(OpenError::Mark { .. })));
    fs.remove(&path("epoch")).unwrap();
    assert!(matches!(try_open(&fs), Err(OpenError::NoEpoch { .. })));
}

#[tokio::test]
async fn an_outbox_put_back_from_an_older_copy_does_not_open() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(3)).await.unwrap();
    let log = fs
        .files()
        .into_iter()
        .find(|path| path.starts_with("outbox/journal"));
    let log = log.unwrap();
    let copy = fs.content(&log).unwrap();
    outbox.append(heartbeats(3)).await.unwrap();
    outbox.acknowledged(sequence(6));
    outbox.close().await;
    fs.put(&log, &copy);
    let error = try_open(&fs).unwrap_err();
    let OpenError::Older { acknowledged, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(acknowledged, sequence(6));
}

#[tokio::test]
async fn a_closed_outbox_takes_nothing_more() {
    let outbox = open(&FaultyFilesystem::new());
    outbox.close().await;
    let late = outbox.append(heartbeats(1)).await;
    assert!(matches!(late, Err(AppendError::Closed)));
    assert_eq!(outbox.status().state, OutboxState::Closed);
    outbox.close().await;
}

#[tokio::test]
async fn refused_records_are_kept_once_and_not_without_end() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    outbox.append(heartbeats(150)).await.unwrap();
    for number in (1..=150).chain(1..=150) {
        let refusal = Refusal {
            from: sequence(number),
            to: sequence(number),
            reason: RefusalReason::NewerVersion,
        };
        outbox.keep_refused(refusal).await;
    }
    let kept = fs
        .files()
        .into_iter()
        .filter(|path| path.starts_with("outbox/refused"));
    assert_eq!(kept.count(), 100);
}

#[tokio::test]
async fn it_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("gateway").join("outbox");
    let outbox = Outbox::open(&place, OutboxOptions::default()).unwrap();
    outbox.append(heartbeats(10)).await.unwrap();
    outbox.acknowledged(sequence(4));
    outbox.close().await;
    let outbox = Outbox::open(&place, OutboxOptions::default()).unwrap();
    assert_eq!(outbox.status().waiting(), 6);
    assert_eq!(everything(&outbox).await, heartbeats(10));
}
