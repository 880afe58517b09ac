//! A laboratory sends results over MLLP while the program that takes them is killed (SIGKILL),
//! again and again, between a message and its answer. Whatever was not answered is sent again, as
//! laboratories do: in the end every result is there once, and so is the case that they open.
//!
//! `VEGLIA_KILL_SEED` repeats a run's choices.
// req: A2

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use process::{PATIENCE, Process, announce, wait_until};
use tempfile::TempDir;
use veglia_store::sea_orm::{ConnectionTrait, Statement};
use veglia_store::{Actor, Database, Purpose};

const TEST: Actor = Actor::System("test");

/// Results sent.
const RESULTS: usize = 60;

/// What the program says when laboratories can send.
const OPEN: &str = "results of laboratories taken";

/// A centre in a folder of its own.
struct Centre {
    dir: TempDir,
    port: u16,
}

impl Centre {
    fn new() -> Self {
        let dir = TempDir::new().expect("a scratch folder can be made");
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let [pages, laboratories] = [free(), free()].map(|it| it.expect("a free port"));
        let data = dir.path().join("data");
        let written = format!(
            "data = {data:?}\n[dashboard]\nlisten = \"{pages}\"\n\
             [laboratory]\nlisten = \"{laboratories}\"\n"
        );
        fs::create_dir(&data).expect("a new folder");
        fs::write(dir.path().join("veglia.toml"), written).expect("a new file");
        Self {
            dir,
            port: laboratories.port(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(&self, life: usize) -> Process {
        let mut veglia = Command::new(env!("CARGO_BIN_EXE_veglia"));
        veglia.arg("--config").arg(self.path("veglia.toml"));
        veglia.arg("dashboard").env_remove("RUST_LOG");
        let mut process = Process::start(&mut veglia, &self.path(&format!("log-{life}")));
        process.wait_for(OPEN, 1);
        process
    }

    /// The line of a laboratory, with a message on it that is not answered yet.
    fn send(&self, number: usize) -> TcpStream {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let patience = line.set_read_timeout(Some(PATIENCE));
        patience.expect("a line has patience");
        let frame = format!("\x0b{}\x1c\r", oru(number));
        line.write_all(frame.as_bytes()).expect("it is sent");
        line
    }
}

/// A positive of one person, each with a number of its own.
fn oru(number: usize) -> String {
    format!(
        "MSH|^~\\&|LIS|SANPROVA|||20201021080000||ORU^R01|M{number}|P|2.5.1\r\
         PID|1||RSSMRA85T10A562S^^^MEF^NN||PROVA^MARIA||||||||3331234567\r\
         OBR|1||A{number}|94500-6^RNA^LN|||202010201030\r\
         OBX|1|CWE|94500-6^RNA^LN||10828004^Positivo^SCT||||||F\r"
    )
}

/// What is answered; nothing where the line breaks before.
fn answer(line: &mut TcpStream) -> Option<String> {
    let mut said = Vec::new();
    let mut piece = [0; 512];
    while !said.ends_with(b"\x1c\r") {
        match line.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(many) => said.extend_from_slice(&piece[..many]),
        }
    }
    Some(String::from_utf8(said).expect("an answer is text"))
}

fn counts(path: &Path, sql: &'static str) -> i64 {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_isolation::SCHEMA,
            veglia_laboratory::SCHEMA,
            veglia_notify::SCHEMA,
        ];
        let record = Database::open(path, Purpose::Record, &schemas).await;
        let record = record.expect("the record opens");
        let read = record.read_tx("test.counts", &TEST, move |tx| {
            Box::pin(async move {
                let asked = Statement::from_string(tx.get_database_backend(), sql);
                Ok(tx.query_one_raw(asked).await?)
            })
        });
        let row = read.await.expect("it answers").expect("a count is a row");
        let many = row.try_get_by("many").expect("it is called so");
        record.close().await.expect("the record closes");
        many
    })
}

#[test]
fn killing_between_a_message_and_its_answer_loses_and_doubles_no_result() {
    let seed = std::env::var("VEGLIA_KILL_SEED").ok();
    let seed = seed.map_or_else(|| fastrand::u64(..), |it| it.parse().expect("a number"));
    announce(&format!("laboratory: VEGLIA_KILL_SEED={seed}"));
    let mut chance = fastrand::Rng::with_seed(seed);
    let centre = Centre::new();
    let mut lives = 0;
    let mut running = centre.start(lives);
    let mut unanswered = 0;
    for number in 0..RESULTS {
        if number % 6 == 3 {
            let mut line = centre.send(number);
            // Somewhere from before it is read to after it is answered.
            thread::sleep(Duration::from_micros(chance.u64(0..20_000)));
            drop(running);
            unanswered += usize::from(answer(&mut line).is_none());
            lives += 1;
            running = centre.start(lives);
        }
        let said = answer(&mut centre.send(number)).expect("it is answered");
        let acknowledged = format!("\rMSA|AA|M{number}\r");
        assert!(said.contains(&acknowledged), "{said:?}");
    }
    announce(&format!(
        "laboratory: killed {lives} times, {unanswered} without an answer"
    ));
    let record = centre.path("data/record.db");
    let passed = "SELECT count(*) AS many FROM lab_passed";
    let all = i64::try_from(RESULTS).expect("a few");
    wait_until("every result is passed on", || {
        (counts(&record, passed) == all).then_some(())
    });
    running.end();
    for (sql, many) in [
        ("SELECT count(*) AS many FROM lab_message", all),
        ("SELECT count(*) AS many FROM lab_result", all),
        (
            "SELECT count(DISTINCT order_number) AS many FROM lab_result",
            all,
        ),
        (
            "SELECT count(*) AS many FROM lab_passed WHERE became = 'opened'",
            1,
        ),
        (
            "SELECT count(*) AS many FROM lab_passed WHERE became = 'refused'",
            0,
        ),
        ("SELECT count(*) AS many FROM isolation_case", 1),
    ] {
        assert_eq!(counts(&record, sql), many, "{sql}");
    }
}
