//! Every row of the charts, and the examples that others have got wrong.

// req: G7

mod support;

use support::*;
use veglia_triage::{
    Evidence, OxygenScale, Partial, PatientState, RuleSet, Scale, ScoreParameter, Scored, What,
};
use veglia_wire::{Answer, AnswerCode, Quality, Site, Vital, VitalKind};

const NEWS2_PARAMETERS: &str = include_str!("vectors/news2_params.csv");
const MEWS_PARAMETERS: &str = include_str!("vectors/mews_params.csv");
const NEWS2_SETS: &str = include_str!("vectors/news2_sets.csv");

/// The steps of a decimal number, the nearer: what a device decoder makes of a float.
fn steps(kind: VitalKind, text: &str) -> i32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let millionths: i64 = format!("{whole}{digits}").parse().expect("a number");
    let per_step = 1_000_000 / i64::from(kind.steps_per_unit());
    i32::try_from((millionths + per_step / 2) / per_step).expect("a possible value")
}

fn value(kind: VitalKind, text: &str) -> What {
    What::Value {
        vital: kind,
        steps: steps(kind, text),
        median: None,
    }
}

fn answer(code: AnswerCode, value: i32) -> What {
    What::Answer {
        answer: Answer { code, value },
    }
}

fn consciousness(letter: &str) -> What {
    let value = match letter {
        "A" => 0,
        "V" => 1,
        "P" => 2,
        "U" => 3,
        "C" => 4,
        other => panic!("{other} is no level of consciousness"),
    };
    answer(AnswerCode::Consciousness, value)
}

/// What a row of the parameter files measures.
fn what(parameter: &str, text: &str) -> What {
    match parameter {
        "resp" => value(VitalKind::RespiratoryRate, text),
        "spo2" => value(VitalKind::SpO2, text),
        "sbp" => value(VitalKind::SystolicPressure, text),
        "pulse" => value(VitalKind::Pulse, text),
        "temp" => value(VitalKind::Temperature, text),
        "acvpu" | "avpu" => consciousness(text),
        "air_or_oxygen" => answer(AnswerCode::OnOxygen, i32::from(text == "oxygen")),
        other => panic!("{other} is no parameter"),
    }
}

fn rows(csv: &str) -> Vec<Vec<&str>> {
    let rows = csv.lines().skip(1).filter(|row| !row.is_empty());
    rows.map(|row| row.splitn(11, ',').collect()).collect()
}

#[test]
fn every_value_of_the_news2_chart_carries_its_points() {
    let rules = RuleSet::shipped();
    let rows = rows(NEWS2_PARAMETERS);
    assert_eq!(rows.len(), 84);
    for row in rows {
        let [parameter, context, value, points] = row[..] else {
            panic!("{row:?} has four columns");
        };
        let (scale, on_oxygen) = match context {
            "scale2_air" => (OxygenScale::Two, false),
            "scale2_oxygen" => (OxygenScale::Two, true),
            _ => (OxygenScale::One, false),
        };
        let what = what(parameter, value);
        let counted = rules.points(Scale::News2, &what, scale, on_oxygen);
        assert_eq!(counted, points.parse().ok(), "{row:?}");
    }
}

#[test]
fn every_value_of_the_mews_chart_carries_its_points() {
    let rules = RuleSet::shipped();
    let rows = rows(MEWS_PARAMETERS);
    assert_eq!(rows.len(), 44);
    for row in rows {
        let [parameter, value, points, _] = row[..] else {
            panic!("{row:?} has four columns");
        };
        // The chart leaves 38.45 open; rounded to a tenth first it is 38.5.
        let points = if points == "?" { "2" } else { points };
        let what = what(parameter, value);
        let counted = rules.points(Scale::Mews, &what, OxygenScale::One, false);
        assert_eq!(counted, points.parse().ok(), "{row:?}");
    }
}

#[test]
fn mews_has_no_oxygen_saturation() {
    let rules = RuleSet::shipped();
    let low = value(VitalKind::SpO2, "70");
    assert_eq!(
        rules.points(Scale::Mews, &low, OxygenScale::One, false),
        None
    );
}

/// The score of some values, measured one after the other.
fn news2(scale: OxygenScale, values: &[What]) -> Partial {
    let known: Vec<Evidence> = (1..)
        .zip(values)
        .map(|(number, what)| Evidence {
            id: record(number),
            at: minute(0),
            what: *what,
        })
        .collect();
    let partial = RuleSet::shipped().partial(Scale::News2, scale, &known);
    partial.expect("the shipped rules have NEWS2")
}

#[test]
fn every_set_of_values_has_the_total_of_the_chart() {
    let rows = rows(NEWS2_SETS);
    assert_eq!(rows.len(), 10);
    for row in rows {
        let [
            _,
            rr,
            spo2,
            scale,
            oxygen,
            sbp,
            pulse,
            level,
            temp,
            total,
            _,
        ] = row[..]
        else {
            panic!("{row:?} has eleven columns");
        };
        let scale = match scale {
            "2" => OxygenScale::Two,
            _ => OxygenScale::One,
        };
        let score = news2(
            scale,
            &[
                value(VitalKind::RespiratoryRate, rr),
                value(VitalKind::SpO2, spo2),
                answer(AnswerCode::OnOxygen, oxygen.parse().expect("0 or 1")),
                value(VitalKind::SystolicPressure, sbp),
                value(VitalKind::Pulse, pulse),
                consciousness(level),
                value(VitalKind::Temperature, temp),
            ],
        );
        let total: u8 = total.parse().expect("a total");
        assert_eq!((score.min, score.max), (total, total), "{row:?}");
        assert!(score.is_complete() && score.deciding.is_empty());
        assert_eq!(score.class_at_min, score.class_at_max);
    }
}

fn of_a_well_person() -> Vec<What> {
    vec![
        value(VitalKind::RespiratoryRate, "16"),
        value(VitalKind::SystolicPressure, "120"),
        value(VitalKind::Pulse, "70"),
        value(VitalKind::Temperature, "37.0"),
        consciousness("A"),
    ]
}

/// Oxygen saturation, on air or oxygen, of somebody who is well otherwise.
fn saturated(scale: OxygenScale, percent: &str, on_oxygen: bool) -> u8 {
    let mut values = of_a_well_person();
    values.push(value(VitalKind::SpO2, percent));
    values.push(answer(AnswerCode::OnOxygen, i32::from(on_oxygen)));
    let score = news2(scale, &values);
    assert!(score.is_complete());
    score.min
}

#[test]
fn scale_two_wants_88_to_92_and_fears_too_much_oxygen() {
    assert_eq!(saturated(OxygenScale::Two, "89", false), 0);
    assert_eq!(saturated(OxygenScale::One, "89", false), 3);
    assert_eq!(saturated(OxygenScale::Two, "97", true), 5);
    assert_eq!(saturated(OxygenScale::Two, "97", false), 0);
    assert_eq!(
        saturated(OxygenScale::Two, "93", true),
        3,
        "not 5: 93-94 is 1"
    );
}

#[test]
fn a_single_three_is_a_class_of_its_own() {
    let score = news2(OxygenScale::One, &[value(VitalKind::SpO2, "91")]);
    assert_eq!(score.min, 3);
    assert_eq!(score.class_at_min.as_str(), "single-three");
    let rules = RuleSet::shipped();
    let classes: Vec<&str> = rules.scores()[0]
        .classes()
        .iter()
        .map(|class| class.name().as_str())
        .collect();
    assert_eq!(classes, ["none", "low", "single-three", "medium", "high"]);
}

#[test]
fn a_respiratory_rate_of_six_is_not_between_nothing_and_nothing() {
    // Somewhere `8 <= rr >= 25` was written for "8 or less, or 25 or more": 6 scored 0.
    let score = news2(OxygenScale::One, &[value(VitalKind::RespiratoryRate, "6")]);
    assert_eq!(score.min, 3);
}

#[test]
fn a_missing_value_that_was_written_as_nought_is_missing() {
    // Somewhere a missing value was read as 0: nothing to say of a temperature, three points for
    // everything else.
    let zeros = VitalKind::ALL.map(|kind| value(kind, "0"));
    let score = news2(OxygenScale::One, &zeros);
    assert_eq!(score.min, 0);
    assert_eq!(score.missing.len(), 7);
    assert!(score.points.is_empty());
}

#[test]
fn a_temperature_of_nought_reaches_no_score() {
    let mut home = Home::new();
    for kind in VitalKind::ALL {
        let vital = Vital::from_steps(kind, 0, Site::Unknown).unwrap();
        home.vital(0, vital);
    }
    assert_eq!(counted(&home.state, 0).missing.len(), 7);
}

fn counted(state: &PatientState, minutes: i64) -> Partial {
    let scored = state.partial(&RuleSet::shipped(), Scale::News2, minute(minutes));
    match scored {
        Some(Scored::Counted(partial)) => partial,
        other => panic!("{other:?} is not counted"),
    }
}

#[test]
fn only_clean_readings_from_a_scored_site_count() {
    let mut home = Home::new();
    let skin = Vital::from_steps(VitalKind::Temperature, 3_950, Site::Skin).unwrap();
    home.vital(0, skin);
    home.quality(0, spo2(850), Quality::NO_CONTACT);
    home.quality(0, spo2(850), Quality::HELD);
    home.quality(0, whole(VitalKind::Pulse, 150), Quality::TIME_UNCERTAIN);
    assert_eq!(counted(&home.state, 0).missing.len(), 7);
    home.quality(0, spo2(900), Quality::LOW_PERFUSION);
    let score = counted(&home.state, 0);
    assert_eq!(score.min, 3, "a low value with a poor signal counts");
    assert_eq!(score.points[0].parameter, ScoreParameter::SpO2);
}

#[test]
fn typical_of_the_seventh_day() {
    let score = news2(
        OxygenScale::One,
        &[
            value(VitalKind::RespiratoryRate, "22"),
            value(VitalKind::SpO2, "93"),
            value(VitalKind::Temperature, "38.4"),
            value(VitalKind::Pulse, "102"),
        ],
    );
    assert_eq!((score.min, score.max), (6, 14));
    assert_eq!(score.class_at_min.as_str(), "medium");
    assert_eq!(
        score.missing,
        [
            ScoreParameter::Oxygen,
            ScoreParameter::SystolicPressure,
            ScoreParameter::Consciousness,
        ]
    );
    assert_eq!(score.deciding, score.missing);
}
