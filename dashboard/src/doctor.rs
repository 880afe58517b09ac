//! The door of doctors outside the centre, family doctors and those of a hospital: their alerts and
//! what they answer, the summary and its hour, a patient on one page; and reports, which only
//! family doctors make. All behind the check of the session and of the rights.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use veglia_doctor::{
    ActForm, Desk, DoctorError, HourForm, InboxPage, InboxQuery, Outcome, ReportForm, ReportPage,
    Reported, ReportsPage, SummaryPage, SummaryQuery, SynopsisPage,
};
use veglia_people::staff::Staff;
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Where a family doctor begins, and a hospital's.
pub(crate) const INBOX: &str = "/medico";

/// Where the digest leads.
pub(crate) const SUMMARY: &str = "/medico/riepilogo";

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (INBOX, get(inbox)),
        ("/medico/atti/{patient}", post(acted)),
        (SUMMARY, get(summary)),
        ("/medico/riepilogo/ora", post(hour)),
        ("/medico/segnala", get(form).post(reported)),
        ("/segnalazioni", get(reports)),
        ("/pazienti/{id}/sintesi", get(synopsis)),
    ]
}

fn desk<'a>(shell: &'a Shell, who: &'a Staff, language: Language) -> Desk<'a> {
    Desk {
        view: shell.view.as_ref(),
        record: &shell.record,
        who,
        now: shell.care.now(),
        language,
    }
}

/// `GET /medico`
async fn inbox(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(query): Query<InboxQuery>,
) -> Response {
    match InboxPage::load(desk(&shell, &user, language), &query).await {
        Ok(page) => {
            framed(&user, Section::Alerts, &page.title(), &page).answer_in(language, StatusCode::OK)
        }
        Err(error) => refused(&error),
    }
}

/// `POST /medico/atti/{patient}`: back to the list, or the list with why it was not written.
async fn acted(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, relation }: Cared,
    Form(form): Form<ActForm>,
) -> Response {
    let desk = desk(&shell, &user, language);
    match veglia_doctor::act(desk, &shell.turn, patient, relation, &form).await {
        Ok(Outcome::Done) => Redirect::to(&format!("{INBOX}?fatto={}", form.act)).into_response(),
        Ok(Outcome::Refused(sentence)) => {
            match InboxPage::load(desk, &InboxQuery::default()).await {
                Ok(page) => {
                    let page = page.refusing(patient, sentence, form);
                    framed(&user, Section::Alerts, &page.title(), &page)
                        .answer_in(language, StatusCode::CONFLICT)
                }
                Err(error) => refused(&error),
            }
        }
        Ok(Outcome::NotTheirs) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /medico/riepilogo`
async fn summary(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(query): Query<SummaryQuery>,
) -> Response {
    match SummaryPage::load(desk(&shell, &user, language), &query).await {
        Ok(page) => framed(&user, Section::Summary, &page.title(), &page)
            .answer_in(language, StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /medico/riepilogo/ora`: when the digest goes out, or never.
async fn hour(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<HourForm>,
) -> Response {
    let now = shell.care.now();
    match veglia_doctor::set_hour(&shell.record, &user, &form, now).await {
        Ok(true) => Redirect::to(&format!("{SUMMARY}?fatto=ora")).into_response(),
        Ok(false) => {
            let desk = desk(&shell, &user, language);
            match SummaryPage::load(desk, &SummaryQuery::default()).await {
                Ok(page) => {
                    let page = page.refusing(form.ora);
                    framed(&user, Section::Summary, &page.title(), &page)
                        .answer_in(language, StatusCode::UNPROCESSABLE_ENTITY)
                }
                Err(error) => refused(&error),
            }
        }
        Err(error) => refused(&error),
    }
}

/// Whether a report was just written.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    fatto: String,
}

/// `GET /medico/segnala`
async fn form(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(Sent { fatto }): Query<Sent>,
) -> Response {
    match ReportPage::load(desk(&shell, &user, language), !fatto.is_empty()).await {
        Ok(page) => report_page(&user, language, &page, StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /medico/segnala`: a report, or the form again with what was typed.
async fn reported(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<ReportForm>,
) -> Response {
    match veglia_doctor::report(desk(&shell, &user, language), &form).await {
        Ok(Reported::Done) => Redirect::to("/medico/segnala?fatto=1").into_response(),
        Ok(Reported::Faulty(page)) => {
            report_page(&user, language, &page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(Reported::Known(page)) => report_page(&user, language, &page, StatusCode::CONFLICT),
        Ok(Reported::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => refused(&error),
    }
}

fn report_page(
    user: &Staff,
    language: Language,
    page: &ReportPage,
    status: StatusCode,
) -> Response {
    framed(user, Section::Report, &page.title(), page).answer_in(language, status)
}

/// `GET /segnalazioni`: what doctors reported, for the centre.
async fn reports(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match ReportsPage::load(desk(&shell, &user, language)).await {
        Ok(page) => {
            framed(&user, Section::Report, &page.title(), &page).answer_in(language, StatusCode::OK)
        }
        Err(error) => refused(&error),
    }
}

/// `GET /pazienti/{id}/sintesi`
async fn synopsis(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    match SynopsisPage::load(desk(&shell, &user, language), patient).await {
        Ok(Some(page)) => framed(&user, Section::Patients, &page.title(), &page)
            .answer_in(language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

fn framed<'a, T: Template>(
    user: &'a Staff,
    section: Section,
    title: &'a str,
    body: &'a T,
) -> Page<'a, T> {
    Page {
        title,
        user: Some(user),
        section,
        modules: &[],
        body,
    }
}

fn refused(error: &DoctorError) -> Response {
    match error {
        DoctorError::Form => StatusCode::BAD_REQUEST.into_response(),
        error => pages::unavailable("a page of the doctors' door was not made", error),
    }
}
