//! What open pages show: one board for each filter that somebody looks through, however many pages
//! look.
//!
//! A line is rendered once for all boards in each language that somebody reads it in, and what
//! changed on a board is one piece of bytes for all its pages of a language. A line of which only
//! values moved tells those cells alone.

mod ears;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::broadcast;
use veglia_view::{PatientId, Plan, Severity, TrendAsk, VitalKind, WallMs};
use veglia_words::{Each, Language, Words};

use crate::WORDS;
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
    sight: Sight,
    ears: Each<Ear>,
    /// How many others there are is not for the pages about one patient.
    is_list: bool,
    /// Of the desk, when the sight was taken.
    generation: u64,
    idle: u32,
}

/// The pages of one language on a board, and what they were told.
#[derive(Debug)]
struct Ear {
    events: broadcast::Sender<Bytes>,
    told: HashSet<PatientId>,
    order: Order,
}

/// What is said in one language.
#[derive(Debug, Default)]
struct Tongue {
    /// The lines on any board that somebody reads in it, as last told.
    lines: HashMap<PatientId, Arc<Line>>,
    alarms: Alarms,
}

/// All boards.
#[derive(Debug, Default)]
pub(crate) struct Boards {
    boards: HashMap<Filter, Board>,
    tongues: Each<Tongue>,
    /// How many wait for somebody, as pages were last told.
    waiting: Waiting,
    /// Those on any board, whoever reads it.
    seen: HashSet<PatientId>,
    /// When each drawing is to be made again.
    due: HashMap<(PatientId, VitalKind), WallMs>,
}

/// What a page is made of, and what a stream begins with.
#[derive(Debug)]
pub struct Leaf {
    /// The lines, from the top.
    pub lines: Vec<Arc<Line>>,
    pub(crate) order: Order,
    pub(crate) alarms: Alarms,
}

impl Leaf {
    /// How many patients there are, with those on other leaves.
    #[must_use]
    pub fn count(&self) -> usize {
        self.order.count.iter().sum()
    }

    /// How many leaves there are.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.order.leaves
    }
}

/// No more filters can be looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Boards {
    /// What is seen through a filter now, whether somebody looks or not.
    pub(crate) fn leaf(&self, desk: &Desk, filter: &Filter, now: WallMs, w: Words) -> Leaf {
        let sight = desk.sight(filter);
        let known = self.tongues.of(w.language);
        let lines = known.lines_of(desk, &sight, now, w);
        let lines: Vec<Arc<Line>> = lines.map(|(_, line)| line).collect();
        Leaf {
            order: order_of(&sight, &lines),
            lines,
            alarms: alarms(desk, w),
        }
    }

    /// How many wait for somebody, as pages were last told.
    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// What changes on a board from now on, in a language.
    pub(crate) fn listen(
        &mut self,
        desk: &Desk,
        filter: &Filter,
        now: WallMs,
        w: Words,
    ) -> Result<broadcast::Receiver<Bytes>, TooMany> {
        if !self.boards.contains_key(filter) {
            if filter.is_list() && !filter.is_everybody() {
                self.make_room()?;
            }
            let board = Board {
                sight: desk.sight(filter),
                ears: Each::make(|_| Ear::new()),
                is_list: filter.is_list(),
                generation: desk.generation,
                idle: 0,
            };
            self.boards.insert(filter.clone(), board);
        }
        let Some(board) = self.boards.get_mut(filter) else {
            return Err(TooMany);
        };
        let ear = board.ears.of_mut(w.language);
        if ear.events.receiver_count() == 0 {
            let tongue = self.tongues.of_mut(w.language);
            let lines: Vec<_> = tongue.lines_of(desk, &board.sight, now, w).collect();
            let shown: Vec<Arc<Line>> = lines.iter().map(|(_, line)| Arc::clone(line)).collect();
            ear.order = order_of(&board.sight, &shown);
            ear.told = board.sight.top.iter().copied().collect();
            tongue.lines.extend(lines);
        }
        Ok(ear.events.subscribe())
    }

    /// A list that nobody looks at makes room for one that somebody wants.
    fn make_room(&mut self) -> Result<(), TooMany> {
        if self.lists() >= LISTS_MAX {
            self.boards
                .retain(|filter, board| !filter.is_list() || board.pages() > 0);
        }
        (self.lists() < LISTS_MAX).then_some(()).ok_or(TooMany)
    }

    fn lists(&self) -> usize {
        self.boards.keys().filter(|it| it.is_list()).count()
    }

    /// How many pages are open.
    pub(crate) fn pages(&self) -> usize {
        self.boards.values().map(Board::pages).sum()
    }

    /// The lists that somebody looks through; boards at which nobody looks are forgotten after a
    /// while.
    pub(crate) fn looked_through(&mut self) -> Vec<Filter> {
        self.boards.retain(|filter, board| {
            board.idle = match board.pages() {
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
        let seen = self.boards.values().flat_map(|it| &it.sight.top);
        self.seen = seen.copied().collect();
        self.waiting = waiting(desk);
        let touched = desk.take_touched();
        for language in Language::ALL {
            self.tell_in(WORDS.speaking(language), desk, &touched, now);
        }
        if self.due.len() > DRAWN_MAX * COLUMNS.len() {
            self.due
                .retain(|(patient, _), _| self.seen.contains(patient));
            desk.keep_sparks(&self.seen);
        }
    }

    /// The same, those who read it in one language.
    fn tell_in(&mut self, w: Words, desk: &Desk, touched: &HashSet<PatientId>, now: WallMs) {
        let tongue = self.tongues.of_mut(w.language);
        let read = self.boards.values().filter(|it| it.is_read_in(w.language));
        let seen: HashSet<PatientId> = read.flat_map(|it| &it.sight.top).copied().collect();
        tongue.lines.retain(|patient, _| seen.contains(patient));
        let said = tongue.say(desk, &seen, touched, now, w);
        let alarms = alarms(desk, w);
        let alarmed = (alarms != tongue.alarms).then(|| event::alarms(&alarms));
        tongue.alarms = alarms;
        for (filter, board) in &mut self.boards {
            if board.is_read_in(w.language) {
                let alarmed = alarmed.as_ref().filter(|_| filter.hears_alarms());
                board.tell(&tongue.lines, &said, alarmed, w);
            }
        }
    }

    /// Tells every page that it is fed.
    pub(crate) fn tell_all(&self, event: impl Fn(Words) -> Bytes) {
        self.tell_those(event, |_| true);
    }

    /// Tells every page of a list the same; a page about one patient hears of that one alone.
    pub(crate) fn tell_lists(&self, event: impl Fn(Words) -> Bytes) {
        self.tell_those(event, Filter::is_list);
    }

    fn tell_those(&self, event: impl Fn(Words) -> Bytes, is_told: impl Fn(&Filter) -> bool) {
        for language in Language::ALL {
            let event = event(WORDS.speaking(language));
            for (_, board) in self.boards.iter().filter(|(filter, _)| is_told(filter)) {
                board.ears.of(language).hear(event.clone());
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
        for patient in &self.seen {
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

/// How many wait for somebody.
fn waiting(desk: &Desk) -> Waiting {
    let is_red = |(severity, _): &(Severity, PatientId)| *severity == Severity::Red;
    let (red, all) = (
        desk.waiting().filter(is_red).count(),
        desk.waiting().count(),
    );
    Waiting {
        red,
        amber: all - red,
    }
}

/// Those who wait for somebody, for the ear and for pages that show others.
fn alarms(desk: &Desk, w: Words) -> Alarms {
    let Waiting { red, amber } = waiting(desk);
    let reds = desk.waiting().filter(|(it, _)| *it == Severity::Red);
    let named = reds.take(NAMED_MAX).map(|(_, patient)| Alarmed {
        patient: patient.to_string(),
        name: desk.name(patient, w),
    });
    Alarms {
        red,
        amber,
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
