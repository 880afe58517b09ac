//! The rule set as data: the shipped one is sound, and a faulty one is refused with its line.

mod support;

use support::{PATIENT, minute, spo2, temperature};
use veglia_triage::{
    Expected, FlagId, LocalTime, OxygenScale, PatientId, Plan, PlanError, RuleSet, Target, Template,
};
use veglia_wire::{Site, Vital, VitalKind};

const SHIPPED: &str = include_str!("../rules/home-2020.toml");

#[test]
fn the_shipped_rules_name_their_version_and_their_sources() {
    let rules = RuleSet::shipped();
    assert_eq!(rules.version().as_str(), "home-2020-5");
    for rule in [
        "spo2-red",
        "fever",
        "spo2-trend",
        "spo2-spread",
        "fever-72h",
        "exertion",
    ] {
        let source = rules.source_of(&rule.parse().unwrap());
        assert!(source.is_some_and(|source| source.len() > 20), "{rule}");
    }
    assert!(!rules.source_of_target().is_empty());
    assert!(!rules.source_of_baseline().is_empty());
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
        (temperature(3_500), Some("cold")),
        (temperature(3_905), Some("high-fever")),
        (temperature(2_000), None),
        (
            Vital::from_steps(VitalKind::Temperature, 3_900, Site::Skin).unwrap(),
            None,
        ),
        (
            Vital::from_steps(VitalKind::Pulse, 700, Site::Unknown).unwrap(),
            Some("usual"),
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
        "band = \"fever\"",
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
        "[continuous]\nvitals = [\"spo2\"",
        "[continuous]\nvitals = [\"spo\"",
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
        "under = [\"spo2-red\"]",
        "under = [\"spo2-rot\"]",
        "under = [\"spo2-red\"]",
        "no rule \"spo2-rot\" for spo2 stands above",
    ),
    (
        "band = \"amber\"",
        "band = \"usual\"",
        "band = \"amber\"",
        "does not touch",
    ),
    (
        "under_baseline = 3",
        "under_baseline = 0",
        "under_baseline",
        "at least 1 point",
    ),
    (
        "under_baseline = 3",
        "band = \"red\"\nunder_baseline = 3",
        "under_baseline",
        "has a band, or says",
    ),
    (
        "weight_percent = 30",
        "weight_percent = 0",
        "weight_percent",
        "1 to 100",
    ),
    (
        "recover_points = 1",
        "recover_points = 2",
        "name = \"spo2-trend\"",
        "never ends",
    ),
    (
        "low_points = 2",
        "low_points = 2.25",
        "name = \"spo2-trend\"",
        "in tenths",
    ),
    (
        "narrow_points = 2",
        "narrow_points = 4",
        "name = \"spo2-spread\"",
        "lies under wide_points",
    ),
    ("values = 8", "values = 13", "values = 8", "2 to 12"),
    (
        "band = \"fever\"\nlasts_hours",
        "band = \"cold\"\nlasts_hours",
        "lasts_hours",
        "with a beginning",
    ),
    (
        "lasts_hours = 72",
        "lasts_hours = 0",
        "lasts_hours",
        "at least 1",
    ),
    (
        "name = \"fever-72h\"",
        "name = \"fever\"",
        "name = \"fever-72h\"",
        "already",
    ),
    (
        "drop_points = 3",
        "drop_points = 0",
        "drop_points",
        "every test would be bad",
    ),
    (
        "under = [\"spo2-red\", \"spo2-amber\"]\nseverity = \"amber\"",
        "under = [\"spo2-red\", \"spo2-amber\"]\nseverity = \"red\"",
        "under_baseline",
        "is amber",
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
fn every_template_is_sound_and_has_a_source() {
    for name in Plan::TEMPLATES {
        let plan = Plan::template(name, PATIENT, minute(0)).unwrap();
        assert_eq!(plan.validate(&RuleSet::shipped()), Ok(()), "{name}");
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
    assert_eq!(Plan::template("unknown", PATIENT, minute(0)), None);
    let named: Vec<&str> = Template::all().iter().map(|it| it.name).collect();
    assert_eq!(named, Plan::TEMPLATES);
    let sourced = |it: &Template| it.source.len() > 20 && !it.title.is_empty();
    assert!(Template::all().iter().all(sourced));
}

#[test]
fn a_fortnight_over_the_change_of_the_clock_ends_at_the_hour_it_began() {
    let plan = Plan::template("home-covid", PATIENT, minute(0)).unwrap();
    let hours = 14 * 24 + 1;
    assert_eq!(
        plan.until,
        Some(minute(hours * 60)),
        "25 October has 25 hours"
    );
    let copd = Plan::template("copd", PATIENT, minute(0)).unwrap();
    assert_eq!(copd.until, None);
    assert_eq!(
        copd.oxygen_scale,
        OxygenScale::One,
        "the other is a decision"
    );
}

#[test]
fn when_is_read_as_it_is_written() {
    for text in ["60m", "08:00,14:00,20:00", "22:00-06:00/5m"] {
        let expected: Expected = text.parse().unwrap();
        assert_eq!(expected.to_string(), text);
    }
    for text in [
        "",
        "60",
        "8:00",
        "25:00",
        "22:00-06:00",
        "22:00/5m",
        "08:00;20:00",
        "-5m",
    ] {
        assert!(text.parse::<Expected>().is_err(), "{text}");
    }
}

#[test]
fn hours_and_scales_that_cannot_be_are_refused() {
    let mut plan = Plan::template("copd", PATIENT, minute(0)).unwrap();
    plan.oxygen_scale = OxygenScale::Two;
    plan.spo2 = Some(Target {
        low_percent: 88,
        high_percent: 92,
    });
    assert_eq!(plan.validate(&RuleSet::shipped()), Ok(()));
    plan.spo2 = None;
    assert_eq!(
        plan.validate(&RuleSet::shipped()),
        Err(vec![PlanError::Scale])
    );
    plan.oxygen_scale = OxygenScale::One;
    for (when, fault) in [
        ("22:00-06:00/5m", None),
        ("22:00-22:00/5m", Some(PlanError::Hours(VitalKind::SpO2))),
        ("22:00-23:00/5m", Some(PlanError::Hours(VitalKind::SpO2))),
        ("22:00-06:00/0m", Some(PlanError::Interval(VitalKind::SpO2))),
    ] {
        plan.parameters[0].expected = when.parse().unwrap();
        let faults = plan.validate(&RuleSet::shipped()).err().unwrap_or_default();
        assert_eq!(faults.first().cloned(), fault, "{when}");
    }
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
        plan.validate(&RuleSet::shipped()).unwrap_err()
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
