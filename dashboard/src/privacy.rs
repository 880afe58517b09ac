//! The door to a patient's rights over their data: at the centre, hiding an event and showing it
//! again, and the patient's own copy; for two administrators, erasing somebody. Behind the check of
//! the session and of the rights.

use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream;
use veglia_people::staff::Staff;
use veglia_privacy::{
    CopyError, CopyPage, Desk, ErasedPage, ErasureForm, ErasureOutcome, ErasuresPage, HidingForm,
    HidingOutcome, HidingPage, OwnCopy, SheetPage, erasing, hiding, logged,
};
use veglia_view::{ExportAsk, PatientId, Scope};
use veglia_wire::WallMs;
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Where something is hidden, below a patient's page.
pub(crate) const HIDING: &str = "/pazienti/{id}/oscuramento";

/// Where the patient's own copy is made, below a patient's page.
pub(crate) const COPY: &str = "/pazienti/{id}/copia";

/// Where somebody is erased.
pub(crate) const ERASURES: &str = "/cancellazioni";

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (HIDING, get(form).post(written)),
        (COPY, get(copy)),
        ("/pazienti/{id}/copia/dati.json", get(own_record)),
        ("/pazienti/{id}/copia/misure.csv", get(own_readings)),
        (ERASURES, get(erasures).post(erased)),
    ]
}

fn desk<'a>(shell: &'a Shell, user: &'a Staff, language: Language) -> Desk<'a> {
    Desk {
        record: &shell.record,
        who: user,
        language,
        now: shell.care.now(),
    }
}

/// `GET /pazienti/{id}/oscuramento`
async fn form(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    match HidingPage::load(desk(&shell, &user, language), patient).await {
        Ok(Some(page)) => framed(&user, language, &page, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("the page of a patient's rights was not made", &error),
    }
}

/// `POST /pazienti/{id}/oscuramento`: the sheet, once, or the page again. The sheet is an answer to
/// the form and has no address of its own: the code on it is not kept.
async fn written(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
    Form(form): Form<HidingForm>,
) -> Response {
    match hiding(desk(&shell, &user, language), patient, &form).await {
        Ok(HidingOutcome::Hidden(sheet)) => handed(&user, language, &sheet),
        Ok(HidingOutcome::Shown(page)) => framed(&user, language, &page, StatusCode::OK),
        Ok(HidingOutcome::Refused(page)) => {
            framed(&user, language, &page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(HidingOutcome::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a patient's wish was not carried out", &error),
    }
}

fn framed(user: &Staff, language: Language, page: &HidingPage, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}

fn handed(user: &Staff, language: Language, sheet: &SheetPage) -> Response {
    Page {
        title: &sheet.title(),
        user: Some(user),
        section: Section::Patients,
        modules: &[],
        body: sheet,
    }
    .answer_in(language, StatusCode::OK)
}

/// `GET /pazienti/{id}/copia`
async fn copy(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Cared { patient, .. }: Cared,
) -> Response {
    match CopyPage::load(desk(&shell, &user, language), patient).await {
        Ok(Some(page)) => Page {
            title: &page.title(),
            user: Some(&user),
            section: Section::Patients,
            modules: &[],
            body: &page,
        }
        .answer_in(language, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("the page of a copy was not made", &error),
    }
}

/// `GET /pazienti/{id}/copia/dati.json`: in pieces; a copy that cannot go on breaks off, so that
/// no half is taken for the whole.
async fn own_record(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let actor = user.actor();
    let copy = match OwnCopy::begin(&shell.record, &actor, patient, shell.care.now()).await {
        Ok(Some(copy)) => copy,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return pages::unavailable("a copy was not made", &error),
    };
    let pieces = stream::try_unfold(copy, async |mut copy| {
        let piece = copy.piece().await;
        let piece = piece.inspect_err(|error| {
            tracing::error!(error = %pages::chain(error), "a copy broke off");
        });
        Ok::<_, CopyError>(piece?.map(|piece| (piece, copy)))
    });
    file(
        Body::from_stream(pieces),
        patient,
        "json",
        "application/json",
    )
}

/// `GET /pazienti/{id}/copia/misure.csv`: of ingest itself, with what is hidden.
async fn own_readings(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
) -> Response {
    let entered = logged(&shell.record, &user.actor(), patient, shell.care.now()).await;
    if let Err(error) = entered {
        return pages::unavailable("a copy was not made", &error);
    }
    let ask = ExportAsk {
        scope: Scope::Patient(patient),
        from: WallMs(i64::MIN),
        to: WallMs(i64::MAX),
    };
    let lines = match shell.ingest.export(ask).await {
        Ok(lines) => lines,
        Err(error) => return pages::unavailable("readings were not copied", &error),
    };
    let pieces = stream::unfold(lines, async |mut lines| {
        let piece = lines.next().await?;
        Some((piece, lines))
    });
    let kind = "text/csv; charset=utf-8";
    file(Body::from_stream(pieces), patient, "csv", kind)
}

/// A file to be kept, named after the patient's number.
fn file(body: Body, patient: PatientId, ends: &str, kind: &'static str) -> Response {
    let named = format!("attachment; filename=\"veglia-{patient}.{ends}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, named),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

/// `GET /cancellazioni`
async fn erasures(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    let desk = desk(&shell, &user, language);
    match ErasuresPage::load(desk, shell.retention).await {
        Ok(page) => listed(&user, language, &page, StatusCode::OK),
        Err(error) => pages::unavailable("erasures were not read", &error),
    }
}

/// `POST /cancellazioni`
async fn erased(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<ErasureForm>,
) -> Response {
    match erasing(desk(&shell, &user, language), shell.retention, &form).await {
        Ok(ErasureOutcome::Done) => Redirect::to(ERASURES).into_response(),
        Ok(ErasureOutcome::Refused(page)) => {
            listed(&user, language, &page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => pages::unavailable("an erasure was not carried out", &error),
    }
}

fn listed(user: &Staff, language: Language, page: &ErasuresPage, status: StatusCode) -> Response {
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::Accounts,
        modules: &[],
        body: page,
    }
    .answer_in(language, status)
}

/// What whoever cared for somebody is answered since they were erased, on every page of theirs.
pub(crate) fn gone(user: &Staff, Spoken(language): Spoken, at: WallMs) -> Response {
    let page = ErasedPage::new(language, at);
    Page {
        title: &page.title(),
        user: Some(user),
        section: Section::None,
        modules: &[],
        body: &page,
    }
    .answer_in(language, StatusCode::GONE)
}
