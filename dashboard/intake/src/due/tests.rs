//! Who is called next, as sentences.

// req: B11

use veglia_view::{PatientId, PlanVersion, VitalKind};

use super::*;

const NOW: WallMs = WallMs(1_605_964_320_000);
const MINUTE_MS: i64 = 60_000;

fn red() -> Vec<Reason> {
    vec![Reason {
        severity: Severity::Red,
        since: NOW,
        words: "SpO₂: confermato".to_owned(),
    }]
}

fn tried(minutes: i64, whom: Whom, came: Came) -> Attempt {
    Attempt {
        at: NOW.plus_ms(minutes * MINUTE_MS),
        by: "staff:1".to_owned(),
        whom,
        came,
    }
}

fn next(attempts: &[Attempt]) -> Option<(Whom, i64)> {
    let now = NOW.plus_ms(60 * MINUTE_MS);
    let due = due(red(), attempts, (2, true), now)?;
    Some((due.next, due.from.since(NOW) / MINUTE_MS))
}

#[test]
fn a_red_that_does_not_answer_is_two_calls_the_contacts_the_key_holder_then_112() {
    let steps = [
        (Whom::Patient, 0),
        (Whom::Patient, 2),
        (Whom::Contact(0), 2),
        (Whom::Contact(1), 3),
        (Whom::KeyHolder, 4),
        (Whom::Emergency, 5),
        (Whom::Emergency, 6),
    ];
    let mut attempts = Vec::new();
    for (minute, step) in [0, 2, 3, 4, 5, 6].into_iter().zip(steps) {
        assert_eq!(next(&attempts), Some(step));
        let came = if minute == 2 {
            Came::Busy
        } else {
            Came::NoAnswer
        };
        attempts.push(tried(minute, step.0, came));
    }
    assert_eq!(next(&attempts), Some(steps[6]));
}

#[test]
fn whoever_is_reached_on_the_way_sends_the_caller_back_to_the_patient() {
    let attempts = [
        tried(0, Whom::Patient, Came::NoAnswer),
        tried(2, Whom::Patient, Came::NoAnswer),
        tried(3, Whom::Contact(0), Came::Answered),
    ];
    assert_eq!(next(&attempts).map(|it| it.0), Some(Whom::Patient));
}

#[test]
fn a_patient_who_answered_is_off_the_list_until_the_flag_says_something_new() {
    let answered = [tried(1, Whom::Patient, Came::Answered)];
    assert_eq!(next(&answered), None);
    let mut reasons = red();
    reasons[0].since = NOW.plus_ms(2 * MINUTE_MS);
    assert!(due(reasons, &answered, (0, false), NOW).is_some());
}

#[test]
fn whoever_said_the_red_on_the_telephone_has_some_minutes_and_stays_on_the_list() {
    let said = [tried(-1, Whom::Patient, Came::Answered)];
    assert_eq!(next(&said), Some((Whom::Patient, 4)));
    let confirmed_by_it = [tried(0, Whom::Patient, Came::Answered)];
    assert_eq!(next(&confirmed_by_it), Some((Whom::Patient, 5)));
    let long_ago = [tried(-60, Whom::Patient, Came::Answered)];
    assert_eq!(next(&long_ago), Some((Whom::Patient, 0)));
}

#[test]
fn without_a_contact_or_keys_the_third_step_is_112() {
    let attempts = [
        tried(0, Whom::Patient, Came::NoAnswer),
        tried(2, Whom::Patient, Came::NoAnswer),
    ];
    let due = due(red(), &attempts, (0, false), NOW).unwrap();
    assert_eq!(due.next, Whom::Emergency);
}

#[test]
fn an_agreed_time_holds_back_an_amber_and_not_a_red() {
    let later = Came::Later(NOW.plus_ms(50 * MINUTE_MS));
    let attempts = [tried(0, Whom::Patient, later)];
    assert_eq!(next(&attempts), Some((Whom::Patient, 2)));
    let mut amber = red();
    amber[0].severity = Severity::Amber;
    let due = due(amber, &attempts, (0, false), NOW).unwrap();
    assert_eq!(due.from, NOW.plus_ms(50 * MINUTE_MS));
}

fn plan(parameters: Vec<Parameter>, from: WallMs) -> Plan {
    Plan {
        patient: PatientId::new(1),
        version: PlanVersion(1),
        from,
        until: None,
        parameters,
        spo2: None,
        oxygen_scale: veglia_view::OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: veglia_view::Calling::default(),
    }
}

fn told(row: &mut Row, vital: VitalKind, steps: i32, at: WallMs) {
    row.measure(veglia_view::Latest {
        vital,
        steps,
        site: veglia_view::Site::Unknown,
        at,
        quality: veglia_view::Quality::empty(),
        source: veglia_view::Source::ByPhone,
    });
}

#[test]
fn somebody_without_a_device_is_called_when_the_plan_expects_a_value() {
    let at = |hour| veglia_view::LocalTime::new(hour, 0).unwrap();
    // Half past two in the afternoon of Rome.
    let parameter = Parameter {
        vital: VitalKind::SpO2,
        expected: Expected::DailyAt(vec![at(8), at(14), at(20)]),
        grace_minutes: 60,
    };
    let plan = plan(vec![parameter], NOW.plus_ms(-3 * DAY_MS));
    let reasons = expected(&plan, None, NOW, words::of_record());
    let [reason] = reasons.as_slice() else {
        panic!("one value is due: {reasons:?}");
    };
    assert!(reason.words.contains("SpO₂"), "{}", reason.words);
    let mut row = Row::new(plan.patient);
    told(&mut row, VitalKind::SpO2, 950, reason.since);
    assert_eq!(expected(&plan, Some(&row), NOW, words::of_record()), []);
}

#[test]
fn a_value_that_was_not_given_in_one_call_is_asked_for_in_the_next() {
    let every_eight_hours = |vital| Parameter {
        vital,
        expected: Expected::EveryMinutes(480),
        grace_minutes: 60,
    };
    let vitals = [VitalKind::SpO2, VitalKind::Temperature];
    let plan = plan(
        vitals.map(every_eight_hours).into(),
        NOW.plus_ms(-480 * MINUTE_MS),
    );
    // Called five minutes late, the patient gives the temperature alone.
    let called = tried(5, Whom::Patient, Came::Answered);
    let mut row = Row::new(plan.patient);
    told(&mut row, VitalKind::Temperature, 3_680, called.at);
    let at = |minutes| {
        let now = NOW.plus_ms(minutes * MINUTE_MS);
        let reasons = expected(&plan, Some(&row), now, words::of_record());
        let due = due(reasons, std::slice::from_ref(&called), (0, false), now)?;
        Some((due.since.since(NOW) / MINUTE_MS, due.reasons.len()))
    };
    assert_eq!(at(10), None, "one round is over");
    assert_eq!(at(481), Some((480, 1)), "the oxygen is due again");
    assert_eq!(at(486), Some((480, 2)), "and so is the temperature");
}
