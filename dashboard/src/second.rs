//! The second step of signing in: the one-time code of an account that shows them, or a passkey.
//!
//! Between the password and the code there is no session; the browser holds a token of its own,
//! good for a few minutes and for this page alone.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::codes::{CodeError, Shown};
use veglia_people::sessions::Token;
use veglia_people::staff::Staff;
use veglia_people::{SignInError, codes, steps};
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS};
use crate::login::{self, Back};
use crate::pages::{self, Page, Section};
use crate::{Shell, passkey};

/// Where the code is asked for.
const PAGE: &str = "/login/codice";

#[derive(Template)]
#[template(path = "second.html")]
struct CodePage<'a> {
    w: Words,
    back: &'a str,
    /// Whether the account shows codes; one that does not has passkeys.
    codes: bool,
    /// Where passkeys are offered.
    origin: Option<&'a str>,
    fault: Option<Key>,
    wait_minutes: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Filled {
    codice: String,
    #[serde(default)]
    back: String,
}

/// After the right password of an account that shows codes: to the page that asks for one.
pub(crate) async fn ask_for(shell: &Shell, jar: CookieJar, staff: &Staff, back: &str) -> Response {
    match steps::open(&shell.record, staff, shell.clock.now()).await {
        Ok(token) => {
            let cookie = shell.cookie.step(token.reveal());
            let back = login::within_this_site(back);
            let to = login::address_of(PAGE, back);
            (jar.add(cookie), Redirect::to(&to)).into_response()
        }
        Err(error) => pages::unavailable("a sign-in was not kept for its code", &error),
    }
}

/// `GET /login/codice`
pub(crate) async fn form(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    Query(Back { back }): Query<Back>,
) -> Response {
    match half(&shell, &jar).await {
        Ok((staff, _)) => {
            asked(
                (&shell, language),
                &staff,
                StatusCode::OK,
                &back,
                None,
                None,
            )
            .await
        }
        Err(answer) => answer,
    }
}

/// `POST /login/codice`
pub(crate) async fn submit(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(Form(Filled { codice, back })) = filled else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (staff, token) = match half(&shell, &jar).await {
        Ok(half) => half,
        Err(answer) => return answer,
    };
    let now = shell.clock.now();
    match shell.door.second(&staff, &codice, now).await {
        Ok(shown) => {
            if let Err(error) = steps::end(&shell.record, &staff, &token).await {
                return pages::unavailable("a sign-in was not ended", &error);
            }
            if let Shown::Recovery { left } = shown {
                tracing::warn!(staff.id = %staff.id, left, "a recovery code was used");
            }
            let jar = jar.remove(shell.cookie.step(String::new()));
            login::open(&shell, jar, &headers, &staff, &back).await
        }
        Err(SignInError::Refused) => {
            tracing::warn!(staff.id = %staff.id, "a one-time code was refused");
            let fault = Key("code-wrong");
            let status = StatusCode::UNAUTHORIZED;
            asked((&shell, language), &staff, status, &back, Some(fault), None).await
        }
        Err(SignInError::TooMany { wait_ms }) => {
            tracing::warn!(staff.id = %staff.id, wait_ms, "one-time codes are being slowed");
            let seconds = (wait_ms + 999) / 1_000;
            let minutes = Some((seconds + 59) / 60);
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut page = asked((&shell, language), &staff, status, &back, None, minutes).await;
            page.headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            page
        }
        // It has passkeys alone: the page says so.
        Err(SignInError::Code(CodeError::State)) => {
            asked(
                (&shell, language),
                &staff,
                StatusCode::UNAUTHORIZED,
                &back,
                None,
                None,
            )
            .await
        }
        Err(error) => pages::unavailable("a one-time code could not be judged", &error),
    }
}

/// Who is half signed in; or to the beginning.
async fn half(shell: &Shell, jar: &CookieJar) -> Result<(Staff, Token), Response> {
    let again = || Redirect::to("/login").into_response();
    let token = shell.cookie.step_token(jar).ok_or_else(again)?;
    match steps::whose(&shell.record, &token, shell.clock.now()).await {
        Ok(Some(staff)) => Ok((staff, token)),
        Ok(None) => Err(again()),
        Err(error) => Err(pages::unavailable("a sign-in was not looked up", &error)),
    }
}

async fn asked(
    (shell, language): (&Shell, Language),
    staff: &Staff,
    status: StatusCode,
    back: &str,
    fault: Option<Key>,
    wait_minutes: Option<i64>,
) -> Response {
    let codes = match codes::is_enrolled(&shell.record, &staff.actor(), staff.id).await {
        Ok(codes) => codes,
        Err(error) => return pages::unavailable("one-time codes were not looked up", &error),
    };
    let w = WORDS.speaking(language);
    Page {
        title: &w.say("second-title"),
        user: None,
        section: Section::None,
        modules: &[passkey::SCRIPT],
        body: &CodePage {
            w,
            back: login::within_this_site(back),
            codes,
            origin: shell.ways.origin(),
            fault,
            wait_minutes,
        },
    }
    .answer_in(language, status)
}
