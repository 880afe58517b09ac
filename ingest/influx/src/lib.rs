//! The same readings to an InfluxDB 2 server as well, from the journal, at its own pace.
//!
//! ```text
//! portions of the journal → lines (bytes, a cached prefix a series) → batches
//!     → up to four requests at once → 204 → cursor
//!                                  ↳ a line refused → quarantine → cursor
//! ```
//! **The embedded series stay the source of the pages and are always written.** A clinician must
//! not be blind because a server is away, and a 204 is not a promise: a server may answer it
//! before its disk has the readings (one that does was killed and had lost one in twenty of them).
//! So a server is a second home of the readings, for those who want to ask it, and never the only
//! one; the journal keeps its segments for days, and a lost server is fed again by setting the
//! cursor back ([`rewind`]).
//!
//! **At least once.** The cursor moves only when everything before it was answered with 204 or
//! lies in quarantine. What is sent again after a stop has the same tags and the same time: it
//! takes the place of what was there.
//!
//! **In nobody's way.** The journal is read with a reader of this room's own, and nothing waits
//! for it: a server that is away for longer than the journal keeps its segments misses what they
//! held, which is counted and told.
//!
//! # Limits
//! - Two readings of one series in the same millisecond are one point to InfluxDB: which of the
//!   two it keeps is not defined. The embedded series keep both.
//! - `influxdb2` hands out the status and the text of an answer, not its headers: a `Retry-After`
//!   cannot be seen. A server that asks for patience is given seconds, then more and more.
//! - Tried with a strict imitation of the write contract and with VictoriaMetrics 1.79.5, which
//!   takes the same requests; InfluxDB 2 itself was not at hand.
//!
//! Deliberately absent: reading back (the pages never ask such a server), compression, creating
//! buckets, and who the patient is: series are keyed by device, as everywhere on this path.

mod batch;
mod courier;
mod figures;
mod line;
mod pace;
mod quarantine;
mod server;
mod writer;

pub use figures::{Figures, Snapshot};
pub use line::Lines;
pub use pace::Pace;
pub use quarantine::QuarantineError;
pub use server::{Config, ConfigError, Trouble};
pub use writer::{OpenError, Portion, RunError, Writer, rewind};
