//! What is heard of a signal, by half minutes.
//!
//! Which observation is a failed attempt, a clean value or neither is decided here, without memory
//! or judgement. A [`Cell`] keeps of its half minute what the rule goes by, the same in any order.

use serde::{Deserialize, Serialize};
use veglia_wire::{Contact, DeviceId, Quality, RecordId, Sensor, Vital, VitalKind, WallMs};

use crate::flag::{Evidence, What};
use crate::gate::of_sensor;
use crate::observation::{Observation, Seen};
use crate::track::Ground;

/// A half minute: as long as a spot measurement takes.
pub(crate) const CELL_MS: i64 = 30_000;

/// A value that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value {
    pub(super) at: WallMs,
    pub(super) id: RecordId,
    pub(super) received: WallMs,
    pub(super) steps: i32,
}

/// A failure to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) at: WallMs,
    pub(super) id: RecordId,
    pub(super) received: WallMs,
    pub(super) what: What,
    /// Whose word it is: see [`mark_of`].
    #[serde(default)]
    pub(super) device: u32,
}

/// A short mark of a device, to tell the few of one home apart (FNV-1a).
pub(super) fn mark_of(device: &DeviceId) -> u32 {
    let bytes = device.as_str().bytes();
    bytes.fold(0x811c_9dc5, |mark, byte| {
        (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

impl Failure {
    /// Whether it is the word of a sensor, which says it once and means it until it says another.
    fn is_word(&self) -> bool {
        matches!(self.what, What::Contact { .. })
    }

    /// Whether the sensor itself says that the attempt is over.
    fn is_final(&self) -> bool {
        let contact = Contact::Unmeasurable;
        matches!(self.what, What::Contact { contact: it, .. } if it == contact)
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence {
            id: self.id,
            at: self.at,
            what: self.what,
        }
    }
}

/// An attempt that has failed so far: a chain of failures, by its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) first: Failure,
    pub(super) last: Failure,
}

/// What an observation says of the signal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Clean(Value),
    Weak(Value),
    /// It was measured, but not so that a rule may judge it.
    Measured(WallMs),
    Failed(Failure),
    /// The sensor left the body.
    Off(WallMs),
    /// The sensor is on the body.
    On(WallMs),
    /// A device is not heard any more.
    Lost(WallMs, u32),
}

impl Word {
    pub(super) fn at(&self) -> WallMs {
        match self {
            Self::Clean(value) | Self::Weak(value) => value.at,
            Self::Measured(at) | Self::Off(at) | Self::On(at) | Self::Lost(at, _) => *at,
            Self::Failed(failure) => failure.at,
        }
    }
}

/// Half a minute, and what was heard in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Its place on the grid.
    pub(super) index: i64,
    /// The newest clean value.
    pub(super) clean: Option<Value>,
    /// The lowest value with a poor signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weak: Option<Value>,
    /// Whether something was measured that no rule may judge.
    pub(super) measured: bool,
    /// The failures. Few half minutes have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<Box<Attempt>>,
    /// When an attempt was last given up: by the sensor, or by leaving the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) given_up: Option<WallMs>,
    /// When something was last heard that is no failure, in milliseconds of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<u16>,
    /// The device that was last lost in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Box<(WallMs, u32)>>,
}

impl Cell {
    pub(super) fn new(index: i64) -> Self {
        Self {
            index,
            clean: None,
            weak: None,
            measured: false,
            failed: None,
            given_up: None,
            other: None,
            lost: None,
        }
    }

    pub(super) fn index_at(at: WallMs) -> i64 {
        at.0.div_euclid(CELL_MS)
    }

    pub(super) fn begin(&self) -> WallMs {
        WallMs(self.index.saturating_mul(CELL_MS))
    }

    pub(super) fn end(&self) -> WallMs {
        self.begin().plus_ms(CELL_MS)
    }

    /// Whether the signal may be bad.
    pub(super) fn is_troubled(&self) -> bool {
        self.weak.is_some() || self.failed.is_some()
    }

    /// The word of a sensor that cannot measure and that holds on when the half minute is over:
    /// since when, if one held on before. Anything else that is heard ends it.
    pub(super) fn lasting(&self, before: Option<&Failure>) -> Option<Failure> {
        let lasting = match (&self.failed, self.other) {
            (None, None) => before.copied(),
            (None, Some(_)) => None,
            (Some(failed), other) => {
                let before = before.filter(|_| other.is_none());
                let begin = self.begin();
                let other = other.map(|other| begin.plus_ms(i64::from(other)));
                let is_last = other.is_none_or(|other| other < failed.last.at);
                let word = Some(failed.last).filter(|it| it.is_word() && is_last);
                word.map(|word| before.copied().unwrap_or(word))
            }
        };
        let is_lost = |it: &Failure| {
            let mut lost = self.lost.iter();
            lost.any(|lost| lost.1 == it.device && it.at <= lost.0)
        };
        lasting.filter(|it| !is_lost(it))
    }

    /// The same words make the same cell, in any order and however often.
    pub(super) fn hear(&mut self, word: Word) {
        if !matches!(word, Word::Failed(_) | Word::Lost(..)) {
            let into_ms = word.at().since(self.begin());
            self.other = self.other.max(u16::try_from(into_ms).ok());
        }
        match word {
            Word::Clean(value) => {
                let newest = self.clean.get_or_insert(value);
                if (newest.at, newest.id) < (value.at, value.id) {
                    *newest = value;
                }
            }
            Word::Weak(value) => {
                let lowest = self.weak.get_or_insert(value);
                let key = |it: &Value| (it.steps, it.at, it.id);
                if key(&value) < key(lowest) {
                    *lowest = value;
                }
            }
            Word::Measured(_) => self.measured = true,
            Word::On(_) => {}
            Word::Lost(at, device) => {
                let lost = Box::new((at, device));
                self.lost = self.lost.take().max(Some(lost));
            }
            Word::Off(at) => self.given_up = self.given_up.max(Some(at)),
            Word::Failed(failure) => {
                let only = || {
                    Box::new(Attempt {
                        first: failure,
                        last: failure,
                    })
                };
                let Attempt { first, last } = &mut **self.failed.get_or_insert_with(only);
                let key = |it: &Failure| (it.at, it.id);
                if key(&failure) < key(first) {
                    *first = failure;
                }
                if key(last) < key(&failure) {
                    *last = failure;
                }
                if failure.is_final() {
                    self.given_up = self.given_up.max(Some(failure.at));
                }
            }
        }
    }
}

/// What an observation says of the signal of a vital sign.
pub(super) fn word(kind: VitalKind, observation: &Observation, ground: Ground<'_>) -> Option<Word> {
    let Observation { id, received, .. } = *observation;
    match observation.seen {
        Seen::Vital(vital, quality) if vital.kind() == kind => {
            let at = observation.at;
            let is_ahead = at.since(received) > ground.rules.arrival.ahead_tolerance_ms;
            if is_ahead || quality.intersects(NO_ATTEMPT) {
                return None;
            }
            of_reading((at, id, received), vital, quality, ground)
        }
        Seen::Contact(sensor, contact) if of_sensor(sensor) == kind => {
            // Of a clock that is ahead we know only that it was said before it arrived.
            let at = observation.at.min(received);
            let what = What::Contact { sensor, contact };
            match contact {
                Contact::Off => Some(Word::Off(at)),
                // A thermometer "searches" for minutes while it takes on the body's warmth.
                Contact::Searching if sensor == Sensor::Thermometer => None,
                Contact::Searching | Contact::Unmeasurable => Some(Word::Failed(Failure {
                    at,
                    id,
                    received,
                    what,
                    device: mark_of(&observation.device),
                })),
                Contact::On => Some(Word::On(at)),
            }
        }
        Seen::Vital(..) | Seen::Contact(..) | Seen::Answer(_) => None,
    }
}

/// Nobody tried to measure, or nobody can say when.
const NO_ATTEMPT: Quality = Quality::NO_CONTACT
    .union(Quality::HELD)
    .union(Quality::EARLY)
    .union(Quality::DEMO)
    .union(Quality::TIME_UNCERTAIN);

/// The device itself calls the measurement disturbed.
const FAILED: Quality = Quality::SEARCHING
    .union(Quality::ARTEFACT)
    .union(Quality::QUESTIONABLE)
    .union(Quality::INVALID);

/// A poor signal: what it says may be low, and does not reassure.
pub(crate) const WEAK: Quality = Quality::LOW_PERFUSION.union(Quality::WEAK_SIGNAL);

fn of_reading(
    (at, id, received): (WallMs, RecordId, WallMs),
    vital: Vital,
    quality: Quality,
    ground: Ground<'_>,
) -> Option<Word> {
    let steps = vital.steps();
    let value = Value {
        at,
        id,
        received,
        steps,
    };
    let rules = ground.rules.vital(vital.kind());
    let is_unscored = rules.is_some_and(|it| it.unscored_sites.contains(&vital.site()));
    let is_plausible = rules.is_some_and(|it| it.plausible.holds(it.score(steps)));
    if !is_plausible && vital.kind() == VitalKind::Temperature {
        // Of a room or of a kettle: the probe is not on a body, as a finger out of the clip.
        return None;
    }
    if quality.intersects(FAILED) || !is_plausible {
        let what = What::Value {
            vital: vital.kind(),
            steps,
            median: None,
        };
        return Some(Word::Failed(Failure {
            at,
            id,
            received,
            what,
            device: 0,
        }));
    }
    Some(if is_unscored || !quality.is_clean() {
        Word::Measured(at)
    } else if quality.intersects(WEAK) {
        Word::Weak(value)
    } else {
        Word::Clean(value)
    })
}
