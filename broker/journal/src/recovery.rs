//! Opening a journal: which segments there are, and where the last one really ends.
//!
//! Only the last segment is read through. Its last write may not have been confirmed before the
//! process stopped, so it is written again, the same bytes, and synced: after a failed `fdatasync`
//! the kernel keeps such pages as clean, and a sync alone would confirm nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::filesystem::{File, Filesystem, is_disk_full, read_full, size_of_len, write_full};
use crate::frame::most_entries;
use crate::segment::{self, HeaderState, Segment};
use crate::walk::{Step, Walk};
use crate::{OpenError, Position};

/// What opening found, for the log and for the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes of a torn tail given up in the last segment.
    pub torn_bytes: u64,
    /// Positions given up with them: at least as many as were in the torn write.
    pub skipped: u64,
    /// Damaged stretches in the last segment and unreadable segment headers. Older segments are
    /// not read at open: their damage is reported to readers.
    pub damaged: u64,
    /// The oldest position kept.
    pub oldest: Position,
    /// The next position.
    pub next: Position,
}

/// The segments of a directory in order, and how many of their headers are damaged.
pub(crate) fn list_segments<F: Filesystem>(
    fs: &F,
    dir: &Path,
    kind: [u8; 4],
) -> Result<(Vec<Segment>, u64), OpenError> {
    let mut firsts = Vec::new();
    for name in fs.list(dir).map_err(|source| failed("list", dir, source))? {
        let Some(name) = name.to_str() else { continue };
        if segment::is_unfinished(name) {
            let path = dir.join(name);
            fs.remove(&path)
                .map_err(|source| failed("delete", &path, source))?;
        }
        firsts.extend(segment::parse_name(name));
    }
    firsts.sort_unstable();

    let (mut segments, mut damaged) = (Vec::with_capacity(firsts.len()), 0);
    for first in firsts {
        let path = segment::path(dir, first);
        let file = fs
            .open(&path)
            .map_err(|source| failed("open", &path, source))?;
        let bytes = file
            .size()
            .map_err(|source| failed("measure", &path, source))?;
        let skipped = match segment::check_header(&file, &path, first, kind)? {
            HeaderState::Whole { skipped } => skipped,
            HeaderState::Damaged => {
                damaged += 1;
                0
            }
        };
        segments.push(Segment {
            first,
            skipped,
            bytes,
            edition: 0,
        });
    }
    Ok((segments, damaged))
}

/// Where the last segment ends.
#[derive(Debug)]
pub(crate) struct Tail<H> {
    pub file: H,
    pub path: PathBuf,
    /// Where the next frame would stand.
    pub offset: u64,
    /// The position after the last frame before `offset`.
    pub next: Position,
    /// Bytes after `offset`, and the positions given up with them.
    pub torn_bytes: u64,
    pub skipped: u64,
    /// Damaged stretches before `offset`.
    pub damaged: u64,
}

impl<H: File> Tail<H> {
    /// Cuts the torn bytes off, durably.
    pub(crate) fn cut(&self) -> Result<(), OpenError> {
        self.file
            .truncate(self.offset)
            .map_err(|source| failed("cut the torn tail off", &self.path, source))?;
        self.file
            .sync()
            .map_err(|source| failed("sync", &self.path, source))
    }
}

/// Reads the last segment through and makes it durable as it is.
pub(crate) fn find_tail<F: Filesystem>(
    fs: &F,
    dir: &Path,
    last: &Segment,
) -> Result<Tail<F::File>, OpenError> {
    let path = segment::path(dir, last.first);
    let file = fs
        .open(&path)
        .map_err(|source| failed("open", &path, source))?;
    let mut walk = Walk::new(file, last.first);
    let scan = Scan::of(&mut walk, last.bytes).map_err(|source| failed("read", &path, source))?;
    let file = walk.into_file();
    match write_again(&file, scan.last_write, last.bytes) {
        // Some file systems need space even to write over: then the sync alone must do.
        Err(source) if !is_disk_full(&source) => return Err(failed("write again", &path, source)),
        _ => {}
    }
    file.sync()
        .map_err(|source| failed("sync", &path, source))?;

    let torn_bytes = last.bytes.saturating_sub(scan.offset);
    let skipped = scan.resume.since(scan.next).unwrap_or(0);
    let Scan {
        offset,
        next,
        damaged,
        ..
    } = scan;
    Ok(Tail {
        file,
        path,
        offset,
        next,
        torn_bytes,
        skipped,
        damaged,
    })
}

/// What a pass over the last segment knows so far.
struct Scan {
    /// End of what is kept, and the position after it.
    offset: u64,
    next: Position,
    /// The first position that may be given again.
    resume: Position,
    /// Where the last write may have started.
    last_write: u64,
    damaged: u64,
}

impl Scan {
    /// A stretch that is not whole is a torn tail if nothing follows it, and damage otherwise: an
    /// append starts only after the one before it was confirmed.
    fn of<H: File>(walk: &mut Walk<H>, end: u64) -> io::Result<Self> {
        let (offset, next) = (walk.offset(), walk.expected());
        let mut scan = Self {
            offset,
            next,
            resume: next,
            last_write: offset,
            damaged: 0,
        };
        let mut broken_before = false;
        loop {
            let (before, expected) = (walk.offset(), walk.expected());
            let Some(step) = walk.step(end)? else {
                return Ok(scan);
            };
            scan.damaged += u64::from(broken_before);
            let (is_whole, resume) = match step {
                Step::Frame { header, offset } => {
                    (walk.payload(&header, offset)?.is_some(), header.next())
                }
                Step::Cut { header, .. } => (false, header.next()),
                Step::Lost {
                    resumes: Some(resume),
                    ..
                } => (false, resume),
                Step::Lost {
                    offset,
                    resumes: None,
                } => (false, expected.plus(most_entries(end - offset))),
            };
            broken_before = !is_whole;
            scan.resume = resume;
            scan.last_write = if is_whole { before } else { scan.last_write };
            (scan.offset, scan.next) = if is_whole {
                (walk.offset(), resume)
            } else {
                (before, expected)
            };
        }
    }
}

/// Writes the bytes of a file from `from` to `to` over themselves.
fn write_again<H: File>(file: &H, mut from: u64, to: u64) -> io::Result<()> {
    const CHUNK: usize = 256 * 1024;
    let mut buffer = vec![0; CHUNK];
    while from < to {
        let len = usize::try_from(to - from).unwrap_or(CHUNK).min(CHUNK);
        let read = read_full(file, &mut buffer[..len], from)?;
        if read == 0 {
            break;
        }
        write_full(file, &buffer[..read], from)?;
        from += size_of_len(read);
    }
    Ok(())
}

pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
