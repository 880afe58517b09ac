//! rumqttd as the backend: its router in a thread of this process, reached over one link.
//!
//! The router keeps a log in memory for each filter and overwrites the oldest segment when a
//! reader is behind. There is one reader here, and a [`WINDOW_BYTES`] on what may be inside the
//! router at once: always less than what the log keeps. So nothing is overwritten unread.
//! The same window is far below the router's event channel (1,000 events), which therefore never
//! makes an async task wait.
//!
//! Limits: rumqttd's thread has no way to end. It sleeps on its channel after the link is gone,
//! with a log of at most a mebibyte, until the process ends.
//!
//! Deliberately absent: listeners, the HTTP console (anybody could delete a session through it),
//! retained messages, sessions.

use std::sync::Arc;

use ::rumqttd::local::{LinkError, LinkRx, LinkTx};
use ::rumqttd::{Broker, Config, Notification, RouterConfig};
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use crate::backend::{
    Backend, BackendError, DELIVERIES_MESSAGES, HAND_OVER_MESSAGES, Link, Message,
};

/// What the one link asks for.
const EVERYTHING: &str = "v1/#";

/// At most this much inside the router, each message counted with [`MESSAGE_BYTES`] more.
/// Seven of the largest packets, or five hundred small ones: a hundred times what it takes to
/// keep the router busy, at its few microseconds a message.
const WINDOW_BYTES: usize = 512 * 1024;

/// What a message costs the router beside its bytes, rounded up. It also bounds the number of
/// messages in the window.
const MESSAGE_BYTES: usize = 1024;

/// Three full segments always remain after the oldest was dropped: half more than the window.
const SEGMENT_BYTES: usize = 256 * 1024;
const SEGMENTS: usize = 4;

/// The one link, and room for error: the router refuses a connection above its maximum badly.
const ROUTER_CONNECTIONS: usize = 4;

/// The embedded router.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rumqttd;

impl Backend for Rumqttd {
    fn open(&self) -> Result<Link, BackendError> {
        let config = Config {
            router: RouterConfig {
                max_connections: ROUTER_CONNECTIONS,
                max_outgoing_packet_count: 200,
                max_segment_size: SEGMENT_BYTES,
                max_segment_count: SEGMENTS,
                ..RouterConfig::default()
            },
            ..Config::default()
        };
        let (mut sender, receiver) = Broker::new(config).link("front-door").map_err(failed)?;
        sender.try_subscribe(EVERYTHING).map_err(failed)?;

        let window = Arc::new(Semaphore::new(WINDOW_BYTES));
        let (hand_over, from_door) = mpsc::channel(HAND_OVER_MESSAGES);
        let (to_door, deliveries) = mpsc::channel(DELIVERIES_MESSAGES);
        tokio::spawn(carry_in(from_door, sender, Arc::clone(&window)));
        tokio::spawn(async move {
            carry_out(receiver, to_door, &window).await;
            window.close();
        });
        Ok(Link {
            hand_over,
            deliveries,
        })
    }
}

fn failed(fault: LinkError) -> BackendError {
    BackendError::Router(Box::new(fault))
}

/// Ends when the door has gone, or the router has.
async fn carry_in(
    mut from_door: mpsc::Receiver<Message>,
    mut router: LinkTx,
    window: Arc<Semaphore>,
) {
    while let Some(message) = from_door.recv().await {
        let Ok(share) = window.acquire_many(cost(&message)).await else {
            return;
        };
        let topic = Bytes::copy_from_slice(message.topic.as_bytes());
        if let Err(fault) = router.try_publish(topic, message.payload) {
            tracing::error!(%fault, "the router takes no more messages");
            return;
        }
        // Given back when the message comes out.
        share.forget();
    }
}

/// Ends when the door has gone, or the router has.
async fn carry_out(mut router: LinkRx, to_door: mpsc::Sender<Message>, window: &Semaphore) {
    loop {
        let notified = tokio::select! {
            notified = router.next() => notified,
            () = to_door.closed() => return,
        };
        match notified {
            Ok(Some(Notification::Forward(forward))) => {
                let Ok(topic) = std::str::from_utf8(&forward.publish.topic) else {
                    continue;
                };
                let message = Message {
                    topic: Arc::from(topic),
                    payload: forward.publish.payload,
                };
                let share = usize::try_from(cost(&message)).unwrap_or(WINDOW_BYTES);
                window.add_permits(share);
                if to_door.send(message).await.is_err() {
                    return;
                }
            }
            // The router has filled our side and waits to hear that it was emptied.
            Ok(Some(Notification::Unschedule)) => {
                if router.ready().is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(fault) => {
                tracing::error!(%fault, "the router has ended");
                return;
            }
        }
    }
}

/// What a message takes of the window; never more than the whole, so that it can pass at all.
fn cost(message: &Message) -> u32 {
    let bytes = MESSAGE_BYTES + message.topic.len() + message.payload.len();
    u32::try_from(bytes.min(WINDOW_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Ten times what the router's log holds.
    const MESSAGES: u32 = 200;
    const PAYLOAD_BYTES: usize = 60 * 1024;

    #[tokio::test]
    async fn a_reader_that_is_behind_stops_the_writer_and_loses_nothing() {
        let mut link = Rumqttd.open().unwrap();
        let hand_over = link.hand_over.clone();
        let writer = tokio::spawn(async move {
            for number in 0..MESSAGES {
                let mut payload = vec![0; PAYLOAD_BYTES];
                payload.splice(..4, number.to_be_bytes());
                let message = Message {
                    topic: Arc::from("v1/p/07/g/casa-12/up"),
                    payload: Bytes::from(payload),
                };
                hand_over.send(message).await.unwrap();
            }
        });
        let stopped = async {
            while link.hand_over.capacity() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, stopped).await.unwrap();
        assert!(!writer.is_finished());
        for number in 0..MESSAGES {
            let message = timeout(PATIENCE, link.deliveries.recv()).await.unwrap();
            let payload = message.unwrap().payload;
            assert_eq!(payload.len(), PAYLOAD_BYTES);
            assert_eq!(payload[..4], number.to_be_bytes());
        }
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn when_nobody_takes_what_comes_out_nothing_more_goes_in() {
        let link = Rumqttd.open().unwrap();
        drop(link.deliveries);
        let message = || Message {
            topic: Arc::from("v1/p/07/g/casa-12/up"),
            payload: Bytes::new(),
        };
        let refused = async { while link.hand_over.send(message()).await.is_ok() {} };
        timeout(PATIENCE, refused).await.unwrap();
    }
}
