//! Red symptoms raise a confirmed red at once, without any measurement.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    About, How, Input, Observation, RuleSet, STATE_BYTES_MAX, Seen, Severity, Source, Standing,
    What,
};
use veglia_wire::{Answer, AnswerCode, DeviceId};

const NOTHING: [&str; 0] = [];

const RED: [AnswerCode; 8] = [
    AnswerCode::BreathlessAtRest,
    AnswerCode::CannotFinishSentence,
    AnswerCode::ChestPain,
    AnswerCode::Confusion,
    AnswerCode::BlueLips,
    AnswerCode::Fainting,
    AnswerCode::CoughingBlood,
    AnswerCode::Consciousness,
];

fn said(number: u64, minutes: i64, code: AnswerCode, value: i32) -> Observation {
    Observation {
        id: record(number),
        device: DeviceId::new("hand:1").expect("a device id"),
        source: Source::ByPhone,
        at: minute(minutes),
        received: minute(minutes),
        seen: Seen::Answer(Answer { code, value }),
    }
}

fn tell(home: &mut Home, number: u64, minutes: i64, code: AnswerCode, value: i32) -> Vec<String> {
    words(&home.observe(&said(number, minutes, code, value)))
}

#[test]
fn each_red_symptom_raises_a_confirmed_red_at_once_without_a_measurement() {
    for code in RED {
        let mut home = Home::new();
        let verdicts = home.observe(&said(1, 0, code, 1));
        let flag = raised(&verdicts);
        assert_eq!(flag.about, About::Symptoms, "{code:?}");
        assert_eq!(flag.severity, Severity::Red);
        let at_once = Standing::Confirmed {
            how: How::AtOnce,
            at: minute(0),
        };
        assert_eq!(flag.standing, at_once);
        let answer = Answer { code, value: 1 };
        let evidence: Vec<_> = flag.evidence.iter().map(|it| (it.id, it.what)).collect();
        assert_eq!(evidence, [(record(1), What::Answer { answer })]);
    }
}

#[test]
fn every_consciousness_but_alert_is_a_red_symptom() {
    for (value, expected) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 1)] {
        let mut home = Home::new();
        tell(&mut home, 1, 0, AnswerCode::Consciousness, value);
        assert_eq!(home.open().len(), expected, "{value}");
    }
}

#[test]
fn a_device_a_hand_and_a_telephone_are_heard_alike() {
    for source in [Source::Device, Source::ByHand, Source::ByPhone] {
        let mut home = Home::new();
        let mut observation = said(1, 0, AnswerCode::BlueLips, 1);
        observation.source = source;
        assert_eq!(
            words(&home.observe(&observation)),
            ["raise red-symptom AtOnce"]
        );
    }
}

#[test]
fn a_no_and_a_question_about_treatment_raise_nothing() {
    let mut home = Home::new();
    for (number, code) in (1..).zip(RED) {
        assert_eq!(tell(&mut home, number, 0, code, 0), NOTHING);
    }
    assert_eq!(tell(&mut home, 20, 0, AnswerCode::OnOxygen, 1), NOTHING);
}

#[test]
fn an_answer_that_nobody_has_defined_is_not_a_no() {
    let mut home = Home::new();
    let said = tell(&mut home, 1, 0, AnswerCode::ChestPain, 7);
    assert_eq!(said, ["raise red-symptom AtOnce"]);
}

#[test]
fn a_normal_measurement_does_not_take_a_symptom_back() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::BreathlessAtRest, 1);
    for minutes in [1, 60, 600] {
        assert_eq!(words(&home.spo2(minutes, 99)), NOTHING);
    }
    home.tick(1_000);
    assert_eq!(home.open(), ["red-symptom"]);
}

#[test]
fn a_further_symptom_is_told_and_joins_the_evidence_of_the_one_flag() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::BreathlessAtRest, 1);
    assert_eq!(
        tell(&mut home, 2, 1, AnswerCode::BreathlessAtRest, 1),
        NOTHING
    );
    let verdicts = home.observe(&said(3, 2, AnswerCode::BlueLips, 1));
    assert_eq!(
        words(&verdicts),
        ["raise red-symptom AtOnce"],
        "whoever has closed it is asked again"
    );
    let ids: Vec<_> = raised(&verdicts).evidence.iter().map(|it| it.id).collect();
    assert_eq!(ids, [record(1), record(3)]);
    assert_eq!(home.open().len(), 1);
}

#[test]
fn the_same_symptom_said_again_after_half_an_hour_is_told_again() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    assert_eq!(tell(&mut home, 2, 29, AnswerCode::ChestPain, 1), NOTHING);
    assert_eq!(
        tell(&mut home, 3, 30, AnswerCode::ChestPain, 1),
        ["raise red-symptom AtOnce"]
    );
}

#[test]
fn a_later_no_closes_nothing_and_an_hour_of_it_ends_the_episode() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    tell(&mut home, 2, 0, AnswerCode::Fainting, 1);
    assert_eq!(tell(&mut home, 3, 10, AnswerCode::ChestPain, 0), NOTHING);
    assert_eq!(words(&home.tick(200)), NOTHING, "one symptom lasts");
    assert_eq!(tell(&mut home, 4, 210, AnswerCode::Fainting, 0), NOTHING);
    assert_eq!(words(&home.tick(269)), NOTHING);
    assert_eq!(words(&home.tick(270)), ["end red-symptom Recovered"]);
    assert_eq!(
        tell(&mut home, 5, 300, AnswerCode::ChestPain, 1),
        ["raise red-symptom AtOnce"],
        "a new flag"
    );
    assert_eq!(home.known.0.len(), 2);
}

#[test]
fn a_symptom_that_comes_back_within_the_hour_is_news_of_the_same_flag() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    tell(&mut home, 2, 10, AnswerCode::ChestPain, 0);
    assert_eq!(
        tell(&mut home, 3, 20, AnswerCode::ChestPain, 1),
        ["raise red-symptom AtOnce"]
    );
    assert_eq!(home.known.0.len(), 1);
}

#[test]
fn a_symptom_told_late_is_red_and_marked_late() {
    let mut home = Home::new();
    let mut observation = said(1, 0, AnswerCode::BlueLips, 1);
    observation.received = minute(300);
    let verdicts = home.observe(&observation);
    assert!(raised(&verdicts).late);
    assert_eq!(home.open(), ["red-symptom"]);
}

#[test]
fn a_symptom_from_before_memory_is_told_late_and_not_lost() {
    let mut home = Home::new();
    let now = 5 * 24 * 60;
    tell(&mut home, 1, 0, AnswerCode::Fainting, 0);
    tell(&mut home, 2, now, AnswerCode::Fainting, 0);
    let mut observation = said(3, -10, AnswerCode::Fainting, 1);
    observation.received = minute(now);
    assert_eq!(
        words(&home.observe(&observation)),
        ["raise red-symptom AtOnce", "end red-symptom Recovered"],
        "it was answered with a no since"
    );
    let mut observation = said(4, -10, AnswerCode::BlueLips, 1);
    observation.received = minute(now);
    let verdicts = home.observe(&observation);
    assert!(raised(&verdicts).late);
    assert_eq!(home.known.open().len(), 1, "nobody has asked since");
}

#[test]
fn a_symptom_of_a_clock_that_is_ahead_counts_from_its_arrival() {
    let mut home = Home::new();
    let mut observation = said(1, 600, AnswerCode::BlueLips, 1);
    observation.received = minute(0);
    let verdicts = home.observe(&observation);
    assert_eq!(raised(&verdicts).since, minute(0));
}

#[test]
fn a_state_of_the_version_before_raises_the_symptoms_it_knows() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    let mut kept = serde_json::to_value(&home.state).expect("a state is data");
    let fields = kept.as_object_mut().expect("an object");
    fields.remove("calls");
    fields.insert("rule_set".to_owned(), "home-2020-3".into());
    let mut read = Home::new();
    read.state = serde_json::from_value(kept).expect("it is read");
    assert_eq!(words(&read.tick(5)), ["raise red-symptom AtOnce"]);
}

#[test]
fn time_alone_tells_an_old_symptom_to_nobody_again() {
    let mut home = Home::new();
    tell(&mut home, 1, 0, AnswerCode::ChestPain, 1);
    for hour in 1..100 {
        assert_eq!(words(&home.tick(hour * 60)), NOTHING, "{hour} h");
    }
    assert_eq!(home.open(), ["red-symptom"]);
}

#[test]
fn a_rule_about_symptoms_is_refused_without_questions_and_with_a_treatment() {
    let text = include_str!("../rules/home-2020.toml");
    for (from, to, reason) in [
        (
            "    \"blue-lips\",\n",
            "    \"on-oxygen\",\n",
            "not a symptom",
        ),
        ("\"blue-lips\"", "\"green-lips\"", "unknown variant"),
        ("name = \"red-symptom\"", "name = \"spo2-red\"", "already"),
        ("name = \"two-reds\"", "name = \"red-symptom\"", "already"),
    ] {
        assert!(text.contains(from), "{from}");
        let fault = RuleSet::parse(&text.replacen(from, to, 1)).expect_err("no rule set");
        assert!(fault.reason.contains(reason), "{fault}");
    }
}

#[test]
fn a_thousand_answers_leave_a_bounded_state_and_one_open_flag() {
    let mut home = Home::new();
    let mut number = 0;
    for hour in 0..500 {
        for code in RED {
            number += 1;
            tell(&mut home, number, hour * 20, code, (hour % 3 != 0).into());
        }
    }
    let bytes = serde_json::to_vec(&home.state)
        .expect("a state is data")
        .len();
    assert!(bytes < STATE_BYTES_MAX / 8, "{bytes} bytes");
    assert_eq!(home.open(), ["red-symptom"]);
}

fn answers() -> impl Strategy<Value = Vec<Observation>> {
    let answer = (0..600_i64, 0..4_usize, 0..2_i32, 0..200_i64);
    vec(answer, 1..30).prop_map(|answers| {
        let answers = (1..).zip(answers);
        let said = answers.map(|(number, (at, code, value, delay))| {
            let mut observation = said(number, at, RED[code], value);
            observation.received = minute(at + delay);
            observation
        });
        said.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_late_and_doubled_answers_end_in_the_same_flags(
        (answers, shuffled) in answers().prop_flat_map(|answers| {
            let mut doubled = answers.clone();
            doubled.extend(answers.iter().take(5).cloned());
            (Just(answers), Just(doubled).prop_shuffle())
        }),
        ticks in vec(0..900_i64, 0..6),
    ) {
        let (mut steady, mut home) = (Home::new(), Home::new());
        let mut sorted = answers;
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
        steady.tick(2_000);
        home.tick(2_000);
        prop_assert_eq!(told(&steady), told(&home));
        prop_assert_eq!(home.known.open().len(), home.open().len());
    }

    #[test]
    fn while_the_newest_answer_to_a_question_is_a_symptom_a_red_is_open(answers in answers()) {
        let mut home = Home::new();
        for (count, observation) in answers.iter().enumerate() {
            home.give(Input::Observation(observation), observation.received);
            let known = answers.iter().take(count + 1);
            let lasts = RED.iter().any(|code| {
                let of_code = known.clone().filter_map(|it| match it.seen {
                    Seen::Answer(answer) if answer.code == *code => Some((it.at, it.id, answer)),
                    _ => None,
                });
                let newest = of_code.max_by_key(|(at, id, _)| (*at, *id));
                newest.is_some_and(|(.., answer)| answer.value != 0)
            });
            prop_assert!(!lasts || home.open().contains(&"red-symptom".to_owned()));
            prop_assert!(!lasts || home.known.open().len() == 1);
        }
    }
}
