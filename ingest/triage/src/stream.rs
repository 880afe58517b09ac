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
//! more will come; a device that has streamed before is known (`Streamers`), and its lone reading
//! pages nobody at once. The first settled median bears it out or refutes it.
//!
//! **Few and settled.** A median over few readings is judged all the same, because a low must not
//! wait, but it pages nobody at once and is itself open to correction by the first settled one.
//!
//! **Once each.** The stretch slides along with the readings (`Window`); what it said of the recent
//! ones is kept beside them (`Medians`), and worked out again when one arrives late.
//!
//! **Limits**: [`WINDOW_READINGS_MAX`] readings in a stretch. The median is one that was measured:
//! of two middle ones the lower.

mod window;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, RecordId, VitalKind, WallMs};

use crate::flag::{Evidence, Median, What};
use crate::limit::Reading;
use crate::rules::Continuous;
use window::{Middle, Window};

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

/// Devices known to stream: as many as a patient wears in turn.
const STREAMERS_MAX: usize = 4;

/// A device that has streamed: a settled median of it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Streamer {
    device: DeviceId,
    /// When that was first so.
    since: WallMs,
}

/// The devices that have streamed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Streamers(Vec<Streamer>);

impl Streamers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a median is one to learn from. It is enough to look at settled ones of the fewest
    /// readings: there is one in every stream that lasts.
    pub(crate) fn is_taught_by(measured: &Measured<'_>, continuous: &Continuous) -> bool {
        let readings = measured.median().map(|median| median.readings);
        readings == Some(continuous.settled_readings)
    }

    /// A settled median of a device was seen; whether that is new.
    pub(crate) fn learn(&mut self, device: &DeviceId, at: WallMs) -> bool {
        match self.0.iter_mut().find(|it| it.device == *device) {
            Some(known) if known.since <= at => false,
            Some(known) => {
                known.since = at;
                true
            }
            None => {
                if self.0.len() >= STREAMERS_MAX {
                    self.0.remove(0);
                }
                self.0.push(Streamer {
                    device: device.clone(),
                    since: at,
                });
                true
            }
        }
    }

    /// Whether a device is known to have streamed by a moment.
    pub(crate) fn knows(&self, device: &DeviceId, at: WallMs) -> bool {
        let mut known = self.0.iter();
        known.any(|it| it.device == *device && it.since <= at)
    }

    /// Whether a reading stands alone, of a device that had streamed before.
    pub(crate) fn is_first(&self, measured: &Measured<'_>) -> bool {
        let is_lone = measured.basis == Basis::Spot;
        let mut known = self.0.iter();
        let is_known =
            |it: &Streamer| Some(&it.device) == measured.device && it.since < measured.at;
        is_lone && known.any(is_known)
    }
}

/// What the rules see when a reading is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured<'a> {
    /// When the reading was measured: the end of the stretch.
    pub(crate) at: WallMs,
    /// When it reached the centre.
    pub(crate) received: WallMs,
    /// The reading whose value is judged.
    pub(crate) id: RecordId,
    /// Its value.
    pub(crate) steps: i32,
    /// Whether its signal was poor.
    pub(crate) is_weak: bool,
    /// When that one was measured.
    value_at: WallMs,
    /// The device whose stream it may belong to: as in [`Reading`].
    pub(crate) device: Option<&'a DeviceId>,
    pub(crate) basis: Basis,
}

impl<'a> Measured<'a> {
    /// A reading and what the stretch before it says.
    fn new(reading: &'a Reading, said: Middle, continuous: &Continuous) -> Self {
        let median = Median {
            first: said.first,
            last: reading.id,
            readings: said.readings,
        };
        Self {
            id: said.id,
            steps: said.steps,
            is_weak: said.is_weak,
            value_at: said.at,
            basis: match said.readings {
                0 => Basis::Spot,
                few if few < continuous.settled_readings => Basis::Few(median),
                _ => Basis::Settled(median),
            },
            ..Self::spot(reading)
        }
    }

    /// A reading by itself.
    pub(crate) fn spot(reading: &'a Reading) -> Self {
        Self {
            at: reading.at,
            received: reading.received,
            id: reading.id,
            steps: reading.steps,
            is_weak: reading.is_weak,
            value_at: reading.at,
            device: reading.device.as_ref(),
            basis: Basis::Spot,
        }
    }

    /// The same for rules that do not ask from which device it is.
    pub(crate) fn of_any_device(self) -> Measured<'static> {
        Measured {
            device: None,
            ..self
        }
    }

    pub(crate) fn evidence(&self, vital: VitalKind) -> Evidence {
        Evidence {
            id: self.id,
            at: self.value_at,
            what: What::Value {
                vital,
                steps: self.steps,
                median: self.median(),
            },
        }
    }

    /// The median that its value is, if it is one.
    pub(crate) fn median(&self) -> Option<Median> {
        match self.basis {
            Basis::Spot => None,
            Basis::Few(median) | Basis::Settled(median) => Some(median),
        }
    }

    /// The reading that was measured: of a stream, the last of the stretch.
    pub(crate) fn reading(&self) -> RecordId {
        self.median().map_or(self.id, |median| median.last)
    }

    /// When the value that is judged was measured.
    pub(crate) fn value_at(&self) -> WallMs {
        self.value_at
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

/// Puts an item at the end of a queue that keeps no more room than it needs.
pub(crate) fn push<T>(queue: &mut VecDeque<T>, item: T) {
    make_room(queue);
    queue.push_back(item);
}

/// Makes room for an item: a queue that doubles would hold twice as much as the limit of what is
/// remembered.
pub(crate) fn make_room<T>(queue: &mut VecDeque<T>) {
    if queue.len() == queue.capacity() {
        queue.reserve_exact(room(queue.len()));
    }
}

/// How much room is made when there is none.
fn room(len: usize) -> usize {
    (len / 4).max(4)
}

/// What the rules see of the newest of some readings, oldest first, all of one device if they may
/// be a stream: the same as [`Window`] says, without one.
pub(crate) fn of_newest<'r>(
    readings: &'r [Reading],
    is_streamed: bool,
    continuous: &Continuous,
) -> Option<Measured<'r>> {
    let newest = readings.last()?;
    let within = readings.partition_point(|it| newest.at.since(it.at) >= continuous.median_ms);
    let within = within.max(readings.len().saturating_sub(WINDOW_READINGS_MAX));
    let stretch = readings.get(within..)?;
    let mut pairs = stretch.iter().zip(stretch.iter().skip(1));
    if !is_streamed || !pairs.any(|(it, next)| continuous.joins(it.at, next.at)) {
        return Some(Measured::spot(newest));
    }
    let mut by_value: Vec<(i32, usize)> = stretch.iter().map(|it| it.steps).zip(0..).collect();
    let middle = (by_value.len() - 1) / 2;
    let (_, &mut (_, place), _) = by_value.select_nth_unstable(middle);
    let middle = stretch.get(place)?;
    let said = Middle {
        id: middle.id,
        at: middle.at,
        steps: middle.steps,
        is_weak: middle.is_weak,
        first: stretch.first()?.id,
        readings: u32::try_from(stretch.len()).unwrap_or(u32::MAX),
    };
    Some(Measured::new(newest, said, continuous))
}

/// What the stretches say of the recent readings, kept so that each is worked out once.
///
/// It is made of the readings beside it and says nothing of its own: it is not written down, and
/// two states with the same readings are equal whatever they have worked out already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Medians {
    window: Window,
    said: VecDeque<Middle>,
}

impl PartialEq for Medians {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Medians {}

impl Medians {
    /// What the rules see of the newest of `recent`, which alone may be new since the last call.
    pub(crate) fn newest<'r>(
        &mut self,
        before: &VecDeque<Reading>,
        recent: &'r VecDeque<Reading>,
        continuous: &Continuous,
    ) -> Option<Measured<'r>> {
        let newest = recent.back()?;
        let known = self.said.len();
        if known > 0 && known + 1 == recent.len() {
            push(&mut self.said, self.window.push(newest, continuous));
        } else if known != recent.len() {
            self.refresh(before, recent, continuous);
        }
        let said = self.said.back()?;
        Some(Measured::new(newest, *said, continuous))
    }

    /// Works everything out again: readings or rules are other ones.
    pub(crate) fn refresh(
        &mut self,
        before: &VecDeque<Reading>,
        recent: &VecDeque<Reading>,
        continuous: &Continuous,
    ) {
        self.window = Window::default();
        self.said.clear();
        for reading in before {
            self.window.push(reading, continuous);
        }
        for reading in recent {
            push(&mut self.said, self.window.push(reading, continuous));
        }
    }

    /// What the rules see of each of `recent`, after [`Medians::refresh`] or [`Medians::newest`].
    pub(crate) fn all<'r>(
        &'r self,
        recent: &'r VecDeque<Reading>,
        continuous: &'r Continuous,
    ) -> impl DoubleEndedIterator<Item = Measured<'r>> {
        let pairs = recent.iter().zip(&self.said);
        pairs.map(|(reading, said)| Measured::new(reading, *said, continuous))
    }

    /// The oldest of the recent readings is about to be forgotten: what the rules saw of it.
    pub(crate) fn pop_oldest<'r>(
        &mut self,
        oldest: &'r Reading,
        continuous: &Continuous,
    ) -> Option<Measured<'r>> {
        let said = self.said.pop_front()?;
        Some(Measured::new(oldest, said, continuous))
    }
}

#[cfg(test)]
mod tests;
