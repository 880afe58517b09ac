//! The flags that stand are a function of what was seen, not of the order in which it arrived.

// req: G7

mod support;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Flag, Input, Observation, Plan, Seen, Target, Verdict};
use veglia_wire::{Quality, VitalKind, WallMs};

/// The last tick: hours after the last reading.
const END: i64 = 1_000;

#[derive(Debug, Clone)]
enum Event {
    Seen(Observation),
    Planned(Plan),
    Tick(WallMs),
}

fn a_reading() -> impl Strategy<Value = (i64, i64, bool, i32, bool)> {
    let delay = prop_oneof![3 => Just(0_i64), 1 => 0..300_i64];
    (
        0..400_i64,
        delay,
        any::<bool>(),
        0..12_i32,
        prop::bool::weighted(0.1),
    )
}

/// Values crowd around the limits, where the rules turn.
fn observation(
    number: u64,
    (at, delay, is_oxygen, step, is_grey): (i64, i64, bool, i32, bool),
) -> Observation {
    let vital = if is_oxygen {
        spo2(870 + step * 8)
    } else {
        temperature(3_750 + step * 10)
    };
    let quality = if is_grey {
        Quality::ARTEFACT
    } else {
        Quality::empty()
    };
    let mut observation = seen(number, minute(at), vital, quality);
    observation.received = minute(at + delay);
    observation
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    vec(a_reading(), 0..40).prop_map(|readings| {
        (1..)
            .zip(readings)
            .map(|(n, it)| observation(n, it))
            .collect()
    })
}

fn plans() -> Vec<Plan> {
    let first = vec![
        every(VitalKind::SpO2, 45, 15),
        every(VitalKind::Temperature, 120, 10),
    ];
    let second = vec![
        every(VitalKind::SpO2, 60, 5),
        daily(VitalKind::Temperature, &["11:00"], 20),
    ];
    let target = Target {
        low_percent: 90,
        high_percent: 94,
    };
    vec![
        plan(1, minute(-10), first),
        Plan {
            spo2: Some(target),
            until: Some(minute(380)),
            ..plan(2, minute(150), second)
        },
    ]
}

fn play(home: &mut Home, event: &Event) -> Vec<Verdict> {
    match event {
        Event::Seen(observation) => home.observe(observation),
        Event::Planned(plan) => home.give(Input::Plan(plan), plan.from),
        Event::Tick(now) => home.give(Input::Tick, *now),
    }
}

/// Flags that stand, without the numbering of what was said on the way.
fn standing(home: &Home) -> BTreeMap<String, (Flag, bool)> {
    let flags = home.state.flags().map(|(mut flag, is_open)| {
        flag.telling = 0;
        (flag.id.to_string(), (flag, is_open))
    });
    flags.collect()
}

/// Under the shipped rules, or with repeats that must be another measurement.
fn under(is_streaming: bool) -> Home {
    let mut home = Home::new();
    if is_streaming {
        home.adopt("repeat_after_seconds = 0", "repeat_after_seconds = 300");
    }
    home
}

/// Many readings of oxygen, each at most forty places from where it belongs.
fn a_long_stay() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    vec((1..20_i64, 0..12_i32, 0..40_usize), 300..400).prop_map(|readings| {
        let mut at = 0;
        let mut places = Vec::new();
        for (place, (gap, step, away)) in readings.into_iter().enumerate() {
            at += gap;
            let number = u64::try_from(place).expect("a few hundred") + 1;
            places.push((
                place + away,
                observation(number, (at, 0, true, step, false)),
            ));
        }
        let sorted = places.iter().map(|(_, it)| it.clone()).collect();
        places.sort_by_key(|(place, _)| *place);
        (sorted, places.into_iter().map(|(_, it)| it).collect())
    })
}

/// Everything in order of measuring, then one tick.
fn in_order(mut home: Home, observations: &[Observation]) -> Home {
    for plan in plans() {
        home.plan(&plan);
    }
    let mut sorted = observations.to_vec();
    sorted.sort_by_key(|it| it.at);
    for observation in &sorted {
        home.observe(observation);
    }
    home.tick(END);
    home
}

/// What a reader of every verdict knows is what the state says.
fn assert_reader_knows(home: &Home) {
    let standing = standing(home);
    for (id, (flag, is_open)) in &standing {
        let (known, end) = home.known.0.get(id).expect("every flag was raised");
        assert_eq!(end.is_none(), *is_open, "{id}");
        if *is_open {
            assert_eq!(*known, flag.standing, "{id}");
        }
    }
    let known: Vec<String> = home.known.standing().into_iter().collect();
    assert_eq!(
        known,
        standing.into_keys().collect::<Vec<_>>(),
        "what stands was not taken back, and nothing else stands"
    );
}

fn events() -> impl Strategy<Value = (Vec<Observation>, Vec<Event>)> {
    let ticks = vec(0..END, 0..10).prop_map(|minutes| minutes.into_iter().map(minute));
    (observations(), ticks).prop_flat_map(|(observations, ticks)| {
        let mut events: Vec<Event> = observations.iter().cloned().map(Event::Seen).collect();
        events.extend(observations.iter().take(10).cloned().map(Event::Seen));
        events.extend(plans().into_iter().map(Event::Planned));
        events.extend(ticks.map(Event::Tick));
        (Just(observations), Just(events).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_and_doubled_data_make_the_same_flags(
        (observations, events) in events(),
        is_streaming in any::<bool>(),
    ) {
        let expected = in_order(under(is_streaming), &observations);
        let mut home = under(is_streaming);
        for event in &events {
            play(&mut home, event);
        }
        home.tick(END);
        prop_assert_eq!(standing(&home), standing(&expected));
        prop_assert_eq!(home.known.standing(), expected.known.standing());
        assert_reader_knows(&home);
        assert_reader_knows(&expected);
    }

    #[test]
    fn memory_that_slides_on_makes_no_difference((sorted, shuffled) in a_long_stay()) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        for (one, other) in sorted.iter().zip(&shuffled) {
            steady.observe(one);
            home.observe(other);
        }
        steady.tick(100_000);
        home.tick(100_000);
        prop_assert_eq!(standing(&steady), standing(&home));
        prop_assert_eq!(steady.known.open(), home.known.open());
        prop_assert_eq!(steady.known.standing(), home.known.standing());
        for id in steady.known.0.keys() {
            prop_assert!(home.known.0.contains_key(id), "{} was never raised", id);
        }
    }

    #[test]
    fn a_restart_at_any_point_changes_nothing((_, events) in events()) {
        let (mut steady, mut restarted) = (Home::new(), Home::new());
        for event in &events {
            restarted.restart();
            prop_assert_eq!(play(&mut steady, event), play(&mut restarted, event));
        }
        prop_assert_eq!(steady.state, restarted.state);
    }

    #[test]
    fn tellings_of_a_flag_are_numbered_without_a_gap((_, events) in events()) {
        let mut home = Home::new();
        let mut last: BTreeMap<String, u32> = BTreeMap::new();
        for event in &events {
            let mut said = play(&mut home, event);
            said.sort_by_key(|verdict| (verdict.id().clone(), verdict.telling()));
            for verdict in said {
                let telling = last.entry(verdict.id().to_string()).or_default();
                *telling += 1;
                prop_assert_eq!(verdict.telling(), *telling);
            }
        }
    }

    #[test]
    fn a_patient_is_never_without_a_flag_while_its_cause_lasts(observations in observations()) {
        let mut home = Home::new();
        let mut newest: Option<&Observation> = None;
        for observation in &observations {
            let Seen::Vital(vital, quality) = observation.seen else { continue };
            let had_red = home.known.open().keys().any(|id| id.contains("spo2-red"));
            let mut known = home.known.clone();
            let said = home.observe(observation);
            let has_red = home.known.open().keys().any(|id| id.contains("spo2-red"));
            for verdict in &said {
                known.hear(std::slice::from_ref(verdict));
                let is_red = known.open().keys().any(|id| id.contains("spo2-red"));
                prop_assert!(is_red || !(had_red && has_red), "a dip inside one step");
            }
            let key = |it: &Observation| (it.at, it.id);
            let is_newest = newest.is_none_or(|newest| key(newest) < key(observation));
            if vital.kind() == VitalKind::SpO2 && quality.is_clean() && is_newest {
                newest = Some(observation);
            }
            if let Some(Observation { seen: Seen::Vital(vital, _), .. }) = newest {
                let band = home.rules.band(*vital).map(|band| band.name().to_owned());
                prop_assert!(band.as_deref() != Some("red") || has_red, "the newest is red");
            }
        }
    }

    #[test]
    fn ticks_before_the_next_deadline_say_nothing((_, events) in events()) {
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
                let said = home.give(Input::Tick, before);
                prop_assert_eq!(words(&said), Vec::<String>::new());
            }
        }
    }
}
