//! Starts the box's tasks and keeps them together: when one ends that should not have, all end,
//! and the process exits for its supervisor to start it again. The outbox loses nothing by that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_link::outbox::{AppendError, OpenError, Outbox, OutboxOptions};
use veglia_link::sender::{self, Timing};
use veglia_link::{Control, LinkStatus, OutboxStatus, SenderConfig, SenderError};
use veglia_wire::{CareClock, ClockState};

use crate::ble::{Bluetooth, BluetoothConfig, Home};
use crate::boot::{self, BootError};
use crate::clock::{Belief, BoxClock, Steady};
use crate::commander::{ASKS_WAITING, Ask, COMMANDS_WAITING, Commander};
use crate::config::{Config, ConfigError};
use crate::desk::Desk;
use crate::figures::Figures;
use crate::heart::Heart;
use crate::port::{Means, Port};
use crate::pulse::Pulse;
use crate::renewal::Renewal;
use crate::status::Look;
use crate::traffic::Traffic;
use crate::voice::{Speaker, Voice, VoiceConfig};

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
    /// Bluetooth does not work, and new sessions of it do not help.
    #[error(
        "Bluetooth does not come back by itself ({0}); the gateway ends so that it can be started \
         anew"
    )]
    Bluetooth(String),
    /// A task of the gateway died.
    #[error("a task of the gateway died")]
    Task(#[from] tokio::task::JoinError),
}

/// A gateway, opened and ready to run.
pub struct Gateway {
    config: Config,
    means: Means,
    desk: Desk,
    clock_state: watch::Sender<ClockState>,
    sender: SenderConfig,
    care: CareClock,
    traffic: Traffic,
    /// Of a box with a voice.
    speaker: Option<Speaker>,
    /// Of an enrolled box.
    renewal: Option<Renewal>,
    dir: PathBuf,
}

impl Gateway {
    /// Opens the outbox in `dir`, which must be this gateway's alone.
    pub fn open(config: Config, dir: &Path, care: CareClock) -> Result<Self, RunError> {
        Self::open_by(config, dir, care, Arc::new(Instant::now()))
    }

    /// The same, with monotonic time from elsewhere than the system: a week is then as long as
    /// who asks wants it to be.
    pub fn open_by(
        config: Config,
        dir: &Path,
        care: CareClock,
        steady: Arc<dyn Steady>,
    ) -> Result<Self, RunError> {
        config.check()?;
        let standing = config.standing(dir)?;
        let belief = Belief::of(config.clock_needs_network);
        let clock = BoxClock::started(boot::next(dir)?, care.clone(), steady, belief);
        let clock = Arc::new(clock);
        let options = OutboxOptions {
            segment_bytes: SEGMENT_BYTES,
            max_total_bytes: limit_bytes(&config),
            commit_window: wall(&care, config.commit_ms),
        };
        let outbox = Outbox::open(&dir.join("outbox"), options)?;
        let (voice, speaker) = spoken(config.voice.clone(), &clock)?;
        let means = Means {
            heart: Heart::new(outbox.clone()),
            figures: Figures::default(),
            clock,
            outbox,
            voice,
            dir: dir.to_owned(),
        };
        let clock = &means.clock;
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
            desk: Desk::new(&config.port, Arc::clone(clock)),
            config,
            means,
            clock_state,
            sender,
            care,
            traffic: Traffic::open(dir),
            speaker,
            renewal,
            dir: dir.to_owned(),
        })
    }

    /// What the box counts about itself.
    pub fn figures(&self) -> Figures {
        self.means.figures.clone()
    }

    /// Whether its tasks turn.
    pub fn heart(&self) -> Heart {
        self.means.heart.clone()
    }

    /// What looks at it while it runs.
    pub fn look(&self) -> Look {
        Look {
            gateway: self.sender.gateway.to_string(),
            clock: Arc::clone(&self.means.clock),
            care: self.care.clone(),
            desk: self.desk.clone(),
            outbox: self.means.outbox.clone(),
            limit_bytes: limit_bytes(&self.config),
            link: self.link(),
            traffic: self.traffic.clone(),
        }
    }

    /// How its link to the centre stands.
    pub fn link(&self) -> watch::Receiver<LinkStatus> {
        self.sender.status.subscribe()
    }

    /// How its outbox stands.
    pub fn outbox(&self) -> watch::Receiver<OutboxStatus> {
        self.means.outbox.watch()
    }

    /// Runs until `stop`, or until something fails that only a restart can mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let outbox = self.means.outbox.clone();
        let mut tasks = self.start(&stop)?;
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

    fn start(self, stop: &CancellationToken) -> Result<JoinSet<Result<(), RunError>>, RunError> {
        let Self {
            config,
            means,
            desk,
            clock_state,
            sender,
            care,
            traffic,
            speaker,
            renewal,
            dir,
        } = self;
        let mut tasks: JoinSet<Result<(), RunError>> = JoinSet::new();
        let mut ports = Vec::with_capacity(config.port.len());
        for (index, port) in config.port.into_iter().enumerate() {
            let (asks, asked) = mpsc::channel(ASKS_WAITING);
            ports.push(asks);
            let port = Port::new(port, means.clone(), desk.place(index), asked);
            let stop = stop.clone();
            tasks.spawn(async move { port.serve(stop).await.map_err(RunError::Append) });
        }
        if let Some(bluetooth) = bluetooth(config.bluetooth, &dir, &means, &desk)? {
            tasks.spawn(bluetooth.serve(stop.clone()));
        }
        let (control, commander) = command(desk, ports, &means);
        tasks.spawn(quietly(commander.serve(stop.clone())));
        let pulse = Pulse {
            care,
            clock: Arc::clone(&means.clock),
            clock_state,
            outbox: means.outbox.clone(),
            beat: means.heart.part("the box's pulse"),
        };
        let beating = pulse.run(stop.clone());
        tasks.spawn(async move { beating.await.map_err(RunError::Append) });
        let (link, counter) = (sender.status.subscribe(), means.heart.part("the counter"));
        let counting = traffic.count(link, Arc::clone(&means.clock), counter, stop.clone());
        tasks.spawn(quietly(counting));
        if let Some(speaker) = speaker {
            let beat = means.heart.part("the voice");
            tasks.spawn(quietly(speaker.speak(beat, stop.clone())));
        }
        if let Some(renewal) = renewal {
            tasks.spawn(quietly(renewal.run(stop.clone())));
        }
        let sending = sender::run_controlled(sender, control, means.outbox, stop.clone());
        tasks.spawn(async move { Ok(sending.await?) });
        Ok(tasks)
    }
}

/// A task that cannot fail.
async fn quietly(task: impl Future<Output = ()>) -> Result<(), RunError> {
    task.await;
    Ok(())
}

fn limit_bytes(config: &Config) -> u64 {
    config.outbox_mib.saturating_mul(1024 * 1024)
}

/// How long some care time lasts.
fn wall(care: &CareClock, care_ms: u64) -> Duration {
    let care_ms = i64::try_from(care_ms).unwrap_or(i64::MAX);
    Duration::from_millis(u64::try_from(care.wall_ms(care_ms)).unwrap_or_default())
}

/// The box's voice, and who speaks with it: nobody unless the configuration says so.
fn spoken(
    config: Option<VoiceConfig>,
    clock: &Arc<BoxClock>,
) -> Result<(Voice, Option<Speaker>), ConfigError> {
    let Some(config) = config else {
        return Ok((Voice::default(), None));
    };
    let (voice, waiting) = Voice::new();
    let speaker = Speaker::new(config, Arc::clone(clock), waiting)?;
    Ok((voice, Some(speaker)))
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

/// The box's Bluetooth, if it is to have any.
fn bluetooth(
    config: Option<BluetoothConfig>,
    dir: &Path,
    means: &Means,
    desk: &Desk,
) -> Result<Option<Bluetooth>, ConfigError> {
    let Some(config) = Bluetooth::wanted(config, dir) else {
        return Ok(None);
    };
    let Means {
        clock,
        outbox,
        figures,
        voice,
        heart,
        ..
    } = means.clone();
    let home = Home {
        clock,
        outbox,
        figures,
        voice,
        heart,
        desk: desk.clone(),
        dir: dir.to_owned(),
        zone: config.zone()?,
        quiet: Duration::from_secs(config.quiet_seconds.max(1)),
    };
    Ok(Some(Bluetooth { config, home }))
}

/// The two ends of being commanded: the link's and the commander's.
fn command(desk: Desk, ports: Vec<mpsc::Sender<Ask>>, means: &Means) -> (Control, Commander) {
    let (to_commander, commands) = mpsc::channel(COMMANDS_WAITING);
    let (reconnect_cap, reconnect_cap_seen) = watch::channel(None);
    let reporting = desk.clone();
    let beat = means.heart.part("the sender");
    let control = Control {
        commands: to_commander,
        changed: desk.changed(),
        report: Arc::new(move || reporting.report()),
        reconnect_cap: reconnect_cap_seen,
        turned: Arc::new(move || beat.beat()),
    };
    let commander = Commander {
        commands,
        desk,
        ports,
        voice: means.voice.clone(),
        beat: means.heart.part("the commander"),
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
