//! A database: its connections and its transactions.
//!
//! One writing connection per process and a few reading ones that cannot write. Writers of one
//! process queue for their connection in order; writers of different processes wait inside the
//! engine, then are retried here with growing, uneven pauses. What differs between the engines is
//! in [`crate::sqlite`] and [`crate::postgres`].

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::actor::Actor;
use crate::error::{OpenError, TxError};
use crate::place::{Place, Server};
use crate::schema::{MigrationLock, Schema, migrate};
use crate::tx::{Tx, TxFuture};
use crate::{access, postgres, sqlite};

/// How long the engine itself waits for another process's writer before it says *busy*: longer
/// than the longest transaction we write on purpose (a few hundred milliseconds).
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Attempts before *busy* is reported: with [`BUSY_TIMEOUT`] this is about fifteen seconds, more
/// than any request waits.
const ATTEMPTS_MAX: u32 = 7;

/// No attempt begins after this, however few there were.
const RETRY_FOR: Duration = Duration::from_secs(15);

/// The pause after the first busy attempt; it doubles each time, and half of it is random so that
/// two processes do not meet again.
const PAUSE_FIRST: Duration = Duration::from_millis(10);

/// How long to queue for a connection of this process; the queue is served in order.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Above this a transaction is worth a line of its own at `info`: a person has noticed the wait.
const SLOW: Duration = Duration::from_secs(1);

/// Prepared statements kept per connection: more than all rooms together use.
pub(crate) const STATEMENT_CACHE: usize = 256;

/// What a file is for; it decides how many may read at once and how much each may cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The clinical record: many small rows, read by every page of the dashboard.
    Record,
    /// Time series: few, larger reads of compressed chunks, by one process.
    Series,
}

impl Purpose {
    /// Reading connections per process: each is a thread and a cache.
    pub(crate) const fn readers(self) -> u32 {
        match self {
            Self::Record => 8,
            Self::Series => 4,
        }
    }

    /// Page cache per connection, in KiB: the inner pages of the indices should stay in it.
    pub(crate) const fn cache_kib(self) -> u32 {
        match self {
            Self::Record => 4 * 1024,
            Self::Series => 16 * 1024,
        }
    }

    /// The store's own tables there.
    fn own(self) -> &'static [Schema] {
        match self {
            Self::Record => &[access::SCHEMA],
            Self::Series => &[],
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Read,
    Write,
}

/// An open database; clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
}

impl Database {
    /// Opens a file, creating and migrating it when needed, under a lock shared by processes.
    ///
    /// `schemas` is in order: a room may refer to the tables of the rooms before it.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when the file is ahead of this program, and see the other variants.
    pub async fn open(
        path: &Path,
        purpose: Purpose,
        schemas: &[Schema],
    ) -> Result<Self, OpenError> {
        let fault = |cause: sea_orm::sqlx::Error| OpenError::Connect {
            path: path.to_owned(),
            source: DbErr::Conn(RuntimeErr::SqlxError(cause.into())),
        };
        let lock = MigrationLock::take(path).await?;
        let options = sqlite::options(path, purpose);
        let writer = sqlite::writer(&options).await.map_err(fault)?;
        migrate(&path.into(), &writer, &[purpose.own(), schemas].concat()).await?;
        let readers = sqlite::readers(&options, purpose).await.map_err(fault)?;
        drop(lock);
        Ok(Self { writer, readers })
    }

    /// Opens the clinical record where it is: a file as [`Database::open`] does, a database on a
    /// server with the same promises.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when the record is ahead of this program, and see the other variants.
    pub async fn open_record(place: &Place, schemas: &[Schema]) -> Result<Self, OpenError> {
        match place {
            Place::File(path) => Self::open(path, Purpose::Record, schemas).await,
            Place::Server(server) => Self::connect(server, schemas).await,
        }
    }

    async fn connect(server: &Server, schemas: &[Schema]) -> Result<Self, OpenError> {
        let options = postgres::options(server).await?;
        let writer = postgres::writer(server, &options).await?;
        let schemas = [Purpose::Record.own(), schemas].concat();
        migrate(&Place::Server(server.clone()), &writer, &schemas).await?;
        let readers = postgres::readers(server, &options).await?;
        Ok(Self { writer, readers })
    }

    /// Runs a writing transaction; see the crate's rules for closures.
    ///
    /// `name` is a dotted `subject.verb` that never holds data. When this returns `Ok`, the
    /// changes are on the disk.
    ///
    /// # Errors
    /// The closure's error, or the fault of the database; nothing was written then, but for
    /// [`TxError::Unsure`].
    pub async fn run_tx<'env, T, F>(
        &self,
        name: &'static str,
        actor: &Actor,
        closure: F,
    ) -> Result<T, TxError>
    where
        T: Send,
        F: for<'tx> Fn(&'tx Tx<'env>) -> TxFuture<'tx, T> + Send + Sync,
    {
        self.transact(Mode::Write, name, actor, closure).await
    }

    /// Runs a reading transaction: everything in it sees one moment, and it cannot write.
    ///
    /// # Errors
    /// The closure's error, or the fault of the database.
    pub async fn read_tx<'env, T, F>(
        &self,
        name: &'static str,
        actor: &Actor,
        closure: F,
    ) -> Result<T, TxError>
    where
        T: Send,
        F: for<'tx> Fn(&'tx Tx<'env>) -> TxFuture<'tx, T> + Send + Sync,
    {
        self.transact(Mode::Read, name, actor, closure).await
    }

    /// Waits for open transactions and closes the connections; a file's WAL is folded into it when
    /// this is the last process. Later transactions fail.
    ///
    /// # Errors
    /// What the driver reports.
    pub async fn close(&self) -> Result<(), TxError> {
        self.readers.close_by_ref().await?;
        self.writer.close_by_ref().await?;
        Ok(())
    }

    async fn transact<'env, T, F>(
        &self,
        mode: Mode,
        name: &'static str,
        actor: &Actor,
        closure: F,
    ) -> Result<T, TxError>
    where
        T: Send,
        F: for<'tx> Fn(&'tx Tx<'env>) -> TxFuture<'tx, T> + Send + Sync,
    {
        let span = tracing::debug_span!("tx", name, ?mode, %actor);
        let started = Instant::now();
        let mut attempt = 1;
        let outcome = loop {
            let outcome = self
                .attempt(mode, actor, &closure)
                .instrument(span.clone())
                .await;
            match outcome {
                Err(TxError::Busy(_) | TxError::Unreachable(_))
                    if attempt < ATTEMPTS_MAX && started.elapsed() < RETRY_FOR =>
                {
                    sleep(pause(attempt)).await;
                    attempt += 1;
                }
                outcome => break outcome,
            }
        };
        let duration_ms = started.elapsed().as_millis();
        let ok = outcome.is_ok();
        if started.elapsed() > SLOW {
            tracing::info!(name, ?mode, attempt, duration_ms, ok, "slow transaction");
        } else {
            tracing::debug!(name, ?mode, attempt, duration_ms, ok, "transaction");
        }
        outcome
    }

    async fn attempt<'env, T, F>(
        &self,
        mode: Mode,
        actor: &Actor,
        closure: &F,
    ) -> Result<T, TxError>
    where
        T: Send,
        F: for<'tx> Fn(&'tx Tx<'env>) -> TxFuture<'tx, T> + Send + Sync,
    {
        let work = async {
            let tx = Tx::new(self.begin(mode).await?, actor.clone());
            let done = match closure(&tx).await {
                Ok(_) if tx.has_failed() => Err(TxError::Swallowed),
                done => done,
            };
            match done {
                Ok(value) => Ok((tx, value)),
                Err(refused) => {
                    // The closure's reason is the one to report; a roll-back that fails is
                    // completed by the engine when the connection is next used or closed.
                    if let Err(cause) = tx.into_inner().rollback().await {
                        tracing::debug!(%cause, "roll-back failed");
                    }
                    Err(refused)
                }
            }
        };
        let (tx, value) = self.in_time(work).await?;
        let committed = async { Ok(tx.into_inner().commit().await?) };
        match self.in_time(committed).await {
            Ok(()) => Ok(value),
            Err(TxError::Unreachable(cause)) => Err(match mode {
                Mode::Read => TxError::Unreachable(cause),
                Mode::Write => TxError::Unsure(cause),
            }),
            Err(refused) => Err(refused),
        }
    }

    async fn begin(&self, mode: Mode) -> Result<DatabaseTransaction, DbErr> {
        let (connection, begin) = match mode {
            Mode::Read => (&self.readers, SqliteTransactionMode::Deferred),
            Mode::Write => (&self.writer, SqliteTransactionMode::Immediate),
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(begin),
            ..TransactionOptions::default()
        };
        let tx = connection.begin_with_options(options).await?;
        if let (Mode::Write, DbBackend::Postgres) = (mode, connection.get_database_backend()) {
            postgres::take_turn(&tx).await?;
        }
        Ok(tx)
    }

    /// What a server is asked ends in time; a file always answers.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, TxError>>,
    ) -> Result<T, TxError> {
        if self.writer.get_database_backend() != DbBackend::Postgres {
            return work.await;
        }
        let done = timeout(postgres::ATTEMPT_MAX, work).await;
        done.unwrap_or_else(|_| {
            Err(TxError::Unreachable(DbErr::Conn(RuntimeErr::Internal(
                "it said nothing for a minute".to_owned(),
            ))))
        })
    }
}

/// Doubles with each attempt, the second half of it random.
fn pause(attempt: u32) -> Duration {
    let whole = PAUSE_FIRST * 2_u32.saturating_pow(attempt.saturating_sub(1));
    whole / 2 + whole.mul_f64(fastrand::f64() / 2.0)
}
