//! Two red vital signs at one time page at once, without waiting for repeats.
//!
//! The second red rule is the fever rule made red: what counts is that there are two.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{About, How, Observation, RuleSet, Severity, Standing, Verdict};
use veglia_wire::{Quality, VitalKind};

const AMBER: &str = "band = \"fever\"\nunder = [\"fever-high\"]\nloosest = 38.1\n\
                     severity = \"amber\"";
const RED: &str = "band = \"fever\"\nunder = [\"fever-high\"]\nseverity = \"red\"\n\
                   repeat_after_seconds = 0\n\
                   repeat_within_minutes = 10";

/// Under the shipped rules with a fever that is red and waits for a repeat.
fn two_reds() -> Home {
    let mut home = Home::new();
    home.adopt(AMBER, RED);
    home
}

fn fever(home: &mut Home, minutes: i64) -> Vec<String> {
    words(&home.vital(minutes, temperature(3_850)))
}

#[test]
fn two_unconfirmed_reds_page_at_once_with_both_readings() {
    let mut home = two_reds();
    assert_eq!(words(&home.spo2(0, 91)), ["raise spo2-red unconfirmed"]);
    let verdicts = home.vital(5, temperature(3_850));
    assert_eq!(
        words(&verdicts),
        ["raise fever unconfirmed", "raise two-reds AtOnce"]
    );
    let mut raised = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Raise(flag) if flag.about == About::Together => Some(flag),
        _ => None,
    });
    let flag = raised.next().expect("a flag about both");
    assert_eq!(flag.severity, Severity::Red);
    let (how, at) = (How::AtOnce, minute(5));
    assert_eq!(flag.standing, Standing::Confirmed { how, at });
    let values: Vec<_> = flag.evidence.iter().filter_map(|it| it.value()).collect();
    assert_eq!(
        values,
        [(VitalKind::SpO2, 910), (VitalKind::Temperature, 3_850)]
    );
}

#[test]
fn reds_further_apart_than_half_an_hour_are_not_of_one_time() {
    for (apart, is_together) in [(30, true), (31, false)] {
        let mut home = two_reds();
        home.spo2(0, 91);
        let said = fever(&mut home, apart);
        let together = said.contains(&"raise two-reds AtOnce".to_owned());
        assert_eq!(together, is_together, "{apart} minutes: {said:?}");
    }
}

#[test]
fn a_red_that_was_refuted_makes_no_pair() {
    let mut home = two_reds();
    home.spo2(0, 91);
    home.spo2(2, 97);
    assert_eq!(fever(&mut home, 3), ["raise fever unconfirmed"]);
}

#[test]
fn a_red_that_lasts_makes_a_pair_with_a_new_one() {
    let mut home = two_reds();
    for minutes in [0, 2, 40, 80] {
        home.spo2(minutes, 91);
    }
    assert_eq!(
        fever(&mut home, 90),
        ["raise fever unconfirmed", "raise two-reds AtOnce"]
    );
}

#[test]
fn two_rules_of_one_vital_sign_are_one_red() {
    let mut home = Home::new();
    home.adopt(
        "[[rule]]\nname = \"fever\"\n",
        "[[rule]]\nname = \"spo2-twin\"\nvital = \"spo2\"\nband = \"red\"\nseverity = \"red\"\n\
         recover_readings = 1\nrecover_minutes = 0\nsource = \"a test\"\n\n\
         [[rule]]\nname = \"fever\"\n",
    );
    assert_eq!(
        words(&home.spo2(0, 91)),
        ["raise spo2-red unconfirmed", "raise spo2-twin AtOnce"]
    );
}

#[test]
fn the_pair_lasts_until_fewer_than_two_are_red_and_a_later_one_is_a_new_flag() {
    let mut home = two_reds();
    home.spo2(0, 91);
    fever(&mut home, 1);
    let ended = home.spo2(2, 97);
    assert_eq!(
        words(&ended),
        ["end spo2-red NotConfirmed", "end two-reds NotConfirmed"]
    );
    assert_eq!(
        words(&home.spo2(3, 90)),
        ["raise spo2-red unconfirmed", "raise two-reds AtOnce"]
    );
    let pairs = home.known.0.keys().filter(|id| id.contains("two-reds"));
    assert_eq!(pairs.count(), 2);
}

#[test]
fn a_late_good_value_between_two_reds_takes_the_pair_back() {
    let mut home = two_reds();
    home.spo2(0, 91);
    fever(&mut home, 5);
    let said = words(&home.late(3, 6, spo2(970)));
    assert!(said.contains(&"end two-reds ExplainedByLateData".to_owned()));
    assert_eq!(home.open(), ["fever"]);
}

#[test]
fn a_late_red_beside_another_makes_the_pair_when_it_arrives() {
    let mut home = two_reds();
    fever(&mut home, 5);
    let said = words(&home.late(3, 8, spo2(910)));
    assert!(
        said.contains(&"raise two-reds AtOnce".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_greyed_value_makes_no_pair() {
    let mut home = two_reds();
    home.quality(0, spo2(700), Quality::ARTEFACT);
    assert_eq!(fever(&mut home, 1), ["raise fever unconfirmed"]);
}

#[test]
fn a_clip_that_settles_makes_no_pair_and_a_settled_stream_does() {
    let mut home = two_reds();
    let second = |home: &mut Home, number: u64, seconds: i64, percent: i32| {
        let at = minute(1).plus_ms(seconds * 1_000);
        let reading = seen(number, at, spo2(percent * 10), Quality::empty());
        words(&home.observe(&reading))
    };
    for seconds in 0..3_i64 {
        second(&mut home, 100 + seconds.unsigned_abs(), seconds, 97);
    }
    for seconds in 3..8_i64 {
        second(&mut home, 100 + seconds.unsigned_abs(), seconds, 91);
    }
    assert_eq!(home.open(), ["spo2-red"], "the median of eight seconds");
    let said = words(&home.vital(2, temperature(3_850)));
    assert_eq!(said, ["raise fever unconfirmed"]);
    for seconds in 60..200_i64 {
        second(&mut home, 100 + seconds.unsigned_abs(), seconds, 91);
    }
    assert!(home.open().contains(&"two-reds".to_owned()));
}

#[test]
fn a_rule_that_is_gone_ends_the_pair() {
    let mut home = two_reds();
    home.spo2(0, 91);
    fever(&mut home, 1);
    home.rules = RuleSet::parse(&include_str!("../rules/home-2020.toml").replacen(
        "version = 5",
        "version = 6",
        1,
    ))
    .expect("a rule set");
    home.tick(2);
    assert_eq!(
        home.open(),
        ["spo2-red", "fever"],
        "the fever is amber again"
    );
}

fn readings() -> impl Strategy<Value = Vec<Observation>> {
    let delay = prop_oneof![3 => Just(0_i64), 1 => 0..200_i64];
    vec((0..300_i64, delay, any::<bool>(), 0..8_i32), 0..40).prop_map(|readings| {
        let readings = (1..).zip(readings);
        let seen = readings.map(|(number, (at, delay, is_oxygen, step))| {
            let vital = if is_oxygen {
                spo2(880 + step * 10)
            } else {
                temperature(3_770 + step * 10)
            };
            let mut observation = seen(number, minute(at), vital, Quality::empty());
            observation.received = minute(at + delay);
            observation
        });
        seen.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_late_and_doubled_reds_end_in_the_same_pairs(
        (readings, shuffled) in readings().prop_flat_map(|readings| {
            let mut doubled = readings.clone();
            doubled.extend(readings.iter().take(5).cloned());
            (Just(readings), Just(doubled).prop_shuffle())
        }),
        ticks in vec(0..500_i64, 0..6),
    ) {
        let (mut steady, mut home) = (two_reds(), two_reds());
        let mut sorted = readings;
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
        prop_assert_eq!(steady.known.standing(), home.known.standing());
        prop_assert_eq!(home.known.open().len(), home.open().len());
    }

    #[test]
    fn two_red_values_within_half_an_hour_and_no_others_between_are_always_told(
        readings in readings(),
    ) {
        let mut home = two_reds();
        let mut known: Vec<&Observation> = Vec::new();
        for observation in &readings {
            home.observe(observation);
            known.push(observation);
            let newest = |kind: VitalKind| {
                let of_kind = known.iter().filter_map(|it| match it.seen {
                    veglia_triage::Seen::Vital(vital, _) if vital.kind() == kind => {
                        Some((it.at, it.id, vital))
                    }
                    _ => None,
                });
                of_kind.max_by_key(|(at, id, _)| (*at, *id))
            };
            let (Some(oxygen), Some(heat)) =
                (newest(VitalKind::SpO2), newest(VitalKind::Temperature))
            else {
                continue;
            };
            let is_red = |vital| matches!(
                home.rules.band(vital).map(|band| band.name().to_owned()).as_deref(),
                Some("red" | "fever")
            );
            // The first red value of an episode is told; one that only lasts may be older news.
            let of_both = home.open().iter().filter(|it| *it != "two-reds").count();
            let mut since = Vec::new();
            for flag in home.state.open_flags() {
                if flag.about != About::Together {
                    since.push(flag.since);
                }
            }
            let is_near = since.iter().all(|one| {
                since.iter().all(|other| one.since(*other).abs() <= 30 * MINUTE)
            });
            if of_both == 2 && is_near && is_red(oxygen.2) && is_red(heat.2) {
                prop_assert!(home.open().contains(&"two-reds".to_owned()));
            }
        }
    }
}
