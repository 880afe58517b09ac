//! Where pages are made from: who asks, and whose patients they are at this moment.

use thiserror::Error;
use tokio::sync::Mutex;
use veglia_people::patients::{self, Person};
use veglia_people::staff::{Role, Staff};
use veglia_people::{Belongs, PersonId, background, care, roll};
use veglia_store::{Access, Database, TxError};
use veglia_view::{PatientId, View, WallMs};
use veglia_words::{Language, Words};

use crate::WORDS;

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// Who asks.
    pub who: &'a Staff,
    /// The moment, by the clock of care.
    pub now: WallMs,
    /// In which language they read.
    pub language: Language,
}

/// One act at a time is written: of two that bear the same name the second finds the first.
#[derive(Debug, Default)]
pub struct Turn(pub(crate) Mutex<()>);

/// Why a page cannot be made, or nobody can say what became of a form.
#[derive(Debug, Error)]
pub enum DoctorError {
    /// The register of people did not answer.
    #[error("the people were not read")]
    People(#[source] TxError),
    /// One person was not read.
    #[error("the person was not read")]
    Person(#[source] patients::ReadError),
    /// The clinical sheet was not read.
    #[error("the clinical sheet was not read")]
    Sheet(#[source] background::SheetError),
    /// The diary did not answer.
    #[error("the diary was not read or written")]
    Diary(#[source] veglia_diary::ReadError),
    /// The outbox did not take a message.
    #[error("the outbox did not take a message")]
    Outbox(#[source] veglia_notify::EnqueueError),
    /// A message cannot be said.
    #[error("a message cannot be said: shorten `link` in [notify]")]
    Message(#[source] veglia_notify::MessageError),
    /// An act was refused for a reason that no form of ours can cause.
    #[error("the act was not written")]
    Act(#[source] veglia_diary::ActRefused),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// The tables of this room did not answer.
    #[error("the doctors' rows were not read or written")]
    Record(#[source] TxError),
    /// The system gave no random numbers.
    #[error("a form cannot be named")]
    Random(#[source] getrandom::Error),
    /// The form is none of ours.
    #[error("no page of ours sends such a form")]
    Form,
}

/// One of the doctor's own patients.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) person: PersonId,
    pub(crate) patient: PatientId,
    /// Surname first.
    pub(crate) name: String,
    /// The doctor for whom the reader stands in.
    pub(crate) in_place_of: Option<String>,
}

impl Desk<'_> {
    pub(crate) fn words(self) -> Words {
        WORDS.speaking(self.language)
    }

    /// The reader's own patients, and those of whom they stand in for, by name.
    pub(crate) async fn own(self) -> Result<Vec<Own>, DoctorError> {
        own(self.record, self.who, self.now).await
    }

    /// Writes that the reader looks at these patients, one entry each, all of them or none.
    pub(crate) async fn looks_at(
        self,
        purpose: &'static str,
        patients: impl IntoIterator<Item = PatientId>,
    ) -> Result<(), DoctorError> {
        let subjects = patients.into_iter().map(|it| it.to_string());
        self.logged(purpose, subjects.collect()).await
    }

    /// The same of whatever else is somebody's.
    pub(crate) async fn logged(
        self,
        purpose: &'static str,
        subjects: Vec<String>,
    ) -> Result<(), DoctorError> {
        let access = |subject| Access {
            at_ms: self.now.0,
            purpose,
            subject,
        };
        let looks: Vec<Access<'_>> = subjects.iter().map(|it| access(it.as_str())).collect();
        let logged = self.record.log_accesses(&self.who.actor(), &looks).await;
        logged.map_err(DoctorError::Access)
    }

    /// Somebody on file, after it was written that the reader looks.
    pub(crate) async fn open(
        self,
        purpose: &'static str,
        patient: PatientId,
    ) -> Result<Option<Person>, DoctorError> {
        let Some(id) = person_of(patient) else {
            return Ok(None);
        };
        let person = patients::get(self.record, &self.who.actor(), id).await;
        let Some(person) = person.map_err(DoctorError::Person)? else {
            return Ok(None);
        };
        self.looks_at(purpose, [patient]).await?;
        Ok(Some(person))
    }
}

/// The patients of a doctor and of those for whom they stand in, or of a hospital's unit, by name.
pub(crate) async fn own(
    record: &Database,
    who: &Staff,
    now: WallMs,
) -> Result<Vec<Own>, DoctorError> {
    let theirs = care::patients_of(record, who, now).await;
    let theirs = theirs.map_err(DoctorError::People)?;
    let roll = roll::call(record, &who.actor(), &theirs, now).await;
    let roll = roll.map_err(DoctorError::People)?;
    let own = match who.belongs {
        Some(Belongs::Mmg(id)) => Some(id),
        _ => None,
    };
    let stands_in = who.role == Role::Mmg;
    let named = roll.into_iter().filter_map(|(person, it)| {
        let doctor = it.doctor.filter(|(id, _)| stands_in && Some(*id) != own);
        Some(Own {
            person,
            patient: patient_of(person)?,
            name: it.name.to_string(),
            in_place_of: doctor.map(|(_, name)| name),
        })
    });
    let mut named: Vec<Own> = named.collect();
    named.sort_by(|one, other| (&one.name, one.patient).cmp(&(&other.name, other.patient)));
    Ok(named)
}

/// The person behind a patient. `None` for a number that the register of people cannot have given.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

/// The patient behind a person.
pub(crate) fn patient_of(person: PersonId) -> Option<PatientId> {
    u64::try_from(person.get()).ok().map(PatientId::new)
}

/// A name that no other form has.
pub(crate) fn form_name() -> Result<String, DoctorError> {
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(DoctorError::Random)?;
    Ok(name.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether a text is a name that [`form_name`] gave.
pub(crate) fn is_form_name(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}
