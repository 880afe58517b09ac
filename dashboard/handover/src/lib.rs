//! Who takes over whom: the shift handover of the centre, and the night of the out-of-hours doctors
//! (*Continuità Assistenziale*).
//!
//! ```text
//! diary, view, promised calls ─▶ gather ─▶ Case ─▶ WritingPage ─▶ Form ─▶ write ─▶ book
//!                                          book ─▶ HandedPage ─▶ acknowledge ─▶ book, diary
//! calendar ─▶ Night ─▶ WritingPage ─▶ book, people::care ─▶ NightPage, of the doctor on duty
//! book, roster ─▶ overdue ─▶ the ward; Reminder ─▶ notify: nobody wrote, or nobody has read
//! ```
//! Pages and functions; no routes: a door mounts them, frames them and says who acts. Complete as
//! links and forms, for a telephone and for paper too, in Italian and English.
//!
//! **Proposed from the truth, recommended by people.** What is open, who has charge, what was done
//! in the shift and what was promised are read anew at each look; nobody types them. Each patient
//! stands in the order of SBAR: situation, background, assessment, recommendation.
//!
//! **Nothing is altered.** A handover is a row for each version, an acknowledgement a row of its
//! own with a name and a time. Facts are kept as facts, and told in the reader's language; the
//! clinical sheet and the plan are read anew, and no copy of them is kept.
//!
//! **Reading is written**: every patient on a page is in the access log before it is made.
//!
//! **Limits**: 60 patients, 600 characters for each, 2,000 for all.
//!
//! **Deliberately absent**: names (asked for at the moment of showing), and a shift plan: when
//! shifts change is a table (`turns.rs`), who works in them is the roster's.

mod book;
mod calendar;
mod chart;
mod clock;
mod desk;
mod fact;
mod form;
mod gather;
mod handed;
mod lines;
mod night;
mod notice;
mod overdue;
mod reminder;
mod rows;
mod schema;
mod shown;
mod task;
mod tell;
mod turns;
mod writing;

use veglia_words::Pack;

pub use book::Kind;
pub use desk::{Desk, HandoverError, Promise};
pub use form::Form;
pub use handed::{Acknowledged, HandedPage, acknowledge};
pub use night::NightPage;
pub use notice::waiting;
pub use reminder::{GRACE_MS, Reminder};
pub use schema::SCHEMA;
pub use writing::{Why, WritingPage, Written, write};

pub(crate) static WORDS: Pack = Pack::new(
    &[include_str!("../words/it/handover.ftl")],
    &[include_str!("../words/en/handover.ftl")],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_in_both_languages() {
        let said = veglia_words::proof::of_room(env!("CARGO_MANIFEST_DIR"), &WORDS, &[]);
        assert_eq!(said, "");
    }
}
