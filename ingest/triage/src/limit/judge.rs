//! What one limit rule thinks of one reading, and the story that begins with it.
//!
//! The range that is bad is the rule's band, or lies so far under the patient's own baseline. A
//! personal target of oxygen replaces the fixed bands: the red one moves with it, and what is
//! within the target is nobody's amber.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, RecordId, WallMs};

use crate::flag::{How, Standing};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::in_force;
use crate::rules::{Confirmation, LimitRule, Range, RuleSet, VitalRules};
use crate::stream::{Basis, Measured};
use crate::track::Ground;
use crate::whereabouts::is_at_home;

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
    pub(crate) vital: &'a VitalRules,
    pub(crate) limit: &'a LimitRule,
    pub(crate) ground: Ground<'a>,
}

impl Judge<'_> {
    fn rules(&self) -> &RuleSet {
        self.ground.rules
    }

    /// By the plan in force and the baseline known when the reading was measured.
    pub(crate) fn judge(&self, reading: &Measured) -> Judgement {
        let plan = in_force(self.ground.plans, reading.at);
        let target = plan.and_then(|plan| plan.spo2);
        let (bad, worse) = self.limit.ranges(&self.rules().target, target, || {
            let baseline = self.ground.baselines.at(reading.at);
            baseline.map(|it| it.percent_tenths)
        });
        let score = self.vital.score(reading.steps);
        let holds = |range: Option<Range>| range.is_some_and(|range| range.holds(score));
        match (holds(worse), holds(bad)) {
            // Too few readings of a stream to page somebody at once.
            (true, _) if matches!(reading.basis, Basis::Few(_)) => Judgement::Bad,
            (true, _) => Judgement::Worse,
            (false, true) => Judgement::Bad,
            (false, false) => Judgement::Good,
        }
    }

    pub(crate) fn is_late(&self, reading: &Measured) -> bool {
        reading.received.since(reading.at) > self.rules().arrival.late_after_ms
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
                    .plus_ms(self.rules().arrival.backlog_grace_ms);
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
    pub(super) fn missed_at(&self, story: &Story) -> WallMs {
        match self.limit.confirmation {
            Confirmation::AtOnce => story.since,
            Confirmation::Repeat { within_ms, .. } => story.since.plus_ms(within_ms),
        }
    }

    /// Whether a reading is too soon after the first of an episode to be its repeat: a median
    /// when the two share a reading.
    pub(super) fn is_same_measurement(&self, story: &Story, reading: &Measured) -> bool {
        let shared_ms = match reading.basis {
            Basis::Spot => 0,
            Basis::Few(_) | Basis::Settled(_) => self.rules().continuous.median_ms,
        };
        match self.limit.confirmation {
            Confirmation::AtOnce => false,
            Confirmation::Repeat { after_ms, .. } => {
                reading.at.since(story.since) < after_ms.max(shared_ms)
            }
        }
    }

    pub(super) fn confirmed_by_miss(&self, story: &Story) -> Standing {
        Standing::Confirmed {
            how: How::MissedRepeat,
            at: self.missed_at(story),
        }
    }

    /// The story as it is once ticks have reached `ticked`.
    pub(crate) fn passed(&self, story: &Story, ticked: WallMs) -> Option<Story> {
        match story.standing {
            Standing::Unconfirmed { repeat_by }
                if repeat_by <= ticked && self.is_at_home(repeat_by) =>
            {
                Some(Story {
                    standing: self.confirmed_by_miss(story),
                    ..story.clone()
                })
            }
            _ => None,
        }
    }

    /// Whether somebody could be asked to measure again.
    pub(super) fn is_at_home(&self, at: WallMs) -> bool {
        is_at_home(self.ground.standings, at)
    }
}
