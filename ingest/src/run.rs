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
use veglia_link::{Incoming, Phase, ReceiverConfig, Secret};
use veglia_series::Series;
use veglia_store::{Database, Purpose};
use veglia_view::{Board, Edition, LocalView};
use veglia_wire::CareClock;

use crate::config::{Config, ConfigError};
use crate::entry::Entry;
use crate::figures::Figures;
use crate::follower::{FollowError, Follower};
use crate::intake::{Arrival, Intake, IntakeError, MAX_WAITING};
use crate::ledger::Ledger;
use crate::quarantine::{Quarantine, QuarantineError};
use crate::tape::{self, TapeError};

/// How often a tick goes into the journal: deadlines are then acted on within a second of wall
/// time, and a day of ticks is a few megabytes.
const TICK_EVERY: Duration = Duration::from_secs(1);

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
    /// The database of series cannot be opened.
    #[error("ingest cannot open series.db")]
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
    view: LocalView,
    figures: Figures,
}

impl Ingest {
    /// Opens everything in `dir`, which must be this ingest's alone.
    pub async fn open(config: Config, dir: &Path, care: CareClock) -> Result<Self, RunError> {
        let figures = Figures::default();
        let receiver = receiver_config(&config, &care)?;
        let (journal, recovered) =
            SegmentedLog::open(HostFilesystem, &dir.join("journal"), Options::default())?;
        tracing::info!(?recovered, "journal open");
        let mut ledger = Ledger::default();
        catch_up(&journal, journal.oldest(), &mut ledger)?;
        let quarantine = Quarantine::open(&dir.join("quarantine"))?;
        let database = Database::open(
            &dir.join("series.db"),
            Purpose::Series,
            &[veglia_series::SCHEMA],
        )
        .await?;
        let (series, series_writer) = Series::open(database).await?;
        let tape_from = resume(&journal, series_writer.resume_from());

        let reader = journal.reader();
        let (intake, written) =
            Intake::start(journal, ledger, quarantine, care.clone(), figures.clone())?;
        let tape = Follower::new(reader, tape_from, written, figures.clone());
        let board = Board::new(Edition(fastrand::u64(..)));
        let view = LocalView::new(board, series, Arc::new(|_| Vec::new()), care);
        Ok(Self {
            receiver,
            intake,
            tape,
            series_writer,
            view,
            figures,
        })
    }

    /// What others may ask of this ingest.
    pub fn view(&self) -> LocalView {
        self.view.clone()
    }

    /// What it counts about itself.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Runs until `stop`, or until something fails that only a restart can mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let Self {
            receiver,
            intake,
            tape,
            series_writer,
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
        let passed = arrivals.downgrade();
        tasks.spawn(async move { Ok(tape::run(tape, series_writer, passed, consumers).await?) });
        let (incoming, came) = mpsc::channel(MAX_WAITING);
        let receiver_stop = stop.clone();
        tasks.spawn(async move {
            receiver::run(receiver, incoming, receiver_stop).await;
            Ok(())
        });
        let forward_stop = stop.clone();
        tasks.spawn(async move {
            forward(came, arrivals, forward_stop).await;
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

/// Hands what came to the intake, and ticks; ends the intake by dropping its sender.
async fn forward(
    mut came: mpsc::Receiver<Incoming>,
    arrivals: mpsc::Sender<Arrival>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(TICK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let arrival = tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => Arrival::Tick,
            incoming = came.recv() => match incoming {
                Some(Incoming::Frame(parcel)) => Arrival::Frame(parcel),
                Some(Incoming::Hello { gateway, hello, reply }) => {
                    Arrival::Hello(gateway, hello, reply)
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
    let (host, port) = config.broker()?;
    let secret =
        std::fs::read_to_string(&config.secret_file).map_err(|source| ConfigError::Secret {
            path: config.secret_file.clone(),
            source,
        })?;
    Ok(ReceiverConfig {
        host,
        port,
        service: config.service.clone(),
        secret: Secret::new(secret.trim()),
        partitions: config.partitions()?,
        clock: care.clone(),
        window: ReceiverConfig::WINDOW,
        timing: Timing::default(),
        status: watch::channel(Phase::FIRST).0,
    })
}

/// Where a consumer goes on that has kept everything up to `done` (0 for nothing).
fn resume(journal: &SegmentedLog, done: u64) -> Position {
    Position::new(done).map_or(journal.oldest(), |done| done.next().max(journal.oldest()))
}

/// Takes up in the ledger what the journal says from `from` to its end.
fn catch_up(journal: &SegmentedLog, from: Position, ledger: &mut Ledger) -> Result<(), RunError> {
    let mut reader = journal.reader();
    let mut next = from;
    while next < journal.next() {
        for item in reader.read(next, CATCH_UP_BYTES)? {
            match item {
                Item::Entry(entry) => {
                    let position = entry.position;
                    let said = Entry::decode(&entry.bytes)
                        .map_err(|source| FollowError::Entry { position, source })?;
                    ledger.follow(&said);
                    next = position.next();
                }
                // Told by the consumers, who read the same.
                Item::Damaged { to, .. } => next = to.next(),
            }
        }
    }
    Ok(())
}
