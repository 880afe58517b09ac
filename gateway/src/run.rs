//! Starts the box's tasks and keeps them together: when one ends that should not have, all end,
//! and the process exits for its supervisor to start it again. The outbox loses nothing by that.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_link::outbox::{AppendError, OpenError, Outbox, OutboxOptions};
use veglia_link::sender::{self, Timing};
use veglia_link::{Control, LinkStatus, OutboxStatus, SenderConfig, SenderError};
use veglia_wire::{Body, CareClock, ClockState, DeviceEvent, Record};

use crate::boot::{self, BootError};
use crate::clock::BoxClock;
use crate::commander::{ASKS_WAITING, Ask, COMMANDS_WAITING, Commander};
use crate::config::{Config, ConfigError};
use crate::desk::Desk;
use crate::figures::Figures;
use crate::port::Port;
use crate::renewal::Renewal;

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
    /// Of an enrolled box.
    renewal: Option<Renewal>,
}

impl Gateway {
    /// Opens the outbox in `dir`, which must be this gateway's alone.
    pub fn open(config: Config, dir: &Path, care: CareClock) -> Result<Self, RunError> {
        config.check()?;
        let standing = config.standing(dir)?;
        let clock = Arc::new(BoxClock::new(boot::next(dir)?, care.clone()));
        let options = OutboxOptions {
            segment_bytes: SEGMENT_BYTES,
            max_total_bytes: config.outbox_mib.saturating_mul(1024 * 1024),
            ..OutboxOptions::default()
        };
        let outbox = Outbox::open(&dir.join("outbox"), options)?;
        let (clock_state, clock_state_seen) = watch::channel(clock.state());
        let (link_status, link) = watch::channel(LinkStatus::default());
        let renewal = standing.enrolment.map(|enrolment| Renewal {
            dir: dir.to_owned(),
            enrolment,
            wall: Arc::clone(care.wall()),
            link,
        });
        let sender = SenderConfig {
            broker: standing.broker,
            access: standing.access,
            partition: standing.partition,
            gateway: standing.gateway,
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
            renewal,
        })
    }

    /// What the box counts about itself.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// How its link to the centre stands.
    pub fn link(&self) -> watch::Receiver<LinkStatus> {
        self.sender.status.subscribe()
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
            renewal,
        } = self;
        let mut tasks: JoinSet<Result<(), RunError>> = JoinSet::new();
        let desk = Desk::new(&config.port, Arc::clone(&clock));
        let mut ports = Vec::with_capacity(config.port.len());
        for (index, port) in config.port.into_iter().enumerate() {
            let (asks, asked) = mpsc::channel(ASKS_WAITING);
            ports.push(asks);
            let (clock, place) = (Arc::clone(&clock), desk.place(index));
            let port = Port::new(port, clock, outbox.clone(), figures.clone(), place, asked);
            let stop = stop.clone();
            tasks.spawn(async move { port.serve(stop).await.map_err(RunError::Append) });
        }
        let (control, commander) = command(desk, ports);
        let commander_stop = stop.clone();
        tasks.spawn(async move {
            commander.serve(commander_stop).await;
            Ok(())
        });
        let pulse = Pulse {
            care,
            clock,
            clock_state,
            outbox: outbox.clone(),
        };
        let pulse_stop = stop.clone();
        tasks.spawn(async move { pulse.beat(pulse_stop).await.map_err(RunError::Append) });
        if let Some(renewal) = renewal {
            let stop = stop.clone();
            tasks.spawn(async move {
                renewal.run(stop).await;
                Ok(())
            });
        }
        let (link_stop, sent) = (stop.clone(), outbox.clone());
        tasks.spawn(
            async move { Ok(sender::run_controlled(sender, control, sent, link_stop).await?) },
        );

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

/// How many records wait in the outbox of a gateway's folder; zero without one. The folder must
/// not be in use.
pub async fn waiting(dir: &Path) -> Result<u64, RunError> {
    let dir = dir.join("outbox");
    if !dir.is_dir() {
        return Ok(0);
    }
    let options = OutboxOptions {
        segment_bytes: SEGMENT_BYTES,
        ..OutboxOptions::default()
    };
    let outbox = Outbox::open(&dir, options)?;
    let waiting = outbox.status().waiting();
    outbox.close().await;
    Ok(waiting)
}

/// The two ends of being commanded: the link's and the commander's.
fn command(desk: Desk, ports: Vec<mpsc::Sender<Ask>>) -> (Control, Commander) {
    let (to_commander, commands) = mpsc::channel(COMMANDS_WAITING);
    let (reconnect_cap, reconnect_cap_seen) = watch::channel(None);
    let reporting = desk.clone();
    let control = Control {
        commands: to_commander,
        changed: desk.changed(),
        report: Arc::new(move || reporting.report()),
        reconnect_cap: reconnect_cap_seen,
    };
    let commander = Commander {
        commands,
        desk,
        ports,
        reconnect_cap,
    };
    (control, commander)
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
