//! What goes on after a person has closed it is told again: a red, a symptom, a silence, a bad
//! signal.

// req: G7

mod support;

use support::life::{off_line, twice_a_day};
use support::*;
use veglia_wire::{AnswerCode, Quality};

const NOTHING: [&str; 0] = [];
const HOUR: i64 = 60;
const DAY: i64 = 24 * 60;

#[test]
fn a_silence_that_lasts_for_days_is_told_again() {
    let mut home = twice_a_day();
    let mut said = Vec::new();
    for now in 0..=3 * DAY {
        said.extend(words(&home.live(now)));
    }
    let raised: Vec<_> = said
        .iter()
        .filter(|it| it.starts_with("raise silence-spo2"))
        .collect();
    assert!(
        raised.len() >= 3,
        "six measurements were missed, and of all it was said: {said:?}"
    );
}

#[test]
fn a_bad_signal_that_lasts_is_told_again() {
    let mut home = Home::new();
    let mut said = Vec::new();
    for now in 0..=3 * DAY {
        // Each morning and each evening two attempts fail.
        if [0, 10].contains(&(now % (DAY / 2))) {
            said.extend(words(&home.quality(now, spo2(970), Quality::ARTEFACT)));
        }
        said.extend(words(&home.live(now)));
    }
    let raised: Vec<_> = said
        .iter()
        .filter(|it| it.starts_with("raise signal-spo2"))
        .collect();
    assert!(
        raised.len() >= 3,
        "fourteen attempts failed, and of all it was said: {said:?}"
    );
}

#[test]
fn a_low_value_with_a_poor_signal_is_told_again_when_it_comes_again() {
    let mut home = Home::new();
    let mut said = Vec::new();
    for now in 0..=2 * DAY {
        if now % (DAY / 2) == 0 {
            said.extend(words(&home.quality(now, spo2(930), Quality::WEAK_SIGNAL)));
        }
        said.extend(words(&home.live(now)));
    }
    let raised: Vec<_> = said
        .iter()
        .filter(|it| it.starts_with("raise signal-spo2"))
        .collect();
    assert!(raised.len() >= 2, "{said:?}");
}

#[test]
fn a_home_that_is_off_line_for_days_is_told_again() {
    let mut home = off_line();
    let mut said = Vec::new();
    for now in -700..=3 * DAY {
        said.extend(words(&home.live(now)));
    }
    let raised: Vec<_> = said
        .iter()
        .filter(|it| it.starts_with("raise silence-home"))
        .collect();
    assert!(raised.len() >= 3, "{said:?}");
}

#[test]
fn a_red_after_a_good_repeat_in_a_confirmed_episode_is_told() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.spo2(2, 90);
    assert_eq!(words(&home.spo2(6, 96)), NOTHING);
    // Somebody closes it: the value is good again. Then:
    assert_ne!(words(&home.spo2(20, 89)), NOTHING);
}

/// The newest value is red and half an hour has passed since it was told: somebody hears it, also
/// if nothing more is measured.
#[test]
fn a_red_that_lasts_is_told_again_though_its_last_reading_came_within_the_half_hour() {
    let mut home = Home::new();
    home.spo2(0, 91);
    assert_eq!(words(&home.spo2(2, 90)), ["confirm spo2-red Repeat"]);
    // Somebody looks, and closes it at minute 10. Then:
    home.spo2(20, 85);
    assert_eq!(words(&home.spo2(30, 82)), NOTHING);
    let mut said = Vec::new();
    for now in 31..=6 * HOUR {
        said.extend(home.live(now));
    }
    assert_ne!(
        words(&said),
        NOTHING,
        "82 % is the newest known value for five hours and a half"
    );
}

#[test]
fn a_symptom_said_again_within_the_half_hour_is_told_at_the_latest_when_it_is_over() {
    let mut home = Home::new();
    home.told_symptom(1, 0, AnswerCode::ChestPain, 1);
    // Closed at minute 10; at minute 20 the patient says it again.
    home.told_symptom(2, 20, AnswerCode::ChestPain, 1);
    let mut said = Vec::new();
    for now in 21..=6 * HOUR {
        said.extend(home.live(now));
    }
    assert_ne!(words(&said), NOTHING);
}

#[test]
fn a_red_that_was_too_bad_to_wait_and_gets_much_worse_is_told() {
    let mut home = Home::new();
    assert_eq!(words(&home.spo2(0, 88)), ["raise spo2-red AtOnce"]);
    assert_ne!(words(&home.spo2(20, 72)), NOTHING);
}
