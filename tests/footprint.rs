//! A gateway is small: it must run for years on whatever box a home has, from a memory card that
//! every write wears out, over a line that is paid by the megabyte.
//!
//! Sizes are asserted, times are only told: `cargo test --release --test footprint -- --nocapture`
//! gives the figures of `docs/performance.md`. `VEGLIA_FOOTPRINT_SECONDS` says how long is
//! measured (20 without it).
// req: G2

#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::{announce, wait_until};

/// Homes whose devices hang on the one box.
const HOMES: usize = 2;

/// Resident memory of a gateway with four devices, the pages of the program included, in kilobytes.
const RESIDENT_KB: u64 = 20 * 1024;

/// How much of it may be its own, whatever the build.
const OWN_KB: u64 = 8 * 1024;

/// Readings until anything is measured: enough that every part of it has worked.
const READINGS: usize = 40;

/// Bytes that four devices at 1 Hz may cause to be written to the disk in a day. Measured are 229
/// to 342 MB: a commit every two seconds, whose records lie in one page or across two. Half as much
/// again is left for a short run, in which the marks and a segment's beginning weigh more.
const WRITTEN_A_DAY: u64 = 500_000_000;

/// Bytes of messages that they may cause in a month of 30 days. Measured are 424 MB: a frame every
/// two seconds. Half as much again is left for a state that is said more often at the beginning.
const SENT_A_MONTH: u64 = 640_000_000;

const DAY_SECONDS: u64 = 86_400;

/// What is counted of a process, at one moment.
#[derive(Debug, Clone, Copy)]
struct Counted {
    at: Instant,
    written_bytes: u64,
    sent_bytes: u64,
    cpu_ticks: u64,
}

#[test]
fn a_gateway_with_four_devices_is_small_and_spares_disk_and_line() {
    let house = House::new(HOMES, 1);
    let (first, second) = (&house.homes[0].name, &house.homes[1].name);
    all_on_one(&house, first, second);
    let mut broker = house.start("centre", "broker", 0);
    broker.wait_for(BROKER_UP, 1);
    let mut ingest = house.start("centre", "ingest", 0);
    ingest.wait_for(INGEST_UP, 1);
    let homes = house.homes_speak(1);
    let mut gateway = house.start(first, "gateway", 0);
    gateway.wait_for(PORT_OPEN, HOMES * PORTS);
    wait_until("the devices speak", || {
        let spoken = fs::read_to_string(house.spoken()).unwrap_or_default();
        (spoken.lines().count() >= READINGS).then_some(())
    });
    let seconds = env::var("VEGLIA_FOOTPRINT_SECONDS").ok();
    let seconds = seconds.and_then(|it| it.parse().ok()).unwrap_or(20);
    let before = Counted::of(&house, gateway.id());
    thread::sleep(Duration::from_secs(seconds));
    let after = Counted::of(&house, gateway.id());

    let (own, resident) = (
        kilobytes(gateway.id(), "RssAnon:"),
        kilobytes(gateway.id(), "VmRSS:"),
    );
    let (written, sent) = after.rates_since(&before);
    let month = sent * 30;
    announce(&format!(
        "gateway with four devices at 1 Hz: {resident} kB resident, {own} kB of its own; {} of \
         one core; {} MB written to the disk in a day; {} MB sent in a month (for each of two \
         patients {} MB), without TLS and TCP",
        after.cpu_since(&before),
        written / 1_000_000,
        month / 1_000_000,
        month / 2_000_000,
    ));
    assert!((1..OWN_KB).contains(&own), "{own} kB of its own");
    // Without optimisation the program's own pages are most of it.
    assert!(
        cfg!(debug_assertions) || resident < RESIDENT_KB,
        "{resident} kB resident"
    );
    assert!((1..WRITTEN_A_DAY).contains(&written), "{written} in a day");
    assert!((1..SENT_A_MONTH).contains(&month), "{month} in a month");
    homes.end();
    gateway.end();
    ingest.end();
    broker.end();
}

/// Hangs the devices of both homes on the box of the first, which writes as a box does.
fn all_on_one(house: &House, first: &str, second: &str) {
    let configuration = |home: &str| {
        let file = house.path(&format!("{home}.toml"));
        let text = fs::read_to_string(&file).expect("the house is configured");
        (file, text)
    };
    let (file, mut text) = configuration(first);
    let (_, other) = configuration(second);
    let ports = other.find("[[gateway.port]]").expect("it has ports");
    text += &other[ports..];
    let text = text.replace("commit_ms = 0\n", "");
    fs::write(file, text).expect("the house can be configured");
}

impl Counted {
    fn of(house: &House, process: u32) -> Self {
        let io = proc_file(process, "io");
        let stat = proc_file(process, "stat");
        // The name in brackets may hold spaces; behind it the third field is the state.
        let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 1..]
            .split_whitespace()
            .collect();
        let ticks = [11, 12].map(|place: usize| fields[place].parse::<u64>().expect("a number"));
        Self {
            at: Instant::now(),
            written_bytes: number(&io, "write_bytes:"),
            sent_bytes: sent_bytes(house),
            cpu_ticks: ticks.iter().sum(),
        }
    }

    /// Bytes written and sent in a day at this rate.
    fn rates_since(&self, before: &Self) -> (u64, u64) {
        let milliseconds = self.at.duration_since(before.at).as_millis();
        let milliseconds = u64::try_from(milliseconds).expect("a test is short");
        let a_day = |bytes: u64| bytes * 1_000 * DAY_SECONDS / milliseconds;
        (
            a_day(self.written_bytes - before.written_bytes),
            a_day(self.sent_bytes - before.sent_bytes),
        )
    }

    /// In words: the share of one core.
    fn cpu_since(&self, before: &Self) -> String {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        let ticks = u32::try_from(self.cpu_ticks - before.cpu_ticks).expect("a test is short");
        // The kernel tells the ticks of all processes by this clock, 100 to a second.
        format!("{:.2} %", f64::from(ticks) / seconds)
    }
}

fn proc_file(process: u32, name: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{name}")).expect("it runs")
}

fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.expect("it is counted").trim();
    number.parse().expect("a number")
}

/// What the box says itself.
fn sent_bytes(house: &House) -> u64 {
    let first = &house.homes[0].name;
    let mut command = house.veglia(first, "gateway");
    let said = command.args(["status", "--json"]).output();
    let said = said.expect("the program can be started");
    assert!(said.status.success(), "{said:?}");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    said["month"]["sent_bytes"].as_u64().expect("it is counted")
}

/// Memory of a process as the kernel counts it.
fn kilobytes(process: u32, kind: &str) -> u64 {
    let status = proc_file(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(kind));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    kilobytes
        .expect("its memory is counted")
        .trim()
        .parse()
        .expect("a number")
}
