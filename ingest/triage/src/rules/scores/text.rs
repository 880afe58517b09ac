//! The text of the scores of a rule set as TOML gives it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::flag::Severity;
use crate::plan::OxygenScale;
use crate::rules::text::Number;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct FreshText {
    pub(super) name: Spanned<String>,
    pub(super) minutes: Spanned<u32>,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct ScoreText {
    pub(super) name: Spanned<String>,
    pub(super) source: String,
    pub(super) parameter: Vec<Spanned<ParameterText>>,
    pub(super) class: Vec<Spanned<ClassText>>,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<ScoreRuleText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterText {
    pub(super) name: Spanned<String>,
    pub(super) scale: Option<OxygenScale>,
    pub(super) on: Option<BreathingText>,
    pub(super) unit: Option<Spanned<String>>,
    pub(super) bands: Option<Vec<Spanned<PointsText>>>,
    pub(super) answers: Option<BTreeMap<String, u8>>,
    pub(super) source: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BreathingText {
    Air,
    Oxygen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointsText {
    pub(super) from: Option<Number>,
    pub(super) to: Option<Number>,
    pub(super) points: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassText {
    pub(super) name: Spanned<String>,
    pub(super) from: Option<i32>,
    pub(super) to: Option<i32>,
    pub(super) single: Option<u8>,
    pub(super) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoreRuleText {
    pub(super) name: Spanned<String>,
    pub(super) class: Spanned<String>,
    pub(super) severity: Severity,
    pub(super) yields_to: Option<Spanned<String>>,
    pub(super) repeat_after_seconds: Option<u32>,
    pub(super) repeat_within_minutes: Option<u32>,
    pub(super) recover_readings: Spanned<u32>,
    pub(super) recover_minutes: u32,
    pub(super) remind_minutes: Option<Spanned<u32>>,
    pub(super) source: String,
}
