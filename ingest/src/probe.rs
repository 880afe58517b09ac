//! The probe of the alarm path at the centre: what comes from its gateway is judged by the rules
//! at work, of a patient made for the moment, and noted in the diary as a round
//! ([`veglia_diary::probe`]).
//!
//! It goes the way of every reading (front door, journal, fold, rules, diary, tick) and leaves
//! nothing on it: no patient, no row of the board, no flag, no sample, no count of records. A
//! note that the diary refuses waits in memory and never holds the watch up; a missed round is
//! what tells of it.

use veglia_diary::probe;
use veglia_store::{Actor, Database};
use veglia_triage::{
    Input, Observation, PatientId, PatientState, RuleSet, Seen, Severity, Source, Verdict, step,
};
use veglia_wire::{Body, GatewayId, RecordId, WallMs};

use crate::fold::Arrived;

/// The patient of the moment. It is in no list, and no person is given it: theirs are positive.
const NOBODY: PatientId = PatientId::new(0);

/// Rounds that wait for the diary at most: one comes every few minutes, and the newest tells most.
const WAITING_MAX: usize = 16;

/// Whether a gateway is the probe's.
pub(crate) fn is_probe(gateway: &GatewayId) -> bool {
    gateway.as_str() == probe::GATEWAY
}

/// A round that the rules have judged as they should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    id: RecordId,
    received: WallMs,
}

/// What the rules make of a record of the probe. None for what is no reading, and for one that
/// does not call for a person at once: then the path is broken here, and its silence says so.
pub(crate) fn judge(rules: &RuleSet, arrived: &Arrived) -> Option<Judged> {
    let (Body::Reading(vital, quality), Some(device)) =
        (arrived.record.body, &arrived.record.device)
    else {
        return None;
    };
    let seen = Observation {
        id: arrived.id,
        device: device.clone(),
        source: Source::Device,
        // After an outage it is late, and what is asked is whether a red of now would be told.
        at: arrived.received,
        received: arrived.received,
        seen: Seen::Vital(vital, quality),
    };
    let mut state = PatientState::new(NOBODY);
    let verdicts = step(
        rules,
        &mut state,
        Input::Observation(&seen),
        arrived.received,
    );
    let calls = |verdict: &Verdict| match verdict {
        Verdict::Raise(flag) => flag.severity == Severity::Red && flag.standing.is_confirmed(),
        Verdict::Confirm { .. } | Verdict::End { .. } => false,
    };
    if !verdicts.iter().any(calls) {
        tracing::error!("the rules did not call for anybody at the probe's red reading");
        return None;
    }
    Some(Judged {
        id: arrived.id,
        received: arrived.received,
    })
}

/// The rounds that are on their way through the watch.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Judged, and not yet noted.
    judged: Vec<Judged>,
    /// Some round that is noted may not have called yet.
    may_call: bool,
    was_well: bool,
}

impl Default for Rounds {
    /// A round may have been noted just before a stop.
    fn default() -> Self {
        Self {
            judged: Vec::new(),
            may_call: true,
            was_well: true,
        }
    }
}

impl Rounds {
    /// Notes what was judged, at a moment of care.
    pub(crate) async fn note(
        &mut self,
        record: &Database,
        actor: &Actor,
        new: Vec<Judged>,
        now: WallMs,
    ) {
        self.judged.extend(new);
        let too_many = self.judged.len().saturating_sub(WAITING_MAX);
        self.judged.drain(..too_many);
        while let Some(Judged { id, received }) = self.judged.first() {
            let noted = probe::judged(record, actor, &id.to_string(), *received, now).await;
            if !self.is_well(noted.err()) {
                return;
            }
            self.judged.remove(0);
            self.may_call = true;
        }
    }

    /// At a tick: calls for somebody.
    pub(crate) async fn call(&mut self, record: &Database, actor: &Actor, now: WallMs) {
        self.note(record, actor, Vec::new(), now).await;
        if self.may_call {
            let called = probe::call(record, actor, now).await;
            self.may_call = !self.is_well(called.err());
        }
    }

    fn is_well(&mut self, error: Option<veglia_diary::ReadError>) -> bool {
        let is_well = error.is_none();
        // Told once: it is tried again every second.
        if let Some(error) = error.filter(|_| self.was_well) {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "a round of the alarm path's probe waits for the diary");
        }
        self.was_well = is_well;
        is_well
    }
}

#[cfg(test)]
mod tests {
    use veglia_wire::{
        Boot, DeviceId, Epoch, MonoMs, Quality, Record, Sequence, Site, Vital, VitalKind, When,
    };

    use super::*;
    use crate::dating::Time;

    fn arrived(percent: i32) -> Arrived {
        let at = WallMs(1_603_188_000_000);
        let vital = Vital::from_steps(VitalKind::SpO2, percent * 10, Site::Unknown).unwrap();
        Arrived {
            received: at,
            gateway: GatewayId::new(probe::GATEWAY).unwrap(),
            id: RecordId {
                epoch: Epoch(7),
                sequence: Sequence::FIRST,
            },
            record: Record {
                device: Some(DeviceId::new(probe::DEVICE).unwrap()),
                when: When {
                    boot: Boot(1),
                    mono: MonoMs(1),
                    wall: Some(at),
                    device: None,
                },
                body: Body::Reading(vital, Quality::empty()),
            },
            time: Time::Told(at),
        }
    }

    #[test]
    fn the_shipped_rules_call_at_once_at_the_probes_red_and_not_at_a_good_value() {
        let rules = RuleSet::shipped();
        assert!(judge(&rules, &arrived(80)).is_some());
        assert!(judge(&rules, &arrived(97)).is_none());
        // One that waits for its repeat calls nobody yet.
        assert!(judge(&rules, &arrived(91)).is_none());
    }
}
