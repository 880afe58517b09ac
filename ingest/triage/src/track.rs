//! One vital sign of one patient: its recent readings in order of measuring, and its rules.
//!
//! Flags are a function of the set of readings. A reading later than all others (nearly every
//! one) moves each rule's course by one step. A late arrival is put in its place and the stories
//! are told again from the oldest reading kept.
//!
//! **Memory.** At most [`RECENT_MAX`] readings over at most [`HORIZON_MS`] are kept; older ones
//! are folded into each rule's base and forgotten. A reading older than that is judged alone: bad,
//! it raises a flag marked late, at most one of a gravity per recovery time, so that a night read
//! from a device's memory makes a few flags and none is lost in silence. Nothing orders such flags.
//! Readings of a stream stay a while longer, as the stretch of the medians after them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{Quality, RecordId, Vital, VitalKind, WallMs};

use crate::flag::{About, Flag, Severity, Standing};
use crate::gate::Known;
use crate::ledger::{Ledger, Story, Voice};
use crate::limit::{Limit, Reading, with_judges};
use crate::plan::Plan;
use crate::rules::{RuleName, RuleSet, VitalRules};
use crate::silence::Watch;
use crate::stream::{self, Measured, WINDOW_READINGS_MAX};

/// Readings kept per vital sign: five weeks of three a day, or a day at one in eleven minutes. It
/// bounds the work of a late arrival and the size of a patient's state.
pub const RECENT_MAX: usize = 128;

/// How far back readings are kept behind the newest: two days, so that a home that was off line
/// over a night, and values told by telephone the day after, find their place.
pub const HORIZON_MS: i64 = 48 * 60 * 60 * 1_000;

/// What triage goes by at one step.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) plans: &'a [Plan],
    /// The latest tick: deadlines up to it have passed.
    pub(crate) ticked: WallMs,
}

/// The newest reading of a vital sign, whatever its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// The record.
    pub id: RecordId,
    /// When it was measured.
    pub at: WallMs,
    /// The value.
    pub vital: Vital,
    /// What is to be said against it. A reading that is not clean is shown greyed.
    pub quality: Quality,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Track {
    kind: VitalKind,
    latest: Option<Latest>,
    recent: VecDeque<Reading>,
    /// Forgotten readings of streams that the medians of the recent ones still rest on.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    lingering: VecDeque<Reading>,
    /// The newest reading that is forgotten.
    floor: Option<(WallMs, RecordId)>,
    limits: Vec<Limit>,
    silence: Ledger,
    /// No silence begins or ends before it, if no reading comes; readings only put it off.
    silence_check: Option<WallMs>,
}

impl Track {
    pub(crate) fn new(kind: VitalKind) -> Self {
        Self {
            kind,
            latest: None,
            recent: VecDeque::new(),
            lingering: VecDeque::new(),
            floor: None,
            limits: Vec::new(),
            silence: Ledger::new(
                RuleName::silence(kind),
                About::Vital(kind),
                Severity::Technical,
            ),
            silence_check: None,
        }
    }

    pub(crate) fn kind(&self) -> VitalKind {
        self.kind
    }

    pub(crate) fn latest(&self) -> Option<&Latest> {
        self.latest.as_ref()
    }

    /// Keeps the newest by time of measuring; an upload from memory does not replace it.
    pub(crate) fn show(&mut self, latest: Latest) {
        let is_newer = |known: &Latest| (known.at, known.id) < (latest.at, latest.id);
        if self.latest.as_ref().is_none_or(is_newer) {
            self.latest = Some(latest);
        }
    }

    /// Every flag that stands within memory, and whether its episode goes on.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        let limits = self.limits.iter().flat_map(|limit| limit.ledger.flags());
        limits.chain(self.silence.flags())
    }

    /// The ledgers of the rules that raise reds.
    pub(crate) fn reds(&self) -> impl Iterator<Item = &Ledger> {
        let ledgers = self.limits.iter().map(|limit| &limit.ledger);
        ledgers.filter(|ledger| ledger.severity() == Severity::Red)
    }

    /// The earliest tick that could say something new.
    pub(crate) fn next_deadline(&self) -> Option<WallMs> {
        let open = self.limits.iter().flat_map(|limit| limit.ledger.open());
        let repeats = open.filter_map(|story| match story.standing {
            Standing::Unconfirmed { repeat_by } => Some(repeat_by),
            Standing::Confirmed { .. } => None,
        });
        repeats.chain(self.silence_check).min()
    }

    /// Takes a reading that may be judged; one that is known already changes nothing.
    pub(crate) fn observe(&mut self, reading: Reading, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let Some(vital) = ground.rules.vital(self.kind) else {
            return;
        };
        let key = reading.key();
        let last = self.recent.back().map(Reading::key);
        if last.or(self.floor).is_none_or(|last| last < key) {
            self.append(reading, vital, ground, voice);
        } else if self.floor.is_some_and(|floor| key <= floor) {
            if self.floor != Some(key) {
                self.judge_alone(&reading, vital, ground, voice);
            }
            return;
        } else {
            let Err(place) = self.recent.binary_search_by_key(&key, Reading::key) else {
                return;
            };
            self.insert(place, reading, vital, ground, voice);
        }
        self.forget(vital, ground);
    }

    /// Puts readings into memory and takes others out of it, by what the gate thinks of them now.
    /// Whoever calls has the stories told again, once; what is too old for that is given back.
    pub(crate) fn correct(&mut self, readings: Vec<Known>) -> Vec<Reading> {
        let mut alone = Vec::new();
        for Known { reading, is_grey } in readings {
            let key = reading.key();
            let place = self.recent.binary_search_by_key(&key, Reading::key);
            match (place, is_grey) {
                (Ok(place), true) => drop(self.recent.remove(place)),
                (Err(_), false) if self.floor.is_some_and(|floor| key <= floor) => {
                    alone.push(reading);
                }
                (Err(place), false) => self.recent.insert(place, reading),
                (Ok(_), false) | (Err(_), true) => {}
            }
        }
        alone
    }

    /// Deadlines up to `ground.ticked` have passed.
    pub(crate) fn tick(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        if let Some(vital) = ground.rules.vital(self.kind) {
            for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
                limit.tick(&judge, ground.ticked, voice);
            }
        }
        if self
            .silence_check
            .is_some_and(|check| check <= ground.ticked)
        {
            self.settle_silence(ground, voice);
        }
    }

    /// Tells everything again: plans or rules are other ones.
    pub(crate) fn retell(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        self.adopt_rules(ground.rules, voice);
        if let Some(vital) = ground.rules.vital(self.kind) {
            let measured = self.all_measured(ground.rules);
            for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
                limit.retell(&measured, self.floor, &judge, ground.ticked, voice);
            }
        }
        let watch = Watch::new(ground.plans, self.kind, &ground.rules.zone);
        let mut before = self.floor.map(|(at, _)| at);
        let mut stories = Vec::new();
        for reading in &self.recent {
            stories.extend(watch.between(before, reading.at));
            before = Some(reading.at);
        }
        stories.extend(watch.after(before, ground.ticked));
        self.silence_check = watch.next_change(before, ground.ticked);
        self.silence.retell(stories, voice, |_| true);
    }

    /// Rules that are gone end their flags; new ones begin with the readings in memory.
    fn adopt_rules(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ours = |name: &RuleName| {
            let mut limits = rules.limits.iter();
            limits.find(|rule| rule.vital == self.kind && rule.name == *name)
        };
        for limit in &mut self.limits {
            match ours(limit.ledger.rule()) {
                Some(rule) => limit.ledger.adopt(rule.severity),
                None => limit.ledger.close(voice),
            }
        }
        self.limits
            .retain(|limit| ours(limit.ledger.rule()).is_some());
        for rule in rules.limits.iter().filter(|rule| rule.vital == self.kind) {
            if self
                .limits
                .iter()
                .all(|limit| *limit.ledger.rule() != rule.name)
            {
                self.limits.push(Limit::new(rule));
            }
        }
    }

    fn append(
        &mut self,
        reading: Reading,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let before = self.recent.back().map(|last| last.at);
        let before = before.or(self.floor.map(|(at, _)| at));
        let at = reading.at;
        self.recent.push_back(reading);
        let Some(measured) = self.newest_measured(ground.rules) else {
            return;
        };
        for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
            limit.append(&measured, &judge, voice);
        }
        let is_due = self.silence_check.is_some_and(|check| check <= at);
        let is_after = |story: &Story| before.is_none_or(|before| before < story.since);
        if is_due || self.silence.has_open_or(is_after) {
            self.settle_gap(before, at, None, ground, voice);
        }
    }

    fn insert(
        &mut self,
        place: usize,
        reading: Reading,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let before = place
            .checked_sub(1)
            .and_then(|index| self.recent.get(index));
        let before = before.map(|it| it.at).or(self.floor.map(|(at, _)| at));
        let after = self.recent.get(place).map(|it| it.at);
        let at = reading.at;
        self.recent.insert(place, reading);
        let measured = self.all_measured(ground.rules);
        for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
            limit.retell(&measured, self.floor, &judge, ground.ticked, voice);
        }
        self.settle_gap(before, at, after, ground, voice);
    }

    /// What the rules see of each recent reading.
    fn all_measured(&self, rules: &RuleSet) -> Vec<Measured> {
        let places = 0..self.recent.len();
        places
            .filter_map(|place| self.measured(place, rules))
            .collect()
    }

    fn newest_measured(&self, rules: &RuleSet) -> Option<Measured> {
        self.measured(self.recent.len().checked_sub(1)?, rules)
    }

    fn measured(&self, place: usize, rules: &RuleSet) -> Option<Measured> {
        stream::measured(&self.lingering, &self.recent, place, &rules.continuous)
    }

    /// A reading has split the gap from `before` to `after` (none: it is the newest).
    ///
    /// What follows the newest reading is left to the next tick. A silence that lasts keeps its
    /// old name until then: a backlog of a thousand readings would otherwise end and raise it a
    /// thousand times.
    fn settle_gap(
        &mut self,
        before: Option<WallMs>,
        at: WallMs,
        after: Option<WallMs>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let watch = Watch::new(ground.plans, self.kind, &ground.rules.zone);
        let mut stories = watch.between(before, at);
        stories.extend(
            after
                .map(|next| watch.between(Some(at), next))
                .unwrap_or_default(),
        );
        let newest = self.recent.back().map(|last| last.at);
        let pending = watch.after(newest, ground.ticked);
        let is_silent = pending.iter().any(|story| story.end.is_none());
        let is_untold = |story: &Story| {
            let since = story.since;
            let is_inside = before.is_none_or(|before| before < since)
                && after.is_none_or(|after| since < after);
            let is_left = story.end.is_none() && is_silent
                || pending.iter().any(|it| it.trigger == story.trigger);
            is_inside && !is_left
        };
        self.silence.retell(stories, voice, is_untold);
        let flagged = pending.iter().map(Story::flagged_at).min();
        self.silence_check = flagged.or_else(|| watch.next_change(newest, ground.ticked));
    }

    /// Ticks have reached a moment at which a silence may begin or end.
    fn settle_silence(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let watch = Watch::new(ground.plans, self.kind, &ground.rules.zone);
        let newest = self.recent.back().map(|last| last.at);
        let stories = watch.after(newest, ground.ticked);
        let is_after = |since: WallMs| newest.is_none_or(|newest| newest < since);
        self.silence.retell(stories, voice, |story| {
            story.end.is_none() || is_after(story.since)
        });
        self.silence_check = watch.next_change(newest, ground.ticked);
    }

    fn judge_alone(
        &mut self,
        reading: &Reading,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let newest = self.newest_measured(ground.rules);
        let alone = Measured::spot(reading);
        for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
            limit.judge_alone(&alone, newest.as_ref(), &judge, voice);
        }
    }

    /// Folds away what is beyond memory.
    fn forget(&mut self, vital: &VitalRules, ground: Ground<'_>) {
        let Some(newest) = self.recent.back().map(|last| last.at) else {
            return;
        };
        let is_beyond = |recent: &VecDeque<Reading>| {
            let is_old = |oldest: &Reading| newest.since(oldest.at) > HORIZON_MS;
            recent.len() > RECENT_MAX || recent.front().is_some_and(is_old)
        };
        let mut is_changed = false;
        while is_beyond(&self.recent) {
            let measured = self.measured(0, ground.rules);
            let Some((oldest, measured)) = self.recent.pop_front().zip(measured) else {
                break;
            };
            for (limit, judge) in with_judges(&mut self.limits, vital, ground) {
                limit.fold_away(&measured, &judge);
            }
            self.floor = Some(oldest.key());
            self.keep_for_medians(oldest, ground.rules);
            is_changed = true;
        }
        let Some(floor) = self.floor.filter(|_| is_changed) else {
            return;
        };
        for limit in &mut self.limits {
            limit.forget(floor);
        }
        self.silence.forget(|story| story.is_by(floor));
    }

    /// A forgotten reading of a stream stays while a median of a reading after it may rest on it.
    fn keep_for_medians(&mut self, forgotten: Reading, rules: &RuleSet) {
        if self.kind != rules.continuous.vital {
            return;
        }
        let at = forgotten.at;
        self.lingering.push_back(forgotten);
        let is_needless = |it: &Reading| at.since(it.at) >= rules.continuous.median_ms;
        while self.lingering.len() > WINDOW_READINGS_MAX
            || self.lingering.front().is_some_and(is_needless)
        {
            self.lingering.pop_front();
        }
    }
}
