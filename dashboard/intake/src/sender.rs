//! The sending half of the telephone: the gateway's sender over the line's outbox.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_link::sender::{self, Timing};
use veglia_link::{Access, Address, SenderConfig, SenderError};
use veglia_wire::{CareClock, ClockState, GatewayId, IdError, Partition};

use crate::line::{GATEWAY, Line};

/// Longest pause between two attempts to reach the broker: somebody is on the telephone.
const RECONNECT_LONGEST: Duration = Duration::from_secs(2);

/// Why nothing is sent any more. What was said is still in the outbox.
#[derive(Debug, Error)]
pub enum SendError {
    /// The gateway's name is none.
    #[error("the gateway of the telephone cannot be named")]
    Name(#[source] IdError),
    /// The sender ended.
    #[error("the sender of the telephone ended")]
    Sender(#[source] SenderError),
}

/// Sends what the line keeps until `shutdown`; losing the broker is not an error.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    line: &Line,
    (broker, access): (Address, Access),
    software: &str,
    care: CareClock,
    shutdown: CancellationToken,
) -> Result<(), SendError> {
    let gateway = GatewayId::new(GATEWAY).map_err(SendError::Name)?;
    let config = SenderConfig {
        broker,
        access,
        partition: Partition::of(&gateway),
        gateway,
        software: software.to_owned(),
        boot: line.boot(),
        clock_state: watch::channel(ClockState::Synchronised).1,
        clock: care,
        timing: Timing {
            reconnect_cap: RECONNECT_LONGEST,
            ..Timing::default()
        },
        status: line.teller(),
    };
    let sent = sender::run(config, line.outbox().clone(), shutdown).await;
    sent.map_err(SendError::Sender)
}
