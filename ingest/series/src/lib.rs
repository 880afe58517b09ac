//! Time series: what every device measured, compressed, in a database of its own.
//!
//! ```text
//! journal ─ push ─▶ builders in RAM ─ checkpoint ─▶ one row a chunk, and the cursor
//!                        └──────────── reads ──────────────┘
//! ```
//! A series is one vital sign of one device. Its time is cut into windows of five minutes; the
//! readings of a window gather in a builder in RAM and are written as one compressed chunk, whose
//! row also says how many there are, the first, the last, the lowest and the highest, of the clean
//! readings and of the flagged ones apart, so that a curve of two weeks reads rows without opening
//! them.
//!
//! **Exactly once.** The journal is the ground state. [`SeriesWriter::checkpoint`] writes every
//! changed chunk *and* the journal position in one transaction; a restart resumes reading after
//! that position. So nothing doubles and nothing is lost, and readings are never de-duplicated by
//! time: two true readings may share a millisecond. A second writer on the same file is noticed
//! before it can double anything ([`CheckpointError::AnotherWriter`]).
//!
//! **Never in the way.** `push` touches RAM only; encoding and SQL happen behind it, one
//! checkpoint at a time, each waiting for the one before. When RAM is full `push` says
//! [`Pressure::Checkpoint`], and refuses nothing.
//!
//! **One moment.** A read sees exactly what had been pushed at one moment, in RAM or on disk,
//! also while a checkpoint is under way: each builder has a number that its row carries too, so
//! that a row is never counted beside its builder. (An [`Export`] and the pages of a long read
//! take each window at its own moment.)
//!
//! **Late readings** open a second chunk of their window; reads merge them in order of time.
//!
//! **Limits**: see the constants in `builder`, `codec`, `m4` and `query`.
//!
//! Deliberately absent: patients (resolved by whoever asks, by assignment interval), clocks,
//! averages (an average hides the desaturation that matters) and any deletion.

mod bits;
mod builder;
mod chunk;
pub mod codec;
mod m4;
mod outlines;
mod query;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

pub use builder::Pressure;
pub use chunk::{Dot, Outline};
pub use codec::ChunkError;
pub use m4::{BUCKETS_MAX, Bucket, Curve};
pub use query::{Damage, Export, Page, READINGS_MAX, ReadError, Readings, Series};
pub use schema::SCHEMA;
pub use writer::{CheckpointError, OpenError, SeriesWriter};

/// One measured value on its way into, or out of, its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The device that measured.
    pub device: DeviceId,
    /// What it measured.
    pub vital: VitalKind,
    /// Where on the body; only temperatures say.
    pub site: Site,
    /// When it was measured. That the time is uncertain is a flag of `quality`.
    pub at: WallMs,
    /// In the steps of `vital` ([`VitalKind::steps_per_unit`]).
    pub value: i32,
    /// What was said of it.
    pub quality: Quality,
}
