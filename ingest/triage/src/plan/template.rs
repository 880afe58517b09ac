//! Plans to start from: data files with their sources, one for each reason to be watched.

use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use veglia_wire::{VitalKind, WallMs};

use super::{Expected, OxygenScale, Parameter, Plan, PlanVersion, Target};
use crate::patient::PatientId;

const FILES: [(&str, &str); 4] = [
    ("home-covid", include_str!("../../plans/home-covid.toml")),
    ("copd", include_str!("../../plans/copd.toml")),
    (
        "heart-failure",
        include_str!("../../plans/heart-failure.toml"),
    ),
    (
        "post-discharge",
        include_str!("../../plans/post-discharge.toml"),
    ),
];

/// Days of a plan are days of the calendar here: a fortnight over a change of the clock ends at
/// the hour it began.
const ZONE: &str = "Europe/Rome";

/// A plan to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name: `home-covid`.
    pub name: &'static str,
    /// Its title, in the words of the centre's staff.
    pub title: String,
    /// Where its times and numbers come from.
    pub source: String,
    days: Option<u16>,
    target: Option<Target>,
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    title: String,
    source: String,
    days: Option<u16>,
    target: Option<Target>,
    parameter: Vec<ParameterText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterText {
    vital: VitalKind,
    when: String,
    grace_minutes: u32,
}

impl Template {
    /// Every template.
    #[must_use]
    pub fn all() -> Vec<Self> {
        FILES
            .into_iter()
            .map(|(name, text)| read(name, text))
            .collect()
    }

    /// The plan of a patient from a moment on: version 1.
    #[must_use]
    pub fn plan(&self, patient: PatientId, from: WallMs) -> Plan {
        Plan {
            patient,
            version: PlanVersion(1),
            from,
            until: self.days.and_then(|days| days_after(from, days)),
            parameters: self.parameters.clone(),
            spo2: self.target,
            oxygen_scale: OxygenScale::One,
            guards: Vec::new(),
        }
    }
}

impl Plan {
    /// Names of the plans that [`Plan::template`] knows.
    pub const TEMPLATES: &'static [&'static str] =
        &["home-covid", "copd", "heart-failure", "post-discharge"];

    /// A plan to start from: what a named template asks, version 1.
    #[must_use]
    pub fn template(name: &str, patient: PatientId, from: WallMs) -> Option<Self> {
        let (name, text) = FILES.into_iter().find(|(known, _)| *known == name)?;
        Some(read(name, text).plan(patient, from))
    }
}

fn read(name: &'static str, text: &str) -> Template {
    let text: Text = toml::from_str(text).expect("a test reads every shipped template");
    let parameter = |it: ParameterText| {
        let expected: Option<Expected> = it.when.parse().ok();
        Parameter {
            vital: it.vital,
            expected: expected.expect("a test reads every shipped template"),
            grace_minutes: it.grace_minutes,
        }
    };
    Template {
        name,
        title: text.title,
        source: text.source,
        days: text.days,
        target: text.target,
        parameters: text.parameter.into_iter().map(parameter).collect(),
    }
}

/// The same time of day, so many days of the calendar later.
fn days_after(from: WallMs, days: u16) -> Option<WallMs> {
    let zone = TimeZoneDatabase::bundled().get(ZONE).ok()?;
    let from = Timestamp::from_millisecond(from.0).ok()?.to_zoned(zone);
    let until = from.checked_add(i64::from(days).days()).ok()?;
    Some(WallMs(until.timestamp().as_millisecond()))
}
