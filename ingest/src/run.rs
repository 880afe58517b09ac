//! Opens what ingest stands on and runs its tasks together: when one ends that should not have,
//! all end, and the process exits for its supervisor to start it again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use veglia_journal::{
    HostFilesystem, Item, Journal, JournalReader, Options, Position, ReadError, SegmentedLog,
};
use veglia_link::receiver;
use veglia_link::sender::Timing;
use veglia_link::{CommandError, Commands, Incoming, Phase, ReceiverConfig};
use veglia_series::Series;
use veglia_store::{Database, Purpose};
use veglia_view::{
    Board, Edition, GatewayBoard, LocalView, ORDER_WITHIN, OrderAsk, Ordered, Orders,
};
use veglia_wire::CareClock;

use crate::calls::Calls;
use crate::config::{Config, ConfigError};
use crate::entry::Entry;
use crate::figures::Figures;
use crate::follower::{FollowError, Follower};
use crate::intake::{Arrival, Intake, IntakeError, MAX_WAITING};
use crate::ledger::Ledger;
use crate::memory::{Memory, MemoryError, Remembered};
use crate::news::News;
use crate::probe::is_probe;
use crate::quarantine::{Quarantine, QuarantineError};
use crate::repeats::{Asker, Repeats};
use crate::retention::Retention;
use crate::tap::Tap;
use crate::tape::{self, TapeError};
use crate::watch::{Watch, WatchError};

/// How often a tick goes into the journal: deadlines are then acted on within a second of wall
/// time, and a day of ticks is a few megabytes.
const TICK_EVERY: Duration = Duration::from_secs(1);

/// How often new plans, assignments and acts are looked for while nothing arrives: a device handed
/// over is watched within a second.
const CHANGES_EVERY: Duration = Duration::from_millis(500);

/// Longest pause between two attempts to reach the broker. A centre has few ingests, and while one
/// is away no home is heard: there is no herd to spread, as there is of gateways.
const RECONNECT_LONGEST: Duration = Duration::from_secs(2);

/// Bytes of the journal read at once at the start.
const CATCH_UP_BYTES: usize = 1024 * 1024;

/// Why an ingest cannot run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot work.
    #[error("the configuration of ingest cannot work")]
    Config(#[from] ConfigError),
    /// The journal cannot be opened.
    #[error("ingest cannot open its journal")]
    Journal(#[from] veglia_journal::OpenError),
    /// The journal cannot be read at the start.
    #[error("ingest cannot read its journal")]
    Read(#[from] ReadError),
    /// An entry cannot be understood at the start.
    #[error("ingest cannot follow its journal")]
    Follow(#[from] FollowError),
    /// Quarantine cannot be opened.
    #[error("ingest cannot open its quarantine")]
    Quarantine(#[from] QuarantineError),
    /// A database cannot be opened.
    #[error("ingest cannot open its databases")]
    Store(#[from] veglia_store::OpenError),
    /// The series cannot be resumed.
    #[error("ingest cannot resume its series")]
    Series(#[from] veglia_series::OpenError),
    /// The intake stopped.
    #[error("the intake stopped")]
    Intake(#[from] IntakeError),
    /// The series stopped.
    #[error("the series stopped")]
    Tape(#[from] TapeError),
    /// The watch stopped.
    #[error("the watch stopped")]
    Watch(#[from] WatchError),
    /// What the watch remembered cannot be read.
    #[error("the watch cannot be resumed")]
    Memory(#[from] MemoryError),
    /// A task died.
    #[error("a task of ingest died")]
    Task(#[from] JoinError),
}

/// An ingest, opened and ready to run.
pub struct Ingest {
    receiver: ReceiverConfig,
    intake: Intake<SegmentedLog>,
    tape: Follower<<SegmentedLog as Journal>::Reader>,
    series_writer: veglia_series::SeriesWriter,
    watch: Watch,
    journal: Follower<<SegmentedLog as Journal>::Reader>,
    view: LocalView,
    /// What gateways said of themselves, and the way to ask something of them.
    gateways: GatewayBoard,
    commands: Commands,
    repeats: Repeats,
    calls: Calls,
    care: CareClock,
    figures: Figures,
}

impl Ingest {
    /// Opens everything in `dir`, which must be this ingest's alone. `record` is the clinical
    /// record, shared with the pages.
    pub async fn open(
        config: Config,
        dir: &Path,
        record: Database,
        care: CareClock,
    ) -> Result<Self, RunError> {
        let figures = Figures::default();
        let receiver = receiver_config(&config, &care)?;
        let (journal, recovered) =
            SegmentedLog::open(HostFilesystem, &dir.join("journal"), Options::default())?;
        tracing::info!(?recovered, "journal open");
        let memory = Memory::open(dir).await?;
        let remembered = memory.load().await?;
        let watch_from = remembered
            .next
            .unwrap_or(journal.oldest())
            .max(journal.oldest());
        let caught_up = catch_up(&journal, watch_from, &remembered)?;
        let quarantine = Quarantine::open(&dir.join("quarantine"))?;
        let database = dir.join("series.db");
        let database = Database::open(&database, Purpose::Series, &[veglia_series::SCHEMA]).await?;
        let (series, series_writer) = Series::open(database).await?;
        let tape_from = resume(&journal, series_writer.resume_from());

        let readers = [journal.reader(), journal.reader()];
        let retention = Retention::found_in(&journal, care.now())?;
        let (intake, written) = Intake::start(
            journal,
            caught_up.ledger,
            quarantine,
            care.clone(),
            News::of(record.clone(), caught_up.change),
            figures.clone(),
            retention,
        )?;
        let [tape, watch] = readers;
        let tape = Follower::new(tape, tape_from, written.clone(), figures.clone());
        let journal = Follower::new(watch, watch_from, written, figures.clone());

        let board = Board::new(Edition(fastrand::u64(..)));
        let (commands, gateways) = (Commands::default(), GatewayBoard::default());
        let asker = Asker {
            commands: commands.clone(),
            record: record.clone(),
            care: care.clone(),
        };
        let calls = Calls::new(asker.clone(), board.clone());
        let (repeats, wishes) = Repeats::new(asker);
        let watch = Watch::resume(
            record,
            memory,
            board.clone(),
            wishes,
            remembered,
            watch_from,
        );
        let watch = watch.await?;
        let worn_by = watch.worn_by();
        let view = LocalView::new(board, series, worn_by, care.clone())
            .with_gateways(gateways.clone(), orders(commands.clone()));
        Ok(Self {
            receiver,
            intake,
            tape,
            series_writer,
            watch,
            journal,
            view,
            gateways,
            commands,
            repeats,
            calls,
            care,
            figures,
        })
    }

    /// What others may ask of this ingest.
    pub fn view(&self) -> LocalView {
        self.view.clone()
    }

    /// The readings of its journal, from `from` on or from the oldest, for a store beside the
    /// embedded series.
    pub fn tap(&self, from: Option<Position>) -> Tap {
        let (reader, oldest, written) = self.intake.reader();
        Tap::new(reader, from, oldest, written)
    }

    /// What it counts about itself.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Whether it is connected to the broker.
    pub fn link(&self) -> watch::Receiver<Phase> {
        self.receiver.status.subscribe()
    }

    /// Runs until `stop`, or until something fails that only a restart can mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let Self {
            receiver,
            intake,
            tape,
            series_writer,
            watch,
            journal,
            gateways,
            commands,
            repeats,
            calls,
            care,
            figures,
            ..
        } = self;
        let (arrivals, waiting) = mpsc::channel(MAX_WAITING);
        let mut tasks: JoinSet<Result<(), RunError>> = JoinSet::new();
        // The consumers stop last: they are told when the intake has written its last batch.
        let consumers = CancellationToken::new();
        let done = consumers.clone();
        tasks.spawn(async move {
            let result = tokio::task::spawn_blocking(move || intake.run(waiting)).await;
            done.cancel();
            Ok(result??)
        });
        let (passed, tape_stop) = (arrivals.downgrade(), consumers.clone());
        let counts = figures.clone();
        tasks.spawn(
            async move { Ok(tape::run(tape, series_writer, passed, counts, tape_stop).await?) },
        );
        let passed = arrivals.downgrade();
        tasks.spawn(async move { Ok(watch.run(journal, passed, consumers).await?) });
        let (incoming, came) = mpsc::channel(MAX_WAITING);
        let receiver_stop = stop.clone();
        tasks.spawn(async move {
            receiver::run_commanding(receiver, commands, incoming, receiver_stop).await;
            Ok(())
        });
        let repeats_stop = stop.clone();
        tasks.spawn(async move {
            repeats.serve(repeats_stop).await;
            Ok(())
        });
        let calls_stop = stop.clone();
        tasks.spawn(async move {
            calls.serve(calls_stop).await;
            Ok(())
        });
        let forward_stop = stop.clone();
        tasks.spawn(async move {
            forward(came, arrivals, &gateways, &care, forward_stop).await;
            Ok(())
        });

        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            let ended = ended.map_err(RunError::Task).and_then(|result| result);
            // The first failure is the cause; what follows it is only the others stopping.
            if outcome.is_ok() {
                outcome = ended;
            }
            stop.cancel();
        }
        outcome
    }
}

/// How orders reach gateways.
fn orders(commands: Commands) -> Orders {
    Arc::new(move |ask: OrderAsk| {
        let commands = commands.clone();
        Box::pin(async move {
            tracing::info!(gateway = %ask.gateway, kind = ?ask.kind, "an order to a gateway");
            match commands.send(&ask.gateway, ask.kind, ORDER_WITHIN).await {
                Ok(outcome) => Ordered::Answered(outcome),
                Err(CommandError::NoSession) => Ordered::NotConnected,
                Err(CommandError::Gone) => Ordered::Gone,
                Err(CommandError::TooMany) => Ordered::TooMany,
                Err(CommandError::NoAnswer(_)) => Ordered::NoAnswer,
            }
        })
    })
}

/// Hands what came to the intake, ticks, and has it look for changes; ends the intake by dropping
/// its sender. What gateways say of themselves stays here.
async fn forward(
    mut came: mpsc::Receiver<Incoming>,
    arrivals: mpsc::Sender<Arrival>,
    gateways: &GatewayBoard,
    care: &CareClock,
    stop: CancellationToken,
) {
    // The intake has written one when it began.
    let first = tokio::time::Instant::now() + TICK_EVERY;
    let mut tick = tokio::time::interval_at(first, TICK_EVERY);
    let mut look = tokio::time::interval(CHANGES_EVERY);
    for interval in [&mut tick, &mut look] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let arrival = tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => Arrival::Tick,
            _ = look.tick() => Arrival::Look,
            incoming = came.recv() => match incoming {
                Some(Incoming::Frame(parcel)) => Arrival::Frame(parcel),
                Some(Incoming::Hello { gateway, hello, reply }) => {
                    // The probe of the alarm path is no box that somebody has.
                    if !is_probe(&gateway) {
                        gateways.greeted(&gateway, &hello, care.now());
                    }
                    Arrival::Hello(gateway, hello, reply)
                }
                Some(Incoming::State { gateway, state }) => {
                    gateways.heard(&gateway, state, care.now());
                    continue;
                }
                None => return,
            },
        };
        if arrivals.send(arrival).await.is_err() {
            return;
        }
    }
}

fn receiver_config(config: &Config, care: &CareClock) -> Result<ReceiverConfig, ConfigError> {
    let (broker, access) = config.broker()?;
    Ok(ReceiverConfig {
        broker,
        access,
        service: config.service.clone(),
        partitions: config.partitions()?,
        clock: care.clone(),
        window: ReceiverConfig::WINDOW,
        timing: Timing {
            reconnect_cap: RECONNECT_LONGEST,
            ..Timing::default()
        },
        status: watch::channel(Phase::FIRST).0,
    })
}

/// Where a consumer goes on that has kept everything up to `done` (0 for nothing).
fn resume(journal: &SegmentedLog, done: u64) -> Position {
    Position::new(done).map_or(journal.oldest(), |done| done.next().max(journal.oldest()))
}

/// What the journal says beyond what the watch remembers.
struct CaughtUp {
    ledger: Ledger,
    change: i64,
}

fn catch_up(
    journal: &SegmentedLog,
    from: Position,
    remembered: &Remembered,
) -> Result<CaughtUp, RunError> {
    let mut caught_up = CaughtUp {
        ledger: remembered.ledger.clone(),
        change: remembered.change,
    };
    let mut reader = journal.reader();
    let mut next = from;
    while next < journal.next() {
        for item in reader.read(next, CATCH_UP_BYTES)? {
            match item {
                Item::Entry(entry) => {
                    let position = entry.position;
                    let said = Entry::decode(&entry.bytes)
                        .map_err(|source| FollowError::Entry { position, source })?;
                    caught_up.ledger.follow(position, &said);
                    if let Entry::Change { id, .. } = said {
                        caught_up.change = caught_up.change.max(id);
                    }
                    next = position.next();
                }
                // Told by the consumers, who read the same.
                Item::Damaged { to, .. } => next = to.next(),
            }
        }
    }
    Ok(caught_up)
}
