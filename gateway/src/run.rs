//! Starts the box's tasks and keeps them together: when one ends that should not have, all end,
//! and the process exits for its supervisor to start it again. The outbox loses nothing by that.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_link::outbox::{AppendError, OpenError, Outbox, OutboxOptions};
use veglia_link::sender::{self, Timing};
use veglia_link::{LinkStatus, OutboxStatus, Secret, SenderConfig, SenderError};
use veglia_wire::{Body, CareClock, ClockState, DeviceEvent, Partition, Record};

use crate::boot::{self, BootError};
use crate::clock::BoxClock;
use crate::config::{Config, ConfigError};
use crate::figures::Figures;
use crate::port::Port;

/// How often the box says that it is alive, in care milliseconds. Presence at the centre is
/// judged in minutes.
const HEARTBEAT_EVERY_MS: i64 = 5 * 60 * 1000;

/// How often the wall clock is looked at. A step is noticed before the next heartbeat.
const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(10);

/// Size of an outbox segment: the unit in which acknowledged records leave the disk. An hour of
/// two devices at 1 Hz.
const SEGMENT_BYTES: u64 = 512 * 1024;

/// Why a gateway cannot run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot work.
    #[error("the gateway's configuration cannot work")]
    Config(#[from] ConfigError),
    /// The boot counter cannot be kept.
    #[error("the gateway cannot count its starts")]
    Boot(#[from] BootError),
    /// The outbox cannot be opened.
    #[error("the gateway cannot open its outbox")]
    Outbox(#[from] OpenError),
    /// The outbox failed while running.
    #[error("the outbox failed; the gateway stops so that it can be started on a sound disk")]
    Append(#[source] AppendError),
    /// The link failed for good.
    #[error("the link to the centre failed")]
    Link(#[from] SenderError),
    /// A task of the gateway died.
    #[error("a task of the gateway died")]
    Task(#[from] tokio::task::JoinError),
}

/// A gateway, opened and ready to run.
pub struct Gateway {
    config: Config,
    clock: Arc<BoxClock>,
    clock_state: watch::Sender<ClockState>,
    outbox: Outbox,
    sender: SenderConfig,
    care: CareClock,
    figures: Figures,
}

impl Gateway {
    /// Opens the outbox in `dir`, which must be this gateway's alone.
    pub fn open(config: Config, dir: &Path, care: CareClock) -> Result<Self, RunError> {
        config.check()?;
        let gateway = config.gateway()?;
        let (host, port) = config.broker()?;
        let secret =
            std::fs::read_to_string(&config.secret_file).map_err(|source| ConfigError::Secret {
                path: config.secret_file.display().to_string(),
                source,
            })?;
        let clock = Arc::new(BoxClock::new(boot::next(dir)?, care.clone()));
        let options = OutboxOptions {
            segment_bytes: SEGMENT_BYTES,
            max_total_bytes: config.outbox_mib.saturating_mul(1024 * 1024),
            ..OutboxOptions::default()
        };
        let outbox = Outbox::open(&dir.join("outbox"), options)?;
        let (clock_state, clock_state_seen) = watch::channel(clock.state());
        let (link_status, _) = watch::channel(LinkStatus::default());
        let sender = SenderConfig {
            host,
            port,
            partition: Partition::of(&gateway),
            gateway,
            secret: Secret::new(secret.trim()),
            software: env!("CARGO_PKG_VERSION").into(),
            boot: clock.boot(),
            clock_state: clock_state_seen,
            clock: care.clone(),
            timing: Timing {
                reconnect_cap: Duration::from_secs(config.reconnect_seconds.max(1)),
                ..Timing::default()
            },
            status: link_status,
        };
        Ok(Self {
            config,
            clock,
            clock_state,
            outbox,
            sender,
            care,
            figures: Figures::default(),
        })
    }

    /// What the box counts about itself.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// How its outbox stands.
    pub fn outbox(&self) -> watch::Receiver<OutboxStatus> {
        self.outbox.watch()
    }

    /// Runs until `stop`, or until something fails that only a restart can mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let Self {
            config,
            clock,
            clock_state,
            outbox,
            sender,
            care,
            figures,
        } = self;
        let mut tasks: JoinSet<Result<(), RunError>> = JoinSet::new();
        for port in config.port {
            let port = Port::new(port, Arc::clone(&clock), outbox.clone(), figures.clone());
            let stop = stop.clone();
            tasks.spawn(async move { port.serve(stop).await.map_err(RunError::Append) });
        }
        let pulse = Pulse {
            care,
            clock,
            clock_state,
            outbox: outbox.clone(),
        };
        let pulse_stop = stop.clone();
        tasks.spawn(async move { pulse.beat(pulse_stop).await.map_err(RunError::Append) });
        let (link_stop, sent) = (stop.clone(), outbox.clone());
        tasks.spawn(async move { Ok(sender::run(sender, sent, link_stop).await?) });

        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            let ended = ended.map_err(RunError::Task).and_then(|result| result);
            // The first failure is the cause; what follows it is only the others stopping.
            if outcome.is_ok() {
                outcome = ended;
            }
            stop.cancel();
        }
        // So that the next start knows what was acknowledged, and repeats nothing.
        outbox.close().await;
        outcome
    }
}

/// Whether the outbox may take records again later. It counts what it could not take, and tells
/// the centre as a gap.
pub(crate) fn is_passing(error: &AppendError) -> bool {
    matches!(
        error,
        AppendError::DiskFull(_) | AppendError::Full(_) | AppendError::Write(_)
    )
}

/// What the box says of itself.
struct Pulse {
    care: CareClock,
    clock: Arc<BoxClock>,
    clock_state: watch::Sender<ClockState>,
    outbox: Outbox,
}

impl Pulse {
    /// Says at the start that the box is up and what the time is; then that it is alive, and when
    /// its clock was set.
    async fn beat(self, stop: CancellationToken) -> Result<(), AppendError> {
        let every = u64::try_from(self.care.wall_ms(HEARTBEAT_EVERY_MS)).unwrap_or(u64::MAX);
        let mut heartbeat = tokio::time::interval(Duration::from_millis(every.max(1)));
        let mut look = tokio::time::interval(CLOCK_LOOK_EVERY);
        self.say(Body::Event(DeviceEvent::Up)).await?;
        self.say(Body::Clock).await?;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = heartbeat.tick() => {
                    let waiting = self.outbox.status().waiting();
                    self.say(Body::Heartbeat(u32::try_from(waiting).unwrap_or(u32::MAX))).await?;
                }
                _ = look.tick() => {
                    if self.clock.adjust() {
                        self.say(Body::Clock).await?;
                    }
                    self.clock_state.send_replace(self.clock.state());
                }
            }
        }
    }

    async fn say(&self, body: Body) -> Result<(), AppendError> {
        let record = Record {
            device: None,
            when: self.clock.stamp(None),
            body,
        };
        match self.outbox.append(vec![record]).await {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }
}
