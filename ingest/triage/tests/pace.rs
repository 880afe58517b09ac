//! What a reading costs, printed and not asserted: `cargo test --release -p veglia-triage --test
//! pace -- --nocapture`. A figure of a build without optimisation says nothing.

mod support;

use std::hint::black_box;

use support::*;
use veglia_triage::{Input, Observation, PatientState, RuleSet, step};
use veglia_wire::{Quality, Site, Vital, VitalKind, WallMs};

/// Oximeters at home speak in whole percents and wander by one.
fn wandering(second: i64, home: i64) -> i32 {
    const COURSE: [i32; 8] = [970, 970, 960, 970, 980, 970, 960, 960];
    let place = usize::try_from((second / 3 + home) % 8).expect("from 0");
    COURSE[place]
}

fn reading(second: i64, home: i64, kind: VitalKind) -> Observation {
    let steps = match kind {
        VitalKind::SpO2 => wandering(second, home),
        _ => wandering(second, home) - 250,
    };
    let vital = Vital::from_steps(kind, steps, Site::Unknown).expect("a possible value");
    let number = u64::try_from(second * 2 + i64::from(kind == VitalKind::Pulse)).expect("from 0");
    let at = WallMs(START + second * 1_000);
    seen(number + 1, at, vital, Quality::empty())
}

/// Nanoseconds of a reading, over homes that each speak once a second in frames of so many seconds:
/// the middle frame's, so that other programs on the machine do not count, after the memory of each
/// patient has filled.
fn cost(homes: i64, seconds: i64, frame: i64, kinds: &[VitalKind]) -> u128 {
    let rules = RuleSet::shipped();
    let patients = usize::try_from(homes).expect("a count");
    let mut states = vec![PatientState::new(PATIENT); patients];
    let mut costs = Vec::new();
    for first in (0..seconds).step_by(usize::try_from(frame).expect("a count")) {
        for (state, home) in states.iter_mut().zip(0..) {
            let each = (first..first + frame).flat_map(|second| {
                let kinds = kinds.iter();
                kinds.map(move |kind| reading(second, home, *kind))
            });
            let each: Vec<Observation> = each.collect();
            let began = now();
            for observation in &each {
                let received = observation.received;
                let said = step(&rules, state, Input::Observation(observation), received);
                black_box(said);
            }
            let readings = u128::try_from(each.len()).expect("a count");
            if first >= FILLED {
                costs.push(began.elapsed().as_nanos() / readings);
            }
        }
    }
    costs.sort_unstable();
    costs[costs.len() / 2]
}

/// Seconds after which a stream has as many readings in memory as it ever will.
const FILLED: i64 = 260;

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a cost is measured by the clock; nothing is judged by it"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[test]
fn the_cost_of_a_reading_is_printed() {
    let both = [VitalKind::SpO2, VitalKind::Pulse];
    for (homes, seconds, frame, kinds) in [
        (1, 6_000, 10, &both[..1]),
        (1, 6_000, 10, &both[..]),
        (100, 400, 10, &both[..]),
        (
            if cfg!(debug_assertions) { 30 } else { 3_000 },
            320,
            10,
            &both[..],
        ),
    ] {
        let cost = cost(homes, seconds, frame, kinds);
        let vitals = kinds.len();
        println!("{homes:>5} homes, {vitals} vital signs, frames of {frame:>2} s: {cost:>6} ns");
    }
}
