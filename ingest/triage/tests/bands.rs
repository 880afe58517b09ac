//! Every band at its borders, and which of two rules speaks.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Severity, Source, Target};
use veglia_wire::{DeviceId, Quality, Site, Vital, VitalKind, WallMs};

const NOTHING: [&str; 0] = [];

fn vital(kind: VitalKind, steps: i32) -> Vital {
    Vital::from_steps(kind, steps, Site::Armpit).expect("a possible value")
}

#[test]
fn each_band_begins_and_ends_where_its_source_says() {
    use VitalKind::{Pulse, RespiratoryRate, SpO2, SystolicPressure, Temperature};
    let unconfirmed = |rule: &str| format!("raise {rule} unconfirmed");
    let at_once = |rule: &str| format!("raise {rule} AtOnce");
    let quiet = String::new();
    for (kind, steps, said) in [
        (SpO2, 880, at_once("spo2-red")),
        (SpO2, 920, unconfirmed("spo2-red")),
        (SpO2, 930, unconfirmed("spo2-amber")),
        (SpO2, 949, unconfirmed("spo2-amber")),
        (SpO2, 950, quiet.clone()),
        (Pulse, 404, unconfirmed("pulse-slow")),
        (Pulse, 405, quiet.clone()),
        (Pulse, 1_000, quiet.clone()),
        (Pulse, 1_104, quiet.clone()),
        (Pulse, 1_105, unconfirmed("pulse-fast")),
        (Pulse, 1_304, unconfirmed("pulse-fast")),
        (Pulse, 1_305, unconfirmed("pulse-very-fast")),
        (RespiratoryRate, 80, unconfirmed("breaths-very-slow")),
        (RespiratoryRate, 90, quiet.clone()),
        (RespiratoryRate, 210, quiet.clone()),
        (RespiratoryRate, 220, unconfirmed("breaths-fast")),
        (RespiratoryRate, 240, unconfirmed("breaths-fast")),
        (RespiratoryRate, 250, unconfirmed("breaths-very-fast")),
        (SystolicPressure, 900, unconfirmed("pressure-very-low")),
        (SystolicPressure, 910, unconfirmed("pressure-low")),
        (SystolicPressure, 1_000, unconfirmed("pressure-low")),
        (SystolicPressure, 1_010, quiet.clone()),
        (SystolicPressure, 2_190, quiet.clone()),
        (SystolicPressure, 2_200, unconfirmed("pressure-very-high")),
        (Temperature, 3_504, unconfirmed("temperature-low")),
        (Temperature, 3_505, quiet.clone()),
        (Temperature, 3_804, quiet.clone()),
        (Temperature, 3_805, at_once("fever")),
        (Temperature, 3_904, at_once("fever")),
        (Temperature, 3_905, at_once("fever-high")),
    ] {
        let told = words(&Home::new().vital(0, vital(kind, steps))).join(", ");
        assert_eq!(told, said, "{kind} {steps}");
        let is_flagged = Home::new().rules.severity_of(vital(kind, steps)).is_some();
        assert_eq!(is_flagged, !said.is_empty(), "{kind} {steps}");
    }
}

#[test]
fn a_value_is_as_grave_as_its_gravest_rule() {
    let rules = Home::new().rules;
    for (kind, steps, severity) in [
        (VitalKind::SpO2, 920, Some(Severity::Red)),
        (VitalKind::SpO2, 930, Some(Severity::Amber)),
        (VitalKind::Pulse, 1_310, Some(Severity::Red)),
        (VitalKind::Pulse, 1_300, Some(Severity::Amber)),
        (VitalKind::Temperature, 3_950, Some(Severity::Amber)),
        (VitalKind::Temperature, 3_700, None),
        (VitalKind::SystolicPressure, 0, None),
    ] {
        let vital = vital(kind, steps);
        assert_eq!(rules.severity_of(vital), severity, "{kind} {steps}");
    }
}

#[test]
fn an_amber_is_repeated_within_the_hour() {
    let mut home = Home::new();
    home.spo2(0, 94);
    assert_eq!(words(&home.tick(59)), NOTHING);
    assert_eq!(words(&home.tick(60)), ["confirm spo2-amber MissedRepeat"]);

    let mut home = Home::new();
    home.spo2(0, 94);
    assert_eq!(words(&home.spo2(50, 95)), ["end spo2-amber NotConfirmed"]);
    home.spo2(100, 93);
    assert_eq!(words(&home.spo2(150, 94)), ["confirm spo2-amber Repeat"]);
}

#[test]
fn an_amber_is_over_after_two_good_readings_and_told_again_after_a_day() {
    let mut home = Home::new();
    home.spo2(0, 94);
    home.spo2(5, 94);
    assert_eq!(words(&home.spo2(1_400, 93)), NOTHING);
    assert_eq!(words(&home.spo2(1_445, 93)), ["raise spo2-amber Repeat"]);
    home.spo2(1_500, 95);
    assert_eq!(words(&home.spo2(1_530, 96)), ["end spo2-amber Recovered"]);
}

#[test]
fn a_red_and_an_amber_are_not_two_flags_for_one_value() {
    let mut home = Home::new();
    assert_eq!(words(&home.spo2(0, 91)), ["raise spo2-red unconfirmed"]);
    assert_eq!(words(&home.spo2(2, 91)), ["confirm spo2-red Repeat"]);
    assert_eq!(words(&home.spo2(10, 94)), NOTHING, "the red goes on");
    let said = home.spo2(40, 94);
    let expected = ["raise spo2-amber unconfirmed", "end spo2-red Recovered"];
    assert_eq!(words(&said), expected, "what is left is amber");
}

#[test]
fn an_amber_that_is_open_goes_on_beside_the_red_and_reminds_nobody() {
    let mut home = Home::new();
    home.spo2(0, 94);
    home.spo2(5, 94);
    let said = home.spo2(60, 91);
    assert_eq!(words(&said), ["raise spo2-red unconfirmed"]);
    home.spo2(62, 91);
    assert_eq!(home.open(), ["spo2-red", "spo2-amber"]);
    let said = home.spo2(1_500, 91);
    assert_eq!(words(&said), ["raise spo2-red Repeat"], "the red reminds");
    assert_eq!(words(&home.spo2(1_600, 95)), NOTHING);
    let said = home.spo2(1_630, 95);
    let over = ["end spo2-red Recovered", "end spo2-amber Recovered"];
    assert_eq!(words(&said), over);
}

#[test]
fn a_fever_that_grows_is_told_as_high_and_one_that_falls_stays_told() {
    let mut home = Home::new();
    let said = home.vital(0, temperature(3_850));
    assert_eq!(words(&said), ["raise fever AtOnce"]);
    let said = home.vital(60, temperature(3_930));
    assert_eq!(words(&said), ["raise fever-high AtOnce"]);
    home.vital(120, temperature(3_850));
    let said = home.vital(150, temperature(3_850));
    assert_eq!(words(&said), ["end fever-high Recovered"]);
    assert_eq!(home.open(), ["fever"]);
}

#[test]
fn a_personal_target_replaces_the_fixed_bands_amber_included() {
    let target = Target {
        low_percent: 88,
        high_percent: 92,
    };
    let mut asked = plan(1, minute(0), Vec::new());
    asked.spo2 = Some(target);
    let mut home = Home::new();
    home.plan(&asked);
    for (minutes, percent) in (1..).zip([94, 93, 92, 90, 88]) {
        assert_eq!(words(&home.spo2(minutes, percent)), NOTHING, "{percent}");
    }
    assert_eq!(words(&home.spo2(20, 87)), ["raise spo2-red unconfirmed"]);
    assert_eq!(words(&home.spo2(21, 83)), ["confirm spo2-red Repeat"]);
    assert_eq!(words(&home.spo2(22, 83)), ["confirm spo2-red AtOnce"]);
}

#[test]
fn a_pulse_that_streams_is_judged_by_its_median() {
    let mut home = Home::new();
    let second = |it: i64, beats: i32| {
        let number = u64::try_from(it).expect("from 0") + 1;
        let at = WallMs(START + it * 1_000);
        seen(
            number,
            at,
            vital(VitalKind::Pulse, beats * 10),
            Quality::empty(),
        )
    };
    for it in 0..200 {
        let beats = if it % 3 == 1 { 150 } else { 80 };
        assert_eq!(words(&home.observe(&second(it, beats))), NOTHING, "{it}");
    }
    let said = (200..300).flat_map(|it| home.observe(&second(it, 140)));
    let said: Vec<_> = said.collect();
    assert_eq!(words(&said), ["raise pulse-very-fast unconfirmed"]);
    let mut typed = second(400, 140);
    typed.source = Source::ByHand;
    typed.device = DeviceId::new("hand:1").expect("a device id");
    assert_eq!(
        words(&home.observe(&typed)),
        ["confirm pulse-very-fast Repeat"]
    );
}

#[test]
fn a_grave_value_from_before_memory_is_told_by_one_rule() {
    let mut home = Home::new();
    for minutes in [0, 120, 2 * 48 * 60] {
        home.spo2(minutes, 97);
    }
    let said = home.late(60, 2 * 48 * 60, spo2(900));
    let expected = ["raise spo2-red MissedRepeat", "end spo2-red Recovered"];
    assert_eq!(words(&said), expected);
    let said = home.late(90, 2 * 48 * 60, spo2(940));
    let expected = ["raise spo2-amber MissedRepeat", "end spo2-amber Recovered"];
    assert_eq!(words(&said), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whoever_was_last_measured_in_a_band_has_its_severity(
        readings in vec((1..90_i64, 86..99_i32), 1..60),
    ) {
        let mut home = Home::new();
        let mut at = 0;
        for (gap, percent) in readings {
            at += gap;
            home.tick(at);
            home.spo2(at, percent);
            let least = match percent {
                ..=92 => Some(Severity::Red),
                93..=94 => Some(Severity::Amber),
                _ => None,
            };
            prop_assert!(home.state.severity() >= least, "{} at minute {}", percent, at);
            let ambers = home.open();
            let ambers = ambers.iter().filter(|it| *it == "spo2-amber").count();
            prop_assert!(ambers <= 1, "one open flag of a rule");
        }
    }
}
