//! While a patient is away nothing is asked or missed; on the return what waited goes on.

// req: G7

mod support;

use support::*;
use veglia_triage::{Input, Observation, PatientStanding, Seen, Source, Verdict, Whereabouts};
use veglia_wire::{Answer, AnswerCode, DeviceId, Quality, VitalKind};

const NOTHING: [&str; 0] = [];
const DAY: i64 = 24 * 60;

fn go(home: &mut Home, number: i64, from: i64, whereabouts: Whereabouts) -> Vec<Verdict> {
    let standing = PatientStanding {
        patient: PATIENT,
        number,
        from: minute(from),
        whereabouts,
    };
    home.give(Input::Standing(&standing), minute(from))
}

fn told_symptom(
    home: &mut Home,
    number: u64,
    minutes: i64,
    code: AnswerCode,
    value: i32,
) -> Vec<String> {
    words(&home.observe(&Observation {
        id: record(number),
        device: DeviceId::new("hand:1").expect("a device id"),
        source: Source::ByPhone,
        at: minute(minutes),
        received: minute(minutes),
        seen: Seen::Answer(Answer { code, value }),
    }))
}

/// A tick as the watch gives it: to a patient whose next deadline has passed.
fn live(home: &mut Home, minutes: i64) -> Vec<Verdict> {
    let due = home.state.next_deadline();
    if due.is_some_and(|due| due <= minute(minutes)) {
        return home.tick(minutes);
    }
    Vec::new()
}

#[test]
fn a_red_that_waited_when_the_patient_left_is_missed_soon_after_the_return() {
    let mut home = Home::new();
    home.spo2(0, 91);
    go(&mut home, 1, 5, Whereabouts::InHospital);
    for now in 6..=180 {
        live(&mut home, now);
    }
    go(&mut home, 2, 180, Whereabouts::AtHome);
    for now in 181..=DAY {
        live(&mut home, now);
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
    go(&mut home, 1, 5, Whereabouts::InHospital);
    live(&mut home, 300);
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
    go(&mut home, 1, 10, Whereabouts::InHospital);
    let said = home.score(120, VitalKind::Pulse, 105);
    let high = words(&said).into_iter().filter(|it| it.contains("high"));
    assert_eq!(high.collect::<Vec<_>>(), NOTHING);
}

#[test]
fn no_symptom_is_told_again_while_a_patient_is_away() {
    let mut home = Home::new();
    told_symptom(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    go(&mut home, 1, 5, Whereabouts::InHospital);
    assert_eq!(
        told_symptom(&mut home, 2, 60, AnswerCode::ChestPain, 1),
        NOTHING
    );
}

#[test]
fn a_bad_signal_calls_nobody_while_a_patient_is_away() {
    let mut home = Home::new();
    go(&mut home, 1, 0, Whereabouts::InHospital);
    home.quality(10, spo2(970), Quality::ARTEFACT);
    home.quality(30, spo2(970), Quality::ARTEFACT);
    live(&mut home, 60);
    assert_eq!(home.open(), NOTHING);
}
