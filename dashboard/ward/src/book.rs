//! What the record knows of the patients of the list: names, plans, and what people did.

use std::collections::HashMap;
use std::error::Error;

use veglia_diary::{ActKind, CHANGES_MAX, Change, ChangeId, Changed, changes_since};
use veglia_people::{PersonId, patients, staff};
use veglia_store::{Actor, Database, TxError};
use veglia_view::{FlagId, PatientId, Plan};

use crate::line::Charge;

/// The list is kept for everybody at once; who reads it is recorded by the door.
const ACTOR: Actor = Actor::System("ward");

/// Pages of changes read in a row; what is left comes with the next poll.
const PAGES_IN_A_ROW: usize = 20;

/// Why something could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// Names of patients.
    #[error("the names of patients were not read")]
    Names(#[source] patients::ReadError),
    /// Names of staff.
    #[error("the names of staff were not read")]
    Signatures(#[source] TxError),
    /// Plans and acts.
    #[error("the diary was not followed")]
    Diary(#[source] veglia_diary::ReadError),
}

/// Something in the diary that changes the list.
#[derive(Debug)]
pub(crate) enum News {
    /// A version of a plan.
    Plan(Plan),
    /// Somebody has taken charge of a flag.
    Taken(FlagId, Charge),
    /// Somebody has closed a flag: its next round has nobody in charge.
    Closed(FlagId),
}

/// The record, and how far its diary was followed.
#[derive(Debug)]
pub(crate) struct Book {
    record: Database,
    read: ChangeId,
    signatures: Signatures,
}

impl Book {
    pub(crate) fn new(record: Database) -> Self {
        Self {
            record,
            read: ChangeId::default(),
            signatures: Signatures::default(),
        }
    }

    /// The names of these patients; who is not registered is not in the answer.
    pub(crate) async fn names(
        &self,
        of: &[PatientId],
    ) -> Result<HashMap<PatientId, String>, BookError> {
        let people = of.iter().filter_map(|patient| person_of(*patient));
        let people: Vec<PersonId> = people.collect();
        let names = patients::names_of(&self.record, &ACTOR, &people)
            .await
            .map_err(BookError::Names)?;
        let named = names.into_iter();
        Ok(named
            .map(|(person, name)| (patient_of(person), name.to_string()))
            .collect())
    }

    /// What was written in the diary since the last time, in order.
    pub(crate) async fn news(&mut self) -> Result<Vec<News>, BookError> {
        let mut news = Vec::new();
        for _ in 0..PAGES_IN_A_ROW {
            let page = changes_since(&self.record, &ACTOR, self.read)
                .await
                .map_err(BookError::Diary)?;
            let is_last = u64::try_from(page.len()).is_ok_and(|count| count < CHANGES_MAX);
            for change in page {
                let read = change.id;
                news.extend(self.understand(change).await?);
                self.read = read;
            }
            if is_last {
                break;
            }
        }
        Ok(news)
    }

    async fn understand(&mut self, change: Change) -> Result<Option<News>, BookError> {
        let act = match change.what {
            Changed::Plan(plan) => return Ok(Some(News::Plan(plan))),
            Changed::Act(act) => act,
            Changed::Assigned(_) | Changed::Ended(_) => return Ok(None),
        };
        let Some(flag) = act.flag else {
            return Ok(None);
        };
        Ok(match act.kind {
            ActKind::TakenCharge => {
                if !self.signatures.knows(&act.by) {
                    self.signatures = signatures(&self.record, &ACTOR).await?;
                }
                let by = self.signatures.name(&act.by);
                Some(News::Taken(flag, Charge { by, at: act.at }))
            }
            ActKind::Closed => Some(News::Closed(flag)),
            ActKind::Note => None,
        })
    }
}

/// The person behind a patient. `None` for a number that the register of people cannot have given.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

/// The patient behind a person.
fn patient_of(person: PersonId) -> PatientId {
    PatientId::new(person.get().unsigned_abs())
}

/// Who signs as what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signatures(HashMap<String, String>);

impl Signatures {
    fn knows(&self, by: &str) -> bool {
        self.0.contains_key(by)
    }

    /// The name behind a signature; the signature itself in words when it is nobody's name.
    pub(crate) fn name(&self, by: &str) -> String {
        if let Some(name) = self.0.get(by) {
            return name.clone();
        }
        match by.split_once(':') {
            Some(("staff", number)) => format!("operatore n. {number}"),
            Some(("command", account)) => format!("{account} (da terminale)"),
            Some(("system", _)) => "Veglia".to_owned(),
            _ => by.to_owned(),
        }
    }
}

pub(crate) async fn signatures(record: &Database, actor: &Actor) -> Result<Signatures, BookError> {
    let names = staff::signatures(record, actor).await;
    names.map(Signatures).map_err(BookError::Signatures)
}

/// An error and its causes, for one line of log.
pub(crate) fn story(error: &dyn Error) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        story.push_str(": ");
        story.push_str(&error.to_string());
        cause = error.source();
    }
    story
}
