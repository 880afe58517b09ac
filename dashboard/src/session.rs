//! The session cookie, and the one check that stands before every door.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use veglia_people::sessions::{self, Token};
use veglia_people::staff::Staff;
use veglia_words::Language;

use crate::{Shell, login, lost, pages, rights};

/// The two shapes of our cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieKind {
    /// Plain HTTP on this machine: browsers would drop a `Secure` cookie.
    Loopback,
    /// Over TLS: the `__Host-` prefix binds the cookie to this very host.
    Encrypted,
}

impl CookieKind {
    pub(crate) fn for_transport(encrypted: bool) -> Self {
        if encrypted {
            Self::Encrypted
        } else {
            Self::Loopback
        }
    }

    /// Whether browsers reach us over TLS.
    pub(crate) fn is_encrypted(self) -> bool {
        self == Self::Encrypted
    }

    fn name(self) -> &'static str {
        match self {
            Self::Loopback => "veglia_session",
            Self::Encrypted => "__Host-veglia_session",
        }
    }

    /// Of a sign-in between its password and its code.
    fn step_name(self) -> &'static str {
        match self {
            Self::Loopback => "veglia_step",
            Self::Encrypted => "__Host-veglia_step",
        }
    }

    /// Of the language that somebody chose.
    fn language_name(self) -> &'static str {
        match self {
            Self::Loopback => "veglia_language",
            Self::Encrypted => "__Host-veglia_language",
        }
    }

    /// Of a passkey that is being made or shown.
    fn ceremony_name(self) -> &'static str {
        match self {
            Self::Loopback => "veglia_passkey",
            Self::Encrypted => "__Host-veglia_passkey",
        }
    }

    /// Of a sign-in that went to an identity provider.
    fn away_name(self) -> &'static str {
        match self {
            Self::Loopback => "veglia_away",
            Self::Encrypted => "__Host-veglia_away",
        }
    }

    /// Forgotten when the browser is closed: it has no age of its own.
    pub(crate) fn cookie(self, value: String) -> Cookie<'static> {
        self.named(self.name(), value)
    }

    /// The same, of a sign-in that still wants its code.
    pub(crate) fn step(self, value: String) -> Cookie<'static> {
        self.named(self.step_name(), value)
    }

    /// Kept when the browser is closed: it says nothing of anybody.
    pub(crate) fn language(self, language: Language) -> Cookie<'static> {
        let mut cookie = self.named(self.language_name(), language.tag().to_owned());
        cookie.make_permanent();
        cookie
    }

    /// The language that this browser was told to keep.
    pub(crate) fn language_tag(self, jar: &CookieJar) -> Option<String> {
        Some(jar.get(self.language_name())?.value().to_owned())
    }

    /// The same, of a passkey that is being made or shown.
    pub(crate) fn ceremony(self, value: String) -> Cookie<'static> {
        self.named(self.ceremony_name(), value)
    }

    /// The same, of a sign-in that went to an identity provider.
    pub(crate) fn away(self, value: String) -> Cookie<'static> {
        self.named(self.away_name(), value)
    }

    fn named(self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self == Self::Encrypted)
            .build()
    }

    /// The token that this browser holds.
    pub(crate) fn token(self, jar: &CookieJar) -> Option<Token> {
        jar.get(self.name())?.value().parse().ok()
    }

    /// The token of a sign-in that went to an identity provider.
    pub(crate) fn away_token(self, jar: &CookieJar) -> Option<Token> {
        jar.get(self.away_name())?.value().parse().ok()
    }

    /// The token of a passkey that is being made or shown.
    pub(crate) fn ceremony_token(self, jar: &CookieJar) -> Option<Token> {
        jar.get(self.ceremony_name())?.value().parse().ok()
    }

    /// The token of a sign-in that wants its code.
    pub(crate) fn step_token(self, jar: &CookieJar) -> Option<Token> {
        jar.get(self.step_name())?.value().parse().ok()
    }
}

/// The member of staff who asks; there is one behind every door.
#[derive(Debug, Clone)]
pub(crate) struct CurrentUser(pub(crate) Staff);

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        // Absent only on a route outside every door, where nobody may be assumed.
        parts
            .extensions
            .get()
            .cloned()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// Lets a request through to a door only with an open session, and only where whoever has it may
/// come in ([`rights`]).
pub(crate) async fn required(
    State(shell): State<Shell>,
    jar: CookieJar,
    request: Request,
    next: Next,
) -> Response {
    match whose(&shell, &jar).await {
        Ok(Some(user)) => match rights::judge(&shell, &user, request).await {
            Ok(mut request) => {
                request.extensions_mut().insert(CurrentUser(user));
                next.run(request).await
            }
            Err(refused) => refused,
        },
        Ok(None) if is_visit(request.method(), request.headers()) => {
            Redirect::to(&login::address_back_to(request.uri())).into_response()
        }
        Ok(None) if lost::is_form(&request) => lost::again(request).await,
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(unavailable) => unavailable,
    }
}

/// Whose session the browser holds, if any; or the answer to give when that cannot be known.
pub(crate) async fn whose(shell: &Shell, jar: &CookieJar) -> Result<Option<Staff>, Response> {
    let Some(token) = shell.cookie.token(jar) else {
        return Ok(None);
    };
    sessions::lookup(&shell.record, &token, shell.clock.now())
        .await
        .map_err(|error| pages::unavailable("a session was not looked up", &error))
}

/// The same for a page that nobody need be looking at: it is no use of the session.
pub(crate) async fn whose_unused(
    shell: &Shell,
    jar: &CookieJar,
) -> Result<Option<Staff>, Response> {
    let Some(token) = shell.cookie.token(jar) else {
        return Ok(None);
    };
    sessions::peek(&shell.record, &token, shell.clock.now())
        .await
        .map_err(|error| pages::unavailable("a session was not looked up", &error))
}

/// Whether a person is opening a page. A form or a script that lost its session gets an error
/// instead: it must not take the sign-in page for its answer. Forms about a patient are given back
/// with all that was typed ([`lost`]).
fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    let mode = headers.get("sec-fetch-mode");
    matches!(*method, Method::GET | Method::HEAD) && mode.is_none_or(|mode| mode == "navigate")
}
