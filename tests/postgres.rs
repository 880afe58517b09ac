//! A centre whose record is on a PostgreSQL server: every role and command finds it there, and
//! none makes a file of its own.

#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use process::{Process, wait_until};
use tempfile::TempDir;
use veglia_trial::{NO_POSTGRESQL, Postgres};

/// A person whose code has the right check letter.
const MARIA: [&str; 11] = [
    "add",
    "--name",
    "Maria",
    "--surname",
    "Prova",
    "--codice-fiscale",
    "RSSMRA85T10A562S",
    "--phone",
    "+39 02 55501234",
    "--address",
    "via delle Prove 1, Milano",
];

/// Runs a command that must succeed; what it said on standard output.
fn said_well(command: &mut Command) -> String {
    let done = command.output().expect("the program can be started");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).expect("it says text")
}

/// A centre in a folder of its own, its record elsewhere.
struct Centre {
    dir: TempDir,
}

impl Centre {
    fn with_record(address: &str) -> Self {
        let dir = TempDir::new().expect("a scratch folder can be made");
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let [broker, pages] = [free(), free()].map(|it| it.expect("a free port"));
        let centre = Self { dir };
        let (data, secret) = (centre.path("data"), centre.path("secret"));
        let written = format!(
            "data = {data:?}\nrecord = {address:?}\n\
             [broker]\nlisten = \"{broker}\"\n[dashboard]\nlisten = \"{pages}\"\n\
             [ingest]\nbroker = \"{broker}\"\nsecret_file = {secret:?}\n"
        );
        fs::create_dir(data).expect("a new folder");
        fs::write(centre.path("veglia.toml"), written).expect("a new file");
        let mut admit = centre.veglia("identity");
        said_well(admit.args(["ingest", "--secret-file"]).arg(secret));
        centre
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn veglia(&self, command: &str) -> Command {
        let mut veglia = Command::new(env!("CARGO_BIN_EXE_veglia"));
        veglia.arg("--config").arg(self.path("veglia.toml"));
        veglia.arg(command).env_remove("RUST_LOG");
        veglia
    }

    fn is_ready(&self, role: &str) -> bool {
        let asked = self.veglia("status").output().expect("it can be asked");
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        let mut lines = said.lines();
        lines.any(|line| line.starts_with(role) && !line.contains("NOT READY"))
    }
}

#[test]
fn roles_and_commands_share_a_record_on_a_server_and_a_backup_leaves_it_there() {
    let name = "roles_and_commands_share_a_record_on_a_server_and_a_backup_leaves_it_there";
    let Some(server) = Postgres::start() else {
        return support::skip(name, NO_POSTGRESQL);
    };
    let address = server.database("centre").to_string();
    let centre = Centre::with_record(&address);
    let mut running = Process::start(&mut centre.veglia("all"), &centre.path("log"));
    running.wait_for("receiving from the broker", 1);
    for role in ["ingest", "dashboard"] {
        wait_until(role, || centre.is_ready(role).then_some(()));
    }
    let said = said_well(centre.veglia("patient").args(MARIA));
    said_well(centre.veglia("plan").args(["set", said.trim()]));
    let rows = "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM plan)";
    assert_eq!(server.sql("centre", rows), "1|1");

    let to = centre.path("backup");
    let said = said_well(centre.veglia("backup").arg("--to").arg(&to));
    assert!(
        said.contains(&address) && said.contains("pg_dump"),
        "{said}"
    );
    running.end();
    for folder in ["data", "backup"] {
        assert!(centre.path(folder).join("ingest/journal").is_dir());
        assert!(!centre.path(folder).join("record.db").exists(), "{folder}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_of_in_one_sentence() {
    let address = "postgres:///veglia?host=/nowhere&user=veglia";
    let centre = Centre::with_record(address);
    let refused = centre.veglia("patient").args(MARIA).output();
    let refused = refused.expect("the program can be started");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("check that the server runs"), "{said}");
    assert!(said.contains(address), "{said}");
}
