//! Listening to a device that speaks: its values become records, live ones as they come and stored
//! ones as they were dated, and it is kept speaking.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use btleplug::api::{Characteristic, Peripheral as _, ValueNotification, WriteType};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use veglia_codecs::racp::{Request, Response};
use veglia_codecs::{DeviceTime, Frame, Observation, observe, sig};
use veglia_wire::{Body, DeviceEvent, Outcome, Quality, Record, Vital, When};

use super::device::{Broken, Device, Values, Why, has_passed};
use super::ledger;
use super::radio::{ATTRIBUTE, Trouble, call};
use super::stored::{Mark, Step, Stored};
use super::talk::Talk;
use crate::commander::Ask;
use crate::run::is_passing;

/// How often the clock is looked at while a device is listened to.
const BEAT: Duration = Duration::from_secs(1);

/// Stored measurements that are taken over at once: an append of the outbox holds so many with
/// their two values.
const AT_ONCE: usize = 400;

/// What a device tells of its memory, until it is on disk.
#[derive(Default)]
struct Told {
    taken: Vec<(String, Vec<Record>)>,
    /// How often the same value without a time came: twice is two measurements.
    alike: BTreeMap<Vec<u8>, u32>,
    /// Up to where everything of it is in the outbox; none while nothing new was told.
    through: Option<Mark>,
    /// Something could not be kept, and must not be deleted.
    is_incomplete: bool,
}

/// The memory of a device in this connection.
struct Memory {
    state: Stored,
    told: Told,
}

/// What a frame says of a measurement.
struct Said {
    measured: Option<DeviceTime>,
    is_stored: bool,
    vitals: Vec<(Vital, Quality)>,
}

impl Said {
    fn of(frame: &Frame) -> Self {
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
    /// Listens until the link ends, the device falls silent, or the box stops.
    pub(super) async fn listen(
        &mut self,
        mut talk: Talk,
        values: &mut Values,
        stop: &CancellationToken,
    ) -> Result<Why, Broken> {
        if let Some(place) = &self.place {
            place.opened(&self.listener);
        }
        self.listener.replugged();
        let up = self.event(DeviceEvent::Up);
        self.writer.push(vec![up]);
        let is_asked = talk.control.is_some() && self.ledger.is_some();
        let mut memory = is_asked.then(|| Memory {
            state: Stored::new(Instant::now()),
            told: Told::default(),
        });
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_asked = false;
        let why = loop {
            tokio::select! {
                () = stop.cancelled() => break Why::HungUp,
                value = values.next() => match value {
                    Some(value) => {
                        if let Err(trouble) = self.take(&mut talk, &mut memory, &value).await? {
                            break Why::Trouble(trouble);
                        }
                    }
                    None => return Err(Broken::Session(Trouble::Ended)),
                },
                done = self.writer.progress(), if !self.writer.is_idle() => {
                    done.map_err(Broken::Append)?;
                }
                Some(ask) = self.asks.recv() => self.measure_now(&mut talk, ask).await,
                changed = self.sightings.changed() => {
                    if changed.is_err() {
                        return Err(Broken::Session(Trouble::Ended));
                    }
                    if self.is_gone().await {
                        break Why::HungUp;
                    }
                }
                _ = beat.tick() => {
                    if !was_asked {
                        was_asked = true;
                        self.ask_about_itself().await;
                    }
                    if let Some(why) = self.beat(&mut talk, &mut memory).await? {
                        break why;
                    }
                }
            }
        };
        let mut held = Vec::new();
        talk.channels
            .iter_mut()
            .for_each(|channel| channel.finish(&mut held));
        self.hear(held);
        // Of what was told halfway the device may not tell all again: some was measured just now.
        if let Some(memory) = &mut memory {
            self.keep_told(&mut memory.told).await?;
        }
        Ok(why)
    }

    /// Once a second: what was held back, what keeps the device speaking, what it has stored, and
    /// whether it says anything at all.
    async fn beat(
        &mut self,
        talk: &mut Talk,
        memory: &mut Option<Memory>,
    ) -> Result<Option<Why>, Broken> {
        let now = Instant::now();
        let mono_ms = self.home.clock.stamp(None).mono.0;
        let mut held = Vec::new();
        for channel in &mut talk.channels {
            channel.tick(mono_ms, &mut held);
        }
        self.hear(held);
        for channel in &mut talk.channels {
            if let Err(trouble) = channel.keep_alive(&self.peripheral, now).await {
                return Ok(Some(Why::Trouble(trouble)));
            }
        }
        // Nothing stored can be dated while the box does not know the time: it is left there.
        let knows_time = self.home.clock.stamp(None).wall.is_some();
        if let Some(memory) = memory.as_mut().filter(|_| knows_time) {
            let step = memory.state.look(now, &self.home.outbox.status());
            if let Err(trouble) = self.follow(talk.control.as_ref(), memory, step).await? {
                return Ok(Some(Why::Trouble(trouble)));
            }
        }
        if has_passed(talk.heard, talk.quiet(self.home.quiet)) {
            return Ok(Some(Why::Silent));
        }
        Ok(None)
    }

    /// Takes one value of the device.
    async fn take(
        &mut self,
        talk: &mut Talk,
        memory: &mut Option<Memory>,
        value: &ValueNotification,
    ) -> Result<Result<(), Trouble>, Broken> {
        let now = Instant::now();
        if value.uuid == Uuid::from_u128(sig::BATTERY_LEVEL.0) {
            self.battery(&value.value);
            return Ok(Ok(()));
        }
        if value.uuid == Uuid::from_u128(sig::RECORD_ACCESS.0) {
            let Some(memory) = memory else {
                return Ok(Ok(()));
            };
            talk.heard = now;
            let response = Response::decode(&value.value);
            let step = response.map_or(Step::Wait, |it| memory.state.answered(it, now));
            return self.follow(talk.control.as_ref(), memory, step).await;
        }
        let Some(channel) = talk.channel(value.uuid) else {
            return Ok(Ok(()));
        };
        let mut live = Vec::new();
        let mut dated = Vec::new();
        let mut is_heard = false;
        for frame in channel.push(&value.value, now) {
            match frame {
                Ok(frame) => {
                    is_heard = true;
                    let said = Said::of(&frame);
                    if said.measured.is_some() || said.is_stored {
                        dated.push((frame, said));
                    } else {
                        let when = self.home.clock.stamp(frame.stamp());
                        channel.thin(when, frame, &mut live);
                    }
                }
                Err(reject) => {
                    self.home.figures.rejected(reject.reason);
                    self.listener.reject();
                }
            }
        }
        if is_heard {
            talk.heard = now;
            self.is_well();
        }
        self.hear(live);
        for (frame, said) in dated {
            self.take_dated(memory, &frame, &said, &value.value).await?;
        }
        Ok(Ok(()))
    }

    /// Live frames on their way to the outbox.
    fn hear(&mut self, frames: Vec<(When, Frame)>) {
        let mut records = Vec::new();
        for (when, frame) in frames {
            self.listener.hear(&frame, when, &mut records);
            if let Some(place) = &self.place {
                place.heard(when.mono, &self.listener);
            }
        }
        self.writer.push(records);
    }

    /// A measurement that the device has dated, or had stored: taken over once.
    async fn take_dated(
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
            _ => None,
        };
        let wall = self.home.clock.stamp(None).wall;
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
        // less than none.
        let is_certain = said.is_stored || told.is_some() || entry.contains('@');
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
                self.take_over(vec![(entry, records)], true).await?;
            }
        }
        Ok(())
    }

    /// The records of a measurement, with the time that the device's clock gives it.
    fn dated(&mut self, frame: &Frame, said: &Said) -> Vec<Record> {
        let now = self.home.clock.stamp(None);
        let (when, more) = self.clock.date(said.measured, said.is_stored, now);
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
    async fn follow(
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
                let known = self.ledger.as_ref().and_then(ledger::Ledger::through);
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

    async fn keep_told(&mut self, told: &mut Told) -> Result<(), Broken> {
        let taken = std::mem::take(&mut told.taken);
        if taken.is_empty() {
            return Ok(());
        }
        let count = taken.len();
        match self.take_over(taken, false).await? {
            Some(through) => told.through = Some(through),
            None => told.is_incomplete = true,
        }
        tracing::info!(device = %self.member.device, count, "stored measurements taken over");
        Ok(())
    }

    /// Puts measurements in the outbox and on the list, so that neither a repetition nor a power
    /// cut makes two of one. None: they were not kept, or not for certain.
    async fn take_over(
        &mut self,
        taken: Vec<(String, Vec<Record>)>,
        is_live: bool,
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
            if is_live {
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

    /// Tells the device to measure once, if it can be told.
    async fn measure_now(&mut self, talk: &mut Talk, ask: Ask) {
        let mut outcome = Outcome::NotSupported;
        for channel in &mut talk.channels {
            let Some(bytes) = channel.protocol.measure_now() else {
                continue;
            };
            outcome = match channel.send(&self.peripheral, bytes).await {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::NotConnected,
            };
        }
        if ask.reply.send(outcome).is_err() {
            tracing::debug!("nobody waits any more for what the device was asked");
        }
    }
}
