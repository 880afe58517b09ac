//! The diary of a patient, line by line.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use veglia_diary::{Act, ActKind, CallOutcome, Callee, Line, PageWhy, Whom, Written};
use veglia_view::{How, Standing, Verdict, WallMs, Why};

use crate::{Moment, Severity, Signatures, Signed, Vital};

/// Lines of one answer at most: as many as the diary gives at once.
pub const LINES_MAX: u16 = 200;

/// Which part of the diary.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DiaryAsk {
    /// Only what was written before this moment: `next` of the answer before.
    #[param(inline)]
    pub before: Option<Moment>,
    /// How many lines, if not 50. Those of the last moment always come whole.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
}

impl DiaryAsk {
    /// How many lines; none for a number that is not offered.
    #[must_use]
    pub fn limit(&self) -> Option<u16> {
        let limit = self.limit.unwrap_or(50);
        (1..=LINES_MAX).contains(&limit).then_some(limit)
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Says {
    /// The rules raised a flag.
    FlagRaised {
        /// How grave.
        severity: Severity,
        /// What it is about.
        about: &'static str,
        /// Whether it stood at once.
        is_confirmed: bool,
    },
    /// The rules confirmed a flag.
    FlagConfirmed {
        /// How: `repeat`, `missed-repeat`, `at-once`, or `{"silent": CAUSE}`.
        #[schema(value_type = Object)]
        how: How,
    },
    /// The rules ended a flag.
    FlagEnded {
        /// Why: `recovered`, `not-confirmed` and the like.
        #[schema(value_type = String)]
        why: Why,
        /// When.
        ended_at: Moment,
    },
    /// Somebody was to be called.
    Paged {
        /// `operator`, `second-operator`, `doctor`, `mmg`, `out-of-hours`, `receiver`.
        #[schema(value_type = String)]
        callee: Callee,
        /// `new`, `again`, `escalated`, `informed`, `unseen`, `charge-lapsed`, `channel-failed`,
        /// `digest`.
        #[schema(value_type = String)]
        why: PageWhy,
        /// When they saw it.
        #[schema(required)]
        seen_at: Option<Moment>,
        /// When it was known that nothing reached them.
        #[schema(required)]
        failed_at: Option<Moment>,
        /// Since when nobody needs it any more.
        #[schema(required)]
        recalled_at: Option<Moment>,
    },
    /// Somebody has taken charge of the flag.
    TookCharge,
    /// Somebody has closed the flag.
    Closed,
    /// Somebody has written a note.
    Note,
    /// Somebody has telephoned.
    Called {
        /// `patient`, `contact`, `key-holder`, `family-doctor`, `emergency`.
        #[schema(value_type = String)]
        whom: Whom,
        /// `well`, `unwell`, `no-answer`, `help-sent`.
        #[schema(value_type = String)]
        outcome: CallOutcome,
    },
    /// Somebody keeps the flag quiet.
    Snoozed {
        /// Until then.
        until: Moment,
    },
    /// Somebody asked for the doctor on duty.
    Escalated,
    /// Somebody has given the flag to a colleague.
    HandedOver {
        /// To whom.
        to: Signed,
    },
    /// Somebody asked for another measurement.
    RepeatAsked {
        /// Of what.
        vital: Vital,
    },
    /// Somebody asked a service to see to the patient at home.
    Referred {
        /// `special-unit`, `home-care`, `oxygen`, `swab`, `social`, `errands`, `psychology`.
        service: &'static str,
    },
    /// Somebody corrected what an entry says; the entry stays.
    Corrected {
        /// The number of that entry.
        entry: i64,
    },
    /// A version of the plan was written.
    Planned {
        /// Which.
        version: i64,
    },
    /// The patient went somewhere, or came home.
    Went {
        /// `at-home`, `in-hospital`, `suspended`, `discharged`, `deceased`.
        whereabouts: &'static str,
        /// From when on.
        from: Moment,
    },
    /// A device was given to the patient.
    DeviceGiven {
        /// Which.
        device: String,
        /// From when on.
        from: Moment,
    },
    /// A device was taken back.
    DeviceTakenBack {
        /// Which.
        device: String,
        /// From when on.
        until: Moment,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Entry {
    /// When it was written.
    pub at: Moment,
    /// What it says.
    pub says: Says,
    /// About which flag, if about one.
    #[schema(required)]
    pub flag: Option<String>,
    /// Who wrote it; `null` for what rules and machines say.
    #[schema(required)]
    pub by: Option<Signed>,
    /// In their words; may be empty.
    pub words: String,
    /// Its number, if a correction may name it.
    #[schema(required)]
    pub number: Option<i64>,
}

/// A part of a patient's diary.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Diary {
    /// The newest first.
    pub entries: Vec<Entry>,
    /// Where older lines begin, as `before`; `null` when there are none.
    #[schema(required)]
    pub next: Option<Moment>,
}

impl Diary {
    /// At most `limit` of these lines, the newest first, and those of the last moment all: what was
    /// written in the same millisecond is never torn apart.
    #[must_use]
    pub fn new(mut lines: Vec<Line>, limit: u16, signed: &Signatures) -> Self {
        let limit = usize::from(limit);
        let mut next = None;
        if lines.len() > limit {
            let cut = lines.get(limit).map(|line| line.at);
            let whole = lines.iter().take_while(|line| Some(line.at) != cut).count();
            if whole > 0 {
                lines.truncate(whole);
            }
            next = lines.last().map(|line| line.at);
        }
        Self {
            entries: lines.iter().map(|line| Entry::new(line, signed)).collect(),
            next: next.map(Moment),
        }
    }

    /// Until when lines are asked for: what a clock that runs ahead wrote is among them.
    #[must_use]
    pub fn until(ask: &DiaryAsk, now: WallMs) -> WallMs {
        ask.before
            .map_or(now.plus_ms(86_400_000), |before| before.0)
    }
}

impl Entry {
    fn new(line: &Line, signed: &Signatures) -> Self {
        let (by, words) = writer(&line.what).unzip();
        Self {
            at: line.at.into(),
            says: says(&line.what, signed),
            flag: flag(&line.what),
            by: by.map(|by| signed.of(by)),
            words: words.unwrap_or_default().to_owned(),
            number: match &line.what {
                Written::Act(act) => Some(act.id.0),
                _ => None,
            },
        }
    }
}

fn says(what: &Written, signed: &Signatures) -> Says {
    match what {
        Written::Said(verdict) => said(verdict),
        Written::Act(act) => acted(act, signed),
        Written::Paged(paged) => Says::Paged {
            callee: paged.page.callee,
            why: paged.page.why,
            seen_at: paged.seen.map(Moment),
            failed_at: paged.failed.map(Moment),
            recalled_at: paged.recalled.map(Moment),
        },
        Written::Planned { version, .. } => Says::Planned { version: version.0 },
        Written::Went(stood) => Says::Went {
            whereabouts: stood.standing.whereabouts.name(),
            from: stood.standing.from.into(),
        },
        Written::Given { device, from, .. } => Says::DeviceGiven {
            device: device.to_string(),
            from: Moment(*from),
        },
        Written::TakenBack { device, until, .. } => Says::DeviceTakenBack {
            device: device.to_string(),
            until: Moment(*until),
        },
    }
}

/// Who wrote a line, and in which words.
fn writer(what: &Written) -> Option<(&str, &str)> {
    match what {
        Written::Said(_) | Written::Paged(_) => None,
        Written::Act(act) => Some((&act.by, &act.words)),
        Written::Planned { by, why, .. } => Some((by, why)),
        Written::Went(stood) => Some((&stood.by, &stood.why)),
        Written::Given { by, .. } | Written::TakenBack { by, .. } => Some((by, "")),
    }
}

/// The flag that a line is about.
fn flag(what: &Written) -> Option<String> {
    match what {
        Written::Said(verdict) => Some(flag_of(verdict)),
        Written::Act(act) => act.flag.as_ref().map(ToString::to_string),
        Written::Paged(paged) => Some(paged.page.flag.to_string()),
        _ => None,
    }
}

fn flag_of(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Raise(flag) => flag.id.to_string(),
        Verdict::Confirm { id, .. } | Verdict::End { id, .. } => id.to_string(),
    }
}

fn said(verdict: &Verdict) -> Says {
    match verdict {
        Verdict::Raise(flag) => Says::FlagRaised {
            severity: flag.severity.into(),
            about: flag.about.name(),
            is_confirmed: matches!(flag.standing, Standing::Confirmed { .. }),
        },
        Verdict::Confirm { how, .. } => Says::FlagConfirmed { how: *how },
        Verdict::End { why, at, .. } => Says::FlagEnded {
            why: *why,
            ended_at: Moment(*at),
        },
    }
}

fn acted(act: &Act, signed: &Signatures) -> Says {
    match act.kind {
        ActKind::TakenCharge => Says::TookCharge,
        ActKind::Closed => Says::Closed,
        ActKind::Note => Says::Note,
        ActKind::Called(whom, outcome) => Says::Called { whom, outcome },
        ActKind::Snoozed(until) => Says::Snoozed {
            until: until.into(),
        },
        ActKind::Escalated => Says::Escalated,
        ActKind::HandedOver(to) => Says::HandedOver {
            to: signed.of(&format!("staff:{to}")),
        },
        ActKind::RepeatAsked(vital) => Says::RepeatAsked {
            vital: vital.into(),
        },
        ActKind::Referred(service) => Says::Referred {
            service: service.name(),
        },
        ActKind::Corrected(entry) => Says::Corrected { entry: entry.0 },
    }
}
