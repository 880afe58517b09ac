//! Whether the router still routes.
//!
//! rumqttd's thread can die or stop while its process looks well, so a message is sent through it
//! every few seconds. What a silence means depends on what is behind the door. A router of our
//! own has stopped: the door closes every session and opens the router again, and the outboxes at
//! home have kept everything. A broker of somebody else's is away and is being called already: the
//! door is not ready until it answers, and lets whoever sends wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::backend::{Message, Remedy};
use crate::counters::Counters;

/// No gateway can write this: it is not of the grammar of topics.
pub(crate) const TOPIC: &str = "v1/probe";

/// How the router is probed. Tests use a quicker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between an answer and the next probe. 5 s: a silence is noticed within the minute in which
    /// a gateway would rebuild its connection.
    pub every: Duration,
    /// For an answer. 5 s are a thousand times what a healthy router takes, on a busy small
    /// machine.
    pub patience: Duration,
    /// Answers missed in a row that make a silence: one is a busy machine, three are a dead
    /// router.
    pub strikes: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            strikes: 3,
        }
    }
}

/// The router did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message router did not answer {0} probes in a row")]
pub struct RouterSilent(u32);

/// Probes until the router is silent, or for ever if there is nothing to do but wait. `seen` is
/// the number of the last probe that came back.
pub(crate) async fn watch_over(
    hand_over: mpsc::Sender<Message>,
    mut seen: watch::Receiver<u64>,
    counters: Arc<Counters>,
    pace: Pace,
    remedy: Remedy,
) -> RouterSilent {
    let mut strikes = 0;
    for number in 1.. {
        let answer = timeout(pace.patience, round(&hand_over, &mut seen, number)).await;
        if matches!(answer, Ok(true)) {
            if strikes >= pace.strikes {
                tracing::info!("the message router answers again");
            }
            counters.router_answered(Instant::now());
            strikes = 0;
        } else {
            strikes += 1;
            // Not at every probe of a long absence.
            if strikes <= pace.strikes {
                tracing::warn!(strikes, "the message router did not answer a probe");
            }
        }
        if strikes == pace.strikes && remedy == Remedy::Reopen {
            break;
        }
        sleep(pace.every).await;
    }
    RouterSilent(pace.strikes)
}

async fn round(
    hand_over: &mpsc::Sender<Message>,
    seen: &mut watch::Receiver<u64>,
    number: u64,
) -> bool {
    let message = Message {
        topic: Arc::from(TOPIC),
        payload: Bytes::copy_from_slice(&number.to_be_bytes()),
    };
    hand_over.send(message).await.is_ok() && seen.wait_for(|seen| *seen >= number).await.is_ok()
}

/// The number in a probe that came back.
pub(crate) fn number(message: &Message) -> Option<u64> {
    let payload = message.payload.as_ref().try_into().ok();
    let is_probe = &*message.topic == TOPIC;
    payload.filter(|_| is_probe).map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        every: Duration::from_secs(5),
        patience: Duration::from_secs(5),
        strikes: 3,
    };

    #[tokio::test(start_paused = true)]
    async fn a_router_that_answers_is_left_alone_and_one_that_stops_is_reported() {
        let (hand_over, mut router) = mpsc::channel(8);
        let (came_back, seen) = watch::channel(0);
        let counters = Arc::new(Counters::default());
        let start = Instant::now();
        let probe = tokio::spawn(watch_over(hand_over, seen, counters, PACE, Remedy::Reopen));
        for _ in 0..10 {
            let message = router.recv().await.unwrap();
            came_back.send(number(&message).unwrap()).unwrap();
        }
        assert!(!probe.is_finished());
        assert_eq!(probe.await.unwrap(), RouterSilent(3));
        assert!(start.elapsed() > 10 * PACE.every + 3 * PACE.patience);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_forgiven() {
        let (hand_over, mut router) = mpsc::channel(8);
        let (came_back, seen) = watch::channel(0);
        let probe = tokio::spawn(watch_over(
            hand_over,
            seen,
            Arc::default(),
            PACE,
            Remedy::Reopen,
        ));
        for round in 0..20_u32 {
            let message = router.recv().await.unwrap();
            if round % 3 == 0 {
                came_back.send(number(&message).unwrap()).unwrap();
            }
        }
        assert!(!probe.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_router_that_takes_nothing_is_reported() {
        let (hand_over, _never_read) = mpsc::channel(1);
        let (_came_back, seen) = watch::channel(0);
        let silent = watch_over(hand_over, seen, Arc::default(), PACE, Remedy::Reopen).await;
        assert_eq!(silent, RouterSilent(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_is_away_is_waited_for() {
        let (hand_over, mut router) = mpsc::channel(100);
        let (came_back, seen) = watch::channel(0);
        let counters = Arc::new(Counters::default());
        let shared = Arc::clone(&counters);
        let probe = tokio::spawn(watch_over(hand_over, seen, shared, PACE, Remedy::Wait));
        for _ in 0..20 {
            router.recv().await.unwrap();
        }
        assert!(!probe.is_finished());
        assert_eq!(counters.router_answered_at(), None);
        let message = router.recv().await.unwrap();
        came_back.send(number(&message).unwrap()).unwrap();
        router.recv().await.unwrap();
        assert!(counters.router_answered_at().is_some());
    }
}
