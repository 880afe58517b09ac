//! A box and its Bluetooth devices over a real D-Bus, with a BlueZ that does what the tests say:
//! what devices tell arrives at the centre, once, whoever dies on the way.

#![cfg(test)]
// req: G1

mod bus;
mod clocks;
mod faults;
mod hurried;
#[path = "../../../broker/link/tests/support/ingest.rs"]
mod ingest;
mod mock;
mod night;
mod pairing;
#[path = "../../../broker/link/tests/support/shelf.rs"]
mod shelf;
#[path = "../../../tests/support/mod.rs"]
mod skipped;
mod stage;
mod stored;

use bus::Rules;
use mock::{Attribute, Peer};
use stage::{Stage, events, port, readings, saturations};
use veglia_wire::{
    Charge, Contact, DeviceEvent, DeviceId, PortFault, PortState, Quality, Site, VitalKind,
};

const OXIMETER: &str = "AA:BB:CC:00:00:01";
const THERMOMETER: &str = "AA:BB:CC:00:00:02";
const NEIGHBOUR: &str = "DE:AD:00:00:00:03";

const PLX: u16 = 0x1822;
const HTS: u16 = 0x1809;
const BATTERY: u16 = 0x180F;
const CONTINUOUS: u16 = 0x2A5F;
const SPOT: u16 = 0x2A5E;
const CONTROL: u16 = 0x2A52;
const TEMPERATURE: u16 = 0x2A1C;

/// Whether these tests can run here. They say so when they cannot.
fn can_run(name: &str) -> bool {
    let can = bus::is_installed();
    if !can {
        skipped::skip(name, "dbus-daemon is not installed");
    }
    can
}

fn device(address: &str) -> DeviceId {
    DeviceId::new(&format!("ble:{}", address.replace(':', ""))).unwrap()
}

fn attribute(service: u16, uuid: u16, flags: &'static [&'static str]) -> Attribute {
    Attribute {
        service,
        uuid,
        flags,
        value: vec![87],
    }
}

fn oximeter() -> Peer {
    Peer {
        name: "Oximeter",
        advertises: vec![PLX],
        table: vec![
            attribute(PLX, CONTINUOUS, &["notify"]),
            attribute(BATTERY, 0x2A19, &["read", "notify"]),
        ],
        ..Peer::default()
    }
}

fn thermometer() -> Peer {
    Peer {
        name: "Thermometer",
        advertises: vec![HTS],
        table: vec![attribute(HTS, TEMPERATURE, &["indicate"])],
        ..Peer::default()
    }
}

/// A value of the continuous measurement: saturation in percent, pulse 72.
fn plx(spo2: u8) -> [u8; 5] {
    [0, spo2, 0, 72, 0]
}

/// A finger that is not there: no number is said in both places.
const NO_FINGER: [u8; 5] = [0, 0xFF, 0x07, 0xFF, 0x07];

/// The configuration that names devices.
fn named(addresses: &[&str]) -> String {
    let one = |address: &&str| format!("[[bluetooth.device]]\naddress = \"{address}\"\n");
    addresses.iter().map(one).collect()
}

/// Waits until the box listens to a characteristic.
async fn heard(stage: &Stage, address: &str, uuid: u16) {
    let listens = move |peer: &Peer| peer.is_connected && peer.subscribed.contains(&uuid);
    stage
        .bluez()
        .until(address, "the box listens", listens)
        .await;
}

/// Nothing but the process that another test starts as its box.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_box_of_another_test() {
    stage::be_a_box().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_the_home_are_found_and_heard_and_a_neighbours_is_left_alone() {
    if !can_run("devices_of_the_home_are_found_and_heard_and_a_neighbours_is_left_alone") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(NEIGHBOUR, oximeter()).await;
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.bluez().add(THERMOMETER, thermometer()).await;
    stage.start(&named(&[OXIMETER, THERMOMETER]));
    heard(&stage, OXIMETER, CONTINUOUS).await;
    heard(&stage, THERMOMETER, TEMPERATURE).await;
    for value in [plx(97), plx(96), NO_FINGER, plx(95)] {
        stage.bluez().tell(OXIMETER, CONTINUOUS, &value).await;
    }
    // 37.60 degrees, in the armpit.
    let warm = [0x04, 0xB0, 0x0E, 0x00, 0xFE, 0x01];
    stage.bluez().tell(THERMOMETER, TEMPERATURE, &warm).await;

    let (oximeter, thermometer) = (device(OXIMETER), device(THERMOMETER));
    let seen = stage
        .until("all is there", |seen| {
            saturations(seen, &oximeter).len() >= 3 && !readings(seen, &thermometer).is_empty()
        })
        .await;
    assert_eq!(saturations(&seen, &oximeter), [97, 96, 95]);
    let off = stage::of(&seen, &oximeter).filter(
        |it| matches!(it.body, veglia_wire::Body::Contact(_, contact) if contact != Contact::On),
    );
    assert_eq!(off.count(), 1, "no finger is no number, and is told");
    let (vital, quality) = readings(&seen, &thermometer)[0];
    assert_eq!(
        (vital.kind(), vital.steps()),
        (VitalKind::Temperature, 3760)
    );
    assert_eq!((vital.site(), quality), (Site::Armpit, Quality::empty()));
    let seen = stage
        .until("the ports are told", |seen| {
            let told = port(seen, &oximeter);
            told.is_some_and(|it| it.battery.is_some() && it.state == PortState::Speaking)
        })
        .await;
    let told = port(&seen, &oximeter).unwrap();
    assert_eq!(told.battery, Some(Charge::Percent(87)));
    assert_eq!(told.name, format!("ble {OXIMETER}"));
    assert_eq!(stage.bluez().peer(NEIGHBOUR, |peer| peer.connects), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_link_is_made_again_and_the_hole_is_told() {
    if !can_run("a_lost_link_is_made_again_and_the_hole_is_told") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&named(&[OXIMETER]));
    let oximeter = device(OXIMETER);
    for round in 0..3 {
        heard(&stage, OXIMETER, CONTINUOUS).await;
        stage
            .bluez()
            .tell(OXIMETER, CONTINUOUS, &plx(90 + round))
            .await;
        let wanted = usize::from(round) + 1;
        stage
            .until("the value is there", |seen| {
                saturations(seen, &oximeter).len() == wanted
            })
            .await;
        stage.bluez().hang_up(OXIMETER).await;
    }
    let seen = stage
        .until("the last loss is told", |seen| {
            events(seen, &oximeter, DeviceEvent::Down) >= 3
        })
        .await;
    assert_eq!(saturations(&seen, &oximeter), [90, 91, 92]);
    assert!(events(&seen, &oximeter, DeviceEvent::Up) >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_connected_and_says_nothing_is_let_go_and_tried_again() {
    if !can_run("a_device_that_is_connected_and_says_nothing_is_let_go_and_tried_again") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&format!("quiet_seconds = 2\n{}", named(&[OXIMETER])));
    stage
        .bluez()
        .until(OXIMETER, "it is let go", |peer| peer.disconnects >= 1)
        .await;
    stage
        .bluez()
        .until(OXIMETER, "it is tried again", |peer| peer.connects >= 2)
        .await;
    let oximeter = device(OXIMETER);
    let value = [plx(97).to_vec()];
    stage
        .until_telling((OXIMETER, CONTINUOUS), &value, "it speaks", |seen| {
            !saturations(seen, &oximeter).is_empty()
        })
        .await;
    assert!(stage.said().contains("says nothing"), "{}", stage.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thermometer_that_nobody_uses_is_no_failure() {
    if !can_run("a_thermometer_that_nobody_uses_is_no_failure") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(THERMOMETER, thermometer()).await;
    stage.start(&format!("quiet_seconds = 1\n{}", named(&[THERMOMETER])));
    // Its link is made anew now and then: one that died without a word looks the same.
    stage
        .bluez()
        .until(THERMOMETER, "it is connected anew", |peer| {
            peer.connects >= 3
        })
        .await;
    heard(&stage, THERMOMETER, TEMPERATURE).await;
    let said = stage.said();
    assert!(!said.contains("says nothing"), "{said}");
    let thermometer = device(THERMOMETER);
    stage
        .until("nothing is wrong with it", |seen| {
            let told = port(seen, &thermometer);
            told.is_some_and(|it| it.fault.is_none() && it.state == PortState::Silent)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_lets_nobody_in_is_told_and_so_is_a_lost_bond() {
    if !can_run("a_device_that_lets_nobody_in_is_told_and_so_is_a_lost_bond") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let refused = mock::BluezError::Failed("le-connection-abort-by-local".into());
    let held = Peer {
        refuses: Some(refused),
        ..oximeter()
    };
    let locked = Peer {
        is_locked: true,
        ..thermometer()
    };
    stage.bluez().add(OXIMETER, held).await;
    stage.bluez().add(THERMOMETER, locked).await;
    stage.start(&named(&[OXIMETER, THERMOMETER]));
    let (oximeter, thermometer) = (device(OXIMETER), device(THERMOMETER));
    let fault = |seen: &ingest::Seen, device| port(seen, device).and_then(|it| it.fault);
    stage
        .until("both are told", |seen| {
            fault(seen, &oximeter) == Some(PortFault::HeldElsewhere)
                && fault(seen, &thermometer) == Some(PortFault::BondLost)
        })
        .await;
    stage.bluez().peer(OXIMETER, |peer| peer.refuses = None);
    heard(&stage, OXIMETER, CONTINUOUS).await;
    stage.bluez().tell(OXIMETER, CONTINUOUS, &plx(97)).await;
    stage
        .until("nothing stands in its way", |seen| {
            let told = port(seen, &oximeter);
            told.is_some_and(|it| it.fault.is_none() && it.state == PortState::Speaking)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_paired_at_the_box_is_taken_up_while_it_runs() {
    if !can_run("a_device_that_is_paired_at_the_box_is_taken_up_while_it_runs") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let bonded = Peer {
        is_locked: true,
        tells: Some((CONTINUOUS, plx(97).to_vec())),
        ..oximeter()
    };
    stage.bluez().add(OXIMETER, bonded).await;
    stage.start("");
    stage.until_said("listening for Bluetooth devices").await;
    let said = stage.pair("").await;
    assert!(said.contains("First value: spo2 97.0 %"), "{said}");
    assert!(said.contains("was_heard: true"), "{said}");
    assert!(stage.bluez().peer(OXIMETER, |peer| peer.is_paired));
    heard(&stage, OXIMETER, CONTINUOUS).await;
    let oximeter = device(OXIMETER);
    stage
        .until("it is heard", |seen| {
            !saturations(seen, &oximeter).is_empty()
        })
        .await;
}
