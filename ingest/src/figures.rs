//! What ingest counts about itself: for the health endpoint, the demonstration's summary and the
//! tests. Plain counters; nothing here decides anything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;
use veglia_wire::FrameHeader;

use crate::ledger::Weighed;

/// Longest latency told apart, in milliseconds: an hour. What is longer is a backlog being
/// delivered, not a latency.
const LONGEST_MS: u64 = 3_600_000;

/// Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Figures {
    inner: Arc<Counters>,
}

struct Counters {
    frames: AtomicU64,
    records: AtomicU64,
    repeated: AtomicU64,
    holes: AtomicU64,
    damaged: AtomicU64,
    refused: AtomicU64,
    journal_damaged: AtomicU64,
    lost_at_home: AtomicU64,
    disk_full: AtomicBool,
    durable_ms: Mutex<Histogram<u32>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Frames stored.
    pub frames: u64,
    /// Records stored.
    pub records: u64,
    /// Frames that were known already.
    pub repeated: u64,
    /// Frames that came after a hole and were asked for again.
    pub holes: u64,
    /// Frames that arrived damaged.
    pub damaged: u64,
    /// Records that arrived intact and were not understood.
    pub refused: u64,
    /// Entries of the journal that could not be read back.
    pub journal_damaged: u64,
    /// Records that homes say they could not keep, since the start.
    pub lost_at_home: u64,
    /// Whether the disk refuses writes now.
    pub disk_full: bool,
    /// From measured at the gateway to on disk here, wall milliseconds, median.
    pub durable_ms_p50: u64,
    /// The same, 99th percentile.
    pub durable_ms_p99: u64,
}

impl Default for Figures {
    fn default() -> Self {
        let durable_ms = Histogram::new_with_max(LONGEST_MS, 2)
            .expect("an hour in milliseconds at two digits is a valid histogram");
        Self {
            inner: Arc::new(Counters {
                frames: AtomicU64::new(0),
                records: AtomicU64::new(0),
                repeated: AtomicU64::new(0),
                holes: AtomicU64::new(0),
                damaged: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                journal_damaged: AtomicU64::new(0),
                lost_at_home: AtomicU64::new(0),
                disk_full: AtomicBool::new(false),
                durable_ms: Mutex::new(durable_ms),
            }),
        }
    }
}

impl Figures {
    pub(crate) fn frame(&self, header: &FrameHeader, weighed: Weighed) {
        let count = &self.inner;
        match weighed {
            Weighed::New { skip } => {
                count.frames.fetch_add(1, Ordering::Relaxed);
                let new = header.count.saturating_sub(skip);
                count.records.fetch_add(u64::from(new), Ordering::Relaxed);
            }
            Weighed::Seen => {
                count.repeated.fetch_add(1, Ordering::Relaxed);
            }
            Weighed::Hole { .. } => {
                count.holes.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn damaged(&self) {
        self.inner.damaged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, records: u64) {
        self.inner.refused.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn journal_damaged(&self, entries: u64) {
        self.inner
            .journal_damaged
            .fetch_add(entries, Ordering::Relaxed);
    }

    pub(crate) fn lost_at_home(&self, records: u32) {
        self.inner
            .lost_at_home
            .fetch_add(u64::from(records), Ordering::Relaxed);
    }

    pub(crate) fn disk_full(&self, full: bool) {
        self.inner.disk_full.store(full, Ordering::Relaxed);
    }

    pub(crate) fn durable_after(&self, wall_ms: i64) {
        let Ok(wall_ms) = u64::try_from(wall_ms) else {
            return;
        };
        let mut histogram = self
            .inner
            .durable_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(wall_ms);
    }

    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let count = &self.inner;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let histogram = count
            .durable_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            frames: load(&count.frames),
            records: load(&count.records),
            repeated: load(&count.repeated),
            holes: load(&count.holes),
            damaged: load(&count.damaged),
            refused: load(&count.refused),
            journal_damaged: load(&count.journal_damaged),
            lost_at_home: load(&count.lost_at_home),
            disk_full: count.disk_full.load(Ordering::Relaxed),
            durable_ms_p50: histogram.value_at_quantile(0.5),
            durable_ms_p99: histogram.value_at_quantile(0.99),
        }
    }
}
