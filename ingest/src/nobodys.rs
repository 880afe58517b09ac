//! Readings of devices that nobody wears, as far as the diary says: they wait for an assignment.
//!
//! An assignment is written a moment after the device was handed over, and until then its readings
//! are nobody's. They are in the series whatever happens here. For the rules they are kept a while,
//! and an assignment that says "since then" has them judged for whoever wears the device now.
//!
//! Limits: [`WAIT_MS`], [`READINGS_MAX`] of a device (the newest), [`DEVICES_MAX`] devices. What is
//! older than that is seen in the curves of the new wearer, and no rule judges it. Only what
//! has a time waits: without one nobody can say whose it is.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, GatewayId, Record, RecordId, WallMs};

use crate::dating::Time;
use crate::fold::Arrived;

/// How long a reading waits, in care milliseconds: an assignment is written at the bedside, or
/// within the visit.
const WAIT_MS: i64 = 60 * 60 * 1000;

/// Readings of one device that wait at most: some minutes of a stream, days of spot measurements.
const READINGS_MAX: usize = 256;

/// Devices whose readings wait at most. In a centre nearly every device that speaks is assigned;
/// this bounds what a drawer of forgotten ones costs to some megabytes.
const DEVICES_MAX: usize = 500;

/// What waits, by device and time of measuring.
#[derive(Debug, Default)]
pub(crate) struct Nobodys {
    by_device: HashMap<DeviceId, BTreeMap<(WallMs, RecordId), Arrived>>,
}

/// A reading as it is remembered between two lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    received: WallMs,
    gateway: GatewayId,
    id: RecordId,
    at: WallMs,
    /// In hexadecimal digits, as the wire has it.
    record: String,
}

impl Nobodys {
    /// A reading waits. One whose time is not known does not.
    pub(crate) fn keep(&mut self, arrived: &Arrived) {
        let Some(device) = arrived.record.device.clone() else {
            return;
        };
        if !arrived.time.is_known() {
            return;
        }
        if !self.by_device.contains_key(&device) && self.by_device.len() >= DEVICES_MAX {
            self.expire(arrived.received);
            if self.by_device.len() >= DEVICES_MAX {
                return;
            }
        }
        let waiting = self.by_device.entry(device).or_default();
        waiting.insert((arrived.time.at(), arrived.id), arrived.clone());
        if waiting.len() > READINGS_MAX {
            waiting.pop_first();
        }
    }

    /// What waits of a device since a moment, in order of measuring; it waits no more.
    pub(crate) fn take(&mut self, device: &DeviceId, since: WallMs, now: WallMs) -> Vec<Arrived> {
        let Some(waiting) = self.by_device.get_mut(device) else {
            return Vec::new();
        };
        let taken = waiting.extract_if(.., |(at, _), _| *at >= since);
        let taken = taken.map(|(_, arrived)| arrived);
        let taken = taken.filter(|it| !is_over(it, now)).collect();
        if waiting.is_empty() {
            self.by_device.remove(device);
        }
        taken
    }

    fn expire(&mut self, now: WallMs) {
        self.by_device.retain(|_, waiting| {
            waiting.retain(|_, arrived| !is_over(arrived, now));
            !waiting.is_empty()
        });
    }

    /// All of it, to be remembered.
    pub(crate) fn saved(&self) -> Vec<Saved> {
        let waiting = self.by_device.values().flat_map(BTreeMap::values);
        let saved = waiting.map(|arrived| Saved {
            received: arrived.received,
            gateway: arrived.gateway.clone(),
            id: arrived.id,
            at: arrived.time.at(),
            record: hex(&arrived.record.encode()),
        });
        saved.collect()
    }

    /// What was remembered. A record that cannot be read any more waits no more.
    pub(crate) fn remembered(saved: Vec<Saved>) -> Self {
        let mut nobodys = Self::default();
        for one in saved {
            let record = bytes(&one.record).and_then(|bytes| Record::decode(&bytes).ok());
            let Some(record) = record else {
                tracing::warn!("a reading that nobody wore the device of cannot be read any more");
                continue;
            };
            nobodys.keep(&Arrived {
                received: one.received,
                gateway: one.gateway,
                id: one.id,
                record,
                time: Time::Told(one.at),
            });
        }
        nobodys
    }
}

fn is_over(arrived: &Arrived, now: WallMs) -> bool {
    now.since(arrived.received) > WAIT_MS
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.flatten().collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}
