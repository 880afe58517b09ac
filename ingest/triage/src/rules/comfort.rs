//! Around a value: how far the next one may lie from it without any rule speaking of it.

use veglia_wire::VitalKind;

use super::{Range, RuleSet, VitalRules};
use crate::plan::Own;

impl Range {
    /// The part of it around a value that lies outside another.
    fn without(self, other: Self, value: i32) -> Option<Self> {
        if other.holds(value) {
            return None;
        }
        let is_above = other.from.is_some_and(|from| value < from);
        let edge = if is_above { other.from } else { other.to };
        Some(if is_above {
            self.and(Self {
                from: None,
                to: edge.map(|from| from.saturating_sub(1)),
            })
        } else {
            self.and(Self {
                from: edge.map(|to| to.saturating_add(1)),
                to: None,
            })
        })
    }

    /// What is in both.
    pub(crate) fn and(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        Self {
            from: self.from.max(other.from),
            to,
        }
    }
}

impl VitalRules {
    /// The lowest and the highest value in steps whose score is in a range.
    pub(crate) fn steps(&self, range: Range) -> (i32, i32) {
        let per_score = self.kind.steps_per_unit() / self.rounding.steps_per_unit();
        let first = |score: i32| {
            let least = score.saturating_mul(per_score);
            let rounded = least.saturating_sub(per_score);
            (rounded..=least).find(|steps| self.score(*steps) == score)
        };
        let lowest = range.from.and_then(first).unwrap_or(i32::MIN);
        let beyond = range.to.and_then(|to| first(to.saturating_add(1)));
        (lowest, beyond.map_or(i32::MAX, |it| it.saturating_sub(1)))
    }
}

impl RuleSet {
    /// The scores around a plausible one that no limit of a patient with this target, these limits
    /// and, in tenths of a percent, this baseline calls bad, and at which no device ends; none if
    /// this one is such.
    pub(crate) fn comfort(
        &self,
        kind: VitalKind,
        score: i32,
        own: Own<'_>,
        baseline: Option<i32>,
    ) -> Option<Range> {
        let vital = self.vital(kind)?;
        let bad = self.limits_of(kind).flat_map(|limit| {
            let (bad, worse) = limit.ranges(&self.target, own, || baseline);
            [bad, worse].into_iter().flatten()
        });
        let floors = self.gate(kind).map(|gate| gate.floors.as_slice());
        let floors = floors.unwrap_or_default().iter().map(|floor| {
            let floor = vital.score(*floor);
            Range {
                from: Some(floor),
                to: Some(floor),
            }
        });
        let mut comfort = Some(vital.plausible).filter(|it| it.holds(score));
        for range in bad.chain(floors) {
            comfort = comfort?.without(range, score);
        }
        comfort
    }
}
