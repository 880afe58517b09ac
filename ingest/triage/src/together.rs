//! Two red vital signs at one time page at once, without waiting for repeats.
//!
//! Nothing is measured here. What the red rules told of their episodes (`limit.rs`) is a function
//! of the set of readings, and this rule is a function of those episodes: an episode lasts from
//! its first red value to its end, and each red value that was told is a *mark* in it. When two
//! vital signs have an episode open, and in each a mark within the rule's time, both are red at
//! one time. It lasts until fewer than two vital signs have an episode open. A further vital sign
//! that turns red joins the evidence and is told, also to whoever has closed the flag.
//!
//! Any number of red rules may take part; two of one vital sign count once. A median of few
//! readings is no mark: a clip that settles disturbs both of an oximeter's values.
//!
//! Limits: [`EPISODES_MAX`] episodes over [`HORIZON_MS`] are kept, copied from the rules, which may
//! forget theirs sooner. A red from before the memory of its vital sign takes no part. A red that
//! lasts is told anew only so often (`remind_minutes`): between, its last mark grows old.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::{About, Evidence, How, Severity, Standing, Why};
use crate::ledger::{Ledger, StoredTrigger, Stories, Story, Voice};
use crate::rules::{RuleName, TogetherRule};
use crate::track::{Ground, HORIZON_MS, Track};

/// Episodes kept: more reds in two days than anybody would leave at home.
pub(crate) const EPISODES_MAX: usize = 64;

/// A red value that was told.
#[derive(Clone, Copy)]
struct Mark {
    at: WallMs,
    evidence: Evidence,
}

/// An episode of a red rule, as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    rule: RuleName,
    vital: VitalKind,
    trigger: RecordId,
    story: Story,
}

impl Episode {
    /// Its red values: none of few seconds, and none from its end on.
    fn marks(&self, settled_readings: u32) -> Vec<Mark> {
        let story = &self.story;
        let is_settled = |it: &&Evidence| {
            let median = it.median();
            median.is_none_or(|median| median.readings >= settled_readings)
        };
        let settled = story.evidence.iter().filter(is_settled);
        let mut marks: Vec<Mark> = settled
            .map(|evidence| Mark {
                at: evidence.at.max(story.since),
                evidence: *evidence,
            })
            .collect();
        let again = story.reminded.zip(marks.last().copied());
        marks.extend(again.map(|(at, last)| Mark { at, ..last }));
        marks.retain(|mark| self.ended_at().is_none_or(|end| mark.at < end));
        marks
    }

    fn ended_at(&self) -> Option<WallMs> {
        self.story.end.map(|(_, at)| at)
    }

    /// Whether it was open and its rule knows of it no more: it was taken back.
    fn is_lost(&self, track: &Track) -> bool {
        let mut reds = track.reds().filter(|ledger| *ledger.rule() == self.rule);
        let trigger = self.story.trigger;
        let is_known = |ledger: &Ledger| ledger.stories().any(|(it, _)| it.trigger == trigger);
        self.vital == track.kind() && self.story.end.is_none() && !reds.any(is_known)
    }

    fn is(&self, rule: &RuleName, trigger: StoredTrigger) -> bool {
        self.rule == *rule && self.story.trigger == trigger
    }
}

/// Something happens to an episode. Ends come before marks of the same moment: a value that is
/// good by then is not red together with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    End,
    Mark,
}

/// An episode that is open at some moment of the sweep, and its newest mark by then.
#[derive(Clone, Copy)]
struct Live<'a> {
    episode: &'a Episode,
    mark: Mark,
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Together {
    pub(crate) ledger: Ledger,
    episodes: Vec<Episode>,
}

impl Together {
    pub(crate) fn new(rule: &TogetherRule) -> Self {
        Self {
            ledger: Ledger::new(rule.name.clone(), About::Together, Severity::Red),
            episodes: Vec::new(),
        }
    }

    /// The red rules of these vital signs may have told something.
    pub(crate) fn follow<'a>(
        &mut self,
        rule: &TogetherRule,
        tracks: impl Iterator<Item = &'a Track>,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let mut is_changed = false;
        for track in tracks {
            let before = self.episodes.len();
            self.episodes.retain(|it| !it.is_lost(track));
            is_changed |= self.episodes.len() < before;
            for ledger in track.reds() {
                for (story, is_withdrawn) in ledger.stories() {
                    let told = (track.kind(), story, is_withdrawn);
                    is_changed |= self.copy(ledger.rule(), told);
                }
            }
        }
        if is_changed {
            self.tell(rule, ground, voice);
            self.forget();
        }
    }

    /// Whether the red rules of a vital sign have told something that is not taken over yet.
    pub(crate) fn is_behind(&self, track: &Track) -> bool {
        let is_known = |rule: &RuleName, story: &Story, is_withdrawn: bool| {
            let mut known = self.episodes.iter();
            let known = known.find(|it| it.is(rule, story.trigger));
            match (known, story.trigger) {
                (_, StoredTrigger::SilentSince(_)) => true,
                (Some(known), _) => !is_withdrawn && known.story == *story,
                (None, _) => is_withdrawn,
            }
        };
        let is_told = |ledger: &Ledger| {
            let mut stories = ledger.stories();
            stories.all(|(story, is_withdrawn)| is_known(ledger.rule(), story, is_withdrawn))
        };
        self.episodes.iter().any(|it| it.is_lost(track)) || !track.reds().all(is_told)
    }

    /// Plans or rules are other ones.
    pub(crate) fn retell(
        &mut self,
        rule: &TogetherRule,
        tracks: &[Track],
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        let is_asked = |name: &RuleName| {
            let mut reds = tracks.iter().flat_map(Track::reds);
            reds.any(|ledger| ledger.rule() == name)
        };
        for episode in &mut self.episodes {
            if !is_asked(&episode.rule) && episode.story.end.is_none() {
                episode.story.end = Some((Why::PlanEnded, voice.now));
            }
        }
        self.follow(rule, tracks.iter(), ground, voice);
        self.tell(rule, ground, voice);
    }

    /// Takes over what a red rule told: whether that is new.
    fn copy(
        &mut self,
        rule: &RuleName,
        (vital, story, is_withdrawn): (VitalKind, &Story, bool),
    ) -> bool {
        let StoredTrigger::Record(trigger) = story.trigger else {
            return false;
        };
        let mut known = self.episodes.iter();
        let place = known.position(|it| it.is(rule, story.trigger));
        match (place.and_then(|at| self.episodes.get_mut(at)), is_withdrawn) {
            (Some(known), false) if known.story == *story => return false,
            (Some(known), false) => known.story.clone_from(story),
            (Some(_), true) => self.episodes.retain(|it| !it.is(rule, story.trigger)),
            (None, true) => return false,
            (None, false) => self.episodes.push(Episode {
                rule: rule.clone(),
                vital,
                trigger,
                story: story.clone(),
            }),
        }
        true
    }

    fn tell(&mut self, rule: &TogetherRule, ground: Ground<'_>, voice: &mut Voice<'_>) {
        let settled = ground.rules.continuous.settled_readings;
        let stories = sweep(rule, &self.episodes, settled);
        self.ledger.retell(stories.0, voice, |_| true);
    }

    /// What began and ended two days before the newest red is forgotten, with what was told of it.
    fn forget(&mut self) {
        let newest = self.episodes.iter().map(|it| it.story.since).max();
        let Some(newest) = newest else {
            return;
        };
        let mut cut = newest.plus_ms(-HORIZON_MS);
        let mut ends: Vec<WallMs> = self.episodes.iter().filter_map(Episode::ended_at).collect();
        ends.sort_unstable();
        let surplus = self.episodes.len().saturating_sub(EPISODES_MAX);
        let crowded = surplus.checked_sub(1).and_then(|last| ends.get(last));
        cut = cut.max(crowded.copied().unwrap_or(cut));
        let open = self.ledger.open().map(|story| story.since).min();
        let cut = open.map_or(cut, |since| cut.min(since));
        let is_past = |it: &Episode| it.ended_at().is_some_and(|end| end <= cut);
        if self.episodes.iter().any(is_past) {
            self.episodes.retain(|it| !is_past(it));
            self.ledger.forget(|story| story.since < cut);
        }
    }
}

/// The stories of all episodes, told from the oldest to the newest.
fn sweep(rule: &TogetherRule, episodes: &[Episode], settled_readings: u32) -> Stories {
    let mut turns: Vec<(WallMs, Turn, Option<Mark>, &Episode)> = Vec::new();
    for episode in episodes {
        let marks = episode.marks(settled_readings).into_iter();
        turns.extend(marks.map(|mark| (mark.at, Turn::Mark, Some(mark), episode)));
        let end = episode.ended_at();
        turns.extend(end.map(|at| (at, Turn::End, None, episode)));
    }
    turns.sort_by_key(|(at, turn, _, episode)| (*at, *turn, episode.trigger));
    let mut stories = Stories::default();
    let mut live: Vec<Live<'_>> = Vec::new();
    let mut open: Option<Story> = None;
    for (at, _, mark, episode) in turns {
        let is_same = |it: &Live<'_>| std::ptr::eq(it.episode, episode);
        let Some(mark) = mark else {
            live.retain(|it| !is_same(it));
            if vitals(live.iter()) < 2
                && let Some(mut story) = open.take()
            {
                story.end = episode.story.end;
                stories.tell(&story);
            }
            continue;
        };
        match live.iter_mut().find(|it| is_same(it)) {
            Some(known) => known.mark = mark,
            None => live.push(Live { episode, mark }),
        }
        match &mut open {
            Some(story) => join(story, episode, mark),
            None => open = begun(rule, &live, at),
        }
    }
    if let Some(story) = open {
        stories.tell(&story);
    }
    stories
}

/// How many vital signs take part.
fn vitals<'a>(live: impl Iterator<Item = &'a Live<'a>>) -> usize {
    let mut vitals: Vec<VitalKind> = live.map(|it| it.episode.vital).collect();
    vitals.sort_unstable();
    vitals.dedup();
    vitals.len()
}

/// What begins at a moment, if two vital signs are red at that time.
fn begun(rule: &TogetherRule, live: &[Live<'_>], at: WallMs) -> Option<Story> {
    let is_fresh = |it: &&Live<'_>| at.since(it.mark.at) <= rule.within_ms;
    let mut fresh: Vec<&Live<'_>> = live.iter().filter(is_fresh).collect();
    if vitals(fresh.iter().copied()) < 2 {
        return None;
    }
    fresh.sort_by_key(|it| (it.mark.evidence.at, it.mark.evidence.id));
    let last = fresh.iter().map(|it| it.episode);
    let last = last.max_by_key(|it| (it.story.since, it.trigger))?;
    let mut evidence: Vec<Evidence> = fresh.iter().map(|it| it.mark.evidence).collect();
    evidence.dedup();
    Some(Story {
        trigger: StoredTrigger::Record(last.trigger),
        since: at,
        evidence,
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at,
        },
        late: fresh.iter().any(|it| it.episode.story.late),
        reminded: None,
        again_at: None,
        end: None,
    })
}

/// A vital sign that was not among them turns red: it is told.
fn join(story: &mut Story, episode: &Episode, mark: Mark) {
    let is_known = |it: &Evidence| it.value().map(|(vital, _)| vital) == Some(episode.vital);
    if !story.evidence.iter().any(is_known) {
        story.evidence.push(mark.evidence);
        let (how, at) = (How::AtOnce, mark.at);
        story.standing = Standing::Confirmed { how, at };
        // Whoever has closed the flag is asked again.
        story.reminded = Some(at);
    }
}
