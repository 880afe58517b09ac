//! Listening to a device that speaks: its values become records, live ones as they come and stored
//! ones as they were dated, and it is kept speaking.

use std::time::{Duration, Instant};

use btleplug::api::ValueNotification;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use veglia_codecs::racp::Response;
use veglia_codecs::{Frame, Protocol, sig};
use veglia_wire::{Body, DeviceEvent, Outcome, Record, VitalKind, When};

use super::device::{Broken, Device, Values, Why, has_passed};
use super::memory::{Memory, Said};
use super::night::{Night, contact};
use super::radio::Trouble;
use super::stored::Step;
use super::talk::Talk;
use crate::commander::Ask;

/// How often the clock is looked at while a device is listened to.
const BEAT: Duration = Duration::from_secs(1);

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
        let mut memory = is_asked.then(|| Memory::new(Instant::now()));
        // What comes once must be on a list that says what came.
        talk.night = talk.night.take().filter(|_| self.ledger.is_some());
        let ended = self.attend(&mut talk, &mut memory, values, stop).await;
        if matches!(ended, Err(Broken::Append(_))) {
            return ended;
        }
        self.take_rest(talk, memory, values).await?;
        ended
    }

    /// Does what comes up, until the link ends, the device falls silent, or the box stops.
    async fn attend(
        &mut self,
        talk: &mut Talk,
        memory: &mut Option<Memory>,
        values: &mut Values,
        stop: &CancellationToken,
    ) -> Result<Why, Broken> {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_asked = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(Why::HungUp),
                value = values.next() => match value {
                    Some(value) => {
                        if let Err(trouble) = self.take(talk, memory, &value).await? {
                            return Ok(Why::Trouble(trouble));
                        }
                    }
                    None => return Err(Broken::Session(Trouble::Ended)),
                },
                done = self.writer.progress(), if !self.writer.is_idle() => {
                    done.map_err(Broken::Append)?;
                }
                Some(ask) = self.asks.recv() => self.measure_now(talk, ask).await,
                changed = self.sightings.changed() => {
                    if changed.is_err() {
                        return Err(Broken::Session(Trouble::Ended));
                    }
                    if self.is_gone().await {
                        return Ok(Why::HungUp);
                    }
                }
                _ = beat.tick() => {
                    if !was_asked {
                        was_asked = true;
                        self.ask_about_itself().await;
                    }
                    if let Some(why) = self.beat(talk, memory).await? {
                        return Ok(why);
                    }
                }
            }
        }
    }

    /// What came before the end of a link is kept: to the device it has arrived, and many a one
    /// hangs up as soon as it has told its result.
    pub(super) async fn take_rest(
        &mut self,
        mut talk: Talk,
        mut memory: Option<Memory>,
        values: &mut Values,
    ) -> Result<(), Broken> {
        self.stumbled = talk.night.as_ref().and_then(Night::stumbles);
        while let Some(Some(value)) = values.next().now_or_never() {
            // An answer leads to the next question, which nobody hears any more.
            let is_quiet = talk.night.as_ref().is_some_and(Night::is_quiet);
            if is_quiet || value.uuid == Uuid::from_u128(sig::RECORD_ACCESS.0) {
                continue;
            }
            if let Err(error) = self.take(&mut talk, &mut memory, &value).await? {
                tracing::debug!(device = %self.member.device, %error, "the link is down");
            }
        }
        let mut held = Vec::new();
        talk.channels
            .iter_mut()
            .for_each(|channel| channel.finish(&mut held));
        self.hear(held);
        // Of what was told halfway the device may not tell all again: some was measured just now.
        if let Some(memory) = &mut memory {
            self.keep_told(&mut memory.told).await?;
        }
        Ok(())
    }

    /// Once a second: what was held back, what keeps the device speaking, what it has stored, and
    /// whether it says anything at all.
    async fn beat(
        &mut self,
        talk: &mut Talk,
        memory: &mut Option<Memory>,
    ) -> Result<Option<Why>, Broken> {
        let now = Instant::now();
        let mono_ms = self.now().mono.0;
        let mut held = Vec::new();
        for channel in &mut talk.channels {
            channel.tick(mono_ms, &mut held);
        }
        self.hear(held);
        if let Some(bytes) = talk.night.as_mut().and_then(|night| night.look(now))
            && let Err(trouble) = self.tell_ring(talk, &bytes).await
        {
            return Ok(Some(Why::Trouble(trouble)));
        }
        let is_quiet = talk.night.as_ref().is_some_and(Night::is_quiet);
        for channel in talk.channels.iter_mut().filter(|_| !is_quiet) {
            if let Err(trouble) = channel.keep_alive(&self.peripheral, now).await {
                return Ok(Some(Why::Trouble(trouble)));
            }
        }
        // Nothing stored can be dated while the box does not know the time: it is left there.
        let knows_time = self.now().wall.is_some();
        if let Some(memory) = memory.as_mut().filter(|_| knows_time) {
            let step = memory.state.look(now, &self.home.outbox.status());
            if let Err(trouble) = self.follow(talk.control.as_ref(), memory, step).await? {
                return Ok(Some(Why::Trouble(trouble)));
            }
        }
        if has_passed(talk.heard, talk.quiet(self.home.quiet)) {
            return Ok(Some(talk.silence()));
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
        let knows_time = self.now().wall.is_some();
        let Some(channel) = talk.channel(value.uuid) else {
            return Ok(Ok(()));
        };
        if channel.protocol == Protocol::O2Ring {
            match self.take_recorded(talk, &value.value).await? {
                Ok(false) => {}
                other => return Ok(other.map(drop)),
            }
        }
        let (mut is_worn, mut rejected) = (None, 0);
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
                    is_worn = contact(&frame).or(is_worn);
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
                    rejected = 1;
                }
            }
        }
        if is_heard {
            (talk.heard, talk.rejected) = (now, None);
            self.is_well();
        } else if let Some(count) = &mut talk.rejected {
            *count = count.saturating_add(rejected);
        }
        if let (Some(night), Some(is_worn)) = (talk.night.as_mut().filter(|_| knows_time), is_worn)
        {
            night.heard(is_worn, now);
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
            let before = records.len();
            self.listener.hear(&frame, when, &mut records);
            if matches!(frame, Frame::O2Ring(_)) && is_whole(&records[before..]) {
                self.live.heard(when);
            }
            if let Some(place) = &self.place {
                place.heard(when.mono, &self.listener);
            }
        }
        self.writer.push(records);
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

/// Whether all is said that a sample of a recording says.
fn is_whole(said: &[Record]) -> bool {
    let has = |kind: VitalKind| {
        let is_it =
            |it: &Record| matches!(it.body, Body::Reading(vital, _) if vital.kind() == kind);
        said.iter().any(is_it)
    };
    has(VitalKind::SpO2) && has(VitalKind::Pulse)
}
