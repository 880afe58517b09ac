//! Times that a course must keep: a bad signal, and a clock that jumped ahead and was set right.

// req: G9

mod support;

use support::person::*;
use support::*;
use veglia_diary::ladder::{Ladder, State};
use veglia_diary::{Callee, set_back, tick};
use veglia_triage::RuleSet;
use veglia_wire::{Quality, VitalKind};

#[tokio::test]
async fn a_bad_signal_that_nobody_takes_is_called_for_again_within_fifteen_minutes() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    for at in [TEN, TEN + 10] {
        let said = person.vital(at, VitalKind::SpO2, 97, Quality::ARTEFACT);
        record(&diary, &said, at).await;
    }
    live(&diary, &mut person, TEN + 11..=TEN + 60).await;
    let said = called(&diary).await;
    assert!(!said.is_empty(), "it was told");
    let first = said[0].0;
    let again = said.iter().any(|(at, ..)| *at > first && *at <= first + 15);
    assert!(
        again,
        "a call within 15 minutes, and the only page was {said:?}"
    );
}

#[tokio::test]
async fn after_a_clock_that_jumped_a_day_ahead_and_back_the_ladder_goes_on() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    for now in [TEN, TEN + 1, TEN + 24 * 60] {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let before = called(&diary).await.len();
    let moved = async || set_back(&diary, &TRIAGE, minute(TEN + 2)).await.unwrap();
    assert_eq!((moved().await, moved().await), (1, 0));
    // Back again, and nobody has taken charge.
    for now in TEN + 2..=TEN + 120 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let said = called(&diary).await;
    assert!(
        said.len() > before,
        "two hours of a red that nobody took: {said:?}"
    );
}

#[tokio::test]
async fn a_charge_that_was_taken_while_the_clock_was_ahead_lapses_no_later_than_it_may() {
    let (_folder, diary) = diary().await;
    record(&diary, &Person::new().spo2(TEN, 85), TEN).await;
    taken(&diary, TEN + 24 * 60).await;
    set_back(&diary, &TRIAGE, minute(TEN + 1)).await.unwrap();
    let before = called(&diary).await.len();
    for now in TEN + 1..=TEN + 31 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let said = called(&diary).await;
    assert_eq!(said[before].0, TEN + 31, "{said:?}");
    alerts(&diary).await;
}

/// The time of the rules and the courses of the ladders are two files.
#[test]
fn every_rule_with_a_time_to_be_called_within_has_a_course_that_keeps_it() {
    let rules = RuleSet::shipped();
    for name in ["signal-spo2", "signal-temperature"] {
        let rule = name.parse().unwrap();
        let within_ms = rules.call_within_ms(&rule).expect("a time");
        for ladder in Ladder::all() {
            let mut alert = State::new(veglia_triage::Severity::Amber);
            alert.rule = Some(rule.clone());
            let course = ladder.course_of(&alert);
            assert_ne!(course, ladder.course(alert.severity), "{}", ladder.name);
            let last = course.rungs.last().unwrap();
            assert_eq!(last.callee, Callee::Doctor);
            assert!(last.after_ms <= within_ms && course.charge_ms <= 2 * within_ms);
        }
    }
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
