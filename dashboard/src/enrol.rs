//! The door of those who put patients on file: the centre, and a hospital that discharges somebody
//! into telemonitoring; and what each patient agreed to. All behind the check of the session and of
//! the rights.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use veglia_enrol::{
    ConsentForm, ConsentOutcome, ConsentsPage, EnrolDesk, EnrolForm, EnrolOutcome, EnrolPage,
    enrol, write_consent,
};
use veglia_people::staff::{Role, Staff};
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Where somebody is put on file.
pub(crate) const PAGE: &str = "/pazienti/nuovo";

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (PAGE, get(form).post(written)),
        ("/pazienti/{id}/consensi", get(consents).post(said)),
    ]
}

fn desk<'a>(shell: &'a Shell, user: &'a Staff, language: Language) -> EnrolDesk<'a> {
    EnrolDesk {
        record: &shell.record,
        who: user,
        language,
        now: shell.care.now(),
    }
}

/// `GET /pazienti/nuovo`
async fn form(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match EnrolPage::load(desk(&shell, &user, language)).await {
        Ok(page) => framed(&user, language, &page, StatusCode::OK),
        Err(error) => pages::unavailable("the form for a new patient was not made", &error),
    }
}

/// `POST /pazienti/nuovo`: on to the patient's page, or the form again with what was typed.
async fn written(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<EnrolForm>,
) -> Response {
    let again = |page: &EnrolPage, status| framed(&user, language, page, status);
    match enrol(desk(&shell, &user, language), &form).await {
        Ok(EnrolOutcome::Enrolled(patient) | EnrolOutcome::Joined(patient)) => {
            Redirect::to(&format!("/pazienti/{patient}")).into_response()
        }
        Ok(EnrolOutcome::Faulty(page)) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(EnrolOutcome::Known(page)) => again(&page, StatusCode::CONFLICT),
        Ok(EnrolOutcome::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => pages::unavailable("nobody was put on file", &error),
    }
}

fn framed(user: &Staff, language: Language, page: &EnrolPage, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Enrol,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}

/// Whoever is outside the centre reads what was agreed to, and does not write it.
fn writes(role: Role) -> bool {
    role.is_of_the_centre() || role == Role::OutOfHoursDoctor
}

/// `GET /pazienti/{id}/consensi`
async fn consents(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let desk = desk(&shell, &user, language);
    match ConsentsPage::load(desk, patient, writes(user.role)).await {
        Ok(Some(page)) => shown(&user, language, &page, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("what a patient agreed to was not read", &error),
    }
}

/// `POST /pazienti/{id}/consensi`
async fn said(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(form): Form<ConsentForm>,
) -> Response {
    match write_consent(desk(&shell, &user, language), patient, &form).await {
        Ok(ConsentOutcome::Written) => {
            Redirect::to(&format!("/pazienti/{patient}/consensi")).into_response()
        }
        Ok(ConsentOutcome::Faulty(page)) => {
            shown(&user, language, &page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(ConsentOutcome::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("what a patient agreed to was not written", &error),
    }
}

fn shown(user: &Staff, language: Language, page: &ConsentsPage, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}
