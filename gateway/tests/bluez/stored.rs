//! What devices have stored: it comes to the centre once, with the time that it was measured at,
//! and is deleted on the device only when the centre has it.

// req: G1

use std::time::{SystemTime, UNIX_EPOCH};

use veglia_wire::{Quality, VitalKind};

use crate::bus::Rules;
use crate::mock::{Attribute, Peer};
use crate::stage::{Stage, of, readings};
use crate::{CONTROL, OXIMETER, PLX, SPOT, attribute, can_run, device, heard, named};

/// Seconds of the device's clock now: it is an hour and ten minutes behind Greenwich.
fn device_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() - 4_200
}

/// A Date Time, as the device writes it.
fn date_time(seconds: i64) -> [u8; 7] {
    let time = veglia_codecs::DateTime::at(veglia_codecs::DeviceTime(seconds)).unwrap();
    veglia_codecs::sig::encode_date_time(time)
}

/// A stored spot check of so many seconds ago: with a time and the word that it is from storage.
fn spot(spo2: u8, ago: i64) -> Vec<u8> {
    let mut value = vec![0x03, spo2, 0, 72, 0];
    value.extend(date_time(device_now() - ago));
    value.extend([0x00, 0x02]);
    value
}

/// An oximeter with a memory, and a clock that can be read and set.
fn with_memory(stored: Vec<Vec<u8>>) -> Peer {
    let clock = Attribute {
        value: date_time(device_now()).to_vec(),
        ..attribute(0x1805, 0x2A08, &["read", "write"])
    };
    Peer {
        name: "Memory",
        advertises: vec![PLX],
        table: vec![
            attribute(PLX, SPOT, &["indicate"]),
            attribute(PLX, CONTROL, &["write", "indicate"]),
            clock,
        ],
        stored,
        ..Peer::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_deleted_only_when_the_centre_has_it_and_comes_once() {
    if !can_run("what_is_stored_is_deleted_only_when_the_centre_has_it_and_comes_once") {
        return;
    }
    let stored = vec![spot(93, 7_200), spot(92, 3_600), spot(91, 1_800)];
    let mut stage = Stage::set(Rules::default()).await;
    stage
        .bluez()
        .add(OXIMETER, with_memory(stored.clone()))
        .await;
    stage.start(&named(&[OXIMETER]));
    stage.until_said("stored measurements taken over").await;
    let is_set = |peer: &Peer| peer.written.iter().any(|(uuid, _)| *uuid == 0x2A08);
    stage
        .bluez()
        .until(OXIMETER, "its clock is set", is_set)
        .await;
    // The power fails at that moment, and the device, whose clock jumped, tells all of it again.
    stage.start(&named(&[OXIMETER]));
    stage
        .bluez()
        .until(OXIMETER, "it is asked again", |peer| peer.reports >= 2)
        .await;
    assert_eq!(
        stage.bluez().peer(OXIMETER, |peer| peer.deletions),
        0,
        "the centre has nothing yet"
    );

    stage.centre();
    stage
        .bluez()
        .until(OXIMETER, "it may forget", |peer| peer.deletions == 1)
        .await;
    let oximeter = device(OXIMETER);
    let seen = stage
        .until("all is there", |seen| readings(seen, &oximeter).len() >= 6)
        .await;
    let spo2: Vec<i32> = readings(&seen, &oximeter)
        .into_iter()
        .filter(|(vital, _)| vital.kind() == VitalKind::SpO2)
        .map(|(vital, _)| vital.steps() / 10)
        .collect();
    assert_eq!(spo2, [93, 92, 91], "each once, in the order of the device");
    let is_stored = |(_, quality): &(_, Quality)| *quality == Quality::FROM_STORAGE;
    assert!(readings(&seen, &oximeter).iter().all(is_stored));

    // Measured two hours ago, although the device's clock is wrong by more than that.
    let first = of(&seen, &oximeter)
        .find(|it| it.when.device.is_some())
        .unwrap();
    let now = i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    );
    let ago_s = (now.unwrap() - first.when.wall.unwrap().0) / 1000;
    assert!((7_190..7_500).contains(&ago_s), "{ago_s} s ago");
    // And the clock was put right, to the local time.
    let set = stage.bluez().peer(OXIMETER, |peer| {
        let mut written = peer.written.iter();
        written.any(|(uuid, value)| *uuid == 0x2A08 && value.len() == 7)
    });
    assert!(set);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_check_that_is_told_live_and_then_from_memory_comes_once() {
    if !can_run("a_spot_check_that_is_told_live_and_then_from_memory_comes_once") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, with_memory(Vec::new())).await;
    stage.start(&named(&[OXIMETER]));
    heard(&stage, OXIMETER, CONTROL).await;
    stage
        .bluez()
        .until(OXIMETER, "its memory is empty", |peer| peer.reports >= 1)
        .await;
    let mut live = spot(95, 5);
    // Not from storage: the status is left out.
    live[0] = 0x01;
    live.truncate(12);
    stage.bluez().tell(OXIMETER, SPOT, &live).await;
    let oximeter = device(OXIMETER);
    stage
        .until("it is there", |seen| readings(seen, &oximeter).len() == 2)
        .await;
    live[0] = 0x03;
    live.extend([0x00, 0x02]);
    stage
        .bluez()
        .peer(OXIMETER, |peer| peer.stored = vec![live.clone()]);
    stage.bluez().hang_up(OXIMETER).await;
    stage
        .bluez()
        .until(OXIMETER, "it may forget", |peer| peer.deletions == 1)
        .await;
    stage.bluez().tell(OXIMETER, SPOT, &spot(90, 0)).await;
    let seen = stage
        .until("another one is there", |seen| {
            readings(seen, &oximeter).len() >= 4
        })
        .await;
    assert_eq!(readings(&seen, &oximeter).len(), 4);
}
