//! The durable log that stands at both ends of the broker: the outbox of whoever measures, and
//! the journal of ingest. What it has answered [`Durable`] to is on disk, in order, under a number
//! that is never given to anything else; what it cannot read it reports with exact numbers.
//!
//! # Design constraints
//! - One writer ([`SegmentedLog`]), many readers ([`LogReader`]) in the same process. Keeping a
//!   second process out is the work of the role's directory lock, not of this crate.
//! - One append is one frame, one write and one `fdatasync`, however many entries it holds.
//! - An `fdatasync` that failed is never tried again: the kernel may have dropped the very pages
//!   it could not write, and a second call would answer yes. The writer refuses from then on.
//! - A full disk is an ordinary event. The half-written frame is cut off, the error says so, and
//!   appending goes on when there is space again.
//! - Opening reads the last segment only, so that its time is bounded by one segment. Damage in
//!   older segments is found, and reported, by whoever reads them.
//! - Readers see durable bytes only: they never read past the last `fdatasync`.
//! - Entries are bytes. What they mean, who has read how far ([`CursorFile`]) and when they may go
//!   is the business of the caller.
//!
//! # On disk
//! All integers are little endian; CRC is CRC-32C (Castagnoli).
//! ```text
//! <first position, 20 digits>.log        segment; <…>.log.new while it is being made
//!
//! Segment {                              40 bytes, then frames until the end of the file
//!     magic:       [u8; 8] = "VEGLIALG"
//!     version:     u32     = 1
//!     crc:         u32     of the 12 bytes before: these 16 stay so in every version
//!     kind:        [u8; 4]               what the journal is for, given by its owner
//!     first:       u64                   position of the first entry, as in the name
//!     skipped:     u64                   positions before `first` given up with a torn tail
//!     crc:         u32     of the 36 bytes before
//! }
//! Frame {                                28 bytes, then the payload
//!     magic:       [u8; 4] = F3 'V' 'F' 0D
//!     payload_len: u32
//!     first:       u64                   position of its first entry
//!     count:       u32                   entries, at least one
//!     payload_crc: u32
//!     crc:         u32     of the 24 bytes before, the segment's first and the frame's offset
//!     payload:     [{ len: u32, bytes: [u8; len] }; count]
//! }
//! ```
//! The header's CRC covers the place where the header stands, so that a journal's bytes carried
//! inside an entry are never taken for a frame when searching for the next good one.
//!
//! # How entries die
//! - *Removed*: [`Journal::remove_before`], whole segments, oldest first, each deletion made
//!   durable before the next. Reading there afterwards is [`ReadError::Removed`].
//! - *A damaged payload*: the header says which positions; the neighbours are intact.
//! - *A damaged header*: search byte by byte for the next header that is whole and whose position
//!   is possible (the bytes passed over could have held what is missing).
//! - *A torn tail*: the last thing in the last segment is not whole. Either the machine stopped
//!   while writing it and nobody was promised anything, or it was promised and the disk spoiled
//!   it; **the two cannot be told apart**. So the bytes are cut off, but their positions are not
//!   given again: a receiver that has already seen sequence 7 would drop another 7 as a
//!   repetition, and a reading would be lost. The next position is the one after the torn frame
//!   when its header can be read, otherwise far enough to clear all the entries its bytes could
//!   have held. A new segment, durable before the cut, remembers the jump; readers see
//!   [`DamageReason::TornTail`].
//! - *A missing file*: its positions are reported as [`DamageReason::Missing`].
//! - *Confirmed bytes that vanish from the end without a trace* cannot be noticed here. A consumer
//!   that had read them is told at its next read: [`ReadError::Beyond`].
//!
//! # Entries that become smaller
//! [`SegmentedLog::rewrite`] puts a segment that is no longer written to in its own place again,
//! with some entries made smaller, by rename: after a power cut either file is there, whole.
//! Positions stay. Readers notice by the segment's edition and open the file anew.
//!
//! # Deliberately absent
//! Compression, encryption, an index (segments are small and frames are hopped over), time,
//! retention policy, a way to wait for new entries, preallocation, asynchronous calls.
//!
//! ```
//! use veglia_journal::{HostFilesystem, Item, Journal, JournalReader, Options, SegmentedLog};
//! # let dir = tempfile::tempdir()?;
//! let (mut log, recovered) =
//!     SegmentedLog::open(HostFilesystem, &dir.path().join("outbox"), Options::default())?;
//! assert_eq!(recovered.next.get(), 1);
//! let durable = log.append(&[b"SpO2 94 %", b"pulse 88/min"])?;
//! assert_eq!(durable.through().get(), 2);
//!
//! let items = log.reader().read(durable.first(), 64 * 1024)?;
//! assert!(matches!(&items[1], Item::Entry(entry) if entry.bytes == b"pulse 88/min"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod error;
pub mod fake;
mod filesystem;
mod frame;
mod log;
mod position;
mod reader;
mod recovery;
mod rewrite;
mod segment;
mod walk;

pub use cursor::{Cursor, CursorFile, MAX_CURSOR_PAYLOAD_BYTES};
pub use error::{AppendError, CursorError, OpenError, ReadError, RemoveError};
pub use filesystem::{File, Filesystem, HostFilesystem};
pub use frame::MAX_FRAME_PAYLOAD_BYTES;
pub use log::{Options, SegmentedLog};
pub use position::{Durable, Position};
pub use reader::LogReader;
pub use recovery::Recovered;
pub use rewrite::RewriteError;

/// One entry as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub position: Position,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What reading yields: entries in order, and honest holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An entry that is whole.
    Entry(Entry),
    /// Positions that cannot be read any more.
    Damaged {
        /// First position lost.
        from: Position,
        /// Last position lost.
        to: Position,
        /// What was found in their place.
        reason: DamageReason,
    },
}

/// Why a range of positions cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageReason {
    /// The frame's header is whole, its payload is not.
    Payload,
    /// A frame's header is not whole: reading went on at the next one that is.
    Header,
    /// The last write before a stop was not whole. Most likely nobody was promised these
    /// positions, but that cannot be proved: treat them as lost.
    TornTail,
    /// The bytes are not there: a segment, or the end of one, is gone.
    Missing,
}

/// The seam where another engine can stand later, for instance a replicated stream.
pub trait Journal: Send {
    /// What reads this journal.
    type Reader: JournalReader;

    /// Writes the entries as one frame and returns when they are on disk: all of them or none.
    ///
    /// # Errors
    /// [`AppendError::Empty`] for no entries. See [`AppendError`] for which errors are final.
    fn append(&mut self, entries: &[&[u8]]) -> Result<Durable, AppendError>;

    /// A reader of its own: cheap, usable from another thread while the writer appends.
    fn reader(&self) -> Self::Reader;

    /// The position that the next entry will get.
    fn next(&self) -> Position;

    /// The oldest position still kept; equal to [`Journal::next`] when nothing is.
    fn oldest(&self) -> Position;

    /// Deletes the segments that lie wholly before `keep` and returns the bytes freed. The segment
    /// being written stays.
    ///
    /// # Errors
    /// [`RemoveError`]: what could be deleted is deleted, the rest is still readable.
    fn remove_before(&mut self, keep: Position) -> Result<u64, RemoveError>;

    /// Bytes on disk, headers included.
    fn size_bytes(&self) -> u64;
}

/// Reads a journal from any position, again and again.
pub trait JournalReader: Send {
    /// Items from position `from` on, until about `limit_bytes` are collected; at least one item
    /// if there is any. Empty means that nothing newer is durable yet. The items cover the
    /// positions without a gap: go on at the position after the last one.
    ///
    /// # Errors
    /// [`ReadError::Removed`] and [`ReadError::Beyond`] for a position that is not kept any more,
    /// or was never given.
    fn read(&mut self, from: Position, limit_bytes: usize) -> Result<Vec<Item>, ReadError>;
}
