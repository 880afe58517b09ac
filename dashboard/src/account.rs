//! *Il mio account*: who is signed in from where, one-time codes, and the way to passkeys
//! ([`crate::passkey`]).
//!
//! Everybody sees and ends their own sessions. Codes are set up by scanning a square and typing the
//! first one; recovery codes are shown once. Setting them up wants somebody who has just signed in,
//! or the password once more ([`crate::confirm`]): a stranger at a screen left open would lock its
//! owner out. Taking codes away is the administrator's ([`crate::users`]).

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use qrcode::render::svg;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;
use veglia_people::codes::{self, CodeError, Enrolling};
use veglia_people::sessions::{self, OpenSession};
use veglia_people::staff::Staff;
use veglia_people::{SignInError, passkeys, subjects};
use veglia_store::TxError;
use veglia_words::{Key, Language, Words};

use crate::Shell;
use crate::browser;
use crate::confirm::{self, Toward};
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// The page.
pub(crate) const PAGE: &str = "/account";

/// Where codes are set up.
pub(crate) const CODES: &str = "/account/codici";

/// Smallest side of the square, in pixels.
const SIDE: u32 = 260;

const WRONG: Key = Key("code-wrong");
const SLOWED: Key = Key("code-slowed");

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(shown)),
        ("/account/sessioni/fine", post(ended)),
        (CODES, get(scanned).post(confirmed)),
        ("/account/codici/recupero", post(renewed)),
    ]
}

/// A session, as a line.
pub(crate) struct SessionView {
    pub(crate) handle: String,
    pub(crate) browser: String,
    pub(crate) opened: String,
    pub(crate) seen: String,
    pub(crate) is_this: bool,
}

impl SessionView {
    pub(crate) fn of(open: OpenSession, this: Option<&str>, w: Words) -> Self {
        Self {
            is_this: this == Some(open.handle.as_str()),
            browser: browser::name(&open.browser, w),
            opened: w.language.moment(open.opened),
            seen: w.language.moment(open.seen),
            handle: open.handle,
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    w: Words,
    user: &'a Staff,
    sessions: Vec<SessionView>,
    /// Recovery codes left; none while no codes are shown.
    left: Option<u64>,
    must: bool,
    /// How many passkeys; none where there can be none.
    passkeys: Option<usize>,
    /// How many identities from elsewhere open it; none where there is no provider.
    identities: Option<u64>,
    fault: Option<Key>,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage<'a> {
    w: Words,
    /// Already safe: rectangles and numbers.
    square: String,
    secret: &'a str,
    must: bool,
    fault: Option<Key>,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    w: Words,
    codes: Vec<String>,
}

/// `GET /account`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    account((&shell, language), &user, &jar, StatusCode::OK, None).await
}

async fn account(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
    status: StatusCode,
    fault: Option<Key>,
) -> Response {
    match load((shell, language), user, jar, fault).await {
        Ok(page) => answered(Key("account-title"), user, &page, (language, status)),
        Err(error) => pages::unavailable("an account's page was not made", &error),
    }
}

async fn load<'a>(
    (shell, language): (&Shell, Language),
    user: &'a Staff,
    jar: &CookieJar,
    fault: Option<Key>,
) -> Result<AccountPage<'a>, TxError> {
    let w = WORDS.speaking(language);
    let (record, actor) = (&shell.record, &user.actor());
    let this = shell.cookie.token(jar).map(|token| token.handle());
    let open = sessions::list(record, actor, user.id, shell.clock.now()).await?;
    let sessions = open
        .into_iter()
        .map(|open| SessionView::of(open, this.as_deref(), w));
    let left = if codes::is_enrolled(record, actor, user.id).await? {
        Some(codes::left(record, user).await?)
    } else {
        None
    };
    let passkeys = match shell.ways.passkeys {
        Some(_) => Some(passkeys::list(record, actor, user.id).await?.len()),
        None => None,
    };
    let identities = match shell.ways.elsewhere {
        Some(_) => Some(subjects::count(record, actor, user.id).await?),
        None => None,
    };
    Ok(AccountPage {
        w,
        user,
        passkeys,
        identities,
        sessions: sessions.collect(),
        left,
        must: shell.must_show_codes(user.role),
        fault,
    })
}

/// Which session is to end: its handle, or `altre` for all but this one.
#[derive(Deserialize)]
struct Ended {
    sessione: String,
}

/// `POST /account/sessioni/fine`
async fn ended(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    jar: CookieJar,
    Form(Ended { sessione }): Form<Ended>,
) -> Response {
    let (record, actor) = (&shell.record, &user.actor());
    let this = shell.cookie.token(&jar).map(|token| token.handle());
    let done = async {
        if sessione != "altre" {
            sessions::close_listed(record, actor, user.id, &sessione).await?;
            return Ok::<(), TxError>(());
        }
        for open in sessions::list(record, actor, user.id, shell.clock.now()).await? {
            if this.as_ref() != Some(&open.handle) {
                sessions::close_listed(record, actor, user.id, &open.handle).await?;
            }
        }
        Ok(())
    };
    match done.await {
        Ok(()) => Redirect::to(PAGE).into_response(),
        Err(error) => pages::unavailable("a session was not ended", &error),
    }
}

/// `GET /account/codici`: the square to scan.
async fn scanned(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    if let Err(answer) = confirm::fresh(&shell, &user, &jar, Toward::Codes).await {
        return answer;
    }
    let begun = match codes::begun(&shell.record, &user).await {
        Ok(Some(begun)) => Ok(begun),
        Ok(None) => codes::begin(&shell.record, &user, shell.clock.now()).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(begun) => square_page((&shell, language), &user, &begun, StatusCode::OK, None),
        // They are set up: what there is to do stands there.
        Err(CodeError::State) => Redirect::to(PAGE).into_response(),
        Err(error) => pages::unavailable("one-time codes were not begun", &error),
    }
}

/// A code, as it was typed.
#[derive(Deserialize)]
struct Typed {
    codice: String,
}

/// `POST /account/codici`: codes count from now on.
async fn confirmed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(Typed { codice }): Form<Typed>,
) -> Response {
    let Some(token) = shell.cookie.token(&jar) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if let Err(answer) = confirm::fresh(&shell, &user, &jar, Toward::Codes).await {
        return answer;
    }
    let now = shell.clock.now();
    match codes::confirm(&shell.record, &user, &token, &codice, now).await {
        Ok(codes) => {
            tracing::info!(staff.id = %user.id, "one-time codes were set up");
            once(&user, codes, language)
        }
        Err(CodeError::Wrong) => match codes::begun(&shell.record, &user).await {
            Ok(Some(begun)) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                square_page((&shell, language), &user, &begun, status, Some(WRONG))
            }
            Ok(None) => Redirect::to(PAGE).into_response(),
            Err(error) => pages::unavailable("one-time codes were not read", &error),
        },
        Err(CodeError::State) => Redirect::to(PAGE).into_response(),
        Err(error) => pages::unavailable("one-time codes were not set up", &error),
    }
}

/// `POST /account/codici/recupero`: new recovery codes, for whoever shows a code.
async fn renewed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(Typed { codice }): Form<Typed>,
) -> Response {
    let now = shell.clock.now();
    let fault = match shell.door.second(&user, &codice, now).await {
        Ok(_) => None,
        Err(SignInError::Refused) => Some((StatusCode::UNPROCESSABLE_ENTITY, WRONG)),
        Err(SignInError::TooMany { .. }) => Some((StatusCode::TOO_MANY_REQUESTS, SLOWED)),
        Err(SignInError::Code(CodeError::State)) => return Redirect::to(PAGE).into_response(),
        Err(error) => return pages::unavailable("a one-time code could not be judged", &error),
    };
    if let Some((status, fault)) = fault {
        return account((&shell, language), &user, &jar, status, Some(fault)).await;
    }
    match codes::renew(&shell.record, &user, now).await {
        Ok(codes) => once(&user, codes, language),
        Err(error) => pages::unavailable("recovery codes were not made", &error),
    }
}

fn once(user: &Staff, codes: Vec<String>, language: Language) -> Response {
    let w = WORDS.speaking(language);
    let page = RecoveryPage { w, codes };
    answered(
        Key("recovery-title"),
        user,
        &page,
        (language, StatusCode::OK),
    )
}

fn square_page(
    (shell, language): (&Shell, Language),
    user: &Staff,
    begun: &Enrolling,
    status: StatusCode,
    fault: Option<Key>,
) -> Response {
    let square = match square(&begun.url) {
        Ok(square) => square,
        Err(error) => return pages::unavailable("a square was not drawn", &error),
    };
    let page = CodesPage {
        w: WORDS.speaking(language),
        square,
        secret: &begun.secret,
        must: shell.must_show_codes(user.role),
        fault,
    };
    answered(Key("codes-title"), user, &page, (language, status))
}

/// The square as an element of a page.
fn square(url: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M)?;
    let mut drawn = code.render::<svg::Color<'_>>();
    let picture = drawn.min_dimensions(SIDE, SIDE).build();
    // A page is no XML document: the declaration before the element goes.
    let start = picture.find("<svg").unwrap_or_default();
    Ok(picture.get(start..).unwrap_or_default().to_owned())
}

fn answered(
    title: Key,
    user: &Staff,
    body: &impl Template,
    (language, status): (Language, StatusCode),
) -> Response {
    Page {
        title: &WORDS.speaking(language).say(title),
        user: Some(user),
        section: Section::None,
        modules: &[],
        body,
    }
    .answer_in(language, status)
}
