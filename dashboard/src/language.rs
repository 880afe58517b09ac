//! In which language somebody reads: what they chose at the foot of a page, which their browser
//! keeps, or else what the browser prefers, or else Italian.
//!
//! The choice is the browser's and not the account's: it holds on the page of signing in too, and
//! for whoever has no account.

use std::convert::Infallible;

use axum::extract::{Form, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_wire::WallMs;
use veglia_words::{Language, Pack, Words};

use crate::{Shell, login};

/// What the shell's own pages say.
pub(crate) static WORDS: Pack = Pack::new(
    &[
        include_str!("words/it/bell.ftl"),
        include_str!("words/it/account.ftl"),
        include_str!("words/it/doors.ftl"),
        include_str!("words/it/frame.ftl"),
        include_str!("words/it/reach.ftl"),
        include_str!("words/it/register.ftl"),
        include_str!("words/it/sign-in.ftl"),
        include_str!("words/it/tokens.ftl"),
    ],
    &[
        include_str!("words/en/bell.ftl"),
        include_str!("words/en/account.ftl"),
        include_str!("words/en/doors.ftl"),
        include_str!("words/en/frame.ftl"),
        include_str!("words/en/reach.ftl"),
        include_str!("words/en/register.ftl"),
        include_str!("words/en/sign-in.ftl"),
        include_str!("words/en/tokens.ftl"),
    ],
);

/// Where the choice is sent.
pub(crate) const CHOICE: &str = "/lingua";

/// Address and methods; open to everybody.
pub(crate) fn open_routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![(CHOICE, post(chosen))]
}

/// The language of whoever asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken(pub(crate) Language);

impl<S: Sync> FromRequestParts<S> for Spoken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get().copied();
        Ok(known.unwrap_or(Self(Language::default())))
    }
}

/// Of a request, by its cookie and its headers.
pub(crate) fn of(shell: &Shell, headers: &HeaderMap) -> Language {
    let jar = CookieJar::from_headers(headers);
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|it| it.to_str().ok());
    Language::wanted(shell.cookie.language_tag(&jar).as_deref(), accepted)
}

/// `dalle 12:40`, `dal 21/11 alle 12:40`.
pub(crate) fn since(at: WallMs, now: WallMs, w: Words) -> String {
    let (day, hour) = (w.language.day_of_year(at), w.language.hour(at));
    if w.language.day(at) == w.language.day(now) {
        return w.with("since-today", "hour", hour).to_string();
    }
    w.with("since-before", "day", day)
        .and("hour", hour)
        .to_string()
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    lingua: String,
    #[serde(default)]
    back: String,
}

/// `POST /lingua`: the same page, in the language that was chosen.
async fn chosen(
    State(shell): State<Shell>,
    jar: CookieJar,
    Form(Chosen { lingua, back }): Form<Chosen>,
) -> Response {
    let Some(language) = Language::of_tag(&lingua) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let cookie = shell.cookie.language(language);
    let back = Redirect::to(login::within_this_site(&back));
    (jar.add(cookie), back).into_response()
}
