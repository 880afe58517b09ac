//! Every role says how it is, to machines and to people: ready, or not and why.

#[path = "health/ask.rs"]
mod ask;
#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::{Process, wait_until};
use serde_json::Value;
use tempfile::TempDir;

/// Readings a second of each device.
const HZ: u16 = 5;

/// The one home, and its folder in the data directory.
const HOME: &str = "casa-001";
const BOX: &str = "gateway/casa-001";

/// The roles of a centre, as folders in the data directory.
const CENTRE: [&str; 3] = ["broker", "ingest", "dashboard"];

/// Where operators read what each figure means.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");

#[test]
fn a_centre_and_its_home_are_ready_and_log_no_warning() {
    let house = House::new(1, HZ);
    let homes = house.homes_speak(HZ);
    let centre = house.start("centre", "all", 0);
    for role in CENTRE {
        is_ready(&house, role);
    }
    let mut gateway = house.start(HOME, "gateway", 0);
    gateway.wait_for(PORT_OPEN, PORTS);
    is_ready(&house, BOX);
    let roles = [CENTRE[0], CENTRE[1], CENTRE[2], BOX];
    for role in roles {
        let socket = house.path("data").join(role).join("health.sock");
        let mode = fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{role}");
        assert_eq!(asked(&house, role, "/healthz"), Some((200, "ok\n".into())));
    }

    let (code, said, complaint) = status(&house, &[]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), roles.len(), "{said}");
    for (line, role) in lines.iter().zip(roles) {
        assert!(
            line.starts_with(role) && line.contains("  ready  "),
            "{line}"
        );
    }

    for log in [gateway.end(), centre.end(), homes.end()] {
        let is_loud = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        let loud: Vec<&str> = log.lines().filter(is_loud).collect();
        assert!(loud.is_empty(), "{loud:#?}");
    }
    // What was stopped in order takes its socket with it.
    let (code, said, complaint) = status(&house, &[]);
    assert_eq!((code, said.as_str()), (1, ""));
    assert!(complaint.contains("no role runs in"), "{complaint}");
}

#[test]
fn the_figures_are_those_of_the_document_and_tell_of_nobody() {
    let house = House::new(1, HZ);
    let homes = house.homes_speak(HZ);
    let centre = house.start("centre", "all", 0);
    let mut gateway = house.start(HOME, "gateway", 0);
    gateway.wait_for(PORT_OPEN, PORTS);
    let mut served = BTreeSet::new();
    for role in [CENTRE[0], CENTRE[1], CENTRE[2], BOX] {
        is_ready(&house, role);
        let (own, _) = role.split_once('/').unwrap_or((role, ""));
        // The centre has said something to the box before every figure is there.
        let text = wait_until("every figure is served", || {
            let (status, text) = asked(&house, role, "/metrics")?;
            assert_eq!(status, 200);
            let is_heard = text.contains("veglia_gateway_acknowledgement_age_seconds ");
            (role != BOX || is_heard).then_some(text)
        });
        let figures = ask::figures(&text);
        assert_eq!(
            figures.samples[&format!("veglia_ready{{role=\"{own}\"}}")],
            1.0
        );
        for name in figures.families.keys() {
            let is_own = name.starts_with(&format!("veglia_{own}_"));
            let is_of_all = ["veglia_ready", "veglia_uptime_seconds", "veglia_build_info"];
            assert!(
                is_own || is_of_all.contains(&name.as_str()),
                "{role}: {name}"
            );
        }
        for name in [HOME, "nonin", "veglia:"] {
            assert!(!text.contains(name), "{role} tells of {name}: {text}");
        }
        served.extend(figures.families.into_keys());
    }
    assert_eq!(served, documented());

    // What is stored grows while the home speaks.
    wait_until("records are counted", || {
        let (_, text) = asked(&house, "ingest", "/metrics")?;
        let stored = ask::figures(&text).samples["veglia_ingest_stored_records_total"];
        (stored > 10.0).then_some(())
    });
    gateway.end();
    centre.end();
    homes.end();
}

#[test]
fn an_ingest_whose_broker_was_killed_says_so_until_it_is_back() {
    let house = House::new(1, HZ);
    let mut broker = house.start("centre", "broker", 0);
    broker.wait_for(BROKER_UP, 1);
    let mut ingest = house.start("centre", "ingest", 0);
    ingest.wait_for(INGEST_UP, 1);
    for role in ["broker", "ingest"] {
        is_ready(&house, role);
    }
    assert_eq!(status(&house, &[]).0, 0);

    drop(broker);
    let why = is_unready(&house, "ingest", "no connection to the broker (attempt");
    assert!(why.contains("see that the broker runs"), "{why}");
    let alive = asked(&house, "ingest", "/healthz");
    assert_eq!(alive, Some((200, "ok\n".into())));
    let (code, said, complaint) = status(&house, &[]);
    assert_eq!(code, 1);
    assert!(complaint.contains("2 of 2 roles not ready"), "{complaint}");
    let (killed, cut_off) = said.split_once('\n').expect("two lines");
    assert!(killed.contains("NOT READY  it does not run"), "{killed}");
    assert!(cut_off.contains("no connection to the broker"), "{cut_off}");

    let mut broker = house.start("centre", "broker", 1);
    broker.wait_for(BROKER_UP, 1);
    for role in ["broker", "ingest"] {
        is_ready(&house, role);
    }
    assert_eq!(status(&house, &[]).0, 0);
    ingest.end();
    broker.end();
}

#[test]
fn pages_without_an_ingest_and_a_box_without_a_centre_say_what_they_lack() {
    let house = House::new(1, HZ);
    let pages = house.start("centre", "dashboard", 0);
    let gateway = house.start(HOME, "gateway", 0);
    let why = is_unready(&house, "dashboard", "ingest does not answer");
    assert!(why.contains("see that it runs"), "{why}");
    let why = is_unready(&house, BOX, "no connection to the centre (attempt");
    assert!(why.contains("on the disk, and will be sent"), "{why}");

    let (code, said, complaint) = status(&house, &["--json"]);
    assert_eq!(code, 1);
    assert!(complaint.contains("2 of 2 roles not ready"), "{complaint}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["ready"], false);
    let [dashboard, home] = said["roles"].as_array().unwrap().as_slice() else {
        panic!("two roles: {said}");
    };
    assert_eq!(
        (&dashboard["role"], &dashboard["ready"]),
        (&"dashboard".into(), &false.into())
    );
    assert_eq!(home["role"], BOX);
    let figures = &home["figures"];
    assert_eq!(figures["veglia_gateway_connected"], 0);
    assert!(
        figures["veglia_gateway_outbox_waiting_records"].as_u64() > Some(0),
        "{figures}"
    );
    gateway.end();
    pages.end();
}

#[test]
fn nothing_that_runs_is_said_too() {
    let house = House::new(1, HZ);
    let (code, said, complaint) = status(&house, &["--json"]);
    assert_eq!(code, 1);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, serde_json::json!({ "ready": false, "roles": [] }));
    let data = house.path("data");
    assert!(
        complaint.contains(&data.display().to_string()),
        "{complaint}"
    );
    assert!(complaint.contains("--data"), "{complaint}");
}

#[test]
fn a_role_answers_on_its_address_and_refuses_one_that_others_reach() {
    let house = House::new(1, HZ);
    let file = house.path("centre.toml");
    let sections = fs::read_to_string(&file).unwrap();
    let open = format!("{sections}[health]\nbroker = \"0.0.0.0:19464\"\n");
    fs::write(&file, open).unwrap();
    let mut refused = house.start("centre", "broker", 0);
    let ended = wait_until("it refuses and ends", || refused.ended());
    assert!(!ended.success());
    let said = refused.said();
    for words in [
        "[health] broker",
        "0.0.0.0:19464",
        "127.0.0.1",
        "behind_proxy",
    ] {
        assert!(said.contains(words), "{words} not in: {said}");
    }

    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = port.local_addr().unwrap();
    drop(port);
    let local = format!("{sections}[health]\nbroker = \"{address}\"\n");
    fs::write(&file, local).unwrap();
    let broker = house.start("centre", "broker", 1);
    is_ready(&house, "broker");
    assert_eq!(ask::address(address, "/readyz"), Some((200, "ok\n".into())));
    let (_, text) = ask::address(address, "/metrics").unwrap();
    assert!(
        ask::figures(&text)
            .families
            .contains_key("veglia_broker_sessions")
    );
    broker.end();
}

#[test]
fn a_demonstration_is_asked_like_a_centre_with_its_homes() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let veglia = |command: &str| {
        let mut veglia = Command::new(env!("CARGO_BIN_EXE_veglia"));
        veglia.arg("--data").arg(&data).arg(command);
        veglia.env("NO_COLOR", "1").env_remove("RUST_LOG");
        veglia
    };
    let mut demo = veglia("demo");
    demo.args(["--listen", "127.0.0.1:0", "--homes", "2"]);
    let demo = Process::start(&mut demo, &dir.path().join("log"));
    let said = wait_until("every role of the demonstration is ready", || {
        let Output { status, stdout, .. } = veglia("status").output().unwrap();
        let said = String::from_utf8(stdout).unwrap();
        (status.success() && said.lines().count() == 5).then_some(said)
    });
    let roles: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let homes = ["gateway/casa-001", "gateway/casa-002"];
    assert_eq!(roles, [&CENTRE[..], &homes].concat());
    demo.end();
}

fn asked(house: &House, role: &str, route: &str) -> Option<(u16, String)> {
    let socket = house.path("data").join(role).join("health.sock");
    ask::socket(&socket, route)
}

/// Waits until a role says that it is ready.
fn is_ready(house: &House, role: &str) {
    wait_until(&format!("{role} is ready"), || {
        (asked(house, role, "/readyz")? == (200, "ok\n".into())).then_some(())
    });
}

/// Waits until a role says that it is not ready, with these words among others.
fn is_unready(house: &House, role: &str, words: &str) -> String {
    wait_until(&format!("{role} says {words:?}"), || {
        let (status, why) = asked(house, role, "/readyz")?;
        (status == 503 && why.contains(words)).then_some(why)
    })
}

/// What `veglia status` ends with, says, and complains of.
fn status(house: &House, arguments: &[&str]) -> (i32, String, String) {
    let mut command = house.veglia("centre", "status");
    let done = command.args(arguments).output().expect("it can be started");
    let text = |bytes| String::from_utf8(bytes).expect("it says text");
    let code = done.status.code().expect("it ends by itself");
    (code, text(done.stdout), text(done.stderr))
}

/// The figures in the table of the document, without the suffix of counters and their labels, and
/// without those of a broker that is not behind this door.
fn documented() -> BTreeSet<String> {
    let document = fs::read_to_string(DOCUMENT).expect("there is a document");
    let is_here = |line: &&str| {
        !line.contains("with another broker behind") && !line.contains("where InfluxDB is fed")
    };
    let rows = document.lines().filter(is_here);
    let rows = rows.filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split(['`', '{']).next());
    let figures = names.filter(|name| name.starts_with("veglia_"));
    let family = |name: &str| name.strip_suffix("_total").unwrap_or(name).to_owned();
    figures.map(family).collect()
}
