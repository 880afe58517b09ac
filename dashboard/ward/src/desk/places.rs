//! Who stands where: places found anew for whoever changed, by themselves or by the passing of
//! time.

use std::sync::Arc;

use veglia_view::{PatientId, WallMs, is_stand_in};

use super::{Desk, Facts, PLACED_IN_A_GO, Placed, place_of};
use crate::line::{COLUMNS, Lane, filed_as};
use crate::rank::{Ranked, fold, rank};
use crate::words;

impl Desk {
    /// Places some of those who changed, by themselves or by the passing of time; whether more are
    /// left.
    pub(crate) fn settle(&mut self, now: WallMs) -> bool {
        while let Some((at, patient)) = self.until.first().copied() {
            if at > now {
                break;
            }
            self.until.pop_first();
            if let Some(placed) = self
                .patients
                .get_mut(&patient)
                .and_then(|it| it.placed.as_mut())
            {
                placed.until = None;
            }
            self.dirty.insert(patient);
        }
        let today = words::day(now);
        if today != self.today {
            self.touched.extend(self.patients.keys());
            self.today = today;
        }
        let some: Vec<PatientId> = self.dirty.iter().take(PLACED_IN_A_GO).copied().collect();
        for patient in some {
            self.dirty.remove(&patient);
            self.place(patient, now);
            self.touched.insert(patient);
        }
        !self.dirty.is_empty()
    }

    /// Finds the place of a patient.
    fn place(&mut self, patient: PatientId, now: WallMs) {
        let Some(known) = self.patients.get_mut(&patient) else {
            return;
        };
        let Some(row) = &known.row else {
            return;
        };
        // A clock that runs ahead at home says nothing of how fresh the data are.
        let heard = row.last_heard.filter(|at| *at <= now);
        self.last_heard = self.last_heard.max(heard);
        // What waits for its patient stands above the list, and whom the centre has released is not
        // on it; in it, only what calls for somebody.
        if row.flags.is_empty() && (is_stand_in(patient) || known.is_released) {
            self.unplace(patient);
            return;
        }
        let folded = match &known.folded {
            Some(folded) => Arc::clone(folded),
            None => fold(&filed_as(row)).into(),
        };
        let Some(about) = known.about(now) else {
            return;
        };
        let Ranked {
            rank,
            until,
            holders,
            waits,
        } = rank(&about, &folded, now);
        let facts = Facts {
            holders,
            doctor: known.doctor.as_ref().map(|(id, _)| *id),
            place: known.place.clone(),
            waits,
        };
        // The next reading moves the moment on; to look again at the old one does no harm, and to
        // move it in the set for every reading would.
        let set = known.placed.as_ref().and_then(|placed| placed.until);
        let is_sooner = until.is_some_and(|until| set.is_none_or(|set| until < set));
        let kept = if is_sooner { until } else { set };
        if is_sooner {
            if let Some(set) = set {
                self.until.remove(&(set, patient));
            }
            self.until.extend(until.map(|until| (until, patient)));
        }
        if let Some(placed) = &mut known.placed
            && placed.rank == rank
        {
            placed.until = kept;
            if self.ranked.get(&rank) != Some(&facts) {
                self.ranked.insert(rank, facts);
                self.generation += 1;
            }
            return;
        }
        let lane = place_of(rank.lane);
        let placed = Placed {
            rank: rank.clone(),
            until: kept,
        };
        let before = known.placed.replace(placed);
        if let Some(before) = before {
            self.ranked.remove(&before.rank);
            self.uncount(before.rank.lane);
        }
        if let Some(count) = self.count.get_mut(lane) {
            *count += 1;
        }
        self.ranked.insert(rank, facts);
        self.generation += 1;
    }

    fn uncount(&mut self, lane: Lane) {
        if let Some(count) = self.count.get_mut(place_of(lane)) {
            *count -= 1;
        }
    }

    fn unplace(&mut self, patient: PatientId) {
        let known = self.patients.get_mut(&patient);
        let Some(placed) = known.and_then(|known| known.placed.take()) else {
            return;
        };
        self.ranked.remove(&placed.rank);
        if let Some(until) = placed.until {
            self.until.remove(&(until, patient));
        }
        self.uncount(placed.rank.lane);
        self.generation += 1;
    }

    /// Somebody left the list; plan and alerts come once from the diary, and are kept.
    pub(super) fn forget(&mut self, patient: PatientId) {
        self.unplace(patient);
        if let Some(known) = self.patients.get_mut(&patient) {
            known.row = None;
            known.asked = false;
        }
        self.dirty.remove(&patient);
        self.strangers.remove(&patient);
        for vital in COLUMNS {
            self.sparks.remove(&(patient, vital));
        }
    }
}
