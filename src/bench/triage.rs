//! What the rules cost for a reading, with many patients in memory and nothing else: no journal,
//! no diary, no row of the ward.
//!
//! All patients have a plan, the shipped rules and full memories; they are well, as nearly all are.
//! Each in turn is given a frame, so that with many of them nothing of a patient is left in the
//! processor's caches from the frame before: that is what a reading costs when it arrives alone.
//! A frame of many readings, of a home that was away, costs less for each of them. Before a frame
//! comes a tick, where a patient's state asks for one by then, as the watch gives it.
//!
//! Nearly every reading is put off by the rules (`quiet.rs` there), and paid for later, for many at
//! a time. So each load is measured for a whole turn of all that comes again: a full log that is
//! passed over, a new slot of the day, a time at which a reading was expected. As all patients are
//! in step, a frame in which that happens costs a hundred times the others; the mean is shown.
//!
//! The figure is processor time, less that of making the same observations. It moves with whatever
//! else uses the memory of the machine. The memory is what is resident at the end, beyond what was
//! before all loads: what a load before it used and gave back may be in it.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use veglia_triage::{
    Input, Observation, PatientId, PatientState, Plan, RuleSet, Seen, Source, step,
};
use veglia_wire::{DeviceId, Epoch, Quality, RecordId, Sequence, Site, Vital, VitalKind, WallMs};

use super::machine::{kib_after, processor_time};
use super::table::{ratio, table};

/// 20 October 2020, 08:00 in Milano.
const BEGIN: WallMs = WallMs(1_603_173_600_000);

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;

/// Memory that a state may take, to see beforehand whether so many fit.
const STATE_BYTES_AT_MOST: u64 = 96 * 1024;

/// Saturations of somebody well, in tenths of a percent: whole percents that wander by one.
const COURSE: [i32; 8] = [970, 970, 960, 970, 980, 970, 960, 960];

const OXIMETER: &[VitalKind] = &[VitalKind::SpO2, VitalKind::Pulse];
const ROUND: &[VitalKind] = &[VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];

/// How readings come.
struct Load {
    name: &'static str,
    every_ms: i64,
    kinds: &'static [VitalKind],
    /// Moments until every memory is full.
    fill: i64,
    /// Moments in a frame.
    frame: i64,
    /// Frames of a patient that are measured: two days of rounds, or as many as are passed over at
    /// a time.
    frames: i64,
}

const LOADS: [Load; 4] = [
    Load {
        name: "a round every 6 hours",
        every_ms: 6 * 60 * MINUTE_MS,
        kinds: ROUND,
        fill: 12,
        frame: 1,
        frames: 8,
    },
    Load {
        name: "a value a minute",
        every_ms: MINUTE_MS,
        kinds: OXIMETER,
        // With the frames below it ends before the evening's temperature is missed, which nobody
        // gives and which would be said.
        fill: 256,
        frame: 1,
        frames: 384,
    },
    Load {
        name: "a value a second",
        every_ms: SECOND_MS,
        kinds: OXIMETER,
        fill: 576,
        frame: 1,
        frames: 264,
    },
    Load {
        name: "a value a second, after a minute",
        every_ms: SECOND_MS,
        kinds: OXIMETER,
        fill: 576,
        frame: 64,
        frames: 8,
    },
];

/// Moments given at a time while memories are filled.
const FILL_AT_ONCE: i64 = 64;

/// What one load costs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Cost {
    pub(super) load: &'static str,
    pub(super) patients: u64,
    /// Readings that a patient is given before the next one's turn.
    pub(super) per_frame: u64,
    /// Processor time.
    pub(super) ns_per_reading: f64,
    /// Resident memory, all its parts and what the allocator adds.
    pub(super) bytes_per_state: f64,
    /// What the rules said; nothing of people who are well.
    pub(super) verdicts: u64,
}

/// Each load with so many patients, or as many as half of the free memory holds.
pub(super) fn measure(patients: u64) -> Result<Vec<Cost>> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let free = kib_after(&memory, "MemAvailable:").unwrap_or(u64::MAX);
    let patients = patients.min(free / 2 / STATE_BYTES_AT_MOST);
    let before = resident()?;
    let costs = LOADS.iter().map(|load| cost(load, patients, before));
    costs.collect()
}

fn cost(load: &Load, patients: u64, before: u64) -> Result<Cost> {
    let rules = RuleSet::shipped();
    let mut states = Vec::new();
    for number in 1..=patients {
        let patient = PatientId::new(number);
        let plan = Plan::template("home-covid", patient, BEGIN).context("a shipped plan")?;
        let mut state = PatientState::new(patient);
        step(&rules, &mut state, Input::Plan(&plan), BEGIN);
        states.push((number, state));
    }
    let mut verdicts = 0;
    for first in (0..load.fill).step_by(usize::try_from(FILL_AT_ONCE)?) {
        verdicts += load.give(
            &rules,
            &mut states,
            first,
            FILL_AT_ONCE.min(load.fill - first),
        )?;
    }
    let (mut took, mut making) = (Duration::ZERO, Duration::ZERO);
    for frame in 0..load.frames {
        let first = load.fill + frame * load.frame;
        let began = processor_time("self")?;
        load.make(patients, first)?;
        let made = processor_time("self")?;
        verdicts += load.give(&rules, &mut states, first, load.frame)?;
        took += processor_time("self")?.saturating_sub(made);
        making += made.saturating_sub(began);
    }
    let bytes = resident()?.saturating_sub(before);
    let per_frame = u64::try_from(load.frame)? * u64::try_from(load.kinds.len())?;
    let readings = patients * per_frame * u64::try_from(load.frames)?;
    let spent = took.saturating_sub(making);
    Ok(Cost {
        load: load.name,
        patients,
        per_frame,
        ns_per_reading: ratio(u64::try_from(spent.as_nanos())?, readings),
        bytes_per_state: ratio(bytes, patients),
        verdicts,
    })
}

impl Load {
    /// Gives every patient in turn a frame; how much was said.
    fn give(
        &self,
        rules: &RuleSet,
        states: &mut [(u64, PatientState)],
        first: i64,
        moments: i64,
    ) -> Result<u64> {
        let mut frame = Vec::new();
        let mut verdicts = 0;
        for (number, state) in states {
            self.frame(*number, first, moments, &mut frame)?;
            if let Some(first) = frame.first()
                && state.next_deadline().is_some_and(|due| due <= first.at)
            {
                let said = step(rules, state, Input::Tick, first.at);
                verdicts += u64::try_from(black_box(said).len())?;
            }
            for observation in &frame {
                let received = observation.received;
                let said = step(rules, state, Input::Observation(observation), received);
                verdicts += u64::try_from(black_box(said).len())?;
            }
        }
        Ok(verdicts)
    }

    /// Makes the same frames for nobody.
    fn make(&self, patients: u64, first: i64) -> Result<()> {
        let mut frame = Vec::new();
        for number in 1..=patients {
            self.frame(number, first, self.frame, &mut frame)?;
            black_box(&frame);
        }
        Ok(())
    }

    fn frame(
        &self,
        number: u64,
        first: i64,
        moments: i64,
        frame: &mut Vec<Observation>,
    ) -> Result<()> {
        frame.clear();
        let device = DeviceId::new(&format!("nonin:{number:06}"))?;
        let own = i64::try_from(number)?;
        for moment in first..first + moments {
            let at = BEGIN.plus_ms(moment * self.every_ms + own % 900);
            let place = usize::try_from((moment / 3 + own).rem_euclid(8))?;
            let percent_tenths = COURSE.get(place).copied().unwrap_or(970);
            for (kind, place) in self.kinds.iter().zip(1..) {
                let steps = match kind {
                    VitalKind::SpO2 => percent_tenths,
                    VitalKind::Temperature => 3_650 + percent_tenths / 100,
                    _ => percent_tenths - 250,
                };
                let vital = Vital::from_steps(*kind, steps, Site::Armpit)?;
                let sequence = u64::try_from(moment)? * 4 + place;
                frame.push(Observation {
                    id: RecordId {
                        epoch: Epoch(number),
                        sequence: Sequence::new(sequence).context("counted from 1")?,
                    },
                    device: device.clone(),
                    source: Source::Device,
                    at,
                    received: at,
                    seen: Seen::Vital(vital, Quality::empty()),
                });
            }
        }
        Ok(())
    }
}

fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    kib_after(&status, "VmRSS:").context("the kernel does not say how much is resident")
}

/// A row for each load.
pub(super) fn rows(costs: &[Cost]) -> String {
    let heading = [
        "rules alone",
        "patients",
        "readings a frame",
        "ns a reading",
        "KiB a patient",
    ];
    let rows = costs.iter().map(|it| {
        let wrong = if it.verdicts > 0 { " (WRONG)" } else { "" };
        vec![
            format!("{}{wrong}", it.load),
            it.patients.to_string(),
            it.per_frame.to_string(),
            format!("{:.0}", it.ns_per_reading),
            format!("{:.1}", it.bytes_per_state / 1024.0),
        ]
    });
    table(&heading, rows.collect())
}
