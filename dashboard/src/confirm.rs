//! The owner of a session, once more: before other ways in are made or taken away. Whoever sits at
//! a screen left open must not be able to.
//!
//! A password or a passkey counts for five minutes ([`sessions::CONFIRMED_MS`]). Where it leads is
//! one of a few pages, never an address from the form.

use askama::Template;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::passkeys::{self, PublicKeyCredential};
use veglia_people::sessions;
use veglia_people::staff::Staff;
use veglia_people::{Password, SignInError};
use veglia_store::TxError;
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::{Shell, account, identity, passkey, tokens};

const PAGE: &str = "/account/conferma";

const WRONG: Key = Key("passkey-password-wrong");
const SLOWED: Key = Key("code-slowed");

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(asked).post(confirmed)),
        ("/account/conferma/inizio", post(passkey::begun)),
        ("/account/conferma/passkey", post(confirmed_by_passkey)),
    ]
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Toward {
    /// Make passkeys, or take them away.
    #[default]
    #[serde(rename = "passkey")]
    Passkeys,
    /// Link an identity from elsewhere, or unlink one.
    #[serde(rename = "identita")]
    Identities,
    /// Set one-time codes up.
    #[serde(rename = "codici")]
    Codes,
    /// Make tokens for programs.
    #[serde(rename = "token")]
    Tokens,
}

impl Toward {
    /// As forms name it.
    fn word(self) -> &'static str {
        match self {
            Self::Passkeys => "passkey",
            Self::Identities => "identita",
            Self::Codes => "codici",
            Self::Tokens => "token",
        }
    }

    fn page(self) -> &'static str {
        match self {
            Self::Passkeys => passkey::PAGE,
            Self::Identities => identity::PAGE,
            Self::Codes => account::CODES,
            Self::Tokens => tokens::PAGE,
        }
    }

    fn title(self) -> Key {
        match self {
            Self::Passkeys => Key("passkey-title"),
            Self::Identities => Key("identity-title"),
            Self::Codes => Key("codes-title"),
            Self::Tokens => Key("token-title"),
        }
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    w: Words,
    toward: Toward,
    /// Where passkeys are offered, to whoever has one.
    origin: Option<&'a str>,
    fault: Option<Key>,
}

/// Towards what, in an address.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    verso: Toward,
}

/// To the page that asks for the password once more.
pub(crate) fn ask(toward: Toward) -> Response {
    Redirect::to(&format!("{PAGE}?verso={}", toward.word())).into_response()
}

/// `GET /account/conferma`
async fn asked(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(Wanted { verso }): Query<Wanted>,
) -> Response {
    page((&shell, language), &user, verso, StatusCode::OK, None).await
}

async fn page(
    (shell, language): (&Shell, Language),
    user: &Staff,
    toward: Toward,
    status: StatusCode,
    fault: Option<Key>,
) -> Response {
    let has_passkey = passkeys::any(&shell.record, &user.actor(), user.id).await;
    let origin = match has_passkey {
        Ok(has_passkey) => shell.ways.origin().filter(|_| has_passkey),
        Err(error) => return pages::unavailable("passkeys were not looked up", &error),
    };
    let w = WORDS.speaking(language);
    Page {
        title: &w.say("confirm-title"),
        user: Some(user),
        section: Section::None,
        modules: &[passkey::SCRIPT],
        body: &ConfirmPage {
            w,
            toward,
            origin,
            fault,
        },
    }
    .answer_in(language, status)
}

/// The password, once more.
#[derive(Deserialize)]
struct Typed {
    password: String,
    #[serde(default)]
    verso: Toward,
}

/// `POST /account/conferma`
async fn confirmed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(Typed { password, verso }): Form<Typed>,
) -> Response {
    let now = shell.clock.now();
    let judged = shell.door.again(&user, Password::new(password), now).await;
    let (status, fault) = match judged {
        Ok(()) => return confirm(&shell, &user, &jar, Redirect::to(verso.page())).await,
        Err(SignInError::Refused) => (StatusCode::UNPROCESSABLE_ENTITY, WRONG),
        Err(SignInError::TooMany { .. }) => (StatusCode::TOO_MANY_REQUESTS, SLOWED),
        Err(error) => return pages::unavailable("a password could not be judged", &error),
    };
    tracing::warn!(staff.id = %user.id, "a password that was asked once more was refused");
    page((&shell, language), &user, verso, status, Some(fault)).await
}

/// What a script sends of a passkey.
#[derive(Deserialize)]
struct Shown {
    credential: PublicKeyCredential,
    #[serde(default)]
    verso: Toward,
}

/// `POST /account/conferma/passkey`
async fn confirmed_by_passkey(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    shown: Result<Json<Shown>, JsonRejection>,
) -> Response {
    let Ok(Json(Shown { credential, verso })) = shown else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match passkey::recognised(&shell, &jar, &credential, language).await {
        // Somebody else's confirms nothing here.
        Ok(staff) if staff.id != user.id => passkey::unrecognised(language),
        Ok(_) => confirm(&shell, &user, &jar, passkey::done(verso.page())).await,
        Err(answer) => answer,
    }
}

async fn confirm(
    shell: &Shell,
    user: &Staff,
    jar: &CookieJar,
    done: impl IntoResponse,
) -> Response {
    let Some(token) = shell.cookie.token(jar) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match sessions::confirm(&shell.record, user, &token, shell.clock.now()).await {
        Ok(()) => done.into_response(),
        Err(error) => pages::unavailable("a session was not confirmed", &error),
    }
}

/// Whether the owner of the session was recognised once more of late.
pub(crate) async fn is_confirmed(
    shell: &Shell,
    user: &Staff,
    jar: &CookieJar,
) -> Result<bool, TxError> {
    match shell.cookie.token(jar) {
        Some(token) => sessions::is_confirmed(&shell.record, user, &token, shell.clock.now()).await,
        None => Ok(false),
    }
}

/// The same; whoever has just signed in was recognised too. Else the page that asks.
pub(crate) async fn fresh(
    shell: &Shell,
    user: &Staff,
    jar: &CookieJar,
    toward: Toward,
) -> Result<(), Response> {
    let Some(token) = shell.cookie.token(jar) else {
        return Err(StatusCode::UNAUTHORIZED.into_response());
    };
    match sessions::is_fresh(&shell.record, user, &token, shell.clock.now()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(ask(toward)),
        Err(error) => Err(pages::unavailable("a session was not looked up", &error)),
    }
}
