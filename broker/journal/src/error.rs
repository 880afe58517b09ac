//! What can go wrong, one enum per operation.
//!
//! A text says what happened, to which file, and what to do next; the cause is in `source`.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::Position;

/// Why a journal could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Written by a newer program.
    #[error(
        "{} is in journal format {found}, this program reads up to {supported}: \
         start the newer version again",
        path.display()
    )]
    NewerVersion {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version understood here.
        supported: u32,
    },
    /// The directory holds a journal made for something else.
    #[error(
        "{} belongs to a journal of kind \"{}\", not \"{}\": check the data directory",
        path.display(), found.escape_ascii(), expected.escape_ascii()
    )]
    WrongKind {
        /// The segment.
        path: PathBuf,
        /// The kind written in it.
        found: [u8; 4],
        /// The kind asked for.
        expected: [u8; 4],
    },
}

/// Why entries were not appended. None of them is in the journal then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// There was nothing to append, and so nothing to prove durable.
    #[error("there are no entries to append")]
    Empty,
    /// The entries do not fit into one frame.
    #[error("{bytes} bytes in one append, at most {limit} are allowed: append them in parts")]
    TooLarge {
        /// The payload's size.
        bytes: u64,
        /// [`crate::MAX_FRAME_PAYLOAD_BYTES`].
        limit: u64,
    },
    /// The journal has reached the size its owner allows.
    #[error("the journal has reached its limit of {limit_bytes} bytes: remove what is not needed")]
    Full {
        /// [`crate::Options::max_total_bytes`].
        limit_bytes: u64,
    },
    /// No space on the device, or the quota is used up. Appending works again when there is space.
    #[error("the disk is full, could not write {}: free some space", path.display())]
    DiskFull {
        /// The segment.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another write error. What was half written is cut off; the caller may try again.
    #[error("could not write {}: check the disk", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The disk did not confirm. The writer is poisoned from here on.
    #[error(
        "the disk did not confirm what was written to {}: check it, then restart",
        path.display()
    )]
    Sync {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An earlier failure left the writer unable to promise anything. Open the journal again.
    #[error("the journal stopped after a disk failure: check the disk, then restart")]
    Poisoned,
}

impl AppendError {
    /// Whether every later append will fail as well, until the journal is opened again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::Poisoned)
    }
}

/// Why a journal could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The position was removed on purpose.
    #[error("position {from} has been removed, the oldest kept is {oldest}")]
    Removed {
        /// The position asked for.
        from: Position,
        /// The oldest still kept.
        oldest: Position,
    },
    /// The position was never given here: the cursor belongs to another journal, or the journal
    /// was put back from an older copy.
    #[error(
        "position {from} was never given, the next is {next}: the cursor is not this journal's"
    )]
    Beyond {
        /// The position asked for.
        from: Position,
        /// The next position of this journal.
        next: Position,
    },
    /// The operating system refused.
    #[error("could not read {}", path.display())]
    Io {
        /// The segment.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why segments were not deleted.
#[derive(Debug, Error)]
#[error("could not delete {}", path.display())]
pub struct RemoveError {
    /// The segment.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

/// Why a cursor could not be loaded or stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The operating system refused. The previous cursor is still in force.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not what was stored.
    #[error(
        "{} is damaged: delete it to start from the oldest entry, or put a copy back",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "{} is in cursor format {found}, this program reads up to {supported}: \
         start the newer version again",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version understood here.
        supported: u32,
    },
    /// The payload is larger than a cursor may carry.
    #[error("{bytes} bytes beside the cursor {}, at most {limit} are allowed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The payload's size.
        bytes: usize,
        /// [`crate::MAX_CURSOR_PAYLOAD_BYTES`].
        limit: usize,
    },
}
