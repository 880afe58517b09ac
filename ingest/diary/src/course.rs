//! Who has every device when, in memory: whose a reading is.
//!
//! The same rows in the same order give the same answer, whether they were read at once
//! ([`crate::assignments()`]) or came one by one as changes.

use std::collections::HashMap;
use std::ops::Range;

use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

use crate::assignments::{Assignment, AssignmentEnd, AssignmentId, Holder};
use crate::attributions::{Attributed, AttributionId};
use crate::changes::Changed;

/// Who has every device when, in memory, to resolve a reading's device to a patient. It is read
/// once and then kept up to date by the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignments {
    by_device: HashMap<DeviceId, Course>,
}

/// A stretch of time for which a device was given to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worn {
    /// The assignment.
    pub id: AssignmentId,
    /// To whom.
    pub holder: Holder,
    /// From when, that moment in it.
    pub from: WallMs,
    /// Until when, that moment not in it; none while it lasts.
    pub until: Option<WallMs>,
}

/// Whose a reading is, by who had its device and by what was said since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This patient's.
    Patient(PatientId),
    /// Of somebody in the household that shares the device: it waits to be told of whom.
    Somebodys,
    /// Nobody has the device: it waits to be assigned.
    Nobodys,
    /// A person has said that it is no patient's.
    Dismissed,
}

impl Whose {
    /// The patient, if it is one's.
    #[must_use]
    pub fn patient(self) -> Option<PatientId> {
        match self {
            Self::Patient(patient) => Some(patient),
            Self::Somebodys | Self::Nobodys | Self::Dismissed => None,
        }
    }

    /// Whether it waits for somebody to say.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Somebodys | Self::Nobodys)
    }
}

/// A stretch of time in which the readings of a device are of one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Of whom.
    pub whose: Whose,
    /// From when, that moment in it.
    pub from: WallMs,
    /// Until when, that moment not in it; none for ever.
    pub until: Option<WallMs>,
}

/// Who has one device when, and what was said of its readings since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    worn: Vec<Worn>,
    /// By number: the last that covers a moment holds.
    said: Vec<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    id: AttributionId,
    from: WallMs,
    until: WallMs,
    patient: Option<PatientId>,
}

impl Course {
    /// Whose what was measured at a moment is.
    #[must_use]
    pub fn whose(&self, at: WallMs) -> Whose {
        let mut said = self.said.iter().rev();
        if let Some(said) = said.find(|it| it.from <= at && at < it.until) {
            return said.patient.map_or(Whose::Dismissed, Whose::Patient);
        }
        let mut worn = self.worn.iter().filter(|worn| worn.from <= at);
        let worn = worn.find(|worn| worn.until.is_none_or(|until| at < until));
        match worn.map(|worn| &worn.holder) {
            Some(Holder::Patient(patient)) => Whose::Patient(*patient),
            Some(Holder::Household(_)) => Whose::Somebodys,
            None => Whose::Nobodys,
        }
    }

    /// All of time, in stretches of one and the same, in order.
    #[must_use]
    pub fn stretches(&self) -> Vec<Stretch> {
        let worn = self.worn.iter();
        let worn = worn.flat_map(|worn| [Some(worn.from), worn.until]);
        let said = self.said.iter().flat_map(|it| [it.from, it.until]);
        let mut edges: Vec<WallMs> = worn.flatten().chain(said).collect();
        edges.push(WallMs(i64::MIN));
        edges.sort_unstable();
        edges.dedup();
        let mut stretches: Vec<Stretch> = Vec::with_capacity(edges.len());
        for from in edges {
            let whose = self.whose(from);
            match stretches.last_mut() {
                Some(last) if last.whose == whose => {}
                last => {
                    if let Some(last) = last {
                        last.until = Some(from);
                    }
                    stretches.push(Stretch {
                        whose,
                        from,
                        until: None,
                    });
                }
            }
        }
        stretches
    }

    /// The time around a moment in which nobody takes or gives the device, and nothing begins or
    /// ends that was said of its readings: its start in it, its end not.
    #[must_use]
    pub fn around(&self, at: WallMs) -> Range<WallMs> {
        let worn = self.worn.iter();
        let worn = worn.flat_map(|worn| [Some(worn.from), worn.until]);
        let said = self.said.iter().flat_map(|it| [it.from, it.until]);
        let (mut start, mut end) = (WallMs(i64::MIN), WallMs(i64::MAX));
        for edge in worn.flatten().chain(said) {
            if edge <= at {
                start = start.max(edge);
            } else {
                end = end.min(edge);
            }
        }
        start..end
    }

    /// Whether anybody but one patient ever had it, or was said to have measured with it.
    #[must_use]
    pub fn is_only(&self, patient: PatientId) -> bool {
        let is_theirs = |worn: &Worn| worn.holder == Holder::Patient(patient);
        self.worn.iter().all(is_theirs) && self.said.iter().all(|it| it.patient == Some(patient))
    }

    fn is_of(&self, patient: PatientId) -> bool {
        let has = |worn: &Worn| worn.holder == Holder::Patient(patient);
        self.worn.iter().any(has) || self.said.iter().any(|it| it.patient == Some(patient))
    }
}

impl Assignments {
    /// Whose a device was at a moment; no one patient's between assignments, and while a household
    /// has it.
    #[must_use]
    pub fn resolve(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        self.whose(device, at).patient()
    }

    /// Whose what a device measured at a moment is.
    #[must_use]
    pub fn whose(&self, device: &DeviceId, at: WallMs) -> Whose {
        let course = self.by_device.get(device);
        course.map_or(Whose::Nobodys, |course| course.whose(at))
    }

    /// To whom a device was given at a moment, whatever was said of its readings since.
    #[must_use]
    pub fn holder(&self, device: &DeviceId, at: WallMs) -> Option<&Holder> {
        let mut worn = self.of_device(device).filter(|worn| worn.from <= at);
        let worn = worn.find(|worn| worn.until.is_none_or(|until| at < until))?;
        Some(&worn.holder)
    }

    /// Everything of one device; none of a device that nobody ever had.
    #[must_use]
    pub fn course(&self, device: &DeviceId) -> Option<&Course> {
        self.by_device.get(device)
    }

    /// Every assignment of a device, in no order.
    pub fn of_device(&self, device: &DeviceId) -> impl Iterator<Item = &Worn> {
        let course = self.by_device.get(device).into_iter();
        course.flat_map(|course| &course.worn)
    }

    /// The stretches of time in which what a device measured is a patient's, of every device.
    pub fn of_patient(&self, patient: PatientId) -> impl Iterator<Item = (&DeviceId, Stretch)> {
        let all = self.by_device.iter();
        let theirs = all.filter(move |(_, course)| course.is_of(patient));
        theirs.flat_map(move |(device, course)| {
            let stretches = course.stretches().into_iter();
            let theirs = stretches.filter(move |it| it.whose == Whose::Patient(patient));
            theirs.map(move |stretch| (device, stretch))
        })
    }

    /// Whose an assignment is, and of which device.
    #[must_use]
    pub fn find(&self, id: AssignmentId) -> Option<(&Holder, &DeviceId)> {
        let mut all = self.by_device.iter();
        all.find_map(|(device, course)| {
            let worn = course.worn.iter().find(|worn| worn.id == id)?;
            Some((&worn.holder, device))
        })
    }

    /// Takes a change in; one that is known already, or not about devices, changes nothing.
    pub fn apply(&mut self, changed: &Changed) {
        match changed {
            Changed::Assigned(assignment) => self.begin(assignment.clone()),
            Changed::Ended(end) => self.end(*end),
            Changed::Attributed(attribution) => self.attribute(attribution),
            Changed::Plan(_) | Changed::Standing(_) | Changed::Act(_) => {}
        }
    }

    pub(crate) fn begin(&mut self, assignment: Assignment) {
        let course = self.by_device.entry(assignment.device).or_default();
        if course.worn.iter().all(|known| known.id != assignment.id) {
            course.worn.push(Worn {
                id: assignment.id,
                holder: assignment.holder,
                from: assignment.from,
                until: None,
            });
        }
    }

    pub(crate) fn end(&mut self, end: AssignmentEnd) {
        let mut all = self.by_device.values_mut();
        let found = all.find_map(|course| course.worn.iter_mut().find(|worn| worn.id == end.id));
        if let Some(worn) = found {
            worn.until = Some(end.until);
        }
    }

    pub(crate) fn attribute(&mut self, attribution: &Attributed) {
        let course = self
            .by_device
            .entry(attribution.device.clone())
            .or_default();
        let id = attribution.id;
        if let Err(place) = course.said.binary_search_by_key(&id, |known| known.id) {
            let said = Said {
                id,
                from: attribution.from,
                until: attribution.until,
                patient: attribution.patient,
            };
            course.said.insert(place, said);
        }
    }
}
