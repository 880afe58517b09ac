//! What a stretch without readings means under the patient's plans.
//!
//! Pure arithmetic over one gap: from one reading to the next, or to now. Silence is per vital
//! sign: a thermometer may fall silent while the oximeter talks. A silence is named by the moment
//! a reading was expected and becomes a flag a grace later. It is one flag however long it lasts,
//! through a revision of the plan that goes on asking, and ends with the data or the plan.
//!
//! Only readings that may be judged break a silence. A greyed value shows that the device is
//! alive, but the patient has not been measured, and that is what the plan asks for.

use jiff::tz::TimeZone;
use veglia_wire::{VitalKind, WallMs};

use crate::flag::{How, Standing, Why};
use crate::ledger::{StoredTrigger, Story};
use crate::plan::{Plan, Segment, expectation, segments};

/// What the plans ask of one vital sign.
pub(crate) struct Watch<'a> {
    segments: Vec<Segment<'a>>,
    zone: &'a TimeZone,
}

/// A silence that would be flagged at `deadline`.
#[derive(Debug, Clone, Copy)]
struct Silence {
    since: WallMs,
    deadline: WallMs,
}

impl Silence {
    fn story(self, end: Option<(Why, WallMs)>) -> Story {
        Story {
            trigger: StoredTrigger::SilentSince(self.since),
            since: self.since,
            evidence: Vec::new(),
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at: self.deadline,
            },
            late: false,
            reminded: None,
            end,
        }
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(plans: &'a [Plan], vital: VitalKind, zone: &'a TimeZone) -> Self {
        Self {
            segments: segments(plans, vital),
            zone,
        }
    }

    /// The silences between a reading (none: ever) and the next.
    pub(crate) fn between(&self, from: Option<WallMs>, to: WallMs) -> Vec<Story> {
        self.gap(from, to, true)
    }

    /// The silences after the last reading (none: ever), as known when ticks reached `ticked`.
    pub(crate) fn after(&self, from: Option<WallMs>, ticked: WallMs) -> Vec<Story> {
        self.gap(from, ticked, false)
    }

    /// When [`Watch::after`] next changes without a reading.
    pub(crate) fn next_change(&self, from: Option<WallMs>, ticked: WallMs) -> Option<WallMs> {
        let stories = self.gap(from, WallMs(i64::MAX), false);
        let times = stories
            .into_iter()
            .flat_map(|story| [Some(story.flagged_at()), story.end.map(|(_, at)| at)]);
        times.flatten().filter(|at| *at > ticked).min()
    }

    /// `to` is the next reading (`is_reading`) or the present.
    fn gap(&self, from: Option<WallMs>, to: WallMs, is_reading: bool) -> Vec<Story> {
        let mut stories = Vec::new();
        let mut open: Option<Silence> = None;
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
                let ended = ended.map(|(it, until)| it.story(Some((Why::PlanEnded, until))));
                stories.extend(ended);
                anchor = Some(from.map_or(segment.from, |from| from.max(segment.from)));
            }
            asked_until = segment.until;
            if open.is_none() {
                let begun = anchor.and_then(|anchor| self.begun(segment, anchor));
                open = begun.filter(|silence| is_past(silence.deadline));
            }
        }
        let last = open.map(|silence| {
            let end = match asked_until {
                Some(until) if until <= to => Some((Why::PlanEnded, until)),
                _ if is_reading => Some((Why::DataReturned, to)),
                _ => None,
            };
            silence.story(end)
        });
        stories.extend(last);
        stories
    }

    /// The silence that begins in a segment if nothing comes, unless the segment ends first.
    fn begun(&self, segment: &Segment<'_>, anchor: WallMs) -> Option<Silence> {
        let since = expectation(segment.parameter, self.zone, anchor, segment.from)?;
        let deadline = since.plus_ms(segment.parameter.grace_ms());
        let is_asked = segment.until.is_none_or(|until| deadline < until);
        is_asked.then_some(Silence { since, deadline })
    }
}
