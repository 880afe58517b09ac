//! A home that is heard all the time: what of it a reading that is put off does not change.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, VitalKind, WallMs};

use super::Life;

/// A stretch in which the home is heard again and again, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unbroken {
    /// Since when, and all that is first heard in it is known.
    pub(crate) from: WallMs,
    pub(crate) to: WallMs,
    /// Whether a gateway has spoken for itself.
    pub(crate) beats: bool,
}

impl Unbroken {
    /// Whether something that is received then makes the stretch longer and is no news: there is no
    /// gap, and ticks have not gone past one.
    pub(crate) fn goes_on(&self, received: WallMs, ticked: WallMs, gap_ms: i64) -> bool {
        let is_further = self.to < received;
        let was_off_line = is_further && self.to.plus_ms(gap_ms) <= ticked;
        self.from <= received && received.since(self.to) <= gap_ms && !was_off_line
    }
}

impl Life {
    /// The stretch that goes on, if the patient has a device in the home.
    pub(crate) fn unbroken(&self) -> Option<Unbroken> {
        let last = self.spans.last()?;
        let from = last.from.max(self.device_since?);
        Some(Unbroken {
            from: self.gateway_since.map_or(from, |since| from.max(since)),
            to: last.to,
            beats: self.gateway_since.is_some(),
        })
    }

    /// It went on to a moment.
    pub(crate) fn stretch(&mut self, to: WallMs) {
        if let Some(last) = self.spans.last_mut() {
            last.to = last.to.max(to);
        }
    }

    /// Whether a reading of a device is no news of it.
    pub(crate) fn hears(&self, device: &DeviceId, vital: VitalKind) -> bool {
        let mut devices = self.devices.iter();
        let known = devices.find(|it| it.device == *device);
        known.is_some_and(|it| it.vitals.contains(&vital) && !it.is_lost())
    }

    /// The device that was heard last of those that measure a vital sign.
    pub(crate) fn device_of(&self, vital: VitalKind) -> Option<&DeviceId> {
        let those = self.devices.iter().filter(|it| it.vitals.contains(&vital));
        those.max_by_key(|it| it.heard).map(|it| &it.device)
    }
}
