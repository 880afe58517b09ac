//! How often a device speaks: its first second, every few seconds, and a value that stands still.

// req: G7

mod support;

use support::*;
use veglia_triage::Severity;
use veglia_wire::{AnswerCode, Quality, VitalKind, WallMs};

const DAY: i64 = 24 * 60;

#[test]
fn a_device_that_speaks_every_ten_seconds_does_not_bear_itself_out_in_ten_seconds() {
    let mut home = Home::new();
    for (number, percent) in (1..).zip([97, 97, 97, 91, 91, 97, 97]) {
        let at = WallMs(START + i64::try_from(number).unwrap() * 10_000);
        home.observe(&seen(number, at, spo2(percent * 10), Quality::empty()));
    }
    let flags: Vec<_> = home
        .state
        .flags()
        .filter(|(it, _)| it.severity == Severity::Red)
        .collect();
    assert!(
        flags.iter().all(|(it, _)| !it.standing.is_confirmed()),
        "{flags:?}"
    );
}

/// The device has streamed before: last night, well.
#[test]
fn the_first_second_of_a_stream_pages_nobody() {
    let mut home = Home::new();
    for number in 1..=60_u64 {
        let at = WallMs(START + i64::try_from(number).unwrap() * 1_000);
        home.observe(&seen(number, at, spo2(970), Quality::empty()));
    }
    let mut said = Vec::new();
    for number in 1..=300_u64 {
        let at = minute(600).plus_ms(i64::try_from(number).unwrap() * 1_000);
        let percent = if number == 1 { 84 } else { 97 };
        let number = 1_000 + number;
        said.extend(home.observe(&seen(number, at, spo2(percent * 10), Quality::empty())));
    }
    let words = words(&said);
    assert!(
        !words.contains(&"raise spo2-red AtOnce".to_owned()),
        "{words:?}"
    );
}

#[test]
fn a_drop_under_the_baseline_that_stands_still_is_not_greyed() {
    let mut home = Home::new();
    home.observe(&answered(9_999, minute(-60), AnswerCode::BaselineSpO2, 990));
    for number in 1..=3_900_u64 {
        let at = WallMs(START + i64::try_from(number).unwrap() * 1_000);
        home.observe(&seen(number, at, spo2(950), Quality::empty()));
    }
    assert!(
        home.open().contains(&"spo2-drop".to_owned()),
        "{:?}",
        home.open()
    );
    assert!(!home.state.is_greyed(VitalKind::SpO2));
}

#[test]
fn sparse_streams_are_confirmed_in_time() {
    // Two seconds every three minutes; a reading every four seconds; every six.
    for (name, every, spoken) in [("pairs", 180, 2), ("fours", 4, 1), ("sixes", 6, 1)] {
        let mut home = Home::new();
        for second in (0..600).filter(|second| second % every < spoken) {
            let number = u64::try_from(second).unwrap() + 1;
            let at = WallMs(START + second * 1_000);
            home.observe(&seen(number, at, spo2(900), Quality::empty()));
        }
        let flag = home.state.open_flags().remove(0);
        assert_eq!(flag.id.rule.as_str(), "spo2-red");
        assert!(flag.standing.is_confirmed(), "{name}");
    }
}

#[test]
fn values_about_the_limit_are_a_confirmed_amber() {
    let mut home = Home::new();
    for (at, percent) in [(0, 92), (5, 93), (10, 92), (15, 93)] {
        home.spo2(at, percent);
    }
    let flags = home.state.open_flags();
    let amber = flags.iter().find(|it| it.id.rule.as_str() == "spo2-amber");
    assert!(
        amber.is_some_and(|it| it.standing.is_confirmed()),
        "{flags:?}"
    );
}

#[test]
fn an_old_red_that_is_the_newest_value_is_told() {
    let mut home = Home::new();
    home.spo2(-5 * DAY, 97);
    let said = home.late(-4 * DAY, 0, spo2(900));
    assert_eq!(words(&said), ["raise spo2-red unconfirmed"]);
    assert!(raised(&said).late);
    assert_eq!(words(&home.live(2)), ["confirm spo2-red MissedRepeat"]);
}
