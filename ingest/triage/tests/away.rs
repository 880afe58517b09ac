//! While a patient is away nothing is asked or missed; on the return what waited goes on.

// req: G7

mod support;

use support::*;
use veglia_triage::Whereabouts;
use veglia_wire::{AnswerCode, Quality, VitalKind};

const NOTHING: [&str; 0] = [];
const DAY: i64 = 24 * 60;

#[test]
fn a_red_that_waited_when_the_patient_left_is_missed_soon_after_the_return() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.go(1, 5, Whereabouts::InHospital);
    for now in 6..=180 {
        home.live(now);
    }
    home.go(2, 180, Whereabouts::AtHome);
    for now in 181..=DAY {
        home.live(now);
    }
    let flag = home.state.open_flags().remove(0);
    assert!(
        flag.standing.is_confirmed(),
        "red, and waiting since yesterday: {:?}",
        flag.standing
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

#[test]
fn no_repeat_of_a_score_is_missed_while_a_patient_is_away() {
    let mut home = Home::new();
    seven(&mut home, 0);
    assert_eq!(scores(&home), [("news2-high".to_owned(), false)]);
    home.go(1, 5, Whereabouts::InHospital);
    home.live(300);
    assert_eq!(
        scores(&home),
        [("news2-high".to_owned(), false)],
        "in hospital since minute 5"
    );
}

#[test]
fn no_score_is_told_again_while_a_patient_is_away() {
    let mut home = Home::new();
    seven(&mut home, 0);
    seven(&mut home, 5);
    assert_eq!(scores(&home), [("news2-high".to_owned(), true)]);
    home.go(1, 10, Whereabouts::InHospital);
    let said = home.score(120, VitalKind::Pulse, 105);
    let high = words(&said).into_iter().filter(|it| it.contains("high"));
    assert_eq!(high.collect::<Vec<_>>(), NOTHING);
}

#[test]
fn no_symptom_is_told_again_while_a_patient_is_away() {
    let mut home = Home::new();
    home.told_symptom(1, 0, AnswerCode::ChestPain, 1);
    home.go(1, 5, Whereabouts::InHospital);
    assert_eq!(home.told_symptom(2, 60, AnswerCode::ChestPain, 1), NOTHING);
}

#[test]
fn a_bad_signal_calls_nobody_while_a_patient_is_away() {
    let mut home = Home::new();
    home.go(1, 0, Whereabouts::InHospital);
    home.quality(10, spo2(970), Quality::ARTEFACT);
    home.quality(30, spo2(970), Quality::ARTEFACT);
    home.live(60);
    assert_eq!(home.open(), NOTHING);
}
