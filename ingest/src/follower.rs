//! Reads the journal in order and waits at its end for more: what every consumer stands on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinError;
use veglia_journal::{DamageReason, Item, JournalReader, Position, ReadError};

use crate::entry::{Entry, EntryError};
use crate::figures::Figures;

/// Bytes read at once: some hundred frames, a few milliseconds of work for a consumer.
const READ_BYTES: usize = 256 * 1024;

/// How long a consumer waits at the end before it looks around at all. Ticks come every second,
/// so this is only the longest time until it notices that the journal has ended.
const IDLE: Duration = Duration::from_secs(5);

/// Why the journal cannot be followed. A consumer that cannot read must not look healthy.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    /// An entry is of a newer version, or impossible.
    #[error("entry {position} of the journal cannot be read")]
    Entry {
        /// Its position.
        position: Position,
        /// Why not.
        #[source]
        source: EntryError,
    },
    /// The reading task died.
    #[error("the task that reads the journal died")]
    Task(#[from] JoinError),
}

/// A place in the journal, moving forward.
pub(crate) struct Follower<R> {
    reader: Option<R>,
    next: Position,
    written: watch::Receiver<Position>,
    figures: Figures,
}

impl<R: JournalReader + 'static> Follower<R> {
    /// Starts at `next`.
    pub(crate) fn new(
        reader: R,
        next: Position,
        written: watch::Receiver<Position>,
        figures: Figures,
    ) -> Self {
        Self {
            reader: Some(reader),
            next,
            written,
            figures,
        }
    }

    /// The position that will be read next.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// The position after the last entry, as far as is known.
    pub(crate) fn end(&self) -> Position {
        self.written.borrow().next()
    }

    /// Passes over everything before `next`.
    pub(crate) fn go_on_at(&mut self, next: Position) {
        self.next = next;
    }

    /// The next entries, as soon as there are some; nothing after a while without any. Damage is
    /// counted and passed over: its neighbours are whole, and what it held is lost either way.
    pub(crate) async fn more(&mut self) -> Result<Vec<(Position, Entry)>, FollowError> {
        if *self.written.borrow_and_update() < self.next {
            // A closed channel means that ingest is ending; there may still be entries to read.
            if let Ok(Err(_)) = tokio::time::timeout(IDLE, self.written.changed()).await {
                tokio::time::sleep(IDLE).await;
            }
            if *self.written.borrow() < self.next {
                return Ok(Vec::new());
            }
        }
        let items = self.read().await?;
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Entry(entry) => {
                    let position = entry.position;
                    let decoded = Entry::decode(&entry.bytes)
                        .map_err(|source| FollowError::Entry { position, source })?;
                    entries.push((position, decoded));
                    self.next = position.next();
                }
                Item::Damaged { from, to, reason } => {
                    self.missing(from, to, reason);
                    self.next = to.next();
                }
            }
        }
        Ok(entries)
    }

    fn missing(&self, from: Position, to: Position, reason: DamageReason) {
        if reason == DamageReason::TornTail {
            // The last write before a stop. What was in it was not acknowledged and comes again.
            tracing::info!(%from, %to, "the journal's last write before a stop was not whole");
        } else {
            tracing::error!(%from, %to, ?reason, "entries of the journal are damaged");
            self.figures.journal_damaged(to.get() - from.get() + 1);
        }
    }

    async fn read(&mut self) -> Result<Vec<Item>, FollowError> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(Vec::new());
        };
        let from = self.next;
        let (reader, items) = tokio::task::spawn_blocking(move || {
            let items = reader.read(from, READ_BYTES);
            (reader, items)
        })
        .await?;
        self.reader = Some(reader);
        Ok(items?)
    }
}
