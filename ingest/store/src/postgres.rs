//! PostgreSQL: how a server is signed in to, and what makes it keep the promises of a file.
//!
//! **One writer at a time, as with a file.** Every writing transaction begins by taking one
//! advisory lock of the database ([`take_turn`]), which goes with the transaction. Rooms lean on
//! that: numbers of changes, pages and events grow in the order in which they are committed, so
//! that whoever follows them by number misses none (a sequence alone gives out numbers in the
//! order of asking); the access log chains each entry to the last; "none overlaps, then insert" is
//! no race. Serialisable transactions would keep the last two and not the first. The transaction
//! is *read committed*: its statements, all after the lock, see what the writer before committed;
//! under *repeatable read* the view could be older than the lock.
//!
//! It costs one exchange with the server a transaction, and no two writers are ever at work at
//! once, whatever they write: as fast as one disk and one network answer one after the other.
//! Readers wait for nobody and see one moment (*repeatable read*, read only).
//!
//! **A process that stands still in the middle keeps all others out.** So the server ends a
//! session that is idle within a transaction, and one whose machine is gone; and here no
//! transaction lasts longer than [`ATTEMPT_MAX`].

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqlxPostgresConnector, Statement,
};

use crate::database::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, Purpose, STATEMENT_CACHE};
use crate::error::OpenError;
use crate::place::Server;

/// The number of the one lock that writers and migrations take: "veglia" in ASCII.
const WRITER_LOCK: i64 = 0x7665_676c_6961;

/// A server that said nothing for this long is not there: more than any transaction takes.
pub(crate) const ATTEMPT_MAX: Duration = Duration::from_secs(60);

/// What every session asks of the server. The times are in milliseconds, those of TCP in seconds:
/// a machine that vanished is given up after 25 s, so that its transaction ends. `synchronous`:
/// what was committed is on the server's disk, whatever the server is used to.
const SESSION: [(&str, &str); 6] = [
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "60000"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("client_min_messages", "warning"),
];

/// How every connection to the server is opened.
pub(crate) async fn options(server: &Server) -> Result<PgConnectOptions, OpenError> {
    let parsed: sqlx::Result<PgConnectOptions> = server.address().parse();
    let mut options = parsed.map_err(|cause| unreachable(server, cause))?;
    if let Some(file) = server.password_file() {
        options = options.password(&password(file).await?);
    }
    options = if server.must_prove_itself() {
        options.ssl_mode(PgSslMode::VerifyFull)
    } else {
        options.ssl_mode(PgSslMode::Disable)
    };
    if let Some(ca) = server.ca() {
        options = options.ssl_root_cert(ca);
    }
    Ok(options
        .application_name("veglia")
        .statement_cache_capacity(STATEMENT_CACHE)
        .options(SESSION)
        .disable_statement_logging())
}

async fn password(file: &Path) -> Result<String, OpenError> {
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|source| OpenError::Password {
        path: file.to_owned(),
        source,
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The writing connection. A server that does not answer is told of at once.
pub(crate) async fn writer(
    server: &Server,
    options: &PgConnectOptions,
) -> Result<DatabaseConnection, OpenError> {
    let fault = |cause| unreachable(server, cause);
    // A pool would try for as long as somebody may queue.
    let first = options.connect().await.map_err(fault)?;
    drop(first);
    let patience = BUSY_TIMEOUT.as_millis().to_string();
    let options = options.clone().options([
        ("default_transaction_isolation", "read committed"),
        ("lock_timeout", patience.as_str()),
    ]);
    pool(1, options).await.map_err(fault)
}

/// Connections that cannot write, each of whose transactions sees one moment.
pub(crate) async fn readers(
    server: &Server,
    options: &PgConnectOptions,
) -> Result<DatabaseConnection, OpenError> {
    let options = options.clone().options([
        ("default_transaction_isolation", "repeatable read"),
        ("default_transaction_read_only", "on"),
    ]);
    let pool = pool(Purpose::Record.readers(), options).await;
    pool.map_err(|cause| unreachable(server, cause))
}

/// A connection is tried before it is used: the server may have been started again meanwhile.
async fn pool(connections: u32, options: PgConnectOptions) -> sqlx::Result<DatabaseConnection> {
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(true)
        .connect_with(options)
        .await?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

fn unreachable(server: &Server, cause: sqlx::Error) -> OpenError {
    OpenError::Reach {
        server: Box::new(server.clone()),
        source: DbErr::Conn(RuntimeErr::SqlxError(cause.into())),
    }
}

/// Waits until no other writer is at work, in this process or any other.
pub(crate) async fn take_turn(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    let sql = "SELECT pg_advisory_xact_lock($1)";
    let lock = Statement::from_sql_and_values(tx.get_database_backend(), sql, [WRITER_LOCK.into()]);
    tx.execute_raw(lock).await?;
    Ok(())
}

/// The same, for as long as a migration may take.
pub(crate) async fn take_turn_to_migrate(
    tx: &DatabaseTransaction,
    patience: Duration,
) -> Result<(), DbErr> {
    let patience = patience.as_millis();
    tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {patience}"))
        .await?;
    take_turn(tx).await
}
