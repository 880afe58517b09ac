//! *Accesso urgente*: breaking the glass, as a form with a reason.
//!
//! The right is written together with its entry in the access log
//! ([`veglia_people::care::glass`]); then a note in the person's diary says who asked and why. Only
//! whoever knows a *Codice Fiscale* learns whether it is known: that they asked is in the log, and
//! counted.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use veglia_diary::{ActRefused, write_note};
use veglia_people::care::WHY_CHARS_MAX;
use veglia_people::care::glass::{self, GLASSES_MAX, Glass, GlassError, WHY_CHARS_MIN};
use veglia_people::staff::Staff;
use veglia_people::{CodiceFiscale, PersonId};
use veglia_view::PatientId;
use veglia_words::{Key, Words};

use crate::Shell;
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::paging::person_of;
use crate::session::CurrentUser;

const PAGE: &str = "/accesso-urgente";

const UNKNOWN: Key = Key("glass-unknown");

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![(PAGE, get(asked).post(broken))]
}

/// Whom the form is about, when it was opened from a page.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    paziente: String,
}

#[derive(Deserialize)]
struct Filled {
    #[serde(default)]
    paziente: String,
    #[serde(default)]
    codice_fiscale: String,
    #[serde(default)]
    motivo: String,
}

#[derive(Template)]
#[template(path = "glass.html")]
struct GlassPage<'a> {
    w: Words,
    patient: &'a str,
    code: &'a str,
    why: &'a str,
    code_fault: Option<Key>,
    why_fault: Option<String>,
    fault: Option<String>,
}

impl GlassPage<'_> {
    fn empty(w: Words) -> Self {
        Self {
            w,
            patient: "",
            code: "",
            why: "",
            code_fault: None,
            why_fault: None,
            fault: None,
        }
    }
}

/// What is in the way.
enum Amiss {
    Code(Key),
    Why(String),
    Other(String),
    Answer(Response),
}

/// `GET /accesso-urgente`
async fn asked(
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(About { paziente }): Query<About>,
) -> Response {
    // What is no number of ours is not shown again.
    let patient = paziente.parse::<PersonId>().map(|it| it.to_string());
    let page = GlassPage {
        patient: patient.as_deref().unwrap_or_default(),
        ..GlassPage::empty(WORDS.speaking(language))
    };
    framed(&user, &page, StatusCode::OK)
}

/// `POST /accesso-urgente`: to the person's page, which is open for an hour.
async fn broken(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<Filled>,
) -> Response {
    let w = WORDS.speaking(language);
    let mut page = GlassPage {
        patient: &form.paziente,
        code: &form.codice_fiscale,
        why: &form.motivo,
        ..GlassPage::empty(w)
    };
    match break_it(&shell, &user, &form, w).await {
        Ok(patient) => return Redirect::to(&format!("/pazienti/{patient}")).into_response(),
        Err(Amiss::Answer(answer)) => return answer,
        Err(Amiss::Code(sentence)) => page.code_fault = Some(sentence),
        Err(Amiss::Why(sentence)) => page.why_fault = Some(sentence),
        Err(Amiss::Other(sentence)) => page.fault = Some(sentence),
    }
    framed(&user, &page, StatusCode::UNPROCESSABLE_ENTITY)
}

async fn break_it(shell: &Shell, user: &Staff, form: &Filled, w: Words) -> Result<PersonId, Amiss> {
    let said = |error| said(error, w);
    let glass = Glass::new(user, &form.motivo).map_err(said)?;
    let now = shell.care.now();
    let person = if form.paziente.is_empty() {
        let code: Result<CodiceFiscale, _> = form.codice_fiscale.parse();
        let code = code.map_err(|_| Amiss::Code(Key("glass-code-wrong")))?;
        let found = glass::find(&shell.record, user, &code, now).await;
        found.map_err(said)?.ok_or(Amiss::Code(UNKNOWN))?
    } else {
        let named = form.paziente.parse::<PatientId>().ok();
        let named = named.and_then(person_of);
        named.ok_or_else(|| Amiss::Other(w.say(UNKNOWN).into_owned()))?
    };
    let until = glass.break_for(&shell.record, person, now).await;
    until.map_err(said)?;
    tracing::warn!(staff.id = %user.id, "a glass was broken: see the page of accesses");
    let patient: PatientId = person
        .to_string()
        .parse()
        .map_err(|_| Amiss::Answer(StatusCode::INTERNAL_SERVER_ERROR.into_response()))?;
    let words = format!(
        "Accesso urgente per un’ora ({}, {}). Motivo: {}",
        user.role.word(),
        user.role.unit(),
        glass.why()
    );
    match write_note(&shell.record, &user.actor(), patient, None, &words, now).await {
        Ok(()) => Ok(person),
        Err(error) => Err(unwritten(&error)),
    }
}

fn unwritten(error: &ActRefused) -> Amiss {
    Amiss::Answer(pages::unavailable(
        "a broken glass was not written in the diary",
        error,
    ))
}

fn said(error: GlassError, w: Words) -> Amiss {
    match error {
        GlassError::Why => {
            let asked = w.with("glass-why-wrong", "min", WHY_CHARS_MIN);
            Amiss::Why(asked.and("max", WHY_CHARS_MAX).to_string())
        }
        GlassError::TooMany => {
            Amiss::Other(w.with("glass-too-many", "max", GLASSES_MAX).to_string())
        }
        GlassError::Unknown => Amiss::Other(w.say(UNKNOWN).into_owned()),
        GlassError::Role => Amiss::Answer(StatusCode::FORBIDDEN.into_response()),
        error @ GlassError::Store(_) => {
            Amiss::Answer(pages::unavailable("a glass was not broken", &error))
        }
    }
}

fn framed(user: &Staff, page: &GlassPage<'_>, status: StatusCode) -> Response {
    Page {
        title: &page.w.say("glass-title"),
        user: Some(user),
        section: Section::None,
        modules: &[],
        body: page,
    }
    .answer_in(page.w.language, status)
}
