//! What has been said of one rule's flags, and how to say what has changed.
//!
//! The rules tell whole stories: what is true of a flag now, by all readings known. The ledger
//! compares a story with what was told before and puts the difference into verdicts. So a reading
//! that arrives late needs no rules of its own: the stories are told again, and only what differs
//! is said.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, WallMs};

use crate::flag::{About, Evidence, Flag, FlagId, Severity, Standing, Trigger, Verdict, Why};
use crate::patient::PatientId;
use crate::rules::RuleName;

/// What is true of one flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Story {
    pub(crate) trigger: StoredTrigger,
    pub(crate) since: WallMs,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) standing: Standing,
    pub(crate) late: bool,
    /// When it was last told again because it lasts, by the time of measuring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reminded: Option<WallMs>,
    /// When it is told again, by what was measured since it was told, if nothing else tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) again_at: Option<WallMs>,
    pub(crate) end: Option<(Why, WallMs)>,
}

impl Story {
    /// When it was confirmed or, failing that, will be if nothing comes.
    pub(crate) fn flagged_at(&self) -> WallMs {
        match self.standing {
            Standing::Confirmed { at, .. } => at,
            Standing::Unconfirmed { repeat_by } => repeat_by,
        }
    }

    /// Tells it again if the moment for that has come; whether it had.
    pub(crate) fn pass(&mut self, by: WallMs) -> bool {
        let due = self.again_at.take_if(|due| *due <= by);
        self.reminded = due.or(self.reminded);
        due.is_some()
    }

    /// Whether what set it off is no newer than a reading.
    pub(crate) fn is_by(&self, reading: (WallMs, RecordId)) -> bool {
        match self.trigger {
            StoredTrigger::Record(id) => (self.since, id) <= reading,
            StoredTrigger::SilentSince(since) => since <= reading.0,
        }
    }
}

/// The stories of one rule while they are being told from the beginning.
#[derive(Debug, Default)]
pub(crate) struct Stories(pub(crate) Vec<Story>);

impl Stories {
    /// A story that begins, or goes on otherwise than was told.
    pub(crate) fn tell(&mut self, story: &Story) {
        let mut told = self.0.iter_mut().rev();
        match told.find(|told| told.trigger == story.trigger) {
            Some(told) => told.clone_from(story),
            None => self.0.push(story.clone()),
        }
    }

    /// The one that goes on.
    pub(crate) fn open(&mut self) -> Option<&mut Story> {
        let mut told = self.0.iter_mut().rev();
        told.find(|story| story.end.is_none())
    }
}

/// The story that was open before the first.
impl From<Option<&Story>> for Stories {
    fn from(open: Option<&Story>) -> Self {
        Self(open.cloned().into_iter().collect())
    }
}

/// A trigger within a vital sign's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredTrigger {
    Record(RecordId),
    SilentSince(WallMs),
}

/// Who speaks, when, and to whom.
pub(crate) struct Voice<'a> {
    pub(crate) patient: PatientId,
    pub(crate) rule_set: &'a RuleName,
    pub(crate) now: WallMs,
    pub(crate) verdicts: &'a mut Vec<Verdict>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The id is kept: a newer rule set does not rename a flag that people have seen.
    id: FlagId,
    story: Story,
    withdrawn: bool,
    tellings: u32,
}

/// What was told of one rule's flags, within the memory of what it judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    rule: RuleName,
    #[serde(alias = "vital")]
    about: About,
    severity: Severity,
    told: Vec<Told>,
}

impl Ledger {
    pub(crate) fn new(rule: RuleName, about: About, severity: Severity) -> Self {
        Self {
            rule,
            about,
            severity,
            told: Vec::new(),
        }
    }

    pub(crate) fn rule(&self) -> &RuleName {
        &self.rule
    }

    pub(crate) fn severity(&self) -> Severity {
        self.severity
    }

    pub(crate) fn adopt(&mut self, severity: Severity) {
        self.severity = severity;
    }

    /// Says what is new in a story.
    pub(crate) fn tell(&mut self, story: Story, voice: &mut Voice<'_>) {
        let known = self
            .told
            .iter()
            .rposition(|told| told.story.trigger == story.trigger);
        let saying = |told: &mut Told, voice: &mut Voice<'_>, sayings: Sayings| {
            told.say(self.severity, self.about, sayings, voice);
        };
        match known.and_then(|index| self.told.get_mut(index)) {
            Some(told) => {
                let before = std::mem::replace(&mut told.story, story);
                let was_withdrawn = std::mem::take(&mut told.withdrawn);
                let sayings = difference(&before, was_withdrawn, &told.story);
                saying(told, voice, sayings);
            }
            None => {
                let sayings = Sayings {
                    raise: true,
                    confirm: false,
                    end: story.end,
                    withdraw: false,
                };
                let mut told = Told {
                    id: self.flag_id(story.trigger, voice),
                    story,
                    withdrawn: false,
                    tellings: 0,
                };
                saying(&mut told, voice, sayings);
                self.told.push(told);
            }
        }
    }

    /// Tells stories, then takes back whatever is not among them and `is_ours`.
    pub(crate) fn retell(
        &mut self,
        stories: Vec<Story>,
        voice: &mut Voice<'_>,
        is_ours: impl Fn(&Story) -> bool,
    ) {
        let told: Vec<StoredTrigger> = stories.iter().map(|story| story.trigger).collect();
        for story in stories {
            self.tell(story, voice);
        }
        self.withdraw(voice, |story| {
            is_ours(story) && !told.contains(&story.trigger)
        });
    }

    fn withdraw(&mut self, voice: &mut Voice<'_>, is_untold: impl Fn(&Story) -> bool) {
        for told in &mut self.told {
            if !told.withdrawn && is_untold(&told.story) {
                told.withdrawn = true;
                let sayings = Sayings {
                    withdraw: true,
                    ..Sayings::default()
                };
                told.say(self.severity, self.about, sayings, voice);
            }
        }
    }

    /// Ends what is open because the rule is no longer asked.
    pub(crate) fn close(&mut self, voice: &mut Voice<'_>) {
        let open: Vec<Story> = self.open().cloned().collect();
        for mut story in open {
            story.end = Some((Why::PlanEnded, voice.now));
            self.tell(story, voice);
        }
    }

    /// Forgets what is over and will not be told again.
    pub(crate) fn forget(&mut self, is_past: impl Fn(&Story) -> bool) {
        self.told
            .retain(|told| told.is_open() || !is_past(&told.story));
    }

    /// Forgets one flag of which nothing more will be said.
    pub(crate) fn drop_told(&mut self, trigger: StoredTrigger) {
        self.told.retain(|told| told.story.trigger != trigger);
    }

    /// What was told of a trigger last, if it was not taken back.
    pub(crate) fn story(&self, trigger: StoredTrigger) -> Option<&Story> {
        let mut standing = self.told.iter().rev().filter(|told| !told.withdrawn);
        let told = standing.find(|told| told.story.trigger == trigger)?;
        Some(&told.story)
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &Story> {
        let open = self.told.iter().filter(|told| told.is_open());
        open.map(|told| &told.story)
    }

    /// Every story that was told, and whether it was taken back.
    pub(crate) fn stories(&self) -> impl Iterator<Item = (&Story, bool)> {
        let told = self.told.iter();
        told.map(|told| (&told.story, told.withdrawn))
    }

    /// Whether a flag that is not withdrawn is open, or tells of what `is_meant`.
    pub(crate) fn has_open_or(&self, is_meant: impl Fn(&Story) -> bool) -> bool {
        let mut standing = self.told.iter().rev().filter(|told| !told.withdrawn);
        standing.any(|told| told.is_open() || is_meant(&told.story))
    }

    /// Every flag that stands by what is known now, and whether its episode goes on.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Flag, bool)> {
        let standing = self.told.iter().filter(|told| !told.withdrawn);
        standing.map(|told| (told.flag(self.severity, self.about), told.is_open()))
    }

    fn flag_id(&self, trigger: StoredTrigger, voice: &Voice<'_>) -> FlagId {
        FlagId {
            patient: voice.patient,
            rule: self.rule.clone(),
            rule_set: voice.rule_set.clone(),
            trigger: match trigger {
                StoredTrigger::Record(record) => Trigger::Record(record),
                StoredTrigger::SilentSince(since) => match self.about.vital() {
                    Some(vital) => Trigger::SilentSince(vital, since),
                    None => Trigger::HomeSilentSince(since),
                },
            },
        }
    }
}

/// What there is to say of one flag, in this order.
#[derive(Debug, Clone, Copy, Default)]
struct Sayings {
    raise: bool,
    confirm: bool,
    end: Option<(Why, WallMs)>,
    withdraw: bool,
}

/// What to say when a story replaces another.
fn difference(before: &Story, was_withdrawn: bool, after: &Story) -> Sayings {
    let nothing = Sayings::default();
    if !was_withdrawn && before == after {
        return nothing;
    }
    let was_open = !was_withdrawn && before.end.is_none();
    let is_confirmed = after.standing.is_confirmed();
    let other_ground = before.standing != after.standing || before.evidence != after.evidence;
    let end = after.end;
    if was_withdrawn || (!was_open && end.is_none()) {
        return Sayings {
            raise: true,
            end,
            ..nothing
        };
    }
    if before.standing.is_confirmed() && !is_confirmed {
        // Open: a plan has made the reading less grave. Over: a late repeat has refuted it, as it
        // would have in time. Only the confirmation is taken back; the flag stands in any order.
        return Sayings {
            raise: end.is_none(),
            end: end.filter(|_| before.end != end),
            ..nothing
        };
    }
    let is_news = is_confirmed && other_ground;
    // Late data may move a reminder back: that reminds nobody of anything.
    let is_reminder = end.is_none() && before.reminded < after.reminded;
    Sayings {
        raise: is_news && !was_open || is_reminder,
        confirm: is_news && was_open && !is_reminder,
        end: end.filter(|_| is_news || before.end != end),
        withdraw: false,
    }
}

impl Told {
    fn is_open(&self) -> bool {
        !self.withdrawn && self.story.end.is_none()
    }

    fn flag(&self, severity: Severity, about: About) -> Flag {
        let story = &self.story;
        Flag {
            id: self.id.clone(),
            severity,
            about,
            since: story.since,
            evidence: story.evidence.clone(),
            standing: story.standing,
            late: story.late,
            telling: self.tellings,
        }
    }

    fn say(&mut self, severity: Severity, about: About, what: Sayings, voice: &mut Voice<'_>) {
        if what.raise {
            self.tellings += 1;
            voice
                .verdicts
                .push(Verdict::Raise(self.flag(severity, about)));
        }
        if let (true, Standing::Confirmed { how, at }) = (what.confirm, self.story.standing) {
            self.tellings += 1;
            voice.verdicts.push(Verdict::Confirm {
                id: self.id.clone(),
                how,
                evidence: self.story.evidence.clone(),
                at,
                telling: self.tellings,
            });
        }
        let withdrawal = what
            .withdraw
            .then_some((Why::ExplainedByLateData, voice.now));
        if let Some((why, at)) = what.end.or(withdrawal) {
            self.tellings += 1;
            voice.verdicts.push(Verdict::End {
                id: self.id.clone(),
                why,
                at,
                telling: self.tellings,
            });
        }
    }
}
