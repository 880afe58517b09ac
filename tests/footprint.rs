//! A gateway is small: it must run for years on whatever box a home has.
// req: G2

#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;

use std::fs;

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use process::{announce, wait_until};

/// Resident memory of a gateway with two ports, the pages of the program included, in kilobytes.
const RESIDENT_KB: u64 = 20 * 1024;

/// How much of it may be its own, whatever the build.
const OWN_KB: u64 = 8 * 1024;

/// Readings until memory is looked at: enough that every part of it has worked.
const READINGS: usize = 20;

#[test]
fn a_gateway_with_two_devices_stays_under_20_megabytes() {
    let house = House::new(1, 1);
    let mut broker = house.start("centre", "broker", 0);
    broker.wait_for(BROKER_UP, 1);
    let mut ingest = house.start("centre", "ingest", 0);
    ingest.wait_for(INGEST_UP, 1);
    let homes = house.homes_speak(1);
    let mut gateway = house.start("casa-001", "gateway", 0);
    gateway.wait_for(PORT_OPEN, PORTS);
    wait_until("the devices speak", || {
        let spoken = fs::read_to_string(house.spoken()).unwrap_or_default();
        (spoken.lines().count() >= READINGS).then_some(())
    });
    let (own, resident) = (
        kilobytes(gateway.id(), "RssAnon:"),
        kilobytes(gateway.id(), "VmRSS:"),
    );
    announce(&format!(
        "gateway: {resident} kB resident, {own} kB of its own"
    ));
    assert!((1..OWN_KB).contains(&own), "{own} kB of its own");
    // Without optimisation the program's own pages are most of it.
    assert!(
        cfg!(debug_assertions) || resident < RESIDENT_KB,
        "{resident} kB resident"
    );
    homes.end();
    gateway.end();
    ingest.end();
    broker.end();
}

/// Memory of a process as the kernel counts it.
fn kilobytes(process: u32, kind: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(kind));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    kilobytes
        .expect("its memory is counted")
        .trim()
        .parse()
        .expect("a number")
}
