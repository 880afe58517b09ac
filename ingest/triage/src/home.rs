//! The silence of a home as a whole: one flag, however many vital signs were expected meanwhile.
//!
//! It is raised when the first expected reading does not come while the home is off line, and not
//! when the line is lost: a loss in hours in which nothing is expected asks nobody. It is over
//! when the home is heard, when the plan ends or when the patient leaves, and is taken back when
//! readings that arrive late show that nothing was missing.

use std::collections::BTreeMap;

use veglia_wire::WallMs;

use crate::flag::{About, How, Severity, Standing, Why};
use crate::ledger::{Ledger, StoredTrigger, Story, Voice};
use crate::plan::asked_around;
use crate::presence::{Cause, Outage};
use crate::rules::RuleName;
use crate::silence::{next_reminder, reminded, why_ended};
use crate::track::{Ground, Track};

pub(crate) fn ledger() -> Ledger {
    Ledger::new(
        RuleName::silence_of_home(),
        About::Home,
        Severity::Technical,
    )
}

/// Tells what is true of the home now. Readings that are forgotten explain nothing any more: what
/// was told of their time stands.
pub(crate) fn settle(
    ledger: &mut Ledger,
    tracks: &[Track],
    ground: Ground<'_>,
    voice: &mut Voice<'_>,
) {
    let outages = ground.life.outages(&ground.rules.presence);
    let oldest = ground.life.oldest();
    ledger.forget(|story| oldest.is_some_and(|oldest| story.since < oldest));
    let floor = tracks.iter().filter_map(Track::floor_at).max();
    let is_known = |since: WallMs| floor.is_none_or(|floor| floor < since);
    let mut stories = told_now(tracks, &outages, ground);
    stories.retain(|story| is_known(story.since));
    let is_told = |since| stories.iter().any(|story| story.since == since);
    let old = ledger.open().filter(|story| !is_known(story.since));
    let old: Vec<Story> = old
        .filter(|story| !is_told(story.since))
        .filter_map(|story| ended(story, &outages))
        .collect();
    for story in old {
        ledger.tell(story, voice);
    }
    ledger.retell(stories, voice, |story| is_known(story.since));
}

/// When a story that lasts next ends by itself or is told again.
pub(crate) fn next_end(ledger: &Ledger, ground: Ground<'_>) -> Option<WallMs> {
    let remind_ms = ground.rules.presence.remind_ms;
    let moments = ledger.open().flat_map(|story| {
        let flagged = story.flagged_at();
        let (_, until) = asked_around(ground.plans, ground.standings, flagged);
        let again = next_reminder(flagged, ground.ticked, remind_ms);
        [until, Some(again)]
    });
    moments.flatten().filter(|at| *at > ground.ticked).min()
}

fn told_now(tracks: &[Track], outages: &[Outage], ground: Ground<'_>) -> Vec<Story> {
    if outages.iter().all(|outage| outage.silent_since.is_none()) {
        return Vec::new();
    }
    let mut stories: BTreeMap<WallMs, Story> = BTreeMap::new();
    for track in tracks {
        track.held(ground, |outage, deadline| {
            let Some(story) = told_of(outage, deadline, ground) else {
                return;
            };
            let known = stories.entry(story.since).or_insert_with(|| story.clone());
            if story.flagged_at() < known.flagged_at() {
                *known = story;
            }
        });
    }
    stories.into_values().collect()
}

/// The story of an outage in which a reading was expected by `deadline`.
fn told_of(outage: &Outage, deadline: WallMs, ground: Ground<'_>) -> Option<Story> {
    let (asked_from, asked_until) = asked_around(ground.plans, ground.standings, deadline);
    let since = outage.silent_since?.max(asked_from);
    let is_over = |until: &WallMs| *until <= ground.ticked;
    let end = match (outage.until, asked_until.filter(is_over)) {
        (Some(heard), asked) if asked.is_none_or(|asked| heard <= asked) => {
            Some((Why::DataReturned, heard))
        }
        (_, Some(asked)) => Some((why_ended(ground, asked), asked)),
        (_, None) => None,
    };
    let told_by = end.map_or(ground.ticked, |(_, at)| at);
    Some(Story {
        trigger: StoredTrigger::SilentSince(since),
        since,
        evidence: Vec::new(),
        standing: Standing::Confirmed {
            how: How::Silent(Cause::HomeOffline),
            at: deadline,
        },
        late: false,
        reminded: reminded(deadline, told_by, ground.rules.presence.remind_ms),
        again_at: None,
        end,
    })
}

/// A story whose readings are forgotten, if the home was heard since.
fn ended(story: &Story, outages: &[Outage]) -> Option<Story> {
    let mut those = outages.iter().filter(|it| it.silent_since.is_some());
    let outage = those.find(|outage| outage.holds(story.flagged_at()))?;
    Some(Story {
        end: Some((Why::DataReturned, outage.until?)),
        ..story.clone()
    })
}
