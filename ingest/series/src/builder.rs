//! What is in RAM: the readings of windows that are still growing, and the keys of devices.
//!
//! A builder stays after it was written, because its window may still grow and its row is then
//! replaced; it goes when a newer window has begun and nothing of it is unwritten, when it has
//! been idle for long, or, under pressure, as soon as it is written. What arrives for its window
//! afterwards opens another builder, with its own number and its own row.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use veglia_wire::{DeviceId, VitalKind};

use crate::Sample;
use crate::chunk::{marks_of, window_of};
use crate::codec::{POINTS_MAX, Point};

/// Readings held in RAM before `push` asks for a checkpoint: 16 bytes each, 128 MB. It is 40 s of
/// 100,000 patients with two vital signs at one reading a second.
pub(crate) const POINTS_IN_RAM_MAX: usize = 8_000_000;

/// Builders held in RAM before `push` asks for a checkpoint: about 200 bytes each beside their
/// readings, 100 MB. Twice two vital signs of 100,000 patients.
pub(crate) const BUILDERS_MAX: usize = 400_000;

/// Checkpoints without a new reading after which a builder goes, though its window is the newest:
/// most thermometers measure a few times a day, and a minute between readings is still company.
const IDLE_CHECKPOINTS_MAX: u8 = 20;

/// What `push` asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pressure {
    /// Nothing.
    None,
    /// RAM is full: checkpoint at the end of this journal entry, before the next one.
    Checkpoint,
}

/// The key of a device in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeviceKey(pub(crate) i64);

/// One series: a vital sign of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Channel {
    pub(crate) device: DeviceKey,
    pub(crate) vital: VitalKind,
}

/// The number of a builder, which its row carries too. They rise by one and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ChunkSequence(pub(crate) i64);

/// A builder as it was at one moment; sharing the readings costs nothing until it grows.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) channel: Channel,
    pub(crate) window: i64,
    pub(crate) sequence: ChunkSequence,
    pub(crate) points: Arc<Vec<Point>>,
}

/// The builders of some windows of a series, and where the moment ends.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) pieces: Vec<Piece>,
    /// Rows from this number on were opened after the moment.
    pub(crate) next_sequence: ChunkSequence,
}

/// Everything a checkpoint is to write.
#[derive(Debug)]
pub(crate) struct Unwritten {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) devices: Vec<(DeviceKey, DeviceId)>,
    /// The counter as the last checkpoint left it in the database.
    pub(crate) written_sequence: ChunkSequence,
    /// The counter as this one leaves it.
    pub(crate) next_sequence: ChunkSequence,
}

#[derive(Debug)]
struct Builder {
    window: i64,
    sequence: ChunkSequence,
    points: Arc<Vec<Point>>,
    /// How many of the points are on disk.
    written: usize,
    idle_checkpoints: u8,
}

impl Builder {
    fn is_written(&self) -> bool {
        self.written == self.points.len()
    }

    fn piece(&self, channel: Channel) -> Piece {
        Piece {
            channel,
            window: self.window,
            sequence: self.sequence,
            points: Arc::clone(&self.points),
        }
    }
}

/// What the writer and the readers share.
#[derive(Debug)]
pub(crate) struct Ram {
    state: Mutex<State>,
}

/// All of it changes together, under one lock that is never held across waiting.
#[derive(Debug)]
struct State {
    keys: HashMap<DeviceId, DeviceKey>,
    unwritten_devices: Vec<(DeviceKey, DeviceId)>,
    next_device: i64,
    channels: HashMap<Channel, Vec<Builder>>,
    next_sequence: i64,
    written_sequence: i64,
    points: usize,
    builders: usize,
    limits: Limits,
}

/// When pressure begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) points: usize,
    pub(crate) builders: usize,
}

impl Limits {
    pub(crate) const SHIPPED: Self = Self {
        points: POINTS_IN_RAM_MAX,
        builders: BUILDERS_MAX,
    };
}

impl State {
    fn pressure(&self) -> Pressure {
        if self.points >= self.limits.points || self.builders >= self.limits.builders {
            Pressure::Checkpoint
        } else {
            Pressure::None
        }
    }

    fn key(&mut self, device: &DeviceId) -> DeviceKey {
        if let Some(key) = self.keys.get(device) {
            return *key;
        }
        let key = DeviceKey(self.next_device);
        self.next_device += 1;
        self.keys.insert(device.clone(), key);
        self.unwritten_devices.push((key, device.clone()));
        key
    }
}

impl Ram {
    /// As the database left it: the devices it knows and the counter of chunks.
    pub(crate) fn new(
        devices: Vec<(DeviceKey, DeviceId)>,
        next_sequence: ChunkSequence,
        limits: Limits,
    ) -> Self {
        let newest = devices.iter().map(|(key, _)| key.0).max();
        Self {
            state: Mutex::new(State {
                next_device: newest.map_or(1, |newest| newest + 1),
                keys: devices
                    .into_iter()
                    .map(|(key, device)| (device, key))
                    .collect(),
                unwritten_devices: Vec::new(),
                channels: HashMap::new(),
                next_sequence: next_sequence.0,
                written_sequence: next_sequence.0,
                points: 0,
                builders: 0,
                limits,
            }),
        }
    }

    /// No step between two changes can panic, so a poisoned lock still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, sample: &Sample) -> Pressure {
        let point = Point {
            at_ms: sample.at.0,
            value: sample.value,
            marks: marks_of(sample.quality, sample.site),
        };
        let window = window_of(point.at_ms);
        let mut state = self.lock();
        let state = &mut *state;
        let channel = Channel {
            device: state.key(&sample.device),
            vital: sample.vital,
        };
        let builders = state.channels.entry(channel).or_default();
        // From the back: the newest of a window is the one that grows.
        let growing = builders
            .iter_mut()
            .rev()
            .find(|builder| builder.window == window);
        match growing.filter(|builder| builder.points.len() < POINTS_MAX) {
            Some(builder) => Arc::make_mut(&mut builder.points).push(point),
            None => {
                builders.push(Builder {
                    window,
                    sequence: ChunkSequence(state.next_sequence),
                    points: Arc::new(vec![point]),
                    written: 0,
                    idle_checkpoints: 0,
                });
                state.next_sequence += 1;
                state.builders += 1;
            }
        }
        state.points += 1;
        state.pressure()
    }

    /// What differs from the disk now.
    pub(crate) fn unwritten(&self) -> Unwritten {
        let state = self.lock();
        let all = state.channels.iter();
        let dirty = all.flat_map(|(channel, builders)| {
            let dirty = builders.iter().filter(|builder| !builder.is_written());
            dirty.map(|builder| builder.piece(*channel))
        });
        Unwritten {
            pieces: dirty.collect(),
            devices: state.unwritten_devices.clone(),
            written_sequence: ChunkSequence(state.written_sequence),
            next_sequence: ChunkSequence(state.next_sequence),
        }
    }

    /// Takes note of a committed checkpoint and lets go of what need not stay.
    pub(crate) fn written(&self, done: &Unwritten) {
        let mut state = self.lock();
        let state = &mut *state;
        state.written_sequence = done.next_sequence.0;
        // New devices are appended, so those written are the first ones.
        state.unwritten_devices.drain(..done.devices.len());
        let lengths: HashMap<ChunkSequence, usize> = done
            .pieces
            .iter()
            .map(|piece| (piece.sequence, piece.points.len()))
            .collect();
        let pressed = state.pressure() == Pressure::Checkpoint;
        let (mut points, mut count) = (0, 0);
        state.channels.retain(|_, builders| {
            let newest = builders.iter().map(|builder| builder.window).max();
            builders.retain_mut(|builder| {
                match lengths.get(&builder.sequence) {
                    Some(length) => (builder.written, builder.idle_checkpoints) = (*length, 0),
                    None => builder.idle_checkpoints = builder.idle_checkpoints.saturating_add(1),
                }
                let awaited = Some(builder.window) == newest
                    && builder.idle_checkpoints < IDLE_CHECKPOINTS_MAX
                    && !pressed;
                awaited || !builder.is_written()
            });
            points += builders
                .iter()
                .map(|builder| builder.points.len())
                .sum::<usize>();
            count += builders.len();
            !builders.is_empty()
        });
        state.points = points;
        state.builders = count;
    }

    /// The key of a device that ever sent something.
    pub(crate) fn key(&self, device: &DeviceId) -> Option<DeviceKey> {
        self.lock().keys.get(device).copied()
    }

    /// Every device that ever sent something, in order of its id.
    pub(crate) fn devices(&self) -> Vec<DeviceId> {
        let mut devices: Vec<DeviceId> = self.lock().keys.keys().cloned().collect();
        devices.sort();
        devices
    }

    /// The builders of a series in some windows, all of one moment.
    pub(crate) fn view(&self, channel: Channel, windows: &RangeInclusive<i64>) -> View {
        let state = self.lock();
        let builders = state.channels.get(&channel).map_or(&[][..], Vec::as_slice);
        let inside = builders
            .iter()
            .filter(|builder| windows.contains(&builder.window));
        View {
            pieces: inside.map(|builder| builder.piece(channel)).collect(),
            next_sequence: ChunkSequence(state.next_sequence),
        }
    }
}
