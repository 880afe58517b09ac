//! Reading: from any position, in order, with every position either delivered or reported.
//!
//! A reader keeps its file, its place and the frame in hand between calls, so reading on costs
//! nothing but the bytes. Going back, or far ahead, starts at the head of a segment and hops over
//! its frames. It sees no more of the newest segment than the writer has synced.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::filesystem::Filesystem;
use crate::frame::{FRAME_HEADER_BYTES, Payload};
use crate::log::{Shared, lock};
use crate::segment;
use crate::walk::{Step, Walk};
use crate::{DamageReason, Entry, Item, JournalReader, Position, ReadError};

/// Counted for each item beside its bytes, so that empty entries and holes have a limit as well.
const ITEM_OVERHEAD_BYTES: usize = FRAME_HEADER_BYTES;

/// Reads a [`crate::SegmentedLog`], also while it is appended to.
#[derive(Debug)]
pub struct LogReader<F: Filesystem> {
    fs: F,
    dir: PathBuf,
    shared: Arc<Mutex<Shared>>,
    place: Option<ReadingPlace<F::File>>,
}

/// Where the last call stopped.
#[derive(Debug)]
struct ReadingPlace<H> {
    walk: Walk<H>,
    /// Which edition of the segment's file it has open.
    edition: u32,
    /// The frame that was not handed out completely.
    in_hand: Option<Payload>,
}

impl<H: crate::File> ReadingPlace<H> {
    /// Every position before this one has been passed.
    fn position(&self) -> Position {
        self.in_hand
            .as_ref()
            .map_or(self.walk.expected(), Payload::next_position)
    }
}

/// A segment as it was when a call looked, and what follows it.
#[derive(Debug, Clone, Copy)]
struct View {
    first: Position,
    end: u64,
    edition: u32,
    /// The position after the last one that this segment can hold.
    boundary: Position,
    /// The first position after the segment; what lies between was given up with a torn tail.
    after: Position,
}

impl<F: Filesystem> LogReader<F> {
    pub(crate) fn new(fs: F, dir: PathBuf, shared: Arc<Mutex<Shared>>) -> Self {
        Self {
            fs,
            dir,
            shared,
            place: None,
        }
    }

    /// The segment that answers for the position; `None` if nothing is there yet.
    fn view(&self, position: Position) -> Result<Option<View>, ReadError> {
        let shared = lock(&self.shared);
        let (oldest, next) = (shared.oldest(), shared.next);
        if position < oldest {
            return Err(ReadError::Removed {
                from: position,
                oldest,
            });
        }
        if position > next {
            return Err(ReadError::Beyond {
                from: position,
                next,
            });
        }
        let following = shared
            .segments
            .partition_point(|segment| segment.first <= position);
        let Some(segment) = following
            .checked_sub(1)
            .and_then(|index| shared.segments.get(index))
        else {
            return Ok(None);
        };
        if position == next {
            return Ok(None);
        }
        let (after, skipped) = shared
            .segments
            .get(following)
            .map_or((next, shared.skipped), |segment| {
                (segment.first, segment.skipped)
            });
        let boundary = after.minus(skipped).max(segment.first);
        Ok(Some(View {
            first: segment.first,
            end: segment.bytes,
            edition: segment.edition,
            boundary,
            after,
        }))
    }

    /// Takes the place from which the position can be reached by reading on.
    fn seek(&mut self, view: &View, position: Position) -> Result<(), ReadError> {
        let place = match self.place.take() {
            Some(mut place)
                if place.walk.segment() == view.first && place.edition == view.edition =>
            {
                if position < place.position() {
                    place.walk.rewind();
                    place.in_hand = None;
                }
                place
            }
            _ => {
                let path = segment::path(&self.dir, view.first);
                let file = self.fs.open(&path).map_err(|source| {
                    // The writer may have removed it since we looked: that is not a fault.
                    let oldest = lock(&self.shared).oldest();
                    if position < oldest {
                        ReadError::Removed {
                            from: position,
                            oldest,
                        }
                    } else {
                        ReadError::Io { path, source }
                    }
                })?;
                ReadingPlace {
                    walk: Walk::new(file, view.first),
                    edition: view.edition,
                    in_hand: None,
                }
            }
        };
        self.place = Some(place);
        Ok(())
    }
}

impl<F: Filesystem> JournalReader for LogReader<F> {
    fn read(&mut self, from: Position, limit_bytes: usize) -> Result<Vec<Item>, ReadError> {
        let mut batch = Batch {
            items: Vec::new(),
            next: from,
            used: 0,
            limit: limit_bytes,
        };
        while let Some(view) = self.view(batch.next)? {
            self.seek(&view, batch.next)?;
            // The file may have been replaced between looking and opening: look again.
            let is_same = self
                .view(batch.next)?
                .is_some_and(|now| now.edition == view.edition);
            let Some(place) = self.place.as_mut().filter(|_| is_same) else {
                self.place = None;
                continue;
            };
            place
                .fill(&view, &mut batch)
                .map_err(|source| ReadError::Io {
                    path: segment::path(&self.dir, view.first),
                    source,
                })?;
            if batch.is_full() {
                break;
            }
        }
        Ok(batch.items)
    }
}

impl<H: crate::File> ReadingPlace<H> {
    /// Reads on until the batch is full or the segment ends.
    fn fill(&mut self, view: &View, batch: &mut Batch) -> io::Result<()> {
        while !batch.is_full() {
            if let Some(payload) = &mut self.in_hand {
                match payload.take() {
                    Some((position, bytes)) => batch.entry(position, bytes),
                    None => self.in_hand = None,
                }
                continue;
            }
            let Some(step) = self.walk.step(view.end)? else {
                batch.hole(view.boundary, DamageReason::Missing);
                batch.hole(view.after, DamageReason::TornTail);
                return Ok(());
            };
            match step {
                // What a recovery has given up stays given up, even if it can be read.
                Step::Frame { header, .. } if header.next() > view.boundary => {}
                Step::Frame { header, .. } if header.next() <= batch.next => {}
                Step::Frame { header, offset } => match self.walk.payload(&header, offset)? {
                    Some(payload) => self.in_hand = Some(payload),
                    None => batch.hole(header.next(), DamageReason::Payload),
                },
                Step::Lost {
                    resumes: Some(position),
                    ..
                } => {
                    batch.hole(position.min(view.boundary), DamageReason::Header);
                }
                Step::Lost { resumes: None, .. } => {
                    batch.hole(view.boundary, DamageReason::Header);
                    self.walk.expect(view.boundary);
                }
                Step::Cut { .. } => {
                    batch.hole(view.boundary, DamageReason::Missing);
                    self.walk.expect(view.boundary);
                }
            }
        }
        Ok(())
    }
}

/// The items of one call.
struct Batch {
    items: Vec<Item>,
    /// The position after the last item.
    next: Position,
    used: usize,
    limit: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        !self.items.is_empty() && self.used >= self.limit
    }

    fn entry(&mut self, position: Position, bytes: &[u8]) {
        if position < self.next {
            return;
        }
        self.used = self.used.saturating_add(bytes.len() + ITEM_OVERHEAD_BYTES);
        self.next = position.next();
        self.items.push(Item::Entry(Entry {
            position,
            bytes: bytes.to_vec(),
        }));
    }

    /// Reports what is missing before `until`, if anything is.
    fn hole(&mut self, until: Position, reason: DamageReason) {
        let Some(to) = until.previous().filter(|to| *to >= self.next) else {
            return;
        };
        self.used = self.used.saturating_add(ITEM_OVERHEAD_BYTES);
        self.items.push(Item::Damaged {
            from: self.next,
            to,
            reason,
        });
        self.next = until;
    }
}
