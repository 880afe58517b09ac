//! Rules over days: a fever that lasts, the patient's own baseline, a slow fall, a test.

// req: G7

mod support;

use support::*;
use veglia_triage::{
    Exertion, Observation, Origin, RuleSet, Seen, Severity, Source, Target, Verdict, What, Why,
};
use veglia_wire::{Answer, AnswerCode, DeviceId, Quality};

const NOTHING: [&str; 0] = [];
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn rules_said(said: &[Verdict], rule: &str) -> Vec<String> {
    let said = said.iter().filter(|it| it.id().rule.as_str() == rule);
    words(&said.cloned().collect::<Vec<_>>())
}

/// What is said of one rule by a temperature at an hour.
fn at_hour(home: &mut Home, rule: &str, hour: i64, hundredths: i32) -> Vec<String> {
    let said = home.vital(hour * HOUR, temperature(hundredths));
    rules_said(&said, rule)
}

fn answered(number: u64, minutes: i64, code: AnswerCode, value: i32) -> Observation {
    Observation {
        device: DeviceId::new("phone:1").expect("a device id"),
        source: Source::ByPhone,
        seen: Seen::Answer(Answer { code, value }),
        ..seen(number, minute(minutes), spo2(970), Quality::empty())
    }
}

fn answer(home: &mut Home, minutes: i64, code: AnswerCode, value: i32) -> Vec<Verdict> {
    let number = 1_000_000 + u64::try_from(minutes).expect("from 0");
    home.observe(&answered(number, minutes, code, value))
}

#[test]
fn a_fever_is_told_when_it_has_lasted_72_hours() {
    let mut home = Home::new();
    for hour in (0..72).step_by(6) {
        assert_eq!(at_hour(&mut home, "fever-72h", hour, 3_850), NOTHING);
    }
    assert_eq!(at_hour(&mut home, "fever-72h", 71, 3_850), NOTHING);
    let said = home.vital(72 * HOUR, temperature(3_810));
    assert_eq!(words(&said), ["raise fever-72h AtOnce"]);
    let flag = raised(&said);
    assert_eq!(
        (flag.severity, flag.since),
        (Severity::Amber, minute(72 * HOUR))
    );
    let values: Vec<_> = flag.evidence.iter().map(|it| (it.at, it.value())).collect();
    assert_eq!(values[0].0, minute(0), "the first value above 38.0");
    assert_eq!(values.len(), 2);
}

#[test]
fn a_fever_is_broken_by_a_day_without_and_by_nothing_less() {
    let mut home = Home::new();
    at_hour(&mut home, "fever-72h", 0, 3_900);
    for hour in [30, 40, 50, 53] {
        at_hour(&mut home, "fever-72h", hour, 3_780);
    }
    assert_eq!(
        at_hour(&mut home, "fever-72h", 73, 3_850),
        ["raise fever-72h AtOnce"]
    );

    let mut home = Home::new();
    at_hour(&mut home, "fever-72h", 0, 3_900);
    for hour in [30, 40, 54] {
        at_hour(&mut home, "fever-72h", hour, 3_800);
    }
    assert_eq!(
        at_hour(&mut home, "fever-72h", 73, 3_850),
        NOTHING,
        "it began again"
    );
    assert_eq!(at_hour(&mut home, "fever-72h", 144, 3_850), NOTHING);
    assert_eq!(
        at_hour(&mut home, "fever-72h", 145, 3_850),
        ["raise fever-72h AtOnce"]
    );
}

#[test]
fn a_night_without_a_value_does_not_break_a_fever() {
    let mut home = Home::new();
    at_hour(&mut home, "fever-72h", 0, 3_900);
    at_hour(&mut home, "fever-72h", 1, 3_750);
    assert_eq!(
        at_hour(&mut home, "fever-72h", 80, 3_850),
        ["raise fever-72h AtOnce"]
    );
}

#[test]
fn a_lasting_fever_is_told_again_once_a_day_and_ends_with_a_day_without() {
    let mut home = Home::new();
    for hour in [0, 24, 48] {
        at_hour(&mut home, "fever-72h", hour, 3_900);
    }
    assert_eq!(
        at_hour(&mut home, "fever-72h", 72, 3_900),
        ["raise fever-72h AtOnce"]
    );
    assert_eq!(at_hour(&mut home, "fever-72h", 90, 3_900), NOTHING);
    assert_eq!(
        at_hour(&mut home, "fever-72h", 96, 3_900),
        ["raise fever-72h AtOnce"]
    );
    assert_eq!(at_hour(&mut home, "fever-72h", 100, 3_800), NOTHING);
    assert_eq!(at_hour(&mut home, "fever-72h", 123, 3_800), NOTHING);
    assert_eq!(
        at_hour(&mut home, "fever-72h", 124, 3_800),
        ["end fever-72h Recovered"]
    );
}

#[test]
fn what_was_taken_against_fever_is_shown_and_hides_nothing() {
    let mut home = Home::new();
    at_hour(&mut home, "fever-72h", 0, 3_900);
    answer(&mut home, HOUR, AnswerCode::AntipyreticTaken, 1);
    answer(&mut home, 20 * HOUR, AnswerCode::AntipyreticTaken, 0);
    let said = home.vital(72 * HOUR, temperature(3_850));
    let flag = raised(&said);
    let taken = flag.evidence.iter();
    let taken: Vec<_> = taken
        .filter(|it| matches!(it.what, What::Answer { .. }))
        .collect();
    assert_eq!(taken.len(), 1, "a no was not taken");
    assert_eq!(taken[0].at, minute(HOUR));
    let said = answer(&mut home, 73 * HOUR, AnswerCode::AntipyreticTaken, 1);
    assert_eq!(
        words(&said),
        NOTHING,
        "what comes after the flag is no news of it"
    );
}

#[test]
fn a_lasting_fever_is_red_where_the_rules_say_so() {
    let mut home = Home::new();
    let text = include_str!("../rules/home-2020.toml");
    let (before, rule) = text
        .split_once("[days.fever]")
        .expect("it stands in the file");
    let rule = rule.replacen("severity = \"amber\"", "severity = \"red\"", 1);
    home.rules = RuleSet::parse(&format!("{before}[days.fever]{rule}")).expect("a rule set");
    at_hour(&mut home, "fever-72h", 0, 3_900);
    let said = home.vital(72 * HOUR, temperature(3_850));
    assert_eq!(raised(&said).severity, Severity::Red);
}

/// Three values a day, at 8, 14 and 20 h, each of `days` with its percent.
fn three_a_day(home: &mut Home, first_day: i64, days: &[i32]) -> Vec<(i64, Verdict)> {
    let mut said = Vec::new();
    for (day, percent) in (first_day..).zip(days) {
        for hour in [0, 6, 12] {
            let verdicts = home.spo2(day * DAY + hour * HOUR, *percent);
            said.extend(verdicts.into_iter().map(|it| (day, it)));
        }
    }
    said
}

#[test]
fn the_first_three_days_make_the_baseline() {
    let mut home = Home::new();
    three_a_day(&mut home, 0, &[98, 97, 98]);
    assert_eq!(home.state.baseline(), None);
    home.spo2(3 * DAY, 90);
    let baseline = home.state.baseline().expect("it is known");
    assert_eq!(
        baseline.percent_tenths, 978,
        "the middle half of nine values"
    );
    assert_eq!(baseline.from, minute(3 * DAY));
    assert_eq!(baseline.origin, Origin::Learned { values: 9 });
    let trend = home.state.trend().expect("there is a baseline");
    assert_eq!(
        trend.mean_percent_thousandths, 96_900,
        "90 counts as three points less"
    );
}

#[test]
fn too_few_values_make_no_baseline_until_there_are_six() {
    let mut home = Home::new();
    for day in 0..6 {
        home.spo2(day * DAY, 98);
        assert_eq!(home.state.baseline(), None, "day {day}");
    }
    home.spo2(6 * DAY, 98);
    assert!(home.state.baseline().is_some());
}

#[test]
fn three_points_under_the_baseline_are_amber() {
    for (usual, now, said) in [
        (99, 97, vec![]),
        (99, 96, vec!["raise spo2-drop unconfirmed"]),
        (98, 95, vec!["raise spo2-drop unconfirmed"]),
        (98, 94, vec!["raise spo2-amber unconfirmed"]),
        (96, 93, vec!["raise spo2-amber unconfirmed"]),
        (90, 92, vec!["raise spo2-red unconfirmed"]),
    ] {
        let mut home = Home::new();
        answer(&mut home, 0, AnswerCode::BaselineSpO2, usual * 10);
        assert_eq!(
            words(&home.spo2(60, now)),
            said,
            "{now} where {usual} is usual"
        );
    }
}

#[test]
fn a_drop_is_over_when_the_value_is_near_the_baseline_again() {
    let mut home = Home::new();
    answer(&mut home, 0, AnswerCode::BaselineSpO2, 980);
    home.spo2(60, 95);
    assert_eq!(words(&home.spo2(65, 95)), ["confirm spo2-drop Repeat"]);
    home.spo2(70, 96);
    assert_eq!(words(&home.spo2(100, 96)), ["end spo2-drop Recovered"]);
}

#[test]
fn within_a_personal_target_no_drop_is_told() {
    let mut asked = plan(1, minute(0), Vec::new());
    asked.spo2 = Some(Target {
        low_percent: 88,
        high_percent: 96,
    });
    let mut home = Home::new();
    home.plan(&asked);
    answer(&mut home, 0, AnswerCode::BaselineSpO2, 950);
    assert_eq!(words(&home.spo2(60, 90)), NOTHING);
}

#[test]
fn a_slow_fall_is_found_before_any_limit() {
    let mut home = Home::new();
    let days = [97, 97, 97, 97, 96, 96, 95, 95, 94, 94, 93, 92];
    let said = three_a_day(&mut home, 0, &days);
    let first = |rule: &str| {
        let mut said = said.iter();
        said.find(|(_, it)| it.id().rule.as_str() == rule)
            .map(|(day, _)| *day)
    };
    assert_eq!(first("spo2-trend"), Some(7));
    assert_eq!(first("spo2-amber"), Some(8));
    assert_eq!(first("spo2-red"), Some(11));
    let trend = said
        .iter()
        .find(|(_, it)| it.id().rule.as_str() == "spo2-trend");
    let Some((_, Verdict::Raise(flag))) = trend else {
        panic!("it is raised");
    };
    assert_eq!(flag.severity, Severity::Amber);
    assert_eq!(flag.evidence.len(), 4, "the values before it");
    assert!(home.state.trend().expect("a baseline").is_falling);
}

#[test]
fn a_trend_that_a_limit_speaks_of_is_not_told_beside_it() {
    let mut home = Home::new();
    let said = three_a_day(&mut home, 0, &[98, 98, 98, 93, 93, 93, 93]);
    assert!(
        said.iter()
            .all(|(_, it)| it.id().rule.as_str() != "spo2-trend")
    );
    let said = three_a_day(&mut home, 7, &[96]);
    let told = said
        .iter()
        .filter(|(_, it)| it.id().rule.as_str() == "spo2-trend");
    assert_eq!(
        told.count(),
        1,
        "the limit is silent, and the mean still low"
    );
}

#[test]
fn a_trend_ends_when_the_values_are_back_and_when_a_person_records_what_is_usual() {
    let mut home = Home::new();
    three_a_day(&mut home, 0, &[98, 98, 98, 96, 96, 96]);
    assert_eq!(home.open(), ["spo2-trend"]);
    let said = three_a_day(&mut home, 6, &[98, 98]);
    let ended: Vec<_> = said.iter().map(|(_, it)| it.clone()).collect();
    assert_eq!(words(&ended), ["end spo2-trend Recovered"]);

    let mut home = Home::new();
    three_a_day(&mut home, 0, &[98, 98, 98, 96, 96, 96]);
    let said = answer(&mut home, 6 * DAY, AnswerCode::BaselineSpO2, 960);
    assert_eq!(words(&said), ["end spo2-trend PlanEnded"]);
    assert_eq!(three_a_day(&mut home, 6, &[96, 96, 96]), []);
    let baseline = home.state.baseline().expect("it was recorded");
    assert!(matches!(baseline.origin, Origin::Recorded { .. }));
}

#[test]
fn values_that_swing_by_four_points_are_amber() {
    let mut home = Home::new();
    let mut said = three_a_day(&mut home, 0, &[95, 95, 95]);
    for day in 3..8 {
        for (hour, percent) in [(0, 100), (6, 91), (12, 100)] {
            let verdicts = home.spo2(day * DAY + hour * HOUR, percent);
            said.extend(verdicts.into_iter().map(|it| (day, it)));
        }
    }
    let told = said
        .iter()
        .filter(|(_, it)| it.id().rule.as_str() == "spo2-spread");
    let told: Vec<_> = told.map(|(_, it)| it.clone()).collect();
    assert_eq!(words(&told)[0], "raise spo2-spread AtOnce");
    assert_eq!(raised(&told).severity, Severity::Amber);
    let spread = home.state.trend().unwrap().spread_percent_thousandths;
    assert!(spread.is_some_and(|it| it >= 4_000), "{spread:?}");
    let said = three_a_day(&mut home, 8, &[97, 97, 97, 97, 97]);
    let said: Vec<_> = said.into_iter().map(|(_, it)| it).collect();
    let said = rules_said(&said, "spo2-spread");
    assert_eq!(said.last().unwrap(), "end spo2-spread Recovered");
}

#[test]
fn a_test_under_exertion_is_judged_by_its_drop_and_by_its_lowest_value() {
    for code in [
        AnswerCode::WalkingLowestSpO2,
        AnswerCode::SitToStandLowestSpO2,
    ] {
        for (rest, lowest, is_bad) in [
            (970, 950, false),
            (970, 941, false),
            (970, 940, true),
            (960, 930, true),
            (940, 930, false),
            (940, 929, true),
        ] {
            let mut home = Home::new();
            answer(&mut home, 0, AnswerCode::ExertionRestingSpO2, rest);
            let said = answer(&mut home, 10, code, lowest);
            assert_eq!(!said.is_empty(), is_bad, "{lowest} after {rest}");
            if is_bad {
                let flag = raised(&said);
                assert_eq!(flag.severity, Severity::Amber);
                assert_eq!(flag.evidence.len(), 2, "at rest, and the lowest");
            }
        }
    }
}

#[test]
fn without_a_value_at_rest_the_baseline_stands_in() {
    let lowest = AnswerCode::SitToStandLowestSpO2;
    let mut home = Home::new();
    answer(&mut home, 0, AnswerCode::ExertionRestingSpO2, 980);
    assert_eq!(
        words(&answer(&mut home, 31, lowest, 940)),
        NOTHING,
        "too old"
    );
    answer(&mut home, 40, AnswerCode::BaselineSpO2, 980);
    let said = answer(&mut home, 50, lowest, 950);
    assert_eq!(words(&said), ["raise exertion AtOnce"]);
    let said = answer(&mut home, 100, lowest, 930);
    assert_eq!(
        words(&said),
        ["raise exertion AtOnce"],
        "a second bad one is news"
    );
    let said = answer(&mut home, 200, lowest, 970);
    assert_eq!(words(&said), ["end exertion Recovered"]);
}

#[test]
fn a_test_is_not_asked_below_96_at_rest() {
    let mut home = Home::new();
    let ask = |home: &Home, at: i64| home.state.exertion(&home.rules, minute(at));
    assert_eq!(ask(&home, 0), Exertion::RestUnknown);
    home.spo2(0, 96);
    assert_eq!(ask(&home, 30), Exertion::MayBeAsked);
    assert_eq!(ask(&home, 31), Exertion::RestUnknown, "too old");
    home.spo2(40, 95);
    assert_eq!(ask(&home, 41), Exertion::RestTooLow);
    home.quality(42, spo2(980), Quality::ARTEFACT);
    assert_eq!(ask(&home, 43), Exertion::RestUnknown, "greyed");
}

#[test]
fn an_answer_that_no_oximeter_could_show_counts_for_nothing() {
    let mut home = Home::new();
    answer(&mut home, 0, AnswerCode::BaselineSpO2, 0);
    assert_eq!(home.state.baseline(), None);
    let said = answer(&mut home, 1, AnswerCode::WalkingLowestSpO2, 92);
    assert_eq!(words(&said), NOTHING, "92 tenths of a percent");
}

#[test]
fn an_answer_given_twice_changes_nothing() {
    let mut home = Home::new();
    let bad = answered(7, 10, AnswerCode::WalkingLowestSpO2, 900);
    assert_eq!(words(&home.observe(&bad)), ["raise exertion AtOnce"]);
    assert_eq!(words(&home.observe(&bad)), NOTHING);
}

#[test]
fn a_value_that_arrives_days_late_takes_its_place() {
    let mut home = Home::new();
    at_hour(&mut home, "fever-72h", 0, 3_900);
    let said = home.vital(73 * HOUR, temperature(3_850));
    assert_eq!(rules_said(&said, "fever-72h"), ["raise fever-72h AtOnce"]);
    home.late(20 * HOUR, 74 * HOUR, temperature(3_700));
    let said = home.late(44 * HOUR, 74 * HOUR, temperature(3_700));
    assert_eq!(
        rules_said(&said, "fever-72h"),
        ["end fever-72h ExplainedByLateData"]
    );
    let known = home
        .known
        .0
        .values()
        .filter(|(_, end)| *end == Some(Why::ExplainedByLateData));
    assert_eq!(known.count(), 1);
}

#[test]
fn a_baseline_that_is_recorded_before_any_value_has_a_trend_without_a_spread() {
    let mut home = Home::new();
    answer(&mut home, 0, AnswerCode::BaselineSpO2, 980);
    let trend = home.state.trend().expect("it starts at the baseline");
    assert_eq!(trend.spread_percent_thousandths, None);
}
