//! From sixty frames a second to one: the last valid value of each second, never a mean.
//!
//! A mean of a falling saturation is a number that nobody measured. So the last frame of a second
//! that makes a reading is handed out as it is, and every change of contact at once, with the
//! value before it. Seconds are those of the caller's monotonic clock. What slow devices say, what
//! is said of the past, and what is neither reading nor contact passes at once.
//!
//! Limits: two frames of each sensor are held, for a second at most if [`Seconds::tick`] is called,
//! and [`MAX_CHANGES`] changes of contact are told in a second; the last state of the second is
//! told in any case.

use alloc::vec::Vec;

use veglia_wire::{Contact, Quality, Sensor};

use crate::{Frame, Observation, Protocol, observe};

/// Changes of contact told in one second: a finger goes in and out less often than that, and a
/// loose plug would fill the outbox.
const MAX_CHANGES: u8 = 4;

const SECOND_MS: u64 = 1_000;

/// Thins the frames of one device. `T` is the moment that the caller gave each.
#[derive(Clone, Debug)]
pub struct Seconds<T> {
    is_fast: bool,
    oximeter: Slot<T>,
    thermometer: Slot<T>,
}

/// A second of one sensor.
#[derive(Clone, Debug)]
struct Slot<T> {
    second: u64,
    /// The last frame that makes a reading.
    value: Option<Held<T>>,
    /// The last frame, if it came behind that and makes none.
    state: Option<Held<T>>,
    told: Option<Contact>,
    changes: u8,
}

#[derive(Clone, Debug)]
struct Held<T> {
    at: T,
    frame: Frame,
    contact: Contact,
    is_valid: bool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            second: 0,
            value: None,
            state: None,
            told: None,
            changes: 0,
        }
    }
}

impl<T: Copy> Seconds<T> {
    /// For a device that speaks a protocol and was not heard yet.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self {
            is_fast: protocol.is_fast(),
            oximeter: Slot::default(),
            thermometer: Slot::default(),
        }
    }

    /// Takes a frame heard `mono_ms` after some beginning, and appends what is to be kept now.
    pub fn take(&mut self, mono_ms: u64, at: T, frame: Frame, out: &mut Vec<(T, Frame)>) {
        let thinned = if self.is_fast {
            thinned(at, frame)
        } else {
            None
        };
        let Some((sensor, held)) = thinned else {
            out.push((at, frame));
            return;
        };
        let slot = match sensor {
            Sensor::Oximeter => &mut self.oximeter,
            Sensor::Thermometer => &mut self.thermometer,
        };
        slot.turn(mono_ms, out);
        slot.take(held, out);
    }

    /// A second may have passed in silence: what was held is handed out.
    pub fn tick(&mut self, mono_ms: u64, out: &mut Vec<(T, Frame)>) {
        self.oximeter.turn(mono_ms, out);
        self.thermometer.turn(mono_ms, out);
    }

    /// The device is lost: what is held is handed out, and contact is told again when it is back.
    pub fn finish(&mut self, out: &mut Vec<(T, Frame)>) {
        self.oximeter.flush(out);
        self.thermometer.flush(out);
        self.oximeter.told = None;
        self.thermometer.told = None;
    }
}

/// A frame that may be held: one that says how a sensor stands now, and nothing of the past.
fn thinned<T>(at: T, frame: Frame) -> Option<(Sensor, Held<T>)> {
    let (mut hold, mut is_valid) = (None, false);
    for said in observe(&frame) {
        match said {
            Observation::Contact(sensor, contact) => hold = Some((sensor, contact)),
            Observation::Reading(_, quality) if quality.contains(Quality::FROM_STORAGE) => {
                return None;
            }
            Observation::Reading(..) => is_valid = true,
            Observation::Measured(_) | Observation::Identity(_) => return None,
            Observation::Battery(_) => {}
        }
    }
    let (sensor, contact) = hold?;
    let held = Held {
        at,
        frame,
        contact,
        is_valid,
    };
    Some((sensor, held))
}

impl<T: Copy> Slot<T> {
    /// Hands out what is held when another second has begun.
    fn turn(&mut self, mono_ms: u64, out: &mut Vec<(T, Frame)>) {
        let second = mono_ms / SECOND_MS;
        if second != self.second {
            self.second = second;
            self.changes = 0;
            self.flush(out);
        }
    }

    fn take(&mut self, next: Held<T>, out: &mut Vec<(T, Frame)>) {
        let before = self.state.as_ref().or(self.value.as_ref());
        let before = before.map(|held| held.contact).or(self.told);
        if before != Some(next.contact) && self.changes < MAX_CHANGES {
            self.changes += 1;
            self.flush(out);
            self.hand_out(next, out);
        } else if next.is_valid {
            self.value = Some(next);
            self.state = None;
        } else {
            self.state = Some(next);
        }
    }

    fn flush(&mut self, out: &mut Vec<(T, Frame)>) {
        let (value, state) = (self.value.take(), self.state.take());
        let contact = value.as_ref().map(|held| held.contact);
        let news = state.filter(|held| Some(held.contact) != contact);
        for held in value.into_iter().chain(news) {
            self.hand_out(held, out);
        }
    }

    fn hand_out(&mut self, held: Held<T>, out: &mut Vec<(T, Frame)>) {
        self.told = Some(held.contact);
        out.push((held.at, held.frame));
    }
}
