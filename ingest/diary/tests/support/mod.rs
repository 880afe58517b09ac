//! A diary of its own, and what triage says of a made-up patient.
#![expect(
    dead_code,
    reason = "each test file is a program of its own and uses its part"
)]

pub(crate) mod person;

use std::path::Path;

use tempfile::TempDir;
use veglia_store::{Actor, Database};
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_wire::{DeviceId, Epoch, Quality, RecordId, Sequence, Site, Vital, VitalKind, WallMs};

pub(crate) const TRIAGE: Actor = Actor::System("triage");
pub(crate) const ANNA: Actor = Actor::Staff(1);
pub(crate) const BRUNO: Actor = Actor::Staff(2);
pub(crate) const PATIENT: PatientId = PatientId::new(0xa11ce);
pub(crate) const OTHER: PatientId = PatientId::new(0xb0b);

/// 20 October 2020, 08:00 in Milano, and so many minutes.
pub(crate) fn minute(minutes: i64) -> WallMs {
    WallMs(1_603_173_600_000 + minutes * 60_000)
}

pub(crate) fn device(name: &str) -> DeviceId {
    name.parse().expect("a device id")
}

pub(crate) async fn open(path: &Path) -> Database {
    veglia_trial::open(path, &[veglia_diary::SCHEMA]).await
}

pub(crate) async fn diary() -> (TempDir, Database) {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let record = open(&folder.path().join("record.db")).await;
    (folder, record)
}

/// A patient whose readings are judged by the shipped rules.
pub(crate) struct Home {
    rules: RuleSet,
    state: PatientState,
    count: u64,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            rules: RuleSet::shipped(),
            state: PatientState::new(PATIENT),
            count: 0,
        }
    }

    /// Oxygen measured at a minute and received at another.
    pub(crate) fn spo2(&mut self, measured: i64, received: i64, percent: i32) -> Vec<Verdict> {
        self.count += 1;
        let vital = Vital::from_steps(VitalKind::SpO2, percent * 10, Site::Unknown);
        let observation = Observation {
            id: RecordId {
                epoch: Epoch(7),
                sequence: Sequence::new(self.count).expect("counted from 1"),
            },
            device: device("nonin:501234"),
            source: Source::Device,
            at: minute(measured),
            received: minute(received),
            seen: Seen::Vital(vital.expect("a possible value"), Quality::empty()),
        };
        let input = Input::Observation(&observation);
        step(&self.rules, &mut self.state, input, minute(received))
    }

    pub(crate) fn tick(&mut self, at: i64) -> Vec<Verdict> {
        step(&self.rules, &mut self.state, Input::Tick, minute(at))
    }

    /// Ids and tellings of the flags whose episode goes on.
    pub(crate) fn open(&self) -> Vec<FlagId> {
        self.state
            .open_flags()
            .into_iter()
            .map(|flag| flag.id)
            .collect()
    }
}
