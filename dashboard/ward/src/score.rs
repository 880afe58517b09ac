//! A score as it is honestly said: the least it can be, what is missing, and what to ask for.
//!
//! A number stands alone only when nothing is missing. Values grow old while nothing arrives: they
//! are counted again by the clock of the moment of showing, by the rules that ingest goes by too.

use std::sync::LazyLock;

use serde::Serialize;
use veglia_view::{
    Evidence, Guard, Partial, Points, Row, RuleSet, Scale, ScoreParameter, Scored, WallMs,
};

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
    pub(crate) min: u8,
    /// From when on one of its values is too old to count.
    #[serde(skip)]
    pub(crate) until: Option<WallMs>,
}

/// The scores of a row as they read at a moment. One of which nothing is known any more is left
/// out.
pub(crate) fn scores(row: &Row, now: WallMs) -> Vec<Score> {
    let mut said: Vec<Score> = Vec::new();
    for scored in &row.scores {
        match scored {
            Scored::Counted(partial) => said.extend(counted(partial, now)),
            // The same reason stands for every score.
            Scored::NotCounted(guards) if said.is_empty() => said.push(refused(guards)),
            Scored::NotCounted(_) => {}
        }
    }
    said
}

/// The NEWS2 of a row, where there is any of it.
pub(crate) fn news2(row: &Row, now: WallMs) -> Option<Score> {
    let is_news2 =
        |it: &&Scored| matches!(it, Scored::Counted(partial) if partial.scale == Scale::News2);
    match row.scores.iter().find(is_news2)? {
        Scored::Counted(partial) => counted(partial, now),
        Scored::NotCounted(_) => None,
    }
}

/// The least that the NEWS2 of a row can be, and until when it is that: what a place in the list
/// goes by, without words.
pub(crate) fn least(row: &Row, now: WallMs) -> Option<(u8, WallMs)> {
    let is_news2 =
        |it: &&Scored| matches!(it, Scored::Counted(partial) if partial.scale == Scale::News2);
    let Some(Scored::Counted(partial)) = row.scores.iter().find(is_news2) else {
        return None;
    };
    let fresh = |it: &Points| Some((it.evidence, RULES.fresh(it.parameter)?.0));
    let fresh = |it: &Points| fresh(it).filter(|(by, age_ms)| now.since(by.at) <= *age_ms);
    let gone = |(by, age_ms): (Evidence, i64)| by.at.plus_ms(age_ms + 1);
    let until = partial.points.iter().filter_map(fresh).map(gone).min()?;
    if partial.points.iter().all(|it| fresh(it).is_some()) {
        return Some((partial.min, until));
    }
    counted(partial, now).map(|score| (score.min, until))
}

fn refused(guards: &[Guard]) -> Score {
    let why = guards.iter().map(|guard| match guard {
        Guard::Under16 => "sotto i 16 anni",
        Guard::Pregnancy => "in gravidanza",
    });
    let why: Vec<&str> = why.collect();
    Score {
        text: format!("NEWS2 e MEWS non si calcolano {}", why.join(", ")),
        ask: String::new(),
        min: 0,
        until: None,
    }
}

fn counted(partial: &Partial, now: WallMs) -> Option<Score> {
    let fresh = |evidence: &Evidence, age_ms: i64| now.since(evidence.at) <= age_ms;
    let known: Vec<(Evidence, i64)> = partial
        .points
        .iter()
        .filter_map(|it| Some((it.evidence, RULES.fresh(it.parameter)?.0)))
        .filter(|(evidence, age_ms)| fresh(evidence, *age_ms))
        .collect();
    let until = known.iter().map(|(it, age_ms)| it.at.plus_ms(age_ms + 1));
    let until = until.min()?;
    if known.len() == partial.points.len() {
        return Some(told(partial, until));
    }
    let known: Vec<Evidence> = known.into_iter().map(|(evidence, _)| evidence).collect();
    let again = RULES.partial(partial.scale, partial.oxygen_scale, &known)?;
    Some(told(&again, until))
}

fn told(partial: &Partial, until: WallMs) -> Score {
    let name = match partial.scale {
        Scale::News2 => "NEWS2",
        Scale::Mews => "MEWS",
    };
    let min = partial.min;
    let text = if partial.is_complete() && min == partial.max {
        format!("{name} {min}")
    } else {
        let verb = if partial.missing.len() == 1 {
            "manca"
        } else {
            "mancano"
        };
        format!("{name} almeno {min}; {verb} {}", listed(&partial.missing))
    };
    let ask = match partial.deciding.as_slice() {
        [] => String::new(),
        // The names stand before it.
        deciding if deciding == partial.missing && deciding.len() > 1 => {
            "Chiederli: ciascuno può cambiare il rischio".to_owned()
        }
        deciding => format!("Chiedere: {}", listed(deciding)),
    };
    Score {
        text,
        ask,
        min,
        until: Some(until),
    }
}

fn listed(parameters: &[ScoreParameter]) -> String {
    let names: Vec<&str> = parameters.iter().map(|it| name(*it)).collect();
    names.join(", ")
}

/// What is missing, as one asks for it.
fn name(parameter: ScoreParameter) -> &'static str {
    match parameter {
        ScoreParameter::SpO2 => "SpO₂",
        ScoreParameter::RespiratoryRate => "frequenza respiratoria",
        ScoreParameter::SystolicPressure => "pressione",
        ScoreParameter::Pulse => "polso",
        ScoreParameter::Temperature => "temperatura",
        ScoreParameter::Consciousness => "stato di coscienza",
        ScoreParameter::Oxygen => "se respira con ossigeno",
    }
}

#[cfg(test)]
mod tests {
    use veglia_view::{Answer, AnswerCode, OxygenScale, PatientId, VitalKind, What};

    use super::*;

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
        let score = news2(&row(&known), NOW).unwrap();
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
        let score = news2(&row(&known), NOW).unwrap();
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
        let score = news2(&row(&known), NOW).unwrap();
        assert_eq!((score.text.as_str(), score.ask.as_str()), ("NEWS2 6", ""));
    }

    #[test]
    fn what_has_grown_old_is_missing_though_nothing_arrived() {
        let old = NOW.plus_ms(-300 * HOUR_MS);
        let known = [
            measured(VitalKind::SpO2, 930, old),
            measured(VitalKind::Pulse, 1_020, NOW),
        ];
        let score = news2(&row(&known), NOW).unwrap();
        assert!(
            score.text.starts_with("NEWS2 almeno 1; mancano"),
            "{score:?}"
        );
        assert!(score.text.contains("SpO₂"), "{score:?}");
        let gone = score.until.unwrap();
        assert_eq!(news2(&row(&known), gone), None, "then nothing is known");
    }
}
