//! What is passed over of a log that is full (`quiet.rs`): readings that memory would have
//! forgotten by now are never unpacked into it.
//!
//! So many of each kind stay in the log as memory holds, and those in the stretch of the oldest
//! median. Of an older one three things last: how long its value is the same, for the gate; that
//! it was clean, for the signal; and that it was there, as the floor of memory. Its points, its
//! slot and its silence were settled when it came.

use veglia_wire::{Quality, VitalKind, WallMs};

use super::PatientState;
use super::calm::{observation, reading};
use crate::gate::Gate;
use crate::ledger::Voice;
use crate::observation::Seen;
use crate::quiet::{LOG_MAX, Noted, place};
use crate::rules::RuleSet;
use crate::track::RECENT_MAX;

/// Readings of a log that are passed over at least, or it is folded: a log whose readings are
/// nearly all within memory is nothing but a detour.
const PASSED_MIN: usize = LOG_MAX / 4;

impl PatientState {
    /// The log is full: what memory would have forgotten by now is passed over. Whether there was
    /// enough of it; if not, the next input folds all.
    pub(super) fn pass_over(&mut self, rules: &RuleSet, voice: &mut Voice<'_>) -> bool {
        let old = self.forgotten(rules);
        let readings = old.iter().filter(|is_old| **is_old).count();
        let (Some(proof), Some(newest)) =
            (self.quiet.proof(), old.iter().rposition(|is_old| *is_old))
        else {
            return false;
        };
        if readings < PASSED_MIN {
            return false;
        }
        self.life.stretch(proof.heard.to);
        self.tell_put_off();
        let noted: Vec<Noted> = self.quiet.log().readings().take(newest + 1).collect();
        let (old, kept): (Vec<_>, Vec<_>) = noted.iter().zip(old).partition(|(_, is_old)| *is_old);
        for kind in VitalKind::ALL {
            let ours = old.iter().map(|(noted, _)| *noted);
            let ours = ours.filter(|noted| noted.vital.kind() == kind);
            self.pass_kind_over(rules, kind, ours, voice);
        }
        // Those that came between and would be remembered.
        for (noted, _) in kept {
            if let Some(device) = self.quiet.device(noted.vital.kind()).cloned() {
                self.observe(rules, &observation(noted, device), voice);
            }
        }
        if let Some((last, _)) = old.last() {
            let ground = ground!(self, rules);
            self.scoring.pass_over((last.at, last.id), ground);
        }
        self.quiet.drop_oldest(newest + 1);
        true
    }

    /// Of each reading of the log, the oldest first, whether memory would have forgotten it: so
    /// many of its kind came after it, and it is not in the stretch of a median of theirs.
    fn forgotten(&self, rules: &RuleSet) -> Vec<bool> {
        let mut later = [0_usize; VitalKind::ALL.len()];
        let mut edges = [WallMs(i64::MIN); VitalKind::ALL.len()];
        let times = self.quiet.log().times();
        let is_old = times.map(|(at, kind)| {
            let kind = place(kind);
            let (Some(later), Some(edge)) = (later.get_mut(kind), edges.get_mut(kind)) else {
                return false;
            };
            *later += 1;
            // The newest that is forgotten has its stretch, as each of those that are kept.
            if *later == RECENT_MAX + 1 {
                *edge = at.plus_ms(-rules.continuous.median_ms);
            }
            *later > RECENT_MAX + 1 && at <= *edge
        });
        let mut is_old: Vec<bool> = is_old.collect();
        is_old.reverse();
        is_old
    }

    /// Readings of a kind that would be forgotten by now: of what they leave behind, what lasts.
    fn pass_kind_over<'n>(
        &mut self,
        rules: &RuleSet,
        kind: VitalKind,
        mut old: impl Iterator<Item = &'n Noted>,
        voice: &mut Voice<'_>,
    ) {
        let ground = ground!(self, rules);
        let mut tracks = self.tracks.iter_mut();
        let track = tracks.find(|track| track.kind() == kind);
        let device = self.quiet.device(kind).cloned();
        let (Some(first), Some(track), Some(device)) = (old.next(), track, device) else {
            return;
        };
        let mut gate = Gate::of(&mut self.gates, kind, ground);
        gate = gate.filter(|_| rules.continuous.is_for(kind));
        // One of each is enough: they differ in little.
        let mut reading = reading(first, Some(device.clone()));
        let mut observation = observation(first, device);
        for noted in std::iter::once(first).chain(old) {
            (reading.at, reading.id) = (noted.at, noted.id);
            reading.steps = noted.vital.steps();
            if let Some(gate) = &mut gate {
                gate.pass_over(&reading, ground);
            }
            (observation.at, observation.id) = (noted.at, noted.id);
            observation.received = noted.received;
            observation.seen = Seen::Vital(noted.vital, Quality::empty());
            self.calls.pass_over(&observation, ground, voice);
        }
        if let Some(gate) = gate {
            gate.close_up();
        }
        track.pass_over(reading.key(), ground);
    }
}
