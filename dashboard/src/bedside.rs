//! The further pages of one patient: the whole diary, the clinical sheet, who has seen the data,
//! and what is marked beside the curves. The first page is the centre's (`centre.rs`).

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get};
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_ward::{
    ActForm, DiaryPage, DiaryQuery, MarksQuery, PageError, SeenPage, SeenQuery, SheetForm,
    SheetOutcome, SheetPage, marks, sheet,
};

use veglia_words::Language;

use crate::Shell;
use crate::centre::{desk, sources};
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/pazienti/{id}/diario", get(diary)),
        ("/pazienti/{id}/scheda", get(clinical).post(written)),
        ("/pazienti/{id}/accessi", get(seen)),
        ("/pazienti/{id}/segni", get(marked)),
    ]
}

/// `GET /pazienti/{id}/diario`
async fn diary(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Query(query): Query<DiaryQuery>,
) -> Response {
    let actor = user.actor();
    let page = DiaryPage::load(sources(&shell, &actor, language), patient, &query).await;
    shown(&user, page, DiaryPage::title, language)
}

/// The diary again, with why a correction was not written and what was typed.
pub(crate) async fn diary_refusing(
    shell: &Shell,
    user: &Staff,
    language: Language,
    patient: PatientId,
    (sentence, form): (String, ActForm),
) -> Response {
    let query = DiaryQuery::default();
    match DiaryPage::load(sources(shell, &user.actor(), language), patient, &query).await {
        Ok(Some(page)) => {
            let page = page.refusing(sentence, form);
            framed(user, &page.title(), &page, language, StatusCode::CONFLICT)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

/// `GET /pazienti/{id}/scheda`
async fn clinical(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    let actor = user.actor();
    let page = SheetPage::load(desk(&shell, &user, &actor, language), patient).await;
    shown(&user, page, SheetPage::title, language)
}

/// `POST /pazienti/{id}/scheda`: the next version, or the page again with what was typed.
async fn written(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(form): Form<SheetForm>,
) -> Response {
    let again = |page: &SheetPage, status| framed(&user, &page.title(), page, language, status);
    let actor = user.actor();
    match sheet(desk(&shell, &user, &actor, language), patient, &form).await {
        Ok(SheetOutcome::Written) => {
            Redirect::to(&format!("/pazienti/{patient}/scheda")).into_response()
        }
        Ok(SheetOutcome::Faulty(page)) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(SheetOutcome::Overtaken(page)) => again(&page, StatusCode::CONFLICT),
        Ok(SheetOutcome::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Ok(SheetOutcome::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a clinical sheet was not written", &error),
    }
}

/// `GET /pazienti/{id}/accessi`
async fn seen(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Query(query): Query<SeenQuery>,
) -> Response {
    let actor = user.actor();
    let page = SeenPage::load(desk(&shell, &user, &actor, language), patient, query).await;
    shown(&user, page, SeenPage::title, language)
}

/// `GET /pazienti/{id}/segni`: what happened beside the curves, for the page's script.
async fn marked(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Query(query): Query<MarksQuery>,
) -> Response {
    let Ok(stretch) = query.check() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let actor = user.actor();
    match marks(sources(&shell, &actor, language), patient, stretch).await {
        Ok(marks) => Json(marks).into_response(),
        Err(error) => pages::unavailable("what is marked beside a curve was not read", &error),
    }
}

/// A page that was made, or why there is none.
fn shown<T: Template>(
    user: &Staff,
    made: Result<Option<T>, PageError>,
    title: fn(&T) -> String,
    language: Language,
) -> Response {
    match made {
        Ok(Some(page)) => framed(user, &title(&page), &page, language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

fn framed<T: Template>(
    user: &Staff,
    title: &str,
    body: &T,
    language: Language,
    status: StatusCode,
) -> Response {
    Page {
        title,
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body,
    }
    .answer_in(language, status)
}

fn unavailable(error: &PageError) -> Response {
    pages::unavailable("a page of one patient was not made", error)
}
