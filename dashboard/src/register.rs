//! *Registro degli accessi*: who read whom, for the auditor: newest first, by patient or by reader;
//! the glasses that were broken, with their reasons; and whether the chain holds.
//!
//! Patients stand here by their number. The auditor reads no name and nothing clinical; whoever
//! complains names themselves by *Codice Fiscale*, which leads to the number. Reading the register
//! is written in it too, for the patient it was read about.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use std::collections::HashMap;
use veglia_people::care::glass::{self, Broken};
use veglia_people::staff::{self, Role, Staff};
use veglia_people::{CodiceFiscale, PersonId, patients};
use veglia_store::{Access, AccessLog, Accessed, Asked, TxError};
use veglia_ward::why_in_words;
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::{Shell, passkey, tokens};

const PAGE: &str = "/registro";

/// Entries on a page: a screen to scroll, not a day's work.
const SHOWN: u64 = 100;

/// Broken glasses on the page: more than a month of them.
const GLASSES: u64 = 50;

/// What stands in the log when the register is read about one patient, and about nobody.
const READ: &str = "audit.list";

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![(PAGE, get(shown)), ("/registro/verifica", post(verified))]
}

/// About whom, by whom, and before which entry.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    paziente: String,
    #[serde(default)]
    utente: String,
    #[serde(default)]
    prima: String,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    w: Words,
    patient: String,
    reader: String,
    fault: Option<Key>,
    /// Signature and name of each account.
    readers: Vec<(String, String)>,
    lines: Vec<LineView>,
    /// Where older entries are.
    older: Option<i64>,
    glasses: Vec<GlassView>,
}

struct LineView {
    number: i64,
    at: String,
    who: String,
    what: String,
    subject: String,
}

struct GlassView {
    at: String,
    until: String,
    who: String,
    patient: String,
    why: String,
}

#[derive(Template)]
#[template(path = "verified.html")]
struct VerifiedPage {
    w: Words,
    log: AccessLog,
}

/// `GET /registro`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(wanted): Query<Wanted>,
) -> Response {
    let w = WORDS.speaking(language);
    match load(&shell, &user, wanted, w).await {
        Ok(page) => framed(&user, &page, w),
        Err(error) => pages::unavailable("the register of accesses was not read", &error),
    }
}

/// `POST /registro/verifica`: the whole chain, which takes a while.
async fn verified(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    let w = WORDS.speaking(language);
    match shell.record.check_access_log(&user.actor()).await {
        Ok(log) => framed(&user, &VerifiedPage { w, log }, w),
        Err(error) => pages::unavailable("the register of accesses was not verified", &error),
    }
}

async fn load(
    shell: &Shell,
    user: &Staff,
    wanted: Wanted,
    w: Words,
) -> Result<RegisterPage, TxError> {
    let (record, actor) = (&shell.record, &user.actor());
    let typed = wanted.paziente.trim();
    let patient = patient(shell, user, typed).await?;
    let subject = patient.map(|it| it.to_string());
    let reader = Some(wanted.utente.as_str()).filter(|it| !it.is_empty());
    let unknown = !typed.is_empty() && patient.is_none();
    let asked = Asked {
        subject: subject.as_deref(),
        by: reader,
        purpose: None,
        before: wanted.prima.parse().ok(),
    };
    let access = Access {
        at_ms: shell.care.now().0,
        purpose: READ,
        subject: subject.as_deref().unwrap_or("-"),
    };
    record.log_access(actor, access).await?;
    let entries = if unknown {
        Vec::new()
    } else {
        record.accesses(actor, asked, SHOWN).await?
    };
    let names = staff::signatures(record, actor).await?;
    let roles = staff::roles(record, actor).await?;
    let who = |signed: &str| signed_by(signed, &names, &roles, w.language);
    let mut readers: Vec<(String, String)> = names
        .keys()
        .map(|signed| (signed.clone(), who(signed)))
        .collect();
    readers.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    let glasses = glass::broken(record, actor, GLASSES).await?;
    let is_full = u64::try_from(entries.len()).unwrap_or(SHOWN) >= SHOWN;
    Ok(RegisterPage {
        w,
        patient: subject.unwrap_or_default(),
        reader: wanted.utente,
        fault: unknown.then_some(Key("register-patient-unknown")),
        older: entries.last().filter(|_| is_full).map(|it| it.number),
        lines: entries.into_iter().map(|it| line(it, &who, w)).collect(),
        glasses: glasses.into_iter().map(|it| broken(it, &who, w)).collect(),
        readers,
    })
}

/// A patient's number, or whose Codice Fiscale it is.
async fn patient(shell: &Shell, user: &Staff, typed: &str) -> Result<Option<PersonId>, TxError> {
    if let Ok(code) = typed.parse::<CodiceFiscale>() {
        return patients::number_of(&shell.record, &user.actor(), &code).await;
    }
    Ok(typed.parse().ok())
}

fn line(entry: Accessed, who: &impl Fn(&str) -> String, w: Words) -> LineView {
    LineView {
        number: entry.number,
        at: w.language.moment(WallMs(entry.at_ms)),
        who: who(&entry.actor),
        what: passkey::why_in_words(&entry.purpose)
            .or_else(|| tokens::why_in_words(&entry.purpose))
            .map_or_else(
                || why_in_words(&entry.purpose, w.language),
                |key| w.say(key).into_owned(),
            ),
        subject: entry.subject,
    }
}

fn broken(it: Broken, who: &impl Fn(&str) -> String, w: Words) -> GlassView {
    GlassView {
        at: w.language.moment(it.at),
        until: w.language.moment(it.until),
        who: who(&it.by),
        patient: it.patient.to_string(),
        why: it.why,
    }
}

fn signed_by(
    signed: &str,
    names: &HashMap<String, String>,
    roles: &HashMap<String, Role>,
    language: Language,
) -> String {
    match (names.get(signed), roles.get(signed)) {
        (Some(name), Some(role)) => format!("{name} ({})", role.word_in(language)),
        (Some(name), None) => name.clone(),
        _ => signed.to_owned(),
    }
}

fn framed(user: &Staff, body: &impl Template, w: Words) -> Response {
    Page {
        title: &w.say("menu-register"),
        user: Some(user),
        section: Section::Register,
        modules: &[],
        body,
    }
    .answer_in(w.language, StatusCode::OK)
}
