//! Red oxygen and fever, as the clinical rules tell them: when a flag is raised, confirmed, over.

// req: G7

mod support;

use support::*;
use veglia_triage::{How, Input, Plan, PlanVersion, RuleSet, Standing, Target};
use veglia_wire::{Quality, Site, Vital, VitalKind};

const NOTHING: [&str; 0] = [];

#[test]
fn a_red_is_raised_at_once_and_the_next_reading_decides() {
    let amber = "raise spo2-amber unconfirmed";
    for (first, second, said) in [
        (92, 92, vec!["confirm spo2-red Repeat"]),
        (92, 90, vec!["confirm spo2-red Repeat"]),
        (92, 80, vec!["confirm spo2-red Repeat"]),
        (92, 93, vec![amber, "end spo2-red NotConfirmed"]),
        (91, 97, vec!["end spo2-red NotConfirmed"]),
        (89, 93, vec![amber, "end spo2-red NotConfirmed"]),
    ] {
        let mut home = Home::new();
        assert_eq!(words(&home.spo2(0, first)), ["raise spo2-red unconfirmed"]);
        assert_eq!(words(&home.spo2(2, second)), said, "{first} then {second}");
    }
}

#[test]
fn oxygen_above_94_raises_nothing() {
    for percent in [95, 96, 100] {
        assert_eq!(words(&Home::new().spo2(0, percent)), NOTHING, "{percent}");
    }
}

#[test]
fn oxygen_is_judged_by_whole_percent_rounded_down() {
    for (tenths, rule) in [
        (920, "spo2-red"),
        (929, "spo2-red"),
        (930, "spo2-amber"),
        (949, "spo2-amber"),
    ] {
        let said = words(&Home::new().vital(0, spo2(tenths)));
        assert_eq!(said, [format!("raise {rule} unconfirmed")], "{tenths}");
    }
}

#[test]
fn at_88_nobody_waits_for_a_repeat() {
    assert_eq!(words(&Home::new().spo2(0, 88)), ["raise spo2-red AtOnce"]);
    assert_eq!(
        words(&Home::new().spo2(0, 89)),
        ["raise spo2-red unconfirmed"]
    );
    assert_eq!(
        words(&Home::new().vital(0, spo2(889))),
        ["raise spo2-red AtOnce"]
    );
}

#[test]
fn a_missed_repeat_confirms_after_ten_minutes() {
    let mut home = Home::new();
    let raise = home.spo2(0, 91);
    let flag = raised(&raise);
    assert_eq!(
        flag.standing,
        Standing::Unconfirmed {
            repeat_by: minute(10)
        }
    );
    assert_eq!(home.state.next_deadline(), Some(minute(10)));
    assert_eq!(words(&home.tick(9)), NOTHING);
    assert_eq!(words(&home.tick(10)), ["confirm spo2-red MissedRepeat"]);
    assert_eq!(words(&home.tick(11)), NOTHING, "said once");
    let open = home.state.open_flags();
    assert_eq!(
        open[0].standing,
        Standing::Confirmed {
            how: MISSED,
            at: minute(10)
        }
    );
}

#[test]
fn a_repeat_after_the_deadline_is_no_repeat() {
    let mut home = Home::new();
    home.spo2(0, 91);
    assert_eq!(words(&home.spo2(11, 97)), ["confirm spo2-red MissedRepeat"]);
}

#[test]
fn a_missed_repeat_is_missed_across_a_restart() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.restart();
    assert_eq!(words(&home.tick(12)), ["confirm spo2-red MissedRepeat"]);
    home.restart();
    assert_eq!(words(&home.tick(13)), NOTHING);
}

#[test]
fn an_episode_is_over_after_two_good_readings_half_an_hour_apart() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.spo2(2, 90);
    assert_eq!(words(&home.spo2(10, 93)), NOTHING, "one good reading");
    assert_eq!(words(&home.spo2(39, 95)), NOTHING, "29 minutes");
    assert_eq!(words(&home.spo2(40, 95)), ["end spo2-red Recovered"]);
    assert_eq!(home.open(), NOTHING);
    let again = home.spo2(50, 92);
    assert_eq!(
        words(&again),
        ["raise spo2-red unconfirmed"],
        "a later red is a new flag"
    );
    assert_eq!(raised(&again).evidence.len(), 1);
}

#[test]
fn a_red_between_the_good_readings_begins_the_count_again() {
    let mut home = Home::new();
    home.spo2(0, 88);
    home.spo2(10, 95);
    home.spo2(20, 92);
    assert_eq!(words(&home.spo2(45, 95)), NOTHING);
    assert_eq!(words(&home.spo2(74, 95)), NOTHING);
    assert_eq!(words(&home.spo2(75, 95)), ["end spo2-red Recovered"]);
}

#[test]
fn a_confirmed_red_stays_open_however_long_nothing_comes() {
    let mut home = Home::new();
    home.spo2(0, 88);
    assert_eq!(words(&home.tick(7 * 24 * 60)), NOTHING);
    assert_eq!(home.open(), ["spo2-red"]);
}

#[test]
fn the_flag_carries_the_exact_readings_and_their_time() {
    let mut home = Home::new();
    let raise = home.vital(3, spo2(919));
    let flag = raised(&raise);
    assert_eq!(
        (flag.since, flag.evidence[0].value().unwrap().1),
        (minute(3), 919)
    );
    assert_eq!(
        flag.id.to_string(),
        "00000000000a11ce.spo2-red.home-2020-5.record.0000000000000007-1"
    );
    assert_eq!(flag.id.to_string().parse(), Ok(flag.id.clone()));
    home.vital(5, spo2(905));
    let open = home.state.open_flags();
    let steps: Vec<i32> = open[0]
        .evidence
        .iter()
        .map(|it| it.value().unwrap().1)
        .collect();
    assert_eq!(steps, [919, 905]);
}

#[test]
fn a_disturbed_reading_never_raises_confirms_or_ends() {
    let disturbed = [
        Quality::NO_CONTACT,
        Quality::SEARCHING,
        Quality::ARTEFACT,
        Quality::HELD,
        Quality::DEMO,
        Quality::QUESTIONABLE,
        Quality::INVALID,
        Quality::UNCALIBRATED,
        Quality::TIME_UNCERTAIN,
    ];
    for quality in disturbed {
        let mut home = Home::new();
        assert_eq!(
            words(&home.quality(0, spo2(800), quality)),
            NOTHING,
            "{quality:?}"
        );
        home.spo2(1, 91);
        assert_eq!(
            words(&home.quality(2, spo2(800), quality)),
            NOTHING,
            "{quality:?}"
        );
        assert_eq!(
            words(&home.quality(3, spo2(990), quality)),
            NOTHING,
            "{quality:?}"
        );
        assert_eq!(home.open(), ["spo2-red"]);
    }
}

#[test]
fn a_weak_signal_does_not_hide_a_red() {
    for quality in [
        Quality::WEAK_SIGNAL,
        Quality::LOW_PERFUSION,
        Quality::FROM_STORAGE,
    ] {
        let said = Home::new().quality(0, spo2(900), quality);
        assert_eq!(words(&said), ["raise spo2-red unconfirmed"], "{quality:?}");
    }
}

#[test]
fn a_missing_value_sent_as_zero_is_no_measurement() {
    let mut home = Home::new();
    assert_eq!(words(&home.spo2(0, 0)), NOTHING);
    assert_eq!(words(&home.spo2(1, 34)), NOTHING);
    assert_eq!(words(&home.vital(2, temperature(0))), NOTHING);
    assert_eq!(words(&home.vital(3, temperature(9_999))), NOTHING);
    assert_eq!(words(&home.spo2(4, 35)), ["raise spo2-red AtOnce"]);
}

#[test]
fn a_reading_dated_after_its_arrival_is_not_scored() {
    let mut home = Home::new();
    assert_eq!(words(&home.late(6, 0, spo2(800))), NOTHING);
    assert_eq!(home.state.last(VitalKind::SpO2), None);
    assert_eq!(
        words(&home.late(5, 0, spo2(800))),
        ["raise spo2-red AtOnce"]
    );
}

#[test]
fn fever_begins_above_38_rounded_to_a_tenth() {
    for (hundredths, is_fever) in [
        (3750, false),
        (3800, false),
        (3804, false),
        (3805, true),
        (3810, true),
        (3904, true),
    ] {
        let said = words(&Home::new().vital(0, temperature(hundredths)));
        let expected: &[&str] = if is_fever {
            &["raise fever AtOnce"]
        } else {
            &[]
        };
        assert_eq!(said, expected, "{hundredths} hundredths");
    }
}

#[test]
fn fever_is_over_after_two_readings_half_an_hour_apart() {
    let mut home = Home::new();
    home.vital(0, temperature(3_840));
    assert_eq!(words(&home.vital(60, temperature(3_800))), NOTHING);
    assert_eq!(words(&home.vital(70, temperature(3_790))), NOTHING);
    assert_eq!(
        words(&home.vital(90, temperature(3_800))),
        ["end fever Recovered"]
    );
}

#[test]
fn skin_is_never_scored_and_other_sites_are() {
    for site in Site::ALL {
        let vital = Vital::from_steps(VitalKind::Temperature, 3_900, site).unwrap();
        let said = words(&Home::new().vital(0, vital));
        assert_eq!(said.is_empty(), site == Site::Skin, "{site:?}");
    }
}

#[test]
fn one_patient_may_have_a_red_and_a_fever_and_the_red_stands_first() {
    let mut home = Home::new();
    home.vital(0, temperature(3_900));
    home.spo2(1, 88);
    assert_eq!(home.open(), ["spo2-red", "fever"]);
}

fn with_target(version: i64, from: i64) -> Plan {
    Plan {
        version: PlanVersion(version),
        spo2: Some(Target {
            low_percent: 88,
            high_percent: 92,
        }),
        ..plan(version, minute(from), Vec::new())
    }
}

#[test]
fn a_personal_target_replaces_the_fixed_limits() {
    for (percent, said) in [
        (92, vec![]),
        (88, vec![]),
        (87, vec!["raise spo2-red unconfirmed"]),
        (84, vec!["raise spo2-red unconfirmed"]),
        (83, vec!["raise spo2-red AtOnce"]),
    ] {
        let mut home = Home::new();
        home.plan(&with_target(1, 0));
        assert_eq!(words(&home.spo2(1, percent)), said, "{percent}");
    }
}

#[test]
fn a_target_counts_from_when_its_plan_begins() {
    let mut home = Home::new();
    home.give(Input::Plan(&with_target(1, 60)), minute(0));
    assert_eq!(words(&home.spo2(59, 91)), ["raise spo2-red unconfirmed"]);
    assert_eq!(words(&home.spo2(61, 90)), ["end spo2-red NotConfirmed"]);
}

#[test]
fn another_patients_plan_changes_nothing() {
    let mut home = Home::new();
    let mut other = with_target(1, 0);
    other.patient = veglia_triage::PatientId::new(1);
    home.plan(&other);
    assert_eq!(words(&home.spo2(1, 91)), ["raise spo2-red unconfirmed"]);
}

#[test]
fn an_at_once_red_names_its_reason() {
    let mut home = Home::new();
    home.spo2(0, 85);
    let standing = home.state.open_flags()[0].standing;
    let expected = Standing::Confirmed {
        how: How::AtOnce,
        at: minute(0),
    };
    assert_eq!(standing, expected);
}

#[test]
fn where_devices_stream_a_repeat_is_another_measurement() {
    let mut home = Home::new();
    home.adopt("repeat_after_seconds = 0", "repeat_after_seconds = 120");
    home.spo2(0, 91);
    assert_eq!(
        words(&home.spo2(1, 91)),
        NOTHING,
        "the same finger in the same clip"
    );
    assert_eq!(words(&home.spo2(1, 97)), NOTHING);
    assert_eq!(words(&home.spo2(2, 97)), ["end spo2-red NotConfirmed"]);
    home.spo2(10, 91);
    assert_eq!(
        words(&home.spo2(11, 88)),
        ["confirm spo2-red AtOnce"],
        "too bad to wait"
    );
}

#[test]
fn a_newer_rule_set_judges_what_follows_and_renames_nothing() {
    let mut home = Home::new();
    home.spo2(0, 88);
    let old = home.state.open_flags()[0].id.clone();
    home.adopt("version = 5", "version = 6");
    assert_eq!(words(&home.tick(1)), NOTHING);
    assert_eq!(home.state.open_flags()[0].id, old);
    home.spo2(10, 97);
    home.spo2(40, 97);
    let said = home.spo2(50, 88);
    assert_eq!(raised(&said).id.rule_set.as_str(), "home-2020-6");
}

#[test]
fn a_rule_that_is_gone_ends_its_flags() {
    let mut home = Home::new();
    home.vital(0, temperature(3_900));
    home.adopt("name = \"fever\"\nvital", "name = \"warmth\"\nvital");
    assert_eq!(
        words(&home.tick(1)),
        NOTHING,
        "the same version is the same rules"
    );
    let text = include_str!("../rules/home-2020.toml").replacen("version = 5", "version = 6", 1);
    let text = text.replacen("name = \"fever\"\nvital", "name = \"warmth\"\nvital", 1);
    home.rules = RuleSet::parse(&text).unwrap();
    assert_eq!(
        words(&home.tick(2)),
        ["raise warmth AtOnce", "end fever PlanEnded"],
        "the reading in memory is judged by the new one"
    );
}
