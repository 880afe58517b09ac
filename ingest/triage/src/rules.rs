//! A rule set: versioned data with a source beside every number, read once and never repaired.
//!
//! Per vital sign: its unit, how a value is rounded before it is judged, which values are no
//! measurement at all, and bands that cover every value exactly once. A rule raises a flag for
//! one band of one vital sign, and for what lies beyond it. Reading and checking the text is in
//! `rules/parse.rs`; thresholds of another year are another file.
//!
//! Deliberately absent: a rule language. What a rule can do is code; by which numbers is data.

mod calls;
mod comfort;
mod days;
mod gates;
mod limit;
mod parse;
mod scores;
mod text;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use veglia_wire::{Quality, Site, Vital, VitalKind, WallMs};

use crate::flag::Severity;
use crate::plan::{End, Own, Plan};
use crate::score::Charts;

pub(crate) use calls::{Calls, SignalRule, SymptomRule, TogetherRule};
pub(crate) use days::DaysRules;
pub(crate) use gates::GateRule;
pub use parse::RuleSetError;
pub(crate) use text::Number;

/// The rule set that is shipped.
const HOME_2020: &str = include_str!("../rules/home-2020.toml");

/// Longest name of a rule or rule set: it is part of every flag's id, which is a primary key.
pub const NAME_CHARS_MAX: usize = 32;

/// The name of a rule, or of a version of a rule set: `[a-z0-9-]`, 1 to [`NAME_CHARS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleName(Arc<str>);

impl RuleName {
    /// The name as it stands in the rule set.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rule that watches for a home that is off line: `silence-home`.
    #[must_use]
    pub fn silence_of_home() -> Self {
        Self(Arc::from("silence-home"))
    }

    /// The rule that watches for silence of a vital sign: `silence-spo2` and so on.
    #[must_use]
    pub fn silence(vital: VitalKind) -> Self {
        Self(Arc::from(match vital {
            VitalKind::SpO2 => "silence-spo2",
            VitalKind::Pulse => "silence-pulse",
            VitalKind::Temperature => "silence-temperature",
            VitalKind::RespiratoryRate => "silence-respiratory-rate",
            VitalKind::SystolicPressure => "silence-systolic-pressure",
        }))
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RuleName {
    type Err = RuleNameError;

    fn from_str(text: &str) -> Result<Self, RuleNameError> {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if text.is_empty() || text.len() > NAME_CHARS_MAX || !text.bytes().all(is_plain) {
            return Err(RuleNameError);
        }
        Ok(Self(Arc::from(text)))
    }
}

impl TryFrom<String> for RuleName {
    type Error = RuleNameError;
    fn try_from(text: String) -> Result<Self, RuleNameError> {
        text.parse()
    }
}

impl From<RuleName> for String {
    fn from(name: RuleName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// A text that is no [`RuleName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rule is named by 1 to {NAME_CHARS_MAX} of a-z, 0-9 and '-'")]
pub struct RuleNameError;

/// How a value becomes the number that is judged, in the vital sign's scored step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Whole units, down: 92.9 % is 92 %.
    DownToUnit,
    /// Whole units, the nearer, halves up.
    NearestUnit,
    /// Tenths of a unit, the nearer, halves up: 38.05 °C is 38.1 °C.
    NearestTenth,
}

impl Rounding {
    /// Scored steps in one unit.
    pub(crate) fn steps_per_unit(self) -> i32 {
        match self {
            Self::DownToUnit | Self::NearestUnit => 1,
            Self::NearestTenth => 10,
        }
    }

    fn score(self, kind: VitalKind, steps: i32) -> i32 {
        let per_step = kind.steps_per_unit() / self.steps_per_unit();
        let half = match self {
            Self::DownToUnit => 0,
            Self::NearestUnit | Self::NearestTenth => per_step / 2,
        };
        steps.saturating_add(half).div_euclid(per_step)
    }
}

/// A range of scored values, both ends in it; an absent end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Option<i32>,
    pub(crate) to: Option<i32>,
}

impl Range {
    pub(crate) fn up_to(to: i32) -> Self {
        Self {
            from: None,
            to: Some(to),
        }
    }

    /// The two as one, if nothing lies between them.
    pub(crate) fn with_neighbour(self, other: Self) -> Option<Self> {
        let (low, high) = if self.from <= other.from {
            (self, other)
        } else {
            (other, self)
        };
        let meets = match (low.to, high.from) {
            (Some(to), Some(from)) => from <= to.saturating_add(1),
            _ => true,
        };
        let to = low.to.and_then(|low| high.to.map(|high| low.max(high)));
        let from = low.from;
        meets.then_some(Self { from, to })
    }

    /// The same with one end at a score.
    fn ending(self, end: End, score: i32) -> Self {
        let (from, to) = if end.is_low() {
            (self.from, Some(score))
        } else {
            (Some(score), self.to)
        };
        Self { from, to }
    }

    pub(crate) fn holds(self, score: i32) -> bool {
        self.from.is_none_or(|from| from <= score) && self.to.is_none_or(|to| score <= to)
    }
}

/// A named range of values of a vital sign, for colours and for rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub(crate) name: RuleName,
    pub(crate) range: Range,
    pub(crate) source: String,
}

impl Band {
    /// Its name within the vital sign: `red`, `amber`, `usual`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Where its limits come from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// How one vital sign is read.
#[derive(Debug, Clone)]
pub(crate) struct VitalRules {
    pub(crate) kind: VitalKind,
    pub(crate) rounding: Rounding,
    pub(crate) plausible: Range,
    pub(crate) unscored_sites: Vec<Site>,
    pub(crate) bands: Vec<Band>,
    /// The values of which no rule with a band says anything, where they are one range: looked up
    /// before the rules are asked.
    pub(crate) usual: Option<Range>,
    /// How many points under the patient's own baseline a rule of it begins.
    pub(crate) under_baseline: Option<i32>,
}

impl VitalRules {
    pub(crate) fn score(&self, steps: i32) -> i32 {
        self.rounding.score(self.kind, steps)
    }
}

/// How a first bad reading becomes a confirmed flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// By the reading itself.
    AtOnce,
    /// By the next reading that is so far from the first, or by its absence for so long.
    Repeat { after_ms: i64, within_ms: i64 },
}

/// Which values a limit rule finds bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// The values of a band, or of it and the graver ones beyond it.
    Band(Range),
    /// So many points or more under the patient's own baseline.
    UnderBaseline(i32),
}

/// How a plan's own limit moves a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnRule {
    /// Which limit it is.
    pub(crate) end: End,
    /// The loosest it may be, as a score.
    pub(crate) loosest: i32,
    /// Steps of the vital sign in one score.
    pub(crate) per_score: i32,
}

/// A rule: a flag of a severity while a vital sign is in a band.
#[derive(Debug, Clone)]
pub(crate) struct LimitRule {
    pub(crate) name: RuleName,
    pub(crate) vital: VitalKind,
    pub(crate) severity: Severity,
    pub(crate) bad: Bad,
    /// The graver rules while which it says nothing new.
    pub(crate) under: Vec<RuleName>,
    pub(crate) at_once: Option<Range>,
    /// How far beyond the value last told one that is too bad to wait is told as worse.
    pub(crate) worse_points: Option<i32>,
    pub(crate) confirmation: Confirmation,
    pub(crate) recover_readings: u32,
    pub(crate) recover_ms: i64,
    /// Which limit of a plan moves its band, and how far; none when no plan does.
    pub(crate) own: Option<OwnRule>,
    /// How long after it was told a confirmed flag is told again by a bad reading, if ever.
    pub(crate) remind_ms: Option<i64>,
    pub(crate) source: String,
}

impl LimitRule {
    /// What is bad, and what too bad to wait, for a patient with or without a personal target and
    /// limits of their own; `baseline` is asked for only by a rule that goes by it, and is in
    /// tenths of a percent.
    pub(crate) fn ranges(
        &self,
        by_target: &TargetRule,
        own: Own<'_>,
        baseline: impl FnOnce() -> Option<i32>,
    ) -> (Option<Range>, Option<Range>) {
        if let Some(target) = own.target.filter(|_| self.vital == by_target.vital) {
            if self.name != by_target.rule {
                return (None, None);
            }
            let low = i32::from(target.low_percent);
            let below = |points: i32| Some(Range::up_to(low.saturating_sub(points)));
            return (below(by_target.red_below), below(by_target.at_once_below));
        }
        match self.bad {
            Bad::Band(range) => (Some(self.moved(range, own)), self.at_once),
            Bad::UnderBaseline(points) => {
                let highest = baseline().map(|tenths| under_baseline(tenths, points));
                (highest.map(Range::up_to), None)
            }
        }
    }

    /// The range, ending at the patient's own limit if there is one.
    fn moved(&self, range: Range, own: Own<'_>) -> Range {
        let moved = self.own.and_then(|rule| {
            let score = own.limit(self.vital, rule.end)?.div_euclid(rule.per_score);
            Some(range.ending(rule.end, score))
        });
        moved.unwrap_or(range)
    }
}

/// The highest score that lies so many points under a baseline in tenths of a percent.
pub(crate) fn under_baseline(tenths: i32, points: i32) -> i32 {
    (tenths - points * 10).div_euclid(10)
}

/// How a personal target moves one rule.
#[derive(Debug, Clone)]
pub(crate) struct TargetRule {
    pub(crate) vital: VitalKind,
    pub(crate) rule: RuleName,
    pub(crate) red_below: i32,
    pub(crate) at_once_below: i32,
    pub(crate) source: String,
}

/// How the readings of a stream are judged.
#[derive(Debug, Clone)]
pub(crate) struct Continuous {
    /// The vital signs that have streams.
    pub(crate) vitals: Vec<VitalKind>,
    /// Two readings of a device no further apart show that it speaks continuously.
    pub(crate) gap_ms: i64,
    /// The stretch of the median.
    pub(crate) median_ms: i64,
    /// Readings from which on a median pages at once and settles what fewer said.
    pub(crate) settled_readings: u32,
    /// Two bad readings of a device that are nearer to each other do not bear each other out.
    pub(crate) apart_ms: i64,
    pub(crate) source: String,
}

impl Continuous {
    pub(crate) fn is_for(&self, vital: VitalKind) -> bool {
        self.vitals.contains(&vital)
    }

    /// Whether two readings of a device at these times show that it speaks continuously.
    pub(crate) fn joins(&self, earlier: WallMs, later: WallMs) -> bool {
        (1..=self.gap_ms).contains(&later.since(earlier))
    }
}

/// Numbers about readings that arrive late, in heaps, or with a wrong clock.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) late_after_ms: i64,
    pub(crate) backlog_grace_ms: i64,
    pub(crate) ahead_tolerance_ms: i64,
    pub(crate) source: String,
}

/// Numbers about homes that are not heard.
#[derive(Debug, Clone)]
pub(crate) struct PresenceRule {
    /// A home, or a device, that was not heard for so long is off line.
    pub(crate) offline_after_ms: i64,
    /// A home that is back has so long to send what it kept.
    pub(crate) settle_ms: i64,
    /// A silence that lasts is told again so often.
    pub(crate) remind_ms: i64,
    pub(crate) source: String,
}

/// A checked rule set.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(crate) version: RuleName,
    pub(crate) zone: TimeZone,
    pub(crate) arrival: Arrival,
    pub(crate) continuous: Continuous,
    pub(crate) presence: PresenceRule,
    pub(crate) vitals: Vec<VitalRules>,
    pub(crate) limits: Vec<LimitRule>,
    pub(crate) target: TargetRule,
    pub(crate) days: DaysRules,
    pub(crate) scores: Charts,
    pub(crate) calls: Calls,
    pub(crate) gates: Vec<GateRule>,
}

impl RuleSet {
    /// Reads and checks a rule set.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(toml: &str) -> Result<Self, RuleSetError> {
        parse::rule_set(toml)
    }

    /// The rule set that comes with the program: `home-2020`.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(HOME_2020).expect("a test reads the shipped rule set at every build")
    }

    /// The same rules, and nobody is asked to measure again: each first bad value calls somebody.
    /// For comparing what the second measurement is good for.
    #[must_use]
    pub fn without_repeats(&self) -> Self {
        let mut rules = self.clone();
        let limits = rules.limits.iter_mut().map(|rule| &mut rule.confirmation);
        let scores = rules.scores.rules.iter_mut();
        for confirmation in limits.chain(scores.map(|rule| &mut rule.confirmation)) {
            *confirmation = Confirmation::AtOnce;
        }
        rules
    }

    /// Its id and version in one: `home-2020-5`. It is part of every flag's id.
    #[must_use]
    pub fn version(&self) -> &RuleName {
        &self.version
    }

    /// The band of a value, rounded as the rules say; none for a vital sign without bands, for a
    /// value that is no measurement and for a site that is never scored.
    #[must_use]
    pub fn band(&self, vital: Vital) -> Option<&Band> {
        let rules = self.vital(vital.kind())?;
        let score = self.score(vital)?;
        rules.bands.iter().find(|band| band.range.holds(score))
    }

    /// Where a rule comes from, for the person who asks why.
    #[must_use]
    pub fn source_of(&self, rule: &RuleName) -> Option<&str> {
        let limits = self.limits.iter();
        let limits = limits.map(|limit| (&limit.name, limit.source.as_str()));
        let mut sources = limits.chain(self.days.sources());
        let source = sources.find(|(name, _)| *name == rule).map(|(_, it)| it);
        let score = || self.scores.rule(rule).map(|score| score.source.as_str());
        source.or_else(score).or_else(|| self.calls.source_of(rule))
    }

    /// Within how many milliseconds somebody is to call because of a flag of this rule, if the
    /// rule says so: bad signal does.
    #[must_use]
    pub fn call_within_ms(&self, rule: &RuleName) -> Option<i64> {
        self.calls.call_within_ms(rule)
    }

    /// Where the making of a patient's own baseline comes from.
    #[must_use]
    pub fn source_of_baseline(&self) -> &str {
        &self.days.baseline.source
    }

    /// Where personal targets come from.
    #[must_use]
    pub fn source_of_target(&self) -> &str {
        &self.target.source
    }

    /// Where the treatment of late readings comes from.
    #[must_use]
    pub fn source_of_arrival(&self) -> &str {
        &self.arrival.source
    }

    /// Where the median of continuous readings comes from.
    #[must_use]
    pub fn source_of_continuous(&self) -> &str {
        &self.continuous.source
    }

    /// Where the numbers of homes that are not heard come from.
    #[must_use]
    pub fn source_of_presence(&self) -> &str {
        &self.presence.source
    }

    /// Where the gate of a vital sign comes from, if it has one: which clean values are greyed.
    #[must_use]
    pub fn source_of_gate(&self, vital: VitalKind) -> Option<&str> {
        let gate = self.gates.iter().find(|gate| gate.vital == vital);
        gate.map(GateRule::source)
    }

    /// Whether a reading may be judged: clean, plausible, from a scored site.
    #[must_use]
    pub fn is_scorable(&self, vital: Vital, quality: Quality) -> bool {
        quality.is_clean() && self.score(vital).is_some()
    }

    /// How grave the gravest rule finds this value, personal targets and baselines aside.
    #[must_use]
    pub fn severity_of(&self, vital: Vital) -> Option<Severity> {
        self.severity_for(vital, None)
    }

    /// The same for a patient with a plan, whose target and limits move the rules.
    #[must_use]
    pub fn severity_for(&self, vital: Vital, plan: Option<&Plan>) -> Option<Severity> {
        let (score, own) = (self.score(vital)?, Own::of(plan));
        let bands = self.limits_of(vital.kind());
        let bands = bands.filter(|limit| matches!(limit.bad, Bad::Band(_)));
        let is_bad = |limit: &&LimitRule| {
            let (bad, _) = limit.ranges(&self.target, own, || None);
            bad.is_some_and(|range| range.holds(score))
        };
        bands.filter(is_bad).map(|limit| limit.severity).max()
    }

    /// The limit rules of a vital sign, the gravest first.
    pub(crate) fn limits_of(&self, vital: VitalKind) -> impl Iterator<Item = &LimitRule> {
        self.limits.iter().filter(move |limit| limit.vital == vital)
    }

    pub(crate) fn gate(&self, kind: VitalKind) -> Option<&GateRule> {
        self.gates.iter().find(|gate| gate.vital == kind)
    }

    pub(crate) fn vital(&self, kind: VitalKind) -> Option<&VitalRules> {
        self.vitals.iter().find(|vital| vital.kind == kind)
    }

    /// A vital sign of which the rule set says nothing is shown and never scored.
    pub(crate) fn score(&self, vital: Vital) -> Option<i32> {
        let rules = self.vital(vital.kind())?;
        let is_temperature = vital.kind() == VitalKind::Temperature;
        if is_temperature && rules.unscored_sites.contains(&vital.site()) {
            return None;
        }
        let score = rules.score(vital.steps());
        rules.plausible.holds(score).then_some(score)
    }

    /// Whether a limit calls a value bad, for a patient with this target, these limits and, in
    /// tenths of a percent, this baseline.
    pub(crate) fn is_bad(
        &self,
        kind: VitalKind,
        steps: i32,
        own: Own<'_>,
        baseline: Option<i32>,
    ) -> bool {
        let Some(vital) = self.vital(kind) else {
            return false;
        };
        let score = vital.score(steps);
        let bad = |limit: &LimitRule| limit.ranges(&self.target, own, || baseline).0;
        let mut bad = self.limits_of(kind).filter_map(bad);
        bad.any(|range| range.holds(score))
    }
}
