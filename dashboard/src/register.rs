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
use veglia_people::{CodiceFiscale, PersonId, in_italy, patients};
use veglia_store::{Access, AccessLog, Accessed, Asked, TxError};
use veglia_ward::why_in_words;
use veglia_wire::WallMs;

use crate::Shell;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

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
    patient: String,
    reader: String,
    fault: Option<&'static str>,
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
    log: AccessLog,
}

/// `GET /registro`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Query(wanted): Query<Wanted>,
) -> Response {
    match load(&shell, &user, wanted).await {
        Ok(page) => framed(&user, &page),
        Err(error) => pages::unavailable("the register of accesses was not read", &error),
    }
}

/// `POST /registro/verifica`: the whole chain, which takes a while.
async fn verified(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match shell.record.check_access_log(&user.actor()).await {
        Ok(log) => framed(&user, &VerifiedPage { log }),
        Err(error) => pages::unavailable("the register of accesses was not verified", &error),
    }
}

async fn load(shell: &Shell, user: &Staff, wanted: Wanted) -> Result<RegisterPage, TxError> {
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
    let who = |signed: &str| signed_by(signed, &names, &roles);
    let mut readers: Vec<(String, String)> = names
        .keys()
        .map(|signed| (signed.clone(), who(signed)))
        .collect();
    readers.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    let glasses = glass::broken(record, actor, GLASSES).await?;
    let is_full = u64::try_from(entries.len()).unwrap_or(SHOWN) >= SHOWN;
    Ok(RegisterPage {
        patient: subject.unwrap_or_default(),
        reader: wanted.utente,
        fault: unknown.then_some(
            "Né un numero di paziente (16 cifre esadecimali) né un codice fiscale in archivio.",
        ),
        older: entries.last().filter(|_| is_full).map(|it| it.number),
        lines: entries.into_iter().map(|it| line(it, &who)).collect(),
        glasses: glasses.into_iter().map(|it| broken(it, &who)).collect(),
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

fn line(entry: Accessed, who: &impl Fn(&str) -> String) -> LineView {
    LineView {
        number: entry.number,
        at: in_italy(WallMs(entry.at_ms)),
        who: who(&entry.actor),
        what: why_in_words(&entry.purpose),
        subject: entry.subject,
    }
}

fn broken(it: Broken, who: &impl Fn(&str) -> String) -> GlassView {
    GlassView {
        at: in_italy(it.at),
        until: in_italy(it.until),
        who: who(&it.by),
        patient: it.patient.to_string(),
        why: it.why,
    }
}

fn signed_by(
    signed: &str,
    names: &HashMap<String, String>,
    roles: &HashMap<String, Role>,
) -> String {
    match (names.get(signed), roles.get(signed)) {
        (Some(name), Some(role)) => format!("{name} ({})", role.word()),
        (Some(name), None) => name.clone(),
        _ => signed.to_owned(),
    }
}

fn framed(user: &Staff, body: &impl Template) -> Response {
    Page {
        title: "Registro degli accessi",
        user: Some(user),
        section: Section::Register,
        modules: &[],
        body,
    }
    .answer(StatusCode::OK)
}
