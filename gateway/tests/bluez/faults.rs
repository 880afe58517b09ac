//! What lies under a box's Bluetooth dies, is missing, is forbidden, or runs out: the rest of the
//! box goes on, one sentence says what is wrong, and devices are heard again afterwards.

// req: G1

use veglia_wire::PortFault;

use crate::bus::Rules;
use crate::mock::Peer;
use crate::stage::{Stage, port, saturations};
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
