//! What waits, as it is remembered between two lives: device by device, and only of those of which
//! something is new.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, GatewayId, Record, RecordId, WallMs};

use super::session::Session;
use super::{Kept, Waiting};
use crate::dating::Time;
use crate::fold::Arrived;

/// What waits of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    readings: Vec<SavedReading>,
    sessions: Vec<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedReading {
    received: WallMs,
    gateway: GatewayId,
    id: RecordId,
    at: WallMs,
    /// In hexadecimal digits, as the wire has it.
    record: String,
}

impl Saved {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.sessions.is_empty()
    }
}

impl Kept {
    fn saved(&self) -> Saved {
        let readings = self.readings.values().map(|arrived| SavedReading {
            received: arrived.received,
            gateway: arrived.gateway.clone(),
            id: arrived.id,
            at: arrived.time.at(),
            record: hex(&arrived.record.encode()),
        });
        Saved {
            readings: readings.collect(),
            sessions: self.sessions.clone(),
        }
    }
}

impl Waiting {
    /// What is new since the last time, to be remembered; empty of a device that waits no more.
    pub(crate) fn unsaved(&self) -> Vec<(DeviceId, Saved)> {
        let unsaved = self.unsaved.iter().map(|device| {
            let kept = self.by_device.get(device);
            (device.clone(), kept.map(Kept::saved).unwrap_or_default())
        });
        unsaved.collect()
    }

    /// All of that is remembered.
    pub(crate) fn was_saved(&mut self) {
        self.unsaved.clear();
    }

    /// What was remembered. A record that cannot be read any more waits no more.
    pub(crate) fn remembered(all: Vec<Saved>) -> Self {
        let mut waiting = Self::default();
        for saved in all {
            for one in saved.readings {
                let record = bytes(&one.record).and_then(|bytes| Record::decode(&bytes).ok());
                let device = record.as_ref().and_then(|record| record.device.clone());
                let Some((record, device)) = record.zip(device) else {
                    tracing::warn!("a reading that waited for its patient cannot be read any more");
                    continue;
                };
                let arrived = Arrived {
                    received: one.received,
                    gateway: one.gateway,
                    id: one.id,
                    record,
                    time: Time::Told(one.at),
                };
                waiting.put(&device, arrived);
            }
            for session in saved.sessions {
                let device = session.waits.device.clone();
                let kept = waiting.by_device.entry(device).or_default();
                kept.sessions.push(session);
            }
        }
        // Written once more: it may have come from where earlier versions kept it.
        waiting.unsaved.extend(waiting.by_device.keys().cloned());
        waiting
    }
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
