//! What one limit rule thinks of one reading, and the story that begins with it.
//!
//! The range that is bad is the rule's band, or lies so far under the patient's own baseline. A
//! personal target of oxygen replaces the fixed bands: the red one moves with it, and what is
//! within the target is nobody's amber.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, RecordId, WallMs};

use crate::flag::{Evidence, How, Severity, Standing};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{Own, Plan, of_person};
use crate::rules::{Confirmation, LimitRule, Range, RuleSet, VitalRules, under_baseline};
use crate::stream::{Basis, Measured};
use crate::track::Ground;
use crate::whereabouts::{is_at_home, missed_at};

/// A reading that may be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    pub(crate) received: WallMs,
    pub(crate) steps: i32,
    /// Whether its signal was poor: it may be low, and does not reassure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_weak: bool,
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

/// Whether no rule of a vital sign calls a reading bad. It is asked before each rule is: nearly
/// every reading is like that. False where only the rules themselves can tell.
pub(super) fn is_usual(vital: &VitalRules, reading: &Measured<'_>, ground: Ground<'_>) -> bool {
    let score = vital.score(reading.steps);
    if !vital.usual.is_some_and(|usual| usual.holds(score)) {
        return false;
    }
    let plan = of_person(ground.plans, reading.at);
    let is_moved = |plan: &Plan| plan.spo2.is_some() || !plan.limits.is_empty();
    if plan.is_some_and(is_moved) {
        return false;
    }
    let Some(points) = vital.under_baseline else {
        return true;
    };
    let baseline = ground.baselines.at(reading.at);
    baseline.is_none_or(|it| under_baseline(it.percent_tenths, points) < score)
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
    pub(crate) fn judge(&self, reading: &Measured<'_>) -> Judgement {
        let plan = of_person(self.ground.plans, reading.at);
        let own = Own::of(plan);
        let (bad, worse) = self.limit.ranges(&self.rules().target, own, || {
            let baseline = self.ground.baselines.at(reading.at);
            baseline.map(|it| it.percent_tenths)
        });
        let score = self.vital.score(reading.steps);
        let holds = |range: Option<Range>| range.is_some_and(|range| range.holds(score));
        match (holds(worse), holds(bad)) {
            // Too few readings of a stream to page somebody at once.
            (true, _) if matches!(reading.basis, Basis::Few(_)) => Judgement::Bad,
            (true, _) if self.ground.streamers.is_first(reading) => Judgement::Bad,
            (true, _) => Judgement::Worse,
            (false, true) => Judgement::Bad,
            (false, false) => Judgement::Good,
        }
    }

    pub(crate) fn is_late(&self, reading: &Measured<'_>) -> bool {
        reading.received.since(reading.at) > self.rules().arrival.late_after_ms
    }

    /// The story of an episode that begins with a reading.
    pub(crate) fn opening(&self, reading: &Measured<'_>, judgement: Judgement) -> Story {
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
                let missed_at = self.missed_by(reading.at.plus_ms(within_ms), within_ms);
                Standing::Unconfirmed {
                    repeat_by: missed_at.max(backlog),
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
            again_at: None,
            end: None,
        }
    }

    /// Since when the repeat of an episode is missed, by the time of measuring.
    pub(super) fn missed_at(&self, story: &Story) -> WallMs {
        match self.limit.confirmation {
            Confirmation::AtOnce => story.since,
            Confirmation::Repeat { within_ms, .. } => {
                self.missed_by(story.since.plus_ms(within_ms), within_ms)
            }
        }
    }

    fn missed_by(&self, by: WallMs, within_ms: i64) -> WallMs {
        missed_at(self.ground.standings, by, within_ms).unwrap_or(by)
    }

    /// Whether a reading is too soon after the first of an episode to be its repeat: a median
    /// when the two share a reading.
    pub(super) fn is_same_measurement(&self, story: &Story, reading: &Measured<'_>) -> bool {
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

    /// Whether a bad reading of the device that opened an episode is too soon after it to bear it
    /// out. A good one may refute it all the same.
    pub(super) fn is_apart_too_little(
        &self,
        story: &Story,
        device: Option<&DeviceId>,
        reading: &Measured<'_>,
    ) -> bool {
        let is_own = reading.device.is_some() && reading.device == device;
        is_own && reading.at.since(story.since) < self.rules().continuous.apart_ms
    }

    /// Whether a value that is too bad to wait is far beyond the one that was told last.
    pub(super) fn is_worse(&self, story: &Story, reading: &Measured<'_>) -> bool {
        let told = story.evidence.last().and_then(Evidence::value);
        let (Some(points), Some((_, told))) = (self.limit.worse_points, told) else {
            return false;
        };
        let (told, now) = (self.vital.score(told), self.vital.score(reading.steps));
        let is_low = self.limit.at_once.is_some_and(|range| range.from.is_none());
        let beyond = if is_low { told - now } else { now - told };
        beyond >= points
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
                if repeat_by <= ticked
                    && self.is_at_home(repeat_by)
                    && !self.is_catching_up(repeat_by, ticked) =>
            {
                Some(Story {
                    standing: self.confirmed_by_miss(story),
                    ..story.clone()
                })
            }
            Standing::Confirmed { .. } => {
                let mut story = story.clone();
                story.pass(ticked).then_some(story)
            }
            Standing::Unconfirmed { .. } => None,
        }
    }

    /// When a confirmed episode that has a further bad reading, too soon to be told, is told again
    /// by itself: the newest known value of a red is not kept from anybody for long, or from the
    /// return of a patient who is away by then.
    pub(super) fn again_at(&self, told_at: WallMs) -> Option<WallMs> {
        let is_red = self.limit.severity == Severity::Red;
        let again_at = told_at.plus_ms(self.limit.remind_ms.filter(|_| is_red)?);
        missed_at(self.ground.standings, again_at, 0)
    }

    /// Whether a bad reading after a good one is told: not more often than a repeat is waited for.
    pub(super) fn is_relapse(&self, told_at: WallMs, reading: &Measured<'_>) -> bool {
        let is_red = self.limit.severity == Severity::Red;
        match self.limit.confirmation {
            Confirmation::Repeat { within_ms, .. } if is_red => {
                reading.at.since(told_at) >= within_ms
            }
            _ => false,
        }
    }

    /// Whether a repeat that was due while the centre did not listen may still be on its way.
    fn is_catching_up(&self, repeat_by: WallMs, ticked: WallMs) -> bool {
        let grace_ms = self.rules().arrival.backlog_grace_ms;
        self.ground
            .life
            .was_deaf(repeat_by, ticked.plus_ms(-grace_ms))
    }

    /// Whether somebody could be asked to measure again.
    pub(super) fn is_at_home(&self, at: WallMs) -> bool {
        is_at_home(self.ground.standings, at)
    }
}
