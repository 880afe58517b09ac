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
    ActKind, Assignments, Change, ChangeId, Changed, ReadError, changes_since, last_change_by,
};
use veglia_store::Database;
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_view::{Worn, WornBy, is_stand_in};
use veglia_wire::{Body, DeviceId, GatewayId, Quality, Record, RecordId, VitalKind, WallMs};

use crate::dating::{Records, Time};
use crate::entry::Entry;
use crate::homes::{self, Homes, Ticks};
use crate::memory::{Known, Taken};
use crate::probe::{self, Judged};
use crate::repeats::Wish;
use crate::rows;
use crate::sources::Sources;
use crate::waiting::Waiting;
use crate::watch::ACTOR;

mod again;
mod whom;
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
    /// More devices that nobody has are heard than can wait.
    is_crowded: bool,
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
            is_crowded: false,
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
            let known = &mut *known;
            rows::judge(
                &mut known.row,
                &known.state,
                known.anew_at,
                &self.rules,
                now,
            );
        }
        Some(known)
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
        } else if arrived.record.device.is_none() {
            self.hear_gateway(arrived, told);
        } else {
            self.take_in(arrived, None, told);
        }
    }

    /// A record of a device; `handed_on` when it came before, and is another's than was known.
    fn take_in(&mut self, arrived: &Arrived, handed_on: Option<WallMs>, told: &mut Told) {
        let Arrived {
            received,
            id,
            record,
            time,
            ..
        } = arrived;
        let (received, id) = (*received, *id);
        let now = handed_on.unwrap_or(received);
        let Some(device) = &record.device else {
            return;
        };
        let at = time.at();
        let Some(patient) = self.whom(arrived, device, told) else {
            return;
        };
        // What is handed on was measured in the home of whoever has the device.
        let is_elsewhere = handed_on.is_some() && !self.may_have(device, patient, now);
        let homes = &mut self.homes;
        let known = self.patients.entry(patient);
        let known = known.or_insert_with(|| Known::new(patient));
        known.show(arrived, device, (!is_elsewhere).then_some(homes));
        if matches!(time, Time::Awaited(_)) {
            told.touched.insert(patient);
            return;
        }
        let seen = match record.body {
            Body::Reading(vital, quality) => Seen::Vital(vital, quality | time.doubt()),
            Body::Contact(sensor, contact) => Seen::Contact(sensor, contact),
            Body::Answer(answer) => Seen::Answer(answer),
            Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => {
                let sign = homes::sign(record, id, at, received);
                known.step(&self.rules, Input::Presence(&sign), now, told);
                told.touched.insert(patient);
                return;
            }
        };
        known.taken.note(device, at.min(received));
        let source = source(device);
        let observation = Observation {
            id,
            device: device.clone(),
            source,
            at,
            received,
            seen,
        };
        let input = if is_elsewhere {
            Input::Elsewhere(&observation)
        } else {
            Input::Observation(&observation)
        };
        let verdicts = step(&self.rules, &mut known.state, input, now);
        let verdicts = known.numbered(verdicts);
        self.sources.note(&verdicts, device);
        self.ask_again(&verdicts, patient, arrived, now, told);
        told.say(verdicts, now);
        told.touched.insert(patient);
        let evicted = self.waiting.evicted();
        self.let_all_go(evicted, now, told);
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
                self.apply(&change, now, told);
            }
            self.change = last.min(id);
        }
        Ok(())
    }

    fn apply(&mut self, change: &Change, now: WallMs, told: &mut Told) {
        let (patient, input) = match &change.what {
            Changed::Plan(plan) => (plan.patient, Input::Plan(plan)),
            Changed::Standing(standing) => (standing.patient, Input::Standing(standing)),
            Changed::Act(act) => {
                let closes = act.kind == ActKind::Closed;
                told.closed.extend(act.flag.clone().filter(|_| closes));
                return;
            }
            Changed::Assigned(_) | Changed::Ended(_) | Changed::Attributed(_) => {
                self.reattribute(&change.what, now, told);
                return;
            }
        };
        let known = self.patients.entry(patient);
        let known = known.or_insert_with(|| Known::new(patient));
        known.step(&self.rules, input, now, told);
        told.touched.insert(patient);
    }
}

impl Told {
    fn say(&mut self, verdicts: impl IntoIterator<Item = Verdict>, now: WallMs) {
        self.verdicts
            .extend(verdicts.into_iter().map(|verdict| (verdict, now)));
    }
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
            anew_at: None,
            taken: Taken::default(),
        }
    }

    /// What a record changes in the row; `homes` unless it was measured in another.
    fn show(&mut self, arrived: &Arrived, device: &DeviceId, homes: Option<&mut Homes>) {
        let Arrived {
            gateway,
            record,
            time,
            ..
        } = arrived;
        let (at, doubt, row) = (time.at(), time.doubt(), &mut self.row);
        if let (Time::Mapped(_), Some(vital)) = (time, measured(record)) {
            forget_undated(row, vital);
        }
        let Some(homes) = homes else {
            rows::measure(row, device, record, at, doubt);
            return;
        };
        rows::take(row, device, record, at, doubt);
        if is_stand_in(row.patient) {
            if let Some(state) = row.device(device) {
                state.gateway = Some(gateway.clone());
            }
        } else if source(device) == Source::Device {
            homes.carry(gateway, device, row, at);
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
