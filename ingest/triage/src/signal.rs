//! Bad signal is not reassurance: when a vital sign cannot be measured, somebody is to call.
//!
//! Two failed attempts without a clean value between them, one attempt that fails for long, or a
//! low value with a poor signal open an amber, clinical flag. A later clean value that no rule
//! calls bad ends it.
//!
//! **An attempt** is a chain of failures, each soon after the last, until the sensor leaves the
//! body or gives up: an oximeter that searches, a sensor that could not measure, readings that the
//! device calls disturbed or that no body makes (a temperature of no body is a probe off it). It
//! has failed when nothing came for as long after it. A finger out of the clip is no attempt, nor
//! is a value held, early, undated or of a demonstration; what has no calibration or comes from the
//! skin was measured all the same, and is neither.
//!
//! **Half minutes.** What was heard is kept by half minutes of a fixed grid ([`cell::CELL_MS`]), so
//! that a stream takes no more room than a meter, in any order. Within one, a clean value outweighs
//! failures and a low with a poor signal: movement spoils seconds. The newest is judged once it is
//! over and its readings had time to arrive.
//!
//! Limits: [`CELLS_MAX`] half minutes with something in them over [`HORIZON_MS`]. What is older
//! when it arrives is not heard: a signal is a matter of the hour, and a low is judged by its own
//! rule whatever its age.
//!
//! Deliberately absent: a red. Whoever cannot be measured is called, not taken for dying.

mod cell;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, VitalKind, WallMs};

use crate::flag::{About, Evidence, How, Severity, Standing, What, Why};
use crate::ledger::{Ledger, StoredTrigger, Stories, Story, Voice};
use crate::observation::Observation;
use crate::plan::{Own, of_person};
use crate::rules::SignalRule;
use crate::stream::make_room;
use crate::track::{Ground, HORIZON_MS};
use crate::whereabouts::is_at_home;
pub(crate) use cell::WEAK;
use cell::{Attempt, Cell, Failure, Value, Word, mark_of, word};

/// Half minutes kept: half an hour of a stream, ten days of six attempts a day.
pub(crate) const CELLS_MAX: usize = 64;

/// Failed attempts kept behind a flag, at most.
const FAILED_MAX: usize = 8;

/// An attempt under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Trying {
    attempt: Attempt,
    /// Since when one attempt follows on another.
    since: WallMs,
    /// Whether it was given up: what fails next is another attempt.
    is_over: bool,
}

/// The fold's state after some half minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Course {
    /// Attempts that failed since the last clean value: the first failure of each.
    failed: Vec<Failure>,
    trying: Option<Trying>,
    /// The word of a sensor that cannot measure, and has said nothing else since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lasting: Option<Box<Failure>>,
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
        let plan = of_person(self.ground.plans, value.at);
        let rules = self.ground.rules;
        let baseline = self.ground.baselines.at(value.at);
        let baseline = baseline.map(|it| it.percent_tenths);
        rules.is_bad(self.rule.vital, value.steps, Own::of(plan), baseline)
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
            again_at: None,
            end: None,
        }
    }

    fn weak(&self, value: &Value) -> Failure {
        Failure {
            at: value.at,
            id: value.id,
            received: value.received,
            device: 0,
            what: What::Value {
                vital: self.rule.vital,
                steps: value.steps,
                median: None,
            },
        }
    }

    /// The moments up to another at which a sensor that cannot measure has failed for long: the
    /// first, and each at which that is told again, for as long as two attempts make a pair.
    fn failed_by(&self, lasting: &Failure, by: WallMs) -> impl Iterator<Item = WallMs> {
        let by = by.min(lasting.at.plus_ms(self.rule.within_ms));
        let mut next = Some(lasting.at.plus_ms(self.rule.long_ms));
        let remind_ms = self.rule.remind_ms.max(1);
        std::iter::from_fn(move || {
            let moment = next.filter(|at| *at <= by)?;
            next = Some(moment.plus_ms(remind_ms));
            Some(moment)
        })
    }

    /// The first of them after a moment.
    fn fails_after(&self, lasting: &Failure, after: WallMs) -> Option<WallMs> {
        let mut moments = self.failed_by(lasting, WallMs(i64::MAX));
        moments.find(|at| after < *at)
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
        let is_quiet = self.failed.is_empty() && self.trying.is_none();
        is_quiet && self.lasting.is_none() && self.open.is_none()
    }

    /// Whether a story that is not told again is to be taken back: what set it off is not
    /// forgotten, or was an attempt that may still succeed.
    fn may_retell(&self, floor: Option<i64>, story: &Story) -> bool {
        let trying = self.trying.map(|it| it.attempt.first.id);
        let lasting = self.lasting.as_ref().map(|it| it.id);
        let mut under_way = trying.into_iter().chain(lasting);
        let index = Cell::index_at(story.since);
        under_way.any(|id| story.trigger == StoredTrigger::Record(id))
            || floor.is_none_or(|floor| index > floor)
    }

    /// Takes the next half minute.
    fn advance(&mut self, judge: &Judge<'_>, cell: &Cell, stories: &mut Stories) {
        self.pass(judge, cell.begin(), stories);
        self.hear(judge, cell, stories);
        let is_at_home = is_at_home(judge.ground.standings, cell.begin());
        let lasting = cell.lasting(self.lasting.as_deref());
        self.lasting = lasting.filter(|_| is_at_home).map(Box::new);
    }

    fn hear(&mut self, judge: &Judge<'_>, cell: &Cell, stories: &mut Stories) {
        let is_good = |value: &Value| !judge.is_bad(value);
        if let Some(clean) = cell.clean.filter(is_good) {
            self.reset();
            if let Some(mut story) = self.open.take() {
                story.end = Some((Why::Recovered, clean.at));
                stories.tell(&story);
            }
            return;
        }
        if !is_at_home(judge.ground.standings, cell.begin()) {
            // Others look after a patient who is not at home.
            self.reset();
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
        if let Some(trying) = &mut self.trying {
            let last = trying.attempt.last.at;
            trying.is_over |= cell.given_up.is_some_and(|at| last <= at);
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
        let attempt = Attempt { first, last };
        let mut trying = self.trying.take().unwrap_or(Trying {
            attempt,
            since: first.at,
            is_over: false,
        });
        if trying.is_over {
            self.keep(judge, trying.attempt.first);
            trying = Trying {
                attempt,
                is_over: false,
                ..trying
            };
        }
        trying.attempt.last = last;
        self.trying = Some(trying);
        if last.at.since(trying.since) >= judge.rule.long_ms {
            let mut evidence: Vec<Evidence> = self.failed.iter().map(Failure::evidence).collect();
            evidence.extend([trying.attempt.first.evidence(), last.evidence()]);
            evidence.dedup();
            self.open(judge, &trying.attempt.first, evidence, last.at, stories);
        }
    }

    /// Whatever is over by a moment has failed. Half minutes are coarser than the chain: it goes
    /// on when the half minute of the next failure begins in time. Who tries again and again is
    /// let try: only once they pause are their attempts counted.
    fn pass(&mut self, judge: &Judge<'_>, at: WallMs, stories: &mut Stories) {
        self.pass_attempt(judge, at, stories);
        self.pass_lasting(judge, at, stories);
    }

    /// A sensor says once that it cannot measure, or searches: what it says holds on until it says
    /// something else, and has failed once it was so for long. It is told again while it lasts.
    fn pass_lasting(&mut self, judge: &Judge<'_>, at: WallMs, stories: &mut Stories) {
        let Some(lasting) = self.lasting.as_deref().copied() else {
            return;
        };
        let standings = judge.ground.standings;
        let moments = judge.failed_by(&lasting, at);
        for failed_at in moments.filter(|at| is_at_home(standings, *at)) {
            let mut evidence: Vec<Evidence> = self.failed.iter().map(Failure::evidence).collect();
            evidence.push(lasting.evidence());
            evidence.dedup();
            self.open(judge, &lasting, evidence, failed_at, stories);
        }
    }

    fn pass_attempt(&mut self, judge: &Judge<'_>, at: WallMs, stories: &mut Stories) {
        let apart_ms = judge.rule.apart_ms;
        let is_over = |trying: &mut Trying| at.since(trying.attempt.last.at) > apart_ms;
        let Some(Trying { attempt, .. }) = self.trying.take_if(is_over) else {
            return;
        };
        self.keep(judge, attempt.first);
        if self.failed.len() >= judge.rule.attempts {
            let evidence = self.failed.iter().map(Failure::evidence).collect();
            self.open(judge, &attempt.first, evidence, attempt.last.at, stories);
        }
    }

    /// An attempt has failed.
    fn keep(&mut self, judge: &Judge<'_>, first: Failure) {
        let is_near = |it: &Failure| first.at.since(it.at) <= judge.rule.within_ms;
        self.failed.retain(is_near);
        if self.failed.len() >= FAILED_MAX {
            self.failed.remove(0);
        }
        self.failed.push(first);
    }

    fn open(
        &mut self,
        judge: &Judge<'_>,
        trigger: &Failure,
        evidence: Vec<Evidence>,
        at: WallMs,
        stories: &mut Stories,
    ) {
        let Some(story) = &mut self.open else {
            let story = judge.story(trigger, evidence, at);
            stories.tell(&story);
            self.open = Some(story);
            return;
        };
        // Who has closed the call hears that it is no better.
        let told_at = story.reminded.unwrap_or(story.flagged_at());
        if at.since(told_at) >= judge.rule.remind_ms {
            story.reminded = Some(at);
            stories.tell(story);
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

    /// Whether a further clean value of a vital sign that no rule calls bad is no news.
    pub(crate) fn is_calm(&self, rule: &SignalRule, kind: VitalKind) -> bool {
        rule.vital != kind || self.is_quiet
    }

    /// Takes an observation, if it says something of the signal of the rule's vital sign.
    pub(crate) fn observe(
        &mut self,
        rule: &SignalRule,
        observation: &Observation,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        if let Some(word) = word(rule.vital, observation, ground) {
            self.hear(rule, word, ground, voice);
        }
    }

    /// A device is not heard any more: what it said holds on no longer.
    pub(crate) fn lose(
        &mut self,
        rule: &SignalRule,
        (device, at): (&DeviceId, WallMs),
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let word = Word::Lost(at, mark_of(device));
        self.hear(rule, word, ground, voice);
    }

    fn hear(&mut self, rule: &SignalRule, word: Word, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let index = Cell::index_at(word.at());
        if self.floor.is_some_and(|floor| index <= floor) {
            return;
        }
        let judge = Judge { rule, ground };
        // Nearly always the newest half minute, or the next.
        let place = match self.cells.back().map(|cell| cell.index) {
            Some(newest) if newest == index => self.cells.len() - 1,
            Some(newest) if index < newest => self.cells.partition_point(|it| it.index < index),
            _ => self.cells.len(),
        };
        let is_new = self.cells.get(place).is_none_or(|cell| cell.index != index);
        if is_new {
            make_room(&mut self.cells);
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
        let trying = course
            .trying
            .map(|it| it.attempt.last.at.plus_ms(is_over_ms));
        let lasting = course.lasting.as_deref();
        let lasting = lasting.and_then(|it| judge.fails_after(it, heard_by));
        let lasting = lasting.map(|at| at.plus_ms(judge.grace_ms()));
        self.deadline = [pending, trying, lasting].into_iter().flatten().min();
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
