//! The door of the monitoring centre (*Centrale Medica*): the routes of its staff, at a glance.
//!
//! Every route listed here stands behind the check of the session. The screens themselves belong
//! to their subjects; a handler here only asks, frames the page and answers.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::staff::Staff;
use veglia_people::views::{self, ViewError as KeepError};
use veglia_store::Actor;
use veglia_view::{PatientId, ViewError};
use veglia_ward::{
    ActError, ActForm, CurveError, Filter, Outcome, PageError, PatientPage, PlanDesk, PlanForm,
    PlanOutcome, PlanPage, Sources, StandForm, TrendQuery, Unkept, WardPage, WardQuery,
    WatchedWard, act, curve, measure_again, plan, stand,
};
use veglia_words::Language;

use crate::Shell;
use crate::alarm_path;
use crate::bedside;
use crate::fleet;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::{Cared, ReadPage};
use crate::session::CurrentUser;
use crate::streams::{About, stream};

/// Where the live ward finds its events.
const EVENTS: &str = "/eventi";

/// Where every other page of the centre hears who waits for somebody.
pub(crate) const ALARMS: &str = "/allarmi";

/// Address and methods of every page of the centre.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/", get(ward)),
        (EVENTS, get(events)),
        (ALARMS, get(alarms)),
        ("/viste", post(keep)),
        ("/viste/{id}/fine", post(forget)),
        ("/pazienti/{id}", get(patient)),
        ("/pazienti/{id}/eventi", get(events_of)),
        ("/pazienti/{id}/andamento", get(trend)),
        ("/pazienti/{id}/atti", post(acted)),
        ("/pazienti/{id}/piano", get(planned).post(replan)),
        ("/pazienti/{id}/dove", post(stood)),
    ]
}

/// `GET /`: everybody, or whom the address asks for.
async fn ward(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(query): Query<WardQuery>,
) -> Response {
    let filter = Filter::new(&query, &user.actor().to_string());
    let page = watched(&shell, &user, &filter, language).await;
    ward_page(&shell, &user, page, language, StatusCode::OK).await
}

/// The list through a filter, with the views that its reader keeps.
async fn watched(shell: &Shell, user: &Staff, filter: &Filter, language: Language) -> WardPage {
    let page = WardPage::new(&shell.hub, filter, EVENTS, language);
    match views::of(&shell.record, user.id).await {
        Ok(kept) => page.keeping(kept, filter),
        Err(error) => {
            // The list of patients is not kept from anybody for it.
            tracing::error!(error = %pages::chain(&error), "kept views were not read");
            page
        }
    }
}

/// A name under which a view is kept.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    nome: String,
    #[serde(flatten)]
    query: WardQuery,
}

/// `POST /viste`: the view in the form's other fields is kept under this name, and shown.
async fn keep(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(Kept { nome, query }): Form<Kept>,
) -> Response {
    let filter = Filter::new(&query, &user.actor().to_string());
    let Some(address) = filter.kept() else {
        return Redirect::to("/").into_response();
    };
    let refused =
        match views::keep(&shell.record, user.id, &nome, &address, shell.clock.now()).await {
            Ok(()) => return Redirect::to(&format!("/{address}")).into_response(),
            Err(KeepError::Name) => Unkept::Name,
            Err(KeepError::TooMany) => Unkept::TooMany,
            Err(error) => return pages::unavailable("a view was not kept", &error),
        };
    let page = watched(&shell, &user, &filter, language).await;
    let page = page.not_keeping(refused, nome);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    ward_page(&shell, &user, page, language, status).await
}

/// `POST /viste/{id}/fine`
async fn forget(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<i64>,
) -> Response {
    match views::forget(&shell.record, user.id, id).await {
        Ok(true) => Redirect::to("/").into_response(),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a view was not forgotten", &error),
    }
}

/// The list, with what waits above it, in the frame.
async fn ward_page(
    shell: &Shell,
    user: &Staff,
    page: WardPage,
    language: Language,
    status: StatusCode,
) -> Response {
    let fleet = shell.fleet.speaking(language);
    let waiting = fleet.waiting(fleet::now(shell)).await;
    let waiting = waiting.map_err(|error| pages::chain(&error));
    let waiting = waiting.map(veglia_fleet::WaitingPage::brief);
    let waiting = waiting.and_then(|page| page.render().map_err(|error| error.to_string()));
    let waiting = waiting.unwrap_or_else(|error| {
        // The list of patients is not kept from anybody for it.
        tracing::error!(error, "what waits was not shown on the ward");
        String::new()
    });
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[
            "js/ward.js",
            "js/ward-keys.js",
            "js/alarm-path.js",
            "js/waiting.js",
        ],
        body: &WatchedWard::new(
            alarm_path::sentence(shell, language),
            alarm_path::ADDRESS,
            waiting,
            page,
        ),
    }
    .answer_in(language, status)
}

/// `GET /eventi`: of the list, through the filter of its page.
async fn events(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    spoken: Spoken,
    Query(query): Query<WardQuery>,
    jar: CookieJar,
) -> Response {
    let filter = Filter::new(&query, &user.actor().to_string());
    stream(shell, &user, jar, (filter, spoken), About::List)
}

/// `GET /allarmi`: how many wait for somebody, for the pages of the centre that are no list.
async fn alarms(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    spoken: Spoken,
    jar: CookieJar,
) -> Response {
    stream(shell, &user, jar, (Filter::bell(), spoken), About::Alarms)
}

/// `GET /pazienti/{id}/eventi`: of this patient alone, for whoever may read their page; at the
/// centre also how many others wait.
async fn events_of(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    spoken: Spoken,
    Cared { patient, .. }: Cared,
    jar: CookieJar,
) -> Response {
    let filter = match user.role.is_of_the_centre() {
        true => Filter::bedside(patient),
        false => Filter::alone(patient),
    };
    stream(shell, &user, jar, (filter, spoken), About::One(patient))
}

/// Which flag the page of a patient unfolds.
#[derive(Deserialize)]
struct Unfolded {
    #[serde(default)]
    su: String,
}

/// `GET /pazienti/{id}`
async fn patient(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    cared: Cared,
    Path(id): Path<String>,
    Query(Unfolded { su }): Query<Unfolded>,
) -> Response {
    match load(&shell, &user, &id, language).await {
        Ok(page) => {
            let page = page.opening(&su);
            Page {
                title: page.title(),
                user: Some(&user),
                section: Section::Patients,
                modules: &["js/patient.js"],
                body: &ReadPage::new(cared, &page, language),
            }
            .answer_in(language, StatusCode::OK)
        }
        Err(answer) => answer,
    }
}

/// `GET /pazienti/{id}/andamento`: a curve, for the page's script.
async fn trend(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Query(query): Query<TrendQuery>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(ask) = query.check(patient) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match curve(sources(&shell, &user.actor(), language), &shell.rules, ask).await {
        Ok(chart) => Json(chart).into_response(),
        Err(CurveError::View(ViewError::Refused(_))) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => pages::unavailable("a curve was not read", &error),
    }
}

/// `POST /pazienti/{id}/atti`: what staff do about an alert, and notes.
async fn acted(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = shell.care.now();
    let said = (now, language);
    match act(&shell.record, &user.actor(), patient, &form, said).await {
        Ok(Outcome::Done) => {
            if let Some(vital) = form.measures_again() {
                let shell = shell.clone();
                // A box may take ten seconds to answer, and the diary says what it said.
                tokio::spawn(async move {
                    measure_again(&shell.record, shell.view.as_ref(), patient, vital, now).await;
                });
            }
            Redirect::to(&form.leads_to(patient)).into_response()
        }
        Ok(Outcome::Refused(sentence)) if form.act == "correct" => {
            bedside::diary_refusing(&shell, &user, language, patient, (sentence, form)).await
        }
        Ok(Outcome::Refused(sentence)) => match load(&shell, &user, &id, language).await {
            Ok(page) => framed(
                &user,
                &page.refusing(sentence, form),
                language,
                StatusCode::CONFLICT,
            ),
            Err(answer) => answer,
        },
        Err(ActError::Form) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => pages::unavailable("an act was not written", &error),
    }
}

/// From which template the form of a plan is to be filled.
#[derive(Deserialize)]
struct Begun {
    #[serde(default)]
    modello: String,
}

/// `GET /pazienti/{id}/piano`
async fn planned(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Query(Begun { modello }): Query<Begun>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let actor = user.actor();
    match PlanPage::load(desk(&shell, &user, &actor, language), patient, &modello).await {
        Ok(Some(page)) => framed_plan(&user, &page, language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a patient's plan was not read", &error),
    }
}

/// `POST /pazienti/{id}/piano`: the next version, or the page again with what was typed.
async fn replan(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Form(form): Form<PlanForm>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let actor = user.actor();
    let done = plan(desk(&shell, &user, &actor, language), patient, &form).await;
    became(&user, patient, language, done)
}

/// `POST /pazienti/{id}/dove`: where the patient is from now on.
async fn stood(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Form(form): Form<StandForm>,
) -> Response {
    let Ok(patient) = id.parse::<PatientId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let actor = user.actor();
    let done = stand(desk(&shell, &user, &actor, language), patient, &form).await;
    became(&user, patient, language, done)
}

fn became(
    user: &Staff,
    patient: PatientId,
    language: Language,
    done: Result<PlanOutcome, PageError>,
) -> Response {
    let again = |page: &PlanPage, status| framed_plan(user, page, language, status);
    match done {
        Ok(PlanOutcome::Written) => {
            Redirect::to(&format!("/pazienti/{patient}/piano")).into_response()
        }
        Ok(PlanOutcome::Faulty(page)) => again(&page, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(PlanOutcome::Overtaken(page)) => again(&page, StatusCode::CONFLICT),
        Ok(PlanOutcome::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
        Ok(PlanOutcome::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a patient's plan was not written", &error),
    }
}

pub(crate) fn desk<'a>(
    shell: &'a Shell,
    user: &Staff,
    actor: &'a Actor,
    language: Language,
) -> PlanDesk<'a> {
    PlanDesk {
        record: &shell.record,
        rules: &shell.rules,
        actor,
        role: user.role,
        now: shell.care.now(),
        language,
    }
}

fn framed_plan(user: &Staff, page: &PlanPage, language: Language, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}

async fn load(
    shell: &Shell,
    user: &Staff,
    id: &str,
    language: Language,
) -> Result<PatientPage, Response> {
    let patient: PatientId = id
        .parse()
        .map_err(|_| StatusCode::NOT_FOUND.into_response())?;
    match PatientPage::load(sources(shell, &user.actor(), language), patient).await {
        Ok(Some(page)) => Ok(page.read_by(user.role)),
        Ok(None) => Err(StatusCode::NOT_FOUND.into_response()),
        Err(error) => Err(pages::unavailable("a patient's page was not made", &error)),
    }
}

pub(crate) fn sources<'a>(shell: &'a Shell, actor: &'a Actor, language: Language) -> Sources<'a> {
    Sources {
        view: shell.view.as_ref(),
        record: &shell.record,
        actor,
        last: shell.hub.link(),
        fallback_now: shell.care.now(),
        language,
    }
}

fn framed(user: &Staff, page: &PatientPage, language: Language, status: StatusCode) -> Response {
    Page {
        title: page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &["js/patient.js"],
        body: page,
    }
    .answer_in(language, status)
}
