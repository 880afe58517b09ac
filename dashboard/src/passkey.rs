//! Passkeys on pages: shown at the door, and made, listed and removed in *Il mio account*.
//!
//! A script asks the browser; without script, or where the browser knows no passkeys, its buttons
//! are not there and password and code are. Script and server speak JSON; whatever is refused is
//! one sentence, the same for a passkey that was removed, of a closed account, or never ours.
//!
//! Making or removing one wants the password, or a passkey, once more ([`crate::confirm`]).

use askama::Template;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use veglia_people::passkeys::{
    self, Known, PasskeyError, PublicKeyCredential, RegisterPublicKeyCredential,
};
use veglia_people::sessions::{Token, Way};
use veglia_people::staff::Staff;
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::{Shell, account, confirm, login};

/// Where they are made.
pub(crate) const PAGE: &str = "/account/passkey";

/// The script of every page that has a button.
pub(crate) const SCRIPT: &str = "js/passkey.js";

const REFUSED: Key = Key("passkey-refused");
const OVER: Key = Key("passkey-over");
const AGAIN: Key = Key("passkey-again");
const NAME: Key = Key("passkey-name-wrong");
const FULL: Key = Key("passkey-full");
const KNOWN: Key = Key("passkey-known");

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(shown)),
        ("/account/passkey/inizio", post(making)),
        ("/account/passkey/nuova", post(made)),
        ("/account/passkey/togli", post(removed)),
    ]
}

/// A passkey, as a line.
pub(crate) struct PasskeyView {
    pub(crate) reference: String,
    pub(crate) name: String,
    made: WallMs,
    used: Option<WallMs>,
}

impl PasskeyView {
    /// `dal 21/11/2026 14:05, ultimo uso 22/11/2026 08:10`.
    pub(crate) fn told(&self, w: &Words) -> String {
        let made = w.language.moment(self.made);
        match self.used {
            Some(used) => w
                .with("passkey-told-used", "made", made)
                .and("used", w.language.moment(used))
                .to_string(),
            None => w.with("passkey-told", "made", made).to_string(),
        }
    }
}

impl From<Known> for PasskeyView {
    fn from(known: Known) -> Self {
        Self {
            reference: known.reference,
            name: known.name,
            made: known.made,
            used: known.used,
        }
    }
}

#[derive(Template)]
#[template(path = "passkey.html")]
struct PasskeyPage<'a> {
    w: Words,
    passkeys: Vec<PasskeyView>,
    origin: &'a str,
    is_confirmed: bool,
    fault: Option<Key>,
}

/// What a script is told when it is done: where to go.
#[derive(Serialize)]
struct Done<'a> {
    to: &'a str,
}

/// What a script is told when it is not.
#[derive(Serialize)]
struct Fault {
    fault: Cow<'static, str>,
}

fn fault(status: StatusCode, fault: Key, language: Language) -> Response {
    let fault = WORDS.speaking(language).say(fault);
    (status, Json(Fault { fault })).into_response()
}

/// The answer to what was not believed; `status` for the plain refusal.
fn refused(error: &PasskeyError, status: StatusCode, language: Language) -> Response {
    let fault = |status, key| fault(status, key, language);
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    match error {
        PasskeyError::Over => fault(StatusCode::GONE, OVER),
        PasskeyError::Name => fault(unfit, NAME),
        PasskeyError::Full => fault(unfit, FULL),
        PasskeyError::Known => fault(unfit, KNOWN),
        PasskeyError::Unknown | PasskeyError::Refused(_) | PasskeyError::Copied => {
            tracing::warn!(error = %pages::chain(error), "a passkey was refused");
            fault(status, REFUSED)
        }
        PasskeyError::Random(_) | PasskeyError::Stored | PasskeyError::Store(_) => {
            pages::unavailable("a passkey could not be judged", error)
        }
    }
}

/// `POST /login/passkey/inizio` and `POST /account/conferma/inizio`: a challenge for whomever.
pub(crate) async fn begun(State(shell): State<Shell>, jar: CookieJar) -> Response {
    let Some(door) = &shell.ways.passkeys else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match door.begin_showing(shell.clock.now()) {
        Ok((token, asked)) => keep(&shell, jar, &token, asked),
        Err(error) => pages::unavailable("a challenge was not made", &error),
    }
}

fn keep(shell: &Shell, jar: CookieJar, token: &Token, asked: impl Serialize) -> Response {
    let cookie = shell.cookie.ceremony(token.reveal());
    (jar.add(cookie), Json(asked)).into_response()
}

/// What a script sends to sign in.
#[derive(Deserialize)]
pub(crate) struct Shown {
    credential: PublicKeyCredential,
    #[serde(default)]
    back: String,
}

/// `POST /login/passkey`
pub(crate) async fn entered(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    headers: HeaderMap,
    shown: Result<Json<Shown>, JsonRejection>,
) -> Response {
    let Ok(Json(Shown { credential, back })) = shown else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let staff = match recognised(&shell, &jar, &credential, language).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let jar = jar
        .remove(shell.cookie.ceremony(String::new()))
        .remove(shell.cookie.step(String::new()));
    match login::enter(&shell, jar, &headers, &staff, Way::Passkey).await {
        Ok(jar) => {
            let to = login::within_this_site(&back);
            (jar, Json(Done { to })).into_response()
        }
        Err(answer) => answer,
    }
}

/// What a script is told when it is done: where to go.
pub(crate) fn done(to: &str) -> impl IntoResponse {
    Json(Done { to })
}

/// The answer to somebody else's passkey.
pub(crate) fn unrecognised(language: Language) -> Response {
    fault(StatusCode::UNAUTHORIZED, REFUSED, language)
}

/// Whose passkey this browser shows.
pub(crate) async fn recognised(
    shell: &Shell,
    jar: &CookieJar,
    credential: &PublicKeyCredential,
    language: Language,
) -> Result<Staff, Response> {
    let refused = |error: &PasskeyError, status| refused(error, status, language);
    let Some(door) = &shell.ways.passkeys else {
        return Err(StatusCode::NOT_FOUND.into_response());
    };
    let token = shell.cookie.ceremony_token(jar);
    let token = token.ok_or_else(|| refused(&PasskeyError::Over, StatusCode::GONE))?;
    let shown = door.show(&shell.record, &token, credential, shell.clock.now());
    let staff = shown.await;
    staff.map_err(|error| refused(&error, StatusCode::UNAUTHORIZED))
}

/// `GET /account/passkey`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    page((&shell, language), &user, &jar, StatusCode::OK, None).await
}

async fn page(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
    status: StatusCode,
    fault: Option<Key>,
) -> Response {
    let Some(origin) = shell.ways.origin() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let known = passkeys::list(&shell.record, &user.actor(), user.id).await;
    let loaded = match known {
        Ok(known) => confirm::is_confirmed(shell, user, jar)
            .await
            .map(|it| (known, it)),
        Err(error) => Err(error),
    };
    let w = WORDS.speaking(language);
    match loaded {
        Ok((known, is_confirmed)) => Page {
            title: &w.say("passkey-title"),
            user: Some(user),
            section: Section::None,
            modules: &[SCRIPT],
            body: &PasskeyPage {
                w,
                passkeys: known.into_iter().map(PasskeyView::from).collect(),
                origin,
                is_confirmed,
                fault,
            },
        }
        .answer_in(language, status),
        Err(error) => pages::unavailable("the page of passkeys was not made", &error),
    }
}

/// Whether the session was confirmed; or the answer to give.
async fn confirmation(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
) -> Result<(), Response> {
    match confirm::is_confirmed(shell, user, jar).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(fault(StatusCode::FORBIDDEN, AGAIN, language)),
        Err(error) => Err(pages::unavailable("a session was not looked up", &error)),
    }
}

/// `POST /account/passkey/inizio`
async fn making(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    let Some(door) = &shell.ways.passkeys else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Err(answer) = confirmation((&shell, language), &user, &jar).await {
        return answer;
    }
    let begun = door.begin_making(&shell.record, &user, shell.clock.now());
    match begun.await {
        Ok((token, asked)) => keep(&shell, jar, &token, asked),
        Err(error) => refused(&error, StatusCode::UNPROCESSABLE_ENTITY, language),
    }
}

/// What a script sends of a new one.
#[derive(Deserialize)]
struct New {
    name: String,
    credential: RegisterPublicKeyCredential,
}

/// `POST /account/passkey/nuova`
async fn made(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    new: Result<Json<New>, JsonRejection>,
) -> Response {
    let Some(door) = &shell.ways.passkeys else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(Json(New { name, credential })) = new else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if let Err(answer) = confirmation((&shell, language), &user, &jar).await {
        return answer;
    }
    let cookie = shell.cookie;
    let (Some(ceremony), Some(session)) = (cookie.ceremony_token(&jar), cookie.token(&jar)) else {
        return refused(&PasskeyError::Over, StatusCode::GONE, language);
    };
    let (tokens, what) = ((&ceremony, &session), (name.as_str(), &credential));
    let made = door.make(&shell.record, &user, tokens, what, shell.clock.now());
    match made.await {
        Ok(()) => {
            tracing::info!(staff.id = %user.id, "a passkey was made");
            let jar = jar.remove(cookie.ceremony(String::new()));
            (jar, Json(Done { to: account::PAGE })).into_response()
        }
        Err(error) => refused(&error, StatusCode::UNPROCESSABLE_ENTITY, language),
    }
}

/// Which one, as pages name it.
#[derive(Deserialize)]
struct Which {
    passkey: String,
}

/// `POST /account/passkey/togli`
async fn removed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(Which { passkey }): Form<Which>,
) -> Response {
    match confirm::is_confirmed(&shell, &user, &jar).await {
        Ok(true) => {}
        Ok(false) => {
            return page(
                (&shell, language),
                &user,
                &jar,
                StatusCode::FORBIDDEN,
                Some(AGAIN),
            )
            .await;
        }
        Err(error) => return pages::unavailable("a session was not looked up", &error),
    }
    match passkeys::remove(&shell.record, &user, &passkey, shell.clock.now()).await {
        Ok(_) => {
            tracing::info!(staff.id = %user.id, "a passkey was removed by its owner");
            Redirect::to(PAGE).into_response()
        }
        Err(error) => pages::unavailable("a passkey was not removed", &error),
    }
}

/// What the audit says of the ways in, in words.
pub(crate) fn why_in_words(purpose: &str) -> Option<Key> {
    use passkeys::purposes::{COPIED, MADE, REMOVED, SHOWN, WITHDRAWN};
    use veglia_people::codes::purposes as codes;
    use veglia_people::subjects::purposes as identity;
    match purpose {
        MADE => Some(Key("audit-passkey-made")),
        SHOWN => Some(Key("audit-passkey-shown")),
        COPIED => Some(Key("audit-passkey-copied")),
        REMOVED => Some(Key("audit-passkey-removed")),
        WITHDRAWN => Some(Key("audit-passkey-withdrawn")),
        codes::MADE => Some(Key("audit-codes-made")),
        codes::RENEWED => Some(Key("audit-codes-renewed")),
        codes::WITHDRAWN => Some(Key("audit-codes-withdrawn")),
        identity::SHOWN => Some(Key("audit-identity-shown")),
        identity::LINKED => Some(Key("audit-identity-linked")),
        identity::UNLINKED => Some(Key("audit-identity-unlinked")),
        _ => None,
    }
}
