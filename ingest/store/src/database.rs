//! A database file: its connections and its transactions.
//!
//! One writing connection per process and a few reading ones that cannot write
//! (`PRAGMA query_only`). Writers of one process queue for their connection in order; writers of
//! different processes wait inside SQLite (`busy_timeout`), then are retried here with growing,
//! uneven pauses. `synchronous=FULL`: what was committed has reached the disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr, SqliteTransactionMode, SqlxSqliteConnector,
    TransactionOptions, TransactionTrait,
};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use crate::access;
use crate::actor::Actor;
use crate::error::{OpenError, TxError};
use crate::schema::{MigrationLock, Schema, migrate};
use crate::tx::{Tx, TxFuture};

/// How long SQLite itself waits for another process's writer before it says *busy*: longer than
/// the longest transaction we write on purpose (a few hundred milliseconds).
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
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Above this a transaction is worth a line of its own at `info`: a person has noticed the wait.
const SLOW: Duration = Duration::from_secs(1);

/// Prepared statements kept per connection: more than all rooms together use.
const STATEMENT_CACHE: usize = 256;

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
    const fn readers(self) -> u32 {
        match self {
            Self::Record => 8,
            Self::Series => 4,
        }
    }

    /// Page cache per connection, in KiB: the inner pages of the indices should stay in it.
    const fn cache_kib(self) -> u32 {
        match self {
            Self::Record => 4 * 1024,
            Self::Series => 16 * 1024,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Read,
    Write,
}

/// An open database file; clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    path: PathBuf,
    writer: DatabaseConnection,
    readers: DatabaseConnection,
}

impl Database {
    /// Opens the file, creating and migrating it when needed, under a lock shared by processes.
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
        let options = connect_options(path, purpose);
        let writer = pool(1).connect_with(options.clone()).await.map_err(fault)?;
        let writer = SqlxSqliteConnector::from_sqlx_sqlite_pool(writer);
        let own: &[Schema] = match purpose {
            Purpose::Record => &[access::SCHEMA],
            Purpose::Series => &[],
        };
        migrate(path, &writer, &[own, schemas].concat()).await?;
        let options = options.create_if_missing(false).pragma("query_only", "ON");
        let readers = pool(purpose.readers())
            .connect_with(options)
            .await
            .map_err(fault)?;
        let readers = SqlxSqliteConnector::from_sqlx_sqlite_pool(readers);
        drop(lock);
        Ok(Self {
            path: path.to_owned(),
            writer,
            readers,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a writing transaction; see the crate's rules for closures.
    ///
    /// `name` is a dotted `subject.verb` that never holds data. When this returns `Ok`, the
    /// changes are on the disk.
    ///
    /// # Errors
    /// The closure's error, or the fault of the database; in every case nothing was written.
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

    /// Waits for open transactions and closes the file, folding the WAL into it when this is the
    /// last process. Later transactions fail.
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
                Err(TxError::Busy(_))
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
        let (connection, begin) = match mode {
            Mode::Read => (&self.readers, SqliteTransactionMode::Deferred),
            Mode::Write => (&self.writer, SqliteTransactionMode::Immediate),
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(begin),
            ..TransactionOptions::default()
        };
        let tx = Tx::new(connection.begin_with_options(options).await?, actor.clone());
        match closure(&tx).await {
            Ok(value) => {
                tx.into_inner().commit().await?;
                Ok(value)
            }
            Err(refused) => {
                // The closure's reason is the one to report; a roll-back that fails is completed
                // by SQLite when the connection is next used or closed.
                if let Err(cause) = tx.into_inner().rollback().await {
                    tracing::debug!(%cause, "roll-back failed");
                }
                Err(refused)
            }
        }
    }
}

fn connect_options(path: &Path, purpose: Purpose) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("cache_size", format!("-{}", purpose.cache_kib()))
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging()
}

/// Connections are kept for ever: there is no server to rebalance, and a fresh one has a cold
/// cache.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Doubles with each attempt, the second half of it random.
fn pause(attempt: u32) -> Duration {
    let whole = PAUSE_FIRST * 2_u32.saturating_pow(attempt.saturating_sub(1));
    whole / 2 + whole.mul_f64(fastrand::f64() / 2.0)
}
