//! Devices whose clocks cannot be trusted: what they say is kept and marked, and somebody is told
//! whose clock is wrong.

// req: G1

use std::time::{SystemTime, UNIX_EPOCH};

use veglia_codecs::{DateTime, DeviceTime, sig};
use veglia_wire::{PortFault, Quality};

use crate::bus::Rules;
use crate::ingest::Seen;
use crate::mock::Peer;
use crate::stage::{Stage, port, readings};
use crate::{HTS, TEMPERATURE, THERMOMETER, attribute, can_run, device, heard, named, thermometer};

/// The box of these tests reads the clocks of devices as in Greenwich.
fn in_greenwich() -> String {
    format!("time_zone = \"UTC\"\n{}", named(&[THERMOMETER]))
}

/// 37.60 degrees and a bit, with the time that a clock shows which is so many seconds behind.
fn warm(behind_s: i64, more: u8) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let time = DateTime::at(DeviceTime(now - behind_s)).unwrap();
    let mut value = vec![0x02, 0xB0 + more, 0x0E, 0x00, 0xFE];
    value.extend(sig::encode_date_time(time));
    value
}

fn qualities(seen: &Seen) -> Vec<Quality> {
    let all = readings(seen, &device(THERMOMETER));
    all.into_iter().map(|(_, quality)| quality).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_and_cannot_be_set_is_told_and_so_is_its_end() {
    if !can_run("a_clock_that_is_wrong_and_cannot_be_set_is_told_and_so_is_its_end") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(THERMOMETER, thermometer()).await;
    stage.start(&in_greenwich());
    heard(&stage, THERMOMETER, TEMPERATURE).await;
    let fault = |seen: &Seen| port(seen, &device(THERMOMETER)).and_then(|it| it.fault);
    // Five minutes go by as now; two hours do not.
    let table = [(300, None), (7_200, None), (7_200, None), (7_200, Some(()))];
    for (number, (behind_s, told)) in (1_u8..).zip(table) {
        let value = warm(behind_s, number);
        stage.bluez().tell(THERMOMETER, TEMPERATURE, &value).await;
        let wanted = told.map(|()| PortFault::ClockWrong);
        stage
            .until("it is kept, and told or not", |seen| {
                qualities(seen).len() == usize::from(number) && fault(seen) == wanted
            })
            .await;
    }
    // Somebody sets its clock.
    let value = warm(0, 9);
    stage.bluez().tell(THERMOMETER, TEMPERATURE, &value).await;
    let seen = stage
        .until("nothing is wrong any more", |seen| {
            qualities(seen).len() == 5 && fault(seen).is_none()
        })
        .await;
    let doubt = Quality::TIME_UNCERTAIN;
    let live = Quality::empty();
    assert_eq!(qualities(&seen), [live, doubt, doubt, doubt, live]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_measured_before_a_clock_was_set_that_nobody_can_read_is_marked() {
    if !can_run("what_was_measured_before_a_clock_was_set_that_nobody_can_read_is_marked") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let plain = thermometer();
    let blind = Peer {
        table: plain
            .table
            .iter()
            .cloned()
            .chain([attribute(HTS, 0x2A08, &["write"])])
            .collect(),
        ..plain
    };
    stage.bluez().add(THERMOMETER, blind).await;
    stage.start(&in_greenwich());
    heard(&stage, THERMOMETER, TEMPERATURE).await;
    assert!(
        stage
            .bluez()
            .peer(THERMOMETER, |peer| peer.written.len() == 1),
        "its clock was set"
    );
    for (number, behind_s) in (1_u8..).zip([7_200, 40 * 86_400, 20]) {
        let value = warm(behind_s, number);
        stage.bluez().tell(THERMOMETER, TEMPERATURE, &value).await;
    }
    let seen = stage
        .until("all is there", |seen| qualities(seen).len() == 3)
        .await;
    let doubt = Quality::TIME_UNCERTAIN;
    assert_eq!(qualities(&seen), [doubt, doubt, Quality::empty()]);
}
