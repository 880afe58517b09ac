//! What a doctor answers, one press each: to an alert seen, telephoned, visited, sent back to the
//! centre; to an admission, seen. Each is an entry of the diary in the doctor's name.
//!
//! **A family doctor's answer is also the proof that the alert was opened**: the call to them that
//! waits for it is marked as seen, so that it does not come back to the centre. A hospital is not
//! on the ladder: its answers mark nobody's calls.
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
    ActRefused, CallOutcome, WORDS_CHARS_MAX, Whom, escalate, note_call, note_once, page_seen,
    record_call, standings_of, write_note,
};
use veglia_people::care::Relation;
use veglia_people::staff;
use veglia_view::{FlagId, PatientId, WallMs};
use veglia_words::Key;

use crate::admission::{admissions, name_of};
use crate::desk::{Desk, DoctorError, Turn, is_form_name};
use crate::found::{Found, found};
use crate::once::{Claim, claim, release, was_written};
use crate::part::Part;
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
    /// About which admission, by its number; empty where it is about a flag.
    #[serde(default)]
    pub admission: String,
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
    /// Whoever asks is neither the patient's family doctor, nor stands in for them, nor of the
    /// hospital that entrusted them.
    NotTheirs,
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
    let Some(part) = relation.and_then(Part::of) else {
        return Ok(Outcome::NotTheirs);
    };
    let mut known = ANSWERS.into_iter();
    let answer = known.find(|(name, _)| *name == form.act);
    let (name, answer) = answer.ok_or(DoctorError::Form)?;
    if !is_form_name(&form.form) {
        return Err(DoctorError::Form);
    }
    // Browsers send line ends as two characters.
    let note = form.words.replace("\r\n", "\n");
    let note = note.trim();
    if let Some(fault) = fault(answer, note) {
        return Ok(Outcome::Refused(desk.words().say(fault).into_owned()));
    }
    let _turn = turn.0.lock().await;
    let said = Said { name, part, note };
    if form.admission.is_empty() {
        return about_flag(desk, patient, form, answer, said).await;
    }
    let number = form.admission.parse().map_err(|_| DoctorError::Form)?;
    match answer {
        Answer::Seen => about_admission(desk, patient, (&form.form, number), said).await,
        _ => Err(DoctorError::Form),
    }
}

/// A press: which button, by whom, with which note.
#[derive(Clone, Copy)]
struct Said<'a> {
    name: &'static str,
    part: Part,
    note: &'a str,
}

impl Said<'_> {
    /// Who acts as what, and what they typed.
    fn words(self, did: &str) -> String {
        let part = self.part.words();
        match self.note {
            "" => format!("{did} {part}."),
            note => format!("{did} {part}. {note}"),
        }
    }
}

async fn about_flag(
    desk: Desk<'_>,
    patient: PatientId,
    form: &ActForm,
    answer: Answer,
    said: Said<'_>,
) -> Result<Outcome, DoctorError> {
    let flag: FlagId = form.flag.parse().map_err(|_| DoctorError::Form)?;
    if flag.patient != patient {
        return Err(DoctorError::Form);
    }
    let flag_name = flag.to_string();
    let once = format!("{}.{}.{flag_name}", form.form, said.name);
    if was_written(desk, &once).await? {
        return Ok(Outcome::Done);
    }
    let mut all = found(desk, patient).await?.into_iter();
    let Some(found) = all.find(|it| it.flag.id == flag) else {
        return Ok(refused(desk, Key("refused-gone")));
    };
    if answer == Answer::Seen && found.flag.telling > form.seen {
        return Ok(refused(desk, Key("refused-news")));
    }
    let claimed = Claim {
        once: &once,
        patient,
        about: &flag_name,
        act: said.name,
        telling: found.flag.telling,
    };
    let row = claim(desk, &claimed).await?;
    let press = Press {
        desk,
        found: &found,
        once: &once,
        said,
    };
    let done = press.write(answer).await;
    settled(desk, row, done).await
}

/// That somebody was admitted is known to have been read.
async fn about_admission(
    desk: Desk<'_>,
    patient: PatientId,
    (form, number): (&str, i64),
    said: Said<'_>,
) -> Result<Outcome, DoctorError> {
    let name = name_of(number);
    let once = format!("{form}.{}.{patient}.{name}", said.name);
    if was_written(desk, &once).await? {
        return Ok(Outcome::Done);
    }
    let (record, actor) = (desk.record, desk.who.actor());
    let written = standings_of(record, &actor, patient).await;
    let written = written.map_err(DoctorError::Diary)?;
    if admissions(&written).iter().all(|it| it.number != number) {
        return Ok(refused(desk, Key("refused-gone")));
    }
    let claimed = Claim {
        once: &once,
        patient,
        about: &name,
        act: said.name,
        telling: 0,
    };
    let row = claim(desk, &claimed).await?;
    let words = said.words("Ricovero visto dal");
    let done = write_note(record, &actor, patient, None, &words, desk.now).await;
    settled(desk, row, judged(done)).await
}

/// What became of a press whose name was taken: it is given back unless it is written.
async fn settled(
    desk: Desk<'_>,
    row: i64,
    done: Result<Result<(), ActRefused>, DoctorError>,
) -> Result<Outcome, DoctorError> {
    if !matches!(done, Ok(Ok(()))) {
        release(desk, row).await?;
    }
    match done? {
        Ok(()) => Ok(Outcome::Done),
        Err(refused) => Ok(Outcome::Refused(sentence(desk, &refused).await?)),
    }
}

/// A refusal that a person can be told, apart from a record that does not answer.
fn judged(done: Result<(), ActRefused>) -> Result<Result<(), ActRefused>, DoctorError> {
    match done {
        Err(error @ ActRefused::Read(_)) => Err(DoctorError::Act(error)),
        done => Ok(done),
    }
}

fn refused(desk: Desk<'_>, why: Key) -> Outcome {
    Outcome::Refused(desk.words().say(why).into_owned())
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
    said: Said<'a>,
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
                let words = self.said.words("Rimandato alla Centrale dal");
                let (record, actor) = (self.desk.record, self.desk.who.actor());
                escalate(record, &actor, &self.found.flag.id, &words, self.desk.now).await
            }
        };
        if let Err(refused) = judged(written)? {
            return Ok(Err(refused));
        }
        if !self.said.part.is_called_by_the_ladder() {
            return Ok(Ok(()));
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
        let (flag, words) = (&self.found.flag.id, self.said.words(did));
        let noted = note_once(record, &actor, flag, self.once, &words, self.desk.now).await;
        noted.map(drop).map_err(ActRefused::Read)
    }

    /// A call about an alert that is still there moves it; any other is written down all the same,
    /// because it was made.
    async fn called(&self, outcome: CallOutcome) -> Result<(), ActRefused> {
        let (record, actor, now) = (self.desk.record, self.desk.who.actor(), self.desk.now);
        let call = (Whom::Patient, outcome);
        let flag = &self.found.flag.id;
        let words = self.said.words("Dal");
        if outcome != CallOutcome::NoAnswer {
            match record_call(record, &actor, flag, call, &words, now).await {
                Err(ActRefused::Closed { .. } | ActRefused::Over { .. }) => {}
                written => return written,
            }
        }
        note_call(record, &actor, flag.patient, call, &words, now).await
    }
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
