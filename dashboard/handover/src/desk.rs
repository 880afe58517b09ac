//! Where pages are made from, and what is the same for all of them: who asks, whose data, and that
//! it is written down before anything is shown.

use std::collections::{HashMap, HashSet};

use thiserror::Error;
use veglia_people::PersonId;
use veglia_people::background::SheetError;
use veglia_people::care;
use veglia_people::patients::{self, FullName, ReadError};
use veglia_people::staff::{self, Staff};
use veglia_store::{Access, Actor, Database, TxError};
use veglia_view::{PatientId, RuleSet, View, WallMs};
use veglia_words::{Language, Words};

use crate::WORDS;
use crate::tell::{Names, Teller};

/// Names in one statement: below the number of parameters any engine takes.
const NAMES_PER_QUERY: usize = 500;

/// Somebody was promised to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Who.
    pub patient: PatientId,
    /// When.
    pub at: WallMs,
}

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// The rules that ingest goes by.
    pub rules: &'a RuleSet,
    /// Calls that were promised; none when they could not be read, which the page says.
    pub promised: Option<&'a [Promise]>,
    /// Who asks.
    pub who: &'a Staff,
    /// In which language.
    pub language: Language,
    /// The moment, by the clock of care.
    pub now: WallMs,
}

/// Why a page cannot be made, or a handover not be written.
#[derive(Debug, Error)]
pub enum HandoverError {
    /// Whose data they may read is not known.
    #[error("whose patients these are was not read")]
    Care(#[source] TxError),
    /// Patients could not be entrusted, or taken back.
    #[error("a patient was not entrusted to the out-of-hours doctors")]
    Entrust(#[source] care::EntrustError),
    /// The register of people did not answer.
    #[error("people were not read")]
    People(#[source] ReadError),
    /// Names of staff were not read.
    #[error("who signs was not read")]
    Staff(#[source] TxError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// A clinical sheet did not answer.
    #[error("a clinical sheet was not read")]
    Sheet(#[source] SheetError),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// The tables of this room did not answer.
    #[error("a handover was not read or written")]
    Record(#[source] TxError),
    /// The outbox did not take a reminder.
    #[error("the outbox did not take a message")]
    Outbox(#[source] veglia_notify::EnqueueError),
    /// A reminder cannot be said.
    #[error("a message cannot be said: shorten `link` in [notify]")]
    Message(#[source] veglia_notify::MessageError),
    /// The form is none of ours.
    #[error("no page of ours sends such a form")]
    Form,
    /// The moment is outside every calendar.
    #[error("the clock of care is outside every calendar")]
    Calendar,
}

/// Why a patient's data are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Handing over from shift to shift.
    Shift,
    /// The night, and the morning after.
    Night,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Shift => "patient.handover",
            Self::Night => "patient.night",
        }
    }
}

impl Desk<'_> {
    pub(crate) fn actor(self) -> Actor {
        self.who.actor()
    }

    pub(crate) fn words(self) -> Words {
        WORDS.speaking(self.language)
    }

    /// Whose data the reader may read now.
    pub(crate) async fn followed(self) -> Result<HashSet<PatientId>, HandoverError> {
        let theirs = care::patients_of(self.record, self.who, self.now).await;
        let theirs = theirs.map_err(HandoverError::Care)?;
        Ok(theirs.into_iter().map(patient_of).collect())
    }

    /// Writes that somebody looks at each of these.
    pub(crate) async fn opens(
        self,
        patients: &[PatientId],
        purpose: Purpose,
    ) -> Result<(), HandoverError> {
        let subjects: Vec<String> = patients.iter().map(ToString::to_string).collect();
        let accesses = subjects.iter().map(|subject| Access {
            at_ms: self.now.0,
            purpose: purpose.name(),
            subject,
        });
        let accesses: Vec<Access<'_>> = accesses.collect();
        if accesses.is_empty() {
            return Ok(());
        }
        let logged = self.record.log_accesses(&self.actor(), &accesses).await;
        logged.map_err(HandoverError::Access)
    }

    /// What these are called, as the centre calls people.
    pub(crate) async fn names_of(
        self,
        patients: &[PatientId],
    ) -> Result<HashMap<PatientId, String>, HandoverError> {
        let people: Vec<PersonId> = patients.iter().copied().filter_map(person_of).collect();
        let mut names = HashMap::new();
        for some in people.chunks(NAMES_PER_QUERY) {
            let read = patients::names_of(self.record, &self.actor(), some).await;
            let read = read.map_err(HandoverError::People)?.into_iter();
            names.extend(read.map(|(person, name)| (patient_of(person), full(&name))));
        }
        Ok(names)
    }

    /// Who signs as what.
    pub(crate) async fn signatures(self) -> Result<Names, HandoverError> {
        let signed = staff::signatures(self.record, &self.actor()).await;
        signed.map(Names).map_err(HandoverError::Staff)
    }

    pub(crate) fn teller(self, names: &Names) -> Teller<'_> {
        Teller {
            w: self.words(),
            names,
            now: self.now,
        }
    }
}

fn full(name: &FullName) -> String {
    format!("{} {}", name.surname, name.name)
}

/// The person behind a patient. `None` for a number that the register of people cannot have given.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

/// The patient behind a person.
pub(crate) fn patient_of(person: PersonId) -> PatientId {
    PatientId::new(person.get().unsigned_abs())
}
