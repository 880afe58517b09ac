//! The door of laboratories' results, for the centre: sheets to upload, and what a person has to
//! mend. All behind the check of the session and of the rights. What laboratories send themselves
//! comes by a listener of its own, which `serve` opens.

use askama::Template;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, Form, Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use veglia_laboratory::{
    Desk, LaboratoryError, LaboratoryPage, MendForm, MendPage, Mended, SHEET_BYTES_MAX, Shelf,
    Upload, Uploaded, mend, upload,
};
use veglia_people::staff::Staff;
use veglia_words::Language;

use crate::Shell;
use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// The page.
pub(crate) const PAGE: &str = "/laboratorio";

/// Largest upload: the sheet as a file, once more as text when it is kept after the preview, and
/// the borders between the parts.
const UPLOAD_BYTES_MAX: usize = 2 * SHEET_BYTES_MAX + 64 * 1024;

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let uploads = DefaultBodyLimit::max(UPLOAD_BYTES_MAX);
    vec![
        (PAGE, get(shown).post(uploaded).layer(uploads)),
        (
            "/laboratorio/messaggi/{number}",
            get(message).post(mend_message),
        ),
        (
            "/laboratorio/risultati/{number}",
            get(result).post(mend_result),
        ),
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

fn framed(
    (user, language): (&Staff, Language),
    title: &str,
    body: &impl Template,
    status: StatusCode,
) -> Response {
    Page {
        title,
        user: Some(user),
        section: Section::Laboratory,
        modules: &[],
        body,
    }
    .answer_in(language, status)
}

fn refused(error: &LaboratoryError) -> Response {
    match error {
        LaboratoryError::Form => StatusCode::BAD_REQUEST.into_response(),
        error => pages::unavailable("results of laboratories were not read or written", error),
    }
}

/// `GET /laboratorio`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match LaboratoryPage::load(desk(&shell, &user, language)).await {
        Ok(page) => framed((&user, language), &page.title(), &page, StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /laboratorio`: the page with what would be kept of a sheet, or with what was kept.
async fn uploaded(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    parts: Multipart,
) -> Response {
    let sent = match read(parts).await {
        Ok(sent) => sent,
        Err(error) => return error.into_response(),
    };
    let (page, status) = match upload(desk(&shell, &user, language), &sent).await {
        Ok(Uploaded::Kept(page) | Uploaded::Shown(page)) => (page, StatusCode::OK),
        Ok(Uploaded::Faulty(page)) => (page, StatusCode::UNPROCESSABLE_ENTITY),
        Err(error) => return refused(&error),
    };
    framed((&user, language), &page.title(), page.as_ref(), status)
}

/// The parts of the form; others are passed over.
async fn read(mut parts: Multipart) -> Result<Upload, MultipartError> {
    let mut sent = Upload::default();
    while let Some(part) = parts.next_field().await? {
        match part.name() {
            Some("file") => sent.file = part.bytes().await?.to_vec(),
            Some("text") => sent.text = part.text().await?,
            Some("laboratory") => sent.laboratory = part.text().await?,
            Some("act") => sent.act = part.text().await?,
            _ => {}
        }
    }
    Ok(sent)
}

/// `GET /laboratorio/messaggi/{number}`: a message that could not be read.
async fn message(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(number): Path<String>,
) -> Response {
    opened(&shell, (&user, language), (Shelf::Messages, &number)).await
}

/// `GET /laboratorio/risultati/{number}`: a result that somebody has to look at.
async fn result(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(number): Path<String>,
) -> Response {
    opened(&shell, (&user, language), (Shelf::Results, &number)).await
}

async fn opened(
    shell: &Shell,
    reader: (&Staff, Language),
    named: veglia_laboratory::Named<'_>,
) -> Response {
    match MendPage::load(desk(shell, reader.0, reader.1), named).await {
        Ok(Some(page)) => framed(reader, &page.title(), &page, StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}

/// `POST /laboratorio/messaggi/{number}`
async fn mend_message(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(number): Path<String>,
    Form(form): Form<MendForm>,
) -> Response {
    mended(&shell, (&user, language), (Shelf::Messages, &number), &form).await
}

/// `POST /laboratorio/risultati/{number}`
async fn mend_result(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(number): Path<String>,
    Form(form): Form<MendForm>,
) -> Response {
    mended(&shell, (&user, language), (Shelf::Results, &number), &form).await
}

/// Back to the list, or the form again with what was typed.
async fn mended(
    shell: &Shell,
    reader: (&Staff, Language),
    named: veglia_laboratory::Named<'_>,
    form: &MendForm,
) -> Response {
    match mend(desk(shell, reader.0, reader.1), named, form).await {
        Ok(Mended::Done) => Redirect::to(PAGE).into_response(),
        // The others of its message, at the same address.
        Ok(Mended::More) => Redirect::to(&format!("{PAGE}/messaggi/{}", named.1)).into_response(),
        Ok(Mended::Faulty(page)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            framed(reader, &page.title(), page.as_ref(), status)
        }
        Ok(Mended::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refused(&error),
    }
}
