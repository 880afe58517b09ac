//! Whose home a gateway is in, and whether the centre was listening: what the rules need to tell
//! a silent patient from a dead line.
//!
//! A gateway is in the home of whoever wears a device that it carried last (the row of the patient
//! says so, and is remembered). What it says for itself is then a sign of life of those homes. A
//! word from before the first record of a patient's device is nobody's: no rule misses it.
//!
//! The journal has a tick a second. A hole in the ticks is a time in which the centre heard nobody;
//! the rules are told of it, or a restart would call every home off line.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use veglia_triage::{PatientId, Presence, Sign};
use veglia_view::{Row, is_stand_in};
use veglia_wire::{Body, DeviceEvent, DeviceId, GatewayId, Record, RecordId, WallMs};

use crate::memory::Known;

/// Ticks so far apart, in care milliseconds, are a hole, and no slow disk.
const HOLE_MS: i64 = 2 * 60 * 1000;

/// A hole is so many times as long as ticks usually are apart: a demonstration has minutes of care
/// between two of them.
const HOLE_TICKS: i64 = 8;

/// Which patients' homes each gateway is in.
#[derive(Debug, Default)]
pub(crate) struct Homes {
    patients: HashMap<GatewayId, BTreeSet<PatientId>>,
}

impl Homes {
    /// As the rows of the patients have it.
    pub(crate) fn of(patients: &HashMap<PatientId, Known>) -> Self {
        let mut homes = Self::default();
        // Of somebody unknown it is not known in which home they are.
        let people = patients
            .iter()
            .filter(|(patient, _)| !is_stand_in(**patient));
        for (patient, known) in people {
            let gateways = known.row.devices.iter();
            for gateway in gateways.filter_map(|it| it.gateway.as_ref()) {
                homes.join(gateway, *patient);
            }
        }
        homes
    }

    fn join(&mut self, gateway: &GatewayId, patient: PatientId) {
        let patients = self.patients.entry(gateway.clone()).or_default();
        patients.insert(patient);
    }

    /// A gateway has brought the newest record of a patient's device.
    pub(crate) fn carry(
        &mut self,
        gateway: &GatewayId,
        device: &DeviceId,
        row: &mut Row,
        at: WallMs,
    ) {
        let patient = row.patient;
        let Some(state) = row.device(device) else {
            return;
        };
        if state.last_heard == Some(at) && state.gateway.as_ref() != Some(gateway) {
            state.gateway = Some(gateway.clone());
            self.join(gateway, patient);
        }
    }

    /// Patients in whose home a gateway may be; the row has the last word.
    pub(crate) fn around(&self, gateway: &GatewayId) -> Vec<PatientId> {
        let patients = self.patients.get(gateway);
        patients.into_iter().flatten().copied().collect()
    }
}

/// Whether a gateway is in a patient's home by what their devices were last carried by.
pub(crate) fn is_at_home(row: &Row, gateway: &GatewayId) -> bool {
    let mut devices = row.devices.iter();
    devices.any(|it| it.gateway.as_ref() == Some(gateway))
}

/// The sign of life in a record that is no observation.
pub(crate) fn sign(record: &Record, id: RecordId, at: WallMs, received: WallMs) -> Presence {
    let sign = match (&record.device, record.body) {
        (None, _) => Sign::Gateway,
        (Some(device), Body::Event(DeviceEvent::Down)) => Sign::DeviceLost(device.clone()),
        (Some(device), _) => Sign::Device(device.clone()),
    };
    Presence {
        id,
        at,
        received,
        sign,
    }
}

/// The ticks of the journal, to find holes in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticks {
    last: Option<WallMs>,
    usual_ms: Option<i64>,
}

impl Ticks {
    /// Whether the wall has stepped back to a next tick, by more than a slow disk makes: what was
    /// said by the time it had reached was not so. A smaller step passes by itself.
    pub(crate) fn is_step_back(&self, at: WallMs) -> bool {
        self.last.is_some_and(|last| last.since(at) > HOLE_MS)
    }

    /// Takes the next tick. Since when nobody was heard, if there is a hole before it.
    pub(crate) fn follow(&mut self, at: WallMs) -> Option<WallMs> {
        let last = self.last.replace(at)?;
        let gap_ms = at.since(last);
        let usual_ms = self.usual_ms.replace(gap_ms)?;
        if gap_ms <= HOLE_MS || gap_ms <= usual_ms.saturating_mul(HOLE_TICKS) {
            return None;
        }
        // Two ticks may have come close together for once: what is believed to be usual grows with
        // every hole, or every tick of a fast clock would be one for ever.
        self.usual_ms = Some(usual_ms.saturating_mul(2).max(1));
        Some(last)
    }
}

#[cfg(test)]
mod tests;
