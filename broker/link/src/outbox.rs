//! The outbox: records wait here, on disk and numbered, until ingest has them on its own disk.
//!
//! A record's [`Sequence`] is its position in the journal underneath, and counts within the
//! outbox's [`Epoch`], a random number made when the outbox is created. The pair is the record's
//! name for ever, so it must never come to mean something else: an outbox that has lost its
//! epoch, or that is older than its own acknowledgements, refuses to open.
//!
//! ```text
//! <dir>/journal/      the records, one journal entry each
//! <dir>/epoch         the epoch, written once          (versioned, with a CRC: a journal cursor)
//! <dir>/acknowledged  the next sequence ingest wants   (the same; rewritten now and then)
//! <dir>/lost          what was refused and not yet told as a gap
//! <dir>/refused/      records that ingest could not understand, for a person to look at
//! ```
//! One thread writes. [`Outbox::append`] answers when the records are on disk; appends that wait
//! together share one `fdatasync`. [`Outbox`] is a handle: clones are the same outbox, and the
//! thread ends with the last of them or with [`Outbox::close`].
//!
//! Nothing is given up silently. At [`OutboxOptions::max_total_bytes`] the oldest continuous
//! readings are thinned out to one a minute, a segment at a time, and stand as gaps under their own
//! sequences; readings that stand alone, events and answers stay. An append that does not fit
//! even so, or on a full disk, fails, its records are counted, and the next append that
//! succeeds is preceded by a [`Gap`](veglia_wire::Gap) that says how many and for how long. So a
//! failed append is final: whoever tries the same records again is counted twice. The count is on
//! the disk, so that a power cut does not forget it. A record whose
//! bytes the disk has spoiled is sent as a gap under its own sequence.
//!
//! The acknowledged mark lags behind by up to [`MARK_EVERY`]; losing it costs a repetition.
//!
//! Deliberately absent: making room on a full disk (thinning needs some), and a fall-back to
//! memory when the disk fails.

mod find;
mod loss;
mod open;
mod spool;
mod thin;
mod urgent;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use veglia_journal::{CursorError, Filesystem, HostFilesystem};
use veglia_wire::{Epoch, Record, Refusal, Sequence};

pub(crate) use spool::Spool;
pub use spool::SpoolError;
use writer::Command;

/// Most records in one append. A device's whole memory comes in parts of this size; it bounds
/// what one caller can make the others wait for.
pub const MAX_APPEND_RECORDS: usize = 1024;

/// Appends that may wait for the writer. Each is one reader of devices or one form, so that more
/// than this means a disk that does not keep up: the next one waits in its caller.
const QUEUED_APPENDS: usize = 64;

/// How often the acknowledged mark is stored at most. Storing costs a file, and every second that
/// would be half of all that a box writes to its memory card; what is acknowledged within it is
/// repeated after a power cut, and recognised.
pub const MARK_EVERY: Duration = Duration::from_secs(30);

/// How an outbox is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxOptions {
    /// Space is given back in steps of this size. 1 MiB is two hours of one oximeter at one
    /// reading a second.
    pub segment_bytes: u64,
    /// Old continuous readings are thinned out, and then appends refused, past this size.
    /// 1 GiB is three months of that oximeter, and leaves most of the smallest memory card to the
    /// rest of the system.
    pub max_total_bytes: u64,
    /// How long readings of measurements that go on are gathered for one `fdatasync`, and so for
    /// one frame. Everything else is written at once, with what was gathered by then, at most once
    /// a second. Zero writes at once whatever waits.
    pub commit_window: Duration,
}

impl Default for OutboxOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 1024 * 1024,
            max_total_bytes: 1024 * 1024 * 1024,
            commit_window: Duration::ZERO,
        }
    }
}

/// The sequences that one append got. All of them are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Of the first record.
    pub first: Sequence,
    /// Of the last record.
    pub last: Sequence,
}

/// Whether the outbox takes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// It does.
    Writing,
    /// The last append did not fit, or could not be written: records are being lost and counted.
    Refusing {
        /// Records lost since it began.
        lost: u32,
    },
    /// The disk failed: nothing more is taken until the outbox is opened again.
    Poisoned,
    /// Closed.
    Closed,
}

/// How an outbox is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Its epoch.
    pub epoch: Epoch,
    /// The oldest sequence still on disk, acknowledged or not; none when there is nothing.
    pub oldest: Option<Sequence>,
    /// The newest sequence ever given; none when none was.
    pub newest: Option<Sequence>,
    /// Everything up to and including this is on ingest's disk.
    pub acknowledged: Option<Sequence>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Continuous readings given up to make room, since it was opened.
    pub thinned: u64,
    /// Whether it takes records.
    pub state: OutboxState,
}

impl OutboxStatus {
    /// How many records wait for ingest's acknowledgement.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        number(self.newest).saturating_sub(number(self.acknowledged))
    }
}

fn number(sequence: Option<Sequence>) -> u64 {
    sequence.map_or(0, Sequence::get)
}

/// Why an outbox could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The journal with the records could not be opened.
    #[error("could not open the outbox {}", dir.display())]
    Journal {
        /// The outbox's directory.
        dir: PathBuf,
        /// The cause.
        source: veglia_journal::OpenError,
    },
    /// One of the two small files could not be read or written.
    #[error("could not open the outbox {}", dir.display())]
    Mark {
        /// The outbox's directory.
        dir: PathBuf,
        /// The cause.
        source: CursorError,
    },
    /// There are records but no epoch to name them by.
    #[error(
        "the outbox {} has records but no epoch: put the file `epoch` back from a copy, \
         or move the directory away to begin a new outbox",
        dir.display()
    )]
    NoEpoch {
        /// The outbox's directory.
        dir: PathBuf,
    },
    /// Sequences up to `acknowledged` were given once, and would be given again.
    #[error(
        "the outbox {} ends before sequence {acknowledged}, which was acknowledged: it was put \
         back from an older copy; move the directory away to begin a new outbox",
        dir.display()
    )]
    Older {
        /// The outbox's directory.
        dir: PathBuf,
        /// The sequence it does not reach.
        acknowledged: Sequence,
    },
    /// The operating system refused something else.
    #[error("could not {action} for the outbox {}", dir.display())]
    System {
        /// What was being done.
        action: &'static str,
        /// The outbox's directory.
        dir: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Why records were not appended. They are given up, and counted where it says so.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// There were no records.
    #[error("there are no records to append")]
    Empty,
    /// More than [`MAX_APPEND_RECORDS`].
    #[error("{0} records in one append, at most {MAX_APPEND_RECORDS} are allowed: use parts")]
    TooMany(usize),
    /// The disk is full; counted.
    #[error("the outbox's disk is full: free some space")]
    DiskFull(#[source] Arc<veglia_journal::AppendError>),
    /// The outbox has reached its limit because ingest acknowledges nothing, and has nothing left
    /// that may be thinned out; counted.
    #[error("the outbox is full: check the connection to the centre")]
    Full(#[source] Arc<veglia_journal::AppendError>),
    /// Another failure to write; counted.
    #[error("the outbox could not be written: check the disk")]
    Write(#[source] Arc<veglia_journal::AppendError>),
    /// The disk does not confirm what is written: final.
    #[error("the outbox's disk has failed: check it, then restart")]
    Poisoned(#[source] Arc<veglia_journal::AppendError>),
    /// The outbox was closed.
    #[error("the outbox is closed")]
    Closed,
}

/// A handle on the durable queue of records; see the [module](self).
#[derive(Debug, Clone)]
pub struct Outbox {
    commands: mpsc::Sender<Command>,
    status: Arc<watch::Sender<OutboxStatus>>,
}

impl Outbox {
    /// Opens the outbox in `dir`, or makes a new one with a new epoch. Blocks for as long as
    /// reading one segment takes. Only one process may do so at a time: the role's directory lock
    /// sees to that.
    ///
    /// # Errors
    /// [`OpenError`]. A full disk is not an error for an outbox that exists.
    pub fn open(dir: &Path, options: OutboxOptions) -> Result<Self, OpenError> {
        Self::open_on(HostFilesystem, dir, options)
    }

    /// The same on another file system, for tests of what happens when a disk is full or fails.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn open_on<F: Filesystem>(
        fs: F,
        dir: &Path,
        options: OutboxOptions,
    ) -> Result<Self, OpenError> {
        let (writer, status) = open::open(fs, dir, options)?;
        let (commands, queue) = mpsc::channel(QUEUED_APPENDS);
        let system = |source| OpenError::System {
            action: "start a thread",
            dir: dir.to_owned(),
            source,
        };
        let mut timer = Builder::new_current_thread();
        let timer = timer.enable_time().build().map_err(system)?;
        std::thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || writer.run(queue, &timer))
            .map_err(system)?;
        Ok(Self { commands, status })
    }

    /// Appends records in order and answers when they are on disk. Waits while too many appends
    /// are before it. Dropping the future does not take the records back.
    ///
    /// # Errors
    /// [`AppendError`]: none of the records was kept. Do not try the same ones again.
    pub async fn append(&self, records: Vec<Record>) -> Result<Appended, AppendError> {
        if records.is_empty() {
            return Err(AppendError::Empty);
        }
        if records.len() > MAX_APPEND_RECORDS {
            return Err(AppendError::TooMany(records.len()));
        }
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::Append { records, reply })
            .await
            .map_err(|_| AppendError::Closed)?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// How it is doing now.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        *self.status.borrow()
    }

    /// How it is doing, whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<OutboxStatus> {
        self.status.subscribe()
    }

    /// Ingest has everything up to `through` on its disk. Segments that lie wholly before are
    /// deleted, soon. Never waits; a sequence that was never given counts as the newest given.
    pub fn acknowledged(&self, through: Sequence) {
        let advanced = self.status.send_if_modified(|status| {
            let through = status.newest.map(|newest| newest.min(through));
            let advances = number(through) > number(status.acknowledged);
            if advances {
                status.acknowledged = through;
            }
            advances
        });
        // A full queue needs no reminder: the writer looks at the mark after each commit.
        if advanced && self.commands.try_send(Command::Tidy).is_err() {
            tracing::trace!("the outbox will tidy up after its next commit");
        }
    }

    /// The oldest record that waits for ingest's acknowledgement; none when none does.
    ///
    /// # Errors
    /// [`SpoolError`]: the disk cannot be read, or the outbox is closed.
    pub async fn first_waiting(&self) -> Result<Option<Record>, SpoolError> {
        let status = self.status();
        let Some(newest) = status.newest.filter(|_| status.waiting() > 0) else {
            return Ok(None);
        };
        let from = Sequence::FIRST.plus(number(status.acknowledged));
        let mut spool = self.spool().await.ok_or(SpoolError::Stopped)?;
        let page = spool.take(from, newest, 1).await?;
        Ok(page.records.into_iter().next())
    }

    /// Answers when the writer has come round: never, when its disk does not answer any more.
    pub async fn turns(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Turn(reply)).await.is_ok() && done.await.is_err() {
            tracing::debug!("the outbox was closed");
        }
    }

    /// Stores the acknowledged mark and ends the writer. Appends that come later fail.
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).await.is_ok() && done.await.is_err() {
            tracing::debug!("the outbox was closed already");
        }
    }

    /// A reader of what is on disk; none if the outbox is closed.
    pub(crate) async fn spool(&self) -> Option<Spool> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Reader(reply)).await.ok()?;
        answer.await.ok().map(Spool::new)
    }

    /// Keeps a copy of records that ingest could not understand; answers when it is on disk, or
    /// has been given up (which is logged).
    pub(crate) async fn keep_refused(&self, refusal: Refusal) {
        let (reply, done) = oneshot::channel();
        let sent = self.commands.send(Command::Keep { refusal, reply }).await;
        if sent.is_ok() && done.await.is_err() {
            tracing::debug!("the outbox was closed before the refused records were kept");
        }
    }
}

#[cfg(test)]
mod tests;
