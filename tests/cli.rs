//! What the program says to the person at the terminal: bad input has a clear answer, and a good
//! day has none.
// req: G2

#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::{Process, wait_until};
use veglia_wire::frame::crc32c;

/// Readings a second of each device.
const HZ: u16 = 5;

/// The one home.
const HOME: &str = "casa-001";

/// Files of a test are its own.
const READABLE: &str = "a file of this test can be read and written";

/// Ten seconds of two devices.
const TEN_SECONDS: usize = 100;

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_its_line() {
    let house = House::new(1, HZ);
    fs::write(house.path("centre.toml"), "[gateway]\nbrocker = \"x\"\n").unwrap();
    refused(
        &house,
        "centre",
        "gateway",
        &["centre.toml", "line 2", "`brocker`"],
    );
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let house = House::new(1, HZ);
    refused(
        &house,
        "nowhere",
        "broker",
        &["nowhere.toml", "No such file"],
    );
}

#[test]
fn a_port_in_use_is_named() {
    let house = House::new(1, HZ);
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    amend(
        &house,
        "centre",
        &format!("[broker]\nlisten = \"{taken}\"\n"),
    );
    refused(
        &house,
        "centre",
        "broker",
        &[&taken.to_string(), "choose another port"],
    );
}

#[test]
fn a_listener_that_others_could_reach_needs_tls() {
    let house = House::new(1, HZ);
    amend(&house, "centre", "[broker]\nlisten = \"0.0.0.0:18830\"\n");
    refused(
        &house,
        "centre",
        "broker",
        &["0.0.0.0:18830", "TLS", "127.0.0.1"],
    );
}

#[test]
fn a_directory_that_another_process_holds_is_left_alone() {
    let house = House::new(1, HZ);
    let mut broker = house.start("centre", "broker", 0);
    broker.wait_for(BROKER_UP, 1);
    refused(
        &house,
        "centre",
        "broker",
        &["data/broker", "another process", "--data"],
    );
    broker.end();
}

#[test]
fn a_missing_secret_is_named_with_the_way_to_make_one() {
    let house = House::new(1, HZ);
    fs::remove_file(house.path("casa-001.secret")).unwrap();
    fs::remove_file(house.path("ingest.secret")).unwrap();
    refused(
        &house,
        HOME,
        "gateway",
        &["casa-001.secret", "veglia identity gateway"],
    );
    refused(
        &house,
        "centre",
        "ingest",
        &["ingest.secret", "veglia identity ingest"],
    );
}

#[test]
fn a_journal_of_a_newer_format_is_refused_and_left_alone() {
    let house = House::new(1, HZ);
    for (configuration, role, journal, up) in [
        (
            HOME,
            "gateway",
            "data/gateway/casa-001/outbox/journal",
            "no connection",
        ),
        ("centre", "ingest", "data/ingest/journal", "no connection"),
    ] {
        let mut process = house.start(configuration, role, 0);
        process.wait_for(up, 1);
        process.end();
        let segment = make_newer(&house.path(journal));
        let before = fs::read(&segment).unwrap();
        refused(
            &house,
            configuration,
            role,
            &[&file_name(&segment), "format 2", "newer version"],
        );
        assert_eq!(fs::read(&segment).unwrap(), before);
    }
}

#[test]
fn a_gateway_stays_up_without_its_devices_and_says_which() {
    let house = House::new(1, HZ);
    fs::write(house.path("ports/casa-001-conta-2"), "not a line").unwrap();
    let mut gateway = house.start(HOME, "gateway", 0);
    gateway.wait_for(
        "cannot open the port; check that the device is plugged in",
        PORTS,
    );
    let said = gateway.end();
    assert!(
        said.contains("casa-001-conta-1") && said.contains("No such file"),
        "{said}"
    );
    assert!(
        said.contains("casa-001-conta-2") && said.contains("Not a typewriter"),
        "{said}"
    );
}

#[test]
fn a_capture_is_decoded_to_its_end_whatever_is_in_it() {
    let house = House::new(1, HZ);
    let capture = house.path("capture");
    let bytes = [
        &[0x80, 72, 97, 0x20, 0x80, 73, 96, 0x20][..],
        &[1, 2, 0x85],
        &[0x80, 72, 97, 0x20, 0x80, 73, 96, 0x20],
        &[0x80, 72],
    ];
    fs::write(&capture, bytes.concat()).unwrap();
    let mut command = house.veglia("centre", "decode");
    let Output {
        status,
        stdout,
        stderr,
    } = command.arg("nonin-8").arg(&capture).output().unwrap();
    assert!(status.success(), "{status}");
    let first =
        r#"{"protocol":"nonin-8","spo2_percent":97,"pulse_per_minute":72,"flags":["smart-point"]}"#;
    let second =
        r#"{"protocol":"nonin-8","spo2_percent":96,"pulse_per_minute":73,"flags":["smart-point"]}"#;
    let frames: Vec<&str> = std::str::from_utf8(&stdout).unwrap().lines().collect();
    assert_eq!(frames, [first, second, first, second]);
    let noise = "noise: these bytes do not have the shape of a frame; check cable and line speed";
    let told: Vec<&str> = std::str::from_utf8(&stderr).unwrap().lines().collect();
    assert_eq!(
        told,
        [
            &format!(r#"{{"rejected":"{noise}","offset":8,"bytes":"010285"}}"#),
            &format!(r#"{{"rejected":"{noise}","offset":19,"bytes":"8048"}}"#),
            "4 frames, 2 rejects, 21 bytes",
        ]
    );
}

#[test]
fn bluetooth_values_are_decoded_from_lines_of_digits_and_so_are_streams() {
    let house = House::new(1, HZ);
    let capture = house.path("capture");
    let decode = |arguments: &[&str], text: &str| {
        fs::write(&capture, text).unwrap();
        let mut command = house.veglia("centre", "decode");
        let Output { stdout, stderr, .. } = command.args(arguments).arg(&capture).output().unwrap();
        let lines = |bytes: Vec<u8>| -> Vec<String> {
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(str::to_owned).collect()
        };
        (lines(stdout), lines(stderr))
    };
    let values = "06 b00e00fe dc070c050b321b 04\n\n06B00E00FEDC070C050B321B\n";
    let (frames, told) = decode(&["thermometer"], values);
    let frame = [
        r#"{"protocol":"thermometer","celsius_hundredths":3760,"shown_in_fahrenheit":false,"#,
        r#""time":"2012-12-05T11:50:27","site":4}"#,
    ];
    assert_eq!(frames, [frame.concat()]);
    let short = "the frame has not the length of its kind";
    assert_eq!(
        told,
        [
            &format!(r#"{{"rejected":"{short}","offset":13,"bytes":"06b00e00fedc070c050b321b"}}"#),
            "1 frames, 1 rejects, 25 bytes",
        ]
    );

    let second = "804861\n2080 496020\n";
    let (frames, told) = decode(&["nonin-8", "--hex"], second);
    assert_eq!(frames.len(), 2);
    assert_eq!(told, ["2 frames, 0 rejects, 8 bytes"]);

    let (_, told) = decode(&["thermometer"], "06b00e00fe\nnot digits\n");
    let fault = told.join("\n");
    assert!(fault.contains("line 2 is not hexadecimal"), "{fault}");
    let (_, told) = decode(&["jumper"], "813\n");
    assert!(told.join("\n").contains("line 1 is not hexadecimal"));
    let (_, told) = decode(&["jumper"], &"81".repeat(5_000));
    assert!(
        told.join("\n")
            .contains("line 1 is longer than 4096 characters")
    );
}

#[test]
fn a_device_that_cannot_be_read_is_refused_with_the_reason() {
    let house = House::new(1, HZ);
    let mut command = house.veglia("centre", "decode");
    let refused = answer(&house, command.arg("ihealth"));
    says(&refused, &["ihealth cannot be read", "encrypted"]);
}

#[test]
fn a_capture_that_is_not_there_and_a_protocol_that_does_not_exist_are_named() {
    let house = House::new(1, HZ);
    let decode = |arguments: &[&str]| {
        let mut command = house.veglia("centre", "decode");
        command.args(arguments);
        answer(&house, &mut command)
    };
    says(&decode(&["node", "nowhere"]), &["nowhere", "No such file"]);
    says(
        &decode(&["morse", "nowhere"]),
        &["morse", "nonin-8", "node"],
    );
}

#[test]
fn an_export_without_an_ingest_says_so() {
    let house = House::new(1, HZ);
    refused(&house, "centre", "export", &["ingest", "see that it runs"]);
}

#[test]
fn a_healthy_run_logs_no_warning() {
    let house = House::new(1, HZ);
    let homes = house.homes_speak(HZ);
    let started = [
        ("centre", "broker", BROKER_UP, 1),
        ("centre", "ingest", INGEST_UP, 1),
        (HOME, "gateway", PORT_OPEN, PORTS),
    ];
    let running = started.map(|(configuration, role, up, times)| {
        let mut process = house.start(configuration, role, 0);
        process.wait_for(up, times);
        process
    });
    wait_until("the devices speak for ten seconds", || {
        let spoken = fs::read_to_string(house.spoken()).ok()?;
        (spoken.lines().count() >= TEN_SECONDS).then_some(())
    });
    let mut said: Vec<String> = running.into_iter().rev().map(Process::end).collect();
    said.push(homes.end());
    for log in said {
        let is_loud = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        let loud: Vec<&str> = log.lines().filter(is_loud).collect();
        assert!(loud.is_empty(), "{loud:#?}");
        assert!(!log.is_empty(), "a role says at least that it is up");
    }
}

/// Runs a role that must refuse, and looks for each of `words` in what it says.
fn refused(house: &House, configuration: &str, role: &str, words: &[&str]) {
    let mut command = house.veglia(configuration, role);
    says(&answer(house, &mut command), words);
}

/// What a command says that must fail by itself: an answer, and no trace of a breakdown.
fn answer(house: &House, command: &mut Command) -> String {
    command.env("RUST_BACKTRACE", "1");
    let mut process = Process::start(command, &house.path("logs/refused"));
    let status = wait_until("it refuses and ends", || process.ended());
    let said = process.said();
    assert!(
        !status.success() && status.code().is_some(),
        "{status}: {said}"
    );
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{said}"
    );
    said
}

fn says(said: &str, words: &[&str]) {
    let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} not in: {said}");
}

/// Adds to a configuration, in place of the section of the same name.
fn amend(house: &House, configuration: &str, section: &str) {
    let file = house.path(&format!("{configuration}.toml"));
    let text = fs::read_to_string(&file).expect(READABLE);
    let data = text.lines().next().unwrap_or_default();
    fs::write(&file, format!("{data}\n{section}")).expect(READABLE);
}

/// Gives the journal's first segment the version after ours, with a true checksum.
fn make_newer(journal: &Path) -> PathBuf {
    let files = fs::read_dir(journal)
        .expect(READABLE)
        .map(|file| file.expect(READABLE).path());
    let segment = files.min().expect("a journal has a segment");
    let mut bytes = fs::read(&segment).expect(READABLE);
    bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
    let crc = crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    fs::write(&segment, bytes).expect(READABLE);
    segment
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
