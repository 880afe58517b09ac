//! A person at the box pairs a device that wants digits: those it shows, those it must be told, and
//! those that both show.

// req: G1

use crate::bus::Rules;
use crate::mock::{Bonding, Peer};
use crate::stage::{Stage, saturations};
use crate::{CONTINUOUS, OXIMETER, can_run, device, heard, oximeter, plx};

/// An oximeter that speaks to nobody without a bond.
fn locked(bonds: Bonding) -> Peer {
    Peer {
        is_locked: true,
        bonds,
        tells: Some((CONTINUOUS, plx(97).to_vec())),
        ..oximeter()
    }
}

/// A box that runs beside such an oximeter.
async fn beside(bonds: Bonding) -> Stage {
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(OXIMETER, locked(bonds)).await;
    stage.start("");
    stage.until_said("listening for Bluetooth devices").await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digits_that_a_device_shows_are_typed_at_the_box_and_bond_them() {
    if !can_run("the_digits_that_a_device_shows_are_typed_at_the_box_and_bond_them") {
        return;
    }
    let stage = beside(Bonding::Shows(4_711)).await;
    let said = stage.pair("004711").await;
    assert!(said.contains("asked: Type the six digits"), "{said}");
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

#[tokio::test(flavor = "multi_thread")]
async fn wrong_digits_make_no_bond_and_the_right_ones_do_afterwards() {
    if !can_run("wrong_digits_make_no_bond_and_the_right_ones_do_afterwards") {
        return;
    }
    let stage = beside(Bonding::Shows(123_456)).await;
    let said = stage.pair("123455").await;
    assert!(said.contains("It makes no bond"), "{said}");
    assert!(!said.contains("was_heard: true"), "{said}");
    assert!(!stage.bluez().peer(OXIMETER, |peer| peer.is_paired));
    let said = stage.pair("123456").await;
    assert!(said.contains("was_heard: true"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digits_that_the_box_shows_are_told_to_the_person() {
    if !can_run("the_digits_that_the_box_shows_are_told_to_the_person") {
        return;
    }
    let stage = beside(Bonding::Types(42)).await;
    let said = stage.pair("").await;
    assert!(said.contains("told: Type 000042 on the device."), "{said}");
    assert!(said.contains("was_heard: true"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_both_show_are_compared_and_a_no_makes_no_bond() {
    if !can_run("digits_that_both_show_are_compared_and_a_no_makes_no_bond") {
        return;
    }
    let stage = beside(Bonding::Compares(7)).await;
    let said = stage.pair("999999").await;
    assert!(said.contains("Does the device show 000007?"), "{said}");
    assert!(said.contains("It makes no bond"), "{said}");
    let said = stage.pair("000007").await;
    assert!(said.contains("was_heard: true"), "{said}");
    assert!(stage.bluez().peer(OXIMETER, |peer| peer.is_paired));
}
