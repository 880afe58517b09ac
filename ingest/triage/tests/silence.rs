//! Silence: per vital sign, by the plan, across restarts, late data and both changes of the clock.

mod support;

use support::*;
use veglia_triage::{Input, Plan, Trigger};
use veglia_wire::{Quality, VitalKind, WallMs};

const NOTHING: [&str; 0] = [];
const SAID: [&str; 1] = ["raise silence-spo2 Silent(Unknown)"];

/// Oxygen every hour with a quarter of grace, from minute 0.
fn hourly() -> Home {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    home
}

#[test]
fn silence_is_flagged_a_grace_after_a_reading_was_expected() {
    let mut home = hourly();
    home.spo2(0, 97);
    assert_eq!(home.state.next_deadline(), Some(minute(75)));
    assert_eq!(words(&home.tick(74)), NOTHING);
    let said = home.tick(75);
    assert_eq!(words(&said), SAID);
    let flag = raised(&said);
    assert_eq!(flag.since, minute(60));
    assert_eq!(
        flag.id.trigger,
        Trigger::SilentSince(VitalKind::SpO2, minute(60))
    );
    assert_eq!(
        flag.id.to_string(),
        "00000000000a11ce.silence-spo2.home-2020-5.silent.spo2.1603177200000"
    );
    assert_eq!(flag.id.to_string().parse(), Ok(flag.id.clone()));
    assert_eq!(words(&home.tick(500)), NOTHING, "one silence is one flag");
    assert_eq!(
        words(&home.spo2(501, 97)),
        ["end silence-spo2 DataReturned"]
    );
    assert_eq!(words(&home.tick(575)), NOTHING);
    assert_eq!(words(&home.tick(576)), SAID, "the watch goes on");
}

#[test]
fn a_late_reading_of_the_expected_moment_takes_the_silence_back_though_the_plan_is_over() {
    let mut home = Home::new();
    let hourly = plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]);
    home.plan(&Plan {
        until: Some(minute(200)),
        ..hourly
    });
    home.spo2(0, 97);
    assert_eq!(words(&home.tick(150)), SAID);
    home.spo2(60, 97);
    let said = words(&home.spo2(140, 97));
    assert!(
        said.contains(&"end silence-spo2 ExplainedByLateData".to_owned()),
        "{said:?}"
    );
    home.tick(300);
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn a_patient_who_never_sends_anything_is_silent() {
    assert_eq!(words(&hourly().tick(75)), SAID);
}

#[test]
fn without_a_plan_nobody_is_silent() {
    let mut home = Home::new();
    home.spo2(0, 97);
    assert_eq!(home.state.next_deadline(), None);
    assert_eq!(words(&home.tick(10_000)), NOTHING);
}

#[test]
fn the_thermometer_falls_silent_while_the_oximeter_talks() {
    let mut home = Home::new();
    let parameters = vec![
        every(VitalKind::SpO2, 60, 15),
        every(VitalKind::Temperature, 120, 30),
    ];
    home.plan(&plan(1, minute(0), parameters));
    for hour in 0..3 {
        assert_eq!(words(&home.spo2(hour * 60, 97)), NOTHING);
        assert_eq!(words(&home.tick(hour * 60)), NOTHING);
    }
    assert_eq!(
        words(&home.tick(150)),
        ["raise silence-temperature Silent(Unknown)"]
    );
    let said = home.vital(160, temperature(3_700));
    assert_eq!(words(&said), ["end silence-temperature DataReturned"]);
}

#[test]
fn silence_is_not_a_low_value_and_an_old_value_is_not_either() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.tick(10_000);
    assert_eq!(home.open(), ["silence-spo2"]);
    assert_eq!(home.state.last(VitalKind::SpO2).unwrap().at, minute(0));
}

#[test]
fn silence_is_found_after_a_restart_and_said_once() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.restart();
    assert_eq!(words(&home.tick(75)), SAID);
    home.restart();
    assert_eq!(words(&home.tick(76)), NOTHING);
    home.restart();
    assert_eq!(words(&home.spo2(80, 97)), ["end silence-spo2 DataReturned"]);
}

#[test]
fn a_clock_that_steps_back_takes_no_silence_back() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.tick(80);
    assert_eq!(words(&home.tick(20)), NOTHING);
    assert_eq!(home.open(), ["silence-spo2"]);
}

#[test]
fn a_greyed_value_does_not_break_a_silence() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.quality(60, spo2(970), Quality::ARTEFACT);
    assert_eq!(words(&home.tick(75)), SAID);
    assert_eq!(
        words(&home.quality(76, spo2(970), Quality::NO_CONTACT)),
        NOTHING
    );
}

#[test]
fn data_that_was_only_late_explains_the_silence() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.tick(90);
    assert_eq!(
        words(&home.late(60, 91, spo2(970))),
        ["end silence-spo2 ExplainedByLateData"]
    );
    assert_eq!(words(&home.tick(92)), NOTHING);
    assert_eq!(words(&home.tick(135)), SAID);
}

#[test]
fn a_silence_that_lasts_is_renamed_at_a_tick_and_not_at_each_reading_of_a_backlog() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.tick(600);
    for measured in [60, 120, 180] {
        assert_eq!(words(&home.late(measured, 601, spo2(970))), NOTHING);
        assert_eq!(home.open(), ["silence-spo2"]);
    }
    let said = home.tick(602);
    assert_eq!(
        words(&said),
        [
            "raise silence-spo2 Silent(Unknown)",
            "end silence-spo2 ExplainedByLateData"
        ]
    );
    assert_eq!(raised(&said).since, minute(240));
}

#[test]
fn a_late_reading_can_split_a_silence_in_two() {
    let mut home = hourly();
    home.spo2(0, 97);
    home.spo2(300, 97);
    let said = words(&home.late(150, 301, spo2(970)));
    assert_eq!(said[0], "raise silence-spo2 Silent(Unknown)");
    assert_eq!(
        said[1..],
        ["end silence-spo2 DataReturned"; 2],
        "one ends earlier, one is new"
    );
    let since: Vec<WallMs> = home.state.flags().map(|(flag, _)| flag.since).collect();
    assert_eq!(since, [minute(60), minute(210)]);
}

#[test]
fn a_plan_that_ends_ends_the_silence_and_asks_no_more() {
    let mut home = Home::new();
    let ended = Plan {
        until: Some(minute(200)),
        ..plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)])
    };
    home.plan(&ended);
    assert_eq!(words(&home.tick(75)), SAID);
    assert_eq!(home.state.next_deadline(), Some(minute(200)));
    assert_eq!(words(&home.tick(200)), ["end silence-spo2 PlanEnded"]);
    assert_eq!(words(&home.tick(10_000)), NOTHING);
}

#[test]
fn a_new_plan_that_goes_on_asking_does_not_end_a_silence() {
    let mut home = hourly();
    assert_eq!(words(&home.tick(75)), SAID);
    assert_eq!(
        words(&home.plan(&plan(2, minute(100), vec![every(VitalKind::SpO2, 30, 5)]))),
        NOTHING
    );
    assert_eq!(home.open(), ["silence-spo2"]);
    let stops = plan(3, minute(120), Vec::new());
    assert_eq!(
        words(&home.plan(&stops)),
        NOTHING,
        "the clock has not ticked past it"
    );
    assert_eq!(words(&home.tick(120)), ["end silence-spo2 PlanEnded"]);
}

#[test]
fn a_plan_in_the_future_asks_from_its_beginning() {
    let mut home = Home::new();
    let next = plan(1, minute(1_000), vec![every(VitalKind::SpO2, 60, 15)]);
    home.give(Input::Plan(&next), minute(0));
    assert_eq!(words(&home.tick(1_074)), NOTHING);
    assert_eq!(words(&home.tick(1_075)), SAID);
}

/// Oxygen at a time of day with half an hour of grace, watched since a reading the noon before.
fn watched_at(time: &str, noon: WallMs) -> Home {
    let mut home = Home::new();
    home.plan(&plan(1, noon, vec![daily(VitalKind::SpO2, &[time], 30)]));
    home.observe(&seen(1, noon, spo2(970), Quality::empty()));
    home
}

const HALF_HOUR: i64 = 30 * MINUTE;
const HOUR: i64 = 60 * MINUTE;

#[test]
fn the_half_past_two_that_happens_twice_is_expected_the_first_time() {
    let first = WallMs(1_603_585_800_000); // 25 October 2020, 02:30 in summer time
    let mut home = watched_at("02:30", first.plus_ms(-14 * HOUR - HALF_HOUR));
    let deadline = first.plus_ms(HALF_HOUR);
    assert_eq!(home.state.next_deadline(), Some(deadline));
    assert_eq!(words(&home.give(Input::Tick, deadline)), SAID);
    let second = first.plus_ms(HOUR);
    let said = home.observe(&seen(2, second, spo2(970), Quality::empty()));
    assert_eq!(words(&said), ["end silence-spo2 DataReturned"]);
    assert_eq!(
        words(&home.give(Input::Tick, first.plus_ms(25 * HOUR))),
        NOTHING
    );
    assert_eq!(
        words(&home.give(Input::Tick, first.plus_ms(25 * HOUR + HALF_HOUR))),
        SAID
    );
}

#[test]
fn the_half_past_two_that_does_not_happen_is_expected_an_hour_on() {
    let shifted = WallMs(1_616_895_000_000); // 28 March 2021, 03:30 in summer time
    let mut home = watched_at("02:30", shifted.plus_ms(-14 * HOUR));
    let deadline = shifted.plus_ms(HALF_HOUR);
    assert_eq!(
        words(&home.give(Input::Tick, deadline.plus_ms(-1))),
        NOTHING
    );
    let said = home.give(Input::Tick, deadline);
    assert_eq!(words(&said), SAID);
    assert_eq!(raised(&said).since, shifted);
}

#[test]
fn eight_in_the_morning_stays_eight_in_the_morning() {
    for (eight, day_ms) in [
        (WallMs(1_603_519_200_000), 25 * HOUR), // 24 to 25 October 2020
        (WallMs(1_616_828_400_000), 23 * HOUR), // 27 to 28 March 2021
    ] {
        let mut home = watched_at("08:00", eight.plus_ms(-10 * HOUR));
        home.observe(&seen(2, eight, spo2(970), Quality::empty()));
        let deadline = eight.plus_ms(day_ms + HALF_HOUR);
        assert_eq!(
            words(&home.give(Input::Tick, deadline.plus_ms(-1))),
            NOTHING
        );
        assert_eq!(words(&home.give(Input::Tick, deadline)), SAID);
    }
}

#[test]
fn a_reading_a_little_early_counts_for_its_time_of_day() {
    let eight = minute(0);
    let mut home = watched_at("08:00", eight.plus_ms(-20 * HOUR));
    home.spo2(-30, 97);
    assert_eq!(words(&home.tick(30)), NOTHING);
    let mut home = watched_at("08:00", eight.plus_ms(-20 * HOUR));
    home.spo2(-31, 97);
    assert_eq!(words(&home.tick(30)), SAID);
}
