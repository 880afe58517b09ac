//! How the broker is: whether its router still carries messages, and what goes through it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use veglia_broker::{Health, Snapshot, Standing as Backend};

use super::figure::Figure;
use super::{Role, Standing, counted, lasting};

/// The router is asked every five seconds and has five to answer; beyond both something is wrong.
/// What is done about it is the broker's own business; here it is told.
const SILENT_AFTER: Duration = Duration::from_secs(12);

/// A broker, as its front door sees it.
pub(crate) struct Broker {
    health: Health,
}

impl Broker {
    pub(crate) fn new(health: Health) -> Self {
        Self { health }
    }
}

impl Role for Broker {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        let now = Instant::now();
        Box::pin(async move { standing(&self.health.snapshot(), now) })
    }
}

fn standing(door: &Snapshot, now: Instant) -> Standing {
    let silence = door
        .router_answered
        .map(|last| now.saturating_duration_since(last));
    let mut brief = vec![
        counted(door.connections.into(), "connection", "connections"),
        counted(whole(door.sessions), "session", "sessions"),
        counted(door.publishes_in, "message in", "messages in"),
    ];
    brief.extend(silence.map(|silence| format!("router answered {} ago", lasting(silence))));
    Standing {
        unready: no_router(silence, door.backend.as_ref())
            .into_iter()
            .collect(),
        brief,
        figures: figures(door, silence),
    }
}

/// `silence`: since the router last carried a message through; `None` before the first time.
/// `behind`: how another broker behind the door fares, if there is one.
fn no_router(silence: Option<Duration>, behind: Option<&Backend>) -> Option<String> {
    if behind.is_some_and(|behind| !behind.connected) {
        return Some(
            "the broker behind the front door is away: see that it runs, and that url and \
             password under [broker] backend are right"
                .into(),
        );
    }
    match silence {
        None => Some("the message router has not answered yet: wait some seconds".into()),
        Some(silence) if silence > SILENT_AFTER => Some(format!(
            "no message has come through the router for {}: the log says why, and whether it is \
             started again by itself",
            lasting(silence)
        )),
        Some(_) => None,
    }
}

fn figures(door: &Snapshot, silence: Option<Duration>) -> Vec<Figure> {
    let mut figures = vec![
        Figure::level(
            "veglia_broker_connections",
            "Open sockets, also those that have not said who they are.",
            door.connections,
        ),
        Figure::level(
            "veglia_broker_handshakes",
            "Sockets in the middle of a TLS handshake.",
            door.handshakes,
        ),
        Figure::level(
            "veglia_broker_sessions",
            "Sessions of gateways and services.",
            door.sessions,
        ),
        Figure::level(
            "veglia_broker_subscriptions",
            "Subscriptions of all sessions.",
            door.subscriptions,
        ),
        Figure::count(
            "veglia_broker_received_messages",
            "Messages taken from gateways and services.",
            door.publishes_in,
        ),
        Figure::count(
            "veglia_broker_delivered_messages",
            "Messages written to subscribers.",
            door.publishes_out,
        ),
        Figure::count(
            "veglia_broker_router_restarts",
            "How often the message router had to be opened again.",
            door.router_restarts,
        ),
        Figure::counts(
            "veglia_broker_refusals",
            "What was refused or ended, by reason.",
            "reason",
            door.refused
                .iter()
                .map(|(reason, times)| (reason.name(), *times)),
        ),
    ];
    figures.extend(silence.map(|silence| {
        Figure::level(
            "veglia_broker_router_silence_seconds",
            "Since the message router last carried a message through; it is tried every 5 s.",
            silence,
        )
    }));
    figures.extend(door.backend.iter().flat_map(behind));
    figures
}

/// Of another broker behind the door.
fn behind(backend: &Backend) -> [Figure; 4] {
    [
        Figure::level(
            "veglia_broker_backend_connected",
            "Whether the broker behind the door takes messages.",
            backend.connected,
        ),
        Figure::count(
            "veglia_broker_backend_connections",
            "How often the broker behind the door was reached.",
            backend.connections,
        ),
        Figure::count(
            "veglia_broker_backend_lost_messages",
            "Messages that did not come back before its connection ended; each is sent again.",
            backend.lost,
        ),
        Figure::count(
            "veglia_broker_backend_foreign_messages",
            "Messages on our topics that somebody else published behind the door.",
            backend.foreign,
        ),
    ]
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_ready_while_its_router_answers() {
        assert_eq!(no_router(Some(SILENT_AFTER), None), None);
        let late = Some(SILENT_AFTER + Duration::from_secs(1));
        let why = no_router(late, None).unwrap();
        assert!(why.contains("for 13 s"), "{why}");
        let why = no_router(None, None).unwrap();
        assert!(why.contains("has not answered yet"), "{why}");
    }

    #[test]
    fn a_broker_behind_the_door_that_is_away_is_named() {
        let away = Backend::default();
        let why = no_router(Some(Duration::ZERO), Some(&away)).unwrap();
        assert!(why.contains("[broker] backend"), "{why}");
        let there = Backend {
            connected: true,
            ..away
        };
        assert_eq!(no_router(Some(Duration::ZERO), Some(&there)), None);
    }
}
