//! Continuous readings: which ones they are, and the median that the rules see in their place.
//!
//! A device that speaks every second tells little by one second: a finger moves, a clip settles.
//! So each reading of a stream is judged by the median of the clean readings of its device over
//! the last two minutes (`[continuous]` of the rule set has the numbers). Nothing is lost by it:
//! every second is in the series, with its extremes.
//!
//! **Continuous or spot** is told by the cadence seen, not by the kind of device. A reading is
//! continuous when, within the stretch of its median, its device gave two clean readings at two
//! moments no further apart than the gap. So a stream that is disturbed for less than the stretch
//! stays one, and a device that speaks once a minute is read as a spot meter. What a person typed
//! or told is always spot. The first reading of a stream is spot, because nobody can know yet that
//! more will come; the first settled median bears it out or refutes it.
//!
//! **Few and settled.** A median over few readings is judged all the same, because a low must not
//! wait, but it pages nobody at once and is itself open to correction by the first settled one.
//!
//! **Limits**: [`WINDOW_READINGS_MAX`] readings in a stretch. The median is one that was measured:
//! of two middle ones the lower.

use std::collections::VecDeque;

use veglia_wire::{DeviceId, RecordId, VitalKind, WallMs};

use crate::flag::{Evidence, Median, What};
use crate::limit::Reading;
use crate::rules::Continuous;

/// Readings in the stretch of a median at most: two minutes at four a second. A faster device has
/// a shorter stretch.
pub(crate) const WINDOW_READINGS_MAX: usize = 512;

/// What stands behind the value that the rules see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// The reading itself.
    Spot,
    /// The median of a few readings of a stream.
    Few(Median),
    /// The median of enough of them.
    Settled(Median),
}

/// What the rules see when a reading is measured.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// When the reading was measured: the end of the stretch.
    pub(crate) at: WallMs,
    /// When it reached the centre.
    pub(crate) received: WallMs,
    /// The reading whose value is judged.
    pub(crate) id: RecordId,
    /// Its value.
    pub(crate) steps: i32,
    /// When that one was measured.
    value_at: WallMs,
    /// The device whose stream it may belong to: as in [`Reading`].
    pub(crate) device: Option<DeviceId>,
    pub(crate) basis: Basis,
}

impl Measured {
    /// A reading by itself.
    pub(crate) fn spot(reading: &Reading) -> Self {
        Self {
            at: reading.at,
            received: reading.received,
            id: reading.id,
            steps: reading.steps,
            value_at: reading.at,
            device: reading.device.clone(),
            basis: Basis::Spot,
        }
    }

    pub(crate) fn evidence(&self, vital: VitalKind) -> Evidence {
        Evidence {
            id: self.id,
            at: self.value_at,
            what: What::Value {
                vital,
                steps: self.steps,
                median: match self.basis {
                    Basis::Spot => None,
                    Basis::Few(median) | Basis::Settled(median) => Some(median),
                },
            },
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.basis, Basis::Settled(_))
    }

    /// Whether it is dated after its own receipt, and something else was received after it: its
    /// clock was ahead, and what it says may be older than what came since.
    pub(crate) fn is_ahead_of(&self, received: WallMs) -> bool {
        self.at > self.received && self.received < received
    }
}

/// What the rules see of the reading at a place of `recent`; `before` are the readings before the
/// first of them.
pub(crate) fn measured(
    before: &VecDeque<Reading>,
    recent: &VecDeque<Reading>,
    place: usize,
    continuous: &Continuous,
) -> Option<Measured> {
    let reading = recent.get(place)?;
    let spot = Measured::spot(reading);
    if reading.device.is_none() {
        return Some(spot);
    }
    let known = recent.range(..=place).rev().chain(before.iter().rev());
    let stretch = known
        .take(WINDOW_READINGS_MAX)
        .take_while(|it| reading.at.since(it.at) < continuous.median_ms)
        .filter(|it| it.device == reading.device);
    let mut stretch: Vec<&Reading> = stretch.collect();
    let is_near = |pair: &[&Reading]| match pair {
        [later, earlier] => (1..=continuous.gap_ms).contains(&later.at.since(earlier.at)),
        _ => false,
    };
    if !stretch.windows(2).any(is_near) {
        return Some(spot);
    }
    let readings = u32::try_from(stretch.len()).unwrap_or(u32::MAX);
    let median = Median {
        first: stretch.last()?.id,
        last: reading.id,
        readings,
    };
    let middle = (stretch.len() - 1) / 2;
    let (_, value, _) = stretch.select_nth_unstable_by_key(middle, |it| (it.steps, it.key()));
    Some(Measured {
        id: value.id,
        steps: value.steps,
        value_at: value.at,
        basis: if readings < continuous.settled_readings {
            Basis::Few(median)
        } else {
            Basis::Settled(median)
        },
        ..spot
    })
}
