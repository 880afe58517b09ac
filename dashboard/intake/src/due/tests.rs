//! Who is called next, as sentences.

// req: B11

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

#[test]
fn somebody_without_a_device_is_called_when_the_plan_expects_a_value() {
    use veglia_view::{Parameter, PatientId, PlanVersion, VitalKind};
    let at = |hour| veglia_view::LocalTime::new(hour, 0).unwrap();
    // Half past two in the afternoon of Rome.
    let parameter = Parameter {
        vital: VitalKind::SpO2,
        expected: Expected::DailyAt(vec![at(8), at(14), at(20)]),
        grace_minutes: 60,
    };
    let plan = Plan {
        patient: PatientId::new(1),
        version: PlanVersion(1),
        from: NOW.plus_ms(-3 * DAY_MS),
        until: None,
        parameters: vec![parameter],
        spo2: None,
        oxygen_scale: veglia_view::OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: veglia_view::Calling::default(),
    };
    let reason = expected(&plan, None, NOW).unwrap();
    assert!(reason.words.contains("SpO₂"), "{}", reason.words);
    let mut row = Row::new(plan.patient);
    row.measure(veglia_view::Latest {
        vital: VitalKind::SpO2,
        steps: 950,
        site: veglia_view::Site::Unknown,
        at: reason.since,
        quality: veglia_view::Quality::empty(),
        source: veglia_view::Source::ByPhone,
    });
    assert_eq!(expected(&plan, Some(&row), NOW), None);
}
