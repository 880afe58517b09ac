//! What a ledger remembers over restarts and power cuts.

use veglia_link::OutboxOptions;
use veglia_wire::{Body, Boot, DeviceStamp, MonoMs, Pulse, Quality, Record, SpO2, When};

use super::*;

fn device() -> DeviceId {
    DeviceId::new("ble:AABBCC000001").unwrap()
}

fn vitals() -> [Vital; 2] {
    [
        Vital::SpO2(SpO2::from_percent_tenths(970).unwrap()),
        Vital::Pulse(Pulse::from_per_minute_tenths(720).unwrap()),
    ]
}

/// A measurement at a second of the device's calendar.
fn measured(second: i64) -> (String, Vec<Record>) {
    let record = |vital| Record {
        device: Some(device()),
        when: When {
            boot: Boot(0),
            mono: MonoMs(0),
            wall: None,
            device: Some(DeviceStamp(second)),
        },
        body: Body::Reading(vital, Quality::FROM_STORAGE),
    };
    let records = vitals().map(record).to_vec();
    (entry(DeviceTime(second), &vitals(), None), records)
}

fn outbox(dir: &Path) -> Outbox {
    Outbox::open(&dir.join("outbox"), OutboxOptions::default()).unwrap()
}

#[test]
fn what_is_known_stays_known_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    let (first, _) = measured(1_603_188_000);
    assert_eq!(first, "1603188000 spo2=970 pulse=720");
    let setting = Setting {
        until: DeviceTime(7),
        offset_ms: -5,
        at: WallMs(9),
    };
    let standing = Standing {
        offset_ms: Some(3_600_000),
        before: Some(setting),
        blind: Some(WallMs(10)),
    };
    ledger.set_standing(standing).unwrap();
    let mark = (Epoch(9), Sequence::new(4).unwrap());
    ledger
        .done(std::slice::from_ref(&first), Some(mark))
        .unwrap();
    drop(ledger);
    let ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&first));
    assert!(!ledger.knows(&measured(1_603_188_060).0));
    assert_eq!(ledger.standing(), standing);
    assert_eq!(ledger.through(), Some(mark));
}

#[tokio::test]
async fn after_a_power_cut_the_outbox_says_which_of_the_begun_came_true() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = outbox(dir.path());
    let epoch = outbox.status().epoch;
    let (kept, records) = measured(100);
    let (lost, _) = measured(200);
    {
        let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
        let both = [kept.clone(), lost.clone()];
        ledger.begin(&both, epoch, outbox.status().newest).unwrap();
        outbox.append(records).await.unwrap();
    }
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(!ledger.knows(&kept));
    ledger.settle(&outbox).await.unwrap();
    assert!(ledger.knows(&kept) && !ledger.knows(&lost));
    assert_eq!(ledger.through(), Some((epoch, Sequence::new(2).unwrap())));
    drop(ledger);
    let ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&kept) && !ledger.knows(&lost));
}

#[tokio::test]
async fn after_a_power_cut_in_a_recording_only_the_parts_that_are_missing_come() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = outbox(dir.path());
    let name = "20201121223340";
    let part = |second, number| part(DeviceTime(second), name, number);
    {
        let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
        for (second, number) in [(100, 0), (200, 1)] {
            let status = outbox.status();
            let entry = [part(second, number)];
            ledger.begin(&entry, status.epoch, status.newest).unwrap();
            if number == 0 {
                outbox.append(measured(second).1).await.unwrap();
            }
        }
    }
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    ledger.settle(&outbox).await.unwrap();
    assert!(ledger.knows(&part(100, 0)) && !ledger.knows(&part(200, 1)));
    assert!(!ledger.knows(&file(name)), "it is not whole");
    ledger.done(&[file(name)], None).unwrap();
    ledger.forget_untimed().unwrap();
    drop(ledger);
    let ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&file(name)));
}

#[test]
fn a_line_that_was_torn_counts_for_nothing_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two, three) = (measured(1).0, measured(2).0, measured(3).0);
    let path = {
        let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
        ledger.done(&[one.clone(), two.clone()], None).unwrap();
        ledger.path.clone()
    };
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&one) && !ledger.knows(&two));
    ledger.done(std::slice::from_ref(&three), None).unwrap();
    drop(ledger);
    let ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&one) && ledger.knows(&three));
}

#[test]
fn what_had_no_time_is_forgotten_when_the_device_forgets_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    let (timed, bare) = (measured(1).0, untimed(&[0, 97], 1));
    ledger.done(&[timed.clone(), bare.clone()], None).unwrap();
    ledger.forget_untimed().unwrap();
    assert!(ledger.knows(&timed) && !ledger.knows(&bare));
}

#[test]
fn only_the_newest_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    let all: Vec<String> = (0..5_000).map(|second| measured(second).0).collect();
    ledger.done(&all, None).unwrap();
    assert!(!ledger.knows(&all[0]) && ledger.knows(&all[4_999]));
    assert_eq!(ledger.known.len(), MAX_KNOWN);
}

#[test]
fn the_same_time_and_value_on_another_day_is_another_measurement() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    let at = |minutes| entry(DeviceTime(20), &vitals(), Some(minutes));
    ledger.done(&[at(1_000)], None).unwrap();
    drop(ledger);
    let ledger = Ledger::open(dir.path(), &device()).unwrap();
    assert!(ledger.knows(&at(1_001)), "told again");
    assert!(!ledger.knows(&at(1_000 + 4 * 24 * 60)), "measured again");
}

#[tokio::test]
async fn with_its_outbox_everything_that_was_in_it_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = outbox(dir.path());
    let other = (Epoch(outbox.status().epoch.0 ^ 1), Sequence::FIRST);
    let (known, _) = measured(100);
    let mut ledger = Ledger::open(dir.path(), &device()).unwrap();
    ledger
        .done(std::slice::from_ref(&known), Some(other))
        .unwrap();
    ledger.settle(&outbox).await.unwrap();
    assert!(!ledger.knows(&known));
    assert_eq!(ledger.through(), None);
}
