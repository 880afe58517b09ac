//! What is said in each language, and to whom.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast;
use veglia_view::{PatientId, WallMs};
use veglia_words::{Language, Words};

use super::{Board, CHANGES_WAITING, Ear, Order, Tongue, order_of};
use crate::desk::{Desk, Sight};
use crate::event;
use crate::filter::Filter;
use crate::line::Line;

impl Tongue {
    /// The lines of those who are seen, as last told or else made now.
    pub(super) fn lines_of<'a>(
        &'a self,
        desk: &'a Desk,
        sight: &'a Sight,
        now: WallMs,
        w: Words,
    ) -> impl Iterator<Item = (PatientId, Arc<Line>)> + 'a {
        sight.top.iter().filter_map(move |patient| {
            let known = self.lines.get(patient).map(Arc::clone);
            let line = known.or_else(|| desk.line(*patient, now, w).map(Arc::new));
            Some((*patient, line?))
        })
    }

    /// Renders what changed of those who are seen, once.
    pub(super) fn say(
        &mut self,
        desk: &Desk,
        seen: &HashSet<PatientId>,
        touched: &HashSet<PatientId>,
        now: WallMs,
        w: Words,
    ) -> HashMap<PatientId, Bytes> {
        let mut said = HashMap::new();
        for patient in seen {
            let known = self.lines.get(patient);
            if known.is_some() && !touched.contains(patient) {
                continue;
            }
            let Some(line) = desk.line(*patient, now, w) else {
                continue;
            };
            let event = match known {
                Some(known) if **known == line => continue,
                Some(known) if known.differs_only_in_values(&line) => event::cells(known, &line),
                _ => event::row(&line),
            };
            said.insert(*patient, event);
            self.lines.insert(*patient, Arc::new(line));
        }
        said
    }
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            events: broadcast::Sender::new(CHANGES_WAITING),
            told: HashSet::new(),
            order: Order::default(),
        }
    }

    /// Nobody listening is no fault.
    pub(super) fn hear(&self, event: Bytes) {
        if self.events.send(event).is_err() {
            tracing::trace!("nobody looks through this filter");
        }
    }
}

impl Board {
    /// How many pages look.
    pub(super) fn pages(&self) -> usize {
        let ears = Language::ALL.map(|language| self.ears.of(language));
        ears.iter().map(|ear| ear.events.receiver_count()).sum()
    }

    pub(super) fn is_read_in(&self, language: Language) -> bool {
        self.ears.of(language).events.receiver_count() > 0
    }

    /// Finds who is seen, where anybody moved.
    pub(super) fn refresh(&mut self, desk: &Desk, filter: &Filter) {
        if self.generation != desk.generation {
            self.sight = desk.sight(filter);
            self.generation = desk.generation;
        }
    }

    pub(super) fn tell(
        &mut self,
        lines: &HashMap<PatientId, Arc<Line>>,
        said: &HashMap<PatientId, Bytes>,
        alarmed: Option<&Bytes>,
        w: Words,
    ) {
        let ear = self.ears.of_mut(w.language);
        let mut news = BytesMut::new();
        let mut shown = Vec::with_capacity(self.sight.top.len());
        for patient in &self.sight.top {
            let Some(line) = lines.get(patient) else {
                continue;
            };
            shown.push(Arc::clone(line));
            if !ear.told.contains(patient) {
                news.extend_from_slice(&event::row(line));
            } else if let Some(event) = said.get(patient) {
                news.extend_from_slice(event);
            }
        }
        ear.told = self.sight.top.iter().copied().collect();
        let order = order_of(&self.sight, &shown);
        if order != ear.order {
            if self.is_list {
                news.extend_from_slice(&event::order(w, &order));
            }
            ear.order = order;
        }
        if let Some(alarmed) = alarmed {
            news.extend_from_slice(alarmed);
        }
        if !news.is_empty() {
            ear.hear(news.freeze());
        }
    }
}
