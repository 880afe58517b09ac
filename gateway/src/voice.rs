//! What the box says aloud, and its lamp: four short Italian phrases for somebody who does not
//! look at a screen.
//!
//! ```text
//! records on the disk ─ words() ─┐
//! commands of the centre ────────┴→ say() → queue → Speaker: night? → aplay FILE.wav, lamp
//! ```
//! "Ricevuta" is said when a measurement is safe on the disk: once at its beginning, not for each
//! of its readings. What nobody asked for is not said at night, nor while the box does not know
//! the time. What the centre asks for is said at any time: somebody there decided to.
//!
//! The phrases are WAV files and `aplay` plays them: no sound library in the process, and a sound
//! card that hangs hangs a child that is killed. A box without sound or lamp says so in its log
//! once and goes on.
//!
//! Limits: [`QUEUE`] phrases wait; more are dropped, because what is said late is wrong.

mod config;
mod lamp;
mod speaker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use veglia_wire::{Body, DeviceEvent, DeviceId, Record};

pub use config::{VoiceConfig, VoiceConfigError};
pub(crate) use speaker::Speaker;

/// Phrases that wait for the one being said.
const QUEUE: usize = 4;

/// A device that was not heard for so long, in care milliseconds, begins a new measurement.
const PAUSE_MS: u64 = 120_000;

/// At this charge, in percent, and below a device is called empty.
const EMPTY_PERCENT: u8 = 10;

/// Devices that are remembered: far more than a box has. With more, all are forgotten, and each
/// says once too often that something was received.
const DEVICES: usize = 64;

/// What the box can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// "Ricevuta."
    Received,
    /// "Rimisuri, per favore."
    MeasureAgain,
    /// "La chiamiamo."
    WeWillCall,
    /// "Il dispositivo è scarico."
    BatteryLow,
}

impl Phrase {
    const ALL: [Self; 4] = [
        Self::Received,
        Self::MeasureAgain,
        Self::WeWillCall,
        Self::BatteryLow,
    ];

    /// The name of its file.
    const fn file(self) -> &'static str {
        match self {
            Self::Received => "ricevuta.wav",
            Self::MeasureAgain => "rimisuri.wav",
            Self::WeWillCall => "la-chiamiamo.wav",
            Self::BatteryLow => "scarico.wav",
        }
    }

    /// Whether it is said at night as well.
    const fn is_asked_for(self) -> bool {
        matches!(self, Self::MeasureAgain | Self::WeWillCall)
    }
}

/// Cheap to clone; all clones speak with one voice. Without a speaker it says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice {
    phrases: Option<mpsc::Sender<Phrase>>,
    heard: Arc<Mutex<HashMap<DeviceId, Heard>>>,
}

/// What was last heard of a device.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    /// Monotonic time of its last reading.
    reading_ms: Option<u64>,
    is_empty: bool,
}

impl Voice {
    /// A voice, and what waits for its speaker.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Phrase>) {
        let (phrases, waiting) = mpsc::channel(QUEUE);
        let voice = Self {
            phrases: Some(phrases),
            heard: Arc::default(),
        };
        (voice, waiting)
    }

    /// Whether anybody can hear it.
    pub(crate) fn is_heard(&self) -> bool {
        self.phrases.as_ref().is_some_and(|it| !it.is_closed())
    }

    /// Says something, when what is said now is over.
    pub(crate) fn say(&self, phrase: Phrase) {
        let Some(phrases) = &self.phrases else {
            return;
        };
        if phrases.try_send(phrase).is_err() {
            tracing::debug!(?phrase, "the box has too much to say, or no voice");
        }
    }

    /// What is to be said of these records once they are on the disk.
    pub(crate) fn words(&self, records: &[Record]) -> Vec<Phrase> {
        if self.phrases.is_none() {
            return Vec::new();
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = Vec::new();
        for record in records {
            let Some(device) = &record.device else {
                continue;
            };
            if heard.len() >= DEVICES && !heard.contains_key(device) {
                heard.clear();
            }
            let of_device = heard.entry(device.clone()).or_default();
            let phrase = of_device.hear(record);
            words.extend(phrase.filter(|phrase| !words.contains(phrase)));
        }
        words
    }
}

impl Heard {
    fn hear(&mut self, record: &Record) -> Option<Phrase> {
        match record.body {
            Body::Reading(_, quality) if quality.is_clean() => {
                let now_ms = record.when.mono.0;
                let before = self.reading_ms.replace(now_ms);
                let is_new = before.is_none_or(|it| now_ms.abs_diff(it) >= PAUSE_MS);
                is_new.then_some(Phrase::Received)
            }
            Body::Event(event) => {
                let is_empty = match event {
                    DeviceEvent::BatteryLow => true,
                    DeviceEvent::BatteryPercent(percent) => percent <= EMPTY_PERCENT,
                    _ => return None,
                };
                let was_empty = std::mem::replace(&mut self.is_empty, is_empty);
                (is_empty && !was_empty).then_some(Phrase::BatteryLow)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
