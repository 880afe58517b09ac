//! The rules of scores over a patient's values in the order of measuring.
//!
//! A [`Fold`] is the newest value of each parameter and, per rule, quiet or one open episode. It
//! takes one value after the other; the same values in the same order make the same fold, so what
//! arrives late is put in its place and the fold is done again.
//!
//! An episode begins with a value at which the score is certainly in the rule's class. It is borne
//! out by a new measurement of the same parameter (of the newest that carries points, if that one
//! carries none), refuted when the score has left the class, and confirmed when the new measurement
//! comes too late. What a person answered is not asked again: such an episode is confirmed at once.
//! It is over after enough values, for long enough, at which the score is out of the class, also
//! when the values that made the episode and have grown old since are counted on.

use serde::{Deserialize, Serialize};
use veglia_wire::WallMs;

use crate::flag::{How, Severity, Standing, Why};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{OxygenScale, Plan, of_person};
use crate::rules::{Confirmation, RuleName, RuleSet};
use crate::score::count::{Count, Entry};
use crate::score::partial::is_fresh;
use crate::score::{Chart, ScoreParameter, ScoreRule};
use crate::whereabouts::{self, PatientStanding, is_at_home};

/// What the rules go by.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) plans: &'a [Plan],
    pub(crate) standings: &'a [PatientStanding],
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

impl Judge<'_> {
    /// The story as it is once ticks have reached `ticked`.
    pub(crate) fn passed(&self, rule: &ScoreRule, story: &Story, ticked: WallMs) -> Option<Story> {
        match story.standing {
            Standing::Unconfirmed { repeat_by }
                if repeat_by <= ticked && is_at_home(self.standings, repeat_by) =>
            {
                Some(Story {
                    standing: missed(rule, story.since, self.standings),
                    ..story.clone()
                })
            }
            Standing::Unconfirmed { .. } => None,
            Standing::Confirmed { .. } => {
                let mut story = story.clone();
                story.pass(ticked).then_some(story)
            }
        }
    }
}

/// A patient who is away by then has as long after the return.
fn missed_at(rule: &ScoreRule, since: WallMs, standings: &[PatientStanding]) -> WallMs {
    match rule.confirmation {
        Confirmation::AtOnce => since,
        Confirmation::Repeat { within_ms, .. } => {
            let by = since.plus_ms(within_ms);
            whereabouts::missed_at(standings, by, within_ms).unwrap_or(by)
        }
    }
}

fn missed(rule: &ScoreRule, since: WallMs, standings: &[PatientStanding]) -> Standing {
    Standing::Confirmed {
        how: How::MissedRepeat,
        at: missed_at(rule, since, standings),
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
    /// Whose next measurement is the repeat.
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
    /// Rare, and large beside nothing: apart.
    open: Option<Box<Episode>>,
}

impl Course {
    pub(crate) fn new(rule: RuleName) -> Self {
        Self { rule, open: None }
    }

    pub(crate) fn open(&self) -> Option<&Story> {
        self.open.as_ref().map(|episode| &episode.story)
    }

    /// The story that begins, changes or ends by a moment.
    fn hear(&mut self, moment: &Moment<'_>) -> Option<Story> {
        let rule = moment.rules.scores.rule(&self.rule)?;
        let Some(episode) = &mut self.open else {
            let is_bad = !moment.is_guarded && moment.sight(rule, &[]) == Sight::Bad;
            let episode = is_bad.then(|| moment.opening(rule))?;
            let story = episode.story.clone();
            self.open = Some(Box::new(episode));
            return Some(story);
        };
        let is_changed = episode.hear(rule, moment);
        let story = is_changed.then(|| episode.story.clone());
        if episode.story.end.is_some() {
            self.open = None;
        }
        story
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
    /// Keeps a value if it is the newest of its parameter. A poor signal does not reassure: by it
    /// no parameter carries fewer points than before.
    pub(crate) fn keep(&mut self, entry: &Entry) -> bool {
        let mut newest = self.newest.iter_mut();
        match newest.find(|it| it.parameter == entry.parameter) {
            Some(known) if known.key() < entry.key() && !entry.is_weaker_than(known) => {
                *known = *entry;
            }
            Some(_) => return false,
            None => self.newest.push(*entry),
        }
        true
    }

    /// Whether no episode is open.
    pub(crate) fn is_quiet(&self) -> bool {
        self.courses.iter().all(|course| course.open.is_none())
    }

    /// Takes the next value; `changed` hears every story that begins, changes or ends.
    pub(crate) fn advance(
        &mut self,
        judge: &Judge<'_>,
        entry: &Entry,
        mut changed: impl FnMut(usize, &Story),
    ) {
        if !self.keep(entry) {
            return;
        }
        // Nearly every value: of a patient who is well.
        let plan = of_person(judge.plans, entry.at);
        let scale = plan.map_or(OxygenScale::One, |plan| plan.oxygen_scale);
        let most = self.newest.iter().map(|it| it.most(scale));
        if self.is_quiet() && judge.rules.scores.is_below_all(most) {
            return;
        }
        let moment = Moment::new(judge, plan, entry, &self.newest);
        for (place, course) in self.courses.iter_mut().enumerate() {
            if let Some(story) = course.hear(&moment) {
                changed(place, &story);
            }
        }
    }
}

/// A value that has just become known, and how the scores stand by it.
struct Moment<'a> {
    rules: &'a RuleSet,
    standings: &'a [PatientStanding],
    entry: &'a Entry,
    /// Whether scores are not made for the patient.
    is_guarded: bool,
    count: Count<'a>,
    /// The class that each score certainly has.
    classes: Vec<(&'a Chart, usize)>,
}

impl<'a> Moment<'a> {
    fn new(judge: &Judge<'a>, plan: Option<&Plan>, entry: &'a Entry, newest: &'a [Entry]) -> Self {
        let rules = judge.rules;
        let is_fresh = |it: &&Entry| is_fresh(rules, it.parameter, it.at, entry.at);
        let count = Count {
            rules,
            scale: plan.map_or(OxygenScale::One, |plan| plan.oxygen_scale),
            values: newest.iter().filter(is_fresh).collect(),
        };
        let charts = rules.scores.charts.iter();
        Self {
            rules,
            standings: judge.standings,
            entry,
            is_guarded: plan.is_some_and(|plan| !plan.guards.is_empty()),
            classes: charts.map(|chart| (chart, count.class(chart))).collect(),
            count,
        }
    }

    fn is_in_class(&self, rule: &ScoreRule) -> bool {
        let mut classes = self.classes.iter();
        classes.any(|(chart, class)| chart.scale == rule.scale && rule.class <= *class)
    }

    /// How a rule sees the moment; `behind` is what made its open episode.
    fn sight(&self, rule: &ScoreRule, behind: &[Entry]) -> Sight {
        if self.is_in_class(rule) {
            let graver = rule.yields_to.as_ref();
            let graver = graver.and_then(|name| self.rules.scores.rule(name));
            return match graver {
                Some(graver) if self.is_in_class(graver) => Sight::Yielding,
                _ => Sight::Bad,
            };
        }
        if behind.is_empty() {
            return Sight::Good;
        }
        let chart = self.rules.scores.chart(rule.scale);
        let with_old = chart.map(|chart| self.count.and(behind).class(chart));
        match with_old {
            Some(class) if rule.class <= class => Sight::Unknown,
            _ => Sight::Good,
        }
    }

    /// The values behind a rule's score.
    fn behind(&self, rule: &ScoreRule) -> Vec<Entry> {
        let chart = self.rules.scores.chart(rule.scale);
        chart
            .map(|chart| self.count.behind(chart))
            .unwrap_or_default()
    }

    fn opening(&self, rule: &ScoreRule) -> Episode {
        let entry = self.entry;
        let arrival = &self.rules.arrival;
        let behind = self.behind(rule);
        // A graver score may fall to this one by a value that carries nothing.
        let carries = behind.iter().any(|it| it.parameter == entry.parameter);
        let newest = behind.last().filter(|_| !carries);
        let cause = newest.unwrap_or(entry);
        let standing = match rule.confirmation {
            Confirmation::Repeat { .. } if !cause.is_answer() => {
                let backlog = entry.received.plus_ms(arrival.backlog_grace_ms);
                Standing::Unconfirmed {
                    repeat_by: missed_at(rule, entry.at, self.standings).max(backlog),
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
                late: entry.received.since(entry.at) > arrival.late_after_ms,
                reminded: None,
                again_at: None,
                end: None,
            },
            parameter: cause.parameter,
            is_of_stream: cause.is_of_stream(),
            behind,
            calm: None,
        }
    }
}

impl Episode {
    /// A further value: whether it changes the story.
    fn hear(&mut self, rule: &ScoreRule, moment: &Moment<'_>) -> bool {
        let entry = moment.entry;
        if moment.is_guarded {
            self.story.end = Some((Why::PlanEnded, entry.at));
            return true;
        }
        let sight = moment.sight(rule, &self.behind);
        if matches!(sight, Sight::Bad | Sight::Yielding) {
            self.behind = moment.behind(rule);
        }
        if self.story.standing.is_confirmed() {
            return self.go_on(rule, moment, sight);
        }
        let missed_at = missed_at(rule, self.story.since, moment.standings);
        if entry.at > missed_at && is_at_home(moment.standings, missed_at) {
            self.story.standing = missed(rule, self.story.since, moment.standings);
            self.go_on(rule, moment, sight);
            return true;
        }
        let is_same = self.is_same_measurement(rule, moment);
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
    fn is_same_measurement(&self, rule: &ScoreRule, moment: &Moment<'_>) -> bool {
        let entry = moment.entry;
        let shared_ms = if self.is_of_stream || entry.is_of_stream() {
            moment.rules.continuous.median_ms
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
    fn go_on(&mut self, rule: &ScoreRule, moment: &Moment<'_>, sight: Sight) -> bool {
        let entry = moment.entry;
        let was_told = self.story.pass(entry.at);
        let is_changed = match sight {
            Sight::Bad => {
                let was_calm = self.calm.take().is_some();
                is_at_home(moment.standings, entry.at) && self.lasts(rule, moment, was_calm)
            }
            Sight::Yielding => {
                self.calm = None;
                self.story.again_at.take().is_some()
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
                self.story.again_at.take().is_some() || is_over
            }
        };
        is_changed || was_told
    }

    /// A confirmed episode goes on: told again now or, of a red, when the last telling is long
    /// enough ago; after a better score not more often than a repeat is waited for. Whether that
    /// changes the story.
    fn lasts(&mut self, rule: &ScoreRule, moment: &Moment<'_>, was_calm: bool) -> bool {
        let (Standing::Confirmed { at, .. }, Some(remind_ms)) =
            (self.story.standing, rule.remind_ms)
        else {
            return false;
        };
        let is_red = rule.severity == Severity::Red;
        let told_at = self.story.reminded.map_or(at, |reminded| reminded.max(at));
        let wait_ms = match rule.confirmation {
            Confirmation::Repeat { within_ms, .. } if is_red && was_calm => within_ms,
            _ => remind_ms,
        };
        let before = (self.story.reminded, self.story.again_at);
        if moment.entry.at.since(told_at) >= wait_ms.min(remind_ms) {
            self.story.reminded = Some(moment.entry.at);
            self.story.again_at = None;
        } else if is_red {
            let due = told_at.plus_ms(remind_ms);
            self.story.again_at = whereabouts::missed_at(moment.standings, due, 0);
        }
        before != (self.story.reminded, self.story.again_at)
    }
}
