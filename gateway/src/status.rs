//! How the box is, for whoever stands before it: the page on its loopback and
//! `veglia gateway status`.
//!
//! Devices, when they were last heard, how much waits, the clock, the line. Deliberately absent:
//! what was measured. The page tells that a reading came, and the centre tells what it said.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use veglia_link::{LinkStatus, Outbox, OutboxState, Phase, Refused};
use veglia_wire::{CareClock, Charge, ClockState, PortFault, PortState, Record, When};

use crate::clock::BoxClock;
use crate::desk::Desk;
use crate::traffic::{Month, Traffic};

/// How a box is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxStatus {
    /// Which gateway it is.
    pub gateway: String,
    /// The version of its program.
    pub software: String,
    /// Which start it is.
    pub boot: u32,
    /// What it knows of the wall time.
    pub clock: ClockState,
    /// How far its clock is ahead of the centre's, in milliseconds of care time, less than nothing
    /// when it is behind; none while they agree within five minutes.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
    /// The wall time, in milliseconds since 1970, if it knows it.
    pub now_ms: Option<i64>,
    /// What hangs on it.
    pub devices: Vec<DeviceStatus>,
    /// What waits for the centre.
    pub outbox: OutboxFigures,
    /// The line to the centre.
    pub link: LinkFigures,
    /// What went over the line this month.
    pub month: Month,
}

/// A device, or the port that waits for one. Ages are in milliseconds of care time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Name of the port.
    pub port: String,
    /// The device, once it is known.
    pub device: Option<String>,
    /// Whether it speaks.
    pub state: PortState,
    /// What stands in its way.
    pub fault: Option<PortFault>,
    /// Since it was last heard at all.
    pub heard_ms: Option<u64>,
    /// Since its last reading.
    pub reading_ms: Option<u64>,
    /// Its battery, if it told.
    pub battery: Option<Charge>,
}

/// What waits for the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxFigures {
    /// Records that wait.
    pub waiting: u64,
    /// How long the oldest has waited, in milliseconds of care time, if that can be told.
    pub oldest_ms: Option<u64>,
    /// Bytes on disk, and how many there may be.
    pub bytes: u64,
    /// See [`OutboxFigures::bytes`].
    pub limit_bytes: u64,
    /// Continuous readings given up to make room since the start.
    pub thinned: u64,
    /// Records lost since it takes no more; none while it does.
    pub losing: Option<u32>,
    /// The disk failed.
    pub has_failed: bool,
}

/// The line to the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFigures {
    /// Whether there is a connection.
    pub is_connected: bool,
    /// Since the centre last acknowledged anything, in milliseconds of care time.
    pub acknowledged_ms: Option<u64>,
    /// Why the last attempt to connect failed.
    pub last_error: Option<String>,
    /// The centre will not have this box: somebody must call it.
    pub is_refused: bool,
}

/// Looks at a box that runs; cheap to clone.
#[derive(Clone)]
pub struct Look {
    pub(crate) gateway: String,
    pub(crate) clock: Arc<BoxClock>,
    pub(crate) care: CareClock,
    pub(crate) desk: Desk,
    pub(crate) outbox: Outbox,
    pub(crate) limit_bytes: u64,
    pub(crate) link: watch::Receiver<LinkStatus>,
    pub(crate) traffic: Traffic,
}

impl Look {
    /// How the box is now.
    pub async fn status(&self) -> BoxStatus {
        let oldest = self.outbox.first_waiting().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the oldest record cannot be told");
            None
        });
        let now = self.clock.stamp(None);
        let link = self.link.borrow().clone();
        self.traffic.note(&link, now.wall);
        BoxStatus {
            gateway: self.gateway.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            boot: now.boot.0,
            clock: self.clock.state(),
            clock_ahead_ms: link.clock_ahead_ms,
            now_ms: now.wall.map(|wall| wall.0),
            devices: self.desk.devices(),
            outbox: self.outbox(oldest.and_then(|record| age_ms(now, &record))),
            link: self.line(link),
            month: self.traffic.month(),
        }
    }

    fn outbox(&self, oldest_ms: Option<u64>) -> OutboxFigures {
        let status = self.outbox.status();
        OutboxFigures {
            waiting: status.waiting(),
            oldest_ms,
            bytes: status.bytes,
            limit_bytes: self.limit_bytes,
            thinned: status.thinned,
            losing: match status.state {
                OutboxState::Refusing { lost } => Some(lost),
                _ => None,
            },
            has_failed: status.state == OutboxState::Poisoned,
        }
    }

    fn line(&self, link: LinkStatus) -> LinkFigures {
        let acknowledged = link.last_ack_at.map(|at| self.care.now().since(at));
        LinkFigures {
            is_connected: link.phase == Phase::Connected,
            acknowledged_ms: acknowledged.and_then(|ms| u64::try_from(ms).ok()),
            last_error: match link.phase {
                Phase::Connecting { last_error, .. } => last_error,
                Phase::Connected | Phase::Stopped => None,
            },
            is_refused: matches!(link.refused, Some(Refused::Revoked | Refused::Unknown)),
        }
    }
}

/// By the wall, or by the monotonic time of the same start.
fn age_ms(now: When, record: &Record) -> Option<u64> {
    match (now.wall, record.when.wall) {
        (Some(now), Some(then)) => u64::try_from(now.since(then)).ok(),
        _ if now.boot == record.when.boot => Some(now.mono.0.saturating_sub(record.when.mono.0)),
        _ => None,
    }
}
