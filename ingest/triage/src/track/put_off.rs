//! What a track knows of readings that are put off (`quiet.rs`), and what it lets go by them.

use std::collections::VecDeque;

use veglia_wire::{RecordId, WallMs};

use super::{Ground, Track};
use crate::ledger::{Story, Voice};
use crate::limit::Reading;
use crate::stream::Medians;

impl Track {
    /// The newest reading, if it is the one that is shown, and no rule has anything open.
    pub(crate) fn calm(&self) -> Option<&Reading> {
        let newest = self.recent.back()?;
        let shown = self.latest.map(|it| (it.at, it.id));
        let is_shown = shown == Some(newest.key());
        (is_shown && self.limits.are_quiet()).then_some(newest)
    }

    /// The newest reading and those before it within so long, the newest first.
    pub(crate) fn stretch(&self, stretch_ms: i64) -> impl Iterator<Item = &Reading> {
        let newest = self.recent.back().map(|it| it.at);
        let readings = self.recent.iter().rev().chain(self.lingering.iter().rev());
        readings.take_while(move |it| newest.is_some_and(|at| at.since(it.at) < stretch_ms))
    }

    /// A reading is put off that was measured at a moment; none is any more.
    pub(crate) fn put_off(&mut self, at: Option<WallMs>) {
        self.put_off_at = at;
    }

    /// Whether a reading was put off until now: what waits for one has heard of it when it came.
    pub(crate) fn was_put_off(&self, at: WallMs) -> bool {
        self.put_off_at.is_some_and(|heard| at <= heard)
    }

    /// A reading that is put off was waited for.
    pub(crate) fn await_no_more(
        &mut self,
        before: WallMs,
        at: WallMs,
        ground: Ground<'_>,
        voice: &mut Voice<'_>,
    ) {
        self.put_off_at = Some(at);
        self.follow_gap(Some(before), at, ground, voice);
    }

    /// When the newest reading was measured.
    pub(super) fn newest_at(&self) -> Option<WallMs> {
        self.put_off_at.max(self.recent.back().map(|last| last.at))
    }

    /// Until when a reading neither ends a silence nor comes after one.
    pub(crate) fn expected_until(&self) -> Option<WallMs> {
        let newest = self.newest_at()?;
        let is_after = |story: &Story| newest < story.since;
        let is_told = self.silence.has_open_or(is_after);
        (!is_told).then_some(self.silence_check.unwrap_or(WallMs(i64::MAX)))
    }

    /// Readings of the kind would have been taken and forgotten by now, the last with this key,
    /// and with them all that is remembered.
    pub(crate) fn pass_over(&mut self, key: (WallMs, RecordId), ground: Ground<'_>) {
        if !self.recent.is_empty() {
            let continuous = &ground.rules.continuous;
            self.medians
                .refresh(&self.lingering, &self.recent, continuous);
            self.forget_if(ground, |_| true);
            self.recent = VecDeque::new();
            self.medians = Medians::default();
        }
        self.lingering = VecDeque::new();
        self.floor = Some(key);
        self.limits.forget(key);
        self.silence.forget(|story| story.is_by(key));
    }
}
