//! The gate: readings against which nothing is said and which are no measurement all the same.
//!
//! A reading that is not let through is stored, shown and remembered; no rule hears of it, and it
//! does not break a silence. Three things are not believed, of a device and never of a person:
//! - a **repeat**: the value a device had, again, after its sensor was off the body;
//! - a **plateau**: the same value in a stream for longer than a body holds still;
//! - a **floor**: the value at which the device ends, reached in one step from far above.
//!
//! **A true low is never hidden.** The three are not even-handed: what reassures is believed less
//! than what alarms. A plateau is greyed only while no rule calls its value bad, so a low is judged
//! however long it lasts. A floor is greyed for some minutes only, then judged; a device that comes
//! down to it by degrees, or begins with it, is believed at once. A repeat was judged when it was
//! first said; if it was bad, the repeat that does not come pages somebody.
//!
//! A fold over the readings in order of measuring, as the rules are, and before them: a late
//! reading, or a late word of a sensor, has it done again, and what it thinks otherwise of goes to
//! the rules or is taken back from them.
//!
//! Limits: [`KNOWN_MAX`] readings over [`HORIZON_MS`], [`DEVICES_MAX`] devices and [`CONTACTS_MAX`]
//! words of sensors are remembered; what is older when it arrives is believed. It knows the devices
//! of readings that may be a stream; of others it knows nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{Contact, DeviceId, RecordId, Sensor, VitalKind, WallMs};

use crate::limit::Reading;
use crate::observation::{Observation, Seen};
use crate::plan::{Own, of_person};
use crate::rules::GateRule;
use crate::stream::push;
use crate::track::{Ground, HORIZON_MS, RECENT_MAX};

/// Readings kept: as many as the rules keep, so that a late arrival finds both.
pub(crate) const KNOWN_MAX: usize = RECENT_MAX;

/// Devices of a vital sign that are followed at a time: nobody wears more.
const DEVICES_MAX: usize = 4;

/// Words of sensors kept: a finger that goes in and out all day.
pub(crate) const CONTACTS_MAX: usize = 64;

/// The vital sign that a sensor is there for. The pulse of an oximeter stands or falls with its
/// saturation.
pub(crate) fn of_sensor(sensor: Sensor) -> VitalKind {
    match sensor {
        Sensor::Oximeter => VitalKind::SpO2,
        Sensor::Thermometer => VitalKind::Temperature,
    }
}

/// The same value of a device, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    device: DeviceId,
    steps: i32,
    since: WallMs,
    /// Since when it came as a stream.
    streams_since: WallMs,
    last: WallMs,
    /// Whether it is a floor to which the value fell in one step.
    is_fallen: bool,
}

/// A sensor came onto the body or off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    at: WallMs,
    id: RecordId,
    device: DeviceId,
    is_off: bool,
}

/// A reading and what the gate thinks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) reading: Reading,
    /// Whether it is greyed.
    pub(crate) is_grey: bool,
}

/// The gate of one vital sign of one patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gate {
    kind: VitalKind,
    known: VecDeque<Known>,
    /// The newest reading that is forgotten.
    floor: Option<(WallMs, RecordId)>,
    /// After the readings that are forgotten.
    base: Vec<Row>,
    /// After all of them.
    tip: Vec<Row>,
    contacts: VecDeque<Held>,
}

impl Gate {
    fn new(kind: VitalKind) -> Self {
        Self {
            kind,
            known: VecDeque::new(),
            floor: None,
            base: Vec::new(),
            tip: Vec::new(),
            contacts: VecDeque::new(),
        }
    }

    /// The gate of a vital sign, if the rule set has one.
    pub(crate) fn of<'a>(
        gates: &'a mut Vec<Self>,
        kind: VitalKind,
        ground: Ground<'_>,
    ) -> Option<&'a mut Self> {
        rule(kind, ground)?;
        let place = gates.iter().position(|gate| gate.kind == kind);
        let place = place.unwrap_or_else(|| {
            gates.push(Self::new(kind));
            gates.len() - 1
        });
        gates.get_mut(place)
    }

    pub(crate) fn kind(&self) -> VitalKind {
        self.kind
    }

    /// Whether a reading is greyed.
    pub(crate) fn is_grey(&self, key: (WallMs, RecordId)) -> bool {
        let known = self.known.binary_search_by_key(&key, |it| it.reading.key());
        let known = known.ok().and_then(|place| self.known.get(place));
        known.is_some_and(|it| it.is_grey)
    }

    /// Since when a device has given the same value as now, if nothing but its length can grey a
    /// further reading.
    pub(crate) fn held_since(&self, device: &DeviceId, newest: &Reading) -> Option<WallMs> {
        let row = self.tip.iter().find(|row| row.device == *device)?;
        let is_newest = (row.last, row.steps) == (newest.at, newest.steps);
        let mut words = self.contacts.iter().rev();
        let word = words.find(|it| it.device == *device);
        let is_off = word.is_some_and(|it| it.is_off || newest.at < it.at);
        let is_next = self.known.back().map(|it| it.reading.key()) == Some(newest.key());
        (is_newest && is_next && !row.is_fallen && !is_off).then_some(row.streams_since)
    }

    /// A reading that would have been let through and forgotten by now, as all before it.
    pub(crate) fn pass_over(&mut self, reading: &Reading, ground: Ground<'_>) {
        let Some(rule) = rule(self.kind, ground) else {
            return;
        };
        for Known { reading, .. } in std::mem::take(&mut self.known) {
            advance(&mut self.base, rule, &self.contacts, &reading, ground);
        }
        advance(&mut self.base, rule, &self.contacts, reading, ground);
        self.floor = Some(reading.key());
    }

    /// What was passed over is all there is.
    pub(crate) fn close_up(&mut self) {
        self.tip.clone_from(&self.base);
    }

    /// Hears how a sensor holds; what it thinks of otherwise by that.
    pub(crate) fn hold(&mut self, said: &Observation, ground: Ground<'_>) -> Vec<Known> {
        let Seen::Contact(_, contact) = said.seen else {
            return Vec::new();
        };
        let held = Held {
            at: said.at,
            id: said.id,
            device: said.device.clone(),
            is_off: contact == Contact::Off,
        };
        let key = |it: &Held| (it.at, it.id);
        let Err(place) = self.contacts.binary_search_by_key(&key(&held), key) else {
            return Vec::new();
        };
        self.contacts.insert(place, held);
        if self.contacts.len() > CONTACTS_MAX {
            self.contacts.pop_front();
        }
        self.think_again(ground)
    }

    /// Takes a reading: whether it is let through, and what the gate thinks of otherwise by it,
    /// which may be the reading itself when others are known after it.
    pub(crate) fn hear(&mut self, reading: &Reading, ground: Ground<'_>) -> (bool, Vec<Known>) {
        let key = reading.key();
        let is_old = self.floor.is_some_and(|floor| key <= floor);
        let Some(rule) = rule(self.kind, ground).filter(|_| !is_old) else {
            return (true, Vec::new());
        };
        let known = |is_grey| Known {
            reading: reading.clone(),
            is_grey,
        };
        let last = self.known.back().map(|it| it.reading.key());
        if last.is_none_or(|last| last < key) {
            let is_grey = advance(&mut self.tip, rule, &self.contacts, reading, ground);
            push(&mut self.known, known(is_grey));
            self.forget(rule, ground);
            return (!is_grey, Vec::new());
        }
        let place = self.known.binary_search_by_key(&key, |it| it.reading.key());
        let Err(place) = place else {
            return (false, Vec::new());
        };
        // Greyed until it is thought of: what is let through then is thought of otherwise.
        self.known.insert(place, known(true));
        let otherwise = self.think_again(ground);
        self.forget(rule, ground);
        (false, otherwise)
    }

    /// Thinks again of all that is remembered: what it thinks of otherwise.
    pub(crate) fn think_again(&mut self, ground: Ground<'_>) -> Vec<Known> {
        let mut otherwise = Vec::new();
        let Some(rule) = rule(self.kind, ground) else {
            return otherwise;
        };
        self.tip.clone_from(&self.base);
        for known in &mut self.known {
            let (tip, contacts) = (&mut self.tip, &self.contacts);
            let is_grey = advance(tip, rule, contacts, &known.reading, ground);
            if is_grey != known.is_grey {
                known.is_grey = is_grey;
                otherwise.push(known.clone());
            }
        }
        otherwise
    }

    /// Folds away what is beyond memory.
    fn forget(&mut self, rule: &GateRule, ground: Ground<'_>) {
        let Some(newest) = self.known.back().map(|it| it.reading.at) else {
            return;
        };
        let is_beyond = |known: &VecDeque<Known>| {
            let is_old = |oldest: &Known| newest.since(oldest.reading.at) > HORIZON_MS;
            known.len() > KNOWN_MAX || known.front().is_some_and(is_old)
        };
        while is_beyond(&self.known) {
            let Some(Known { reading, .. }) = self.known.pop_front() else {
                break;
            };
            advance(&mut self.base, rule, &self.contacts, &reading, ground);
            self.floor = Some(reading.key());
        }
    }
}

fn rule(kind: VitalKind, ground: Ground<'_>) -> Option<&GateRule> {
    ground.rules.gate(kind)
}

/// The fold: whether the reading that is next is greyed.
fn advance(
    rows: &mut Vec<Row>,
    rule: &GateRule,
    contacts: &VecDeque<Held>,
    reading: &Reading,
    ground: Ground<'_>,
) -> bool {
    let Some(device) = &reading.device else {
        return false;
    };
    let Some(row) = rows.iter_mut().find(|row| row.device == *device) else {
        if rows.len() >= DEVICES_MAX {
            rows.sort_by_key(|row| row.last);
            rows.remove(0);
        }
        rows.push(row(device, reading, false));
        return false;
    };
    let gap_ms = reading.at.since(row.last);
    let is_neighbour = gap_ms <= rule.gap_ms;
    let is_same = reading.steps == row.steps;
    if is_same && is_off(contacts, device, reading) {
        row.last = reading.at;
        return true;
    }
    if is_neighbour && is_same {
        row.last = reading.at;
        if gap_ms > ground.rules.continuous.gap_ms {
            row.streams_since = reading.at;
        }
    } else {
        let is_fall = row.steps.saturating_sub(reading.steps) >= rule.fall;
        let is_fallen = is_neighbour && is_fall && rule.floors.contains(&reading.steps);
        *row = self::row(device, reading, is_fallen);
    }
    if row.is_fallen {
        return reading.at.since(row.since) < rule.floor_ms;
    }
    let is_long = reading.at.since(row.streams_since) >= rule.held_ms;
    is_long && reading.steps < rule.held_below && !is_bad(rule, reading, ground)
}

fn row(device: &DeviceId, reading: &Reading, is_fallen: bool) -> Row {
    Row {
        device: device.clone(),
        steps: reading.steps,
        since: reading.at,
        streams_since: reading.at,
        last: reading.at,
        is_fallen,
    }
}

/// Whether the newest word of the device's sensor before the reading is that it is off.
fn is_off(contacts: &VecDeque<Held>, device: &DeviceId, reading: &Reading) -> bool {
    let before = contacts.iter().rev();
    let mut before = before.filter(|it| (it.at, it.id) < reading.key());
    let newest = before.find(|it| it.device == *device);
    newest.is_some_and(|it| it.is_off)
}

fn is_bad(rule: &GateRule, reading: &Reading, ground: Ground<'_>) -> bool {
    let plan = of_person(ground.plans, reading.at);
    let own = Own::of(plan);
    let baseline = ground.baselines.at(reading.at);
    let baseline = baseline.map(|it| it.percent_tenths);
    ground
        .rules
        .is_bad(rule.vital, reading.steps, own, baseline)
}
