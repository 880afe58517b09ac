//! The sending half: what waits in the outbox goes out in frames, until it is acknowledged.
//!
//! ```text
//! Connecting ──connected──→ Sending ──shutdown──→ Stopped
//!     ↑  └──failed──┐          │
//!     └─────────Resting ←──lost, or nothing acknowledged
//! ```
//! Each mode is a function that returns the next one. The window (which frames are on their
//! way) outlives connections; a connection is never reused.
//!
//! What is sent when: as long as the window is open and the outbox holds something new, at once;
//! a frame takes what there is, up to 128 records. So one reading travels alone, without delay,
//! and a backlog travels in full frames.

mod agreement;
mod remote;
mod sending;
mod source;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_identity::GATEWAY_DAYS;
use veglia_wire::{Boot, CareClock, Channel, ClockState, GatewayId, Partition, Sequence, Topic};

use crate::access::Access;
use crate::address::Address;
use crate::control::{Control, TURNS_EVERY};
use crate::outbox::{Outbox, SpoolError};
use crate::pipe::{self, PipeError, PipeOptions};
use crate::reconnect::Reconnect;
use crate::status::{LinkStatus, Phase};
use crate::window::{Limits, Window};
use agreement::Agreement;
use sending::Sending;
use source::Kept;
pub use source::{Page, Source};

/// Frames on their way at most: four thousand records, a second of repeating on a slow mobile
/// connection.
pub const WINDOW_FRAMES: usize = 32;

/// Frames on their way before ingest has answered. Two thousand gateways that come back in the same
/// moment then have on their way what the broker can hold for ingest, and not eight times as much.
pub const FIRST_FRAMES: usize = 4;

/// Bytes on their way at most, for frames of unusual records.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// How long the sender waits for what. Tests use shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Connecting and subscribing together. 10 s pass a mobile connection that wakes up.
    pub connect: Duration,
    /// First wait after a failed connection; doubles, with full jitter.
    pub reconnect: Duration,
    /// Longest wait for a connection: five minutes, which is also the most that a reading is
    /// delayed after the broker has come back.
    pub reconnect_cap: Duration,
    /// No progress for this long: send again. Ingest answers within milliseconds, a slow mobile
    /// connection within two or three seconds.
    pub retry: Duration,
    /// Longest pause before sending again.
    pub retry_cap: Duration,
    /// A sequence that ingest asks for again within this was on its way already.
    pub asked_again: Duration,
    /// Frames unanswered for this long although connected: make a new connection.
    pub stalled: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        Self {
            connect: 10 * SECOND,
            reconnect: SECOND,
            reconnect_cap: 300 * SECOND,
            retry: 5 * SECOND,
            retry_cap: 300 * SECOND,
            asked_again: SECOND,
            stalled: 60 * SECOND,
        }
    }
}

/// Who sends where.
#[derive(Debug)]
pub struct SenderConfig {
    /// The broker.
    pub broker: Address,
    /// How the gateway proves who it is.
    pub access: Access,
    /// Who is sending: also the MQTT client id.
    pub gateway: GatewayId,
    /// Fixed at enrolment; usually [`Partition::of`] the gateway.
    pub partition: Partition,
    /// Software version for the greeting, at most 64 characters.
    pub software: String,
    /// Which start of the gateway.
    pub boot: Boot,
    /// What the gateway knows of the wall time.
    pub clock_state: watch::Receiver<ClockState>,
    /// Dates the frames, once the wall time is known.
    pub clock: CareClock,
    /// Pauses and time-outs.
    pub timing: Timing,
    /// Where the sender says how it is doing.
    pub status: watch::Sender<LinkStatus>,
}

/// Why the sender gave up. Everything unacknowledged is still in the outbox.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SenderError {
    /// The outbox cannot be read.
    #[error("nothing can be sent")]
    Outbox(#[source] SpoolError),
    /// The outbox was closed, or its thread died, while the sender was running.
    #[error("the outbox was closed before the sender: stop the sender first")]
    Closed,
}

/// Sends until `shutdown`. What is not acknowledged then stays in the outbox.
///
/// # Errors
/// [`SenderError`]; losing the broker is not an error.
pub async fn run(
    config: SenderConfig,
    outbox: Outbox,
    shutdown: CancellationToken,
) -> Result<(), SenderError> {
    let kept = Kept::new(outbox).await.ok_or(SenderError::Closed)?;
    run_from(config, kept, shutdown).await
}

/// The same, and takes commands and says how the gateway is.
///
/// # Errors
/// [`SenderError`]; losing the broker is not an error.
pub async fn run_controlled(
    config: SenderConfig,
    control: Control,
    outbox: Outbox,
    shutdown: CancellationToken,
) -> Result<(), SenderError> {
    let kept = Kept::new(outbox).await.ok_or(SenderError::Closed)?;
    Sender::new(config, Some(control), kept, shutdown)
        .run()
        .await
}

/// The same with another [`Source`] than an outbox.
///
/// # Errors
/// [`SenderError`]; losing the broker is not an error.
pub async fn run_from<S: Source>(
    config: SenderConfig,
    source: S,
    shutdown: CancellationToken,
) -> Result<(), SenderError> {
    Sender::new(config, None, source, shutdown).run().await
}

/// What the sender is doing.
enum Mode {
    Connecting,
    Resting(PipeError),
    Sending(Sending),
    Stopped,
}

/// What outlives a connection.
struct Sender<S> {
    config: SenderConfig,
    /// None: no commands are taken, and no state is said.
    control: Option<Control>,
    source: S,
    window: Window,
    /// Refused records up to here are counted.
    refused_through: Option<Sequence>,
    reconnect: Reconnect,
    clocks: Agreement,
    rng: fastrand::Rng,
    shutdown: CancellationToken,
}

impl<S: Source> Sender<S> {
    fn new(
        config: SenderConfig,
        control: Option<Control>,
        source: S,
        shutdown: CancellationToken,
    ) -> Self {
        let acknowledged = source.status().acknowledged;
        let first = acknowledged.map_or(Sequence::FIRST, |through| through.plus(1));
        let timing = config.timing;
        let limits = Limits {
            frames: WINDOW_FRAMES,
            first_frames: FIRST_FRAMES,
            bytes: WINDOW_BYTES,
            retry: timing.retry,
            retry_cap: timing.retry_cap,
            asked_again: timing.asked_again,
            stalled: timing.stalled,
        };
        Self {
            window: Window::new(limits, first),
            refused_through: None,
            rng: fastrand::Rng::new(),
            reconnect: Reconnect::new(&timing),
            clocks: Agreement::default(),
            config,
            control,
            source,
            shutdown,
        }
    }

    async fn run(mut self) -> Result<(), SenderError> {
        let mut mode = Mode::Connecting;
        loop {
            self.turned();
            mode = match mode {
                Mode::Connecting => self.connecting().await,
                Mode::Resting(reason) => self.resting(&reason).await,
                Mode::Sending(sending) => self.sending(sending).await?,
                Mode::Stopped => {
                    self.tell(Phase::Stopped);
                    return Ok(());
                }
            };
        }
    }

    async fn connecting(&mut self) -> Mode {
        let options = PipeOptions {
            broker: self.config.broker.clone(),
            access: self.config.access.clone(),
            wall: Arc::clone(self.config.clock.wall()),
            name: self.config.gateway.to_string(),
            lives_days: GATEWAY_DAYS,
            filters: self.filters(),
            within: self.config.timing.connect,
        };
        tokio::select! {
            () = self.shutdown.cancelled() => Mode::Stopped,
            opened = pipe::open(&options) => match opened {
                Ok((mouth, inbox)) => {
                    let attempt = self.reconnect.attempt();
                    tracing::info!(link.attempt = attempt, "connected to the broker");
                    self.window.start_over();
                    self.tell(Phase::Connected);
                    Mode::Sending(Sending::new(mouth, inbox, self.remote()))
                }
                Err(error) => Mode::Resting(error),
            },
        }
    }

    async fn resting(&mut self, reason: &PipeError) -> Mode {
        if let Some(cap) = self
            .control
            .as_ref()
            .and_then(|it| *it.reconnect_cap.borrow())
        {
            self.reconnect.cap(cap);
        }
        let (phase, pause) = self.reconnect.failed(reason);
        self.tell(phase);
        let refused = reason.refused();
        self.config
            .status
            .send_modify(|status| status.refused = refused);
        let until = tokio::time::Instant::now() + pause;
        loop {
            self.turned();
            let now = tokio::time::Instant::now();
            if now >= until {
                return Mode::Connecting;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return Mode::Stopped,
                () = tokio::time::sleep_until(until.min(now + TURNS_EVERY)) => {}
            }
        }
    }

    /// What the gateway may say that it knows of the wall time: nothing while the centre's is
    /// another.
    fn clock(&self) -> ClockState {
        if self.clocks.ahead_ms().is_some() {
            ClockState::Unknown
        } else {
            *self.config.clock_state.borrow()
        }
    }

    /// It has come round.
    fn turned(&self) {
        if let Some(control) = &self.control {
            (control.turned)();
        }
    }

    /// What is heard: acknowledgements, and commands if they are taken.
    fn filters(&self) -> Vec<String> {
        let commands = self.control.is_some().then_some(Channel::Cmd);
        let channels = [Channel::Ack].into_iter().chain(commands);
        channels.map(|channel| self.topic(channel)).collect()
    }

    fn topic(&self, channel: Channel) -> String {
        let topic = Topic {
            partition: self.config.partition,
            gateway: self.config.gateway.clone(),
            channel,
        };
        topic.to_string()
    }

    fn tell(&self, phase: Phase) {
        let unacknowledged = self.source.status().waiting();
        self.config.status.send_modify(|status| {
            if phase == Phase::Connected {
                status.refused = None;
            }
            status.phase = phase;
            status.unacknowledged = unacknowledged;
        });
    }
}
