//! The front door, and rumqttd behind it.
//!
//! rumqttd is a fast MQTT router that any client can end: seven packets or sequences of packets
//! panic its thread or poison its listener, it has no grants per topic, and a slow subscriber
//! loses messages without a word. So it opens no port here. The front door owns the port, speaks
//! MQTT 3.1.1 with every client in a task of its own, and lets through only what the rules of the
//! one identity allow; behind it the router is reached over a single in-process link.
//!
//! ```text
//! socket → admission → (TLS) → greeting → seat → session ⇄ rules
//!                                                  │ hand over      ▲ mailbox
//!                                                  ▼                │
//!                                               backend ──────→ fan-out
//! ```
//!
//! One link and our own fan-out, rather than a link a client: the grammar of topics is so small
//! that "who gets this" is one look-up; a connection leaves nothing behind in the router (which
//! remembers every link id it has ever seen); and the window on the one link keeps the router's
//! log from ever overwriting what was not yet read.
//!
//! Another MQTT broker can stand in rumqttd's place, by configuration: one connection to it then
//! does what the link does, and while it is away the door makes everybody wait.
//!
//! A PUBACK from here means **handed over, in memory**. Only the acknowledgement of ingest means
//! stored: the outbox at home keeps everything until it comes, so whatever this room loses by a
//! crash, a slow subscriber or a restart is sent again.
//!
//! Limits: each is a constant or a field of [`Limits`], with its reason beside it.
//!
//! There are two ways in. The plain one is for processes of the same machine, which show a secret:
//! it opens on loopback only. The one with TLS is for everybody else, who show a certificate.
//! Nobody has both: what one way asks for is refused at the other.
//!
//! Deliberately absent: MQTT 5, QoS 2, retained messages, persistent sessions, wildcards that the
//! caller chooses, `$share`; the database (the identity file is watched instead).

mod admission;
mod arrivals;
mod backend;
mod config;
mod counters;
mod distribution;
mod door;
mod external;
mod fanout;
#[cfg(fuzzing)]
pub mod fuzzing;
mod greeting;
mod packets;
mod probe;
mod rate;
mod refusal;
mod rules;
mod rumqttd;
mod session;
mod sessions;
mod takeover;
mod tls;
mod warden;

pub use self::rumqttd::Rumqttd;
pub use backend::{Backend, BackendError, Link, Message, Remedy, Standing};
pub use config::{Config, Limits, Tls};
pub use counters::{Health, Snapshot};
pub use door::{FrontDoor, Listeners, ServeError, listen, listen_tls, serve};
pub use external::{BackendConfig, ExternalConfig};
pub use probe::Pace;
pub use refusal::Refusal;
pub use tls::TlsError;
