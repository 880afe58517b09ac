//! What programs read. Each handler asks what the page of the same name asks.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use veglia_api::{
    Devices, Diary, DiaryAsk, Flags, Me, Needs, Patient, Plan, Readings, ReadingsAsk, Signatures,
    Trend, TrendAsk, Ward, WardAsk,
};
use veglia_diary::{diary_of, open_flags_of, plans_of, standings_of};
use veglia_intake::needs_of;
use veglia_people::staff::Staff;
use veglia_people::{background, patients};
use veglia_view::{PatientId, Row, ViewError, WallMs};
use veglia_ward::{CurveError, Filter, TrendQuery, WardQuery, curve};
use veglia_words::Language;

use crate::Shell;
use crate::api::ByToken;
use crate::api::ask::Asked;
use crate::api::problem::Problem;
use crate::centre::sources;
use crate::pages;
use crate::paging::person_of;
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Whose token this is.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "account", operation_id = "me",
    responses((status = 200, description = "The account and the token", body = Me)),
    security(("token" = [])),
)]
pub(crate) async fn me(CurrentUser(user): CurrentUser, ByToken(token): ByToken) -> Json<Me> {
    Json(Me::from((&user, &token)))
}

/// The list of patients, whoever needs somebody first. For the centre.
#[utoipa::path(
    get, path = "/api/v1/ward", tag = "ward", operation_id = "ward",
    params(WardAsk),
    responses((status = 200, description = "A part of the list", body = Ward)),
    security(("token" = ["ward:read"])),
)]
pub(crate) async fn ward(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Asked(ask): Asked<WardAsk>,
) -> Response {
    let cursor = ask.cursor.unwrap_or(1);
    if !ask.is_fit() {
        return wrong(
            "`cursor` is 1 to 50, `family_doctor` above 0, `search` 60 characters at most",
        );
    }
    let filter = Filter::new(&WardQuery::from(ask), &user.actor().to_string());
    let link = shell.hub.link();
    // Of the words of a line no program is told.
    let leaf = shell.hub.leaf(&filter, Language::default());
    let rows = match shell.view.rows(Ward::shown(&leaf)).await {
        Ok(rows) => Some(rows),
        Err(error) => {
            // Who needs somebody is told all the same.
            tracing::warn!(error = %pages::chain(&error), "values were not told to a program");
            None
        }
    };
    Json(Ward::new(&leaf, &link, cursor, rows.as_deref())).into_response()
}

/// One patient in short: who it is, how they are, the clinical sheet.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}", tag = "patient", operation_id = "patient",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The patient", body = Patient)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn patient(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let (record, actor) = (&shell.record, &user.actor());
    let (row, now) = match bedside(&shell, patient).await {
        Ok(bedside) => bedside,
        Err(answer) => return answer,
    };
    let (mut person, mut sheet) = (None, None);
    if let Some(id) = person_of(patient) {
        match patients::get(record, actor, id).await {
            Ok(found) => person = found,
            Err(error) => return pages::unavailable("a person was not read", &error),
        }
        match background::current(record, actor, id).await {
            Ok(found) => sheet = found,
            Err(error) => return pages::unavailable("a clinical sheet was not read", &error),
        }
    }
    if person.is_none() && row.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let stood = match standings_of(record, actor, patient).await {
        Ok(stood) => stood,
        Err(error) => return pages::unavailable("where a patient is was not read", &error),
    };
    let signed = match signatures(&shell, &user).await {
        Ok(signed) => signed,
        Err(answer) => return answer,
    };
    let row = row.unwrap_or_else(|| Row::new(patient));
    let known = (person.as_ref(), sheet.as_ref());
    Json(Patient::new(&row, now, known, &stood, &signed)).into_response()
}

/// The newest version of a patient's plan; 404 before the first.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/plan", tag = "patient", operation_id = "plan",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The plan", body = Plan)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn plan(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let written = match plans_of(&shell.record, &user.actor(), patient).await {
        Ok(written) => written,
        Err(error) => return pages::unavailable("a plan was not read", &error),
    };
    let Some(newest) = written.first() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match signatures(&shell, &user).await {
        Ok(signed) => Json(Plan::new(newest, &signed)).into_response(),
        Err(answer) => answer,
    }
}

/// What needs somebody: the open flags of a patient.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/flags", tag = "patient", operation_id = "flags",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The open flags", body = Flags)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn flags(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let open = match open_flags_of(&shell.record, &user.actor(), patient).await {
        Ok(open) => open,
        Err(error) => return pages::unavailable("open flags were not read", &error),
    };
    match signatures(&shell, &user).await {
        Ok(signed) => Json(Flags::new(open, &signed)).into_response(),
        Err(answer) => answer,
    }
}

/// The diary of a patient, the newest lines first.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/diary", tag = "patient", operation_id = "diary",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$"), DiaryAsk),
    responses((status = 200, description = "A part of the diary", body = Diary)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn diary(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Asked(ask): Asked<DiaryAsk>,
) -> Response {
    let Some(limit) = ask.limit() else {
        return wrong("`limit` is 1 to 200");
    };
    let until = Diary::until(&ask, shell.care.now());
    let (record, actor) = (&shell.record, &user.actor());
    let most = u64::from(limit) + 1;
    let lines = match diary_of(record, actor, patient, WallMs(0)..until, most).await {
        Ok(lines) => lines,
        Err(error) => return pages::unavailable("a diary was not read", &error),
    };
    match signatures(&shell, &user).await {
        Ok(signed) => Json(Diary::new(lines, limit, &signed)).into_response(),
        Err(answer) => answer,
    }
}

/// The curve of a vital sign: the first, lowest, highest and last reading of each stretch.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/trend", tag = "patient", operation_id = "trend",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$"), TrendAsk),
    responses((status = 200, description = "The curve", body = Trend)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn trend(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Asked(ask): Asked<TrendAsk>,
) -> Response {
    let vital = ask.vital.into();
    let ask = match TrendQuery::from(ask).check(patient) {
        Ok(ask) => ask,
        Err(_) => {
            return wrong("`from` is before `to`, at most 62 days; `stretches` is 50 to 4000");
        }
    };
    match curve(
        sources(&shell, &user.actor(), Language::default()),
        &shell.rules,
        ask,
    )
    .await
    {
        Ok(chart) => Json(Trend::from((vital, chart))).into_response(),
        Err(CurveError::View(ViewError::Refused(why))) => wrong(why),
        Err(error) => pages::unavailable("a curve was not read", &error),
    }
}

/// Single readings of a vital sign, the earliest first.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/readings", tag = "patient", operation_id = "readings",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$"), ReadingsAsk),
    responses((status = 200, description = "Readings", body = Readings)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn readings(
    State(shell): State<Shell>,
    Cared { patient, .. }: Cared,
    Asked(ask): Asked<ReadingsAsk>,
) -> Response {
    let Some(question) = ask.of(patient) else {
        return wrong("`from` is before `to`; `limit` is 1 to 5000");
    };
    match shell.view.readings(question).await {
        Ok(told) => Json(Readings::from((question.vital, told))).into_response(),
        Err(ViewError::Refused(why)) => wrong(why),
        Err(error) => pages::unavailable("readings were not read", &error),
    }
}

/// The devices that a patient wears now.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/devices", tag = "patient", operation_id = "devices",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The devices", body = Devices)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn devices(State(shell): State<Shell>, Cared { patient, .. }: Cared) -> Response {
    match bedside(&shell, patient).await {
        Ok((row, _)) => {
            let row = row.unwrap_or_else(|| Row::new(patient));
            Json(Devices::from(&row)).into_response()
        }
        Err(answer) => answer,
    }
}

/// What a patient said that they need.
#[utoipa::path(
    get, path = "/api/v1/patients/{patient}/needs", tag = "patient", operation_id = "needs",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The needs", body = Needs)),
    security(("token" = ["patient:read"])),
)]
pub(crate) async fn needs(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let needs = match needs_of(&shell.record, &user.actor(), patient).await {
        Ok(needs) => needs,
        Err(error) => return pages::unavailable("needs were not read", &error),
    };
    match signatures(&shell, &user).await {
        Ok(signed) => Json(Needs::new(needs, &signed)).into_response(),
        Err(answer) => answer,
    }
}

/// What ingest knows of a patient, and the moment of it.
async fn bedside(shell: &Shell, patient: PatientId) -> Result<(Option<Row>, WallMs), Response> {
    match shell.view.patient(patient).await {
        Ok(told) => Ok((
            told.row.map(std::sync::Arc::unwrap_or_clone),
            told.status.care_now,
        )),
        Err(error) => Err(pages::unavailable("a patient was not read", &error)),
    }
}

/// The names behind signatures.
pub(crate) async fn signatures(shell: &Shell, user: &Staff) -> Result<Signatures, Response> {
    let read = Signatures::read(&shell.record, &user.actor()).await;
    read.map_err(|error| pages::unavailable("names of staff were not read", &error))
}

/// A question that is understood and not offered.
fn wrong(why: impl Into<String>) -> Response {
    Problem::saying(StatusCode::BAD_REQUEST, why).into_response()
}
