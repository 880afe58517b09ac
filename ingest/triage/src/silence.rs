//! What a stretch without readings means under the patient's plans.
//!
//! Pure arithmetic over one gap: from one reading to the next, or to now. Silence is per vital
//! sign: a thermometer may fall silent while the oximeter talks. A silence is named by the moment
//! a reading was expected and becomes a flag a grace later. It is one flag however long it lasts,
//! through a revision of the plan that goes on asking, and ends with the data or the plan.
//!
//! Only readings that may be judged break a silence. A greyed value shows that the device is
//! alive, but the patient has not been measured, and that is what the plan asks for.

//!
//! While nothing can come, the home being off line or the centre not listening (`presence.rs`),
//! nothing is said of a vital sign: the home is flagged as a whole (`home.rs`).

use veglia_wire::{VitalKind, WallMs};

use crate::flag::{How, Standing, Why};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{Segment, expectation, segments};
use crate::presence::{Cause, Outage, postponed};
use crate::rules::PresenceRule;
use crate::track::Ground;
use crate::whereabouts::is_at_home;

/// What the plans ask of one vital sign.
pub(crate) struct Watch<'a> {
    segments: Vec<Segment<'a>>,
    ground: Ground<'a>,
    outages: Vec<Outage>,
}

/// Why nothing is asked any more from a moment on.
pub(crate) fn why_ended(ground: Ground<'_>, at: WallMs) -> Why {
    if is_at_home(ground.standings, at) {
        Why::PlanEnded
    } else {
        Why::Away
    }
}

/// A silence that would be flagged at `deadline`.
#[derive(Debug, Clone, Copy)]
struct Silence {
    since: WallMs,
    deadline: WallMs,
}

/// When something that was flagged at a moment and lasts was last told again by another: who has
/// closed the flag hears that nothing has come since.
pub(crate) fn reminded(flagged: WallMs, by: WallMs, remind_ms: i64) -> Option<WallMs> {
    let times = by.since(flagged) / remind_ms.max(1);
    (times > 0).then(|| flagged.plus_ms(times * remind_ms))
}

/// When it is next told again.
pub(crate) fn next_reminder(flagged: WallMs, ticked: WallMs, remind_ms: i64) -> WallMs {
    let told = reminded(flagged, ticked, remind_ms).unwrap_or(flagged);
    told.plus_ms(remind_ms)
}

impl Silence {
    /// The story as it is by a moment, which is its end if it has one.
    fn story(self, by: WallMs, end: Option<(Why, WallMs)>, rule: &PresenceRule) -> Story {
        Story {
            reminded: reminded(self.deadline, by, rule.remind_ms),
            trigger: StoredTrigger::SilentSince(self.since),
            since: self.since,
            evidence: Vec::new(),
            standing: Standing::Confirmed {
                how: How::Silent(Cause::Unknown),
                at: self.deadline,
            },
            late: false,
            again_at: None,
            end,
        }
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(ground: Ground<'a>, vital: VitalKind) -> Self {
        Self {
            segments: segments(ground.plans, ground.standings, vital),
            ground,
            outages: ground.life.outages(&ground.rules.presence),
        }
    }

    /// In which outage, and by when, a reading was expected between one and the next (none: there
    /// is none yet) and nothing was said.
    pub(crate) fn held(
        &self,
        from: Option<WallMs>,
        next: Option<WallMs>,
        mut held: impl FnMut(&Outage, WallMs),
    ) {
        let to = next.unwrap_or(self.ground.ticked);
        self.gap(from, to, next.is_some(), &self.outages, &mut held);
    }

    /// The silences between a reading (none: ever) and the next.
    pub(crate) fn between(&self, from: Option<WallMs>, to: WallMs) -> Vec<Story> {
        self.gap(from, to, true, &self.outages, &mut |_, _| {})
    }

    /// The silences after the last reading (none: ever), as known when ticks reached `ticked`.
    pub(crate) fn after(&self, from: Option<WallMs>, ticked: WallMs) -> Vec<Story> {
        self.gap(from, ticked, false, &self.outages, &mut |_, _| {})
    }

    /// When [`Watch::after`] next changes, or a home that stays off line is flagged, without a
    /// reading.
    pub(crate) fn next_change(&self, from: Option<WallMs>, ticked: WallMs) -> Option<WallMs> {
        let over = self.outages.iter().filter(|outage| outage.until.is_some());
        let over: Vec<Outage> = over.copied().collect();
        let stories = self.gap(from, WallMs(i64::MAX), false, &over, &mut |_, _| {});
        let remind_ms = self.ground.rules.presence.remind_ms;
        let times = stories.into_iter().flat_map(|story| {
            let (flagged, end) = (story.flagged_at(), story.end.map(|(_, at)| at));
            let again = next_reminder(flagged, ticked, remind_ms);
            let again = Some(again).filter(|at| end.is_none_or(|end| *at < end));
            [Some(flagged), end, again]
        });
        times.flatten().filter(|at| *at > ticked).min()
    }

    /// `to` is the next reading (`is_reading`) or the present.
    fn gap(
        &self,
        from: Option<WallMs>,
        to: WallMs,
        is_reading: bool,
        outages: &[Outage],
        held: &mut impl FnMut(&Outage, WallMs),
    ) -> Vec<Story> {
        let rule = &self.ground.rules.presence;
        let mut stories = Vec::new();
        let mut open: Option<Silence> = None;
        let mut carried: Option<Silence> = None;
        let mut anchor: Option<WallMs> = None;
        let mut asked_until: Option<WallMs> = None;
        let is_past = |moment: WallMs| {
            if is_reading {
                moment < to
            } else {
                moment <= to
            }
        };
        for segment in &self.segments {
            let has_ended = |until: WallMs| from.is_some_and(|from| until <= from);
            if segment.until.is_some_and(has_ended) || !is_past(segment.from) {
                continue;
            }
            if asked_until != Some(segment.from) {
                let ended = open.take().zip(asked_until);
                let ended = ended.map(|(it, until)| {
                    it.story(until, Some((why_ended(self.ground, until), until)), rule)
                });
                stories.extend(ended);
                carried = None;
                anchor = Some(from.map_or(segment.from, |from| from.max(segment.from)));
            }
            asked_until = segment.until;
            if open.is_none() {
                let begun = anchor.and_then(|anchor| {
                    self.begun(segment, anchor, outages, |outage, deadline| {
                        if is_past(deadline) {
                            held(outage, deadline);
                        }
                    })
                });
                // What fell due before the plan was changed is not forgotten by the change.
                let first = carried
                    .into_iter()
                    .chain(begun)
                    .min_by_key(|it| it.deadline);
                let is_asked = |at: WallMs| segment.until.is_none_or(|until| at < until);
                carried = first.filter(|it| !is_asked(it.deadline) && is_asked(it.since));
                let told = first.filter(|it| is_asked(it.deadline));
                open = told.filter(|silence| is_past(silence.deadline));
            }
        }
        let last = open.map(|silence| {
            let end = match asked_until {
                Some(until) if until <= to => Some((why_ended(self.ground, until), until)),
                _ if is_reading => Some((Why::DataReturned, to)),
                _ => None,
            };
            silence.story(end.map_or(to, |(_, at)| at), end, rule)
        });
        stories.extend(last);
        stories
    }

    /// The silence that begins by what a segment asks if nothing comes, be it that the segment ends
    /// first.
    fn begun(
        &self,
        segment: &Segment<'_>,
        anchor: WallMs,
        outages: &[Outage],
        mut held: impl FnMut(&Outage, WallMs),
    ) -> Option<Silence> {
        let zone = &self.ground.rules.zone;
        let since = expectation(segment.parameter, zone, anchor, segment.from)?;
        let is_asked = |at: WallMs| segment.until.is_none_or(|until| at < until);
        let deadline = since.plus_ms(segment.parameter.grace_ms());
        let deadline = postponed(outages, deadline, |outage, at| {
            if is_asked(at) {
                held(outage, at);
            }
        })?;
        Some(Silence { since, deadline })
    }
}
