//! The gateway's side of commands: where they go, and how the gateway says how it is.
//!
//! The sender judges what a connection is: it makes the session, ignores what is not meant for it,
//! and adds to each report what only it knows. What a command means is the gateway's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use veglia_wire::{Answered, Command, PortReport, Session};

/// How often a sender that has nothing to do comes round all the same.
pub const TURNS_EVERY: Duration = Duration::from_secs(10);

/// What a gateway gives its sender to be commanded through.
pub struct Control {
    /// Where commands go: of the present connection only, each once, in order. When it is full
    /// the centre is told that the box is busy.
    pub commands: mpsc::Sender<Command>,
    /// How the gateway is, asked for each time it is said: it may be called often and must not
    /// wait.
    pub report: Arc<dyn Fn() -> Report + Send + Sync>,
    /// Changes when a report would say something new.
    pub changed: watch::Receiver<u64>,
    /// Longest pause between two attempts to connect; none: as it was configured.
    pub reconnect_cap: watch::Receiver<Option<Duration>>,
    /// Called at least every [`TURNS_EVERY`] for as long as the sender does not hang, whether it is
    /// connected or not: a supervisor can be told by it. It must not wait.
    pub turned: Arc<dyn Fn() + Send + Sync>,
}

/// What a gateway says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What hangs on its ports.
    pub ports: Vec<PortReport>,
    /// What became of the last commands, oldest first, each with the session it came in.
    pub answers: Vec<(Session, Answered)>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
