//! Gives a test its record: a file, or the same on PostgreSQL.
//!
//! A test names its record by a path, as if there were files only ([`open`]). A program of tests
//! that is to hold on both engines has one test more, which calls [`again_on_postgresql`]: it
//! starts a server, runs the whole program once more with the address in its environment, and
//! [`open`] then gives databases of that server, one for each path. So no test knows of engines,
//! there is one server a program, and it ends with the test that started it.
//!
//! Deliberately absent: a record for anything but tests.

mod server;
#[path = "../../../../tests/support/mod.rs"]
mod support;
mod transactions;

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::Command;

use veglia_store::{Database, Place, Schema};

pub use server::Postgres;
pub use transactions::Transactions;

/// Where a program that runs again finds the socket of its server.
const SOCKET: &str = "VEGLIA_TRIAL_POSTGRESQL";

/// Why a test that needs PostgreSQL cannot run.
pub const NO_POSTGRESQL: &str = "PostgreSQL's server is not installed (Debian: postgresql)";

/// The record of a test that names it by a path of its own, open. The same path is the same
/// record.
///
/// # Panics
/// When it does not open: nobody else has it.
pub async fn open(path: &Path, schemas: &[Schema]) -> Database {
    let opened = Database::open_record(&place(path), schemas).await;
    opened.expect("the record is this test's alone")
}

/// Where that record is.
///
/// # Panics
/// When the server makes no database.
#[must_use]
pub fn place(path: &Path) -> Place {
    let Some(socket) = env::var_os(SOCKET) else {
        return Place::File(path.to_owned());
    };
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    let name = format!("record_{:016x}", hasher.finish());
    Place::Server(server::database(Path::new(&socket), &name))
}

/// Runs all other tests of this program with their records on PostgreSQL. Called by a test named
/// `name`, which is skipped, aloud, where there is no PostgreSQL.
///
/// # Panics
/// When one of them fails there.
pub fn again_on_postgresql(name: &str) {
    if env::var_os(SOCKET).is_some() {
        return;
    }
    let Some(server) = Postgres::start() else {
        return support::skip(name, NO_POSTGRESQL);
    };
    let program = env::current_exe().expect("a running program has a file");
    let mut again = Command::new(program);
    again.args(["--skip", name]).env(SOCKET, server.socket());
    let ran = again.output().expect("the program runs again");
    assert!(
        ran.status.success(),
        "on PostgreSQL: {}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}
