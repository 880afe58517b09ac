//! Bad signal is not reassurance: when a vital sign cannot be measured, somebody is to call.
//!
//! Two failed attempts without a clean value between them, one attempt that fails for long, or a
//! low value with a poor signal open an amber, clinical flag. A later clean value that no rule
//! calls bad ends it.
//!
//! **An attempt** is a chain of failures, each soon after the last: a sensor that searches or says
//! that it could not measure, readings that the device calls disturbed or that no body makes (of a temperature, that is a probe
//! off the body). It
//! has failed when nothing came for as long after it. A finger out of the clip is no attempt, nor
//! is a value held, early, undated or of a demonstration; what has no calibration or comes from the
//! skin was measured all the same, and is neither.
//!
//! **Half minutes.** What was heard is kept by half minutes of a fixed grid ([`CELL_MS`]), so that
//! a stream takes no more room than a meter, in any order. Within one, a clean value outweighs
//! failures and a low with a poor signal: movement spoils seconds. The newest is judged once it is
//! over and its readings had time to arrive.
//!
//! Limits: [`CELLS_MAX`] half minutes with something in them over [`HORIZON_MS`]. What is older
//! when it arrives is not heard: a signal is a matter of the hour, and a low is judged by its own
//! rule whatever its age.
//!
//! Deliberately absent: a red. Whoever cannot be measured is called, not taken for dying.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{Contact, Quality, RecordId, Vital, VitalKind, WallMs};

use crate::flag::{About, Evidence, How, Severity, Standing, What, Why};
use crate::gate::of_sensor;
use crate::ledger::{Ledger, StoredTrigger, Stories, Story, Voice};
use crate::observation::{Observation, Seen};
use crate::plan::in_force;
use crate::rules::SignalRule;
use crate::track::{Ground, HORIZON_MS};

/// A half minute: as long as a spot measurement takes.
pub(crate) const CELL_MS: i64 = 30_000;

/// Half minutes kept: half an hour of a stream, ten days of six attempts a day.
pub(crate) const CELLS_MAX: usize = 64;

/// Failed attempts kept behind a flag, at most.
const FAILED_MAX: usize = 8;

/// A value that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Value {
    at: WallMs,
    id: RecordId,
    received: WallMs,
    steps: i32,
}

/// A failure to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Failure {
    at: WallMs,
    id: RecordId,
    received: WallMs,
    what: What,
}

impl Failure {
    fn evidence(&self) -> Evidence {
        Evidence {
            id: self.id,
            at: self.at,
            what: self.what,
        }
    }
}

/// An attempt that has failed so far: a chain of failures, by its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Attempt {
    first: Failure,
    last: Failure,
}

/// What an observation says of the signal.
#[derive(Debug, Clone, Copy)]
enum Word {
    Clean(Value),
    Weak(Value),
    /// It was measured, but not so that a rule may judge it.
    Measured(WallMs),
    Failed(Failure),
}

impl Word {
    fn at(&self) -> WallMs {
        match self {
            Self::Clean(value) | Self::Weak(value) => value.at,
            Self::Measured(at) => *at,
            Self::Failed(failure) => failure.at,
        }
    }
}

/// Half a minute, and what was heard in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cell {
    /// Its place on the grid.
    index: i64,
    /// The newest clean value.
    clean: Option<Value>,
    /// The lowest value with a poor signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weak: Option<Value>,
    /// Whether something was measured that no rule may judge.
    measured: bool,
    /// The failures. Few half minutes have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Box<Attempt>>,
}

impl Cell {
    fn new(index: i64) -> Self {
        Self {
            index,
            clean: None,
            weak: None,
            measured: false,
            failed: None,
        }
    }

    fn index_at(at: WallMs) -> i64 {
        at.0.div_euclid(CELL_MS)
    }

    fn begin(&self) -> WallMs {
        WallMs(self.index.saturating_mul(CELL_MS))
    }

    fn end(&self) -> WallMs {
        self.begin().plus_ms(CELL_MS)
    }

    /// Whether the signal may be bad.
    fn is_troubled(&self) -> bool {
        self.weak.is_some() || self.failed.is_some()
    }

    /// The same words make the same cell, in any order and however often.
    fn hear(&mut self, word: Word) {
        match word {
            Word::Clean(value) => {
                let newest = self.clean.get_or_insert(value);
                if (newest.at, newest.id) < (value.at, value.id) {
                    *newest = value;
                }
            }
            Word::Weak(value) => {
                let lowest = self.weak.get_or_insert(value);
                let key = |it: &Value| (it.steps, it.at, it.id);
                if key(&value) < key(lowest) {
                    *lowest = value;
                }
            }
            Word::Measured(_) => self.measured = true,
            Word::Failed(failure) => {
                let only = || {
                    Box::new(Attempt {
                        first: failure,
                        last: failure,
                    })
                };
                let Attempt { first, last } = &mut **self.failed.get_or_insert_with(only);
                let key = |it: &Failure| (it.at, it.id);
                if key(&failure) < key(first) {
                    *first = failure;
                }
                if key(last) < key(&failure) {
                    *last = failure;
                }
            }
        }
    }
}

/// The fold's state after some half minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Course {
    /// Attempts that failed since the last clean value: the first failure of each.
    failed: Vec<Failure>,
    trying: Option<Attempt>,
    open: Option<Story>,
}

/// The rule and what it needs to judge.
#[derive(Clone, Copy)]
struct Judge<'a> {
    rule: &'a SignalRule,
    ground: Ground<'a>,
}

impl Judge<'_> {
    /// Whether a rule calls a value bad, by the plan in force when it was measured.
    fn is_bad(&self, value: &Value) -> bool {
        let plan = in_force(self.ground.plans, value.at);
        let target = plan.and_then(|plan| plan.spo2);
        let rules = self.ground.rules;
        rules.is_bad(self.rule.vital, value.steps, target)
    }

    fn story(&self, trigger: &Failure, evidence: Vec<Evidence>, at: WallMs) -> Story {
        Story {
            trigger: StoredTrigger::Record(trigger.id),
            since: trigger.at,
            evidence,
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at,
            },
            late: trigger.received.since(trigger.at) > self.ground.rules.arrival.late_after_ms,
            reminded: None,
            end: None,
        }
    }

    fn weak(&self, value: &Value) -> Failure {
        Failure {
            at: value.at,
            id: value.id,
            received: value.received,
            what: What::Value {
                vital: self.rule.vital,
                steps: value.steps,
                median: None,
            },
        }
    }

    /// How long words may be on their way.
    fn grace_ms(&self) -> i64 {
        self.ground.rules.arrival.backlog_grace_ms
    }

    /// What was said up to then has arrived.
    fn heard_by(&self) -> WallMs {
        self.ground.ticked.plus_ms(-self.grace_ms())
    }
}

impl Course {
    fn is_quiet(&self) -> bool {
        self.failed.is_empty() && self.trying.is_none() && self.open.is_none()
    }

    /// Whether a story that is not told again is to be taken back: what set it off is not
    /// forgotten, or was an attempt that may still succeed.
    fn may_retell(&self, floor: Option<i64>, story: &Story) -> bool {
        let trying = self.trying.map(|it| StoredTrigger::Record(it.first.id));
        let index = Cell::index_at(story.since);
        trying == Some(story.trigger) || floor.is_none_or(|floor| index > floor)
    }

    /// Takes the next half minute.
    fn advance(&mut self, judge: &Judge<'_>, cell: &Cell, stories: &mut Stories) {
        self.pass(judge, cell.begin(), stories);
        let is_good = |value: &Value| !judge.is_bad(value);
        if let Some(clean) = cell.clean.filter(is_good) {
            self.reset();
            if let Some(mut story) = self.open.take() {
                story.end = Some((Why::Recovered, clean.at));
                stories.tell(&story);
            }
            return;
        }
        if let Some(low) = cell.weak.filter(|weak| judge.is_bad(weak)) {
            let weak = judge.weak(&low);
            self.open(judge, &weak, vec![weak.evidence()], low.at, stories);
        }
        if cell.clean.is_some() || cell.measured || cell.weak.is_some_and(|it| is_good(&it)) {
            self.reset();
        } else if let Some(failed) = &cell.failed {
            self.fail(judge, failed, stories);
        }
    }

    /// Something was measured: what failed before has no part in what fails after.
    fn reset(&mut self) {
        self.trying = None;
        self.failed.clear();
    }

    fn fail(
        &mut self,
        judge: &Judge<'_>,
        &Attempt { first, last }: &Attempt,
        stories: &mut Stories,
    ) {
        // Half minutes are coarser than the chain: within two neighbours it goes on.
        let attempt = self.trying.get_or_insert(Attempt { first, last });
        attempt.last = last;
        let attempt = *attempt;
        if last.at.since(attempt.first.at) >= judge.rule.long_ms {
            let evidence = vec![attempt.first.evidence(), last.evidence()];
            self.open(judge, &attempt.first, evidence, last.at, stories);
        }
    }

    /// Whatever is over by a moment has failed.
    fn pass(&mut self, judge: &Judge<'_>, at: WallMs, stories: &mut Stories) {
        let is_over = |attempt: &Attempt| at.since(attempt.last.at) > judge.rule.apart_ms;
        let Some(attempt) = self.trying.take_if(|attempt| is_over(attempt)) else {
            return;
        };
        let since = attempt.first.at;
        self.failed
            .retain(|it| since.since(it.at) <= judge.rule.within_ms);
        if self.failed.len() >= FAILED_MAX {
            self.failed.remove(0);
        }
        self.failed.push(attempt.first);
        if self.failed.len() >= judge.rule.attempts {
            let evidence = self.failed.iter().map(Failure::evidence).collect();
            self.open(judge, &attempt.first, evidence, attempt.last.at, stories);
        }
    }

    fn open(
        &mut self,
        judge: &Judge<'_>,
        trigger: &Failure,
        evidence: Vec<Evidence>,
        at: WallMs,
        stories: &mut Stories,
    ) {
        if self.open.is_none() {
            let story = judge.story(trigger, evidence, at);
            stories.tell(&story);
            self.open = Some(story);
        }
    }
}

/// A rule about a signal at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signal {
    pub(crate) ledger: Ledger,
    cells: VecDeque<Cell>,
    /// The newest half minute that is forgotten.
    floor: Option<i64>,
    /// After what is forgotten.
    base: Course,
    /// When something is over, if nothing comes.
    deadline: Option<WallMs>,
    /// Whether all is well, so that a further clean value is no news.
    is_quiet: bool,
}

impl Signal {
    pub(crate) fn new(rule: &SignalRule) -> Self {
        let about = About::Vital(rule.vital);
        Self {
            ledger: Ledger::new(rule.name.clone(), about, Severity::Amber),
            cells: VecDeque::new(),
            floor: None,
            base: Course::default(),
            deadline: None,
            is_quiet: true,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<WallMs> {
        self.deadline
    }

    /// Takes an observation, if it says something of the signal of the rule's vital sign.
    pub(crate) fn observe(
        &mut self,
        rule: &SignalRule,
        observation: &Observation,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let Some(word) = word(rule.vital, observation, ground) else {
            return;
        };
        let index = Cell::index_at(word.at());
        if self.floor.is_some_and(|floor| index <= floor) {
            return;
        }
        let judge = Judge { rule, ground };
        let place = self.cells.partition_point(|cell| cell.index < index);
        let is_new = self.cells.get(place).is_none_or(|cell| cell.index != index);
        if is_new {
            self.cells.insert(place, Cell::new(index));
        }
        let is_newest = place + 1 == self.cells.len();
        let Some(cell) = self.cells.get_mut(place) else {
            return;
        };
        cell.hear(word);
        // Nearly every reading changes nothing: all is well, or its half minute is not over.
        let is_waiting = is_newest && !is_new && cell.end() > judge.heard_by();
        if cell.is_troubled() && self.is_quiet || !self.is_quiet && !is_waiting {
            self.tell(&judge, voice);
        }
        if is_new {
            self.forget(&judge);
        }
    }

    pub(crate) fn tick(&mut self, rule: &SignalRule, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let is_due = |deadline: WallMs| deadline <= ground.ticked;
        if self.deadline.is_some_and(is_due) {
            self.tell(&Judge { rule, ground }, voice);
        }
    }

    pub(crate) fn retell(&mut self, rule: &SignalRule, ground: Ground<'_>, voice: &mut Voice<'_>) {
        self.tell(&Judge { rule, ground }, voice);
    }

    fn tell(&mut self, judge: &Judge<'_>, voice: &mut Voice<'_>) {
        let mut course = self.base.clone();
        let mut stories = Stories::default();
        if let Some(story) = &course.open {
            stories.tell(story);
        }
        let heard_by = judge.heard_by();
        let last = self.cells.back().map(|cell| cell.index);
        let is_over = |cell: &Cell| Some(cell.index) != last || cell.end() <= heard_by;
        for cell in self.cells.iter().filter(|cell| is_over(cell)) {
            course.advance(judge, cell, &mut stories);
        }
        course.pass(judge, heard_by, &mut stories);
        let is_troubled = self.cells.iter().any(Cell::is_troubled);
        self.is_quiet = course.is_quiet() && !is_troubled;
        let pending = self.cells.back().filter(|cell| !is_over(cell));
        let pending = pending
            .filter(|_| !self.is_quiet)
            .map(|cell| cell.end().plus_ms(judge.grace_ms()));
        // An attempt is over one millisecond after it may have gone on.
        let is_over_ms = judge.rule.apart_ms + judge.grace_ms() + 1;
        let trying = course.trying.map(|it| it.last.at.plus_ms(is_over_ms));
        self.deadline = [pending, trying].into_iter().flatten().min();
        let Self {
            ledger,
            base,
            floor,
            ..
        } = self;
        ledger.retell(stories.0, voice, |story| base.may_retell(*floor, story));
    }

    /// Folds away what is beyond memory.
    fn forget(&mut self, judge: &Judge<'_>) {
        let Some(newest) = self.cells.back().map(Cell::begin) else {
            return;
        };
        let is_beyond = |cells: &VecDeque<Cell>| {
            let is_old = |oldest: &Cell| newest.since(oldest.begin()) > HORIZON_MS;
            cells.len() > CELLS_MAX || cells.front().is_some_and(is_old)
        };
        let mut is_changed = false;
        while is_beyond(&self.cells) {
            let Some(oldest) = self.cells.pop_front() else {
                break;
            };
            let mut untold = Stories::default();
            self.base.advance(judge, &oldest, &mut untold);
            self.floor = Some(oldest.index);
            is_changed = true;
        }
        if is_changed {
            let Self {
                ledger,
                base,
                floor,
                ..
            } = self;
            let open = base.open.as_ref().map(|story| story.trigger);
            ledger.forget(|story| !base.may_retell(*floor, story) && Some(story.trigger) != open);
        }
    }
}

/// What an observation says of the signal of a vital sign.
fn word(kind: VitalKind, observation: &Observation, ground: Ground<'_>) -> Option<Word> {
    let Observation { id, received, .. } = *observation;
    match observation.seen {
        Seen::Vital(vital, quality) if vital.kind() == kind => {
            let at = observation.at;
            let is_ahead = at.since(received) > ground.rules.arrival.ahead_tolerance_ms;
            if is_ahead || quality.intersects(NO_ATTEMPT) {
                return None;
            }
            of_reading((at, id, received), vital, quality, ground)
        }
        Seen::Contact(sensor, contact)
            if of_sensor(sensor) == kind
                && matches!(contact, Contact::Searching | Contact::Unmeasurable) =>
        {
            Some(Word::Failed(Failure {
                // Of a clock that is ahead we know only that it was said before it arrived.
                at: observation.at.min(received),
                id,
                received,
                what: What::Contact { sensor, contact },
            }))
        }
        Seen::Vital(..) | Seen::Contact(..) | Seen::Answer(_) => None,
    }
}

/// Nobody tried to measure, or nobody can say when.
const NO_ATTEMPT: Quality = Quality::NO_CONTACT
    .union(Quality::HELD)
    .union(Quality::EARLY)
    .union(Quality::DEMO)
    .union(Quality::TIME_UNCERTAIN);

/// The device itself calls the measurement disturbed.
const FAILED: Quality = Quality::SEARCHING
    .union(Quality::ARTEFACT)
    .union(Quality::QUESTIONABLE)
    .union(Quality::INVALID);

const WEAK: Quality = Quality::LOW_PERFUSION.union(Quality::WEAK_SIGNAL);

fn of_reading(
    (at, id, received): (WallMs, RecordId, WallMs),
    vital: Vital,
    quality: Quality,
    ground: Ground<'_>,
) -> Option<Word> {
    let steps = vital.steps();
    let value = Value {
        at,
        id,
        received,
        steps,
    };
    let rules = ground.rules.vital(vital.kind());
    let is_unscored = rules.is_some_and(|it| it.unscored_sites.contains(&vital.site()));
    let is_plausible = rules.is_some_and(|it| it.plausible.holds(it.score(steps)));
    if !is_plausible && vital.kind() == VitalKind::Temperature {
        // Of a room or of a kettle: the probe is not on a body, as a finger out of the clip.
        return None;
    }
    if quality.intersects(FAILED) || !is_plausible {
        let what = What::Value {
            vital: vital.kind(),
            steps,
            median: None,
        };
        return Some(Word::Failed(Failure {
            at,
            id,
            received,
            what,
        }));
    }
    Some(if is_unscored || !quality.is_clean() {
        Word::Measured(at)
    } else if quality.intersects(WEAK) {
        Word::Weak(value)
    } else {
        Word::Clean(value)
    })
}
