//! The list as it stands, and what a change makes of it. No clock, no I/O: the hub feeds it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use veglia_view::{Delta, PatientId, Plan, Row, WallMs, is_stand_in};

use crate::book::News;
use crate::care::Care;
use crate::line::{About, Lane, Line, Rank, place};
use crate::{event, words};

/// Lines shown at most; whoever needs somebody comes first, so those left out are the calm ones.
/// A page of this length is still scrolled; beyond it people search.
pub const LINES_MAX: usize = 300;

/// A line that is shown, and its event, rendered once for everybody.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) line: Arc<Line>,
    pub(crate) event: Bytes,
}

/// The order of the shown lines, and how many there are with those not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// By lane: the shown patients from the top.
    pub(crate) shown: [Vec<String>; 3],
    /// By lane: how many patients there are.
    pub(crate) count: [usize; 3],
}

#[derive(Debug)]
struct Entry {
    rank: Rank,
    until: Option<WallMs>,
    shown: Shown,
}

/// What the list is made of.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    rows: HashMap<PatientId, Arc<Row>>,
    names: HashMap<PatientId, String>,
    /// Patients whose names were asked for, known or not.
    asked: HashSet<PatientId>,
    plans: HashMap<PatientId, Plan>,
    /// Open alerts only.
    alerts: HashMap<PatientId, Vec<Care>>,
    entries: HashMap<PatientId, Entry>,
    ranked: BTreeMap<Rank, PatientId>,
    /// Lines that will read differently by themselves, by that moment.
    until: BTreeSet<(WallMs, PatientId)>,
    dirty: HashSet<PatientId>,
    /// The day in Rome of the last look: sentences name the day of what was not today.
    today: Option<Date>,
    count: [usize; 3],
    shown: HashSet<PatientId>,
    order: Order,
}

/// What the pages must be told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) rows: Vec<Bytes>,
    pub(crate) order: Option<Bytes>,
}

impl Desk {
    /// Takes in what ingest says has changed.
    pub(crate) fn absorb(&mut self, delta: Delta) {
        if delta.afresh {
            let all: Vec<PatientId> = self.rows.keys().copied().collect();
            all.into_iter().for_each(|patient| self.forget(patient));
        }
        delta
            .departed
            .into_iter()
            .for_each(|patient| self.forget(patient));
        for row in delta.rows {
            self.dirty.insert(row.patient);
            self.rows.insert(row.patient, row);
        }
    }

    /// Patients whose names were not asked for yet.
    pub(crate) fn strangers(&self) -> Vec<PatientId> {
        let is_new = |patient: &&PatientId| !self.asked.contains(patient);
        self.rows.keys().filter(is_new).copied().collect()
    }

    /// Names may have been registered or corrected since: all are to be asked for again.
    pub(crate) fn ask_names_again(&mut self) {
        self.asked.clear();
    }

    /// Takes in the names of those asked for.
    pub(crate) fn learn_names(&mut self, asked: &[PatientId], names: HashMap<PatientId, String>) {
        self.asked.extend(asked);
        for (patient, name) in names {
            if self.names.get(&patient) != Some(&name) {
                self.dirty.insert(patient);
                self.names.insert(patient, name);
            }
        }
    }

    /// Takes in what was written in the diary.
    pub(crate) fn learn(&mut self, news: News) {
        match news {
            News::Plan(plan) => {
                self.dirty.insert(plan.patient);
                self.plans.insert(plan.patient, plan);
            }
            News::Alert(care) => {
                let patient = care.alert.patient;
                self.dirty.insert(patient);
                let alerts = self.alerts.entry(patient).or_default();
                alerts.retain(|known| known.alert.id != care.alert.id);
                if care.alert.closed.is_none() {
                    alerts.push(care);
                }
                if alerts.is_empty() {
                    self.alerts.remove(&patient);
                }
            }
        }
    }

    /// Renders what changed, by itself or by the passing of time.
    pub(crate) fn settle(&mut self, now: WallMs) -> Changes {
        while let Some((at, patient)) = self.until.first().copied() {
            if at > now {
                break;
            }
            self.until.remove(&(at, patient));
            self.dirty.insert(patient);
        }
        let today = words::day(now);
        if today != self.today {
            self.dirty.extend(self.rows.keys());
            self.today = today;
        }
        let dirty: Vec<PatientId> = self.dirty.drain().collect();
        let changed: HashSet<PatientId> = dirty
            .into_iter()
            .filter(|patient| self.place(*patient, now))
            .collect();
        let top: Vec<PatientId> = self.ranked.values().take(LINES_MAX).copied().collect();
        let to_tell =
            |patient: &&PatientId| changed.contains(*patient) || !self.shown.contains(*patient);
        let events = top
            .iter()
            .filter(to_tell)
            .filter_map(|patient| self.entries.get(patient))
            .map(|entry| entry.shown.event.clone())
            .collect();
        let order = self.order_of(&top);
        self.shown = top.into_iter().collect();
        let told = (order != self.order).then(|| event::order(&order));
        self.order = order;
        Changes {
            rows: events,
            order: told,
        }
    }

    /// The shown lines from the top, and their order.
    pub(crate) fn shown(&self) -> (Vec<Shown>, Order) {
        let top = self.ranked.values().take(LINES_MAX);
        let lines = top.filter_map(|patient| self.entries.get(patient));
        let lines = lines.map(|entry| entry.shown.clone()).collect();
        (lines, self.order.clone())
    }

    /// Renders one line; whether it reads differently than before.
    fn place(&mut self, patient: PatientId, now: WallMs) -> bool {
        let Some(row) = self.rows.get(&patient) else {
            return false;
        };
        // What waits for its patient stands above the list; in it, only what calls for somebody.
        if is_stand_in(patient) && row.flags.is_empty() {
            self.unplace(patient);
            return false;
        }
        let about = About {
            row,
            name: self.names.get(&patient).map(String::as_str),
            plan: self
                .plans
                .get(&patient)
                .filter(|plan| is_in_force(plan, now)),
            alerts: self.alerts.get(&patient).map_or(&[], Vec::as_slice),
        };
        let placed = place(&about, now);
        let before = self.unplace(patient);
        let is_same = before
            .as_ref()
            .is_some_and(|before| *before.shown.line == placed.line);
        let shown = match before {
            Some(before) if is_same => before.shown,
            _ => Shown {
                event: event::row(&placed.line),
                line: Arc::new(placed.line),
            },
        };
        if let Some(count) = self.count.get_mut(place_of(shown.line.lane)) {
            *count += 1;
        }
        self.ranked.insert(placed.rank.clone(), patient);
        if let Some(until) = placed.until {
            self.until.insert((until, patient));
        }
        let entry = Entry {
            rank: placed.rank,
            until: placed.until,
            shown,
        };
        self.entries.insert(patient, entry);
        !is_same
    }

    fn unplace(&mut self, patient: PatientId) -> Option<Entry> {
        let entry = self.entries.remove(&patient)?;
        self.ranked.remove(&entry.rank);
        if let Some(until) = entry.until {
            self.until.remove(&(until, patient));
        }
        if let Some(count) = self.count.get_mut(place_of(entry.shown.line.lane)) {
            *count -= 1;
        }
        Some(entry)
    }

    fn forget(&mut self, patient: PatientId) {
        self.unplace(patient);
        self.rows.remove(&patient);
        self.names.remove(&patient);
        self.asked.remove(&patient);
        self.dirty.remove(&patient);
    }

    fn order_of(&self, top: &[PatientId]) -> Order {
        let mut order = Order {
            count: self.count,
            ..Order::default()
        };
        for entry in top.iter().filter_map(|patient| self.entries.get(patient)) {
            let line = &entry.shown.line;
            if let Some(lane) = order.shown.get_mut(place_of(line.lane)) {
                lane.push(line.patient.clone());
            }
        }
        order
    }
}

/// Whether a plan asks for anything now.
pub(crate) fn is_in_force(plan: &Plan, now: WallMs) -> bool {
    plan.from <= now && plan.until.is_none_or(|until| now < until)
}

/// The place of a lane among three.
fn place_of(lane: Lane) -> usize {
    match lane {
        Lane::Clinical => 0,
        Lane::Technical => 1,
        Lane::Calm => 2,
    }
}
