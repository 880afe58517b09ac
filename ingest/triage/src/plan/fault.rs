//! What is wrong with a plan, and where: a file answers with the line, a form beside the field.

use veglia_wire::VitalKind;

use super::own::End;
use super::{DAILY_TIMES_MAX, MINUTES_MAX, PlanVersion};

/// What is wrong with a plan, in a sentence for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A version that is not counted from 1.
    #[error("versions of a plan count from 1; this one says {0}")]
    Version(PlanVersion),
    /// It would end before it begins.
    #[error("the plan ends before it begins; move its end or its beginning")]
    Period,
    /// A vital sign twice.
    #[error("{0} stands twice in the plan; keep one")]
    Twice(VitalKind),
    /// An interval of nothing or of more than a week.
    #[error("{0} must be expected every 1 to {MINUTES_MAX} minutes")]
    Interval(VitalKind),
    /// No times, too many, or not in order.
    #[error("{0} needs 1 to {DAILY_TIMES_MAX} times of day, in order, each once")]
    Times(VitalKind),
    /// A grace of nothing or of more than a week.
    #[error("the grace of {0} must be 1 to {MINUTES_MAX} minutes")]
    Grace(VitalKind),
    /// Hours of nothing, or too short for what is expected in them.
    #[error("the hours of {0} must last longer than its grace and its interval together")]
    Hours(VitalKind),
    /// A reading could count for two times of day.
    #[error("the times of {0} lie closer together than twice its grace; shorten the grace")]
    Crowded(VitalKind),
    /// A target that no oximeter could show or that spans nothing.
    #[error("a personal target lies between 70 and 100 %, the lower value first")]
    Target,
    /// The second scale, and no target.
    #[error("the second scale of oxygen saturation needs a personal target, such as 88 to 92 %")]
    Scale,
    /// A target that lowers the red limit, and the usual scale.
    #[error(
        "this personal target lowers the red limit of oxygen saturation: it goes with the second \
         scale, by a recorded decision"
    )]
    Lowered,
    /// Limits of a vital sign twice.
    #[error("the limits of {0} stand twice in the plan; keep one")]
    LimitsTwice(VitalKind),
    /// Limits without a number.
    #[error("no limit of {0} is given; give one, or leave its limits out")]
    LimitsNone(VitalKind),
    /// Limits of oxygen saturation beside a target, which replaces them.
    #[error("a personal target replaces the limits of spo2; keep one of the two")]
    LimitsBesideTarget,
    /// No rule asks for this limit.
    #[error("the rules have no limit {1} of {0} that a plan could replace")]
    LimitUnknown(VitalKind, End),
    /// A number that no reading can be.
    #[error("{1} of {0} is no value that is measured, or finer than it is judged")]
    LimitValue(VitalKind, End),
    /// A limit that lets pass what the rules call bad.
    #[error(
        "{1} of {0} would let pass what must be told; it goes {loosest} and no further",
        loosest = Bound(*.1, .2)
    )]
    LimitLooser(VitalKind, End, String),
    /// Red that is not beyond amber, or low that is not under high.
    #[error("the limits of {0} are not in order: red_to, amber_to, amber_from, red_from")]
    LimitsOrder(VitalKind),
}

struct Bound<'a>(End, &'a String);

impl std::fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = if self.0.is_low() { "down to" } else { "up to" };
        write!(f, "{side} {}", self.1)
    }
}

/// Which part of a plan a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The version.
    Version,
    /// The end.
    Until,
    /// When a vital sign is expected.
    When(VitalKind),
    /// The grace of a vital sign.
    Grace(VitalKind),
    /// The personal target.
    Target,
    /// The scale of oxygen saturation.
    Scale,
    /// All limits of a vital sign.
    Limits(VitalKind),
    /// One of them.
    Limit(VitalKind, End),
}

impl PlanError {
    /// Where.
    #[must_use]
    pub fn field(&self) -> Field {
        match *self {
            Self::Version(_) => Field::Version,
            Self::Period => Field::Until,
            Self::Twice(vital)
            | Self::Interval(vital)
            | Self::Times(vital)
            | Self::Hours(vital) => Field::When(vital),
            Self::Grace(vital) | Self::Crowded(vital) => Field::Grace(vital),
            Self::Target | Self::Lowered => Field::Target,
            Self::Scale => Field::Scale,
            Self::LimitsTwice(vital) | Self::LimitsNone(vital) | Self::LimitsOrder(vital) => {
                Field::Limits(vital)
            }
            Self::LimitsBesideTarget => Field::Limits(VitalKind::SpO2),
            Self::LimitUnknown(vital, end)
            | Self::LimitValue(vital, end)
            | Self::LimitLooser(vital, end, _) => Field::Limit(vital, end),
        }
    }
}
