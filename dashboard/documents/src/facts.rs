//! What a document is made of, as it was read: plain values, no record and no clock behind them.
//!
//! None of these is shown by `Debug`: they hold names.

use veglia_people::staff::Role;
use veglia_view::{DeviceId, PatientId, Plan, Severity, Site, VitalKind, WallMs};

use crate::kind::Kind;
use crate::limits::Limits;

/// What every document says: of whom, by whom, when, and whether it was issued.
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) now: WallMs,
    pub(crate) subject: Subject,
    pub(crate) author: Author,
    /// Its version when it is issued; none for a draft.
    pub(crate) version: Option<i64>,
}

/// The patient.
pub(crate) struct Subject {
    pub(crate) number: PatientId,
    pub(crate) surname: String,
    pub(crate) name: String,
    /// None for whoever has no Codice Fiscale.
    pub(crate) code: Option<String>,
    pub(crate) phone: String,
    pub(crate) address: String,
    /// The family doctor, as the centre calls them.
    pub(crate) doctor: Option<String>,
}

impl Subject {
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.surname, self.name)
    }
}

/// Who makes a draft, or issues.
pub(crate) struct Author {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// What one kind says.
pub(crate) enum Facts {
    Plan(Box<PlanFacts>),
    Card(CardFacts),
    Report(ReportFacts),
    Last(Box<LastFacts>),
}

pub(crate) struct PlanFacts {
    pub(crate) plan: Plan,
    pub(crate) written_by: String,
    pub(crate) written_at: WallMs,
    /// Why this version, in the writer's words; may be empty.
    pub(crate) why: String,
    pub(crate) limits: Vec<(VitalKind, Limits)>,
    /// The version of the rules that the limits are of.
    pub(crate) rules: String,
    pub(crate) devices: Vec<Held>,
    /// Other diseases, as the clinical sheet has them; may be empty.
    pub(crate) conditions: String,
}

pub(crate) struct CardFacts {
    pub(crate) devices: Vec<Held>,
}

/// A device that the patient has.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) device: DeviceId,
    pub(crate) from: WallMs,
    pub(crate) is_shared: bool,
    /// What it was heard to measure; empty when nothing is known of that.
    pub(crate) measures: Vec<VitalKind>,
}

pub(crate) struct ReportFacts {
    pub(crate) from: WallMs,
    /// That moment not in it.
    pub(crate) to: WallMs,
    pub(crate) measured: Vec<Measured>,
    pub(crate) alerts: Alerts,
}

/// One vital sign over a stretch of time.
pub(crate) struct Measured {
    pub(crate) vital: VitalKind,
    /// Readings that nothing speaks against.
    pub(crate) clean: u64,
    /// Those that their device speaks against, or that nobody living has; none of them is shown.
    pub(crate) doubtful: u64,
    /// Temperatures of the skin, which are none of the body: never an extreme.
    pub(crate) on_skin: u64,
    /// Whether `shown` is less than all clean readings.
    pub(crate) is_thinned: bool,
    /// Whether stored readings could not be read any more.
    pub(crate) is_damaged: bool,
    /// In order of time.
    pub(crate) shown: Vec<Shown>,
}

/// A reading that stands in a document.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) at: WallMs,
    pub(crate) steps: i32,
    pub(crate) site: Site,
    /// None when it could not be told.
    pub(crate) device: Option<DeviceId>,
    /// Why this one; empty where all are shown.
    pub(crate) why: Vec<Chosen>,
}

/// Why a reading was chosen among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chosen {
    Lowest,
    Highest,
    Last,
    /// An alert rests on it.
    Alert,
}

/// The confirmed alerts of a stretch of time, the oldest first.
#[derive(Default)]
pub(crate) struct Alerts {
    pub(crate) told: Vec<AlertTold>,
    /// Whether there were more than could be read.
    pub(crate) is_cut: bool,
}

pub(crate) struct AlertTold {
    pub(crate) at: WallMs,
    pub(crate) severity: Severity,
    /// What it is about, in Italian.
    pub(crate) about: String,
    /// As is known when the document is made.
    pub(crate) ended: Option<WallMs>,
    /// Before the time that the document is of.
    pub(crate) began_before: bool,
    /// After it.
    pub(crate) ended_after: bool,
}

pub(crate) struct LastFacts {
    pub(crate) plan: Plan,
    /// When the first plan began.
    pub(crate) from: WallMs,
    pub(crate) to: WallMs,
    pub(crate) end: Ending,
    pub(crate) measured: Vec<Measured>,
    pub(crate) alerts: Alerts,
    pub(crate) conditions: String,
    pub(crate) therapy: String,
    pub(crate) allergies: String,
    /// What the doctor concludes; empty in a draft.
    pub(crate) conclusions: String,
}

/// How it came to an end.
pub(crate) struct Ending {
    pub(crate) how: How,
    pub(crate) at: WallMs,
    /// Who wrote so, and why; empty where the plan's own date was reached.
    pub(crate) by: String,
    pub(crate) why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Discharged,
    Deceased,
    /// The plan's end is here, or within a day.
    PlanOver,
}
