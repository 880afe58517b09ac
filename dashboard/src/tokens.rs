//! Tokens of programs on pages: made, shown once, listed and ended by who owns the account; listed
//! and ended by the administrator, who makes none for others.
//!
//! Making one wants somebody who has just signed in, or the password once more
//! ([`crate::confirm`]): a token is another way in. Ending one is never made harder.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::StaffId;
use veglia_people::staff::Staff;
use veglia_people::tokens::{self, DAYS_MAX, NAME_CHARS_MAX, NewToken, Scope, Token, TokenError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::confirm::{self, Toward};
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::{Shell, users};

/// Where they are made.
pub(crate) const PAGE: &str = "/account/token";

/// How long a token may be asked to be valid, in days.
const OFFERED: [u16; 4] = [30, 90, 180, DAYS_MAX];

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(shown).post(made)),
        ("/account/token/fine", post(ended)),
        ("/utenti/{account}/token", get(of_account)),
        ("/utenti/{account}/token/fine", post(ended_for)),
    ]
}

/// A token, as a line.
struct TokenView {
    token: Token,
    is_valid: bool,
}

impl TokenView {
    fn scopes(&self) -> String {
        let codes: Vec<&str> = self.token.scopes.iter().map(|it| it.code()).collect();
        codes.join(", ")
    }

    /// Since when, until when, and when it was last used.
    fn told(&self, w: &Words) -> String {
        let moment = |at: WallMs| w.language.moment(at);
        let over = self.token.ended.unwrap_or(self.token.expires);
        let key = match (self.is_valid, self.token.used) {
            (false, _) => return w.with("token-over", "at", moment(over)).to_string(),
            (true, None) => Key("token-unused"),
            (true, Some(used)) => {
                return w
                    .with("token-used", "until", moment(self.token.expires))
                    .and("used", moment(used))
                    .to_string();
            }
        };
        w.with(key, "until", moment(self.token.expires)).to_string()
    }
}

/// What was typed, and is shown again.
#[derive(Debug, Clone, Default)]
struct Typed {
    name: String,
    scopes: Vec<Scope>,
    days: u16,
}

impl Typed {
    /// From the fields of a form: several may have the name of a scope.
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "nome" => typed.name = value,
                "giorni" => typed.days = value.parse().unwrap_or_default(),
                "ambito" => typed.scopes.extend(value.parse::<Scope>().ok()),
                _ => {}
            }
        }
        typed
    }
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage<'a> {
    w: Words,
    tokens: Vec<TokenView>,
    /// Of another account: its number and name.
    of: Option<&'a Staff>,
    typed: Typed,
    /// The new one, this once.
    made: Option<&'a str>,
    fault: Option<Key>,
}

impl TokenPage<'_> {
    /// The scopes, each with what it is for in words.
    fn scopes(&self) -> [(&'static str, Key, bool); 3] {
        Scope::ALL.map(|scope| {
            let words = match scope {
                Scope::WardRead => Key("token-ward-read"),
                Scope::PatientRead => Key("token-patient-read"),
                Scope::DiaryWrite => Key("token-diary-write"),
            };
            (scope.code(), words, self.typed.scopes.contains(&scope))
        })
    }

    fn days(&self) -> [(u16, bool); 4] {
        OFFERED.map(|days| (days, days == self.typed.days))
    }

    fn longest(&self) -> usize {
        NAME_CHARS_MAX
    }

    /// Where the form that ends one is sent.
    fn end(&self) -> String {
        self.of.map_or_else(
            || format!("{PAGE}/fine"),
            |staff| format!("/utenti/{}/token/fine", staff.id),
        )
    }
}

/// `GET /account/token`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    if let Err(answer) = confirm::fresh(&shell, &user, &jar, Toward::Tokens).await {
        return answer;
    }
    let begun = Typed {
        days: OFFERED[1],
        ..Typed::default()
    };
    page((&shell, language), &user, begun, StatusCode::OK, Ok(None)).await
}

/// `POST /account/token`: the token, this once; or the form again.
async fn made(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    if let Err(answer) = confirm::fresh(&shell, &user, &jar, Toward::Tokens).await {
        return answer;
    }
    let typed = Typed::of(fields);
    let new = NewToken {
        name: typed.name.clone(),
        scopes: typed.scopes.clone(),
        days: typed.days,
    };
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    let (status, said) = match tokens::make(&shell.record, &user, &new, shell.clock.now()).await {
        Ok(secret) => {
            tracing::info!(staff.id = %user.id, "a token was made");
            let made = Ok(Some(secret.reveal().to_owned()));
            return page(
                (&shell, language),
                &user,
                Typed::default(),
                StatusCode::OK,
                made,
            )
            .await;
        }
        Err(TokenError::Name) => (unfit, Key("token-name-wrong")),
        Err(TokenError::Scopes) => (unfit, Key("token-scopes-none")),
        Err(TokenError::Days) => (unfit, Key("token-days-wrong")),
        Err(TokenError::TooMany) => (unfit, Key("token-full")),
        Err(error) => return pages::unavailable("a token was not made", &error),
    };
    page((&shell, language), &user, typed, status, Err(said)).await
}

/// The page of whoever owns the account: with a token that was just made, or why none was.
async fn page(
    (shell, language): (&Shell, Language),
    user: &Staff,
    typed: Typed,
    status: StatusCode,
    made: Result<Option<String>, Key>,
) -> Response {
    let tokens = match listed(shell, user, user.id).await {
        Ok(tokens) => tokens,
        Err(answer) => return answer,
    };
    let page = TokenPage {
        w: WORDS.speaking(language),
        tokens,
        of: None,
        typed,
        made: made.as_ref().ok().and_then(Option::as_deref),
        fault: made.as_ref().err().copied(),
    };
    framed(user, Section::None, &page, status)
}

/// Which one, by its number.
#[derive(Deserialize)]
struct Which {
    token: i64,
}

/// `POST /account/token/fine`
async fn ended(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Form(Which { token }): Form<Which>,
) -> Response {
    end(&shell, &user, user.id, token, PAGE.to_owned()).await
}

/// `GET /utenti/{account}/token`
async fn of_account(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(account): Path<i64>,
) -> Response {
    let staff = match users::find(&shell, &user, account).await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let tokens = match listed(&shell, &user, staff.id).await {
        Ok(tokens) => tokens,
        Err(answer) => return answer,
    };
    let page = TokenPage {
        w: WORDS.speaking(language),
        tokens,
        of: Some(&staff),
        typed: Typed::default(),
        made: None,
        fault: None,
    };
    framed(&user, Section::Accounts, &page, StatusCode::OK)
}

/// `POST /utenti/{account}/token/fine`
async fn ended_for(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(account): Path<i64>,
    Form(Which { token }): Form<Which>,
) -> Response {
    match users::find(&shell, &user, account).await {
        Ok(staff) => {
            let back = format!("/utenti/{}/token", staff.id);
            end(&shell, &user, staff.id, token, back).await
        }
        Err(answer) => answer,
    }
}

async fn end(shell: &Shell, user: &Staff, owner: StaffId, token: i64, back: String) -> Response {
    let (record, actor, now) = (&shell.record, &user.actor(), shell.clock.now());
    match tokens::end(record, actor, owner, token, now).await {
        Ok(true) => {
            tracing::info!(staff.id = %owner, by = %user.id, "a token was ended");
            Redirect::to(&back).into_response()
        }
        Ok(false) => Redirect::to(&back).into_response(),
        Err(error) => pages::unavailable("a token was not ended", &error),
    }
}

async fn listed(shell: &Shell, user: &Staff, owner: StaffId) -> Result<Vec<TokenView>, Response> {
    let tokens = tokens::list(&shell.record, &user.actor(), owner).await;
    let tokens = tokens.map_err(|error| pages::unavailable("tokens were not read", &error))?;
    let now = shell.clock.now();
    let view = |token: Token| TokenView {
        is_valid: token.is_valid(now),
        token,
    };
    Ok(tokens.into_iter().map(view).collect())
}

fn framed(user: &Staff, section: Section, page: &TokenPage<'_>, status: StatusCode) -> Response {
    Page {
        title: &page.w.say("token-title"),
        user: Some(user),
        section,
        modules: &[],
        body: page,
    }
    .answer_in(page.w.language, status)
}

/// What the audit says of tokens, in words.
pub(crate) fn why_in_words(purpose: &str) -> Option<Key> {
    match purpose {
        tokens::purposes::MADE => Some(Key("audit-token-made")),
        tokens::purposes::ENDED => Some(Key("audit-token-ended")),
        _ => None,
    }
}
