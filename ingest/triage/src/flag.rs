//! Flags: what triage says, under names that a replay finds again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, Contact, RecordId, Sensor, VitalKind, WallMs};

use crate::patient::PatientId;
use crate::presence::Cause;
use crate::rules::RuleName;
use crate::score::Scale;

/// How much a flag asks of people. Technical flags speak of the watch, not of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The watch itself is impaired: a vital sign fell silent.
    Technical,
    /// Someone should look today.
    Amber,
    /// Someone must look now.
    Red,
}

impl Severity {
    /// `technical`, `amber`, `red`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a flag is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// One vital sign: its value, its course, its signal or its silence.
    Vital(VitalKind),
    /// A score over several vital signs.
    Score(Scale),
    /// What a person said of how they feel.
    Symptoms,
    /// Several vital signs that are bad at one time.
    Together,
    /// The home as a whole: nothing comes from it.
    Home,
}

impl About {
    /// The vital sign, if it is one.
    #[must_use]
    pub fn vital(self) -> Option<VitalKind> {
        match self {
            Self::Vital(vital) => Some(vital),
            Self::Score(_) | Self::Symptoms | Self::Together | Self::Home => None,
        }
    }

    /// The name of the vital sign or score, `symptoms`, `together` or `home`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vital(vital) => vital.name(),
            Self::Score(scale) => scale.name(),
            Self::Symptoms => "symptoms",
            Self::Together => "together",
            Self::Home => "home",
        }
    }
}

impl TryFrom<String> for About {
    type Error = UnknownAbout;

    fn try_from(text: String) -> Result<Self, UnknownAbout> {
        if let Ok(vital) = text.parse() {
            return Ok(Self::Vital(vital));
        }
        let scores = Scale::ALL.map(Self::Score);
        let others = [Self::Symptoms, Self::Together, Self::Home];
        let others = scores.into_iter().chain(others);
        let mut named = others.filter(|about| about.name() == text);
        named.next().ok_or(UnknownAbout)
    }
}

impl From<About> for String {
    fn from(about: About) -> Self {
        about.name().to_owned()
    }
}

/// A text that names nothing a flag is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a flag is about a vital sign, a score, symptoms, several together, or the home")]
pub struct UnknownAbout;

/// What set a flag off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// This reading; of a stream, the one whose value was the median. Of a score, the record at
    /// which it was reached.
    Record(RecordId),
    /// A vital sign that was expected at this time and did not come.
    SilentSince(VitalKind, WallMs),
    /// A home that was last heard at this time.
    HomeSilentSince(WallMs),
}

/// The name of a flag for ever: the same inputs make the same name, on any machine, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FlagId {
    /// Whose.
    pub patient: PatientId,
    /// By which rule.
    pub rule: RuleName,
    /// Of which version of which rule set.
    pub rule_set: RuleName,
    /// Set off by what.
    pub trigger: Trigger,
}

/// `patient.rule.rule-set.record.epoch-sequence`, `patient.rule.rule-set.silent.vital.ms` or
/// `patient.rule.rule-set.silent.home.ms`.
impl fmt::Display for FlagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.", self.patient, self.rule, self.rule_set)?;
        match self.trigger {
            Trigger::Record(record) => write!(f, "record.{record}"),
            Trigger::SilentSince(vital, since) => write!(f, "silent.{vital}.{since}"),
            Trigger::HomeSilentSince(since) => write!(f, "silent.home.{since}"),
        }
    }
}

impl FromStr for FlagId {
    type Err = FlagIdError;

    fn from_str(text: &str) -> Result<Self, FlagIdError> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(FlagIdError);
        let patient = part()?.parse().map_err(|_| FlagIdError)?;
        let rule = part()?.parse().map_err(|_| FlagIdError)?;
        let rule_set = part()?.parse().map_err(|_| FlagIdError)?;
        let trigger = match part()? {
            "record" => Trigger::Record(part()?.parse().map_err(|_| FlagIdError)?),
            "silent" => {
                let what = part()?;
                let since = WallMs(part()?.parse().map_err(|_| FlagIdError)?);
                match what {
                    "home" => Trigger::HomeSilentSince(since),
                    vital => Trigger::SilentSince(vital.parse().map_err(|_| FlagIdError)?, since),
                }
            }
            _ => return Err(FlagIdError),
        };
        match parts.next() {
            Some(_) => Err(FlagIdError),
            None => Ok(Self {
                patient,
                rule,
                rule_set,
                trigger,
            }),
        }
    }
}

impl TryFrom<String> for FlagId {
    type Error = FlagIdError;
    fn try_from(text: String) -> Result<Self, FlagIdError> {
        text.parse()
    }
}

impl From<FlagId> for String {
    fn from(id: FlagId) -> Self {
        id.to_string()
    }
}

/// A text that is no [`FlagId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a flag is named patient.rule.rule-set.record.ID or patient.rule.rule-set.silent.VITAL.MS")]
pub struct FlagIdError;

/// The readings of which one is the median: the clean readings of its device, in order of
/// measuring, from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Median {
    /// The earliest.
    pub first: RecordId,
    /// The latest: the one that made this the median.
    pub last: RecordId,
    /// How many, both ends among them.
    pub readings: u32,
}

/// A record that stands behind a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// The record.
    pub id: RecordId,
    /// When it was measured or said.
    pub at: WallMs,
    /// What it says.
    #[serde(flatten)]
    pub what: What,
}

impl Evidence {
    /// A reading that was judged by itself.
    #[must_use]
    pub fn reading(id: RecordId, vital: VitalKind, steps: i32, at: WallMs) -> Self {
        let what = What::Value {
            vital,
            steps,
            median: None,
        };
        Self { id, at, what }
    }

    /// The value it says, in the steps of its vital sign, if it is a reading.
    #[must_use]
    pub fn value(&self) -> Option<(VitalKind, i32)> {
        match self.what {
            What::Value { vital, steps, .. } => Some((vital, steps)),
            What::Answer { .. } | What::Contact { .. } => None,
        }
    }

    /// Of which readings it is the median, if it was judged as one of a stream.
    #[must_use]
    pub fn median(&self) -> Option<Median> {
        match self.what {
            What::Value { median, .. } => median,
            What::Answer { .. } | What::Contact { .. } => None,
        }
    }
}

/// What a record behind a flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum What {
    /// A vital sign was measured.
    Value {
        /// Which vital sign.
        vital: VitalKind,
        /// Its value as measured, not as rounded, in [`VitalKind::steps_per_unit`].
        steps: i32,
        /// Of which readings it is the median, if it was judged as one of a stream.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        median: Option<Median>,
    },
    /// A person answered a question.
    Answer {
        /// The question and the answer.
        answer: Answer,
    },
    /// A sensor said how it holds on the body.
    Contact {
        /// Which sensor.
        sensor: Sensor,
        /// How.
        contact: Contact,
    },
}

/// How a flag was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The next reading said the same; of a stream, the next median that shares no reading with
    /// the first.
    Repeat,
    /// No next reading came in time.
    MissedRepeat,
    /// The rule waits for nothing, or the value was too bad to wait.
    AtOnce,
    /// What was expected did not come, for this cause as far as it is known. The cause is told
    /// again when it becomes another; of a silence that is over it stays as last told.
    Silent(Cause),
}

/// How sure a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// One reading; the home is asked to measure again.
    Unconfirmed {
        /// When the repeat counts as missed.
        repeat_by: WallMs,
    },
    /// A person is to be told.
    Confirmed {
        /// By what.
        how: How,
        /// Since when, by the time of measuring.
        at: WallMs,
    },
}

impl Standing {
    /// Whether a person is to be told.
    #[must_use]
    pub fn is_confirmed(self) -> bool {
        matches!(self, Self::Confirmed { .. })
    }
}

/// Why a flag's episode is over. A confirmed red ends as an episode, so that a later red is a new
/// flag; the alert that people got stays until a person closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The repeat did not bear the first reading out. One that arrives late refutes in the same
    /// way what was confirmed without it.
    NotConfirmed,
    /// Enough readings out of the band for long enough.
    Recovered,
    /// The silent vital sign is there again.
    DataReturned,
    /// Readings that arrived late tell another story: the flag is withdrawn. The only end by which
    /// a rule says that a flag does not stand.
    ExplainedByLateData,
    /// The plan, or the rule, no longer asks.
    PlanEnded,
    /// The patient is not at home: nothing is expected.
    Away,
    /// What it rests on was not the patient's: who had the device was corrected. Said by whoever
    /// knows whose readings are, never by a rule.
    NotTheirs,
}

/// Something that people should know of a patient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flag {
    /// Its name.
    pub id: FlagId,
    /// What it asks of people.
    pub severity: Severity,
    /// What it is about.
    #[serde(alias = "vital")]
    pub about: About,
    /// Since when, by the time of measuring: of a stream, when its median went over. For silence,
    /// when a reading was expected.
    pub since: WallMs,
    /// The exact records behind it, oldest first; none for silence.
    pub evidence: Vec<Evidence>,
    /// How sure it is.
    pub standing: Standing,
    /// The reading behind it reached the centre long after it was measured.
    pub late: bool,
    /// Place of this saying among all that is said of the flag, from 1. See [`Verdict`].
    pub telling: u32,
}

impl Flag {
    /// Which vital sign is to be measured again, if the flag waits for that: of a score, the one
    /// that set it off, which is its newest evidence.
    #[must_use]
    pub fn repeats(&self) -> Option<VitalKind> {
        let newest = || self.evidence.last()?.value().map(|(vital, _)| vital);
        match self.standing {
            Standing::Unconfirmed { .. } => self.about.vital().or_else(newest),
            Standing::Confirmed { .. } => None,
        }
    }
}

/// What triage says. All that is said of one flag is numbered (`telling`), so that a record of it
/// can be inserted or ignored: the same inputs give the same tellings, and the highest holds.
///
/// One step raises and confirms before it ends: in between, nobody sees a patient without a flag
/// whose cause lasts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The flag stands, as told. Also for a flag that was ended and, by late data, stands again,
    /// and as a reminder of a confirmed one that lasts: it asks for a person again.
    Raise(Flag),
    /// The flag is confirmed, or confirmed by other readings than was told before. When it was
    /// confirmed otherwise and is now [`How::AtOnce`], the patient has become worse.
    Confirm {
        /// Which flag.
        id: FlagId,
        /// By what.
        how: How,
        /// The readings behind it now.
        evidence: Vec<Evidence>,
        /// Since when, by the time of measuring.
        at: WallMs,
        /// Place among all that is said of the flag.
        telling: u32,
    },
    /// The flag's episode is over.
    End {
        /// Which flag.
        id: FlagId,
        /// Why.
        why: Why,
        /// When: by the time of measuring, but for [`Why::ExplainedByLateData`] the time at which
        /// the centre knew.
        at: WallMs,
        /// Place among all that is said of the flag.
        telling: u32,
    },
}

impl Verdict {
    /// Of which flag.
    #[must_use]
    pub fn id(&self) -> &FlagId {
        match self {
            Self::Raise(flag) => &flag.id,
            Self::Confirm { id, .. } | Self::End { id, .. } => id,
        }
    }

    /// Place among all that is said of the flag, from 1.
    #[must_use]
    pub fn telling(&self) -> u32 {
        match self {
            Self::Raise(flag) => flag.telling,
            Self::Confirm { telling, .. } | Self::End { telling, .. } => *telling,
        }
    }
}
