//! A patient's values for the scores: what is remembered, and what is said of it.
//!
//! A value later than all others (nearly every one) moves the rules by one step. A late arrival is
//! put in its place and the stories are told again, from the last moment before it without an
//! open episode to the next one at which it no longer counts; only what differs is said
//! (`ledger.rs`).
//!
//! **Memory.** At most [`SCORED_MAX`] values over at most [`HORIZON_MS`]; older ones are folded
//! away, the newest of each parameter staying known. A value from before memory is not judged at
//! its own time: it counts from the oldest moment kept, if nothing newer of its kind is known
//! there. The rules on single vital signs do judge it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::{About, Evidence, Flag, Standing};
use crate::ledger::{Ledger, Story, Voice};
use crate::plan::{OxygenScale, Plan, of_person};
use crate::rules::{Range, RuleName, RuleSet};
use crate::score::count::Entry;
use crate::score::course::{Course, Fold, Judge};
use crate::score::partial::is_fresh;
use crate::score::{Scale, ScoreParameter, Scored};
use crate::stream::{Measured, push};
use crate::track::{Ground, HORIZON_MS};
use crate::whereabouts::{PatientStanding, is_at_home};

/// Values kept: two days of five vital signs and two answers, nine times a day; of a patient with
/// an oximeter that speaks every second, one minute of oxygen and pulse. It bounds the work of a
/// late arrival and the size of a patient's state.
pub const SCORED_MAX: usize = 128;

/// A value in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    entry: Entry,
    /// Whether no episode was open after it: what comes later can be told from here.
    is_quiet: bool,
}

impl Kept {
    fn key(&self) -> (WallMs, RecordId) {
        self.entry.key()
    }
}

/// Values of one parameter that have come or are other ones than before.
#[derive(Clone, Copy)]
struct Changed {
    parameter: ScoreParameter,
    first: (WallMs, RecordId),
    last: (WallMs, RecordId),
}

impl Changed {
    fn is_superseded_by(self, entry: &Entry) -> bool {
        // One with a poor signal may not have taken their place.
        entry.parameter == self.parameter && entry.key() > self.last && !entry.is_weak()
    }
}

/// A moment to tell from.
struct Start {
    /// The first value to take.
    place: usize,
    /// The last one before it.
    after: Option<(WallMs, RecordId)>,
    fold: Fold,
}

/// The scores of a patient at work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scoring {
    /// In the order of measuring.
    recent: VecDeque<Kept>,
    /// The newest value that is forgotten.
    floor: Option<(WallMs, RecordId)>,
    /// After the values that are forgotten.
    base: Fold,
    /// After all of them.
    tip: Fold,
    /// A ledger for each course of the folds, in their order.
    ledgers: Vec<Ledger>,
}

impl Scoring {
    /// Every flag that stands within memory, and whether its episode goes on.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        self.ledgers.iter().flat_map(Ledger::flags)
    }

    /// The earliest tick that could say something new.
    pub(crate) fn next_deadline(&self, standings: &[PatientStanding]) -> Option<WallMs> {
        let open = self.ledgers.iter().flat_map(Ledger::open);
        let is_missed = |at: &WallMs| is_at_home(standings, *at);
        let repeats = open.filter_map(|story| match story.standing {
            Standing::Unconfirmed { repeat_by } => Some(repeat_by).filter(is_missed),
            Standing::Confirmed { .. } => story.again_at,
        });
        repeats.min()
    }

    /// The newest of all values, if no episode is open and what is counted now, fresh or not, is
    /// in no rule's class.
    pub(crate) fn calm(&self, rules: &RuleSet, plans: &[Plan]) -> Option<(WallMs, RecordId)> {
        let last = self.recent.back().map(Kept::key).or(self.floor)?;
        let plan = of_person(plans, last.0);
        let scale = plan.map_or(OxygenScale::One, |plan| plan.oxygen_scale);
        let most = self.tip.newest.iter().map(|it| it.most(scale));
        (self.tip.is_quiet() && rules.scores.is_below_all(most)).then_some(last)
    }

    /// The scores of a vital sign that carry no more points than what is counted of it now.
    pub(crate) fn no_graver(
        &self,
        kind: VitalKind,
        rules: &RuleSet,
        scale: OxygenScale,
    ) -> Option<Range> {
        let parameter = ScoreParameter::of_vital(kind);
        let mut newest = self.tip.newest.iter();
        let counted = newest.find(|it| it.parameter == parameter)?;
        let value = rules.rounded(&counted.evidence().what)?;
        rules.scores.no_graver(parameter, value, scale)
    }

    /// Folds away all that is remembered: it would be forgotten by now.
    fn let_go(&mut self, ground: Ground<'_>) {
        let judge = judge(ground);
        for kept in std::mem::take(&mut self.recent) {
            self.base.advance(&judge, &kept.entry, |_, _| {});
            self.floor = Some(kept.key());
        }
    }

    /// A value that would have been counted and forgotten by now, with one that is counted still
    /// in its place.
    pub(crate) fn pass_over(&mut self, key: (WallMs, RecordId), ground: Ground<'_>) {
        self.let_go(ground);
        self.floor = Some(key);
    }

    /// What a score can be at a moment; none when the rule set has no such score.
    ///
    /// `put_off` are values that are newer than those counted.
    pub(crate) fn scored(
        &self,
        put_off: &[Entry],
        ground: Ground<'_>,
        scale: Scale,
        now: WallMs,
    ) -> Option<Scored> {
        let plan = of_person(ground.plans, now);
        let guards = plan.map(|plan| plan.guards.as_slice()).unwrap_or_default();
        if !guards.is_empty() {
            return Some(Scored::NotCounted(guards.to_vec()));
        }
        let newer = |counted: &Entry| {
            let mut put_off = put_off.iter();
            *put_off
                .find(|it| it.parameter == counted.parameter)
                .unwrap_or(counted)
        };
        let newest = self.tip.newest.iter().map(newer);
        let fresh = newest.filter(|it| is_fresh(ground.rules, it.parameter, it.at, now));
        let known: Vec<Evidence> = fresh.map(|it| it.evidence()).collect();
        let oxygen_scale = plan.map_or(OxygenScale::One, |plan| plan.oxygen_scale);
        let partial = ground.rules.partial(scale, oxygen_scale, &known);
        partial.map(Scored::Counted)
    }

    /// Whether nothing was ever counted: also in a state of a version before scores.
    pub(crate) fn is_blank(&self) -> bool {
        self.recent.is_empty() && self.floor.is_none()
    }

    /// Begins with what a state of a version before scores remembers.
    pub(crate) fn begin<'m>(
        &mut self,
        measured: impl Iterator<Item = (VitalKind, Measured<'m>)>,
        answers: impl Iterator<Item = Evidence>,
        rules: &RuleSet,
    ) {
        let measured = measured.map(|(kind, it)| Entry::measured(kind, &it, rules));
        let answers = answers.filter_map(|it| Entry::new(it.at, it.at, &it, rules));
        let mut entries: Vec<Entry> = measured.chain(answers).collect();
        entries.sort_by_key(Entry::key);
        let kept = entries.into_iter().map(|entry| Kept {
            entry,
            is_quiet: false,
        });
        self.recent = kept.collect();
    }

    /// What is known now of some readings of a vital sign: one that has come, and others that have
    /// become other medians by it. What is known as it is changes nothing.
    pub(crate) fn measure<'m>(
        &mut self,
        kind: VitalKind,
        measured: impl Iterator<Item = &'m Measured<'m>>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let rules = ground.rules;
        let entries = measured.map(|it| Entry::measured(kind, it, rules));
        self.take(entries, ground, voice);
    }

    /// The gate thinks otherwise of some readings: which it greys now, and what the rules see of
    /// the others.
    pub(crate) fn correct<'m>(
        &mut self,
        kind: VitalKind,
        greyed: &[RecordId],
        measured: impl Iterator<Item = &'m Measured<'m>>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let known = self.recent.len();
        let is_ours = |it: &Entry| it.parameter.vital() == Some(kind);
        self.recent
            .retain(|it| !is_ours(&it.entry) || !greyed.contains(&it.entry.id));
        if self.recent.len() < known {
            self.tell_all(ground, voice);
        }
        self.measure(kind, measured, ground, voice);
    }

    /// A question that scores count was answered.
    pub(crate) fn answer(
        &mut self,
        evidence: &Evidence,
        received: WallMs,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let entry = Entry::new(evidence.at, received, evidence, ground.rules);
        let entry = entry.filter(|_| ground.rules.is_countable(&evidence.what));
        self.take(entry.into_iter(), ground, voice);
    }

    /// Deadlines up to `ground.ticked` have passed.
    pub(crate) fn tick(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let judge = judge(ground);
        for ledger in &mut self.ledgers {
            let Some(rule) = ground.rules.scores.rule(ledger.rule()) else {
                continue;
            };
            let open = ledger.open();
            let passed = open.filter_map(|story| judge.passed(rule, story, ground.ticked));
            let passed: Vec<Story> = passed.collect();
            for story in passed {
                ledger.tell(story, voice);
            }
        }
    }

    /// Tells everything again: plans or rules are other ones.
    pub(crate) fn retell(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        self.adopt_rules(ground.rules, voice);
        self.tell_all(ground, voice);
    }

    /// Rules that are gone end their flags; new ones begin with the values in memory.
    fn adopt_rules(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let kept = self.recent.iter_mut().map(|kept| &mut kept.entry);
        for entry in kept.chain(&mut self.base.newest) {
            entry.weigh(rules);
        }
        let rule = |name: &RuleName| rules.scores.rule(name);
        for ledger in &mut self.ledgers {
            match rule(ledger.rule()) {
                Some(rule) => ledger.adopt(rule.severity),
                None => ledger.close(voice),
            }
        }
        self.ledgers.retain(|ledger| rule(ledger.rule()).is_some());
        self.base
            .courses
            .retain(|course| rule(&course.rule).is_some());
        for rule in &rules.scores.rules {
            if self.ledgers.iter().all(|it| *it.rule() != rule.name) {
                let about = About::Score(rule.scale);
                let ledger = Ledger::new(rule.name.clone(), about, rule.severity);
                self.ledgers.push(ledger);
                self.base.courses.push(Course::new(rule.name.clone()));
            }
        }
    }

    /// Takes values of one parameter.
    fn take(
        &mut self,
        entries: impl Iterator<Item = Entry>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let mut changed: Option<Changed> = None;
        let mut is_base_changed = false;
        for entry in entries {
            let key = entry.key();
            let last = self.recent.back().map(Kept::key).or(self.floor);
            if last.is_none_or(|last| last < key) {
                self.append(entry, ground, voice);
                continue;
            }
            if self.floor.is_some_and(|floor| key <= floor) {
                is_base_changed |= self.base.keep(&entry);
                continue;
            }
            let parameter = entry.parameter;
            let is_quiet = false;
            match self.recent.binary_search_by_key(&key, Kept::key) {
                Err(place) => self.recent.insert(place, Kept { entry, is_quiet }),
                Ok(place) => match self.recent.get_mut(place) {
                    Some(known) if known.entry != entry => known.entry = entry,
                    _ => continue,
                },
            }
            let first = changed.map_or(key, |changed| changed.first.min(key));
            let last = changed.map_or(key, |changed| changed.last.max(key));
            changed = Some(Changed {
                parameter,
                first,
                last,
            });
        }
        match changed {
            _ if is_base_changed => self.tell_all(ground, voice),
            Some(changed) => self.tell_again(changed, ground, voice),
            None => {}
        }
        self.forget(ground);
    }

    /// A value later than all others.
    fn append(&mut self, entry: Entry, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let Self { tip, ledgers, .. } = self;
        tip.advance(&judge(ground), &entry, |place, story| {
            if let Some(ledger) = ledgers.get_mut(place) {
                ledger.tell(story.clone(), voice);
            }
        });
        let is_quiet = tip.is_quiet();
        push(&mut self.recent, Kept { entry, is_quiet });
    }

    /// Tells the stories of all values in memory again.
    fn tell_all(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let start = Start {
            place: 0,
            after: self.floor,
            fold: self.base.clone(),
        };
        self.tell_from(start, None, ground, voice);
    }

    /// Tells again what changed values may bear on: from the last moment before the first of them
    /// at which no episode was open.
    fn tell_again(&mut self, changed: Changed, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let before = self.recent.iter();
        let before = before.take_while(|kept| kept.key() < changed.first);
        let quiet = before.clone().enumerate().filter(|(_, kept)| kept.is_quiet);
        let Some((place, quiet)) = quiet.last() else {
            return self.tell_all(ground, voice);
        };
        let courses = self.base.courses.iter();
        let mut fold = Fold {
            newest: self.base.newest.clone(),
            courses: courses
                .map(|course| Course::new(course.rule.clone()))
                .collect(),
        };
        for kept in before.take(place + 1) {
            fold.keep(&kept.entry);
        }
        let start = Start {
            place: place + 1,
            after: Some(quiet.key()),
            fold,
        };
        self.tell_from(start, Some(changed), ground, voice);
    }

    /// Tells the stories from a moment on. If some values alone have changed, all is as it was from
    /// where a later one of their parameter is known and no episode is or was open.
    fn tell_from(
        &mut self,
        start: Start,
        changed: Option<Changed>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let judge = judge(ground);
        let Start {
            place,
            after,
            mut fold,
        } = start;
        let open = fold.courses.iter().map(Course::open);
        let mut stories: Vec<Vec<Story>> =
            open.map(|it| it.into_iter().cloned().collect()).collect();
        let (mut is_superseded, mut end) = (false, None);
        for kept in self.recent.range_mut(place..) {
            let Kept { entry, is_quiet } = kept;
            fold.advance(&judge, entry, |place, story| {
                if let Some(stories) = stories.get_mut(place) {
                    put(stories, story);
                }
            });
            let was_quiet = std::mem::replace(is_quiet, fold.is_quiet());
            is_superseded |= changed.is_some_and(|it| it.is_superseded_by(entry));
            if is_superseded && was_quiet && *is_quiet {
                end = Some(entry.key());
                break;
            }
        }
        if end.is_none() {
            self.tip = fold;
        }
        let is_within = |story: &Story| {
            after.is_none_or(|after| !story.is_by(after)) && end.is_none_or(|end| story.is_by(end))
        };
        for (ledger, mut stories) in self.ledgers.iter_mut().zip(stories) {
            let rule = ground.rules.scores.rule(ledger.rule());
            let open = stories.iter_mut().rev().find(|story| story.end.is_none());
            if let Some((rule, open)) = rule.zip(open)
                && let Some(passed) = judge.passed(rule, open, ground.ticked)
            {
                *open = passed;
            }
            ledger.retell(stories, voice, is_within);
        }
    }

    /// Folds away what is beyond memory.
    fn forget(&mut self, ground: Ground<'_>) {
        let Some(newest) = self.recent.back().map(|last| last.entry.at) else {
            return;
        };
        let judge = judge(ground);
        let is_beyond = |recent: &VecDeque<Kept>| {
            let is_old = |oldest: &Kept| newest.since(oldest.entry.at) > HORIZON_MS;
            recent.len() > SCORED_MAX || recent.front().is_some_and(is_old)
        };
        let mut is_changed = false;
        while is_beyond(&self.recent) {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            self.base.advance(&judge, &oldest.entry, |_, _| {});
            self.floor = Some(oldest.key());
            is_changed = true;
        }
        let Some(floor) = self.floor.filter(|_| is_changed) else {
            return;
        };
        for (ledger, course) in self.ledgers.iter_mut().zip(&self.base.courses) {
            let begun = course.open().map(|story| story.trigger);
            ledger.forget(|story| story.is_by(floor) && Some(story.trigger) != begun);
        }
    }
}

/// A story in the place of what was told of it before.
fn put(stories: &mut Vec<Story>, story: &Story) {
    let mut told = stories.iter_mut().rev();
    match told.find(|told| told.trigger == story.trigger) {
        Some(told) => told.clone_from(story),
        None => stories.push(story.clone()),
    }
}

fn judge(ground: Ground<'_>) -> Judge<'_> {
    Judge {
        rules: ground.rules,
        plans: ground.plans,
        standings: ground.standings,
    }
}
