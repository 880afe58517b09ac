//! The alarm path with the real programs: the probe comes home, and whoever of them dies, the
//! others say that it does not.

// req: G9

#[expect(dead_code, reason = "no home speaks here: the centre does")]
#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;

use house::{BROKER_UP, House, INGEST_UP};
use process::wait_until;
use serde_json::Value;
use veglia_diary::probe::{self, Round};
use veglia_store::{Actor, Database, Purpose};

/// What the pages say when they are served.
const PAGES_UP: &str = "pages served";

/// The rhythm of these tests, in milliseconds.
const EVERY_MS: i64 = 10_000;

/// A centre whose probe hurries, and a nurse on duty who has a mailbox.
fn centre() -> House {
    let house = House::new(1, 1);
    let mut file = OpenOptions::new();
    let mut file = file
        .append(true)
        .open(house.path("centre.toml"))
        .expect("the house has a configuration");
    let sections =
        "[probe]\nevery = \"10s\"\nwithin = \"5s\"\n[notify]\nfile = \"messages.jsonl\"\n";
    file.write_all(sections.as_bytes()).expect("it is written");
    let maria = ["add", "maria", "--name", "Maria Prova", "--role", "nurse"];
    veglia(&house, "staff", &maria);
    veglia(
        &house,
        "duty",
        &["contact", "maria", "--email", "maria@prova.example"],
    );
    veglia(&house, "duty", &["add", "operator", "maria"]);
    house
}

/// What a command says.
fn veglia(house: &House, command: &str, arguments: &[&str]) -> String {
    let mut command = house.veglia("centre", command);
    let command = command.args(arguments).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("it was piped");
    // A command that reads nothing may have ended already.
    drop(input.write_all(b"tre civette sul tetto\n"));
    drop(input);
    let said = child.wait_with_output().expect("it ends");
    String::from_utf8(said.stdout).expect("words")
}

/// What a role says of itself; none while it says nothing.
fn told(house: &House, role: &str) -> Option<Value> {
    let said: Value = serde_json::from_str(&veglia(house, "status", &["--json"])).expect("JSON");
    let mut roles = said["roles"].as_array().expect("a list of roles").iter();
    roles.find(|line| line["role"] == role).cloned()
}

/// Waits until a role says that the alarm path answers, or does not.
fn until_path(house: &House, role: &str, answers: bool) -> Value {
    let figure = format!("veglia_{role}_alarm_path_answers");
    wait_until(&format!("{role} says {answers} of the alarm path"), || {
        told(house, role).filter(|told| told["figures"][&figure] == u64::from(answers))
    })
}

/// The last rounds, the newest first.
fn rounds(house: &House) -> Vec<Round> {
    let path = house.path("data").join("record.db");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let record = record.await.expect("the record opens");
        let rounds = probe::rounds(&record, &Actor::System("test"), probe::ROUNDS_MAX);
        rounds.await.expect("the record is read")
    })
}

fn ended(house: &House) -> usize {
    let rounds = rounds(house);
    rounds
        .iter()
        .filter(|round| round.lasted_ms().is_some())
        .count()
}

/// What was sent about the alarm path.
fn mails(house: &House) -> usize {
    let sent = fs::read_to_string(house.path("data").join("messages.jsonl"));
    let sent = sent.unwrap_or_default();
    sent.matches("la catena degli allarmi non risponde").count()
}

#[test]
fn whoever_dies_on_the_alarm_path_the_others_say_so_until_it_is_back() {
    let house = centre();
    let mut broker = house.start("centre", "broker", 0);
    broker.wait_for(BROKER_UP, 1);
    let mut ingest = house.start("centre", "ingest", 0);
    ingest.wait_for(INGEST_UP, 1);
    let mut pages = house.start("centre", "dashboard", 0);
    pages.wait_for(PAGES_UP, 1);
    wait_until("two rounds end", || (ended(&house) >= 2).then_some(()));
    for role in ["ingest", "dashboard"] {
        let told = until_path(&house, role, true);
        assert_eq!(told["ready"], true, "{told}");
        let brief = told["brief"].to_string();
        assert!(brief.contains("alarm path answered"), "{brief}");
    }

    // Nothing of it is seen where people look.
    let stored = veglia(&house, "export", &[]);
    assert!(!stored.contains("probe"), "{stored}");
    let figures = &told(&house, "ingest").unwrap()["figures"];
    assert_eq!(figures["veglia_ingest_stored_records_total"], 0);
    let figures = &told(&house, "dashboard").unwrap()["figures"];
    assert_eq!(figures["veglia_dashboard_sent_messages"], 0);
    assert_eq!(mails(&house), 0);

    drop(ingest);
    let told = until_path(&house, "dashboard", false);
    let why = told["why"].to_string();
    assert!(why.contains("its probe does not reach ingest"), "{why}");
    wait_until("the nurse is written to", || {
        (mails(&house) == 1).then_some(())
    });

    let mut ingest = house.start("centre", "ingest", 1);
    ingest.wait_for(INGEST_UP, 1);
    until_path(&house, "dashboard", true);
    pages.wait_for("the alarm path answers again", 1);
    assert_eq!(mails(&house), 1);

    drop(pages);
    until_path(&house, "ingest", false);
    let pages = house.start("centre", "dashboard", 1);
    until_path(&house, "ingest", true);

    // However often it began again, it spoke once in its time.
    let spoken: Vec<i64> = rounds(&house).iter().map(|round| round.began.0).collect();
    let hurried = spoken.windows(2).any(|pair| pair[0] - pair[1] < EVERY_MS);
    assert!(!hurried, "{spoken:?}");
    pages.end();
    ingest.end();
    broker.end();
}
