//! Oxygen measured every second: the median of two minutes is judged, spot measurements are not
//! touched by it, and what was kept before medians were known is read on.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    Evidence, Input, Observation, PatientState, STATE_BYTES_MAX, Source, Standing, Verdict,
};
use veglia_wire::{DeviceId, Quality, WallMs};

const NOTHING: [&str; 0] = [];

fn second(second: i64) -> WallMs {
    WallMs(START + second * 1_000)
}

/// What a device measured at a second; the record has the second's number, from 1.
fn at(seconds: i64, percent: i32) -> Observation {
    let number = u64::try_from(seconds + 1).expect("tests begin at 0");
    seen(
        number,
        second(seconds),
        spo2(percent * 10),
        Quality::empty(),
    )
}

/// Plays a stretch at 1 Hz; what was said, each with its second.
fn play(home: &mut Home, seconds: std::ops::Range<i64>, percent: i32) -> Vec<(i64, Verdict)> {
    let mut said = Vec::new();
    for it in seconds {
        let verdicts = home.observe(&at(it, percent));
        said.extend(verdicts.into_iter().map(|verdict| (it, verdict)));
    }
    said
}

fn told(said: &[(i64, Verdict)]) -> Vec<(i64, String)> {
    said.iter()
        .map(|(at, verdict)| (*at, words(std::slice::from_ref(verdict)).remove(0)))
        .collect()
}

fn says(at: i64, words: &str) -> (i64, String) {
    (at, words.to_owned())
}

#[test]
fn low_seconds_in_a_stream_raise_nothing_while_the_median_is_good() {
    let mut home = Home::new();
    let mut said = play(&mut home, 0..300, 97);
    said.extend(play(&mut home, 300..301, 70));
    said.extend(play(&mut home, 301..500, 97));
    said.extend(play(&mut home, 500..559, 80));
    said.extend(play(&mut home, 559..900, 97));
    assert_eq!(told(&said), []);
}

#[test]
fn a_red_median_is_raised_at_its_second_and_confirmed_by_the_next_that_shares_none() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    let said = play(&mut home, 300..600, 90);
    // Sixty of a hundred and twenty seconds are red: the lower of the two middle ones is.
    let expected = [
        says(359, "raise spo2-red unconfirmed"),
        says(479, "confirm spo2-red Repeat"),
    ];
    assert_eq!(told(&said), expected);
}

#[test]
fn the_flag_names_the_median_and_the_readings_it_is_the_median_of() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    play(&mut home, 300..330, 91);
    let said = play(&mut home, 330..480, 90);
    let Some((_, Verdict::Raise(flag))) = said.first() else {
        panic!("it is raised: {said:?}");
    };
    assert_eq!(flag.since, second(359));
    let [first] = flag.evidence[..] else {
        panic!("one median: {flag:?}");
    };
    // 30 seconds of 90 %, then 30 of 91 %: the sixtieth is the last of 91 %.
    assert_eq!(
        (first.value().unwrap().1, first.at, first.id),
        (910, second(329), record(330))
    );
    let median = first.median().expect("it is a median");
    assert_eq!((median.first, median.last), (record(241), record(360)));
    assert_eq!(median.readings, 120);
    assert_eq!(
        flag.id.to_string().rsplit('.').next(),
        Some("0000000000000007-330")
    );
    let open = home.state.open_flags();
    let second: &Evidence = &open[0].evidence[1];
    let median = second.median().expect("it is a median");
    assert_eq!((median.first, median.last), (record(361), record(480)));
}

#[test]
fn a_median_that_recovers_refutes_after_two_minutes_and_not_before() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    play(&mut home, 300..365, 90);
    let said = play(&mut home, 365..700, 97);
    assert_eq!(told(&said), [says(479, "end spo2-red NotConfirmed")]);
}

#[test]
fn a_median_at_88_waits_for_nobody() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    let said = play(&mut home, 300..600, 86);
    assert_eq!(told(&said), [says(359, "raise spo2-red AtOnce")]);

    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    play(&mut home, 300..365, 90);
    let said = play(&mut home, 365..500, 86);
    let expected = says(424, "confirm spo2-red AtOnce");
    assert_eq!(told(&said), [expected], "within the same measurement too");
}

#[test]
fn a_clip_that_settles_is_refuted_by_its_first_ten_seconds() {
    let mut home = Home::new();
    let said = play(&mut home, 0..2, 91);
    assert_eq!(told(&said), [says(0, "raise spo2-red unconfirmed")]);
    let said = play(&mut home, 2..30, 97);
    assert_eq!(told(&said), [says(9, "end spo2-red NotConfirmed")]);
}

#[test]
fn a_stream_that_begins_low_and_stops_is_a_missed_repeat() {
    let mut home = Home::new();
    let said = play(&mut home, 0..30, 90);
    assert_eq!(told(&said), [says(0, "raise spo2-red unconfirmed")]);
    assert_eq!(words(&home.tick(9)), NOTHING);
    assert_eq!(words(&home.tick(10)), ["confirm spo2-red MissedRepeat"]);
}

#[test]
fn few_seconds_of_a_stream_page_nobody_at_once() {
    let mut home = Home::new();
    play(&mut home, 0..1, 97);
    let said = play(&mut home, 1..9, 80);
    assert_eq!(told(&said), [says(1, "raise spo2-red unconfirmed")]);
    let said = play(&mut home, 9..20, 80);
    assert_eq!(told(&said), [says(9, "confirm spo2-red AtOnce")]);
}

#[test]
fn only_valid_seconds_count() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    // A disturbed minute at 60 %, then a clean one at 90 %: the two minutes' median is 90 %.
    for it in 300..360 {
        let mut disturbed = at(it, 60);
        disturbed.seen = veglia_triage::Seen::Vital(spo2(600), Quality::ARTEFACT);
        assert_eq!(words(&home.observe(&disturbed)), NOTHING);
    }
    let said = play(&mut home, 360..420, 90);
    // 120 s before second 389: thirty of 97 % and thirty of 90 %.
    assert_eq!(told(&said), [says(389, "raise spo2-red unconfirmed")]);
    let median = home.state.open_flags()[0].evidence[0].median();
    assert_eq!(median.expect("it is a median").readings, 60);
}

#[test]
fn a_second_after_a_disturbance_is_not_judged_alone() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    let said = play(&mut home, 360..362, 80);
    assert_eq!(told(&said), []);
    // After a whole stretch without a clean second it is judged alone; but the device is known to
    // stream, so that nobody is called by its first second.
    let said = play(&mut home, 500..501, 80);
    assert_eq!(told(&said), [says(500, "raise spo2-red unconfirmed")]);
    // Of a device of which nothing is known it is too bad to wait.
    let said = play(&mut Home::new(), 500..501, 80);
    assert_eq!(told(&said), [says(500, "raise spo2-red AtOnce")]);
}

#[test]
fn spot_measurements_a_minute_apart_are_each_others_repeat() {
    let mut home = Home::new();
    let said: Vec<_> = [0, 60, 120]
        .into_iter()
        .flat_map(|it| play(&mut home, it..it + 1, 91))
        .collect();
    let expected = [
        says(0, "raise spo2-red unconfirmed"),
        says(60, "confirm spo2-red Repeat"),
    ];
    assert_eq!(told(&said), expected);
    assert_eq!(home.state.open_flags()[0].evidence[0].median(), None);
}

#[test]
fn six_seconds_apart_is_no_stream_and_five_are_one() {
    for (apart, said) in [(6, vec!["confirm spo2-red Repeat"]), (5, vec![])] {
        let mut home = Home::new();
        home.observe(&at(0, 91));
        // Half a minute is the least between a reading and its repeat by the same device.
        for it in (apart..30).step_by(usize::try_from(apart).expect("a few")) {
            assert_eq!(words(&home.observe(&at(it, 91))), NOTHING, "{it} s");
        }
        assert_eq!(words(&home.observe(&at(30, 91))), said, "{apart} s");
    }
}

#[test]
fn what_people_typed_is_never_a_stream() {
    let mut home = Home::new();
    let typed = |it: i64| Observation {
        source: Source::ByHand,
        device: DeviceId::new("hand:1").expect("a device id"),
        ..at(it, 91)
    };
    assert_eq!(
        words(&home.observe(&typed(0))),
        ["raise spo2-red unconfirmed"]
    );
    assert_eq!(words(&home.observe(&typed(3))), ["confirm spo2-red Repeat"]);
}

#[test]
fn each_device_has_its_own_median() {
    let mut home = Home::new();
    let other = |it: i64| {
        let mut other = at(it, 97);
        other.device = DeviceId::new("node:1").expect("a device id");
        other.id = record(u64::try_from(it).expect("from 0") + 10_001);
        other
    };
    for it in 0..300 {
        home.observe(&at(it, 97));
        home.observe(&other(it));
    }
    let mut raised = None;
    for it in 300..400 {
        let said = home.observe(&at(it, 90));
        raised = raised.or_else(|| (!said.is_empty()).then_some(it));
        assert_eq!(words(&home.observe(&other(it))), NOTHING, "second {it}");
    }
    assert_eq!(
        raised,
        Some(359),
        "the good device neither hides nor refutes it"
    );
}

/// What a second device measured at a second.
fn other(seconds: i64, percent: i32) -> Observation {
    Observation {
        device: DeviceId::new("node:1").expect("a device id"),
        id: record(u64::try_from(seconds).expect("from 0") + 10_001),
        ..at(seconds, percent)
    }
}

#[test]
fn a_settled_median_is_not_refuted_by_another_device() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    let said = play(&mut home, 300..370, 90);
    assert_eq!(told(&said), [says(359, "raise spo2-red unconfirmed")]);
    for it in 370..800 {
        assert_eq!(words(&home.observe(&other(it, 97))), NOTHING, "second {it}");
    }
    assert_eq!(words(&home.tick(16)), ["confirm spo2-red MissedRepeat"]);
}

#[test]
fn a_settled_median_is_not_refuted_by_less_than_a_settled_one() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    play(&mut home, 300..370, 90);
    let said = play(&mut home, 600..609, 97);
    assert_eq!(told(&said), [], "one lone second, then few");
    let said = play(&mut home, 609..620, 97);
    assert_eq!(told(&said), [says(609, "end spo2-red NotConfirmed")]);
}

#[test]
fn few_seconds_are_not_refuted_at_once_by_another_devices_median() {
    let mut home = Home::new();
    for it in 0..60 {
        home.observe(&other(it, 97));
    }
    let said = play(&mut home, 60..63, 90);
    assert_eq!(told(&said), [says(60, "raise spo2-red unconfirmed")]);
    assert_eq!(words(&home.observe(&other(63, 97))), NOTHING);
    assert_eq!(home.open(), ["spo2-red"]);
}

#[test]
fn only_the_first_settled_median_refutes_within_the_same_measurement() {
    let mut home = Home::new();
    let said = play(&mut home, 0..15, 91);
    assert_eq!(told(&said), [says(0, "raise spo2-red unconfirmed")]);
    let said = play(&mut home, 15..119, 97);
    assert_eq!(told(&said), [], "its first median was red");
    let said = play(&mut home, 119..200, 97);
    assert_eq!(told(&said), [says(120, "end spo2-red NotConfirmed")]);
}

#[test]
fn a_repeat_of_a_median_that_never_comes_is_missed() {
    let mut home = Home::new();
    play(&mut home, 0..300, 97);
    play(&mut home, 300..370, 90);
    let open = home.state.open_flags();
    let repeat_by = WallMs(second(359).0 + 10 * MINUTE);
    assert_eq!(open[0].standing, Standing::Unconfirmed { repeat_by });
    let said = home.give(Input::Tick, repeat_by);
    assert_eq!(words(&said), ["confirm spo2-red MissedRepeat"]);
}

#[test]
fn a_state_kept_under_the_rules_before_medians_is_read_and_goes_on() {
    let kept = include_str!("states/home-2020-1.json");
    let mut home = Home::new();
    home.state = serde_json::from_str::<PatientState>(kept).expect("it is read");
    let before = home.state.open_flags();
    assert!(before[0].id.to_string().contains(".home-2020-1."));
    for flag in &before {
        home.known.hear(&[Verdict::Raise(flag.clone())]);
    }
    assert_eq!(words(&home.tick(102)), NOTHING, "no flag is told anew");
    assert_eq!(home.state.open_flags(), before);
    // The red of minute 100 had the number 7; its repeat comes under the new rules.
    let repeat = seen(8, minute(105), spo2(900), Quality::empty());
    assert_eq!(words(&home.observe(&repeat)), ["confirm spo2-red Repeat"]);
    home.restart();
}

#[test]
fn the_state_of_a_stream_is_bounded() {
    let mut home = Home::new();
    for it in 0..4_000_i64 {
        let mut fast = at(it, if it % 2 == 0 { 90 } else { 96 });
        fast.at = WallMs(START + it * 100);
        fast.received = fast.at;
        home.observe(&fast);
    }
    let bytes = serde_json::to_vec(&home.state).unwrap().len();
    assert!(bytes < STATE_BYTES_MAX / 3, "{bytes} bytes");
}

/// A stream with gaps, dips and disturbed seconds, and the same arriving out of order.
fn a_stream() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    let stretch = (
        1..150_i64,
        84..97_i32,
        prop_oneof![4 => Just(0_i64), 1 => 1..300_i64],
    );
    let jitter = vec(0..50_usize, 600);
    (vec(stretch, 1..8), jitter).prop_map(|(stretches, jitter)| {
        let mut sorted = Vec::new();
        let mut it = 0;
        for (seconds, percent, gap) in stretches {
            for _ in 0..seconds {
                sorted.push(at(it, percent + i32::from(it % 7 == 0)));
                it += 1;
            }
            it += gap;
        }
        let mut places: Vec<(usize, Observation)> = Vec::new();
        for (place, observation) in sorted.iter().enumerate() {
            places.push((place + jitter[place % jitter.len()], observation.clone()));
        }
        places.sort_by_key(|(place, _)| *place);
        let shuffled = places.into_iter().map(|(_, it)| it).collect();
        (sorted, shuffled)
    })
}

fn standing(home: &Home) -> Vec<String> {
    let flags = home.state.flags().map(|(mut flag, is_open)| {
        flag.telling = 0;
        format!("{is_open} {flag:?}")
    });
    let mut flags: Vec<String> = flags.collect();
    flags.sort();
    flags
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_makes_the_same_flags_in_any_order_and_across_restarts(
        (sorted, shuffled) in a_stream(),
        restart in 0..600_usize,
    ) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        for (place, (one, other)) in sorted.iter().zip(&shuffled).enumerate() {
            steady.observe(one);
            home.observe(other);
            if place == restart {
                home.restart();
            }
        }
        steady.tick(10_000);
        home.tick(10_000);
        prop_assert_eq!(standing(&steady), standing(&home));
        prop_assert_eq!(steady.known.open(), home.known.open());
        prop_assert_eq!(steady.known.standing(), home.known.standing());
    }
}
