//! What triage is told: something seen at a patient's home, a new plan, or that time has passed.

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, Contact, DeviceId, Quality, RecordId, Sensor, Vital, WallMs};

use crate::plan::Plan;
use crate::presence::Presence;
use crate::whereabouts::PatientStanding;

/// How a value was acquired. The rules are the same for all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A device at home, through the gateway.
    Device,
    /// Typed by the patient.
    ByHand,
    /// Taken down by an operator on the telephone.
    ByPhone,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// A measured vital sign and what is to be said against it.
    Vital(Vital, Quality),
    /// The hold of a sensor on the body changed.
    Contact(Sensor, Contact),
    /// A person answered a question.
    Answer(Answer),
}

/// One thing seen, of one patient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// The record that says so.
    pub id: RecordId,
    /// The device it came from.
    pub device: DeviceId,
    /// How it was acquired.
    pub source: Source,
    /// When it was measured.
    pub at: WallMs,
    /// When it reached the centre.
    pub received: WallMs,
    /// What.
    pub seen: Seen,
}

/// One input of [`step`](crate::step).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// Something was seen.
    Observation(&'a Observation),
    /// The same, measured in another home: it turned out later whose it is, and it is no sign of
    /// life of theirs.
    Elsewhere(&'a Observation),
    /// The home, or a device in it, was heard or lost.
    Presence(&'a Presence),
    /// The centre has not listened to anybody since then, until now.
    Deaf(WallMs),
    /// A new, immutable version of the patient's plan.
    Plan(&'a Plan),
    /// The patient went somewhere, or came home.
    Standing(&'a PatientStanding),
    /// Time has passed. Deadlines pass by ticks alone, so a replay of the same inputs in the same
    /// order says the same things.
    Tick,
    /// The wall was ahead and has stepped back to now: ticks had reached a time that was not so.
    SteppedBack,
}
