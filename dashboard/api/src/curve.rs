//! Curves and single readings of a vital sign.
//!
//! A curve is the page's: the first, lowest, highest and last reading of each stretch, never an
//! average, and a gap is a point without a value.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use veglia_view::{self as view, PatientId, Quality, Site, VitalKind};
use veglia_ward::{Chart, TrendQuery};

use crate::value::in_unit;
use crate::{Moment, Vital};

/// Stretches of a curve at most.
pub const POINTS_MAX: u32 = 4_000;

/// Readings of one answer at most.
pub const READINGS_MAX: u16 = 5_000;

/// Which curve.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendAsk {
    /// Of which vital sign.
    #[param(inline)]
    pub vital: Vital,
    /// From when.
    #[param(inline)]
    pub from: Moment,
    /// Until when, this moment excluded; at most 62 days later.
    #[param(inline)]
    pub to: Moment,
    /// In how many stretches, if not 1000; each gives at most four clean points and four doubtful
    /// ones.
    #[param(minimum = 50, maximum = 4000)]
    pub stretches: Option<u32>,
}

impl From<TrendAsk> for TrendQuery {
    fn from(ask: TrendAsk) -> Self {
        Self {
            vital: VitalKind::from(ask.vital).name().to_owned(),
            from: ask.from.0.0,
            to: ask.to.0.0,
            px: ask.stretches.unwrap_or(1_000),
        }
    }
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Point {
    /// When it was measured.
    pub at: Moment,
    /// The value; `null` where the curve is broken because nothing was measured.
    #[schema(required)]
    pub value: Option<f64>,
    /// Whether something speaks against it.
    pub is_doubtful: bool,
}

/// A limit that a rule goes by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Limit {
    /// Where.
    pub value: f64,
    /// `red` or `amber`: beyond it somebody is told.
    pub severity: &'static str,
}

/// The curve of a vital sign.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Trend {
    /// Of which.
    pub vital: Vital,
    /// As UCUM writes it.
    pub unit: &'static str,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// In order of time.
    pub points: Vec<Point>,
    /// The limits of the rules, or of the patient's own.
    pub limits: Vec<Limit>,
    /// Whether all that was stored could be read: if not, stretches of five minutes are missing.
    pub is_whole: bool,
}

impl From<(VitalKind, Chart)> for Trend {
    fn from((vital, chart): (VitalKind, Chart)) -> Self {
        let point = |veglia_ward::Point(at, value, is_doubtful)| Point {
            at: Moment(view::WallMs(at)),
            value,
            is_doubtful,
        };
        let limit = |limit: veglia_ward::Limit| Limit {
            value: limit.value,
            severity: limit.kind,
        };
        Self {
            vital: vital.into(),
            unit: vital.ucum(),
            from: Moment(view::WallMs(chart.from)),
            to: Moment(view::WallMs(chart.to)),
            points: chart.points.into_iter().map(point).collect(),
            limits: chart.limits.into_iter().map(limit).collect(),
            is_whole: chart.missing.is_empty(),
        }
    }
}

/// Which readings.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadingsAsk {
    /// Of which vital sign.
    #[param(inline)]
    pub vital: Vital,
    /// From when: `next` of the answer before.
    #[param(inline)]
    pub from: Moment,
    /// Until when, this moment excluded.
    #[param(inline)]
    pub to: Moment,
    /// How many, if not 1000.
    #[param(minimum = 1, maximum = 5000)]
    pub limit: Option<u16>,
}

impl ReadingsAsk {
    /// The question to ask of ingest; none for one that is not offered.
    #[must_use]
    pub fn of(&self, patient: PatientId) -> Option<view::ReadingsAsk> {
        let limit = self.limit.unwrap_or(1_000);
        let fits = self.from < self.to && (1..=READINGS_MAX).contains(&limit);
        fits.then(|| view::ReadingsAsk {
            patient,
            vital: self.vital.into(),
            from: self.from.0,
            to: self.to.0,
            limit: usize::from(limit),
        })
    }
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reading {
    /// When it was measured.
    pub at: Moment,
    /// In the unit of the answer.
    pub value: f64,
    /// Where on the body; only temperatures say.
    #[schema(value_type = String)]
    pub site: Site,
    /// Whether nothing speaks against it.
    pub is_clean: bool,
    /// What is said against it, or of it, as bits: see the wire format.
    pub quality_bits: u32,
    /// Which device measured.
    pub device: String,
}

/// Single readings.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Readings {
    /// Of which vital sign.
    pub vital: Vital,
    /// As UCUM writes it.
    pub unit: &'static str,
    /// In order of time.
    pub readings: Vec<Reading>,
    /// Whether more were measured in that time than came. They begin after the last of these;
    /// readings of that same millisecond by another device may be missing.
    pub has_more: bool,
    /// From when to ask for the others; `null` when there are none.
    #[schema(required)]
    pub next: Option<Moment>,
    /// Whether all that was stored could be read: if not, stretches of five minutes are missing.
    pub is_whole: bool,
}

impl From<(VitalKind, view::Readings)> for Readings {
    fn from((vital, told): (VitalKind, view::Readings)) -> Self {
        let last = told.readings.last().filter(|_| told.more);
        let next = last.map(|last| Moment(last.at.plus_ms(1)));
        let reading = |it: view::Reading| Reading {
            at: it.at.into(),
            value: in_unit(vital, it.steps),
            site: it.site,
            is_clean: it.quality.is_clean(),
            quality_bits: bits(it.quality),
            device: it.device.to_string(),
        };
        Self {
            vital: vital.into(),
            unit: vital.ucum(),
            has_more: told.more,
            next,
            is_whole: told.damaged.is_empty(),
            readings: told.readings.into_iter().map(reading).collect(),
        }
    }
}

fn bits(quality: Quality) -> u32 {
    u32::from(quality.bits())
}
