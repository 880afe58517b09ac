//! The plan of a patient: what is measured when, and their own limits.

use serde::Serialize;
use utoipa::ToSchema;
use veglia_diary::PlanWritten;
use veglia_view::{self as view, Guard, OxygenScale};

use crate::value::in_unit;
use crate::{Moment, Signatures, Signed, Vital};

/// When a vital sign is expected; what does not belong to its way is `null`, or an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Expected {
    /// So many minutes after the last one; in some hours only when `from` is not `null`.
    #[schema(required)]
    pub every_minutes: Option<u32>,
    /// At these times of each day in Italy, as `08:00`.
    pub daily_at: Vec<String>,
    /// From this time of each day.
    #[schema(required)]
    pub from: Option<String>,
    /// Until this time of each day.
    #[schema(required)]
    pub until: Option<String>,
}

impl From<&view::Expected> for Expected {
    fn from(expected: &view::Expected) -> Self {
        let nothing = Self {
            every_minutes: None,
            daily_at: Vec::new(),
            from: None,
            until: None,
        };
        match expected {
            view::Expected::EveryMinutes(minutes) => Self {
                every_minutes: Some(*minutes),
                ..nothing
            },
            view::Expected::DailyAt(times) => Self {
                daily_at: times.iter().map(ToString::to_string).collect(),
                ..nothing
            },
            view::Expected::Within(hours) => Self {
                every_minutes: Some(hours.every_minutes),
                from: Some(hours.from.to_string()),
                until: Some(hours.until.to_string()),
                ..nothing
            },
        }
    }
}

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Parameter {
    /// Which vital sign.
    pub vital: Vital,
    /// When.
    pub expected: Expected,
    /// How long it is waited for.
    pub grace_minutes: u32,
}

/// The oxygen saturation that is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Target {
    /// The lowest, in `%`.
    pub low_percent: u8,
    /// The highest, in `%`.
    pub high_percent: u8,
}

/// The patient's own limits of a vital sign, in its unit; `null` where the rules' own hold.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OwnLimits {
    /// Of which.
    pub vital: Vital,
    /// As UCUM writes it.
    pub unit: &'static str,
    /// Red up to this.
    #[schema(required)]
    pub red_to: Option<f64>,
    /// Amber up to this.
    #[schema(required)]
    pub amber_to: Option<f64>,
    /// Amber from this on.
    #[schema(required)]
    pub amber_from: Option<f64>,
    /// Red from this on.
    #[schema(required)]
    pub red_from: Option<f64>,
}

impl From<&view::OwnLimits> for OwnLimits {
    fn from(own: &view::OwnLimits) -> Self {
        let unit = |steps: Option<i32>| steps.map(|steps| in_unit(own.vital, steps));
        Self {
            vital: own.vital.into(),
            unit: own.vital.ucum(),
            red_to: unit(own.red_to),
            amber_to: unit(own.amber_to),
            amber_from: unit(own.amber_from),
            red_from: unit(own.red_from),
        }
    }
}

/// The newest version of a patient's plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Plan {
    /// Which version, from 1.
    pub version: i64,
    /// Who wrote it.
    pub written_by: Signed,
    /// When.
    pub written_at: Moment,
    /// Why, in their words; may be empty.
    pub why: String,
    /// From when it holds.
    pub from: Moment,
    /// Until when; `null` while it has no end.
    #[schema(required)]
    pub until: Option<Moment>,
    /// What is measured.
    pub parameters: Vec<Parameter>,
    /// What saturation is aimed at, where it is not the usual one.
    #[schema(required)]
    pub spo2_target: Option<Target>,
    /// Which scale of NEWS2 judges the saturation: `one` or `two`.
    #[schema(value_type = String)]
    pub oxygen_scale: OxygenScale,
    /// Why scores are not counted: `under16`, `pregnancy`.
    #[schema(value_type = Vec<String>)]
    pub guards: Vec<Guard>,
    /// The patient's own limits.
    pub limits: Vec<OwnLimits>,
}

impl Plan {
    /// A version as the diary has it.
    #[must_use]
    pub fn new(written: &PlanWritten, signed: &Signatures) -> Self {
        let plan = &written.plan;
        let parameter = |it: &view::Parameter| Parameter {
            vital: it.vital.into(),
            expected: (&it.expected).into(),
            grace_minutes: it.grace_minutes,
        };
        Self {
            version: plan.version.0,
            written_by: signed.of(&written.by),
            written_at: written.at.into(),
            why: written.why.clone(),
            from: plan.from.into(),
            until: plan.until.map(Moment),
            parameters: plan.parameters.iter().map(parameter).collect(),
            spo2_target: plan.spo2.map(|it| Target {
                low_percent: it.low_percent,
                high_percent: it.high_percent,
            }),
            oxygen_scale: plan.oxygen_scale,
            guards: plan.guards.clone(),
            limits: plan.limits.iter().map(OwnLimits::from).collect(),
        }
    }
}
