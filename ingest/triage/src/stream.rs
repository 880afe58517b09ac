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

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
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

/// The stretch of the median, sliding from reading to reading in order of measuring.
///
/// It keeps the values of each device sorted, so that the one in the middle is at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    /// Readings of the stretch, oldest first.
    known: VecDeque<Key>,
    /// Readings that have left `known`: the number of its first.
    left: u32,
    streams: Vec<Stream>,
}

/// What a stretch says of the reading at its end, without what the reading itself says.
#[derive(Debug, Clone, Copy)]
struct Middle {
    /// The reading whose value is judged, when it was measured, and its value.
    id: RecordId,
    at: WallMs,
    steps: i32,
    is_weak: bool,
    /// The earliest of the stretch.
    first: RecordId,
    /// How many the median is of; 0 where there is no stream.
    readings: u32,
}

/// What is needed of a reading: when, which, and its value.
#[derive(Debug, Clone, Copy)]
struct Key {
    at: WallMs,
    id: RecordId,
    steps: i32,
    is_weak: bool,
    /// The place of its stream; none for a reading without a device.
    place: Option<u16>,
}

/// The readings of one device within the stretch.
#[derive(Debug, Clone)]
struct Stream {
    device: DeviceId,
    /// Values and numbers of its readings: by value, and within a value by age.
    values: Vec<(i32, u32)>,
    /// The number of its newest reading.
    newest: u32,
    /// Neighbours in time that are near enough to show a stream.
    near: usize,
}

impl Window {
    /// Takes the next reading; what the stretch says of it.
    fn push(&mut self, reading: &Reading, continuous: &Continuous) -> Middle {
        let is_needless = |it: &Key| reading.at.since(it.at) >= continuous.median_ms;
        while self.known.len() >= WINDOW_READINGS_MAX || self.known.front().is_some_and(is_needless)
        {
            self.drop_oldest(continuous);
        }
        let device = reading.device.as_ref();
        let place = device.and_then(|device| self.place_of(device));
        let known = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let number = self.left.wrapping_add(known);
        let key = Key {
            at: reading.at,
            id: reading.id,
            steps: reading.steps,
            is_weak: reading.is_weak,
            place,
        };
        let spot = Middle {
            id: key.id,
            at: key.at,
            steps: key.steps,
            is_weak: key.is_weak,
            first: key.id,
            readings: 0,
        };
        let neighbour = self.newest_of(place);
        push(&mut self.known, key);
        let stream = place.and_then(|place| self.streams.get_mut(usize::from(place)));
        let Some(stream) = stream else {
            return spot;
        };
        stream.near += usize::from(neighbour.is_some_and(|it| continuous.joins(it, key.at)));
        stream.take(number, key.steps);
        let Some(middle) = stream.middle().filter(|_| stream.near > 0) else {
            return spot;
        };
        let readings = u32::try_from(stream.values.len()).unwrap_or(u32::MAX);
        let first = self.known.iter().find(|it| it.place == place);
        let (Some(first), Some(middle)) = (first, self.key(middle)) else {
            return spot;
        };
        Middle {
            id: middle.id,
            at: middle.at,
            steps: middle.steps,
            is_weak: middle.is_weak,
            first: first.id,
            readings,
        }
    }

    fn key(&self, number: u32) -> Option<&Key> {
        let place = usize::try_from(number.wrapping_sub(self.left)).ok()?;
        self.known.get(place)
    }

    /// When the newest reading of a stream was measured, if it is in the stretch.
    fn newest_of(&self, place: Option<u16>) -> Option<WallMs> {
        let stream = self.streams.get(usize::from(place?))?;
        let newest = Some(stream.newest).filter(|_| !stream.values.is_empty());
        Some(self.key(newest?)?.at)
    }

    /// Devices of one patient are few: a list is the fastest map. A new one takes the place of one
    /// that has nothing left in the stretch.
    fn place_of(&mut self, device: &DeviceId) -> Option<u16> {
        let mut streams = self.streams.iter();
        if let Some(place) = streams.position(|it| it.device == *device) {
            return u16::try_from(place).ok();
        }
        let free = self.streams.iter().position(|it| it.values.is_empty());
        let place = free.unwrap_or(self.streams.len());
        let stream = Stream {
            device: device.clone(),
            values: Vec::new(),
            newest: 0,
            near: 0,
        };
        match self.streams.get_mut(place) {
            Some(silent) => *silent = stream,
            None => self.streams.push(stream),
        }
        u16::try_from(place).ok()
    }

    fn drop_oldest(&mut self, continuous: &Continuous) {
        let Some(key) = self.known.pop_front() else {
            return;
        };
        let number = self.left;
        self.left = self.left.wrapping_add(1);
        let place = key.place.map(usize::from);
        let Some(stream) = place.and_then(|place| self.streams.get_mut(place)) else {
            return;
        };
        stream.leave(number, key.steps);
        let next = self.known.iter().find(|it| it.place == key.place);
        stream.near -= usize::from(next.is_some_and(|it| continuous.joins(key.at, it.at)));
    }
}

impl Stream {
    fn take(&mut self, number: u32, steps: i32) {
        // Of equal values the newest comes last.
        let place = self.values.partition_point(|(value, _)| *value <= steps);
        if self.values.len() == self.values.capacity() {
            self.values.reserve_exact(room(self.values.len()));
        }
        self.values.insert(place, (steps, number));
        self.newest = number;
    }

    /// The oldest reading leaves the stretch.
    fn leave(&mut self, number: u32, steps: i32) {
        let place = self.values.partition_point(|(value, _)| *value < steps);
        if self.values.get(place) == Some(&(steps, number)) {
            self.values.remove(place);
        }
    }

    /// The number of the reading in the middle by value, then by age; of two the lower.
    fn middle(&self) -> Option<u32> {
        let place = self.values.len().checked_sub(1)? / 2;
        self.values.get(place).map(|(_, number)| *number)
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
