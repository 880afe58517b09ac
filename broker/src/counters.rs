//! What the door counts, and how others look at it.
//!
//! Counters only grow; levels are read where they live, so that they cannot drift.
//!
//! Whoever was refused before it had a session is no news by itself: an open port is tried all
//! day. These are told once a minute, a line for each reason, so that a flood of strangers does
//! not become a flood of lines.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::admission::Admission;
use crate::arrivals::Arrivals;
use crate::backend::Standing;
use crate::fanout::Fanout;
use crate::refusal::Refusal;
use crate::takeover::Seats;

/// Between two tellings of how many strangers were refused.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How often each.
type Tally = BTreeMap<Refusal, u64>;

/// Counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    publishes_in: AtomicU64,
    publishes_out: AtomicU64,
    refused: Mutex<Tally>,
    /// Strangers since the last telling.
    untold: Mutex<Tally>,
    router_restarts: AtomicU64,
    router_answered: Mutex<Option<Instant>>,
}

impl Counters {
    pub(crate) fn published(&self) {
        self.publishes_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self) {
        self.publishes_out.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody with a session, which is logged where it ends.
    pub(crate) fn refused(&self, refusal: Refusal) {
        *held(&self.refused).entry(refusal).or_default() += 1;
    }

    /// Somebody without one.
    pub(crate) fn turned_away(&self, refusal: Refusal) {
        self.refused(refusal);
        *held(&self.untold).entry(refusal).or_default() += 1;
        tracing::debug!(reason = %refusal, "a connection was refused");
    }

    /// Tells for ever how many strangers were refused.
    pub(crate) async fn tell(&self) -> ! {
        loop {
            sleep(TELL_EVERY).await;
            let untold = mem::take(&mut *held(&self.untold));
            for (reason, count) in untold {
                tracing::warn!(%reason, count, "connections were refused in the last minute");
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn refusals(&self, refusal: Refusal) -> u64 {
        held(&self.refused)
            .get(&refusal)
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn router_restarted(&self) {
        self.router_restarts.fetch_add(1, Ordering::Relaxed);
        *held(&self.router_answered) = None;
    }

    pub(crate) fn router_answered_at(&self) -> Option<Instant> {
        *held(&self.router_answered)
    }

    pub(crate) fn router_answered(&self, now: Instant) {
        *held(&self.router_answered) = Some(now);
    }
}

fn held<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().expect("nothing panics under this lock")
}

/// A look at the door from outside; cheap to clone, and it outlives the door.
#[derive(Debug, Clone)]
pub struct Health {
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) handshakes: Arc<Admission>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) standing: Option<watch::Receiver<Standing>>,
}

/// How the door stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Open sockets, also those that have not said who they are.
    pub connections: u32,
    /// Those of them that are in the middle of a TLS handshake.
    pub handshakes: u32,
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
    /// How often the router had to be opened again since the start.
    pub router_restarts: u64,
    /// How the backend fares, if it is one that can be away.
    pub backend: Option<Standing>,
}

impl Health {
    /// How the door stands now.
    pub fn snapshot(&self) -> Snapshot {
        let counters = &self.counters;
        Snapshot {
            connections: self.admission.taken(),
            handshakes: self.handshakes.taken(),
            sessions: self.seats.count(),
            subscriptions: self.fanout.subscriptions(),
            publishes_in: counters.publishes_in.load(Ordering::Relaxed),
            publishes_out: counters.publishes_out.load(Ordering::Relaxed),
            refused: held(&counters.refused).clone(),
            router_answered: counters.router_answered_at(),
            router_restarts: counters.router_restarts.load(Ordering::Relaxed),
            backend: self.standing.as_ref().map(|standing| *standing.borrow()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn strangers_are_counted_for_ever_and_told_once() {
        let counters = Counters::default();
        for _ in 0..1_000 {
            counters.turned_away(Refusal::NoCertificate);
        }
        counters.refused(Refusal::TooSlow);
        assert_eq!(held(&counters.untold).len(), 1);
        let telling = tokio::time::timeout(TELL_EVERY * 3 / 2, counters.tell());
        assert!(telling.await.is_err(), "it tells for ever");
        assert!(held(&counters.untold).is_empty());
        assert_eq!(counters.refusals(Refusal::NoCertificate), 1_000);
    }
}
