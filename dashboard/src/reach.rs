//! The centre's page on calling people: which channel works, what waits, who is on duty now.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use veglia_notify::{Standing, standing};
use veglia_people::contacts::Channel;
use veglia_people::duty::{self, Post};
use veglia_people::{Party, staff};
use veglia_store::{Actor, TxError};

use crate::Shell;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// Address and methods; behind the check of the session.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![("/reperibilita", get(shown))]
}

#[derive(Template)]
#[template(path = "reperibilita.html")]
struct ReachPage {
    standing: Standing,
    down: Vec<(&'static str, String)>,
    posts: Vec<(&'static str, String)>,
    roster_is_empty: bool,
}

/// `GET /reperibilita`
async fn shown(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match load(&shell, &user.actor()).await {
        Ok(page) => Page {
            title: "Reperibilità",
            user: Some(&user),
            section: Section::Reach,
            modules: &[],
            body: &page,
        }
        .answer(StatusCode::OK),
        Err(error) => pages::unavailable("the page of who is called was not made", &error),
    }
}

async fn load(shell: &Shell, actor: &Actor) -> Result<ReachPage, TxError> {
    let now = shell.care.now();
    let standing = standing(&shell.record, actor, shell.clock.now()).await?;
    let names = staff::signatures(&shell.record, actor).await?;
    let mut posts = Vec::new();
    for post in Post::ALL {
        let called = duty::on_duty(&shell.record, actor, post, now).await?;
        let named = called.iter().map(|person| match person.party {
            Party::Staff(id) => {
                let signature = Actor::Staff(id.get()).to_string();
                names.get(&signature).cloned().unwrap_or(signature)
            }
            Party::Mmg(id) => format!("medico n. {id}"),
        });
        let named: Vec<String> = named.collect();
        posts.push((post_name(post), named.join(", ")));
    }
    let down = standing.channels.iter();
    let down = down.filter_map(|it| Some((channel_name(it.channel), it.down.clone()?.1)));
    Ok(ReachPage {
        down: down.collect(),
        roster_is_empty: duty::roster(&shell.record, actor, now).await?.is_empty(),
        standing,
        posts,
    })
}

fn post_name(post: Post) -> &'static str {
    match post {
        Post::Operator => "Operatore",
        Post::SecondOperator => "Secondo operatore",
        Post::Doctor => "Medico di turno",
        Post::OutOfHours => "Continuità Assistenziale",
    }
}

fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "SMS",
        Channel::Email => "posta elettronica",
        Channel::Push => "notifiche del browser",
        Channel::Webhook => "chiamate ad altri programmi",
    }
}
