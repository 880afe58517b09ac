//! A rule set over a table of observations: which flags it would have raised.
//!
//! Patients do not know of each other, so each has its own time: deadlines that lie before a
//! patient's next value are let pass at their own moments, and at the end all of them up to the
//! table's last moment. A value that stands after a later one of the same patient arrived late.
//!
//! So that a patient's state is in the processor's cache when it is moved, rows are judged patient
//! by patient, a heap of rows at a time.
//!
//! What is held: a state for each patient, [`ROWS_AT_ONCE`] rows and every flag told. Absent:
//! plans, so that nobody is expected to measure and no silence is flagged.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result};
use veglia_diary::Told;
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_wire::{DeviceId, Epoch, RecordId, Sequence, WallMs};

use super::observations::{Observed, Table};

/// Rows that are read before they are judged: a few hundred for each of some thousand patients, in
/// some fifty megabytes.
const ROWS_AT_ONCE: usize = 1 << 20;

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
    /// Rows that were read and not judged yet.
    waiting: Vec<Observed>,
}

/// Judges a whole table.
pub(super) fn judge(input: impl Read, rules: &RuleSet) -> Result<Judged> {
    let mut table = Table::open(input)?;
    let device = DeviceId::new("table")?;
    let mut beds: Vec<Bed> = Vec::new();
    let mut told = BTreeMap::new();
    let (mut observations, mut waiting) = (0, 0);
    while let Some(observed) = table.next()? {
        observations += 1;
        if observed.patient == beds.len() {
            beds.push(Bed::new(beds.len(), observed.at)?);
        }
        beds[observed.patient].waiting.push(observed);
        waiting += 1;
        if waiting == ROWS_AT_ONCE {
            for bed in &mut beds {
                bed.catch_up(rules, &device, &mut told)?;
            }
            waiting = 0;
        }
    }
    for bed in &mut beds {
        bed.catch_up(rules, &device, &mut told)?;
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
            waiting: Vec::new(),
        })
    }

    /// Judges the rows that wait, in their order.
    fn catch_up(
        &mut self,
        rules: &RuleSet,
        device: &DeviceId,
        told: &mut BTreeMap<FlagId, Told>,
    ) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        for observed in &waiting {
            self.last = self.last.max(observed.at);
            self.wait(rules, self.last, told);
            self.observe(rules, observed, device, told)?;
        }
        waiting.clear();
        self.waiting = waiting;
        Ok(())
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
