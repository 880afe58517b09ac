//! What disks and lines do: go away, fill up, spoil bytes. Each time thousands of readings are
//! spoken meanwhile, and what is stored in the end is compared with them value by value.
// req: G4

#[path = "support/house.rs"]
mod house;
#[path = "support/journal.rs"]
mod journal;
#[path = "support/process.rs"]
mod process;
#[path = "support/readings.rs"]
mod readings;
#[path = "faults/room.rs"]
mod room;
#[path = "faults/spoil.rs"]
mod spoil;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use journal::Kept;
use process::{Process, wait_until};
use readings::Compared;
use room::Confined;
use veglia_wire::GapReason;

/// Readings a second of each of the two devices.
const HZ: u16 = 50;

/// The one home.
const HOME: &str = "casa-001";

/// Frames of both devices together; each is two readings.
const THOUSANDS: usize = 1_500;

/// Enough that there is a middle to spoil.
const HUNDREDS: usize = 400;

/// Records that a frame of these devices makes: a saturation and a pulse.
const RECORDS: usize = 2;

#[test]
fn a_broker_that_is_gone_for_thousands_of_readings_loses_none() {
    let house = House::new(1, HZ);
    let (homes, broker, ingest) = (house.homes_speak(HZ), broker(&house, 0), ingest(&house, 0));
    let gateway = gateway(&house, 0);
    until_stored(&house, HUNDREDS);
    drop(broker);
    until_spoken(&house, THOUSANDS);
    let broker = self::broker(&house, 1);
    homes.end();
    nothing_is_missing(&delivered(&house));
    let kept = ended(&house, gateway, ingest, broker);
    assert_eq!((kept.gaps.len(), kept.disordered()), (0, vec![]));
}

#[test]
fn a_home_that_was_offline_for_thousands_of_readings_delivers_them_all() {
    let house = House::new(1, HZ);
    let (homes, gateway) = (house.homes_speak(HZ), gateway(&house, 0));
    until_spoken(&house, THOUSANDS);
    let (broker, ingest) = (broker(&house, 0), ingest(&house, 0));
    homes.end();
    nothing_is_missing(&delivered(&house));
    let kept = ended(&house, gateway, ingest, broker);
    assert_eq!((kept.gaps.len(), kept.disordered()), (0, vec![]));
}

#[test]
fn a_damaged_frame_in_the_outbox_becomes_a_gap_and_delivery_goes_on() {
    let house = House::new(1, HZ);
    let (homes, gateway) = (house.homes_speak(HZ), gateway(&house, 0));
    until_spoken(&house, HUNDREDS);
    homes.end();
    gateway.end();
    spoil::spoil_the_middle(&house.path("data/gateway/casa-001/outbox/journal"));

    let (broker, ingest) = (broker(&house, 0), ingest(&house, 0));
    let mut gateway = house.start(HOME, "gateway", 1);
    gateway.wait_for("gaps are sent in their place", 1);
    let lost = lost_in_one_piece(&delivered(&house));
    let kept = ended(&house, gateway, ingest, broker);
    assert_eq!(kept.disordered(), []);
    assert_eq!(told_lost(&kept, GapReason::Damaged), RECORDS * lost);
}

#[test]
fn a_damaged_frame_in_the_journal_is_told_and_its_neighbours_are_stored() {
    let house = House::new(1, HZ);
    let (homes, broker, ingest) = (house.homes_speak(HZ), broker(&house, 0), ingest(&house, 0));
    let gateway = gateway(&house, 0);
    until_stored(&house, HUNDREDS);
    // Killed before its first checkpoint: the series are still to be made from the journal.
    drop(ingest);
    spoil::spoil_the_middle(&house.path("data/ingest/journal"));

    let mut ingest = self::ingest(&house, 1);
    ingest.wait_for("entries of the journal are damaged", 1);
    homes.end();
    lost_in_one_piece(&delivered(&house));
    let kept = ended(&house, gateway, ingest, broker);
    assert_eq!(kept.disordered(), []);
}

#[test]
fn damage_behind_the_series_costs_no_reading() {
    let house = House::new(1, HZ);
    let (homes, broker, ingest) = (house.homes_speak(HZ), broker(&house, 0), ingest(&house, 0));
    let gateway = gateway(&house, 0);
    until_stored(&house, HUNDREDS);
    ingest.end();
    spoil::spoil_the_middle(&house.path("data/ingest/journal"));

    let mut ingest = self::ingest(&house, 1);
    ingest.wait_for("damaged: 1", 1);
    homes.end();
    nothing_is_missing(&delivered(&house));
    let kept = ended(&house, gateway, ingest, broker);
    assert_eq!(kept.disordered(), []);
}

#[test]
fn a_gateway_whose_disk_is_full_tells_what_it_lost_and_goes_on() {
    let name = "a_gateway_whose_disk_is_full_tells_what_it_lost_and_goes_on";
    let Some(way) = room::way() else {
        return support::skip(name, "no mount namespace to be had");
    };
    let house = House::new(1, HZ);
    let (homes, broker, ingest) = (house.homes_speak(HZ), broker(&house, 0), ingest(&house, 0));
    let command = house.veglia(HOME, "gateway");
    let (folder, log) = (
        house.path("data/gateway/casa-001"),
        house.log(HOME, "gateway", 0),
    );
    let mut gateway = Confined::start(way, &command, &folder, 2, &log);
    gateway.process.wait_for(PORT_OPEN, PORTS);
    until_stored(&house, HUNDREDS);

    gateway.fill();
    gateway.process.wait_for("the outbox takes no records", 1);
    until_spoken(&house, HUNDREDS);
    gateway.empty();
    gateway
        .process
        .wait_for("the outbox takes records again", 1);
    until_spoken(&house, HUNDREDS);
    homes.end();
    let lost = lost_heard(&delivered(&house));
    assert!(lost > HUNDREDS / 2, "the disk was full for {lost} frames");
    let kept = ended(&house, gateway.process, ingest, broker);
    assert_eq!(kept.disordered(), []);
    assert_eq!(told_lost(&kept, GapReason::DiskFull), RECORDS * lost);
}

#[test]
fn an_ingest_whose_disk_is_full_acknowledges_nothing_and_loses_nothing() {
    let name = "an_ingest_whose_disk_is_full_acknowledges_nothing_and_loses_nothing";
    let Some(way) = room::way() else {
        return support::skip(name, "no mount namespace to be had");
    };
    let house = House::new(1, HZ);
    let (homes, broker) = (house.homes_speak(HZ), broker(&house, 0));
    let command = house.veglia("centre", "ingest");
    let (folder, log) = (house.path("data/ingest"), house.log("centre", "ingest", 0));
    let mut ingest = Confined::start(way, &command, &folder, 8, &log);
    ingest.process.wait_for(INGEST_UP, 1);
    let gateway = gateway(&house, 0);
    let data = ingest.inside(&house.path("data"));
    until_stored_in(&house, &data, HUNDREDS);

    ingest.fill();
    ingest
        .process
        .wait_for("nothing is acknowledged until this is mended", 1);
    // Long enough that everything else that writes has met the full disk as well.
    for later in ["are kept later", "stay in memory and in the journal"] {
        ingest.process.wait_for(later, 1);
    }
    ingest.empty();
    ingest.process.wait_for("the disk takes writes again", 1);
    homes.end();
    nothing_is_missing(&delivered_in(&house, &data));
    gateway.end();
    journal::drain(&house, HOME);
    ingest.process.end();
    broker.end();
}

fn broker(house: &House, life: usize) -> Process {
    let mut broker = house.start("centre", "broker", life);
    broker.wait_for(BROKER_UP, 1);
    broker
}

fn ingest(house: &House, life: usize) -> Process {
    let mut ingest = house.start("centre", "ingest", life);
    ingest.wait_for(INGEST_UP, 1);
    ingest
}

fn gateway(house: &House, life: usize) -> Process {
    let mut gateway = house.start(HOME, "gateway", life);
    gateway.wait_for(PORT_OPEN, PORTS);
    gateway
}

/// Ends everybody in order; the gateway has delivered everything by then.
fn ended(house: &House, gateway: Process, ingest: Process, broker: Process) -> Kept {
    gateway.end();
    journal::drain(house, HOME);
    ingest.end();
    broker.end();
    journal::kept(&house.path("data/ingest"))
}

/// Waits until so many more frames were spoken.
fn until_spoken(house: &House, frames: usize) {
    let lines = || fs::read_to_string(house.spoken()).map_or(0, |text| text.lines().count());
    let before = lines();
    wait_until("the devices speak", || {
        (lines() >= before + frames).then_some(())
    });
}

/// Waits until so many frames are stored.
fn until_stored(house: &House, frames: usize) {
    until_stored_in(house, &house.path("data"), frames);
}

fn until_stored_in(house: &House, data: &Path, frames: usize) {
    wait_until("readings are stored", || {
        let stored = readings::stored(house, data)?;
        let all: usize = stored.values().map(Vec::len).sum();
        (all >= frames).then_some(())
    });
}

/// Waits until the last reading of every device is stored, and compares all of them. What was
/// spoken before a port was first open is left out.
fn delivered(house: &House) -> BTreeMap<String, Compared> {
    delivered_in(house, &house.path("data"))
}

fn delivered_in(house: &House, data: &Path) -> BTreeMap<String, Compared> {
    let spoken = readings::spoken(&house.spoken());
    wait_until("the last readings are stored", || {
        let stored = readings::stored(house, data)?;
        let compared = |(device, spoken): (&String, &Vec<readings::Spoken>)| {
            let stored = stored.get(device)?;
            let mut compared = readings::compare(spoken, stored);
            let (first, last) = (spoken.first()?, spoken.last()?);
            let is_over = compared
                .missing
                .last()
                .is_none_or(|run| run.to_ms < last.wall_ms);
            compared.missing.retain(|run| run.from_ms > first.wall_ms);
            is_over.then_some((device.clone(), compared))
        };
        spoken.iter().map(compared).collect()
    })
}

fn nothing_is_missing(devices: &BTreeMap<String, Compared>) {
    assert_eq!(lost_heard(devices), 0, "{devices:?}");
}

/// How many heard readings are missing; nothing is doubled or out of order.
fn lost_heard(devices: &BTreeMap<String, Compared>) -> usize {
    assert_eq!(devices.len(), PORTS, "every device is compared");
    for compared in devices.values() {
        assert!(compared.same > 0, "{devices:?}");
        assert!(compared.doubled.is_empty(), "{devices:?}");
        assert!(compared.foreign.is_empty(), "{devices:?}");
    }
    let missing = devices.values().flat_map(|compared| &compared.missing);
    missing.map(|run| run.heard).sum()
}

/// The same, when no device may have more than one piece missing.
fn lost_in_one_piece(devices: &BTreeMap<String, Compared>) -> usize {
    let in_one = |compared: &Compared| compared.missing.len() <= 1;
    assert!(devices.values().all(in_one), "{devices:?}");
    let lost = lost_heard(devices);
    assert!(lost > 0, "the spoiled frame held readings");
    lost
}

/// How many records the gateways said that they have lost for this reason, and for no other.
fn told_lost(kept: &Kept, reason: GapReason) -> usize {
    let lost = kept.gaps.iter().map(|gap| {
        assert_eq!(gap.reason, reason);
        usize::try_from(gap.lost).expect("a count fits")
    });
    lost.sum()
}
