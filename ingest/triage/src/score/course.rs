//! The rules of scores over a patient's values in the order of measuring.
//!
//! A [`Fold`] is the newest value of each parameter and, per rule, quiet or one open episode. It
//! takes one value after the other; the same values in the same order make the same fold, so what
//! arrives late is put in its place and the fold is done again.
//!
//! An episode begins with a value at which the score is certainly in the rule's class: a value that
//! carries points, or one that has a graver score fall to this class. It is borne out by a new measurement of the same parameter, refuted when the
//! score has left the class, and confirmed when the new measurement comes too late. What a person
//! answered is not asked again: such an episode is confirmed at once. It is over after enough
//! values, for long enough, at which the score is out of the class, also when the values that made
//! the episode and have grown old since are counted on.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, WallMs};

use crate::flag::{Evidence, How, Median, Severity, Standing, What, Why};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{OxygenScale, Plan, in_force};
use crate::rules::{Confirmation, RuleName, RuleSet};
use crate::score::partial::is_fresh;
use crate::score::{Chart, ScoreParameter, ScoreRule};

/// The reading of a stream that is its median, and the stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OfStream {
    id: RecordId,
    at: WallMs,
    median: Median,
}

/// A value that scores count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    received: WallMs,
    pub(crate) parameter: ScoreParameter,
    /// In the steps of the vital sign, as measured; of an answer, its value.
    value: i32,
    /// Boxed: most values are spot measurements, and memory holds many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<Box<OfStream>>,
}

impl Entry {
    /// What became known at a moment by a record, or by the median that ends with it.
    pub(crate) fn new(at: WallMs, received: WallMs, evidence: &Evidence) -> Option<Self> {
        let parameter = ScoreParameter::of(&evidence.what)?;
        let (value, stream) = match evidence.what {
            What::Value { steps, median, .. } => {
                let stream = median.map(|median| OfStream {
                    id: evidence.id,
                    at: evidence.at,
                    median,
                });
                (steps, stream.map(Box::new))
            }
            What::Answer { answer } => (answer.value, None),
            What::Contact { .. } => return None,
        };
        Some(Self {
            at,
            id: stream.as_ref().map_or(evidence.id, |it| it.median.last),
            received,
            parameter,
            value,
            stream,
        })
    }

    /// Place among all values: by time of measuring, then by name.
    pub(crate) fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let spot = Evidence {
            id: self.id,
            at: self.at,
            what: self.parameter.says(self.value),
        };
        match (self.stream.as_deref(), spot.what) {
            (Some(stream), What::Value { vital, steps, .. }) => Evidence {
                id: stream.id,
                at: stream.at,
                what: What::Value {
                    vital,
                    steps,
                    median: Some(stream.median),
                },
            },
            _ => spot,
        }
    }

    fn is_answer(&self) -> bool {
        self.parameter.vital().is_none()
    }
}

/// What the rules go by.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) plans: &'a [Plan],
}

/// How a rule sees a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// The score is certainly in its class.
    Bad,
    /// Likewise, and a graver rule speaks of it.
    Yielding,
    /// It would be, if what made the episode had not grown old.
    Unknown,
    Good,
}

/// Some values and how they are counted.
struct Count<'a> {
    rules: &'a RuleSet,
    scale: OxygenScale,
    values: Vec<&'a Entry>,
}

impl<'a> Count<'a> {
    fn value(&self, parameter: ScoreParameter) -> Option<&'a Entry> {
        let mut values = self.values.iter();
        values.find(|it| it.parameter == parameter).copied()
    }

    fn breathings(&self, chart: &Chart) -> &'static [bool] {
        let answer = self.value(ScoreParameter::Oxygen);
        chart.breathings(answer.map(|it| it.value == 1))
    }

    /// The class of the least that the score can be.
    fn class(&self, chart: &Chart) -> usize {
        let classes = self.breathings(chart).iter().map(|on_oxygen| {
            let mut sum = 0_u8;
            let mut has_single = false;
            for item in &chart.items {
                let entry = self.value(item.parameter);
                let points = entry.and_then(|entry| {
                    let value = self.rules.rounded(&item.parameter.says(entry.value))?;
                    item.points(value, self.scale, *on_oxygen)
                });
                let is_told = || entry.is_some_and(|entry| self.is_told(entry));
                let is_answer = item.parameter == ScoreParameter::Oxygen && entry.is_none();
                let points = match points {
                    Some(points) => points,
                    None if is_answer => item
                        .points(i32::from(*on_oxygen), self.scale, *on_oxygen)
                        .unwrap_or(0),
                    None => item.least(self.scale, *on_oxygen),
                };
                sum = sum.saturating_add(points);
                has_single = has_single || chart.is_single(points) && !is_told();
            }
            chart.class(sum, has_single)
        });
        classes.min().unwrap_or(0)
    }

    /// Whether a rule of its vital sign flags a value already: its points alone say nothing new.
    fn is_told(&self, entry: &Entry) -> bool {
        let what = entry.parameter.says(entry.value);
        let Some((kind, value)) = entry.parameter.vital().zip(self.rules.rounded(&what)) else {
            return false;
        };
        self.rules.limits.iter().any(|limit| {
            limit.vital == kind && limit.severity > Severity::Technical && limit.bad.holds(value)
        })
    }

    /// The values that certainly carry points, oldest first.
    fn behind(&self, chart: &Chart) -> Vec<Entry> {
        let carries = |entry: &Entry| {
            let what = entry.parameter.says(entry.value);
            let value = chart.item(entry.parameter).zip(self.rules.rounded(&what));
            let points = value.and_then(|(item, value)| {
                let breathings = self.breathings(chart).iter();
                let points = breathings.filter_map(|it| item.points(value, self.scale, *it));
                points.min()
            });
            points.is_some_and(|points| points > 0)
        };
        let behind = self.values.iter().copied().filter(|it| carries(it));
        let mut behind: Vec<Entry> = behind.cloned().collect();
        behind.sort_by_key(Entry::key);
        behind
    }

    /// The same, with older values for what is missing.
    fn and(&self, older: &'a [Entry]) -> Self {
        let is_missing = |it: &&Entry| self.value(it.parameter).is_none();
        let values = self.values.iter().copied();
        Self {
            rules: self.rules,
            scale: self.scale,
            values: values.chain(older.iter().filter(is_missing)).collect(),
        }
    }
}

impl Judge<'_> {
    /// Whether a value carries points in any score.
    fn carries_points(&self, entry: &Entry) -> bool {
        let Some(value) = self.rules.rounded(&entry.parameter.says(entry.value)) else {
            return false;
        };
        let charts = self.rules.scores.charts.iter();
        let items = charts.filter_map(|chart| chart.item(entry.parameter));
        let mut tables = items.flat_map(|item| &item.tables);
        tables.any(|table| table.points(value).is_some_and(|points| points > 0))
    }

    fn opening(&self, rule: &ScoreRule, entry: &Entry, behind: Vec<Entry>) -> Episode {
        let standing = match rule.confirmation {
            Confirmation::Repeat { within_ms, .. } if !entry.is_answer() => {
                let backlog = entry.received.plus_ms(self.rules.arrival.backlog_grace_ms);
                Standing::Unconfirmed {
                    repeat_by: entry.at.plus_ms(within_ms).max(backlog),
                }
            }
            _ => Standing::Confirmed {
                how: How::AtOnce,
                at: entry.at,
            },
        };
        Episode {
            story: Story {
                trigger: StoredTrigger::Record(entry.id),
                since: entry.at,
                evidence: behind.iter().map(Entry::evidence).collect(),
                standing,
                late: entry.received.since(entry.at) > self.rules.arrival.late_after_ms,
                reminded: None,
                end: None,
            },
            parameter: entry.parameter,
            is_of_stream: entry.stream.is_some(),
            behind,
            calm: None,
        }
    }

    /// The story as it is once ticks have reached `ticked`.
    pub(crate) fn passed(&self, rule: &ScoreRule, story: &Story, ticked: WallMs) -> Option<Story> {
        match story.standing {
            Standing::Unconfirmed { repeat_by } if repeat_by <= ticked => Some(Story {
                standing: missed(rule, story.since),
                ..story.clone()
            }),
            _ => None,
        }
    }
}

fn missed_at(rule: &ScoreRule, since: WallMs) -> WallMs {
    match rule.confirmation {
        Confirmation::AtOnce => since,
        Confirmation::Repeat { within_ms, .. } => since.plus_ms(within_ms),
    }
}

fn missed(rule: &ScoreRule, since: WallMs) -> Standing {
    Standing::Confirmed {
        how: How::MissedRepeat,
        at: missed_at(rule, since),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Calm {
    since: WallMs,
    values: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    story: Story,
    /// What set it off: its next measurement is the repeat.
    parameter: ScoreParameter,
    is_of_stream: bool,
    /// The values that made the last bad moment.
    behind: Vec<Entry>,
    calm: Option<Calm>,
}

/// One rule's part of a fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Course {
    pub(crate) rule: RuleName,
    open: Option<Episode>,
}

impl Course {
    pub(crate) fn new(rule: RuleName) -> Self {
        Self { rule, open: None }
    }

    pub(crate) fn open(&self) -> Option<&Story> {
        self.open.as_ref().map(|episode| &episode.story)
    }
}

/// What is known after some values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fold {
    /// The newest value of each parameter.
    pub(crate) newest: Vec<Entry>,
    pub(crate) courses: Vec<Course>,
}

impl Fold {
    /// Keeps a value if it is the newest of its parameter.
    pub(crate) fn keep(&mut self, entry: &Entry) -> bool {
        let mut newest = self.newest.iter_mut();
        match newest.find(|it| it.parameter == entry.parameter) {
            Some(known) if known.key() < entry.key() => known.clone_from(entry),
            Some(_) => return false,
            None => self.newest.push(entry.clone()),
        }
        true
    }

    /// Whether no episode is open.
    pub(crate) fn is_quiet(&self) -> bool {
        self.courses.iter().all(|course| course.open.is_none())
    }

    /// The newest values that are fresh enough to count.
    pub(crate) fn fresh(&self, rules: &RuleSet, now: WallMs) -> impl Iterator<Item = &Entry> {
        let newest = self.newest.iter();
        newest.filter(move |it| is_fresh(rules, it.parameter, it.at, now))
    }

    /// Takes the next value; `changed` hears every story that begins, changes or ends.
    pub(crate) fn advance(
        &mut self,
        judge: &Judge<'_>,
        entry: &Entry,
        mut changed: impl FnMut(usize, &Story),
    ) {
        self.keep(entry);
        // Nearly every value: of a patient who is well, and nothing to add up.
        if self.is_quiet() && !judge.carries_points(entry) {
            return;
        }
        let rules = judge.rules;
        let plan = in_force(judge.plans, entry.at);
        let is_guarded = plan.is_some_and(|plan| !plan.guards.is_empty());
        let count = Count {
            rules,
            scale: plan.map_or(OxygenScale::One, |plan| plan.oxygen_scale),
            values: self
                .newest
                .iter()
                .filter(|it| is_fresh(rules, it.parameter, it.at, entry.at))
                .collect(),
        };
        let charts = &rules.scores.charts;
        let classes: Vec<usize> = charts.iter().map(|chart| count.class(chart)).collect();
        let is_in_class = |rule: &ScoreRule| {
            let mut of = charts.iter().zip(&classes);
            of.any(|(chart, class)| chart.scale == rule.scale && rule.class <= *class)
        };
        for (place, course) in self.courses.iter_mut().enumerate() {
            let Some(rule) = rules.scores.rule(&course.rule) else {
                continue;
            };
            let Some(chart) = rules.scores.chart(rule.scale) else {
                continue;
            };
            if is_guarded {
                if let Some(mut episode) = course.open.take() {
                    episode.story.end = Some((Why::PlanEnded, entry.at));
                    changed(place, &episode.story);
                }
                continue;
            }
            let graver = rule.yields_to.as_ref();
            let graver = graver.and_then(|name| rules.scores.rule(name));
            let sight = match &course.open {
                _ if is_in_class(rule) && graver.is_some_and(is_in_class) => Sight::Yielding,
                _ if is_in_class(rule) => Sight::Bad,
                Some(open) if rule.class <= count.and(&open.behind).class(chart) => Sight::Unknown,
                _ => Sight::Good,
            };
            match &mut course.open {
                None if sight == Sight::Bad => {
                    let episode = judge.opening(rule, entry, count.behind(chart));
                    changed(place, &episode.story);
                    course.open = Some(episode);
                }
                None => {}
                Some(episode) => {
                    let behind = || count.behind(chart);
                    if episode.hear(judge, rule, entry, sight, behind) {
                        changed(place, &episode.story);
                    }
                    if episode.story.end.is_some() {
                        course.open = None;
                    }
                }
            }
        }
    }
}

impl Episode {
    /// A further value: whether it changes the story.
    fn hear(
        &mut self,
        judge: &Judge<'_>,
        rule: &ScoreRule,
        entry: &Entry,
        sight: Sight,
        behind: impl Fn() -> Vec<Entry>,
    ) -> bool {
        if matches!(sight, Sight::Bad | Sight::Yielding) {
            self.behind = behind();
        }
        if self.story.standing.is_confirmed() {
            return self.go_on(rule, entry, sight);
        }
        if entry.at > missed_at(rule, self.story.since) {
            self.story.standing = missed(rule, self.story.since);
            self.go_on(rule, entry, sight);
            return true;
        }
        let is_same = self.is_same_measurement(judge, rule, entry);
        match sight {
            Sight::Good if !is_same => {
                self.story.end = Some((Why::NotConfirmed, entry.at));
            }
            Sight::Bad if !is_same && entry.parameter == self.parameter => {
                self.story.evidence = self.behind.iter().map(Entry::evidence).collect();
                self.story.standing = Standing::Confirmed {
                    how: How::Repeat,
                    at: entry.at,
                };
            }
            _ => return false,
        }
        true
    }

    /// Whether a value of the parameter that set the episode off is too soon after it to be its
    /// repeat: a median when the two share a reading.
    fn is_same_measurement(&self, judge: &Judge<'_>, rule: &ScoreRule, entry: &Entry) -> bool {
        let is_of_stream = self.is_of_stream || entry.stream.is_some();
        let shared_ms = if is_of_stream {
            judge.rules.continuous.median_ms
        } else {
            0
        };
        match rule.confirmation {
            Confirmation::AtOnce => false,
            Confirmation::Repeat { after_ms, .. } => {
                entry.parameter == self.parameter
                    && entry.at.since(self.story.since) < after_ms.max(shared_ms)
            }
        }
    }

    /// A further value of a confirmed episode: whether it changes the story.
    fn go_on(&mut self, rule: &ScoreRule, entry: &Entry, sight: Sight) -> bool {
        match sight {
            Sight::Bad => {
                self.calm = None;
                self.lasts(rule, entry)
            }
            Sight::Yielding => {
                self.calm = None;
                false
            }
            // Nobody has measured it: it neither lasts nor recovers.
            Sight::Unknown => false,
            Sight::Good => {
                let calm = self.calm.get_or_insert(Calm {
                    since: entry.at,
                    values: 0,
                });
                calm.values = calm.values.saturating_add(1);
                let is_long = entry.at.since(calm.since) >= rule.recover_ms;
                let is_over = is_long && calm.values >= rule.recover_readings;
                if is_over {
                    self.story.end = Some((Why::Recovered, entry.at));
                }
                is_over
            }
        }
    }

    /// Whether a confirmed episode that goes on is told again.
    fn lasts(&mut self, rule: &ScoreRule, entry: &Entry) -> bool {
        let Standing::Confirmed { at, .. } = self.story.standing else {
            return false;
        };
        let told_at = self.story.reminded.map_or(at, |reminded| reminded.max(at));
        let is_due = rule
            .remind_ms
            .is_some_and(|due| due <= entry.at.since(told_at));
        if is_due {
            self.story.reminded = Some(entry.at);
        }
        is_due
    }
}
