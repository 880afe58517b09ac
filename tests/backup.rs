//! A backup is taken while everything runs, the centre is destroyed, and the backup put in its
//! place: what it holds is there once, the gateways go on, and what they still hold comes again.

// req: G4

#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;
#[path = "support/readings.rs"]
mod readings;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::{Process, wait_until};
use readings::{Compared, Run, Stored, compare};
use veglia_homes::Home;
use veglia_link::{Outbox, OutboxOptions};
use veglia_store::{Actor, Database, Purpose};
use veglia_wire::{Body, Boot, MonoMs, Record, WallMs, When};

/// The first has a patient, who is flagged: the devices count up from a saturation of 70 %. What
/// the second measures is nobody's, and is kept all the same.
const HOMES: usize = 2;

/// Readings a second of each device.
const HZ: u16 = 10;

/// Readings of each device before the backup, and again after it.
const ENOUGH: usize = 60;

/// Frames of a demonstration before its backup.
const FRAMES: usize = 100;

#[test]
fn what_a_backup_holds_is_there_once_and_the_gateways_go_on() {
    let house = House::new(HOMES, HZ);
    let (data, backup) = (house.path("data"), house.path("backup"));
    let centre = start_centre(&house, 0);
    admit_patient(&house);
    let homes = house.homes_speak(HZ);
    let gateways: Vec<Process> = house
        .homes
        .iter()
        .map(|home| start_gateway(&house, home, 0))
        .collect();
    let known = wait_until("readings and flags are stored", || {
        let known = stored(&house, &data)?;
        let enough = known.len() == HOMES * PORTS && known.values().all(|it| it.len() > ENOUGH);
        (enough && !flags(&data).is_empty()).then_some(known)
    });
    let flagged = flags(&data);

    expect_a_box(&house);
    let expected = enrolment_files(&data);
    said_well(house.veglia("centre", "backup").arg("--to").arg(&backup));
    let mode = fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "it holds names and secrets");
    assert_eq!(enrolment_files(&backup), expected);
    wait_until("more is stored than the backup has", || {
        let now = stored(&house, &data)?;
        let more = |(id, old): (&String, &Vec<Stored>)| now[id].len() > old.len() + ENOUGH;
        known.iter().all(more).then_some(())
    });
    drop(centre);
    destroy(&data);

    holds(&house, &backup, &known);
    assert_contains(&flags(&backup), &flagged);

    copy_folder(&backup, &data);
    let centre = start_centre(&house, 1);
    wait_until("the gateways go on", || {
        let now = stored(&house, &data)?;
        let more = |(id, old): (&String, &Vec<Stored>)| now[id].len() > old.len() + 3 * ENOUGH;
        known.iter().all(more).then_some(())
    });
    homes.end();
    let spoken = readings::spoken(&house.spoken());
    wait_until("all that the outboxes still hold has come again", || {
        let now = stored(&house, &data)?;
        let whole = |(id, spoken): (&String, &Vec<_>)| missing(spoken, &now[id]).is_empty();
        spoken.iter().all(whole).then_some(())
    });
    assert_contains(&flags(&data), &flagged);
    gateways.into_iter().for_each(|gateway| drop(gateway.end()));
    centre.into_iter().rev().for_each(|role| drop(role.end()));
}

#[test]
fn what_no_gateway_has_any_more_is_written_down_as_lost_and_nothing_waits_for_it() {
    let house = House::new(1, HZ);
    let (data, backup) = (house.path("data"), house.path("backup"));
    let centre = start_centre(&house, 0);
    let homes = house.homes_speak(HZ);
    let gateway = start_gateway(&house, &house.homes[0], 0);
    let known = wait_until_more(&house, &BTreeMap::new());
    expect_a_box(&house);
    said_well(house.veglia("centre", "backup").arg("--to").arg(&backup));
    wait_until_more(&house, &known);

    gateway.end();
    let outbox = data.join("gateway/casa-001/outbox");
    begin_segment(&outbox);
    let gateway = start_gateway(&house, &house.homes[0], 1);
    let first = outbox.join("journal/00000000000000000001.log");
    wait_until("the gateway deletes what is confirmed", || {
        (!first.exists()).then_some(())
    });
    drop(centre);
    destroy(&data);
    copy_folder(&backup, &data);
    let [broker, mut ingest] = start_centre(&house, 1);
    ingest.wait_for("records are lost", 1);
    wait_until_more(&house, &wait_until_more(&house, &BTreeMap::new()));

    homes.end();
    let spoken = readings::spoken(&house.spoken());
    wait_until("only one piece is missing", || {
        let now = stored(&house, &data)?;
        let one = |(id, spoken): (&String, &Vec<_>)| missing(spoken, &now[id]).len() == 1;
        spoken.iter().all(one).then_some(())
    });
    gateway.end();
    ingest.end();
    broker.end();
}

#[test]
fn the_backup_of_a_demonstration_is_a_demonstration_that_goes_on() {
    let house = House::new(0, HZ);
    let (data, backup) = (house.path("demo"), house.path("backup"));
    let arguments = ["--homes", "3", "--listen", "127.0.0.1:0"];
    let demo = |data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        command.arg("--data").arg(data).arg("demo").args(arguments);
        command
    };
    let mut first = Process::start(&mut demo(&data), &house.path("logs/demo"));
    first.wait_for("password", 1);
    let password = line_with(&first.said(), "password");
    wait_until("the homes speak", || {
        let spoken = fs::read_to_string(data.join("spoken.jsonl")).ok()?;
        (spoken.lines().count() > FRAMES).then_some(())
    });
    let mut command = house.veglia("centre", "backup");
    said_well(command.arg("--data").arg(&data).arg("--to").arg(&backup));
    drop(first);
    fs::remove_dir_all(&data).unwrap();

    // Care time is written down now and then, so that the first readings to be counted may be
    // some of the run before: what is judged here is loss.
    let summary = house.path("summary.json");
    let mut second = demo(&backup);
    second.args(["--for", "4s", "--summary"]).arg(&summary);
    let said = second.output().expect("the program can be started").stdout;
    let said = String::from_utf8(said).expect("it says text");
    assert_eq!(line_with(&said, "password"), password);
    let figures = fs::read(&summary).expect("the demonstration came to its end");
    let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
    assert_eq!(figures["readings"]["lost"], 0, "{said}");
    assert!(figures["readings"]["stored"].as_u64() > Some(0), "{said}");
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing_and_says_why() {
    let house = House::new(0, HZ);
    let backup = |to: &str| {
        let mut command = house.veglia("centre", "backup");
        let done = command.arg("--to").arg(house.path(to)).output().unwrap();
        assert!(!done.status.success());
        String::from_utf8(done.stderr).unwrap()
    };
    let said = backup("new");
    assert!(
        said.contains("no record.db") && said.contains("--data"),
        "{said}"
    );
    fs::write(
        house.path("data/record.db"),
        "not a database, and long enough",
    )
    .unwrap();
    let said = backup("logs");
    assert!(said.contains("there already"), "{said}");
    let said = backup("new");
    assert!(
        said.contains("there is no backup") && said.contains("record.db"),
        "{said}"
    );
    assert!(!house.path("new").exists() && !house.path("new.part").exists());
}

fn start_centre(house: &House, life: usize) -> [Process; 2] {
    [("broker", BROKER_UP), ("ingest", INGEST_UP)].map(|(role, up)| {
        let mut process = house.start("centre", role, life);
        process.wait_for(up, 1);
        process
    })
}

fn start_gateway(house: &House, home: &Home, life: usize) -> Process {
    let mut gateway = house.start(&home.name, "gateway", life);
    gateway.wait_for(PORT_OPEN, PORTS);
    gateway
}

/// Waits until every device has more stored than was `known`; what is stored then.
fn wait_until_more(
    house: &House,
    known: &BTreeMap<String, Vec<Stored>>,
) -> BTreeMap<String, Vec<Stored>> {
    wait_until("more is stored", || {
        let now = stored(house, &house.path("data"))?;
        let more = |(id, now): (&String, &Vec<Stored>)| {
            now.len() > known.get(id).map_or(0, Vec::len) + ENOUGH
        };
        let enough = now.len() == house.homes.len() * PORTS && now.iter().all(more);
        enough.then_some(now)
    })
}

/// The centre's disk is gone. What lies there of gateways is in truth at home.
fn destroy(data: &Path) {
    fs::remove_dir_all(data.join("ingest")).expect("it is there");
    for file in ["identities.toml", "enrolments.toml"] {
        fs::remove_file(data.join(file)).expect("it is there");
    }
    fs::remove_dir_all(data.join("ca")).expect("it is there");
    for file in ["record.db", "record.db-wal", "record.db-shm"] {
        fs::remove_file(data.join(file)).expect("it is there");
    }
}

/// An authority, and a code for a box that has not come yet.
fn expect_a_box(house: &House) {
    said_well(
        house
            .veglia("centre", "ca")
            .args(["init", "--name", "prova"]),
    );
    said_well(
        house
            .veglia("centre", "identity")
            .args(["gateway", "attesa", "--code"]),
    );
}

/// What brings boxes in, with who may read it.
fn enrolment_files(data: &Path) -> Vec<(Vec<u8>, u32)> {
    let files = ["ca/authority.pem", "ca/authority.key", "enrolments.toml"];
    let files = files.map(|file| {
        let path = data.join(file);
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        (fs::read(path).expect("it can be read"), mode)
    });
    files.into()
}

/// Lets a gateway that does not run have a new segment in its outbox, as after a mebibyte of
/// readings: the one before goes when all of it is confirmed.
fn begin_segment(outbox: &Path) {
    let options = OutboxOptions {
        segment_bytes: 1,
        ..OutboxOptions::default()
    };
    let when = When {
        boot: Boot(1),
        mono: MonoMs(0),
        wall: None,
        device: None,
    };
    let record = Record {
        device: None,
        when,
        body: Body::Clock,
    };
    tokio::runtime::Runtime::new()
        .expect("a runtime can be made")
        .block_on(async {
            let outbox = Outbox::open(outbox, options).expect("it can be opened");
            outbox
                .append(vec![record])
                .await
                .expect("it takes a record");
            outbox.close().await;
        });
}

/// The patient of the first home, by the commands that a person would type.
fn admit_patient(house: &House) {
    let veglia = |command: &str, arguments: &[&str]| {
        said_well(house.veglia("centre", command).args(arguments))
    };
    let person = [
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
    let patient = veglia("patient", &person);
    let patient = patient.trim();
    veglia("plan", &["set", patient]);
    for device in &house.homes[0].devices {
        veglia(
            "device",
            &["assign", device.id.as_str(), "--patient", patient],
        );
    }
}

/// Runs a command that must succeed; what it said on standard output.
fn said_well(command: &mut Command) -> String {
    let done = command.output().expect("the program can be started");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).expect("it says text")
}

fn line_with(text: &str, word: &str) -> String {
    let line = text.lines().find(|line| line.contains(word));
    line.expect("it says so").to_owned()
}

fn stored(house: &House, data: &Path) -> Option<BTreeMap<String, Vec<Stored>>> {
    readings::stored(house, data)
}

/// An ingest of its own on a copy of the backup, with no broker to hear: all that was known
/// before the backup is there, in one piece without a hole.
fn holds(house: &House, backup: &Path, known: &BTreeMap<String, Vec<Stored>>) {
    let looked = house.path("looked");
    copy_folder(backup, &looked);
    let mut command = house.veglia("centre", "ingest");
    let ingest = Process::start(
        command.arg("--data").arg(&looked),
        &house.path("logs/looked"),
    );
    let held = wait_until("an ingest reads the backup", || {
        let held = stored(house, &looked)?;
        let all = |(id, old): (&String, &Vec<Stored>)| {
            held.get(id).is_some_and(|held| held.len() >= old.len())
        };
        known.iter().all(all).then_some(held)
    });
    ingest.end();
    let spoken = readings::spoken(&house.spoken());
    for (id, stored) in &held {
        let last = stored.last().expect("a series is not empty").measured_ms;
        let holes = missing(&spoken[id], stored);
        let inside: Vec<_> = holes.iter().filter(|run| run.from_ms < last).collect();
        assert!(inside.is_empty(), "{id} misses {inside:?}");
    }
}

/// What was heard after a device's first stored reading and is not stored. Before it nobody had
/// opened the port.
fn missing(spoken: &[readings::Spoken], stored: &[Stored]) -> Vec<Run> {
    let Compared {
        missing,
        doubled,
        foreign,
        ..
    } = compare(spoken, stored);
    assert_eq!(
        (doubled, foreign),
        (vec![], vec![]),
        "each reading is stored once"
    );
    let first = stored.first().map_or(i64::MAX, |it| it.measured_ms);
    let unexcused = |run: &Run| run.heard > 0 && run.to_ms > first;
    missing.into_iter().filter(unexcused).collect()
}

/// The names of all flags in a data directory's record.
fn flags(data: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let path = data.join("record.db");
        let schemas = [veglia_diary::SCHEMA];
        let record = Database::open(&path, Purpose::Record, &schemas)
            .await
            .expect("the record can be read");
        let actor = Actor::System("test");
        let raised = veglia_diary::flags_raised(&record, &actor, WallMs(0))
            .await
            .expect("the record can be read");
        record.close().await.expect("it can be closed");
        raised.iter().map(|it| it.flag.id.to_string()).collect()
    })
}

/// Every flag of `some` is among `all`, once.
fn assert_contains(all: &[String], some: &[String]) {
    for flag in some {
        let times = all.iter().filter(|it| *it == flag).count();
        assert_eq!(times, 1, "{flag} is in the diary once");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let entry = entry.expect("it can be listed");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).expect("it can be copied");
        }
    }
}
