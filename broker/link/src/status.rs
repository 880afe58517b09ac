//! What the two halves say about themselves: values on a watch, for health pages and screens.

use veglia_wire::WallMs;

/// Whether there is a connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Not connected.
    Connecting {
        /// Which attempt since the last progress, from 1.
        attempt: u32,
        /// Why the last one failed, in words for a person.
        last_error: Option<String>,
    },
    /// Connected and subscribed.
    Connected,
    /// Ended, because it was asked to or because it failed.
    Stopped,
}

/// How a sender is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether there is a connection to the broker. It says nothing about ingest.
    pub phase: Phase,
    /// Gateway's care time when ingest last acknowledged anything; none since the start.
    pub last_ack_at: Option<WallMs>,
    /// Records that ingest has not acknowledged.
    pub unacknowledged: u64,
    /// Records that ingest could not understand since the start; the outbox keeps a copy.
    pub records_refused: u64,
    /// Bytes of messages handed to the broker since the start, and taken from it: without what
    /// TLS and TCP add.
    pub sent_bytes: u64,
    /// See [`LinkStatus::sent_bytes`].
    pub received_bytes: u64,
    /// Commands that were ignored since the start: for another connection, or repeated.
    pub commands_ignored: u64,
    /// How far the gateway's clock is ahead of the centre's, in milliseconds of care, less than
    /// nothing when it is behind; none while they agree within five minutes.
    pub clock_ahead_ms: Option<i64>,
    /// Why the broker will not have us however often we ask; none while it is worth asking.
    pub refused: Option<Refused>,
}

/// Why a broker will not have us until something else has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The centre has taken the identity away: a person must call.
    Revoked,
    /// The centre does not know the certificate or the secret: a person must enrol again.
    Unknown,
    /// The certificate has ended: it must be renewed.
    Expired,
}

impl Default for LinkStatus {
    fn default() -> Self {
        Self {
            phase: Phase::FIRST,
            last_ack_at: None,
            unacknowledged: 0,
            records_refused: 0,
            sent_bytes: 0,
            received_bytes: 0,
            commands_ignored: 0,
            clock_ahead_ms: None,
            refused: None,
        }
    }
}

impl Phase {
    /// Before anything was tried.
    pub const FIRST: Self = Self::Connecting {
        attempt: 1,
        last_error: None,
    };
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
