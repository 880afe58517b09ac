//! A patient's state and the one function that moves it.

/// What triage goes by at this step. Not a method: it borrows what it names and leaves the tracks,
/// the scores and the rest free to be moved.
macro_rules! ground {
    ($state:expr, $rules:expr) => {
        $crate::track::Ground {
            rules: $rules,
            plans: &$state.plans,
            standings: &$state.standings,
            life: &$state.life,
            streamers: &$state.streamers,
            baselines: $state.days.baselines(),
            ticked: $state.ticked,
        }
    };
}

mod calm;
mod observe;
mod pass_over;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, Contact, RecordId, Sensor, VitalKind, WallMs};

use crate::calls::Calls;
use crate::days::{Baseline, Days, Exertion, Trend};
use crate::flag::{Flag, Severity, Verdict};
use crate::gate::Gate;
use crate::home;
use crate::ledger::{Ledger, Voice};
use crate::observation::{Input, Source};
use crate::patient::PatientId;
use crate::plan::{Plan, of_person};
use crate::presence::{Life, Presence, Sign};
use crate::quiet::Quiet;
use crate::rules::{RuleName, RuleSet};
use crate::score::{Scale, Scored, Scoring};
use crate::stream::Streamers;
use crate::track::{Latest, Track};
use crate::whereabouts::{self, PatientStanding, Whereabouts};

use observe::evidence_of;

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
    /// Readings that are put off, and within which bounds.
    #[serde(default, skip_serializing_if = "Quiet::is_blank")]
    quiet: Quiet,
    /// Whether nothing is ever put off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_wakeful: bool,
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
    /// Which devices stream.
    #[serde(default, skip_serializing_if = "Streamers::is_empty")]
    streamers: Streamers,
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
            quiet: Quiet::default(),
            is_wakeful: false,
            rule_set: None,
            ticked: WallMs(i64::MIN),
            plans: Vec::new(),
            standings: Vec::new(),
            life: Life::default(),
            streamers: Streamers::default(),
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

    /// The same, and every reading is folded when it comes: for comparing the two ways.
    #[doc(hidden)]
    #[must_use]
    pub fn wakeful(patient: PatientId) -> Self {
        Self {
            is_wakeful: true,
            ..Self::new(patient)
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
        let ground = ground!(self, rules);
        self.scoring
            .scored(&self.put_off(rules), ground, scale, now)
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
        let put_off = self.quiet.latest(vital);
        put_off.or_else(|| tracks.find(|track| track.kind() == vital)?.latest())
    }

    /// The newest value of a vital sign that the rules remember of some moments, with its time and
    /// in the steps of the vital sign.
    #[must_use]
    pub fn last_of(
        &self,
        vital: VitalKind,
        is_meant: impl Fn(WallMs) -> bool,
    ) -> Option<(WallMs, i32)> {
        let put_off = self.quiet.log().readings();
        let put_off = put_off.filter(|it| it.vital.kind() == vital && is_meant(it.at));
        let put_off = put_off.map(|it| (it.at, it.vital.steps()));
        let mut tracks = self.tracks.iter();
        let track = tracks.find(|track| track.kind() == vital);
        let known = track.into_iter().flat_map(|track| track.stretch(i64::MAX));
        let known = known.map(|it| (it.at, it.steps));
        put_off.chain(known.filter(|(at, _)| is_meant(*at))).max()
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

    /// The plan that says who the patient is at a moment: whose limits hold then, also after its
    /// last day.
    #[must_use]
    pub fn plan_at(&self, at: WallMs) -> Option<&Plan> {
        of_person(&self.plans, at)
    }

    /// The versions of the plan that are remembered, the oldest first.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Where the patient is said to be, as far as it is remembered, the oldest word first.
    #[must_use]
    pub fn standings(&self) -> &[PatientStanding] {
        &self.standings
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
        match self.quiet.proof() {
            Some(proof) => proof.deadline,
            None => self.deadline(),
        }
    }

    fn deadline(&self) -> Option<WallMs> {
        let tracks = self.tracks.iter();
        let tracks = tracks.filter_map(|track| track.next_deadline(&self.standings));
        // At once, by whatever clock.
        let news = self.life.has_news().then_some(WallMs(i64::MIN));
        let home = self.home_check.into_iter().chain(news);
        let scoring = self.scoring.next_deadline(&self.standings).into_iter();
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
    let is_same = state.rule_set.as_ref() == Some(rules.version());
    if !is_same || !state.put_off_input(rules, input, &mut voice) {
        state.fold(rules, input, &mut voice);
    }
    // Raised and confirmed before ended: see `Verdict`.
    verdicts.sort_by_key(|verdict| matches!(verdict, Verdict::End { .. }));
    verdicts
}

impl PatientState {
    /// Takes an input as ever, after what was put off.
    fn fold(&mut self, rules: &RuleSet, input: Input<'_>, voice: &mut Voice<'_>) {
        self.wake(rules, voice);
        if self.rule_set.as_ref() != Some(rules.version()) {
            self.rule_set = Some(rules.version().clone());
            self.retell(rules, voice);
        }
        match input {
            Input::Observation(observation) => {
                self.observe(rules, observation, voice);
                self.settle(rules, observation);
            }
            Input::Elsewhere(observation) => {
                let device = observation.device.clone();
                let device = (observation.source == Source::Device).then_some(device);
                self.see(rules, observation, device, voice);
            }
            Input::Plan(plan) => self.adopt_plan(rules, plan, voice),
            Input::Presence(presence) => self.hear_of(rules, presence, voice),
            Input::Deaf(since) => self.life.be_deaf(since, voice.now),
            Input::Standing(standing) => self.adopt_standing(rules, standing, voice),
            Input::Tick => self.tick(rules, voice),
            Input::SteppedBack => self.step_back(rules, voice),
        }
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

    fn hear_of(&mut self, rules: &RuleSet, presence: &Presence, voice: &mut Voice<'_>) {
        self.life.take(presence, self.ticked, &rules.presence);
        if let Sign::DeviceLost(device) = &presence.sign {
            let at = presence.at.min(presence.received);
            let ground = ground!(self, rules);
            self.calls.lose((device, at), ground, voice);
        }
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

    /// The wall was ahead and is right again: what ticks had reached was not so. What was said on
    /// the way stays said; what stands is told again as it is now.
    fn step_back(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.ticked = self.ticked.min(voice.now);
        self.life.step_back(voice.now);
        self.retell(rules, voice);
    }

    /// A tick may come late or twice; what has passed has passed.
    fn tick(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.ticked = self.ticked.max(voice.now);
        let is_due = |check: Option<WallMs>| check.is_some_and(|check| check <= self.ticked);
        let has_news = self.life.take_news() || is_due(self.home_check);
        let is_silence_due = |track: &Track| track.is_silence_due(self.ticked);
        let is_changing = has_news || self.tracks.iter().any(is_silence_due);
        let ground = ground!(self, rules);
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
        let ground = ground!(self, rules);
        home::settle(&mut self.home, &self.tracks, ground, voice);
        let is_silent = self.tracks.iter().any(Track::is_silent);
        let cause = self.life.next_change(self.ticked, &rules.presence);
        let end = home::next_end(&self.home, ground);
        self.home_check = cause.filter(|_| is_silent).into_iter().chain(end).min();
    }

    fn retell(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) {
        self.regate(rules, voice);
        self.days.retell(rules, &self.plans, voice);
        let ground = ground!(self, rules);
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
}
