//! The patient diary: plans, devices, flags and what people did, and nothing is ever altered.
//!
//! Every row says who wrote it and when. A plan's new version, an assignment's end, a flag's
//! confirmation, an act: each is a row of its own beside the old ones. What is current is found
//! by reading them in order; only the list of open flags is kept ready, and can be made again.
//!
//! **Recording is idempotent.** Flags have names that a replay finds again, and what is said of a
//! flag is numbered by triage, so the verdicts of a replay are inserted or ignored
//! ([`record_verdicts`]).
//!
//! **Ingest listens** by [`changes_since`]: plans, assignments, their ends and acts, in the order
//! of writing, each with all it says. Verdicts are not among them: ingest wrote those.
//!
//! **Rules.** Two assignments of one device never overlap. A plan's versions follow one another
//! without a gap. A confirmed red stays on the list until a person closes it. Of two people who
//! act at once, one is told who was first.
//!
//! **Deliberately absent**: names (a patient is a number), the ladder of calls and messages, the
//! access log (a door that shows a diary has logged the access before), and triage's state.

mod acts;
mod assignments;
mod changes;
mod error;
mod flags;
mod history;
mod plans;
mod rows;
mod schema;

pub use acts::{
    Act, ActKind, ActRefused, EntryId, WORDS_CHARS_MAX, close, has_noted, note_once, take_charge,
    write_note,
};
pub use assignments::{
    AssignRefused, Assignment, AssignmentEnd, AssignmentId, Assignments, EndRefused, Worn,
    assign_device, assignments, end_assignment, wearer,
};
pub use changes::{CHANGES_MAX, Change, ChangeId, Changed, changes_since, last_change_by};
pub use error::ReadError;
pub use flags::{
    OPEN_FLAGS_MAX, OpenFlag, RecordError, Told, flags_listed, flags_raised, open_flags,
    record_verdicts,
};
pub use history::{LINES_MAX, Line, Written, diary_of};
pub use plans::{PlanRefused, create_plan, plan_of, plans_current};
pub use schema::SCHEMA;
