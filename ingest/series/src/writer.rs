//! The one owner of the growing end: pushes readings, checkpoints them with the journal position.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;
use veglia_store::{Actor, Database, TxError};

use crate::Sample;
use crate::builder::{Limits, Piece, Pressure, Ram, Unwritten};
use crate::chunk::Digest;
use crate::codec::encode;
use crate::query::Series;
use crate::schema::{
    ChunkRow, Cursor, Start, move_cursor, read_start, write_chunks, write_devices,
};

/// Who acts in every transaction of this crate.
pub(crate) const ACTOR: Actor = Actor::System("series");

/// Why series could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot read where the series stopped")]
pub struct OpenError(#[source] TxError);

/// Why a checkpoint was not written. Nothing is lost: its readings stay in RAM and in the journal.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The database refused. Calling `checkpoint` again tries again.
    #[error("the series could not be written; they stay in memory and in the journal meanwhile")]
    Store(#[source] TxError),
    /// The cursor is not where this writer left it: another process writes the same series, or a
    /// commit succeeded that was reported as failed.
    #[error("another writer has moved on in these series; stop this process and start it again")]
    AnotherWriter,
    /// The task that wrote was cancelled: the process is ending.
    #[error("the checkpoint was interrupted; the journal will be read again from the one before")]
    Interrupted,
}

/// The writer of all series of a database; there is one.
///
/// Dropping it abandons a checkpoint under way: call [`SeriesWriter::settle`] first.
#[derive(Debug)]
pub struct SeriesWriter {
    ram: Arc<Ram>,
    database: Database,
    /// The journal position of the last checkpoint that reached the disk.
    durable: Arc<AtomicU64>,
    under_way: Option<JoinHandle<Result<(), CheckpointError>>>,
}

impl Drop for SeriesWriter {
    fn drop(&mut self) {
        if let Some(task) = &self.under_way {
            task.abort();
        }
    }
}

impl SeriesWriter {
    /// The journal position up to which everything is in the series, on disk: reading resumes
    /// after it, and the journal may forget what lies before. 0 when there is none. It moves on as
    /// checkpoints complete.
    #[must_use]
    pub fn resume_from(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Takes a reading; it can be read at once. Never waits and never refuses.
    pub fn push(&mut self, sample: &Sample) -> Pressure {
        self.ram.push(sample)
    }

    /// Writes everything pushed so far, in the background, once the checkpoint before it is done.
    ///
    /// `through` is the journal position up to which every reading has been pushed: call this
    /// between two journal entries, never inside one.
    ///
    /// # Errors
    /// Why the checkpoint *before* this one failed; then this one was not begun. Calling again
    /// writes what both had to write.
    pub async fn checkpoint(&mut self, through: u64) -> Result<(), CheckpointError> {
        self.settle().await?;
        debug_assert!(through >= self.resume_from(), "journal positions only rise");
        let unwritten = self.ram.unwritten();
        if unwritten.pieces.is_empty() && through == self.resume_from() {
            return Ok(());
        }
        let ram = Arc::clone(&self.ram);
        let database = self.database.clone();
        let durable = Arc::clone(&self.durable);
        self.under_way = Some(tokio::spawn(async move {
            let from = durable.load(Ordering::Acquire);
            let unwritten = write(&database, unwritten, from, through).await?;
            ram.written(&unwritten);
            durable.store(through, Ordering::Release);
            Ok(())
        }));
        Ok(())
    }

    /// Waits for the checkpoint under way, if any.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn settle(&mut self) -> Result<(), CheckpointError> {
        // The handle is left in place while waiting, so that this call can be abandoned.
        let Some(task) = &mut self.under_way else {
            return Ok(());
        };
        let done = task.await;
        self.under_way = None;
        done.unwrap_or(Err(CheckpointError::Interrupted))
    }
}

impl Series {
    /// Opens the series of a database that was opened with [`crate::SCHEMA`].
    ///
    /// # Errors
    /// When what the last checkpoint left cannot be read.
    pub async fn open(database: Database) -> Result<(Self, SeriesWriter), OpenError> {
        Self::open_with(database, Limits::SHIPPED).await
    }

    pub(crate) async fn open_with(
        database: Database,
        limits: Limits,
    ) -> Result<(Self, SeriesWriter), OpenError> {
        let start: Start = database
            .read_tx("series.open", &ACTOR, |tx| Box::pin(read_start(tx)))
            .await
            .map_err(OpenError)?;
        let ram = Arc::new(Ram::new(start.devices, start.cursor.next_sequence, limits));
        let series = Self::new(Arc::clone(&ram), database.clone());
        let writer = SeriesWriter {
            ram,
            database,
            durable: Arc::new(AtomicU64::new(start.cursor.through)),
            under_way: None,
        };
        Ok((series, writer))
    }
}

/// Encodes, then writes chunks and cursor in one transaction; gives back what it wrote.
async fn write(
    database: &Database,
    unwritten: Unwritten,
    from: u64,
    through: u64,
) -> Result<Unwritten, CheckpointError> {
    let sealing = tokio::task::spawn_blocking(move || {
        let rows: Vec<ChunkRow> = unwritten.pieces.iter().filter_map(seal).collect();
        (unwritten, rows)
    });
    let (unwritten, rows) = sealing.await.map_err(|_| CheckpointError::Interrupted)?;
    let (what, rows) = (&unwritten, rows.as_slice());
    let from = Cursor {
        through: from,
        next_sequence: what.written_sequence,
    };
    let to = Cursor {
        through,
        next_sequence: what.next_sequence,
    };
    let ours = database
        .run_tx("series.checkpoint", &ACTOR, move |tx| {
            Box::pin(async move {
                if !move_cursor(tx, from, to).await? {
                    return Ok(false);
                }
                write_devices(tx, &what.devices).await?;
                write_chunks(tx, rows).await?;
                Ok(true)
            })
        })
        .await
        .map_err(CheckpointError::Store)?;
    if ours {
        Ok(unwritten)
    } else {
        Err(CheckpointError::AnotherWriter)
    }
}

fn seal(piece: &Piece) -> Option<ChunkRow> {
    Some(ChunkRow {
        channel: piece.channel,
        window: piece.window,
        sequence: piece.sequence,
        digest: Digest::of(&piece.points)?,
        data: encode(&piece.points),
    })
}
