//! *Identità esterne*: which identities from elsewhere open one's account; linking one, and
//! unlinking it, by its owner.
//!
//! Linking wants both at once: the owner of the session once more ([`crate::confirm`]), and the
//! identity itself, shown at the provider by the same browser ([`crate::federated`]). Which
//! identity it is, nobody keeps: a line says since when and by whom it was linked.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use veglia_people::staff::Staff;
use veglia_people::subjects::{self, LinkError, Linked};
use veglia_store::TxError;
use veglia_words::{Key, Language, Words};

use crate::Shell;
use crate::confirm::{self, Toward};
use crate::federated::{self, FederatedError};
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// Where they are.
pub(crate) const PAGE: &str = "/account/identita";

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(shown)),
        ("/account/identita/collega", post(leave)),
        ("/account/identita/togli", post(removed)),
    ]
}

#[derive(Template)]
#[template(path = "identity.html")]
struct IdentityPage<'a> {
    w: Words,
    label: &'a str,
    linked: Vec<LinkedView>,
    is_confirmed: bool,
    is_done: bool,
    fault: Option<Key>,
}

/// An identity, as a line.
struct LinkedView {
    reference: String,
    told: String,
}

impl LinkedView {
    fn of(linked: Linked, w: Words) -> Self {
        let at = w.language.moment(linked.at);
        let told = match linked.is_own {
            true => w.with("identity-own", "at", at),
            false => w.with("identity-given", "at", at),
        };
        Self {
            told: told.to_string(),
            reference: linked.reference,
        }
    }
}

/// What stands above the list.
enum Said {
    Nothing,
    Done,
    Fault(StatusCode, Key),
}

/// Whether one was just linked.
#[derive(Deserialize)]
struct Just {
    #[serde(default)]
    fatto: String,
}

/// `GET /account/identita`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
    Query(Just { fatto }): Query<Just>,
) -> Response {
    let said = match fatto.is_empty() {
        true => Said::Nothing,
        false => Said::Done,
    };
    page((&shell, language), &user, &jar, said).await
}

async fn page(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
    said: Said,
) -> Response {
    let Some(elsewhere) = &shell.ways.elsewhere else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let loaded = async {
        let linked = subjects::list(&shell.record, user).await?;
        Ok::<_, TxError>((linked, confirm::is_confirmed(shell, user, jar).await?))
    };
    let (linked, is_confirmed) = match loaded.await {
        Ok(loaded) => loaded,
        Err(error) => return pages::unavailable("the page of identities was not made", &error),
    };
    let w = WORDS.speaking(language);
    let (status, fault) = match said {
        Said::Fault(status, fault) => (status, Some(fault)),
        Said::Nothing | Said::Done => (StatusCode::OK, None),
    };
    let linked = linked.into_iter().map(|it| LinkedView::of(it, w));
    Page {
        title: &w.say("identity-title"),
        user: Some(user),
        section: Section::None,
        modules: &[],
        body: &IdentityPage {
            w,
            label: elsewhere.label(),
            linked: linked.collect(),
            is_confirmed,
            is_done: matches!(said, Said::Done),
            fault,
        },
    }
    .answer_in(language, status)
}

/// `POST /account/identita/collega`: to the provider, which says who this is.
async fn leave(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    jar: CookieJar,
) -> Response {
    let Some(elsewhere) = &shell.ways.elsewhere else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Err(answer) = confirmed(&shell, &user, &jar).await {
        return answer;
    }
    let errand = federated::Errand::Link(user.id);
    match elsewhere.send(&shell, jar.clone(), errand).await {
        Ok(gone) => gone,
        Err(error) => refused((&shell, language), &user, &jar, &error).await,
    }
}

/// Whether the owner was recognised once more; or the page that asks.
async fn confirmed(shell: &Shell, user: &Staff, jar: &CookieJar) -> Result<(), Response> {
    match confirm::is_confirmed(shell, user, jar).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(confirm::ask(Toward::Identities)),
        Err(error) => Err(pages::unavailable("a session was not looked up", &error)),
    }
}

/// The page again, with why nobody was recognised.
pub(crate) async fn refused(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
    error: &FederatedError,
) -> Response {
    tracing::warn!(error = %pages::chain(error), "an identity was not linked");
    let fault = match error {
        FederatedError::Down(_) => (StatusCode::SERVICE_UNAVAILABLE, Key("identity-down")),
        FederatedError::Refused(_) => (StatusCode::UNAUTHORIZED, Key("identity-refused")),
        FederatedError::Weak => (StatusCode::UNAUTHORIZED, Key("identity-weak")),
    };
    page((shell, language), user, jar, Said::Fault(fault.0, fault.1)).await
}

/// The provider has said who this is: their identity opens the account from now on.
pub(crate) async fn link(
    (shell, language): (&Shell, Language),
    user: &Staff,
    jar: &CookieJar,
    identity: (&str, &str),
) -> Response {
    let (actor, now) = (user.actor(), shell.clock.now());
    let fault = match subjects::link(&shell.record, &actor, user.id, identity, now).await {
        Ok(()) => {
            tracing::info!(staff.id = %user.id, "an identity was linked by its owner");
            return Redirect::to(&format!("{PAGE}?fatto=1")).into_response();
        }
        Err(LinkError::Taken) => Key("identity-taken"),
        Err(LinkError::Full) => Key("identity-full"),
        Err(LinkError::Subject) => Key("identity-refused"),
        Err(error @ LinkError::Store(_)) => {
            return pages::unavailable("an identity was not linked", &error);
        }
    };
    let said = Said::Fault(StatusCode::CONFLICT, fault);
    page((shell, language), user, jar, said).await
}

/// Which one, as pages name it.
#[derive(Deserialize)]
struct Which {
    identita: String,
}

/// `POST /account/identita/togli`
async fn removed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    jar: CookieJar,
    Form(Which { identita }): Form<Which>,
) -> Response {
    if let Err(answer) = confirmed(&shell, &user, &jar).await {
        return answer;
    }
    let Some(token) = shell.cookie.token(&jar) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let now = shell.clock.now();
    match subjects::remove(&shell.record, &user, &token, &identita, now).await {
        Ok(_) => {
            tracing::info!(staff.id = %user.id, "an identity was unlinked by its owner");
            Redirect::to(PAGE).into_response()
        }
        Err(error) => pages::unavailable("an identity was not unlinked", &error),
    }
}
