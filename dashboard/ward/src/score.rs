//! A score as it is honestly said: the least it can be, what is missing, and what to ask for.
//!
//! A number stands alone only when nothing is missing. Values grow old while nothing arrives: they
//! are counted again by the clock of the moment of showing, by the rules that ingest goes by too.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::Serialize;
use veglia_view::{
    Evidence, Guard, Partial, Points, Row, RuleSet, Scale, ScoreParameter, Scored, WallMs,
};
use veglia_words::{Key, Words};

/// The rules that ingest counts by, read once.
pub(crate) static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::shipped);

/// A score of a patient, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// `NEWS2 almeno 5; mancano frequenza respiratoria, pressione`.
    pub text: String,
    /// Which of the missing values would change what is done: `Chiedere: frequenza respiratoria`.
    /// Empty when none would.
    pub ask: String,
    /// The least it can be.
    #[serde(skip)]
    pub min: u8,
}

/// The scores of a row as they read at a moment. One of which nothing is known any more is left
/// out.
pub(crate) fn scores(w: Words, row: &Row, now: WallMs) -> Vec<Score> {
    let mut said: Vec<Score> = Vec::new();
    for scored in &row.scores {
        match scored {
            Scored::Counted(partial) => {
                said.extend(counted(partial, now).map(|(now, _)| told(w, &now)));
            }
            // The same reason stands for every score.
            Scored::NotCounted(guards) if said.is_empty() => said.push(refused(w, guards)),
            Scored::NotCounted(_) => {}
        }
    }
    said
}

/// The NEWS2 of a row, where there is any of it.
pub(crate) fn news2(w: Words, row: &Row, now: WallMs) -> Option<Score> {
    let (current, _) = counted(partial(row)?, now)?;
    Some(told(w, &current))
}

fn partial(row: &Row) -> Option<&Partial> {
    row.scores.iter().find_map(|it| match it {
        Scored::Counted(partial) if partial.scale == Scale::News2 => Some(partial),
        _ => None,
    })
}

/// The least that the NEWS2 of a row can be, and until when it is that: what a place in the list
/// goes by, without words.
pub(crate) fn least(row: &Row, now: WallMs) -> Option<(u8, WallMs)> {
    let (current, until) = counted(partial(row)?, now)?;
    Some((current.min, until))
}

fn refused(w: Words, guards: &[Guard]) -> Score {
    let why = guards.iter().map(|guard| match guard {
        Guard::Under16 => w.say("score-under-16"),
        Guard::Pregnancy => w.say("score-pregnancy"),
    });
    let why: Vec<_> = why.collect();
    Score {
        text: w.with("score-refused", "why", why.join(", ")).to_string(),
        ask: String::new(),
        min: 0,
    }
}

/// A score by what of it is still fresh, and until when all of that is; none when nothing is.
#[must_use]
pub fn counted(partial: &Partial, now: WallMs) -> Option<(Cow<'_, Partial>, WallMs)> {
    let fresh = |it: &Points| Some((it.evidence, RULES.fresh(it.parameter)?.0));
    let fresh = |it: &Points| fresh(it).filter(|(by, age_ms)| now.since(by.at) <= *age_ms);
    let gone = |(by, age_ms): (Evidence, i64)| by.at.plus_ms(age_ms + 1);
    let until = partial.points.iter().filter_map(fresh).map(gone).min()?;
    if partial.points.iter().all(|it| fresh(it).is_some()) {
        return Some((Cow::Borrowed(partial), until));
    }
    let known = partial.points.iter().filter_map(fresh);
    let known: Vec<Evidence> = known.map(|(evidence, _)| evidence).collect();
    let again = RULES.partial(partial.scale, partial.oxygen_scale, &known)?;
    Some((Cow::Owned(again), until))
}

fn told(w: Words, partial: &Partial) -> Score {
    let name = match partial.scale {
        Scale::News2 => "NEWS2",
        Scale::Mews => "MEWS",
    };
    let min = partial.min;
    let text = if partial.is_complete() && min == partial.max {
        format!("{name} {min}")
    } else {
        w.with("score-least", "count", partial.missing.len())
            .and("score", name)
            .and("least", min)
            .and("missing", listed(w, &partial.missing))
            .to_string()
    };
    let ask = match partial.deciding.as_slice() {
        [] => String::new(),
        // The names stand before it.
        deciding if deciding == partial.missing && deciding.len() > 1 => {
            w.say("score-ask-all").into_owned()
        }
        deciding => w.with("score-ask", "what", listed(w, deciding)).to_string(),
    };
    Score { text, ask, min }
}

fn listed(w: Words, parameters: &[ScoreParameter]) -> String {
    let names: Vec<_> = parameters.iter().map(|it| w.say(name(*it))).collect();
    names.join(", ")
}

/// What is missing, as one asks for it.
fn name(parameter: ScoreParameter) -> Key {
    match parameter {
        ScoreParameter::SpO2 => Key("score-spo2"),
        ScoreParameter::RespiratoryRate => Key("score-breaths"),
        ScoreParameter::SystolicPressure => Key("score-pressure"),
        ScoreParameter::Pulse => Key("score-pulse"),
        ScoreParameter::Temperature => Key("score-temperature"),
        ScoreParameter::Consciousness => Key("score-consciousness"),
        ScoreParameter::Oxygen => Key("score-oxygen"),
    }
}

#[cfg(test)]
mod tests {
    use veglia_view::{Answer, AnswerCode, OxygenScale, PatientId, VitalKind, What};

    use veglia_words::Language;

    use super::*;

    const IT: Words = crate::WORDS.speaking(Language::It);

    /// 2020-11-21 14:12:00 in Rome.
    const NOW: WallMs = WallMs(1_605_964_320_000);
    const HOUR_MS: i64 = 3_600_000;

    fn measured(vital: VitalKind, steps: i32, at: WallMs) -> Evidence {
        let id = format!("00000000000000aa-{}", steps.unsigned_abs());
        Evidence::reading(id.parse().unwrap(), vital, steps, at)
    }

    fn row(known: &[Evidence]) -> Row {
        let mut row = Row::new(PatientId::new(1));
        let partial = RULES.partial(Scale::News2, OxygenScale::One, known);
        row.scores = vec![Scored::Counted(partial.unwrap())];
        row
    }

    #[test]
    fn a_score_of_which_values_are_missing_is_never_said_as_a_number() {
        let known = [
            measured(VitalKind::SpO2, 930, NOW),
            measured(VitalKind::Pulse, 1_020, NOW),
            measured(VitalKind::Temperature, 3_840, NOW),
        ];
        let score = news2(IT, &row(&known), NOW).unwrap();
        assert_eq!(
            score.text,
            "NEWS2 almeno 4; mancano frequenza respiratoria, se respira con ossigeno, pressione, \
             stato di coscienza"
        );
        assert_eq!(score.ask, "Chiederli: ciascuno può cambiare il rischio");
        assert_eq!(score.min, 4);
    }

    #[test]
    fn only_what_could_change_the_class_is_asked_for() {
        let known = [
            measured(VitalKind::SpO2, 910, NOW),
            measured(VitalKind::Pulse, 1_350, NOW),
            measured(VitalKind::Temperature, 3_950, NOW),
            measured(VitalKind::RespiratoryRate, 180, NOW),
        ];
        let score = news2(IT, &row(&known), NOW).unwrap();
        // Eight points already: nothing could make it graver, or less grave.
        assert!(
            score.text.starts_with("NEWS2 almeno 8; mancano"),
            "{score:?}"
        );
        assert_eq!(score.ask, "");
    }

    #[test]
    fn a_complete_score_is_a_number_and_asks_for_nothing() {
        let said = |code, value| Evidence {
            id: format!("00000000000000bb-{}", value + 1).parse().unwrap(),
            at: NOW,
            what: What::Answer {
                answer: Answer { code, value },
            },
        };
        let known = [
            measured(VitalKind::SpO2, 930, NOW),
            measured(VitalKind::Pulse, 1_020, NOW),
            measured(VitalKind::Temperature, 3_840, NOW),
            measured(VitalKind::RespiratoryRate, 220, NOW),
            measured(VitalKind::SystolicPressure, 1_250, NOW),
            said(AnswerCode::OnOxygen, 0),
            said(AnswerCode::Consciousness, 0),
        ];
        let score = news2(IT, &row(&known), NOW).unwrap();
        assert_eq!((score.text.as_str(), score.ask.as_str()), ("NEWS2 6", ""));
        let without = news2(crate::WORDS.speaking(Language::En), &row(&known[1..]), NOW).unwrap();
        assert_eq!(without.text, "NEWS2 at least 4; missing: SpO₂");
    }

    #[test]
    fn what_has_grown_old_is_missing_though_nothing_arrived() {
        let old = NOW.plus_ms(-300 * HOUR_MS);
        let known = [
            measured(VitalKind::SpO2, 930, old),
            measured(VitalKind::Pulse, 1_020, NOW),
        ];
        let score = news2(IT, &row(&known), NOW).unwrap();
        assert!(
            score.text.starts_with("NEWS2 almeno 1; mancano"),
            "{score:?}"
        );
        assert!(score.text.contains("SpO₂"), "{score:?}");
        let (_, gone) = least(&row(&known), NOW).unwrap();
        assert_eq!(news2(IT, &row(&known), gone), None, "then nothing is known");
    }
}
