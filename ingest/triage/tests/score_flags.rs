//! What scores flag: certain deterioration over several values, once, and until it is measured
//! to be over.

// req: G7

mod support;

use support::*;
use veglia_triage::{
    About, Guard, OxygenScale, Partial, Plan, Scale, ScoreParameter, Scored, Severity, What,
};
use veglia_wire::{AnswerCode, Quality, Site, Vital, VitalKind};

const NOTHING: [&str; 0] = [];
const HOUR: i64 = 60;

fn partial(home: &Home, scale: Scale, minutes: i64) -> Partial {
    match home.state.partial(&home.rules, scale, minute(minutes)) {
        Some(Scored::Counted(partial)) => partial,
        other => panic!("{other:?} is not counted"),
    }
}

/// Open flags of scores.
fn open(home: &Home) -> Vec<String> {
    let open = home.open().into_iter();
    open.filter(|rule| rule.contains("news2") || rule.contains("mews"))
        .collect()
}

/// Six certain points of NEWS2, none of them a red vital sign: 22 breaths, 38.4 degrees, 93 %, a
/// pulse of 102.
fn six_points() -> Home {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    home.vital(0, temperature(3_840));
    home.spo2(0, 93);
    home.score(0, VitalKind::Pulse, 102);
    home
}

#[test]
fn five_certain_points_are_amber_whatever_is_missing() {
    let mut home = Home::new();
    assert_eq!(
        words(&home.score(0, VitalKind::RespiratoryRate, 22)),
        NOTHING
    );
    assert_eq!(
        words(&of_scores(&home.vital(1, temperature(3_840)))),
        NOTHING
    );
    let said = of_scores(&home.spo2(2, 93));
    assert_eq!(words(&said), ["raise news2-medium unconfirmed"]);
    let flag = raised(&said);
    assert_eq!(flag.severity, Severity::Amber);
    assert_eq!(flag.about, About::Score(Scale::News2));
    let behind: Vec<_> = flag.evidence.iter().map(|it| (it.id, it.value())).collect();
    assert_eq!(
        behind,
        [
            (record(1), Some((VitalKind::RespiratoryRate, 220))),
            (record(2), Some((VitalKind::Temperature, 3_840))),
            (record(3), Some((VitalKind::SpO2, 930))),
        ],
        "the exact records, one a parameter"
    );
    let score = partial(&home, Scale::News2, 2);
    assert_eq!((score.min, score.max), (5, 16));
}

#[test]
fn a_score_that_could_be_high_is_not_flagged_as_high() {
    let home = six_points();
    assert_eq!(open(&home), ["news2-medium"]);
    let score = partial(&home, Scale::News2, 0);
    assert_eq!((score.min, score.max), (6, 14));
    assert_eq!(score.class_at_max.as_str(), "high");
}

#[test]
fn seven_certain_points_are_red_and_the_same_parameter_bears_them_out() {
    let mut home = six_points();
    let said = home.score(5, VitalKind::Pulse, 112);
    assert_eq!(words(&said), ["raise news2-high unconfirmed"]);
    assert_eq!(
        words(&of_scores(&home.spo2(6, 93))),
        NOTHING,
        "not the pulse"
    );
    let said = home.score(7, VitalKind::Pulse, 115);
    assert_eq!(words(&said), ["confirm news2-high Repeat"]);
    assert_eq!(home.state.severity(), Some(Severity::Red));
}

#[test]
fn a_repeat_that_is_better_refutes_the_score() {
    let mut home = six_points();
    home.score(5, VitalKind::Pulse, 112);
    let said = home.score(7, VitalKind::Pulse, 104);
    assert_eq!(words(&said), ["end news2-high NotConfirmed"]);
    assert_eq!(open(&home), ["news2-medium"]);
}

#[test]
fn a_repeat_within_the_minute_is_the_same_measurement() {
    let mut home = six_points();
    home.score(5, VitalKind::Pulse, 112);
    let mut again = seen(
        99,
        minute(5).plus_ms(30_000),
        whole(VitalKind::Pulse, 104),
        Quality::empty(),
    );
    assert_eq!(words(&of_scores(&home.observe(&again))), NOTHING);
    again = seen(
        100,
        minute(6),
        whole(VitalKind::Pulse, 112),
        Quality::empty(),
    );
    let said = of_scores(&home.observe(&again));
    assert_eq!(words(&said), ["confirm news2-high Repeat"]);
}

#[test]
fn a_missed_repeat_confirms_a_score_by_the_tick() {
    let mut home = six_points();
    home.score(5, VitalKind::Pulse, 112);
    assert_eq!(home.state.next_deadline(), Some(minute(15)));
    assert_eq!(words(&of_scores(&home.tick(14))), NOTHING);
    let said = of_scores(&home.tick(15));
    assert_eq!(words(&said), ["confirm news2-high MissedRepeat"]);
    assert_eq!(words(&of_scores(&home.tick(16))), NOTHING);
}

#[test]
fn what_a_person_answered_is_not_asked_again() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    let said = home.answer(1, AnswerCode::Consciousness, 1);
    assert_eq!(words(&said), ["raise news2-medium AtOnce"]);
    let what = raised(&said).evidence[1].what;
    assert!(matches!(what, What::Answer { answer } if answer.value == 1));
}

#[test]
fn an_answer_that_its_question_does_not_have_counts_for_nothing() {
    let mut home = Home::new();
    assert_eq!(
        words(&home.answer(0, AnswerCode::Consciousness, 9)),
        NOTHING
    );
    assert_eq!(words(&home.answer(0, AnswerCode::OnOxygen, 7)), NOTHING);
    assert_eq!(partial(&home, Scale::News2, 0).missing.len(), 7);
}

#[test]
fn red_oxygen_alone_is_one_flag_and_not_two() {
    let mut home = Home::new();
    assert_eq!(words(&home.spo2(0, 90)), ["raise spo2-red unconfirmed"]);
    let score = partial(&home, Scale::News2, 0);
    assert_eq!(
        score.class_at_min.as_str(),
        "single-three",
        "shown all the same"
    );
}

#[test]
fn red_oxygen_counts_in_full_beside_other_points() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    let said = home.spo2(1, 90);
    assert_eq!(
        words(&of_scores(&said)),
        ["raise news2-medium unconfirmed"],
        "3 + 2"
    );
}

#[test]
fn a_recorded_scale_two_is_counted_from_when_the_plan_begins() {
    let mut home = Home::new();
    home.plan(&Plan {
        oxygen_scale: OxygenScale::Two,
        ..plan(1, minute(0), Vec::new())
    });
    home.spo2(1, 89);
    assert_eq!(partial(&home, Scale::News2, 1).min, 0);
    home.spo2(2, 97);
    let unknown = partial(&home, Scale::News2, 2);
    assert_eq!((unknown.points[0].min, unknown.points[0].max), (0, 3));
    assert!(unknown.deciding.contains(&ScoreParameter::Oxygen));
    let said = home.answer(3, AnswerCode::OnOxygen, 1);
    assert_eq!(
        words(&said),
        ["raise news2-medium AtOnce"],
        "97 on oxygen: 3 + 2"
    );
    assert_eq!(partial(&home, Scale::News2, 3).min, 5);
}

#[test]
fn scores_made_for_adults_are_not_counted_for_others() {
    let mut home = six_points();
    assert_eq!(open(&home), ["news2-medium"]);
    home.plan(&Plan {
        guards: vec![Guard::Pregnancy],
        ..plan(1, minute(10), Vec::new())
    });
    let scored = home.state.partial(&home.rules, Scale::News2, minute(11));
    assert_eq!(scored, Some(Scored::NotCounted(vec![Guard::Pregnancy])));
    let said = home.score(11, VitalKind::Pulse, 140);
    assert_eq!(words(&said), ["end news2-medium PlanEnded"]);
    assert_eq!(
        words(&home.answer(12, AnswerCode::Consciousness, 2)),
        NOTHING
    );
}

#[test]
fn old_values_and_old_answers_no_longer_count() {
    let mut home = six_points();
    home.answer(0, AnswerCode::OnOxygen, 0);
    assert_eq!(partial(&home, Scale::News2, 12 * HOUR).min, 6);
    let later = partial(&home, Scale::News2, 12 * HOUR + 1);
    assert_eq!(later.min, 0);
    assert_eq!(later.missing.len(), 6, "the answer lasts a day");
    let later = partial(&home, Scale::News2, 24 * HOUR + 1);
    assert_eq!(later.missing.len(), 7);
}

#[test]
fn what_has_grown_old_raises_nothing() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    home.vital(0, temperature(3_840));
    let said = of_scores(&home.spo2(13 * HOUR, 93));
    assert_eq!(words(&said), NOTHING);
}

#[test]
fn an_episode_does_not_end_because_nobody_measures() {
    let mut home = six_points();
    home.tick(2 * HOUR);
    for hour in [13, 14, 15] {
        home.score(hour * HOUR, VitalKind::Pulse, 80);
        home.spo2(hour * HOUR, 97);
    }
    assert_eq!(partial(&home, Scale::News2, 15 * HOUR).min, 0);
    assert_eq!(open(&home), NOTHING, "22 breaths and 38.4 degrees make 3");

    let mut home = six_points();
    home.tick(2 * HOUR);
    for hour in [13, 14, 15] {
        home.score(hour * HOUR, VitalKind::Pulse, 80);
        home.vital(hour * HOUR, temperature(3_840));
    }
    assert_eq!(partial(&home, Scale::News2, 15 * HOUR).min, 1);
    assert_eq!(
        open(&home),
        ["news2-medium"],
        "nobody has measured breaths and oxygen again"
    );
}

#[test]
fn recovery_takes_two_values_over_half_an_hour() {
    let mut home = six_points();
    home.tick(2 * HOUR);
    assert_eq!(words(&of_scores(&home.spo2(130, 97))), NOTHING);
    assert_eq!(words(&of_scores(&home.spo2(150, 97))), NOTHING);
    let said = of_scores(&home.spo2(160, 97));
    assert_eq!(words(&said), ["end news2-medium Recovered"]);
}

#[test]
fn a_red_that_falls_to_amber_is_never_without_a_flag() {
    let mut home = six_points();
    home.score(5, VitalKind::Pulse, 112);
    home.score(7, VitalKind::Pulse, 115);
    let mut seen = Vec::new();
    for minutes in [30, 50, 70] {
        home.score(minutes, VitalKind::Pulse, 102);
        seen.push(open(&home));
    }
    assert_eq!(seen[0], ["news2-high", "news2-medium"]);
    assert_eq!(seen[2], ["news2-medium"]);
}

#[test]
fn one_deterioration_is_one_red() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 21);
    home.spo2(0, 93);
    let said = home.score(0, VitalKind::Pulse, 131);
    assert_eq!(words(&said), ["raise news2-high unconfirmed"]);
    assert_eq!(partial(&home, Scale::News2, 0).min, 7);
    assert_eq!(
        partial(&home, Scale::Mews, 0).min,
        5,
        "critical too, and yields"
    );
}

#[test]
fn the_score_of_the_circular_speaks_where_the_other_is_silent() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 21);
    home.score(0, VitalKind::Pulse, 112);
    home.vital(0, temperature(3_860));
    assert_eq!(partial(&home, Scale::News2, 0).min, 5);
    assert_eq!(partial(&home, Scale::Mews, 0).min, 6);
    assert_eq!(open(&home), ["mews-high", "news2-medium"]);
}

#[test]
fn a_low_pressure_moves_both_scores() {
    let mut home = Home::new();
    home.score(0, VitalKind::SystolicPressure, 79);
    assert_eq!(partial(&home, Scale::News2, 0).min, 3);
    assert_eq!(partial(&home, Scale::Mews, 0).min, 2);
}

#[test]
fn skin_and_unclean_readings_are_never_behind_a_score() {
    let mut home = six_points();
    let skin = Vital::from_steps(VitalKind::Temperature, 4_100, Site::Skin).unwrap();
    assert_eq!(words(&of_scores(&home.vital(1, skin))), NOTHING);
    let grey = home.quality(2, whole(VitalKind::Pulse, 140), Quality::ARTEFACT);
    assert_eq!(words(&of_scores(&grey)), NOTHING);
    assert_eq!(partial(&home, Scale::News2, 2).min, 6);
}

#[test]
fn a_stream_of_oxygen_counts_as_its_median() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    home.vital(0, temperature(3_840));
    let mut said = Vec::new();
    for second in 0..130_i64 {
        let percent = if second % 4 == 3 { 84 } else { 96 };
        let number = 1_000 + u64::try_from(second).unwrap();
        let at = minute(1).plus_ms(second * 1_000);
        let observation = seen(number, at, spo2(percent * 10), Quality::empty());
        said.extend(of_scores(&home.observe(&observation)));
    }
    assert_eq!(words(&said), NOTHING, "single seconds are not the median");
    let score = partial(&home, Scale::News2, 4);
    assert_eq!(score.min, 3);
    let oxygen = score
        .points
        .iter()
        .find(|it| it.parameter == ScoreParameter::SpO2);
    let median = oxygen.and_then(|it| it.evidence.median());
    assert_eq!(median.map(|it| it.readings), Some(120));
}

#[test]
fn a_value_told_by_telephone_the_day_after_is_counted_when_it_was_measured() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 22);
    home.spo2(1, 93);
    home.spo2(200, 97);
    home.spo2(240, 97);
    let said = of_scores(&home.late(0, 1_000, temperature(3_840)));
    assert_eq!(
        words(&said),
        [
            "raise news2-medium MissedRepeat",
            "end news2-medium Recovered"
        ],
        "93 % had made 5; it is over since 240"
    );
}

#[test]
fn a_state_of_the_version_before_scores_counts_what_it_remembers() {
    let text = include_str!("states/home-2020-1.json");
    let mut home = Home::new();
    home.state = serde_json::from_str(text).expect("it is read");
    assert_eq!(partial(&home, Scale::News2, 100).missing.len(), 7);
    home.tick(100);
    let score = partial(&home, Scale::News2, 100);
    assert_eq!(score.min, 4, "91 % and 38.4 degrees");
    assert_eq!(score.missing.len(), 5);
}

#[test]
fn a_score_that_waits_for_a_repeat_says_what_is_to_be_measured_again() {
    let mut home = Home::new();
    home.score(0, VitalKind::RespiratoryRate, 24);
    home.score(0, VitalKind::SystolicPressure, 95);
    home.vital(0, temperature(3_920));
    home.score(0, VitalKind::Pulse, 105);
    let open = home.state.open_flags();
    let mut high = open.iter().filter(|it| it.id.rule.as_str() == "news2-high");
    let flag = high.next().expect("seven points");
    assert!(!flag.standing.is_confirmed());
    assert_eq!(flag.repeats(), Some(VitalKind::Pulse));
}
