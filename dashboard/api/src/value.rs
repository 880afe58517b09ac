//! Vital signs: which there are, and a value with its unit.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use veglia_view::{self as view, Latest, Partial, Row, ScoreParameter, Scored, VitalKind, WallMs};
use veglia_ward::counted;

use crate::Moment;

/// A vital sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vital {
    /// Oxygen saturation, in `%`.
    Spo2,
    /// Pulse rate, in `/min`.
    Pulse,
    /// Body temperature, in `Cel`.
    Temperature,
    /// Breaths, in `/min`.
    RespiratoryRate,
    /// Systolic blood pressure, in `mm[Hg]`.
    SystolicPressure,
}

impl From<VitalKind> for Vital {
    fn from(kind: VitalKind) -> Self {
        match kind {
            VitalKind::SpO2 => Self::Spo2,
            VitalKind::Pulse => Self::Pulse,
            VitalKind::Temperature => Self::Temperature,
            VitalKind::RespiratoryRate => Self::RespiratoryRate,
            VitalKind::SystolicPressure => Self::SystolicPressure,
        }
    }
}

impl From<Vital> for VitalKind {
    fn from(vital: Vital) -> Self {
        match vital {
            Vital::Spo2 => Self::SpO2,
            Vital::Pulse => Self::Pulse,
            Vital::Temperature => Self::Temperature,
            Vital::RespiratoryRate => Self::RespiratoryRate,
            Vital::SystolicPressure => Self::SystolicPressure,
        }
    }
}

/// By which way a value came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A device at home.
    Device,
    /// Typed by the patient.
    ByHand,
    /// Said on the telephone.
    ByPhone,
}

impl From<view::Source> for Source {
    fn from(source: view::Source) -> Self {
        match source {
            view::Source::Device => Self::Device,
            view::Source::ByHand => Self::ByHand,
            view::Source::ByPhone => Self::ByPhone,
        }
    }
}

/// A value as it was last measured.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Measured {
    /// Of which vital sign.
    pub vital: Vital,
    /// In `unit`.
    pub value: f64,
    /// As UCUM writes it: `%`, `/min`, `Cel`, `mm[Hg]`.
    pub unit: &'static str,
    /// When it was measured. How old that is, the reader judges.
    pub measured_at: Moment,
    /// By which way it came.
    pub source: Source,
    /// Whether nothing speaks against it. A value that is not clean is no measurement of the
    /// patient: rules pass it over.
    pub is_clean: bool,
}

/// A value in its unit.
pub(crate) fn in_unit(kind: VitalKind, steps: i32) -> f64 {
    f64::from(steps) / f64::from(kind.steps_per_unit())
}

impl Measured {
    /// The latest of each vital sign that a row holds.
    #[must_use]
    pub fn all(row: &Row) -> Vec<Self> {
        let one = |latest: &Latest| Self {
            vital: latest.vital.into(),
            value: in_unit(latest.vital, latest.steps),
            unit: latest.vital.ucum(),
            measured_at: latest.at.into(),
            source: latest.source.into(),
            is_clean: latest.quality.is_clean() && row.unjudged(latest.vital).is_none(),
        };
        row.latest.iter().map(one).collect()
    }
}

/// A score by the values that are not too old: the least and the most it can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Score {
    /// `news2` or `mews`.
    pub scale: &'static str,
    /// The least it can be by what is known.
    pub at_least: u8,
    /// The most it could be if what is missing were as bad as can be.
    pub at_most: u8,
    /// What is missing: `spo2`, `respiratory-rate`, `systolic-pressure`, `pulse`, `temperature`,
    /// `consciousness`, `oxygen`.
    #[schema(value_type = Vec<String>)]
    pub missing: Vec<ScoreParameter>,
    /// Which of these would change what is done.
    #[schema(value_type = Vec<String>)]
    pub deciding: Vec<ScoreParameter>,
}

impl Score {
    /// Those of a row, as they stand at a moment.
    #[must_use]
    pub fn all(row: &Row, now: WallMs) -> Vec<Self> {
        let told = row.scores.iter().filter_map(|scored| match scored {
            Scored::Counted(partial) => counted(partial, now),
            Scored::NotCounted(_) => None,
        });
        told.map(|(partial, _)| partial.into_owned().into())
            .collect()
    }
}

impl From<Partial> for Score {
    fn from(partial: Partial) -> Self {
        Self {
            scale: partial.scale.name(),
            at_least: partial.min,
            at_most: partial.max,
            missing: partial.missing,
            deciding: partial.deciding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vital_sign_is_called_as_everywhere_else() {
        for kind in VitalKind::ALL {
            let said = serde_json::to_value(Vital::from(kind)).unwrap();
            assert_eq!(said, kind.name());
            assert_eq!(VitalKind::from(Vital::from(kind)), kind);
        }
    }
}
