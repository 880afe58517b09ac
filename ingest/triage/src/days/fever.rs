//! Fever for longer than some hours.
//!
//! It counts from the first value above the limit. It is broken by values that are all at or under
//! the limit, and the last of them a day after the first: one good value between two bad ones, or
//! a night without any, breaks nothing, since a tablet makes the one and sleep the other. What was
//! taken against fever stands among the evidence; it hides nothing.

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, VitalKind, WallMs};

use super::memory::Sample;
use super::thread::Thread;
use crate::flag::{Evidence, What, Why};
use crate::ledger::{Stories, Story};
use crate::rules::RuleSet;
use crate::state::Said;

/// Antipyretics shown with a flag: the last ones before it.
const ANTIPYRETICS_SHOWN: usize = 4;

/// The fold after some value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    /// The first value of the fever that lasts.
    first: Option<Sample>,
    /// Since when no value is above the limit.
    free_since: Option<WallMs>,
    thread: Thread,
}

impl Course {
    pub(super) fn told(&self) -> Stories {
        self.thread.open().into()
    }

    pub(super) fn advance(&mut self, sample: &Sample, rules: &RuleSet, told: &mut Stories) {
        let rule = &rules.days.fever;
        let Some(vital) = rules.vital(VitalKind::Temperature) else {
            return;
        };
        if vital.score(sample.steps) < rule.from {
            let since = *self.free_since.get_or_insert(sample.at);
            if sample.at.since(since) >= rule.free_ms {
                self.first = None;
                self.thread.end(Why::Recovered, sample.at, told);
            }
            return;
        }
        self.free_since = None;
        let first = self.first.get_or_insert_with(|| sample.clone());
        if self.thread.open().is_some() {
            self.thread.remind(sample.at, rule.remind_ms, told);
        } else if sample.at.since(first.at) >= rule.lasts_ms {
            let evidence = [&*first, sample].map(|it| it.evidence(VitalKind::Temperature));
            let trigger = (sample.record(), sample.at, sample.is_late);
            self.thread.begin(trigger, evidence.to_vec(), told);
        }
    }
}

/// Shows what was taken between the beginning of the fever and the flag.
pub(super) fn add_antipyretics(story: &mut Story, taken: &[Said<Answer>]) {
    let Some(first) = story.evidence.first().map(|it| it.at) else {
        return;
    };
    let within = taken.iter().rev().filter(|it| {
        let is_within = first <= it.at && it.at <= story.since;
        is_within && it.what.value != 0
    });
    let shown = within.take(ANTIPYRETICS_SHOWN).map(|it| Evidence {
        id: it.id,
        at: it.at,
        what: What::Answer { answer: it.what },
    });
    let shown: Vec<Evidence> = shown.collect();
    story.evidence.extend(shown);
    story.evidence.sort_by_key(|it| (it.at, it.id));
}
