//! Homes through the fold, in mock time: what of them is heard, and what is silent.

// req: G7

use tempfile::TempDir;
use veglia_diary::{ChangeId, assign_device, changes_since, create_plan, set_standing};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{
    Calling, Cause, Expected, How, OxygenScale, Parameter, Plan, PlanVersion, RuleSet, Standing,
    Verdict, Whereabouts,
};
use veglia_wire::{
    Boot, ClockState, Epoch, FrameHeader, MonoMs, Quality, Sequence, Site, UpFrame, Vital,
    VitalKind, When,
};

use super::*;
use crate::entry::Entry;
use crate::fold::{Fold, Told};

const NOON: WallMs = WallMs(1_603_188_000_000);
const PATIENT: PatientId = PatientId::new(0xa11ce);
const SETUP: Actor = Actor::System("test");

fn minute(minutes: i64) -> WallMs {
    NOON.plus_ms(minutes * 60_000)
}

fn oximeter() -> DeviceId {
    DeviceId::new("nonin:501234").unwrap()
}

fn thermometer() -> DeviceId {
    DeviceId::new("node:0000000000000001").unwrap()
}

/// A patient with oxygen every hour and temperature every two, a quarter of an hour of grace each.
struct House {
    _folder: TempDir,
    record: Database,
    fold: Fold,
    sequence: u64,
    said: Vec<String>,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let record = record.await.unwrap();
        let parameter = |vital, minutes| Parameter {
            vital,
            expected: Expected::EveryMinutes(minutes),
            grace_minutes: 15,
        };
        let plan = Plan {
            patient: PATIENT,
            version: PlanVersion(1),
            from: minute(0),
            until: None,
            parameters: vec![
                parameter(VitalKind::SpO2, 60),
                parameter(VitalKind::Temperature, 120),
            ],
            spo2: None,
            oxygen_scale: OxygenScale::One,
            guards: Vec::new(),
            limits: Vec::new(),
            calling: Calling::default(),
        };
        create_plan(&record, &SETUP, &plan, minute(0))
            .await
            .unwrap();
        for device in [oximeter(), thermometer()] {
            assign_device(&record, &SETUP, &device, PATIENT, minute(0), minute(0))
                .await
                .unwrap();
        }
        let fold = Fold::resume(record.clone(), RuleSet::shipped(), HashMap::new(), 0).await;
        let mut house = Self {
            _folder: folder,
            fold: fold.unwrap(),
            record,
            sequence: 0,
            said: Vec::new(),
        };
        house.hear_changes(0).await;
        for at in [-2, -1, 0] {
            house.tick(at).await;
        }
        house.measure(0, 0).await;
        house
    }

    async fn take(&mut self, entry: Entry) {
        let mut told = Told::default();
        self.fold.take(&entry, &mut told).await.unwrap();
        let verdicts = told.verdicts.iter().map(|(verdict, _)| word(verdict));
        self.said.extend(verdicts);
    }

    async fn hear_changes(&mut self, at: i64) {
        let changes = changes_since(&self.record, &SETUP, ChangeId(0)).await;
        let id = changes.unwrap().last().unwrap().id.0;
        let at = minute(at);
        self.take(Entry::Change { at, id }).await;
    }

    async fn tick(&mut self, at: i64) {
        self.take(Entry::Tick { at: minute(at) }).await;
    }

    /// One record that happened at a minute and was received at another.
    async fn receive(&mut self, device: Option<DeviceId>, body: Body, at: i64, received: i64) {
        self.sequence += 1;
        let frame = UpFrame {
            header: FrameHeader {
                gateway: GatewayId::new("casa-1").unwrap(),
                epoch: Epoch(7),
                first: Sequence::new(self.sequence).unwrap(),
                count: 1,
            },
            sent_at: Some(minute(received)),
            clock: ClockState::Synchronised,
            records: vec![Record {
                device,
                when: When {
                    boot: Boot(1),
                    mono: MonoMs(self.sequence),
                    wall: Some(minute(at)),
                    device: None,
                },
                body,
            }],
        };
        let bytes = frame.encode().unwrap();
        self.take(Entry::Frame {
            at: minute(received),
            skip: 0,
            bytes,
        })
        .await;
    }

    async fn measure(&mut self, at: i64, received: i64) {
        let values = [
            (oximeter(), VitalKind::SpO2, 970, Site::Unknown),
            (thermometer(), VitalKind::Temperature, 3_700, Site::Armpit),
        ];
        for (device, kind, steps, site) in values {
            let vital = Vital::from_steps(kind, steps, site).unwrap();
            let body = Body::Reading(vital, Quality::empty());
            self.receive(Some(device), body, at, received).await;
        }
    }

    async fn oxygen(&mut self, at: i64) {
        let vital = Vital::from_steps(VitalKind::SpO2, 970, Site::Unknown).unwrap();
        let body = Body::Reading(vital, Quality::empty());
        self.receive(Some(oximeter()), body, at, at).await;
    }

    /// Minutes in which the box lives and the centre listens.
    async fn pass(&mut self, minutes: std::ops::Range<i64>) {
        for at in minutes {
            if at % 5 == 0 {
                self.receive(None, Body::Heartbeat(0), at, at).await;
            }
            self.tick(at).await;
        }
    }

    /// Minutes in which nothing comes from the home.
    async fn wait(&mut self, minutes: std::ops::Range<i64>) {
        for at in minutes {
            self.tick(at).await;
        }
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

fn word(verdict: &Verdict) -> String {
    let rule = &verdict.id().rule;
    match verdict {
        Verdict::Raise(flag) => match flag.standing {
            Standing::Confirmed {
                how: How::Silent(cause),
                ..
            } => format!("{rule} {cause:?}"),
            standing => format!("{rule} {standing:?}"),
        },
        Verdict::Confirm { how, .. } => format!("{rule} now {how:?}"),
        Verdict::End { why, .. } => format!("{rule} {why:?}"),
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_hole_in_the_ticks_is_told_at_every_speed() {
    for (tick_ms, hole_ms, is_hole) in [
        (1_000, 1_200_000, true),
        (1_000, 60_000, false),
        (60_000, 1_200_000, true),
        (60_000, 180_000, false),
        (3_600_000, 3_700_000, false),
    ] {
        let mut ticks = Ticks::default();
        for count in 0..3 {
            assert_eq!(ticks.follow(WallMs(count * tick_ms)), None);
        }
        let last = WallMs(2 * tick_ms);
        let told = ticks.follow(last.plus_ms(hole_ms));
        assert_eq!(told, is_hole.then_some(last), "{tick_ms} {hole_ms}");
        let next = last.plus_ms(hole_ms + tick_ms);
        assert_eq!(ticks.follow(next), None);
    }
}

#[test]
fn ticks_of_a_fast_clock_are_no_holes_for_ever_though_two_came_close_together() {
    let mut ticks = Ticks::default();
    let moments = [0, 10_000]
        .into_iter()
        .chain((1..20).map(|tick| 10_000 + tick * 240_000));
    let holes = moments.filter_map(|at| ticks.follow(WallMs(at))).count();
    assert_eq!(holes, 2, "until the usual is known again");
    // One hole after another is told each time.
    let mut ticks = Ticks::default();
    let told = [0, 1_000, 2_000, 1_202_000, 2_402_000].map(|at| ticks.follow(WallMs(at)));
    assert_eq!(told.iter().flatten().count(), 2, "{told:?}");
}

#[tokio::test]
async fn a_silent_thermometer_beside_a_talking_oximeter_is_told_at_its_own_time() {
    let mut house = House::new().await;
    for hour in 1..3 {
        house.pass(hour * 60 - 59..hour * 60 + 1).await;
        house.oxygen(hour * 60).await;
    }
    house.pass(121..135).await;
    assert_eq!(house.said(), NOTHING);
    house.pass(135..136).await;
    assert_eq!(house.said(), ["silence-temperature NotMeasuring"]);
    house
        .receive(
            Some(thermometer()),
            Body::Event(DeviceEvent::Down),
            136,
            136,
        )
        .await;
    house.pass(136..160).await;
    assert_eq!(
        house.said(),
        [format!(
            "silence-temperature now {:?}",
            How::Silent(Cause::DeviceOff)
        )]
    );
}

#[tokio::test]
async fn a_home_off_line_is_one_flag_and_what_it_kept_takes_it_back() {
    let mut house = House::new().await;
    house.pass(1..41).await;
    house.wait(41..75).await;
    assert_eq!(house.said(), NOTHING);
    house.wait(75..76).await;
    assert_eq!(house.said(), ["silence-home HomeOffline"]);
    house.wait(76..180).await;
    assert_eq!(house.said(), NOTHING, "the thermometer adds none");
    for at in [60, 120, 170] {
        house.measure(at, 180).await;
    }
    house.pass(180..200).await;
    assert_eq!(house.said(), ["silence-home ExplainedByLateData"]);
}

#[tokio::test]
async fn a_server_that_was_down_across_a_deadline_calls_no_home_off_line() {
    for has_measured in [true, false] {
        let mut house = House::new().await;
        house.pass(1..66).await;
        // Down for twenty minutes, over the deadline of minute 75; then everything comes at once.
        house.tick(85).await;
        assert_eq!(house.said(), NOTHING);
        if has_measured {
            house.measure(60, 85).await;
        }
        house.receive(None, Body::Heartbeat(0), 70, 85).await;
        house.pass(85..110).await;
        if has_measured {
            assert_eq!(house.said(), NOTHING);
        } else {
            assert_eq!(house.said(), ["silence-spo2 NotMeasuring"]);
        }
    }
}

#[tokio::test]
async fn a_fold_that_goes_on_from_what_was_remembered_says_the_same() {
    let mut house = House::new().await;
    house.pass(1..66).await;
    // Remembered and read back, as the watch does it over a restart.
    let patients = house.fold.patients.iter().map(|(patient, known)| {
        let state = serde_json::to_string(&known.state).unwrap();
        let row = serde_json::to_string(&known.row).unwrap();
        let known = Known {
            state: serde_json::from_str(&state).unwrap(),
            row: serde_json::from_str(&row).unwrap(),
            life: 0,
            anew_at: None,
            taken: known.taken.clone(),
        };
        (*patient, known)
    });
    let patients = patients.collect();
    let (change, ticks) = (house.fold.change(), house.fold.ticks);
    let fold = Fold::resume(house.record.clone(), RuleSet::shipped(), patients, change).await;
    house.fold = fold.unwrap();
    house.fold.ticks = ticks;
    house.tick(85).await;
    house.pass(85..110).await;
    assert_eq!(house.said(), ["silence-spo2 NotMeasuring"]);
}

#[tokio::test]
async fn a_patient_in_hospital_is_not_silent() {
    let mut house = House::new().await;
    house.pass(1..76).await;
    assert_eq!(house.said(), ["silence-spo2 NotMeasuring"]);
    let hospital = (Whereabouts::InHospital, minute(80));
    set_standing(
        &house.record,
        &SETUP,
        PATIENT,
        hospital,
        "Ricovero.",
        minute(80),
    )
    .await
    .unwrap();
    house.hear_changes(80).await;
    house.pass(80..400).await;
    assert_eq!(house.said(), ["silence-spo2 Away"]);
    let home = (Whereabouts::AtHome, minute(400));
    set_standing(
        &house.record,
        &SETUP,
        PATIENT,
        home,
        "Rientro.",
        minute(400),
    )
    .await
    .unwrap();
    house.hear_changes(400).await;
    house.pass(400..476).await;
    assert_eq!(house.said(), ["silence-spo2 NotMeasuring"]);
}
