//! What holds whatever happens, in whatever order.

// req: G9

use proptest::prelude::*;

use super::*;

fn callings() -> Vec<Calling> {
    let names = Ladder::all().iter().map(|it| it.name.as_str());
    let ladders = names
        .chain(["ladder-that-is-gone"])
        .map(|it| it.parse().ok());
    let of = |ladder: Option<veglia_triage::RuleName>| {
        [FamilyDoctor::Informed, FamilyDoctor::NotInformed].map(|family_doctor| Calling {
            ladder: ladder.clone(),
            family_doctor,
        })
    };
    ladders.chain([None]).flat_map(of).collect()
}

fn an_input() -> impl Strategy<Value = Input> {
    let severity = prop_oneof![
        Just(Severity::Technical),
        Just(Severity::Amber),
        Just(Severity::Red)
    ];
    let by = || prop_oneof![Just("staff:1".to_owned()), Just("staff:2".to_owned())];
    let callee = proptest::sample::select(Callee::ALL.to_vec());
    let why = proptest::sample::select(PageWhy::ALL.to_vec());
    prop_oneof![
        4 => (severity, any::<[bool; 4]>(), by(), -40_i64..40).prop_map(
            |(severity, [confirmed, worse, at_once, is_informed], by, ahead)| {
                let since = MORNING;
                let until = MORNING.plus_ms(minutes(600 + ahead * 20));
                let charge = (ahead > 0).then_some(Hold { by, since, until });
                let rule = at_once.then(|| "signal-spo2".parse().unwrap());
                let beside = Beside { charge, heard: None, is_informed };
                Input::Told { severity, confirmed, worse, at_once, rule, beside }
            }
        ),
        1 => Just(Input::SetBack),
        1 => Just(Input::Over),
        2 => (by(), proptest::option::of(1_i64..2_000)).prop_map(|(by, along)| {
            let along = along.map(|ahead| MORNING.plus_ms(minutes(ahead)));
            Input::Taken { by, along }
        }),
        1 => by().prop_map(|by| Input::Called { by }),
        1 => by().prop_map(|to| Input::HandedOver { to }),
        1 => (by(), -100_i64..100_000_000).prop_map(|(by, ms)| Input::Snoozed {
            by,
            until: MORNING.plus_ms(ms),
        }),
        1 => Just(Input::Escalated),
        1 => Just(Input::Seen),
        2 => (callee, proptest::option::of(0_usize..5), why).prop_map(|(callee, rung, why)| {
            Input::Failed { callee, rung, why }
        }),
        1 => proptest::sample::select(Whereabouts::ALL.to_vec())
            .prop_map(|whereabouts| Input::Stands { whereabouts }),
        1 => proptest::sample::select(callings()).prop_map(|calling| Input::Planned { calling }),
        4 => Just(Input::Tick),
    ]
}

proptest! {
    /// Whatever happens, in whatever order, with whatever pauses, and also when the state went
    /// through the record in between.
    #[test]
    fn no_open_confirmed_alert_of_a_patient_at_home_is_without_a_person_or_a_timer(
        story in proptest::collection::vec((an_input(), 0_i64..40), 1..60),
    ) {
        let (mut now, mut state) = (MORNING, State::new(Severity::Technical));
        let mut gravest = Severity::Technical;
        for (input, pause) in story {
            now = now.plus_ms(minutes(pause));
            let stored = serde_json::to_string(&state).unwrap();
            let stored: State = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&stored, &state);
            state = step_by_plan(stored, &input, now).0;
            prop_assert!(state.severity >= gravest, "severity only rises");
            gravest = state.severity;
            if state.is_away() {
                prop_assert_eq!(state.climb, None, "nobody is called");
                prop_assert_eq!(state.next_call(Ladder::shipped()), None);
            } else if state.is_confirmed {
                let kept = [
                    state.hold.is_some(),
                    state.snooze.is_some(),
                    state.climb.is_some(),
                ];
                prop_assert_eq!(kept.iter().filter(|it| **it).count(), 1);
                let due = state.due();
                prop_assert!(due.is_some_and(|due| due > now), "{:?}", due);
            }
        }
    }

    /// Whoever fails is followed by somebody else, and the last of them by nobody: empty posts do
    /// not spin.
    #[test]
    fn failures_of_one_moment_come_to_an_end(
        story in proptest::collection::vec((an_input(), 0_i64..40), 1..30),
    ) {
        let (mut now, mut state, mut calls) = (MORNING, State::new(Severity::Red), Vec::new());
        for (input, pause) in story {
            now = now.plus_ms(minutes(pause));
            let (after, steps) = step_by_plan(state, &input, now);
            (state, calls) = (after, steps);
        }
        let mut failed = 0;
        while let Some(call) = calls.pop() {
            let Step { callee, why, rung, .. } = call;
            let (after, steps) = step_by_plan(state, &Input::Failed { callee, rung, why }, now);
            state = after;
            calls.extend(steps);
            failed += 1;
            prop_assert!(failed < 40);
        }
    }

    /// Closed is closed: nobody is called but the family doctor, once.
    #[test]
    fn a_closed_alert_calls_nobody_but_the_family_doctor_once(
        story in proptest::collection::vec((an_input(), 0_i64..40), 1..30),
    ) {
        let ladder = Ladder::shipped();
        let (mut now, mut state) = (MORNING, State::new(Severity::Technical));
        for (input, pause) in story {
            now = now.plus_ms(minutes(pause));
            state = step(ladder, state, &input, now).0;
        }
        state = step(ladder, state, &Input::Closed, now).0;
        let mut called = Vec::new();
        for _ in 0..10 {
            now = now.plus_ms(minutes(24 * 60));
            let (after, steps) = step(ladder, state, &Input::Tick, now);
            state = after;
            called.extend(steps.into_iter().map(|it| it.callee));
        }
        prop_assert!(called.is_empty() || called == [Callee::Mmg]);
        prop_assert_eq!(state.due(), None);
    }
}
