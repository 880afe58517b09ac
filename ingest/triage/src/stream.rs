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
//! **Once each.** The stretch slides along with the readings (`Window`); what it said of the recent
//! ones is kept beside them (`Medians`), and worked out again when one arrives late.
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A reading and what the stretch before it says.
    fn new(reading: &Reading, said: Middle, continuous: &Continuous) -> Self {
        let median = Median {
            first: said.first,
            last: reading.id,
            readings: said.readings,
        };
        Self {
            id: said.id,
            steps: said.steps,
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

    /// The reading that was measured: of a stream, the last of the stretch.
    pub(crate) fn reading(&self) -> RecordId {
        match self.basis {
            Basis::Spot => self.id,
            Basis::Few(median) | Basis::Settled(median) => median.last,
        }
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
/// It keeps what it holds sorted: a reading costs as many steps as there are different values in
/// the stretch, a handful for an oximeter that shows whole percents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    /// Readings of the stretch, oldest first.
    known: VecDeque<Key>,
    /// Readings that have left `known`: the number of its first.
    left: usize,
    streams: Vec<Stream>,
}

/// What a stretch says of the reading at its end, without what the reading itself says.
#[derive(Debug, Clone, Copy)]
struct Middle {
    /// The reading whose value is judged, when it was measured, and its value.
    id: RecordId,
    at: WallMs,
    steps: i32,
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
    /// The place of its stream; none for a reading without a device.
    place: Option<u16>,
}

/// The readings of one device within the stretch.
#[derive(Debug, Clone)]
struct Stream {
    device: DeviceId,
    /// Numbers of its readings, oldest first.
    order: VecDeque<usize>,
    /// The same by value, and within a value by age.
    values: Vec<(i32, VecDeque<usize>)>,
    /// Neighbours in `order` that are near enough to show a stream.
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
        let number = self.left + self.known.len();
        let key = Key {
            at: reading.at,
            id: reading.id,
            steps: reading.steps,
            place,
        };
        self.known.push_back(key);
        let spot = Middle {
            id: key.id,
            at: key.at,
            steps: key.steps,
            first: key.id,
            readings: 0,
        };
        let stream = place.and_then(|place| self.streams.get_mut(usize::from(place)));
        let Some(stream) = stream else {
            return spot;
        };
        let (known, left) = (&self.known, self.left);
        let key_of = |number: usize| known.get(number - left).copied();
        let neighbour = stream.order.back().and_then(|last| key_of(*last));
        stream.near += usize::from(neighbour.is_some_and(|it| continuous.joins(it.at, key.at)));
        stream.take(number, key.steps);
        if stream.near == 0 {
            return spot;
        }
        let first = stream.order.front().and_then(|first| key_of(*first));
        let middle = stream.middle().and_then(key_of);
        let (Some(first), Some(middle)) = (first, middle) else {
            return spot;
        };
        Middle {
            id: middle.id,
            at: middle.at,
            steps: middle.steps,
            first: first.id,
            readings: u32::try_from(stream.order.len()).unwrap_or(u32::MAX),
        }
    }

    /// Devices of one patient are few: a list is the fastest map. A new one takes the place of one
    /// that has nothing left in the stretch.
    fn place_of(&mut self, device: &DeviceId) -> Option<u16> {
        let mut streams = self.streams.iter();
        if let Some(place) = streams.position(|it| it.device == *device) {
            return u16::try_from(place).ok();
        }
        let free = self.streams.iter().position(|it| it.order.is_empty());
        let place = free.unwrap_or(self.streams.len());
        let stream = Stream {
            device: device.clone(),
            order: VecDeque::new(),
            values: Vec::new(),
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
        self.left += 1;
        let place = key.place.map(usize::from);
        let Some(stream) = place.and_then(|place| self.streams.get_mut(place)) else {
            return;
        };
        stream.order.pop_front();
        stream.drop_oldest_of(key.steps);
        let next = stream.order.front();
        let next = next.and_then(|number| self.known.get(number - self.left));
        stream.near -= usize::from(next.is_some_and(|it| continuous.joins(key.at, it.at)));
    }
}

impl Stream {
    fn take(&mut self, number: usize, steps: i32) {
        self.order.push_back(number);
        match self
            .values
            .binary_search_by_key(&steps, |(value, _)| *value)
        {
            Ok(place) => {
                if let Some((_, numbers)) = self.values.get_mut(place) {
                    numbers.push_back(number);
                }
            }
            Err(place) => self.values.insert(place, (steps, VecDeque::from([number]))),
        }
    }

    fn drop_oldest_of(&mut self, steps: i32) {
        let place = self
            .values
            .binary_search_by_key(&steps, |(value, _)| *value);
        let Ok(place) = place else {
            return;
        };
        if let Some((_, numbers)) = self.values.get_mut(place) {
            numbers.pop_front();
            if numbers.is_empty() {
                self.values.remove(place);
            }
        }
    }

    /// The number of the reading in the middle by value, then by age; of two the lower.
    fn middle(&self) -> Option<usize> {
        let mut place = self.order.len().checked_sub(1)? / 2;
        for (_, numbers) in &self.values {
            match numbers.get(place) {
                Some(number) => return Some(*number),
                None => place -= numbers.len(),
            }
        }
        None
    }
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
    pub(crate) fn newest(
        &mut self,
        before: &VecDeque<Reading>,
        recent: &VecDeque<Reading>,
        continuous: &Continuous,
    ) -> Option<Measured> {
        let newest = recent.back()?;
        let known = self.said.len();
        if known > 0 && known + 1 == recent.len() {
            self.said.push_back(self.window.push(newest, continuous));
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
            self.said.push_back(self.window.push(reading, continuous));
        }
    }

    /// What the rules see of each of `recent`, after [`Medians::refresh`] or [`Medians::newest`].
    pub(crate) fn all(
        &self,
        recent: &VecDeque<Reading>,
        continuous: &Continuous,
    ) -> impl DoubleEndedIterator<Item = Measured> {
        let pairs = recent.iter().zip(&self.said);
        pairs.map(|(reading, said)| Measured::new(reading, *said, continuous))
    }

    /// The oldest of the recent readings is about to be forgotten: what the rules saw of it.
    pub(crate) fn pop_oldest(
        &mut self,
        oldest: &Reading,
        continuous: &Continuous,
    ) -> Option<Measured> {
        let said = self.said.pop_front()?;
        Some(Measured::new(oldest, said, continuous))
    }
}

#[cfg(test)]
mod tests;
