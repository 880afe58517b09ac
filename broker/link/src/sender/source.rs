//! Where a sender takes its records from: the outbox, in every home.
//!
//! The trait is for whoever can make the same records again under the same sequences without a
//! disk, which is a load generator. What is sent, sent again and believed of an acknowledgement
//! is decided by the sender alone, the same for every source.

use tokio::sync::watch;
use veglia_wire::{Record, Refusal, Sequence};

use crate::outbox::{Outbox, OutboxStatus, Spool, SpoolError};

/// Consecutive records.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The sequence of the first.
    pub first: Sequence,
    /// The records; none when there are none.
    pub records: Vec<Record>,
}

/// Numbered records that stay until they are acknowledged.
pub trait Source: Send {
    /// How far it is; [`OutboxStatus::newest`] says what may be asked for.
    fn status(&self) -> OutboxStatus;

    /// The same, whenever that changes.
    fn watch(&self) -> watch::Receiver<OutboxStatus>;

    /// Up to `limit` records from sequence `from` to at most about `newest`, which it has. Begins
    /// later if `from` is no longer kept. Asked again for a sequence, it gives the same record.
    fn page(
        &mut self,
        from: Sequence,
        newest: Sequence,
        limit: usize,
    ) -> impl Future<Output = Result<Page, SpoolError>> + Send;

    /// Ingest has everything up to `through` on its disk.
    fn acknowledged(&mut self, through: Sequence);

    /// Ingest could not understand these records; a person must be able to look at them.
    fn keep_refused(&mut self, refusal: Refusal) -> impl Future<Output = ()> + Send;
}

/// An outbox and the reader of it.
pub(super) struct Kept {
    outbox: Outbox,
    spool: Spool,
}

impl Kept {
    /// None if the outbox is closed.
    pub(super) async fn new(outbox: Outbox) -> Option<Self> {
        let spool = outbox.spool().await?;
        Some(Self { outbox, spool })
    }
}

impl Source for Kept {
    fn status(&self) -> OutboxStatus {
        self.outbox.status()
    }

    fn watch(&self) -> watch::Receiver<OutboxStatus> {
        self.outbox.watch()
    }

    async fn page(
        &mut self,
        from: Sequence,
        newest: Sequence,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        self.spool.take(from, newest, limit).await
    }

    fn acknowledged(&mut self, through: Sequence) {
        self.outbox.acknowledged(through);
    }

    async fn keep_refused(&mut self, refusal: Refusal) {
        self.outbox.keep_refused(refusal).await;
    }
}
