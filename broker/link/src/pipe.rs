//! One connection to the broker: opened, used, dropped, never repaired.
//!
//! This is all that the crate knows of `rumqttc`. Its traps, and how they are avoided here:
//! - It forgets queued publishes when it reconnects, and after a lost session it can hang on a
//!   packet id for ever. So a client lives for one connection, and nothing is only in it.
//! - Its polling loop must not be interrupted (a half-written packet is lost) and must not wait
//!   for a publish (its channel is emptied by the same loop). So the loop has a task of its own,
//!   and whoever publishes does so from another.
//! - Retrying is ours: after the first error the task says why and ends.
//!
//! A message that the broker hands over is confirmed to the broker at once: that means nothing,
//! see the crate's documentation.

use std::collections::VecDeque;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions, Packet, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::secret::Secret;

/// Largest packet: a frame of 16 KiB with its topic, with room for the format to grow. The
/// broker has the same limit.
const MAX_PACKET_BYTES: usize = 64 * 1024;

/// Publishes that the broker has not confirmed; twice our window, so that it never binds.
const IN_FLIGHT: u16 = 64;

/// Requests that wait for the polling task. What waits there is lost with the connection and
/// slows nothing down, so one is best.
const REQUESTS: usize = 1;

/// Messages that wait for us; with 16 KiB each at most a megabyte. When it is full the polling
/// task stops reading: back-pressure to the broker.
const ARRIVALS: usize = 64;

/// A silent peer is noticed after one to two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Where to connect, as whom, and what to subscribe to.
#[derive(Debug, Clone)]
pub(crate) struct PipeOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Client id and user name.
    pub(crate) name: String,
    pub(crate) secret: Secret,
    pub(crate) filters: Vec<String>,
    /// Connecting and subscribing together may take this long.
    pub(crate) within: Duration,
}

/// A message from the broker.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) bytes: Vec<u8>,
}

/// Why a connection was not made, or ended.
#[derive(Debug, Error)]
pub(crate) enum PipeError {
    #[error("the broker at {host}:{port} cannot be reached, or refuses")]
    Connect {
        host: String,
        port: u16,
        #[source]
        source: Box<ConnectionError>,
    },
    #[error("the broker at {host}:{port} did not answer within {} s", within.as_secs())]
    Slow {
        host: String,
        port: u16,
        within: Duration,
    },
    #[error("the broker does not grant the subscriptions: check the identity's grants")]
    Refused,
    #[error("the connection to the broker ended")]
    Ended(#[source] Option<Box<ConnectionError>>),
    #[error("nothing was acknowledged for {} s", after.as_secs())]
    Stalled { after: Duration },
}

/// The end that listens. Dropping it closes the connection.
pub(crate) struct Inbox {
    messages: mpsc::Receiver<Result<Message, PipeError>>,
    polling: JoinHandle<()>,
}

/// The end that speaks.
pub(crate) struct Mouth {
    client: AsyncClient,
}

/// Connects, subscribes, and returns when the broker has granted every filter.
pub(crate) async fn open(options: &PipeOptions) -> Result<(Mouth, Inbox), PipeError> {
    let (client, mut polled) = client(options);
    let opening = establish(options, &client, &mut polled);
    let early = timeout(options.within, opening)
        .await
        .map_err(|_| PipeError::Slow {
            host: options.host.clone(),
            port: options.port,
            within: options.within,
        })??;
    let (deliver, messages) = mpsc::channel(ARRIVALS);
    let polling = tokio::spawn(poll(polled, early, deliver));
    Ok((Mouth { client }, Inbox { messages, polling }))
}

fn client(options: &PipeOptions) -> (AsyncClient, EventLoop) {
    let mut mqtt = MqttOptions::new(&options.name, &options.host, options.port);
    mqtt.set_credentials(&options.name, options.secret.reveal())
        .set_clean_session(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    let (client, mut polled) = AsyncClient::new(mqtt, REQUESTS);
    let mut network = NetworkOptions::new();
    // A reading is smaller than a segment and somebody waits for it.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(options.within.as_secs().max(1));
    polled.set_network_options(network);
    (client, polled)
}

/// Subscribes, and returns the messages that came before the broker confirmed that. What is more
/// than the inbox would hold is left to be sent again.
async fn establish(
    options: &PipeOptions,
    client: &AsyncClient,
    polled: &mut EventLoop,
) -> Result<VecDeque<Message>, PipeError> {
    let mut early = VecDeque::new();
    loop {
        let event = polled.poll().await.map_err(|source| PipeError::Connect {
            host: options.host.clone(),
            port: options.port,
            source: Box::new(source),
        })?;
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                let filters = options.filters.iter().map(|filter| SubscribeFilter {
                    path: filter.clone(),
                    qos: QoS::AtLeastOnce,
                });
                if client.try_subscribe_many(filters).is_err() {
                    return Err(PipeError::Ended(None));
                }
            }
            Event::Incoming(Packet::SubAck(granted)) => {
                let refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
                if granted.return_codes.iter().any(refused) {
                    return Err(PipeError::Refused);
                }
                return Ok(early);
            }
            Event::Incoming(Packet::Publish(publish)) if early.len() < ARRIVALS => {
                early.push_back(message(publish));
            }
            _ => {}
        }
    }
}

fn message(publish: rumqttc::Publish) -> Message {
    Message {
        topic: publish.topic,
        bytes: publish.payload.into(),
    }
}

/// Keeps the connection going until it fails or nobody listens.
async fn poll(
    mut polled: EventLoop,
    early: VecDeque<Message>,
    deliver: mpsc::Sender<Result<Message, PipeError>>,
) {
    for message in early {
        if deliver.send(Ok(message)).await.is_err() {
            return;
        }
    }
    loop {
        let arrival = match polled.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => Ok(message(publish)),
            Ok(_) => continue,
            Err(error) => Err(PipeError::Ended(Some(Box::new(error)))),
        };
        let is_last = arrival.is_err();
        if deliver.send(arrival).await.is_err() || is_last {
            return;
        }
    }
}

impl Inbox {
    /// The next message, or why there will be none. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Result<Message, PipeError> {
        let arrival = self.messages.recv().await;
        arrival.unwrap_or(Err(PipeError::Ended(None)))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

impl Mouth {
    /// Hands a message over for sending at QoS 1. May be dropped while it waits; the message is
    /// sent not at all then, or, rarely, all the same.
    pub(crate) async fn publish(&self, topic: String, bytes: Vec<u8>) -> Result<(), PipeError> {
        self.client
            .publish(topic, QoS::AtLeastOnce, false, bytes)
            .await
            .map_err(|_| PipeError::Ended(None))
    }
}
