//! The centre's screens: who is getting worse, who fell silent, and what was done about it.

mod acts;
mod book;
mod desk;
mod event;
mod history;
mod hub;
mod line;
mod page;
mod patient;
mod reason;
mod trend;
mod words;

pub use acts::{ActError, ActForm, Outcome, act};
pub use desk::LINES_MAX;
pub use hub::{Crowded, Hub, Link, PAGES_MAX, Pace, Watch};
pub use line::{About, Charge, Chip, Lane, Line, Placed, Rank, Value, place};
pub use page::WardPage;
pub use patient::{PageError, PatientPage, Sources, plan};
pub use reason::Reason;
pub use trend::{
    Chart, Limit, PIXELS_MAX, Point, ROWS, Summary, TrendQuery, TrendRefused, chart, limits,
};
