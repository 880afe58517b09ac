//! The list of calls: whom to call next, why, since when, and what comes next.
//!
//! The list shows names and reasons, as the ward does. Telephone numbers stand only beside the
//! patient whom the reader has claimed: claiming is a look at one patient, and is written.
//!
//! Limits: [`LINES_MAX`] lines, the most urgent; the page says how many there are.

use std::collections::HashMap;

use askama::Template;
use veglia_diary::{ActKind, Written, diary_of};
use veglia_people::background;
use veglia_people::{PersonId, patients, staff};
use veglia_store::Actor;
use veglia_view::{PatientId, Severity, WallMs};
use veglia_words::{Key, Words};

use crate::attempt::{Attempt, Came, Claim, Whom};
use crate::desk::{Desk, IntakeError, person_of};
use crate::due::Due;
use crate::known::Known;
use crate::line::Loose;
use crate::said::CallId;
use crate::words;

/// Lines on the page: more than a shift can call. The most urgent stay.
pub const LINES_MAX: usize = 60;

/// How far back calls are looked for that are not on their way.
const LOOSE_MS: i64 = 24 * 3_600_000;

/// Calls on the page of which nobody knows whether they arrived. An outbox that was lost leaves
/// behind as many as a day has.
const LOST_MAX: usize = 20;

/// Lines of the diary looked through for what became of a message.
const DIARY_LINES: u64 = 50;

/// Who asks patients by message to measure again.
const ASKING: Actor = Actor::System("asking");

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "calls.html")]
pub struct CallsPage {
    w: Words,
    problem: Option<String>,
    now: String,
    /// How many records wait for ingest.
    waiting: u64,
    is_closed: bool,
    /// Calls that were kept and are not on their way.
    stuck: Vec<LooseView>,
    /// Calls of which nobody knows whether they arrived: the newest, and how many others.
    lost: Vec<LooseView>,
    more_lost: usize,
    /// People whose last values ingest does not tell.
    unknown: usize,
    /// People followed by telephone whom nobody looked at.
    not_looked_at: usize,
    lines: Vec<LineView>,
    left_out: usize,
}

/// A call that somebody has to look after.
struct LooseView {
    patient: PatientId,
    call: CallId,
    at: String,
}

struct LineView {
    patient: PatientId,
    name: String,
    code: &'static str,
    severity: Key,
    reasons: Vec<String>,
    since: String,
    /// Whom to call.
    step: Key,
    /// From when on, if not now.
    from: Option<String>,
    tried: Vec<String>,
    claim: ClaimView,
}

/// Who has a line, as seen by the reader.
enum ClaimView {
    Nobody,
    Other(String),
    Reader(Box<Callee>),
}

/// Whom the reader calls.
struct Callee {
    /// The name of the form.
    form: CallId,
    whom: String,
    name: String,
    phone: Option<String>,
    is_patient: bool,
    is_emergency: bool,
}

impl CallsPage {
    /// The list as it is now.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn load(desk: Desk<'_>, problem: Option<String>) -> Result<Self, IntakeError> {
        let known = Known::read(desk).await?;
        let (actor, w) = (desk.who.actor(), desk.w());
        let mut order: Vec<(PatientId, &Due)> = known
            .due
            .iter()
            .map(|(patient, due)| (*patient, due))
            .collect();
        order.sort_by_key(|(patient, due)| {
            let is_later = due.from > desk.now;
            (
                is_later,
                std::cmp::Reverse(due.severity),
                due.from,
                *patient,
            )
        });
        let left_out = order.len().saturating_sub(LINES_MAX);
        order.truncate(LINES_MAX);
        let people = order.iter().filter_map(|(patient, _)| person_of(*patient));
        let people: Vec<PersonId> = people.collect();
        let names = patients::names_of(desk.record, &actor, &people).await;
        let names = names.map_err(IntakeError::Person)?;
        let signed = staff::signatures(desk.record, &actor).await;
        let signed = signed.map_err(IntakeError::Record)?;
        let mut lines = Vec::with_capacity(order.len());
        for (patient, due) in order {
            let name = person_of(patient).and_then(|person| names.get(&person));
            let claim = known.claim(desk, patient, due, &signed).await?;
            let tried = known.book.of(patient).iter().rev().take(4);
            let reasons = due.reasons.iter().map(|it| it.words.clone());
            let message = message(desk, patient, due).await?;
            lines.push(LineView {
                patient,
                name: match name {
                    Some(name) => name.to_string(),
                    None => {
                        let unnamed = w.with("list-patient-number", "number", patient.to_string());
                        unnamed.to_string()
                    }
                },
                code: words::severity_code(due.severity),
                severity: words::severity(due.severity),
                reasons: reasons.chain(message).collect(),
                since: words::time(due.since, desk.now, w),
                step: step(due.next),
                from: (due.from > desk.now).then(|| words::at_time(due.from, desk.now, w)),
                tried: tried.map(|it| told(it, &signed, desk.now, w)).collect(),
                claim,
            });
        }
        let (stuck, lost, more_lost) = loose(desk).await?;
        Ok(Self {
            w,
            problem,
            stuck,
            lost,
            more_lost,
            unknown: known.unknown,
            not_looked_at: known.not_looked_at,
            now: words::time(desk.now, desk.now, w),
            waiting: desk.line.map_or(0, |line| line.status().waiting()),
            is_closed: desk.line.is_none(),
            lines,
            left_out,
        })
    }
}

impl CallsPage {
    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("list-title").into_owned()
    }
}

impl Known {
    /// Who has a line; with the number to call when it is the reader.
    async fn claim(
        &self,
        desk: Desk<'_>,
        patient: PatientId,
        due: &Due,
        signed: &HashMap<String, String>,
    ) -> Result<ClaimView, IntakeError> {
        let Some(Claim { by, since, .. }) = self.book.claim(patient) else {
            return Ok(ClaimView::Nobody);
        };
        if *by != desk.who.actor().to_string() {
            let w = desk.w();
            let who = w.with("since-who", "who", words::signed(by, signed));
            let who = who.and("since", words::time(*since, desk.now, w));
            return Ok(ClaimView::Other(who.to_string()));
        }
        // It was written as a look at the patient when it was claimed.
        let Some(person) = person_of(patient) else {
            return Ok(ClaimView::Nobody);
        };
        let person = patients::get(desk.record, &desk.who.actor(), person).await;
        let person = person.map_err(IntakeError::Person)?;
        let sheet = self.sheets.get(&patient);
        let (name, phone) = match due.next {
            Whom::Patient => {
                let details = person.as_ref().map(|it| &it.details);
                let phone = details.map(|it| it.phone.as_str().to_owned());
                (person.as_ref().map(words::name), phone)
            }
            Whom::Contact(place) => other(sheet.and_then(|it| it.others.get(place))),
            Whom::KeyHolder => other(sheet.map(|it| &it.key_holder)),
            Whom::Emergency => (Some("112".to_owned()), Some("112".to_owned())),
        };
        Ok(ClaimView::Reader(Box::new(Callee {
            form: CallId::random().map_err(IntakeError::Random)?,
            whom: due.next.code(),
            name: name.unwrap_or_default(),
            phone: phone.filter(|it| !it.is_empty()),
            is_patient: due.next == Whom::Patient,
            is_emergency: due.next == Whom::Emergency,
        })))
    }
}

/// Calls that are not on their way, the newest of those of which nobody knows, and how many of
/// these are not among them.
async fn loose(desk: Desk<'_>) -> Result<(Vec<LooseView>, Vec<LooseView>, usize), IntakeError> {
    let loose = match desk.line {
        Some(line) => {
            let since = desk.now.plus_ms(-LOOSE_MS);
            line.loose(&desk.who.actor(), since).await
        }
        None => Ok(Vec::new()),
    };
    let loose = loose.map_err(IntakeError::Record)?.into_iter();
    let (lost, stuck): (Vec<Loose>, Vec<Loose>) = loose.partition(|it| it.is_lost);
    let more_lost = lost.len().saturating_sub(LOST_MAX);
    let view = |it: Loose| LooseView {
        patient: it.patient,
        call: it.call,
        at: words::at_time(it.at, desk.now, desk.w()),
    };
    let lost = lost.into_iter().rev().take(LOST_MAX).map(view);
    let lost = lost.collect();
    Ok((stuck.into_iter().map(view).collect(), lost, more_lost))
}

fn other(other: Option<&background::Other>) -> (Option<String>, Option<String>) {
    let name = other.map(|it| it.name.clone());
    (name, other.map(|it| it.phone.clone()))
}

/// What became of the message that asked a patient with a red to measure again, as the machine
/// wrote it: a landline gets none, and one that did not arrive asks for a call.
async fn message(
    desk: Desk<'_>,
    patient: PatientId,
    due: &Due,
) -> Result<Option<String>, IntakeError> {
    if due.severity != Severity::Red {
        return Ok(None);
    }
    let range = due.since..desk.now.plus_ms(1);
    let actor = desk.who.actor();
    let lines = diary_of(desk.record, &actor, patient, range, DIARY_LINES).await;
    let lines = lines.map_err(IntakeError::Diary)?.into_iter();
    let mut notes = lines.filter_map(|line| match line.what {
        Written::Act(act) if act.kind == ActKind::Note => Some(act),
        _ => None,
    });
    let note = notes.find(|note| note.by == ASKING.to_string());
    Ok(note.map(|note| note.words))
}

fn told(attempt: &Attempt, signed: &HashMap<String, String>, now: WallMs, w: Words) -> String {
    w.with("told", "when", words::time(attempt.at, now, w))
        .and("whom", w.say(whom_name(attempt.whom)))
        .and("came", came_name(attempt.came, now, w))
        .and("who", words::signed(&attempt.by, signed))
        .to_string()
}

pub(crate) fn whom_name(whom: Whom) -> Key {
    match whom {
        Whom::Patient => Key("whom-patient"),
        Whom::Contact(_) => Key("whom-contact"),
        Whom::KeyHolder => Key("whom-key-holder"),
        Whom::Emergency => Key("whom-112"),
    }
}

pub(crate) fn came_name(came: Came, now: WallMs, w: Words) -> String {
    let key = match came {
        Came::Answered => Key("came-answered"),
        Came::NoAnswer => Key("came-no-answer"),
        Came::Busy => Key("came-busy"),
        Came::Later(at) => {
            let at = words::at_time(at, now, w);
            return w.with("came-later", "at", at).to_string();
        }
    };
    w.say(key).into_owned()
}

fn step(whom: Whom) -> Key {
    match whom {
        Whom::Patient => Key("step-patient"),
        Whom::Contact(_) => Key("step-contact"),
        Whom::KeyHolder => Key("step-key-holder"),
        Whom::Emergency => Key("step-112"),
    }
}
