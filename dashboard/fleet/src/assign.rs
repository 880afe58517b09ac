//! Giving a device to a patient, so that its readings reach somebody.

use askama::Template;
use serde::Deserialize;
use veglia_diary::{AssignRefused, assign_device};
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_wire::DeviceId;

use crate::book::Wearer;
use crate::fleet::{Fleet, FleetError, Now};
use crate::words;

/// To whom.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AssignForm {
    /// The patient; empty when none was chosen.
    #[serde(default)]
    pub patient: String,
}

/// The form, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "assign.html")]
pub struct AssignPage {
    device: String,
    /// Which box tells of it.
    home: Option<String>,
    /// Who wears it already: then there is nothing to do here.
    wearer: Option<Wearer>,
    patients: Vec<Wearer>,
    chosen: String,
    problem: Option<String>,
}

impl Fleet {
    /// The form for one device.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn assignment(&self, device: &str, now: Now) -> Result<AssignPage, FleetError> {
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let worn = self.book.wearers(&[&device].into(), now.care).await?;
        Ok(AssignPage {
            home: self.home_of(&device).await,
            wearer: worn.get(&device).cloned(),
            patients: self.book.patients().await?,
            chosen: String::new(),
            problem: None,
            device: device.to_string(),
        })
    }

    /// Gives a device to a patient from now on; or the form again, with the sentence that says why
    /// not. Of two people who do it at once, one is told who was first.
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
        let is_chosen = |it: &&Wearer| it.patient == form.patient;
        let patient = page.patients.iter().find(is_chosen);
        let patient: Option<PatientId> = patient.and_then(|it| it.patient.parse().ok());
        let Some(patient) = patient else {
            let sentence = "Scegliere un paziente dall’elenco. Nulla è stato scritto.";
            return Ok(Some(page.refusing(form, sentence.to_owned())));
        };
        let (actor, at) = (who.actor(), now.care);
        match assign_device(&self.record, &actor, &device, patient, at, at).await {
            Ok(_) => Ok(None),
            Err(AssignRefused::Overlap { patient, from, .. }) => {
                let name = self.book.name(patient).await?;
                let since = words::time(from);
                let sentence = format!(
                    "{device} è già assegnato a {name} dal {since}. Nulla è stato scritto."
                );
                Ok(Some(page.refusing(form, sentence)))
            }
            Err(AssignRefused::Read(fault)) => Err(FleetError::Diary(fault)),
        }
    }
}

impl AssignPage {
    fn refusing(self, form: &AssignForm, sentence: String) -> Self {
        Self {
            chosen: form.patient.clone(),
            problem: Some(sentence),
            ..self
        }
    }
}
