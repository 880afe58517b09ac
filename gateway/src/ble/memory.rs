//! What a device measured at a time of its own: told live with a date, or out of its memory. Each
//! becomes records once, dated by the device's clock, and what is in the memory is deleted there
//! only when the centre has it ([`Stored`] says when).

use std::collections::BTreeMap;
use std::time::Instant;

use btleplug::api::{Characteristic, Peripheral as _, WriteType};
use futures_util::future;
use veglia_codecs::racp::Request;
use veglia_codecs::{DeviceTime, Frame, Observation, observe};
use veglia_wire::{Body, Quality, Record, Vital};

use super::device::{Broken, Device};
use super::ledger::{self, Ledger};
use super::radio::{ATTRIBUTE, Trouble, call};
use super::stored::{Mark, Step, Stored};
use crate::run::is_passing;

/// Stored measurements that are taken over at once: an append of the outbox holds so many with
/// their two values.
const AT_ONCE: usize = 400;

/// What a device tells of its memory, until it is on disk.
#[derive(Default)]
pub(super) struct Told {
    taken: Vec<(String, Vec<Record>)>,
    /// How often the same value without a time came: twice is two measurements.
    alike: BTreeMap<Vec<u8>, u32>,
    /// Up to where everything of it is in the outbox; none while nothing new was told.
    through: Option<Mark>,
    /// Something could not be kept, and must not be deleted.
    is_incomplete: bool,
}

/// Where measurements come from that are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// They were just told.
    Live,
    /// The memory that was asked.
    Memory,
}

/// The memory of a device in this connection.
pub(super) struct Memory {
    pub(super) state: Stored,
    pub(super) told: Told,
}

impl Memory {
    /// At the beginning of a connection.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: Stored::new(now),
            told: Told::default(),
        }
    }
}

/// What a frame says of a measurement.
pub(super) struct Said {
    pub(super) measured: Option<DeviceTime>,
    pub(super) is_stored: bool,
    pub(super) vitals: Vec<(Vital, Quality)>,
}

impl Said {
    pub(super) fn of(frame: &Frame) -> Self {
        let mut said = Self {
            measured: None,
            is_stored: false,
            vitals: Vec::new(),
        };
        for observation in observe(frame) {
            match observation {
                Observation::Measured(time) => said.measured = Some(time),
                Observation::Reading(vital, quality) => {
                    said.is_stored |= quality.contains(Quality::FROM_STORAGE);
                    said.vitals.push((vital, quality));
                }
                _ => {}
            }
        }
        said
    }
}

impl Device {
    /// A measurement that the device has dated, or had stored: taken over once.
    pub(super) async fn take_dated(
        &mut self,
        memory: &mut Option<Memory>,
        frame: &Frame,
        said: &Said,
        value: &[u8],
    ) -> Result<(), Broken> {
        let vitals: Vec<Vital> = said.vitals.iter().map(|(vital, _)| *vital).collect();
        let mut told = match memory {
            Some(memory) if memory.state.is_reporting() => {
                memory.state.told(Instant::now());
                Some(&mut memory.told)
            }
            Some(memory) => {
                memory.state.measured(Instant::now());
                None
            }
            None => None,
        };
        let wall = self.now().wall;
        let minutes = |measured| wall.and_then(|wall| self.clock.minutes(measured, wall));
        let entry = match (said.measured, &mut told) {
            (Some(measured), _) => Some(ledger::entry(measured, &vitals, minutes(measured))),
            (None, Some(told)) => {
                let alike = told.alike.entry(value.to_vec()).or_default();
                *alike += 1;
                Some(ledger::untimed(value, *alike))
            }
            (None, None) => None,
        };
        let Some(entry) = entry else {
            let records = self.dated(frame, said);
            self.writer.push(records);
            return Ok(());
        };
        // A live value whose clock nobody has seen may say the same on two days: two of one harm
        // less than none. Unless its calendar runs, and then it says the same twice in a moment.
        let is_running = || {
            self.clock
                .date(said.measured, false, self.now())
                .1
                .is_empty()
        };
        let is_certain = said.is_stored || told.is_some() || entry.contains('@') || is_running();
        let is_known = is_certain && self.ledger.as_ref().is_some_and(|it| it.knows(&entry));
        let waits = |told: &&mut Told| told.taken.iter().any(|(other, _)| *other == entry);
        if is_known || told.as_ref().is_some_and(waits) {
            return Ok(());
        }
        let records = self.dated(frame, said);
        match told {
            Some(told) => {
                told.taken.push((entry, records));
                if told.taken.len() >= AT_ONCE {
                    self.keep_told(told).await?;
                }
            }
            None => {
                self.take_over(vec![(entry, records)], Source::Live).await?;
            }
        }
        Ok(())
    }

    /// The records of a measurement, with the time that the device's clock gives it.
    pub(super) fn dated(&mut self, frame: &Frame, said: &Said) -> Vec<Record> {
        let now = self.now();
        let (when, more) = self.clock.date(said.measured, said.is_stored, now);
        if !said.is_stored && now.wall.is_some() {
            self.has_dated(more.contains(Quality::TIME_UNCERTAIN));
        }
        let mut records = Vec::new();
        if !said.is_stored && when.boot == now.boot {
            self.listener.hear_as(frame, when, more, &mut records);
            if let Some(place) = &self.place {
                place.heard(when.mono, &self.listener);
            }
            return records;
        }
        // What was long ago says nothing of the finger or the battery now.
        let record = |(vital, quality): &(Vital, Quality)| Record {
            device: Some(self.member.device.clone()),
            when,
            body: Body::Reading(*vital, *quality | more),
        };
        said.vitals.iter().map(record).collect()
    }

    /// Does what the memory's next step is.
    pub(super) async fn follow(
        &mut self,
        control: Option<&Characteristic>,
        memory: &mut Memory,
        step: Step,
    ) -> Result<Result<(), Trouble>, Broken> {
        match step {
            Step::Wait => Ok(Ok(())),
            Step::Deleted => {
                self.forget_untimed();
                // Nothing waits that was dated by its clock as it was.
                self.set_clock().await;
                Ok(Ok(()))
            }
            Step::Ask(request) => {
                if request == Request::Abort {
                    self.keep_told(&mut memory.told).await?;
                }
                if request == Request::ReportAll {
                    memory.told = Told::default();
                }
                if request == Request::DeleteAll {
                    // Before, not after: its answer may be lost, and two of one harm nobody.
                    self.forget_untimed();
                    tracing::info!(device = %self.member.device,
                        "the centre has all that the device has stored; it may forget it");
                }
                let Some(control) = control else {
                    return Ok(Ok(()));
                };
                let bytes = request.bytes();
                let how = WriteType::WithResponse;
                let written = self.peripheral.write(control, &bytes, how);
                Ok(call("write", ATTRIBUTE, written).await)
            }
            Step::Keep => {
                self.keep_told(&mut memory.told).await?;
                let known = self.ledger.as_ref().and_then(Ledger::through);
                let through = memory.told.through.or(known);
                let through = through.filter(|_| !memory.told.is_incomplete);
                memory.state.kept(through, Instant::now());
                // What it has stored is dated now: its clock may be set.
                if !memory.told.is_incomplete {
                    self.set_clock().await;
                }
                Ok(Ok(()))
            }
        }
    }

    fn forget_untimed(&mut self) {
        if let Some(ledger) = &mut self.ledger
            && let Err(error) = ledger.forget_untimed()
        {
            tracing::warn!(%error, "the device's list is longer than it need be");
        }
    }

    pub(super) async fn keep_told(&mut self, told: &mut Told) -> Result<(), Broken> {
        let taken = std::mem::take(&mut told.taken);
        if taken.is_empty() {
            return Ok(());
        }
        let count = taken.len();
        match self.take_over(taken, Source::Memory).await? {
            Some(through) => told.through = Some(through),
            None => told.is_incomplete = true,
        }
        tracing::info!(device = %self.member.device, count, "stored measurements taken over");
        Ok(())
    }

    /// Puts measurements in the outbox and on the list, so that neither a repetition nor a power
    /// cut makes two of one. None: they were not kept, or not for certain.
    pub(super) async fn take_over(
        &mut self,
        taken: Vec<(String, Vec<Record>)>,
        source: Source,
    ) -> Result<Option<Mark>, Broken> {
        let (entries, records): (Vec<String>, Vec<Vec<Record>>) = taken.into_iter().unzip();
        let records: Vec<Record> = records.into_iter().flatten().collect();
        let status = self.home.outbox.status();
        let Some(ledger) = &mut self.ledger else {
            self.writer.push(records);
            return Ok(None);
        };
        if let Err(error) = ledger.begin(&entries, status.epoch, status.newest) {
            tracing::error!(%error, "the device's list cannot be kept; its memory is left alone");
            if source == Source::Live {
                self.writer.push(records);
            }
            return Ok(None);
        }
        let mut through = None;
        if !records.is_empty() {
            let words = self.home.voice.words(&records);
            match self.home.outbox.append(records).await {
                Ok(appended) => {
                    through = Some((status.epoch, appended.last));
                    words.into_iter().for_each(|it| self.home.voice.say(it));
                }
                Err(error) if is_passing(&error) => return Ok(None),
                Err(error) => return Err(Broken::Append(error)),
            }
        }
        if let Err(error) = ledger.done(&entries, through) {
            tracing::error!(%error, "the device's list cannot be kept; nothing is deleted there");
            return Ok(None);
        }
        Ok(through.or_else(|| ledger.through()))
    }

    /// Does the same with parts of a recording, each of which is an append; all at once, so that
    /// they share a commit, and without a word: nobody waits to hear of a night that is over.
    /// False: not all were kept, or not for certain.
    pub(super) async fn take_parts(
        &mut self,
        parts: Vec<(String, Vec<Record>)>,
    ) -> Result<bool, Broken> {
        let Some(ledger) = self.ledger.as_mut().filter(|_| !parts.is_empty()) else {
            return Ok(parts.is_empty());
        };
        let (entries, parts): (Vec<String>, Vec<Vec<Record>>) = parts.into_iter().unzip();
        let status = self.home.outbox.status();
        if let Err(error) = ledger.begin(&entries, status.epoch, status.newest) {
            tracing::error!(%error, "the device's list cannot be kept; the file will come again");
            return Ok(false);
        }
        let outbox = &self.home.outbox;
        let appends = parts.into_iter().map(|records| async move {
            match records.is_empty() {
                // All of it was told live.
                true => Ok(None),
                false => outbox.append(records).await.map(|it| Some(it.last)),
            }
        });
        let (mut kept, mut last, mut is_all) = (Vec::new(), None, true);
        for (entry, appended) in entries.into_iter().zip(future::join_all(appends).await) {
            match appended {
                Ok(appended) => {
                    kept.push(entry);
                    last = last.max(appended);
                }
                Err(error) if is_passing(&error) => is_all = false,
                Err(error) => return Err(Broken::Append(error)),
            }
        }
        if let Err(error) = ledger.done(&kept, last.map(|last| (status.epoch, last))) {
            tracing::error!(%error, "the device's list cannot be kept; the file will come again");
            return Ok(false);
        }
        Ok(is_all)
    }
}
