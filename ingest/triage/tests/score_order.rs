//! The flags of scores are a function of what was seen, not of the order in which it arrived; and
//! no severity falls while its cause lasts.

// req: G7

mod support;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    Flag, Input, Observation, OxygenScale, Plan, SCORED_MAX, STATE_BYTES_MAX, Scale, Scored, Seen,
};
use veglia_wire::{AnswerCode, Quality, VitalKind, WallMs};

/// The last tick: hours after the last value.
const END: i64 = 4_000;

#[derive(Debug, Clone)]
enum Event {
    Seen(Observation),
    Planned(Plan),
    Tick(WallMs),
}

/// Values crowd around the limits, where the points turn.
fn observation(number: u64, at: i64, delay: i64, kind: usize, step: i32) -> Observation {
    let vital = |kind, units| seen(number, minute(at), whole(kind, units), Quality::empty());
    let mut observation = match kind {
        0 => vital(VitalKind::SpO2, 86 + step),
        1 => vital(VitalKind::RespiratoryRate, 7 + step * 2),
        2 => vital(VitalKind::SystolicPressure, 60 + step * 15),
        3 => vital(VitalKind::Pulse, 36 + step * 9),
        4 => seen(
            number,
            minute(at),
            temperature(3_480 + step * 42),
            Quality::empty(),
        ),
        5 => answered(number, minute(at), AnswerCode::Consciousness, step % 5),
        _ => answered(number, minute(at), AnswerCode::OnOxygen, step % 2),
    };
    observation.received = minute(at + delay);
    observation
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    // Within the memory of two days, and beyond the age at which a value no longer counts.
    let at = prop_oneof![0..400_i64, 0..2_800_i64];
    let delay = prop_oneof![3 => Just(0_i64), 1 => 0..300_i64];
    vec((at, delay, 0..7_usize, 0..12_i32), 0..60).prop_map(|values| {
        let numbered = (1..).zip(values);
        let seen =
            numbered.map(|(n, (at, delay, kind, step))| observation(n, at, delay, kind, step));
        seen.collect()
    })
}

fn plans() -> Vec<Plan> {
    vec![
        plan(1, minute(-10), Vec::new()),
        Plan {
            oxygen_scale: OxygenScale::Two,
            ..plan(2, minute(150), Vec::new())
        },
    ]
}

fn play(home: &mut Home, event: &Event) -> Vec<veglia_triage::Verdict> {
    match event {
        Event::Seen(observation) => home.observe(observation),
        Event::Planned(plan) => home.give(Input::Plan(plan), plan.from),
        Event::Tick(now) => home.give(Input::Tick, *now),
    }
}

fn standing(home: &Home) -> BTreeMap<String, (Flag, bool)> {
    let flags = home.state.flags().map(|(mut flag, is_open)| {
        flag.telling = 0;
        (flag.id.to_string(), (flag, is_open))
    });
    flags.collect()
}

fn in_order(observations: &[Observation]) -> Home {
    let mut home = Home::new();
    for plan in plans() {
        home.plan(&plan);
    }
    let mut sorted = observations.to_vec();
    sorted.sort_by_key(|it| (it.at, it.id));
    for observation in &sorted {
        home.observe(observation);
    }
    home.tick(END);
    home
}

fn events() -> impl Strategy<Value = (Vec<Observation>, Vec<Event>)> {
    let ticks = vec(0..END, 0..6).prop_map(|minutes| minutes.into_iter().map(minute));
    (observations(), ticks).prop_flat_map(|(observations, ticks)| {
        let mut events: Vec<Event> = observations.iter().cloned().map(Event::Seen).collect();
        events.extend(observations.iter().take(10).cloned().map(Event::Seen));
        events.extend(plans().into_iter().map(Event::Planned));
        events.extend(ticks.map(Event::Tick));
        (Just(observations), Just(events).prop_shuffle())
    })
}

/// The place of the class that a score certainly has.
fn class(home: &Home, scale: Scale, at: WallMs) -> String {
    match home.state.partial(&home.rules, scale, at) {
        Some(Scored::Counted(partial)) => partial.class_at_min.to_string(),
        other => panic!("{other:?} is not counted"),
    }
}

/// What a score certainly says at the newest value is flagged, or a graver rule is.
fn assert_flagged(home: &Home, at: WallMs) {
    let open = home.open();
    let is_open = |rules: &[&str]| open.iter().any(|rule| rules.contains(&rule.as_str()));
    let news2 = class(home, Scale::News2, at);
    if news2 == "high" {
        assert!(is_open(&["news2-high"]), "{open:?}");
    }
    if news2 == "medium" {
        assert!(is_open(&["news2-medium"]), "{open:?}");
    }
    if class(home, Scale::Mews, at) == "high" {
        assert!(is_open(&["mews-high", "news2-high"]), "{open:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_late_and_doubled_values_make_the_same_scores((observations, events) in events()) {
        let expected = in_order(&observations);
        let mut home = Home::new();
        for event in &events {
            play(&mut home, event);
        }
        home.tick(END);
        prop_assert_eq!(standing(&home), standing(&expected));
        prop_assert_eq!(home.known.standing(), expected.known.standing());
        for scale in Scale::ALL {
            let (one, other) = (&home.state, &expected.state);
            let now = minute(2_800);
            prop_assert_eq!(
                one.partial(&home.rules, scale, now),
                other.partial(&home.rules, scale, now)
            );
        }
    }

    #[test]
    fn a_snapshot_at_any_point_changes_no_score((_, events) in events()) {
        let (mut steady, mut restarted) = (Home::new(), Home::new());
        for event in &events {
            restarted.restart();
            prop_assert_eq!(play(&mut steady, event), play(&mut restarted, event));
        }
        prop_assert_eq!(steady.state, restarted.state);
    }

    #[test]
    fn no_severity_falls_while_the_score_lasts((_, events) in events()) {
        let mut home = Home::new();
        let mut newest = WallMs(i64::MIN);
        for event in &events {
            play(&mut home, event);
            if let Event::Seen(observation) = event {
                newest = newest.max(observation.at);
                assert_flagged(&home, newest);
            }
        }
    }

    #[test]
    fn a_tick_before_the_deadline_says_nothing((_, events) in events()) {
        let mut home = Home::new();
        let mut latest = WallMs(i64::MIN);
        for event in &events {
            play(&mut home, event);
            if let Event::Tick(now) = event {
                latest = latest.max(*now);
            }
            let before = home.state.next_deadline().map_or(minute(END), |at| at.plus_ms(-1));
            if before > latest {
                latest = before;
                prop_assert_eq!(words(&home.give(Input::Tick, before)), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn memory_is_bounded_and_a_late_value_counts_from_its_edge() {
    let mut home = Home::new();
    let count = i64::try_from(SCORED_MAX).unwrap();
    for number in 0..2 * count {
        home.score(number, VitalKind::Pulse, 95);
    }
    home.score(2 * count, VitalKind::RespiratoryRate, 22);
    home.score(2 * count, VitalKind::SystolicPressure, 105);
    let mut late = seen(50_000, minute(10), temperature(3_840), Quality::empty());
    late.received = minute(2 * count);
    let said = of_scores(&home.observe(&late));
    assert_eq!(words(&said), ["raise news2-medium unconfirmed"]);
    assert_eq!(raised(&said).since, minute(2 * count));
    assert!(matches!(late.seen, Seen::Vital(..)));
    let bytes = serde_json::to_vec(&home.state).unwrap().len();
    assert!(bytes < STATE_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn what_comes_late_beside_a_stream_is_flagged_by_a_second_without_points() {
    let mut home = Home::new();
    for second in 0..600_i64 {
        for (place, vital) in [(0, spo2(970)), (1, whole(VitalKind::Pulse, 80))] {
            let number = u64::try_from(second * 2 + place + 1).unwrap();
            let at = minute(10).plus_ms(second * 1_000);
            home.observe(&seen(number, at, vital, Quality::empty()));
        }
    }
    let late = [
        (2_001, whole(VitalKind::RespiratoryRate, 26)),
        (2_002, temperature(3_950)),
    ];
    let mut said = Vec::new();
    for (number, vital) in late {
        let mut observation = seen(number, minute(5), vital, Quality::empty());
        observation.received = minute(20);
        said.extend(of_scores(&home.observe(&observation)));
    }
    let said = words(&said);
    assert!(
        said.contains(&"raise news2-medium unconfirmed".to_owned()),
        "{said:?}"
    );
}
