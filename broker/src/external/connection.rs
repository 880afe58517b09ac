//! One connection to the other broker: opened, used, dropped, never repaired.
//!
//! The traps of rumqttc, and how they are avoided here:
//! - It forgets queued publishes when it reconnects, and after a lost session it can hang on a
//!   packet id for ever. So a client lives for one connection, and what it held is counted.
//! - Its polling loop must not be interrupted (a half-written packet is lost) and must not wait
//!   for a publish (its channel is emptied by the same loop). So the loop has a task of its own.
//! - It tries again at once after an error. So the first error ends it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions,
    Packet, Publish, QoS, SubscribeReasonCode,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::window::{STALLED, Window};
use super::{Ends, ExternalConfig};
use crate::backend::{BackendError, Message, Standing};
use crate::packets::MAX_PACKET_BYTES;

/// What we ask for: all that the door ever hands over.
const EVERYTHING: &str = "v1/#";

/// Twice the door's largest packet: ours carries a packet id where the client's had none, and a
/// client must not be able to end the connection of everybody by those two bytes.
const MAX_BYTES: usize = 2 * MAX_PACKET_BYTES;

/// Publishes that the other broker has not confirmed; below every broker's limit, and on one
/// machine enough to keep it busy.
const IN_FLIGHT: u16 = 64;

/// What waits in the client's own channel is lost with the connection and speeds nothing up.
const REQUESTS: usize = 1;

/// A peer that vanished without a word is noticed after one to two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// To connect and to subscribe.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the other broker was not reached, or the connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the broker at {place} cannot be reached: start it, or correct backend")]
    Unreachable {
        place: String,
        #[source]
        source: Box<ConnectionError>,
    },
    #[error("the broker at {place} refuses our user or password: correct backend, or its list")]
    Refused { place: String },
    #[error("the broker at {place} did not answer within {} s", PATIENCE.as_secs())]
    Slow { place: String },
    #[error("the broker behind the door does not let our user subscribe to {EVERYTHING}")]
    NotGranted,
    #[error("the connection to the broker behind the door ended")]
    Ended(#[source] Box<dyn Error + Send + Sync>),
    #[error(
        "the broker behind the door brought nothing back for {} s: \
         let our user write and read {EVERYTHING}, or restart it", STALLED.as_secs()
    )]
    Stalled,
    #[error(transparent)]
    Password(#[from] BackendError),
}

/// How a connection ended.
pub(super) struct Ended {
    /// `None` when the door has gone.
    pub(super) why: Option<Fault>,
    /// Messages that came back over it.
    pub(super) came_back: u64,
    /// Messages that did not.
    pub(super) lost: u64,
}

/// A connection that takes messages.
pub(super) struct Connection {
    client: AsyncClient,
    events: EventLoop,
}

/// Connects and subscribes.
pub(super) async fn open(config: &ExternalConfig, client_id: &str) -> Result<Connection, Fault> {
    let place = || config.place_name();
    let (client, mut events) = AsyncClient::new(options(config, client_id)?, REQUESTS);
    let mut network = NetworkOptions::new();
    // Messages are small and somebody waits for each.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(PATIENCE.as_secs());
    events.set_network_options(network);
    let opened = timeout(PATIENCE, establish(&client, &mut events)).await;
    match opened {
        Ok(Ok(true)) => Ok(Connection { client, events }),
        Ok(Ok(false)) => Err(Fault::NotGranted),
        Ok(Err(ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ))) => Err(Fault::Refused { place: place() }),
        Ok(Err(ConnectionError::NetworkTimeout)) | Err(_) => Err(Fault::Slow { place: place() }),
        Ok(Err(source)) => Err(Fault::Unreachable {
            place: place(),
            source: Box::new(source),
        }),
    }
}

fn options(config: &ExternalConfig, client_id: &str) -> Result<MqttOptions, BackendError> {
    let mut options = MqttOptions::new(client_id, config.host(), config.port());
    if let Some((user, password)) = config.login()? {
        options.set_credentials(user, password);
    }
    options
        .set_clean_session(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(MAX_BYTES, MAX_BYTES);
    Ok(options)
}

/// Says whether the subscription was granted.
async fn establish(client: &AsyncClient, events: &mut EventLoop) -> Result<bool, ConnectionError> {
    loop {
        match events.poll().await? {
            Event::Incoming(Packet::ConnAck(_)) => {
                let asked = client.try_subscribe(EVERYTHING, QoS::AtLeastOnce);
                if asked.is_err() {
                    return Err(ConnectionError::RequestsDone);
                }
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                return Ok(!refused);
            }
            _ => {}
        }
    }
}

impl Connection {
    /// Carries messages both ways until the connection fails or the door has gone.
    pub(super) async fn carry(self, ends: &mut Ends, standing: &watch::Sender<Standing>) -> Ended {
        let window = Arc::new(Window::default());
        let polling = poll(
            self.events,
            ends.to_door.clone(),
            Arc::clone(&window),
            standing.clone(),
        );
        let mut polling = Polling(tokio::spawn(polling));
        let why = tokio::select! {
            ended = &mut polling.0 => {
                Some(ended.unwrap_or_else(|fault| Fault::Ended(fault.into())))
            }
            () = window.stalled() => Some(Fault::Stalled),
            () = feed(&self.client, ends, &window) => None,
        };
        Ended {
            why,
            came_back: window.came_back(),
            lost: u64::try_from(window.len()).unwrap_or(u64::MAX),
        }
    }
}

/// The polling task, which ends with the connection.
struct Polling(JoinHandle<Fault>);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// From the door into the connection. Ends when the door has gone.
async fn feed(client: &AsyncClient, ends: &mut Ends, window: &Window) {
    loop {
        if ends.held.is_none() {
            ends.held = ends.from_door.recv().await;
        }
        let Some(message) = &ends.held else {
            return;
        };
        window.add(message).await;
        // From here on it counts as handed over, even if the connection ends in this moment: it
        // may have left, and must not be sent a second time.
        let Some(message) = ends.held.take() else {
            return;
        };
        let topic = message.topic.to_string();
        let given = client.publish_bytes(topic, QoS::AtLeastOnce, false, message.payload);
        if given.await.is_err() {
            // The polling task has ended and says why.
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps the connection going, and brings back what belongs to this door.
async fn poll(
    mut events: EventLoop,
    to_door: mpsc::Sender<Message>,
    window: Arc<Window>,
    standing: watch::Sender<Standing>,
) -> Fault {
    let mut warned = false;
    loop {
        let Publish { topic, payload, .. } = match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => publish,
            Ok(_) => continue,
            Err(fault) => return Fault::Ended(Box::new(fault)),
        };
        let arrived = Message {
            topic: Arc::from(topic),
            payload,
        };
        let Some(message) = window.take(&arrived) else {
            standing.send_modify(|it| it.foreign += 1);
            if !warned {
                tracing::warn!(
                    "somebody else publishes on {EVERYTHING} of the broker behind the door, \
                     which is ignored: let nobody but the door in there"
                );
                warned = true;
            }
            continue;
        };
        if to_door.send(message).await.is_err() {
            // The door has gone: the caller sees it too.
            std::future::pending::<()>().await;
        }
    }
}
