//! Where pages are made from: who asks, in which language, and what cannot be had.

use thiserror::Error;
use veglia_people::background::SheetError;
use veglia_people::care::Relation;
use veglia_people::staff::{Role, Staff};
use veglia_people::{PersonId, patients};
use veglia_store::{Access, Database, TxError};
use veglia_view::{PatientId, View, ViewError, WallMs};
use veglia_words::{Language, Words};

use crate::WORDS;

/// What stands in the access log of whoever reads documents.
const PURPOSE: &str = "patient.documents";

/// What a page is made from.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// Who asks.
    pub who: &'a Staff,
    /// Why they may read the patient; none for who is the centre's without a relation.
    pub relation: Option<Relation>,
    /// The moment, by the clock of care.
    pub now: WallMs,
    /// In which language they read; documents are Italian.
    pub language: Language,
}

/// Why a document cannot be shown or issued.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The register of people did not answer.
    #[error("the person was not read")]
    Person(#[source] patients::ReadError),
    /// Names were not read.
    #[error("names were not read")]
    Names(#[source] TxError),
    /// The clinical sheet was not read.
    #[error("the clinical sheet was not read")]
    Sheet(#[source] SheetError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// Ingest did not answer, and without its readings there is no document.
    #[error("the readings were not had")]
    View(#[source] ViewError),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// The book of documents did not answer.
    #[error("the issued documents were not read or written")]
    Book(#[source] TxError),
    /// A document cannot be written as JSON, or what was kept is none.
    #[error("the document is no JSON")]
    Json(#[source] serde_json::Error),
}

impl Desk<'_> {
    pub(crate) fn words(self) -> Words {
        WORDS.speaking(self.language)
    }

    /// Whether whoever asks may issue: a doctor of the centre or of the patient, and nobody who
    /// broke the glass, which is for looking.
    #[must_use]
    pub fn may_issue(self) -> bool {
        let by_glass = matches!(self.relation, Some(Relation::Glass { .. }));
        issues(self.who.role) && !by_glass
    }

    /// Somebody on file, after it was written that the reader looks; none for a number of nobody.
    pub(crate) async fn open(
        self,
        patient: PatientId,
    ) -> Result<Option<patients::Person>, DocumentError> {
        let Some(id) = person_of(patient) else {
            return Ok(None);
        };
        let person = patients::get(self.record, &self.who.actor(), id).await;
        let Some(person) = person.map_err(DocumentError::Person)? else {
            return Ok(None);
        };
        let subject = patient.to_string();
        let access = Access {
            at_ms: self.now.0,
            purpose: PURPOSE,
            subject: &subject,
        };
        let logged = self.record.log_access(&self.who.actor(), access).await;
        logged.map_err(DocumentError::Access)?;
        Ok(Some(person))
    }
}

/// Whether somebody of this role issues documents: whoever may sign them.
#[must_use]
pub fn issues(role: Role) -> bool {
    matches!(role, Role::Doctor | Role::Mmg)
}

/// The person behind a patient. None for a number that the register of people cannot have given.
fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}
