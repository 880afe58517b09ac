//! The centre's ear: frames to journal to acknowledgement, and the journal's consumers.
//!
//! ```text
//! link::receiver → intake (weigh, journal, fsync, acknowledge)
//!                     │ journal: the only ordered input
//!                     ├─→ tape  → series    every reading, for ever
//!                     ├─→ watch → diary     rules, flags; and the board of live rows
//!                     └─→ tap               for a store elsewhere, which nothing here waits for
//! ```
//! Beside it, of the moment and never in the journal: what gateways say of themselves, and what is
//! asked of them (`repeats.rs`, `calls.rs`, and whoever asks the view).
//!
//! What came without a time waits in the journal for its gateway's clock and is dated by a further
//! entry (`dating.rs`); what is new in the diary stands in the journal before what came after it
//! (`news.rs`). So whose a reading is, and when it was measured, can be told from the journal.
//!
//! What was measured with a device that nobody has, or that a household shares, is judged as of
//! somebody unknown until a person says whose it is (`waiting.rs`).
//!
//! The journal is the ground state; series, triage states, flags and rows are derived from it and
//! resume from cursors of their own. Whatever is killed, wherever, comes back to the same place.
//!
//! Limits: [`intake::MAX_WAITING`] arrivals wait at most; the journal keeps at least
//! [`retention::KEEP_MS`].
//!
//! Deliberately absent: names (who a patient is, the pages know), pages, deciding what the broker
//! lets through.

mod calls;
mod config;
mod dating;
pub mod entry;
mod figures;
mod fold;
mod follower;
mod homes;
pub mod intake;
mod ledger;
mod memory;
mod news;
mod probe;
mod quarantine;
mod repeats;
pub mod replay;
pub mod retention;
mod rows;
mod run;
mod sources;
mod strictest;
pub mod tap;
mod tape;
mod undated;
mod waiting;
mod watch;

pub use config::{Config, ConfigError, InfluxDb};
pub use figures::{Figures, Snapshot};
pub use follower::FollowError;
pub use memory::MemoryError;
pub use quarantine::QuarantineError;
pub use run::{Ingest, RunError};
pub use tape::TapeError;
pub use watch::WatchError;
