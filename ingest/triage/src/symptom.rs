//! Red symptoms: what a person says counts without any measurement.
//!
//! A fold over the answers to the rule's questions, in the order in which they were given. The
//! first answer that is not "no" opens a confirmed red; a further symptom, or a graver word of
//! one, is news and joins the evidence. A "no" closes nothing by itself: the alert is a person's
//! to close. The *episode* is over when every symptom of it was answered "no" and none came back
//! for the rule's time, so that a later one is a new flag.
//!
//! Who asked and how it was written down makes no difference: a patient, an operator on the
//! telephone and a device are heard alike. An answer of a clock that is ahead is taken as given
//! when it arrived: it is not passed over.
//!
//! Limits: [`ANSWERS_MAX`] answers over [`HORIZON_MS`]. An older one is judged alone: it is told,
//! marked late, unless the same question was answered since with a symptom, which is told already.
//!
//! Deliberately absent: a measured value that would outweigh a symptom.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, AnswerCode, RecordId, WallMs};

use crate::flag::{About, Evidence, How, Severity, Standing, What, Why};
use crate::ledger::{Ledger, StoredTrigger, Stories, Story, Voice};
use crate::observation::Observation;
use crate::rules::SymptomRule;
use crate::state::Said;
use crate::track::{Ground, HORIZON_MS};
use crate::whereabouts::{is_at_home, missed_at};

/// Answers kept: eight questions four times a day for two days.
pub(crate) const ANSWERS_MAX: usize = 64;

/// Records behind one flag: the first and the newest. More than there are questions.
pub(crate) const EVIDENCE_MAX: usize = 16;

/// The one answer that is no symptom: "no", and of consciousness "alert". A number that nobody
/// has given a meaning is not a no.
const NO: i32 = 0;

/// An answer to one of the rule's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Reply {
    at: WallMs,
    id: RecordId,
    received: WallMs,
    answer: Answer,
}

impl Reply {
    fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }

    fn is_symptom(&self) -> bool {
        self.answer.value != NO
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            id: self.id,
            at: self.at,
            what: What::Answer {
                answer: self.answer,
            },
        }
    }

    fn story(&self, ground: Ground<'_>) -> Story {
        Story {
            trigger: StoredTrigger::Record(self.id),
            since: self.at,
            evidence: vec![self.evidence()],
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at: self.at,
            },
            late: self.received.since(self.at) > ground.rules.arrival.late_after_ms,
            reminded: None,
            again_at: None,
            end: None,
        }
    }
}

/// A symptom of an episode: the newest answer, and since when it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Symptom {
    answer: Answer,
    since: WallMs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    story: Story,
    symptoms: Vec<Symptom>,
}

impl Episode {
    /// When the episode is over if nothing is said any more.
    fn over_at(&self, rule: &SymptomRule) -> Option<WallMs> {
        let lasts = self.symptoms.iter().any(|it| it.answer.value != NO);
        let last_no = self.symptoms.iter().map(|it| it.since).max();
        last_no
            .filter(|_| !lasts)
            .map(|at| at.plus_ms(rule.over_after_ms))
    }

    /// A further answer: whether it changes the story.
    fn hear(&mut self, rule: &SymptomRule, reply: &Reply, ground: Ground<'_>) -> bool {
        let now = Symptom {
            answer: reply.answer,
            since: reply.at,
        };
        let mut known = self.symptoms.iter_mut();
        let is_news = match known.find(|it| it.answer.code == reply.answer.code) {
            Some(symptom) if symptom.answer == reply.answer => false,
            Some(symptom) => {
                *symptom = now;
                true
            }
            None if reply.is_symptom() => {
                self.symptoms.push(now);
                true
            }
            None => false,
        };
        if !reply.is_symptom() {
            let is_over = self.over_at(rule).is_some();
            return self.story.again_at.take_if(|_| is_over).is_some();
        }
        if is_news {
            if self.story.evidence.len() >= EVIDENCE_MAX {
                self.story.evidence.remove(1);
            }
            self.story.evidence.push(reply.evidence());
            let (how, at) = (How::AtOnce, reply.at);
            self.story.standing = Standing::Confirmed { how, at };
            // Whoever has closed the flag is asked again.
            self.story.reminded = Some(at);
            self.story.again_at = None;
            return true;
        }
        let told_at = self.story.reminded.max(Some(self.story.flagged_at()));
        if !is_at_home(ground.standings, reply.at) {
            return false;
        }
        let due = told_at.map_or(reply.at, |told| told.plus_ms(rule.remind_ms));
        let before = (self.story.reminded, self.story.again_at);
        if due <= reply.at {
            self.story.reminded = Some(reply.at);
            self.story.again_at = None;
        } else {
            self.story.again_at = missed_at(ground.standings, due, 0);
        }
        before != (self.story.reminded, self.story.again_at)
    }
}

/// The fold's state after some answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Course {
    open: Option<Episode>,
}

impl Course {
    /// Takes the next answer; `stories` is told what begins, changes and ends.
    fn advance(
        &mut self,
        rule: &SymptomRule,
        reply: &Reply,
        ground: Ground<'_>,
        stories: &mut Stories,
    ) {
        self.pass(rule, reply.at, stories);
        if let Some(episode) = &mut self.open {
            if episode.hear(rule, reply, ground) {
                stories.tell(&episode.story);
            }
        } else if reply.is_symptom() {
            let story = reply.story(ground);
            stories.tell(&story);
            let symptom = Symptom {
                answer: reply.answer,
                since: reply.at,
            };
            let symptoms = vec![symptom];
            self.open = Some(Episode { story, symptoms });
        }
    }

    /// Ends what is over at a moment.
    fn pass(&mut self, rule: &SymptomRule, at: WallMs, stories: &mut Stories) {
        if let Some(episode) = &mut self.open
            && episode.story.pass(at)
        {
            stories.tell(&episode.story);
        }
        let over_at = self.open.as_ref().and_then(|it| it.over_at(rule));
        if let Some(over_at) = over_at.filter(|over_at| *over_at <= at)
            && let Some(mut episode) = self.open.take()
        {
            episode.story.end = Some((Why::Recovered, over_at));
            stories.tell(&episode.story);
        }
    }
}

/// A rule about symptoms at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Symptoms {
    pub(crate) ledger: Ledger,
    replies: VecDeque<Reply>,
    /// The newest answer that is forgotten.
    floor: Option<(WallMs, RecordId)>,
    /// After the answers that are forgotten.
    base: Course,
    /// When the open episode is over, or told again, if nothing is said any more.
    over_at: Option<WallMs>,
}

impl Symptoms {
    /// The rule, as if it had heard the newest answer to each question, in time.
    pub(crate) fn new(rule: &SymptomRule, answers: &[Said<Answer>]) -> Self {
        let answers = answers.iter().map(|said| Reply {
            at: said.at,
            id: said.id,
            received: said.at,
            answer: said.what,
        });
        let is_asked = |reply: &Reply| rule.asks.contains(&reply.answer.code);
        let mut replies: Vec<Reply> = answers.filter(is_asked).collect();
        replies.sort_by_key(Reply::key);
        Self {
            ledger: Ledger::new(rule.name.clone(), About::Symptoms, Severity::Red),
            replies: replies.into(),
            floor: None,
            base: Course::default(),
            over_at: None,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<WallMs> {
        self.over_at
    }

    /// Takes an answer; one that is known already changes nothing.
    pub(crate) fn hear(
        &mut self,
        rule: &SymptomRule,
        said: &Observation,
        answer: Answer,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let reply = Reply {
            // Of a clock that is ahead we know only that it was said before it arrived.
            at: said.at.min(said.received),
            id: said.id,
            received: said.received,
            answer,
        };
        let is_known = self.replies.iter().any(|it| it.id == reply.id);
        if is_known || !rule.asks.contains(&answer.code) {
            return;
        }
        if self.floor.is_some_and(|floor| reply.key() <= floor) {
            self.judge_alone(&reply, ground, voice);
            return;
        }
        let place = self.replies.partition_point(|it| it.key() < reply.key());
        self.replies.insert(place, reply);
        self.retell(rule, ground, voice);
        self.forget(rule, ground);
    }

    pub(crate) fn tick(&mut self, rule: &SymptomRule, ground: Ground<'_>, voice: &mut Voice<'_>) {
        if self.over_at.is_some_and(|over_at| over_at <= ground.ticked) {
            self.retell(rule, ground, voice);
        }
    }

    /// Tells the stories of all answers in memory again.
    pub(crate) fn retell(&mut self, rule: &SymptomRule, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let mut course = self.base.clone();
        let mut stories = Stories::default();
        if let Some(episode) = &course.open {
            stories.tell(&episode.story);
        }
        for reply in &self.replies {
            course.advance(rule, reply, ground, &mut stories);
        }
        course.pass(rule, ground.ticked, &mut stories);
        self.over_at = course.open.and_then(|it| {
            let over_at = it.over_at(rule);
            over_at.into_iter().chain(it.story.again_at).min()
        });
        let floor = self.floor;
        let is_within = |story: &Story| floor.is_none_or(|floor| !story.is_by(floor));
        self.ledger.retell(stories.0, voice, is_within);
    }

    /// An answer from before memory.
    fn judge_alone(&mut self, reply: &Reply, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let mut story = reply.story(ground);
        let is_told = self.ledger.open().any(|it| it.trigger == story.trigger);
        if !reply.is_symptom() || self.floor == Some(reply.key()) || is_told {
            return;
        }
        let is_same = |code: AnswerCode| code == reply.answer.code;
        let mut since = self.replies.iter().rev();
        match since.find(|it| is_same(it.answer.code)) {
            Some(since) if since.is_symptom() => return,
            Some(no) => story.end = Some((Why::Recovered, no.at)),
            None => {}
        }
        story.late = true;
        let trigger = story.trigger;
        self.ledger.tell(story, voice);
        self.ledger.drop_told(trigger);
    }

    /// Folds away what is beyond memory.
    fn forget(&mut self, rule: &SymptomRule, ground: Ground<'_>) {
        let Some(newest) = self.replies.back().map(|it| it.at) else {
            return;
        };
        let is_beyond = |replies: &VecDeque<Reply>| {
            let is_old = |oldest: &Reply| newest.since(oldest.at) > HORIZON_MS;
            replies.len() > ANSWERS_MAX || replies.front().is_some_and(is_old)
        };
        while is_beyond(&self.replies) {
            let Some(oldest) = self.replies.pop_front() else {
                break;
            };
            let mut untold = Stories::default();
            self.base.advance(rule, &oldest, ground, &mut untold);
            self.floor = Some(oldest.key());
        }
        if let Some(floor) = self.floor {
            let open = self.base.open.as_ref().map(|it| it.story.trigger);
            let is_past = |story: &Story| story.is_by(floor) && Some(story.trigger) != open;
            self.ledger.forget(is_past);
        }
    }
}
