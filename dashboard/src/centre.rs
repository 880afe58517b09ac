//! The door of the monitoring centre (*Centrale Medica*): the routes of its staff, at a glance.
//!
//! Every route listed here stands behind the check of the session. The screens themselves belong
//! to their subjects; a handler here only asks, frames the page and answers.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use futures_util::StreamExt;
use veglia_people::staff::Staff;
use veglia_store::Actor;
use veglia_view::{PatientId, ViewError};
use veglia_ward::{
    ActError, ActForm, CurveError, Outcome, PatientPage, Sources, TrendQuery, WardPage, act, curve,
};

use crate::Shell;
use crate::pages::{self, Page, Section};
use crate::session::{self, CurrentUser};

/// Where the live ward finds its events.
const EVENTS: &str = "/eventi";

/// How often a stream asks whether its session is still open. Watching the ward is use of it: a
/// screen that somebody watches ends with the shift, not with the hour.
const SESSION_ASKED_EVERY: Duration = Duration::from_secs(60);

/// Address and methods of every page of the centre.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/", get(ward)),
        (EVENTS, get(events)),
        ("/pazienti/{id}", get(patient)),
        ("/pazienti/{id}/andamento", get(trend)),
        ("/pazienti/{id}/atti", post(acted)),
    ]
}

/// `GET /`
async fn ward(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    Page {
        title: "Pazienti",
        user: Some(&user),
        section: Section::Patients,
        modules: &["js/ward.js"],
        body: &WardPage::new(&shell.hub, EVENTS),
    }
    .answer(StatusCode::OK)
}

/// `GET /eventi`: ends with the session, or with the server.
async fn events(State(shell): State<Shell>, jar: CookieJar) -> Response {
    let Ok(events) = shell.hub.events() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let over = async move {
        tokio::select! {
            () = shell.closing.cancelled() => {}
            () = session_ends(&shell, &jar) => {}
        }
    };
    let events = events.take_until(Box::pin(over));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // A proxy that gathers the stream would hold an alarm back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// A record that does not answer ends no stream: the ward is needed most when things go wrong.
async fn session_ends(shell: &Shell, jar: &CookieJar) {
    loop {
        tokio::time::sleep(SESSION_ASKED_EVERY).await;
        if let Ok(None) = session::whose(shell, jar).await {
            return;
        }
    }
}

/// `GET /pazienti/{id}`
async fn patient(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
) -> Response {
    match load(&shell, &user, &id).await {
        Ok(page) => framed(&user, &page, StatusCode::OK),
        Err(answer) => answer,
    }
}

/// `GET /pazienti/{id}/andamento`: a curve, for the page's script.
async fn trend(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
    Query(query): Query<TrendQuery>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(ask) = query.check(patient) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match curve(sources(&shell, &user.actor()), &shell.rules, ask).await {
        Ok(chart) => Json(chart).into_response(),
        Err(CurveError::View(ViewError::Refused(_))) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => pages::unavailable("a curve was not read", &error),
    }
}

/// `POST /pazienti/{id}/atti`: what staff do about an alert, and notes.
async fn acted(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = shell.care.now();
    match act(&shell.record, &user.actor(), patient, &form, now).await {
        Ok(Outcome::Done) => Redirect::to(&format!("/pazienti/{patient}")).into_response(),
        Ok(Outcome::Refused(sentence)) => match load(&shell, &user, &id).await {
            Ok(page) => framed(&user, &page.refusing(sentence, form), StatusCode::CONFLICT),
            Err(answer) => answer,
        },
        Err(ActError::Form) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => pages::unavailable("an act was not written", &error),
    }
}

async fn load(shell: &Shell, user: &Staff, id: &str) -> Result<PatientPage, Response> {
    let patient: PatientId = id
        .parse()
        .map_err(|_| StatusCode::NOT_FOUND.into_response())?;
    match PatientPage::load(sources(shell, &user.actor()), patient).await {
        Ok(Some(page)) => Ok(page),
        Ok(None) => Err(StatusCode::NOT_FOUND.into_response()),
        Err(error) => Err(pages::unavailable("a patient's page was not made", &error)),
    }
}

fn sources<'a>(shell: &'a Shell, actor: &'a Actor) -> Sources<'a> {
    Sources {
        view: shell.view.as_ref(),
        record: &shell.record,
        actor,
        last: shell.hub.link(),
        fallback_now: shell.care.now(),
    }
}

fn framed(user: &Staff, page: &PatientPage, status: StatusCode) -> Response {
    Page {
        title: page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &["js/patient.js"],
        body: page,
    }
    .answer(status)
}
