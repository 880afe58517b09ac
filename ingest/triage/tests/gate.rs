//! What a device says and nobody has measured is not scored; a true low is never hidden by it.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Input, Observation, RuleSet, Seen, Source, Target, Verdict};
use veglia_wire::{Contact, Quality, Sensor, Site, Vital, VitalKind};

const NOTHING: [&str; 0] = [];

fn contact(number: u64, minutes: i64, contact: Contact) -> Observation {
    Observation {
        seen: Seen::Contact(Sensor::Oximeter, contact),
        ..seen(number, minute(minutes), spo2(970), Quality::empty())
    }
}

#[test]
fn a_floor_that_is_reached_in_one_step_is_not_scored() {
    let mut home = Home::new();
    for minutes in 0..30 {
        let percent = if minutes % 10 < 7 { 96 } else { 50 };
        assert_eq!(words(&home.spo2(minutes, percent)), NOTHING, "{minutes}");
        home.tick(minutes);
    }
}

#[test]
fn a_low_that_is_no_floor_is_judged_at_once_however_it_came() {
    for percent in [49, 51, 70, 85] {
        let mut home = Home::new();
        home.spo2(0, 97);
        assert_eq!(
            words(&home.spo2(1, percent)),
            ["raise spo2-red AtOnce"],
            "{percent}"
        );
    }
}

#[test]
fn a_floor_that_is_reached_by_degrees_or_first_or_after_a_pause_is_judged_at_once() {
    let mut home = Home::new();
    assert_eq!(words(&home.spo2(0, 50)), ["raise spo2-red AtOnce"], "first");

    let mut home = Home::new();
    home.spo2(0, 97);
    assert_eq!(
        words(&home.spo2(10, 50)),
        ["raise spo2-red AtOnce"],
        "after a pause"
    );

    let mut home = Home::new();
    for (minutes, percent) in [(0, 95), (1, 80), (2, 66), (3, 50)] {
        home.spo2(minutes, percent);
    }
    let flag = home.state.open_flags().remove(0);
    assert!(flag.standing.is_confirmed());
    assert_eq!(
        words(&home.spo2(40, 50)),
        ["raise spo2-red AtOnce"],
        "told again"
    );
}

#[test]
fn a_floor_that_lasts_five_minutes_is_judged() {
    let mut home = Home::new();
    home.spo2(0, 97);
    for minutes in 1..6 {
        assert_eq!(words(&home.spo2(minutes, 50)), NOTHING, "{minutes}");
        assert!(home.state.is_greyed(VitalKind::SpO2));
    }
    assert_eq!(words(&home.spo2(6, 50)), ["raise spo2-red AtOnce"]);
    assert!(!home.state.is_greyed(VitalKind::SpO2));
}

#[test]
fn a_person_who_types_the_floor_is_believed() {
    let mut home = Home::new();
    for source in [Source::ByHand, Source::ByPhone] {
        home.spo2(0, 97);
        let mut typed = seen(900, minute(1), spo2(500), Quality::empty());
        typed.source = source;
        let said = words(&home.observe(&typed));
        assert_eq!(said, ["raise spo2-red AtOnce"], "{source:?}");
        home = Home::new();
    }
}

/// A reading every five seconds from a minute on, all alike.
fn stands_still(home: &mut Home, minutes: std::ops::Range<i64>, percent: i32) -> Vec<String> {
    let mut said = Vec::new();
    for minutes in minutes {
        for second in 0..12 {
            let at = minute(minutes).plus_ms(second * 5_000);
            let number = u64::try_from(at.0 - START).expect("after the start") + 10_000;
            let reading = seen(number, at, spo2(percent * 10), Quality::empty());
            said.extend(words(&home.observe(&reading)));
        }
        said.extend(words(&home.tick(minutes + 1)));
    }
    said
}

#[test]
fn a_value_that_stands_still_for_an_hour_is_silence_and_reassures_nobody() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 5, 10)]));
    assert_eq!(stands_still(&mut home, 0..70, 97), NOTHING);
    assert_eq!(
        stands_still(&mut home, 70..80, 97),
        ["raise silence-spo2 Silent(Unknown)"]
    );
    assert_eq!(words(&home.spo2(80, 96)), ["end silence-spo2 DataReturned"]);
}

#[test]
fn a_value_at_the_end_of_the_scale_may_stand_still() {
    for percent in [99, 100] {
        let mut home = Home::new();
        home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 5, 10)]));
        assert_eq!(stands_still(&mut home, 0..100, percent), NOTHING);
    }
}

#[test]
fn a_low_that_stands_still_is_judged_however_long_it_lasts() {
    let mut home = Home::new();
    let told = stands_still(&mut home, 0..200, 91);
    assert!(told.len() >= 6, "told again each half hour: {told:?}");
    assert_eq!(home.open(), ["spo2-red"]);
}

#[test]
fn a_plateau_is_low_by_the_persons_own_target() {
    let mut home = Home::new();
    let mut own = plan(1, minute(-1), vec![every(VitalKind::SpO2, 5, 10)]);
    own.spo2 = Some(Target {
        low_percent: 88,
        high_percent: 92,
    });
    home.plan(&own);
    stands_still(&mut home, 0..90, 90);
    assert_eq!(home.open(), ["silence-spo2"], "90 is usual for this person");
}

#[test]
fn a_value_a_minute_that_stands_still_is_no_plateau() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 5, 10)]));
    for minutes in 0..200 {
        home.spo2(minutes, 97);
        home.tick(minutes);
    }
    assert_eq!(home.known.0.len(), 0);
}

#[test]
fn three_equal_values_a_day_are_no_plateau() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 480, 60)]));
    for times in 0..30 {
        home.spo2(times * 480, 97);
        home.tick(times * 480 + 1);
    }
    assert_eq!(home.known.0.len(), 0);
}

#[test]
fn a_value_repeated_after_the_contact_was_lost_confirms_and_refutes_nothing() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.observe(&contact(900, 1, Contact::Off));
    assert_eq!(words(&home.spo2(2, 91)), NOTHING, "no repeat");
    assert_eq!(
        words(&home.tick(10)),
        ["confirm spo2-red MissedRepeat"],
        "the low is not hidden: the repeat that did not come pages"
    );

    let mut home = Home::new();
    home.spo2(0, 97);
    home.observe(&contact(900, 1, Contact::Off));
    assert_eq!(
        words(&home.spo2(2, 85)),
        ["raise spo2-red AtOnce"],
        "another value"
    );
}

#[test]
fn the_same_value_after_the_contact_is_back_is_a_measurement() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.observe(&contact(900, 1, Contact::Off));
    home.observe(&contact(901, 2, Contact::On));
    assert_eq!(words(&home.spo2(3, 91)), ["confirm spo2-red Repeat"]);
}

#[test]
fn a_word_of_the_sensor_that_comes_late_takes_the_repeat_back() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.spo2(2, 91);
    assert!(home.state.open_flags()[0].standing.is_confirmed());
    let mut off = contact(900, 1, Contact::Off);
    off.received = minute(3);
    home.observe(&off);
    assert!(!home.state.open_flags()[0].standing.is_confirmed());
}

#[test]
fn site_calibration_range_and_time_keep_a_temperature_out() {
    let fever = |site| Vital::from_steps(VitalKind::Temperature, 3_950, site).expect("possible");
    let mut home = Home::new();
    home.vital(0, fever(Site::Skin));
    home.quality(1, fever(Site::Armpit), Quality::UNCALIBRATED);
    home.quality(2, fever(Site::Unknown), Quality::TIME_UNCERTAIN);
    home.vital(3, temperature(4_500));
    home.vital(4, temperature(0));
    let mut ahead = seen(900, minute(60), fever(Site::Armpit), Quality::empty());
    ahead.received = minute(5);
    home.observe(&ahead);
    assert_eq!(home.known.0.len(), 0);
    let said = words(&home.vital(6, fever(Site::Armpit)));
    assert_eq!(said, ["raise fever-high AtOnce"]);
}

#[test]
fn a_missing_value_that_was_sent_as_nought_is_no_low() {
    let mut home = Home::new();
    home.spo2(0, 0);
    home.vital(1, temperature(0));
    assert_eq!(home.known.0.len(), 0);
}

#[test]
fn faulty_numbers_of_a_gate_are_refused() {
    let text = include_str!("../rules/home-2020.toml");
    for (from, to, reason) in [
        ("gap_seconds = 90", "gap_seconds = 0", "at least 1"),
        ("held_minutes = 60", "held_minutes = 1", "no plateau"),
        ("floors = [50]", "floors = [20]", "greyed anyway"),
        ("fall = 20", "fall = 0", "at least 1"),
    ] {
        assert!(text.contains(from), "{from}");
        let fault = RuleSet::parse(&text.replacen(from, to, 1)).expect_err("no rule set");
        assert!(fault.reason.contains(reason), "{fault}");
    }
    let rules = RuleSet::shipped();
    assert!(rules.source_of_gate(VitalKind::SpO2).is_some());
    assert!(rules.source_of_gate(VitalKind::Pulse).is_none());
}

fn minutes_of_a_wearable() -> impl Strategy<Value = Vec<Observation>> {
    let value = prop_oneof![Just(50), Just(91), Just(97), Just(97), Just(97)];
    let delay = prop_oneof![4 => Just(0_i64), 1 => 0..90_i64];
    vec((1..3_i64, value, delay, 0..12_u8), 1..110).prop_map(|readings| {
        let mut at = 0;
        let mut said = Vec::new();
        for (number, (gap, percent, delay, what)) in (1..).zip(readings) {
            at += gap;
            let mut observation = match what {
                0 => contact(number, at, Contact::Off),
                1 => contact(number, at, Contact::On),
                _ => seen(number, minute(at), spo2(percent * 10), Quality::empty()),
            };
            observation.received = minute(at + delay);
            said.push(observation);
        }
        said
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_late_and_doubled_plateaus_end_in_the_same_flags(
        (readings, shuffled) in minutes_of_a_wearable().prop_flat_map(|readings| {
            let mut doubled = readings.clone();
            doubled.extend(readings.iter().take(5).cloned());
            (Just(readings), Just(doubled).prop_shuffle())
        }),
    ) {
        let asked = plan(1, minute(-1), vec![every(VitalKind::SpO2, 5, 10)]);
        let (mut steady, mut home) = (Home::new(), Home::new());
        steady.plan(&asked);
        home.plan(&asked);
        for observation in &readings {
            steady.observe(observation);
        }
        for (place, observation) in shuffled.iter().enumerate() {
            home.observe(observation);
            if place % 7 == 0 {
                home.restart();
                home.give(Input::Tick, observation.at);
            }
        }
        steady.tick(2_000);
        home.tick(2_000);
        prop_assert_eq!(told(&steady), told(&home));
    }

    #[test]
    fn a_low_that_is_no_floor_is_red_whatever_came_before(
        readings in minutes_of_a_wearable(),
        percent in 60..88_i32,
    ) {
        let mut home = Home::new();
        let on = |it: &&Observation| matches!(it.seen, Seen::Vital(..));
        for observation in readings.iter().filter(on) {
            home.observe(observation);
        }
        let last = readings.iter().map(|it| it.at).max().expect("one at least");
        let low = seen(5_000, last.plus_ms(MINUTE), spo2(percent * 10), Quality::empty());
        let said: Vec<Verdict> = home.observe(&low);
        let red = home.state.open_flags().remove(0);
        prop_assert!(red.id.rule.as_str() == "spo2-red" && red.standing.is_confirmed());
        let has_end = said.iter().any(|it| matches!(it, Verdict::End { .. }));
        prop_assert!(!has_end, "nothing of it is over");
    }
}
