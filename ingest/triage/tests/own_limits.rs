//! Limits of a patient's own: they move the rules of one person, never looser than the rules allow,
//! and a plan that cannot be is refused with the line.

// req: G7

mod support;

use proptest::prelude::*;
use support::*;
use veglia_triage::{
    End, Field, OwnLimits, OxygenScale, Plan, PlanError, RuleSet, Severity, Target, Verdict,
};
use veglia_wire::VitalKind;

const NOTHING: [&str; 0] = [];

/// Pulse: amber from 120, red from 125.
const SLOWER: OwnLimits = OwnLimits {
    vital: VitalKind::Pulse,
    red_to: None,
    amber_to: None,
    amber_from: Some(1_200),
    red_from: Some(1_250),
};

fn with(limits: &[OwnLimits]) -> Plan {
    let asked = vec![every(VitalKind::SpO2, 1_440, 600)];
    Plan {
        limits: limits.to_vec(),
        ..plan(1, minute(0), asked)
    }
}

fn pulse(home: &mut Home, minutes: i64, beats: i32) -> Vec<Verdict> {
    home.vital(minutes, whole(VitalKind::Pulse, beats))
}

fn faults(plan: &Plan) -> Vec<PlanError> {
    let checked = plan.validate(&RuleSet::shipped());
    checked.err().unwrap_or_default()
}

#[test]
fn a_limit_of_ones_own_replaces_the_shipped_one_for_that_patient_and_sign_alone() {
    let mut home = Home::new();
    home.plan(&with(&[SLOWER]));
    assert_eq!(
        words(&pulse(&mut home, 10, 115)),
        NOTHING,
        "usual for this patient"
    );
    assert_eq!(
        words(&pulse(&mut home, 20, 121)),
        ["raise pulse-fast unconfirmed"]
    );
    let mut home = Home::new();
    home.plan(&with(&[SLOWER]));
    assert_eq!(
        words(&pulse(&mut home, 10, 126)),
        ["raise pulse-very-fast unconfirmed"]
    );
    let said = words(&home.spo2(10, 92));
    assert_eq!(
        said,
        ["raise spo2-red unconfirmed", "raise two-reds AtOnce"]
    );
}

#[test]
fn a_limit_of_ones_own_counts_from_when_its_plan_begins() {
    let mut home = Home::new();
    let later = Plan {
        from: minute(100),
        ..with(&[OwnLimits::of(VitalKind::SpO2)
            .with(End::RedTo, Some(930))
            .with(End::AmberTo, Some(950))])
    };
    home.plan(&later);
    assert_eq!(words(&home.spo2(50, 95)), NOTHING);
    assert_eq!(words(&home.spo2(120, 95)), ["raise spo2-amber unconfirmed"]);
    assert_eq!(
        words(&home.spo2(125, 93)).first().unwrap(),
        "raise spo2-red unconfirmed"
    );
}

#[test]
fn red_stands_beyond_amber_and_no_plan_loosens_a_red_oxygen_or_fever() {
    let of = OwnLimits::of;
    let oxygen = VitalKind::SpO2;
    let one = |vital, end, steps| with(&[of(vital).with(end, Some(steps))]);
    let loosened = [
        (oxygen, End::RedTo, 910),
        (oxygen, End::AmberTo, 930),
        (VitalKind::Pulse, End::RedFrom, 1_320),
        (VitalKind::Pulse, End::RedTo, 390),
        (VitalKind::RespiratoryRate, End::RedFrom, 260),
        (VitalKind::SystolicPressure, End::RedTo, 890),
        (VitalKind::Temperature, End::AmberFrom, 3_820),
    ];
    for (vital, end, steps) in loosened {
        let found = faults(&one(vital, end, steps));
        assert!(
            matches!(found.as_slice(), [PlanError::LimitLooser(..)]),
            "{vital} {end}: {found:?}"
        );
        assert_eq!(found[0].field(), Field::Limit(vital, end));
    }
    let red_beside_amber = one(oxygen, End::RedTo, 940);
    assert_eq!(faults(&red_beside_amber), [PlanError::LimitsOrder(oxygen)]);
    let unknown = one(VitalKind::Temperature, End::RedFrom, 3_950);
    let end = End::RedFrom;
    assert_eq!(
        faults(&unknown),
        [PlanError::LimitUnknown(VitalKind::Temperature, end)]
    );
    for steps in [9_000, 1_205] {
        let odd = one(VitalKind::Pulse, End::AmberFrom, steps);
        let end = End::AmberFrom;
        assert_eq!(faults(&odd), [PlanError::LimitValue(VitalKind::Pulse, end)]);
    }
    let twice = with(&[SLOWER, SLOWER]);
    assert_eq!(faults(&twice), [PlanError::LimitsTwice(VitalKind::Pulse)]);
    let none = with(&[of(oxygen)]);
    assert_eq!(faults(&none), [PlanError::LimitsNone(oxygen)]);
    assert_eq!(faults(&with(&[SLOWER])), []);
}

#[test]
fn the_red_limit_of_oxygen_is_lowered_by_a_target_with_the_second_scale_alone() {
    let target = |low_percent| {
        Some(Target {
            low_percent,
            high_percent: 97,
        })
    };
    let by = |spo2, oxygen_scale| Plan {
        spo2,
        oxygen_scale,
        ..with(&[])
    };
    assert_eq!(
        faults(&by(target(92), OxygenScale::One)),
        [PlanError::Lowered]
    );
    assert_eq!(
        faults(&by(target(93), OxygenScale::One)),
        [],
        "as the fixed limit"
    );
    assert_eq!(faults(&by(target(88), OxygenScale::Two)), []);
    let both = Plan {
        limits: vec![OwnLimits::of(VitalKind::SpO2).with(End::AmberTo, Some(960))],
        ..by(target(88), OxygenScale::Two)
    };
    assert_eq!(faults(&both), [PlanError::LimitsBesideTarget]);
}

const FILE: &str = r#"title = "Cardiopatia"
days = 30
guards = ["pregnancy"]

[calling]
ladder = "doctor-first-2020"
family_doctor = "not-informed"

[[parameter]]
vital = "spo2"
when = "08:00,20:00"
grace_minutes = 120

[[parameter]]
vital = "pulse"
when = "22:00-06:00/5m"
grace_minutes = 30

[[limits]]
vital = "temperature"
unit = "Cel"
amber_from = 37.6
"#;

#[test]
fn a_plan_is_read_from_a_file() {
    let plan = Plan::read(FILE, PATIENT, minute(0), &RuleSet::shipped()).unwrap();
    assert_eq!(plan.limits[0].amber_from, Some(3_760));
    assert_eq!(plan.calling.ladder.unwrap().as_str(), "doctor-first-2020");
    assert_eq!((plan.parameters.len(), plan.guards.len()), (2, 1));
}

#[test]
fn a_plan_with_impossible_times_or_limits_is_refused_with_line_and_reason() {
    let table = [
        ("08:00,20:00", "25:00", 11, "00:00 to 23:59"),
        ("08:00,20:00", "20:00,08:00", 11, "in order, each once"),
        ("08:00,20:00", "08:00,08:00", 11, "in order, each once"),
        ("08:00,20:00", "0m", 11, "every 1 to"),
        ("08:00,20:00", "08:00,09:00", 12, "closer together"),
        ("22:00-06:00/5m", "22:00-22:00/5m", 16, "must last longer"),
        (
            "grace_minutes = 30",
            "grace_minutes = 0",
            17,
            "the grace of pulse",
        ),
        ("vital = \"pulse\"", "vital = \"spo2\"", 16, "stands twice"),
        (
            "vital = \"pulse\"",
            "vital = \"mood\"",
            15,
            "\"mood\" is unknown",
        ),
        (
            "unit = \"Cel\"",
            "unit = \"[degF]\"",
            21,
            "measured in \"Cel\"",
        ),
        ("37.6", "39.0", 22, "up to 38.1"),
    ];
    for (from, to, line, reason) in table {
        let text = FILE.replacen(from, to, 1);
        let fault = Plan::read(&text, PATIENT, minute(0), &RuleSet::shipped()).unwrap_err();
        assert!(fault.reason.contains(reason), "{to}: {fault}");
        assert_eq!(fault.line, line, "{to}: {fault}");
    }
    for (from, to) in [
        ("days = 30", "days = 0"),
        ("days = 30", "until = \"2019-01-01\""),
    ] {
        let text = FILE.replacen(from, to, 1);
        let fault = Plan::read(&text, PATIENT, minute(0), &RuleSet::shipped()).unwrap_err();
        assert_eq!(fault.line, 2, "{fault}");
        assert!(fault.reason.contains("ends before it begins"), "{fault}");
    }
}

proptest! {
    // Most limits made up are looser than the rules allow, and are no case.
    #![proptest_config(ProptestConfig { max_global_rejects: 65_536, ..ProptestConfig::default() })]

    /// Whatever limits a plan has that is accepted: what the rules call red is red by them.
    #[test]
    fn no_accepted_limit_hides_a_shipped_red(
        vital in proptest::sample::select(VitalKind::ALL.to_vec()),
        ends in proptest::collection::vec(proptest::option::of(0_i32..50), 4),
        steps in 0_i32..4_500,
    ) {
        let rules = RuleSet::shipped();
        let mut own = OwnLimits::of(vital);
        for (end, moved) in End::ALL.into_iter().zip(ends) {
            let fixed = rules.limits_to_replace(vital).find(|(known, _)| *known == end);
            if let Some((moved, (_, fixed))) = moved.zip(fixed) {
                own = own.with(end, Some(fixed + (moved - 25) * 10));
            }
        }
        let plan = with(&[own]);
        prop_assume!(plan.validate(&rules).is_ok());
        let site = veglia_wire::Site::Unknown;
        let Ok(value) = veglia_wire::Vital::from_steps(vital, steps, site) else {
            return Ok(());
        };
        let mut home = Home::new();
        home.plan(&plan);
        home.vital(10, value);
        let is_red = home.state.open_flags().iter().any(|it| it.severity == Severity::Red);
        if rules.severity_of(value) == Some(Severity::Red) {
            prop_assert!(is_red, "{own:?} hides {value:?}");
        }
    }
}
