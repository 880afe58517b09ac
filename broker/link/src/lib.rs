//! The link between whoever measures and ingest, over an MQTT broker that may forget everything.
//!
//! ```text
//! Record → Outbox (on disk, numbered) → sender → broker → receiver → Parcel + Receipt
//!                                          ↑                            │
//!              whole segments deleted ← acknowledged ← Ack ← Durable ←──┘
//!          Command → gateway, State → ingest: of the moment, on the same way, never stored
//! ```
//! The truth is at the two ends: the [`outbox`] keeps a record until ingest has it on disk, and a
//! [`Receipt`] acknowledges only against a journal's proof ([`veglia_journal::Durable`]). What
//! lies between (broker, MQTT client, PUBACK) may lose, repeat and reorder as it likes: a hole is
//! asked for again, a repetition is known by its number, silence is answered by repeating.
//!
//! This is the only crate with an MQTT client: a dumb pipe over `rumqttc`'s codec, one for one
//! connection, never reused, nothing kept in it that is not in the outbox as well. On this machine
//! it is opened with a secret, everywhere else over TLS with a certificate ([`Access`]).
//!
//! Limits: [`sender::WINDOW_FRAMES`] frames and [`sender::WINDOW_BYTES`] bytes on their way, 128
//! records in a frame, and a bound on every queue beside its constant.
//!
//! Deliberately absent: retained messages, wills and persistent sessions (a heartbeat record with
//! a time-out at the centre is the truth about presence), TLS without a certificate of our own.

mod access;
mod address;
mod backoff;
mod control;
pub mod outbox;
mod pipe;
pub mod receiver;
mod reconnect;
mod secret;
pub mod sender;
mod status;
mod tls_clock;
mod tls_fault;
mod window;

pub use access::{Access, AccessError, CertificateFiles};
pub use address::{Address, AddressError};
pub use control::{Control, Report, TURNS_EVERY};
pub use outbox::{Appended, Outbox, OutboxOptions, OutboxState, OutboxStatus};
pub use receiver::{CommandError, Commands, Incoming, Parcel, Receipt, ReceiverConfig, Reply};
pub use secret::Secret;
pub use sender::{SenderConfig, SenderError, Timing};
pub use status::{LinkStatus, Phase, Refused};
pub use tls_clock::TlsClock;
pub use tls_fault::date;
