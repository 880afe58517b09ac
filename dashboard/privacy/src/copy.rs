//! The patient's own copy of the record about them, as one JSON document in pieces: who they are,
//! who cares for them, sheet, plans, devices, consents, what they were told, every line of the
//! diary with what is hidden, and who looked: unit, role, time and reason, never a worker's name.
//!
//! A piece is at most a thousand lines, so that a diary of years takes no more memory than a page
//! of it. Readings are a table of their own (CSV), which ingest gives as a stream. That the copy is
//! made stands in the access log before its first piece.
//!
//! Deliberately absent: what other rooms keep for themselves (calls still to be made, needs for the
//! census, handovers between shifts), and pictures of curves.

use std::collections::HashMap;

use askama::Template;
use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;
use veglia_diary::{
    ActKind, LINES_MAX, Line, Written, handovers_of_patient, plans_of, whole_diary_of,
};
use veglia_people::staff::{self, Role};
use veglia_people::{PersonId, background, care, patients, told};
use veglia_store::{Access, Accessed, Actor, Database, TxError};
use veglia_view::{PatientId, WallMs};
use veglia_words::Words;

use crate::{Desk, person_of};

/// What stands in the access log of whoever makes a copy.
const PURPOSE: &str = "patient.copy";

/// Looks told in one piece.
const LOOKS: u64 = 1_000;

/// Why a copy ended before its end.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The record.
    #[error("the record was not read")]
    Store(#[source] TxError),
    /// The register of people.
    #[error("the patient was not looked up")]
    People(#[source] patients::ReadError),
    /// The diary.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// The clinical sheet.
    #[error("the clinical sheet was not read")]
    Sheet(#[source] background::SheetError),
    /// Consents.
    #[error("consents were not read")]
    Consents(#[source] veglia_enrol::consent::ConsentError),
    /// Something cannot be put into JSON.
    #[error("the copy cannot be put into words")]
    Words(#[source] serde_json::Error),
}

/// A copy on its way.
pub struct OwnCopy {
    record: Database,
    actor: Actor,
    patient: PatientId,
    person: PersonId,
    roles: HashMap<String, Role>,
    now: WallMs,
    next: Part,
}

/// What comes next.
enum Part {
    Head,
    /// Lines of the diary before a moment; whether any came already.
    Diary(WallMs, bool),
    /// Looks before a number; whether any came already.
    Looks(Option<i64>, bool),
    Over,
}

impl OwnCopy {
    /// Begins a copy; none when nobody is on file under this number.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub async fn begin(
        record: &Database,
        actor: &Actor,
        patient: PatientId,
        now: WallMs,
    ) -> Result<Option<Self>, CopyError> {
        let Some(person) = person_of(patient) else {
            return Ok(None);
        };
        let on_file = patients::get(record, actor, person).await;
        if on_file.map_err(CopyError::People)?.is_none() {
            return Ok(None);
        }
        logged(record, actor, patient, now).await?;
        let roles = staff::roles(record, actor).await;
        Ok(Some(Self {
            record: record.clone(),
            actor: actor.clone(),
            patient,
            person,
            roles: roles.map_err(CopyError::Store)?,
            now,
            next: Part::Head,
        }))
    }

    /// The next piece of text; none after the last.
    ///
    /// # Errors
    /// See [`CopyError`]; the copy is not whole then.
    pub async fn piece(&mut self) -> Result<Option<String>, CopyError> {
        match self.next {
            Part::Head => {
                let head = self.head().await?;
                self.next = Part::Diary(WallMs(i64::MAX), false);
                Ok(Some(head))
            }
            Part::Diary(before, is_begun) => self.diary(before, is_begun).await.map(Some),
            Part::Looks(before, is_begun) => self.looks(before, is_begun).await.map(Some),
            Part::Over => Ok(None),
        }
    }

    /// Everything but what grows without an end, and the beginning of the diary.
    async fn head(&self) -> Result<String, CopyError> {
        let (record, actor) = (&self.record, &self.actor);
        let person = patients::get(record, actor, self.person).await;
        let person = person.map_err(CopyError::People)?.map(|it| it.details);
        let sheet = background::history(record, actor, self.person).await;
        let sheet = sheet.map_err(CopyError::Sheet)?;
        let cared = care::of(record, actor, self.person).await;
        let cared = cared.map_err(CopyError::Store)?;
        let said = veglia_enrol::consent::of(record, actor, self.person, self.now).await;
        let said = said.map_err(CopyError::Consents)?;
        let told = told::to(record, actor, self.person).await;
        let told = told.map_err(CopyError::Store)?;
        let plans = plans_of(record, actor, self.patient).await;
        let plans = plans.map_err(CopyError::Diary)?;
        let devices = handovers_of_patient(record, actor, self.patient).await;
        let devices = devices.map_err(CopyError::Diary)?;
        let head = json!({
            "number": self.patient.to_string(),
            "made": moment(self.now),
            "person": person.map(|it| json!({
                "surname": it.surname,
                "name": it.name,
                "codice_fiscale": it.codice_fiscale.as_str(),
                "phone": it.phone.as_str(),
                "address": it.address,
            })),
            "cared_for_by": cared.iter().map(|it| json!({
                "holder": self.signed(&it.holder),
                "from": moment(it.from),
                "until": it.until.map(moment),
                "why": it.why,
            })).collect::<Vec<Value>>(),
            "sheet": sheet.iter().map(|it| json!({
                "version": it.version,
                "at": moment(it.at),
                "by": self.signed(&it.by),
                "says": it.says,
            })).collect::<Vec<Value>>(),
            "consents": said.iter().map(|it| json!({
                "of": it.item.code(),
                "version": it.version,
                "given": it.given,
                "how": it.how.code(),
                "at": moment(it.at),
            })).collect::<Vec<Value>>(),
            "told": told.iter().map(|it| json!({
                "at": moment(it.at),
                "words": it.words,
            })).collect::<Vec<Value>>(),
            "plans": plans.iter().map(|it| json!({
                "at": moment(it.at),
                "by": self.signed(&it.by),
                "why": it.why,
                "decided_on": it.decision.as_ref().map(|it| it.grounds.as_str()),
                "plan": it.plan,
            })).collect::<Vec<Value>>(),
            "devices": devices.iter().map(|it| json!({
                "device": it.assignment.device.to_string(),
                "from": moment(it.assignment.from),
                "until": it.returned.as_ref().map(|it| moment(it.until)),
            })).collect::<Vec<Value>>(),
        });
        let mut text = serde_json::to_string(&head).map_err(CopyError::Words)?;
        // The object goes on.
        text.pop();
        text.push_str(",\n\"diary\":[");
        Ok(text)
    }

    /// Lines written before a moment, the newest first.
    async fn diary(&mut self, before: WallMs, is_begun: bool) -> Result<String, CopyError> {
        let range = WallMs(i64::MIN)..before;
        let (record, actor) = (&self.record, &self.actor);
        let lines = whole_diary_of(record, actor, self.patient, range, LINES_MAX).await;
        let mut lines = lines.map_err(CopyError::Diary)?;
        let is_full = u64::try_from(lines.len()).is_ok_and(|count| count >= LINES_MAX);
        let oldest = lines.last().map(|line| line.at);
        // Of the oldest moment there may be more: it is asked for again, all of it.
        if let Some(oldest) = oldest.filter(|_| is_full)
            && lines.first().is_some_and(|line| line.at > oldest)
        {
            lines.retain(|line| line.at > oldest);
        }
        let values = lines.iter().map(|line| self.line(line));
        let values: Result<Vec<Value>, CopyError> = values.collect();
        let mut text = listed(&values?, is_begun)?;
        match lines.last().filter(|_| is_full) {
            Some(last) => self.next = Part::Diary(last.at, true),
            None => {
                text.push_str("],\n\"seen_by\":[");
                self.next = Part::Looks(None, false);
            }
        }
        Ok(text)
    }

    /// Looks before a number, the newest first.
    async fn looks(&mut self, before: Option<i64>, is_begun: bool) -> Result<String, CopyError> {
        let subject = self.patient.to_string();
        let seen = self
            .record
            .accesses_to(&self.actor, &subject, before, LOOKS);
        let seen = seen.await.map_err(CopyError::Store)?;
        let values: Vec<Value> = seen.iter().map(|it| self.look(it)).collect();
        let mut text = listed(&values, is_begun)?;
        match seen.last() {
            Some(last) => self.next = Part::Looks(Some(last.number), true),
            None => {
                text.push_str("]}\n");
                self.next = Part::Over;
            }
        }
        Ok(text)
    }

    fn look(&self, seen: &Accessed) -> Value {
        let role = self.roles.get(&seen.actor);
        json!({
            "at": moment(WallMs(seen.at_ms)),
            "unit": role.map_or("Veglia", |role| role.unit()),
            "role": role.map_or("", |role| role.word()),
            "why": seen.purpose,
        })
    }

    /// Somebody by their role; a part of the software or an office as it is.
    fn signed(&self, by: &str) -> String {
        match self.roles.get(by) {
            Some(role) => role.word().to_owned(),
            None if by.starts_with("command:") || by.starts_with("staff:") => {
                "amministrazione".to_owned()
            }
            None => by.to_owned(),
        }
    }

    fn line(&self, line: &Line) -> Result<Value, CopyError> {
        let what = match &line.what {
            Written::Said(verdict) => json!({
                "rules": serde_json::to_value(verdict).map_err(CopyError::Words)?,
            }),
            Written::Act(act) => json!({
                "act": act.kind.name(),
                "entry": act.id.0,
                "corrects": match act.kind {
                    ActKind::Corrected(wrong) => Some(wrong.0),
                    _ => None,
                },
                "call": match act.kind {
                    ActKind::Called(whom, outcome) => Some(json!({
                        "whom": whom,
                        "outcome": outcome,
                    })),
                    _ => None,
                },
                "by": self.signed(&act.by),
                "words": act.words,
            }),
            Written::Paged(paged) => json!({
                "called": paged.page.callee.code(),
                "why": paged.page.why.code(),
                "seen": paged.seen.map(moment),
            }),
            Written::Planned { version, by, why } => json!({
                "plan": version.0,
                "by": self.signed(by),
                "words": why,
            }),
            Written::Went(stood) => json!({
                "went": stood.standing.whereabouts.name(),
                "from": moment(stood.standing.from),
                "by": self.signed(&stood.by),
                "words": stood.why,
            }),
            Written::Given { device, from, by } => json!({
                "given": device.to_string(),
                "from": moment(*from),
                "by": self.signed(by),
            }),
            Written::TakenBack { device, until, by } => json!({
                "taken_back": device.to_string(),
                "until": moment(*until),
                "by": self.signed(by),
            }),
        };
        Ok(json!({ "at": moment(line.at), "what": what }))
    }
}

/// That a copy, or a part of one, is made stands in the access log.
///
/// # Errors
/// See [`CopyError`]; nothing is given then.
pub async fn logged(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), CopyError> {
    let subject = patient.to_string();
    let access = Access {
        at_ms: now.0,
        purpose: PURPOSE,
        subject: &subject,
    };
    let logged = record.log_access(actor, access).await;
    logged.map_err(CopyError::Store)
}

/// Items of a list that goes on.
fn listed(values: &[Value], is_begun: bool) -> Result<String, CopyError> {
    let mut text = String::new();
    for (place, value) in values.iter().enumerate() {
        text.push_str(if place > 0 || is_begun { ",\n" } else { "\n" });
        text.push_str(&serde_json::to_string(value).map_err(CopyError::Words)?);
    }
    Ok(text)
}

/// As clocks of the world write it; the number itself when there is no such moment.
fn moment(at: WallMs) -> String {
    let moment = Timestamp::from_millisecond(at.0);
    moment.map_or_else(|_| at.0.to_string(), |it| it.to_string())
}

/// The page that gives both parts of a copy, to be framed by a door.
#[derive(Template)]
#[template(path = "copy.html")]
pub struct CopyPage {
    w: Words,
    patient: PatientId,
    name: String,
}

impl CopyPage {
    /// The page of a patient; none when nobody is on file under this number.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, CopyError> {
        let Some(person) = person_of(patient) else {
            return Ok(None);
        };
        let on_file = patients::get(desk.record, &desk.who.actor(), person).await;
        let on_file = on_file.map_err(CopyError::People)?;
        Ok(on_file.map(|it| Self {
            w: desk.words(),
            patient,
            name: format!("{} {}", it.details.surname, it.details.name),
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w
            .with("copy-title", "name", self.name.as_str())
            .to_string()
    }
}
