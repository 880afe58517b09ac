//! What open pages show: one board for each filter that somebody looks through, however many pages
//! look.
//!
//! A line is rendered once for all boards, and what changed on a board is one piece of bytes for
//! all its pages. A line of which only values moved tells those cells alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast;
use veglia_view::{PatientId, Plan, Severity, TrendAsk, VitalKind, WallMs};

use crate::desk::{Desk, Sight, place_of};
use crate::event::{self, Alarmed, Alarms};
use crate::filter::Filter;
use crate::hub::Waiting;
use crate::line::{COLUMNS, Lane, Line};
use crate::spark::{self, REDRAWN_EVERY_MS};

/// Changes waiting for a slow page, each of half a second.
const CHANGES_WAITING: usize = 64;

/// Filters of the list looked through at the same time at most: finding who is seen costs
/// milliseconds each. Everybody's is never refused. Pages about one patient and bells are found at
/// once and not among these: how many pages are open bounds them.
const LISTS_MAX: usize = 128;

/// A list that nobody looks at is kept for so many rounds: pages are loaded again.
const IDLE_ROUNDS: u32 = 20;

/// A page about one patient that nobody looks at is: it is made again at once.
const IDLE_ROUNDS_ALONE: u32 = 2;

/// Patients of whom drawings are kept though nobody sees them.
const DRAWN_MAX: usize = 2_000;

/// Patients with alarms who are named to every page; of more, there are more than a person hears.
const NAMED_MAX: usize = 20;

/// The order of the shown lines, and how many there are with those not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// By lane: the shown patients from the top.
    pub(crate) shown: [Vec<String>; 3],
    /// By lane: how many patients there are.
    pub(crate) count: [usize; 3],
    /// Red and amber alarms that nobody has and this page does not show.
    pub(crate) outside: (usize, usize),
    /// Leaves of the list.
    pub(crate) leaves: usize,
}

/// One filter that somebody looks through.
#[derive(Debug)]
struct Board {
    events: broadcast::Sender<Bytes>,
    sight: Sight,
    told: HashSet<PatientId>,
    order: Order,
    /// How many others there are is not for the pages about one patient.
    is_list: bool,
    /// Of the desk, when the sight was taken.
    generation: u64,
    idle: u32,
}

/// All boards.
#[derive(Debug, Default)]
pub(crate) struct Boards {
    boards: HashMap<Filter, Board>,
    /// The lines on any of them, as last told.
    lines: HashMap<PatientId, Arc<Line>>,
    alarms: Alarms,
    /// When each drawing is to be made again.
    due: HashMap<(PatientId, VitalKind), WallMs>,
}

/// What a page is made of, and what a stream begins with.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) lines: Vec<Arc<Line>>,
    pub(crate) order: Order,
    pub(crate) alarms: Alarms,
}

/// No more filters can be looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Boards {
    /// What is seen through a filter now, whether somebody looks or not.
    pub(crate) fn leaf(&self, desk: &Desk, filter: &Filter, now: WallMs) -> Leaf {
        let sight = desk.sight(filter);
        let lines: Vec<Arc<Line>> = self
            .lines(desk, &sight, now)
            .map(|(_, line)| line)
            .collect();
        Leaf {
            order: order_of(&sight, &lines),
            lines,
            alarms: alarms(desk),
        }
    }

    /// The lines of those who are seen, as last told or else made now.
    fn lines<'a>(
        &'a self,
        desk: &'a Desk,
        sight: &'a Sight,
        now: WallMs,
    ) -> impl Iterator<Item = (PatientId, Arc<Line>)> + 'a {
        sight.top.iter().filter_map(move |patient| {
            let known = self.lines.get(patient).map(Arc::clone);
            let line = known.or_else(|| desk.line(*patient, now).map(Arc::new));
            Some((*patient, line?))
        })
    }

    /// How many wait for somebody, as pages were last told.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            red: self.alarms.red,
            amber: self.alarms.amber,
        }
    }

    /// What changes on a board from now on.
    pub(crate) fn listen(
        &mut self,
        desk: &Desk,
        filter: &Filter,
        now: WallMs,
    ) -> Result<broadcast::Receiver<Bytes>, TooMany> {
        if let Some(board) = self.boards.get(filter) {
            return Ok(board.events.subscribe());
        }
        if filter.is_list() && !filter.is_everybody() {
            self.make_room()?;
        }
        let sight = desk.sight(filter);
        let lines: Vec<(PatientId, Arc<Line>)> = self.lines(desk, &sight, now).collect();
        let shown: Vec<Arc<Line>> = lines.iter().map(|(_, line)| Arc::clone(line)).collect();
        let order = order_of(&sight, &shown);
        self.lines.extend(lines);
        let (events, receiver) = broadcast::channel(CHANGES_WAITING);
        let board = Board {
            events,
            told: sight.top.iter().copied().collect(),
            sight,
            order,
            is_list: filter.is_list(),
            generation: desk.generation,
            idle: 0,
        };
        self.boards.insert(filter.clone(), board);
        Ok(receiver)
    }

    /// A list that nobody looks at makes room for one that somebody wants.
    fn make_room(&mut self) -> Result<(), TooMany> {
        if self.lists() >= LISTS_MAX {
            self.boards
                .retain(|filter, board| !filter.is_list() || board.events.receiver_count() > 0);
        }
        (self.lists() < LISTS_MAX).then_some(()).ok_or(TooMany)
    }

    fn lists(&self) -> usize {
        self.boards.keys().filter(|it| it.is_list()).count()
    }

    /// How many pages are open.
    pub(crate) fn pages(&self) -> usize {
        let boards = self.boards.values();
        boards.map(|board| board.events.receiver_count()).sum()
    }

    /// The lists that somebody looks through; boards at which nobody looks are forgotten after a
    /// while.
    pub(crate) fn looked_through(&mut self) -> Vec<Filter> {
        self.boards.retain(|filter, board| {
            board.idle = match board.events.receiver_count() {
                0 => board.idle + 1,
                _ => 0,
            };
            let rounds = match board.is_list {
                true => IDLE_ROUNDS,
                false => IDLE_ROUNDS_ALONE,
            };
            filter.is_everybody() || board.idle < rounds
        });
        let lists = self.boards.keys().filter(|it| it.is_list());
        lists.cloned().collect()
    }

    /// Finds who is seen through a filter, where anybody moved.
    pub(crate) fn refresh(&mut self, desk: &Desk, filter: &Filter) {
        if let Some(board) = self.boards.get_mut(filter) {
            board.refresh(desk, filter);
        }
    }

    /// Tells every page what changed for it.
    pub(crate) fn tell(&mut self, desk: &mut Desk, now: WallMs) {
        for (filter, board) in &mut self.boards {
            if !board.is_list {
                board.refresh(desk, filter);
            }
        }
        let seen = self.boards.values().flat_map(|it| &it.sight.top).copied();
        let seen: HashSet<PatientId> = seen.collect();
        self.lines.retain(|patient, _| seen.contains(patient));
        let said = self.say(desk, &seen, now);
        let alarms = alarms(desk);
        let alarmed = (alarms != self.alarms).then(|| event::alarms(&alarms));
        self.alarms = alarms;
        for (filter, board) in &mut self.boards {
            let alarmed = alarmed.as_ref().filter(|_| filter.hears_alarms());
            board.tell(&self.lines, &said, alarmed);
        }
        if self.due.len() > DRAWN_MAX * COLUMNS.len() {
            self.due.retain(|(patient, _), _| seen.contains(patient));
            desk.keep_sparks(&seen);
        }
    }

    /// Tells every page that it is fed.
    pub(crate) fn tell_all(&self, event: &Bytes) {
        self.tell_those(event, |_| true);
    }

    /// Tells every page of a list the same; a page about one patient hears of that one alone.
    pub(crate) fn tell_lists(&self, event: &Bytes) {
        self.tell_those(event, Filter::is_list);
    }

    fn tell_those(&self, event: &Bytes, is_told: impl Fn(&Filter) -> bool) {
        for (_, board) in self.boards.iter().filter(|(filter, _)| is_told(filter)) {
            // Nobody listening is no fault.
            if board.events.send(event.clone()).is_err() {
                tracing::trace!("nobody looks through this filter");
            }
        }
    }

    /// Drawings to be made now, at most so many, each with the plan whose band it has.
    pub(crate) fn take_due(
        &mut self,
        desk: &Desk,
        now: WallMs,
        at_most: usize,
    ) -> Vec<(TrendAsk, Option<Plan>)> {
        let mut asked = Vec::new();
        for patient in self.lines.keys() {
            for vital in COLUMNS {
                if asked.len() == at_most {
                    return asked;
                }
                let due = self.due.get(&(*patient, vital));
                if due.is_some_and(|due| now < *due) {
                    continue;
                }
                if let Some(plan) = desk.measured(*patient, vital, now) {
                    let due = now.plus_ms(REDRAWN_EVERY_MS);
                    self.due.insert((*patient, vital), due);
                    asked.push((spark::ask(*patient, vital, now), plan.cloned()));
                }
            }
        }
        asked
    }

    /// Renders what changed of those who are seen, once.
    fn say(
        &mut self,
        desk: &mut Desk,
        seen: &HashSet<PatientId>,
        now: WallMs,
    ) -> HashMap<PatientId, Bytes> {
        let touched = desk.take_touched();
        let mut said = HashMap::new();
        for patient in seen {
            let known = self.lines.get(patient);
            if known.is_some() && !touched.contains(patient) {
                continue;
            }
            let Some(line) = desk.line(*patient, now) else {
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

impl Board {
    /// Finds who is seen, where anybody moved.
    fn refresh(&mut self, desk: &Desk, filter: &Filter) {
        if self.generation != desk.generation {
            self.sight = desk.sight(filter);
            self.generation = desk.generation;
        }
    }

    fn tell(
        &mut self,
        lines: &HashMap<PatientId, Arc<Line>>,
        said: &HashMap<PatientId, Bytes>,
        alarmed: Option<&Bytes>,
    ) {
        let mut news = BytesMut::new();
        let mut shown = Vec::with_capacity(self.sight.top.len());
        for patient in &self.sight.top {
            let Some(line) = lines.get(patient) else {
                continue;
            };
            shown.push(Arc::clone(line));
            if !self.told.contains(patient) {
                news.extend_from_slice(&event::row(line));
            } else if let Some(event) = said.get(patient) {
                news.extend_from_slice(event);
            }
        }
        self.told = self.sight.top.iter().copied().collect();
        let order = order_of(&self.sight, &shown);
        if order != self.order {
            if self.is_list {
                news.extend_from_slice(&event::order(&order));
            }
            self.order = order;
        }
        if let Some(alarmed) = alarmed {
            news.extend_from_slice(alarmed);
        }
        if !news.is_empty() && self.events.send(news.freeze()).is_err() {
            tracing::trace!("nobody looks through this filter");
        }
    }
}

fn order_of(sight: &Sight, lines: &[Arc<Line>]) -> Order {
    let mut order = Order {
        count: sight.count,
        outside: sight.outside,
        leaves: sight.leaves(),
        ..Order::default()
    };
    for line in lines {
        if let Some(lane) = order.shown.get_mut(place_of(line.lane)) {
            lane.push(line.patient.clone());
        }
    }
    order
}

/// Those who wait for somebody, for the ear and for pages that show others.
fn alarms(desk: &Desk) -> Alarms {
    let is_red = |(severity, _): &(Severity, PatientId)| *severity == Severity::Red;
    let (red, all) = (
        desk.waiting().filter(is_red).count(),
        desk.waiting().count(),
    );
    let named = desk.waiting().filter(is_red).take(NAMED_MAX);
    let named = named.map(|(_, patient)| Alarmed {
        patient: patient.to_string(),
        name: desk.name(patient),
    });
    Alarms {
        red,
        amber: all - red,
        reds: named.collect(),
    }
}

impl Order {
    /// How many of a lane stand on other leaves.
    pub(crate) fn hidden(&self, lane: Lane) -> usize {
        let place = place_of(lane);
        let shown = self.shown.get(place).map_or(0, Vec::len);
        self.count
            .get(place)
            .map_or(0, |count| count.saturating_sub(shown))
    }
}
