//! What can go wrong at the door, in words that say what to do next.
//!
//! The engines' codes are read here and nowhere else. Only *busy* and *unreachable* are worth
//! another try: a full disk or a damaged file does not heal by asking again.

use std::error::Error;
use std::path::PathBuf;

use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::place::{Place, Server};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database holds migrations this program has never heard of.
    #[error(
        "{place} was written by a newer Veglia (it holds {room} migration {migration}); \
         update this program"
    )]
    Newer {
        /// The database.
        place: Box<Place>,
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
    /// The file with the password could not be read.
    #[error("cannot read the password of the database in {}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server could not be reached, or did not let us in.
    #[error(
        "cannot open the database {server}; check that the server runs, that this database and \
         this user are there, and the password and the certificate"
    )]
    Reach {
        /// The database.
        server: Box<Server>,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// A migration failed; the database is as it was before.
    #[error("cannot bring {place} up to date; nothing in it was changed")]
    Migrate {
        /// The database.
        place: Box<Place>,
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
    /// The server is not there, or went away before anything was committed.
    #[error("the database server does not answer; nothing was written")]
    Unreachable(#[source] DbErr),
    /// The server went away while it was committing: it was written, or it was not.
    #[error(
        "the database server went away while it was writing; look whether it was written, and \
         write it again if not"
    )]
    Unsure(#[source] DbErr),
    /// There is no room left on the disk (or the file reached its configured size).
    #[error("the disk that holds the database is full; free some space, nothing was written")]
    DiskFull(#[source] DbErr),
    /// The file is damaged or is no database.
    #[error("the database file is damaged; stop writing to it and restore the latest backup")]
    Damaged(#[source] DbErr),
    /// Any other fault of a statement: a broken constraint, a wrong query, a lost connection.
    #[error("the database refused a statement")]
    Database(#[source] DbErr),
    /// The closure went on after a statement that failed: a fault of ours.
    #[error("a statement failed and was passed over; nothing was written")]
    Swallowed,
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

    /// Whether the same may succeed later: the disk was full, others were busy, or the server is
    /// being started again. Nothing is broken, and whoever can wait should. After
    /// [`TxError::Unsure`] it may have succeeded already.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::DiskFull(_) | Self::Unreachable(_) | Self::Unsure(_)
        )
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
        match fault(&cause) {
            Some(Fault::Busy) => Self::Busy(cause),
            Some(Fault::Unreachable) => Self::Unreachable(cause),
            Some(Fault::DiskFull) => Self::DiskFull(cause),
            Some(Fault::Damaged) => Self::Damaged(cause),
            None => Self::Database(cause),
        }
    }
}

/// Faults of an engine that are not the statement's.
enum Fault {
    Busy,
    Unreachable,
    DiskFull,
    Damaged,
}

fn fault(cause: &DbErr) -> Option<Fault> {
    let (DbErr::Conn(RuntimeErr::SqlxError(driver))
    | DbErr::Exec(RuntimeErr::SqlxError(driver))
    | DbErr::Query(RuntimeErr::SqlxError(driver))) = cause
    else {
        return None;
    };
    match driver.as_ref() {
        // Only a server is spoken to over a line.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Some(Fault::Unreachable),
        sqlx::Error::Database(reported) => {
            let code = reported.code()?;
            match reported.try_downcast_ref::<PgDatabaseError>() {
                Some(_) => postgres_fault(&code),
                None => sqlite_fault(&code),
            }
        }
        _ => None,
    }
}

/// SQLite's primary result code is the low byte of the extended one that sqlx reports.
fn sqlite_fault(code: &str) -> Option<Fault> {
    let extended: u32 = code.parse().ok()?;
    match extended & 0xff {
        5 | 6 => Some(Fault::Busy),      // SQLITE_BUSY, SQLITE_LOCKED
        13 => Some(Fault::DiskFull),     // SQLITE_FULL
        11 | 26 => Some(Fault::Damaged), // SQLITE_CORRUPT, SQLITE_NOTADB
        _ => None,
    }
}

/// By class, or by name where the class says too little: appendix A of PostgreSQL's manual.
fn postgres_fault(code: &str) -> Option<Fault> {
    match code {
        // lock_not_available, serialization_failure, deadlock_detected, too_many_connections
        "55P03" | "40001" | "40P01" | "53300" => Some(Fault::Busy),
        // admin_shutdown, crash_shutdown, cannot_connect_now, and of sessions that stood idle
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Some(Fault::Unreachable),
        "53100" => Some(Fault::DiskFull),
        "XX001" | "XX002" => Some(Fault::Damaged),
        _ if code.starts_with("08") => Some(Fault::Unreachable), // connection exceptions
        _ => None,
    }
}
