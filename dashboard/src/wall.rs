//! The door of the screens on walls: each is opened by an address of its own, without an account,
//! and names nobody. An administrator makes the addresses and ends them.
//!
//! An address that opens nothing, or nothing any more, is a page that does not exist. A screen that
//! is ended goes dark within [`BOARD_ASKED_EVERY`].

use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::StreamExt;
use serde::Deserialize;
use veglia_people::boards::{self, BoardError, BoardSecret, WallBoard};
use veglia_people::staff::Staff;
use veglia_store::{Actor, TxError};
use veglia_ward::WallPage;
use veglia_words::{Key, Language, Words};

use crate::language::{Spoken, WORDS, since};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::streams::streamed;
use crate::{Shell, assets};

const ACTOR: Actor = Actor::System("wall");

/// How often a lit screen asks whether it was ended.
const BOARD_ASKED_EVERY: Duration = Duration::from_secs(60);

/// Where screens are made and ended.
const SCREENS: &str = "/schermi";

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (SCREENS, get(listed).post(made)),
        ("/schermi/{id}/fine", post(ended)),
    ]
}

/// Address and methods of the screens themselves.
pub(crate) fn open_routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/wall/{secret}", get(shown)),
        ("/wall/{secret}/eventi", get(events)),
    ]
}

#[derive(Template)]
#[template(path = "wall.html")]
struct Frame {
    language: Language,
    name: String,
    /// Already escaped, because a template made it.
    body: String,
}

impl Frame {
    fn address(&self, name: &str) -> String {
        assets::address(name)
    }
}

#[derive(Template)]
#[template(path = "screens.html")]
struct ScreensPage {
    w: Words,
    screens: Vec<Screen>,
    /// The address of the one that was just made: it is never shown again.
    made: Option<String>,
    refused: Option<Key>,
    typed: String,
}

struct Screen {
    id: i64,
    name: String,
    since: String,
    is_open: bool,
}

/// `GET /wall/{secret}`
async fn shown(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    Path(secret): Path<String>,
) -> Response {
    let board = match opened(&shell, &secret).await {
        Ok(board) => board,
        Err(answer) => return answer,
    };
    let events = format!("/wall/{secret}/eventi");
    let page = WallPage::new(&shell.hub, board.name.clone(), events, language);
    let framed = page.render().and_then(|body| {
        let name = board.name;
        Frame {
            language,
            name,
            body,
        }
        .render()
    });
    match framed {
        Ok(text) => axum::response::Html(text).into_response(),
        Err(error) => {
            tracing::error!(error = %pages::chain(&error), "a wall was not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `GET /wall/{secret}/eventi`: ends with the screen, or with the server.
async fn events(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    Path(secret): Path<String>,
) -> Response {
    let board = match opened(&shell, &secret).await {
        Ok(board) => board,
        Err(answer) => return answer,
    };
    let Some(seat) = shell.seats.of_wall(board.id) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let Ok(events) = shell.hub.wall_events(language) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let over = async move {
        tokio::select! {
            () = shell.closing.cancelled() => {}
            () = goes_dark(&shell, &secret) => {}
        }
        drop(seat);
    };
    streamed(events.take_until(Box::pin(over)))
}

/// A record that does not answer ends no screen: it is needed most when things go wrong.
async fn goes_dark(shell: &Shell, secret: &str) {
    loop {
        tokio::time::sleep(BOARD_ASKED_EVERY).await;
        let Ok(secret) = secret.parse() else { return };
        if let Ok(None) = boards::open(&shell.record, &ACTOR, &secret).await {
            return;
        }
    }
}

async fn opened(shell: &Shell, secret: &str) -> Result<WallBoard, Response> {
    let nothing = || StatusCode::NOT_FOUND.into_response();
    let secret: BoardSecret = secret.parse().map_err(|_| nothing())?;
    match boards::open(&shell.record, &ACTOR, &secret).await {
        Ok(board) => board.ok_or_else(nothing),
        Err(error) => Err(pages::unavailable("a screen was not looked up", &error)),
    }
}

/// `GET /schermi`
async fn listed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    answer(&shell, &user, language, Told::default(), StatusCode::OK).await
}

#[derive(Deserialize)]
struct NewScreen {
    #[serde(default)]
    nome: String,
}

/// `POST /schermi`: a new screen; its address is shown this once.
async fn made(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(NewScreen { nome }): Form<NewScreen>,
) -> Response {
    let made = boards::make(&shell.record, &user.actor(), &nome, shell.clock.now()).await;
    let refused = |refused| Told {
        refused: Some(refused),
        typed: nome.clone(),
        made: None,
    };
    let (told, status) = match made {
        Ok(secret) => {
            let made = Some(format!("/wall/{}", secret.reveal()));
            let told = Told {
                made,
                ..Told::default()
            };
            (told, StatusCode::OK)
        }
        Err(BoardError::Name) => (
            refused(Key("screens-name-wrong")),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        Err(BoardError::TooMany) => (refused(Key("screens-too-many")), StatusCode::CONFLICT),
        Err(error) => return pages::unavailable("a screen was not made", &error),
    };
    answer(&shell, &user, language, told, status).await
}

/// `POST /schermi/{id}/fine`
async fn ended(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<i64>,
) -> Response {
    match boards::end(&shell.record, &user.actor(), id, shell.clock.now()).await {
        Ok(true) => Redirect::to(SCREENS).into_response(),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => pages::unavailable("a screen was not ended", &error),
    }
}

/// What the page says besides the list.
#[derive(Default)]
struct Told {
    made: Option<String>,
    refused: Option<Key>,
    typed: String,
}

async fn answer(
    shell: &Shell,
    user: &Staff,
    language: Language,
    told: Told,
    status: StatusCode,
) -> Response {
    let w = WORDS.speaking(language);
    match screens(shell, user, w).await {
        Ok(screens) => Page {
            title: &w.say("screens-title"),
            user: Some(user),
            section: Section::None,
            modules: &[],
            body: &ScreensPage {
                w,
                screens,
                made: told.made,
                refused: told.refused,
                typed: told.typed,
            },
        }
        .answer_in(language, status),
        Err(error) => pages::unavailable("screens were not listed", &error),
    }
}

async fn screens(shell: &Shell, user: &Staff, w: Words) -> Result<Vec<Screen>, TxError> {
    let now = shell.clock.now();
    let listed = boards::list(&shell.record, &user.actor()).await?;
    let screen = |board: WallBoard| Screen {
        id: board.id,
        name: board.name,
        since: since(board.made_at, now, w),
        is_open: board.ended_at.is_none(),
    };
    Ok(listed.into_iter().map(screen).collect())
}
