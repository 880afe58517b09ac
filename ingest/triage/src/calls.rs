//! The rules that wait for no second value, side by side: red symptoms, two reds, bad signal.
//!
//! Each is a function of the set of observations in its own file; here they are given their
//! numbers, and each observation goes to those that hear it.

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, DeviceId, WallMs};

use crate::flag::Flag;
use crate::ledger::{Ledger, Voice};
use crate::observation::{Observation, Seen};
use crate::rules::{RuleName, RuleSet, SignalRule, SymptomRule, TogetherRule};
use crate::signal::Signal;
use crate::state::Said;
use crate::symptom::Symptoms;
use crate::together::Together;
use crate::track::{Ground, Track};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calls {
    symptoms: Vec<Symptoms>,
    together: Option<Together>,
    signals: Vec<Signal>,
}

impl Calls {
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        let symptoms = self.symptoms.iter().map(|it| &it.ledger);
        let together = self.together.iter().map(|it| &it.ledger);
        let signals = self.signals.iter().map(|it| &it.ledger);
        let ledgers = symptoms.chain(together).chain(signals);
        ledgers.flat_map(Ledger::flags)
    }

    pub(crate) fn next_deadline(&self) -> Option<WallMs> {
        let symptoms = self.symptoms.iter().filter_map(Symptoms::next_deadline);
        let signals = self.signals.iter().filter_map(Signal::next_deadline);
        symptoms.chain(signals).min()
    }

    /// An observation that the tracks have taken.
    pub(crate) fn observe(
        &mut self,
        observation: &Observation,
        tracks: &[Track],
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        for (signal, rule) in signals(&mut self.signals, ground.rules) {
            signal.observe(rule, observation, ground, voice);
        }
        match observation.seen {
            Seen::Answer(answer) => {
                for (symptoms, rule) in symptoms(&mut self.symptoms, ground.rules) {
                    symptoms.hear(rule, observation, answer, ground, voice);
                }
            }
            Seen::Vital(vital, _) => {
                let track = tracks.iter().filter(|track| track.kind() == vital.kind());
                if let Some((together, rule)) = together(&mut self.together, ground.rules) {
                    together.follow(rule, track, ground, voice);
                }
            }
            Seen::Contact(..) => {}
        }
    }

    /// Whether a further clean value of a vital sign that no rule calls bad is no news.
    pub(crate) fn is_calm(&self, track: &Track, rules: &RuleSet) -> bool {
        let is_calm = |it: &Signal| {
            let mut known = rules.calls.signals.iter();
            let rule = known.find(|rule| is(&it.ledger, &rule.name));
            rule.is_none_or(|rule| it.is_calm(rule, track.kind()))
        };
        let is_behind = |it: &Together| it.is_behind(track);
        self.signals.iter().all(is_calm) && !self.together.as_ref().is_some_and(is_behind)
    }

    /// A clean value that is good, and would be forgotten by the limits by now.
    pub(crate) fn pass_over(
        &mut self,
        observation: &Observation,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        for (signal, rule) in signals(&mut self.signals, ground.rules) {
            signal.observe(rule, observation, ground, voice);
        }
    }

    /// A device is not heard any more.
    pub(crate) fn lose(
        &mut self,
        lost: (&DeviceId, WallMs),
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        for (signal, rule) in signals(&mut self.signals, ground.rules) {
            signal.lose(rule, lost, ground, voice);
        }
    }

    /// Deadlines up to `ground.ticked` have passed, for the tracks too.
    pub(crate) fn tick(&mut self, tracks: &[Track], ground: Ground<'_>, voice: &mut Voice<'_>) {
        for (symptoms, rule) in symptoms(&mut self.symptoms, ground.rules) {
            symptoms.tick(rule, ground, voice);
        }
        for (signal, rule) in signals(&mut self.signals, ground.rules) {
            signal.tick(rule, ground, voice);
        }
        if let Some((together, rule)) = together(&mut self.together, ground.rules) {
            together.follow(rule, tracks.iter(), ground, voice);
        }
    }

    /// Tells everything again: plans or rules are other ones. A rule about symptoms that is new
    /// begins with the newest answers.
    pub(crate) fn retell(
        &mut self,
        tracks: &[Track],
        answers: &[Said<Answer>],
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        self.adopt_rules(ground.rules, answers, voice);
        for (symptoms, rule) in symptoms(&mut self.symptoms, ground.rules) {
            symptoms.retell(rule, ground, voice);
        }
        for (signal, rule) in signals(&mut self.signals, ground.rules) {
            signal.retell(rule, ground, voice);
        }
        if let Some((together, rule)) = together(&mut self.together, ground.rules) {
            together.retell(rule, tracks, ground, voice);
        }
    }

    /// Rules that are gone end their flags.
    fn adopt_rules(&mut self, rules: &RuleSet, answers: &[Said<Answer>], voice: &mut Voice<'_>) {
        let rules = &rules.calls;
        let mut keep = |ledger: &mut Ledger, is_kept: bool| {
            if !is_kept {
                ledger.close(voice);
            }
            is_kept
        };
        self.symptoms.retain_mut(|it| {
            let is_kept = rules.symptoms.iter().any(|rule| is(&it.ledger, &rule.name));
            keep(&mut it.ledger, is_kept)
        });
        self.signals.retain_mut(|it| {
            let is_kept = rules.signals.iter().any(|rule| is(&it.ledger, &rule.name));
            keep(&mut it.ledger, is_kept)
        });
        if let Some(it) = &mut self.together {
            let mut kept = rules.together.iter();
            let is_kept = kept.any(|rule| is(&it.ledger, &rule.name));
            if !keep(&mut it.ledger, is_kept) {
                self.together = None;
            }
        }
        for rule in &rules.symptoms {
            if self.symptoms.iter().all(|it| !is(&it.ledger, &rule.name)) {
                self.symptoms.push(Symptoms::new(rule, answers));
            }
        }
        for rule in &rules.signals {
            if self.signals.iter().all(|it| !is(&it.ledger, &rule.name)) {
                self.signals.push(Signal::new(rule));
            }
        }
        if let (None, Some(rule)) = (&self.together, &rules.together) {
            self.together = Some(Together::new(rule));
        }
    }
}

fn is(ledger: &Ledger, name: &RuleName) -> bool {
    ledger.rule() == name
}

/// Each rule at work beside the numbers it goes by.
fn symptoms<'a>(
    at_work: &'a mut [Symptoms],
    rules: &'a RuleSet,
) -> impl Iterator<Item = (&'a mut Symptoms, &'a SymptomRule)> {
    at_work.iter_mut().filter_map(|it| {
        let mut known = rules.calls.symptoms.iter();
        let rule = known.find(|rule| is(&it.ledger, &rule.name))?;
        Some((it, rule))
    })
}

fn signals<'a>(
    at_work: &'a mut [Signal],
    rules: &'a RuleSet,
) -> impl Iterator<Item = (&'a mut Signal, &'a SignalRule)> {
    at_work.iter_mut().filter_map(|it| {
        let mut known = rules.calls.signals.iter();
        let rule = known.find(|rule| is(&it.ledger, &rule.name))?;
        Some((it, rule))
    })
}

fn together<'a>(
    at_work: &'a mut Option<Together>,
    rules: &'a RuleSet,
) -> Option<(&'a mut Together, &'a TogetherRule)> {
    at_work.as_mut().zip(rules.calls.together.as_ref())
}
