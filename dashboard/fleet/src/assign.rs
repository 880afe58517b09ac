//! Giving a device to a patient, or to those who share it, so that its readings reach somebody.

use askama::Template;
use serde::Deserialize;
use veglia_diary::{
    AssignRefused, AssignmentId, HOUSEHOLD_MAX, Holder, assign_device, share_device,
};
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_wire::DeviceId;
use veglia_words::{Key, Words};

use crate::book::Wearer;
use crate::fleet::{Fleet, FleetError, Now};
use crate::words;

/// What is said of a form that names nobody, or somebody whom whoever sends it may not name.
const UNCHOSEN: Key = Key("assign-unchosen");

/// To whom.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AssignForm {
    /// The patient; empty when none was chosen.
    #[serde(default)]
    pub patient: String,
    /// With whom they share it: one, and up to five. Empty where there is none.
    #[serde(default)]
    pub with1: String,
    /// The third.
    #[serde(default)]
    pub with2: String,
    /// The fourth.
    #[serde(default)]
    pub with3: String,
    /// The fifth.
    #[serde(default)]
    pub with4: String,
    /// The sixth.
    #[serde(default)]
    pub with5: String,
}

/// The form, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "assign.html")]
pub struct AssignPage {
    pub(crate) w: Words,
    device: String,
    /// Which box tells of it.
    home: Option<String>,
    /// Who has it already: then there is nothing to do here.
    wearers: Vec<Wearer>,
    patients: Vec<Wearer>,
    chosen: AssignForm,
    problem: Option<String>,
}

impl AssignForm {
    /// Everybody who is named, the first first.
    fn named(&self) -> Vec<&str> {
        let others = self.others().map(|(_, it)| it);
        let all = std::iter::once(self.patient.as_str()).chain(others);
        all.map(str::trim).filter(|it| !it.is_empty()).collect()
    }

    /// Those with whom it is shared, by the names of their fields.
    fn others(&self) -> [(&'static str, &str); HOUSEHOLD_MAX - 1] {
        [
            ("with1", &self.with1),
            ("with2", &self.with2),
            ("with3", &self.with3),
            ("with4", &self.with4),
            ("with5", &self.with5),
        ]
    }

    /// Whether anybody shares it.
    pub(crate) fn is_shared(&self) -> bool {
        self.others().iter().any(|(_, it)| !it.trim().is_empty())
    }
}

impl Fleet {
    /// The form for one device.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn assignment(&self, device: &str, now: Now) -> Result<AssignPage, FleetError> {
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let mut worn = self
            .book
            .wearers(&[&device].into(), now.care, self.w)
            .await?;
        Ok(AssignPage {
            w: self.w,
            home: self.home_of(&device).await,
            wearers: worn.remove(&device).unwrap_or_default(),
            patients: self.book.patients(now.care, self.w).await?,
            chosen: AssignForm::default(),
            problem: None,
            device: device.to_string(),
        })
    }

    /// Gives a device from now on to whom the form names; or the form again, with the sentence
    /// that says why not. Of two people who do it at once, one is told who was first.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn assign(
        &self,
        who: &Staff,
        device: &str,
        form: &AssignForm,
        now: Now,
    ) -> Result<Option<AssignPage>, FleetError> {
        let page = self.assignment(device, now).await?;
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let given = self.give(who, &device, form, &page.patients, now).await?;
        Ok(given.err().map(|sentence| AssignPage {
            chosen: form.clone(),
            problem: Some(sentence),
            ..page
        }))
    }

    /// Gives a device to whom a form names, or says in a sentence why not.
    pub(crate) async fn give(
        &self,
        who: &Staff,
        device: &DeviceId,
        form: &AssignForm,
        known: &[Wearer],
        now: Now,
    ) -> Result<Result<AssignmentId, String>, FleetError> {
        let named = form.named();
        let is_known = |it: &&&str| known.iter().any(|known| known.patient == **it);
        let patients = named.iter().filter(is_known).map(|it| it.parse());
        let patients: Result<Vec<PatientId>, _> = patients.collect();
        let patients = patients.map_err(|_| FleetError::Form)?;
        for patient in &patients {
            if !self.may_name(who, *patient, now).await? {
                return Ok(Err(self.w.say(UNCHOSEN).into_owned()));
            }
        }
        let (actor, at) = (who.actor(), now.care);
        let given = match patients.as_slice() {
            all if all.is_empty() || all.len() != named.len() => {
                return Ok(Err(self.w.say(UNCHOSEN).into_owned()));
            }
            [patient] => assign_device(&self.record, &actor, device, *patient, at, at).await,
            members => share_device(&self.record, &actor, device, members, at, at).await,
        };
        match given {
            Ok(id) => Ok(Ok(id)),
            Err(AssignRefused::Overlap { holder, from, .. }) => {
                let name = self.book.called(&holder, self.w).await?;
                let taken = self.w.with("assign-taken", "device", device.as_str());
                let taken = taken.and("name", name);
                let since = words::time(from, self.w);
                Ok(Err(taken.and("since", since).to_string()))
            }
            Err(AssignRefused::Household) => Ok(Err(self.w.say("assign-twice").into_owned())),
            Err(AssignRefused::Read(fault)) => Err(FleetError::Diary(fault)),
        }
    }
}

/// Whether a holder is more than one patient.
pub(crate) fn is_household(holder: &Holder) -> bool {
    matches!(holder, Holder::Household(_))
}
