//! Another MQTT broker as the backend, by URL: one connection with the rights to all of `v1/#`.
//!
//! Everything goes out and comes back over the same connection at QoS 1, so what is outstanding
//! is known message by message: see [`window`]. That buys four things. What the other broker may
//! hold for us is bounded, below what its queues keep by default, so that it never drops in
//! silence. What a lost connection costs is counted exactly. A message comes back at most once.
//! And whatever somebody else publishes into that broker is not ours and goes no further: the
//! grants of the door hold even if the other broker has none.
//!
//! While it is away the window is closed and nothing is taken from the door: sessions are not
//! read, the probe gets no answer, and the door is not ready. It is called again and again, and
//! what waited goes on when it answers. Only what was outstanding when the connection ended is
//! lost: at most [`window::MESSAGES`] messages or [`window::BYTES`], each still in the outbox of
//! whoever sent it.
//!
//! The other broker must let its one user publish and subscribe on `v1/#`, keep at least
//! [`window::MESSAGES`] messages for a client, and take packets of 64 KiB: Mosquitto does so with
//! its defaults. It needs no persistence.
//!
//! To another machine the way is encrypted, unless whoever runs it says that its network is
//! trusted; see `line.rs`.
//!
//! Deliberately absent: persistent sessions, retained messages.

mod connection;
mod fault;
mod line;
mod settings;
mod window;

use std::error::Error;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::backend::{
    Backend, BackendError, DELIVERIES_MESSAGES, HAND_OVER_MESSAGES, Link, Message, Remedy, Standing,
};
use connection::Ended;
use fault::Fault;
pub use settings::{BackendConfig, ExternalConfig};

/// Before the first call after a connection was lost, doubled each time it was in vain. Short:
/// there is one caller, and homes wait for it.
const PAUSE: Duration = Duration::from_millis(250);

/// Between two calls at most. A broker that was restarted should not be waited for in turn.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Another broker.
#[derive(Debug)]
pub(crate) struct External {
    config: ExternalConfig,
    client_id: String,
    standing: watch::Sender<Standing>,
}

impl External {
    /// Nothing is called before it is opened.
    pub(crate) fn new(config: ExternalConfig) -> Self {
        Self {
            config,
            // 23 characters, which every broker takes. Not the same for two doors before one
            // broker: each would end the other's connection.
            client_id: format!("veglia-{:016x}", fastrand::u64(..)),
            standing: watch::Sender::default(),
        }
    }
}

impl Backend for External {
    fn open(&self) -> Result<Link, BackendError> {
        // Read here only to fail early: each call reads them again.
        self.config.login()?;
        if let Some(secured) = self.config.secured() {
            secured.terms().map_err(BackendError::Tls)?;
        }
        let (hand_over, from_door) = mpsc::channel(HAND_OVER_MESSAGES);
        let (to_door, deliveries) = mpsc::channel(DELIVERIES_MESSAGES);
        let caller = Caller {
            config: self.config.clone(),
            client_id: self.client_id.clone(),
            standing: self.standing.clone(),
            ends: Ends {
                from_door,
                to_door,
                held: None,
            },
        };
        tokio::spawn(caller.run());
        Ok(Link {
            hand_over,
            deliveries,
        })
    }

    fn remedy(&self) -> Remedy {
        Remedy::Wait
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.standing.subscribe())
    }
}

/// Our ends of the two channels, which outlive a connection.
struct Ends {
    from_door: mpsc::Receiver<Message>,
    to_door: mpsc::Sender<Message>,
    /// Taken from the door and not yet given to a connection.
    held: Option<Message>,
}

/// Keeps a connection for as long as the door is there.
struct Caller {
    config: ExternalConfig,
    client_id: String,
    standing: watch::Sender<Standing>,
    ends: Ends,
}

impl Caller {
    async fn run(mut self) {
        let door = self.ends.to_door.clone();
        tokio::select! {
            () = door.closed() => {}
            () = self.keep_calling() => {}
        }
        self.standing.send_modify(|it| it.connected = false);
    }

    /// Ends when the door has gone.
    async fn keep_calling(&mut self) {
        let mut pause = PAUSE;
        let mut complaint = String::new();
        loop {
            let fault = match connection::open(&self.config, &self.client_id).await {
                Ok(connection) => {
                    self.standing.send_modify(|it| {
                        it.connected = true;
                        it.connections += 1;
                    });
                    tracing::info!("connected to the broker behind the door");
                    complaint.clear();
                    let ended = connection.carry(&mut self.ends, &self.standing).await;
                    self.count(&ended);
                    if ended.came_back > 0 {
                        pause = PAUSE;
                    }
                    match ended.why {
                        Some(fault) => fault,
                        None => return,
                    }
                }
                Err(fault) => fault,
            };
            complain(&fault, &mut complaint);
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn count(&self, ended: &Ended) {
        self.standing.send_modify(|it| {
            it.connected = false;
            it.lost += ended.lost;
        });
        if ended.lost > 0 {
            let lost = ended.lost;
            tracing::warn!(
                lost,
                "messages were lost with the connection; they are sent again by their senders"
            );
        }
    }
}

/// Says what is wrong once, not at every call.
fn complain(fault: &Fault, last: &mut String) {
    let text = fault.to_string();
    let fault: &dyn Error = fault;
    if *last == text {
        tracing::debug!(error = fault, "the broker behind the door is still away");
    } else {
        tracing::error!(error = fault, "the broker behind the door is away");
        *last = text;
    }
}
