//! What the room counts about itself, for a health page. Nothing here decides anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::server::Trouble;

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    inner: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    waiting: AtomicU64,
    behind: AtomicU64,
    quarantined: AtomicU64,
    missed: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Lines that the server has answered 204 to since the start. A line that was sent again is
    /// counted again.
    pub written: u64,
    /// Lines in memory that are on their way: a bounded window, not the whole backlog.
    pub waiting: u64,
    /// Entries of the journal between the cursor and its end: the backlog.
    pub behind: u64,
    /// Lines in quarantine, those from before the start included.
    pub quarantined: u64,
    /// Entries that had left the journal before the server could be given them.
    pub missed: u64,
    /// What the server had against the last request; none when it was answered 204.
    pub trouble: Option<Trouble>,
}

impl Figures {
    pub(crate) fn waiting(&self, lines: usize) {
        self.inner
            .waiting
            .fetch_add(count(lines), Ordering::Relaxed);
    }

    pub(crate) fn written(&self, lines: usize) {
        self.inner
            .written
            .fetch_add(count(lines), Ordering::Relaxed);
        self.settled(lines);
        *self.last() = None;
    }

    /// One line was kept in quarantine, where so many are now.
    pub(crate) fn refused(&self, quarantined: usize) {
        self.settled(1);
        self.quarantined(quarantined);
    }

    pub(crate) fn quarantined(&self, lines: usize) {
        self.inner
            .quarantined
            .store(count(lines), Ordering::Relaxed);
    }

    pub(crate) fn behind(&self, entries: u64) {
        self.inner.behind.store(entries, Ordering::Relaxed);
    }

    pub(crate) fn missed(&self, entries: u64) {
        self.inner.missed.fetch_add(entries, Ordering::Relaxed);
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        *self.last() = Some(trouble);
    }

    fn settled(&self, lines: usize) {
        self.inner
            .waiting
            .fetch_sub(count(lines), Ordering::Relaxed);
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Trouble>> {
        self.inner
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let count = &self.inner;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            written: load(&count.written),
            waiting: load(&count.waiting),
            behind: load(&count.behind),
            quarantined: load(&count.quarantined),
            missed: load(&count.missed),
            trouble: *self.last(),
        }
    }
}

fn count(lines: usize) -> u64 {
    u64::try_from(lines).unwrap_or(u64::MAX)
}
