//! The centre's screens: who is getting worse, who fell silent, and what was done about it.
//!
//! ```text
//! View::ward ─▶ Hub ─▶ Rank ─▶ Filter ─▶ Line ─▶ WardPage, and events for the pages that are open
//! View::trend ─▶ Spark ─▶ Line
//! Hub ─▶ WallPage, for a screen without names
//! View, people, diary ─▶ PatientPage ─▶ ActForm ─▶ act ─▶ diary
//! View::trend ─▶ Chart, for the curves; diary ─▶ Marks beside them
//! diary, View::trend ─▶ DiaryPage    people ─▶ SheetPage
//! PlanForm, StandForm ─▶ plan, stand ─▶ diary ─▶ PlanPage
//! CareForm ─▶ entrust ─▶ people, diary ─▶ CarePage
//! PatientPage, PlanPage, CarePage, DiaryPage, SheetPage, Chart ─▶ access log ─▶ SeenPage
//! ```
//! Pages and functions, in Italian and English; no routes: a door mounts them, frames them and says
//! who acts, and in which language. Every page is complete as links and forms. `js/ward.js` and
//! `js/patient.js`, beside the door's other files, add the live list and the curves, in words that
//! the page gives them. What is written into the record is Italian.
//!
//! **Rules of the list.** Whoever needs somebody stands first; the clinical and the technical lane
//! are apart; severity is said by shape, word, colour and place. No data is never well: it is
//! grey, dashed, and says since when. When ingest dies, pages say within five seconds that their
//! data stand still, and since when.
//!
//! **Whoever has an alert, and until when**, stands beside it, or else who is called next and when
//! (`care.rs`). Both are the diary's: the list follows its events.
//!
//! **Limits**: [`LINES_MAX`] lines on a page, which can be turned over, [`PAGES_MAX`] open pages,
//! [`PIXELS_MAX`] points across.
//!
//! **Reading is written.** Whoever reads one patient's data is in the access log before the answer
//! is made (`access.rs`); there is no way round it, because only [`PatientPage::load`],
//! [`PlanPage::load`], [`SheetPage::load`], [`DiaryPage::load`], [`SeenPage::load`],
//! [`CarePage::load`], [`curve`] and [`marks()`] read.
//!
//! **A score of which values are missing is never a number** (`score.rs`): "NEWS2 almeno 5; mancano
//! …", and what to ask for. A value that the rules do not judge is grey, with the word why.
//!
//! **Deliberately absent**: averages and clocks (every moment is an argument, or ingest's).

mod access;
mod acts;
mod again;
mod alarm_path;
mod board;
mod book;
mod care;
mod desk;
mod entrust;
mod event;
mod filter;
mod history;
mod hub;
mod identity;
mod line;
mod marks;
mod notice;
mod page;
mod patient;
mod plan;
mod rank;
mod reason;
mod score;
mod script;
mod seen;
mod sheet;
mod spark;
mod timeline;
mod trend;
mod wall;
mod words;

pub use access::{CURVES_WINDOW_MS, Viewing, who_has_seen, why_in_words};
pub use acts::{ActError, ActForm, Outcome, act};
pub use again::measure_again;
pub use alarm_path::{PathFault, WatchedWard};
pub use board::Leaf;
pub use care::Care;
pub use desk::LINES_MAX;
pub use entrust::{CareForm, CareOutcome, CarePage, Held, entrust, left_to_the_centre};
pub use filter::{Filter, WardQuery};
pub use hub::{Crowded, Hub, Link, PAGES_MAX, Pace, Waiting, Watch};
pub use line::{About, Chip, Lane, Line, Placed, Value, place};
pub use marks::{MARKS_MAX, Mark, Marks, MarksQuery, marks};
pub use notice::{Concern, Notice};
pub use page::{Unkept, WardPage};
pub use patient::{PageError, PatientPage, Sources};
pub use plan::{PlanDesk, PlanForm, PlanOutcome, PlanPage, StandForm, plan, stand};
pub use rank::Rank;
pub use reason::Reason;
pub use score::{Score, counted};
pub use seen::{SeenPage, SeenQuery};
pub use sheet::{SheetForm, SheetOutcome, SheetPage, sheet};
pub use spark::{Arrow, Spark};
pub use timeline::{DiaryPage, DiaryQuery};
pub use trend::{
    Chart, CurveError, Limit, PIXELS_MAX, Point, ROWS, Summary, TrendQuery, TrendRefused, curve,
};
pub use veglia_words::Language;
pub use wall::{WALL_LINES, WallPage, WallView};

/// What the pages of this room say.
pub(crate) static WORDS: veglia_words::Pack = veglia_words::Pack::new(
    &[
        include_str!("../words/it/said.ftl"),
        include_str!("../words/it/ward.ftl"),
        include_str!("../words/it/patient.ftl"),
        include_str!("../words/it/plan.ftl"),
        include_str!("../words/it/entrust.ftl"),
    ],
    &[
        include_str!("../words/en/said.ftl"),
        include_str!("../words/en/ward.ftl"),
        include_str!("../words/en/patient.ftl"),
        include_str!("../words/en/plan.ftl"),
        include_str!("../words/en/entrust.ftl"),
    ],
);

#[cfg(test)]
mod tests;
