//! Readings that are put off: of nearly every reading of somebody who is well, the rules say
//! nothing, and they need not look at it one by one to know.
//!
//! A patient's memory is tens of kilobytes, and a hundred thousand patients have none of it in the
//! processor's caches. So the front of a state holds a [`Proof`]: for each vital sign the values,
//! the device and the time within which a reading changes nothing that is ever said. A reading
//! within it is written into a [`Log`] of sixteen bytes a reading, and that is all. Whatever is
//! not within it (a value out of bounds, a word of a sensor, an answer, a plan, a reading
//! that is late or came before) has the log folded into memory first, reading by reading, as if
//! they came now; then it is taken as ever.
//!
//! **Why that is right.** What stands is a fold over the readings, so folding them later makes the
//! same memory. What is left to show is that none of them would have said anything, or moved a
//! deadline, when it came. The proof holds only while
//! - no episode is open and none waits for a repeat, in the limits of the vital sign or in any
//!   score, the signal is good, and two reds have nothing to take up;
//! - each value lies where no limit of the patient's (own limits, target and baseline included)
//!   finds it bad, and carries no more points than the one that was counted last; so does every
//!   value of the two minutes before, so that no median is worse;
//! - nothing is said against the reading, it is of the same device and site, and the gate would
//!   let it through: not the same digit for too long, no floor, a sensor that is not off;
//! - it was measured after all before it;
//! - the home has been heard without a break, so that no outage begins or ends.
//!
//! **What waits for a reading hears of it at once**, put off or not: the first of a slot of the day
//! goes to the rules over days (`days.rs`), and the first after a moment at which one is expected
//! to the watch for silence (`track.rs`). A tick goes to all that waits for time, and leaves the
//! log where it is. These see what memory would show them: what was measured last, and its median.
//!
//! So **nothing is said later than without the log**: not by a millisecond, and in no other order.
//! `tests/quiet.rs` plays both ways side by side and compares every verdict, every deadline and,
//! once folded, every byte of memory.
//!
//! **A long calm.** A log that is full holds more than memory does. What memory would have
//! forgotten by now is passed over: the few things that outlast it (the newest clean value of each
//! half minute, how long a value is the same) are noted, the rest never needs to be unpacked.
//!
//! Limits: [`LOG_MAX`] readings. A device whose name is longer than [`NAME_BYTES`] is not put off,
//! nor is a value that a person typed or told.
//!
//! Under another rule set the log is folded by the new one, before what is in memory is told again
//! by it.
//!
//! Deliberately absent: a reading that is put off although a rule would speak of it.

mod calm;
mod log;

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, Quality, RecordId, VitalKind, WallMs};

use crate::observation::{Observation, Seen, Source};
use crate::presence::{Presence, Sign, Unbroken};
use crate::rules::RuleSet;
use crate::track::Latest;

pub(crate) use calm::{Calm, Name};
pub(crate) use log::{LOG_MAX, Log, Noted};

/// Longest name of a device whose readings are put off. It stands at the front of the state, where
/// no further memory is touched to read it.
pub(crate) const NAME_BYTES: usize = 24;

/// Within which bounds readings change nothing that is ever said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// The newest of all values: what is put off was measured after it.
    pub(crate) last: (WallMs, RecordId),
    /// From then on plan or baseline are other ones.
    pub(crate) until: WallMs,
    /// Since when, and how far, the home was heard without a break.
    pub(crate) heard: Unbroken,
    /// When something may next be said without a reading; readings within the proof do not move it.
    pub(crate) deadline: Option<WallMs>,
    /// By the kind's place in [`VitalKind::ALL`]; none where a reading may be news.
    pub(crate) calm: [Option<Calm>; VitalKind::ALL.len()],
}

/// The bounds and what was put off within them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quiet {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(default, skip_serializing_if = "Log::is_empty")]
    log: Log,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutOff {
    /// It is to be taken as ever.
    Not,
    /// Nobody needs to hear of it.
    Unheard,
    /// It is put off, and what waits for such a reading is to hear of it: the watch for silence, or
    /// the rules over days.
    Awaited {
        /// When the reading before it was measured.
        before: WallMs,
    },
}

/// The place of a kind in [`VitalKind::ALL`].
pub(crate) fn place(kind: VitalKind) -> usize {
    match kind {
        VitalKind::SpO2 => 0,
        VitalKind::Pulse => 1,
        VitalKind::Temperature => 2,
        VitalKind::RespiratoryRate => 3,
        VitalKind::SystolicPressure => 4,
    }
}

impl Quiet {
    /// Whether there is nothing to write down.
    pub(crate) fn is_blank(&self) -> bool {
        self.proof.is_none()
    }

    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn is_full(&self) -> bool {
        self.log.len() >= LOG_MAX
    }

    /// From now on readings within this may be put off.
    pub(crate) fn settle(&mut self, proof: Option<Proof>) {
        self.proof = proof;
    }

    pub(crate) fn proof_mut(&mut self) -> Option<&mut Proof> {
        self.proof.as_mut()
    }

    /// The bounds no longer hold: what they were and what was put off.
    pub(crate) fn wake(&mut self) -> Option<(Proof, Log)> {
        let proof = self.proof.take()?;
        Some((proof, std::mem::take(&mut self.log)))
    }

    /// Readings that were put off and are passed over.
    pub(crate) fn drop_oldest(&mut self, readings: usize) {
        self.log.drop_oldest(readings);
    }

    /// The newest reading of a kind that was put off, or came before any.
    pub(crate) fn latest(&self, kind: VitalKind) -> Option<&Latest> {
        let calm = self.proof.as_ref()?.calm.get(place(kind))?;
        calm.as_ref().map(|calm| &calm.latest)
    }

    /// The device whose readings of a kind are put off.
    pub(crate) fn device(&self, kind: VitalKind) -> Option<&DeviceId> {
        let calm = self.proof.as_ref()?.calm.get(place(kind))?;
        calm.as_ref().map(|calm| calm.name.device())
    }

    /// Puts a reading off if it is within the bounds and the log has room.
    pub(crate) fn put_off(
        &mut self,
        observation: &Observation,
        rules: &RuleSet,
        ticked: WallMs,
    ) -> PutOff {
        let (Some(proof), Seen::Vital(vital, quality)) = (&mut self.proof, observation.seen) else {
            return PutOff::Not;
        };
        let Observation {
            id, at, received, ..
        } = *observation;
        let is_plain = quality.is_empty() && observation.source == Source::Device;
        let is_next = proof.last < (at, id) && at < proof.until;
        let is_ahead = at.since(received) > rules.arrival.ahead_tolerance_ms;
        let is_heard = proof
            .heard
            .goes_on(received, ticked, rules.presence.offline_after_ms);
        if !is_plain || !is_next || is_ahead || !is_heard || at <= proof.heard.from {
            return PutOff::Not;
        }
        let Some(Some(calm)) = proof.calm.get_mut(place(vital.kind())) else {
            return PutOff::Not;
        };
        let latest = Latest {
            id,
            at,
            vital,
            quality: Quality::empty(),
        };
        let Some(held_since) = calm.held_since(&latest, &observation.device, rules) else {
            return PutOff::Not;
        };
        let noted = Noted {
            at,
            id,
            received,
            vital,
        };
        if !self.log.push(&noted) {
            return PutOff::Not;
        }
        let before = calm.latest.at;
        let is_awaited = calm.is_awaited(&latest);
        calm.latest = latest;
        calm.held_since = held_since;
        proof.last = (at, id);
        proof.heard.to = proof.heard.to.max(received);
        if is_awaited {
            PutOff::Awaited { before }
        } else {
            PutOff::Unheard
        }
    }

    /// Takes a sign of life if it is one more of a gateway that is heard all the time.
    pub(crate) fn take_beat(
        &mut self,
        presence: &Presence,
        rules: &RuleSet,
        ticked: WallMs,
    ) -> bool {
        let Some(proof) = &mut self.proof else {
            return false;
        };
        let gap_ms = rules.presence.offline_after_ms;
        let is_taken = presence.sign == Sign::Gateway
            && proof.heard.beats
            && proof.heard.goes_on(presence.received, ticked, gap_ms);
        if is_taken {
            proof.heard.to = proof.heard.to.max(presence.received);
        }
        is_taken
    }
}
