//! The link between whoever measures and ingest, over an MQTT broker that may forget everything.
//!
//! ```text
//! Record → Outbox (on disk, numbered) → sender → broker → receiver → Parcel + Receipt
//!                                          ↑                            │
//!              whole segments deleted ← acknowledged ← Ack ← Durable ←──┘
//! ```
//! The truth is at the two ends: the [`outbox`] keeps a record until ingest has it on disk, and a
//! [`Receipt`] acknowledges only against a journal's proof ([`veglia_journal::Durable`]). What
//! lies between (broker, MQTT client, PUBACK) may lose, repeat and reorder as it likes: a hole is
//! asked for again, a repetition is known by its number, silence is answered by repeating.
//!
//! This is the only crate with an MQTT client. `rumqttc` is used as a dumb pipe: one client for
//! one connection, never reused, nothing kept in it that is not in the outbox as well.
//!
//! Limits: [`sender::WINDOW_FRAMES`] frames and [`sender::WINDOW_BYTES`] bytes on their way, 128
//! records in a frame, and a bound on every queue beside its constant.
//!
//! Deliberately absent: retained messages, wills and persistent sessions (a heartbeat record with
//! a time-out at the centre is the truth about presence), commands to gateways, TLS, giving up
//! old records when the outbox is full (it refuses and says so).

mod backoff;
pub mod outbox;
mod pipe;
pub mod receiver;
mod reconnect;
mod secret;
pub mod sender;
mod status;
mod window;

pub use outbox::{Appended, Outbox, OutboxOptions, OutboxState, OutboxStatus};
pub use receiver::{Incoming, Parcel, Receipt, ReceiverConfig, Reply};
pub use secret::Secret;
pub use sender::{SenderConfig, SenderError, Timing};
pub use status::{LinkStatus, Phase};
