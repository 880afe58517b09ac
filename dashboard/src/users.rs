//! *Utenti*: the accounts, as the administrator sees them: who is signed in, from where, and who
//! shows one-time codes. Sessions can be ended here, and codes and passkeys taken away from whoever
//! lost their telephone. Accounts are made and closed at the command line.

use std::collections::HashSet;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use veglia_people::staff::{self, Staff};
use veglia_people::{StaffId, codes, passkeys, sessions, subjects};
use veglia_store::TxError;
use veglia_words::{Key, Words};

use crate::Shell;
use crate::account::SessionView;
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::passkey::PasskeyView;
use crate::session::CurrentUser;

const PAGE: &str = "/utenti";

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(listed)),
        ("/utenti/{account}", get(one)),
        ("/utenti/{account}/sessioni/fine", post(ended)),
        ("/utenti/{account}/codici/ritiro", post(withdrawn)),
        ("/utenti/{account}/passkey/ritiro", post(passkeys_withdrawn)),
    ]
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    w: Words,
    accounts: Vec<AccountView>,
}

struct AccountView {
    staff: Staff,
    sessions: usize,
    shows_codes: bool,
    must: bool,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    w: Words,
    staff: Staff,
    sessions: Vec<SessionView>,
    shows_codes: bool,
    passkeys: Vec<PasskeyView>,
    /// How many identities from elsewhere open the account.
    identities: u64,
}

/// `GET /utenti`
async fn listed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    let w = WORDS.speaking(language);
    match load(&shell, &user, w).await {
        Ok(page) => framed(Key("menu-accounts"), &user, &page, w),
        Err(error) => pages::unavailable("the page of accounts was not made", &error),
    }
}

async fn load(shell: &Shell, user: &Staff, w: Words) -> Result<UsersPage, TxError> {
    let (record, actor, now) = (&shell.record, &user.actor(), shell.clock.now());
    let enrolled = codes::enrolled(record, actor).await?;
    let enrolled: HashSet<StaffId> = enrolled.into_iter().collect();
    let open = sessions::counts(record, actor, now).await?;
    let accounts = staff::active(record, actor).await?.into_iter();
    let accounts = accounts.map(|staff| AccountView {
        sessions: open.get(&staff.id).copied().unwrap_or_default(),
        shows_codes: enrolled.contains(&staff.id),
        must: shell.must_show_codes(staff.role),
        staff,
    });
    Ok(UsersPage {
        w,
        accounts: accounts.collect(),
    })
}

/// `GET /utenti/{account}`
async fn one(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(account): Path<i64>,
) -> Response {
    let staff = match find(&shell, &user, account).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let loaded = async {
        let (record, actor) = (&shell.record, &user.actor());
        let open = sessions::list(record, actor, staff.id, shell.clock.now()).await?;
        let shows_codes = codes::is_enrolled(record, actor, staff.id).await?;
        let passkeys = passkeys::list(record, actor, staff.id).await?;
        let identities = subjects::count(record, actor, staff.id).await?;
        Ok::<_, TxError>((open, shows_codes, passkeys, identities))
    };
    match loaded.await {
        Ok((open, shows_codes, passkeys, identities)) => {
            let w = WORDS.speaking(language);
            let sessions = open.into_iter().map(|open| SessionView::of(open, None, w));
            let page = UserPage {
                w,
                sessions: sessions.collect(),
                staff,
                shows_codes,
                passkeys: passkeys.into_iter().map(PasskeyView::from).collect(),
                identities,
            };
            framed(Key("user-title"), &user, &page, w)
        }
        Err(error) => pages::unavailable("the page of an account was not made", &error),
    }
}

/// Which session is to end; `tutte` for every one.
#[derive(Deserialize)]
struct Ended {
    sessione: String,
}

/// `POST /utenti/{account}/sessioni/fine`
async fn ended(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(account): Path<i64>,
    Form(Ended { sessione }): Form<Ended>,
) -> Response {
    let staff = match find(&shell, &user, account).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let (record, actor) = (&shell.record, &user.actor());
    let done = match sessione.as_str() {
        "tutte" => sessions::close_all(record, actor, staff.id).await.map(drop),
        handle => sessions::close_listed(record, actor, staff.id, handle)
            .await
            .map(drop),
    };
    match done {
        Ok(()) => {
            tracing::info!(staff.id = %staff.id, by = %user.id, "sessions were ended");
            back(&staff)
        }
        Err(error) => pages::unavailable("a session was not ended", &error),
    }
}

/// `POST /utenti/{account}/codici/ritiro`
async fn withdrawn(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(account): Path<i64>,
) -> Response {
    let staff = match find(&shell, &user, account).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let (record, actor, now) = (&shell.record, &user.actor(), shell.clock.now());
    match codes::withdraw(record, actor, staff.id, now).await {
        Ok(_) => {
            tracing::warn!(staff.id = %staff.id, by = %user.id, "one-time codes were withdrawn");
            back(&staff)
        }
        Err(error) => pages::unavailable("one-time codes were not withdrawn", &error),
    }
}

/// Which passkey is taken away; `tutte` for every one.
#[derive(Deserialize)]
struct Which {
    passkey: String,
}

/// `POST /utenti/{account}/passkey/ritiro`
async fn passkeys_withdrawn(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(account): Path<i64>,
    Form(Which { passkey }): Form<Which>,
) -> Response {
    let staff = match find(&shell, &user, account).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let (record, actor, now) = (&shell.record, &user.actor(), shell.clock.now());
    let which = Some(passkey.as_str()).filter(|it| *it != "tutte");
    match passkeys::withdraw(record, actor, staff.id, which, now).await {
        Ok(count) => {
            tracing::warn!(staff.id = %staff.id, by = %user.id, count, "passkeys were withdrawn");
            back(&staff)
        }
        Err(error) => pages::unavailable("passkeys were not withdrawn", &error),
    }
}

pub(crate) async fn find(shell: &Shell, user: &Staff, account: i64) -> Result<Staff, Response> {
    let all = staff::active(&shell.record, &user.actor()).await;
    let all = all.map_err(|error| pages::unavailable("accounts were not read", &error))?;
    let found = all.into_iter().find(|staff| staff.id.get() == account);
    found.ok_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn back(staff: &Staff) -> Response {
    Redirect::to(&format!("{PAGE}/{}", staff.id)).into_response()
}

fn framed(title: Key, user: &Staff, body: &impl Template, w: Words) -> Response {
    Page {
        title: &w.say(title),
        user: Some(user),
        section: Section::Accounts,
        modules: &[],
        body,
    }
    .answer_in(w.language, StatusCode::OK)
}
