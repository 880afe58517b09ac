//! How readings are put off (`quiet.rs`): when a state settles, who hears of them, and when it
//! wakes.

use veglia_wire::{DeviceId, Quality, VitalKind, WallMs};

use super::PatientState;
use crate::ledger::Voice;
use crate::limit::Reading;
use crate::observation::{Input, Observation, Seen, Source};
use crate::plan::{Own, OxygenScale, Plan, of_person};
use crate::presence::Outage;
use crate::quiet::{Calm, Name, Noted, Proof, PutOff, place};
use crate::rules::RuleSet;
use crate::score::Entry;
use crate::stream::of_newest;
use crate::track::Track;

/// Who is measured less often than once in so long is not put off: between two readings something
/// else comes nearly always, and to prove would cost more than to fold.
const WORTH_MS: i64 = 10 * 60 * 1_000;

impl PatientState {
    /// Puts an input off if it is within what is proven; whether it was.
    pub(super) fn put_off_input(
        &mut self,
        rules: &RuleSet,
        input: Input<'_>,
        voice: &mut Voice<'_>,
    ) -> bool {
        match input {
            Input::Observation(observation) => {
                if self.quiet.is_full() && !self.pass_over(rules, voice) {
                    return false;
                }
                match self.quiet.put_off(observation, rules, self.ticked) {
                    PutOff::Not => return false,
                    PutOff::Unheard => {}
                    PutOff::Awaited { before } => {
                        self.hear_of_put_off(rules, observation, before, voice);
                    }
                }
                true
            }
            Input::Tick => self.tick_over(rules, voice),
            Input::Presence(presence) => self.quiet.take_beat(presence, rules, self.ticked),
            _ => false,
        }
    }

    /// Folds what was put off, as if it came now. Nothing is said of it: see `quiet.rs`.
    pub(super) fn wake(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let Some((proof, log)) = self.quiet.wake() else {
            return;
        };
        self.life.stretch(proof.heard.to);
        for track in &mut self.tracks {
            let calm = proof.calm.get(place(track.kind()));
            let calm = calm.and_then(Option::as_ref);
            track.put_off(calm.map(|calm| calm.latest.at));
        }
        for noted in log.readings() {
            let calm = proof.calm.get(place(noted.vital.kind()));
            if let Some(calm) = calm.and_then(Option::as_ref) {
                let device = calm.name.device().clone();
                self.observe(rules, &observation(&noted, device), voice);
            }
        }
        for track in &mut self.tracks {
            track.put_off(None);
        }
    }

    /// The newest reading that is put off was waited for, since one that was measured `before`.
    fn hear_of_put_off(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        before: WallMs,
        voice: &mut Voice<'_>,
    ) {
        let (Some(proof), Seen::Vital(vital, _)) = (self.quiet.proof(), observation.seen) else {
            return;
        };
        self.life.stretch(proof.heard.to);
        let (kind, at) = (vital.kind(), observation.at);
        let stretch = self.stretch_put_off(rules, kind);
        let ground = ground!(self, rules);
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.kind() == kind) {
            track.await_no_more(before, at, ground, voice);
        }
        let is_streamed = rules.continuous.is_for(kind);
        let measured = of_newest(&stretch, is_streamed, &rules.continuous);
        let measured = measured.into_iter();
        let is_other = self.days.observe(kind, measured, rules, &self.plans, voice);
        if is_other {
            self.wake(rules, voice);
            self.retell_oxygen(rules, voice);
            let ground = ground!(self, rules);
            self.calls.observe(observation, &self.tracks, ground, voice);
        } else {
            self.bound_again(rules, voice);
        }
    }

    /// Time has passed: all that waits for it is told, as long as no home is off line. Whether it
    /// was.
    fn tick_over(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) -> bool {
        let Some(proof) = self.quiet.proof() else {
            return false;
        };
        self.life.stretch(proof.heard.to);
        let now = self.ticked.max(voice.now);
        let is_over = |outage: &Outage| outage.silent_since.is_some() && outage.from <= now;
        let is_home_due = self.home_check.is_some_and(|check| check <= now);
        if self.life.has_news()
            || is_home_due
            || self.life.outages(&rules.presence).iter().any(is_over)
        {
            return false;
        }
        self.tell_put_off();
        self.tick(rules, voice);
        self.bound_again(rules, voice);
        true
    }

    /// The watch for silence hears up to when readings are put off.
    pub(super) fn tell_put_off(&mut self) {
        for track in &mut self.tracks {
            let latest = self.quiet.latest(track.kind());
            track.put_off(latest.map(|it| it.at));
        }
    }

    /// What waits for readings may wait for others now: the bounds are drawn again. Where that
    /// cannot be said, all is folded.
    fn bound_again(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let deadline = self.deadline();
        let is_bounded = self.quiet.proof_mut().is_some_and(|proof| {
            proof.deadline = deadline;
            let mut calm = proof.calm.iter_mut().zip(VitalKind::ALL);
            calm.all(|(calm, kind)| {
                let mut tracks = self.tracks.iter();
                let track = tracks.find(|track| track.kind() == kind);
                let (Some(calm), Some(track)) = (calm, track) else {
                    return true;
                };
                calm.slot = self.days.slot(kind, calm.latest.at, calm.is_sparse);
                let expected = track.expected_until();
                calm.expected_until = expected.unwrap_or(calm.expected_until);
                expected.is_some()
            })
        });
        if !is_bounded {
            self.wake(rules, voice);
        }
    }

    /// After an observation that was taken: within which bounds the next ones are put off.
    pub(super) fn settle(&mut self, rules: &RuleSet, observation: &Observation) {
        let Seen::Vital(vital, quality) = observation.seen else {
            return;
        };
        let mut tracks = self.tracks.iter();
        let track = tracks.find(|track| track.kind() == vital.kind());
        let is_near = |track: &Track| track.stretch(WORTH_MS).nth(1).is_some();
        if quality.is_empty() && !self.is_wakeful && track.is_some_and(is_near) {
            let proof = self.prove(rules);
            self.quiet.settle(proof);
        }
    }

    fn prove(&self, rules: &RuleSet) -> Option<Proof> {
        let heard = self.life.unbroken()?;
        let mut last = self.scoring.calm(rules, &self.plans)?;
        let is_followed = |track: &Track| self.calls.is_calm(track, rules);
        if !self.tracks.iter().all(is_followed) {
            return None;
        }
        let calm = VitalKind::ALL.map(|kind| {
            let mut tracks = self.tracks.iter();
            let track = tracks.find(|track| track.kind() == kind)?;
            self.calm(rules, track, last.0)
        });
        let is_any = calm.iter().any(Option::is_some);
        for latest in calm.iter().flatten().map(|calm| &calm.latest) {
            last = last.max((latest.at, latest.id));
        }
        let begins = self.plans.iter().map(|plan| plan.from);
        let plan = begins.filter(|from| last.0 < *from).min();
        let baseline = self.days.baselines().changes_after(last.0);
        let until = plan.into_iter().chain(baseline).min();
        is_any.then(|| Proof {
            last,
            until: until.unwrap_or(WallMs(i64::MAX)),
            heard,
            deadline: self.deadline(),
            calm,
        })
    }

    /// The bounds of one vital sign from a moment on: none where the next reading may be news.
    fn calm(&self, rules: &RuleSet, track: &Track, from: WallMs) -> Option<Calm> {
        let newest = track.calm()?;
        let (kind, at, latest) = (track.kind(), newest.at, *track.latest()?);
        let vital = rules.vital(kind)?;
        let plan = of_person(&self.plans, from);
        let own = Own::of(plan);
        let baseline = self.days.baselines().at(from);
        let baseline = baseline.map(|it| it.percent_tenths);
        let comfort = rules.comfort(kind, vital.score(newest.steps), own, baseline)?;
        let scale = plan.map_or(OxygenScale::One, |plan: &Plan| plan.oxygen_scale);
        let no_graver = self.scoring.no_graver(kind, rules, scale)?;
        let (lowest, highest) = vital.steps(comfort.and(no_graver));

        let is_streamed = rules.continuous.is_for(kind);
        let device = if is_streamed {
            newest.device.as_ref()
        } else {
            self.life.device_of(kind)
        };
        let device = device.filter(|device| self.life.hears(device, kind))?;
        let stretch = || track.stretch(rules.continuous.median_ms);
        let is_within = |it: &Reading| {
            let is_own = !is_streamed || it.device.as_ref() == Some(device);
            is_own && !it.is_weak && (lowest..=highest).contains(&it.steps)
        };
        if !stretch().all(is_within) {
            return None;
        }
        let mut pairs = stretch().zip(stretch().skip(1));
        let is_sparse =
            !is_streamed || !pairs.any(|(later, it)| rules.continuous.joins(it.at, later.at));
        if !is_sparse && !self.streamers.knows(device, at) {
            return None;
        }
        let held_since = if is_streamed && rules.gate(kind).is_some() {
            let gate = self.gates.iter().find(|gate| gate.kind() == kind)?;
            gate.held_since(device, newest)?
        } else {
            at
        };
        Some(Calm {
            latest,
            lowest,
            highest,
            expected_until: track.expected_until()?,
            slot: self.days.slot(kind, at, is_sparse),
            held_since,
            is_sparse: is_streamed && is_sparse,
            name: Name::try_from(device.clone()).ok()?,
        })
    }

    /// What scores count of the readings that are put off.
    pub(super) fn put_off(&self, rules: &RuleSet) -> Vec<Entry> {
        let kinds = self.tracks.iter().map(Track::kind);
        let entries = kinds.filter_map(|kind| {
            let stretch = self.stretch_put_off(rules, kind);
            let is_streamed = rules.continuous.is_for(kind);
            let measured = of_newest(&stretch, is_streamed, &rules.continuous)?;
            Some(Entry::measured(kind, &measured, rules))
        });
        entries.collect()
    }

    /// The newest reading of a kind and those in the stretch of its median, oldest first; none
    /// where none is put off.
    fn stretch_put_off(&self, rules: &RuleSet, kind: VitalKind) -> Vec<Reading> {
        let mut tracks = self.tracks.iter();
        let track = tracks.find(|track| track.kind() == kind);
        let (Some(track), Some(newest)) = (track, self.quiet.latest(kind)) else {
            return Vec::new();
        };
        if track.latest() == Some(newest) {
            return Vec::new();
        }
        let is_within = |at: WallMs| newest.at.since(at) < rules.continuous.median_ms;
        let after = newest.at.plus_ms(-rules.continuous.median_ms);
        let ours = self.quiet.log().newest(kind, after);
        let mut stretch: Vec<Reading> = ours.map(|it| reading(&it, None)).collect();
        if !stretch.is_empty() {
            let known = track.stretch(i64::MAX).take_while(|it| is_within(it.at));
            stretch.extend(known.cloned());
            stretch.reverse();
        }
        stretch
    }
}

pub(super) fn observation(noted: &Noted, device: DeviceId) -> Observation {
    Observation {
        id: noted.id,
        device,
        source: Source::Device,
        at: noted.at,
        received: noted.received,
        seen: Seen::Vital(noted.vital, Quality::empty()),
    }
}

pub(super) fn reading(noted: &Noted, device: Option<DeviceId>) -> Reading {
    Reading {
        at: noted.at,
        id: noted.id,
        received: noted.received,
        steps: noted.vital.steps(),
        is_weak: false,
        device,
    }
}
