//! Counts the transactions of a program's records, so that a test may say what a page costs without
//! measuring time.
//!
//! The store reports each transaction once, in a log line of its own, and the ear is the program's:
//! a test that counts is alone in its program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Under which name the store reports.
const TARGET: &str = "veglia_store::database";

/// How many transactions there were.
#[derive(Debug, Clone, Default)]
pub struct Transactions(Arc<AtomicUsize>);

impl Transactions {
    /// Counts from now on.
    ///
    /// # Panics
    /// When somebody else in the program listens.
    #[must_use]
    pub fn counted() -> Self {
        let counted = Self::default();
        let ear = Ear(counted.clone());
        tracing::subscriber::set_global_default(ear).expect("nobody else listens");
        counted
    }

    /// How many there were so far.
    #[must_use]
    pub fn so_far(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Ear(Transactions);

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET && metadata.is_event()
    }

    fn event(&self, _: &Event<'_>) {
        let Transactions(count) = &self.0;
        count.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
