//! What staff do about a flag or a patient: the forms of the patient's page.
//!
//! The door reads the form and says who acts; the diary decides, and of two people at once tells
//! one of them who was first. What was typed is never lost: it comes back with the sentence.

use serde::Deserialize;
use veglia_diary::{
    ActRefused, CallOutcome, WORDS_CHARS_MAX, Whom, close, escalate, hand_over, record_call,
    snooze, take_charge, write_note,
};
use veglia_store::{Actor, Database};
use veglia_view::{FlagId, PatientId, WallMs};

use crate::book::{self, BookError};
use crate::{reason, words};

/// A form as it was sent. A field that a form does not have is empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ActForm {
    /// Which button: `take-charge`, `call`, `snooze`, `escalate`, `hand-over`, `close` or `note`.
    pub act: String,
    /// About which flag; empty for a note on the patient.
    #[serde(default)]
    pub flag: String,
    /// Which telling of the flag the page showed.
    #[serde(default)]
    pub seen: u32,
    /// What was typed.
    #[serde(default)]
    pub words: String,
    /// Of a call: to whom, in one of the words of the form.
    #[serde(default)]
    pub whom: String,
    /// Of a call: how it ended, in one of the words of the form.
    #[serde(default)]
    pub outcome: String,
    /// Of a snooze: how long.
    #[serde(default)]
    pub minutes: String,
    /// Of handing over: to whom, by the id of their row.
    #[serde(default)]
    pub to: String,
}

/// Whom one telephones, as forms say it.
pub(crate) const WHOM: [(&str, Whom); 5] = [
    ("patient", Whom::Patient),
    ("contact", Whom::Contact),
    ("key-holder", Whom::KeyHolder),
    ("family-doctor", Whom::FamilyDoctor),
    ("112", Whom::Emergency),
];

/// How a call ends, as forms say it.
pub(crate) const OUTCOMES: [(&str, CallOutcome); 4] = [
    ("well", CallOutcome::Well),
    ("unwell", CallOutcome::Unwell),
    ("no-answer", CallOutcome::NoAnswer),
    ("help-sent", CallOutcome::HelpSent),
];

/// An account that was closed while the page was open.
const CLOSED_ACCOUNT: &str = "Questa persona non lavora più in Centrale: scegliere un altro \
    collega. Nulla è stato scritto.";

/// What became of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is written.
    Done,
    /// It is not, and this sentence says why and what to do.
    Refused(String),
}

/// Why nobody can say what became of it.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The form is none of ours.
    #[error("no page of ours sends such a form")]
    Form,
    /// The diary did not answer.
    #[error("the act was not written")]
    Diary(#[source] ActRefused),
    /// Who was first is not known.
    #[error("the act was refused, and the name of who was first was not read")]
    Names(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Does what a form of a patient's page asks, in the name of `actor`. `at` is the moment, by the
/// clock of care.
///
/// # Errors
/// See [`ActError`].
pub async fn act(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    form: &ActForm,
    at: WallMs,
) -> Result<Outcome, ActError> {
    let flag = if form.flag.is_empty() {
        None
    } else {
        let flag: FlagId = form.flag.parse().map_err(|_| ActError::Form)?;
        // A form can name any flag; the page it came from is about one patient.
        Some(flag).filter(|flag| flag.patient == patient)
    };
    // Browsers send line ends as two characters.
    let text = form.words.replace("\r\n", "\n");
    let done = match (form.act.as_str(), &flag) {
        ("take-charge", Some(flag)) => take_charge(record, actor, flag, at).await,
        ("call", Some(flag)) => {
            let call = form.call().ok_or(ActError::Form)?;
            record_call(record, actor, flag, call, &text, at).await
        }
        ("snooze", Some(flag)) => {
            let minutes: u32 = form.minutes.parse().map_err(|_| ActError::Form)?;
            let until = at.plus_ms(i64::from(minutes) * words::MINUTE_MS);
            snooze(record, actor, flag, until, &text, at).await
        }
        ("escalate", Some(flag)) => escalate(record, actor, flag, &text, at).await,
        ("hand-over", Some(flag)) => {
            let to: i64 = form.to.parse().map_err(|_| ActError::Form)?;
            if !is_colleague(record, actor, to).await? {
                return Ok(Outcome::Refused(CLOSED_ACCOUNT.to_owned()));
            }
            hand_over(record, actor, flag, to, &text, at).await
        }
        ("close", Some(flag)) => close(record, actor, flag, form.seen, &text, at).await,
        ("note", flag) if flag.is_some() || form.flag.is_empty() => {
            write_note(record, actor, patient, flag.as_ref(), &text, at).await
        }
        _ => return Err(ActError::Form),
    };
    match done {
        Ok(()) => Ok(Outcome::Done),
        Err(error @ ActRefused::Read(_)) => Err(ActError::Diary(error)),
        Err(refused) => {
            let sentence = sentence(record, actor, &refused, at).await;
            let sentence = sentence.map_err(|error| ActError::Names(Box::new(error)))?;
            Ok(Outcome::Refused(sentence))
        }
    }
}

/// Whether somebody may be given a flag.
async fn is_colleague(record: &Database, actor: &Actor, to: i64) -> Result<bool, ActError> {
    let staff = book::staff(record, actor).await;
    let staff = staff.map_err(|error| ActError::Names(Box::new(error)))?;
    Ok(staff.iter().any(|(id, _)| *id == to))
}

impl ActForm {
    fn call(&self) -> Option<(Whom, CallOutcome)> {
        let (_, whom) = WHOM.into_iter().find(|(name, _)| *name == self.whom)?;
        let mut outcomes = OUTCOMES.into_iter();
        let (_, outcome) = outcomes.find(|(name, _)| *name == self.outcome)?;
        Some((whom, outcome))
    }
}

async fn sentence(
    record: &Database,
    actor: &Actor,
    refused: &ActRefused,
    now: WallMs,
) -> Result<String, BookError> {
    Ok(match refused {
        ActRefused::Taken { by, at } => {
            let name = book::signatures(record, actor).await?.name(by);
            let at = words::at_time(*at, now);
            format!(
                "{name} ha già preso in carico questa segnalazione {at}. Nulla è stato scritto."
            )
        }
        ActRefused::Closed { by, at } => {
            let name = book::signatures(record, actor).await?.name(by);
            let at = words::at_time(*at, now);
            format!("{name} ha già chiuso questa segnalazione {at}. Nulla è stato scritto.")
        }
        ActRefused::Over { why, at } => {
            let ended = reason::ended(*why);
            let at = words::at_time(*at, now);
            format!("La segnalazione si è già conclusa da sola {at} ({ended}): non serve altro.")
        }
        ActRefused::News => "La segnalazione è cambiata mentre la pagina era aperta: rileggerla \
            qui sotto, poi ripetere la chiusura. Nulla è stato scritto."
            .to_owned(),
        ActRefused::Snooze { minutes } => format!(
            "Questa segnalazione si può sospendere al massimo per {minutes} minuti. Nulla è stato \
             scritto."
        ),
        ActRefused::Words => {
            format!("Scrivere una nota da 1 a {WORDS_CHARS_MAX} caratteri. Nulla è stato scritto.")
        }
        ActRefused::Unknown(_) => "La segnalazione non esiste. Nulla è stato scritto.".to_owned(),
        ActRefused::Read(_) => "Il diario non risponde. Nulla è stato scritto.".to_owned(),
    })
}
