//! From what a device said to what the outbox keeps: who spoke, what changed, what was measured.
//!
//! Contact and battery are states that devices repeat in every frame; only their changes are
//! records. Readings are attributed only once it is known who speaks on the port: what a node
//! says before its first hello is not anybody's and is counted, not kept.

use veglia_codecs::{Frame, Identity, Observation, observe};
use veglia_wire::{
    Body, Charge, Contact, DeviceEvent, DeviceId, DeviceStamp, MonoMs, Quality, Record, Sensor,
    When,
};

/// Rejects are told to the centre at most this often, in care milliseconds: a bad cable is worth
/// a line an hour, not a record per byte.
const REJECTS_EVERY_MS: u64 = 3_600_000;

/// Who is on a port and what was last heard of them.
pub(crate) struct Listener {
    device: Option<DeviceId>,
    identity: Option<Identity>,
    contacts: [Option<Contact>; 2],
    battery: Option<DeviceEvent>,
    rejected: u32,
    rejects_told_at: u64,
    unattributed: u64,
    last_reading: Option<MonoMs>,
}

impl Listener {
    /// A listener on a port whose device is configured, or will say its name.
    pub(crate) fn new(device: Option<DeviceId>) -> Self {
        Self {
            device,
            identity: None,
            contacts: [None; 2],
            battery: None,
            rejected: 0,
            rejects_told_at: 0,
            unattributed: 0,
            last_reading: None,
        }
    }

    /// The port was opened anew: another device may be on it, and states are to be told again.
    pub(crate) fn replugged(&mut self) {
        if self.identity.take().is_some() {
            self.device = None;
        }
        self.contacts = [None; 2];
        self.battery = None;
    }

    /// The device, once it is known.
    pub(crate) fn device(&self) -> Option<&DeviceId> {
        self.device.as_ref()
    }

    /// Who the device says it is, if it says so.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// The battery, as last told.
    pub(crate) fn charge(&self) -> Option<Charge> {
        match self.battery? {
            DeviceEvent::BatteryPercent(percent) => Some(Charge::Percent(percent)),
            DeviceEvent::BatteryLow => Some(Charge::Low),
            DeviceEvent::Up | DeviceEvent::Down | DeviceEvent::Rejected(_) => None,
        }
    }

    /// When the last reading of the device was kept.
    pub(crate) fn last_reading(&self) -> Option<MonoMs> {
        self.last_reading
    }

    /// Readings that could be attributed to nobody, since the start.
    pub(crate) fn unattributed(&self) -> u64 {
        self.unattributed
    }

    /// Bytes that were no frame.
    pub(crate) fn reject(&mut self) {
        self.rejected = self.rejected.saturating_add(1);
    }

    /// The device's own stamp in a frame, if it has one.
    pub(crate) fn stamp(frame: &Frame) -> Option<DeviceStamp> {
        frame.stamp()
    }

    /// Appends the records that a frame makes, for a caller who knows nothing of the device's
    /// clock: what comes from the device's memory is kept, and marked, because nobody can say when
    /// it was.
    pub(crate) fn hear(&mut self, frame: &Frame, when: When, out: &mut Vec<Record>) {
        let is_stored = |said: &Observation| {
            matches!(said, Observation::Reading(_, quality)
                if quality.contains(Quality::FROM_STORAGE))
        };
        let more = if observe(frame).iter().any(is_stored) {
            Quality::TIME_UNCERTAIN
        } else {
            Quality::empty()
        };
        self.hear_as(frame, when, more, out);
    }

    /// The same, of readings about which there is more to say than the device does.
    pub(crate) fn hear_as(
        &mut self,
        frame: &Frame,
        when: When,
        more: Quality,
        out: &mut Vec<Record>,
    ) {
        for observation in observe(frame) {
            let body = match observation {
                // Who stamps the frame has asked for it already.
                Observation::Measured(_) => None,
                Observation::Identity(identity) => self.introduced(identity),
                Observation::Contact(sensor, contact) => self.contact(sensor, contact),
                Observation::Battery(event) => self.battery(event),
                Observation::Reading(vital, quality) => {
                    let quality = self
                        .identity
                        .map_or(quality, |known| known.qualify(vital, quality));
                    Some(Body::Reading(vital, quality | more))
                }
            };
            let Some(body) = body else { continue };
            self.keep(body, when, out);
        }
        if self.rejected > 0 && when.mono.0.saturating_sub(self.rejects_told_at) >= REJECTS_EVERY_MS
        {
            self.rejects_told_at = when.mono.0;
            let count = std::mem::take(&mut self.rejected);
            self.keep(Body::Event(DeviceEvent::Rejected(count)), when, out);
        }
    }

    /// What the device says of its battery beside its frames.
    pub(crate) fn charged(&mut self, event: DeviceEvent, when: When, out: &mut Vec<Record>) {
        if let Some(body) = self.battery(event) {
            self.keep(body, when, out);
        }
    }

    fn keep(&mut self, body: Body, when: When, out: &mut Vec<Record>) {
        match &self.device {
            Some(device) => {
                if matches!(body, Body::Reading(..)) {
                    self.last_reading = Some(when.mono);
                }
                out.push(Record {
                    device: Some(device.clone()),
                    when,
                    body,
                });
            }
            None => self.unattributed = self.unattributed.saturating_add(1),
        }
    }

    fn introduced(&mut self, identity: Identity) -> Option<Body> {
        if self.identity == Some(identity) {
            return None;
        }
        self.identity = Some(identity);
        self.device = Some(identity.device());
        self.contacts = [None; 2];
        self.battery = None;
        Some(Body::Event(DeviceEvent::Up))
    }

    fn contact(&mut self, sensor: Sensor, contact: Contact) -> Option<Body> {
        let last = match sensor {
            Sensor::Oximeter => &mut self.contacts[0],
            Sensor::Thermometer => &mut self.contacts[1],
        };
        let changed = self.device.is_some() && last.replace(contact) != Some(contact);
        changed.then_some(Body::Contact(sensor, contact))
    }

    fn battery(&mut self, event: DeviceEvent) -> Option<Body> {
        let changed = self.device.is_some() && self.battery.replace(event) != Some(event);
        changed.then_some(Body::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use veglia_codecs::Protocol;
    use veglia_wire::{Boot, MonoMs, WallMs};

    use super::*;

    #[test]
    fn what_comes_out_of_a_nonins_memory_on_a_serial_port_is_not_of_now() {
        let when = When {
            boot: Boot(1),
            mono: MonoMs(1_000),
            wall: Some(WallMs(1_795_352_400_000)),
            device: None,
        };
        let mut listener = Listener::new(Some(DeviceId::new("nonin:1").unwrap()));
        let mut records = Vec::new();
        for frame in Protocol::Nonin13.samples() {
            listener.hear(&frame, when, &mut records);
        }
        let is_stored = |record: &&Record| {
            matches!(record.body, Body::Reading(_, quality)
                if quality.contains(Quality::FROM_STORAGE))
        };
        let stored: Vec<&Record> = records.iter().filter(is_stored).collect();
        assert!(!stored.is_empty(), "{records:?}");
        for record in stored {
            assert!(
                matches!(record.body, Body::Reading(_, quality) if !quality.is_clean()),
                "{record:?}"
            );
        }
    }
}
