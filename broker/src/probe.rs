//! Whether the router still routes.
//!
//! rumqttd's thread can die or stop while its process looks well, so a message is sent through it
//! every few seconds. When several in a row do not come back, the broker ends with an error:
//! whoever started it starts it again, and the outboxes at home have kept everything.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::backend::Message;
use crate::counters::Counters;

/// No gateway can write this: it is not of the grammar of topics.
pub(crate) const TOPIC: &str = "v1/probe";

/// Often enough to notice within the minute in which a gateway would rebuild its connection.
const EVERY: Duration = Duration::from_secs(5);

/// A thousand times what a healthy router takes, on a busy small machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// One late answer is a busy machine, three are a dead router.
const STRIKES: u32 = 3;

/// The router did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message router did not answer {STRIKES} probes in a row")]
pub struct RouterSilent;

/// Probes until the router is silent. `seen` is the number of the last probe that came back.
pub(crate) async fn watch_over(
    hand_over: mpsc::Sender<Message>,
    mut seen: watch::Receiver<u64>,
    counters: Arc<Counters>,
) -> RouterSilent {
    let mut strikes = 0;
    for number in 1.. {
        let answer = timeout(PATIENCE, round(&hand_over, &mut seen, number)).await;
        if matches!(answer, Ok(true)) {
            counters.router_answered(Instant::now());
            strikes = 0;
        } else {
            strikes += 1;
            tracing::warn!(strikes, "the message router did not answer a probe");
        }
        if strikes == STRIKES {
            break;
        }
        sleep(EVERY).await;
    }
    RouterSilent
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

    #[tokio::test(start_paused = true)]
    async fn a_router_that_answers_is_left_alone_and_one_that_stops_is_reported() {
        let (hand_over, mut router) = mpsc::channel(8);
        let (came_back, seen) = watch::channel(0);
        let counters = Arc::new(Counters::default());
        let start = Instant::now();
        let probe = tokio::spawn(watch_over(hand_over, seen, counters));
        for _ in 0..10 {
            let message = router.recv().await.unwrap();
            came_back.send(number(&message).unwrap()).unwrap();
        }
        assert!(!probe.is_finished());
        assert_eq!(probe.await.unwrap(), RouterSilent);
        assert!(start.elapsed() > 10 * EVERY + 3 * PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_forgiven() {
        let (hand_over, mut router) = mpsc::channel(8);
        let (came_back, seen) = watch::channel(0);
        let probe = tokio::spawn(watch_over(hand_over, seen, Arc::default()));
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
        let silent = watch_over(hand_over, seen, Arc::default()).await;
        assert_eq!(silent, RouterSilent);
    }
}
