//! The rights of a patient over their own data.
//!
//! ```text
//! HidingForm ─▶ diary::hide ─▶ a sheet with a code, for the patient; diary::reveal by the code
//! every question for readings ─▶ VeiledView ─▶ ingest, without hidden periods
//! ErasureForm, twice ─▶ one transaction over the tables of all rooms (`traces.rs`) ─▶ ErasedPage
//! OwnCopy ─▶ pieces of JSON, with what is hidden
//! ```
//! Pages and functions, in two languages; no routes: a door mounts them, frames them and says who
//! acts. What is hidden from whom is the diary's to decide (`veglia_diary::hide`); here it is asked
//! for. The access log says that somebody opened these pages, and never what they did there: that
//! something was hidden is hidden too.
//!
//! **Deliberately absent**: a list of what is hidden.

mod copy;
mod erasure;
mod hiding;
mod lines;
mod rows;
mod schema;
mod traces;
mod veiled;

pub use copy::{CopyError, CopyPage, OwnCopy, logged};
pub use erasure::{
    ErasedPage, ErasureForm, ErasureOutcome, ErasuresPage, Retention, erase_again, erased, erasing,
    finish,
};
pub use hiding::{HidingForm, HidingOutcome, HidingPage, PrivacyError, SheetPage, hiding};
pub use schema::SCHEMA;
pub use veiled::VeiledView;

use veglia_people::PersonId;
use veglia_people::staff::Staff;
use veglia_store::Database;
use veglia_view::{PatientId, WallMs};
use veglia_words::{Language, Pack, Words};

/// What this room's pages say.
pub(crate) static WORDS: Pack = Pack::new(
    &[include_str!("../words/it/privacy.ftl")],
    &[include_str!("../words/en/privacy.ftl")],
);

/// What stands in the access log of whoever opens a page of this room, whatever they do there.
pub const PURPOSE: &str = "patient.rights";

/// Who asks, and what pages are made from.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The record.
    pub record: &'a Database,
    /// Who asks.
    pub who: &'a Staff,
    /// In which language they read.
    pub language: Language,
    /// The moment, by the clock of care.
    pub now: WallMs,
}

impl Desk<'_> {
    pub(crate) fn words(&self) -> Words {
        WORDS.speaking(self.language)
    }
}

/// The person who is this patient.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
