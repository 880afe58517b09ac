//! Signing in and out. An account that shows one-time codes goes on to [`crate::second`]; a passkey
//! ([`crate::passkey`]) stands for both.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::sessions::Way;
use veglia_people::staff::{self, Staff};
use veglia_people::{Password, SignInError, codes, passkeys, sessions};
use veglia_store::TxError;
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::{Shell, browser, federated, passkey, second, session};

/// Where someone goes who asked for no page in particular.
const HOME: &str = "/";

/// Longest address remembered while someone signs in: the longest of ours are far shorter.
const MAX_BACK_CHARS: usize = 512;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    w: Words,
    username: &'a str,
    back: &'a str,
    problem: Option<Problem>,
    /// Where passkeys are offered.
    origin: Option<&'a str>,
    /// What stands on the button of the identity provider, and where it leads.
    elsewhere: Option<(&'a str, String)>,
}

/// What the person is told above the form.
pub(crate) enum Problem {
    Refused,
    TooMany {
        wait_minutes: i64,
    },
    NoAccounts,
    /// What went wrong with an identity from elsewhere.
    Elsewhere(Key),
}

/// The page to return to after signing in.
#[derive(Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    pub(crate) back: String,
}

#[derive(Deserialize)]
pub(crate) struct Filled {
    username: String,
    password: String,
    #[serde(default)]
    back: String,
}

/// `GET /login`
pub(crate) async fn form(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    Query(Back { back }): Query<Back>,
) -> Response {
    match session::whose(&shell, &jar).await {
        Ok(Some(_)) => return Redirect::to(within_this_site(&back)).into_response(),
        Ok(None) => {}
        Err(unavailable) => return unavailable,
    }
    let problem = match staff::any(&shell.record).await {
        Ok(true) => None,
        Ok(false) => Some(Problem::NoAccounts),
        Err(error) => return pages::unavailable("accounts were not looked up", &error),
    };
    ask(&shell, language, StatusCode::OK, "", &back, problem)
}

/// `POST /login`
pub(crate) async fn submit(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(Form(Filled {
        username,
        password,
        back,
    })) = filled
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let now = shell.clock.now();
    match shell
        .door
        .authenticate(&username, Password::new(password), now)
        .await
    {
        Ok(staff) => go_on(&shell, jar, &headers, &staff, &back).await,
        Err(SignInError::Refused) => {
            tracing::warn!("a sign-in was refused");
            ask(
                &shell,
                language,
                StatusCode::UNAUTHORIZED,
                &username,
                &back,
                Some(Problem::Refused),
            )
        }
        Err(SignInError::TooMany { wait_ms }) => {
            tracing::warn!(wait_ms, "sign-ins are being slowed: too many tries");
            slow_down(&shell, language, wait_ms, &username, &back)
        }
        Err(error) => pages::unavailable("a sign-in could not be judged", &error),
    }
}

/// `POST /logout`: leaving twice is leaving.
pub(crate) async fn leave(State(shell): State<Shell>, jar: CookieJar) -> Response {
    let staff = match session::whose(&shell, &jar).await {
        Ok(staff) => staff,
        Err(unavailable) => return unavailable,
    };
    if let (Some(staff), Some(token)) = (staff, shell.cookie.token(&jar)) {
        if let Err(error) = sessions::close(&shell.record, &staff, &token).await {
            return pages::unavailable("a session was not closed", &error);
        }
        tracing::info!(staff.id = %staff.id, "a member of staff signed out");
    }
    (
        jar.remove(shell.cookie.cookie(String::new())),
        Redirect::to("/login"),
    )
        .into_response()
}

/// The sign-in page that leads back to `uri`.
pub(crate) fn address_back_to(uri: &Uri) -> String {
    let back = uri.path_and_query().map_or(HOME, |path| path.as_str());
    address_of("/login", back)
}

/// A page of signing in that leads on to `back`.
pub(crate) fn address_of(page: &str, back: &str) -> String {
    if back == HOME {
        return page.to_owned();
    }
    let mut address = format!("{page}?back=");
    for byte in back.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                address.push(char::from(byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

/// The password was right.
async fn go_on(
    shell: &Shell,
    jar: CookieJar,
    headers: &HeaderMap,
    staff: &Staff,
    back: &str,
) -> Response {
    match wants_more(shell, staff).await {
        Ok(true) => second::ask_for(shell, jar, staff, back).await,
        Ok(false) => open(shell, jar, headers, staff, back).await,
        Err(error) => pages::unavailable("one-time codes were not looked up", &error),
    }
}

/// Whether the password alone opens nothing: of an account that shows codes, and of one that must
/// show more than a password and has passkeys.
async fn wants_more(shell: &Shell, staff: &Staff) -> Result<bool, TxError> {
    let (record, actor) = (&shell.record, &staff.actor());
    if codes::is_enrolled(record, actor, staff.id).await? {
        return Ok(true);
    }
    Ok(shell.must_show_codes(staff.role) && passkeys::any(record, actor, staff.id).await?)
}

/// Everything was shown that must be.
pub(crate) async fn open(
    shell: &Shell,
    jar: CookieJar,
    headers: &HeaderMap,
    staff: &Staff,
    back: &str,
) -> Response {
    match enter(shell, jar, headers, staff, Way::Password).await {
        Ok(jar) => (jar, Redirect::to(within_this_site(back))).into_response(),
        Err(answer) => answer,
    }
}

/// Opens a session, and gives it to the browser; one that the browser held before ends, whoever's
/// it was.
pub(crate) async fn enter(
    shell: &Shell,
    jar: CookieJar,
    headers: &HeaderMap,
    staff: &Staff,
    way: Way,
) -> Result<CookieJar, Response> {
    let (browser, now) = (browser::said(headers), shell.clock.now());
    if let Some(before) = shell.cookie.token(&jar)
        && let Err(error) = sessions::close(&shell.record, staff, &before).await
    {
        return Err(pages::unavailable("a session was not closed", &error));
    }
    match sessions::open_in(&shell.record, staff, browser, way, now).await {
        Ok(token) => {
            tracing::info!(staff.id = %staff.id, ?way, "a member of staff signed in");
            Ok(jar.add(shell.cookie.cookie(token.reveal())))
        }
        Err(error) => Err(pages::unavailable("a session was not opened", &error)),
    }
}

fn slow_down(
    shell: &Shell,
    language: Language,
    wait_ms: i64,
    username: &str,
    back: &str,
) -> Response {
    // Rounded up: who comes back at the second told is not sent away again.
    let wait_seconds = (wait_ms + 999) / 1_000;
    let problem = Problem::TooMany {
        wait_minutes: (wait_seconds + 59) / 60,
    };
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut page = ask(shell, language, status, username, back, Some(problem));
    page.headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(wait_seconds));
    page
}

/// The sign-in page.
pub(crate) fn ask(
    shell: &Shell,
    language: Language,
    status: StatusCode,
    username: &str,
    back: &str,
    problem: Option<Problem>,
) -> Response {
    let w = WORDS.speaking(language);
    let body = LoginPage {
        w,
        username,
        back: within_this_site(back),
        problem,
        origin: shell.ways.origin(),
        elsewhere: shell.ways.elsewhere.as_ref().map(|it| {
            let to = address_of(federated::DOOR, within_this_site(back));
            (it.label(), to)
        }),
    };
    Page {
        title: &w.say("sign-in-title"),
        user: None,
        section: Section::None,
        modules: &[passkey::SCRIPT],
        body: &body,
    }
    .answer_in(language, status)
}

/// The address if it is a page of ours, else the first page: a crafted link must not send someone
/// who has just signed in to a site that looks like ours.
pub(crate) fn within_this_site(address: &str) -> &str {
    let local = address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= MAX_BACK_CHARS
        && address
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { address } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_site_are_gone_back_to() {
        for ours in ["/", "/pazienti/00ab?da=1#curve"] {
            assert_eq!(within_this_site(ours), ours);
        }
        for theirs in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
        ] {
            assert_eq!(within_this_site(theirs), HOME, "{theirs}");
        }
    }

    #[test]
    fn the_way_back_survives_the_address_bar() {
        let uri: Uri = "/pazienti/00ab?da=1&a=2".parse().unwrap();
        assert_eq!(
            address_back_to(&uri),
            "/login?back=/pazienti/00ab%3Fda%3D1%26a%3D2"
        );
        assert_eq!(address_back_to(&"/".parse().unwrap()), "/login");
    }
}
