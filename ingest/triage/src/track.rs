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

mod put_off;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, Quality, RecordId, Vital, VitalKind, WallMs};

use crate::days::Baselines;
use crate::flag::{About, Flag, How, Severity, Standing};
use crate::gate::Known;
use crate::ledger::{Ledger, Story, Voice};
use crate::limit::{Limits, Reading};
use crate::plan::Plan;
use crate::presence::{Life, Outage};
use crate::rules::{RuleName, RuleSet, VitalRules};
use crate::silence::Watch;
use crate::stream::{Measured, Medians, Streamers, WINDOW_READINGS_MAX, push};
use crate::whereabouts::PatientStanding;

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
    pub(crate) standings: &'a [PatientStanding],
    pub(crate) life: &'a Life,
    pub(crate) streamers: &'a Streamers,
    /// The patient's own resting oxygen saturation.
    pub(crate) baselines: &'a Baselines,
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

/// Where a reading found its place.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was there already.
    Known,
    /// After all others, and what the rules see of it.
    Newest(Measured<'static>),
    /// Among the recent ones: what the rules see of these may be another thing.
    Amid,
    /// Before memory, by itself.
    Alone(Measured<'static>),
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
    limits: Limits,
    /// What the rules see of `recent`.
    #[serde(skip)]
    medians: Medians,
    silence: Ledger,
    /// No silence begins or ends before it, if no reading comes; readings only put it off.
    silence_check: Option<WallMs>,
    /// When a reading was measured that is put off (`quiet.rs`), as far as the watch for silence
    /// was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    put_off_at: Option<WallMs>,
}

impl Track {
    pub(crate) fn new(kind: VitalKind) -> Self {
        Self {
            kind,
            latest: None,
            recent: VecDeque::new(),
            lingering: VecDeque::new(),
            floor: None,
            limits: Limits::default(),
            medians: Medians::default(),
            silence: Ledger::new(
                RuleName::silence(kind),
                About::Vital(kind),
                Severity::Technical,
            ),
            silence_check: None,
            put_off_at: None,
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
        self.limits.flags().chain(self.silence.flags())
    }

    /// The ledgers of the rules that raise reds.
    pub(crate) fn reds(&self) -> impl Iterator<Item = &Ledger> {
        self.limits.reds()
    }

    /// The earliest tick that could say something new.
    pub(crate) fn next_deadline(&self, standings: &[PatientStanding]) -> Option<WallMs> {
        let repeat = self.limits.next_deadline(standings);
        repeat.into_iter().chain(self.silence_check).min()
    }

    /// Takes a reading that may be judged; one that is known already changes nothing. What is
    /// beyond memory by it is there until [`Track::forget`].
    pub(crate) fn observe(
        &mut self,
        reading: Reading,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) -> Taken {
        let Some(vital) = ground.rules.vital(self.kind) else {
            return Taken::Known;
        };
        let key = reading.key();
        let last = self.recent.back().map(Reading::key);
        if last.or(self.floor).is_none_or(|last| last < key) {
            let newest = self.append(reading, vital, ground, voice);
            newest.map_or(Taken::Known, Taken::Newest)
        } else if self.floor.is_some_and(|floor| key <= floor) {
            if self.floor == Some(key) {
                return Taken::Known;
            }
            self.judge_alone(&reading, vital, ground, voice);
            Taken::Alone(Measured::spot(&reading).of_any_device())
        } else {
            let Err(place) = self.recent.binary_search_by_key(&key, Reading::key) else {
                return Taken::Known;
            };
            self.insert(place, reading, vital, ground, voice);
            Taken::Amid
        }
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
            self.limits.tick(vital, ground, voice);
        }
        if self.is_silence_due(ground.ticked) {
            self.settle_silence(ground, voice);
        }
    }

    /// Tells everything again: plans or rules are other ones.
    pub(crate) fn retell(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        self.limits.adopt(ground.rules, self.kind, voice);
        if let Some(vital) = ground.rules.vital(self.kind) {
            self.retell_limits(vital, ground, voice);
        }
        self.retell_silence(ground, voice);
    }

    /// Judges the recent readings again.
    pub(crate) fn retell_readings(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        if let Some(vital) = ground.rules.vital(self.kind) {
            self.retell_limits(vital, ground, voice);
        }
    }

    /// Tells every silence again: the home was heard, or what is asked is something else.
    pub(crate) fn retell_silence(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let watch = Watch::new(ground, self.kind);
        let mut before = self.floor.map(|(at, _)| at);
        let mut stories = Vec::new();
        for reading in &self.recent {
            stories.extend(watch.between(before, reading.at));
            before = Some(reading.at);
        }
        stories.extend(watch.after(before, ground.ticked));
        self.silence_check = watch.next_change(before, ground.ticked);
        let stories = self.caused(stories, ground);
        self.silence.retell(stories, voice, |_| true);
    }

    /// Silences with their cause: of one that lasts as it is now, of one that is over as last told.
    fn caused(&self, mut stories: Vec<Story>, ground: Ground<'_>) -> Vec<Story> {
        for story in &mut stories {
            let told = self.silence.story(story.trigger);
            let Standing::Confirmed { how, .. } = &mut story.standing else {
                continue;
            };
            if story.end.is_none() {
                let rule = &ground.rules.presence;
                *how = How::Silent(ground.life.cause(self.kind, ground.ticked, rule));
            } else if let Some(Standing::Confirmed { how: told, .. }) = told.map(|it| it.standing) {
                *how = told;
            }
        }
        stories
    }

    /// In which outages of the home a reading of this vital sign was expected.
    pub(crate) fn held(&self, ground: Ground<'_>, mut held: impl FnMut(&Outage, WallMs)) {
        let watch = Watch::new(ground, self.kind);
        let mut before = self.floor_at();
        for reading in &self.recent {
            watch.held(before, Some(reading.at), &mut held);
            before = Some(reading.at);
        }
        watch.held(before, None, held);
    }

    /// When the newest reading that is forgotten was measured.
    pub(crate) fn floor_at(&self) -> Option<WallMs> {
        self.floor.map(|(at, _)| at)
    }

    /// Whether a silence lasts.
    pub(crate) fn is_silent(&self) -> bool {
        self.silence.open().next().is_some()
    }

    /// Whether a silence may begin or end by now.
    pub(crate) fn is_silence_due(&self, ticked: WallMs) -> bool {
        self.silence_check.is_some_and(|check| check <= ticked)
    }

    /// What the rules see of the readings may be another thing: every limit is judged again.
    fn retell_limits(&mut self, vital: &VitalRules, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let continuous = &ground.rules.continuous;
        self.medians
            .refresh(&self.lingering, &self.recent, continuous);
        let measured = self.medians.all(&self.recent, continuous);
        self.limits
            .retell(measured, self.floor, vital, ground, voice);
    }

    /// The device of the newest reading, if it may be a stream.
    pub(crate) fn newest_device(&self) -> Option<&DeviceId> {
        self.recent.back()?.device.as_ref()
    }

    /// What the rules see of the recent readings, the newest last.
    pub(crate) fn measured<'r>(
        &'r self,
        rules: &'r RuleSet,
    ) -> impl DoubleEndedIterator<Item = Measured<'r>> {
        self.medians.all(&self.recent, &rules.continuous)
    }

    fn append(
        &mut self,
        reading: Reading,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) -> Option<Measured<'static>> {
        let before = self.recent.back().map(|last| last.at);
        let before = before.or(self.floor.map(|(at, _)| at));
        let at = reading.at;
        push(&mut self.recent, reading);
        let continuous = &ground.rules.continuous;
        let newest = self
            .medians
            .newest(&self.lingering, &self.recent, continuous);
        if let Some(measured) = &newest {
            self.limits.append(measured, vital, ground, voice);
        }
        let newest = newest.map(Measured::of_any_device);
        if !self.was_put_off(at) {
            self.follow_gap(before, at, ground, voice);
        }
        newest
    }

    /// The newest reading has ended the gap since the one before.
    fn follow_gap(
        &mut self,
        before: Option<WallMs>,
        at: WallMs,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
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
        self.retell_limits(vital, ground, voice);
        self.settle_gap(before, at, after, ground, voice);
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
        let watch = Watch::new(ground, self.kind);
        let mut stories = watch.between(before, at);
        stories.extend(
            after
                .map(|next| watch.between(Some(at), next))
                .unwrap_or_default(),
        );
        let newest = self.newest_at();
        let pending = watch.after(newest, ground.ticked);
        let is_silent = pending.iter().any(|story| story.end.is_none());
        let is_untold = |story: &Story| {
            let since = story.since;
            // One that was left open is settled by whatever comes next, also after its gap.
            let is_later = story.end.is_none() || before.is_none_or(|before| before < since);
            let is_inside = is_later && after.is_none_or(|after| since < after);
            let is_left = story.end.is_none() && is_silent
                || pending.iter().any(|it| it.trigger == story.trigger);
            is_inside && !is_left
        };
        let stories = self.caused(stories, ground);
        self.silence.retell(stories, voice, is_untold);
        let flagged = pending.iter().map(Story::flagged_at).min();
        self.silence_check = flagged.or_else(|| watch.next_change(newest, ground.ticked));
    }

    /// Ticks have reached a moment at which a silence may begin or end.
    fn settle_silence(&mut self, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let watch = Watch::new(ground, self.kind);
        let newest = self.newest_at();
        let stories = self.caused(watch.after(newest, ground.ticked), ground);
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
        let continuous = &ground.rules.continuous;
        let newest = self
            .medians
            .newest(&self.lingering, &self.recent, continuous);
        // It has no neighbours: nothing is known of a stream that it may have begun.
        let alone = Measured::spot(reading).of_any_device();
        self.limits
            .judge_alone(&alone, newest.as_ref(), vital, ground, voice);
    }

    /// Folds away what is beyond memory, once a reading has been taken.
    pub(crate) fn forget(&mut self, ground: Ground<'_>) {
        let newest = self.recent.back().map(|last| last.at);
        let Some(newest) = newest else {
            return;
        };
        self.forget_if(ground, |recent| {
            let is_old = |oldest: &Reading| newest.since(oldest.at) > HORIZON_MS;
            recent.len() > RECENT_MAX || recent.front().is_some_and(is_old)
        });
    }

    fn forget_if(&mut self, ground: Ground<'_>, is_beyond: impl Fn(&VecDeque<Reading>) -> bool) {
        let Some(vital) = ground.rules.vital(self.kind) else {
            return;
        };
        let mut is_changed = false;
        while is_beyond(&self.recent) {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            let continuous = &ground.rules.continuous;
            let Some(measured) = self.medians.pop_oldest(&oldest, continuous) else {
                break;
            };
            self.limits.fold_away(&measured, vital, ground);
            self.floor = Some(oldest.key());
            self.keep_for_medians(oldest, ground.rules);
            is_changed = true;
        }
        let Some(floor) = self.floor.filter(|_| is_changed) else {
            return;
        };
        self.limits.forget(floor);
        self.silence.forget(|story| story.is_by(floor));
    }

    /// A forgotten reading of a stream stays while a median of a reading after it may rest on it.
    fn keep_for_medians(&mut self, forgotten: Reading, rules: &RuleSet) {
        if !rules.continuous.is_for(self.kind) {
            return;
        }
        let at = forgotten.at;
        push(&mut self.lingering, forgotten);
        let is_needless = |it: &Reading| at.since(it.at) >= rules.continuous.median_ms;
        while self.lingering.len() > WINDOW_READINGS_MAX
            || self.lingering.front().is_some_and(is_needless)
        {
            self.lingering.pop_front();
        }
    }
}
