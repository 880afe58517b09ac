//! One limit rule over readings in the order of measuring.
//!
//! A [`Course`] is a fold: quiet, or one open episode. The first bad reading opens it; a rule
//! that waits has it confirmed by the next reading, refuted by it, or confirmed because the next
//! reading came too late. A confirmed episode is over after enough readings out of the band for
//! long enough; any bad reading begins that count again.
//!
//! The fold knows readings only. That a repeat is missed *now* is the business of ticks
//! ([`passed`]), and is not folded in: a reading measured in time may still be on its way.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::{Evidence, How, Standing, Why};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{Plan, in_force};
use crate::rules::{Confirmation, LimitRule, Range, RuleSet, VitalRules};

/// A reading that may be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    pub(crate) received: WallMs,
    pub(crate) steps: i32,
}

impl Reading {
    /// Place among the readings of a vital sign: by time of measuring, then by name.
    pub(crate) fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }

    fn evidence(&self, vital: VitalKind) -> Evidence {
        Evidence {
            id: self.id,
            vital,
            steps: self.steps,
            at: self.at,
        }
    }
}

/// What a rule thinks of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub(crate) fn judge(&self, reading: &Reading) -> Judgement {
        let target = in_force(self.plans, reading.at).and_then(|plan| plan.spo2);
        let (bad, worse) = self.rules.ranges(self.limit, target);
        let score = self.vital.score(reading.steps);
        match (
            worse.is_some_and(|range: Range| range.holds(score)),
            bad.holds(score),
        ) {
            (true, _) => Judgement::Worse,
            (false, true) => Judgement::Bad,
            (false, false) => Judgement::Good,
        }
    }

    pub(crate) fn is_late(&self, reading: &Reading) -> bool {
        reading.received.since(reading.at) > self.rules.arrival.late_after_ms
    }

    /// The story of an episode that begins with a reading.
    pub(crate) fn opening(&self, reading: &Reading, judgement: Judgement) -> Story {
        let at_once = Standing::Confirmed {
            how: How::AtOnce,
            at: reading.at,
        };
        let standing = match (self.limit.confirmation, judgement) {
            (Confirmation::AtOnce, _) | (_, Judgement::Worse) => at_once,
            (Confirmation::Repeat { within_ms }, _) => {
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
            end: None,
        }
    }

    /// Since when the repeat of an episode is missed, by the time of measuring.
    fn missed_at(&self, story: &Story) -> WallMs {
        match self.limit.confirmation {
            Confirmation::AtOnce => story.since,
            Confirmation::Repeat { within_ms } => story.since.plus_ms(within_ms),
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
}

/// The fold's state after some reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Course {
    open: Option<Episode>,
}

impl Course {
    pub(crate) fn open(&self) -> Option<&Story> {
        self.open.as_ref().map(|episode| &episode.story)
    }

    /// Takes the next reading; `changed` hears every story that begins, changes or ends.
    pub(crate) fn advance(
        &mut self,
        judge: &Judge<'_>,
        reading: &Reading,
        mut changed: impl FnMut(&Story),
    ) {
        let judgement = judge.judge(reading);
        let Some(episode) = &mut self.open else {
            if judgement != Judgement::Good {
                let story = judge.opening(reading, judgement);
                changed(&story);
                self.open = Some(Episode { story, calm: None });
            }
            return;
        };
        let is_over = if episode.story.standing.is_confirmed() {
            episode.go_on(judge, reading, judgement)
        } else if reading.at > judge.missed_at(&episode.story) {
            episode.story.standing = judge.confirmed_by_miss(&episode.story);
            changed(&episode.story);
            episode.go_on(judge, reading, judgement)
        } else {
            episode.repeated(judge, reading, judgement);
            changed(&episode.story);
            if episode.story.end.is_some() {
                self.open = None;
            }
            return;
        };
        if is_over {
            changed(&episode.story);
            self.open = None;
        }
    }
}

impl Episode {
    /// The repeat came in time: it bears the first reading out, or not.
    fn repeated(&mut self, judge: &Judge<'_>, reading: &Reading, judgement: Judgement) {
        if judgement == Judgement::Good {
            self.story.end = Some((Why::NotConfirmed, reading.at));
            return;
        }
        self.story
            .evidence
            .push(reading.evidence(judge.limit.vital));
        self.story.standing = Standing::Confirmed {
            how: How::Repeat,
            at: reading.at,
        };
    }

    /// A further reading of a confirmed episode: whether it ends it.
    fn go_on(&mut self, judge: &Judge<'_>, reading: &Reading, judgement: Judgement) -> bool {
        if judgement != Judgement::Good {
            self.calm = None;
            return false;
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
}
