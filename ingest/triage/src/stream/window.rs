//! The stretch of the median.

use std::collections::VecDeque;

use veglia_wire::{DeviceId, RecordId, WallMs};

use super::{WINDOW_READINGS_MAX, push, room};
use crate::limit::Reading;
use crate::rules::Continuous;

/// The stretch of the median, sliding from reading to reading in order of measuring.
///
/// It keeps the values of each device sorted, so that the one in the middle is at hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    /// Readings of the stretch, oldest first.
    known: VecDeque<Key>,
    /// Readings that have left `known`: the number of its first.
    left: u32,
    streams: Vec<Stream>,
}

/// What a stretch says of the reading at its end, without what the reading itself says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Middle {
    /// The reading whose value is judged, when it was measured, and its value.
    pub(super) id: RecordId,
    pub(super) at: WallMs,
    pub(super) steps: i32,
    pub(super) is_weak: bool,
    /// The earliest of the stretch.
    pub(super) first: RecordId,
    /// How many the median is of; 0 where there is no stream.
    pub(super) readings: u32,
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
    pub(super) fn push(&mut self, reading: &Reading, continuous: &Continuous) -> Middle {
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
