//! What the outbox does when the disk is full for a moment: it tries again, and dates the hole
//! right.

use std::path::Path;
use std::time::Duration;

use veglia_journal::fake::FaultyFilesystem;
use veglia_link::outbox::{AppendError, Outbox, OutboxOptions};
use veglia_wire::{Body, Boot, DeviceId, MonoMs, Quality, Record, SpO2, Vital, WallMs, When};

/// 2026-11-22 13:00:00 in Greenwich.
const NOON: WallMs = WallMs(1_795_352_400_000);

fn open(fs: &FaultyFilesystem, segment_bytes: u64, max_total_bytes: u64) -> Outbox {
    let options = OutboxOptions {
        segment_bytes,
        max_total_bytes,
        commit_window: Duration::ZERO,
    };
    Outbox::open_on(fs.clone(), Path::new("outbox"), options).expect("an outbox on an empty disk")
}

fn reading(boot: Boot, mono: u64, wall: Option<WallMs>) -> Record {
    let well = SpO2::from_percent_tenths(970).expect("a saturation");
    Record {
        device: DeviceId::new("nonin:1").ok(),
        when: When {
            boot,
            mono: MonoMs(mono),
            wall,
            device: None,
        },
        body: Body::Reading(Vital::SpO2(well), Quality::empty()),
    }
}

#[tokio::test]
async fn old_readings_are_thinned_out_when_there_is_space_for_it_again() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs, 4096, 40_000);
    let mut mono = 1_000;
    while outbox.status().bytes < 39_000 {
        let next = reading(Boot(1), mono, None);
        outbox.append(vec![next]).await.unwrap();
        mono += 1_000;
    }
    assert_eq!(outbox.status().thinned, 0);
    // The disk is full of something else, just when the limit is reached.
    fs.set_free_bytes(Some(0));
    let minute: Vec<Record> = (0..60)
        .map(|second| reading(Boot(1), mono + second * 1_000, None))
        .collect();
    let refused = outbox.append(minute.clone()).await;
    assert!(matches!(refused, Err(AppendError::Full(_))), "{refused:?}");
    fs.mend();
    let taken = outbox.append(minute).await;
    assert!(taken.is_ok(), "{taken:?} with {:?}", outbox.status());
}

#[tokio::test]
async fn a_hole_of_now_is_not_dated_by_what_a_device_measured_days_ago() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs, 1 << 20, 1 << 30);
    let now = |mono| reading(Boot(7), mono, Some(NOON));
    outbox.append(vec![now(1)]).await.unwrap();
    fs.set_free_bytes(Some(0));
    outbox.append(vec![now(2)]).await.unwrap_err();
    fs.mend();
    let ago = NOON.plus_ms(-2 * 86_400_000);
    let stored = reading(Boot(0), ago.0.cast_unsigned(), Some(ago));
    outbox.append(vec![stored]).await.unwrap();
    let mut of_gap = None;
    let find = |record: &Record| {
        if let Body::Gap(_) = record.body {
            of_gap = Some(record.when);
        }
        false
    };
    outbox.holds(None, find).await.unwrap();
    assert_eq!(of_gap.and_then(|when| when.wall), Some(NOON));
}
