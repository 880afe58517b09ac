//! Rules over days: the patient's own baseline, a slow fall, a restless course, a fever that does
//! not end, and tests under exertion.
//!
//! The readings of two days say nothing of a week. So a few values a day are kept (`memory.rs`): of
//! oxygen the first in each four hours, so that a stream weighs no more than a diary; of
//! temperature the highest in each hour. Which value stands for its time follows from the set of
//! values, and not from the order in which they came; each rule is a fold over them, done again
//! whenever one changes. So late, shuffled and doubled data make the same flags, for as long as
//! the values are kept; what is older is folded away, and a value from before it is not heard.
//!
//! **Amber only.** A trend, a spread and a test call somebody for the day. Red is the business of
//! limits, of symptoms and of scores. A trend that a limit speaks of already says nothing: it
//! begins by a value that no limit flags.
//!
//! Deliberately absent: a forecast, a season of the day, a second patient to compare with.

mod baseline;
mod exertion;
mod fever;
mod memory;
mod oxygen;
mod thread;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, AnswerCode, RecordId, VitalKind, WallMs};

use crate::flag::{About, Flag, Severity};
use crate::ledger::{Ledger, Stories, Voice};
use crate::plan::Plan;
use crate::rules::{RuleName, RuleSet};
use crate::state::Said;
use crate::stream::Measured;

use memory::{Kept, Memory, Sample};

pub(crate) use baseline::Baselines;
pub use baseline::{Baseline, Origin};
pub use exertion::Exertion;
pub use oxygen::Trend;

/// Tests under exertion, recorded baselines and antipyretics kept, of each kind: two a day for two
/// weeks.
const SAID_MAX: usize = 32;

/// What the folds go by.
#[derive(Clone, Copy)]
struct Setting<'a> {
    rules: &'a RuleSet,
    plans: &'a [Plan],
}

/// Which readings may stand for a slot in the place of the one that does: those from its end on,
/// those that are higher, or any while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    until: WallMs,
    highest: i32,
    is_open: bool,
}

impl Slot {
    /// Of a vital sign without rules over days.
    const NONE: Self = Self {
        until: WallMs(i64::MAX),
        highest: i32::MAX,
        is_open: false,
    };

    /// Any reading may be the first.
    const UNKNOWN: Self = Self {
        is_open: true,
        ..Self::NONE
    };

    /// Whether a later reading may stand for its slot.
    pub(crate) fn may_take(&self, at: WallMs, steps: i32) -> bool {
        self.is_open || self.until <= at || self.highest < steps
    }
}

/// A rule over days at work: what it has said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Line(Option<Ledger>);

impl Line {
    fn adopt(
        &mut self,
        rule: &RuleName,
        vital: VitalKind,
        severity: Severity,
        voice: &mut Voice<'_>,
    ) {
        if let Some(other) = self.0.as_mut().filter(|it| it.rule() != rule) {
            other.close(voice);
            self.0 = None;
        }
        let new = || Ledger::new(rule.clone(), About::Vital(vital), severity);
        self.0.get_or_insert_with(new).adopt(severity);
    }

    /// Tells what is true now; what began up to `floor` and is over is not told again.
    fn retell(&mut self, stories: Stories, floor: Option<WallMs>, voice: &mut Voice<'_>) {
        let Some(ledger) = &mut self.0 else {
            return;
        };
        let told: Vec<_> = stories.0.iter().map(|story| story.trigger).collect();
        let is_past = |since: WallMs| floor.is_some_and(|floor| since <= floor);
        ledger.retell(stories.0, voice, |story| !is_past(story.since));
        ledger.forget(|story| is_past(story.since) && !told.contains(&story.trigger));
    }

    fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        self.0.iter().flat_map(Ledger::flags)
    }
}

/// What is remembered of a patient's days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    oxygen: Memory<oxygen::Course>,
    temperature: Memory<fever::Course>,
    tests: Tests,
    /// The newest recorded baselines, oldest first.
    recorded: Vec<Said<Answer>>,
    /// The newest antipyretics, oldest first.
    antipyretics: Vec<Said<Answer>>,
    trend: Line,
    spread: Line,
    fever: Line,
    exertion: Line,
}

/// Tests under exertion: their answers, and the fold over those that are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tests {
    said: Vec<Said<Answer>>,
    base: exertion::Course,
    floor: Option<WallMs>,
}

impl Days {
    /// Each baseline the patient has had.
    pub(crate) fn baselines(&self) -> &Baselines {
        &self.oxygen.tip().baselines
    }

    /// Where the patient's oxygen stands against the baseline.
    pub(crate) fn trend(&self) -> Option<Trend> {
        self.oxygen.tip().trend()
    }

    /// Every flag that stands within memory, and whether its episode goes on.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        let lines = [&self.trend, &self.spread, &self.fever, &self.exertion];
        lines.into_iter().flat_map(Line::flags)
    }

    /// The slot in which a reading was measured that is the newest of all.
    pub(crate) fn slot(&self, vital: VitalKind, at: WallMs, is_sparse: bool) -> Slot {
        match vital {
            VitalKind::SpO2 => {
                let newest = self.oxygen.newest(Kept::First, at);
                newest.map_or(Slot::UNKNOWN, |(sample, until)| Slot {
                    until,
                    highest: i32::MAX,
                    is_open: !sample.is_settled && !is_sparse,
                })
            }
            VitalKind::Temperature => {
                let newest = self.temperature.newest(Kept::Highest, at);
                newest.map_or(Slot::UNKNOWN, |(sample, until)| Slot {
                    until,
                    highest: sample.steps,
                    is_open: false,
                })
            }
            _ => Slot::NONE,
        }
    }

    /// Takes what the rules see of some readings; whether the baseline is another one by it.
    pub(crate) fn observe<'m>(
        &mut self,
        vital: VitalKind,
        measured: impl Iterator<Item = Measured<'m>>,
        rules: &RuleSet,
        plans: &[Plan],
        voice: &mut Voice<'_>,
    ) -> bool {
        let is_changed = self.offer(vital, measured, rules);
        self.tell_of(vital, is_changed, Setting { rules, plans }, voice)
    }

    /// The gate thinks otherwise of some readings: which it greys now, and what the rules see of
    /// the others. Whether the baseline is another one by it.
    pub(crate) fn correct<'m>(
        &mut self,
        vital: VitalKind,
        greyed: &[RecordId],
        measured: impl Iterator<Item = Measured<'m>>,
        rules: &RuleSet,
        plans: &[Plan],
        voice: &mut Voice<'_>,
    ) -> bool {
        let is_less = match vital {
            VitalKind::SpO2 => self.oxygen.take_back(greyed),
            VitalKind::Temperature => self.temperature.take_back(greyed),
            _ => false,
        };
        let is_changed = self.offer(vital, measured, rules) || is_less;
        self.tell_of(vital, is_changed, Setting { rules, plans }, voice)
    }

    /// Whether any value stands for its time by it.
    fn offer<'m>(
        &mut self,
        vital: VitalKind,
        measured: impl Iterator<Item = Measured<'m>>,
        rules: &RuleSet,
    ) -> bool {
        let sample = |it: &Measured<'_>| Sample::new(it, rules.arrival.late_after_ms);
        let mut is_changed = false;
        // A poor signal is no measure of how the patient usually is, or of how that changes.
        for it in measured.filter(|it| !it.is_weak) {
            is_changed |= match vital {
                VitalKind::SpO2 => self.oxygen.offer(sample(&it), Kept::First),
                VitalKind::Temperature => self.temperature.offer(sample(&it), Kept::Highest),
                _ => false,
            };
        }
        is_changed
    }

    fn tell_of(
        &mut self,
        vital: VitalKind,
        is_changed: bool,
        setting: Setting<'_>,
        voice: &mut Voice<'_>,
    ) -> bool {
        match vital {
            VitalKind::SpO2 if is_changed => self.retell_oxygen(setting, voice),
            _ if is_changed => {
                self.retell_fever(setting, voice);
                false
            }
            _ => false,
        }
    }

    /// Takes an answer; whether the baseline is another one by it.
    pub(crate) fn answer(
        &mut self,
        said: Said<Answer>,
        rules: &RuleSet,
        plans: &[Plan],
        voice: &mut Voice<'_>,
    ) -> bool {
        let setting = Setting { rules, plans };
        match said.what.code {
            AnswerCode::BaselineSpO2 => {
                keep(&mut self.recorded, said) && self.retell_oxygen(setting, voice)
            }
            AnswerCode::AntipyreticTaken => {
                if keep(&mut self.antipyretics, said) {
                    self.retell_fever(setting, voice);
                }
                false
            }
            AnswerCode::WalkingLowestSpO2
            | AnswerCode::SitToStandLowestSpO2
            | AnswerCode::ExertionRestingSpO2 => {
                if self.tests.floor.is_none_or(|floor| floor < said.at) {
                    insert(&mut self.tests.said, said);
                    self.retell_exertion(setting, voice);
                }
                false
            }
            _ => false,
        }
    }

    /// Tells everything again: plans or rules are other ones. Whether the baseline is another.
    pub(crate) fn retell(
        &mut self,
        rules: &RuleSet,
        plans: &[Plan],
        voice: &mut Voice<'_>,
    ) -> bool {
        let setting = Setting { rules, plans };
        let days = &rules.days;
        let (oxygen, amber) = (VitalKind::SpO2, Severity::Amber);
        self.trend.adopt(&days.trend.name, oxygen, amber, voice);
        self.spread.adopt(&days.spread.name, oxygen, amber, voice);
        self.exertion
            .adopt(&days.exertion.name, oxygen, amber, voice);
        let fever = (&days.fever.name, days.fever.severity);
        self.fever
            .adopt(fever.0, VitalKind::Temperature, fever.1, voice);
        self.retell_fever(setting, voice);
        let is_other = self.retell_oxygen(setting, voice);
        self.retell_exertion(setting, voice);
        is_other
    }

    fn retell_oxygen(&mut self, setting: Setting<'_>, voice: &mut Voice<'_>) -> bool {
        let before = self.baselines().clone();
        let recorded = &self.recorded;
        self.oxygen.fold_away(|course, sample, before| {
            let unheard = &mut oxygen::Told::default();
            course.advance(sample, recorded, before, setting, unheard);
        });
        let mut told = oxygen::Told::from(self.oxygen.base());
        let (tip, last) = self.oxygen.fold(|course, sample, before| {
            course.advance(sample, recorded, before, setting, &mut told);
        });
        tip.adopt(recorded, last, WallMs(i64::MAX), &mut told);
        let floor = self.oxygen.floor();
        self.trend.retell(told.trend, floor, voice);
        self.spread.retell(told.spread, floor, voice);
        let is_other = before != *self.baselines();
        if is_other {
            self.retell_exertion(setting, voice);
        }
        is_other
    }

    fn retell_fever(&mut self, setting: Setting<'_>, voice: &mut Voice<'_>) {
        self.temperature.fold_away(|course, sample, _| {
            course.advance(sample, setting.rules, &mut Stories::default());
        });
        let mut told = self.temperature.base().told();
        self.temperature.fold(|course, sample, _| {
            course.advance(sample, setting.rules, &mut told);
        });
        for story in &mut told.0 {
            fever::add_antipyretics(story, &self.antipyretics);
        }
        self.fever.retell(told, self.temperature.floor(), voice);
    }

    fn retell_exertion(&mut self, setting: Setting<'_>, voice: &mut Voice<'_>) {
        let baselines = self.oxygen.tip().baselines.clone();
        let tests = &mut self.tests;
        while tests.said.len() > SAID_MAX {
            let oldest = tests.said.remove(0);
            tests.floor = Some(oldest.at);
            let unheard = &mut Stories::default();
            tests
                .base
                .advance(&oldest, &baselines, setting.rules, unheard);
        }
        let mut told = tests.base.told();
        let mut course = tests.base.clone();
        for said in &tests.said {
            course.advance(said, &baselines, setting.rules, &mut told);
        }
        self.exertion.retell(told, tests.floor, voice);
    }
}

/// Puts an answer in its place; whether it is new.
fn insert(list: &mut Vec<Said<Answer>>, said: Said<Answer>) -> bool {
    let place = list.binary_search_by_key(&(said.at, said.id), |it| (it.at, it.id));
    if let Err(place) = place {
        list.insert(place, said);
    }
    place.is_err()
}

/// The same, and keeps the newest few.
fn keep(list: &mut Vec<Said<Answer>>, said: Said<Answer>) -> bool {
    let is_new = insert(list, said);
    if list.len() > SAID_MAX {
        list.remove(0);
    }
    is_new
}
