//! Going through the frames of one segment, from header to header, and finding the way again where
//! a header is damaged.
//!
//! The walk reads headers only; the payload is fetched and checked by whoever wants it. What a
//! damaged stretch means is not decided here.

use std::io;

use crate::Position;
use crate::filesystem::{File, len_of, read_full, size_of_len};
use crate::frame::{FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, Payload, Place, most_entries};
use crate::segment::SEGMENT_HEADER_BYTES;

/// Bytes fetched at once: a dozen frames of a hundred readings, and little for a home gateway.
const READ_AHEAD_BYTES: u64 = 256 * 1024;

/// What stands at one place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A frame whose header is whole and which lies before the end. Its payload is not checked.
    Frame { header: FrameHeader, offset: u64 },
    /// A header that is whole; its frame runs past the end.
    Cut { header: FrameHeader, offset: u64 },
    /// Bytes that are no header. `resumes` is the position of the next header found, if any.
    Lost {
        offset: u64,
        resumes: Option<Position>,
    },
}

#[derive(Debug)]
pub(crate) struct Walk<H> {
    file: H,
    segment: Position,
    offset: u64,
    /// The position that the frame at `offset` must start with.
    expected: Position,
    /// How far the file may be read: it grows from step to step.
    end: u64,
    window: Window,
}

impl<H: File> Walk<H> {
    pub(crate) fn new(file: H, segment: Position) -> Self {
        Self {
            file,
            segment,
            offset: SEGMENT_HEADER_BYTES,
            expected: segment,
            end: SEGMENT_HEADER_BYTES,
            window: Window::default(),
        }
    }

    pub(crate) fn segment(&self) -> Position {
        self.segment
    }

    pub(crate) fn expected(&self) -> Position {
        self.expected
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Says from outside which position comes next, after a stretch that could not be read.
    pub(crate) fn expect(&mut self, position: Position) {
        self.expected = position;
    }

    pub(crate) fn rewind(&mut self) {
        self.offset = SEGMENT_HEADER_BYTES;
        self.expected = self.segment;
    }

    pub(crate) fn into_file(self) -> H {
        self.file
    }

    /// The next step before `end`, which never shrinks from call to call.
    pub(crate) fn step(&mut self, end: u64) -> io::Result<Option<Step>> {
        self.end = end;
        if self.offset >= end {
            return Ok(None);
        }
        let offset = self.offset;
        let Some(header) = self
            .header_at(offset, end)?
            .filter(|it| it.first == self.expected)
        else {
            return self.resynchronise(end).map(Some);
        };
        let frame_end = offset + header.frame_bytes();
        self.expected = header.next();
        self.offset = frame_end.min(end);
        Ok(Some(if frame_end <= end {
            Step::Frame { header, offset }
        } else {
            Step::Cut { header, offset }
        }))
    }

    /// The payload of a [`Step::Frame`], or `None` if it is damaged.
    pub(crate) fn payload(
        &mut self,
        header: &FrameHeader,
        offset: u64,
    ) -> io::Result<Option<Payload>> {
        let start = offset + size_of_len(FRAME_HEADER_BYTES);
        let mut bytes = vec![0; len_of(header.payload_len)];
        if u64::from(header.payload_len) <= READ_AHEAD_BYTES {
            let found = self.window.get(&self.file, start, bytes.len(), self.end)?;
            bytes.truncate(found.len());
            bytes.copy_from_slice(found);
        } else {
            let read = read_full(&self.file, &mut bytes, start)?;
            bytes.truncate(read);
        }
        Ok(Payload::check(header, bytes))
    }

    fn header_at(&mut self, offset: u64, end: u64) -> io::Result<Option<FrameHeader>> {
        let bytes = self
            .window
            .get(&self.file, offset, FRAME_HEADER_BYTES, end)?;
        Ok(FrameHeader::decode(
            bytes,
            Place {
                segment: self.segment,
                offset,
            },
        ))
    }

    /// Searches for the next header that is whole and that can follow: the bytes passed over must
    /// have been able to hold the entries that are missing.
    fn resynchronise(&mut self, end: u64) -> io::Result<Step> {
        let start = self.offset;
        let mut at = start + 1;
        while let Some(candidate) = self.find_magic(at, end)? {
            if let Some(header) = self.header_at(candidate, end)?
                && let Some(missing) = header.first.since(self.expected)
                && missing <= most_entries(candidate - start)
            {
                self.offset = candidate;
                self.expected = header.first;
                return Ok(Step::Lost {
                    offset: start,
                    resumes: Some(header.first),
                });
            }
            at = candidate + 1;
        }
        self.offset = end;
        Ok(Step::Lost {
            offset: start,
            resumes: None,
        })
    }

    fn find_magic(&mut self, mut at: u64, end: u64) -> io::Result<Option<u64>> {
        while at < end {
            let bytes = self.window.get(&self.file, at, FRAME_MAGIC.len(), end)?;
            if bytes.len() < FRAME_MAGIC.len() {
                break;
            }
            let ahead = self.window.from(at);
            if let Some(index) = ahead
                .windows(FRAME_MAGIC.len())
                .position(|it| it == FRAME_MAGIC)
            {
                return Ok(Some(at + size_of_len(index)));
            }
            at += size_of_len(ahead.len() - FRAME_MAGIC.len() + 1);
        }
        Ok(None)
    }
}

/// A stretch of the file held in memory. Durable bytes never change, so it never grows stale.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The `len` bytes at `offset`; fewer when the file, or `end`, comes first. `len` is at most
    /// [`READ_AHEAD_BYTES`].
    fn get<H: File>(&mut self, file: &H, offset: u64, len: usize, end: u64) -> io::Result<&[u8]> {
        let wanted = size_of_len(len).min(end.saturating_sub(offset));
        let held_to = self.start + size_of_len(self.bytes.len());
        if offset < self.start || offset + wanted > held_to {
            let ahead = READ_AHEAD_BYTES.min(end.saturating_sub(offset));
            self.start = offset;
            self.bytes
                .resize(usize::try_from(ahead).unwrap_or(usize::MAX), 0);
            let read = read_full(file, &mut self.bytes, offset);
            self.bytes.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        let bytes = self.from(offset);
        Ok(&bytes[..bytes.len().min(len)])
    }

    /// All that is held from `offset` on.
    fn from(&self, offset: u64) -> &[u8] {
        let skip = offset.saturating_sub(self.start);
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        &self.bytes[skip..]
    }
}
