//! What can go wrong at the door, in words that say what to do next.
//!
//! The engine's codes are read here and nowhere else. Only *busy* is worth another try: a full
//! disk or a damaged file does not heal by asking again.

use std::error::Error;
use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file holds migrations this program has never heard of.
    #[error(
        "{} was written by a newer Veglia (it holds {room} migration {migration}); \
         update this program", path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The room whose migration is unknown.
        room: &'static str,
        /// The first unknown migration.
        migration: String,
    },
    /// Another process held the migration lock for too long.
    #[error(
        "{} is still locked by another Veglia that is bringing the database up to date; \
         wait for it to finish, then start again", path.display()
    )]
    LockHeld {
        /// The lock file beside the database.
        path: PathBuf,
    },
    /// The lock file could not be made or locked.
    #[error("cannot lock {}; check that its folder exists and may be written", path.display())]
    Lock {
        /// The lock file beside the database.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file could not be opened.
    #[error(
        "cannot open the database {}; check that it is one, may be written, and that the disk \
         has room", path.display()
    )]
    Connect {
        /// The database file.
        path: PathBuf,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// A migration failed; the file is as it was before.
    #[error("cannot bring {} up to date; nothing in it was changed", path.display())]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// What the transaction said.
        #[source]
        source: TxError,
    },
}

/// Why there is no copy of a database.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// SQLite takes names in UTF-8 only.
    #[error("the name {path:?} is not UTF-8; choose another folder")]
    Name {
        /// Where the copy should go.
        path: PathBuf,
    },
    /// The database could not be read, or the copy not be written.
    #[error("cannot copy the database {}", path.display())]
    Copy {
        /// The database file.
        path: PathBuf,
        /// What the driver said.
        #[source]
        source: TxError,
    },
    /// The copy may not have reached the disk.
    #[error("cannot bring {} to the disk", path.display())]
    Sync {
        /// The copy.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Why a transaction left no trace.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// Others kept the database busy through every attempt.
    #[error("the database stayed busy; try again in a moment")]
    Busy(#[source] DbErr),
    /// There is no room left on the disk (or the file reached its configured size).
    #[error("the disk that holds the database is full; free some space, nothing was written")]
    DiskFull(#[source] DbErr),
    /// The file is damaged or is no database.
    #[error("the database file is damaged; stop writing to it and restore the latest backup")]
    Damaged(#[source] DbErr),
    /// Any other fault of a statement: a broken constraint, a wrong query, a lost connection.
    #[error("the database refused a statement")]
    Database(#[source] DbErr),
    /// The closure itself undid the transaction, with [`TxError::refuse`].
    #[error("the transaction was undone by its own rules")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl TxError {
    /// Undoes the transaction for a reason of the room's own.
    pub fn refuse(reason: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused(Box::new(reason))
    }

    /// The room's own reason, when this is a refusal of that type.
    #[must_use]
    pub fn refusal<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Refused(reason) => reason.downcast_ref(),
            _ => None,
        }
    }

    /// Whether the same may succeed later: the disk was full, or others were busy. Nothing is
    /// broken, and whoever can wait should.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::DiskFull(_))
    }

    /// Whether a row with the same unique key was already there.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(
            self,
            Self::Database(cause)
                if matches!(
                    cause.sql_err(),
                    Some(sea_orm::SqlErr::UniqueConstraintViolation(_))
                )
        )
    }
}

impl From<DbErr> for TxError {
    fn from(cause: DbErr) -> Self {
        if matches!(
            cause,
            DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)
        ) {
            return Self::Busy(cause);
        }
        // SQLite's primary result code is the low byte of the extended one that sqlx reports:
        // 5 busy, 6 locked, 13 full, 11 corrupt, 26 not a database.
        match sqlite_code(&cause).map(|extended| extended & 0xff) {
            Some(5 | 6) => Self::Busy(cause),
            Some(13) => Self::DiskFull(cause),
            Some(11 | 26) => Self::Damaged(cause),
            _ => Self::Database(cause),
        }
    }
}

fn sqlite_code(cause: &DbErr) -> Option<u32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(driver))
    | DbErr::Exec(RuntimeErr::SqlxError(driver))
    | DbErr::Query(RuntimeErr::SqlxError(driver))) = cause
    else {
        return None;
    };
    let sqlx::Error::Database(reported) = driver.as_ref() else {
        return None;
    };
    reported.code()?.parse().ok()
}
