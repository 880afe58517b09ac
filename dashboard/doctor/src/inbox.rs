//! The doctor's list: who was taken to hospital, and alerts of their own patients that are open, or
//! passed since they last looked, the worst first, each with what the centre has done and the
//! answers at hand.
//!
//! Every patient on it is in the access log before it is shown. It is complete without scripts.
//! What it asks of the record grows with what it shows, not with how many patients there are.

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use serde::Deserialize;
use veglia_diary::standings_among;
use veglia_people::staff::{self, Role};
use veglia_view::{PatientId, Severity, WallMs};
use veglia_words::{Key, Words};

use crate::acts::{ANSWERS, ActForm, NOTE_CHARS_MAX};
use crate::admission::{Admission, AdmissionView, unseen};
use crate::desk::{Desk, DoctorError, Own, form_name};
use crate::found::{Found, add_stories, among};
use crate::once::answered;
use crate::say;

/// Alerts on the page: more than anybody answers between two visits. The others follow as these
/// are answered, and the page says how many they are.
const SHOWN_MAX: usize = 60;

/// Admissions on the page; the others follow as these are seen.
const ADMITTED_MAX: usize = 30;

/// What was done about one alert, at most so many lines: the whole is in the diary.
const DONE_MAX: usize = 6;

const PURPOSE: &str = "patient.inbox";

/// What an address of the list says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct InboxQuery {
    /// Which answer was just written.
    #[serde(default)]
    pub fatto: String,
}

/// The list, to be framed by a door.
#[derive(Template)]
#[template(path = "inbox.html")]
pub struct InboxPage {
    w: Words,
    form: String,
    /// That something was written.
    done: Option<Key>,
    /// Why something was not.
    refused: Option<String>,
    /// What was typed about an alert that is not on the list any more.
    orphan: Option<String>,
    admitted: Vec<AdmissionView>,
    alerts: Vec<AlertView>,
    left_out: usize,
    /// The doctors for whom the reader stands in.
    in_place_of: Vec<String>,
    patients: usize,
    /// What is said when there are none.
    no_patients: Key,
    note_max: usize,
}

struct AlertView {
    place: usize,
    flag: String,
    patient: String,
    name: String,
    in_place_of: Option<String>,
    kind: &'static str,
    mark: &'static str,
    severity: Key,
    telling: u32,
    why: String,
    /// Since when, absolute and as an age.
    since: String,
    age: String,
    is_new: bool,
    over: Option<String>,
    /// Who has it, or that nobody has.
    charge: String,
    done: Vec<String>,
    typed: String,
}

impl InboxPage {
    /// The list as it is now.
    ///
    /// # Errors
    /// See [`DoctorError`].
    pub async fn load(desk: Desk<'_>, query: &InboxQuery) -> Result<Self, DoctorError> {
        let own = desk.own().await?;
        let of: HashMap<PatientId, &Own> = own.iter().map(|it| (it.patient, it)).collect();
        let all: Vec<PatientId> = own.iter().map(|it| it.patient).collect();
        let mut admitted = admitted(desk, &all).await?;
        let mut alerts = among(desk, &all).await?;
        alerts.retain(Found::is_listed);
        alerts.sort_by_key(order);
        let left_out =
            alerts.len().saturating_sub(SHOWN_MAX) + admitted.len().saturating_sub(ADMITTED_MAX);
        alerts.truncate(SHOWN_MAX);
        admitted.truncate(ADMITTED_MAX);
        let shown = alerts.iter().map(|it| it.flag.id.patient);
        let mut shown: Vec<_> = shown.chain(admitted.iter().map(|it| it.patient)).collect();
        shown.sort_unstable();
        shown.dedup();
        desk.looks_at(PURPOSE, shown).await?;
        add_stories(desk, alerts.iter_mut()).await?;
        let names = staff::signatures(desk.record, &desk.who.actor()).await;
        let names = names.map_err(DoctorError::People)?;
        let views = alerts.iter().enumerate().filter_map(|(place, it)| {
            let own = of.get(&it.flag.id.patient)?;
            Some(view(desk, place, own, it, &names))
        });
        let admissions = admitted.into_iter().filter_map(|it| {
            let own = of.get(&it.patient)?;
            Some(AdmissionView::new(desk, own, it))
        });
        let mut in_place_of: Vec<String> =
            own.iter().filter_map(|it| it.in_place_of.clone()).collect();
        in_place_of.sort_unstable();
        in_place_of.dedup();
        Ok(Self {
            w: desk.words(),
            form: form_name()?,
            done: written(&query.fatto),
            refused: None,
            orphan: None,
            admitted: admissions.collect(),
            alerts: views.collect(),
            left_out,
            in_place_of,
            patients: own.len(),
            no_patients: match desk.who.role {
                Role::HospitalDoctor => Key("inbox-no-patients-unit"),
                _ => Key("inbox-no-patients"),
            },
            note_max: NOTE_CHARS_MAX,
        })
    }

    /// The same list with why a form about a patient was not written, and what was typed still in
    /// its field.
    #[must_use]
    pub fn refusing(mut self, patient: PatientId, sentence: String, form: ActForm) -> Self {
        self.refused = Some(sentence);
        let alerts = self.alerts.iter_mut().filter(|it| it.flag == form.flag);
        let admitted = self.admitted.iter_mut();
        let admitted = admitted.filter(|it| it.is_of(patient, &form.admission));
        let alerts = alerts.map(|it| &mut it.typed);
        let mut fields = alerts.chain(admitted.map(|it| &mut it.typed));
        match fields.next() {
            Some(field) => *field = form.words,
            None => self.orphan = Some(form.words).filter(|words| !words.trim().is_empty()),
        }
        self
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("inbox-title").into_owned()
    }
}

/// Who was taken to hospital and is not known to be read of, the newest first.
async fn admitted(desk: Desk<'_>, among: &[PatientId]) -> Result<Vec<Admission>, DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let written = standings_among(record, &actor, among).await;
    let written = written.map_err(DoctorError::Diary)?;
    let moved: Vec<PatientId> = written.keys().copied().collect();
    let answered = answered(desk, &moved).await?;
    let unseen = written
        .values()
        .filter_map(|it| unseen(it, &answered, desk.now));
    let mut admitted: Vec<Admission> = unseen.collect();
    admitted.sort_by_key(|it| (Reverse(it.at), it.patient));
    Ok(admitted)
}

/// What is open before what is over, the graver first, what is new before what was seen, and of
/// equals the one that waits longest.
fn order(found: &Found) -> (bool, Reverse<Severity>, bool, WallMs, PatientId) {
    (
        !found.is_open,
        Reverse(found.flag.severity),
        found.is_seen(),
        found.raised_at,
        found.flag.id.patient,
    )
}

fn view(
    desk: Desk<'_>,
    place: usize,
    own: &Own,
    found: &Found,
    names: &HashMap<String, String>,
) -> AlertView {
    let (words, now) = (desk.words(), desk.now);
    let (kind, mark, severity) = say::severity(found.flag.severity);
    let over = found.ended.map(|(why, at)| {
        let time = words.language.hour_of(at, now);
        let why = words.say(say::ended(why));
        words
            .with("inbox-over", "why", why)
            .and("time", time)
            .to_string()
    });
    let done = found.acts.iter().take(DONE_MAX);
    AlertView {
        place,
        flag: found.flag.id.to_string(),
        patient: own.patient.to_string(),
        name: own.name.clone(),
        in_place_of: own.in_place_of.clone(),
        kind,
        mark,
        severity,
        telling: found.flag.telling,
        why: say::why(words, &found.flag, now),
        since: words.language.hour_of(found.raised_at, now),
        age: say::span(words, now.since(found.raised_at)),
        is_new: !found.is_seen(),
        over,
        charge: charge(desk, found, names),
        done: done.map(|act| say::did(words, act, names, now)).collect(),
        typed: String::new(),
    }
}

/// Who has the alert.
fn charge(desk: Desk<'_>, found: &Found, names: &HashMap<String, String>) -> String {
    let words = desk.words();
    let time = |at: WallMs| words.language.hour_of(at, desk.now);
    let state = found.alert.as_ref().map(|alert| &alert.state);
    let Some(state) = state else {
        return words.say("charge-closed").into_owned();
    };
    let hold = state.hold.as_ref().filter(|hold| desk.now < hold.until);
    if let Some(hold) = hold {
        if hold.by == desk.who.actor().to_string() {
            return words
                .with("charge-own", "time", time(hold.until))
                .to_string();
        }
        let who = say::signed(words, &hold.by, names);
        let said = words.with("charge-of", "who", who);
        return said.and("time", time(hold.until)).to_string();
    }
    match &state.snooze {
        Some(snooze) => {
            let who = say::signed(words, &snooze.by, names);
            let said = words.with("charge-quiet", "who", who);
            said.and("time", time(snooze.until)).to_string()
        }
        None => words.say("charge-nobody").into_owned(),
    }
}

/// That an answer was written.
fn written(act: &str) -> Option<Key> {
    let known = ANSWERS.iter().any(|(name, _)| *name == act);
    known.then_some(match act {
        "seen" => Key("written-seen"),
        "visited" => Key("written-visited"),
        "back" => Key("written-back"),
        _ => Key("written-called"),
    })
}
