//! The door of the monitoring centre (*Centrale Medica*): the routes of its staff, at a glance.
//!
//! Every route listed here stands behind the check of the session. The screens themselves belong
//! to their subjects; a handler here only asks, frames the page and answers.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use veglia_people::sessions;

use crate::Shell;
use crate::pages::Page;
use crate::session::CurrentUser;

/// Address and methods of every page of the centre.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![("/", get(home))]
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    name: &'a str,
    idle_minutes: i64,
    whole_hours: i64,
}

/// `GET /`
async fn home(CurrentUser(user): CurrentUser) -> Response {
    let body = Home {
        name: &user.name,
        idle_minutes: sessions::IDLE_MS / 60_000,
        whole_hours: sessions::WHOLE_MS / 3_600_000,
    };
    Page {
        title: "Centrale",
        user: Some(&user),
        modules: &[],
        body: &body,
    }
    .answer(StatusCode::OK)
}
