//! Readings go to InfluxDB as well: true processes, a server that fails, an ingest that is
//! killed; then what the server was given is compared, value by value, with `veglia export`.
// req: G6

#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;
#[path = "influx/sink.rs"]
mod sink;

use std::fs;
use std::process::{Command, Output};

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::wait_until;
use sink::{Readings, Sink};

/// Readings a second of each device.
const HZ: u16 = 20;

/// Moments at which something was measured that are waited for in each part of the story.
const SOME: usize = 300;

const TOKEN: &str = "s3cr3t-t0ken==";

#[test]
fn the_server_has_what_the_export_has_whoever_was_away_or_killed() {
    let house = House::new(2, HZ);
    let sink = Sink::start();
    tell_of(&house, &sink);
    let mut broker = house.start("centre", "broker", 1);
    broker.wait_for(BROKER_UP, 1);
    let mut ingest = house.start("centre", "ingest", 1);
    ingest.wait_for(INGEST_UP, 1);
    let homes = house.homes_speak(HZ);
    let mut gateways = Vec::new();
    for home in &house.homes {
        let mut gateway = house.start(&home.name, "gateway", 1);
        gateway.wait_for(PORT_OPEN, PORTS);
        gateways.push(gateway);
    }
    wait_until("readings arrive", || {
        (sink.readings().len() > SOME).then_some(())
    });

    sink.away(true);
    let begun = exported(&house).expect("ingest runs").len();
    wait_until("ingest stores while the server fails", || {
        let stored = exported(&house)?.len();
        (stored > begun + SOME && sink.refused() > 3).then_some(())
    });
    let told = house
        .veglia("centre", "status")
        .output()
        .expect("it starts");
    let told = String::from_utf8(told.stdout).expect("a status is text");
    assert!(
        told.contains("InfluxDB") && told.contains("behind"),
        "{told}"
    );
    drop(ingest);
    sink.away(false);
    let mut ingest = house.start("centre", "ingest", 2);
    ingest.wait_for(INGEST_UP, 1);
    let begun = exported(&house).expect("ingest runs").len();
    wait_until("what waited arrives, and more", || {
        (sink.readings().len() > begun + SOME).then_some(())
    });

    homes.end();
    let all = same_on_both_sides(&house, &sink);
    assert!(all.len() > 3 * SOME);

    // The server is lost, disk and all.
    ingest.end();
    sink.forget();
    let rewound = house
        .veglia("centre", "influx")
        .args(["rewind", "--to", "6h"])
        .output();
    let Output {
        status,
        stdout,
        stderr,
    } = rewound.expect("the program can be started");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    assert!(String::from_utf8_lossy(&stdout).starts_with("InfluxDB is fed from entry 1 on"));
    let mut ingest = house.start("centre", "ingest", 3);
    ingest.wait_for(INGEST_UP, 1);
    let again = same_on_both_sides(&house, &sink);
    assert!(
        all.iter()
            .all(|(key, reading)| again.get(key) == Some(reading))
    );
    let said = ingest.end();
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn a_section_that_cannot_work_is_refused_with_a_sentence() {
    let house = House::new(1, HZ);
    let sink = Sink::start();
    tell_of(&house, &sink);
    let file = house.path("centre.toml");
    let right = fs::read_to_string(&file).unwrap();
    let port = sink.address.port();
    for (from, to, says) in [
        (
            format!("http://127.0.0.1:{port}"),
            "http://influx:8086",
            "unencrypted",
        ),
        (
            format!(":{port}\""),
            ":8086/influx\"",
            "may hold only scheme, host and port",
        ),
        ("bucket".into(), "buckets", "unknown field `buckets`"),
        (
            "influxdb.token".into(),
            "no.token",
            "cannot read token_file",
        ),
    ] {
        fs::write(&file, right.replace(&from, to)).unwrap();
        let mut command: Command = house.veglia("centre", "ingest");
        let Output { status, stderr, .. } = command.output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert!(!status.success() && said.contains(says), "{said}");
    }
}

/// Adds the section to the centre's configuration, as its template shows it.
fn tell_of(house: &House, sink: &Sink) {
    let token_file = house.path("influxdb.token");
    fs::write(&token_file, TOKEN).expect("a file can be written");
    let template = house
        .veglia("centre", "config")
        .output()
        .expect("it starts");
    let template = String::from_utf8(template.stdout).expect("a template is text");
    let commented = template.split_once("# [ingest.influxdb]\n");
    let (_, commented) = commented.expect("the template shows the section");
    let mut section = String::from("[ingest.influxdb]\n");
    for line in commented.lines().map_while(|line| line.strip_prefix("# ")) {
        section += &match line.split_once(" = ") {
            Some(("url", _)) => format!("url = \"http://{}\"\n", sink.address),
            Some(("token_file", _)) => format!("token_file = {token_file:?}\n"),
            Some(("authority_file", _)) | None => continue,
            Some(_) => format!("{line}\n"),
        };
    }
    let file = house.path("centre.toml");
    let centre = fs::read_to_string(&file).expect("the house is configured");
    fs::write(&file, centre + &section).expect("a file can be written");
}

/// Waits until nothing new is stored and the server has as much; then both must be equal.
fn same_on_both_sides(house: &House, sink: &Sink) -> Readings {
    let (stored, given) = wait_until("the server has as much as the export", || {
        let before = exported(house)?;
        let given = sink.readings();
        let after = exported(house)?;
        let is_still = before.len() == after.len() && given.len() == after.len();
        is_still.then_some((after, given))
    });
    assert_eq!(given, stored);
    stored
}

/// Everything that is stored; none while ingest cannot be asked.
fn exported(house: &House) -> Option<Readings> {
    let Output { status, stdout, .. } = house
        .veglia("centre", "export")
        .output()
        .expect("it starts");
    let csv = String::from_utf8(stdout).expect("an export is text");
    let mut readings = Readings::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [device, vital, at, value, quality] = fields[..] else {
            panic!("a line of the export has five fields: {line}");
        };
        let key = (
            device.to_owned(),
            vital.to_owned(),
            at.parse().expect("a time"),
        );
        let reading = (value.to_owned(), quality.to_owned());
        readings.entry(key).or_default().insert(reading);
    }
    status.success().then_some(readings)
}
