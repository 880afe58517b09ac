//! What is said of a score that is not complete, held against every completion of it.

// req: G7

mod support;

use std::collections::BTreeMap;

use proptest::option::weighted;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Evidence, OxygenScale, Partial, RuleSet, Scale, ScoreParameter, What};
use veglia_wire::{Answer, AnswerCode, VitalKind};

/// Values of a parameter, at least one of every band of every chart, in steps.
fn values(parameter: ScoreParameter) -> Vec<What> {
    let vital = |vital: VitalKind, values: &[i32]| {
        let what = |steps: &i32| What::Value {
            vital,
            steps: *steps,
            median: None,
        };
        values.iter().map(what).collect()
    };
    let answers = |code, count| {
        let answers = (0..count).map(|value| What::Answer {
            answer: Answer { code, value },
        });
        answers.collect()
    };
    match parameter {
        ScoreParameter::SpO2 => vital(
            VitalKind::SpO2,
            &[800, 840, 860, 880, 920, 930, 940, 950, 960, 970],
        ),
        ScoreParameter::RespiratoryRate => vital(
            VitalKind::RespiratoryRate,
            &[70, 90, 120, 150, 210, 250, 300],
        ),
        ScoreParameter::SystolicPressure => vital(
            VitalKind::SystolicPressure,
            &[600, 750, 850, 950, 1_050, 1_500, 2_100, 2_200],
        ),
        ScoreParameter::Pulse => vital(
            VitalKind::Pulse,
            &[350, 450, 700, 950, 1_050, 1_150, 1_300, 1_400],
        ),
        ScoreParameter::Temperature => vital(
            VitalKind::Temperature,
            &[3_400, 3_500, 3_550, 3_700, 3_820, 3_870, 3_920],
        ),
        ScoreParameter::Consciousness => answers(AnswerCode::Consciousness, 5),
        ScoreParameter::Oxygen => answers(AnswerCode::OnOxygen, 2),
    }
}

/// For each parameter, a value or none.
type Known = BTreeMap<ScoreParameter, What>;

fn known() -> impl Strategy<Value = Known> {
    let each = ScoreParameter::ALL.map(|parameter| {
        let values = values(parameter);
        weighted(0.6, 0..values.len()).prop_map(move |place| place.map(|it| values[it]))
    });
    each.to_vec().prop_map(|values| {
        let parameters = ScoreParameter::ALL.into_iter().zip(values);
        parameters
            .filter_map(|(it, value)| Some((it, value?)))
            .collect()
    })
}

fn scales() -> impl Strategy<Value = (Scale, OxygenScale)> {
    let scale = prop_oneof![3 => Just(Scale::News2), 1 => Just(Scale::Mews)];
    (
        scale,
        prop_oneof![Just(OxygenScale::One), Just(OxygenScale::Two)],
    )
}

fn partial(rules: &RuleSet, (scale, oxygen): (Scale, OxygenScale), known: &Known) -> Partial {
    let evidence: Vec<Evidence> = (1..)
        .zip(known.values())
        .map(|(number, what)| Evidence {
            id: record(number),
            at: minute(0),
            what: *what,
        })
        .collect();
    let partial = rules.partial(scale, oxygen, &evidence);
    partial.expect("the shipped rules have both scores")
}

/// The classes as people read them off the chart, gravest last.
fn class(scale: Scale, sum: u8, has_three: bool) -> usize {
    match (scale, sum) {
        (Scale::News2, 7..) => 4,
        (Scale::News2, 5..=6) => 3,
        (Scale::News2, _) if has_three => 2,
        (Scale::News2, 1..=4) => 1,
        (Scale::Mews, 5..) => 2,
        (Scale::Mews, 3..=4) => 1,
        _ => 0,
    }
}

fn class_name(rules: &RuleSet, scale: Scale, place: usize) -> String {
    let chart = rules.scores().iter().find(|it| it.scale() == scale);
    let chart = chart.expect("a shipped score");
    chart.classes()[place].name().to_string()
}

/// Every completion: which value of each parameter, the sum and the class. Values that carry the
/// same points on air and on oxygen are one.
fn completions(
    rules: &RuleSet,
    (scale, oxygen): (Scale, OxygenScale),
    known: &Known,
) -> Vec<(Vec<usize>, u8, usize)> {
    let chart = rules.scores().iter().find(|it| it.scale() == scale);
    let chart = chart.expect("a shipped score");
    let options: Vec<(ScoreParameter, Vec<[u8; 2]>)> = ScoreParameter::ALL
        .into_iter()
        .filter(|parameter| chart.parameters().any(|it| it == *parameter))
        .map(|parameter| {
            let all = || values(parameter);
            let values = known.get(&parameter).map_or_else(all, |it| vec![*it]);
            let points = values.iter().map(|what| {
                let points = [false, true].map(|on| rules.points(scale, what, oxygen, on));
                points.map(|points| points.expect("a value of the chart"))
            });
            let mut points: Vec<[u8; 2]> = points.collect();
            if parameter != ScoreParameter::Oxygen {
                points.sort_unstable();
                points.dedup();
            }
            (parameter, points)
        })
        .collect();
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for (_, points) in &options {
        let longer = all.iter().flat_map(|chosen| {
            let chosen = chosen.clone();
            (0..points.len()).map(move |it| chosen.iter().copied().chain([it]).collect())
        });
        all = longer.collect();
    }
    let of = |chosen: Vec<usize>| {
        let pairs: Vec<(ScoreParameter, [u8; 2])> = options
            .iter()
            .zip(&chosen)
            .map(|((parameter, points), it)| (*parameter, points[*it]))
            .collect();
        let oxygen = pairs.iter().find(|(it, _)| *it == ScoreParameter::Oxygen);
        let side = usize::from(oxygen.is_some_and(|(_, points)| points[0] > 0));
        let sum = pairs.iter().map(|(_, points)| points[side]).sum();
        let has_three = pairs.iter().any(|(_, points)| points[side] == 3);
        (chosen, sum, class(scale, sum, has_three))
    };
    all.into_iter().map(of).collect()
}

/// The missing parameters of which two values can make two classes, all else being the same.
fn deciding(
    parameters: &[ScoreParameter],
    missing: &[ScoreParameter],
    completions: &[(Vec<usize>, u8, usize)],
) -> Vec<ScoreParameter> {
    let is_deciding = |place: usize| {
        let mut classes: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        completions.iter().any(|(chosen, _, class)| {
            let mut others = chosen.clone();
            others.remove(place);
            *classes.entry(others).or_insert(*class) != *class
        })
    };
    let places = parameters.iter().enumerate();
    let missing = places.filter(|(_, parameter)| missing.contains(parameter));
    missing
        .filter(|(place, _)| is_deciding(*place))
        .map(|(_, parameter)| *parameter)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_interval_is_exactly_what_the_completions_make(known in known(), scales in scales()) {
        let rules = RuleSet::shipped();
        let partial = partial(&rules, scales, &known);
        let completions = completions(&rules, scales, &known);
        let sums = completions.iter().map(|(_, sum, _)| *sum);
        prop_assert_eq!(Some(partial.min), sums.clone().min());
        prop_assert_eq!(Some(partial.max), sums.max());
        prop_assert!(partial.min <= partial.max);
        let classes = completions.iter().map(|(_, _, class)| *class);
        let least = class_name(&rules, scales.0, classes.clone().min().unwrap());
        let most = class_name(&rules, scales.0, classes.max().unwrap());
        prop_assert_eq!(partial.class_at_min.as_str(), least);
        prop_assert_eq!(partial.class_at_max.as_str(), most);
    }

    #[test]
    fn what_is_asked_for_is_exactly_what_could_change_the_class(
        known in known(),
        scales in scales(),
    ) {
        let rules = RuleSet::shipped();
        let partial = partial(&rules, scales, &known);
        let completions = completions(&rules, scales, &known);
        let chart = rules.scores().iter().find(|it| it.scale() == scales.0).unwrap();
        let parameters: Vec<ScoreParameter> = ScoreParameter::ALL
            .into_iter()
            .filter(|it| chart.parameters().any(|counted| counted == *it))
            .collect();
        let expected = deciding(&parameters, &partial.missing, &completions);
        let mut asked = partial.deciding.clone();
        asked.sort_unstable();
        prop_assert_eq!(asked, expected);
    }

    #[test]
    fn one_more_value_never_widens_the_interval(
        known in known(),
        scales in scales(),
        parameter in prop::sample::select(ScoreParameter::ALL.to_vec()),
        place in 0..10_usize,
    ) {
        let rules = RuleSet::shipped();
        let before = partial(&rules, scales, &known);
        prop_assume!(!known.contains_key(&parameter));
        let values = values(parameter);
        let mut more = known.clone();
        more.insert(parameter, values[place % values.len()]);
        let after = partial(&rules, scales, &more);
        prop_assert!(before.min <= after.min && after.max <= before.max);
        let missing = after.missing.iter();
        prop_assert!(missing.clone().all(|it| before.missing.contains(it)));
        prop_assert!(after.deciding.iter().all(|it| before.deciding.contains(it)));
    }

    #[test]
    fn a_partial_score_is_data(known in known(), scales in scales()) {
        let partial = partial(&RuleSet::shipped(), scales, &known);
        let text = serde_json::to_string(&partial).unwrap();
        prop_assert_eq!(serde_json::from_str::<Partial>(&text).unwrap(), partial);
    }
}

#[test]
fn nothing_known_is_everything_possible() {
    let rules = RuleSet::shipped();
    let score = partial(&rules, (Scale::News2, OxygenScale::One), &Known::new());
    assert_eq!((score.min, score.max), (0, 20));
    assert_eq!(score.deciding.len(), 7);
    let score = partial(&rules, (Scale::Mews, OxygenScale::One), &Known::new());
    assert_eq!((score.min, score.max), (0, 14));
}

#[test]
fn only_what_could_change_the_class_is_asked_for() {
    let rules = RuleSet::shipped();
    let mut known: Known = ScoreParameter::ALL
        .into_iter()
        .map(|parameter| (parameter, values(parameter)[0]))
        .collect();
    known.remove(&ScoreParameter::Temperature);
    let score = partial(&rules, (Scale::News2, OxygenScale::One), &known);
    assert_eq!(score.missing, [ScoreParameter::Temperature]);
    assert!(score.deciding.is_empty(), "{} is high already", score.min);
}
