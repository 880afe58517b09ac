//! The writer: a directory of segments, appended to at the end and deleted from the front.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::filesystem::{File, Filesystem, HostFilesystem, size_of_len, write_full};
use crate::frame::{self, Place};
use crate::reader::LogReader;
use crate::recovery::{self, Recovered, failed};
use crate::segment::{self, SEGMENT_HEADER_BYTES, Segment};
use crate::{AppendError, Durable, Journal, OpenError, Position, RemoveError};

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment is closed before it grows past this; space is given back in these steps. A frame
    /// that is larger gets a segment of its own.
    pub segment_bytes: u64,
    /// Appending past this answers [`AppendError::Full`]; `None` leaves it to the disk.
    pub max_total_bytes: Option<u64>,
    /// What the journal is for: opening it as another kind is refused.
    pub kind: [u8; 4],
}

impl Default for Options {
    /// For ingest: 64 MiB, a few minutes of a hundred thousand patients.
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            max_total_bytes: None,
            kind: *b"jrnl",
        }
    }
}

/// The durable log in a directory of its own.
#[derive(Debug)]
pub struct SegmentedLog<F: Filesystem = HostFilesystem> {
    pub(crate) fs: F,
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    /// `None` until the first append, and when the last segment must not be continued.
    active: Option<Active<F::File>>,
    state: WriterState,
    /// The frame being written; kept to spare an allocation for each.
    buffer: Vec<u8>,
    pub(crate) shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterState {
    Usable,
    Poisoned,
}

#[derive(Debug)]
struct Active<H> {
    file: H,
    path: PathBuf,
    first: Position,
    /// Durable bytes: where the next frame goes.
    bytes: u64,
}

/// What readers know of the journal: durable bytes only.
#[derive(Debug)]
pub(crate) struct Shared {
    pub segments: VecDeque<Segment>,
    pub next: Position,
    /// Positions before `next` given up with a torn tail while no new segment could be made.
    pub skipped: u64,
}

impl Shared {
    pub(crate) fn oldest(&self) -> Position {
        self.segments
            .front()
            .map_or(self.next, |segment| segment.first)
    }
}

/// A thread that panicked cannot have left the state half changed: nothing between the assignments
/// of one change can fail.
pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Filesystem> SegmentedLog<F> {
    /// Opens the journal in `dir`, or makes an empty one. Only one process may do so at a time:
    /// that is for the caller to ensure.
    ///
    /// # Errors
    /// [`OpenError`], among others for a newer format or another kind of journal. A full disk is
    /// not an error here: reading and removing work, appending answers when it is tried.
    pub fn open(fs: F, dir: &Path, options: Options) -> Result<(Self, Recovered), OpenError> {
        fs.create_dir(dir)
            .map_err(|source| failed("make", dir, source))?;
        let (segments, damaged) = recovery::list_segments(&fs, dir, options.kind)?;
        // Names made or deleted just before a stop: whatever we see now must stay so.
        fs.sync_dir(dir)
            .map_err(|source| failed("sync", dir, source))?;

        let last = segments.last().copied();
        let shared = Shared {
            segments: segments.into(),
            next: Position::FIRST,
            skipped: 0,
        };
        let mut log = Self {
            fs,
            dir: dir.to_owned(),
            options,
            active: None,
            state: WriterState::Usable,
            buffer: Vec::new(),
            shared: Arc::new(Mutex::new(shared)),
        };
        let mut recovered = Recovered {
            torn_bytes: 0,
            skipped: 0,
            damaged,
            oldest: log.oldest(),
            next: Position::FIRST,
        };
        if let Some(last) = last {
            log.resume(&last, &mut recovered)?;
        }
        Ok((log, recovered))
    }

    /// Finds the end of the last segment and makes ready to go on after it.
    fn resume(&mut self, last: &Segment, recovered: &mut Recovered) -> Result<(), OpenError> {
        let tail = recovery::find_tail(&self.fs, &self.dir, last)?;
        {
            let mut shared = lock(&self.shared);
            shared.next = tail.next.plus(tail.skipped);
            shared.skipped = tail.skipped;
            if let Some(segment) = shared.segments.back_mut() {
                segment.bytes = tail.offset;
            }
        }
        recovered.torn_bytes = tail.torn_bytes;
        recovered.skipped = tail.skipped;
        recovered.damaged += tail.damaged;
        recovered.next = self.next();

        if tail.skipped == 0 {
            if tail.torn_bytes > 0 {
                tail.cut()?;
            }
            let (first, bytes) = (last.first, tail.offset);
            self.active = Some(Active {
                file: tail.file,
                path: tail.path,
                first,
                bytes,
            });
            return Ok(());
        }
        // The jump must be durable before the bytes that prove it are gone. On a full disk both
        // wait: the same bytes give the same jump at the next open.
        match self.roll() {
            Ok(()) => tail.cut(),
            Err(AppendError::DiskFull { .. }) => Ok(()),
            Err(AppendError::Write { path, source }) => Err(failed("write", &path, source)),
            Err(AppendError::Sync { path, source }) => Err(failed("sync", &path, source)),
            Err(other) => Err(failed(
                "begin a segment in",
                &self.dir,
                std::io::Error::other(other),
            )),
        }
    }

    /// Begins a new segment at the next position.
    fn roll(&mut self) -> Result<(), AppendError> {
        let (first, skipped) = {
            let shared = lock(&self.shared);
            (shared.next, shared.skipped)
        };
        let (file, segment) =
            segment::create(&self.fs, &self.dir, self.options.kind, first, skipped)?;
        let path = segment::path(&self.dir, first);
        self.active = Some(Active {
            file,
            path,
            first,
            bytes: segment.bytes,
        });
        let mut shared = lock(&self.shared);
        shared.skipped = 0;
        shared.segments.push_back(segment);
        Ok(())
    }

    /// Sees to it that there is a segment for a frame of this size.
    fn make_room(&mut self, frame_bytes: u64) -> Result<(), AppendError> {
        let fits = self.active.as_ref().is_some_and(|active| {
            let is_empty = active.bytes <= SEGMENT_HEADER_BYTES;
            is_empty || active.bytes.saturating_add(frame_bytes) <= self.options.segment_bytes
        });
        let needed = if fits {
            frame_bytes
        } else {
            frame_bytes + SEGMENT_HEADER_BYTES
        };
        if let Some(limit_bytes) = self.options.max_total_bytes
            && self.size_bytes().saturating_add(needed) > limit_bytes
        {
            return Err(AppendError::Full { limit_bytes });
        }
        if fits { Ok(()) } else { self.roll() }
    }

    fn write(&mut self, entries: &[&[u8]]) -> Result<Durable, AppendError> {
        self.make_room(frame::frame_bytes(entries)?)?;
        let first = self.next();
        let active = self
            .active
            .as_mut()
            .expect("room was made in a segment just now");
        let place = Place {
            segment: active.first,
            offset: active.bytes,
        };
        let header = frame::encode(&mut self.buffer, place, first, entries);

        if let Err(source) = write_full(&active.file, &self.buffer, active.bytes) {
            // Without this cut the next open would take the remains for a torn tail.
            if let Err(source) = active.file.truncate(active.bytes) {
                return Err(AppendError::Sync {
                    path: active.path.clone(),
                    source,
                });
            }
            return Err(segment::write_error(&active.path, source));
        }
        if let Err(source) = active.file.sync() {
            return Err(AppendError::Sync {
                path: active.path.clone(),
                source,
            });
        }

        active.bytes += size_of_len(self.buffer.len());
        let mut shared = lock(&self.shared);
        shared.next = header.next();
        if let Some(segment) = shared.segments.back_mut() {
            segment.bytes = active.bytes;
        }
        Ok(Durable::prove(first, header.next().minus(1)))
    }

    /// Deletes the oldest segment, durably.
    fn remove_oldest(&self, oldest: &Segment) -> Result<(), RemoveError> {
        let path = segment::path(&self.dir, oldest.first);
        // Forgotten first, so that a reader that misses the file knows why.
        lock(&self.shared).segments.pop_front();
        let removed = self.fs.remove(&path);
        if removed.is_err() {
            lock(&self.shared).segments.push_front(*oldest);
        }
        // Each before the next: after a power cut no younger segment is gone without the older.
        removed
            .and_then(|()| self.fs.sync_dir(&self.dir))
            .map_err(|source| RemoveError { path, source })
    }
}

impl<F: Filesystem> Journal for SegmentedLog<F> {
    type Reader = LogReader<F>;

    fn append(&mut self, entries: &[&[u8]]) -> Result<Durable, AppendError> {
        if self.state == WriterState::Poisoned {
            return Err(AppendError::Poisoned);
        }
        let answer = self.write(entries);
        if answer.as_ref().is_err_and(AppendError::is_final) {
            self.state = WriterState::Poisoned;
        }
        answer
    }

    fn reader(&self) -> LogReader<F> {
        LogReader::new(self.fs.clone(), self.dir.clone(), Arc::clone(&self.shared))
    }

    fn next(&self) -> Position {
        lock(&self.shared).next
    }

    fn oldest(&self) -> Position {
        lock(&self.shared).oldest()
    }

    fn remove_before(&mut self, keep: Position) -> Result<u64, RemoveError> {
        let mut freed = 0;
        loop {
            let oldest = {
                let shared = lock(&self.shared);
                match shared.segments.get(1) {
                    Some(second) if second.first <= keep => shared.segments[0],
                    _ => return Ok(freed),
                }
            };
            self.remove_oldest(&oldest)?;
            freed += oldest.bytes;
        }
    }

    fn size_bytes(&self) -> u64 {
        lock(&self.shared)
            .segments
            .iter()
            .map(|segment| segment.bytes)
            .sum()
    }
}
