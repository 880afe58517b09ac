//! A form about a patient that arrives after its session has ended: nothing is done, and nothing
//! that was typed is lost.
//!
//! The answer *is* the form again, with all that was sent, on a page that says to sign in beside
//! it and to send it then. Nothing is kept at the centre or in the browser: what was typed goes
//! back to who sent it, under `no-store`, and is gone when the page is left. It works without
//! scripts. Whoever signs in signs the act: the page says so.
//!
//! Deliberately absent: forms about accounts and boxes: they hold no long words, and some hold
//! passwords.

use askama::Template;
use axum::extract::{Form, FromRequest, Request};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use veglia_words::{Language, Words};

use crate::language::{Spoken, WORDS};
use crate::login;
use crate::pages::{Page, Section};

/// Texts longer than this, or with line ends, are shown to be read; so is every note.
const LINE_CHARS: usize = 60;

/// The fields that people write notes in, whatever their length.
const WRITTEN: [&str; 3] = ["words", "why", "motivo"];

/// The same, one for each patient of a handover.
const WRITTEN_OF_EACH: &str = "words-";

/// The fields that are long and nobody writes: the name of an alert, whom a page showed.
const NAMED: [&str; 2] = ["flag", "shown"];

/// What begins the addresses whose forms are given back: of one patient, of handovers, of a family
/// doctor, and of whoever asks for urgent access.
const PATIENTS: &str = "/pazienti/";
const HANDOVERS: [&str; 4] = [
    "/passaggio-consegne",
    "/notte",
    "/medico",
    "/accesso-urgente",
];

#[derive(Template)]
#[template(path = "lost.html")]
struct LostPage {
    w: Words,
    /// Where the form is sent.
    action: String,
    /// The sign-in page, which leads back to the patient.
    sign_in: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    value: String,
    /// Whether people read it; the others go along unseen.
    is_read: bool,
}

/// Whether a request is a form about a patient, or about several.
pub(crate) fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    let path = request.uri().path();
    is_form && (path.starts_with(PATIENTS) || handover(path).is_some())
}

/// The form again, for whoever has lost their session in the middle of it.
pub(crate) async fn again(request: Request) -> Response {
    let action = request.uri().path().to_owned();
    let spoken = request.extensions().get().copied();
    let language = spoken.map_or_else(Language::default, |Spoken(language)| language);
    let w = WORDS.speaking(language);
    let sent: Result<Form<Vec<(String, String)>>, _> = Form::from_request(request, &()).await;
    let Ok(Form(fields)) = sent else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if fields.is_empty() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page = LostPage {
        w,
        sign_in: sign_in(&action),
        fields: fields.into_iter().map(field).collect(),
        action,
    };
    Page {
        title: &w.say("fault-session"),
        user: None,
        section: Section::None,
        modules: &[],
        body: &page,
    }
    .answer_in(language, StatusCode::UNAUTHORIZED)
}

fn field((name, value): (String, String)) -> Field {
    let is_long = value.chars().count() > LINE_CHARS || value.contains('\n');
    Field {
        is_read: (is_long && !NAMED.contains(&name.as_str()))
            || WRITTEN.contains(&name.as_str())
            || name.starts_with(WRITTEN_OF_EACH),
        name,
        value,
    }
}

/// The page of several patients that an address belongs to, if it does.
fn handover(path: &str) -> Option<&'static str> {
    let is_below = |part: &&str| {
        let rest = path.strip_prefix(*part);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    HANDOVERS.into_iter().find(is_below)
}

/// The sign-in page that leads to what the form is about.
fn sign_in(action: &str) -> String {
    let patient = action.trim_start_matches(PATIENTS);
    let patient = patient.split('/').next().unwrap_or_default();
    let patient = || format!("{PATIENTS}{patient}");
    let page = handover(action).map_or_else(patient, str::to_owned);
    let page: Result<Uri, _> = page.parse();
    page.map_or_else(
        |_| "/login".to_owned(),
        |page| login::address_back_to(&page),
    )
}
