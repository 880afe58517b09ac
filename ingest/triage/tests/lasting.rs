//! A confirmed red that lasts or grows worse is told again, so that who closed it hears of it.

// req: G7

mod support;

use support::*;
use veglia_triage::{How, PatientState, RuleSet, Standing, Verdict};

const NOTHING: [&str; 0] = [];

/// A red, borne out by its repeat, at minute 2.
fn confirmed() -> Home {
    let mut home = Home::new();
    home.spo2(0, 91);
    assert_eq!(words(&home.spo2(2, 91)), ["confirm spo2-red Repeat"]);
    home
}

#[test]
fn a_confirmed_red_that_falls_to_88_is_confirmed_at_once_and_not_with_each_reading() {
    let mut home = confirmed();
    let said = home.spo2(5, 85);
    assert_eq!(words(&said), ["confirm spo2-red AtOnce"]);
    assert_eq!(said[0].telling(), 3, "a telling of its own");
    let Verdict::Confirm { evidence, .. } = &said[0] else {
        panic!("it is confirmed: {said:?}");
    };
    let steps: Vec<i32> = evidence.iter().map(|it| it.value().unwrap().1).collect();
    assert_eq!(steps, [910, 910, 850]);
    assert_eq!(words(&home.spo2(7, 84)), NOTHING);
    assert_eq!(words(&home.spo2(9, 82)), NOTHING, "three points");
    let at_once = Standing::Confirmed {
        how: How::AtOnce,
        at: minute(5),
    };
    assert_eq!(home.state.open_flags()[0].standing, at_once);
}

/// Once was not enough: who has it in hand at 85 % must hear of 75.
#[test]
fn a_red_that_falls_by_four_points_more_is_told_as_worse_each_time() {
    let mut home = confirmed();
    home.spo2(5, 85);
    assert_eq!(words(&home.spo2(7, 82)), NOTHING);
    assert_eq!(words(&home.spo2(8, 81)), ["confirm spo2-red AtOnce"]);
    assert_eq!(words(&home.spo2(9, 78)), NOTHING, "of what was told last");
    let said = home.spo2(10, 60);
    assert_eq!(words(&said), ["confirm spo2-red AtOnce"]);
    let Verdict::Confirm { evidence, .. } = &said[0] else {
        panic!("it is confirmed: {said:?}");
    };
    let steps: Vec<i32> = evidence.iter().map(|it| it.value().unwrap().1).collect();
    assert_eq!(steps, [910, 910, 850, 810, 600]);
}

#[test]
fn a_red_whose_repeat_was_missed_is_confirmed_at_once_by_a_graver_reading() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.tick(10);
    assert_eq!(words(&home.spo2(11, 85)), ["confirm spo2-red AtOnce"]);

    let mut home = Home::new();
    home.spo2(0, 91);
    let said = home.spo2(11, 85);
    assert_eq!(words(&said), ["confirm spo2-red AtOnce"], "without a tick");
}

#[test]
fn a_red_that_lasts_is_told_again_half_an_hour_after_it_was_told() {
    let mut home = confirmed();
    assert_eq!(words(&home.spo2(31, 91)), NOTHING, "29 minutes");
    let again = home.spo2(32, 91);
    assert_eq!(words(&again), ["raise spo2-red Repeat"]);
    assert_eq!(raised(&again).telling, 3);
    assert_eq!(home.known.open().len(), 1, "the same flag");
    home.restart();
    assert_eq!(words(&home.spo2(61, 91)), NOTHING, "29 minutes since");
    assert_eq!(words(&home.spo2(100, 91)), ["raise spo2-red Repeat"]);
}

#[test]
fn a_graver_reading_puts_the_reminder_off() {
    let mut home = confirmed();
    assert_eq!(words(&home.spo2(30, 80)), ["confirm spo2-red AtOnce"]);
    assert_eq!(words(&home.spo2(59, 80)), NOTHING);
    assert_eq!(words(&home.spo2(60, 80)), ["raise spo2-red AtOnce"]);
}

#[test]
fn good_readings_and_silence_remind_nobody() {
    let mut home = confirmed();
    assert_eq!(words(&home.spo2(40, 95)), NOTHING);
    assert_eq!(words(&home.tick(60)), NOTHING);
    assert_eq!(words(&home.spo2(70, 95)), ["end spo2-red Recovered"]);
}

#[test]
fn a_fever_that_lasts_is_told_once() {
    let mut home = Home::new();
    home.vital(0, temperature(3_900));
    assert_eq!(words(&home.vital(120, temperature(3_900))), NOTHING);
}

#[test]
fn late_readings_between_told_ones_remind_nobody_again() {
    let mut home = confirmed();
    assert_eq!(words(&home.spo2(40, 91)), ["raise spo2-red Repeat"]);
    assert_eq!(
        words(&home.late(33, 41, spo2(910))),
        NOTHING,
        "the reminder was due at 33, and people have had a later one"
    );
    assert_eq!(
        words(&home.late(64, 65, spo2(910))),
        ["raise spo2-red Repeat"]
    );
}

#[test]
fn a_state_of_the_version_before_reminders_is_read_and_reminds() {
    let home = confirmed();
    let kept = serde_json::to_value(&home.state).expect("a state is data");
    let text = kept.to_string();
    assert!(!text.contains("reminded"), "nothing is written before one");
    let mut read = Home::new();
    read.state = serde_json::from_str::<PatientState>(&text).expect("it is read");
    read.known = home.known.clone();
    assert_eq!(words(&read.spo2(32, 91)), ["raise spo2-red Repeat"]);
}

#[test]
fn a_reminder_by_every_reading_is_refused() {
    let text = include_str!("../rules/home-2020.toml");
    let text = text.replacen("remind_minutes = 30", "remind_minutes = 0", 1);
    let fault = RuleSet::parse(&text).expect_err("no rule set");
    assert!(fault.reason.contains("remind_minutes"), "{fault}");
}
