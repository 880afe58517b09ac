//! Results of laboratories: HL7 v2 over MLLP, sheets of CSV, and what a person has to mend.
//!
//! ```text
//! MLLP ─▶ Door ─▶ er7, oru ─┐
//! CSV ─▶ upload ─▶ sheet ───┼─▶ Written ─▶ book ─┬─ no fault ─▶ Follower ─▶ cases (isolation)
//! a person ─▶ mend ─────────┘                    └─ a fault ─▶ LaboratoryPage, until settled
//! ```
//! **Kept before it is answered.** A message is on the disk, whole and as it came, before it is
//! acknowledged; so is one that nobody can read. The same message, or the same result in another
//! message, is there once. A correction is an entry behind what it corrects.
//!
//! **One reader for three ways.** What a laboratory sends, what an operator uploads and what a
//! person mends is text in the same fields, judged by the same rules (`written.rs`).
//!
//! **Nothing is guessed.** Two findings that disagree are none; a day without an hour stays a day;
//! a status that is not known, a person without a code and a test that nobody knows wait for
//! somebody. No machine closes a case: a positive that is withdrawn waits too.
//!
//! **Names** come from laboratories and stay in this room's tables; lists have none, opening an
//! entry is in the access log, and `Debug`, errors and logs show nothing of anybody.
//!
//! **Limits** stand beside their constants: bytes of a message and of a sheet, connections, silence
//! on the line, results of a message, entries on a page.
//!
//! **Deliberately absent**: orders to laboratories, other tests than those for the virus, and who
//! is written to, which is for the cases (`isolation`) to say.

mod book;
mod config;
mod door;
mod er7;
mod follow;
mod lists;
mod mend;
mod mllp;
mod oru;
mod outcome;
mod page;
mod receive;
mod rows;
mod schema;
mod sheet;
#[cfg(test)]
mod tests;
mod when;
mod written;

use veglia_words::Pack;

pub use config::{Config, StartDay};
pub use door::{Door, DoorError};
pub use follow::{FollowError, Follower};
pub use mend::{MendForm, MendPage, Mended, Named, Shelf, mend};
pub use page::{Desk, LaboratoryError, LaboratoryPage, Upload, Uploaded, upload};
pub use schema::SCHEMA;
pub use sheet::SHEET_BYTES_MAX;

pub(crate) static WORDS: Pack = Pack::new(
    &[include_str!("../words/it/laboratory.ftl")],
    &[include_str!("../words/en/laboratory.ftl")],
);
