//! What lies under a box's Bluetooth dies, is missing, is forbidden, or runs out: the rest of the
//! box goes on, one sentence says what is wrong, and devices are heard again afterwards.

// req: G1

use std::fs;
use std::path::Path;

use veglia_link::{Outbox, OutboxOptions};
use veglia_wire::{Body, DeviceEvent, PortFault, PortState, Record, Vital};

use crate::bus::Rules;
use crate::mock::Peer;
use crate::stage::{Stage, events, notice, port, saturations};
use crate::{CONTINUOUS, OXIMETER, can_run, device, heard, named, oximeter, plx};

/// Match rules of a connection in the test of a thousand connections: so few that what leaks is
/// soon felt.
const FEW_RULES: u32 = 64;

/// How many connections that test makes, over so many devices at once.
const CONNECTIONS: u32 = 1_000;
const DEVICES: u32 = 16;

/// Waits until a value of the oximeter, told now and anew, is at the centre.
async fn is_heard(stage: &Stage, spo2: u8) {
    heard(stage, OXIMETER, CONTINUOUS).await;
    stage.bluez().tell(OXIMETER, CONTINUOUS, &plx(spo2)).await;
    let oximeter = device(OXIMETER);
    stage
        .until("the value is at the centre", |seen| {
            saturations(seen, &oximeter).contains(&i32::from(spo2))
        })
        .await;
}

/// Copies a folder that is being written to: a file may be gone in the meantime.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &to);
        } else {
            drop(fs::copy(entry.path(), to));
        }
    }
}

/// Waits until the outbox of a running box holds a saturation: a copy of it is looked at.
async fn is_on_disk(stage: &Stage, percent: i32) {
    let copy = stage.folder.path().join("copy");
    let holds = async {
        loop {
            drop(fs::remove_dir_all(&copy));
            copied(&stage.box_folder().join("outbox"), &copy);
            let is_it = |record: &Record| match record.body {
                Body::Reading(Vital::SpO2(value), _) => value.percent_tenths() == 10 * percent,
                _ => false,
            };
            if let Ok(outbox) = Outbox::open(&copy, OutboxOptions::default()) {
                let found = outbox.holds(None, is_it).await;
                outbox.close().await;
                if found.unwrap_or(false) {
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(120), holds).await;
    assert!(waited.is_ok(), "it is not on disk: {}", stage.said());
}

/// Waits until the centre is told what stands in the oximeter's way.
async fn is_told(stage: &Stage, fault: PortFault) {
    let oximeter = device(OXIMETER);
    stage
        .until("the fault is told", |seen| {
            port(seen, &oximeter).and_then(|it| it.fault) == Some(fault)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_bluetoothd_dies_and_comes_back_devices_are_heard_again() {
    if !can_run("when_bluetoothd_dies_and_comes_back_devices_are_heard_again") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&named(&[OXIMETER]));
    is_heard(&stage, 97).await;
    stage.kill_bluetoothd();
    is_told(&stage, PortFault::NoService).await;
    stage.until_said("the Bluetooth service does not run").await;
    stage.bluetoothd(true).await;
    is_heard(&stage, 96).await;
    let oximeter = device(OXIMETER);
    stage
        .until("the end of the link was told", |seen| {
            events(seen, &oximeter, DeviceEvent::Down) == 1
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_bluetoothd_is_restarted_in_no_time_devices_are_heard_again() {
    if !can_run("when_bluetoothd_is_restarted_in_no_time_devices_are_heard_again") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&named(&[OXIMETER]));
    is_heard(&stage, 97).await;
    stage.kill_bluetoothd();
    stage.bluetoothd(true).await;
    is_heard(&stage, 96).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_bus_dies_and_comes_back_devices_are_heard_again() {
    if !can_run("when_the_bus_dies_and_comes_back_devices_are_heard_again") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&named(&[OXIMETER]));
    is_heard(&stage, 97).await;
    stage.break_bus();
    is_told(&stage, PortFault::NoService).await;
    stage.until_said("the system bus does not run").await;
    stage.mend_bus();
    stage.bluetoothd(true).await;
    is_heard(&stage, 96).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_adapter_the_box_says_so_and_waits_for_one() {
    if !can_run("without_an_adapter_the_box_says_so_and_waits_for_one") {
        return;
    }
    let mut stage = Stage::without_bluez(Rules::default()).await;
    stage.centre();
    stage.bluetoothd(false).await;
    stage.start(&named(&[OXIMETER]));
    is_told(&stage, PortFault::NoRadio).await;
    stage.until_said("there is no Bluetooth adapter").await;
    stage.bluez().plug_adapter().await;
    stage.bluez().add(OXIMETER, oximeter()).await;
    is_heard(&stage, 97).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_is_switched_off_is_told_and_switched_on_when_it_lets_itself() {
    if !can_run("an_adapter_that_is_switched_off_is_told_and_switched_on_when_it_lets_itself") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&named(&[OXIMETER]));
    is_heard(&stage, 97).await;
    stage.bluez().switch(false, true).await;
    is_told(&stage, PortFault::RadioOff).await;
    stage.until_said("adapter is switched off").await;
    stage.bluez().switch(false, false).await;
    is_heard(&stage, 96).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_may_not_speak_to_bluez_says_who_may() {
    if !can_run("a_program_that_may_not_speak_to_bluez_says_who_may") {
        return;
    }
    let rules = Rules {
        forbids_bluez: true,
        ..Rules::default()
    };
    let mut stage = Stage::set(rules).await;
    stage.centre();
    stage.start(&named(&[OXIMETER]));
    is_told(&stage, PortFault::NotAllowed).await;
    stage.until_said("group bluetooth").await;
}

/// Each connection may leave a rule behind at the bus, which refuses everything in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_do_not_stop_the_box() {
    if !can_run("a_thousand_connections_do_not_stop_the_box") {
        return;
    }
    let rules = Rules {
        match_rules: Some(FEW_RULES),
        ..Rules::default()
    };
    let mut stage = Stage::set(rules).await;
    stage.centre();
    let addresses: Vec<String> = (0..DEVICES)
        .map(|number| format!("AA:BB:CC:00:01:{number:02X}"))
        .collect();
    for address in &addresses {
        let restless = Peer {
            hangs_up_when_heard: true,
            ..oximeter()
        };
        stage.bluez().add(address, restless).await;
    }
    let names: Vec<&str> = addresses.iter().map(String::as_str).collect();
    stage.start(&named(&names));
    stage
        .bluez()
        .until_all("a thousand connections", |connects| connects >= CONNECTIONS)
        .await;
    stage
        .bluez()
        .peer(&addresses[0], |peer| peer.hangs_up_when_heard = false);
    heard(&stage, &addresses[0], CONTINUOUS).await;
    stage
        .bluez()
        .tell(&addresses[0], CONTINUOUS, &plx(97))
        .await;
    let first = device(&addresses[0]);
    stage
        .until("the box still hears", |seen| {
            !saturations(seen, &first).is_empty()
        })
        .await;
    assert!(
        !stage.said().contains("the box has ended"),
        "{}",
        stage.said()
    );
}

/// The last rung: what new connections to the bus do not mend, a new process might.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_bus_gives_no_more_room_the_box_ends_for_a_restart_and_loses_nothing() {
    if !can_run("when_the_bus_gives_no_more_room_the_box_ends_for_a_restart_and_loses_nothing") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.bluez().add(OXIMETER, oximeter()).await;
    let named = named(&[OXIMETER]);
    let config = format!("restart_seconds = 5\n{named}");
    stage.start(&config);
    heard(&stage, OXIMETER, CONTINUOUS).await;
    // No centre yet: what is heard is in the outbox alone.
    for value in [97, 96] {
        stage.bluez().tell(OXIMETER, CONTINUOUS, &plx(value)).await;
    }
    is_on_disk(&stage, 96).await;
    stage.bluez().limit(true);
    // It does not come back for long, so that it is searched for anew.
    stage
        .bluez()
        .peer(OXIMETER, |peer| peer.hangs_up_when_heard = true);
    stage.bluez().hang_up(OXIMETER).await;
    stage.until_ended().await;
    let said = stage.said();
    assert!(said.contains("gives this program no more room"), "{said}");
    assert!(said.contains("the box has ended: Err(Bluetooth("), "{said}");

    stage.bluez().limit(false);
    stage
        .bluez()
        .peer(OXIMETER, |peer| peer.hangs_up_when_heard = false);
    stage.centre();
    stage.start(&config);
    is_heard(&stage, 95).await;
    let oximeter = device(OXIMETER);
    let seen = stage
        .until("all is there", |seen| {
            saturations(seen, &oximeter).len() >= 3
        })
        .await;
    assert_eq!(saturations(&seen, &oximeter), [97, 96, 95], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_list_of_devices_is_told_and_read_again_when_it_is_whole() {
    if !can_run("a_damaged_list_of_devices_is_told_and_read_again_when_it_is_whole") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    let list = stage.box_folder().join("paired.toml");
    fs::create_dir_all(stage.box_folder()).expect("a folder can be made");
    fs::write(&list, "device = [[").expect("written");
    stage.start("");
    stage
        .until("the centre is told", |seen| {
            notice(seen) == Some(PortFault::ListDamaged)
        })
        .await;
    stage.until_said("the list of paired devices").await;
    let whole = format!("[[device]]\naddress = \"{OXIMETER}\"\n");
    fs::write(&list, whole).expect("written");
    is_heard(&stage, 97).await;
    stage
        .until("nothing is wrong any more", |seen| notice(seen).is_none())
        .await;
    // Damaged while the box runs: who was there is served on.
    fs::write(&list, "device = 7").expect("written");
    stage
        .until("the centre is told again", |seen| {
            notice(seen) == Some(PortFault::ListDamaged)
        })
        .await;
    stage.bluez().hang_up(OXIMETER).await;
    is_heard(&stage, 96).await;
}

/// As many devices as there are seats, and one more: all near.
async fn too_many(stage: &Stage) -> Vec<String> {
    let addresses = (0..=DEVICES).map(|number| format!("AA:BB:CC:00:02:{number:02X}"));
    let addresses: Vec<String> = addresses.collect();
    for address in &addresses {
        stage.bluez().add(address, oximeter()).await;
    }
    addresses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_this_home_for_which_there_is_no_seat_is_told() {
    if !can_run("a_device_of_this_home_for_which_there_is_no_seat_is_told") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let addresses = too_many(&stage).await;
    let entry = |address: &String| format!("[[device]]\naddress = \"{address}\"\n");
    let list: String = addresses.iter().map(entry).collect();
    fs::create_dir_all(stage.box_folder()).expect("a folder can be made");
    fs::write(stage.box_folder().join("paired.toml"), list).expect("written");
    stage.start("");
    stage
        .until("the centre is told", |seen| {
            notice(seen) == Some(PortFault::TooMany)
        })
        .await;
    stage.until_said("more devices than the box serves").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passers_by_are_not_told_and_keep_no_device_of_this_home_from_its_seat() {
    if !can_run("passers_by_are_not_told_and_keep_no_device_of_this_home_from_its_seat") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let addresses = too_many(&stage).await;
    stage.start("accept = [\"plx-continuous\"]\n");
    stage.until_said("all seats are taken").await;
    let list = format!("[[device]]\naddress = \"{OXIMETER}\"\n");
    fs::write(stage.box_folder().join("paired.toml"), list).expect("written");
    let oximeter = device(OXIMETER);
    stage
        .until("it is waited for", |seen| port(seen, &oximeter).is_some())
        .await;
    for address in &addresses {
        stage.bluez().peer(address, |peer| {
            peer.refuses = Some(crate::mock::BluezError::Failed("gone".into()));
        });
        stage.bluez().hang_up(address).await;
    }
    let seen = stage
        .until("nobody is there", |seen| {
            let ports = &seen.states.last().expect("a state").ports;
            ports.iter().all(|it| it.state == PortState::Absent)
        })
        .await;
    let told = seen.states.iter().flat_map(|state| &state.ports);
    let mut faults = told.filter_map(|port| port.fault);
    assert!(!faults.any(|fault| fault == PortFault::TooMany));
    // A device of this home does not wait for those.
    stage.bluez().add(OXIMETER, crate::oximeter()).await;
    is_heard(&stage, 97).await;
    let seen = stage
        .until("it has a place", |seen| {
            port(seen, &oximeter).is_some_and(|it| it.state == PortState::Speaking)
        })
        .await;
    let ports = &seen.states.last().expect("a state").ports;
    assert!(ports.len() <= 18, "{ports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_which_nothing_is_understood_is_told() {
    if !can_run("a_device_of_which_nothing_is_understood_is_told") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, oximeter()).await;
    stage.start(&format!("quiet_seconds = 3\n{}", named(&[OXIMETER])));
    heard(&stage, OXIMETER, CONTINUOUS).await;
    // Flags of a later version of the profile.
    let values: Vec<Vec<u8>> = (0..8).map(|it| vec![0xE0, 97, 0, 72, it]).collect();
    let oximeter = device(OXIMETER);
    stage
        .until_telling((OXIMETER, CONTINUOUS), &values, "it is told", |seen| {
            port(seen, &oximeter).and_then(|it| it.fault) == Some(PortFault::Unsupported)
        })
        .await;
}
