//! Over weeks: the flags of rules over days follow from the set of what was seen, and a healthy
//! person is left in peace.

// req: G7

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Input, Observation, STATE_BYTES_MAX, Seen, Source, Standing, Verdict};
use veglia_wire::{Answer, AnswerCode, Quality, Site, Vital, VitalKind};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
const BY_DAYS: [&str; 4] = ["spo2-trend", "spo2-spread", "fever-72h", "exertion"];

/// Minute, delay, what, and a number that is made its value.
fn something() -> impl Strategy<Value = (i64, i64, u8, i32)> {
    let delay = prop_oneof![3 => Just(0_i64), 1 => 0..5 * DAY];
    (0..14 * DAY, delay, 0..10_u8, 0..10_i32)
}

fn observation(number: u64, (at, delay, kind, step): (i64, i64, u8, i32)) -> Observation {
    let answer = |code, value| Seen::Answer(Answer { code, value });
    let mut observation = seen(number, minute(at), spo2(920 + step * 8), Quality::empty());
    observation.received = minute(at + delay);
    observation.source = Source::ByHand;
    observation.seen = match kind {
        0..4 => observation.seen,
        4..8 => Seen::Vital(temperature(3_740 + step * 20), Quality::empty()),
        8 if step < 2 => answer(AnswerCode::BaselineSpO2, 960 + step * 20),
        8 if step < 5 => answer(AnswerCode::AntipyreticTaken, step % 2),
        8 => answer(AnswerCode::ExertionRestingSpO2, 940 + step * 5),
        _ => answer(AnswerCode::WalkingLowestSpO2, 910 + step * 8),
    };
    observation
}

/// In order of measuring, and as they arrive, some twice.
fn weeks() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    vec(something(), 20..120).prop_flat_map(|each| {
        let each = (1..).zip(each).map(|(number, it)| observation(number, it));
        let mut sorted: Vec<Observation> = each.collect();
        let mut shuffled = sorted.clone();
        shuffled.extend(sorted.iter().take(20).cloned());
        sorted.sort_by_key(|it| (it.at, it.id));
        (Just(sorted), Just(shuffled).prop_shuffle())
    })
}

/// What the rules over days say now, without the numbering of what was said on the way.
fn standing(home: &Home) -> BTreeMap<String, String> {
    let flags = home.state.flags();
    let flags = flags.filter(|(flag, _)| BY_DAYS.contains(&flag.id.rule.as_str()));
    flags
        .map(|(mut flag, is_open)| {
            flag.telling = 0;
            (flag.id.to_string(), format!("{is_open} {flag:?}"))
        })
        .collect()
}

/// The same as a reader of every verdict knows it.
fn known(home: &Home) -> BTreeSet<String> {
    let is_by_days = |id: &String| BY_DAYS.iter().any(|rule| id.contains(rule));
    let standing = home.known.standing().into_iter();
    standing.filter(is_by_days).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn weeks_in_any_order_make_the_same_flags((sorted, shuffled) in weeks()) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        for observation in &sorted {
            steady.observe(observation);
        }
        for observation in &shuffled {
            home.observe(observation);
        }
        prop_assert_eq!(standing(&steady), standing(&home));
        prop_assert_eq!(known(&steady), known(&home));
        prop_assert_eq!(steady.state.baseline(), home.state.baseline());
        prop_assert_eq!(steady.state.trend(), home.state.trend());
    }

    #[test]
    fn a_restart_on_any_day_changes_nothing((_, shuffled) in weeks()) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        for observation in &shuffled {
            home.restart();
            prop_assert_eq!(steady.observe(observation), home.observe(observation));
        }
        prop_assert_eq!(steady.state, home.state);
    }

    #[test]
    fn a_lasting_fever_stays_a_flag_while_the_fever_lasts(
        values in vec((1..20_i64, 3_700..3_950_i32), 1..60),
    ) {
        let mut home = Home::new();
        let (mut at, mut began, mut free) = (0, None, None);
        for (hours, hundredths) in values {
            at += hours;
            home.vital(at * HOUR, temperature(hundredths));
            if hundredths < 3_805 {
                let since = *free.get_or_insert(at);
                began = began.filter(|_| at - since < 24);
            } else {
                free = None;
                let began = *began.get_or_insert(at);
                let is_open = home.open().iter().any(|it| it == "fever-72h");
                prop_assert_eq!(is_open, at - began >= 72, "hour {} since {}", at, began);
            }
        }
    }
}

#[test]
fn a_fever_of_a_month_is_one_flag_though_its_beginning_is_forgotten() {
    let mut home = Home::new();
    let mut ids = std::collections::BTreeSet::new();
    for hour in 0..30 * 24 {
        let said = home.vital(hour * HOUR, temperature(3_850));
        ids.extend(said.iter().map(|it| it.id().to_string()));
    }
    ids.retain(|id| id.contains("fever-72h"));
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(home.open(), ["fever", "fever-72h"]);
    let told = home.state.open_flags()[1].telling;
    assert_eq!(told, 1 + 26, "once, and once a day");
}

#[test]
fn what_is_kept_of_weeks_is_bounded() {
    let mut home = Home::new();
    let mut number = 0;
    for hour in 0..200 * 24 {
        home.vital(
            hour * HOUR,
            temperature(3_700 + i32::try_from(hour % 3).unwrap() * 80),
        );
        home.spo2(hour * HOUR, 93 + i32::try_from(hour % 7).unwrap());
        for kind in [8, 9] {
            number += 1;
            let step = i32::try_from(hour % 10).unwrap();
            let each = observation(1_000_000 + number, (hour * HOUR, 0, kind, step));
            home.observe(&each);
        }
    }
    let bytes = serde_json::to_vec(&home.state).unwrap().len();
    assert!(bytes < STATE_BYTES_MAX / 2, "{bytes} bytes");
    home.restart();
}

#[test]
fn a_clip_that_settles_leaves_no_trace_in_the_trend() {
    let mut home = Home::new();
    let baseline = Seen::Answer(Answer {
        code: AnswerCode::BaselineSpO2,
        value: 970,
    });
    let mut recorded = seen(1, minute(0), spo2(970), Quality::empty());
    recorded.seen = baseline;
    home.observe(&recorded);
    for second in 0..60 {
        let percent = if second < 4 { 93 } else { 97 };
        let number = 100 + u64::try_from(second).expect("from 0");
        let mut reading = seen(number, minute(1), spo2(percent * 10), Quality::empty());
        reading.at = reading.at.plus_ms(second * 1_000);
        reading.received = reading.at;
        home.observe(&reading);
    }
    let trend = home.state.trend().expect("a baseline was recorded");
    assert_eq!(trend.mean_percent_thousandths, 97_000);
}

/// Numbers that look drawn by lot, the same in every run (xorshift).
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: u64) -> i32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i32::try_from(self.0 % bound).expect("bounds are small")
    }

    /// About normal: mean 0, standard deviation `tenths` tenths.
    fn noise(&mut self, tenths: i32) -> i32 {
        let sum: i32 = (0..12).map(|_| self.below(101)).sum();
        (sum - 600) * tenths / 100
    }
}

/// Thirty days of somebody who is well: three oximetries and two temperatures a day. The oximeter
/// shows whole percents, with a spread of one point about the person's own mean, and one value in
/// fifty is wrong by three to eight points. Asked to measure again, four of five do, within five
/// minutes.
struct Healthy {
    home: Home,
    lot: Lot,
    /// In tenths of a percent.
    mean: i32,
    repeats: bool,
}

impl Healthy {
    fn new(number: u64, repeats: bool) -> Self {
        let mut lot = Lot(0x9e37_79b9_7f4a_7c15 ^ (number * 0x1234_5677));
        lot.below(2);
        let mean = 965 + lot.below(21);
        Self {
            home: Home::new(),
            lot,
            mean,
            repeats,
        }
    }

    fn oxygen(&mut self) -> Vital {
        let wrong = match self.lot.below(50) {
            0 => 30 + self.lot.below(51),
            _ => 0,
        };
        let value = self.mean + self.lot.noise(10) - wrong;
        let shown = (value + 5).div_euclid(10) * 10;
        spo2(shown.clamp(700, 1_000))
    }

    fn pulse(&mut self) -> Vital {
        let beats = 74 + self.lot.noise(8);
        Vital::from_steps(VitalKind::Pulse, beats * 10, Site::Unknown).expect("a possible value")
    }

    fn temperature(&mut self) -> Vital {
        temperature(3_660 + self.lot.noise(25))
    }

    fn measure(&mut self, at: i64, of: impl Fn(&mut Self) -> Vital) {
        let value = of(self);
        let said = self.home.vital(at, value);
        let is_asked = said
            .iter()
            .any(|it| matches!(it, Verdict::Raise(flag) if !flag.standing.is_confirmed()));
        if is_asked && self.repeats && self.lot.below(5) > 0 {
            let again = of(self);
            self.home.vital(at + 5, again);
        }
        self.home.tick(at + 61);
    }

    fn live(&mut self, days: i64) {
        for day in 0..days {
            for hour in [0, 6, 12] {
                self.measure(day * DAY + hour * HOUR, Self::oxygen);
                self.measure(day * DAY + hour * HOUR + 90, Self::pulse);
            }
            for hour in [3, 15] {
                self.measure(day * DAY + hour * HOUR, Self::temperature);
            }
        }
    }
}

/// Per rule: flags raised, and flags that called a person.
fn cohort(people: u64, days: i64, repeats: bool) -> BTreeMap<String, (u32, u32)> {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for number in 1..=people {
        let mut person = Healthy::new(number, repeats);
        person.live(days);
        for (id, (standing, _)) in &person.home.known.0 {
            let rule = id.split('.').nth(1).expect("a flag names its rule");
            let count = counts.entry(rule.to_owned()).or_default();
            count.0 += 1;
            count.1 += u32::from(matches!(standing, Standing::Confirmed { .. }));
        }
    }
    counts
}

#[test]
fn what_a_healthy_cohort_is_asked_and_called_for_is_printed() {
    let (people, days) = (60, 30);
    let patient_days = f64::from(30 * 60);
    for (repeats, title) in [(true, "four of five repeat"), (false, "nobody repeats")] {
        println!("{title}: flags per patient-day");
        println!("{:<20} {:>8} {:>8}", "rule", "raised", "called");
        let counts = cohort(people, days, repeats);
        let mut sum = (0.0, 0.0);
        for (rule, (raised, called)) in &counts {
            let each = (
                f64::from(*raised) / patient_days,
                f64::from(*called) / patient_days,
            );
            println!("{rule:<20} {:>8.4} {:>8.4}", each.0, each.1);
            sum = (sum.0 + each.0, sum.1 + each.1);
        }
        println!("{:<20} {:>8.4} {:>8.4}", "all", sum.0, sum.1);
        if repeats {
            assert!(sum.1 < 0.05, "a call in twenty patient-days at most");
            let slow = ["spo2-trend", "spo2-spread", "fever-72h"].map(|it| counts.get(it));
            let slow: u32 = slow.into_iter().flatten().map(|(_, called)| called).sum();
            assert!(
                slow <= 6,
                "{slow} in 60 people over 30 days: a tenth at most"
            );
        }
    }
}

#[test]
fn thirty_days_within_a_point_of_the_mean_raise_nothing() {
    let mut lot = Lot(0xdead_beef);
    for _ in 0..40 {
        let mut home = Home::new();
        for day in 0..30 {
            for hour in [0, 6, 12] {
                let at = minute(day * DAY + hour * HOUR);
                let number = u64::try_from(day * 24 + hour).expect("from 0") + 1;
                let value = spo2(960 + (lot.below(2) + lot.below(2)) * 10);
                let observation = seen(number, at, value, Quality::empty());
                let said = home.give(Input::Observation(&observation), at);
                assert!(said.is_empty(), "{:?}", words(&said));
            }
        }
    }
}
