//! A patient's state and the one function that moves it.

use serde::{Deserialize, Serialize};
use veglia_wire::{
    Answer, AnswerCode, Contact, Quality, RecordId, Sensor, Site, Vital, VitalKind, WallMs,
};

use crate::calls::Calls;
use crate::days::{Baseline, Days, Exertion, Trend};
use crate::flag::{Evidence, Flag, Severity, Verdict, What};
use crate::gate::{Gate, Known, of_sensor};
use crate::home;
use crate::ledger::Ledger;
use crate::ledger::Voice;
use crate::limit::Reading;
use crate::observation::{Input, Observation, Seen, Source};
use crate::patient::PatientId;
use crate::plan::Plan;
use crate::presence::Life;
use crate::rules::{RuleName, RuleSet};
use crate::score::{Scale, Scored, Scoring};
use crate::stream::Measured;
use crate::track::{Ground, Latest, Taken, Track};
use crate::whereabouts::{self, PatientStanding, Whereabouts};

/// Versions of the plan kept: more than are made while readings of one memory arrive late. Older
/// versions no longer change what is told.
pub const PLANS_MAX: usize = 16;

/// Rows of where the patient is that are kept, for the same reason.
pub const STANDINGS_MAX: usize = 32;

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
    /// By number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    standings: Vec<PatientStanding>,
    /// When the home was heard.
    #[serde(default)]
    life: Life,
    /// The silences of the home as a whole.
    #[serde(default = "home::ledger")]
    home: Ledger,
    /// When the cause of a silence, or the silence of the home, may next change by itself.
    #[serde(default)]
    home_check: Option<WallMs>,
    tracks: Vec<Track>,
    #[serde(default)]
    days: Days,
    /// The newest answer to each question.
    answers: Vec<Said<Answer>>,
    /// The newest word of each sensor.
    contacts: Vec<Said<(Sensor, Contact)>>,
    /// The scores over all of it; none in states of the versions before scores.
    #[serde(default)]
    scoring: Scoring,
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
            standings: Vec::new(),
            life: Life::default(),
            home: home::ledger(),
            home_check: None,
            tracks: VitalKind::ALL.into_iter().map(Track::new).collect(),
            days: Days::default(),
            answers: Vec::new(),
            contacts: Vec::new(),
            scoring: Scoring::default(),
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
        let tracks = self.tracks.iter().flat_map(Track::flags);
        let tracks = tracks.chain(self.home.flags()).chain(self.days.flags());
        tracks.chain(self.scoring.flags()).chain(self.calls.flags())
    }

    /// What a score can be at a moment by the newest values that are fresh enough; none when the
    /// rule set has no such score.
    #[must_use]
    pub fn partial(&self, rules: &RuleSet, scale: Scale, now: WallMs) -> Option<Scored> {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        self.scoring.scored(ground, scale, now)
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

    /// The patient's own resting oxygen saturation, once it is known.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        self.days.baselines().newest()
    }

    /// Where oxygen saturation stands against the baseline, once there is one.
    #[must_use]
    pub fn trend(&self) -> Option<Trend> {
        self.days.trend()
    }

    /// Whether the patient may be asked for a test under exertion now: by the newest value, which
    /// is clean and recent, at rest.
    #[must_use]
    pub fn exertion(&self, rules: &RuleSet, now: WallMs) -> Exertion {
        let rule = &rules.days.exertion;
        let newest = self.last(VitalKind::SpO2).filter(|last| {
            let age_ms = now.since(last.at);
            (0..=rule.rest_within_ms).contains(&age_ms)
                && rules.is_scorable(last.vital, last.quality)
        });
        let score = newest.and_then(|last| rules.score(last.vital));
        match score {
            None => Exertion::RestUnknown,
            Some(score) if score < rule.ask_from => Exertion::RestTooLow,
            Some(_) => Exertion::MayBeAsked,
        }
    }

    /// The earliest moment at which a tick could say something new; a tick before it says
    /// nothing, and a tick at it may still say nothing.
    #[must_use]
    pub fn next_deadline(&self) -> Option<WallMs> {
        let tracks = self.tracks.iter().filter_map(Track::next_deadline);
        let news = self.life.has_news().then_some(self.ticked);
        let home = self.home_check.into_iter().chain(news);
        let scoring = self.scoring.next_deadline().into_iter();
        let others = scoring.chain(self.calls.next_deadline());
        tracks.chain(home).chain(others).min()
    }

    /// Where the patient was at a moment, by all that is known; at home before anything is said.
    #[must_use]
    pub fn whereabouts(&self, at: WallMs) -> Whereabouts {
        whereabouts::whereabouts(&self.standings, at)
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
        Input::Presence(presence) => state.life.take(presence, &rules.presence),
        Input::Deaf(since) => state.life.be_deaf(since, now),
        Input::Standing(standing) => state.adopt_standing(rules, standing, &mut voice),
        Input::Tick => state.tick(rules, &mut voice),
    }
    // Raised and confirmed before ended: see `Verdict`.
    verdicts.sort_by_key(|verdict| matches!(verdict, Verdict::End { .. }));
    verdicts
}

impl PatientState {
    fn observe(&mut self, rules: &RuleSet, observation: &Observation, voice: &mut Voice<'_>) {
        if observation.source == Source::Device {
            let vital = match observation.seen {
                Seen::Vital(vital, _) => Some(vital.kind()),
                Seen::Contact(..) | Seen::Answer(_) => None,
            };
            let (at, received) = (observation.at, observation.received);
            let rule = &rules.presence;
            self.life
                .observe(&observation.device, vital, at, received, rule);
        }
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
                if is_meant(rules, observation, answer)
                    && self.days.answer(said, rules, &self.plans, voice)
                {
                    self.retell_oxygen(rules, voice);
                }
                self.count_answer(rules, observation, answer, voice);
            }
        }
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
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
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
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
            let is_streamed = observation.source == Source::Device && rules.continuous.is_for(kind);
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
                let at = reading.at;
                self.take(rules, kind, reading, voice);
                self.life.explain(at);
            }
            self.judge(rules, kind, otherwise, voice);
        }
    }

    /// A reading goes to the limits of its vital sign, to the scores and to the rules over days.
    fn take(&mut self, rules: &RuleSet, kind: VitalKind, reading: Reading, voice: &mut Voice<'_>) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind() == kind) else {
            return;
        };
        let taken = track.observe(reading, ground, voice);
        let scoring = &mut self.scoring;
        match &taken {
            Taken::Known => {}
            Taken::Newest(one) | Taken::Alone(one) => {
                scoring.measure(kind, std::iter::once(one), ground, voice);
            }
            Taken::Amid => {
                let all: Vec<Measured> = track.measured(rules).collect();
                scoring.measure(kind, all.iter(), ground, voice);
            }
        }
        if remember(&mut self.days, track, taken, rules, &self.plans, voice) {
            self.retell_oxygen(rules, voice);
        }
        self.forget(rules, kind);
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
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
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
        let all: Vec<Measured> = track.measured(rules).collect();
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
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        let kind = of_sensor(sensor);
        let gate = Gate::of(&mut self.gates, kind, ground);
        let otherwise = gate.map(|gate| gate.hold(observation, ground));
        self.judge(rules, kind, otherwise.unwrap_or_default(), voice);
    }

    fn forget(&mut self, rules: &RuleSet, kind: VitalKind) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.kind() == kind) {
            track.forget(ground);
        }
    }

    /// Another baseline has oxygen judged again.
    fn retell_oxygen(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
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
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        self.scoring
            .answer(&evidence, observation.received, ground, voice);
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

    fn adopt_standing(
        &mut self,
        rules: &RuleSet,
        standing: &PatientStanding,
        voice: &mut Voice<'_>,
    ) {
        if standing.patient != self.patient {
            return;
        }
        let number = |known: &PatientStanding| known.number;
        let Err(place) = self
            .standings
            .binary_search_by_key(&standing.number, number)
        else {
            return;
        };
        self.standings.insert(place, *standing);
        if self.standings.len() > STANDINGS_MAX {
            self.standings.remove(0);
        }
        self.retell(rules, voice);
    }

    /// The wall may step back; what has passed has passed.
    fn tick(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.ticked = self.ticked.max(voice.now);
        let is_due = |check: Option<WallMs>| check.is_some_and(|check| check <= self.ticked);
        let has_news = self.life.take_news() || is_due(self.home_check);
        let is_silence_due = |track: &Track| track.is_silence_due(self.ticked);
        let is_changing = has_news || self.tracks.iter().any(is_silence_due);
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        for track in &mut self.tracks {
            track.tick(ground, voice);
            if has_news {
                track.retell_silence(ground, voice);
            }
        }
        self.scoring.tick(ground, voice);
        self.calls.tick(&self.tracks, ground, voice);
        if is_changing {
            self.settle_home(rules, voice);
        }
    }

    /// What is true of the home as a whole, after all vital signs were settled.
    fn settle_home(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        home::settle(&mut self.home, &self.tracks, ground, voice);
        let is_silent = self.tracks.iter().any(Track::is_silent);
        let cause = self.life.next_change(self.ticked, &rules.presence);
        let end = home::next_end(&self.home, ground);
        self.home_check = cause.filter(|_| is_silent).into_iter().chain(end).min();
    }

    fn retell(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.regate(rules, voice);
        self.days.retell(rules, &self.plans, voice);
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
        for track in &mut self.tracks {
            track.retell(ground, voice);
        }
        self.calls
            .retell(&self.tracks, &self.answers, ground, voice);
        if self.scoring.is_blank() {
            let tracks = self.tracks.iter();
            let measured = tracks.flat_map(|track| {
                let measured = track.measured(rules);
                measured.map(|it| (track.kind(), it))
            });
            let answers = self.answers.iter();
            let answers = answers.map(|said| evidence_of(said.id, said.at, said.what));
            self.scoring.begin(measured, answers, rules);
        }
        self.scoring.retell(ground, voice);
        self.settle_home(rules, voice);
    }

    /// Asks the gates again: under other plans or rules they may think otherwise.
    fn regate(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        let ground = Ground {
            rules,
            plans: &self.plans,
            standings: &self.standings,
            life: &self.life,
            baselines: self.days.baselines(),
            ticked: self.ticked,
        };
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

fn evidence_of(id: RecordId, at: WallMs, answer: Answer) -> Evidence {
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
