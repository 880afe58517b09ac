//! The door of the telephone: the form of a call, what is read back, what became of it, and what
//! was asked for. All behind the check of the session and of the rights.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use veglia_intake::{
    Answered, CallId, CallPage, CallsPage, Desk, IntakeError, ListForm, Listed, NeedsPage,
    ReadBackPage, SavedPage, SheetPage, Typed,
};
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/pazienti/{id}/telefonata", get(form).post(answer)),
        ("/pazienti/{id}/telefonata/{call}", get(saved).post(finish)),
        ("/pazienti/{id}/bisogni", get(needs)),
        ("/pazienti/{id}/scheda-112", get(sheet)),
        ("/telefonate", get(list)),
        ("/telefonate/{patient}", post(act)),
    ]
}

fn desk<'a>(shell: &'a Shell, user: &'a Staff, language: Language) -> Desk<'a> {
    Desk {
        view: shell.view.as_ref(),
        record: &shell.record,
        rules: &shell.rules,
        line: shell.line.as_ref(),
        who: user,
        now: shell.care.now(),
        language,
    }
}

/// `GET /pazienti/{id}/telefonata`
async fn form(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let page = CallPage::load(desk(&shell, &user, language), patient).await;
    shown((&user, language), page, CallPage::title)
}

/// `POST /pazienti/{id}/telefonata`: the form again, what is to be read back, or on to what became
/// of it.
async fn answer(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(typed): Form<Typed>,
) -> Response {
    let again =
        |page: &CallPage, status| framed(&user, &page.title(), page).answer_in(language, status);
    let read = |page: &ReadBackPage, status| {
        framed(&user, &page.title(), page).answer_in(language, status)
    };
    match veglia_intake::answer(desk(&shell, &user, language), patient, typed).await {
        Ok(Some(Answered::Asked(page))) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(Some(Answered::Corrected(page))) => again(&page, StatusCode::OK),
        Ok(Some(Answered::Other(page))) => again(&page, StatusCode::CONFLICT),
        Ok(Some(Answered::Unsaved(page))) => read(&page, StatusCode::SERVICE_UNAVAILABLE),
        Ok(Some(Answered::ReadBack(page))) => read(&page, StatusCode::OK),
        Ok(Some(Answered::Saved(call))) => seen(patient, &call),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/telefonata/{call}`
async fn saved(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Path((_, call)): Path<(String, String)>,
) -> Response {
    let Ok(call) = call.parse::<CallId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let page = SavedPage::load(desk(&shell, &user, language), patient, &call).await;
    shown((&user, language), page, SavedPage::title)
}

/// `POST /pazienti/{id}/telefonata/{call}`: hands on what was kept and did not get further.
async fn finish(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Path((_, call)): Path<(String, String)>,
) -> Response {
    let Ok(call) = call.parse::<CallId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match veglia_intake::finish(desk(&shell, &user, language), patient, &call).await {
        Ok(true) => seen(patient, &call),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/bisogni`
async fn needs(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let page = NeedsPage::load(desk(&shell, &user, language), patient).await;
    shown((&user, language), page, NeedsPage::title)
}

/// `GET /pazienti/{id}/scheda-112`
async fn sheet(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let page = SheetPage::load(desk(&shell, &user, language), patient).await;
    shown((&user, language), page, SheetPage::title)
}

/// `GET /telefonate`
async fn list(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    show_list(desk(&shell, &user, language), &user, None).await
}

async fn show_list(desk: Desk<'_>, user: &Staff, problem: Option<String>) -> Response {
    let status = match problem {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    match CallsPage::load(desk, problem).await {
        Ok(page) => Page {
            section: Section::Calls,
            ..framed(user, &page.title(), &page)
        }
        .answer_in(desk.language, status),
        Err(error) => refused(&error),
    }
}

/// `POST /telefonate/{patient}`: back to the line, or on to the form of whoever answered.
async fn act(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(form): Form<ListForm>,
) -> Response {
    match veglia_intake::act(desk(&shell, &user, language), patient, &form).await {
        Ok(Some(Listed::Done)) => Redirect::to(&format!("/telefonate#p-{patient}")).into_response(),
        Ok(Some(Listed::Answered)) => {
            Redirect::to(&format!("/pazienti/{patient}/telefonata")).into_response()
        }
        Ok(Some(Listed::Refused(sentence))) => {
            show_list(desk(&shell, &user, language), &user, Some(sentence)).await
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// A page that was made, or why there is none.
fn shown<T: Template>(
    (user, language): (&Staff, Language),
    made: Result<Option<T>, IntakeError>,
    title: fn(&T) -> String,
) -> Response {
    match made {
        Ok(Some(page)) => framed(user, &title(&page), &page).answer_in(language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// To what became of a call.
fn seen(patient: PatientId, call: &CallId) -> Response {
    Redirect::to(&format!("/pazienti/{patient}/telefonata/{call}")).into_response()
}

fn framed<'a, T: Template>(user: &'a Staff, title: &'a str, body: &'a T) -> Page<'a, T> {
    Page {
        title,
        user: Some(user),
        section: Section::Patients,
        modules: &["js/call.js"],
        body,
    }
}

fn refused(error: &IntakeError) -> Response {
    match error {
        IntakeError::Form => StatusCode::BAD_REQUEST.into_response(),
        error => pages::unavailable("a page of the telephone was not made", error),
    }
}
