//! The documents of a patient: the list, each as a page to print and as a file, and issuing.

use axum::extract::{Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use veglia_documents::{
    Desk, DocumentError, DocumentPage, DocumentQuery, IssueForm, Issued, Kind, ListPage, download,
    issue,
};
use veglia_people::staff::Staff;
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// All documents of a patient, as it is mounted.
pub(crate) const LIST: &str = "/pazienti/{id}/documenti";

/// How a document is sent as a file.
const FHIR: &str = "application/fhir+json";

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (LIST, get(list)),
        ("/pazienti/{id}/documenti/{kind}", get(one).post(issued)),
    ]
}

/// The part of an address that names a document.
#[derive(Deserialize)]
struct Named {
    kind: String,
}

fn desk<'a>(
    shell: &'a Shell,
    user: &'a Staff,
    language: Language,
    Cared { relation, .. }: Cared,
) -> Desk<'a> {
    Desk {
        view: shell.view.as_ref(),
        record: &shell.record,
        who: user,
        relation,
        now: shell.care.now(),
        language,
    }
}

/// `GET /pazienti/{id}/documenti`
async fn list(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    cared: Cared,
) -> Response {
    let desk = desk(&shell, &user, language, cared);
    match ListPage::load(desk, cared.patient).await {
        Ok(Some(page)) => Page {
            title: &page.title(),
            user: Some(&user),
            section: Section::Patients,
            modules: &[],
            body: &page,
        }
        .answer_in(language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

/// `GET /pazienti/{id}/documenti/{kind}`, and with `.json` behind it the file.
async fn one(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(named): Path<Named>,
    Query(query): Query<DocumentQuery>,
    cared: Cared,
) -> Response {
    let desk = desk(&shell, &user, language, cared);
    if let Some(kind) = named.kind.strip_suffix(".json").and_then(Kind::of) {
        return file(desk, cared, kind, &query).await;
    }
    let Some(kind) = Kind::of(&named.kind) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match DocumentPage::load(desk, cared.patient, kind, &query).await {
        Ok(Some(page)) => shown(&user, language, &page, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn file(desk: Desk<'_>, cared: Cared, kind: Kind, query: &DocumentQuery) -> Response {
    match download(desk, cared.patient, kind, query).await {
        Ok(Some(file)) => {
            let saved = format!("attachment; filename=\"{}\"", file.name);
            let head = [
                (header::CONTENT_TYPE, FHIR.to_owned()),
                (header::CONTENT_DISPOSITION, saved),
            ];
            (head, file.body).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

/// `POST /pazienti/{id}/documenti/{kind}`: on to the version, or the page again with what was
/// typed.
async fn issued(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(named): Path<Named>,
    cared: Cared,
    Form(form): Form<IssueForm>,
) -> Response {
    let Some(kind) = Kind::of(&named.kind) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let patient = cared.patient;
    let again = |page: &DocumentPage, status| shown(&user, language, page, status);
    match issue(desk(&shell, &user, language, cared), patient, kind, &form).await {
        Ok(Issued::Kept(version)) => {
            let code = kind.code();
            let to = format!("/pazienti/{patient}/documenti/{code}?versione={version}");
            Redirect::to(&to).into_response()
        }
        Ok(Issued::Faulty(page)) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(Issued::Overtaken(page)) => again(&page, StatusCode::CONFLICT),
        Ok(Issued::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Ok(Issued::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

fn shown(user: &Staff, language: Language, page: &DocumentPage, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}

fn unavailable(error: &DocumentError) -> Response {
    pages::unavailable("a document was not made", error)
}
