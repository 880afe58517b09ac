//! The bounds of one vital sign.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, WallMs};

use super::NAME_BYTES;
use crate::days::Slot;
use crate::rules::RuleSet;
use crate::track::Latest;

/// A device, with its name where it is compared without following a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DeviceId", into = "DeviceId")]
pub(crate) struct Name {
    bytes: [u8; NAME_BYTES],
    device: DeviceId,
}

/// A name that does not fit.
#[derive(Debug, thiserror::Error)]
#[error("a device whose readings are put off has at most {NAME_BYTES} letters")]
pub(crate) struct LongName;

impl TryFrom<DeviceId> for Name {
    type Error = LongName;
    fn try_from(device: DeviceId) -> Result<Self, LongName> {
        let bytes = bytes(&device).ok_or(LongName)?;
        Ok(Self { bytes, device })
    }
}

impl From<Name> for DeviceId {
    fn from(name: Name) -> Self {
        name.device
    }
}

impl Name {
    pub(crate) fn device(&self) -> &DeviceId {
        &self.device
    }

    fn is(&self, device: &DeviceId) -> bool {
        bytes(device) == Some(self.bytes)
    }
}

/// A name, and zeros behind it: no name has one.
fn bytes(device: &DeviceId) -> Option<[u8; NAME_BYTES]> {
    let name = device.as_str().as_bytes();
    let mut bytes = [0; NAME_BYTES];
    bytes.get_mut(..name.len())?.copy_from_slice(name);
    Some(bytes)
}

/// Within which bounds a reading of one vital sign changes nothing that is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calm {
    /// The newest reading, put off or not.
    pub(crate) latest: Latest,
    /// The lowest and the highest value, in steps.
    pub(crate) lowest: i32,
    pub(crate) highest: i32,
    /// From then on a reading may end a silence.
    pub(crate) expected_until: WallMs,
    /// Which readings are news to the rules over days.
    pub(crate) slot: Slot,
    /// Since when the value is the same, as the gate counts it.
    pub(crate) held_since: WallMs,
    /// Whether no two readings of the last stretch show a stream: then none may begin.
    pub(crate) is_sparse: bool,
    /// Whose readings they are.
    pub(crate) name: Name,
}

impl Calm {
    /// Whether a reading within the bounds is news to what waits for it.
    pub(super) fn is_awaited(&self, reading: &Latest) -> bool {
        self.expected_until <= reading.at || self.slot.may_take(reading.at, reading.vital.steps())
    }

    /// Whether a reading that is later than all others is within the bounds: if so, since when its
    /// value is the same by then.
    pub(super) fn held_since(
        &self,
        reading: &Latest,
        device: &DeviceId,
        rules: &RuleSet,
    ) -> Option<WallMs> {
        let (before, steps) = (&self.latest, reading.vital.steps());
        let is_within = (self.lowest..=self.highest).contains(&steps)
            && reading.vital.site() == before.vital.site()
            && self.name.is(device);
        let continuous = &rules.continuous;
        let begins_stream = self.is_sparse && continuous.joins(before.at, reading.at);
        if !is_within || begins_stream {
            return None;
        }
        let Some(gate) = rules.gate(reading.vital.kind()) else {
            return Some(self.held_since);
        };
        let gap_ms = reading.at.since(before.at);
        let is_same = steps == before.vital.steps();
        if !is_same || gap_ms > gate.gap_ms.min(continuous.gap_ms) {
            return Some(reading.at);
        }
        let is_long = reading.at.since(self.held_since) >= gate.held_ms;
        (!is_long || steps >= gate.held_below).then_some(self.held_since)
    }
}
