//! Isolation of whoever tested positive: the rules, the cases that laboratories open, and the
//! citizen's own pages (*Milano COR*).
//!
//! ```text
//! LabResult ─▶ Cases ─▶ Case { Course } ─▶ Rules, of the circular in force ─▶ Isolation ─▶ page
//!                └─ invitation ─▶ Inviter ─▶ notify: SMS with a personal link
//! telephone + code ─▶ Door::ask ─▶ entry ─▶ Messenger ─▶ notify: SMS with a one-time code
//!                     Door::show ◀─ the code ─▶ a visit, which opens one case and nothing else
//! ```
//! Pages and functions; no routes: a door mounts them. Complete as links and forms, in large type,
//! for a telephone; in Italian and English.
//!
//! **Rules are dated data** (`rules/*.toml`); days are those of the calendar in Italy. A negative
//! ends nothing: ATS confirms.
//!
//! **Nothing tells whether somebody has a case.** Whoever asks for a code gets the same answer,
//! after the same statements, for a pair that is on file and for any other (`door.rs`).
//!
//! **Names** come from laboratories and stay in this room's tables; `Debug`, errors and logs have
//! none.
//!
//! **Deliberately absent** for now: the diary, the booking of swabs, cohabitants, the page on which
//! ATS confirms an end, and who is immunosuppressed: the page says that a doctor decides then.

mod calendar;
mod calls;
mod cases;
mod code;
mod course;
mod door;
mod home;
mod invitation;
mod looks;
mod messenger;
mod pages;
mod refusal;
mod result;
mod rows;
mod rules;
mod same;
mod schema;
mod secret;
mod symptoms;
mod taking;

pub use calendar::day_of;
pub use calls::{CallsPage, called};
pub use cases::{Case, CaseError, CaseId, Cases, FIRST_DAY, Fact, ResultError, Taken};
pub use code::{PersonCode, PersonCodeError};
pub use course::{Course, Isolation, Onset, Standing};
pub use door::{
    A_DAY, AN_HOUR_BY_ADDRESS, CODE_MS, Door, DoorError, IDLE_MS, Reached, TRIES, WHOLE_MS,
};
pub use home::{HomeError, HomePage};
pub use invitation::Inviter;
pub use looks::LooksPage;
pub use messenger::Messenger;
pub use pages::{CodePage, EntryPage, Frame, Notice, SwabsPage};
pub use refusal::{Asker, Counter, Reason, Refused, Swab, Way, ask};
pub use result::{Finding, ID_CHARS_MAX, LabResult, Method, NAME_CHARS_MAX, Status, Tested};
pub use rules::{Quarantine, RuleBook, Rules, RulesError};
pub use schema::SCHEMA;
pub use secret::{Secret, SecretError};
pub use symptoms::{Said, SymptomsForm, SymptomsPage, say_symptoms};

use veglia_words::Pack;

/// What this room says.
pub(crate) static WORDS: Pack = Pack::new(
    &[
        include_str!("../words/it/calls.ftl"),
        include_str!("../words/it/citizen.ftl"),
        include_str!("../words/it/swabs.ftl"),
    ],
    &[
        include_str!("../words/en/calls.ftl"),
        include_str!("../words/en/citizen.ftl"),
        include_str!("../words/en/swabs.ftl"),
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
