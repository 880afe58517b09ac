//! The limit rules of one vital sign, over readings in the order of measuring, each as `stream.rs`
//! shows it.
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
//!
//! **Not doubled.** A rule `under` graver ones does not begin an episode, and reminds nobody, while
//! one of theirs is open: who looks at 91 % needs no second flag for being under 95 %. One that was
//! open before goes on; and one whose cause lasts when the graver is over begins by that reading.
//! Rules stand gravest first, so each reading is judged from the top.

mod course;
mod judge;

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::{About, Flag, Severity, Standing, Why};
use crate::ledger::{Ledger, Stories, Story, Voice};
use crate::rules::{LimitRule, RuleName, RuleSet, VitalRules};
use crate::stream::Measured;
use crate::track::Ground;
use crate::whereabouts::{PatientStanding, is_at_home};

use course::Course;
use judge::is_usual;
pub(crate) use judge::{Judge, Judgement, Reading};

/// A reading that was judged alone and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Alone {
    at: WallMs,
    judgement: Judgement,
}

/// A limit rule at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Limit {
    ledger: Ledger,
    /// After the readings that are forgotten.
    base: Course,
    /// After all of them.
    tip: Course,
    /// The last reading that was judged alone and told.
    #[serde(default)]
    alone: Option<Alone>,
}

impl Limit {
    fn new(rule: &LimitRule) -> Self {
        Self {
            ledger: Ledger::new(rule.name.clone(), About::Vital(rule.vital), rule.severity),
            base: Course::default(),
            tip: Course::default(),
            alone: None,
        }
    }

    fn is(&self, rule: &RuleName) -> bool {
        self.ledger.rule() == rule
    }

    /// A reading from before memory: too old to have neighbours, too bad to be passed over.
    ///
    /// What followed it is forgotten, so its repeat counts as missed. It is told unless one no
    /// less grave was told of its time: what comes out of a memory tells each grave value. Its
    /// episode is over if the newest reading is good and can know better: it was not received
    /// before this one, and is not dated after now, as a clock that was ahead or has stepped back
    /// makes it. Else only a person can tell. Nothing more will be said of it, so it is not
    /// remembered.
    fn judge_alone(
        &mut self,
        reading: &Measured<'_>,
        judgement: Judgement,
        newest: Option<&Measured<'_>>,
        judge: &Judge<'_>,
        voice: &mut Voice<'_>,
    ) {
        let covers = |told: Alone| {
            let apart_ms = reading.at.since(told.at).saturating_abs();
            apart_ms < judge.limit.recover_ms && judgement <= told.judgement
        };
        if self.alone.is_some_and(covers) {
            return;
        }
        self.alone = Some(Alone {
            at: reading.at,
            judgement,
        });
        let mut story = judge.opening(reading, judgement);
        story.late = true;
        if !story.standing.is_confirmed() {
            story.standing = judge.confirmed_by_miss(&story);
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
}

/// The limit rules of one vital sign at work, in the order of the rule set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Limits(Vec<Limit>);

impl Limits {
    /// Every flag that stands within memory, and whether its episode goes on.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        self.0.iter().flat_map(|limit| limit.ledger.flags())
    }

    /// The ledgers of the rules that raise reds.
    pub(crate) fn reds(&self) -> impl Iterator<Item = &Ledger> {
        let ledgers = self.0.iter().map(|limit| &limit.ledger);
        ledgers.filter(|ledger| ledger.severity() == Severity::Red)
    }

    /// Whether no rule has an open episode.
    pub(crate) fn are_quiet(&self) -> bool {
        self.0.iter().all(|limit| limit.tip.open().is_none())
    }

    /// When the next repeat that is waited for counts as missed, or something is told again.
    pub(crate) fn next_deadline(&self, standings: &[PatientStanding]) -> Option<WallMs> {
        let open = self.0.iter().flat_map(|limit| limit.ledger.open());
        let is_missed = |at: &WallMs| is_at_home(standings, *at);
        let repeats = open.filter_map(|story| match story.standing {
            Standing::Unconfirmed { repeat_by } => Some(repeat_by).filter(is_missed),
            Standing::Confirmed { .. } => story.again_at,
        });
        repeats.min()
    }

    /// Rules that are gone end their flags; new ones begin with the readings in memory.
    pub(crate) fn adopt(&mut self, rules: &RuleSet, vital: VitalKind, voice: &mut Voice<'_>) {
        let mut known = std::mem::take(&mut self.0);
        for rule in rules.limits_of(vital) {
            let place = known.iter().position(|limit| limit.is(&rule.name));
            let mut limit = place.map_or_else(|| Limit::new(rule), |place| known.remove(place));
            limit.ledger.adopt(rule.severity);
            self.0.push(limit);
        }
        for mut gone in known {
            gone.ledger.close(voice);
        }
    }

    /// Tells the stories of all readings in memory again.
    pub(crate) fn retell<'r>(
        &mut self,
        recent: impl Iterator<Item = Measured<'r>>,
        floor: Option<(WallMs, RecordId)>,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let mut stories: Vec<Stories> = self.0.iter().map(|it| it.base.open().into()).collect();
        for limit in &mut self.0 {
            limit.tip.clone_from(&limit.base);
        }
        for reading in recent {
            if self.has_nothing_to_say(&reading, vital, ground, |it| &it.tip) {
                continue;
            }
            self.each(vital, ground, |limit, judge, graver| {
                let is_said = || is_open(graver, judge.limit, |it| &it.tip);
                let Some(told) = stories.get_mut(graver.len()) else {
                    return;
                };
                limit
                    .tip
                    .advance(judge, &reading, is_said, |story| told.tell(story));
            });
        }
        self.each(vital, ground, |limit, judge, graver| {
            let Some(mut stories) = stories.get_mut(graver.len()).map(std::mem::take) else {
                return;
            };
            if let Some(open) = stories.open()
                && let Some(passed) = judge.passed(open, ground.ticked)
            {
                *open = passed;
            }
            let is_within = |story: &Story| floor.is_none_or(|floor| !story.is_by(floor));
            limit.ledger.retell(stories.0, voice, is_within);
        });
    }

    /// A reading from before memory; one that a graver rule flags is told by that.
    pub(crate) fn judge_alone(
        &mut self,
        reading: &Measured<'_>,
        newest: Option<&Measured<'_>>,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let mut flagged: Vec<RuleName> = Vec::new();
        self.each(vital, ground, |limit, judge, _| {
            let judgement = judge.judge(reading);
            let is_said = judge.limit.under.iter().any(|it| flagged.contains(it));
            if judgement != Judgement::Good && !is_said {
                flagged.push(judge.limit.name.clone());
                limit.judge_alone(reading, judgement, newest, judge, voice);
            }
        });
    }

    /// A reading later than all others.
    pub(crate) fn append(
        &mut self,
        reading: &Measured<'_>,
        vital: &VitalRules,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        if self.has_nothing_to_say(reading, vital, ground, |it| &it.tip) {
            return;
        }
        self.each(vital, ground, |limit, judge, graver| {
            let is_said = || is_open(graver, judge.limit, |it| &it.tip);
            let Limit { ledger, tip, .. } = limit;
            tip.advance(judge, reading, is_said, |story| {
                ledger.tell(story.clone(), voice);
            });
        });
    }

    /// Ticks have reached `ground.ticked`.
    pub(crate) fn tick(&mut self, vital: &VitalRules, ground: Ground<'_>, voice: &mut Voice<'_>) {
        self.each(vital, ground, |limit, judge, _| {
            let open = limit.ledger.open();
            let passed = open.filter_map(|story| judge.passed(story, ground.ticked));
            for story in passed.collect::<Vec<_>>() {
                limit.ledger.tell(story, voice);
            }
        });
    }

    /// The oldest reading is about to be forgotten.
    pub(crate) fn fold_away(
        &mut self,
        reading: &Measured<'_>,
        vital: &VitalRules,
        ground: Ground<'_>,
    ) {
        if self.has_nothing_to_say(reading, vital, ground, |it| &it.base) {
            return;
        }
        self.each(vital, ground, |limit, judge, graver| {
            let is_said = || is_open(graver, judge.limit, |it| &it.base);
            limit.base.advance(judge, reading, is_said, |_| {});
        });
    }

    /// Readings up to `floor` are forgotten, and so is what they told and is over.
    pub(crate) fn forget(&mut self, floor: (WallMs, RecordId)) {
        for Limit { ledger, base, .. } in &mut self.0 {
            let begun = base.open().map(|story| story.trigger);
            ledger.forget(|story| story.is_by(floor) && Some(story.trigger) != begun);
        }
    }

    /// Whether no rule's course moves by a reading: no episode is open, and none begins.
    fn has_nothing_to_say(
        &self,
        reading: &Measured<'_>,
        vital: &VitalRules,
        ground: Ground<'_>,
        course: impl Fn(&Limit) -> &Course,
    ) -> bool {
        let are_quiet = self.0.iter().all(|it| course(it).open().is_none());
        are_quiet && is_usual(vital, reading, ground)
    }

    /// Each rule at work beside the numbers it goes by and the rules above it.
    fn each(
        &mut self,
        vital: &VitalRules,
        ground: Ground<'_>,
        mut work: impl FnMut(&mut Limit, &Judge<'_>, &[Limit]),
    ) {
        for (place, rule) in ground.rules.limits_of(vital.kind).enumerate() {
            let Some((graver, rest)) = self.0.split_at_mut_checked(place) else {
                return;
            };
            let judge = Judge {
                vital,
                limit: rule,
                ground,
            };
            if let Some(limit) = rest.first_mut().filter(|limit| limit.is(&rule.name)) {
                work(limit, &judge, graver);
            }
        }
    }
}

/// Whether one of the rules that a rule is under has an open episode.
fn is_open(graver: &[Limit], rule: &LimitRule, course: impl Fn(&Limit) -> &Course) -> bool {
    let mut graver = graver.iter();
    graver.any(|it| rule.under.contains(it.ledger.rule()) && course(it).open().is_some())
}
