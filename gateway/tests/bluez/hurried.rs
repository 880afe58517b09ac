//! Devices that hang up as soon as they have told their result, as many do to save their battery:
//! to them it has arrived, and they do not tell it again.

// req: G1

use std::time::{SystemTime, UNIX_EPOCH};

use veglia_codecs::{DateTime, DeviceTime, sig};

use crate::bus::Rules;
use crate::mock::Peer;
use crate::stage::{Stage, readings, saturations};
use crate::{
    CONTROL, OXIMETER, PLX, SPOT, TEMPERATURE, THERMOMETER, attribute, can_run, device, heard,
    named, thermometer,
};

/// Results that a device tells in one go, and how often it comes to do so. Which of two things is
/// seen first that have both happened is not certain: so it comes several times.
const AT_ONCE: u8 = 3;
const ROUNDS: u8 = 5;

fn date_time() -> [u8; 7] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    sig::encode_date_time(DateTime::at(DeviceTime(now)).unwrap())
}

/// The box of these tests reads the clocks of devices as in Greenwich.
fn in_greenwich(address: &str) -> String {
    format!("time_zone = \"UTC\"\n{}", named(&[address]))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_right_before_hanging_up_is_kept() {
    if !can_run("what_is_told_right_before_hanging_up_is_kept") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    stage.bluez().add(THERMOMETER, thermometer()).await;
    stage.start(&in_greenwich(THERMOMETER));
    for round in 0..ROUNDS {
        heard(&stage, THERMOMETER, TEMPERATURE).await;
        for number in 0..AT_ONCE {
            let more = round * AT_ONCE + number;
            let mut value = vec![0x02, 0xB0 + more, 0x0E, 0x00, 0xFE];
            value.extend(date_time());
            stage.bluez().tell(THERMOMETER, TEMPERATURE, &value).await;
        }
        stage.bluez().hang_up(THERMOMETER).await;
    }
    let thermometer = device(THERMOMETER);
    let wanted: Vec<i32> = (0..i32::from(ROUNDS * AT_ONCE))
        .map(|it| 3760 + it)
        .collect();
    let seen = stage
        .until("all is there", |seen| {
            readings(seen, &thermometer).len() >= wanted.len()
        })
        .await;
    let told: Vec<i32> = readings(&seen, &thermometer)
        .into_iter()
        .map(|(vital, _)| vital.steps())
        .collect();
    assert_eq!(told, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_before_all_is_listened_to_is_kept() {
    if !can_run("what_is_told_before_all_is_listened_to_is_kept") {
        return;
    }
    let mut stage = Stage::set(Rules::default()).await;
    stage.centre();
    let mut value = vec![0x01, 95, 0, 72, 0];
    value.extend(date_time());
    let hurried = Peer {
        name: "Hurried",
        advertises: vec![PLX],
        table: vec![
            attribute(PLX, SPOT, &["indicate"]),
            attribute(PLX, CONTROL, &["write", "indicate"]),
        ],
        tells: Some((SPOT, value)),
        hurries: true,
        ..Peer::default()
    };
    stage.bluez().add(OXIMETER, hurried).await;
    stage.start(&in_greenwich(OXIMETER));
    let oximeter = device(OXIMETER);
    let seen = stage
        .until("it is there", |seen| {
            !saturations(seen, &oximeter).is_empty()
        })
        .await;
    assert_eq!(saturations(&seen, &oximeter), [95]);
}
