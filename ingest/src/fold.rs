//! What the journal means to the rules: entries in, verdicts out.
//!
//! ```text
//! entry → records → (patient by assignment) → triage::step → verdicts, and who was touched
//!       → changes of plans and assignments ↗
//! ```
//! What is no patient's yet is judged as of somebody unknown (`waiting.rs`); what turns out not to
//! have been a patient's is taken back from them (`fold/whose.rs`).
//!
//! The watch and a replay take this one way, so that the same journal and the same diary give the
//! same flags. Reads plans and assignments from the diary when the journal says that there are
//! new ones; writes nothing. Absent: the board and what is done with a verdict.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use veglia_diary::{
    ActKind, Assignments, Change, ChangeId, Changed, ReadError, Whose, changes_since,
    last_change_by,
};
use veglia_store::Database;
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Severity, Source, Standing,
    Verdict, Whereabouts, step,
};
use veglia_view::{Waits, Worn, WornBy, is_stand_in};
use veglia_wire::{Body, DeviceId, GatewayId, Quality, Record, RecordId, VitalKind, WallMs};

use crate::dating::{Records, Time};
use crate::entry::Entry;
use crate::homes::{self, Homes, Ticks};
use crate::memory::Known;
use crate::probe::{self, Judged};
use crate::repeats::Wish;
use crate::rows;
use crate::sources::Sources;
use crate::strictest::strictest;
use crate::waiting::Waiting;
use crate::watch::ACTOR;

mod whose;

/// The rules at work, and all they remember.
pub(crate) struct Fold {
    rules: RuleSet,
    record: Database,
    /// Written here only; the view reads it for its curves.
    assignments: Arc<RwLock<Assignments>>,
    /// Every patient heard of so far.
    pub(crate) patients: HashMap<PatientId, Known>,
    /// The last row of changes taken up.
    change: i64,
    /// What waits to be told whose it is.
    pub(crate) waiting: Waiting,
    /// What set flags off.
    pub(crate) sources: Sources,
    /// Whose home each gateway is in.
    homes: Homes,
    /// Whether the centre was listening.
    pub(crate) ticks: Ticks,
}

/// What some entries have to say.
#[derive(Default)]
pub(crate) struct Told {
    /// In order, each with the centre's time at which it was known.
    pub(crate) verdicts: Vec<(Verdict, WallMs)>,
    /// Whose row has changed.
    pub(crate) touched: HashSet<PatientId>,
    /// Flags that a person has closed.
    pub(crate) closed: Vec<FlagId>,
    /// Second measurements that the rules wait for.
    pub(crate) wishes: Vec<Wish>,
    /// Rounds of the alarm path's probe.
    pub(crate) rounds: Vec<Judged>,
}

/// A record that reached the rules, for the first time or with a time that it did not have.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) received: WallMs,
    pub(crate) gateway: GatewayId,
    pub(crate) id: RecordId,
    pub(crate) record: Record,
    pub(crate) time: Time,
}

impl Fold {
    /// Goes on from what was known when the changes up to `change` had been taken up; from the
    /// beginning without patients and with change 0.
    pub(crate) async fn resume(
        record: Database,
        rules: RuleSet,
        patients: HashMap<PatientId, Known>,
        change: i64,
    ) -> Result<Self, ReadError> {
        let assignments = assignments_at(&record, ChangeId(change)).await?;
        let homes = Homes::of(&patients);
        Ok(Self {
            rules,
            record,
            assignments: Arc::new(RwLock::new(assignments)),
            patients,
            change,
            waiting: Waiting::default(),
            sources: Sources::default(),
            homes,
            ticks: Ticks::default(),
        })
    }

    /// The last row of changes taken up.
    pub(crate) fn change(&self) -> i64 {
        self.change
    }

    /// Which devices a patient wore, for whoever asks the view.
    pub(crate) fn worn_by(&self) -> WornBy {
        let assignments = Arc::clone(&self.assignments);
        Arc::new(move |patient| {
            let known = assignments.read().unwrap_or_else(PoisonError::into_inner);
            let is_only = |device| known.course(device).is_some_and(|it| it.is_only(patient));
            known
                .of_patient(patient)
                .map(|(device, stretch)| Worn {
                    device: device.clone(),
                    from: stretch.from,
                    until: stretch.until,
                    is_shared: !is_only(device),
                })
                .collect()
        })
    }

    /// Takes up what the diary knew when the journal began, for a fold that has not read what left
    /// the journal before: the entries that named those changes are gone, and without them every
    /// reading would be nobody's. A vital sign measured before the journal begins is then silent
    /// until its next reading.
    pub(crate) async fn begin_at(
        &mut self,
        oldest: WallMs,
        told: &mut Told,
    ) -> Result<(), ReadError> {
        let known = last_change_by(&self.record, &ACTOR, oldest).await?;
        self.changes(oldest, known.0, told).await
    }

    /// A patient, the row with what the rules make of it at a moment.
    pub(crate) fn judged(&mut self, patient: PatientId, now: Option<WallMs>) -> Option<&Known> {
        let known = self.patients.get_mut(&patient)?;
        if let Some(now) = now {
            rows::judge(&mut known.row, &known.state, &self.rules, now);
        }
        Some(known)
    }

    fn resolve(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        self.assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resolve(device, at)
    }

    /// Whose a record is. One without a time may be of any time before it came: it is a patient's
    /// only if nobody else ever had the device, and does not wait to be told.
    fn whose(&self, device: &DeviceId, time: Time) -> Whose {
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let whose = known.whose(device, time.at());
        let is_only = |patient| known.course(device).is_some_and(|it| it.is_only(patient));
        match whose {
            Whose::Patient(patient) if time.is_known() || is_only(patient) => whose,
            Whose::Somebodys | Whose::Nobodys if time.is_known() => whose,
            _ => Whose::Dismissed,
        }
    }

    /// Whether a record waits to be told whose it is.
    pub(crate) fn waits(&self, arrived: &Arrived) -> bool {
        let device = arrived.record.device.as_ref();
        device.is_some_and(|device| self.whose(device, arrived.time).waits())
    }

    /// Takes an entry up.
    pub(crate) async fn take(&mut self, entry: &Entry, told: &mut Told) -> Result<(), ReadError> {
        match entry {
            Entry::Frame { .. } | Entry::Dated { .. } => {
                for arrived in arrived(entry) {
                    self.arrive(&arrived, told);
                }
            }
            Entry::Tick { at } => self.tick(*at, told),
            Entry::Change { at, id } => self.changes(*at, *id, told).await?,
            // Said where they were found; the holes are seen in the curves.
            Entry::Gone { .. } | Entry::Refused { .. } => {}
        }
        Ok(())
    }

    /// One record: whose it is, what it changes in the row, and what the rules say.
    pub(crate) fn arrive(&mut self, arrived: &Arrived, told: &mut Told) {
        if probe::is_probe(&arrived.gateway) {
            told.rounds.extend(probe::judge(&self.rules, arrived));
        } else {
            self.take_in(arrived, told);
        }
    }

    fn take_in(&mut self, arrived: &Arrived, told: &mut Told) {
        let Arrived {
            received,
            gateway,
            id,
            record,
            time,
        } = arrived;
        let (received, id) = (*received, *id);
        let Some(device) = &record.device else {
            self.hear_gateway(arrived, told);
            return;
        };
        let (at, doubt) = (time.at(), time.doubt());
        let Some(patient) = self.whom(arrived, device, told) else {
            return;
        };
        let wears_it_still = self.resolve(device, received) == Some(patient);
        let known = self
            .patients
            .entry(patient)
            .or_insert_with(|| Known::new(patient));
        let measured = measured(record);
        if let (Time::Mapped(_), Some(vital)) = (time, measured) {
            forget_undated(&mut known.row, vital);
        }
        rows::take(&mut known.row, device, record, at, doubt);
        let source = source(device);
        if is_stand_in(patient) {
            if let Some(state) = known.row.device(device) {
                state.gateway = Some(gateway.clone());
            }
        } else if source == Source::Device {
            self.homes.carry(gateway, device, &mut known.row, at);
        }
        if matches!(time, Time::Awaited(_)) {
            told.touched.insert(patient);
            return;
        }
        let seen = match record.body {
            Body::Reading(vital, quality) => Seen::Vital(vital, quality | doubt),
            Body::Contact(sensor, contact) => Seen::Contact(sensor, contact),
            Body::Answer(answer) => Seen::Answer(answer),
            Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => {
                let sign = homes::sign(record, id, at, received);
                known.step(&self.rules, Input::Presence(&sign), received, told);
                told.touched.insert(patient);
                return;
            }
        };
        let observation = Observation {
            id,
            device: device.clone(),
            source,
            at,
            received,
            seen,
        };
        let input = Input::Observation(&observation);
        let verdicts = step(&self.rules, &mut known.state, input, received);
        // A value that comes late, from a device that another patient wears by now, asks nobody;
        // neither does one that a person typed, or one of a patient who is not at home.
        let is_at_home = known.state.whereabouts(received) == Whereabouts::AtHome;
        if source == Source::Device && wears_it_still && is_at_home {
            let wish = |it: &Verdict| wish(it, measured, device, gateway);
            told.wishes.extend(verdicts.iter().filter_map(wish));
        }
        self.sources.note(&verdicts, device);
        told.say(known.numbered(verdicts), received);
        told.touched.insert(patient);
        let evicted = self.waiting.evicted();
        self.let_all_go(evicted, received, told);
    }

    /// By whose rules a record is judged: its patient's, or those of whoever stands in for them
    /// while it waits to be told whose it is. It is in the series in any case.
    fn whom(&mut self, arrived: &Arrived, device: &DeviceId, told: &mut Told) -> Option<PatientId> {
        match self.whose(device, arrived.time) {
            Whose::Patient(patient) => Some(patient),
            Whose::Somebodys | Whose::Nobodys if is_observed(&arrived.record) => {
                let (stand_in, waits) = self.waiting.keep(arrived, self.change)?;
                Some(self.stand_in(stand_in, waits, told))
            }
            Whose::Somebodys | Whose::Nobodys | Whose::Dismissed => None,
        }
    }

    /// Somebody unknown measures, or goes on measuring: by the strictest limits of those who may.
    fn stand_in(&mut self, stand_in: PatientId, waits: Waits, told: &mut Told) -> PatientId {
        if !self.patients.contains_key(&stand_in) {
            let assignments = self
                .assignments
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let holder = assignments.holder(&waits.device, waits.from);
            let members = holder.map_or(&[][..], |holder| holder.members());
            let members = members.iter().filter_map(|it| self.patients.get(it));
            let plans: Vec<_> = members.filter_map(|known| known.state.plan()).collect();
            let plan = strictest(stand_in, waits.from, &plans, &self.rules);
            drop(assignments);
            let mut known = Known::new(stand_in);
            if let Some(plan) = plan {
                known.step(&self.rules, Input::Plan(&plan), waits.since, told);
            }
            self.patients.insert(stand_in, known);
        }
        if let Some(known) = self.patients.get_mut(&stand_in) {
            known.row.waits = Some(waits);
        }
        stand_in
    }

    /// What a gateway says for itself is a sign of life of the homes it is in.
    fn hear_gateway(&mut self, arrived: &Arrived, told: &mut Told) {
        let Arrived {
            received,
            gateway,
            id,
            record,
            time,
        } = arrived;
        let sign = homes::sign(record, *id, time.at(), *received);
        for patient in self.homes.around(gateway) {
            let Some(known) = self.patients.get_mut(&patient) else {
                continue;
            };
            if homes::is_at_home(&known.row, gateway) {
                known.step(&self.rules, Input::Presence(&sign), *received, told);
                let heard = &mut known.row.gateway_last_heard;
                *heard = (*heard).max(Some(time.at()));
                told.touched.insert(patient);
            }
        }
    }

    fn tick(&mut self, now: WallMs, told: &mut Told) {
        if self.ticks.is_step_back(now) {
            for (patient, known) in &mut self.patients {
                known.step(&self.rules, Input::SteppedBack, now, told);
                told.touched.insert(*patient);
            }
        }
        if let Some(since) = self.ticks.follow(now) {
            for known in self.patients.values_mut() {
                known.step(&self.rules, Input::Deaf(since), now, told);
            }
        }
        for (patient, known) in &mut self.patients {
            if known
                .state
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                known.step(&self.rules, Input::Tick, now, told);
                told.touched.insert(*patient);
            }
        }
        let over = self.waiting.over(now);
        self.let_all_go(over, now, told);
    }

    /// Takes up every row of changes up to `id`.
    async fn changes(&mut self, now: WallMs, id: i64, told: &mut Told) -> Result<(), ReadError> {
        while self.change < id {
            let changes = changes_since(&self.record, &ACTOR, ChangeId(self.change)).await?;
            let Some(last) = changes.last().map(|change| change.id.0) else {
                break;
            };
            for change in changes.into_iter().filter(|change| change.id.0 <= id) {
                self.apply(change, now, told).await?;
            }
            self.change = last.min(id);
        }
        Ok(())
    }

    async fn apply(
        &mut self,
        change: Change,
        now: WallMs,
        told: &mut Told,
    ) -> Result<(), ReadError> {
        let (patient, input) = match &change.what {
            Changed::Plan(plan) => (plan.patient, Input::Plan(plan)),
            Changed::Standing(standing) => (standing.patient, Input::Standing(standing)),
            Changed::Act(act) => {
                let closes = act.kind == ActKind::Closed;
                told.closed.extend(act.flag.clone().filter(|_| closes));
                return Ok(());
            }
            Changed::Assigned(_) | Changed::Ended(_) | Changed::Attributed(_) => {
                return self.reattribute(&change, now, told).await;
            }
        };
        let known = self.patients.entry(patient);
        let known = known.or_insert_with(|| Known::new(patient));
        known.step(&self.rules, input, now, told);
        told.touched.insert(patient);
        Ok(())
    }
}

impl Told {
    fn say(&mut self, verdicts: impl IntoIterator<Item = Verdict>, now: WallMs) {
        self.verdicts
            .extend(verdicts.into_iter().map(|verdict| (verdict, now)));
    }
}

/// The second measurement that a verdict waits for, asked of the device whose reading it judged.
fn wish(
    verdict: &Verdict,
    measured: Option<VitalKind>,
    device: &DeviceId,
    gateway: &GatewayId,
) -> Option<Wish> {
    let Verdict::Raise(flag) = verdict else {
        return None;
    };
    let Standing::Unconfirmed { repeat_by } = flag.standing else {
        return None;
    };
    // Silence is no measurement to be repeated, and an answer is no measurement at all. Of a score
    // it is the value that set it off, if this device can measure that.
    let is_clinical = flag.severity != Severity::Technical;
    let vital = flag.repeats().filter(|_| is_clinical)?;
    if flag.about.vital().is_none() && measured != Some(vital) {
        return None;
    }
    Some(Wish {
        flag: flag.id.clone(),
        repeat_by,
        vital,
        device: device.clone(),
        gateway: gateway.clone(),
    })
}

/// What a record measured.
fn measured(record: &Record) -> Option<VitalKind> {
    match record.body {
        Body::Reading(vital, _) => Some(vital.kind()),
        _ => None,
    }
}

/// Takes away what was shown without its time.
fn forget_undated(row: &mut veglia_view::Row, vital: VitalKind) {
    let is_dated = |doubt: Quality| !doubt.contains(Quality::TIME_UNCERTAIN);
    row.latest
        .retain(|it| it.vital != vital || is_dated(it.quality));
}

/// Whether the rules have a use for what a record says.
fn is_observed(record: &Record) -> bool {
    match record.body {
        Body::Reading(..) | Body::Contact(..) | Body::Answer(_) => true,
        Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => false,
    }
}

/// The records of an entry that are new at the centre or newly dated, in order.
pub(crate) fn arrived(entry: &Entry) -> Vec<Arrived> {
    let Some(records) = Records::of(entry) else {
        return Vec::new();
    };
    let (gateway, received) = (records.gateway.clone(), entry.at());
    let dated = records.dated();
    dated
        .map(|dated| Arrived {
            received,
            gateway: gateway.clone(),
            id: dated.id,
            record: dated.record,
            time: dated.time,
        })
        .collect()
}

impl Known {
    pub(crate) fn new(patient: PatientId) -> Self {
        Self {
            state: PatientState::new(patient),
            row: veglia_view::Row::new(patient),
            life: 0,
        }
    }

    /// Moves the state by one input, and has said what is new.
    fn step(&mut self, rules: &RuleSet, input: Input<'_>, now: WallMs, told: &mut Told) {
        let verdicts = step(rules, &mut self.state, input, now);
        told.say(self.numbered(verdicts), now);
    }
}

/// The assignments as they were known at a change.
async fn assignments_at(record: &Database, change: ChangeId) -> Result<Assignments, ReadError> {
    let mut assignments = Assignments::default();
    let mut last = ChangeId(0);
    while last < change {
        let changes = changes_since(record, &ACTOR, last).await?;
        let Some(newest) = changes.last().map(|known| known.id) else {
            break;
        };
        changes
            .iter()
            .filter(|known| known.id <= change)
            .for_each(|known| assignments.apply(&known.what));
        last = newest;
    }
    Ok(assignments)
}

/// By which way a device's values come. The by-hand and by-phone devices of a patient have names
/// of their own.
pub(crate) fn source(device: &DeviceId) -> Source {
    let name = device.as_str();
    if name.starts_with("hand:") {
        Source::ByHand
    } else if name.starts_with("phone:") {
        Source::ByPhone
    } else {
        Source::Device
    }
}
