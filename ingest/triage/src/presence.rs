//! When the home was heard: what tells a silent patient from a dead device and a dead line.
//!
//! A gateway says every few minutes that it is alive; whatever a device of the patient says shows
//! the same. What counts is when it *reached* the centre: a line that was down is a fact, and what
//! the box kept meanwhile does not undo it. A home that was heard and is heard no more for
//! `offline_after` is off line: expected readings that do not come in that time make one flag of
//! the home (`silence-home`) and none of each vital sign. When the home is back it may first send
//! what it kept; a vital sign that is still silent after `settle` is flagged by itself.
//!
//! A time in which the centre itself was not listening counts for nobody: no home is off line
//! because of it, and expected readings of it are waited for like those of a home that was away.
//!
//! A home whose gateway has never spoken for itself is not watched in this way (values typed by
//! hand, gateways before heartbeats): its vital signs are flagged each at its own time.
//!
//! Everything here is a function of the set of what was heard, within memory; what it changes is
//! said by the next tick.

mod unbroken;

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, RecordId, VitalKind, WallMs};

use crate::rules::PresenceRule;
pub(crate) use unbroken::Unbroken;

/// Stretches without a break that are remembered: a home with more than thirty outages while one
/// vital sign stays silent is told of them once more.
const SPANS_MAX: usize = 32;

/// Times in which the centre did not listen that are remembered: restarts within the memory of
/// readings.
const DEAF_MAX: usize = 8;

/// Devices remembered, the last heard: as many as a row shows.
const DEVICES_MAX: usize = 16;

/// A sign of life from a patient's home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The gateway spoke for itself: it started, or said that it is alive.
    Gateway,
    /// A device was opened, or said something that is no observation.
    Device(DeviceId),
    /// The gateway cannot hear the device any more: switched off, unplugged, out of reach.
    DeviceLost(DeviceId),
}

/// A sign, from which record, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The record that says so.
    pub id: RecordId,
    /// When it happened.
    pub at: WallMs,
    /// When it reached the centre.
    pub received: WallMs,
    /// What.
    pub sign: Sign,
}

/// Why readings that were expected do not come, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Nothing reaches the centre from the home: no current, no network, or the box is dead.
    HomeOffline,
    /// The box is heard, and hears nothing from the devices that measure this.
    DeviceOff,
    /// Box or device are heard, and no clean value comes.
    NotMeasuring,
    /// Nothing is known of the home.
    Unknown,
}

/// A stretch of time, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    from: WallMs,
    to: WallMs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeviceLife {
    device: DeviceId,
    /// What it has measured.
    vitals: Vec<VitalKind>,
    /// When it was last heard.
    heard: WallMs,
    /// When it was last lost.
    lost: Option<(WallMs, RecordId)>,
}

impl DeviceLife {
    fn is_lost(&self) -> bool {
        self.lost.is_some_and(|(lost, _)| lost >= self.heard)
    }
}

/// A time in which readings could not come: nothing is said of a vital sign that was expected in
/// it until it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outage {
    /// When the home was last heard before; none while the centre itself did not listen.
    pub(crate) silent_since: Option<WallMs>,
    pub(crate) from: WallMs,
    /// When the home was heard again.
    pub(crate) until: Option<WallMs>,
    /// When vital signs that are still silent are flagged by themselves.
    settled: Option<WallMs>,
}

impl Outage {
    pub(crate) fn holds(&self, at: WallMs) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// All that is remembered of a home's signs of life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    /// Stretches in which the home was heard again and again, by arrival, oldest first.
    spans: Vec<Span>,
    /// When a device of the patient, and when a gateway for itself, was first heard: the home is
    /// watched from the later one on.
    device_since: Option<WallMs>,
    gateway_since: Option<WallMs>,
    deaf: Vec<Span>,
    devices: Vec<DeviceLife>,
    /// Something has changed that the next tick is to tell.
    is_news: bool,
}

impl Life {
    /// A device of the patient was observed: its name as it is kept here, so that what is kept of
    /// its readings shares one.
    pub(crate) fn observe(
        &mut self,
        device: &DeviceId,
        vital: Option<VitalKind>,
        at: WallMs,
        received: WallMs,
        ticked: WallMs,
        rule: &PresenceRule,
    ) -> DeviceId {
        self.hear(received, ticked, rule);
        self.begin(received, |life| &mut life.device_since);
        let known = self.device(device, at);
        let was_lost = known.is_lost();
        known.heard = known.heard.max(at);
        if let Some(vital) = vital
            && !known.vitals.contains(&vital)
        {
            known.vitals.push(vital);
        }
        let device = known.device.clone();
        self.is_news |= was_lost;
        device
    }

    pub(crate) fn take(&mut self, presence: &Presence, ticked: WallMs, rule: &PresenceRule) {
        self.hear(presence.received, ticked, rule);
        match &presence.sign {
            Sign::Gateway => {
                self.begin(presence.received, |life| &mut life.gateway_since);
            }
            Sign::Device(device) => {
                self.observe(device, None, presence.at, presence.received, ticked, rule);
            }
            Sign::DeviceLost(device) => {
                self.begin(presence.received, |life| &mut life.device_since);
                let known = self.device(device, WallMs(i64::MIN));
                known.lost = known.lost.max(Some((presence.at, presence.id)));
                self.is_news = true;
            }
        }
    }

    /// The centre has not listened.
    pub(crate) fn be_deaf(&mut self, from: WallMs, until: WallMs) {
        let span = Span { from, to: until };
        if from < until && !self.deaf.contains(&span) {
            self.deaf.push(span);
            self.deaf.sort_by_key(|it| it.from);
            if self.deaf.len() > DEAF_MAX {
                self.deaf.remove(0);
            }
            self.is_news = true;
        }
    }

    /// Whether the centre did not listen at a moment, and listens again only since another.
    pub(crate) fn was_deaf(&self, at: WallMs, since: WallMs) -> bool {
        let mut deaf = self.deaf.iter();
        deaf.any(|span| span.from <= at && at <= span.to && since < span.to)
    }

    /// The wall has stepped back: what it said of the time from `now` on was never so.
    pub(crate) fn step_back(&mut self, now: WallMs) {
        for spans in [&mut self.deaf, &mut self.spans] {
            spans.retain(|span| span.from <= now);
            for span in spans {
                span.to = span.to.min(now);
            }
        }
        self.is_news = true;
    }

    /// The newest arrival moves the last stretch on; anything else is put in its place. It is news
    /// as well if ticks went so far past that stretch that the home was told to be off line.
    fn hear(&mut self, received: WallMs, ticked: WallMs, rule: &PresenceRule) {
        let gap_ms = rule.offline_after_ms;
        if let Some(last) = self.spans.last_mut()
            && last.from <= received
            && received.since(last.to) <= gap_ms
        {
            let was_off_line = last.to < received && last.to.plus_ms(gap_ms) <= ticked;
            last.to = last.to.max(received);
            self.is_news |= was_off_line;
            return;
        }
        // Stretches lie apart by more than the gap, so the widened one touches no others.
        let is_near =
            |it: &Span| it.from.since(received) <= gap_ms && received.since(it.to) <= gap_ms;
        let near = self.spans.iter().filter(|it| is_near(it));
        let alone = Span {
            from: received,
            to: received,
        };
        let span = near.fold(alone, |span, it| Span {
            from: span.from.min(it.from),
            to: span.to.max(it.to),
        });
        let is_inside = self.spans.contains(&span);
        self.spans.retain(|it| !is_near(it));
        self.spans.push(span);
        self.spans.sort_by_key(|it| it.from);
        if self.spans.len() > SPANS_MAX {
            self.spans.remove(0);
        }
        self.is_news |= self.is_watched() && !is_inside;
    }

    fn device(&mut self, device: &DeviceId, heard: WallMs) -> &mut DeviceLife {
        let place = self.devices.iter().position(|it| it.device == *device);
        let place = place.unwrap_or_else(|| {
            if self.devices.len() == DEVICES_MAX {
                let oldest = self.devices.iter().enumerate();
                let oldest = oldest
                    .min_by_key(|(_, it)| it.heard)
                    .map(|(place, _)| place);
                self.devices.remove(oldest.unwrap_or_default());
            }
            self.devices.push(DeviceLife {
                device: device.clone(),
                vitals: Vec::new(),
                heard,
                lost: None,
            });
            self.devices.len() - 1
        });
        self.devices
            .get_mut(place)
            .expect("it was found or put there")
    }

    /// Something was heard: it may be the first of its kind.
    fn begin(&mut self, at: WallMs, kind: impl Fn(&mut Self) -> &mut Option<WallMs>) {
        let known = kind(self);
        if known.is_none_or(|first| at < first) {
            *known = Some(at);
            self.is_news |= self.is_watched();
        }
    }

    fn is_watched(&self) -> bool {
        self.device_since.is_some() && self.gateway_since.is_some()
    }

    pub(crate) fn has_news(&self) -> bool {
        self.is_news
    }

    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.is_news)
    }

    /// Something was measured at a moment: before the home was last back, it may explain why
    /// nothing had come.
    pub(crate) fn explain(&mut self, at: WallMs) {
        let back = self.spans.last().filter(|_| self.spans.len() > 1);
        self.is_news |= self.is_watched() && back.is_some_and(|span| at <= span.from);
    }

    /// When the home was first heard, within memory: older silences of the home are forgotten.
    pub(crate) fn oldest(&self) -> Option<WallMs> {
        self.spans.first().map(|span| span.from)
    }

    /// Every time in which readings could not come, oldest first.
    pub(crate) fn outages(&self, rule: &PresenceRule) -> Vec<Outage> {
        let settled = |until: WallMs| until.plus_ms(rule.settle_ms);
        // A home that does not come back with the centre is off line by then, and one flag.
        let heard = |until: WallMs| until.plus_ms(rule.settle_ms.max(rule.offline_after_ms));
        let deaf = self.deaf.iter().map(|span| Outage {
            silent_since: None,
            from: span.from,
            until: Some(span.to),
            settled: Some(heard(span.to)),
        });
        let mut outages: Vec<Outage> = deaf.collect();
        let since = self.device_since.max(self.gateway_since);
        if let Some(since) = since.filter(|_| self.is_watched()) {
            let next = self.spans.iter().skip(1).map(|span| Some(span.from));
            let gaps = self.spans.iter().zip(next.chain([None]));
            for (span, until) in gaps.filter(|(span, _)| span.to >= since) {
                let from = self.offline_from(span.to, rule);
                if until.is_none_or(|until| from < until) {
                    outages.push(Outage {
                        silent_since: Some(span.to),
                        from,
                        until,
                        settled: until.map(settled),
                    });
                }
            }
        }
        outages.sort_by_key(|outage| outage.from);
        outages
    }

    /// Since when a home that was last heard at `last` is off line: it is given its time while the
    /// centre listens.
    fn offline_from(&self, last: WallMs, rule: &PresenceRule) -> WallMs {
        let mut from = last.plus_ms(rule.offline_after_ms);
        for deaf in self.deaf.iter().filter(|deaf| last < deaf.to) {
            if deaf.from < from {
                from = from.max(deaf.to.plus_ms(rule.offline_after_ms));
            }
        }
        from
    }

    /// Why a vital sign that was expected at `since` is silent, as known when ticks reached
    /// `ticked`.
    pub(crate) fn cause(&self, vital: VitalKind, ticked: WallMs, rule: &PresenceRule) -> Cause {
        let is_off_line = self.offline_since(rule).is_some_and(|from| from <= ticked);
        if is_off_line {
            return Cause::HomeOffline;
        }
        let measures = |it: &&DeviceLife| it.vitals.contains(&vital);
        let is_off = |it: &DeviceLife| {
            let lost = it.lost.filter(|_| it.is_lost());
            lost.is_some_and(|(lost, _)| ticked.since(lost) >= rule.offline_after_ms)
        };
        let mut those = self.devices.iter().filter(measures).peekable();
        let are_off = if those.peek().is_some() {
            those.all(is_off)
        } else {
            !self.devices.is_empty() && self.devices.iter().all(is_off)
        };
        match (are_off, self.is_watched()) {
            (true, _) => Cause::DeviceOff,
            (false, true) => Cause::NotMeasuring,
            (false, false) => Cause::Unknown,
        }
    }

    /// From when on the home counts as off line if nothing more is heard.
    fn offline_since(&self, rule: &PresenceRule) -> Option<WallMs> {
        let last = self.spans.last().filter(|_| self.is_watched())?;
        Some(self.offline_from(last.to, rule))
    }

    /// When a cause next changes without a sign.
    pub(crate) fn next_change(&self, ticked: WallMs, rule: &PresenceRule) -> Option<WallMs> {
        let lost = self.devices.iter().filter(|it| it.is_lost());
        let lost = lost.filter_map(|it| it.lost);
        let lost = lost.map(|(lost, _)| lost.plus_ms(rule.offline_after_ms));
        let times = lost.chain(self.offline_since(rule));
        times.filter(|at| *at > ticked).min()
    }
}

/// Whether nothing is said yet of what was expected at `deadline`; `held` hears in which outage,
/// and by when. The time from which on it is said, if it is known.
pub(crate) fn postponed(
    outages: &[Outage],
    deadline: WallMs,
    mut held: impl FnMut(&Outage, WallMs),
) -> Option<WallMs> {
    let mut deadline = deadline;
    for outage in outages {
        if outage.holds(deadline) {
            held(outage, deadline);
            deadline = outage.settled?;
        }
    }
    Some(deadline)
}
