//! Readings that are no patient's yet: nobody has their device, or a household shares it.
//!
//! They are in the series whatever happens here. For the rules they wait, in **sessions**: the
//! readings of one device that are closer together than [`SESSION_GAP_MS`]. Each session has a
//! patient who stands in for whoever measured ([`veglia_view::stand_in`]), and the rules judge it
//! as of them: a red calls people while nobody knows whose it is. When somebody says whose it is,
//! or the device is assigned, the readings reach the rules of that patient and the stand-in is let
//! go. What has its patient is kept here for as long as what waits: an answer may be corrected.
//!
//! Limits: [`WAIT_MS`], [`READINGS_MAX`] and [`SESSIONS_MAX`] of a device (the newest),
//! [`DEVICES_MAX`] devices. What is older than that is seen in the curves of whoever it is
//! attributed to, and no rule judges it again. Only what has a time waits: without one nobody can
//! say whose it is. A session is named by the reading that began it, so these readings are taken
//! in the order of their arrival, also by a replay that shuffles the others.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use veglia_diary::{Course, Whose};
use veglia_triage::PatientId;
use veglia_view::{Waits, stand_in};
use veglia_wire::{DeviceId, GatewayId, Record, RecordId, WallMs};

use crate::dating::Time;
use crate::fold::Arrived;

/// Readings of one device that are closer together than this are one session, in care
/// milliseconds: nobody hands a finger clip on and measures anew in less.
pub(crate) const SESSION_GAP_MS: i64 = 2 * 60 * 1000;

/// How long a reading waits, in care milliseconds: as long as the rules remember, so that a
/// weekend's answers on Monday morning still find most of their places.
const WAIT_MS: i64 = 48 * 60 * 60 * 1000;

/// Readings of one device that wait at most: half an hour of a stream, weeks of spot measurements.
const READINGS_MAX: usize = 2_048;

/// Sessions of one device that wait at most: a day of a couple who measure every hour and a half.
/// Of a device that has more the oldest wait no longer.
const SESSIONS_MAX: usize = 32;

/// Devices whose readings wait at most. In a centre nearly every device that speaks is assigned;
/// this bounds what a drawer of forgotten ones costs to some tens of megabytes.
const DEVICES_MAX: usize = 500;

/// What waits, by device.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    by_device: HashMap<DeviceId, Kept>,
    /// Those who stand in for what waits no longer.
    over: Vec<PatientId>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By time of measuring.
    readings: BTreeMap<(WallMs, RecordId), Arrived>,
    /// That still wait, in the order in which they began to.
    sessions: Vec<Session>,
    /// No reading of it came before.
    since: Option<WallMs>,
}

impl Kept {
    fn put(&mut self, arrived: Arrived) -> bool {
        let received = arrived.received;
        self.since = Some(self.since.map_or(received, |since| since.min(received)));
        let key = (arrived.time.at(), arrived.id);
        self.readings.insert(key, arrived).is_none()
    }
}

/// Readings that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    stand_in: PatientId,
    waits: Waits,
    /// When the last of its readings came.
    heard: WallMs,
}

/// What a change of who has a device means to what waits of it.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// Those who stood in for somebody who is known now.
    pub(crate) over: Vec<PatientId>,
    /// Readings that are to be taken again, in the order of measuring.
    pub(crate) readings: Vec<Arrived>,
}

/// What waits, as it is remembered between two lives.
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

impl Waiting {
    /// A reading waits: who stands in for its patient, and what waits with it. None when there is
    /// no room, or its time is not known. `known` is the last change taken up, so that a session
    /// that is taken apart and waits again has another who stands in.
    pub(crate) fn keep(&mut self, arrived: &Arrived, known: i64) -> Option<(PatientId, Waits)> {
        let device = arrived.record.device.clone()?;
        if !arrived.time.is_known() {
            return None;
        }
        if !self.by_device.contains_key(&device) && self.by_device.len() >= DEVICES_MAX {
            return None;
        }
        let kept = self.by_device.entry(device.clone()).or_default();
        let at = arrived.time.at();
        let is_new = kept.put(arrived.clone());
        if kept.readings.len() > READINGS_MAX {
            kept.readings.pop_first();
        }
        let is_near = |session: &Session| {
            let waits = &session.waits;
            waits.from.since(at) < SESSION_GAP_MS && at.since(waits.until) < SESSION_GAP_MS
        };
        let place = kept.sessions.iter().position(is_near).unwrap_or_else(|| {
            if kept.sessions.len() >= SESSIONS_MAX {
                self.over.push(kept.sessions.remove(0).stand_in);
            }
            kept.sessions.push(Session {
                stand_in: stand_in(number(&device, at, arrived.id, known)),
                waits: Waits {
                    device,
                    from: at,
                    until: at,
                    readings: 0,
                    since: arrived.received,
                },
                heard: arrived.received,
            });
            kept.sessions.len() - 1
        });
        let session = kept.sessions.get_mut(place)?;
        session.waits.from = session.waits.from.min(at);
        session.waits.until = session.waits.until.max(at);
        session.waits.readings += u32::from(is_new);
        session.heard = session.heard.max(arrived.received);
        Some((session.stand_in, session.waits.clone()))
    }

    /// Who has a device is another: sessions of which somebody is known now are over, and what is
    /// another's than before is to be taken again.
    pub(crate) fn reconsider(
        &mut self,
        device: &DeviceId,
        before: &Course,
        after: &Course,
        now: WallMs,
    ) -> Moved {
        let mut moved = Moved::default();
        let Some(kept) = self.by_device.get_mut(device) else {
            return moved;
        };
        let Kept {
            readings, sessions, ..
        } = kept;
        let holds =
            |session: &Session, at: WallMs| session.waits.from <= at && at <= session.waits.until;
        let mut apart: Vec<Session> = Vec::new();
        sessions.retain(|session| {
            // Its readings may have been pushed out by later ones.
            let ends = [session.waits.from, session.waits.until];
            let its = readings.keys().map(|(at, _)| *at);
            let mut its = its.filter(|at| holds(session, *at)).chain(ends);
            let stays = its.all(|at| after.whose(at).waits());
            if !stays {
                apart.push(session.clone());
            }
            stays
        });
        let is_kept = |arrived: &Arrived| now.since(arrived.received) <= WAIT_MS;
        for ((at, _), arrived) in readings.iter().filter(|(_, it)| is_kept(it)) {
            let (was, is) = (before.whose(*at), after.whose(*at));
            let is_apart = apart.iter().any(|session| holds(session, *at));
            let is_to_be_taken = match is {
                Whose::Patient(_) => was != is,
                Whose::Somebodys | Whose::Nobodys => is_apart || !was.waits(),
                Whose::Dismissed => false,
            };
            if is_to_be_taken {
                moved.readings.push(arrived.clone());
            }
        }
        moved.over = apart.into_iter().map(|session| session.stand_in).collect();
        moved
    }

    /// Those who stand in for what found no room any more.
    pub(crate) fn evicted(&mut self) -> Vec<PatientId> {
        std::mem::take(&mut self.over)
    }

    /// Those who stand in for what waits no longer by now. What nothing will be said of any more
    /// is forgotten here, at each tick of the journal: a replay forgets the same.
    pub(crate) fn over(&mut self, now: WallMs) -> Vec<PatientId> {
        let is_over = |heard: WallMs| now.since(heard) > WAIT_MS;
        let over = &mut self.over;
        for kept in self.by_device.values_mut() {
            if kept.sessions.iter().any(|it| is_over(it.heard)) {
                let gone = kept.sessions.extract_if(.., |it| is_over(it.heard));
                over.extend(gone.map(|session| session.stand_in));
            }
        }
        self.tidy(now);
        self.evicted()
    }

    /// Forgets readings that nothing will be said of any more.
    fn tidy(&mut self, now: WallMs) {
        self.by_device.retain(|_, kept| {
            let is_over = |received: WallMs| now.since(received) > WAIT_MS;
            if kept.since.is_some_and(is_over) {
                kept.readings.retain(|_, it| !is_over(it.received));
                kept.since = kept.readings.values().map(|it| it.received).min();
            }
            !kept.readings.is_empty() || !kept.sessions.is_empty()
        });
    }

    /// All of it, to be remembered.
    pub(crate) fn saved(&self) -> Saved {
        let kept = self.by_device.values();
        let readings = kept.flat_map(|kept| kept.readings.values());
        let readings = readings.map(|arrived| SavedReading {
            received: arrived.received,
            gateway: arrived.gateway.clone(),
            id: arrived.id,
            at: arrived.time.at(),
            record: hex(&arrived.record.encode()),
        });
        let sessions = self.by_device.values();
        let sessions = sessions.flat_map(|kept| kept.sessions.iter().cloned());
        Saved {
            readings: readings.collect(),
            sessions: sessions.collect(),
        }
    }

    /// What was remembered. A record that cannot be read any more waits no more.
    pub(crate) fn remembered(saved: Saved) -> Self {
        let mut waiting = Self::default();
        for one in saved.readings {
            let record = bytes(&one.record).and_then(|bytes| Record::decode(&bytes).ok());
            let device = record.as_ref().and_then(|record| record.device.clone());
            let Some((record, device)) = record.zip(device) else {
                tracing::warn!("a reading that waited for its patient cannot be read any more");
                continue;
            };
            let kept = waiting.by_device.entry(device).or_default();
            let arrived = Arrived {
                received: one.received,
                gateway: one.gateway,
                id: one.id,
                record,
                time: Time::Told(one.at),
            };
            kept.put(arrived);
        }
        for session in saved.sessions {
            let device = session.waits.device.clone();
            waiting
                .by_device
                .entry(device)
                .or_default()
                .sessions
                .push(session);
        }
        waiting
    }
}

/// A number for a session that no other has: the first 64 bits that FNV-1a makes of what it is
/// named by.
fn number(device: &DeviceId, at: WallMs, id: RecordId, known: i64) -> u64 {
    let named = format!("{device} {at} {id} {known}");
    named.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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
