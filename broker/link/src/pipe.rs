//! One connection to the broker: opened, used, dropped, never repaired.
//!
//! ```text
//! connect → (TLS) → CONNECT, SUBSCRIBE → Mouth and Inbox, served by a task until it fails
//! ```
//! `rumqttc` is only the codec here. Its client would bring its own TLS, with an old certificate
//! library that has known faults; it forgets queued publishes when it reconnects; and after a lost
//! session it can hang on a packet id for ever. Of a client this crate needs little: QoS 1 one
//! way, nothing kept (what matters is in the outbox), no session to resume.
//!
//! A message that the broker hands over is confirmed to the broker at once: that means nothing,
//! see the crate's documentation. Retrying is for whoever opens the next pipe.

mod conversation;
mod stream;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use veglia_wire::Clock;

use crate::access::{Access, AccessError};
use crate::address::Address;
use crate::status::Refused;
use crate::tls_fault::TlsFault;
use conversation::{Conversation, KEEP_ALIVE};

/// Messages that wait to be written. What waits there is lost with the connection and slows
/// nothing down, so one is best.
const REQUESTS: usize = 1;

/// Messages that wait for us; with 16 KiB each at most a megabyte. When it is full nothing more
/// is read: back-pressure to the broker.
const ARRIVALS: usize = 64;

/// Where to connect, as whom, and what to subscribe to.
#[derive(Clone)]
pub(crate) struct PipeOptions {
    pub(crate) broker: Address,
    pub(crate) access: Access,
    /// What certificates are judged by.
    pub(crate) wall: Arc<dyn Clock>,
    /// Client id, user name, and whom a certificate must be for.
    pub(crate) name: String,
    /// Days that a certificate of ours lives.
    pub(crate) lives_days: i64,
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
    #[error("the broker at {broker} cannot be reached")]
    Connect {
        broker: Address,
        #[source]
        source: io::Error,
    },
    #[error("the broker at {broker} hung up during the TLS handshake: check the port")]
    HungUp { broker: Address },
    #[error("the broker at {broker} did not answer within {} s", within.as_secs())]
    Slow { broker: Address, within: Duration },
    #[error("{name} cannot prove who it is")]
    Access {
        name: String,
        #[source]
        source: AccessError,
    },
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    #[error("the broker does not grant the subscriptions: check the identity's grants")]
    NotGranted,
    #[error("the broker does not speak MQTT 3.1.1 as it should")]
    Protocol,
    #[error("the connection to the broker ended")]
    Ended(#[source] Option<io::Error>),
    #[error("the broker was silent for {} s", after.as_secs())]
    Silent { after: Duration },
    #[error("nothing was acknowledged for {} s", after.as_secs())]
    Stalled { after: Duration },
}

/// What the broker's refusal of a greeting means.
#[derive(Debug, Error)]
pub(crate) enum NotAdmitted {
    #[error("the centre has revoked {name}: call the centre to have it admitted again")]
    Revoked { name: String },
    #[error(
        "the centre does not know {name} with this certificate: have the centre look for it in \
         `veglia identity list`, and enrol again if it is not there"
    )]
    UnknownKey { name: String },
    #[error(
        "the broker does not know {name} with this secret: put the secret that `veglia identity` \
         made into its file"
    )]
    WrongSecret { name: String },
    #[error(
        "the broker at {broker} lets {name} in later, because it connected too often: if it goes \
         on, look at the line, and for a second box with the same key"
    )]
    NotNow { broker: Address, name: String },
    #[error("the broker at {broker} does not serve {name} ({code:?})")]
    Otherwise {
        broker: Address,
        name: String,
        code: ConnectReturnCode,
    },
}

impl PipeError {
    /// Why asking again is of no use; none while it is.
    pub(crate) fn refused(&self) -> Option<Refused> {
        match self {
            Self::Tls(fault) => fault.refused(),
            Self::NotAdmitted(NotAdmitted::Revoked { .. }) => Some(Refused::Revoked),
            Self::NotAdmitted(NotAdmitted::UnknownKey { .. } | NotAdmitted::WrongSecret { .. }) => {
                Some(Refused::Unknown)
            }
            _ => None,
        }
    }
}

/// The end that listens. Dropping it closes the connection.
pub(crate) struct Inbox {
    messages: mpsc::Receiver<Result<Message, PipeError>>,
    serving: JoinHandle<()>,
}

/// The end that speaks.
pub(crate) struct Mouth {
    requests: mpsc::Sender<Message>,
}

/// Connects, subscribes, and returns when the broker has granted every filter.
pub(crate) async fn open(options: &PipeOptions) -> Result<(Mouth, Inbox), PipeError> {
    let opened = timeout(options.within, establish(options)).await;
    let conversation = opened.map_err(|_| PipeError::Slow {
        broker: options.broker.clone(),
        within: options.within,
    })??;
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (deliver, messages) = mpsc::channel(ARRIVALS);
    let serving = tokio::spawn(conversation.serve(asked, deliver));
    Ok((Mouth { requests }, Inbox { messages, serving }))
}

async fn establish(options: &PipeOptions) -> Result<Conversation, PipeError> {
    let (stream, proved) = stream::connect(options).await?;
    let mut conversation = Conversation::new(stream);
    let greeted = greet(&mut conversation, options).await;
    greeted.map_err(|error| match error {
        // A broker refuses a certificate when we believe the handshake to be done.
        PipeError::Ended(Some(source)) => {
            let fault = proved.and_then(|proved| proved.explain(options, &source));
            fault.map_or(PipeError::Ended(Some(source)), PipeError::from)
        }
        error => error,
    })?;
    Ok(conversation)
}

async fn greet(conversation: &mut Conversation, options: &PipeOptions) -> Result<(), PipeError> {
    let mut connect = Connect::new(&options.name);
    connect.keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
    connect.clean_session = true;
    if let Access::Secret(secret) = &options.access {
        connect.set_login(&options.name, secret.reveal());
    }
    let code = conversation.greet(connect).await?;
    if code != ConnectReturnCode::Success {
        return Err(not_admitted(options, code).into());
    }
    conversation.subscribe(&options.filters).await
}

fn not_admitted(options: &PipeOptions, code: ConnectReturnCode) -> NotAdmitted {
    let name = options.name.clone();
    let by_certificate = matches!(options.access, Access::Certificate(_));
    match code {
        ConnectReturnCode::NotAuthorized => NotAdmitted::Revoked { name },
        ConnectReturnCode::BadUserNamePassword if by_certificate => {
            NotAdmitted::UnknownKey { name }
        }
        ConnectReturnCode::BadUserNamePassword => NotAdmitted::WrongSecret { name },
        ConnectReturnCode::ServiceUnavailable => NotAdmitted::NotNow {
            broker: options.broker.clone(),
            name,
        },
        code => NotAdmitted::Otherwise {
            broker: options.broker.clone(),
            name,
            code,
        },
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
        self.serving.abort();
    }
}

impl Mouth {
    /// Hands a message over for sending at QoS 1. May be dropped while it waits; the message is
    /// not sent then.
    pub(crate) async fn publish(&self, topic: String, bytes: Vec<u8>) -> Result<(), PipeError> {
        let message = Message { topic, bytes };
        let handed = self.requests.send(message).await;
        handed.map_err(|_| PipeError::Ended(None))
    }
}
