//! One limit rule over readings in the order of measuring, each as `stream.rs` shows it.
//!
//! A [`Course`] is a fold: quiet, or one open episode. The first bad reading opens it; a rule
//! that waits has it confirmed by the next reading, refuted by it, or confirmed because the next
//! reading came too late. A confirmed episode is over after enough readings out of the band for
//! long enough; any bad reading begins that count again. Until then it is told again by the first
//! reading too bad to wait, and by a bad one long after the last telling: who has closed the flag
//! hears that it lasts.
//!
//! What a reading of a stream says within the stretch of the first median is part of the same
//! measurement, not its repeat; but the first settled median refutes what fewer readings of its
//! device had opened. What rests on a settled median is refuted by nothing less, and not by another
//! device.
//!
//! The fold knows readings only. That a repeat is missed *now* is the business of ticks
//! (`passed`), and is not folded in: a reading measured in time may still be on its way.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, RecordId, WallMs};

use crate::flag::{About, How, Standing, Why};
use crate::ledger::{Ledger, StoredTrigger, Story, Voice};
use crate::plan::{Plan, in_force};
use crate::rules::{Confirmation, LimitRule, Range, RuleSet, VitalRules};
use crate::stream::{Basis, Measured};
use crate::track::Ground;

/// A reading that may be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    pub(crate) received: WallMs,
    pub(crate) steps: i32,
    /// The device whose stream it may belong to: none for what a person typed or told, for vital
    /// signs without streams, and in states of the versions before streams were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceId>,
}

impl Reading {
    /// Place among the readings of a vital sign: by time of measuring, then by name.
    pub(crate) fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }
}

/// What a rule thinks of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Judgement {
    Good,
    Bad,
    /// Too bad to wait for a repeat.
    Worse,
}

/// A rule and what it needs to judge a patient's readings.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) vital: &'a VitalRules,
    pub(crate) limit: &'a LimitRule,
    pub(crate) plans: &'a [Plan],
}

impl Judge<'_> {
    /// By the plan in force when the reading was measured.
    pub(crate) fn judge(&self, reading: &Measured) -> Judgement {
        let target = in_force(self.plans, reading.at).and_then(|plan| plan.spo2);
        let (bad, worse) = self.rules.ranges(self.limit, target);
        let score = self.vital.score(reading.steps);
        match (
            worse.is_some_and(|range: Range| range.holds(score)),
            bad.holds(score),
        ) {
            // Too few readings of a stream to page somebody at once.
            (true, _) if matches!(reading.basis, Basis::Few(_)) => Judgement::Bad,
            (true, _) => Judgement::Worse,
            (false, true) => Judgement::Bad,
            (false, false) => Judgement::Good,
        }
    }

    pub(crate) fn is_late(&self, reading: &Measured) -> bool {
        reading.received.since(reading.at) > self.rules.arrival.late_after_ms
    }

    /// The story of an episode that begins with a reading.
    pub(crate) fn opening(&self, reading: &Measured, judgement: Judgement) -> Story {
        let at_once = Standing::Confirmed {
            how: How::AtOnce,
            at: reading.at,
        };
        let standing = match (self.limit.confirmation, judgement) {
            (Confirmation::AtOnce, _) | (_, Judgement::Worse) => at_once,
            (Confirmation::Repeat { within_ms, .. }, _) => {
                let backlog = reading
                    .received
                    .plus_ms(self.rules.arrival.backlog_grace_ms);
                Standing::Unconfirmed {
                    repeat_by: reading.at.plus_ms(within_ms).max(backlog),
                }
            }
        };
        Story {
            trigger: StoredTrigger::Record(reading.id),
            since: reading.at,
            evidence: vec![reading.evidence(self.limit.vital)],
            standing,
            late: self.is_late(reading),
            reminded: None,
            end: None,
        }
    }

    /// Since when the repeat of an episode is missed, by the time of measuring.
    fn missed_at(&self, story: &Story) -> WallMs {
        match self.limit.confirmation {
            Confirmation::AtOnce => story.since,
            Confirmation::Repeat { within_ms, .. } => story.since.plus_ms(within_ms),
        }
    }

    /// Whether a reading is too soon after the first of an episode to be its repeat: a median
    /// when the two share a reading.
    fn is_same_measurement(&self, story: &Story, reading: &Measured) -> bool {
        let shared_ms = match reading.basis {
            Basis::Spot => 0,
            Basis::Few(_) | Basis::Settled(_) => self.rules.continuous.median_ms,
        };
        match self.limit.confirmation {
            Confirmation::AtOnce => false,
            Confirmation::Repeat { after_ms, .. } => {
                reading.at.since(story.since) < after_ms.max(shared_ms)
            }
        }
    }

    fn confirmed_by_miss(&self, story: &Story) -> Standing {
        Standing::Confirmed {
            how: How::MissedRepeat,
            at: self.missed_at(story),
        }
    }

    /// The story as it is once ticks have reached `ticked`.
    pub(crate) fn passed(&self, story: &Story, ticked: WallMs) -> Option<Story> {
        match story.standing {
            Standing::Unconfirmed { repeat_by } if repeat_by <= ticked => Some(Story {
                standing: self.confirmed_by_miss(story),
                ..story.clone()
            }),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Calm {
    since: WallMs,
    readings: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    story: Story,
    calm: Option<Calm>,
    /// Whether a lone reading or a median of few opened it: the first settled one may refute it.
    #[serde(default)]
    is_unsettled: bool,
    /// The device whose reading opened it or, later, whose median settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    /// When the reading that opened it was received; none in states of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<WallMs>,
}

/// The fold's state after some reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Course {
    open: Option<Episode>,
}

impl Course {
    fn open(&self) -> Option<&Story> {
        self.open.as_ref().map(|episode| &episode.story)
    }

    /// Takes the next reading; `changed` hears every story that begins, changes or ends.
    pub(crate) fn advance(
        &mut self,
        judge: &Judge<'_>,
        reading: &Measured,
        mut changed: impl FnMut(&Story),
    ) {
        let judgement = judge.judge(reading);
        let Some(episode) = &mut self.open else {
            if judgement != Judgement::Good {
                let story = judge.opening(reading, judgement);
                changed(&story);
                self.open = Some(Episode {
                    story,
                    calm: None,
                    is_unsettled: !reading.is_settled(),
                    device: reading.device.clone(),
                    received: Some(reading.received),
                });
            }
            return;
        };
        if episode.hear(judge, reading, judgement) {
            changed(&episode.story);
        }
        if episode.story.end.is_some() {
            self.open = None;
        }
    }
}

impl Episode {
    /// A further reading: whether it changes the story.
    fn hear(&mut self, judge: &Judge<'_>, reading: &Measured, judgement: Judgement) -> bool {
        if self.story.standing.is_confirmed() {
            return self.go_on(judge, reading, judgement);
        }
        if reading.at > judge.missed_at(&self.story) {
            self.story.standing = judge.confirmed_by_miss(&self.story);
            self.go_on(judge, reading, judgement);
            return true;
        }
        let is_same = judge.is_same_measurement(&self.story, reading);
        match judgement {
            Judgement::Good if self.is_refuted_by(reading, is_same) => {
                self.story.end = Some((Why::NotConfirmed, reading.at));
            }
            Judgement::Good => return false,
            Judgement::Bad if is_same => {
                if reading.is_settled() {
                    self.is_unsettled = false;
                    self.device.clone_from(&reading.device);
                }
                return false;
            }
            Judgement::Worse if is_same => self.confirm(judge, reading, How::AtOnce),
            Judgement::Bad | Judgement::Worse => self.confirm(judge, reading, How::Repeat),
        }
        true
    }

    /// Whether a good reading, of the same measurement or in time as its repeat, ends the episode.
    fn is_refuted_by(&self, reading: &Measured, is_same: bool) -> bool {
        if self.received.is_some_and(|it| reading.is_ahead_of(it)) {
            return false;
        }
        let is_own_median = reading.is_settled() && reading.device == self.device;
        let is_settled = !self.is_unsettled && self.device.is_some();
        match (is_same, is_settled) {
            (true, _) => self.is_unsettled && is_own_median,
            (false, true) => is_own_median,
            (false, false) => true,
        }
    }

    fn confirm(&mut self, judge: &Judge<'_>, reading: &Measured, how: How) {
        let evidence = reading.evidence(judge.limit.vital);
        self.story.evidence.push(evidence);
        let at = reading.at;
        self.story.standing = Standing::Confirmed { how, at };
    }

    /// A further reading of a confirmed episode: whether it changes the story.
    fn go_on(&mut self, judge: &Judge<'_>, reading: &Measured, judgement: Judgement) -> bool {
        if judgement != Judgement::Good {
            self.calm = None;
            return self.lasts(judge, reading, judgement);
        }
        let first = Calm {
            since: reading.at,
            readings: 0,
        };
        let calm = self.calm.get_or_insert(first);
        calm.readings = calm.readings.saturating_add(1);
        let is_long = reading.at.since(calm.since) >= judge.limit.recover_ms;
        let is_over = is_long && calm.readings >= judge.limit.recover_readings;
        if is_over {
            self.story.end = Some((Why::Recovered, reading.at));
        }
        is_over
    }

    /// A confirmed episode has a further bad reading: whether it is told again.
    fn lasts(&mut self, judge: &Judge<'_>, reading: &Measured, judgement: Judgement) -> bool {
        let Standing::Confirmed { how, at } = self.story.standing else {
            return false;
        };
        if judgement == Judgement::Worse && how != How::AtOnce {
            self.confirm(judge, reading, How::AtOnce);
            return true;
        }
        let told_at = self.story.reminded.map_or(at, |reminded| reminded.max(at));
        let lasts_ms = reading.at.since(told_at);
        let is_due = judge.limit.remind_ms.is_some_and(|due| due <= lasts_ms);
        if is_due {
            self.story.reminded = Some(reading.at);
        }
        is_due
    }
}

/// A reading that was judged alone and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Alone {
    at: WallMs,
    judgement: Judgement,
}

/// A limit rule at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) ledger: Ledger,
    /// After the readings that are forgotten.
    base: Course,
    /// After all of them.
    tip: Course,
    /// The last reading that was judged alone and told.
    #[serde(default)]
    alone: Option<Alone>,
}

impl Limit {
    pub(crate) fn new(rule: &LimitRule) -> Self {
        Self {
            ledger: Ledger::new(rule.name.clone(), About::Vital(rule.vital), rule.severity),
            base: Course::default(),
            tip: Course::default(),
            alone: None,
        }
    }

    /// Tells the stories of all readings in memory again.
    pub(crate) fn retell(
        &mut self,
        recent: &[Measured],
        floor: Option<(WallMs, RecordId)>,
        judge: &Judge<'_>,
        ticked: WallMs,
        voice: &mut Voice<'_>,
    ) {
        let mut course = self.base.clone();
        let mut stories: Vec<Story> = course.open().cloned().into_iter().collect();
        for reading in recent {
            course.advance(judge, reading, |story| {
                let told = stories.iter_mut();
                match told.rev().find(|told| told.trigger == story.trigger) {
                    Some(told) => told.clone_from(story),
                    None => stories.push(story.clone()),
                }
            });
        }
        let mut open = stories.iter_mut().rev();
        if let Some(open) = open.find(|story| story.end.is_none())
            && let Some(passed) = judge.passed(open, ticked)
        {
            *open = passed;
        }
        self.tip = course;
        let is_within = |story: &Story| floor.is_none_or(|floor| !story.is_by(floor));
        self.ledger.retell(stories, voice, is_within);
    }

    /// A reading from before memory: too old to have neighbours, too bad to be passed over.
    ///
    /// What followed it is forgotten, so its repeat counts as missed. It is told unless one no
    /// less grave was told of its time: what comes out of a memory tells each grave value. Its
    /// episode is over if the newest reading is good and can know better: it was not received
    /// before this one, and is not dated after now, as a clock that was ahead or has stepped back
    /// makes it. Else only a person can tell. Nothing more will be said of it, so it is not
    /// remembered.
    pub(crate) fn judge_alone(
        &mut self,
        reading: &Measured,
        newest: Option<&Measured>,
        judge: &Judge<'_>,
        voice: &mut Voice<'_>,
    ) {
        let judgement = judge.judge(reading);
        let covers = |told: Alone| {
            let apart_ms = reading.at.since(told.at).saturating_abs();
            apart_ms < judge.limit.recover_ms && judgement <= told.judgement
        };
        if judgement == Judgement::Good || self.alone.is_some_and(covers) {
            return;
        }
        self.alone = Some(Alone {
            at: reading.at,
            judgement,
        });
        let mut story = judge.opening(reading, judgement);
        story.late = true;
        if let Some(passed) = judge.passed(&story, WallMs(i64::MAX)) {
            story = passed;
        }
        let newest = newest.filter(|newest| {
            let knows_better = reading.received <= newest.received && newest.at <= voice.now;
            knows_better && judge.judge(newest) == Judgement::Good
        });
        story.end = newest.map(|newest| (Why::Recovered, newest.at));
        let trigger = story.trigger;
        self.ledger.tell(story, voice);
        self.ledger.drop_told(trigger);
    }

    /// A reading later than all others.
    pub(crate) fn append(&mut self, reading: &Measured, judge: &Judge<'_>, voice: &mut Voice<'_>) {
        let Self { ledger, tip, .. } = self;
        tip.advance(judge, reading, |story| ledger.tell(story.clone(), voice));
    }

    /// Ticks have reached `ticked`.
    pub(crate) fn tick(&mut self, judge: &Judge<'_>, ticked: WallMs, voice: &mut Voice<'_>) {
        let open = self.ledger.open();
        let passed: Vec<Story> = open
            .filter_map(|story| judge.passed(story, ticked))
            .collect();
        for story in passed {
            self.ledger.tell(story, voice);
        }
    }

    /// The oldest reading is about to be forgotten.
    pub(crate) fn fold_away(&mut self, reading: &Measured, judge: &Judge<'_>) {
        self.base.advance(judge, reading, |_| {});
    }

    /// Readings up to `floor` are forgotten, and so is what they told and is over.
    pub(crate) fn forget(&mut self, floor: (WallMs, RecordId)) {
        let Self { ledger, base, .. } = self;
        let begun = base.open().map(|story| story.trigger);
        ledger.forget(|story| story.is_by(floor) && Some(story.trigger) != begun);
    }
}

/// Each rule at work beside the numbers it goes by.
pub(crate) fn with_judges<'a>(
    limits: &'a mut [Limit],
    vital: &'a VitalRules,
    ground: Ground<'a>,
) -> impl Iterator<Item = (&'a mut Limit, Judge<'a>)> {
    limits.iter_mut().filter_map(move |limit| {
        let mut rules = ground.rules.limits.iter();
        let rule = rules.find(|rule| rule.name == *limit.ledger.rule())?;
        let judge = Judge {
            rules: ground.rules,
            vital,
            limit: rule,
            plans: ground.plans,
        };
        Some((limit, judge))
    })
}
