//! What the record knows about the patients of the list: names.

use std::collections::HashMap;

use veglia_people::{PersonId, patients};
use veglia_store::{Actor, Database};
use veglia_view::PatientId;

/// The list is kept for everybody at once; who reads it is recorded by the door.
const ACTOR: Actor = Actor::System("ward");

/// Why something could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Names.
    #[error("the names of patients were not read")]
    Names(#[source] patients::ReadError),
}

/// The person behind a patient. `None` for a number that the register of people cannot have given.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

/// The patient behind a person.
pub(crate) fn patient_of(person: PersonId) -> PatientId {
    PatientId::new(person.get().unsigned_abs())
}

/// The names of these patients; who is not registered is not in the answer.
pub(crate) async fn names(
    record: &Database,
    of: &[PatientId],
) -> Result<HashMap<PatientId, String>, BookError> {
    let people: Vec<PersonId> = of
        .iter()
        .filter_map(|patient| person_of(*patient))
        .collect();
    let names = patients::names_of(record, &ACTOR, &people)
        .await
        .map_err(BookError::Names)?;
    let named = names.into_iter();
    Ok(named
        .map(|(person, name)| (patient_of(person), name.to_string()))
        .collect())
}

/// An error and its causes, for one line of log.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        story.push_str(": ");
        story.push_str(&error.to_string());
        cause = error.source();
    }
    story
}
