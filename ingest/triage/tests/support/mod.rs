//! A patient at home for the tests: readings by the minute, and what was said of them.
#![expect(
    dead_code,
    reason = "each test file is a program of its own and uses its part"
)]

pub(crate) mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use veglia_triage::{
    Calling, Expected, Flag, How, Input, LocalTime, Observation, OxygenScale, Parameter, PatientId,
    PatientState, Plan, PlanVersion, RuleSet, Seen, Source, Standing, Verdict, Why, step,
};
use veglia_wire::{
    Answer, AnswerCode, DeviceId, Epoch, Quality, RecordId, Sequence, Site, Vital, VitalKind,
    WallMs,
};

/// Tuesday 20 October 2020, 08:00 in Milano.
pub(crate) const START: i64 = 1_603_173_600_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const PATIENT: PatientId = PatientId::new(0xa11ce);

pub(crate) fn minute(minutes: i64) -> WallMs {
    WallMs(START + minutes * MINUTE)
}

pub(crate) fn record(number: u64) -> RecordId {
    RecordId {
        epoch: Epoch(7),
        sequence: Sequence::new(number).expect("tests count from 1"),
    }
}

pub(crate) fn spo2(percent_tenths: i32) -> Vital {
    Vital::from_steps(VitalKind::SpO2, percent_tenths, Site::Unknown).expect("a possible value")
}

pub(crate) fn temperature(hundredths: i32) -> Vital {
    Vital::from_steps(VitalKind::Temperature, hundredths, Site::Armpit).expect("a possible value")
}

/// A value in whole units of its vital sign.
pub(crate) fn whole(kind: VitalKind, units: i32) -> Vital {
    let steps = units * kind.steps_per_unit();
    Vital::from_steps(kind, steps, Site::Unknown).expect("a possible value")
}

/// Something a person answered on the telephone.
pub(crate) fn answered(number: u64, at: WallMs, code: AnswerCode, value: i32) -> Observation {
    Observation {
        source: Source::ByPhone,
        seen: Seen::Answer(Answer { code, value }),
        ..seen(number, at, spo2(970), Quality::empty())
    }
}

/// What was said of scores.
pub(crate) fn of_scores(verdicts: &[Verdict]) -> Vec<Verdict> {
    let of_score = |it: &&Verdict| {
        let rule = it.id().rule.as_str();
        rule.starts_with("news2-") || rule.starts_with("mews-")
    };
    verdicts.iter().filter(of_score).cloned().collect()
}

pub(crate) fn seen(number: u64, at: WallMs, vital: Vital, quality: Quality) -> Observation {
    Observation {
        id: record(number),
        device: DeviceId::new("nonin:501234").expect("a device id"),
        source: Source::Device,
        at,
        received: at,
        seen: Seen::Vital(vital, quality),
    }
}

pub(crate) fn every(vital: VitalKind, minutes: u32, grace_minutes: u32) -> Parameter {
    Parameter {
        vital,
        expected: Expected::EveryMinutes(minutes),
        grace_minutes,
    }
}

pub(crate) fn daily(vital: VitalKind, times: &[&str], grace_minutes: u32) -> Parameter {
    let times = times
        .iter()
        .map(|time| time.parse::<LocalTime>().expect("a time of day"));
    Parameter {
        vital,
        expected: Expected::DailyAt(times.collect()),
        grace_minutes,
    }
}

pub(crate) fn plan(version: i64, from: WallMs, parameters: Vec<Parameter>) -> Plan {
    Plan {
        patient: PATIENT,
        version: PlanVersion(version),
        from,
        until: None,
        parameters,
        spo2: None,
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: Calling::default(),
    }
}

/// Read once: a property test makes hundreds of homes.
static SHIPPED: LazyLock<RuleSet> = LazyLock::new(RuleSet::shipped);

/// A patient, the shipped rules, and everything that was said, as a reader of it would know it.
pub(crate) struct Home {
    pub(crate) rules: RuleSet,
    pub(crate) state: PatientState,
    pub(crate) known: Known,
    numbers: u64,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            rules: SHIPPED.clone(),
            state: PatientState::new(PATIENT),
            known: Known::default(),
            numbers: 0,
        }
    }

    /// The same home under the shipped rules with one line changed.
    pub(crate) fn adopt(&mut self, from: &str, to: &str) {
        let text = include_str!("../../rules/home-2020.toml");
        assert!(text.contains(from), "{from} stands in the file");
        self.rules = RuleSet::parse(&text.replacen(from, to, 1)).expect("still a rule set");
    }

    pub(crate) fn give(&mut self, input: Input<'_>, now: WallMs) -> Vec<Verdict> {
        let verdicts = step(&self.rules, &mut self.state, input, now);
        self.known.hear(&verdicts);
        verdicts
    }

    pub(crate) fn observe(&mut self, observation: &Observation) -> Vec<Verdict> {
        self.give(Input::Observation(observation), observation.received)
    }

    pub(crate) fn plan(&mut self, plan: &Plan) -> Vec<Verdict> {
        self.give(Input::Plan(plan), plan.from)
    }

    pub(crate) fn tick(&mut self, minutes: i64) -> Vec<Verdict> {
        self.give(Input::Tick, minute(minutes))
    }

    /// Measured and received at a minute, clean.
    pub(crate) fn vital(&mut self, minutes: i64, vital: Vital) -> Vec<Verdict> {
        self.quality(minutes, vital, Quality::empty())
    }

    pub(crate) fn quality(&mut self, minutes: i64, vital: Vital, quality: Quality) -> Vec<Verdict> {
        self.numbers += 1;
        let observation = seen(self.numbers, minute(minutes), vital, quality);
        self.observe(&observation)
    }

    /// Measured at a minute and received at another.
    pub(crate) fn late(&mut self, measured: i64, received: i64, vital: Vital) -> Vec<Verdict> {
        self.numbers += 1;
        let mut observation = seen(self.numbers, minute(measured), vital, Quality::empty());
        observation.received = minute(received);
        self.observe(&observation)
    }

    /// In whole units; what was said of scores.
    pub(crate) fn score(&mut self, minutes: i64, kind: VitalKind, units: i32) -> Vec<Verdict> {
        of_scores(&self.vital(minutes, whole(kind, units)))
    }

    /// What was said of scores.
    pub(crate) fn answer(&mut self, minutes: i64, code: AnswerCode, value: i32) -> Vec<Verdict> {
        self.numbers += 1;
        let observation = answered(self.numbers, minute(minutes), code, value);
        of_scores(&self.observe(&observation))
    }

    pub(crate) fn spo2(&mut self, minutes: i64, percent: i32) -> Vec<Verdict> {
        self.vital(minutes, spo2(percent * 10))
    }

    /// Rules of the flags whose episode goes on, the gravest first.
    pub(crate) fn open(&self) -> Vec<String> {
        let open = self.state.open_flags();
        open.iter().map(|flag| flag.id.rule.to_string()).collect()
    }

    /// A restart: the state goes to a file and comes back.
    pub(crate) fn restart(&mut self) {
        let text = serde_json::to_string(&self.state).expect("a state is data");
        let state: PatientState = serde_json::from_str(&text).expect("what was written is read");
        assert_eq!(state, self.state);
        self.state = state;
    }
}

/// What a reader who hears every verdict knows of each flag: its standing, and whether it is over
/// and why. A later telling replaces an earlier one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Known(pub(crate) BTreeMap<String, (Standing, Option<Why>)>);

impl Known {
    pub(crate) fn hear(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let id = verdict.id().to_string();
            match verdict {
                Verdict::Raise(flag) => {
                    self.0.insert(id, (flag.standing, None));
                }
                Verdict::Confirm { how, at, .. } => {
                    let known = self.0.get_mut(&id).expect("confirmed after it was raised");
                    known.0 = Standing::Confirmed { how: *how, at: *at };
                    assert!(known.1.is_none(), "confirmed while open");
                }
                Verdict::End { why, .. } => {
                    self.0.get_mut(&id).expect("ended after it was raised").1 = Some(*why);
                }
            }
        }
    }

    pub(crate) fn open(&self) -> BTreeMap<String, Standing> {
        let open = self.0.iter().filter(|(_, (_, end))| end.is_none());
        open.map(|(id, (standing, _))| (id.clone(), *standing))
            .collect()
    }

    /// Flags that stand, open or over: those that were not taken back.
    pub(crate) fn standing(&self) -> BTreeSet<String> {
        let stands = |end: Option<Why>| end != Some(Why::ExplainedByLateData);
        let standing = self.0.iter().filter(|(_, (_, end))| stands(*end));
        standing.map(|(id, _)| id.clone()).collect()
    }
}

/// Verdicts as short words: `raise spo2-red unconfirmed`, `confirm spo2-red Repeat`,
/// `end spo2-red NotConfirmed`.
pub(crate) fn words(verdicts: &[Verdict]) -> Vec<String> {
    let word = |verdict: &Verdict| {
        let rule = &verdict.id().rule;
        match verdict {
            Verdict::Raise(flag) => format!("raise {rule} {}", standing(flag.standing)),
            Verdict::Confirm { how, .. } => format!("confirm {rule} {how:?}"),
            Verdict::End { why, .. } => format!("end {rule} {why:?}"),
        }
    };
    verdicts.iter().map(word).collect()
}

fn standing(standing: Standing) -> String {
    match standing {
        Standing::Unconfirmed { .. } => "unconfirmed".to_owned(),
        Standing::Confirmed { how, .. } => format!("{how:?}"),
    }
}

/// The flag of a verdict that raises one.
pub(crate) fn raised(verdicts: &[Verdict]) -> &Flag {
    let mut raised = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Raise(flag) => Some(flag),
        _ => None,
    });
    raised.next().expect("a flag was raised")
}

pub(crate) const MISSED: How = How::MissedRepeat;

/// Every flag that stands, as text, without the numbering of what was said on the way, and
/// whether its episode goes on.
pub(crate) fn told(home: &Home) -> Vec<(String, bool)> {
    let flags = home.state.flags().map(|(mut flag, is_open)| {
        flag.telling = 0;
        (
            serde_json::to_string(&flag).expect("a flag is data"),
            is_open,
        )
    });
    let mut flags: Vec<_> = flags.collect();
    flags.sort();
    flags
}
