//! The door of doctors outside the centre: family doctors (*medici di medicina generale*, MMG;
//! *pediatri*, PLS), and doctors of the hospital (*ASST*) that entrusted patients to
//! telemonitoring. Their own patients' alerts and admissions, and what they answer.
//!
//! ```text
//! people::care ─▶ whose ─▶ diary ─▶ Found, Admission ─▶ InboxPage ─▶ ActForm ─▶ act ─▶ diary
//! diary, View::trend ─▶ SummaryPage, SynopsisPage ─▶ text to copy, a sheet to print
//! ReportForm ─▶ report ─▶ doctor_report ─▶ ReportsPage, for the centre
//! doctor_digest ─▶ Digest ─▶ notify: a link, nothing clinical
//! diary ─▶ Notices ─▶ notify: the same for a hospital, when a patient of its own gets worse
//! ```
//! Pages and functions; no routes: a door mounts them, frames them and says who asks. Whose
//! patients these are the care relation decides, of substitutes too; every page says for whom one
//! stands in, and every entry says as what somebody answers.
//!
//! **Reading is written**: every patient of whom a page says something is in the access log before
//! it is made. **A family doctor's answer is the proof** that an alert was opened (`acts.rs`): the
//! ladder calls them. It calls no hospital; whom a hospital hears of is in `notices.rs`.
//!
//! Only a family doctor reports somebody with symptoms.
//!
//! Every page works without scripts and on a telephone of 320 pixels; its words are Italian or
//! English. What is written into the record stays Italian.
//!
//! **Deliberately absent**: closing an alert and changing a plan, which are the centre's.

mod acts;
mod admission;
mod desk;
mod digest;
mod found;
mod inbox;
mod notices;
mod once;
mod part;
mod report;
mod rows;
mod say;
mod schema;
mod summary;
mod synopsis;

pub use acts::{ActForm, NOTE_CHARS_MAX, Outcome, act};
pub use desk::{Desk, DoctorError, Turn};
pub use digest::{Choice, Digest, HourForm, LATE_MS, next_of, set_hour};
pub use inbox::{InboxPage, InboxQuery};
pub use notices::Notices;
pub use report::{AGAIN_DAYS, ReportForm, ReportPage, Reported, ReportsPage, report};
pub use schema::SCHEMA;
pub use summary::{SummaryPage, SummaryQuery};
pub use synopsis::SynopsisPage;

use veglia_words::Pack;

/// What this room says.
pub(crate) static WORDS: Pack = Pack::new(
    &[
        include_str!("../words/it/inbox.ftl"),
        include_str!("../words/it/more.ftl"),
    ],
    &[
        include_str!("../words/en/inbox.ftl"),
        include_str!("../words/en/more.ftl"),
    ],
);

#[cfg(test)]
mod tests {
    use crate::WORDS;

    #[test]
    fn every_word_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
