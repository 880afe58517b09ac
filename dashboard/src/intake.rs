//! The door of the telephone: the form of a call, what is read back, what became of it, and what
//! was asked for. All behind the check of the session and of the rights.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use veglia_intake::{
    Answered, CallId, CallPage, CallsPage, Desk, IntakeError, ListForm, Listed, NeedsPage,
    SavedPage, SheetPage, Typed,
};
use veglia_people::staff::Staff;
use veglia_view::PatientId;

use crate::Shell;
use crate::doors::Route;
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

fn desk<'a>(shell: &'a Shell, user: &'a Staff) -> Desk<'a> {
    Desk {
        view: shell.view.as_ref(),
        record: &shell.record,
        rules: &shell.rules,
        line: shell.line.as_ref(),
        who: user,
        now: shell.care.now(),
    }
}

/// `GET /pazienti/{id}/telefonata`
async fn form(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    match CallPage::load(desk(&shell, &user), patient).await {
        Ok(Some(page)) => framed(&user, &page.title(), &page).answer(StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `POST /pazienti/{id}/telefonata`: the form again, what is to be read back, or on to what became
/// of it.
async fn answer(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Form(typed): Form<Typed>,
) -> Response {
    let again = |page: &CallPage, status| framed(&user, &page.title(), page).answer(status);
    match veglia_intake::answer(desk(&shell, &user), patient, typed).await {
        Ok(Some(Answered::Asked(page))) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(Some(Answered::Corrected(page))) => again(&page, StatusCode::OK),
        Ok(Some(Answered::Other(page))) => again(&page, StatusCode::CONFLICT),
        Ok(Some(Answered::Unsaved(page))) => again(&page, StatusCode::SERVICE_UNAVAILABLE),
        Ok(Some(Answered::ReadBack(page))) => {
            framed(&user, &page.title(), page.as_ref()).answer(StatusCode::OK)
        }
        Ok(Some(Answered::Saved(call))) => seen(patient, &call),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/telefonata/{call}`
async fn saved(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Path((_, call)): Path<(String, String)>,
) -> Response {
    let Ok(call) = call.parse::<CallId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match SavedPage::load(desk(&shell, &user), patient, &call).await {
        Ok(Some(page)) => framed(&user, &page.title(), &page).answer(StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `POST /pazienti/{id}/telefonata/{call}`: hands on what was kept and did not get further.
async fn finish(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Path((_, call)): Path<(String, String)>,
) -> Response {
    let Ok(call) = call.parse::<CallId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match veglia_intake::finish(desk(&shell, &user), patient, &call).await {
        Ok(true) => seen(patient, &call),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/bisogni`
async fn needs(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    match NeedsPage::load(desk(&shell, &user), patient).await {
        Ok(Some(page)) => framed(&user, &page.title(), &page).answer(StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/scheda-112`
async fn sheet(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    match SheetPage::load(desk(&shell, &user), patient).await {
        Ok(Some(page)) => framed(&user, &page.title(), &page).answer(StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /telefonate`
async fn list(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    show_list(&shell, &user, None).await
}

async fn show_list(shell: &Shell, user: &Staff, problem: Option<String>) -> Response {
    let status = match problem {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    match CallsPage::load(desk(shell, user), problem).await {
        Ok(page) => Page {
            section: Section::Calls,
            ..framed(user, "Telefonate", &page)
        }
        .answer(status),
        Err(error) => refused(&error),
    }
}

/// `POST /telefonate/{patient}`: back to the line, or on to the form of whoever answered.
async fn act(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Form(form): Form<ListForm>,
) -> Response {
    match veglia_intake::act(desk(&shell, &user), patient, &form).await {
        Ok(Some(Listed::Done)) => Redirect::to(&format!("/telefonate#p-{patient}")).into_response(),
        Ok(Some(Listed::Answered)) => {
            Redirect::to(&format!("/pazienti/{patient}/telefonata")).into_response()
        }
        Ok(Some(Listed::Refused(sentence))) => show_list(&shell, &user, Some(sentence)).await,
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
