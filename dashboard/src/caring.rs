//! Who follows a patient: the page, and the forms that entrust, hand over and end it.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use veglia_people::staff::Staff;
use veglia_ward::{CareForm, CareOutcome, CarePage, entrust};
use veglia_words::Language;

use crate::Shell;
use crate::centre::desk;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![("/pazienti/{id}/affidamento", get(shown).post(said))]
}

/// `GET /pazienti/{id}/affidamento`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let actor = user.actor();
    match CarePage::load(desk(&shell, &user, &actor, language), patient).await {
        Ok(Some(page)) => framed(&user, &page, language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("who follows a patient was not read", &error),
    }
}

/// `POST /pazienti/{id}/affidamento`: the page again; or the list, when the patient is no longer
/// the reader's.
async fn said(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(form): Form<CareForm>,
) -> Response {
    let actor = user.actor();
    match entrust(desk(&shell, &user, &actor, language), patient, &form).await {
        Ok(CareOutcome::Written) => {
            Redirect::to(&format!("/pazienti/{patient}/affidamento")).into_response()
        }
        Ok(CareOutcome::Released) => Redirect::to("/").into_response(),
        Ok(CareOutcome::Faulty(page)) => {
            framed(&user, &page, language, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(CareOutcome::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Ok(CareOutcome::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("who follows a patient was not written", &error),
    }
}

fn framed(user: &Staff, page: &CarePage, language: Language, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}
