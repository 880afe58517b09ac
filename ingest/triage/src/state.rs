//! A patient's state and the one function that moves it.

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, Contact, Quality, RecordId, Sensor, Vital, VitalKind, WallMs};

use crate::calls::Calls;
use crate::flag::{Flag, Severity, Verdict};
use crate::gate::{Gate, Known, of_sensor};
use crate::ledger::Voice;
use crate::limit::Reading;
use crate::observation::{Input, Observation, Seen, Source};
use crate::patient::PatientId;
use crate::plan::Plan;
use crate::rules::{RuleName, RuleSet};
use crate::track::{Ground, Latest, Track};

/// Versions of the plan kept: more than are made while readings of one memory arrive late. Older
/// versions no longer change what is told.
pub const PLANS_MAX: usize = 16;

/// Size of a serialised state (JSON) is below this: four vital signs with full memory, a flag to
/// every second reading. A snapshot of all patients is sized by it; a usual state is a few KiB.
pub const STATE_BYTES_MAX: usize = 512 * 1024;

/// Something a person or a sensor said, kept as the newest of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<T> {
    /// The record.
    pub id: RecordId,
    /// When.
    pub at: WallMs,
    /// What.
    pub what: T,
}

/// All that triage remembers of a patient. It is serialised with the cursor of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientState {
    patient: PatientId,
    /// The rule set the stories were told by.
    rule_set: Option<RuleName>,
    ticked: WallMs,
    /// By version.
    plans: Vec<Plan>,
    tracks: Vec<Track>,
    /// The newest answer to each question.
    answers: Vec<Said<Answer>>,
    /// The newest word of each sensor.
    contacts: Vec<Said<(Sensor, Contact)>>,
    /// What stands before the tracks; none in states of the versions before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gates: Vec<Gate>,
    /// The rules that wait for no second value.
    #[serde(default)]
    calls: Calls,
}

impl PatientState {
    /// A patient of whom nothing is known yet.
    #[must_use]
    pub fn new(patient: PatientId) -> Self {
        Self {
            patient,
            rule_set: None,
            ticked: WallMs(i64::MIN),
            plans: Vec::new(),
            tracks: VitalKind::ALL.into_iter().map(Track::new).collect(),
            answers: Vec::new(),
            contacts: Vec::new(),
            gates: Vec::new(),
            calls: Calls::default(),
        }
    }

    /// Whose.
    #[must_use]
    pub fn patient(&self) -> PatientId {
        self.patient
    }

    /// Flags whose episode goes on, the gravest first.
    #[must_use]
    pub fn open_flags(&self) -> Vec<Flag> {
        let open = self.flags().filter(|(_, is_open)| *is_open);
        let mut open: Vec<Flag> = open.map(|(flag, _)| flag).collect();
        open.sort_by(|a, b| (b.severity, a.since, &a.id).cmp(&(a.severity, b.since, &b.id)));
        open
    }

    /// Every flag within memory that stands by what is known now, and whether its episode goes
    /// on. Withdrawn flags are not among them.
    pub fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        self.tracks
            .iter()
            .flat_map(Track::flags)
            .chain(self.calls.flags())
    }

    /// The gravest open flag's severity.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        let open = self.flags().filter(|(_, is_open)| *is_open);
        open.map(|(flag, _)| flag.severity).max()
    }

    /// The newest reading of a vital sign by time of measuring, whatever its quality, unless its
    /// own time is in doubt. It says when it was measured: old is not low.
    #[must_use]
    pub fn last(&self, vital: VitalKind) -> Option<&Latest> {
        let mut tracks = self.tracks.iter();
        tracks.find(|track| track.kind() == vital)?.latest()
    }

    /// Whether the newest reading of a vital sign is no measurement although nothing is said
    /// against it: the device repeats it, holds it or ends at it. It is shown greyed.
    #[must_use]
    pub fn is_greyed(&self, vital: VitalKind) -> bool {
        let gate = self.gates.iter().find(|gate| gate.kind() == vital);
        let last = self.last(vital).map(|last| (last.at, last.id));
        gate.zip(last)
            .is_some_and(|(gate, last)| gate.is_grey(last))
    }

    /// The newest answer to each question that was answered.
    #[must_use]
    pub fn answers(&self) -> &[Said<Answer>] {
        &self.answers
    }

    /// The newest word of each sensor that said whether it is on the body.
    #[must_use]
    pub fn contacts(&self) -> &[Said<(Sensor, Contact)>] {
        &self.contacts
    }

    /// The plan with the highest version, in force or not.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.plans.last()
    }

    /// The earliest moment at which a tick could say something new; a tick before it says
    /// nothing, and a tick at it may still say nothing.
    #[must_use]
    pub fn next_deadline(&self) -> Option<WallMs> {
        let tracks = self.tracks.iter().filter_map(Track::next_deadline);
        tracks.chain(self.calls.next_deadline()).min()
    }
}

/// Moves a patient's state by one input and says what is new.
///
/// `now` is the centre's time at which the input was known. The flags that stand are a function
/// of the observations, the plans and the latest tick, and not of the order in which they came:
/// what differs by order is what was said on the way. An input that was given before changes
/// nothing; a plan of another patient is not this patient's and changes nothing either.
pub fn step(
    rules: &RuleSet,
    state: &mut PatientState,
    input: Input<'_>,
    now: WallMs,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let patient = state.patient;
    let mut voice = Voice {
        patient,
        rule_set: rules.version(),
        now,
        verdicts: &mut verdicts,
    };
    if state.rule_set.as_ref() != Some(rules.version()) {
        state.rule_set = Some(rules.version().clone());
        state.retell(rules, &mut voice);
    }
    match input {
        Input::Observation(observation) => state.observe(rules, observation, &mut voice),
        Input::Plan(plan) => state.adopt_plan(rules, plan, &mut voice),
        Input::Tick => state.tick(rules, &mut voice),
    }
    // Raised and confirmed before ended: see `Verdict`.
    verdicts.sort_by_key(|verdict| matches!(verdict, Verdict::End { .. }));
    verdicts
}

impl PatientState {
    fn observe(&mut self, rules: &RuleSet, observation: &Observation, voice: &mut Voice<'_>) {
        match observation.seen {
            Seen::Vital(vital, quality) => self.measure(rules, observation, vital, quality, voice),
            Seen::Contact(sensor, contact) => {
                self.hold(rules, observation, sensor, voice);
                let said = said(observation, (sensor, contact));
                keep_newest(&mut self.contacts, said, |(known, _)| *known == sensor);
            }
            Seen::Answer(answer) => {
                let said = said(observation, answer);
                keep_newest(&mut self.answers, said, |known| known.code == answer.code);
            }
        }
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
        self.calls.observe(observation, &self.tracks, ground, voice);
    }

    fn measure(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        vital: Vital,
        quality: Quality,
        voice: &mut Voice<'_>,
    ) {
        let ahead = observation.at.since(observation.received);
        let is_ahead = ahead > rules.arrival.ahead_tolerance_ms;
        if is_ahead || quality.contains(Quality::TIME_UNCERTAIN) {
            return;
        }
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
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
            let is_streamed =
                observation.source == Source::Device && rules.continuous.vital == kind;
            let reading = Reading {
                at: observation.at,
                id: observation.id,
                received: observation.received,
                steps: vital.steps(),
                device: is_streamed.then(|| observation.device.clone()),
            };
            let gate = Gate::of(&mut self.gates, kind, ground).filter(|_| is_streamed);
            let gate = gate.map(|gate| gate.hear(&reading, ground));
            let (is_through, otherwise) = gate.unwrap_or((true, Vec::new()));
            if is_through {
                track.observe(reading, ground, voice);
            }
            self.judge(rules, kind, otherwise, voice);
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
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind() == kind) else {
            return;
        };
        if let [Known { is_grey: false, .. }] = otherwise.as_slice() {
            for it in otherwise.drain(..) {
                track.observe(it.reading, ground, voice);
            }
        }
        if otherwise.is_empty() {
            return;
        }
        let alone = track.correct(otherwise);
        track.retell(ground, voice);
        for reading in alone {
            track.observe(reading, ground, voice);
        }
    }

    /// A sensor said how it holds on the body.
    fn hold(
        &mut self,
        rules: &RuleSet,
        observation: &Observation,
        sensor: Sensor,
        voice: &mut Voice<'_>,
    ) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
        let kind = of_sensor(sensor);
        let gate = Gate::of(&mut self.gates, kind, ground);
        let otherwise = gate.map(|gate| gate.hold(observation, ground));
        self.judge(rules, kind, otherwise.unwrap_or_default(), voice);
    }

    fn adopt_plan(&mut self, rules: &RuleSet, plan: &Plan, voice: &mut Voice<'_>) {
        if plan.patient != self.patient {
            return;
        }
        let version = |known: &Plan| known.version;
        let Err(place) = self.plans.binary_search_by_key(&plan.version, version) else {
            return;
        };
        self.plans.insert(place, plan.clone());
        if self.plans.len() > PLANS_MAX {
            self.plans.remove(0);
        }
        self.retell(rules, voice);
    }

    /// The wall may step back; what has passed has passed.
    fn tick(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.ticked = self.ticked.max(voice.now);
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
        for track in &mut self.tracks {
            track.tick(ground, voice);
        }
        self.calls.tick(&self.tracks, ground, voice);
    }

    fn retell(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            ticked: self.ticked,
        };
        for gate in &mut self.gates {
            let otherwise = gate.think_again(ground);
            let mut tracks = self.tracks.iter_mut();
            if let Some(track) = tracks.find(|track| track.kind() == gate.kind()) {
                // What is too old to be told again was judged under the plans before.
                drop(track.correct(otherwise));
            }
        }
        for track in &mut self.tracks {
            track.retell(ground, voice);
        }
        self.calls
            .retell(&self.tracks, &self.answers, ground, voice);
    }
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
