//! Why a vital sign is silent: the home, the device, or the patient; and one flag for one cause.

// req: G7

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    Cause, Flag, How, Input, Observation, PatientStanding, Presence, Sign, Source, Standing,
    Trigger, Verdict, Whereabouts,
};
use veglia_wire::{DeviceId, Quality, VitalKind, WallMs};

const NOTHING: [&str; 0] = [];

fn device() -> DeviceId {
    DeviceId::new("nonin:501234").expect("a device id")
}

fn presence(number: u64, at: i64, received: i64, sign: Sign) -> Presence {
    Presence {
        id: record(number),
        at: minute(at),
        received: minute(received),
        sign,
    }
}

fn hear(home: &mut Home, minutes: i64, sign: Sign) -> Vec<Verdict> {
    let number = 10_000 + minutes.unsigned_abs();
    let presence = presence(number, minutes, minutes, sign);
    home.give(Input::Presence(&presence), minute(minutes))
}

/// The box says every five minutes that it is alive.
fn beats(home: &mut Home, minutes: std::ops::Range<i64>) {
    for minutes in minutes.step_by(5) {
        assert_eq!(words(&hear(home, minutes, Sign::Gateway)), NOTHING);
        assert_eq!(words(&home.tick(minutes)), NOTHING, "at {minutes}");
    }
}

/// Oxygen every hour and temperature every two, each with a quarter of grace; both measured at
/// minute 0, and the box heard.
fn watched() -> Home {
    let mut home = Home::new();
    let parameters = vec![
        every(VitalKind::SpO2, 60, 15),
        every(VitalKind::Temperature, 120, 15),
    ];
    home.plan(&plan(1, minute(0), parameters));
    home.spo2(0, 97);
    home.vital(0, temperature(3_700));
    beats(&mut home, 0..5);
    home
}

#[test]
fn a_home_that_is_off_line_is_one_flag_and_each_vital_sign_is_none() {
    let mut home = watched();
    beats(&mut home, 5..45);
    assert_eq!(words(&home.tick(74)), NOTHING, "nothing was expected yet");
    let said = home.tick(75);
    assert_eq!(words(&said), ["raise silence-home Silent(HomeOffline)"]);
    let flag = raised(&said);
    assert_eq!(flag.since, minute(40), "when it was last heard");
    assert_eq!(flag.id.trigger, Trigger::HomeSilentSince(minute(40)));
    assert_eq!(flag.id.to_string().parse(), Ok(flag.id.clone()));
    assert_eq!(words(&home.tick(500)), NOTHING, "one cause is one flag");
    // It is told again after eight hours: who has closed it may have forgotten it.
    let again = home.tick(1_000);
    assert_eq!(words(&again), ["raise silence-home Silent(HomeOffline)"]);
    assert_eq!(raised(&again).id, flag.id, "the same flag");
    home.restart();
    assert_eq!(words(&hear(&mut home, 1_001, Sign::Gateway)), NOTHING);
    assert_eq!(words(&home.tick(1_001)), ["end silence-home DataReturned"]);
}

#[test]
fn what_is_still_silent_when_the_home_is_back_is_flagged_by_itself_a_little_later() {
    let mut home = watched();
    home.tick(75);
    hear(&mut home, 80, Sign::Gateway);
    assert_eq!(words(&home.tick(80)), ["end silence-home DataReturned"]);
    assert_eq!(home.state.next_deadline(), Some(minute(90)));
    assert_eq!(words(&home.tick(89)), NOTHING);
    let said = home.tick(90);
    assert_eq!(words(&said), ["raise silence-spo2 Silent(NotMeasuring)"]);
    assert_eq!(raised(&said).since, minute(60));
}

#[test]
fn what_the_box_kept_while_it_was_off_line_takes_the_silence_back() {
    let mut home = watched();
    home.tick(75);
    assert_eq!(home.open(), ["silence-home"]);
    // The readings of minute 60 and 120 were taken in time.
    assert_eq!(words(&home.late(60, 140, spo2(970))), NOTHING);
    home.late(120, 140, spo2(970));
    home.late(120, 140, temperature(3_700));
    assert_eq!(
        words(&home.tick(140)),
        ["end silence-home ExplainedByLateData"]
    );
    assert_eq!(words(&home.tick(160)), NOTHING);
}

/// Signs wait in the journal while ticks go on: what they say of the past is told all the same.
#[test]
fn a_sign_that_is_read_after_the_tick_that_missed_it_moves_the_silence_of_the_home() {
    let mut home = watched();
    let said = home.tick(75);
    assert_eq!(raised(&said).since, minute(0), "when it was last heard");
    let late = presence(1, 10, 10, Sign::Gateway);
    home.give(Input::Presence(&late), minute(75));
    let said = words(&home.tick(75));
    assert_eq!(
        said,
        [
            "raise silence-home Silent(HomeOffline)",
            "end silence-home ExplainedByLateData"
        ]
    );
}

#[test]
fn a_home_that_blinks_raises_nothing() {
    let mut home = watched();
    for minutes in (5..59).step_by(14) {
        assert_eq!(words(&home.tick(minutes)), NOTHING);
        hear(&mut home, minutes, Sign::Gateway);
    }
    home.spo2(59, 97);
    assert_eq!(words(&home.tick(60)), NOTHING);
}

#[test]
fn a_silent_thermometer_beside_a_talking_oximeter_is_flagged_at_its_own_time() {
    let mut home = watched();
    for minutes in (5..135).step_by(5) {
        hear(&mut home, minutes, Sign::Gateway);
        home.spo2(minutes, 97);
        assert_eq!(words(&home.tick(minutes)), NOTHING);
    }
    hear(&mut home, 135, Sign::Gateway);
    assert_eq!(
        words(&home.tick(135)),
        ["raise silence-temperature Silent(NotMeasuring)"]
    );
}

#[test]
fn a_device_that_its_box_does_not_hear_is_said_to_be_off() {
    let mut home = watched();
    hear(&mut home, 30, Sign::DeviceLost(device()));
    for minutes in (5..75).step_by(5) {
        hear(&mut home, minutes, Sign::Gateway);
    }
    assert_eq!(
        words(&home.tick(75)),
        ["raise silence-spo2 Silent(DeviceOff)"]
    );
}

#[test]
fn the_cause_of_a_silence_is_told_again_when_it_becomes_another() {
    let mut home = watched();
    beats(&mut home, 5..75);
    assert_eq!(
        words(&home.tick(75)),
        ["raise silence-spo2 Silent(NotMeasuring)"]
    );
    hear(&mut home, 76, Sign::DeviceLost(device()));
    assert_eq!(words(&home.tick(76)), NOTHING, "it may only blink");
    hear(&mut home, 80, Sign::Gateway);
    assert_eq!(home.state.next_deadline(), Some(minute(91)));
    hear(&mut home, 85, Sign::Gateway);
    assert_eq!(
        words(&home.tick(91)),
        ["confirm silence-spo2 Silent(DeviceOff)"]
    );
    home.restart();
    assert_eq!(
        words(&home.tick(100)),
        ["confirm silence-spo2 Silent(HomeOffline)"]
    );
    hear(&mut home, 120, Sign::Gateway);
    assert_eq!(
        words(&home.tick(120)),
        ["confirm silence-spo2 Silent(DeviceOff)"]
    );
    hear(&mut home, 121, Sign::Device(device()));
    assert_eq!(
        words(&home.tick(121)),
        ["confirm silence-spo2 Silent(NotMeasuring)"]
    );
    assert_eq!(
        words(&home.spo2(122, 97)),
        ["end silence-spo2 DataReturned"]
    );
}

#[test]
fn a_centre_that_did_not_listen_calls_no_home_off_line_and_waits_for_what_was_kept() {
    let mut home = watched();
    beats(&mut home, 5..65);
    // Twenty minutes, across the deadline of minute 75.
    home.give(Input::Deaf(minute(65)), minute(85));
    assert_eq!(words(&home.tick(85)), NOTHING);
    hear(&mut home, 86, Sign::Gateway);
    assert_eq!(words(&home.late(60, 86, spo2(970))), NOTHING);
    assert_eq!(words(&home.tick(86)), NOTHING);
    // Without what was kept, the silence is told, and it is the patient's.
    let mut home = watched();
    beats(&mut home, 5..65);
    home.give(Input::Deaf(minute(65)), minute(85));
    home.tick(85);
    for minutes in [86, 91, 96] {
        hear(&mut home, minutes, Sign::Gateway);
        assert_eq!(words(&home.tick(minutes)), NOTHING);
    }
    assert_eq!(
        words(&home.tick(100)),
        ["raise silence-spo2 Silent(NotMeasuring)"]
    );
    // A home that does not come back with the centre is off line, and one flag.
    let mut home = watched();
    beats(&mut home, 5..65);
    home.give(Input::Deaf(minute(65)), minute(85));
    assert_eq!(words(&home.tick(99)), NOTHING);
    assert_eq!(
        words(&home.tick(100)),
        ["raise silence-home Silent(HomeOffline)"]
    );
}

#[test]
fn a_home_whose_box_never_spoke_is_flagged_by_vital_sign() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    let mut typed = seen(1, minute(0), spo2(970), Quality::empty());
    typed.source = Source::ByHand;
    home.observe(&typed);
    assert_eq!(
        words(&home.tick(75)),
        ["raise silence-spo2 Silent(Unknown)"]
    );
}

#[test]
fn the_silence_of_a_home_ends_with_the_plan() {
    let mut home = watched();
    home.tick(75);
    home.give(Input::Plan(&plan(2, minute(200), Vec::new())), minute(100));
    assert_eq!(words(&home.tick(200)), ["end silence-home PlanEnded"]);
    assert_eq!(words(&home.tick(1_000)), NOTHING);
}

#[test]
fn what_a_telephone_tells_leaves_the_home_off_line() {
    let mut home = watched();
    home.tick(75);
    let mut told = seen(77, minute(80), spo2(960), Quality::empty());
    told.source = Source::ByPhone;
    home.observe(&told);
    home.tick(81);
    assert_eq!(home.open(), ["silence-home"]);
}

#[test]
fn many_outages_stay_within_memory() {
    let mut home = watched();
    for day in 1..200 {
        let start = day * 1_440;
        hear(&mut home, start, Sign::Gateway);
        home.tick(start + 600);
    }
    let bytes = serde_json::to_vec(&home.state).unwrap().len();
    assert!(bytes < 64 * 1_024, "{bytes} bytes");
}

fn stay(number: i64, from: i64, whereabouts: Whereabouts) -> PatientStanding {
    PatientStanding {
        patient: PATIENT,
        number,
        from: minute(from),
        whereabouts,
    }
}

#[derive(Debug, Clone)]
enum Event {
    Seen(Observation),
    Heard(Presence),
    Deaf(WallMs, WallMs),
    Went(PatientStanding),
    Tick(WallMs),
}

const END: i64 = 1_500;

/// Readings, heartbeats with holes, and a device that goes and comes.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let readings = vec((0..600_i64, prop_oneof![Just(0_i64), 0..200_i64]), 0..12);
    let beats = vec(0..150_i64, 0..60);
    let lost = vec((0..600_i64, any::<bool>()), 0..6);
    let deaf = vec((0..600_i64, 6..60_i64), 0..3);
    let went = vec((0..600_i64, any::<bool>()), 0..3);
    (readings, beats, lost, deaf, went).prop_map(|(readings, beats, lost, deaf, went)| {
        let mut number = 0;
        let mut next = || {
            number += 1;
            number
        };
        let mut events = Vec::new();
        for (at, delay) in readings {
            let mut observation = seen(next(), minute(at), spo2(970), Quality::empty());
            observation.received = minute(at + delay);
            events.push(Event::Seen(observation));
        }
        for place in beats {
            let at = place * 4;
            events.push(Event::Heard(presence(next(), at, at, Sign::Gateway)));
        }
        for (at, is_lost) in lost {
            let sign = if is_lost {
                Sign::DeviceLost(device())
            } else {
                Sign::Device(device())
            };
            events.push(Event::Heard(presence(next(), at, at, sign)));
        }
        let deaf = deaf.into_iter();
        events.extend(deaf.map(|(from, many)| Event::Deaf(minute(from), minute(from + many))));
        for (number, (from, is_away)) in (1..).zip(went) {
            let whereabouts = if is_away {
                Whereabouts::InHospital
            } else {
                Whereabouts::AtHome
            };
            events.push(Event::Went(stay(number, from, whereabouts)));
        }
        events
    })
}

fn play(home: &mut Home, event: &Event) -> Vec<Verdict> {
    match event {
        Event::Seen(observation) => home.observe(observation),
        Event::Heard(presence) => home.give(Input::Presence(presence), presence.received),
        Event::Deaf(from, until) => home.give(Input::Deaf(*from), *until),
        Event::Went(standing) => home.give(Input::Standing(standing), standing.from),
        Event::Tick(now) => home.give(Input::Tick, *now),
    }
}

fn planned() -> Home {
    let mut home = Home::new();
    let parameters = vec![
        every(VitalKind::SpO2, 60, 15),
        every(VitalKind::Temperature, 120, 15),
    ];
    home.plan(&plan(1, minute(0), parameters));
    home
}

/// Flags that stand, without the numbering; of a silence that is over the cause is what was told
/// on the way.
fn standing(home: &Home) -> BTreeMap<String, (Flag, bool)> {
    let flags = home.state.flags().map(|(mut flag, is_open)| {
        flag.telling = 0;
        if let (false, Standing::Confirmed { how, .. }) = (is_open, &mut flag.standing) {
            *how = How::Silent(Cause::Unknown);
        }
        (flag.id.to_string(), (flag, is_open))
    });
    flags.collect()
}

fn shuffled() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    let ticks = vec(0..END, 0..10);
    (events(), ticks).prop_flat_map(|(events, ticks)| {
        let mut mixed = events.clone();
        mixed.extend(events.iter().take(8).cloned());
        mixed.extend(ticks.into_iter().map(|at| Event::Tick(minute(at))));
        (Just(events), Just(mixed).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn signs_shuffled_late_and_doubled_make_the_same_flags((events, mixed) in shuffled()) {
        let (mut expected, mut home) = (planned(), planned());
        for event in &events {
            play(&mut expected, event);
        }
        expected.tick(END);
        for event in &mixed {
            play(&mut home, event);
        }
        home.tick(END);
        prop_assert_eq!(standing(&home), standing(&expected));
        prop_assert_eq!(home.known.standing(), expected.known.standing());
    }

    #[test]
    fn a_restart_between_any_two_signs_changes_nothing((_, mixed) in shuffled()) {
        let (mut steady, mut restarted) = (planned(), planned());
        for event in &mixed {
            restarted.restart();
            prop_assert_eq!(play(&mut steady, event), play(&mut restarted, event));
        }
        prop_assert_eq!(steady.state, restarted.state);
    }

    #[test]
    fn a_reader_of_every_verdict_knows_each_silence_and_its_cause((_, mixed) in shuffled()) {
        let mut home = planned();
        let mut latest = WallMs(i64::MIN);
        for event in &mixed {
            let before = home.state.next_deadline();
            let said = play(&mut home, event);
            let Event::Tick(now) = event else { continue };
            if before.is_none_or(|deadline| *now < deadline) && latest < *now {
                prop_assert_eq!(words(&said), Vec::<String>::new());
            }
            latest = latest.max(*now);
        }
        home.tick(END);
        for (flag, is_open) in home.state.flags() {
            let (known, end) = &home.known.0[&flag.id.to_string()];
            prop_assert_eq!(end.is_none(), is_open);
            if is_open {
                prop_assert_eq!(known, &flag.standing);
            }
        }
        let standing = home.state.flags().map(|(flag, _)| flag.id.to_string());
        prop_assert_eq!(home.known.standing(), standing.collect::<BTreeSet<String>>());
    }
}
