//! The centre's screens: who is getting worse, who fell silent, and what was done about it.
//!
//! ```text
//! View::ward ─▶ Hub ─▶ Line ─▶ WardPage, and events for the pages that are open
//! View, people, diary ─▶ PatientPage ─▶ ActForm ─▶ act ─▶ diary
//! View::trend ─▶ Chart, for the curves
//! PatientPage, Chart ─▶ access log ─▶ who_has_seen
//! ```
//! Pages and functions, in Italian; no routes: a door mounts them, frames them and says who acts.
//! Every page is complete as links and forms. `js/ward.js` and `js/patient.js`, beside the door's
//! other files, add the live list and the curves.
//!
//! **Rules of the list.** Whoever needs somebody stands first; the clinical and the technical lane
//! are apart; severity is said by shape, word, colour and place. No data is never well: it is
//! grey, dashed, and says since when. When ingest dies, pages say within five seconds that their
//! data stand still, and since when.
//!
//! **Whoever has an alert, and until when**, stands beside it, or else who is called next and when
//! (`care.rs`). Both are the diary's: the list follows its events.
//!
//! **Limits**: [`LINES_MAX`] lines on a page, [`PAGES_MAX`] open pages, [`PIXELS_MAX`] points
//! across.
//!
//! **Reading is written.** Whoever reads one patient's data is in the access log before the answer
//! is made (`access.rs`); there is no way round it, because only [`PatientPage::load`] and
//! [`curve`] read.
//!
//! **Deliberately absent**: scores, averages and clocks (every moment is an argument, or ingest's).

mod access;
mod acts;
mod book;
mod care;
mod desk;
mod event;
mod history;
mod hub;
mod identity;
mod line;
mod page;
mod patient;
mod reason;
mod trend;
mod words;

pub use access::{CURVES_WINDOW_MS, Viewing, who_has_seen};
pub use acts::{ActError, ActForm, Outcome, act};
pub use care::Care;
pub use desk::LINES_MAX;
pub use hub::{Crowded, Hub, Link, PAGES_MAX, Pace, Watch};
pub use line::{About, Chip, Lane, Line, Placed, Rank, Value, place};
pub use page::WardPage;
pub use patient::{PageError, PatientPage, Sources};
pub use reason::Reason;
pub use trend::{
    Chart, CurveError, Limit, PIXELS_MAX, Point, ROWS, Summary, TrendQuery, TrendRefused, curve,
};
