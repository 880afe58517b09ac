//! Readings that are put off, in sixteen bytes each.
//!
//! All are of one outbox life and in the order of measuring, so each is written by its distance
//! from the first. What does not fit (weeks between two readings) is not put off.

use serde::{Deserialize, Serialize};
use veglia_wire::{Epoch, RecordId, Sequence, Site, Vital, VitalKind, WallMs};

/// Readings put off at most: twice what memory holds of an oximeter that speaks every second, so
/// that at each filling half of them need never be folded.
pub(crate) const LOG_MAX: usize = 1_024;

/// Room is made for so many at first, and as many more when they are used up.
const ROOM: usize = 64;

/// A reading, as it is needed to fold it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    pub(crate) received: WallMs,
    pub(crate) vital: Vital,
}

/// Where the log counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    at: WallMs,
    epoch: Epoch,
    sequence: u64,
}

/// Milliseconds and sequences after the origin, milliseconds until it was received, the value in
/// steps, and what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Packed(u32, u32, i32, i16, VitalKind, Site);

impl Packed {
    fn of(noted: &Noted, origin: &Origin) -> Option<Self> {
        if noted.id.epoch != origin.epoch {
            return None;
        }
        let sequence = noted.id.sequence.get().checked_sub(origin.sequence)?;
        Some(Self(
            u32::try_from(noted.at.since(origin.at)).ok()?,
            u32::try_from(sequence).ok()?,
            i32::try_from(noted.received.since(noted.at)).ok()?,
            i16::try_from(noted.vital.steps()).ok()?,
            noted.vital.kind(),
            noted.vital.site(),
        ))
    }

    fn unpack(self, origin: &Origin) -> Option<Noted> {
        let Self(at, sequence, delay, steps, kind, site) = self;
        let at = origin.at.plus_ms(i64::from(at));
        let sequence = origin.sequence.saturating_add(u64::from(sequence));
        Some(Noted {
            at,
            id: RecordId {
                epoch: origin.epoch,
                sequence: Sequence::new(sequence)?,
            },
            received: at.plus_ms(i64::from(delay)),
            vital: Vital::from_steps(kind, i32::from(steps), site).ok()?,
        })
    }
}

/// The readings that are put off, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Log {
    origin: Option<Origin>,
    packed: Vec<Packed>,
}

impl Log {
    pub(crate) fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.packed.len()
    }

    /// Takes a reading; whether it fits.
    pub(super) fn push(&mut self, noted: &Noted) -> bool {
        let new = Origin {
            at: noted.at,
            epoch: noted.id.epoch,
            sequence: noted.id.sequence.get(),
        };
        let origin = self.origin.filter(|_| !self.packed.is_empty());
        let Some(packed) = Packed::of(noted, &origin.unwrap_or(new)) else {
            return false;
        };
        if origin.is_none() {
            self.origin = Some(new);
        }
        if self.packed.len() == self.packed.capacity() {
            self.packed.reserve_exact(ROOM);
        }
        self.packed.push(packed);
        true
    }

    /// The readings of a kind that were measured after a moment, the newest first.
    pub(crate) fn newest(&self, kind: VitalKind, after: WallMs) -> impl Iterator<Item = Noted> {
        let origin = self.origin.as_ref();
        let after_ms = origin.map_or(0, |origin| after.since(origin.at));
        let packed = self.packed.iter().rev();
        let packed = packed.take_while(move |it| after_ms < i64::from(it.0));
        let packed = packed.filter(move |it| it.4 == kind);
        packed.filter_map(move |it| it.unpack(origin?))
    }

    /// The readings, oldest first.
    pub(crate) fn readings(&self) -> impl Iterator<Item = Noted> {
        let origin = self.origin.as_ref();
        let packed = self.packed.iter();
        packed.filter_map(move |it| it.unpack(origin?))
    }

    /// When each was measured and of what it is, the newest first.
    pub(crate) fn times(&self) -> impl Iterator<Item = (WallMs, VitalKind)> {
        let begin = self.origin.map_or(WallMs(0), |origin| origin.at);
        let packed = self.packed.iter().rev();
        packed.map(move |it| (begin.plus_ms(i64::from(it.0)), it.4))
    }

    pub(super) fn drop_oldest(&mut self, readings: usize) {
        self.packed.drain(..readings.min(self.packed.len()));
    }
}
