//! A patient's plan: which vital signs are expected when, and their personal target.
//!
//! A version is immutable. In force at a moment is the highest version that begins by then, from
//! its `from` to its `until`; a later version does not rewrite what an earlier one asked.
//! Expected times are local times of the rule set's zone (Europe/Rome), so a morning stays a
//! morning over both changes of the clock.
//!
//! A plan may move some limits of the rule set for its patient (`own.rs`), and names who is called
//! by the name of a ladder; what that name means is the diary's.
//!
//! Deliberately absent: names of people, and who decided what: that is written beside the plan.

mod fault;
mod file;
mod own;
mod schedule;
mod template;
mod text;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use veglia_wire::{VitalKind, WallMs};

use crate::patient::PatientId;
use crate::rules::{RuleName, RuleSet};

pub use fault::{Field, PlanError};
pub use file::{PlanFileError, after_day};
pub use own::{End, OwnLimits, in_units};
pub use template::Template;
pub use text::ExpectedError;

pub(crate) use own::Own;

pub(crate) use schedule::{Segment, asked_around, expectation, of_person, segments};

/// Most times a day for one vital sign: hourly.
pub const DAILY_TIMES_MAX: usize = 24;

/// Longest interval or grace, in minutes: a week. A vital sign expected less often is not watched.
pub const MINUTES_MAX: u32 = 7 * 24 * 60;

const DAY_MINUTES: u32 = 24 * 60;

/// Number of a plan's version: 1, 2, 3 … within a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanVersion(pub i64);

impl fmt::Display for PlanVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A time of day, `HH:MM`, on the clock of the patient's kitchen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime {
    hour: i8,
    minute: i8,
}

impl LocalTime {
    /// Hour 0 to 23, minute 0 to 59.
    #[must_use]
    pub fn new(hour: i8, minute: i8) -> Option<Self> {
        let is_time = (0..24).contains(&hour) && (0..60).contains(&minute);
        is_time.then_some(Self { hour, minute })
    }

    fn minute_of_day(self) -> u32 {
        let part = |number: i8| u32::from(number.unsigned_abs());
        part(self.hour) * 60 + part(self.minute)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl FromStr for LocalTime {
    type Err = LocalTimeError;

    fn from_str(text: &str) -> Result<Self, LocalTimeError> {
        let is_written =
            text.len() == 5 && text.bytes().all(|it| it == b':' || it.is_ascii_digit());
        let parts = text
            .split_once(':')
            .filter(|_| is_written)
            .ok_or(LocalTimeError)?;
        let number = |part: &str| part.parse().map_err(|_| LocalTimeError);
        Self::new(number(parts.0)?, number(parts.1)?).ok_or(LocalTimeError)
    }
}

impl TryFrom<String> for LocalTime {
    type Error = LocalTimeError;
    fn try_from(text: String) -> Result<Self, LocalTimeError> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

/// A text that is no [`LocalTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written HH:MM, 00:00 to 23:59")]
pub struct LocalTimeError;

/// When a vital sign is expected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// So many minutes after the last one.
    EveryMinutes(u32),
    /// At these times of each day. A reading up to the grace before counts for its time.
    DailyAt(Vec<LocalTime>),
    /// Continuously, in some hours of each day: those of the night.
    Within(Hours),
}

/// Hours of each day, over midnight when they end before they begin, and a cadence in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From when; the first reading is expected then.
    pub from: LocalTime,
    /// Until when; within a grace of it nothing is asked any more.
    pub until: LocalTime,
    /// So many minutes after the last one.
    pub every_minutes: u32,
}

impl Hours {
    /// How many minutes they last on a day without a change of the clock.
    fn minutes(self) -> u32 {
        let (from, until) = (self.from.minute_of_day(), self.until.minute_of_day());
        (until + DAY_MINUTES - from) % DAY_MINUTES
    }
}

/// One vital sign of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Which.
    pub vital: VitalKind,
    /// When.
    pub expected: Expected,
    /// How long after the expected time silence is flagged.
    pub grace_minutes: u32,
}

/// A personal range of oxygen saturation, recorded by a clinician: it replaces the fixed bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Lowest value wanted, in percent.
    pub low_percent: u8,
    /// Highest value wanted, in percent.
    pub high_percent: u8,
}

/// By which scale NEWS2 counts oxygen saturation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OxygenScale {
    /// For nearly everybody.
    #[default]
    One,
    /// For a person whose hypercapnic respiratory failure a competent clinician has recorded.
    Two,
}

/// Why the scores, which are made for adults, are not counted for a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Younger than 16 years.
    Under16,
    /// Pregnant.
    Pregnancy,
}

/// Whether the patient's family doctor is told, where the ladder says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FamilyDoctor {
    /// As the ladder has it.
    #[default]
    Informed,
    /// Not at all: the family doctor does not follow this patient.
    NotInformed,
}

/// Who is called for a patient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calling {
    /// The ladder by its name; the centre's usual one when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<RuleName>,
    /// Whether the family doctor is told.
    #[serde(default)]
    pub family_doctor: FamilyDoctor,
}

impl Calling {
    /// Whether it is the centre's usual way.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// One version of a patient's plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Whose.
    pub patient: PatientId,
    /// Which version.
    pub version: PlanVersion,
    /// In force from.
    pub from: WallMs,
    /// In force until, if an end is set: afterwards nothing is expected.
    pub until: Option<WallMs>,
    /// What is expected. Each vital sign at most once.
    pub parameters: Vec<Parameter>,
    /// Personal target of oxygen saturation.
    pub spo2: Option<Target>,
    /// By which scale NEWS2 counts oxygen saturation.
    #[serde(default)]
    pub oxygen_scale: OxygenScale,
    /// Why scores are not counted, if they are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// Limits in place of the rule set's. Each vital sign at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<OwnLimits>,
    /// Who is called.
    #[serde(default, skip_serializing_if = "Calling::is_usual")]
    pub calling: Calling,
}

impl Plan {
    /// Checks what a person wrote, by the rules that it is to be judged with.
    ///
    /// # Errors
    /// Every fault, in the order of the form.
    pub fn validate(&self, rules: &RuleSet) -> Result<(), Vec<PlanError>> {
        let mut faults = Vec::new();
        if self.version.0 < 1 {
            faults.push(PlanError::Version(self.version));
        }
        if self.until.is_some_and(|until| until <= self.from) {
            faults.push(PlanError::Period);
        }
        for (index, parameter) in self.parameters.iter().enumerate() {
            let earlier = self.parameters.iter().take(index);
            if earlier.into_iter().any(|it| it.vital == parameter.vital) {
                faults.push(PlanError::Twice(parameter.vital));
            }
            faults.extend(parameter.fault());
        }
        let is_range = |target: Target| {
            (70..=100).contains(&target.low_percent)
                && (70..=100).contains(&target.high_percent)
                && target.low_percent < target.high_percent
        };
        if self.spo2.is_some_and(|target| !is_range(target)) {
            faults.push(PlanError::Target);
        } else if self.is_lowering(rules) {
            faults.push(PlanError::Lowered);
        }
        if self.oxygen_scale == OxygenScale::Two && self.spo2.is_none() {
            faults.push(PlanError::Scale);
        }
        faults.extend(self.faults_of_limits(rules));
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    pub(crate) fn parameter(&self, vital: VitalKind) -> Option<&Parameter> {
        self.parameters.iter().find(|it| it.vital == vital)
    }
}

impl Parameter {
    pub(crate) fn grace_ms(&self) -> i64 {
        i64::from(self.grace_minutes) * 60_000
    }

    fn fault(&self) -> Option<PlanError> {
        let allowed = 1..=MINUTES_MAX;
        if !allowed.contains(&self.grace_minutes) {
            return Some(PlanError::Grace(self.vital));
        }
        match &self.expected {
            Expected::EveryMinutes(every) if allowed.contains(every) => None,
            Expected::EveryMinutes(_) => Some(PlanError::Interval(self.vital)),
            Expected::DailyAt(times) => self.fault_of_times(times),
            Expected::Within(hours) => self.fault_of_hours(*hours),
        }
    }

    fn fault_of_hours(&self, hours: Hours) -> Option<PlanError> {
        if !(1..=MINUTES_MAX).contains(&hours.every_minutes) {
            return Some(PlanError::Interval(self.vital));
        }
        let is_short = hours.minutes() <= self.grace_minutes + hours.every_minutes;
        is_short.then_some(PlanError::Hours(self.vital))
    }

    fn fault_of_times(&self, times: &[LocalTime]) -> Option<PlanError> {
        let is_ordered = times.iter().zip(times.iter().skip(1)).all(|(a, b)| a < b);
        let (Some(first), true) = (times.first(), is_ordered && times.len() <= DAILY_TIMES_MAX)
        else {
            return Some(PlanError::Times(self.vital));
        };
        let minutes = times.iter().map(|time| time.minute_of_day());
        let next = minutes.clone().skip(1);
        let next = next.chain([first.minute_of_day() + DAY_MINUTES]);
        let closest = minutes.zip(next).map(|(a, b)| b.saturating_sub(a)).min();
        let is_crowded = closest.is_some_and(|gap| gap < 2 * self.grace_minutes);
        is_crowded.then_some(PlanError::Crowded(self.vital))
    }
}
