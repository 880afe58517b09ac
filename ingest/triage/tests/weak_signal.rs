//! A poor signal does not reassure, and a sensor that goes on failing is a call.

// req: G7

mod support;

use support::*;
use veglia_triage::{Input, Observation, Presence, Seen, Sign};
use veglia_wire::{Contact, DeviceId, Quality, Sensor, VitalKind};

const NOTHING: [&str; 0] = [];

#[test]
fn a_good_value_with_a_poor_signal_does_not_refute_a_red() {
    for poor in [Quality::WEAK_SIGNAL, Quality::LOW_PERFUSION] {
        let mut home = Home::new();
        home.spo2(0, 90);
        assert_eq!(
            words(&home.quality(3, spo2(970), poor)),
            NOTHING,
            "{poor:?}"
        );
        for now in 4..=11 {
            home.live(now);
        }
        let flag = home.state.open_flags().remove(0);
        assert!(
            flag.standing.is_confirmed(),
            "its repeat is missed: {flag:?}"
        );
    }
}

#[test]
fn good_values_with_a_poor_signal_do_not_end_a_red() {
    let mut home = Home::new();
    home.spo2(0, 85);
    home.quality(10, spo2(970), Quality::LOW_PERFUSION);
    assert_eq!(
        words(&home.quality(45, spo2(970), Quality::LOW_PERFUSION)),
        NOTHING
    );
}

fn contact(number: u64, minutes: i64, contact: Contact) -> Observation {
    Observation {
        seen: Seen::Contact(Sensor::Oximeter, contact),
        ..seen(number, minute(minutes), spo2(970), Quality::empty())
    }
}

/// A gateway makes a record of a contact only when it changes (`gateway/src/listener.rs`): a
/// finger in a clip that searches for an hour is one word.
#[test]
fn a_search_that_goes_on_for_an_hour_is_a_call() {
    let mut home = Home::new();
    home.observe(&contact(1, 0, Contact::Off));
    home.observe(&contact(2, 1, Contact::Searching));
    for now in 2..=60 {
        home.live(now);
    }
    assert_eq!(
        home.open(),
        ["signal-spo2"],
        "an hour of searching for a pulse"
    );
}

#[test]
fn a_sensor_that_says_once_that_it_cannot_measure_and_goes_on_trying_is_a_call() {
    let mut home = Home::new();
    home.observe(&contact(1, 0, Contact::On));
    home.observe(&contact(2, 1, Contact::Unmeasurable));
    for now in 2..=60 {
        home.live(now);
    }
    assert_eq!(home.open(), ["signal-spo2"]);
}

#[test]
fn words_that_are_repeated_are_a_call() {
    let mut home = Home::new();
    for now in 1..=12 {
        let number = u64::try_from(now).unwrap();
        home.observe(&contact(number, now, Contact::Searching));
        home.live(now);
    }
    for now in 13..=20 {
        home.live(now);
    }
    assert_eq!(home.open(), ["signal-spo2"]);
}

/// Switched off, out of reach: what it said last holds on no longer.
#[test]
fn a_search_by_a_device_that_is_lost_is_one_attempt() {
    let mut home = Home::new();
    home.observe(&contact(1, 0, Contact::Searching));
    let lost = |number: u64, device: &str| Presence {
        id: record(number),
        at: minute(2),
        received: minute(2),
        sign: Sign::DeviceLost(DeviceId::new(device).expect("a device id")),
    };
    home.give(Input::Presence(&lost(2, "nonin:501234")), minute(2));
    for now in 3..=60 {
        home.live(now);
    }
    assert_eq!(home.open(), NOTHING);

    let mut home = Home::new();
    home.observe(&contact(1, 0, Contact::Searching));
    home.give(Input::Presence(&lost(2, "node:1")), minute(2));
    home.restart();
    home.live(60);
    assert_eq!(home.open(), ["signal-spo2"], "another device was lost");
}

#[test]
fn a_search_that_goes_on_after_somebody_closed_its_call_is_told_again_and_ends_with_a_value() {
    let mut home = Home::new();
    home.observe(&contact(1, 0, Contact::Searching));
    let mut raised = 0;
    for now in 1..=10 * 60 {
        raised += words(&home.live(now)).len();
    }
    assert!((3..=6).contains(&raised), "{raised} in ten hours");
    home.spo2(601, 97);
    assert_eq!(words(&home.live(605)), ["end signal-spo2 Recovered"]);
    assert_eq!(home.state.next_deadline(), None);
}

/// The sum falls by a value that nobody should believe.
#[test]
fn a_good_value_with_a_poor_signal_does_not_refute_a_score() {
    for (quality, said) in [
        (Quality::LOW_PERFUSION, NOTHING.as_slice()),
        (Quality::empty(), &["end news2-high NotConfirmed"]),
    ] {
        let mut home = Home::new();
        home.score(0, VitalKind::RespiratoryRate, 24);
        home.score(0, VitalKind::SystolicPressure, 95);
        home.vital(0, temperature(3_920));
        home.spo2(0, 94);
        let heard = of_scores(&home.quality(3, spo2(970), quality));
        assert_eq!(words(&heard), said, "{quality:?}");
    }
}
