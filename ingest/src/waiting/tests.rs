//! What waits, and what of it is written down.

use veglia_wire::{
    Body, Boot, Epoch, GatewayId, MonoMs, Quality, Record, Sequence, Site, Vital, VitalKind, When,
};

use super::*;
use crate::dating::Time;

const EVER: Range<WallMs> = WallMs(i64::MIN)..WallMs(i64::MAX);

fn device(number: usize) -> DeviceId {
    DeviceId::new(&format!("nonin:{number:06}")).unwrap()
}

fn reading(device: &DeviceId, second: i64) -> Arrived {
    let at = WallMs(1_603_188_000_000 + second * 1_000);
    let vital = Vital::from_steps(VitalKind::SpO2, 970, Site::Unknown).unwrap();
    let record = Record {
        device: Some(device.clone()),
        when: When {
            boot: Boot(1),
            mono: MonoMs(second.unsigned_abs()),
            wall: Some(at),
            device: None,
        },
        body: Body::Reading(vital, Quality::empty()),
    };
    Arrived {
        received: at,
        gateway: GatewayId::new("casa-12").unwrap(),
        id: RecordId {
            epoch: Epoch(7),
            sequence: Sequence::new(second.unsigned_abs() + 1).unwrap(),
        },
        record,
        time: Time::Told(at),
    }
}

/// Nobody is red.
fn well(_: PatientId) -> bool {
    false
}

#[test]
fn all_that_waits_is_bounded_and_who_has_most_loses_the_oldest() {
    let mut waiting = Waiting::default();
    let devices = SUM_MAX / READINGS_MAX + 2;
    for number in 0..devices {
        let device = device(number);
        for second in 0..i64::try_from(READINGS_MAX).unwrap() {
            assert!(
                waiting
                    .keep(&reading(&device, second), 0, &EVER, well)
                    .is_some()
            );
        }
    }
    let lengths = waiting.by_device.values().map(|kept| kept.readings.len());
    assert_eq!(lengths.clone().sum::<usize>(), SUM_MAX);
    assert!(lengths.clone().min().unwrap() > READINGS_MAX / 2);
    assert_eq!(waiting.sum, SUM_MAX);
}

#[test]
fn only_devices_of_which_something_is_new_are_written_and_all_is_remembered() {
    let mut waiting = Waiting::default();
    for number in 0..3 {
        drop(waiting.keep(&reading(&device(number), 1), 0, &EVER, well));
    }
    let first = waiting.unsaved();
    assert_eq!(first.len(), 3);
    waiting.was_saved();
    assert_eq!(waiting.unsaved(), []);
    drop(waiting.keep(&reading(&device(1), 2), 0, &EVER, well));
    let mut written: HashMap<DeviceId, Saved> = first.into_iter().collect();
    let news = waiting.unsaved();
    assert_eq!(news.len(), 1);
    written.extend(news);
    let remembered = Waiting::remembered(written.into_values().collect());
    let sorted = |waiting: &Waiting| {
        let mut sessions: Vec<Session> = Vec::new();
        for kept in waiting.by_device.values() {
            sessions.extend(kept.sessions.iter().cloned());
        }
        sessions.sort_by_key(|session| session.stand_in);
        sessions
    };
    assert_eq!(sorted(&remembered), sorted(&waiting));
    assert_eq!(remembered.sum, waiting.sum);
}

#[test]
fn a_session_of_an_earlier_version_goes_on() {
    let mut waiting = Waiting::default();
    drop(waiting.keep(&reading(&device(1), 1), 0, &EVER, well));
    let (_, saved) = waiting.unsaved().remove(0);
    let mut text = serde_json::to_value(&saved).unwrap();
    let session = text["sessions"][0].as_object_mut().unwrap();
    session.retain(|field, _| ["stand_in", "waits", "heard"].contains(&field.as_str()));
    let saved: Saved = serde_json::from_value(text).unwrap();
    let mut waiting = Waiting::remembered(vec![saved]);
    let keeper = waiting.keep(&reading(&device(1), 2), 0, &EVER, well);
    let Some(Keeper::StandIn(_, waits, _)) = keeper else {
        panic!("{keeper:?}")
    };
    assert_eq!(waits.readings, 2);
}

#[test]
fn a_session_reaches_over_no_edge_of_what_is_said_of_its_device() {
    let mut waiting = Waiting::default();
    let edge = WallMs(1_603_188_000_000 + 1_500);
    drop(waiting.keep(&reading(&device(1), 1), 0, &(EVER.start..edge), well));
    let keeper = waiting.keep(&reading(&device(1), 2), 0, &(edge..EVER.end), well);
    let Some(Keeper::StandIn(_, waits, _)) = keeper else {
        panic!("{keeper:?}")
    };
    assert!(waits.from >= edge);
    assert_eq!(waits.readings, 1, "the one that begins it counts");
}

#[test]
fn of_too_many_sessions_the_oldest_that_is_not_red_waits_no_longer() {
    let mut waiting = Waiting::default();
    let mut press = |minute: i64, red: Option<PatientId>| {
        let pressed = reading(&device(1), minute * 60);
        let keeper = waiting.keep(&pressed, 0, &EVER, |who| red == Some(who));
        let Some(Keeper::StandIn(stand_in, ..)) = keeper else {
            panic!("{keeper:?}")
        };
        (stand_in, waiting.evicted())
    };
    let most = i64::try_from(SESSIONS_MAX).unwrap();
    let begun: Vec<(PatientId, Vec<PatientId>)> = (0..most).map(|it| press(it, None)).collect();
    assert!(begun.iter().all(|(_, evicted)| evicted.is_empty()));
    let (first, second) = (begun[0].0, begun[1].0);
    assert_eq!(press(most, Some(first)).1, [second]);
    assert_eq!(press(most + 1, None).1, [first]);
}
