//! Scores over several vital signs, honest about what is not known.
//!
//! A chart (`score/chart.rs`) is data of the rule set: points for each value of each parameter,
//! and classes of risk for the sum. A score of which values are missing is never a number but an
//! interval with the classes at its ends (`score/partial.rs`); it names the missing values that
//! could change the class, which are exactly the ones to ask for. A value that is too old is
//! missing; so is one that may not be judged (not clean, implausible, from the skin).
//!
//! **Flags.** At each value the newest fresh values are counted again, by the time of measuring;
//! the *least* the score can be decides (`score/count.rs`, `score/course.rs`). A rule's first
//! moment is borne out by a new value of the parameter that set it off. The episode ends by
//! measured recovery only: a value that has merely grown old while it lasted is still counted
//! against its end, so a flag never falls silent because nobody measures.
//!
//! **One cause, one flag.** Three points of one parameter say nothing when a rule of that vital
//! sign flags the value already: oxygen at 91 % is `spo2-red` alone. And a rule may yield to a
//! graver one: while that one's class is reached, it begins no episode of its own.
//!
//! **Not counted** under a guard of the plan (under 16, pregnancy): the scores are made for other
//! people.
//!
//! **Limits.** The memory is [`SCORED_MAX`] values over two days (`score/watch.rs`). What arrives
//! from before it counts from the oldest moment kept, and only while it is the newest of its kind.
//!
//! Deliberately absent: words for people, and any number that is not in the rule set.

mod chart;
mod count;
mod course;
mod partial;
mod watch;

use std::fmt;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, AnswerCode, VitalKind};

use crate::flag::What;

pub use chart::{Chart, Class};
pub(crate) use chart::{Charts, Fresh, Item, PointBand, SCORE_MAX, ScoreRule, Table};
pub(crate) use count::Entry;
pub use partial::{Partial, Points, Scored};
pub use watch::SCORED_MAX;
pub(crate) use watch::Scoring;

/// Which score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// National Early Warning Score 2 (Royal College of Physicians, 2017).
    News2,
    /// Modified Early Warning Score (Subbe 2001), read beside the oximeter.
    Mews,
}

impl Scale {
    /// Every score.
    pub const ALL: [Self; 2] = [Self::News2, Self::Mews];

    /// `news2`, `mews`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::News2 => "news2",
            Self::Mews => "mews",
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that a score counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreParameter {
    /// Oxygen saturation.
    #[serde(rename = "spo2")]
    SpO2,
    /// Respiratory rate.
    RespiratoryRate,
    /// Systolic pressure.
    SystolicPressure,
    /// Pulse rate.
    Pulse,
    /// Temperature.
    Temperature,
    /// Level of consciousness, as answered.
    Consciousness,
    /// Whether on supplementary oxygen, as answered.
    Oxygen,
}

impl ScoreParameter {
    /// Every parameter, in the order in which they are asked for.
    pub const ALL: [Self; 7] = [
        Self::SpO2,
        Self::RespiratoryRate,
        Self::SystolicPressure,
        Self::Pulse,
        Self::Temperature,
        Self::Consciousness,
        Self::Oxygen,
    ];

    /// The vital sign, if it is one; the others are answers.
    #[must_use]
    pub fn vital(self) -> Option<VitalKind> {
        match self {
            Self::SpO2 => Some(VitalKind::SpO2),
            Self::RespiratoryRate => Some(VitalKind::RespiratoryRate),
            Self::SystolicPressure => Some(VitalKind::SystolicPressure),
            Self::Pulse => Some(VitalKind::Pulse),
            Self::Temperature => Some(VitalKind::Temperature),
            Self::Consciousness | Self::Oxygen => None,
        }
    }

    /// The parameter that a vital sign is.
    #[must_use]
    pub fn of_vital(vital: VitalKind) -> Self {
        match vital {
            VitalKind::SpO2 => Self::SpO2,
            VitalKind::RespiratoryRate => Self::RespiratoryRate,
            VitalKind::SystolicPressure => Self::SystolicPressure,
            VitalKind::Pulse => Self::Pulse,
            VitalKind::Temperature => Self::Temperature,
        }
    }

    /// The parameter that a record gives a value to, if scores count what it says.
    #[must_use]
    pub fn of(what: &What) -> Option<Self> {
        match what {
            What::Value { vital, .. } => Some(Self::of_vital(*vital)),
            What::Answer { answer } => match answer.code {
                AnswerCode::OnOxygen => Some(Self::Oxygen),
                AnswerCode::Consciousness => Some(Self::Consciousness),
                _ => None,
            },
            What::Contact { .. } => None,
        }
    }

    /// The name of the vital sign, `consciousness` or `oxygen`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.vital(), self) {
            (Some(vital), _) => vital.name(),
            (None, Self::Oxygen) => "oxygen",
            (None, _) => "consciousness",
        }
    }

    /// The words for the answers to its question and their values on the wire; none for a vital
    /// sign.
    pub(crate) fn answers(self) -> &'static [(&'static str, i32)] {
        match self {
            Self::Consciousness => &[
                ("alert", 0),
                ("voice", 1),
                ("pain", 2),
                ("unresponsive", 3),
                ("new-confusion", 4),
            ],
            Self::Oxygen => &[("no", 0), ("yes", 1)],
            _ => &[],
        }
    }

    /// What a record with this value says.
    pub(crate) fn says(self, value: i32) -> What {
        let answer = |code| What::Answer {
            answer: Answer { code, value },
        };
        match (self.vital(), self) {
            (Some(vital), _) => What::Value {
                vital,
                steps: value,
                median: None,
            },
            (None, Self::Oxygen) => answer(AnswerCode::OnOxygen),
            (None, _) => answer(AnswerCode::Consciousness),
        }
    }
}

impl fmt::Display for ScoreParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
