//! The rule set as data: the shipped one is sound, and a faulty one is refused with its line.

mod support;

use support::{PATIENT, minute, spo2, temperature};
use veglia_triage::{Expected, FlagId, LocalTime, PatientId, Plan, PlanError, RuleSet, Target};
use veglia_wire::{Site, Vital, VitalKind};

const SHIPPED: &str = include_str!("../rules/home-2020.toml");

#[test]
fn the_shipped_rules_name_their_version_and_their_sources() {
    let rules = RuleSet::shipped();
    assert_eq!(rules.version().as_str(), "home-2020-4");
    for rule in ["spo2-red", "fever"] {
        let source = rules.source_of(&rule.parse().unwrap());
        assert!(source.is_some_and(|source| source.len() > 20), "{rule}");
    }
    assert!(!rules.source_of_target().is_empty());
    assert!(!rules.source_of_arrival().is_empty());
    assert!(!rules.source_of_continuous().is_empty());
}

#[test]
fn bands_cover_every_value_once() {
    let rules = RuleSet::shipped();
    for (vital, band) in [
        (spo2(350), Some("red")),
        (spo2(920), Some("red")),
        (spo2(929), Some("red")),
        (spo2(930), Some("amber")),
        (spo2(949), Some("amber")),
        (spo2(950), Some("usual")),
        (spo2(1000), Some("usual")),
        (spo2(0), None),
        (temperature(3_804), Some("usual")),
        (temperature(3_805), Some("fever")),
        (temperature(2_000), None),
        (
            Vital::from_steps(VitalKind::Temperature, 3_900, Site::Skin).unwrap(),
            None,
        ),
        (
            Vital::from_steps(VitalKind::Pulse, 700, Site::Unknown).unwrap(),
            None,
        ),
    ] {
        assert_eq!(rules.band(vital).map(|band| band.name()), band, "{vital:?}");
    }
}

/// The shipped text with its first `from` replaced, and the fault it makes.
fn fault(from: &str, to: &str) -> String {
    assert!(SHIPPED.contains(from), "{from} stands in the file");
    RuleSet::parse(&SHIPPED.replacen(from, to, 1))
        .expect_err("a fault was put in")
        .to_string()
}

fn line_of(text: &str) -> usize {
    let line = SHIPPED.lines().position(|line| line.contains(text));
    line.expect("the line stands in the file") + 1
}

/// What is replaced by what, near which line, and the reason given.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "repeat_within_minutes = 10",
        "repeat_within_minutes = 0",
        "name = \"spo2-red\"",
        "a repeat needs",
    ),
    ("from = 93", "from = 92", "name = \"amber\"", "overlaps"),
    ("from = 93", "from = 94", "name = \"amber\"", "gap"),
    (
        "from = 95",
        "from = 95\nto = 100",
        "from = 95",
        "band above it is missing",
    ),
    (
        "to = 92\n",
        "from = 50\nto = 92\n",
        "name = \"red\"",
        "band below it is missing",
    ),
    (
        "name = \"pulse\"",
        "name = \"puls\"",
        "name = \"pulse\"",
        "\"puls\" is unknown",
    ),
    (
        "unit = \"Cel\"",
        "unit = \"[degF]\"",
        "unit = \"Cel\"",
        "measured in \"Cel\"",
    ),
    (
        "recover_readings = 2",
        "recover_reading = 2",
        "recover_readings",
        "unknown field",
    ),
    (
        "band = \"fever\"",
        "band = \"feber\"",
        "band = \"fever\"",
        "no band",
    ),
    (
        "to = 38.0",
        "to = 38.05",
        "from = 38.1",
        "finer than the rounding",
    ),
    (
        "at_once_beyond = 88",
        "at_once_beyond = 93",
        "at_once_beyond",
        "must lie in",
    ),
    (
        "name = \"spo2-red\"",
        "name = \"SpO2 red\"",
        "name = \"spo2-red\"",
        "a-z",
    ),
    (
        "time_zone = \"Europe/Rome\"",
        "time_zone = \"Europe/Roma\"",
        "time_zone",
        "no time zone",
    ),
    (
        "name = \"fever\"\nvital",
        "name = \"spo2-red\"\nvital",
        "vital = \"temp",
        "already",
    ),
    (
        "red_below = 1",
        "red_below = 0",
        "rule = \"spo2-red\"",
        "at least 1",
    ),
    (
        "recover_readings = 2",
        "recover_readings = 0",
        "recover_readings",
        "at least 1",
    ),
    (
        "[continuous]\nvital = \"spo2\"",
        "[continuous]\nvital = \"spo\"",
        "[continuous]",
        "\"spo\" is unknown",
    ),
    (
        "median_seconds = 120",
        "median_seconds = 5",
        "median_seconds",
        "longer than gap_seconds",
    ),
    (
        "gap_seconds = 5",
        "gap_seconds = 0",
        "gap_seconds",
        "at least 1",
    ),
    (
        "settled_readings = 10",
        "settled_readings = 25",
        "settled_readings",
        "only 24 readings",
    ),
];

#[test]
fn a_faulty_rule_set_is_refused_with_its_line_and_reason() {
    for (from, to, near, reason) in FAULTS {
        let said = fault(from, to);
        assert!(said.contains(reason), "{to}: {said}");
        let line: usize = said
            .split(' ')
            .nth(1)
            .unwrap()
            .trim_end_matches(':')
            .parse()
            .unwrap();
        let expected = line_of(near);
        assert!(
            line.abs_diff(expected) <= 8,
            "{to}: {said}, expected near {expected}"
        );
    }
}

#[test]
fn a_number_without_its_source_is_refused() {
    let without: String = SHIPPED
        .lines()
        .filter(|line| !line.starts_with("source = \"NHS COVID Oximetry @home diary: 95-100"))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = RuleSet::parse(&without).unwrap_err().to_string();
    assert!(said.contains("source"), "{said}");
    let said = fault(
        "source = \"NHS COVID Oximetry @home diary: 95-100.\"",
        "source = \" \"",
    );
    assert!(said.contains("say where the numbers come from"), "{said}");
}

#[test]
fn the_home_covid_template_is_sound() {
    for name in Plan::TEMPLATES {
        let plan = Plan::template(name, PATIENT, minute(0)).unwrap();
        assert_eq!(plan.validate(), Ok(()), "{name}");
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
    assert_eq!(Plan::template("unknown", PATIENT, minute(0)), None);
}

#[test]
fn a_plan_is_refused_with_every_fault_in_a_sentence() {
    let sound = Plan::template("home-covid", PATIENT, minute(0)).unwrap();
    let daily = |times: &[&str]| {
        let times = times.iter().map(|time| time.parse::<LocalTime>().unwrap());
        Expected::DailyAt(times.collect())
    };
    let spoil = |spoil: &dyn Fn(&mut Plan)| {
        let mut plan = sound.clone();
        spoil(&mut plan);
        plan.validate().unwrap_err()
    };
    let oxygen = VitalKind::SpO2;
    assert_eq!(
        spoil(&|plan| plan.until = Some(plan.from)),
        [PlanError::Period]
    );
    assert_eq!(
        spoil(&|plan| plan.parameters.push(plan.parameters[0].clone())),
        [PlanError::Twice(oxygen)]
    );
    for (expected, grace_minutes, fault) in [
        (Expected::EveryMinutes(0), 5, PlanError::Interval(oxygen)),
        (Expected::EveryMinutes(60), 0, PlanError::Grace(oxygen)),
        (daily(&[]), 60, PlanError::Times(oxygen)),
        (daily(&["20:00", "08:00"]), 60, PlanError::Times(oxygen)),
        (daily(&["08:00", "08:00"]), 60, PlanError::Times(oxygen)),
        (daily(&["08:00", "09:59"]), 60, PlanError::Crowded(oxygen)),
        (daily(&["00:30", "23:00"]), 60, PlanError::Crowded(oxygen)),
    ] {
        let faults = spoil(&|plan| {
            plan.parameters[0].expected = expected.clone();
            plan.parameters[0].grace_minutes = grace_minutes;
        });
        assert_eq!(faults, [fault], "{expected:?}");
    }
    for (low_percent, high_percent) in [(92, 88), (90, 90), (60, 92), (88, 101)] {
        let target = Target {
            low_percent,
            high_percent,
        };
        assert_eq!(spoil(&|plan| plan.spo2 = Some(target)), [PlanError::Target]);
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    let patient = PatientId::new(0xbee);
    assert_eq!(patient.to_string(), "0000000000000bee");
    assert_eq!(patient.to_string().parse(), Ok(patient));
    assert_eq!(
        serde_json::to_string(&patient).unwrap(),
        "\"0000000000000bee\""
    );
    for wrong in [
        "bee",
        "0000000000000BEE",
        "+000000000000bee",
        "00000000000000bee",
    ] {
        assert!(wrong.parse::<PatientId>().is_err(), "{wrong}");
    }
    for wrong in ["", "24:00", "8:00", "08.00", "08:60", "+8:00"] {
        assert!(wrong.parse::<LocalTime>().is_err(), "{wrong}");
    }
    for wrong in [
        "a",
        "0000000000000bee.r.v.record",
        "0000000000000bee.r.v.silent.spo2.1.2",
    ] {
        assert!(wrong.parse::<FlagId>().is_err(), "{wrong}");
    }
}
