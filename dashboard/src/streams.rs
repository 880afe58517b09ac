//! Streams of events: how a browser takes them, how many one reader has, and when they end.
//!
//! A page that is open holds a right: it ends at once when its reader signs out here, when a
//! session is ended here, and with every word about who cares for whom; what ends by the clock or
//! in another process is seen within [`ALONE_ASKED_EVERY`] or [`LIST_ASKED_EVERY`].
//!
//! The list of patients is watched, and watching it is use of a session: a screen that somebody
//! watches ends with the shift, not with the hour. No other page is: what is left open on a desk
//! does not keep its session alive.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use futures_util::{Stream, StreamExt};
use tokio::sync::Notify;
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_ward::Filter;

use crate::language::Spoken;
use crate::{Shell, rights, session};

/// Streams that one account has open at most: its tabs, and those of its colleagues who forgot to
/// sign out. One account must not take the seats of all.
const SEATS_OF_AN_ACCOUNT: usize = 40;

/// Streams of one screen on a wall: a television that lost its network leaves some behind.
const SEATS_OF_A_WALL: usize = 8;

/// How often the stream of a list asks whether its session is still open.
const LIST_ASKED_EVERY: Duration = Duration::from_secs(60);

/// The same of every other, and whether its patient may still be read: shifts, substitutions and
/// broken glasses end by the clock.
const ALONE_ASKED_EVERY: Duration = Duration::from_secs(5);

/// Forms after which a session, or a relation to a patient, may be over.
const ENDING: [&str; 4] = ["/logout", "/account", "/utenti", "/pazienti"];

/// How many streams each reader has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<String, usize>>>);

/// The place of one stream; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    whose: String,
}

impl Seats {
    /// A place for an account; none when it has all that it may have.
    pub(crate) fn of(&self, user: &Staff) -> Option<Seat> {
        self.take(user.actor().to_string(), SEATS_OF_AN_ACCOUNT)
    }

    /// A place for a screen on a wall.
    pub(crate) fn of_wall(&self, board: i64) -> Option<Seat> {
        self.take(format!("wall:{board}"), SEATS_OF_A_WALL)
    }

    fn take(&self, whose: String, at_most: usize) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(whose.clone()).or_default();
        if *count >= at_most {
            return None;
        }
        *count += 1;
        let seats = self.clone();
        Some(Seat { seats, whose })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

/// Wakes open streams when a right may have ended.
pub(crate) type Ends = Arc<Notify>;

/// After a form that may end a session or a relation open streams look whether it was theirs.
pub(crate) async fn wake(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let may_end = *request.method() == Method::POST
        && ENDING.iter().any(|part| path.starts_with(part))
        && (!path.starts_with("/pazienti") || path.ends_with("/affidamento"));
    let answer = next.run(request).await;
    if may_end {
        shell.ends.notify_waiters();
    }
    answer
}

/// What changes for whom a filter shows, as long as the session is open and the one patient it is
/// about may be read.
pub(crate) fn stream(
    shell: Shell,
    user: &Staff,
    jar: CookieJar,
    (filter, Spoken(language)): (Filter, Spoken),
    about: About,
) -> Response {
    let Some(seat) = shell.seats.of(user) else {
        tracing::warn!(staff.id = %user.id, "an account has too many streams open");
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let Ok(events) = shell.hub.events_through(filter, language) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let over = async move {
        tokio::select! {
            () = shell.closing.cancelled() => {}
            () = rights_end(&shell, &jar, about) => {}
        }
        drop(seat);
    };
    streamed(events.take_until(Box::pin(over)))
}

/// What a stream tells of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// Everybody whom the centre follows.
    List,
    /// How many wait, and nobody by their data.
    Alarms,
    /// One patient.
    One(PatientId),
}

/// Events as browsers take them.
pub(crate) fn streamed(
    events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // A proxy that gathers the stream would hold an alarm back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// Waits until the right to a stream ends. A record that does not answer ends none: the ward is
/// needed most when things go wrong.
async fn rights_end(shell: &Shell, jar: &CookieJar, about: About) {
    loop {
        let woken = shell.ends.notified();
        tokio::pin!(woken);
        // From now on, so that nothing ends between the look and the wait.
        woken.as_mut().enable();
        if !is_still_theirs(shell, jar, about).await {
            return;
        }
        let every = match about {
            About::List => LIST_ASKED_EVERY,
            About::Alarms | About::One(_) => ALONE_ASKED_EVERY,
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn is_still_theirs(shell: &Shell, jar: &CookieJar, about: About) -> bool {
    let whose = match about {
        About::List => session::whose(shell, jar).await,
        About::Alarms | About::One(_) => session::whose_unused(shell, jar).await,
    };
    match (whose, about) {
        (Ok(None), _) => false,
        (Ok(Some(user)), About::One(patient)) => {
            rights::may_still_read(shell, &user, patient).await
        }
        (Ok(Some(_)) | Err(_), _) => true,
    }
}
