//! Where pages are made from, and what is the same for all of them: who asks, whose data, and that
//! it is written down before anything is shown.

use std::sync::Arc;

use thiserror::Error;
use veglia_people::background::SheetError;
use veglia_people::patients::{self, Person};
use veglia_people::staff::Staff;
use veglia_people::{PersonId, patients::ReadError};
use veglia_store::{Access, Database, TxError};
use veglia_view::{PatientId, Plan, Row, RuleSet, View, WallMs};
use veglia_words::{Language, Words};

use crate::line::{Line, SaveError};
use crate::words::WORDS;

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// The rules that ingest goes by.
    pub rules: &'a RuleSet,
    /// The way into the clinical path; none when it could not be opened.
    pub line: Option<&'a Line>,
    /// Who asks.
    pub who: &'a Staff,
    /// The moment, by the clock of care.
    pub now: WallMs,
    /// The language of who asks.
    pub language: Language,
}

/// Why a page cannot be made.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// The register of people did not answer.
    #[error("the person was not read")]
    Person(#[source] ReadError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// The tables of this room did not answer.
    #[error("the calls were not read or written")]
    Record(#[source] TxError),
    /// A kept call could not be read, or its device not given.
    #[error("a call was not read")]
    Call(#[source] SaveError),
    /// The clinical sheet was not read.
    #[error("the clinical sheet was not read")]
    Sheet(#[source] SheetError),
    /// The system gave no random numbers.
    #[error("a call cannot be named")]
    Random(#[source] getrandom::Error),
    /// The form is none of ours.
    #[error("no page of ours sends such a form")]
    Form,
}

/// Why a patient's data are looked at; each opening of a page is an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The form of a call, and what became of it.
    Call,
    /// What the patient needs.
    Needs,
    /// The sheet that is read to the dispatcher of 112.
    Sheet112,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Call => "patient.call",
            Self::Needs => "patient.needs",
            Self::Sheet112 => "patient.sheet-112",
        }
    }
}

impl Desk<'_> {
    /// The words of pages.
    pub(crate) fn w(self) -> Words {
        WORDS.speaking(self.language)
    }

    /// The person behind a patient, after it was written that somebody looks; none when nobody is
    /// registered under this number.
    pub(crate) async fn open(
        self,
        patient: PatientId,
        purpose: Purpose,
    ) -> Result<Option<Person>, IntakeError> {
        let Some(id) = person_of(patient) else {
            return Ok(None);
        };
        let actor = self.who.actor();
        let person = patients::get(self.record, &actor, id).await;
        let Some(person) = person.map_err(IntakeError::Person)? else {
            return Ok(None);
        };
        let access = Access {
            at_ms: self.now.0,
            purpose: purpose.name(),
            subject: &patient.to_string(),
        };
        let logged = self.record.log_access(&actor, access).await;
        logged.map_err(IntakeError::Access)?;
        Ok(Some(person))
    }

    /// The plan in force.
    pub(crate) async fn plan(self, patient: PatientId) -> Result<Option<Plan>, IntakeError> {
        let plan = veglia_diary::plan_of(self.record, &self.who.actor(), patient).await;
        let plan = plan.map_err(IntakeError::Diary)?;
        Ok(plan.filter(|plan| is_in_force(plan, self.now)))
    }

    /// What is known at this moment; none when ingest does not answer, which is no fault of a
    /// page, or knows nothing of the patient.
    pub(crate) async fn row(self, patient: PatientId) -> Option<Arc<Row>> {
        match self.view.patient(patient).await {
            Ok(bedside) => bedside.row,
            Err(error) => {
                tracing::warn!(%error, "a patient's row was not read for a call");
                None
            }
        }
    }
}

pub(crate) fn is_in_force(plan: &Plan, now: WallMs) -> bool {
    plan.from <= now && plan.until.is_none_or(|until| now < until)
}

/// The person behind a patient. `None` for a number that the register of people cannot have given.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}
