//! The text of a rule set as TOML gives it: every key known, nothing defaulted but absence.

use serde::Deserialize;
use toml::Spanned;
use veglia_wire::Site;

use super::calls::{SignalText, SymptomText, TogetherText};
use super::days::DaysText;
use super::gates::GateText;
use super::scores::{FreshText, ScoreText};
use crate::flag::Severity;

/// A number as written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Whole(i32),
    Decimal(f64),
}

impl Number {
    /// In steps of `1 / per_unit`, when it is exactly so many.
    pub(crate) fn steps(self, per_unit: i32) -> Option<i32> {
        let text = match self {
            Self::Whole(whole) => return whole.checked_mul(per_unit),
            Self::Decimal(decimal) => decimal.to_string(),
        };
        let (whole, tenths) = text.split_once('.').unwrap_or((text.as_str(), "0"));
        let is_negative = whole.starts_with('-');
        let whole: i32 = whole.parse().ok()?;
        let tenths: i32 = (tenths.len() == 1).then(|| tenths.parse().ok())??;
        let signed = if is_negative { -tenths } else { tenths };
        let in_tenths = whole.checked_mul(10)?.checked_add(signed)?;
        let scaled = in_tenths.checked_mul(per_unit)?;
        (scaled % 10 == 0).then_some(scaled / 10)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub(super) id: Spanned<String>,
    pub(super) version: u32,
    pub(super) time_zone: Spanned<String>,
    pub(super) arrival: Spanned<ArrivalText>,
    pub(super) continuous: Spanned<ContinuousText>,
    pub(super) presence: Spanned<PresenceText>,
    pub(super) vital: Vec<Spanned<VitalText>>,
    pub(super) rule: Vec<Spanned<RuleText>>,
    pub(super) target: Spanned<TargetText>,
    pub(super) days: Spanned<DaysText>,
    #[serde(default)]
    pub(super) fresh: Vec<Spanned<FreshText>>,
    #[serde(default)]
    pub(super) score: Vec<Spanned<ScoreText>>,
    #[serde(default)]
    pub(super) symptom: Vec<Spanned<SymptomText>>,
    pub(super) together: Option<Spanned<TogetherText>>,
    #[serde(default)]
    pub(super) signal: Vec<Spanned<SignalText>>,
    #[serde(default)]
    pub(super) gate: Vec<Spanned<GateText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresenceText {
    pub(super) offline_after_minutes: Spanned<u32>,
    pub(super) settle_minutes: u32,
    pub(super) remind_minutes: Spanned<u32>,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArrivalText {
    pub(super) late_after_minutes: u32,
    pub(super) backlog_grace_seconds: u32,
    pub(super) ahead_tolerance_minutes: u32,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContinuousText {
    pub(super) vitals: Vec<Spanned<String>>,
    pub(super) gap_seconds: u32,
    pub(super) median_seconds: Spanned<u32>,
    pub(super) settled_readings: Spanned<u32>,
    pub(super) apart_seconds: u32,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VitalText {
    pub(super) name: Spanned<String>,
    pub(super) unit: Spanned<String>,
    pub(super) rounding: RoundingText,
    pub(super) plausible: Spanned<PlausibleText>,
    #[serde(default)]
    pub(super) unscored_sites: Vec<Site>,
    #[serde(default)]
    pub(super) band: Vec<Spanned<BandText>>,
    pub(super) source: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RoundingText {
    DownToUnit,
    NearestUnit,
    NearestTenth,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlausibleText {
    pub(super) from: Number,
    pub(super) to: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BandText {
    pub(super) name: Spanned<String>,
    pub(super) from: Option<Number>,
    pub(super) to: Option<Number>,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) name: Spanned<String>,
    pub(super) vital: Spanned<String>,
    pub(super) band: Option<Spanned<String>>,
    pub(super) under_baseline: Option<Spanned<Number>>,
    #[serde(default)]
    pub(super) under: Vec<Spanned<String>>,
    pub(super) severity: Severity,
    pub(super) repeat_after_seconds: Option<u32>,
    pub(super) repeat_within_minutes: Option<u32>,
    pub(super) at_once_beyond: Option<Spanned<Number>>,
    pub(super) worse_points: Option<Spanned<Number>>,
    pub(super) loosest: Option<Spanned<Number>>,
    pub(super) recover_readings: Spanned<u32>,
    pub(super) recover_minutes: u32,
    pub(super) remind_minutes: Option<Spanned<u32>>,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetText {
    pub(super) vital: Spanned<String>,
    pub(super) rule: Spanned<String>,
    pub(super) red_below: Number,
    pub(super) at_once_below: Number,
    pub(super) source: String,
}
