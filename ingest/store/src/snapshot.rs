//! A copy of a database file at one moment, while others go on writing to it.
//!
//! A live SQLite file is up to three files, and copying them one after the other makes something
//! that never was. `VACUUM INTO` reads one moment in one transaction and writes a whole new file.
//! Writers do not wait for it; their WAL grows until it ends.

use std::path::{Path, PathBuf};

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{DbErr, RuntimeErr};

use crate::database::BUSY_TIMEOUT;
use crate::error::{SnapshotError, TxError};

/// Writes what the database `from` holds at this moment to the new file `to`, and returns when it
/// is on the disk. No migration is applied: the copy is of the version that was found.
///
/// # Errors
/// [`SnapshotError`]; what lies at `to` is then worth nothing.
pub async fn snapshot(from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let named = to.to_str().ok_or_else(|| SnapshotError::Name {
        path: to.to_owned(),
    })?;
    let fault = |cause: sqlx::Error| SnapshotError::Copy {
        path: from.to_owned(),
        source: TxError::from(DbErr::Exec(RuntimeErr::SqlxError(cause.into()))),
    };
    let options = SqliteConnectOptions::new()
        .filename(from)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(fault)?;
    sqlx::query("VACUUM INTO $1")
        .bind(named)
        .execute(&mut connection)
        .await
        .map_err(fault)?;
    connection.close().await.map_err(fault)?;
    // SQLite leaves the new file to the system.
    sync(to).await.map_err(|source| SnapshotError::Sync {
        path: PathBuf::from(to),
        source,
    })
}

async fn sync(path: &Path) -> std::io::Result<()> {
    tokio::fs::File::open(path).await?.sync_all().await
}
