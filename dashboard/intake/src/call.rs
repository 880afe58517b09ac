//! A call with a patient: the form with its script, what is read back before saving, and what
//! became of it.
//!
//! ```text
//! CallPage ──check──▶ ReadBackPage ──save──▶ SavedPage
//!     ▲  └──faults──┐       │  └──not saved──▶ ReadBackPage, the same once more
//!     └─────────────┴─correct
//! ```
//! Every step is a form that carries all that was typed. What could not be saved is shown as it was
//! read back, to be saved again under its name. A call that was corrected has another name: if the
//! one that was read back was saved already, the correction is a new entry beside it.

use askama::Template;
use veglia_people::patients::Person;
use veglia_view::{PatientId, ScoreParameter, WallMs};
use veglia_words::{Key, Words};

use crate::desk::{Desk, IntakeError, Purpose};
use crate::form::Typed;
use crate::line::{Call, SaveError};
use crate::need::{Draft, KINDS};
use crate::number::{ASKED, Doubt};
use crate::read_back::ReadBackPage;
use crate::said::{self, CallId, Fault, Faults, Question, SIGNS, SITES, STATE};
use crate::saved::settles;
use crate::script::Script;
use crate::words;

/// How long a page that was read back may wait to be saved: longer than any call. What was said
/// before that is read back again.
const READ_BACK_MS: i64 = 2 * 3_600_000;

/// How far a page may be ahead of the clock of care, after it stepped.
const AHEAD_MS: i64 = 60_000;

/// The form, to be framed by a door.
#[derive(Template)]
#[template(path = "call.html")]
pub struct CallPage {
    w: Words,
    patient: PatientId,
    name: String,
    phone: String,
    problem: Option<String>,
    script: Script,
    signs: Vec<QuestionView>,
    state: Vec<QuestionView>,
    values: Vec<ValueView>,
    sites: Vec<(&'static str, Key, bool)>,
    kinds: Vec<(&'static str, Key, bool)>,
    need_words: String,
    need_place: String,
    need_consent: bool,
    note: String,
    /// The name of the call.
    call: String,
}

/// A question, and what was answered so far.
struct QuestionView {
    field: &'static str,
    words: Key,
    is_wanted: bool,
    fault: Option<String>,
    /// Value, words, whether it was chosen.
    answers: Vec<(i32, Key, bool)>,
    is_open: bool,
}

/// A number to be typed.
struct ValueView {
    field: &'static str,
    label: Key,
    unit: Key,
    hint: Key,
    is_wanted: bool,
    /// The last that is known.
    last: String,
    typed: String,
    fault: Option<String>,
    /// Whether it may be said to be right: an unusual value; and the value in words.
    unusual: Option<String>,
}

/// What is answered to a form.
pub enum Answered {
    /// The form again: something has to be asked again.
    Asked(Box<CallPage>),
    /// The form again, to be corrected.
    Corrected(Box<CallPage>),
    /// The form again: another call was saved under this name.
    Other(Box<CallPage>),
    /// To be saved again: not all of it could be.
    Unsaved(Box<ReadBackPage>),
    /// To be read back.
    ReadBack(Box<ReadBackPage>),
    /// It is saved; this is its name.
    Saved(CallId),
}

impl CallPage {
    /// The empty form of a patient; `None` when nobody is registered under this number.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, IntakeError> {
        let Some(person) = desk.open(patient, Purpose::Call).await? else {
            return Ok(None);
        };
        let typed = Typed::default().with("need_place", person.details.address.clone());
        let ask = Ask {
            patient,
            person: &person,
            typed: &typed,
            w: desk.w(),
        };
        let call = CallId::random().map_err(IntakeError::Random)?;
        Ok(Some(ask.form(desk, &Faults::new(), None, &call).await?))
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("call-title", "name", &self.name).to_string()
    }
}

/// Does what a form of a call asks; `None` when nobody is registered under this number.
///
/// # Errors
/// See [`IntakeError`].
pub async fn answer(
    desk: Desk<'_>,
    patient: PatientId,
    typed: Typed,
) -> Result<Option<Answered>, IntakeError> {
    let Some(person) = desk.open(patient, Purpose::Call).await? else {
        return Ok(None);
    };
    let ask = Ask {
        patient,
        person: &person,
        typed: &typed,
        w: desk.w(),
    };
    let call: CallId = typed.get("call").parse().map_err(|_| IntakeError::Form)?;
    let answered = match typed.get("step") {
        "check" => ask.check(desk, &call).await?,
        "correct" => {
            let call = CallId::random().map_err(IntakeError::Random)?;
            let page = ask.form(desk, &Faults::new(), None, &call).await?;
            Answered::Corrected(Box::new(page))
        }
        "save" => ask.save(desk, call).await?,
        _ => return Err(IntakeError::Form),
    };
    Ok(Some(answered))
}

/// A form that was sent.
pub(crate) struct Ask<'a> {
    pub(crate) patient: PatientId,
    pub(crate) person: &'a Person,
    pub(crate) typed: &'a Typed,
    pub(crate) w: Words,
}

impl Ask<'_> {
    async fn form(
        &self,
        desk: Desk<'_>,
        faults: &Faults,
        problem: Option<Key>,
        call: &CallId,
    ) -> Result<CallPage, IntakeError> {
        let (typed, patient, w) = (self.typed, self.patient, self.w);
        let plan = desk.plan(patient).await?;
        let row = desk.row(patient).await;
        let script = Script::of(desk.rules, row.as_deref(), plan.as_ref(), desk.now, w);
        let question = |it: &Question| question(it, (typed, faults), &script.wanted, w);
        let value = |it: &crate::number::Asked| {
            let last = row.as_deref().and_then(|row| row.latest(it.kind));
            let last = last.map_or_else(String::new, |it| words::latest(it, desk.now, w));
            let wanted = ScoreParameter::of_vital(it.kind);
            let fault = faults.get(it.field).copied();
            ValueView {
                field: it.field,
                label: words::vital(it.kind),
                unit: words::unit(it.kind),
                hint: words::asking(it.kind),
                is_wanted: script.wanted.contains(&wanted),
                last,
                typed: typed.get(it.field).to_owned(),
                unusual: match fault {
                    Some(Fault::Doubt(kind, Doubt::Unusual { steps, .. })) => {
                        Some(words::value(kind, steps, w))
                    }
                    _ => None,
                },
                fault: fault.map(|it| words::fault(it, w)),
            }
        };
        let is_chosen = |field: &str| !typed.get(field).is_empty();
        let problem = problem.map(|it| w.say(it).into_owned());
        Ok(CallPage {
            w,
            patient,
            name: words::name(self.person),
            phone: self.person.details.phone.as_str().to_owned(),
            problem: problem.or_else(|| asked_again(faults, w)),
            signs: SIGNS.iter().map(question).collect(),
            state: STATE.iter().map(question).collect(),
            values: ASKED.iter().map(value).collect(),
            sites: SITES
                .iter()
                .map(|(name, _, words)| (*name, *words, *name == typed.get("site")))
                .collect(),
            kinds: KINDS
                .iter()
                .map(|kind| (kind.field, kind.words, is_chosen(kind.field)))
                .collect(),
            need_words: typed.get("need_words").to_owned(),
            need_place: typed.get("need_place").to_owned(),
            need_consent: is_chosen("need_consent"),
            note: typed.get("note").to_owned(),
            call: call.to_string(),
            script,
        })
    }

    /// Asks again, or reads back.
    async fn check(&self, desk: Desk<'_>, call: &CallId) -> Result<Answered, IntakeError> {
        match said::read(self.typed) {
            Ok(said) if said.is_empty() && self.is_silent() => {
                let faults = Faults::new();
                let page = self
                    .form(desk, &faults, Some(Key("call-nothing")), call)
                    .await?;
                Ok(Answered::Asked(Box::new(page)))
            }
            Ok(said) => {
                let page = self.read_back(&said, None, call, desk.now);
                Ok(Answered::ReadBack(Box::new(page)))
            }
            Err(faults) => {
                let page = self.form(desk, &faults, None, call).await?;
                Ok(Answered::Asked(Box::new(page)))
            }
        }
    }

    /// Whether neither a need nor a note was written.
    fn is_silent(&self) -> bool {
        Draft::of(self.typed).is_none() && self.typed.get("note").is_empty()
    }

    /// Saves what was read back.
    async fn save(&self, desk: Desk<'_>, id: CallId) -> Result<Answered, IntakeError> {
        let said = match said::read(self.typed) {
            Ok(said) => said,
            Err(faults) => {
                let page = self.form(desk, &faults, None, &id).await?;
                return Ok(Answered::Asked(Box::new(page)));
            }
        };
        let at = self
            .typed
            .get("at")
            .parse()
            .map_err(|_| IntakeError::Form)?;
        let at = WallMs(at);
        let age_ms = desk.now.since(at);
        if !(-AHEAD_MS..=READ_BACK_MS).contains(&age_ms) {
            let page = self.read_back(&said, Some(Key("call-late")), &id, desk.now);
            return Ok(Answered::ReadBack(Box::new(page)));
        }
        let at = at.min(desk.now);
        let call = Call {
            id: id.clone(),
            patient: self.patient,
            at,
            need: Draft::of(self.typed),
            words: self.line_of_diary(&said),
            said: said.clone(),
        };
        let unsaved = || {
            let page = self.read_back(&said, Some(Key("call-not-saved")), &id, at);
            Answered::Unsaved(Box::new(page))
        };
        let Some(line) = desk.line else {
            return Ok(unsaved());
        };
        match line.save(&desk.who.actor(), call, desk.now).await {
            Ok(()) => {
                settles(desk, self.patient, at).await;
                Ok(Answered::Saved(id))
            }
            Err(SaveError::Other) => {
                let id = CallId::random().map_err(IntakeError::Random)?;
                let page = self
                    .form(desk, &Faults::new(), Some(Key("call-other")), &id)
                    .await?;
                Ok(Answered::Other(Box::new(page)))
            }
            Err(error) => {
                tracing::error!(error = story(&error), "a call was not saved");
                Ok(unsaved())
            }
        }
    }
}

fn question(
    question: &Question,
    (typed, faults): (&Typed, &Faults),
    wanted: &[ScoreParameter],
    w: Words,
) -> QuestionView {
    let chosen = typed.get(question.field);
    let answers = question.answers.iter();
    let answers = answers.map(|(value, words)| (*value, *words, value.to_string() == chosen));
    let answers: Vec<_> = answers.collect();
    QuestionView {
        field: question.field,
        words: question.words,
        is_wanted: match question.field {
            "oxygen" => wanted.contains(&ScoreParameter::Oxygen),
            "consciousness" => wanted.contains(&ScoreParameter::Consciousness),
            _ => false,
        },
        fault: faults.get(question.field).map(|it| words::fault(*it, w)),
        is_open: !answers.iter().any(|(.., is_chosen)| *is_chosen),
        answers,
    }
}

fn asked_again(faults: &Faults, w: Words) -> Option<String> {
    let asked = !faults.is_empty();
    asked.then(|| {
        w.with("call-asked-again", "values", faults.len())
            .to_string()
    })
}

/// An error and its causes, for one line of log.
pub(crate) fn story(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
