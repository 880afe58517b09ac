//! By whose rules a record is judged: its patient's, or those of whoever stands in for somebody
//! unknown.

use std::ops::Range;
use std::sync::PoisonError;

use veglia_diary::Whose;
use veglia_triage::{Input, PatientId, Severity};
use veglia_view::{Waits, is_stand_in};
use veglia_wire::{Body, DeviceEvent, DeviceId, Quality, Record, WallMs};

use super::{Arrived, Fold, Told};
use crate::memory::Known;
use crate::strictest::strictest;
use crate::waiting::{Keeper, NOBODYS_MAX};

impl Fold {
    /// Whose a record is. One without a time, or whose box doubts its time, may be of any time
    /// before it came: it is a patient's only if nobody else ever had the device, and does not
    /// wait to be told.
    pub(super) fn whose(&self, device: &DeviceId, arrived: &Arrived) -> Whose {
        let time = arrived.time;
        let is_dated = time.is_known() && !is_doubted(&arrived.record);
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let whose = known.whose(device, time.at());
        let is_only = |patient| known.course(device).is_some_and(|it| it.is_only(patient));
        match whose {
            Whose::Patient(patient) if is_dated || is_only(patient) => whose,
            Whose::Somebodys | Whose::Nobodys if is_dated => whose,
            _ => Whose::Dismissed,
        }
    }

    /// Whether a record waits to be told whose it is.
    pub(crate) fn waits(&self, arrived: &Arrived) -> bool {
        let device = arrived.record.device.as_ref();
        device.is_some_and(|device| self.whose(device, arrived).waits())
    }

    /// By whose rules a record is judged: its patient's, or those of whoever stands in for them
    /// while it waits to be told whose it is. It is in the series in any case.
    pub(super) fn whom(
        &mut self,
        arrived: &Arrived,
        device: &DeviceId,
        told: &mut Told,
    ) -> Option<PatientId> {
        match self.whose(device, arrived) {
            Whose::Patient(patient) => Some(patient),
            whose @ (Whose::Somebodys | Whose::Nobodys) if is_observed(&arrived.record) => {
                let at = arrived.time.at();
                if whose == Whose::Nobodys && !self.has_room(device, at) {
                    return None;
                }
                let around = self.around(device, at);
                let (patients, waiting) = (&self.patients, &mut self.waiting);
                let severity = |who| patients.get(&who)?.state.severity();
                let is_red = |who: PatientId| severity(who) == Some(Severity::Red);
                let keeper = waiting.keep(arrived, self.change, &around, is_red)?;
                Some(match keeper {
                    Keeper::Held(patient) => patient,
                    Keeper::StandIn(stand_in, waits, measured) => {
                        self.stand_in(stand_in, waits, told);
                        if let Some(known) = self.patients.get_mut(&stand_in) {
                            known.row.measured = measured;
                        }
                        stand_in
                    }
                })
            }
            Whose::Somebodys | Whose::Nobodys => {
                if let Body::Event(DeviceEvent::Down) = arrived.record.body {
                    self.waiting.let_go(device, arrived.time.at());
                }
                None
            }
            Whose::Dismissed => None,
        }
    }

    /// Whether readings of a device that nobody has find room to wait. That they do not is said
    /// once, until they do again.
    fn has_room(&mut self, device: &DeviceId, at: WallMs) -> bool {
        if self.waiting.knows(device) {
            return true;
        }
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let devices = self.waiting.devices();
        let nobodys = devices.filter(|it| known.whose(it, at) == Whose::Nobodys);
        let has_room = nobodys.count() < NOBODYS_MAX;
        if !std::mem::replace(&mut self.is_crowded, !has_room) && !has_room {
            tracing::warn!(
                devices = NOBODYS_MAX,
                "too many devices speak that nobody has: no rule judges what further ones \
                 measure; assign them, or take them off their boxes"
            );
        }
        has_room
    }

    /// Somebody unknown measures, or goes on measuring: by the strictest limits of those who may.
    fn stand_in(&mut self, stand_in: PatientId, waits: Waits, told: &mut Told) {
        let known = self.patients.get(&stand_in);
        let has_plan = known.is_some_and(|known| known.state.plan().is_some());
        let plan = if has_plan {
            None
        } else {
            let assignments = self
                .assignments
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let holder = assignments.holder(&waits.device, waits.from);
            let members = holder.map_or(&[][..], |holder| holder.members());
            let members = members.iter().filter_map(|it| self.patients.get(it));
            let plans = members.filter_map(|known| known.state.plan_at(waits.from));
            strictest(
                stand_in,
                waits.from,
                &plans.collect::<Vec<_>>(),
                &self.rules,
            )
        };
        let known = self.patients.entry(stand_in);
        let known = known.or_insert_with(|| Known::new(stand_in));
        if let Some(plan) = plan {
            known.step(&self.rules, Input::Plan(&plan), waits.since, told);
        }
        known.row.waits = Some(waits);
    }

    /// The time around a moment in which nothing changes about who has a device.
    fn around(&self, device: &DeviceId, at: WallMs) -> Range<WallMs> {
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let course = known.course(device);
        course.map_or(WallMs(i64::MIN)..WallMs(i64::MAX), |it| it.around(at))
    }

    /// Whether a patient has a device, alone or with others; of somebody unknown whether nobody
    /// has it alone.
    pub(super) fn may_have(&self, device: &DeviceId, patient: PatientId, at: WallMs) -> bool {
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let holder = known.holder(device, at);
        is_stand_in(patient) || holder.is_some_and(|it| it.members().contains(&patient))
    }

    /// The patient who has a device alone at a moment.
    pub(super) fn wearer(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        known.resolve(device, at)
    }

    /// Whether what a device measures at a moment is a patient's, as far as can be told: a
    /// household's is of whom somebody named in the same measure, or else of somebody unknown.
    pub(super) fn wears(&self, device: &DeviceId, patient: PatientId, at: WallMs) -> bool {
        let known = self
            .assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        match known.whose(device, at) {
            Whose::Patient(wearer) => wearer == patient,
            Whose::Somebodys | Whose::Nobodys => {
                is_stand_in(patient) || self.waiting.is_held(device, patient, at)
            }
            Whose::Dismissed => false,
        }
    }
}

/// Whether the box itself doubts when a record was measured, and says the time at which it came.
fn is_doubted(record: &Record) -> bool {
    matches!(record.body, Body::Reading(_, quality) if quality.contains(Quality::TIME_UNCERTAIN))
}

/// Whether the rules have a use for what a record says.
fn is_observed(record: &Record) -> bool {
    match record.body {
        Body::Reading(..) | Body::Contact(..) | Body::Answer(_) => true,
        Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => false,
    }
}
