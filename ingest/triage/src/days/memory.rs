//! A few values a day of one vital sign, and the fold over them.
//!
//! Time is cut into slots, and each slot keeps one value. Which one is the smallest by an order of
//! values, so it is the same whichever came first, and a value that comes twice changes nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::Evidence;
use crate::stream::Measured;

/// Slots kept: six weeks of oxygen, eleven days of a thermometer that never rests, four months of
/// two temperatures a day.
const SLOTS_MAX: usize = 256;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Which value stands for its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The first of four hours; a settled median before any single value, as a clip that has just
    /// been put on reads low.
    First,
    /// The highest of an hour, of equal ones the first.
    Highest,
}

impl Kept {
    fn slot_ms(self) -> i64 {
        match self {
            Self::First => 4 * HOUR_MS,
            Self::Highest => HOUR_MS,
        }
    }

    fn slot(self, at: WallMs) -> i64 {
        at.0.div_euclid(self.slot_ms())
    }

    fn prefers(self, one: &Sample, to: &Sample) -> bool {
        match self {
            Self::First => (to.is_settled, one.key()) < (one.is_settled, to.key()),
            Self::Highest => (to.steps, one.key()) < (one.steps, to.key()),
        }
    }
}

/// A value that stands for its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// When the reading was measured: of a stream, the last of its stretch.
    pub(super) at: WallMs,
    id: RecordId,
    pub(super) steps: i32,
    /// The reading whose value the median is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<(RecordId, WallMs)>,
    pub(super) is_settled: bool,
    /// Whether it reached the centre long after it was measured.
    pub(super) is_late: bool,
}

impl Sample {
    pub(super) fn new(measured: &Measured<'_>, late_after_ms: i64) -> Self {
        let value = (measured.id, measured.value_at());
        let id = measured.reading();
        Self {
            at: measured.at,
            id,
            steps: measured.steps,
            of: (value.0 != id).then_some(value),
            is_settled: measured.is_settled(),
            is_late: measured.received.since(measured.at) > late_after_ms,
        }
    }

    fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }

    /// The record whose value it is.
    pub(super) fn record(&self) -> RecordId {
        self.of.map_or(self.id, |(id, _)| id)
    }

    pub(super) fn evidence(&self, vital: VitalKind) -> Evidence {
        let (id, at) = self.of.unwrap_or((self.id, self.at));
        Evidence::reading(id, vital, self.steps, at)
    }
}

/// The values of one vital sign and a fold `C` over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory<C> {
    slots: VecDeque<Sample>,
    /// The newest that is forgotten.
    floor: Option<WallMs>,
    /// After those that are forgotten.
    base: C,
    /// After all of them.
    tip: C,
}

impl<C: Clone> Memory<C> {
    pub(super) fn base(&self) -> &C {
        &self.base
    }

    pub(super) fn tip(&self) -> &C {
        &self.tip
    }

    pub(super) fn floor(&self) -> Option<WallMs> {
        self.floor
    }

    /// Takes a value; whether it now stands for its slot.
    pub(super) fn offer(&mut self, sample: Sample, kept: Kept) -> bool {
        let slot = kept.slot(sample.at);
        if self.floor.is_some_and(|floor| slot <= kept.slot(floor)) {
            return false;
        }
        let newest = self.slots.back().map(|it| kept.slot(it.at));
        let place = match newest {
            Some(newest) if newest == slot => Ok(self.slots.len() - 1),
            Some(newest) if newest < slot => Err(self.slots.len()),
            _ => self
                .slots
                .binary_search_by_key(&slot, |it| kept.slot(it.at)),
        };
        match place {
            Ok(place) => {
                let Some(known) = self.slots.get_mut(place) else {
                    return false;
                };
                let is_same = known.key() == sample.key();
                let is_other = *known != sample && known.is_settled <= sample.is_settled;
                let is_better = if is_same {
                    is_other
                } else {
                    kept.prefers(&sample, known)
                };
                if is_better {
                    *known = sample;
                }
                is_better
            }
            Err(place) => {
                self.slots.insert(place, sample);
                true
            }
        }
    }

    /// The value that stands for the newest slot, if that one holds a moment, and when it ends.
    pub(super) fn newest(&self, kept: Kept, at: WallMs) -> Option<(&Sample, WallMs)> {
        let newest = self.slots.back()?;
        let slot = kept.slot(newest.at);
        let end = WallMs(slot.saturating_add(1).saturating_mul(kept.slot_ms()));
        (kept.slot(at) == slot).then_some((newest, end))
    }

    /// Forgets the values of some readings; whether there were any.
    pub(super) fn take_back(&mut self, readings: &[RecordId]) -> bool {
        let known = self.slots.len();
        self.slots.retain(|it| !readings.contains(&it.id));
        self.slots.len() < known
    }

    /// Folds away what is too much. `advance` is given a course, a value, and when the one before
    /// it was.
    pub(super) fn fold_away(&mut self, mut advance: impl FnMut(&mut C, &Sample, Option<WallMs>)) {
        while self.slots.len() > SLOTS_MAX {
            if let Some(oldest) = self.slots.pop_front() {
                advance(&mut self.base, &oldest, self.floor);
                self.floor = Some(oldest.at);
            }
        }
    }

    /// Folds anew over what is kept: the course after all of them, and when the last one was.
    pub(super) fn fold(
        &mut self,
        mut advance: impl FnMut(&mut C, &Sample, Option<WallMs>),
    ) -> (&mut C, Option<WallMs>) {
        self.tip.clone_from(&self.base);
        let mut before = self.floor;
        for sample in &self.slots {
            advance(&mut self.tip, sample, before);
            before = Some(sample.at);
        }
        (&mut self.tip, before)
    }
}
