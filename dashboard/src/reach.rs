//! The centre's page on calling people: which channel works, what waits, who is on duty now, and by
//! what whoever reads it is reached; a browser may be added here.
//!
//! Nobody changes another's addresses from here: those are the administrator's, at the command
//! line.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use veglia_notify::{Message, NewDelivery, Standing, standing};
use veglia_people::contacts::{self, Address, Channel, ContactError};
use veglia_people::duty::{self, Post};
use veglia_people::staff::Staff;
use veglia_people::{Party, staff};
use veglia_store::{Actor, TxError};
use veglia_words::{Key, Language, Words};

use crate::Shell;
use crate::amiss::{self, channel_name};
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::paging::written;
use crate::session::CurrentUser;

const PAGE: &str = "/reperibilita";

const SUBJECT: &str = "Veglia";
const TRIAL: &str = "Veglia: messaggio di prova. Non serve fare nulla.";

/// Address and methods; behind the check of the session.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(shown)),
        ("/reperibilita/browser", post(subscribed)),
        ("/reperibilita/browser/togli", post(unsubscribed)),
        ("/reperibilita/prova", post(tried)),
        ("/reperibilita/guasti/{id}", post(seen_to)),
    ]
}

#[derive(Template)]
#[template(path = "reperibilita.html")]
struct ReachPage {
    w: Words,
    standing: Standing,
    amiss: Vec<AmissView>,
    posts: Vec<(Key, String)>,
    roster_is_empty: bool,
    own: Vec<OwnView>,
    /// The key with which a browser subscribes; none where web push is not configured.
    push_key: Option<String>,
    said: Option<Key>,
}

/// Something that does not work, or did not.
struct AmissView {
    id: i64,
    words: String,
    reason: String,
    is_over: bool,
    /// A person may say that it was seen to.
    may_end: bool,
}

/// A way of reaching whoever reads the page.
struct OwnView {
    channel: Key,
    /// What one knows it by.
    name: String,
    /// Of a browser: by what it finds itself in the list.
    endpoint: Option<String>,
}

/// What was done before the page is shown again.
#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    fatto: String,
}

/// `GET /reperibilita`
async fn shown(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(Done { fatto }): Query<Done>,
) -> Response {
    match load(&shell, &user, said(&fatto), language).await {
        Ok(page) => Page {
            title: &page.w.say("menu-reach"),
            user: Some(&user),
            section: Section::Reach,
            modules: &["js/reach.js"],
            body: &page,
        }
        .answer_in(language, StatusCode::OK),
        Err(error) => pages::unavailable("the page of who is called was not made", &error),
    }
}

fn said(done: &str) -> Option<Key> {
    match done {
        "prova" => Some(Key("reach-done-trial")),
        "nessuno" => Some(Key("reach-done-nothing")),
        "browser" => Some(Key("reach-done-browser")),
        "tolto" => Some(Key("reach-done-removed")),
        "visto" => Some(Key("reach-done-seen")),
        "troppi" => Some(Key("reach-done-too-many")),
        _ => None,
    }
}

async fn load(
    shell: &Shell,
    user: &Staff,
    said: Option<Key>,
    language: Language,
) -> Result<ReachPage, TxError> {
    let w = WORDS.speaking(language);
    let (actor, now) = (&user.actor(), shell.care.now());
    let standing = standing(&shell.record, actor, shell.clock.now()).await?;
    let names = staff::signatures(&shell.record, actor).await?;
    let mut posts = Vec::new();
    for post in Post::ALL {
        let called = duty::on_duty(&shell.record, actor, post, now).await?;
        let named = called.iter().map(|person| {
            let name = match person.party {
                Party::Staff(id) => {
                    let signature = Actor::Staff(id.get()).to_string();
                    names.get(&signature).cloned().unwrap_or(signature)
                }
                Party::Mmg(id) => w.with("reach-mmg", "id", id.to_string()).to_string(),
            };
            if person.addresses.is_empty() {
                w.with("reach-no-address", "name", name).to_string()
            } else {
                name
            }
        });
        let named: Vec<String> = named.collect();
        posts.push((post_name(post), named.join(", ")));
    }
    let amiss = amiss::said(&shell.record, actor, &shell.care, shell.clock.as_ref(), w).await?;
    let amiss = amiss.into_iter().map(|it| AmissView {
        id: it.outage.id,
        is_over: it.outage.ended.is_some(),
        may_end: it.outage.ended.is_none() && it.outage.recipient.is_some(),
        reason: it.outage.reason,
        words: it.words,
    });
    let own = contacts::of(&shell.record, actor, Party::Staff(user.id)).await?;
    Ok(ReachPage {
        w,
        amiss: amiss.collect(),
        roster_is_empty: duty::roster(&shell.record, actor, now).await?.is_empty(),
        standing,
        posts,
        own: own.iter().map(|it| own_view(it, w)).collect(),
        push_key: shell.senders.push_key(),
        said,
    })
}

fn own_view(address: &Address, w: Words) -> OwnView {
    let endpoint = address.subscription().map(|it| it.endpoint);
    let host = |endpoint: &String| {
        let rest = endpoint.split_once("://").map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('/').next())
            .unwrap_or_default()
            .to_owned()
    };
    OwnView {
        channel: channel_name(address.channel()),
        name: match &endpoint {
            Some(endpoint) => w.with("reach-browser", "host", host(endpoint)).to_string(),
            None => address.reveal().to_owned(),
        },
        endpoint,
    }
}

/// The subscription as the browser gave it.
#[derive(Deserialize)]
struct Subscribed {
    iscrizione: String,
}

/// `POST /reperibilita/browser`: the browser of whoever is signed in takes notices.
async fn subscribed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Form(form): Form<Subscribed>,
) -> Response {
    let Ok(address) = Address::new(Channel::Push, &form.iscrizione) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let party = Party::Staff(user.id);
    let now = shell.clock.now();
    match contacts::add(&shell.record, &user.actor(), party, &address, now).await {
        Ok(()) => done("browser"),
        Err(ContactError::TooMany(_)) => done("troppi"),
        Err(error) => pages::unavailable("a browser was not added", &error),
    }
}

/// Which browser.
#[derive(Deserialize)]
struct Unsubscribed {
    endpoint: String,
}

/// `POST /reperibilita/browser/togli`
async fn unsubscribed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Form(form): Form<Unsubscribed>,
) -> Response {
    let (actor, party) = (user.actor(), Party::Staff(user.id));
    let removed = async {
        let own = contacts::of(&shell.record, &actor, party).await?;
        for address in own {
            let endpoint = address.subscription().map(|it| it.endpoint);
            if endpoint.as_ref() == Some(&form.endpoint) {
                let now = shell.clock.now();
                contacts::remove(&shell.record, &actor, party, &address, now).await?;
            }
        }
        Ok::<(), TxError>(())
    };
    match removed.await {
        Ok(()) => done("tolto"),
        Err(error) => pages::unavailable("a browser was not removed", &error),
    }
}

/// `POST /reperibilita/prova`: one message by each way of whoever asks, so that each is tried.
async fn tried(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    let party = Party::Staff(user.id);
    let own = match contacts::of(&shell.record, &user.actor(), party).await {
        Ok(own) => own,
        Err(error) => return pages::unavailable("addresses were not read", &error),
    };
    let now = shell.clock.now();
    let whose = format!("{}.{}", written(party), now.0);
    for (nth, address) in own.iter().enumerate() {
        let link = shell.notify.page(PAGE);
        let parts = (
            format!("trial-{nth}.{whose}").parse(),
            format!("trial.{whose}").parse(),
            Message::new(SUBJECT, TRIAL, &link),
        );
        let (Ok(key), Ok(about), Ok(message)) = parts else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let trial = NewDelivery {
            key,
            about,
            recipient: party.to_string(),
            addresses: vec![address.clone()],
            message,
            urgent: true,
            not_before: now,
        };
        if let Err(error) = veglia_notify::enqueue(&shell.record, &user.actor(), &trial, now).await
        {
            return pages::unavailable("a trial was not sent", &error);
        }
    }
    done(if own.is_empty() { "nessuno" } else { "prova" })
}

/// `POST /reperibilita/guasti/{id}`: somebody has seen to an address that did not work.
async fn seen_to(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<i64>,
) -> Response {
    let now = shell.clock.now();
    match veglia_notify::see_to(&shell.record, &user.actor(), id, now).await {
        Ok(true) => done("visto"),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("an outage was not closed", &error),
    }
}

fn done(what: &'static str) -> Response {
    Redirect::to(&format!("{PAGE}?fatto={what}")).into_response()
}

fn post_name(post: Post) -> Key {
    match post {
        Post::Operator => Key("post-operator"),
        Post::SecondOperator => Key("post-second-operator"),
        Post::Doctor => Key("post-doctor"),
        Post::OutOfHours => Key("post-out-of-hours"),
    }
}
