//! The one open story of a rule over days.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, WallMs};

use crate::flag::{Evidence, How, Standing, Why};
use crate::ledger::{StoredTrigger, Stories, Story};

/// What a rule over days has to tell, if its cause lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Thread(Option<Story>);

impl Thread {
    pub(super) fn open(&self) -> Option<&Story> {
        self.0.as_ref()
    }

    /// The cause is there: a story begins, confirmed, as no single reading made it.
    pub(super) fn begin(
        &mut self,
        (record, at, late): (RecordId, WallMs, bool),
        evidence: Vec<Evidence>,
        told: &mut Stories,
    ) {
        let story = Story {
            trigger: StoredTrigger::Record(record),
            since: at,
            evidence,
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at,
            },
            late,
            reminded: None,
            again_at: None,
            end: None,
        };
        told.tell(&story);
        self.0 = Some(story);
    }

    /// The cause lasts: it is told again so long after it was told.
    pub(super) fn remind(&mut self, at: WallMs, remind_ms: i64, told: &mut Stories) {
        if let Some(story) = &mut self.0
            && at.since(story.reminded.unwrap_or(story.since)) >= remind_ms
        {
            story.reminded = Some(at);
            told.tell(story);
        }
    }

    /// The cause is gone.
    pub(super) fn end(&mut self, why: Why, at: WallMs, told: &mut Stories) {
        if let Some(mut story) = self.0.take() {
            story.end = Some((why, at));
            told.tell(&story);
        }
    }
}
