//! What the record knows of the patients of the list: names, plans, and what people did.

use std::collections::HashMap;
use std::error::Error;

use veglia_diary::{
    Alert, AlertCursor, AlertFigures, CHANGES_MAX, Change, ChangeId, Changed, alert_figures,
    alerts_since, changes_since, patient_days,
};
use veglia_people::place::Place;
use veglia_people::{PersonId, roll, staff};
use veglia_store::{Actor, Database, TxError};
use veglia_view::{PatientId, Plan, WallMs};
use veglia_words::Words;

use crate::care::Care;

/// The list is kept for everybody at once; who reads it is recorded by the door.
const ACTOR: Actor = Actor::System("ward");

/// Pages of changes read in a row; what is left comes with the next poll.
const PAGES_IN_A_ROW: usize = 20;

/// Why something could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// Names of patients.
    #[error("the names of patients were not read")]
    Names(#[source] TxError),
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
    /// An alert moved, or is closed.
    Alert(Box<Care>),
}

/// What the list says of a patient that is on file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Enrolled {
    pub(crate) name: String,
    /// The family doctor: number and name.
    pub(crate) doctor: Option<(i64, String)>,
    /// Their Municipio, or their Comune.
    pub(crate) place: Option<Place>,
    /// Whether the centre follows them.
    pub(crate) is_followed: bool,
}

/// The record, and how far its diary was followed.
#[derive(Debug)]
pub(crate) struct Book {
    record: Database,
    read: ChangeId,
    /// How far alerts were followed; none before the open ones were read.
    moved: Option<AlertCursor>,
    signatures: Signatures,
}

/// How many alerts there were of late, and who closed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) alerts: AlertFigures,
    /// Days of patients under watch in the same time, in thousandths.
    pub(crate) patient_days_thousandths: u64,
}

/// The time that figures look back, in milliseconds: a week has every day of it once.
pub(crate) const FIGURES_MS: i64 = 7 * 86_400_000;

impl Book {
    pub(crate) fn new(record: Database) -> Self {
        Self {
            record,
            read: ChangeId::default(),
            moved: None,
            signatures: Signatures::default(),
        }
    }

    /// What is on file of these patients at `now`; who is not registered is not in the answer.
    pub(crate) async fn roll(
        &self,
        of: &[PatientId],
        now: WallMs,
    ) -> Result<HashMap<PatientId, Enrolled>, BookError> {
        let people = of.iter().filter_map(|patient| person_of(*patient));
        let people: Vec<PersonId> = people.collect();
        let roll = roll::call(&self.record, &ACTOR, &people, now).await;
        let enrolled = |(person, it): (PersonId, roll::Enrolled)| {
            let doctor = it.doctor.map(|(id, name)| (id.get(), name));
            let enrolled = Enrolled {
                name: it.name.to_string(),
                doctor,
                place: it.place,
                is_followed: it.is_followed,
            };
            (patient_of(person), enrolled)
        };
        let roll = roll.map_err(BookError::Names)?;
        Ok(roll.into_iter().map(enrolled).collect())
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
                news.extend(understand(change));
                self.read = read;
            }
            if is_last {
                break;
            }
        }
        news.extend(self.alerts().await?);
        Ok(news)
    }

    /// The alerts that moved since the last time.
    async fn alerts(&mut self) -> Result<Vec<News>, BookError> {
        let read = alerts_since(&self.record, &ACTOR, self.moved).await;
        let (alerts, cursor) = read.map_err(BookError::Diary)?;
        let mut news = Vec::with_capacity(alerts.len());
        for alert in alerts {
            let is_strange = |by: &str| !self.signatures.knows(by);
            if Care::signature(&alert).is_some_and(is_strange) {
                self.signatures = signatures(&self.record, &ACTOR).await?;
            }
            news.push(News::Alert(Box::new(self.signatures.care(alert))));
        }
        self.moved = Some(cursor);
        Ok(news)
    }

    /// The figures of the time before a moment.
    pub(crate) async fn figures(&self, now: WallMs) -> Result<Figures, BookError> {
        let from = now.plus_ms(-FIGURES_MS);
        let alerts = alert_figures(&self.record, &ACTOR, from, now).await;
        let days = patient_days(&self.record, &ACTOR, from, now).await;
        Ok(Figures {
            alerts: alerts.map_err(BookError::Diary)?,
            patient_days_thousandths: days.map_err(BookError::Diary)?,
        })
    }
}

fn understand(change: Change) -> Option<News> {
    match change.what {
        Changed::Plan(plan) => Some(News::Plan(plan)),
        _ => None,
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

    /// An alert, with the name of whoever sees to it.
    pub(crate) fn care(&self, alert: Alert) -> Care {
        let by = Care::signature(&alert);
        let by = by.map(|by| self.0.get(by).map_or(by, String::as_str).to_owned());
        Care {
            by: by.unwrap_or_default(),
            alert,
        }
    }

    /// The name behind a signature; the signature itself in words when it is nobody's name.
    pub(crate) fn name(&self, w: Words, by: &str) -> String {
        let known = self.0.get(by).cloned();
        known.unwrap_or_else(|| called(w, by))
    }
}

/// A signature in words; a name stays as it is.
pub(crate) fn called(w: Words, by: &str) -> String {
    match by.split_once(':') {
        Some(("staff", number)) => w.with("signed-staff", "number", number).to_string(),
        Some(("command", account)) => w.with("signed-command", "account", account).to_string(),
        Some(("system", _)) => "Veglia".to_owned(),
        _ => by.to_owned(),
    }
}

pub(crate) async fn signatures(record: &Database, actor: &Actor) -> Result<Signatures, BookError> {
    let names = staff::signatures(record, actor).await;
    names.map(Signatures).map_err(BookError::Signatures)
}

/// Members of staff who may be given something, by the id of their row and by name: closed
/// accounts are not among them.
pub(crate) async fn staff(
    record: &Database,
    actor: &Actor,
) -> Result<Vec<(i64, String)>, BookError> {
    let active = staff::active(record, actor).await;
    let active = active.map_err(BookError::Signatures)?.into_iter();
    Ok(active.map(|it| (it.id.get(), it.name)).collect())
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
