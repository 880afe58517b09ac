//! What a doctor answers to an alert, one press each: seen, telephoned, visited, sent back to the
//! centre. Each is an entry of the diary in the doctor's name.
//!
//! **Every answer is also the proof that the alert was opened**: the call to the family doctor that
//! waits for it is marked as seen, so that it does not come back to the centre.
//!
//! **The ladder.** Whoever telephones and reaches somebody has the alert, as anybody who
//! telephones; a call that nobody answered is written down and stops nothing. Seen and visited
//! stop nothing either: the centre goes on until somebody takes charge. Sent back calls the
//! centre's doctor.
//!
//! **Once.** A form has a name; the same press of the same form is one entry, however often it
//! arrives. An answer to what has changed since the page was opened is not written.

use serde::Deserialize;
use veglia_diary::{
    ActRefused, CallOutcome, LINES_MAX, WORDS_CHARS_MAX, Whom, Written, diary_of, escalate,
    note_call, note_once, page_seen, record_call,
};
use veglia_people::care::Relation;
use veglia_people::staff;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_view::{FlagId, PatientId, WallMs};
use veglia_words::Key;

use crate::desk::{Desk, DoctorError, Turn, is_form_name};
use crate::found::{Found, found};
use crate::rows::act::{ActiveModel, Column, Entity};
use crate::say;

/// Longest note of a form, in characters: what stands before it fits beside it.
pub const NOTE_CHARS_MAX: usize = WORDS_CHARS_MAX - 200;

/// A form as it was sent. A field that a form does not have is empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ActForm {
    /// The name of the form.
    #[serde(default)]
    pub form: String,
    /// About which flag.
    #[serde(default)]
    pub flag: String,
    /// Which telling of the flag the page showed.
    #[serde(default)]
    pub seen: u32,
    /// Which button: `seen`, `well`, `unwell`, `no-answer`, `help-sent`, `visited`, `back`.
    #[serde(default)]
    pub act: String,
    /// What was typed.
    #[serde(default)]
    pub words: String,
}

/// An answer to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Seen,
    Called(CallOutcome),
    Visited,
    Back,
}

/// Every answer, as forms say it.
pub(crate) const ANSWERS: [(&str, Answer); 7] = [
    ("seen", Answer::Seen),
    ("well", Answer::Called(CallOutcome::Well)),
    ("unwell", Answer::Called(CallOutcome::Unwell)),
    ("no-answer", Answer::Called(CallOutcome::NoAnswer)),
    ("help-sent", Answer::Called(CallOutcome::HelpSent)),
    ("visited", Answer::Visited),
    ("back", Answer::Back),
];

/// What became of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is written, now or by the same press before.
    Done,
    /// It is not, and this sentence says why and what to do.
    Refused(String),
    /// Whoever asks is not the patient's family doctor, nor stands in for them.
    NotTheirs,
}

/// Whoever acts, in the words of the record, which is kept in Italian.
fn role(relation: Relation) -> Option<&'static str> {
    match relation {
        Relation::FamilyDoctor => Some("medico di famiglia"),
        Relation::Substitute => Some("sostituto del medico di famiglia"),
        _ => None,
    }
}

/// Does what a form asks, in the name of whoever sent it.
///
/// # Errors
/// See [`DoctorError`]; then nobody knows what became of it.
pub async fn act(
    desk: Desk<'_>,
    turn: &Turn,
    patient: PatientId,
    relation: Option<Relation>,
    form: &ActForm,
) -> Result<Outcome, DoctorError> {
    let Some(role) = relation.and_then(role) else {
        return Ok(Outcome::NotTheirs);
    };
    let flag: FlagId = form.flag.parse().map_err(|_| DoctorError::Form)?;
    let mut known = ANSWERS.into_iter();
    let answer = known.find(|(name, _)| *name == form.act);
    let (name, answer) = answer.ok_or(DoctorError::Form)?;
    if flag.patient != patient || !is_form_name(&form.form) {
        return Err(DoctorError::Form);
    }
    // Browsers send line ends as two characters.
    let note = form.words.replace("\r\n", "\n");
    let note = note.trim();
    if let Some(fault) = fault(answer, note) {
        return Ok(Outcome::Refused(desk.words().say(fault).into_owned()));
    }
    let _turn = turn.0.lock().await;
    let once = format!("{}.{name}.{flag}", form.form);
    if was_written(desk, &once).await? {
        return Ok(Outcome::Done);
    }
    let mut all = found(desk, patient).await?.into_iter();
    let Some(found) = all.find(|it| it.flag.id == flag) else {
        return Ok(Outcome::Refused(
            desk.words().say("refused-gone").into_owned(),
        ));
    };
    if answer == Answer::Seen && found.flag.telling > form.seen {
        return Ok(Outcome::Refused(
            desk.words().say("refused-news").into_owned(),
        ));
    }
    let row = claim(desk, &once, name, &found).await?;
    let press = Press {
        desk,
        found: &found,
        once: &once,
        role,
        note,
    };
    let done = press.write(answer).await;
    if !matches!(done, Ok(Ok(()))) {
        release(desk, row).await?;
    }
    match done? {
        Ok(()) => Ok(Outcome::Done),
        Err(refused) => Ok(Outcome::Refused(sentence(desk, &refused).await?)),
    }
}

/// What is wrong with what was typed.
fn fault(answer: Answer, note: &str) -> Option<Key> {
    let is_odd = |letter: char| letter.is_control() && letter != '\n';
    if note.chars().count() > NOTE_CHARS_MAX || note.contains(is_odd) {
        return Some(Key("refused-words"));
    }
    (answer == Answer::Back && note.is_empty()).then_some(Key("refused-why"))
}

/// One press, about to be written.
struct Press<'a> {
    desk: Desk<'a>,
    found: &'a Found,
    once: &'a str,
    role: &'static str,
    note: &'a str,
}

impl Press<'_> {
    /// The entry, and then that the call was seen: a call that is marked while the diary says
    /// nothing would be a lie.
    async fn write(&self, answer: Answer) -> Result<Result<(), ActRefused>, DoctorError> {
        let written = match answer {
            Answer::Seen => self.noted("Visto dal").await,
            Answer::Visited => self.noted("Visitato dal").await,
            Answer::Called(outcome) => self.called(outcome).await,
            Answer::Back => {
                let words = self.words("Rimandato alla Centrale dal");
                let (record, actor) = (self.desk.record, self.desk.who.actor());
                escalate(record, &actor, &self.found.flag.id, &words, self.desk.now).await
            }
        };
        match written {
            Ok(()) => {}
            Err(error @ ActRefused::Read(_)) => return Err(DoctorError::Act(error)),
            Err(refused) => return Ok(Err(refused)),
        }
        let (record, actor) = (self.desk.record, self.desk.who.actor());
        for page in &self.found.unseen {
            let seen = page_seen(record, &actor, *page, self.desk.now).await;
            seen.map_err(DoctorError::Diary)?;
        }
        Ok(Ok(()))
    }

    async fn noted(&self, did: &str) -> Result<(), ActRefused> {
        let (record, actor) = (self.desk.record, self.desk.who.actor());
        let (flag, words) = (&self.found.flag.id, self.words(did));
        let noted = note_once(record, &actor, flag, self.once, &words, self.desk.now).await;
        noted.map(drop).map_err(ActRefused::Read)
    }

    /// A call about an alert that is still there moves it; any other is written down all the same,
    /// because it was made.
    async fn called(&self, outcome: CallOutcome) -> Result<(), ActRefused> {
        let (record, actor, now) = (self.desk.record, self.desk.who.actor(), self.desk.now);
        let call = (Whom::Patient, outcome);
        let flag = &self.found.flag.id;
        let words = self.words("Dal");
        if outcome != CallOutcome::NoAnswer {
            match record_call(record, &actor, flag, call, &words, now).await {
                Err(ActRefused::Closed { .. } | ActRefused::Over { .. }) => {}
                written => return written,
            }
        }
        note_call(record, &actor, flag.patient, call, &words, now).await
    }

    /// Who acts as what, and what they typed.
    fn words(&self, did: &str) -> String {
        match self.note {
            "" => format!("{did} {}.", self.role),
            note => format!("{did} {}. {note}", self.role),
        }
    }
}

/// Whether a press of this name is in the diary. One whose entry is not there was cut off between
/// the two, and is forgotten.
async fn was_written(desk: Desk<'_>, once: &str) -> Result<bool, DoctorError> {
    let actor = desk.who.actor();
    let row = desk.record.read_tx("doctor.pressed", &actor, move |tx| {
        let row = Entity::find().filter(Column::Once.eq(once));
        Box::pin(async move { Ok(row.one(tx).await?) })
    });
    let Some(row) = row.await.map_err(DoctorError::Record)? else {
        return Ok(false);
    };
    let patient: PatientId = row.patient.parse().map_err(|_| DoctorError::Form)?;
    let at = WallMs(row.at_ms);
    let lines = diary_of(desk.record, &actor, patient, at..at.plus_ms(1), LINES_MAX).await;
    let lines = lines.map_err(DoctorError::Diary)?;
    let by = actor.to_string();
    let is_it = |what: &Written| matches!(what, Written::Act(act) if act.by == by);
    if lines.iter().any(|line| is_it(&line.what)) {
        return Ok(true);
    }
    release(desk, row.id).await?;
    Ok(false)
}

/// Takes the name of a press.
async fn claim(desk: Desk<'_>, once: &str, name: &str, found: &Found) -> Result<i64, DoctorError> {
    let actor = desk.who.actor();
    let row = ActiveModel {
        id: NotSet,
        once: Set(once.to_owned()),
        patient: Set(found.flag.id.patient.to_string()),
        flag: Set(found.flag.id.to_string()),
        act: Set(name.to_owned()),
        actor: Set(actor.to_string()),
        telling: Set(i64::from(found.flag.telling)),
        at_ms: Set(desk.now.0),
    };
    let row = &row;
    let written = desk.record.run_tx("doctor.claim", &actor, move |tx| {
        Box::pin(async move {
            let inserted = Entity::insert(row.clone()).exec(tx).await?;
            Ok(inserted.last_insert_id)
        })
    });
    written.await.map_err(DoctorError::Record)
}

async fn release(desk: Desk<'_>, row: i64) -> Result<(), DoctorError> {
    let actor = desk.who.actor();
    let gone = desk.record.run_tx("doctor.release", &actor, move |tx| {
        Box::pin(async move {
            Entity::delete_by_id(row).exec(tx).await?;
            Ok(())
        })
    });
    gone.await.map_err(DoctorError::Record)
}

async fn sentence(desk: Desk<'_>, refused: &ActRefused) -> Result<String, DoctorError> {
    let (words, now) = (desk.words(), desk.now);
    let said = |key: Key, by: String, at: &WallMs| {
        let time = words.language.hour_of(at, now);
        words.with(key, "who", by).and("time", time).to_string()
    };
    Ok(match refused {
        ActRefused::Taken { by, at } => said(Key("refused-taken"), name(desk, by).await?, at),
        ActRefused::Closed { by, at } => said(Key("refused-closed"), name(desk, by).await?, at),
        ActRefused::Over { why, at } => {
            let why = words.say(say::ended(*why));
            said(Key("refused-over"), why.into_owned(), at)
        }
        ActRefused::News => words.say("refused-news").into_owned(),
        ActRefused::Words => words.say("refused-words").into_owned(),
        _ => words.say("refused-gone").into_owned(),
    })
}

async fn name(desk: Desk<'_>, by: &str) -> Result<String, DoctorError> {
    let names = staff::signatures(desk.record, &desk.who.actor()).await;
    let names = names.map_err(DoctorError::People)?;
    Ok(say::signed(desk.words(), by, &names))
}
