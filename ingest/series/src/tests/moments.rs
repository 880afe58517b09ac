//! Reads while everything moves: each sees one moment, never a reading twice, never one missing.

// req: G6

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use veglia_store::Actor;
use veglia_wire::{VitalKind, WallMs};

use super::{MIDNIGHT_MS, database, device, everything, open, open_tight, sample};
use crate::schema::{chunk_bytes, within};
use crate::writer::ACTOR;
use crate::{Pressure, Series};

/// Long enough for any machine, short enough to notice a lock-up.
const PATIENCE: Duration = Duration::from_secs(60);

const READINGS: i32 = 6_000;

/// The time of the nth reading: two seconds apart, every fifth one ten windows late.
fn at_ms(n: i32) -> i64 {
    let late = if n % 5 == 4 { 3_000_000 } else { 0 };
    MIDNIGHT_MS + i64::from(n) * 2_000 - late
}

/// What a reader saw must be the first so many readings, each once.
async fn assert_one_moment(series: &Series, seen_before: usize) -> usize {
    let device = device("nonin:501234");
    let day = WallMs(MIDNIGHT_MS - 86_400_000 / 4)..WallMs(MIDNIGHT_MS + 86_400_000 / 2);
    let raw = series
        .raw(&device, VitalKind::SpO2, day.clone(), usize::MAX)
        .await
        .unwrap();
    let mut values: Vec<i32> = raw.samples.iter().map(|sample| sample.value).collect();
    values.sort_unstable();
    let expected: Vec<i32> = (0..).take(values.len()).collect();
    assert!(
        values == expected,
        "{} readings are not the first ones",
        values.len()
    );
    assert!(values.len() >= seen_before, "readings vanished");
    let curve = series.m4(&device, VitalKind::SpO2, day, 50).await.unwrap();
    let n: u64 = curve.buckets.iter().map(|bucket| bucket.n).sum();
    let sum: i64 = curve.buckets.iter().map(|bucket| bucket.clean_sum).sum();
    let n = i64::try_from(n).unwrap();
    assert_eq!(
        sum,
        n * (n - 1) / 2,
        "the curve's {n} readings are not the first ones"
    );
    assert!(
        usize::try_from(n).unwrap() >= values.len(),
        "the curve went back in time"
    );
    values.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_read_sees_one_moment_while_checkpoints_run() {
    let folder = tempfile::tempdir().unwrap();
    let (series, mut writer) = open_tight(&folder.path().join("series.db")).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (series, done) = (series.clone(), Arc::clone(&done));
        readers.spawn(async move {
            let mut seen = 0;
            let mut reads = 0;
            while !done.load(Ordering::Acquire) {
                seen = assert_one_moment(&series, seen).await;
                reads += 1;
            }
            reads
        });
    }
    let mut through = 0;
    for n in 0..READINGS {
        through += 1;
        // Late readings open chunks of windows that were let go.
        if writer.push(&sample(at_ms(n), n)) == Pressure::Checkpoint || n % 37 == 0 {
            writer.checkpoint(through).await.unwrap();
        }
        if n % 10 == 0 {
            tokio::task::yield_now().await;
        }
    }
    writer.checkpoint(through).await.unwrap();
    writer.settle().await.unwrap();
    done.store(true, Ordering::Release);
    let reads = timeout(PATIENCE, readers.join_all()).await.unwrap();
    assert!(reads.iter().all(|reads| *reads > 0));
    assert_eq!(
        assert_one_moment(&series, 0).await,
        usize::try_from(READINGS).unwrap()
    );
    assert_eq!(writer.resume_from(), through);
}

#[tokio::test]
async fn rows_opened_after_the_moment_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 1)), Pressure::None);
    let source = series
        .source(&device("nonin:501234"), VitalKind::SpO2)
        .unwrap();
    let all = i64::MIN..=i64::MAX;
    let (channel, windows) = (source.channel, &all);
    let before = series.view(channel, windows).next_sequence;
    assert_eq!(
        writer.push(&sample(MIDNIGHT_MS + 3_600_000, 2)),
        Pressure::None
    );
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    let chunks = series.database().read_tx("test.chunks", &ACTOR, move |tx| {
        Box::pin(chunk_bytes(tx, channel, before, within(windows)))
    });
    assert_eq!(chunks.await.unwrap().len(), 1);
    let after = series.view(channel, windows).next_sequence;
    let chunks = series.database().read_tx("test.chunks", &ACTOR, move |tx| {
        Box::pin(chunk_bytes(tx, channel, after, within(windows)))
    });
    assert_eq!(chunks.await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_and_reading_do_not_wait_for_a_checkpoint_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    let other = database(&path).await;
    let (locked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holder = tokio::spawn({
        let (locked, release) = (Arc::clone(&locked), Arc::clone(&release));
        async move {
            let (locked, release) = (&locked, &release);
            other
                .run_tx("test.hold", &Actor::System("test"), move |_| {
                    Box::pin(async move {
                        locked.notify_one();
                        release.notified().await;
                        Ok(())
                    })
                })
                .await
        }
    });
    timeout(PATIENCE, locked.notified()).await.unwrap();
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 1)), Pressure::None);
    timeout(PATIENCE, writer.checkpoint(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 2)), Pressure::None);
    assert_eq!(
        timeout(PATIENCE, everything(&series)).await.unwrap().len(),
        2
    );
    assert_eq!(
        writer.resume_from(),
        0,
        "nothing is durable before the commit"
    );
    release.notify_one();
    holder.await.unwrap().unwrap();
    timeout(PATIENCE, writer.settle()).await.unwrap().unwrap();
    assert_eq!(writer.resume_from(), 1);
    assert_eq!(everything(&series).await.len(), 2);
}

#[tokio::test]
async fn pressure_is_told_and_a_checkpoint_relieves_it() {
    let folder = tempfile::tempdir().unwrap();
    let (series, mut writer) = open_tight(&folder.path().join("series.db")).await;
    let mut pushed = 0;
    while writer.push(&sample(MIDNIGHT_MS + i64::from(pushed), pushed)) == Pressure::None {
        pushed += 1;
    }
    assert_eq!(pushed, 199);
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 200)), Pressure::None);
    assert_eq!(everything(&series).await.len(), 201);
}

#[tokio::test]
async fn two_readings_of_the_same_millisecond_are_two_readings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    for through in 1..=3 {
        assert_eq!(writer.push(&sample(MIDNIGHT_MS, 970)), Pressure::None);
        writer.checkpoint(through).await.unwrap();
    }
    assert_eq!(everything(&series).await.len(), 3);
    writer.settle().await.unwrap();
    let (series, _writer) = open(&path).await;
    assert_eq!(everything(&series).await.len(), 3);
}

#[tokio::test]
async fn a_growing_window_stays_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (_series, mut writer) = open(&path).await;
    for n in 0..200 {
        assert_eq!(
            writer.push(&sample(MIDNIGHT_MS + i64::from(n) * 1000, n)),
            Pressure::None
        );
        writer
            .checkpoint(u64::try_from(n).unwrap() + 1)
            .await
            .unwrap();
    }
    writer.settle().await.unwrap();
    assert_eq!(super::faults::rows(&database(&path).await).await, 1);
}

#[tokio::test]
async fn a_window_without_company_leaves_memory_and_still_reads_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 1)), Pressure::None);
    for through in 1..=30 {
        let mut other = sample(MIDNIGHT_MS, 0);
        other.device = device("other");
        assert_eq!(writer.push(&other), Pressure::None);
        writer.checkpoint(through).await.unwrap();
    }
    writer.settle().await.unwrap();
    let source = series
        .source(&device("nonin:501234"), VitalKind::SpO2)
        .unwrap();
    let in_ram = series
        .view(source.channel, &(i64::MIN..=i64::MAX))
        .pieces
        .len();
    assert_eq!(in_ram, 0);
    assert_eq!(writer.push(&sample(MIDNIGHT_MS, 2)), Pressure::None);
    assert_eq!(everything(&series).await.len(), 2);
}
