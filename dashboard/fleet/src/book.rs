//! What the record knows: who has which device, who is followed, and names.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::Mutex;
use veglia_diary::{
    Assignments, AttributionId, CHANGES_MAX, ChangeId, Changed, Holder, changes_since,
};
use veglia_people::{PersonId, care, patients, staff};
use veglia_store::{Actor, Database};
use veglia_view::PatientId;
use veglia_wire::{DeviceId, WallMs};
use veglia_words::Words;

use crate::fleet::FleetError;
use crate::words;

/// The diary is followed for everybody at once.
const ACTOR: Actor = Actor::System("fleet");

/// Somebody who wears a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wearer {
    /// Which patient, as in addresses.
    pub(crate) patient: String,
    /// Their name, or what stands for it.
    pub(crate) name: String,
}

/// The record, and how far its diary was followed.
#[derive(Debug)]
pub(crate) struct Book {
    record: Database,
    read: Mutex<Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    until: ChangeId,
    assignments: Assignments,
    /// Everybody who ever had a plan.
    patients: BTreeSet<PatientId>,
    /// The newest word of whose a device's readings are.
    said: HashMap<DeviceId, AttributionId>,
}

impl Book {
    pub(crate) fn new(record: Database) -> Self {
        Self {
            record,
            read: Mutex::default(),
        }
    }

    /// Who has these devices at a moment, everybody of a household; a device that nobody has is
    /// not in the answer.
    pub(crate) async fn wearers(
        &self,
        devices: &BTreeSet<&DeviceId>,
        at: WallMs,
        w: Words,
    ) -> Result<HashMap<DeviceId, Vec<Wearer>>, FleetError> {
        let worn: Vec<(DeviceId, Holder)> = {
            let mut read = self.read.lock().await;
            read.follow(&self.record).await?;
            let worn = devices.iter().filter_map(|device| {
                let holder = read.assignments.holder(device, at)?;
                Some(((*device).clone(), holder.clone()))
            });
            worn.collect()
        };
        let patients = worn.iter().flat_map(|(_, holder)| holder.members());
        let names = self.names(&patients.copied().collect::<Vec<_>>()).await?;
        let named = worn.into_iter().map(|(device, holder)| {
            let members = holder.members().iter();
            let members = members.map(|patient| wearer(&names, *patient, w));
            (device, members.collect())
        });
        Ok(named.collect())
    }

    /// The newest word of whose a device's readings are; the first number when there is none.
    pub(crate) async fn newest_word(&self, device: &DeviceId) -> Result<AttributionId, FleetError> {
        let mut read = self.read.lock().await;
        read.follow(&self.record).await?;
        Ok(read.said.get(device).copied().unwrap_or_default())
    }

    /// Some patients with their names, in the same order.
    pub(crate) async fn named(
        &self,
        of: &[PatientId],
        w: Words,
    ) -> Result<Vec<Wearer>, FleetError> {
        let names = self.names(of).await?;
        Ok(of.iter().map(|it| wearer(&names, *it, w)).collect())
    }

    /// Whether somebody is registered.
    pub(crate) async fn is_on_file(&self, patient: PatientId) -> Result<bool, FleetError> {
        Ok(!self.names(&[patient]).await?.is_empty())
    }

    /// Everybody whom the centre follows, by name; whom nobody registered among them.
    pub(crate) async fn patients(&self, at: WallMs, w: Words) -> Result<Vec<Wearer>, FleetError> {
        let patients: Vec<PatientId> = {
            let mut read = self.read.lock().await;
            read.follow(&self.record).await?;
            read.patients.iter().copied().collect()
        };
        let names = self.names(&patients).await?;
        let people: Vec<PersonId> = names.keys().copied().collect();
        let followed = care::followed(&self.record, &ACTOR, &people, at).await;
        let followed = followed.map_err(FleetError::Record)?;
        let is_offered = |patient: &PatientId| {
            let known = person_of(*patient).filter(|it| names.contains_key(it));
            known.is_none_or(|person| followed.contains(&person))
        };
        let offered = patients.into_iter().filter(is_offered);
        let all = offered.map(|it| wearer(&names, it, w));
        let mut all: Vec<Wearer> = all.collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// What a holder is called: a name, or all names of a household.
    pub(crate) async fn called(&self, holder: &Holder, w: Words) -> Result<String, FleetError> {
        let named = self.named(holder.members(), w).await?;
        Ok(together(&named, w))
    }

    async fn names(
        &self,
        of: &[PatientId],
    ) -> Result<HashMap<PersonId, patients::FullName>, FleetError> {
        let people: Vec<PersonId> = of.iter().filter_map(|it| person_of(*it)).collect();
        let names = patients::names_of(&self.record, &ACTOR, &people).await;
        names.map_err(FleetError::Names)
    }

    /// The names behind signatures.
    pub(crate) async fn signatures(&self) -> Result<HashMap<String, String>, FleetError> {
        let names = staff::signatures(&self.record, &ACTOR).await;
        names.map_err(FleetError::Record)
    }
}

impl Followed {
    /// Reads what is new in the diary.
    async fn follow(&mut self, record: &Database) -> Result<(), FleetError> {
        loop {
            let page = changes_since(record, &ACTOR, self.until).await;
            let page = page.map_err(FleetError::Diary)?;
            let is_last = u64::try_from(page.len()).is_ok_and(|count| count < CHANGES_MAX);
            for change in page {
                self.assignments.apply(&change.what);
                match &change.what {
                    Changed::Plan(plan) => {
                        self.patients.insert(plan.patient);
                    }
                    Changed::Attributed(said) => {
                        self.said.insert(said.device.clone(), said.id);
                    }
                    _ => {}
                }
                self.until = change.id;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

fn wearer(names: &HashMap<PersonId, patients::FullName>, patient: PatientId, w: Words) -> Wearer {
    Wearer {
        patient: patient.to_string(),
        name: name(names, patient, w),
    }
}

/// `Rossi Maria`, `Bianchi Ugo e Rossi Maria`.
pub(crate) fn together(named: &[Wearer], w: Words) -> String {
    let names: Vec<&str> = named.iter().map(|it| it.name.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => w
            .with("together", "others", others.join(", "))
            .and("last", *last)
            .to_string(),
        None => String::new(),
    }
}

fn name(names: &HashMap<PersonId, patients::FullName>, patient: PatientId, w: Words) -> String {
    let known = person_of(patient).and_then(|person| names.get(&person));
    known.map_or_else(|| words::nameless(patient, w), ToString::to_string)
}

pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

/// The name under which somebody's acts are shown.
pub(crate) fn signed(names: &HashMap<String, String>, by: &str, w: Words) -> String {
    if let Some(name) = names.get(by) {
        return name.clone();
    }
    match by.split_once(':') {
        Some(("staff", number)) => w.with("signed-number", "number", number).to_string(),
        Some(("command", account)) => w.with("signed-terminal", "account", account).to_string(),
        Some(("system", "enrol")) => w.say("signed-box").into_owned(),
        Some(("system", _)) => "Veglia".to_owned(),
        _ => by.to_owned(),
    }
}
