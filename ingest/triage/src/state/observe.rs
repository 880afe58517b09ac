//! How an observation moves a patient's state: through the gate to the limits, to the scores and
//! to the rules over days.
//!
//! A reading that the gate greys goes nowhere; when the gate thinks otherwise of it later, all
//! three are corrected together.

use veglia_wire::{
    Answer, AnswerCode, DeviceId, Quality, RecordId, Sensor, Site, Vital, VitalKind, WallMs,
};

use super::{PatientState, Said};
use crate::days::Days;
use crate::flag::{Evidence, What};
use crate::gate::{Gate, Known, of_sensor};
use crate::ledger::Voice;
use crate::limit::Reading;
use crate::observation::{Observation, Seen, Source};
use crate::plan::Plan;
use crate::rules::RuleSet;
use crate::signal::WEAK;
use crate::stream::{Measured, Streamers};
use crate::track::{Latest, Taken, Track};

impl PatientState {
    pub(super) fn observe(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        voice: &mut Voice<'_>,
    ) {
        let device = (observation.source == Source::Device).then(|| {
            let vital = match observation.seen {
                Seen::Vital(vital, _) => Some(vital.kind()),
                Seen::Contact(..) | Seen::Answer(_) => None,
            };
            let (at, received) = (observation.at, observation.received);
            let rule = &rules.presence;
            self.life
                .observe(&observation.device, vital, at, received, self.ticked, rule)
        });
        self.see(rules, observation, device, voice);
    }

    /// What was seen, whatever it says of the home.
    pub(super) fn see(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        device: Option<DeviceId>,
        voice: &mut Voice<'_>,
    ) {
        match observation.seen {
            Seen::Vital(vital, quality) => {
                self.measure(rules, observation, device, (vital, quality), voice);
            }
            Seen::Contact(sensor, contact) => {
                self.hold(rules, observation, sensor, voice);
                let said = said(observation, (sensor, contact));
                keep_newest(&mut self.contacts, said, |(known, _)| *known == sensor);
            }
            Seen::Answer(answer) => {
                let said = said(observation, answer);
                keep_newest(&mut self.answers, said, |known| known.code == answer.code);
                if is_meant(rules, observation, answer)
                    && self.days.answer(said, rules, &self.plans, voice)
                {
                    self.retell_oxygen(rules, voice);
                }
                self.count_answer(rules, observation, answer, voice);
            }
        }
        let ground = ground!(self, rules);
        self.calls.observe(observation, &self.tracks, ground, voice);
    }

    fn measure(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        device: Option<DeviceId>,
        (vital, quality): (Vital, Quality),
        voice: &mut Voice<'_>,
    ) {
        let ahead = observation.at.since(observation.received);
        let is_ahead = ahead > rules.arrival.ahead_tolerance_ms;
        if is_ahead || quality.contains(Quality::TIME_UNCERTAIN) {
            return;
        }
        let ground = ground!(self, rules);
        let kind = vital.kind();
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind() == kind) else {
            return;
        };
        track.show(Latest {
            id: observation.id,
            at: observation.at,
            vital,
            quality,
        });
        if rules.is_scorable(vital, quality) {
            let device = device.filter(|_| rules.continuous.is_for(kind));
            let is_streamed = device.is_some();
            let reading = Reading {
                at: observation.at,
                id: observation.id,
                received: observation.received,
                steps: vital.steps(),
                is_weak: quality.intersects(WEAK),
                device,
            };
            let gate = Gate::of(&mut self.gates, kind, ground).filter(|_| is_streamed);
            let gate = gate.map(|gate| gate.hear(&reading, ground));
            let (is_through, otherwise) = gate.unwrap_or((true, Vec::new()));
            if is_through {
                let at = reading.at;
                self.take(rules, kind, reading, voice);
                self.life.explain(at);
            }
            self.judge(rules, kind, otherwise, voice);
        }
    }

    /// A reading goes to the limits of its vital sign, to the scores and to the rules over days.
    fn take(&mut self, rules: &RuleSet, kind: VitalKind, reading: Reading, voice: &mut Voice<'_>) {
        let ground = ground!(self, rules);
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind() == kind) else {
            return;
        };
        let was_put_off = track.was_put_off(reading.at);
        let taken = track.observe(reading, ground, voice);
        let scoring = &mut self.scoring;
        let is_taught = |it: &Measured<'_>| Streamers::is_taught_by(it, &rules.continuous);
        let mut streams: Vec<(DeviceId, WallMs)> = Vec::new();
        match &taken {
            Taken::Known => {}
            Taken::Newest(one) | Taken::Alone(one) => {
                if is_taught(one) {
                    let device = track.newest_device().cloned();
                    streams.extend(device.map(|device| (device, one.at)));
                }
                scoring.measure(kind, std::iter::once(one), ground, voice);
            }
            Taken::Amid => {
                let all: Vec<Measured<'_>> = track.measured(rules).collect();
                let settled = all.iter().filter(|it| is_taught(it));
                streams.extend(settled.filter_map(|it| Some((it.device?.clone(), it.at))));
                scoring.measure(kind, all.iter(), ground, voice);
            }
        }
        if !was_put_off && remember(&mut self.days, track, taken, rules, &self.plans, voice) {
            self.retell_oxygen(rules, voice);
        }
        for (device, at) in streams {
            if self.streamers.learn(&device, at) {
                self.retell_streams(rules, voice);
            }
        }
        self.forget(rules, kind);
    }

    /// A device is known to stream: its lone readings are judged again.
    fn retell_streams(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = ground!(self, rules);
        let streamed = |track: &&mut Track| rules.continuous.is_for(track.kind());
        for track in self.tracks.iter_mut().filter(streamed) {
            track.retell_readings(ground, voice);
        }
    }

    /// The gate thinks otherwise of readings: those it lets through go to the rules, the others
    /// are taken back from them. All that follows is told at once.
    fn judge(
        &mut self,
        rules: &RuleSet,
        kind: VitalKind,
        mut otherwise: Vec<Known>,
        voice: &mut Voice<'_>,
    ) {
        if let [Known { is_grey: false, .. }] = otherwise.as_slice() {
            for it in otherwise.drain(..) {
                self.take(rules, kind, it.reading, voice);
            }
        }
        if otherwise.is_empty() {
            return;
        }
        for reading in self.correct(rules, kind, otherwise, voice) {
            self.take(rules, kind, reading, voice);
        }
    }

    /// Puts readings before the rules and takes others back from them; what is too old to have
    /// its place again is given back.
    fn correct(
        &mut self,
        rules: &RuleSet,
        kind: VitalKind,
        otherwise: Vec<Known>,
        voice: &mut Voice<'_>,
    ) -> Vec<Reading> {
        let ground = ground!(self, rules);
        let mut tracks = self.tracks.iter_mut();
        let track = tracks.find(|track| track.kind() == kind);
        let Some(track) = track.filter(|_| !otherwise.is_empty()) else {
            return Vec::new();
        };
        let greyed: Vec<RecordId> = otherwise
            .iter()
            .filter(|it| it.is_grey)
            .map(|it| it.reading.id)
            .collect();
        let alone = track.correct(otherwise);
        track.retell(ground, voice);
        let all: Vec<Measured<'_>> = track.measured(rules).collect();
        self.scoring
            .correct(kind, &greyed, all.iter(), ground, voice);
        if self
            .days
            .correct(kind, &greyed, all.into_iter(), rules, &self.plans, voice)
        {
            self.retell_oxygen(rules, voice);
        }
        self.forget(rules, kind);
        alone
    }

    /// A sensor said how it holds on the body.
    fn hold(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        sensor: Sensor,
        voice: &mut Voice<'_>,
    ) {
        let ground = ground!(self, rules);
        let kind = of_sensor(sensor);
        let gate = Gate::of(&mut self.gates, kind, ground);
        let otherwise = gate.map(|gate| gate.hold(observation, ground));
        self.judge(rules, kind, otherwise.unwrap_or_default(), voice);
    }

    fn forget(&mut self, rules: &RuleSet, kind: VitalKind) {
        let ground = ground!(self, rules);
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.kind() == kind) {
            track.forget(ground);
        }
    }

    /// Another baseline has oxygen judged again.
    pub(super) fn retell_oxygen(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = ground!(self, rules);
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.kind() == VitalKind::SpO2) {
            track.retell(ground, voice);
        }
    }

    /// Scores count some answers, by when they were given.
    fn count_answer(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        answer: Answer,
        voice: &mut Voice<'_>,
    ) {
        let ahead = observation.at.since(observation.received);
        if ahead > rules.arrival.ahead_tolerance_ms {
            return;
        }
        let evidence = evidence_of(observation.id, observation.at, answer);
        let ground = ground!(self, rules);
        self.scoring
            .answer(&evidence, observation.received, ground, voice);
    }

    /// Asks the gates again: under other plans or rules they may think otherwise.
    pub(super) fn regate(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = ground!(self, rules);
        let gates = self.gates.iter_mut();
        let thoughts = gates.map(|gate| (gate.kind(), gate.think_again(ground)));
        let thoughts: Vec<(VitalKind, Vec<Known>)> = thoughts.collect();
        for (kind, otherwise) in thoughts {
            // What is too old to be told again was judged under the plans before.
            drop(self.correct(rules, kind, otherwise, voice));
        }
    }
}

/// What a reading says over days; whether the baseline is another one by it.
fn remember(
    days: &mut Days,
    track: &Track,
    taken: Taken,
    rules: &RuleSet,
    plans: &[Plan],
    voice: &mut Voice<'_>,
) -> bool {
    let kind = track.kind();
    match taken {
        Taken::Known => false,
        Taken::Newest(one) | Taken::Alone(one) => {
            days.observe(kind, std::iter::once(one), rules, plans, voice)
        }
        Taken::Amid => days.observe(kind, track.measured(rules), rules, plans, voice),
    }
}

/// Whether an answer over days is dated before its arrival and, if it is an oxygen saturation, one
/// that an oximeter could show.
fn is_meant(rules: &RuleSet, observation: &Observation, answer: Answer) -> bool {
    let ahead = observation.at.since(observation.received);
    let is_oxygen = matches!(
        answer.code,
        AnswerCode::WalkingLowestSpO2
            | AnswerCode::SitToStandLowestSpO2
            | AnswerCode::ExertionRestingSpO2
            | AnswerCode::BaselineSpO2
    );
    let value = Vital::from_steps(VitalKind::SpO2, answer.value, Site::Unknown);
    let is_shown = value.is_ok_and(|value| rules.is_scorable(value, Quality::empty()));
    ahead <= rules.arrival.ahead_tolerance_ms && (!is_oxygen || is_shown)
}

pub(super) fn evidence_of(id: RecordId, at: WallMs, answer: Answer) -> Evidence {
    let what = What::Answer { answer };
    Evidence { id, at, what }
}

fn said<T>(observation: &Observation, what: T) -> Said<T> {
    Said {
        id: observation.id,
        at: observation.at,
        what,
    }
}

/// One entry per kind, so the list is as short as the kinds are few.
fn keep_newest<T>(list: &mut Vec<Said<T>>, said: Said<T>, is_same: impl Fn(&T) -> bool) {
    match list.iter_mut().find(|known| is_same(&known.what)) {
        Some(known) if (known.at, known.id) < (said.at, said.id) => *known = said,
        Some(_) => {}
        None => list.push(said),
    }
}
