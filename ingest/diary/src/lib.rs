//! The patient diary: plans, devices, flags and what people did, and nothing is ever altered.
//!
//! Every row says who wrote it and when. A plan's new version, an assignment's end, a flag's
//! confirmation, an act: each is a row of its own beside the old ones. What is current is found
//! by reading them in order; only the lists of open flags and of alerts are kept ready, and can
//! be made again.
//!
//! **Recording is idempotent.** Flags have names that a replay finds again, and what is said of a
//! flag is numbered by triage, so the verdicts of a replay are inserted or ignored
//! ([`record_verdicts`]).
//!
//! **Whose a reading is** follows from who had its device ([`Assignments`]): a patient, or a
//! household that shares it; and from what people said since ([`answer_whose`],
//! [`correct_whose`]), the newest word before all others.
//!
//! **Ingest listens** by [`changes_since`]: plans, assignments, their ends, words of whose readings
//! are, where patients are, and acts, in the order of writing, each with all it says. Verdicts are
//! not among them: ingest wrote those.
//!
//! **Alerts** are flags that ask for people (`alerts.rs`). Their ladder ([`ladder`]) is pure and
//! its numbers are data; verdicts, acts and [`tick`] move it, and whom it calls is read as
//! [`pages_since`]. Who is on duty, and how a page reaches them, is not known here. A plan names
//! the ladder of its patient; while a patient is not at home nobody is called, and pages that
//! nobody needs any more are [`recalled`].
//!
//! **Rules.** Two assignments of one device never overlap. A plan's versions follow one another
//! without a gap. A confirmed red stays on the list until a person closes it. Of two people who
//! act at once, one is told who was first.
//!
//! **What a patient had hidden** is hidden in the functions that read (`hidden.rs`), by who reads:
//! a page cannot forget it. **What people write** in their own words is sealed with a key of the
//! patient (`sealed.rs`), which is destroyed when they are to be forgotten.
//!
//! **Deliberately absent**: names (a patient is a number), deliveries of messages, the access log
//! (a door that shows a diary has logged the access before), and triage's state.

mod acts;
mod alerts;
mod among;
mod assignments;
mod attributions;
mod changes;
mod course;
mod error;
mod flags;
mod handovers;
mod hidden;
mod history;
pub mod ladder;
mod plans;
pub mod probe;
mod rows;
mod schema;
mod sealed;
mod standings;

pub use acts::{
    Act, ActKind, ActRefused, CallOutcome, EntryId, HomeService, WORDS_CHARS_MAX, Whom, ask_repeat,
    close, correct, escalate, hand_over, has_noted, note_call, note_once, record_call, refer,
    snooze, take_charge, write_note,
};
pub use alerts::figures::{AlertFigures, alert_figures, patient_days};
pub use alerts::grounds::recalled;
pub use alerts::pages::{
    Callee, PAGES_MAX, Page, PageId, PageWhy, Paged, UnknownCode, page_failed, page_seen,
    pages_since,
};
pub use alerts::ticks::{set_back, tick};
pub use alerts::{ALERTS_MAX, Alert, AlertCursor, AlertId, adopt, alerts_since, remade};
pub use among::{Raised, flags_among, standings_among};
pub use assignments::{
    AssignRefused, Assignment, AssignmentEnd, AssignmentId, EndRefused, HOUSEHOLD_MAX, Holder,
    assign_device, assign_device_in, assignments, end_assignment, share_device, wearer,
};
pub use attributions::{
    ATTRIBUTIONS_MAX, AttributeRefused, Attributed, Attribution, AttributionId, Saying,
    answer_whose, attributions_of, correct_whose, dismiss_whose,
};
pub use changes::{
    CHANGES_MAX, Change, ChangeId, Changed, changes_since, last_change_by, newest_change,
};
pub use course::{Assignments, Course, Stretch, Whose, Worn};
pub use error::ReadError;
pub use flags::{
    OPEN_FLAGS_MAX, OpenFlag, RecordError, Told, flags_listed, flags_raised, open_flags,
    open_flags_of, record_verdicts,
};
pub use handovers::{HANDOVERS_MAX, Handover, Returned, handovers_of_device, handovers_of_patient};
pub use hidden::{
    HideRefused, Hideable, HidingCode, PERIOD_AFTER_MS, hidden_periods, hide, reveal,
};
pub use history::{LINES_MAX, Line, Written, diary_of, whole_diary_of};
pub use plans::{
    Decision, PlanRefused, PlanWritten, Reasons, create_plan, plan_of, plans_current, plans_of,
    write_plan, write_plan_in,
};
pub use schema::SCHEMA;
pub use sealed::{Concern, concern_in, destroy_key, key_destroyed};
pub use standings::{StandingRefused, Stood, set_standing, standings_of, whereabouts_at};
