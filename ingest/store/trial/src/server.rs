//! Debian's PostgreSQL, started by a test: on a socket in a folder of its own, and gone with it.
//!
//! What it writes need not outlive the test, so it waits for no disk.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use veglia_store::Server;

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Debian keeps the programs of each version: on nobody's path.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Whoever may do everything there.
const OWNER: &str = "veglia";

/// The server refuses to run as root; this user of every Debian owns nothing.
const NOBODY: u32 = 65_534;

/// What one test after another asks of it.
const SETTINGS: [&str; 8] = [
    "fsync=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=32MB",
    "max_connections=300",
    "autovacuum=off",
    "jit=off",
];

/// A server that runs.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: Option<u16>,
    running: Option<Child>,
}

impl Postgres {
    /// A server on a socket; `None` when it is not installed.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut server = Self::install()?;
        server.run(&[]);
        Some(server)
    }

    /// An empty server that does not run yet; `None` when it is not installed. Between this and
    /// [`Postgres::run`] files may be laid into its folder.
    ///
    /// # Panics
    /// When it is installed and cannot be set up.
    #[must_use]
    pub fn install() -> Option<Self> {
        program("postgres")?;
        let folder = tempfile::tempdir().expect("a folder for the server");
        give(folder.path());
        let server = Self {
            folder,
            port: None,
            running: None,
        };
        let mut initdb = server.command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username", OWNER, "--pgdata"]);
        let made = initdb.arg(server.data()).output();
        let made = made.expect("initdb can be run");
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{error}");
        Some(server)
    }

    /// Lets it listen on a port of loopback as well, which is returned, once it runs.
    ///
    /// # Panics
    /// When no port is free.
    pub fn listen(&mut self) -> u16 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = free.expect("a free port").port();
        self.port = Some(port);
        port
    }

    /// Starts it with further settings (`name=value`), and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn run(&mut self, settings: &[&str]) {
        let log = self.folder.path().join("log");
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.socket());
        let port = self.port.map(|port| format!("port={port}"));
        let listen = match self.port {
            Some(_) => "listen_addresses=127.0.0.1",
            None => "listen_addresses=",
        };
        let all = SETTINGS.iter().chain(settings).copied();
        for setting in all.chain([listen]).chain(port.as_deref()) {
            command.args(["-c", setting]);
        }
        let log = fs::File::create(log).expect("a new file");
        command.stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("the server can be run");
        self.running = Some(child);
        let start = Instant::now();
        while !self.answers() {
            let child = self.running.as_mut().expect("it was started");
            let has_ended = child.try_wait().expect("a child").is_some();
            assert!(!has_ended && start.elapsed() < PATIENCE, "{}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, as a failing machine would.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            if child.try_wait().expect("a child").is_none() {
                kill_process(Pid::from_child(&child), Signal::QUIT).expect("it runs");
            }
            child.wait().expect("it ends");
        }
    }

    /// The folder of its socket, which is its own folder.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// A database there, reached by the socket; a new one if there was none.
    ///
    /// # Panics
    /// When the server makes none.
    #[must_use]
    pub fn database(&self, name: &str) -> Server {
        database(self.socket(), name)
    }

    /// Says something to the server in SQL, as its owner, and returns what it answers.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = self.client("psql");
        psql.args([
            "-X",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-c",
            sql,
        ]);
        let said = psql.output().expect("psql can be run");
        let error = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{error}");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// Puts a file into its folder that only it can read, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn lay(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a new file");
        let closed = Permissions::from_mode(0o600);
        fs::set_permissions(&path, closed).expect("it is ours");
        give(&path);
        path
    }

    fn answers(&self) -> bool {
        let mut ready = self.client("pg_isready");
        let asked = ready.stdout(Stdio::null()).status();
        asked.expect("pg_isready can be run").success()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn client(&self, name: &str) -> Command {
        let mut command = client(name, self.socket());
        command.args(self.port.map(|port| format!("--port={port}")));
        command
    }

    /// A program of the server's, as somebody whom it obeys.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).expect("it comes with the server"));
        command.current_dir(self.folder.path());
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A database of the server whose socket is in a folder; a new one if there was none.
pub(crate) fn database(socket: &Path, name: &str) -> Server {
    let made = client("createdb", socket).arg(name).output();
    let made = made.expect("createdb can be run");
    let error = String::from_utf8_lossy(&made.stderr);
    let was_there = error.contains("already exists") || error.contains("pg_database_datname_index");
    assert!(made.status.success() || was_there, "{error}");
    let folder = socket.display();
    let address = format!("postgres:///{name}?host={folder}&user={OWNER}");
    address.parse().expect("an address")
}

fn client(name: &str, socket: &Path) -> Command {
    let mut command = Command::new(program(name).expect("it comes with the server"));
    command
        .arg("--host")
        .arg(socket)
        .args(["--username", OWNER]);
    command
}

/// A program of the newest version that is installed.
fn program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?;
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let version = version.ok()?.path();
            let program = version.join("bin").join(name);
            program.is_file().then_some((number(&version)?, program))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, program)| program)
}

/// What is laid for a server of another user is that user's.
fn give(path: &Path) {
    if geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives away");
    }
}
