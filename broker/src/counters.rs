//! What the door counts, and how others look at it.
//!
//! Counters only grow; levels are read where they live, so that they cannot drift.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::admission::Admission;
use crate::fanout::Fanout;
use crate::rules::Refusal;
use crate::takeover::Seats;

/// Counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    publishes_in: AtomicU64,
    publishes_out: AtomicU64,
    refused: Mutex<BTreeMap<Refusal, u64>>,
    router_answered: Mutex<Option<Instant>>,
}

impl Counters {
    pub(crate) fn published(&self) {
        self.publishes_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self) {
        self.publishes_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        let mut refused = self.refused.lock().expect("nothing panics under this lock");
        *refused.entry(refusal).or_default() += 1;
    }

    #[cfg(test)]
    pub(crate) fn refusals(&self, refusal: Refusal) -> u64 {
        let refused = self.refused.lock().expect("nothing panics under this lock");
        refused.get(&refusal).copied().unwrap_or_default()
    }

    pub(crate) fn router_answered(&self, now: Instant) {
        let last = self.router_answered.lock();
        *last.expect("nothing panics under this lock") = Some(now);
    }
}

/// A look at the door from outside; cheap to clone, and it outlives the door.
#[derive(Debug, Clone)]
pub struct Health {
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) fanout: Arc<Fanout>,
}

/// How the door stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Open sockets, also those that have not said who they are.
    pub connections: u32,
    /// Sessions of gateways and services.
    pub sessions: usize,
    /// Their subscriptions.
    pub subscriptions: usize,
    /// Messages handed over to the backend since the start.
    pub publishes_in: u64,
    /// Messages written to subscribers since the start.
    pub publishes_out: u64,
    /// What was refused or ended, by reason, since the start.
    pub refused: BTreeMap<Refusal, u64>,
    /// When the router last carried a message through; `None` before the first time.
    pub router_answered: Option<Instant>,
}

impl Health {
    /// How the door stands now.
    pub fn snapshot(&self) -> Snapshot {
        let refused = self.counters.refused.lock();
        let answered = self.counters.router_answered.lock();
        Snapshot {
            connections: self.admission.connections(),
            sessions: self.seats.count(),
            subscriptions: self.fanout.subscriptions(),
            publishes_in: self.counters.publishes_in.load(Ordering::Relaxed),
            publishes_out: self.counters.publishes_out.load(Ordering::Relaxed),
            refused: refused.expect("nothing panics under this lock").clone(),
            router_answered: *answered.expect("nothing panics under this lock"),
        }
    }
}
