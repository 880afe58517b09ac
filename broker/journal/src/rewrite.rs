//! Replacing a segment by one with smaller entries: how an owner gives something up to make room
//! without giving up whole segments, and without a position ever meaning something else.
//!
//! The new file is written and synced under a temporary name and renamed over the old one. Only a
//! segment that is whole and no longer written to is replaced: what is damaged stays as it is, so
//! that damage is never laundered into something that looks intended.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::filesystem::{File, Filesystem, size_of_len, write_full};
use crate::frame::{self, Place};
use crate::log::lock;
use crate::segment::{self, Segment};
use crate::{AppendError, Entry, Item, Journal, JournalReader, Position, ReadError, SegmentedLog};

/// Payload of a frame in a rewritten segment, about: as much is lost when its bytes are spoiled.
const FRAME_BYTES: usize = 16 * 1024;

/// Entries in a frame of a rewritten segment: many of them are empty.
const MAX_FRAME_ENTRIES: usize = 1024;

/// Why a segment was not rewritten. It is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// Some of it cannot be read.
    #[error("the segment from position {first} is damaged and stays as it is")]
    Damaged {
        /// Its first position.
        first: Position,
    },
    /// It could not be read.
    #[error("could not read the segment that was to be rewritten")]
    Read(#[source] ReadError),
    /// An entry became larger than a frame may be.
    #[error("could not put the segment together again")]
    Entry(#[source] AppendError),
    /// The operating system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl<F: Filesystem> SegmentedLog<F> {
    /// The first positions of the oldest segment that begins at or after `from` and is no longer
    /// written to, and of the segment after it.
    #[must_use]
    pub fn closed_segment(&self, from: Position) -> Option<(Position, Position)> {
        let shared = lock(&self.shared);
        let index = shared
            .segments
            .partition_point(|segment| segment.first < from);
        let (segment, after) = (shared.segments.get(index)?, shared.segments.get(index + 1)?);
        Some((segment.first, after.first))
    }

    /// Lets `change` make the entries of a closed segment smaller and puts the segment in its own
    /// place again. Answers how many bytes that freed; when it would free none, nothing is
    /// written. The whole segment is held in memory meanwhile.
    ///
    /// # Errors
    /// [`RewriteError`]: the segment is as it was. `first` must be of
    /// [`SegmentedLog::closed_segment`].
    pub fn rewrite(
        &mut self,
        first: Position,
        change: impl FnOnce(&mut [Entry]),
    ) -> Result<u64, RewriteError> {
        let Some((old, boundary)) = self.whole(first) else {
            return Ok(0);
        };
        let mut entries = self.entries(first, boundary)?;
        change(&mut entries);
        let bytes = pack(&old, self.options.kind, &entries)?;
        let size = size_of_len(bytes.len());
        if size >= old.bytes {
            return Ok(0);
        }
        self.replace(first, &bytes)?;
        Ok(old.bytes - size)
    }

    /// A closed segment, and the position after its last entry.
    fn whole(&self, first: Position) -> Option<(Segment, Position)> {
        let shared = lock(&self.shared);
        let index = shared
            .segments
            .iter()
            .position(|segment| segment.first == first)?;
        let after = shared.segments.get(index + 1)?;
        Some((shared.segments[index], after.first.minus(after.skipped)))
    }

    fn entries(&self, first: Position, boundary: Position) -> Result<Vec<Entry>, RewriteError> {
        let mut reader = self.reader();
        let (mut entries, mut next) = (Vec::new(), first);
        while next < boundary {
            let items = reader.read(next, FRAME_BYTES).map_err(RewriteError::Read)?;
            for item in items {
                match item {
                    _ if next >= boundary => break,
                    Item::Entry(entry) => {
                        next = entry.position.next();
                        entries.push(entry);
                    }
                    Item::Damaged { .. } => return Err(RewriteError::Damaged { first }),
                }
            }
        }
        Ok(entries)
    }

    fn replace(&mut self, first: Position, bytes: &[u8]) -> Result<(), RewriteError> {
        let (path, fresh) = (
            segment::path(&self.dir, first),
            segment::unfinished_path(&self.dir, first),
        );
        let failed = |action, path: &PathBuf| {
            let path = path.clone();
            move |source| RewriteError::Io {
                action,
                path,
                source,
            }
        };
        let written = self.fs.create(&fresh).and_then(|file| {
            write_full(&file, bytes, 0)?;
            file.sync()
        });
        if let Err(source) = written {
            // It goes at the next opening if it does not now.
            drop(self.fs.remove(&fresh));
            return Err(failed("write", &fresh)(source));
        }
        {
            // Under the lock, so that a reader sees the new file and the new size together.
            let mut shared = lock(&self.shared);
            let renamed = self.fs.rename(&fresh, &path);
            renamed.map_err(failed("replace", &path))?;
            let replaced = shared.segments.iter_mut().find(|it| it.first == first);
            if let Some(segment) = replaced {
                segment.bytes = size_of_len(bytes.len());
                segment.edition = segment.edition.wrapping_add(1);
            }
        }
        let synced = self.fs.sync_dir(&self.dir);
        synced.map_err(failed("sync", &self.dir))
    }
}

/// The bytes of a segment with these entries.
fn pack(old: &Segment, kind: [u8; 4], entries: &[Entry]) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = segment::encode_header(kind, old.first, old.skipped).to_vec();
    let mut frame_bytes = Vec::new();
    let mut rest = entries;
    while let Some(head) = rest.first() {
        let (these, later) = rest.split_at(that_fit(rest));
        let slices: Vec<&[u8]> = these.iter().map(|entry| entry.bytes.as_slice()).collect();
        frame::frame_bytes(&slices).map_err(RewriteError::Entry)?;
        let place = Place {
            segment: old.first,
            offset: size_of_len(bytes.len()),
        };
        frame::encode(&mut frame_bytes, place, head.position, &slices);
        bytes.extend_from_slice(&frame_bytes);
        rest = later;
    }
    Ok(bytes)
}

/// How many entries make a frame: at least one.
fn that_fit(entries: &[Entry]) -> usize {
    let mut payload = 0;
    let fit = entries.iter().take_while(|entry| {
        payload += entry.bytes.len();
        payload <= FRAME_BYTES
    });
    fit.count().clamp(1, MAX_FRAME_ENTRIES)
}
