//! What a plan asked before it was edited is not forgotten, and whom it is about it goes on to
//! say when its days are over.

// req: G7

mod support;

use support::life::{off_line, twice_a_day};
use support::*;
use veglia_triage::{Guard, OxygenScale, Plan, Target, Whereabouts};
use veglia_wire::VitalKind;

const NOTHING: [&str; 0] = [];
const HOUR: i64 = 60;
const DAY: i64 = 24 * 60;

#[test]
fn a_missed_morning_is_silence_at_ten() {
    let mut home = twice_a_day();
    home.live(119);
    assert_eq!(home.open(), NOTHING);
    home.live(120);
    assert_eq!(home.open(), ["silence-spo2"]);
}

#[test]
fn a_plan_edited_within_the_grace_does_not_swallow_a_missed_reading() {
    let mut home = twice_a_day();
    home.live(59);
    // 09:00: the clinician changes something else; SpO2 is asked exactly as before.
    let parameters = vec![
        daily(VitalKind::SpO2, &["08:00", "20:00"], 120),
        daily(VitalKind::Temperature, &["20:00"], 120),
    ];
    home.plan(&plan(2, minute(60), parameters));
    for now in 61..=13 * HOUR {
        home.live(now);
    }
    assert_eq!(
        home.open(),
        ["silence-spo2"],
        "21:00, last measured 25 hours ago"
    );
}

#[test]
fn a_row_that_says_again_that_the_patient_is_at_home_does_not_swallow_a_missed_reading() {
    let mut home = twice_a_day();
    home.live(59);
    home.go(1, 60, Whereabouts::AtHome);
    home.live(121);
    assert_eq!(home.open(), ["silence-spo2"]);
}

#[test]
fn a_cadence_is_not_put_off_by_each_edit_of_the_plan() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    home.spo2(0, 97);
    for (version, at) in [(2, 70), (3, 80), (4, 90), (5, 100), (6, 110)] {
        home.live(at - 1);
        home.plan(&plan(
            version,
            minute(at),
            vec![every(VitalKind::SpO2, 60, 15)],
        ));
    }
    home.live(111);
    assert_eq!(
        home.open(),
        ["silence-spo2"],
        "expected at 60, grace until 75"
    );
}

#[test]
fn a_home_that_is_off_line_is_told_at_ten() {
    let mut home = off_line();
    for now in -700..=120 {
        home.live(now);
    }
    assert_eq!(home.open(), ["silence-home"]);
}

#[test]
fn a_plan_edited_while_the_home_is_off_line_does_not_swallow_its_silence() {
    let mut home = off_line();
    for now in -700..60 {
        home.live(now);
    }
    let parameters = vec![
        daily(VitalKind::SpO2, &["08:00", "20:00"], 120),
        daily(VitalKind::Temperature, &["20:00"], 120),
    ];
    home.plan(&plan(2, minute(60), parameters));
    for now in 61..=13 * HOUR {
        home.live(now);
    }
    assert_eq!(
        home.open(),
        ["silence-home"],
        "21:00, last heard 25 hours ago"
    );
}

/// NEWS2 of seven: 25 breaths is left out, so that no single limit is red.
fn seven(home: &mut Home, at: i64) {
    home.score(at, VitalKind::RespiratoryRate, 24);
    home.score(at, VitalKind::SystolicPressure, 95);
    home.vital(at, temperature(3_920));
    home.score(at, VitalKind::Pulse, 105);
}

fn scores(home: &Home) -> Vec<(String, bool)> {
    let open = home.state.open_flags().into_iter();
    let open = open.filter(|it| it.id.rule.as_str() == "news2-high");
    open.map(|it| (it.id.rule.to_string(), it.standing.is_confirmed()))
        .collect()
}

fn of_plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = plan(1, minute(-DAY), Vec::new());
    change(&mut plan);
    plan
}

#[test]
fn a_personal_target_outlives_the_days_of_the_plan() {
    let mut home = Home::new();
    home.plan(&of_plan(|plan| {
        plan.spo2 = Some(Target {
            low_percent: 88,
            high_percent: 92,
        });
        plan.until = Some(minute(0));
    }));
    assert_eq!(words(&home.spo2(-1, 90)), NOTHING);
    assert_eq!(words(&home.spo2(1, 90)), NOTHING, "the lungs are the same");
}

#[test]
fn at_88_a_person_with_copd_is_not_paged_at_once_when_the_plan_is_over() {
    let mut home = Home::new();
    home.plan(&of_plan(|plan| {
        plan.spo2 = Some(Target {
            low_percent: 88,
            high_percent: 92,
        });
        plan.oxygen_scale = OxygenScale::Two;
        plan.until = Some(minute(0));
    }));
    assert_eq!(words(&home.spo2(1, 88)), NOTHING);
}

#[test]
fn a_guard_outlives_the_days_of_the_plan() {
    let mut home = Home::new();
    home.plan(&of_plan(|plan| {
        plan.guards = vec![Guard::Under16];
        plan.until = Some(minute(0));
    }));
    seven(&mut home, 1);
    assert_eq!(scores(&home), []);
}
