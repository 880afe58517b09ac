//! Signing in with an identity from elsewhere (SPID, CIE, a region's provider): OpenID Connect.
//!
//! The provider says who somebody is; which account that opens, an administrator has said before
//! (`veglia staff link`), or its owner ([`crate::identity`]). Nobody gets an account by signing in,
//! and an identity that opens none is answered as one that was not believed. The browser carries a
//! token of its own there and back: a sign-in that another browser began is not finished here.
//!
//! When the provider does not answer, the password does, and the page says so. Leaving ends the
//! session here, not at the provider, which is therefore told to recognise people anew each time:
//! whoever sits down next at the same screen must not come in as the one before.
//!
//! **Limits.** Claims are read from the identity token, not from the provider's `userinfo`. One
//! provider.

use std::fs;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use openidconnect::{IssuerUrl, RedirectUrl};
use serde::Deserialize;
use thiserror::Error;
use veglia_people::sessions::Way;
use veglia_people::staff::Staff;
use veglia_people::waiting::Waiting;
use veglia_people::{StaffId, subjects};
use veglia_store::{Access, TxError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language};

use crate::language::Spoken;
use crate::login::{self, Back, Problem};
use crate::{Shell, identity, pages, session};

mod config;
mod http;
mod provider;

use http::Client;
use provider::{Begun, Provider};

pub(crate) use provider::FederatedError;

pub use config::Federated;
pub use http::ClientError;

/// Where a sign-in goes to the provider.
pub(crate) const DOOR: &str = "/login/federato";

/// Where it comes back.
pub(crate) const RETURN: &str = "/login/federato/ritorno";

/// How long somebody may take there, in milliseconds: to find the telephone and its application.
const AWAY_MS: i64 = 10 * 60 * 1_000;

const REFUSED: Key = Key("elsewhere-refused");
const WEAK: Key = Key("elsewhere-weak");
const DOWN: Key = Key("elsewhere-down");

/// Why there is no provider.
#[derive(Debug, Error)]
pub enum FederatedFault {
    /// Where browsers come back to is not known.
    #[error("say how browsers reach the pages: [dashboard] address")]
    Address,
    /// The issuer is no address that can be believed.
    #[error("issuer must be https://… (http is for localhost alone), without a slash at its end")]
    Issuer,
    /// Whoever only knows a password there would come in as if by two factors.
    #[error("say how people must have been recognised: acr, amr or both")]
    Level,
    /// The secret cannot be read.
    #[error("secret_file cannot be read: make it, readable by this user alone")]
    Secret(#[source] std::io::Error),
    /// It cannot be called.
    #[error("it cannot be called")]
    Client(#[source] ClientError),
}

/// What somebody is sent there for.
pub(crate) enum Errand {
    /// To come in, and go on to this page.
    Enter {
        /// Of ours.
        back: String,
    },
    /// To link who they are there to the account that is signed in here.
    Link(StaffId),
}

/// The door to a provider.
pub(crate) struct Elsewhere {
    provider: Provider,
    away: Waiting<(Begun, Errand)>,
}

impl Elsewhere {
    /// Of pages that browsers reach at `origin`.
    pub(crate) fn open(config: &Federated, origin: Option<&str>) -> Result<Self, FederatedFault> {
        let origin = origin.ok_or(FederatedFault::Address)?;
        if !config.asks_how() {
            return Err(FederatedFault::Level);
        }
        let issuer = issuer(&config.issuer).ok_or(FederatedFault::Issuer)?;
        let secret = fs::read_to_string(&config.secret_file).map_err(FederatedFault::Secret)?;
        let back_to = RedirectUrl::new(format!("{origin}{RETURN}"));
        let back_to = back_to.map_err(|_| FederatedFault::Address)?;
        let client = Client::new(config.authority.as_deref()).map_err(FederatedFault::Client)?;
        let secret = secret.trim().to_owned();
        Ok(Self {
            provider: Provider::new(config.clone(), issuer, secret, back_to, client),
            away: Waiting::new(AWAY_MS),
        })
    }

    /// What stands on the button.
    pub(crate) fn label(&self) -> &str {
        &self.provider.config().label
    }

    /// Sends a browser there.
    pub(crate) async fn send(
        &self,
        shell: &Shell,
        jar: CookieJar,
        errand: Errand,
    ) -> Result<Response, FederatedError> {
        let now = shell.clock.now();
        let (address, begun) = self.provider.begin(now).await?;
        Ok(match self.away.keep((begun, errand), now) {
            Ok(token) => {
                let jar = jar.add(shell.cookie.away(token.reveal()));
                (jar, Redirect::to(address.as_str())).into_response()
            }
            Err(error) => pages::unavailable("a sign-in was not sent elsewhere", &error),
        })
    }
}

fn issuer(text: &str) -> Option<IssuerUrl> {
    let issuer = IssuerUrl::new(text.to_owned()).ok()?;
    let url = issuer.url();
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && is_here)).then_some(issuer)
}

/// `GET /login/federato`
pub(crate) async fn leave(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    Query(Back { back }): Query<Back>,
) -> Response {
    let Some(elsewhere) = &shell.ways.elsewhere else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let back = login::within_this_site(&back).to_owned();
    let errand = Errand::Enter { back: back.clone() };
    match elsewhere.send(&shell, jar, errand).await {
        Ok(gone) => gone,
        Err(error) => refused((&shell, language), &back, &error),
    }
}

/// What the provider sends back.
#[derive(Deserialize)]
pub(crate) struct Answered {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// `GET /login/federato/ritorno`
pub(crate) async fn come_back(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    headers: HeaderMap,
    Query(Answered { code, state }): Query<Answered>,
) -> Response {
    let Some(elsewhere) = &shell.ways.elsewhere else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = shell.clock.now();
    let token = shell.cookie.away_token(&jar);
    let begun = token.and_then(|token| elsewhere.away.take(&token, now));
    let Some((begun, errand)) = begun else {
        let error = FederatedError::Refused("another browser, too late, or twice".to_owned());
        return refused((&shell, language), "", &error);
    };
    let jar = jar.remove(shell.cookie.away(String::new()));
    let judged = elsewhere.provider.finish(begun, (code, &state), now).await;
    let issuer = elsewhere.provider.config().issuer.as_str();
    match errand {
        Errand::Enter { back } => match judged {
            Ok(subject) => {
                let identity = (issuer, subject.as_str());
                enter((&shell, language), (jar, &headers), &back, identity).await
            }
            Err(error) => refused((&shell, language), &back, &error),
        },
        Errand::Link(owner) => {
            let owner = match still_here(&shell, &jar, owner).await {
                Ok(owner) => owner,
                Err(Some(answer)) => return answer,
                Err(None) => {
                    let error = FederatedError::Refused("the session is over".to_owned());
                    return refused((&shell, language), identity::PAGE, &error);
                }
            };
            let shell = (&shell, language);
            let answer = match judged {
                Ok(subject) => identity::link(shell, &owner, &jar, (issuer, &subject)).await,
                Err(error) => identity::refused(shell, &owner, &jar, &error).await,
            };
            (jar, answer).into_response()
        }
    }
}

/// The owner of a link, if the browser is still signed in as they; or the answer to give.
async fn still_here(
    shell: &Shell,
    jar: &CookieJar,
    owner: StaffId,
) -> Result<Staff, Option<Response>> {
    let user = session::whose(shell, jar).await.map_err(Some)?;
    user.filter(|user| user.id == owner).ok_or(None)
}

/// Lets somebody in whose identity opens an account.
async fn enter(
    (shell, language): (&Shell, Language),
    (jar, headers): (CookieJar, &HeaderMap),
    back: &str,
    identity: (&str, &str),
) -> Response {
    let staff = match subjects::whose(&shell.record, identity).await {
        Ok(Some(staff)) => staff,
        Ok(None) => {
            let error = FederatedError::Refused("nobody's identity".to_owned());
            return refused((shell, language), back, &error);
        }
        Err(error) => return pages::unavailable("an identity was not looked up", &error),
    };
    if let Err(error) = note(shell, &staff, shell.clock.now()).await {
        return pages::unavailable("a sign-in was not written in the audit", &error);
    }
    match login::enter(shell, jar, headers, &staff, Way::Federated).await {
        Ok(jar) => (jar, Redirect::to(login::within_this_site(back))).into_response(),
        Err(answer) => answer,
    }
}

async fn note(shell: &Shell, staff: &Staff, now: WallMs) -> Result<(), TxError> {
    let access = Access {
        at_ms: now.0,
        purpose: subjects::purposes::SHOWN,
        subject: &staff.actor().to_string(),
    };
    shell.record.log_access(&staff.actor(), access).await
}

/// The sign-in page again, with one sentence.
fn refused((shell, language): (&Shell, Language), back: &str, error: &FederatedError) -> Response {
    tracing::warn!(error = %pages::chain(error), "a sign-in from elsewhere was refused");
    let (status, sentence) = match error {
        FederatedError::Down(_) => (StatusCode::SERVICE_UNAVAILABLE, DOWN),
        FederatedError::Refused(_) => (StatusCode::UNAUTHORIZED, REFUSED),
        FederatedError::Weak => (StatusCode::UNAUTHORIZED, WEAK),
    };
    let problem = Some(Problem::Elsewhere(sentence));
    login::ask(shell, language, status, "", back, problem)
}
