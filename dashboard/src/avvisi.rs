//! What is reached without an account: the page behind a family doctor's link, and the counter at
//! which an SMS gateway says what became of a message.
//!
//! The link's page says what Veglia is and asks for one confirmation; nobody's name and nothing
//! clinical is on it. Opening it confirms nothing, because programs that guard mailboxes open every
//! link. The doctors' own door takes this page over: it will sign the doctor in where today there
//! is only the button.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use veglia_diary::{PageId, page_seen};
use veglia_notify::Receipt;
use veglia_people::contacts::Channel;
use veglia_people::links::{self, CallLink, LinkSecret};
use veglia_store::Actor;
use veglia_words::{Language, Words};

use crate::Shell;
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};

const ACTOR: Actor = Actor::System("link");

/// Address and methods of what stands open.
pub(crate) fn open_routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/avvisi/{secret}", get(shown).post(confirmed)),
        ("/consegne/ricevuta", get(told)),
    ]
}

#[derive(Template)]
#[template(path = "avviso.html")]
struct NoticePage {
    w: Words,
    seen: bool,
}

/// `GET /avvisi/{secret}`
async fn shown(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    Path(secret): Path<String>,
) -> Response {
    match open(&shell, &secret).await {
        Ok((_, link)) => framed(link.seen_at.is_some(), language),
        Err(answer) => answer,
    }
}

/// `POST /avvisi/{secret}`: the doctor has seen it, and what else waited for the doctor.
async fn confirmed(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    Path(secret): Path<String>,
) -> Response {
    let secret = match open(&shell, &secret).await {
        Ok((secret, _)) => secret,
        Err(answer) => return answer,
    };
    let now = shell.care.now();
    let waiting = match links::waiting(&shell.record, &ACTOR, &secret, now).await {
        Ok(waiting) => waiting,
        Err(error) => return pages::unavailable("a confirmation was not written", &error),
    };
    // The diary first: a link that says "seen" while the centre does not know would be a lie.
    for page in waiting {
        if let Err(error) = page_seen(&shell.record, &ACTOR, PageId(page), now).await {
            return pages::unavailable("a confirmation was not written", &error);
        }
    }
    match links::seen(&shell.record, &ACTOR, &secret, now).await {
        Ok(_) => framed(true, language),
        Err(error) => pages::unavailable("a confirmation was not written", &error),
    }
}

async fn open(shell: &Shell, secret: &str) -> Result<(LinkSecret, CallLink), Response> {
    let nothing = || StatusCode::NOT_FOUND.into_response();
    let secret: LinkSecret = secret.parse().map_err(|_| nothing())?;
    match links::open(&shell.record, &ACTOR, &secret, shell.care.now()).await {
        Ok(Some(link)) => Ok((secret, link)),
        Ok(None) => Err(nothing()),
        Err(error) => Err(pages::unavailable("a link was not looked up", &error)),
    }
}

fn framed(seen: bool, language: Language) -> Response {
    let w = WORDS.speaking(language);
    Page {
        title: &w.say("notice-title"),
        user: None,
        section: Section::None,
        modules: &[],
        body: &NoticePage { w, seen },
    }
    .answer_in(language, StatusCode::OK)
}

/// What a gateway says of a message: which delivery, our signature, and its word.
#[derive(Deserialize)]
struct Told {
    consegna: i64,
    firma: String,
    esito: String,
}

/// `GET /consegne/ricevuta`
async fn told(State(shell): State<Shell>, Query(told): Query<Told>) -> Response {
    if !shell.senders.receipt_is_ours(told.consegna, &told.firma) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(said) = Receipt::of_code(&told.esito) else {
        return "ok\n".into_response();
    };
    let now = shell.clock.now();
    let written = veglia_notify::receipt(
        &shell.record,
        &Actor::System("sms receipt"),
        told.consegna,
        Channel::Sms,
        said,
        now,
    );
    match written.await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => pages::unavailable("a receipt was not written", &error),
    }
}
