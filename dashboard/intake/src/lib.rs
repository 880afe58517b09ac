//! What people tell the centre on the telephone: values, symptoms and needs; whom to call next, and
//! what to read to 112.
//!
//! ```text
//! CallPage ─▶ answer ─▶ ReadBackPage ─▶ Line ─▶ outbox ─▶ broker ─▶ ingest ─▶ the same rules
//!                                        └▶ phone_call, phone_need ─▶ NeedsPage
//! ```
//! Pages and functions, in Italian and English; no routes: a door mounts them, frames them and says
//! who acts.
//! Every page is complete as links and forms, and can be worked with a keyboard alone.
//!
//! **One path.** What is said on the telephone goes the way of a device's reading (`line.rs`), from
//! a permanent device of the patient's own, dated when it was said. The rules are the same; a
//! screen says "per telefono".
//!
//! **Asked, never corrected.** A number that hardly anybody has is asked for again and stays as it
//! was typed (`number.rs`); everything is read back to the patient before it is saved; nothing that
//! was typed is lost on any error.
//!
//! **Never "saved" for what is not on the disk.** What a power cut leaves in doubt the outbox is
//! asked for; what may have been lost with an outbox is said; what does not arrive is told on the
//! ward (`trouble.rs`).
//!
//! **Reading is written**: every page about one patient is in the access log before it is made
//! (`desk.rs`).
//!
//! **Limits**: [`WORDS_MAX`] characters of free text; what was read back is saved within two hours.
//!
//! **Deliberately absent**: names of medicines, diagnoses, and values that a patient remembers of
//! another day: the device is dated when it was said.

mod attempt;
mod by_phone;
mod call;
mod config;
mod desk;
mod due;
mod form;
mod known;
mod line;
mod list;
mod need;
mod needs;
mod noted;
mod number;
mod outcome;
mod promised;
mod read_back;
mod rows;
mod said;
mod saved;
mod schema;
mod script;
mod sender;
mod sheet;
mod trouble;
mod words;

pub use call::{Answered, CallPage, answer};
pub use config::{Config, ConfigError};
pub use desk::{Desk, IntakeError};
pub use form::Typed;
pub use line::{GATEWAY, Line, SaveError};
pub use list::{CallsPage, LINES_MAX};
pub use need::{Need, WORDS_MAX, needs_of};
pub use needs::NeedsPage;
pub use outcome::{ListForm, Listed, act};
pub use promised::promised;
pub use read_back::ReadBackPage;
pub use said::{CallId, CallIdError, device_of};
pub use saved::{SavedPage, finish};
pub use schema::SCHEMA;
pub use sender::{SendError, send};
pub use sheet::SheetPage;
pub use trouble::{LinkState, Lookout, Trouble};
