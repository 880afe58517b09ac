//! A form about a patient that arrives after its session has ended: nothing is done, and nothing
//! that was typed is lost.
//!
//! The answer *is* the form again, with all that was sent, on a page that says to sign in beside
//! it and to send it then. Nothing is kept at the centre or in the browser: what was typed goes
//! back to who sent it, under `no-store`, and is gone when the page is left. It works without
//! scripts. Whoever signs in signs the act: the page says so.
//!
//! Deliberately absent: forms that are not about a patient: they hold no long words, and some hold
//! passwords.

use askama::Template;
use axum::extract::{Form, FromRequest, Request};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::login;
use crate::pages::{Page, Section};

/// Texts longer than this, or with line ends, are shown to be read; so is every note.
const LINE_CHARS: usize = 60;

/// The fields that people write notes in, whatever their length.
const WRITTEN: [&str; 2] = ["words", "why"];

/// The field that is long and nobody writes: the name of an alert.
const NAMED: &str = "flag";

/// What begins the addresses whose forms are given back.
const PATIENTS: &str = "/pazienti/";

#[derive(Template)]
#[template(path = "lost.html")]
struct LostPage {
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

/// Whether a request is a form about a patient.
pub(crate) fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    is_form && request.uri().path().starts_with(PATIENTS)
}

/// The form again, for whoever has lost their session in the middle of it.
pub(crate) async fn again(request: Request) -> Response {
    let action = request.uri().path().to_owned();
    let sent: Result<Form<Vec<(String, String)>>, _> = Form::from_request(request, &()).await;
    let Ok(Form(fields)) = sent else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if fields.is_empty() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page = LostPage {
        sign_in: sign_in(&action),
        fields: fields.into_iter().map(field).collect(),
        action,
    };
    Page {
        title: "Sessione scaduta",
        user: None,
        section: Section::None,
        modules: &[],
        body: &page,
    }
    .answer(StatusCode::UNAUTHORIZED)
}

fn field((name, value): (String, String)) -> Field {
    let is_long = value.chars().count() > LINE_CHARS || value.contains('\n');
    Field {
        is_read: (is_long && name != NAMED) || WRITTEN.contains(&name.as_str()),
        name,
        value,
    }
}

/// The sign-in page that leads to the patient whom the form is about.
fn sign_in(action: &str) -> String {
    let patient = action.trim_start_matches(PATIENTS);
    let patient = patient.split('/').next().unwrap_or_default();
    let page: Result<Uri, _> = format!("{PATIENTS}{patient}").parse();
    page.map_or_else(
        |_| "/login".to_owned(),
        |page| login::address_back_to(&page),
    )
}
