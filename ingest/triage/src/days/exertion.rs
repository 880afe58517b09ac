//! Tests under exertion: walking for up to six minutes, or standing up and sitting down for one.
//!
//! The lowest oxygen saturation during the test is an answer, and so is the one at rest before it;
//! without that the patient's baseline stands in. A test that was made is judged, also one that
//! should not have been asked; a later good one ends the flag.

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, AnswerCode, VitalKind};

use super::baseline::Baselines;
use super::thread::Thread;
use crate::flag::{Evidence, What, Why};
use crate::ledger::Stories;
use crate::rules::RuleSet;
use crate::state::Said;

/// Whether a patient may be asked for a test under exertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exertion {
    /// Oxygen at rest is high enough.
    MayBeAsked,
    /// It is too low: not without somebody beside the patient.
    RestTooLow,
    /// No clean value at rest is recent enough: measure first.
    RestUnknown,
}

/// The fold after some answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    rest: Option<Said<Answer>>,
    thread: Thread,
}

impl Course {
    pub(super) fn told(&self) -> Stories {
        self.thread.open().into()
    }

    pub(super) fn advance(
        &mut self,
        said: &Said<Answer>,
        baselines: &Baselines,
        rules: &RuleSet,
        told: &mut Stories,
    ) {
        let rule = &rules.days.exertion;
        if said.what.code == AnswerCode::ExertionRestingSpO2 {
            self.rest = Some(*said);
            return;
        }
        let is_before = |rest: &Said<Answer>| said.at.since(rest.at) <= rule.rest_within_ms;
        let rest = self.rest.filter(is_before);
        let baseline = baselines.at(said.at).map(|it| it.percent_tenths);
        let at_rest = rest.map(|rest| rest.what.value).or(baseline);
        let lowest = said.what.value;
        let has_dropped = at_rest.is_some_and(|rest| rest - lowest >= rule.drop_tenths);
        let score = rules.vital(VitalKind::SpO2).map(|it| it.score(lowest));
        let is_low = score.is_some_and(|score| score <= rule.low);
        if !has_dropped && !is_low {
            self.thread.end(Why::Recovered, said.at, told);
        } else if self.thread.open().is_some() {
            self.thread.remind(said.at, 0, told);
        } else {
            let records = rest.iter().chain([said]);
            let evidence = records.map(|it| Evidence {
                id: it.id,
                at: it.at,
                what: What::Answer { answer: it.what },
            });
            let trigger = (said.id, said.at, false);
            self.thread.begin(trigger, evidence.collect(), told);
        }
    }
}
