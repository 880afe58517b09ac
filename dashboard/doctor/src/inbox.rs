//! The doctor's list: alerts of their own patients that are open, or passed since they last
//! looked, the worst first, each with what the centre has done and the answers at hand.
//!
//! Every patient on it is in the access log before it is shown. It is complete without scripts.

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use serde::Deserialize;
use veglia_people::staff;
use veglia_view::{Severity, WallMs};
use veglia_words::{Key, Words};

use crate::acts::{ANSWERS, ActForm, NOTE_CHARS_MAX};
use crate::desk::{Desk, DoctorError, Own, form_name};
use crate::found::{Found, found};
use crate::say;

/// Alerts on the page: more than anybody answers between two visits. The others follow as these
/// are answered, and the page says how many they are.
const SHOWN_MAX: usize = 60;

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
    alerts: Vec<AlertView>,
    left_out: usize,
    /// The doctors for whom the reader stands in.
    in_place_of: Vec<String>,
    patients: usize,
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
        let mut all: Vec<(&Own, Found)> = Vec::new();
        for patient in &own {
            let listed = found(desk, patient.patient).await?.into_iter();
            all.extend(listed.filter(Found::is_listed).map(|it| (patient, it)));
        }
        all.sort_by_key(|(_, it)| order(it));
        let left_out = all.len().saturating_sub(SHOWN_MAX);
        all.truncate(SHOWN_MAX);
        let mut shown: Vec<_> = all.iter().map(|(patient, _)| patient.patient).collect();
        shown.sort_unstable();
        shown.dedup();
        desk.looks_at(PURPOSE, shown).await?;
        let names = staff::signatures(desk.record, &desk.who.actor()).await;
        let names = names.map_err(DoctorError::People)?;
        let views = all.iter().enumerate();
        let views = views.map(|(place, (own, it))| view(desk, place, own, it, &names));
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
            alerts: views.collect(),
            left_out,
            in_place_of,
            patients: own.len(),
            note_max: NOTE_CHARS_MAX,
        })
    }

    /// The same list with why a form was not written, and what was typed still in its field.
    #[must_use]
    pub fn refusing(mut self, sentence: String, form: ActForm) -> Self {
        self.refused = Some(sentence);
        let mut alerts = self.alerts.iter_mut();
        match alerts.find(|it| it.flag == form.flag) {
            Some(alert) => alert.typed = form.words,
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

/// What is open before what is over, the graver first, what is new before what was seen, and of
/// equals the one that waits longest.
fn order(found: &Found) -> (bool, Reverse<Severity>, bool, WallMs) {
    (
        !found.is_open,
        Reverse(found.flag.severity),
        found.is_seen(),
        found.raised_at,
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
