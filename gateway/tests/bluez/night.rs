//! What a ring has recorded comes to the centre: every second of it once, with its time, whatever
//! becomes of the link on the way.

// req: G1

use std::time::{SystemTime, UNIX_EPOCH};

use veglia_codecs::o2ring_file::Header;
use veglia_codecs::{DateTime, DeviceTime};
use veglia_wire::{Body, Quality, VitalKind};

use crate::bus::Rules;
use crate::ingest::Seen;
use crate::mock::{Peer, ring};
use crate::stage::{Stage, of};
use crate::{OXIMETER, attribute, can_run, device, named};

/// Samples of the two recordings: several blocks, and several parts of an outbox's append.
const SAMPLES: [u16; 2] = [950, 430];

/// Seconds of the ring's calendar now: half an hour behind Greenwich.
fn ring_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() - 1_800
}

fn date(seconds: i64) -> DateTime {
    DateTime::at(DeviceTime(seconds)).unwrap()
}

/// A recording that was begun at a second of the ring's calendar: no two neighbours are alike.
fn recording(begun: i64, samples: u16) -> Vec<u8> {
    let header = Header::new(3, &date(begun), samples, 4 * samples);
    let sample = |place: u16| [90 + (place % 9).to_le_bytes()[0], 60, 0, 0, 0];
    header
        .0
        .into_iter()
        .chain((0..samples).flat_map(sample))
        .collect()
}

fn recorder(begun: [i64; 2]) -> Peer {
    let [first, second] = SAMPLES;
    Peer {
        name: "O2Ring",
        advertises: vec![ring::SERVICE],
        table: vec![
            attribute(ring::SERVICE, ring::ANSWERS, &["notify"]),
            attribute(ring::SERVICE, ring::QUESTIONS, &["write"]),
        ],
        files: vec![
            ("20201120221500", recording(begun[0], first)),
            ("20201121221500", recording(begun[1], second)),
        ],
        behind_s: 1_800,
        ..Peer::default()
    }
}

/// The seconds of the ring's calendar of which the centre has a saturation, in order, with it.
fn seconds(seen: &Seen) -> Vec<(i64, i32)> {
    let ring = device(OXIMETER);
    let mut all: Vec<(i64, i32)> = of(seen, &ring)
        .filter_map(|record| match record.body {
            Body::Reading(vital, _) if vital.kind() == VitalKind::SpO2 => {
                Some((record.when.device?.0, vital.steps() / 10))
            }
            _ => None,
        })
        .collect();
    all.sort_unstable();
    all
}

/// What [`recording`] says of both files, in order.
fn recorded(begun: [i64; 2]) -> Vec<(i64, i32)> {
    let both = begun.into_iter().zip(SAMPLES);
    both.flat_map(|(begun, samples)| {
        let sample = move |place: u16| {
            let second = begun + 4 * i64::from(place);
            (second, 90 + i32::from(place % 9))
        };
        (0..samples).map(sample)
    })
    .collect()
}

/// What comes from the memory says so, and was measured as long ago as the ring says by its clock.
fn are_dated(seen: &Seen, ring_now: i64) {
    let ring = device(OXIMETER);
    for record in of(seen, &ring).filter(|it| it.when.device.is_some()) {
        let Body::Reading(_, quality) = record.body else {
            continue;
        };
        assert_eq!(quality, Quality::FROM_STORAGE);
        let ago_s = ring_now - record.when.device.unwrap().0;
        let wall_ago_s = (ring_now + 1_800) - record.when.wall.unwrap().0 / 1_000;
        assert!((ago_s - wall_ago_s).abs() <= 3, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_a_ring_has_recorded_comes_once_though_the_link_is_lost_in_it() {
    if !can_run("a_night_that_a_ring_has_recorded_comes_once_though_the_link_is_lost_in_it") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let now = ring_now();
    let begun = [now - 100_000, now - 20_000];
    let restless = Peer {
        // In the middle of the second file, when the first has come.
        hangs_up_after: Some(13),
        ..recorder(begun)
    };
    stage.bluez().add(OXIMETER, restless).await;
    stage.start(&named(&[OXIMETER]));
    let wanted = recorded(begun);
    let seen = stage
        .until("both files are there", |seen| {
            seconds(seen).len() >= wanted.len()
        })
        .await;
    assert_eq!(seconds(&seen), wanted, "each once");
    let (blocks, lists) = stage
        .bluez()
        .peer(OXIMETER, |peer| (peer.blocks, peer.reports));
    assert!(lists >= 2, "it was asked again after it had hung up");
    // Ten blocks and five, of which three came twice.
    assert_eq!(blocks, 18, "the first file was fetched once");

    are_dated(&seen, now);
    // Its clock is put right once all is dated, and nothing is deleted there.
    let is_set = |peer: &Peer| {
        peer.written
            .iter()
            .any(|(_, it)| it.starts_with(b"{\"SetTIME"))
    };
    stage
        .bluez()
        .until(OXIMETER, "its clock is set", is_set)
        .await;

    // The power fails; the ring has nothing new.
    let lists = stage.bluez().peer(OXIMETER, |peer| {
        peer.written.clear();
        peer.reports
    });
    stage.start(&named(&[OXIMETER]));
    let is_asked = |peer: &Peer| peer.reports > lists;
    stage
        .bluez()
        .until(OXIMETER, "it is asked anew", is_asked)
        .await;
    let live = |peer: &Peer| {
        peer.written
            .iter()
            .filter(|(_, it)| it.get(1) == Some(&0x17))
            .count()
            > 3
    };
    stage
        .bluez()
        .until(OXIMETER, "it is listened to again", live)
        .await;
    assert_eq!(stage.bluez().peer(OXIMETER, |peer| peer.blocks), 18);
}
