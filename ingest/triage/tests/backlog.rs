//! Readings from before memory: clocks that step and devices that keep. Each grave value is told,
//! and nothing that was known before it, or is dated after now, calls it over.

// req: G7

mod support;

use support::*;
use veglia_triage::{Observation, Verdict};
use veglia_wire::{DeviceId, Quality, WallMs};

const NOTHING: [&str; 0] = [];

/// A stream at 1 Hz whose clock shows `shown` when it is second `received`.
struct Stream {
    device: &'static str,
    number: u64,
}

impl Stream {
    fn new(device: &'static str, number: u64) -> Self {
        Self { device, number }
    }

    fn one(&mut self, shown: i64, received: i64, percent: i32) -> Observation {
        self.number += 1;
        let shown = WallMs(START + shown * 1_000);
        let mut one = seen(self.number, shown, spo2(percent * 10), Quality::empty());
        one.device = DeviceId::new(self.device).expect("a device id");
        one.received = WallMs(START + received * 1_000);
        one
    }

    /// A stretch received second by second while the clock is `ahead` seconds ahead.
    fn play(
        &mut self,
        home: &mut Home,
        received: std::ops::Range<i64>,
        ahead: i64,
        percent: i32,
    ) -> Vec<Verdict> {
        let mut said = Vec::new();
        for second in received {
            said.extend(home.observe(&self.one(second + ahead, second, percent)));
        }
        said
    }
}

#[test]
fn after_a_clock_stepped_back_the_grave_values_are_told_and_stay() {
    let mut home = Home::new();
    let mut stream = Stream::new("nonin:501234", 0);
    assert_eq!(words(&stream.play(&mut home, 0..600, 0, 97)), NOTHING);
    let said = stream.play(&mut home, 600..605, -1_800, 92);
    assert_eq!(words(&said), ["raise spo2-red MissedRepeat"]);
    let said = stream.play(&mut home, 605..2_105, -1_800, 75);
    assert_eq!(words(&said)[0], "raise spo2-red AtOnce");
    assert_eq!(raised(&said).evidence[0].value().unwrap().1, 750);
    assert!(home.known.open().len() >= 2, "none is over");
}

#[test]
fn after_a_clock_was_ahead_a_fall_is_told_and_stays() {
    let mut home = Home::new();
    let mut stream = Stream::new("nonin:501234", 0);
    assert_eq!(words(&stream.play(&mut home, 0..600, 240, 97)), NOTHING);
    let said = stream.play(&mut home, 600..660, 0, 75);
    assert_eq!(words(&said), ["raise spo2-red AtOnce"]);
    assert_eq!(home.known.open().len(), 1, "what is dated later is older");
}

#[test]
fn a_good_reading_dated_ahead_of_a_red_received_after_it_does_not_refute_it() {
    let mut home = Home::new();
    home.late(4, 0, spo2(970));
    let said = home.spo2(1, 91);
    assert_eq!(words(&said), ["raise spo2-red unconfirmed"]);
    assert_eq!(words(&home.spo2(2, 97)), ["end spo2-red NotConfirmed"]);
}

#[test]
fn the_late_backlog_of_a_second_device_is_told_to_its_gravest() {
    let mut home = Home::new();
    let mut first = Stream::new("nonin:501234", 0);
    let mut second = Stream::new("node:1", 100_000);
    assert_eq!(words(&first.play(&mut home, 0..1_200, 0, 97)), NOTHING);
    let mut said = Vec::new();
    for shown in 500..800 {
        said.extend(home.observe(&second.one(shown, 1_200, 92)));
    }
    assert_eq!(words(&said), ["raise spo2-red MissedRepeat"]);
    let mut said = Vec::new();
    for shown in 800..1_050 {
        said.extend(home.observe(&second.one(shown, 1_200, 80)));
    }
    assert_eq!(words(&said), ["raise spo2-red AtOnce"]);
    assert_eq!(home.known.open().len(), 2);
}

#[test]
fn a_late_graver_value_seconds_after_a_late_red_is_told() {
    let mut home = Home::new();
    let mut first = Stream::new("nonin:501234", 0);
    let mut second = Stream::new("node:1", 100_000);
    first.play(&mut home, 0..600, 0, 97);
    let said = home.observe(&second.one(100, 600, 92));
    assert_eq!(words(&said), ["raise spo2-red MissedRepeat"]);
    let said = home.observe(&second.one(110, 600, 70));
    assert_eq!(words(&said), ["raise spo2-red AtOnce"]);
    assert_eq!(home.known.open().len(), 2);
    home.restart();
    for (shown, percent) in [(105, 92), (120, 70), (130, 91)] {
        let said = home.observe(&second.one(shown, 600, percent));
        assert_eq!(words(&said), NOTHING, "no graver than what was told");
    }
}
