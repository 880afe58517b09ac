//! SQLite: how a file is opened.
//!
//! Writers of different processes wait inside SQLite (`busy_timeout`). `synchronous=FULL`: what was
//! committed has reached the disk. Readers cannot write (`PRAGMA query_only`).

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{DatabaseConnection, SqlxSqliteConnector};

use crate::database::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, Purpose, STATEMENT_CACHE};

/// How every connection to the file is opened.
pub(crate) fn options(path: &Path, purpose: Purpose) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("cache_size", format!("-{}", purpose.cache_kib()))
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    match purpose {
        // What is removed of a person is overwritten, not left in the free room of a page.
        Purpose::Record => options.pragma("secure_delete", "ON"),
        Purpose::Series => options,
    }
}

/// The writing connection; it makes the file when there is none.
pub(crate) async fn writer(options: &SqliteConnectOptions) -> sqlx::Result<DatabaseConnection> {
    pool(1, options.clone()).await
}

/// Connections that cannot write, to a file that is there.
pub(crate) async fn readers(
    options: &SqliteConnectOptions,
    purpose: Purpose,
) -> sqlx::Result<DatabaseConnection> {
    let options = options.clone().create_if_missing(false);
    pool(purpose.readers(), options.pragma("query_only", "ON")).await
}

/// Connections are kept for ever: there is no server to rebalance, and a fresh one has a cold
/// cache.
async fn pool(connections: u32, options: SqliteConnectOptions) -> sqlx::Result<DatabaseConnection> {
    let kept = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false);
    let pool = kept.connect_with(options).await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}
