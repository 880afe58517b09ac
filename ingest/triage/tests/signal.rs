//! Bad signal is not reassurance, and movement is not bad signal.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    About, Observation, PatientState, RuleSet, STATE_BYTES_MAX, Seen, Severity, Target, Verdict,
    What,
};
use veglia_wire::{Contact, Quality, Sensor, Site, Vital, VitalKind, WallMs};

const NOTHING: [&str; 0] = [];
const SIGNAL: [&str; 1] = ["signal-spo2"];

fn contact(number: u64, at: WallMs, contact: Contact) -> Observation {
    Observation {
        seen: Seen::Contact(Sensor::Oximeter, contact),
        ..seen(number, at, spo2(970), Quality::empty())
    }
}

/// A sensor says how it holds at a minute.
fn holds(home: &mut Home, number: u64, minutes: i64, how: Contact) -> Vec<String> {
    words(&home.observe(&contact(number, minute(minutes), how)))
}

/// Seconds of a stream from a minute on, all alike; then nothing.
fn stream(
    home: &mut Home,
    minutes: i64,
    seconds: std::ops::Range<i64>,
    (percent, quality): (i32, Quality),
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for second in seconds {
        let at = minute(minutes).plus_ms(second * 1_000);
        let number = u64::try_from(at.0 - START).expect("after the start") + 10_000;
        let reading = seen(number, at, spo2(percent * 10), quality);
        verdicts.extend(home.observe(&reading));
        verdicts.extend(home.give(veglia_triage::Input::Tick, at));
    }
    verdicts
}

#[test]
fn two_unmeasurable_attempts_without_a_value_between_are_a_clinical_call() {
    let mut home = Home::new();
    assert_eq!(holds(&mut home, 1, 0, Contact::Unmeasurable), NOTHING);
    // What a sensor says holds on until it says another thing: the clip comes off.
    assert_eq!(holds(&mut home, 3, 1, Contact::Off), NOTHING);
    assert_eq!(words(&home.tick(10)), NOTHING, "one attempt");
    assert_eq!(holds(&mut home, 2, 20, Contact::Unmeasurable), NOTHING);
    let verdicts = home.tick(24);
    assert_eq!(words(&verdicts), ["raise signal-spo2 AtOnce"]);
    let flag = raised(&verdicts);
    assert_eq!(flag.severity, Severity::Amber, "clinical, not technical");
    assert_eq!(flag.about, About::Vital(VitalKind::SpO2));
    let evidence: Vec<_> = flag.evidence.iter().map(|it| (it.id, it.what)).collect();
    let what = What::Contact {
        sensor: Sensor::Oximeter,
        contact: Contact::Unmeasurable,
    };
    assert_eq!(evidence, [(record(1), what), (record(2), what)]);
    let call = home.rules.call_within_ms(&flag.id.rule);
    assert_eq!(call, Some(15 * MINUTE));
}

#[test]
fn a_clean_value_between_two_attempts_makes_them_no_pair() {
    let mut home = Home::new();
    holds(&mut home, 100, 0, Contact::Unmeasurable);
    home.spo2(10, 97);
    holds(&mut home, 101, 20, Contact::Unmeasurable);
    holds(&mut home, 102, 21, Contact::Off);
    home.tick(60);
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn readings_that_are_all_refused_are_attempts() {
    let mut home = Home::new();
    home.quality(0, spo2(850), Quality::ARTEFACT);
    home.quality(5, spo2(200), Quality::empty());
    let verdicts = home.tick(10);
    assert_eq!(words(&verdicts), ["raise signal-spo2 AtOnce"]);
    assert_eq!(raised(&verdicts).evidence.len(), 2);
}

#[test]
fn a_finger_out_of_the_clip_is_no_attempt() {
    let mut home = Home::new();
    for number in 0..10_u64 {
        let minutes = i64::try_from(number).expect("few") * 10;
        holds(&mut home, 100 + number, minutes, Contact::Off);
        home.quality(minutes + 1, spo2(850), Quality::NO_CONTACT);
        home.quality(minutes + 2, spo2(850), Quality::HELD);
        home.quality(minutes + 3, spo2(850), Quality::EARLY);
        home.tick(minutes + 9);
    }
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn a_search_that_finds_a_value_is_no_failure_and_one_that_finds_none_is() {
    let mut home = Home::new();
    holds(&mut home, 100, 0, Contact::Searching);
    home.spo2(1, 97);
    holds(&mut home, 101, 30, Contact::Searching);
    holds(&mut home, 102, 31, Contact::Off);
    holds(&mut home, 103, 40, Contact::Searching);
    assert_eq!(words(&home.tick(42)), NOTHING, "it still searches");
    assert_eq!(words(&home.tick(44)), ["raise signal-spo2 AtOnce"]);
}

#[test]
fn failures_soon_after_each_other_are_one_attempt_unless_the_finger_was_out_between() {
    let mut home = Home::new();
    for minutes in 0..5 {
        home.quality(minutes, spo2(850), Quality::ARTEFACT);
    }
    home.tick(30);
    assert_eq!(home.open(), NOTHING, "one attempt of five minutes");

    let mut home = Home::new();
    home.quality(0, spo2(850), Quality::ARTEFACT);
    holds(&mut home, 100, 1, Contact::Off);
    home.quality(2, spo2(850), Quality::ARTEFACT);
    home.tick(30);
    assert_eq!(home.open(), SIGNAL, "two attempts");
}

#[test]
fn a_clip_that_is_put_on_again_and_again_for_ten_minutes_is_a_call() {
    let mut home = Home::new();
    for minutes in 0..11_i64 {
        let number = 100 + 2 * minutes.unsigned_abs();
        holds(&mut home, number, minutes, Contact::Searching);
        let mut off = contact(number + 1, minute(minutes), Contact::Off);
        off.at = minute(minutes).plus_ms(20_000);
        off.received = off.at;
        home.observe(&off);
        home.tick(minutes + 1);
    }
    home.tick(12);
    assert_eq!(home.open(), SIGNAL);
}

#[test]
fn a_clip_that_is_put_on_three_times_and_then_measures_calls_nobody() {
    let mut home = Home::new();
    for (number, minutes) in [(100, 0), (102, 1), (104, 2)] {
        holds(&mut home, number, minutes, Contact::Searching);
        let mut off = contact(number + 1, minute(minutes), Contact::Off);
        (off.at, off.received) = (
            minute(minutes).plus_ms(20_000),
            minute(minutes).plus_ms(20_000),
        );
        home.observe(&off);
        home.tick(minutes + 1);
    }
    home.spo2(3, 97);
    home.tick(30);
    assert_eq!(home.known.0.len(), 0);
}

#[test]
fn a_low_value_with_a_poor_signal_is_a_call_and_a_red_that_waits_for_its_repeat() {
    for quality in [Quality::LOW_PERFUSION, Quality::WEAK_SIGNAL] {
        let mut home = Home::new();
        let said = words(&home.quality(0, spo2(910), quality));
        assert_eq!(said, ["raise spo2-red unconfirmed"]);
        assert_eq!(words(&home.tick(2)), ["raise signal-spo2 AtOnce"]);
        assert_eq!(home.open(), ["spo2-red", "signal-spo2"], "the red first");
    }
}

#[test]
fn a_usual_value_with_a_poor_signal_calls_nobody_and_ends_nothing() {
    let mut home = Home::new();
    home.quality(0, spo2(970), Quality::LOW_PERFUSION);
    home.tick(10);
    assert_eq!(home.open(), NOTHING);
    home.quality(20, spo2(970), Quality::ARTEFACT);
    home.quality(30, spo2(970), Quality::ARTEFACT);
    home.tick(40);
    assert_eq!(home.open(), SIGNAL);
    home.quality(50, spo2(970), Quality::LOW_PERFUSION);
    home.tick(60);
    assert_eq!(home.open(), SIGNAL);
}

#[test]
fn a_personal_target_says_what_is_low_with_a_poor_signal() {
    let mut home = Home::new();
    let mut with_target = plan(1, minute(-1), Vec::new());
    with_target.spo2 = Some(Target {
        low_percent: 88,
        high_percent: 92,
    });
    home.plan(&with_target);
    home.quality(0, spo2(900), Quality::LOW_PERFUSION);
    home.tick(10);
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn a_later_clean_good_value_ends_it_and_a_clean_low_one_does_not() {
    let mut home = Home::new();
    holds(&mut home, 100, 0, Contact::Unmeasurable);
    holds(&mut home, 101, 10, Contact::Unmeasurable);
    home.tick(20);
    home.spo2(30, 91);
    home.tick(35);
    assert!(home.open().contains(&"signal-spo2".to_owned()));
    home.spo2(36, 97);
    let said = words(&home.tick(40));
    assert_eq!(said, ["end signal-spo2 Recovered"]);
}

#[test]
fn movement_in_a_stream_does_not_cry_wolf() {
    let mut home = Home::new();
    for minutes in 0..60 {
        stream(&mut home, minutes, 0..40, (80, Quality::ARTEFACT));
        stream(&mut home, minutes, 40..60, (97, Quality::empty()));
    }
    assert_eq!(
        home.known.0.len(),
        0,
        "forty seconds of each minute are spoilt"
    );
}

#[test]
fn nine_minutes_of_artefact_in_a_stream_call_nobody_and_eleven_do() {
    for (minutes, expected) in [(9, 0), (11, 1)] {
        let mut home = Home::new();
        stream(&mut home, 0, 0..60, (97, Quality::empty()));
        stream(&mut home, 1, 0..minutes * 60, (80, Quality::ARTEFACT));
        stream(&mut home, 1 + minutes, 0..60, (97, Quality::empty()));
        home.tick(60);
        assert_eq!(home.known.0.len(), expected, "{minutes} minutes");
        assert_eq!(home.open(), NOTHING, "over with the clean minute");
    }
}

#[test]
fn a_second_of_poor_low_in_a_stream_calls_nobody() {
    let mut home = Home::new();
    stream(&mut home, 0, 0..70, (97, Quality::empty()));
    stream(&mut home, 0, 70..73, (91, Quality::LOW_PERFUSION));
    stream(&mut home, 0, 73..240, (97, Quality::empty()));
    assert_eq!(home.known.0.len(), 0);
}

#[test]
fn an_uncalibrated_sensor_and_a_probe_off_the_body_are_no_bad_signal() {
    let mut home = Home::new();
    for minutes in 0..20 {
        home.quality(minutes * 5, spo2(970), Quality::UNCALIBRATED);
        home.vital(minutes * 5, temperature(2_150));
        let skin = Vital::from_steps(VitalKind::Temperature, 3_300, Site::Skin).expect("possible");
        home.vital(minutes * 5 + 1, skin);
        home.tick(minutes * 5 + 4);
    }
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn a_thermometer_that_fails_twice_is_a_call_of_its_own() {
    let mut home = Home::new();
    for (number, minutes) in [(1, 0), (2, 10)] {
        let mut failed = contact(number, minute(minutes), Contact::Unmeasurable);
        failed.seen = Seen::Contact(Sensor::Thermometer, Contact::Unmeasurable);
        home.observe(&failed);
        home.spo2(minutes + 1, 97);
    }
    home.tick(20);
    assert_eq!(home.open(), ["signal-temperature"]);
}

#[test]
fn a_deadline_is_named_for_every_attempt() {
    let mut home = Home::new();
    holds(&mut home, 1, 0, Contact::Unmeasurable);
    holds(&mut home, 3, 1, Contact::Off);
    holds(&mut home, 2, 10, Contact::Unmeasurable);
    holds(&mut home, 4, 11, Contact::Off);
    let mut ticks = 0;
    while home.open().is_empty() {
        let deadline = home.state.next_deadline().expect("something is awaited");
        home.give(veglia_triage::Input::Tick, deadline);
        ticks += 1;
        assert!(ticks < 5, "deadlines lead to the flag");
    }
    assert_eq!(home.state.next_deadline(), None);
}

#[test]
fn a_day_of_bad_signal_leaves_a_bounded_state_and_one_flag() {
    let mut home = Home::new();
    for minutes in 0..1_500 {
        home.quality(minutes, spo2(800), Quality::ARTEFACT);
        home.quality(minutes, temperature(3_700), Quality::INVALID);
        home.tick(minutes);
    }
    let bytes = serde_json::to_vec(&home.state)
        .expect("a state is data")
        .len();
    assert!(bytes < STATE_BYTES_MAX / 4, "{bytes} bytes");
    assert_eq!(home.known.0.len(), 2, "one for each vital sign");
}

#[test]
fn a_state_of_the_version_before_these_rules_is_read() {
    let home = Home::new();
    let mut kept = serde_json::to_value(&home.state).expect("a state is data");
    let fields = kept.as_object_mut().expect("an object");
    fields.remove("calls");
    let read: PatientState = serde_json::from_value(kept).expect("it is read");
    assert_eq!(read, home.state);
}

#[test]
fn faulty_numbers_of_a_signal_are_refused() {
    let text = include_str!("../rules/home-2020.toml");
    for (from, to, reason) in [
        ("attempts = 2", "attempts = 0", "at least 1"),
        ("apart_seconds = 120", "apart_seconds = 0", "in order"),
        ("long_minutes = 10", "long_minutes = 1", "in order"),
        ("within_minutes = 1440", "within_minutes = 5", "in order"),
        (
            "name = \"signal-temperature\"\nvital = \"temperature\"",
            "name = \"signal-temperature\"\nvital = \"spo2\"",
            "described before",
        ),
        (
            "\nwithin_minutes = 30\n",
            "\nwithin_minutes = 0\n",
            "one instant",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let fault = RuleSet::parse(&text.replacen(from, to, 1)).expect_err("no rule set");
        assert!(fault.reason.contains(reason), "{fault}");
    }
}

fn words_heard() -> impl Strategy<Value = Vec<Observation>> {
    let delay = prop_oneof![3 => Just(0_i64), 1 => 0..100_i64];
    // Seconds crowd, so that half minutes and chains meet.
    let at = prop_oneof![0..600_i64, 0..20_000_i64];
    vec((at, delay, 0..7_u8), 0..40).prop_map(|heard| {
        let heard = (1..).zip(heard);
        let seen = heard.map(|(number, (second, delay, what))| {
            let at = minute(0).plus_ms(second * 1_000);
            let mut observation = match what {
                0 => contact(number, at, Contact::Unmeasurable),
                1 => contact(number, at, Contact::Searching),
                2 => contact(number, at, Contact::Off),
                3 => seen(number, at, spo2(850), Quality::ARTEFACT),
                4 => seen(number, at, spo2(910), Quality::WEAK_SIGNAL),
                5 => seen(number, at, spo2(910), Quality::empty()),
                _ => seen(number, at, spo2(970), Quality::empty()),
            };
            observation.received = at.plus_ms(delay * 1_000);
            observation
        });
        seen.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_late_and_doubled_signals_end_in_the_same_flags(
        (heard, shuffled) in words_heard().prop_flat_map(|heard| {
            let mut doubled = heard.clone();
            doubled.extend(heard.iter().take(5).cloned());
            (Just(heard), Just(doubled).prop_shuffle())
        }),
        ticks in vec(0..400_i64, 0..6),
    ) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        let mut sorted = heard;
        sorted.sort_by_key(|it| (it.at, it.id));
        for observation in &sorted {
            steady.observe(observation);
        }
        for (place, observation) in shuffled.iter().enumerate() {
            home.observe(observation);
            home.restart();
            if let Some(minutes) = ticks.get(place) {
                home.tick(*minutes);
            }
        }
        steady.tick(1_000);
        home.tick(1_000);
        prop_assert_eq!(told(&steady), told(&home));
        prop_assert_eq!(home.known.open().len(), home.open().len());
    }

    #[test]
    fn a_call_lasts_until_a_clean_good_value(heard in words_heard()) {
        let mut home = Home::new();
        let mut sorted = heard;
        sorted.sort_by_key(|it| (it.at, it.id));
        for observation in &sorted {
            let was_open = home.open().contains(&"signal-spo2".to_owned());
            let said = home.observe(observation);
            home.give(veglia_triage::Input::Tick, observation.at);
            let has_ended = said.iter().any(|it| {
                matches!(it, Verdict::End { id, .. } if id.rule.as_str() == "signal-spo2")
            });
            if was_open && has_ended {
                let is_good = |it: &&Observation| {
                    matches!(it.seen, Seen::Vital(vital, quality)
                        if quality.is_empty() && vital.steps() == 970)
                };
                let before = sorted.iter().filter(|it| it.at <= observation.at);
                prop_assert!(before.filter(is_good).count() > 0);
            }
        }
    }
}
