//! What to ask: what the score lacks and could change what is done, and what the plan expects.
//!
//! A score of which values are missing is never a number: "NEWS2 almeno 5; mancano …". Values grow
//! old while nothing arrives, so it is counted again by the clock of the moment.

use std::borrow::Cow;

use veglia_view::{
    Evidence, Guard, OxygenScale, Plan, Row, RuleSet, Scale, ScoreParameter, Scored, WallMs,
};
use veglia_words::Words;

use crate::words;

/// What a call is to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    /// How the score stands, in a sentence.
    pub(crate) sentence: String,
    /// What is to be asked for because the score could change by it.
    pub(crate) wanted: Vec<ScoreParameter>,
    /// What the plan expects, with the last value of each.
    pub(crate) expected: Vec<String>,
}

impl Script {
    pub(crate) fn of(
        rules: &RuleSet,
        row: Option<&Row>,
        plan: Option<&Plan>,
        now: WallMs,
        w: Words,
    ) -> Self {
        let (sentence, wanted) = score(rules, row, plan, now, w);
        let parameters = plan.into_iter().flat_map(|plan| &plan.parameters);
        let expected = parameters.map(|parameter| {
            let last = row.and_then(|row| row.latest(parameter.vital));
            let vital = w.say(words::vital(parameter.vital));
            let said = match last {
                Some(last) => {
                    let said = w.with("expected-last", "vital", vital);
                    said.and("latest", words::latest(last, now, w))
                }
                None => w.with("expected-never", "vital", vital),
            };
            said.and("rhythm", words::rhythm(parameter, w)).to_string()
        });
        Self {
            sentence,
            wanted,
            expected: expected.collect(),
        }
    }
}

/// The values behind the NEWS2 of a row that are still fresh.
fn known(rules: &RuleSet, row: &Row, now: WallMs) -> Vec<Evidence> {
    let mut counted = row.scores.iter().filter_map(|it| match it {
        Scored::Counted(partial) if partial.scale == Scale::News2 => Some(partial),
        _ => None,
    });
    let points = counted.next().into_iter().flat_map(|it| &it.points);
    let fresh = points.filter(|it| {
        let age = rules.fresh(it.parameter);
        age.is_some_and(|(age_ms, _)| now.since(it.evidence.at) <= age_ms)
    });
    fresh.map(|it| it.evidence).collect()
}

/// How the score stands, and what to ask for.
pub(crate) fn score(
    rules: &RuleSet,
    row: Option<&Row>,
    plan: Option<&Plan>,
    now: WallMs,
    w: Words,
) -> (String, Vec<ScoreParameter>) {
    if let Some(plan) = plan.filter(|plan| !plan.guards.is_empty()) {
        let why = plan.guards.iter().map(|guard| match guard {
            Guard::Under16 => w.say("guard-under-16"),
            Guard::Pregnancy => w.say("guard-pregnancy"),
        });
        let why: Vec<Cow<'_, str>> = why.collect();
        let sentence = w.with("score-guarded", "why", why.join(", "));
        return (sentence.to_string(), Vec::new());
    }
    let known = row.map_or_else(Vec::new, |row| known(rules, row, now));
    let scale = plan.map_or_else(OxygenScale::default, |plan| plan.oxygen_scale);
    let Some(partial) = rules.partial(Scale::News2, scale, &known) else {
        return (String::new(), Vec::new());
    };
    if known.is_empty() {
        return (w.say("score-none").into_owned(), partial.missing);
    }
    if partial.is_complete() && partial.min == partial.max {
        let sentence = w.with("score-whole", "points", partial.min);
        return (sentence.to_string(), Vec::new());
    }
    let names = partial.missing.iter();
    let names: Vec<Cow<'_, str>> = names.map(|it| w.say(words::parameter(*it))).collect();
    let sentence = w
        .with("score-least", "missing", names.len())
        .and("points", partial.min)
        .and("names", names.join(", "));
    (sentence.to_string(), partial.deciding)
}

#[cfg(test)]
mod tests {
    use veglia_view::{PatientId, VitalKind};

    use super::*;

    const NOW: WallMs = WallMs(1_605_964_320_000);

    fn row(known: &[Evidence]) -> Row {
        let rules = RuleSet::shipped();
        let mut row = Row::new(PatientId::new(1));
        let partial = rules.partial(Scale::News2, OxygenScale::One, known);
        row.scores = vec![Scored::Counted(partial.unwrap())];
        row
    }

    fn measured(vital: VitalKind, steps: i32, at: WallMs) -> Evidence {
        let id = format!("00000000000000aa-{}", steps.unsigned_abs());
        Evidence::reading(id.parse().unwrap(), vital, steps, at)
    }

    #[test]
    fn the_script_asks_what_the_score_lacks_and_what_is_too_old() {
        let rules = RuleSet::shipped();
        let old = NOW.plus_ms(-300 * 3_600_000);
        let row = row(&[
            measured(VitalKind::SpO2, 910, NOW),
            measured(VitalKind::Temperature, 3_920, NOW),
            measured(VitalKind::Pulse, 1_000, old),
        ]);
        let (sentence, wanted) = score(&rules, Some(&row), None, NOW, words::of_record());
        assert!(
            sentence.starts_with("NEWS2 almeno 5; mancano "),
            "{sentence}"
        );
        assert!(sentence.contains("polso"), "{sentence}");
        assert!(wanted.contains(&ScoreParameter::RespiratoryRate));
    }

    #[test]
    fn of_whom_nothing_is_known_everything_is_asked() {
        let (sentence, wanted) = score(&RuleSet::shipped(), None, None, NOW, words::of_record());
        assert!(sentence.contains("li chieda tutti"), "{sentence}");
        assert_eq!(wanted.len(), ScoreParameter::ALL.len());
    }
}
