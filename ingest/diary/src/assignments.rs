//! Which patient wore which device when.
//!
//! An assignment is a row, its end is another; neither is ever altered. Two assignments of one
//! device never overlap, so a moment of a device belongs to one patient at most. A patient may
//! have many devices. Readings stay with their device: a corrected assignment moves none.

use std::collections::HashMap;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

use crate::changes::{self, Changed, Kind};
use crate::error::ReadError;
use crate::rows::{assignment, assignment_end};

/// Number of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssignmentId(pub i64);

/// A device given to a patient. Its end, if there is one, is an [`AssignmentEnd`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its number.
    pub id: AssignmentId,
    /// Which device.
    pub device: DeviceId,
    /// To whom.
    pub patient: PatientId,
    /// From when, that moment in it.
    pub from: WallMs,
}

/// A device taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignmentEnd {
    /// Which assignment.
    pub id: AssignmentId,
    /// When, that moment not in it.
    pub until: WallMs,
}

/// Why a device was not assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignRefused {
    /// The device belongs to someone in that time.
    #[error(
        "{device} was not assigned: it is with patient {patient} from {from} on; \
         end that assignment first"
    )]
    Overlap {
        /// Which device.
        device: DeviceId,
        /// Who has it.
        patient: PatientId,
        /// Since when.
        from: WallMs,
    },
    /// The diary could not be read.
    #[error("the device was not assigned")]
    Read(#[source] ReadError),
}

/// Why an assignment was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndRefused {
    /// There is no such assignment.
    #[error("there is no assignment {}", .0.0)]
    Unknown(AssignmentId),
    /// It would end before it began.
    #[error("the assignment was not ended: it began at {from}, the end must be later")]
    TooEarly {
        /// When it began.
        from: WallMs,
    },
    /// Somebody has ended it already.
    #[error("the assignment was ended by {by} already, with {until}")]
    Ended {
        /// When it ended.
        until: WallMs,
        /// Who said so.
        by: String,
    },
    /// The database did not write.
    #[error("the assignment was not ended")]
    Store(#[source] TxError),
}

/// Gives a device to a patient from a moment on.
///
/// # Errors
/// See [`AssignRefused`]; nothing was written then.
pub async fn assign_device(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
    patient: PatientId,
    from: WallMs,
    now: WallMs,
) -> Result<AssignmentId, AssignRefused> {
    let written = record.run_tx("diary.assign_device", actor, move |tx| {
        Box::pin(async move {
            if let Some(other) = overlapping(tx, device, from).await? {
                return Ok(Err(other));
            }
            let row = assignment::ActiveModel {
                id: NotSet,
                device: Set(device.to_string()),
                patient: Set(patient.to_string()),
                from_ms: Set(from.0),
                created_at_ms: Set(now.0),
                created_by: Set(tx.actor().to_string()),
            };
            let inserted = assignment::Entity::insert(row).exec(tx).await?;
            changes::note(tx, Kind::Assignment, inserted.last_insert_id).await?;
            Ok(Ok(AssignmentId(inserted.last_insert_id)))
        })
    });
    let written = written
        .await
        .map_err(|fault| AssignRefused::Read(fault.into()))?;
    written.map_err(|other| AssignRefused::Overlap {
        device: other.device,
        patient: other.patient,
        from: other.from,
    })
}

/// Takes a device back at a moment.
///
/// # Errors
/// See [`EndRefused`]; nothing was written then.
pub async fn end_assignment(
    record: &Database,
    actor: &Actor,
    id: AssignmentId,
    until: WallMs,
    now: WallMs,
) -> Result<(), EndRefused> {
    let written = record.run_tx("diary.end_assignment", actor, move |tx| {
        Box::pin(async move {
            let Some(begun) = assignment::Entity::find_by_id(id.0).one(tx).await? else {
                return Ok(Err(EndRefused::Unknown(id)));
            };
            if let Some(end) = assignment_end::Entity::find_by_id(id.0).one(tx).await? {
                return Ok(Err(EndRefused::Ended {
                    until: WallMs(end.until_ms),
                    by: end.created_by,
                }));
            }
            if until.0 <= begun.from_ms {
                return Ok(Err(EndRefused::TooEarly {
                    from: WallMs(begun.from_ms),
                }));
            }
            let row = assignment_end::Model {
                assignment_id: id.0,
                until_ms: until.0,
                created_at_ms: now.0,
                created_by: tx.actor().to_string(),
            };
            assignment_end::Entity::insert(row.into_active_model())
                .exec_without_returning(tx)
                .await?;
            changes::note(tx, Kind::AssignmentEnd, id.0).await?;
            Ok(Ok(()))
        })
    });
    written.await.map_err(EndRefused::Store)?
}

/// Every assignment, current and past.
///
/// # Errors
/// See [`ReadError`].
pub async fn assignments(record: &Database, actor: &Actor) -> Result<Assignments, ReadError> {
    let rows = record.read_tx("diary.assignments", actor, |tx| {
        Box::pin(async move {
            let begun = assignment::Entity::find().order_by_asc(assignment::Column::Id);
            let begun = begun.all(tx).await?;
            Ok((begun, assignment_end::Entity::find().all(tx).await?))
        })
    });
    let (begun, ended) = rows.await?;
    let mut all = Assignments::default();
    for row in begun {
        all.begin(read(&row)?);
    }
    for row in ended {
        all.end(read_end(&row));
    }
    Ok(all)
}

/// Whose a device is at a moment, by all that is written.
///
/// # Errors
/// See [`ReadError`].
pub async fn wearer(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
    at: WallMs,
) -> Result<Option<PatientId>, ReadError> {
    let read = record.read_tx("diary.wearer", actor, move |tx| {
        Box::pin(async move {
            let begun = assignment::Entity::find()
                .filter(assignment::Column::Device.eq(device.as_str()))
                .filter(assignment::Column::FromMs.lte(at.0));
            for row in begun.all(tx).await? {
                let end = assignment_end::Entity::find_by_id(row.id).one(tx).await?;
                if end.is_none_or(|end| at.0 < end.until_ms) {
                    let worn = read(&row).map_err(TxError::refuse)?;
                    return Ok(Some(worn.patient));
                }
            }
            Ok(None)
        })
    });
    Ok(read.await?)
}

/// The first assignment of a device that does not end before `from`. One that begins later
/// counts too: the new one has no end yet.
async fn overlapping(
    tx: &Tx<'_>,
    device: &DeviceId,
    from: WallMs,
) -> Result<Option<Assignment>, TxError> {
    let rows = assignment::Entity::find()
        .filter(assignment::Column::Device.eq(device.as_str()))
        .order_by_asc(assignment::Column::FromMs);
    for row in rows.all(tx).await? {
        let end = assignment_end::Entity::find_by_id(row.id).one(tx).await?;
        if end.is_none_or(|end| end.until_ms > from.0) {
            return read(&row).map(Some).map_err(TxError::refuse);
        }
    }
    Ok(None)
}

pub(crate) async fn by_id(tx: &Tx<'_>, id: AssignmentId) -> Result<Option<Assignment>, TxError> {
    let row = assignment::Entity::find_by_id(id.0).one(tx).await?;
    let read = row.map(|row| read(&row)).transpose();
    read.map_err(TxError::refuse)
}

pub(crate) async fn end_of(
    tx: &Tx<'_>,
    id: AssignmentId,
) -> Result<Option<AssignmentEnd>, TxError> {
    let row = assignment_end::Entity::find_by_id(id.0).one(tx).await?;
    Ok(row.map(|row| read_end(&row)))
}

fn read(row: &assignment::Model) -> Result<Assignment, ReadError> {
    let damaged = || ReadError::damaged("assignment", row.id);
    Ok(Assignment {
        id: AssignmentId(row.id),
        device: row.device.parse().map_err(|_| damaged())?,
        patient: row.patient.parse().map_err(|_| damaged())?,
        from: WallMs(row.from_ms),
    })
}

fn read_end(row: &assignment_end::Model) -> AssignmentEnd {
    AssignmentEnd {
        id: AssignmentId(row.assignment_id),
        until: WallMs(row.until_ms),
    }
}

/// Every assignment in memory, to resolve a reading's device to a patient. It is read once and
/// then kept up to date by the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignments {
    by_device: HashMap<DeviceId, Vec<Worn>>,
}

/// A stretch of time in which a patient has a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worn {
    /// The assignment.
    pub id: AssignmentId,
    /// By whom.
    pub patient: PatientId,
    /// From when, that moment in it.
    pub from: WallMs,
    /// Until when, that moment not in it; none while it lasts.
    pub until: Option<WallMs>,
}

impl Assignments {
    /// Whose a device was at a moment; nobody's between assignments.
    #[must_use]
    pub fn resolve(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        let worn = self.by_device.get(device)?.iter();
        let mut worn = worn.filter(|worn| worn.from <= at);
        let worn = worn.find(|worn| worn.until.is_none_or(|until| at < until))?;
        Some(worn.patient)
    }

    /// Everyone who had a device, in no order.
    pub fn of_device(&self, device: &DeviceId) -> impl Iterator<Item = &Worn> {
        self.by_device.get(device).into_iter().flatten()
    }

    /// Every device a patient ever had, and when, in no order.
    pub fn of_patient(&self, patient: PatientId) -> impl Iterator<Item = (&DeviceId, &Worn)> {
        let all = self.by_device.iter();
        let all = all.flat_map(|(device, worn)| worn.iter().map(move |worn| (device, worn)));
        all.filter(move |(_, worn)| worn.patient == patient)
    }

    /// Whose an assignment is, and of which device.
    #[must_use]
    pub fn find(&self, id: AssignmentId) -> Option<(PatientId, DeviceId)> {
        let mut all = self.by_device.iter();
        all.find_map(|(device, worn)| {
            let worn = worn.iter().find(|worn| worn.id == id)?;
            Some((worn.patient, device.clone()))
        })
    }

    /// Takes a change in; one that is known already, or not about devices, changes nothing.
    pub fn apply(&mut self, changed: &Changed) {
        match changed {
            Changed::Assigned(assignment) => self.begin(assignment.clone()),
            Changed::Ended(end) => self.end(*end),
            Changed::Plan(_) | Changed::Standing(_) | Changed::Act(_) => {}
        }
    }

    fn begin(&mut self, assignment: Assignment) {
        let worn = self.by_device.entry(assignment.device).or_default();
        if worn.iter().all(|known| known.id != assignment.id) {
            worn.push(Worn {
                id: assignment.id,
                patient: assignment.patient,
                from: assignment.from,
                until: None,
            });
        }
    }

    fn end(&mut self, end: AssignmentEnd) {
        let mut all = self.by_device.values_mut().flatten();
        if let Some(worn) = all.find(|worn| worn.id == end.id) {
            worn.until = Some(end.until);
        }
    }
}
