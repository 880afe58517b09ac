//! Migrations: each room brings its own, the first process to open a database applies them.
//!
//! Each room has its own table of applied migrations (`migrations_<room>`), so that a process that
//! carries only some rooms can open one in which others live. All that is pending is applied in
//! one transaction (both engines change schemas in transactions): a crash in the middle leaves the
//! old schema. Meanwhile a file lock beside an SQLite file (`<db>.migrate-lock`) is held, because
//! switching a new file to WAL is not covered by SQLite's own waiting; on a server, the lock of all
//! writers.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sea_query::IntoIden;
use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, DynIden, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use tokio::time::{Instant, sleep};

use crate::error::{OpenError, TxError};
use crate::place::Place;
use crate::postgres;

/// What one room keeps in a database.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The room's short name, in lower case: it names the table of applied migrations.
    pub room: &'static str,
    /// Every migration of the room, oldest first; a published one is never changed or removed.
    pub migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
}

impl MigratorTraitSelf for Schema {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.migrations)()
    }

    fn migration_table_name(&self) -> DynIden {
        format!("migrations_{}", self.room).into_iden()
    }
}

/// How long to wait for another process to finish migrating: the largest migration rewrites a
/// table of a few gigabytes, which takes under a minute on a small disk.
const LOCK_WAIT: Duration = Duration::from_secs(120);

/// Pause between two attempts at the lock: short beside the time it takes to start a process.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The lock under which a file is created and migrated; dropping it lets go.
pub(crate) struct MigrationLock {
    /// An open file that holds an advisory lock for as long as it lives.
    _held: File,
}

impl MigrationLock {
    /// Waits for its turn, at most [`LOCK_WAIT`].
    pub(crate) async fn take(database: &Path) -> Result<Self, OpenError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".migrate-lock");
        let path = PathBuf::from(path);
        let fault = |source| OpenError::Lock {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(fault)?;
        let give_up = Instant::now() + LOCK_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _held: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                    sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => return Err(OpenError::LockHeld { path }),
                Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(cause)) => return Err(fault(cause)),
            }
        }
    }
}

/// Applies what is pending, all of it or nothing; refuses a database that is ahead of this
/// program.
pub(crate) async fn migrate(
    place: &Place,
    writer: &DatabaseConnection,
    schemas: &[Schema],
) -> Result<(), OpenError> {
    let fault = |cause: DbErr| OpenError::Migrate {
        place: Box::new(place.clone()),
        source: TxError::from(cause),
    };
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = writer.begin_with_options(options).await.map_err(fault)?;
    if writer.get_database_backend() == DbBackend::Postgres {
        let turn = postgres::take_turn_to_migrate(&tx, LOCK_WAIT).await;
        turn.map_err(fault)?;
    }
    for schema in schemas {
        let known = schema.migrations();
        let applied = schema.get_migration_models(&tx).await.map_err(fault)?;
        let unknown = applied.into_iter().find(|row| {
            known
                .iter()
                .all(|migration| migration.name() != row.version)
        });
        if let Some(row) = unknown {
            return Err(OpenError::Newer {
                place: Box::new(place.clone()),
                room: schema.room,
                migration: row.version,
            });
        }
        if known.is_empty() {
            continue;
        }
        schema.up(&tx, None).await.map_err(fault)?;
    }
    tx.commit().await.map_err(fault)
}
