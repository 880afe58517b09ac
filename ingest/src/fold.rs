//! What the journal means to the rules: entries in, verdicts out.
//!
//! ```text
//! entry → records → (patient by assignment) → triage::step → verdicts, and who was touched
//!       → changes of plans and assignments ↗
//! ```
//! The watch and a replay take this one way, so that the same journal and the same diary give the
//! same flags. Reads plans and assignments from the diary when the journal says that there are
//! new ones; writes nothing. Absent: the board and what is done with a verdict.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use veglia_diary::{ActKind, Assignments, Change, ChangeId, Changed, ReadError, changes_since};
use veglia_store::Database;
use veglia_triage::{
    Input, Observation, PatientId, PatientState, RuleSet, Seen, Severity, Source, Standing,
    Verdict, step,
};
use veglia_view::{Worn, WornBy};
use veglia_wire::{Body, DeviceId, GatewayId, Record, RecordId, UpFrame, VitalKind, WallMs};

use crate::dating::date;
use crate::entry::Entry;
use crate::memory::Known;
use crate::repeats::Wish;
use crate::rows;
use crate::watch::ACTOR;

/// The rules at work, and all they remember.
pub(crate) struct Fold {
    rules: RuleSet,
    record: Database,
    /// Written here only; the view reads it for its curves.
    assignments: Arc<RwLock<Assignments>>,
    /// Every patient heard of so far.
    pub(crate) patients: HashMap<PatientId, Known>,
    /// By which device, through which gateway, a patient's vital signs were last measured; at most
    /// one way for each of them. Not kept: the next reading says it again.
    ways: HashMap<(PatientId, VitalKind), Way>,
    /// The last row of changes taken up.
    change: i64,
}

/// What some entries have to say.
#[derive(Default)]
pub(crate) struct Told {
    /// In order, each with the centre's time at which it was known.
    pub(crate) verdicts: Vec<(Verdict, WallMs)>,
    /// Whose row has changed.
    pub(crate) touched: HashSet<PatientId>,
}

/// How a reading came.
struct Way {
    device: DeviceId,
    gateway: GatewayId,
}

/// A record that reached the centre for the first time.
pub(crate) struct Arrived {
    received: WallMs,
    gateway: GatewayId,
    id: RecordId,
    pub(crate) record: Record,
}

impl Fold {
    /// Goes on from what was known when the changes up to `change` had been taken up; from the
    /// beginning without patients and with change 0.
    pub(crate) async fn resume(
        record: Database,
        patients: HashMap<PatientId, Known>,
        change: i64,
    ) -> Result<Self, ReadError> {
        let assignments = assignments_at(&record, ChangeId(change)).await?;
        Ok(Self {
            rules: RuleSet::shipped(),
            record,
            assignments: Arc::new(RwLock::new(assignments)),
            patients,
            ways: HashMap::new(),
            change,
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
            known
                .of_patient(patient)
                .map(|(device, worn)| Worn {
                    device: device.clone(),
                    from: worn.from,
                    until: worn.until,
                })
                .collect()
        })
    }

    /// The second measurement that a verdict waits for, if there is a device to ask for it.
    pub(crate) fn wish(&self, verdict: &Verdict) -> Option<Wish> {
        let Verdict::Raise(flag) = verdict else {
            return None;
        };
        let Standing::Unconfirmed { repeat_by } = flag.standing else {
            return None;
        };
        // Silence is no measurement to be repeated.
        if flag.severity == Severity::Technical {
            return None;
        }
        let way = self.ways.get(&(flag.id.patient, flag.vital))?;
        Some(Wish {
            flag: flag.id.clone(),
            repeat_by,
            vital: flag.vital,
            device: way.device.clone(),
            gateway: way.gateway.clone(),
        })
    }

    fn resolve(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        self.assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resolve(device, at)
    }

    /// Takes an entry up.
    pub(crate) async fn take(&mut self, entry: &Entry, told: &mut Told) -> Result<(), ReadError> {
        match entry {
            Entry::Frame { .. } => {
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
        let Arrived {
            received,
            gateway,
            id,
            record,
        } = arrived;
        let (received, id) = (*received, *id);
        let Some(device) = &record.device else { return };
        let (at, doubt) = date(record, received);
        // Nobody wears it: the reading is in the series, and waits there to be assigned.
        let Some(patient) = self.resolve(device, at) else {
            return;
        };
        let known = self
            .patients
            .entry(patient)
            .or_insert_with(|| Known::new(patient));
        rows::take(&mut known.row, device, record, at, doubt);
        let seen = match record.body {
            Body::Reading(vital, quality) => Seen::Vital(vital, quality | doubt),
            Body::Contact(sensor, contact) => Seen::Contact(sensor, contact),
            Body::Answer(answer) => Seen::Answer(answer),
            Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => {
                told.touched.insert(patient);
                return;
            }
        };
        let source = source(device);
        if let (Source::Device, Seen::Vital(vital, _)) = (source, seen) {
            let way = Way {
                device: device.clone(),
                gateway: gateway.clone(),
            };
            self.ways.insert((patient, vital.kind()), way);
        }
        let observation = Observation {
            id,
            device: device.clone(),
            source,
            at,
            received,
            seen,
        };
        let input = Input::Observation(&observation);
        told.say(
            step(&self.rules, &mut known.state, input, received),
            received,
        );
        told.touched.insert(patient);
    }

    fn tick(&mut self, now: WallMs, told: &mut Told) {
        for (patient, known) in &mut self.patients {
            if known
                .state
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                told.say(step(&self.rules, &mut known.state, Input::Tick, now), now);
                told.touched.insert(*patient);
            }
        }
    }

    /// Takes up every row of changes up to `id`.
    async fn changes(&mut self, now: WallMs, id: i64, told: &mut Told) -> Result<(), ReadError> {
        while self.change < id {
            let changes = changes_since(&self.record, &ACTOR, ChangeId(self.change)).await?;
            let Some(last) = changes.last().map(|change| change.id.0) else {
                break;
            };
            for change in changes.into_iter().filter(|change| change.id.0 <= id) {
                self.apply(change, now, told);
            }
            self.change = last.min(id);
        }
        Ok(())
    }

    fn apply(&mut self, change: Change, now: WallMs, told: &mut Told) {
        let mut known = self
            .assignments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Changed::Ended(end) = &change.what
            && let Some((patient, device)) = known.find(end.id)
            && let Some(known) = self.patients.get_mut(&patient)
        {
            known.row.take_off(&device);
            told.touched.insert(patient);
        }
        known.apply(&change.what);
        drop(known);
        match change.what {
            Changed::Plan(plan) => {
                let patient = plan.patient;
                let known = self
                    .patients
                    .entry(patient)
                    .or_insert_with(|| Known::new(patient));
                let verdicts = step(&self.rules, &mut known.state, Input::Plan(&plan), now);
                told.say(verdicts, now);
                told.touched.insert(patient);
            }
            Changed::Act(act) if act.kind == ActKind::Closed => {
                if let (Some(flag), Some(known)) = (act.flag, self.patients.get_mut(&act.patient)) {
                    known.row.unflag(&flag);
                    told.touched.insert(act.patient);
                }
            }
            Changed::Act(_) | Changed::Assigned(_) | Changed::Ended(_) => {}
        }
    }
}

impl Told {
    fn say(&mut self, verdicts: Vec<Verdict>, now: WallMs) {
        self.verdicts
            .extend(verdicts.into_iter().map(|verdict| (verdict, now)));
    }
}

/// The records of an entry that are new at the centre, in order.
pub(crate) fn arrived(entry: &Entry) -> Vec<Arrived> {
    let Entry::Frame { at, skip, bytes } = entry else {
        return Vec::new();
    };
    let Ok(frame) = UpFrame::decode(bytes) else {
        tracing::error!("a frame that was understood when it came cannot be read any more");
        return Vec::new();
    };
    let gateway = frame.header.gateway.clone();
    let records = frame.into_numbered().skip(usize::from(*skip));
    records
        .map(|(id, record)| Arrived {
            received: *at,
            gateway: gateway.clone(),
            id,
            record,
        })
        .collect()
}

impl Known {
    fn new(patient: PatientId) -> Self {
        Self {
            state: PatientState::new(patient),
            row: veglia_view::Row::new(patient),
        }
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
