//! What a handover says of a patient, as facts: kept as they were, told in the language of whoever
//! reads (`tell.rs`).

use serde::{Deserialize, Serialize};
use veglia_diary::{ActKind, CallOutcome, HomeService, OpenFlag, Whom};
use veglia_view::{
    About, Latest, PlanVersion, Scale, Scored, Severity, Source, Standing, VitalKind, WallMs,
    Whereabouts,
};

/// One fact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fact {
    /// A flag that is open.
    Flag {
        severity: Severity,
        about: About,
        /// What it rests on last.
        value: Option<(VitalKind, i32)>,
        since: WallMs,
        /// Until when a second measurement is awaited.
        repeat_by: Option<WallMs>,
        /// Whether its episode is over, and it waits to be closed.
        over: bool,
    },
    /// Who has charge.
    Held { by: String, until: WallMs },
    /// Nobody has.
    Unattended,
    /// Kept quiet; `soon` when that ends during the incoming shift.
    Snoozed {
        by: String,
        until: WallMs,
        soon: bool,
    },
    /// Asked to measure again, and nothing has come since.
    Asked { vital: VitalKind, at: WallMs },
    /// A red that nobody answers for.
    Unreachable { times: usize, last: WallMs },
    /// Somebody promised to call again.
    CallBack { at: WallMs },
    /// A first plan of this shift.
    Joined { at: WallMs, by: String },
    /// A plan that changed in this shift.
    Replanned {
        version: PlanVersion,
        at: WallMs,
        by: String,
        why: String,
    },
    /// Where the patient went, or is.
    Went { to: Whereabouts, at: Option<WallMs> },
    /// What somebody did or wrote.
    Did {
        what: Deed,
        at: WallMs,
        by: String,
        words: String,
    },
    /// A value.
    Value {
        vital: VitalKind,
        steps: i32,
        at: WallMs,
        source: Source,
        clean: bool,
    },
    /// The least a score can be.
    Score {
        scale: Scale,
        min: u8,
        missing: usize,
    },
    /// Values could not be read when it was written.
    NoValues,
    /// Somebody chose the patient, for reasons of their own.
    Chosen,
    /// Entrusted for the night.
    Given,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    Note,
    Called(Whom, CallOutcome),
    Escalated,
    Referred(HomeService),
    Closed,
}

impl Deed {
    /// What of the diary is worth handing on; charge, snoozes and requests are told as they stand.
    pub(crate) fn of(kind: ActKind) -> Option<Self> {
        match kind {
            ActKind::Note => Some(Self::Note),
            ActKind::Called(whom, outcome) => Some(Self::Called(whom, outcome)),
            ActKind::Escalated => Some(Self::Escalated),
            ActKind::Referred(service) => Some(Self::Referred(service)),
            ActKind::Closed => Some(Self::Closed),
            _ => None,
        }
    }
}

/// What is open, as a fact.
pub(crate) fn of_flag(open: &OpenFlag) -> Fact {
    let flag = &open.flag;
    let value = flag.evidence.last().and_then(veglia_view::Evidence::value);
    Fact::Flag {
        severity: flag.severity,
        about: flag.about,
        value: value.filter(|_| flag.severity != Severity::Technical),
        since: flag.since,
        repeat_by: match flag.standing {
            Standing::Unconfirmed { repeat_by } => Some(repeat_by),
            Standing::Confirmed { .. } => None,
        },
        over: open.ended.is_some(),
    }
}

/// A value, as a fact.
pub(crate) fn of_latest(latest: &Latest) -> Fact {
    Fact::Value {
        vital: latest.vital,
        steps: latest.steps,
        at: latest.at,
        source: latest.source,
        clean: latest.quality.is_clean(),
    }
}

/// A score, as a fact: where it is counted and anything of it is known.
pub(crate) fn of_score(scored: &Scored) -> Option<Fact> {
    match scored {
        Scored::Counted(partial) if !partial.points.is_empty() => Some(Fact::Score {
            scale: partial.scale,
            min: partial.min,
            missing: partial.missing.len(),
        }),
        _ => None,
    }
}
