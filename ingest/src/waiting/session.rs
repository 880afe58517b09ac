//! One measuring session: readings of a device that one person may have measured.
//!
//! It goes on while the next reading comes within [`SESSION_GAP_MS`], and ends before
//!
//! - with the hold: the sensor is off the body, or the device is gone, and no value follows at
//!   once, as it does when a finger only moved;
//! - of a vital sign that the device does not stream, with the first value: a second one of the
//!   same vital sign, [`SPOT_GAP_MS`] later, may be another person's.
//!
//! Too many sessions cost a touch each, too few mix two people up. So a wife who measures a minute
//! after her husband is somebody of her own; and so is a husband who measures twice.
//!
//! Limits: two people who hand over a clip that says nothing of its hold, while it streams, are
//! one session, and so are two with a thermometer within seconds: the values with their times
//! ([`Session::measured`]) are for whoever asks. A hold that is told of too late, after what
//! followed it, parts nothing.

use serde::{Deserialize, Serialize};
use veglia_triage::PatientId;
use veglia_view::{Latest, MEASURED_MAX, Waits};
use veglia_wire::{Body, Contact, DeviceEvent, Record, VitalKind, WallMs};

use crate::fold::{Arrived, source};

/// Readings of one device that are further apart than this are two sessions, in care
/// milliseconds.
pub(crate) const SESSION_GAP_MS: i64 = 2 * 60 * 1000;

/// The same of two values of one vital sign that the device does not stream: one press of a button
/// gives its values within less.
const SPOT_GAP_MS: i64 = 15 * 1000;

/// A value that comes so long after the device was let go of is another person's, or may be: to
/// hand a clip on, and for it to settle, takes longer. Who only moved is measured on at once.
const HAND_OVER_MS: i64 = 5 * 1000;

/// So many values of a vital sign, each soon after the one before, are a stream.
const STREAM_MIN: u8 = 3;

/// Readings that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Who stands in for whoever measures.
    pub(super) stand_in: PatientId,
    pub(super) waits: Waits,
    /// When the last of its readings came.
    pub(super) heard: WallMs,
    /// Whose it is as the rest of a measure that was answered for: nobody stands in any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_by: Option<PatientId>,
    /// The values, by time; at most [`MEASURED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) measured: Vec<Latest>,
    /// How far apart values of one vital sign are among these.
    #[serde(default)]
    apart_ms: i64,
    /// When the device was let go of, if nothing was measured since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    let_go_at: Option<WallMs>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paces: Vec<Pace>,
}

/// How values of one vital sign follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pace {
    vital: VitalKind,
    first: WallMs,
    last: WallMs,
    /// Values that came soon after the one before, the first counted; no more than tell a stream.
    soon: u8,
}

impl Pace {
    fn has_paused(&self, at: WallMs) -> bool {
        let gap_ms = self.first.since(at).max(at.since(self.last));
        self.soon < STREAM_MIN && gap_ms >= SPOT_GAP_MS
    }

    fn take(&mut self, at: WallMs) {
        let gap_ms = at.since(self.last);
        if (1..SPOT_GAP_MS).contains(&gap_ms) {
            self.soon = STREAM_MIN.min(self.soon + 1);
        }
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

impl Session {
    pub(super) fn begin(stand_in: PatientId, waits: Waits) -> Self {
        Self {
            stand_in,
            heard: waits.since,
            waits,
            held_by: None,
            measured: Vec::new(),
            apart_ms: 0,
            let_go_at: None,
            paces: Vec::new(),
        }
    }

    /// What follows the part that somebody has answered for: it is of whom they said.
    pub(super) fn rest(&self, held_by: PatientId, from: WallMs) -> Self {
        let waits = Waits {
            from,
            until: self.waits.until.max(from),
            readings: 0,
            ..self.waits.clone()
        };
        Self {
            held_by: Some(held_by),
            heard: self.heard,
            let_go_at: self.let_go_at,
            paces: self.paces.clone(),
            ..Self::begin(self.stand_in, waits)
        }
    }

    /// Whether what was measured at a moment is of it.
    pub(super) fn spans(&self, at: WallMs) -> bool {
        self.waits.from <= at && at <= self.waits.until
    }

    /// How far a moment is from it.
    pub(super) fn distance_ms(&self, at: WallMs) -> i64 {
        let waits = &self.waits;
        waits.from.since(at).max(at.since(waits.until)).max(0)
    }

    /// Whether nothing of it was heard for so long that it is over.
    pub(super) fn is_quiet(&self, now: WallMs) -> bool {
        now.since(self.heard) >= SESSION_GAP_MS
    }

    /// Whether somebody measures still.
    pub(super) fn is_on(&self, now: WallMs) -> bool {
        self.let_go_at.is_none() && !self.is_quiet(now)
    }

    /// Whether a record is of the same person, as far as can be told.
    pub(super) fn takes(&self, record: &Record, at: WallMs) -> bool {
        if self.distance_ms(at) >= SESSION_GAP_MS {
            return false;
        }
        let is_handed_on = |off: WallMs| at.since(off) >= HAND_OVER_MS;
        if self.let_go_at.is_some_and(is_handed_on) {
            return false;
        }
        let Body::Reading(vital, _) = record.body else {
            return true;
        };
        let mut paces = self.paces.iter();
        let pace = paces.find(|pace| pace.vital == vital.kind());
        pace.is_none_or(|pace| !pace.has_paused(at))
    }

    /// One record more. What is said of the hold does not make it longer.
    pub(super) fn take(&mut self, arrived: &Arrived) {
        let at = arrived.time.at();
        self.heard = self.heard.max(arrived.received);
        if !is_measure(&arrived.record) {
            return;
        }
        self.waits.from = self.waits.from.min(at);
        self.waits.until = self.waits.until.max(at);
        self.waits.readings = self.waits.readings.saturating_add(1);
        self.let_go_at = self.let_go_at.filter(|off| at <= *off);
        if let Body::Reading(vital, quality) = arrived.record.body {
            let kind = vital.kind();
            match self.paces.iter_mut().find(|pace| pace.vital == kind) {
                Some(pace) => pace.take(at),
                None => self.paces.push(Pace {
                    vital: kind,
                    first: at,
                    last: at,
                    soon: 1,
                }),
            }
            let device = arrived.record.device.as_ref();
            self.show(Latest {
                vital: kind,
                steps: vital.steps(),
                site: vital.site(),
                at,
                quality: quality | arrived.time.doubt(),
                source: device.map_or(veglia_triage::Source::Device, source),
            });
        }
    }

    /// The device was let go of.
    pub(super) fn part(&mut self, at: WallMs) {
        if self.waits.until <= at && self.distance_ms(at) < SESSION_GAP_MS {
            self.let_go_at = self.let_go_at.or(Some(at));
        }
    }

    /// Of a session that lasts every so manyth value is shown, of each vital sign, so that the list
    /// has its beginning and its end.
    fn show(&mut self, value: Latest) {
        let order = |it: &Latest| (it.at, it.vital);
        let place = self
            .measured
            .partition_point(|it| order(it) <= order(&value));
        self.measured.insert(place, value);
        self.thin_out();
        while self.measured.len() > MEASURED_MAX {
            self.apart_ms = (self.apart_ms * 2).max(1_000);
            self.thin_out();
        }
    }

    fn thin_out(&mut self) {
        let apart_ms = self.apart_ms;
        let mut shown: Vec<(VitalKind, WallMs)> = Vec::with_capacity(VitalKind::ALL.len());
        self.measured.retain(|value| {
            let known = shown.iter_mut().find(|(vital, _)| *vital == value.vital);
            match known {
                Some((_, last)) if value.at.since(*last) < apart_ms => return false,
                Some((_, last)) => *last = value.at,
                None => shown.push((value.vital, value.at)),
            }
            true
        });
    }
}

/// Whether a record is what somebody measured, or said: it makes a session.
pub(super) fn is_measure(record: &Record) -> bool {
    matches!(record.body, Body::Reading(..) | Body::Answer(_))
}

/// Whether a record says that the device was let go of.
pub(super) fn is_let_go(record: &Record) -> bool {
    matches!(
        record.body,
        Body::Contact(_, Contact::Off) | Body::Event(DeviceEvent::Down)
    )
}
