//! A rule set over a table of observations: which flags it would have raised.
//!
//! Patients do not know of each other, so each has its own time: deadlines that lie before a
//! patient's next value are let pass at their own moments, and at the end all of them up to the
//! table's last moment. A value that stands after a later one of the same patient arrived late.
//!
//! What is held: a state for each patient and every flag told. Absent: plans, so that nobody is
//! expected to measure and no silence is flagged.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result};
use veglia_diary::Told;
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_wire::{DeviceId, Epoch, RecordId, Sequence, WallMs};

use super::observations::{Observed, Table};

/// A day, for figures.
const DAY_MS: f64 = 24.0 * 3_600_000.0;

/// What a rule set makes of a table.
pub(super) struct Judged {
    /// Every flag told, also those withdrawn since.
    pub(super) told: BTreeMap<FlagId, Told>,
    /// What the patients are called; the flags number them from 1 in this order.
    pub(super) names: Vec<String>,
    pub(super) observations: u64,
    /// From each patient's first value to their last, in days.
    pub(super) patient_days: f64,
}

struct Bed {
    state: PatientState,
    due: Option<WallMs>,
    first: WallMs,
    last: WallMs,
}

/// Judges a whole table.
pub(super) fn judge(input: impl Read, rules: &RuleSet) -> Result<Judged> {
    let mut table = Table::open(input)?;
    let device = DeviceId::new("table")?;
    let mut beds: Vec<Bed> = Vec::new();
    let mut told = BTreeMap::new();
    let mut observations = 0;
    while let Some(observed) = table.next()? {
        observations += 1;
        if observed.patient == beds.len() {
            beds.push(Bed::new(beds.len(), observed.at)?);
        }
        let bed = &mut beds[observed.patient];
        bed.last = bed.last.max(observed.at);
        bed.wait(rules, bed.last, &mut told);
        bed.observe(rules, &observed, &device, &mut told)?;
    }
    let end = beds.iter().map(|bed| bed.last).max();
    let mut watched_ms = 0.0;
    for bed in &mut beds {
        bed.wait(rules, end.unwrap_or(bed.last), &mut told);
        watched_ms += milliseconds(bed.last.since(bed.first));
    }
    Ok(Judged {
        told,
        names: table.names().to_vec(),
        observations,
        patient_days: watched_ms / DAY_MS,
    })
}

impl Bed {
    fn new(place: usize, first: WallMs) -> Result<Self> {
        let patient = PatientId::new(u64::try_from(place)? + 1);
        Ok(Self {
            state: PatientState::new(patient),
            due: None,
            first,
            last: first,
        })
    }

    /// Lets the deadlines pass that come by a moment, each at its own.
    fn wait(&mut self, rules: &RuleSet, by: WallMs, told: &mut BTreeMap<FlagId, Told>) {
        while let Some(due) = self.due.filter(|due| *due <= by) {
            hear(told, step(rules, &mut self.state, Input::Tick, due), due);
            // A deadline that stays is one that only a reading can move.
            self.due = self.state.next_deadline().filter(|next| *next > due);
        }
    }

    fn observe(
        &mut self,
        rules: &RuleSet,
        observed: &Observed,
        device: &DeviceId,
        told: &mut BTreeMap<FlagId, Told>,
    ) -> Result<()> {
        let observation = Observation {
            id: RecordId {
                epoch: Epoch(1),
                sequence: Sequence::new(observed.line).context("a row has a line")?,
            },
            device: device.clone(),
            source: Source::Device,
            at: observed.at,
            received: self.last,
            seen: Seen::Vital(observed.vital, observed.quality),
        };
        let input = Input::Observation(&observation);
        hear(
            told,
            step(rules, &mut self.state, input, self.last),
            self.last,
        );
        self.due = self.state.next_deadline();
        Ok(())
    }
}

fn hear(told: &mut BTreeMap<FlagId, Told>, verdicts: Vec<Verdict>, now: WallMs) {
    for verdict in verdicts {
        let id = verdict.id().clone();
        let known = Told::after(told.remove(&id), verdict, now);
        let known = known.expect("triage raises a flag before it says anything else of it");
        told.insert(id, known);
    }
}

fn milliseconds(ms: i64) -> f64 {
    // A stretch of years is exact in a double.
    let days = i32::try_from(ms / 86_400_000).unwrap_or(i32::MAX);
    let rest = i32::try_from(ms % 86_400_000).unwrap_or(0);
    f64::from(days) * DAY_MS + f64::from(rest)
}
