//! *Positivi da chiamare*: whom an SMS does not reach, for the centre. Behind the check of the
//! session and of the rights.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use veglia_isolation::{CallsPage, called};

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

const PAGE: &str = "/casi";

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<Route> {
    vec![(PAGE, get(listed)), ("/casi/{id}/chiamato", post(done))]
}

/// `GET /casi`
async fn listed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    let (record, now) = (&shell.record, shell.care.now());
    match CallsPage::load(record, &user.actor(), language, now).await {
        Ok(page) => Page {
            title: &page.title(),
            user: Some(&user),
            section: Section::Laboratory,
            modules: &[],
            body: &page,
        }
        .answer_in(language, StatusCode::OK),
        Err(error) => pages::unavailable("positives to call were not listed", &error),
    }
}

/// `POST /casi/{id}/chiamato`: pressed twice, or by two people, is called once.
async fn done(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = shell.care.now();
    match called(&shell.record, &user.actor(), id, now).await {
        Ok(_) => Redirect::to(PAGE).into_response(),
        Err(error) => pages::unavailable("a call was not written", &error),
    }
}
