//! Portions of the journal into batches, batches on their way, and the cursor behind them.
//!
//! ```text
//! portion ─ lines ─▶ gathering ─ full, or old enough ─▶ ready ─▶ at most 4 on their way
//!                                                                  │ delivered
//!                       cursor ◀── the first of those not delivered ◀──┘
//! ```
//! Batches may be delivered in any order; the cursor stands before the first that is not. New
//! portions are taken only when none of the last is waiting to be sent, so that a server that is
//! away costs the memory of [`MAX_IN_FLIGHT`] batches and two portions, and nothing else.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use veglia_journal::{CursorError, CursorFile, HostFilesystem, Position};
use veglia_series::Sample;

use crate::batch::Batch;
use crate::courier::Courier;
use crate::figures::Figures;
use crate::line::Lines;
use crate::pace::Pace;
use crate::quarantine::{Quarantine, QuarantineError};
use crate::server::{Config, ConfigError, Server};

/// Lines in one request: what InfluxDB recommends, some 350 KB, below every usual limit.
const MAX_LINES: usize = 5_000;

/// Requests on their way at once. One leaves a server idle for each way there and back; many
/// would be a crowd before a server that has just come back.
const MAX_IN_FLIGHT: usize = 4;

/// The cursor's file in ingest's folder.
const CURSOR: &str = "influx.cursor";

/// The file of refused lines in ingest's folder.
const REFUSED: &str = "influx-refused.lines";

/// Some readings of the journal, in its order.
#[derive(Debug, Clone)]
pub struct Portion {
    /// The readings, as they go into the embedded series.
    pub samples: Vec<Sample>,
    /// Everything before this position was in this portion or in those before.
    pub next: Position,
    /// The position after the journal's last entry, as far as is known.
    pub end: Position,
    /// Entries before this portion that had left the journal before they could be read.
    pub missed: u64,
}

/// Why a writer cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The section cannot work.
    #[error("the server of [ingest.influxdb] cannot be used")]
    Config(#[from] ConfigError),
    /// The cursor cannot be read.
    #[error("how far InfluxDB has been fed cannot be read")]
    Cursor(#[from] CursorError),
    /// Quarantine cannot be opened.
    #[error("refused lines could not be kept")]
    Quarantine(#[from] QuarantineError),
}

/// Why a writer stopped. Nothing that a server does can stop it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task died.
    #[error("a task that feeds InfluxDB died")]
    Task(#[from] JoinError),
}

/// Feeds one server.
#[derive(Debug)]
pub struct Writer {
    courier: Courier,
    cursor: CursorFile,
    from: Option<Position>,
    figures: Figures,
    pace: Pace,
}

/// Sets the cursor in ingest's folder, which no running ingest may hold: everything from
/// `position` on is sent again.
///
/// # Errors
/// The file cannot be written.
pub fn rewind(dir: &Path, position: Position) -> Result<(), CursorError> {
    CursorFile::new(HostFilesystem, &dir.join(CURSOR)).store(position, &[])
}

impl Writer {
    /// Checks the configuration and reads how far the server has been fed; `dir` is ingest's
    /// folder. The server itself is not asked: it may be away.
    ///
    /// # Errors
    /// See [`OpenError`]: each is a mistake that a person must mend.
    pub fn open(config: &Config, dir: &Path, pace: Pace) -> Result<Self, OpenError> {
        let server = Server::open(config, &pace)?;
        let cursor = CursorFile::new(HostFilesystem, &dir.join(CURSOR));
        let from = match cursor.load() {
            Ok(cursor) => cursor.map(|it| it.position),
            // Unlike an alarm, a reading may be sent twice.
            Err(error @ CursorError::Damaged { .. }) => {
                tracing::error!(%error, "InfluxDB is fed again with all that the journal has");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let quarantine = Quarantine::open(&dir.join(REFUSED))?;
        let figures = Figures::default();
        Ok(Self {
            courier: Courier::new(server, pace, figures.clone(), quarantine),
            cursor,
            from,
            figures,
            pace,
        })
    }

    /// The position to read from; none for the oldest there is.
    pub fn resume_from(&self) -> Option<Position> {
        self.from
    }

    /// What it counts about itself.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Delivers portions until their sender is gone and everything is delivered, or until `stop`:
    /// then what is on its way is given up, and sent again from the cursor the next time.
    ///
    /// # Errors
    /// [`RunError`]: a fault of this process.
    pub async fn run(
        self,
        mut portions: mpsc::Receiver<Portion>,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let keep_every = self.pace.keep_cursor;
        let mut way = Way::new(self);
        let mut next_keep = Instant::now() + keep_every;
        let mut open = true;
        while open || !way.is_empty() {
            let due = way.due;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(number) = way.flying.join_next() => way.arrived(number??),
                portion = portions.recv(), if open && way.ready.is_empty() => match portion {
                    Some(portion) => way.take(portion),
                    None => {
                        open = false;
                        way.seal();
                    }
                },
                () = until(due) => way.seal(),
                () = sleep_until(next_keep) => {
                    way.keep_cursor().await?;
                    next_keep = Instant::now() + keep_every;
                }
            }
            way.send();
        }
        way.keep_cursor().await
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A batch that is not delivered, or stands behind one that is not.
#[derive(Debug)]
struct Behind {
    /// Where the cursor may stand when this and all before it are delivered.
    next: Option<Position>,
    delivered: bool,
}

/// Everything between the last portion and the cursor.
struct Way {
    courier: Arc<Courier>,
    cursor: Option<CursorFile>,
    figures: Figures,
    pace: Pace,
    lines: Lines,
    /// Lines that wait for company, and how many.
    gathering: (Vec<u8>, usize),
    /// When they are sent without it.
    due: Option<Instant>,
    ready: VecDeque<(u64, Batch)>,
    flying: JoinSet<Result<u64, JoinError>>,
    /// All batches since the first that is not delivered, which has the number `first`.
    behind: VecDeque<Behind>,
    first: u64,
    /// Everything before it has been made into lines.
    taken: Option<Position>,
    /// Everything before it is delivered, and what of it is on disk.
    delivered: Option<Position>,
    kept: Option<Position>,
    /// The journal's end, when a portion last told it.
    end: Option<Position>,
    /// Whether a cursor that could not be kept has been told.
    told: bool,
}

impl Way {
    fn new(writer: Writer) -> Self {
        let Writer {
            courier,
            cursor,
            from,
            figures,
            pace,
        } = writer;
        Self {
            courier: courier.into(),
            cursor: Some(cursor),
            figures,
            pace,
            lines: Lines::default(),
            gathering: (Vec::new(), 0),
            due: None,
            ready: VecDeque::new(),
            flying: JoinSet::new(),
            behind: VecDeque::new(),
            first: 0,
            taken: from,
            delivered: from,
            kept: from,
            end: None,
            told: false,
        }
    }

    /// Whether nothing is gathering, ready or on its way.
    fn is_empty(&self) -> bool {
        self.gathering.1 == 0 && self.behind.is_empty()
    }

    fn take(&mut self, portion: Portion) {
        let Portion {
            samples,
            next,
            end,
            missed,
        } = portion;
        if missed > 0 {
            tracing::error!(
                entries = missed,
                "InfluxDB was away for longer than the journal keeps: it misses these entries; \
                 the embedded series have them"
            );
            self.figures.missed(missed);
        }
        for sample in &samples {
            let (bytes, count) = &mut self.gathering;
            self.lines.push(sample, bytes);
            *count += 1;
            if *count == MAX_LINES {
                self.seal();
            }
        }
        self.figures.waiting(samples.len());
        self.taken = Some(next);
        self.end = Some(end);
        if self.gathering.1 > 0 {
            // What was sealed of this portion waits for its rest.
            self.due = self.due.or_else(|| Some(Instant::now() + self.pace.gather));
        } else {
            match self.behind.back_mut() {
                Some(last) => last.next = Some(next),
                None => self.delivered = Some(next),
            }
        }
        self.count_behind();
    }

    /// Closes the batch that is gathering, if there is one.
    fn seal(&mut self) {
        self.due = None;
        let (bytes, count) = std::mem::take(&mut self.gathering);
        if count == 0 {
            return;
        }
        let number = self.first + u64::try_from(self.behind.len()).unwrap_or(u64::MAX);
        self.behind.push_back(Behind {
            next: self.taken,
            delivered: false,
        });
        self.ready.push_back((number, Batch::new(bytes, count)));
    }

    /// Sends what is ready, as far as there is room.
    fn send(&mut self) {
        while self.flying.len() < MAX_IN_FLIGHT
            && let Some((number, batch)) = self.ready.pop_front()
        {
            let courier = Arc::clone(&self.courier);
            self.flying.spawn(async move {
                courier.deliver(batch).await?;
                Ok(number)
            });
        }
    }

    fn arrived(&mut self, number: u64) {
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if let Some(batch) = self.behind.get_mut(place) {
            batch.delivered = true;
        }
        while let Some(batch) = self.behind.pop_front_if(|it| it.delivered) {
            self.first += 1;
            self.delivered = batch.next;
        }
        self.count_behind();
    }

    fn count_behind(&self) {
        let number = |it: Option<Position>| it.map_or(0, Position::get);
        let behind = number(self.end).saturating_sub(number(self.delivered).max(1));
        self.figures.behind(behind);
    }

    /// Writes the cursor down if it has moved. A disk that refuses costs only that more is sent
    /// again after a stop.
    async fn keep_cursor(&mut self) -> Result<(), RunError> {
        let Some(position) = self.delivered.filter(|_| self.delivered != self.kept) else {
            return Ok(());
        };
        let Some(mut cursor) = self.cursor.take() else {
            return Ok(());
        };
        let stored = tokio::task::spawn_blocking(move || {
            let stored = cursor.store(position, &[]);
            (cursor, stored)
        });
        let (cursor, stored) = stored.await?;
        self.cursor = Some(cursor);
        match stored {
            Ok(()) => {
                self.kept = Some(position);
                self.told = false;
            }
            Err(error) if !std::mem::replace(&mut self.told, true) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "how far InfluxDB is fed cannot be written down");
            }
            Err(_) => {}
        }
        Ok(())
    }
}
