//! Who has a device is another than was known: what that means to the rules.
//!
//! ```text
//! assignment, its end, a person's word ─► the device's course before and after
//!   ├─ what waited and has its patient now ─► the rules of that patient; who stood in is let go
//!   ├─ a patient loses readings ─► flags set off by them are withdrawn, the rules begin anew
//!   └─ what was bad of those ─► whoever they are now, or somebody unknown
//! ```
//! **No red is lost on the way.** A flag that is taken back from one goes with its readings to
//! whoever they are now: to the other patient's rules, or to somebody unknown, of whom people are
//! called. Only a person's word that readings are no patient's ends it.
//!
//! **The rules begin anew** for a patient who loses readings: their memory does not say which
//! reading came from which device, and what another person measured must neither confirm nor
//! excuse anything. What is bad by other devices' readings is told again from its evidence. What
//! is lost with the memory (the baseline, the course over days) grows again; a flag that rested on
//! it stays on the list until a person closes it. All this is a function of the journal and the
//! diary, so a replay finds the same.
//!
//! **What is handed on is no news of a home.** It came when it came; and the device, and the box
//! that brought it, are in the home of whoever has the device, not of whose reading it was.
//!
//! Limits: readings that had been judged for one patient reach the rules of another by their
//! evidence alone, unless they are still kept (`waiting.rs`); curves and tables show them all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::PoisonError;

use veglia_diary::{Changed, Course, Stretch, Whose};
use veglia_triage::{
    Evidence, Flag, FlagId, Input, Observation, PatientId, PatientState, Seen, Severity, Standing,
    Verdict, What, Why,
};
use veglia_view::{Latest, is_stand_in};
use veglia_wire::{
    Body, Boot, DeviceId, GatewayId, MonoMs, Quality, Record, Site, Vital, VitalKind, WallMs, When,
};

use super::{Arrived, Fold, Told, source};
use crate::dating::Time;
use crate::memory::Known;
use crate::waiting::WAIT_MS;

/// Sayings of one life of a patient's rules at most: what is told in the next is numbered after
/// all of it.
const TELLINGS_MAX: u32 = 1 << 16;

impl Known {
    /// Verdicts numbered so that those of later lives come after those of earlier ones.
    pub(super) fn numbered(&self, mut verdicts: Vec<Verdict>) -> Vec<Verdict> {
        let before = self.life.saturating_mul(TELLINGS_MAX);
        for verdict in verdicts.iter_mut().filter(|_| before > 0) {
            let telling = match verdict {
                Verdict::Raise(flag) => &mut flag.telling,
                Verdict::Confirm { telling, .. } | Verdict::End { telling, .. } => telling,
            };
            *telling = telling.saturating_add(before);
        }
        verdicts
    }

    /// The vital signs that a device of the patient may have measured. Of one that is not on the
    /// row any more: all that no other device measures.
    fn measured_by(&self, device: &DeviceId) -> Vec<VitalKind> {
        let mut devices = self.row.devices.iter();
        if let Some(known) = devices.find(|it| it.device == *device) {
            return known.measures.clone();
        }
        let is_anothers = |vital: &VitalKind| {
            let mut devices = self.row.devices.iter();
            devices.any(|it| it.measures.contains(vital))
        };
        let all = VitalKind::ALL.into_iter();
        all.filter(|vital| !is_anothers(vital)).collect()
    }

    /// What a device said in a time was not of this patient: nothing is heard by it.
    fn forget_heard(&mut self, device: &DeviceId, is_lost: impl Fn(WallMs) -> bool) {
        let row = &mut self.row;
        let is_by = |it: &Latest| it.source == source(device) && is_lost(it.at);
        row.latest.retain(|it| !is_by(it));
        let mut devices = row.devices.iter_mut();
        if let Some(known) = devices.find(|it| it.device == *device) {
            known.last_heard = known.last_heard.filter(|at| !is_lost(*at));
        }
        let values = row.latest.iter().map(|it| it.at);
        let devices = row.devices.iter().filter_map(|it| it.last_heard);
        row.last_heard = values.chain(devices).max();
    }

    /// Shows what remains of what a device measured before.
    fn show_before(
        &mut self,
        state: &PatientState,
        device: &DeviceId,
        is_lost: impl Fn(WallMs) -> bool,
    ) {
        for vital in self.measured_by(device) {
            if let Some((at, steps)) = state.last_of(vital, |at| !is_lost(at)) {
                self.row.measure(Latest {
                    vital,
                    steps,
                    site: Site::Unknown,
                    at,
                    quality: Quality::empty(),
                    source: source(device),
                });
            }
        }
    }

    /// Whether a red waits for a second measurement, and calls nobody yet.
    fn awaits_repeat(&self) -> bool {
        self.state.flags().any(|(flag, is_open)| {
            let is_unconfirmed = matches!(flag.standing, Standing::Unconfirmed { .. });
            is_open && is_unconfirmed && flag.severity == Severity::Red
        })
    }

    /// The saying with which a life ends: nothing that is said of the flag in it counts any more.
    fn taken_back(&self, id: FlagId, at: WallMs) -> Verdict {
        Verdict::End {
            id,
            why: Why::NotTheirs,
            at,
            telling: self.life.saturating_add(1).saturating_mul(TELLINGS_MAX),
        }
    }
}

impl Fold {
    /// Takes up that a device was given, taken back, or that its readings are somebody's.
    pub(super) fn reattribute(&mut self, what: &Changed, now: WallMs, told: &mut Told) {
        let Some((device, before, after, taken_off)) = self.courses(what) else {
            return;
        };
        let answer = match what {
            Changed::Attributed(said) if said.is_answer => Some(said),
            _ => None,
        };
        let waiting = &mut self.waiting;
        let moved = waiting.reconsider((&device, answer), &before, &after, now);
        let mut readings: BTreeMap<_, Arrived> = BTreeMap::new();
        for stand_in in moved.over {
            let evidence = self.stood_for(stand_in, &device).into_iter();
            readings.extend(evidence.map(|it| ((it.time.at(), it.id), it)));
            self.let_go(stand_in, true, now, told);
        }
        let is_kept = |at: WallMs| now.since(at) <= WAIT_MS;
        let is_told =
            |at: WallMs| is_kept(at) && before.whose(at).waits() && !after.whose(at).waits();
        for arrived in self.found_after_all(&device, is_told, now, told) {
            readings.insert((arrived.time.at(), arrived.id), arrived);
        }
        let had = before.stretches().into_iter().chain(moved.held);
        for (patient, lost) in losses(had, &after) {
            let is_lost = |at: WallMs| lost.iter().any(|range| range.contains(&at));
            let Some(known) = self.patients.get(&patient) else {
                continue;
            };
            // What came before a device was taken back was measured before, however far its box
            // was ahead; and who has lost no reading remembers all.
            let newest = known.taken.newest(&device);
            let is_measured = lost.iter().any(|range| newest >= Some(range.start));
            if is_measured || !self.sources.by(patient, &device, is_lost).is_empty() {
                let evidence = self.begin_anew((patient, &device), is_lost, now, told);
                let evidence = evidence.into_iter();
                readings.extend(evidence.map(|it| ((it.time.at(), it.id), it)));
            }
        }
        for patient in taken_off {
            if let Some(known) = self.patients.get_mut(&patient) {
                known.row.take_off(&device);
                told.touched.insert(patient);
            }
        }
        // What is kept whole goes before what evidence says of it.
        let kept = moved.readings.into_iter();
        readings.extend(kept.map(|it| ((it.time.at(), it.id), it)));
        for arrived in readings.into_values() {
            self.take_in(&arrived, Some(now), told);
        }
    }

    /// Who has the device of a change before and after it, and from whom it is taken; none when
    /// nothing is another.
    fn courses(&self, what: &Changed) -> Option<(DeviceId, Course, Course, Vec<PatientId>)> {
        let mut known = self
            .assignments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let (device, taken_off) = match what {
            Changed::Assigned(assignment) => (assignment.device.clone(), Vec::new()),
            Changed::Attributed(attribution) => (attribution.device.clone(), Vec::new()),
            Changed::Ended(end) => {
                let (holder, device) = known.find(end.id)?;
                (device.clone(), holder.members().to_vec())
            }
            Changed::Plan(_) | Changed::Standing(_) | Changed::Act(_) => return None,
        };
        let before = known.course(&device).cloned().unwrap_or_default();
        known.apply(what);
        let after = known.course(&device).cloned().unwrap_or_default();
        (before != after).then_some((device, before, after, taken_off))
    }

    /// Of these nothing waits any more, and nobody will ever know who they were.
    pub(super) fn let_all_go(&mut self, all: Vec<PatientId>, now: WallMs, told: &mut Told) {
        for stand_in in all {
            self.let_go(stand_in, false, now, told);
        }
    }

    /// Somebody unknown is known now, or will never be. Of who is known all flags are taken back:
    /// the patient's own rules say what there is to say. Of who will never be, what was red waits
    /// for a person to close it, or soon to say whose it is after all. Their rules go on: what is
    /// not confirmed yet still will be, or it would call nobody, ever.
    fn let_go(&mut self, stand_in: PatientId, is_known: bool, now: WallMs, told: &mut Told) {
        let Some(known) = self.patients.get_mut(&stand_in) else {
            return;
        };
        known.row.waits = None;
        known.row.measured.clear();
        let flags = self.sources.of(stand_in);
        let flags = flags.filter(|(_, is_red)| is_known || !is_red);
        let taken_back = flags.map(|(flag, _)| known.taken_back(flag.clone(), now));
        let taken_back: Vec<Verdict> = taken_back.collect();
        told.say(taken_back, now);
        let is_red = |(flag, _): (Flag, bool)| flag.severity == Severity::Red;
        if is_known || !known.state.flags().any(is_red) {
            known.life = known.life.saturating_add(1);
            known.state = PatientState::new(stand_in);
        }
        told.touched.insert(stand_in);
    }

    /// What was red of somebody unknown whose session found no room any more is somebody's now:
    /// it is taken back, and goes to their rules by its evidence, as long as what waits would.
    fn found_after_all(
        &mut self,
        device: &DeviceId,
        is_told: impl Fn(WallMs) -> bool,
        now: WallMs,
        told: &mut Told,
    ) -> Vec<Arrived> {
        let mut found = Vec::new();
        for id in self.sources.of_strangers(device, is_told) {
            let Some(known) = self.patients.get(&id.patient) else {
                continue;
            };
            let mut flags = known.state.flags().map(|(flag, _)| flag);
            // Without its evidence it cannot be handed on, and stays until a person closes it.
            let Some(flag) = flags.find(|flag| flag.id == id) else {
                continue;
            };
            let evidence = flag.evidence.iter();
            found.extend(evidence.filter_map(|it| arrived(known, device, it)));
            told.touched.insert(id.patient);
            told.say([known.taken_back(id, now)], now);
        }
        found
    }

    /// What is bad of what somebody unknown measured: no more may be kept of it.
    fn stood_for(&self, stand_in: PatientId, device: &DeviceId) -> Vec<Arrived> {
        let Some(known) = self.patients.get(&stand_in) else {
            return Vec::new();
        };
        let flags = known.state.flags().map(|(flag, _)| flag);
        let clinical = flags.filter(|flag| flag.severity != Severity::Technical);
        let evidence = clinical.flat_map(|flag| flag.evidence);
        let arrived = evidence.filter_map(|it| arrived(known, device, &it));
        arrived.collect()
    }

    /// Whether a row only stood in for somebody, and nothing of it needs anybody any more.
    pub(crate) fn is_needless(&self, patient: PatientId) -> bool {
        let known = self.patients.get(&patient);
        let is_over = |known: &Known| known.row.waits.is_none() && known.row.flags.is_empty();
        is_stand_in(patient) && known.is_none_or(|it| is_over(it) && !it.awaits_repeat())
    }

    /// Whose rules have begun anew, and how often.
    pub(crate) fn lives(&self) -> BTreeMap<PatientId, u32> {
        let all = self.patients.iter().filter(|(_, known)| known.life > 0);
        all.map(|(patient, known)| (*patient, known.life)).collect()
    }

    /// A patient's rules forget all readings: some were not the patient's. Returns what was bad of
    /// those.
    fn begin_anew(
        &mut self,
        (patient, device): (PatientId, &DeviceId),
        is_lost: impl Fn(WallMs) -> bool,
        now: WallMs,
        told: &mut Told,
    ) -> Vec<Arrived> {
        let Some(known) = self.patients.get_mut(&patient) else {
            return Vec::new();
        };
        // Of two devices that measured the same at one time it is not known which it was: whoever
        // has the readings now is judged by them, so nothing is hidden.
        let mut measures = known.measured_by(device);
        // What it has set off it has measured, whatever the row says by now.
        let set_off = known.state.flags().map(|(flag, _)| flag);
        let set_off = set_off.filter(|flag| self.sources.device(&flag.id) == Some(device));
        measures.extend(set_off.filter_map(|flag| flag.evidence.last()?.value().map(|it| it.0)));
        let is_lost_one = |it: &Evidence| match it.what {
            What::Value { vital, .. } => is_lost(it.at) && measures.contains(&vital),
            What::Answer { .. } | What::Contact { .. } => false,
        };
        let state = std::mem::replace(&mut known.state, PatientState::new(patient));
        let flags: Vec<(Flag, bool)> = state.flags().collect();
        let set_off = self.sources.by(patient, device, &is_lost);
        // A silence that lasts is told again by the plan.
        let is_over = |(flag, is_open): &&(Flag, bool)| {
            let is_silence = *is_open && flag.severity == Severity::Technical;
            is_silence || flag.evidence.iter().any(is_lost_one)
        };
        let over = flags.iter().filter(is_over);
        let over = over.map(|(flag, _)| flag.id.clone());
        let over: BTreeSet<FlagId> = set_off.into_iter().chain(over).collect();
        let ends: Vec<Verdict> = over
            .into_iter()
            .map(|id| known.taken_back(id, now))
            .collect();
        told.say(ends, now);
        known.life = known.life.saturating_add(1);
        known.anew_at = Some(now);
        for plan in state.plans() {
            known.step(&self.rules, Input::Plan(plan), now, told);
        }
        for standing in state.standings() {
            known.step(&self.rules, Input::Standing(standing), now, told);
        }
        known.forget_heard(device, &is_lost);
        known.show_before(&state, device, &is_lost);
        let mut lost = Vec::new();
        let clinical = flags
            .iter()
            .filter(|(flag, _)| flag.severity != Severity::Technical);
        for (flag, is_open) in clinical {
            let by = self.sources.device(&flag.id).unwrap_or(device);
            for evidence in &flag.evidence {
                if is_lost_one(evidence) {
                    lost.extend(arrived(known, device, evidence));
                } else if let Some(seen) = observation(by, evidence).filter(|_| *is_open) {
                    known.step(&self.rules, Input::Observation(&seen), now, told);
                }
            }
        }
        known.step(&self.rules, Input::Tick, now, told);
        told.touched.insert(patient);
        lost
    }
}

/// The stretches of time in which patients had what is not theirs any more.
fn losses(
    had: impl IntoIterator<Item = Stretch>,
    after: &Course,
) -> BTreeMap<PatientId, Vec<Range<WallMs>>> {
    let end = |until: Option<WallMs>| until.unwrap_or(WallMs(i64::MAX));
    let mut losses: BTreeMap<PatientId, Vec<Range<WallMs>>> = BTreeMap::new();
    let after = after.stretches();
    for had in had {
        let Whose::Patient(patient) = had.whose else {
            continue;
        };
        for has in after.iter().filter(|has| has.whose != had.whose) {
            let lost = had.from.max(has.from)..end(had.until).min(end(has.until));
            if !lost.is_empty() {
                losses.entry(patient).or_default().push(lost);
            }
        }
    }
    losses
}

fn seen(evidence: &Evidence) -> Option<Seen> {
    Some(match evidence.what {
        What::Value { vital, steps, .. } => {
            let vital = Vital::from_steps(vital, steps, Site::Unknown).ok()?;
            Seen::Vital(vital, Quality::empty())
        }
        What::Answer { answer } => Seen::Answer(answer),
        What::Contact { sensor, contact } => Seen::Contact(sensor, contact),
    })
}

/// What stands behind a flag, as it was seen.
fn observation(device: &DeviceId, evidence: &Evidence) -> Option<Observation> {
    Some(Observation {
        id: evidence.id,
        device: device.clone(),
        source: source(device),
        at: evidence.at,
        received: evidence.at,
        seen: seen(evidence)?,
    })
}

/// The same as a record that arrives.
fn arrived(known: &Known, device: &DeviceId, evidence: &Evidence) -> Option<Arrived> {
    let mut devices = known.row.devices.iter();
    let gateway = devices.find(|it| it.device == *device);
    let gateway: Option<GatewayId> = gateway.and_then(|it| it.gateway.clone());
    let body = match seen(evidence)? {
        Seen::Vital(vital, quality) => Body::Reading(vital, quality),
        Seen::Contact(sensor, contact) => Body::Contact(sensor, contact),
        Seen::Answer(answer) => Body::Answer(answer),
    };
    Some(Arrived {
        received: evidence.at,
        // Typed values come through none; nothing is asked of it.
        gateway: gateway.or_else(|| GatewayId::new("centrale").ok())?,
        id: evidence.id,
        record: Record {
            device: Some(device.clone()),
            when: When {
                boot: Boot(0),
                mono: MonoMs(0),
                wall: Some(evidence.at),
                device: None,
            },
            body,
        },
        time: Time::Told(evidence.at),
    })
}
