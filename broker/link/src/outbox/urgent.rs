//! What does not wait for company on its way to the disk, and so to the centre.
//!
//! A reading of a measurement that goes on every few seconds is one of many, and the next comes
//! soon: it is gathered. Everything else is written at once: somebody has measured and waits for
//! "Ricevuta", a finger went out, a device came or went, a person answered. No value is looked at:
//! what a number means is judged at the centre.

use std::collections::HashMap;

use veglia_wire::{Body, Boot, DeviceId, Record, VitalKind};

use super::thin::{CONTINUOUS_MS, STREAMS};

/// Remembers when each measurement was last heard, in monotonic milliseconds of care.
#[derive(Debug, Default)]
pub(super) struct Urgency {
    last_ms: HashMap<(DeviceId, VitalKind, Boot), u64>,
}

impl Urgency {
    /// Takes in records, and answers whether one of them must not wait.
    pub(super) fn of(&mut self, records: &[Record]) -> bool {
        let mut is_urgent = false;
        for record in records {
            is_urgent |= match (&record.device, record.body) {
                (Some(device), Body::Reading(vital, _)) => {
                    !self.goes_on((device.clone(), vital.kind(), record.when.boot), record)
                }
                (_, Body::Heartbeat(_)) => false,
                _ => true,
            };
        }
        is_urgent
    }

    fn goes_on(&mut self, stream: (DeviceId, VitalKind, Boot), record: &Record) -> bool {
        if self.last_ms.len() >= STREAMS {
            self.last_ms.clear();
        }
        let now_ms = record.when.mono.0;
        let before = self.last_ms.insert(stream, now_ms);
        before.is_some_and(|before| now_ms.abs_diff(before) <= CONTINUOUS_MS)
    }
}

#[cfg(test)]
mod tests {
    use veglia_wire::{Contact, MonoMs, Quality, Sensor, SpO2, Vital, When};

    use super::*;

    fn at(mono: u64, body: Body) -> Vec<Record> {
        let when = When {
            boot: Boot(1),
            mono: MonoMs(mono),
            wall: None,
            device: None,
        };
        let device = Some(DeviceId::new("nonin:1").unwrap());
        vec![Record { device, when, body }]
    }

    fn reading(tenths: i32) -> Body {
        let spo2 = SpO2::from_percent_tenths(tenths).unwrap();
        Body::Reading(Vital::SpO2(spo2), Quality::empty())
    }

    #[test]
    fn the_first_of_a_measurement_and_a_lone_one_do_not_wait_and_those_between_do() {
        let mut urgency = Urgency::default();
        let heard = [(0, true), (1_000, false), (2_000, false), (60_000, true)];
        for (mono, is_urgent) in heard {
            assert_eq!(urgency.of(&at(mono, reading(970))), is_urgent, "{mono}");
        }
    }

    #[test]
    fn a_finger_that_goes_out_does_not_wait_and_a_heartbeat_does() {
        let mut urgency = Urgency::default();
        let out = Body::Contact(Sensor::Oximeter, Contact::Off);
        assert!(urgency.of(&at(0, out)));
        assert!(!urgency.of(&at(0, Body::Heartbeat(0))));
    }
}
