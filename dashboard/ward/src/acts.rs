//! What staff do about a flag or a patient: the forms of the patient's page.
//!
//! The door reads the form and says who acts; the diary decides, and of two people at once tells
//! one of them who was first. What was typed is never lost: it comes back with the sentence.

use serde::Deserialize;
use veglia_diary::{
    ActRefused, CallOutcome, EntryId, HomeService, WORDS_CHARS_MAX, Whom, ask_repeat, close,
    correct, escalate, hand_over, note_call, record_call, refer, snooze, take_charge, write_note,
};
use veglia_store::{Actor, Database};
use veglia_view::{FlagId, PatientId, VitalKind, WallMs};
use veglia_words::{Key, Language, Words};

use crate::book::{self, BookError};
use crate::{WORDS, reason, words};

/// A form as it was sent. A field that a form does not have is empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ActForm {
    /// Which button: `take-charge`, `call`, `ask-repeat`, `snooze`, `escalate`, `hand-over`,
    /// `refer`, `close`, `note` or `correct`.
    #[serde(default)]
    pub act: String,
    /// About which flag; empty for what is about the patient.
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
    /// Of asking for another measurement: of what.
    #[serde(default)]
    pub vital: String,
    /// Of referring: to whom, in one of the words of the form.
    #[serde(default)]
    pub service: String,
    /// Of correcting: which entry, by its number.
    #[serde(default)]
    pub entry: String,
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

/// Where on a page stands that something was written.
const WRITTEN: &str = "scritto";

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
/// clock of care; what is refused is said in the language.
///
/// # Errors
/// See [`ActError`].
pub async fn act(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    form: &ActForm,
    (at, language): (WallMs, Language),
) -> Result<Outcome, ActError> {
    let w = WORDS.speaking(language);
    let flag = if form.flag.is_empty() {
        None
    } else {
        let flag: FlagId = form.flag.parse().map_err(|_| ActError::Form)?;
        // A form can name any flag; the page it came from is about one patient.
        Some(flag).filter(|flag| flag.patient == patient)
    };
    if flag.is_none() && !form.flag.is_empty() {
        return Err(ActError::Form);
    }
    if form.is_unchosen() {
        return Ok(Outcome::Refused(w.say("refused-unchosen").into_owned()));
    }
    // Browsers send line ends as two characters.
    let text = form.words.replace("\r\n", "\n");
    let done = match (form.act.as_str(), &flag) {
        ("take-charge", Some(flag)) => take_charge(record, actor, flag, at).await,
        ("call", flag) => {
            let call = form.call().ok_or(ActError::Form)?;
            match flag {
                Some(flag) => record_call(record, actor, flag, call, &text, at).await,
                None => note_call(record, actor, patient, call, &text, at).await,
            }
        }
        ("ask-repeat", flag) => {
            let vital: VitalKind = form.vital.parse().map_err(|_| ActError::Form)?;
            ask_repeat(record, actor, patient, flag.as_ref(), vital, &text, at).await
        }
        ("refer", flag) => {
            let service = form.service().ok_or(ActError::Form)?;
            refer(record, actor, patient, flag.as_ref(), service, &text, at).await
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
                // An account that was closed while the page was open.
                return Ok(Outcome::Refused(w.say("refused-account").into_owned()));
            }
            hand_over(record, actor, flag, to, &text, at).await
        }
        ("close", Some(flag)) => close(record, actor, flag, form.seen, &text, at).await,
        ("note", flag) => write_note(record, actor, patient, flag.as_ref(), &text, at).await,
        ("correct", None) => {
            let entry: i64 = form.entry.parse().map_err(|_| ActError::Form)?;
            correct(record, actor, patient, EntryId(entry), &text, at).await
        }
        _ => return Err(ActError::Form),
    };
    match done {
        Ok(()) => Ok(Outcome::Done),
        Err(error @ ActRefused::Read(_)) => Err(ActError::Diary(error)),
        Err(refused) => {
            let sentence = sentence(w, record, actor, &refused, at).await;
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
    /// Whether something is to be chosen and was not: it is said, so that what was typed comes
    /// back.
    fn is_unchosen(&self) -> bool {
        match self.act.as_str() {
            "call" => self.outcome.is_empty() || self.whom.is_empty(),
            "hand-over" => self.to.is_empty(),
            "refer" => self.service.is_empty(),
            "ask-repeat" => self.vital.is_empty(),
            "snooze" => self.minutes.is_empty(),
            _ => false,
        }
    }

    /// What a patient's devices are to measure after this act, if anything.
    #[must_use]
    pub fn measures_again(&self) -> Option<VitalKind> {
        self.vital.parse().ok().filter(|_| self.act == "ask-repeat")
    }

    fn service(&self) -> Option<HomeService> {
        let mut all = HomeService::ALL.into_iter();
        all.find(|service| service.name() == self.service)
    }

    /// Where the page goes after the act: to the same patient with the same flag unfolded, and the
    /// word that it is written.
    #[must_use]
    pub fn leads_to(&self, patient: PatientId) -> String {
        let page = format!("/pazienti/{patient}");
        match self.act.as_str() {
            "correct" => format!("{page}/diario#{WRITTEN}"),
            _ if self.flag.is_empty() => format!("{page}#{WRITTEN}"),
            // The name of a flag of ours: letters, digits, dots and hyphens.
            _ => format!("{page}?su={}#{WRITTEN}", self.flag),
        }
    }

    fn call(&self) -> Option<(Whom, CallOutcome)> {
        let (_, whom) = WHOM.into_iter().find(|(name, _)| *name == self.whom)?;
        let mut outcomes = OUTCOMES.into_iter();
        let (_, outcome) = outcomes.find(|(name, _)| *name == self.outcome)?;
        Some((whom, outcome))
    }
}

async fn sentence(
    w: Words,
    record: &Database,
    actor: &Actor,
    refused: &ActRefused,
    now: WallMs,
) -> Result<String, BookError> {
    let said = match refused {
        ActRefused::Taken { by, at } | ActRefused::Closed { by, at } => {
            let key = match refused {
                ActRefused::Taken { .. } => Key("refused-taken"),
                _ => Key("refused-closed"),
            };
            let name = book::signatures(record, actor).await?.name(w, by);
            let at = words::at_time(w, *at, now);
            w.with(key, "by", name).and("at", at).to_string()
        }
        ActRefused::Over { why, at } => {
            let over = w.with("refused-over", "why", w.say(reason::ended(*why)));
            over.and("at", words::at_time(w, *at, now)).to_string()
        }
        ActRefused::News => w.say("refused-news").into_owned(),
        ActRefused::Snooze { minutes } => w.with("refused-snooze", "n", *minutes).to_string(),
        ActRefused::Words => w.with("refused-words", "most", WORDS_CHARS_MAX).to_string(),
        ActRefused::Unknown(_) => w.say("refused-unknown").into_owned(),
        ActRefused::NoEntry(_) => w.say("refused-entry").into_owned(),
        ActRefused::Read(_) => w.say("refused-diary").into_owned(),
    };
    Ok(said)
}
