//! Who has which device when: one patient, or a household that shares it.
//!
//! An assignment is a row, its end is another; neither is ever altered. Two assignments of one
//! device never overlap, so a moment of a device belongs to one holder at most. A patient may have
//! many devices. Readings stay with their device: a corrected assignment moves none.
//!
//! **A household** shares a device: two to six patients, written with the assignment. What such a
//! device measures is nobody's until somebody says whose it is, session by session. That word is
//! an [`Attribution`](crate::Attribution) (`attributions.rs`), and so is every later correction of
//! who had a device: the newest that covers a moment holds, before any assignment.

use std::fmt;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

use crate::attributions;
use crate::changes::{self, Kind};
use crate::course::Assignments;
use crate::error::ReadError;
use crate::rows::{assignment, assignment_end, assignment_member};

/// Patients who may share a device: more live in an institution, where each has their own.
pub const HOUSEHOLD_MAX: usize = 6;

/// What stands for the patient in the row of an assignment to a household.
const HOUSEHOLD: &str = "household";

/// Number of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssignmentId(pub i64);

/// Who has a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// One patient.
    Patient(PatientId),
    /// Patients who share it, in the order of their numbers.
    Household(Vec<PatientId>),
}

impl Holder {
    /// Everybody who may have measured with it.
    #[must_use]
    pub fn members(&self) -> &[PatientId] {
        match self {
            Self::Patient(patient) => std::slice::from_ref(patient),
            Self::Household(members) => members,
        }
    }

    /// The patient, if it is one alone.
    #[must_use]
    pub fn patient(&self) -> Option<PatientId> {
        match self {
            Self::Patient(patient) => Some(*patient),
            Self::Household(_) => None,
        }
    }
}

/// `patient …`, or `a household of 2`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patient(patient) => write!(f, "patient {patient}"),
            Self::Household(members) => write!(f, "a household of {}", members.len()),
        }
    }
}

/// A device given to somebody. Its end, if there is one, is an [`AssignmentEnd`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its number.
    pub id: AssignmentId,
    /// Which device.
    pub device: DeviceId,
    /// To whom.
    pub holder: Holder,
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
        "{device} was not assigned: it is with {holder} from {from} on; \
         end that assignment first"
    )]
    Overlap {
        /// Which device.
        device: DeviceId,
        /// Who has it.
        holder: Holder,
        /// Since when.
        from: WallMs,
    },
    /// A household of one, of too many, or with somebody twice.
    #[error("a shared device is assigned to 2 to {HOUSEHOLD_MAX} different patients")]
    Household,
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
    /// It would end later than now: a device is taken back when it is there.
    #[error("the assignment was not ended: the end is in the future")]
    Future,
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
    give(record, actor, device, &Holder::Patient(patient), from, now).await
}

/// Gives a device to a household from a moment on.
///
/// # Errors
/// See [`AssignRefused`]; nothing was written then.
pub async fn share_device(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
    members: &[PatientId],
    from: WallMs,
    now: WallMs,
) -> Result<AssignmentId, AssignRefused> {
    let mut known = members.to_vec();
    known.sort_unstable();
    known.dedup();
    if known.len() != members.len() || !(2..=HOUSEHOLD_MAX).contains(&known.len()) {
        return Err(AssignRefused::Household);
    }
    give(record, actor, device, &Holder::Household(known), from, now).await
}

async fn give(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
    holder: &Holder,
    from: WallMs,
    now: WallMs,
) -> Result<AssignmentId, AssignRefused> {
    let written = record.run_tx("diary.assign_device", actor, move |tx| {
        Box::pin(give_in(tx, device, holder, from, now))
    });
    written
        .await
        .map_err(|fault| AssignRefused::Read(fault.into()))?
}

/// Gives a device to a patient within a transaction of others: whoever enrols a patient hands the
/// kit over with it, or nothing.
///
/// # Errors
/// What the database reports; what the diary refuses is the answer, and whoever has the transaction
/// then gives it up.
pub async fn assign_device_in(
    tx: &Tx<'_>,
    device: &DeviceId,
    patient: PatientId,
    from: WallMs,
    now: WallMs,
) -> Result<Result<AssignmentId, AssignRefused>, TxError> {
    give_in(tx, device, &Holder::Patient(patient), from, now).await
}

async fn give_in(
    tx: &Tx<'_>,
    device: &DeviceId,
    holder: &Holder,
    from: WallMs,
    now: WallMs,
) -> Result<Result<AssignmentId, AssignRefused>, TxError> {
    if let Some(other) = overlapping(tx, device, from).await? {
        return Ok(Err(AssignRefused::Overlap {
            device: other.device,
            holder: other.holder,
            from: other.from,
        }));
    }
    let row = assignment::ActiveModel {
        id: NotSet,
        device: Set(device.to_string()),
        patient: Set(match holder {
            Holder::Patient(patient) => patient.to_string(),
            Holder::Household(_) => HOUSEHOLD.to_owned(),
        }),
        from_ms: Set(from.0),
        created_at_ms: Set(now.0),
        created_by: Set(tx.actor().to_string()),
    };
    let inserted = assignment::Entity::insert(row).exec(tx).await?;
    let id = inserted.last_insert_id;
    if let Holder::Household(members) = holder {
        for member in members {
            let row = assignment_member::Model {
                assignment_id: id,
                patient: member.to_string(),
            };
            assignment_member::Entity::insert(row.into_active_model())
                .exec_without_returning(tx)
                .await?;
        }
    }
    changes::note(tx, Kind::Assignment, id).await?;
    Ok(Ok(AssignmentId(id)))
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
            if until > now {
                return Ok(Err(EndRefused::Future));
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

/// Every assignment, current and past, with what was said of them afterwards.
///
/// # Errors
/// See [`ReadError`].
pub async fn assignments(record: &Database, actor: &Actor) -> Result<Assignments, ReadError> {
    let rows = record.read_tx("diary.assignments", actor, |tx| {
        Box::pin(async move {
            let rows = assignment::Entity::find().order_by_asc(assignment::Column::Id);
            let mut begun = Vec::new();
            for row in rows.all(tx).await? {
                begun.push(whole(tx, &row).await?);
            }
            let ended = assignment_end::Entity::find().all(tx).await?;
            Ok((begun, ended, attributions::all(tx).await?))
        })
    });
    let (begun, ended, attributed) = rows.await?;
    let mut all = Assignments::default();
    for assignment in begun {
        all.begin(assignment);
    }
    for row in ended {
        all.end(read_end(&row));
    }
    for attribution in attributed {
        all.attribute(&attribution.into());
    }
    Ok(all)
}

/// Whose a device is at a moment, by all that is written: one patient alone.
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
            if let Some(said) = attributions::newest(tx, device, at..at.plus_ms(1)).await? {
                return Ok(said.patient);
            }
            let begun = holding(tx, device, at).await?;
            Ok(begun.and_then(|assignment| assignment.holder.patient()))
        })
    });
    Ok(read.await?)
}

/// The assignment of a device in force at a moment.
pub(crate) async fn holding(
    tx: &Tx<'_>,
    device: &DeviceId,
    at: WallMs,
) -> Result<Option<Assignment>, TxError> {
    let begun = assignment::Entity::find()
        .filter(assignment::Column::Device.eq(device.as_str()))
        .filter(assignment::Column::FromMs.lte(at.0));
    for row in begun.all(tx).await? {
        let end = assignment_end::Entity::find_by_id(row.id).one(tx).await?;
        if end.is_none_or(|end| at.0 < end.until_ms) {
            return whole(tx, &row).await.map(Some);
        }
    }
    Ok(None)
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
            return whole(tx, &row).await.map(Some);
        }
    }
    Ok(None)
}

pub(crate) async fn by_id(tx: &Tx<'_>, id: AssignmentId) -> Result<Option<Assignment>, TxError> {
    match assignment::Entity::find_by_id(id.0).one(tx).await? {
        Some(row) => whole(tx, &row).await.map(Some),
        None => Ok(None),
    }
}

pub(crate) async fn end_of(
    tx: &Tx<'_>,
    id: AssignmentId,
) -> Result<Option<AssignmentEnd>, TxError> {
    let row = assignment_end::Entity::find_by_id(id.0).one(tx).await?;
    Ok(row.map(|row| read_end(&row)))
}

/// An assignment with everybody it is to.
pub(crate) async fn whole(tx: &Tx<'_>, row: &assignment::Model) -> Result<Assignment, TxError> {
    let damaged = || TxError::refuse(ReadError::damaged("assignment", row.id));
    let holder = if row.patient == HOUSEHOLD {
        let members = assignment_member::Entity::find()
            .filter(assignment_member::Column::AssignmentId.eq(row.id))
            .order_by_asc(assignment_member::Column::Patient);
        let members = members.all(tx).await?.into_iter();
        let members: Result<Vec<PatientId>, _> = members.map(|it| it.patient.parse()).collect();
        Holder::Household(members.map_err(|_| damaged())?)
    } else {
        Holder::Patient(row.patient.parse().map_err(|_| damaged())?)
    };
    Ok(Assignment {
        id: AssignmentId(row.id),
        device: row.device.parse().map_err(|_| damaged())?,
        holder,
        from: WallMs(row.from_ms),
    })
}

fn read_end(row: &assignment_end::Model) -> AssignmentEnd {
    AssignmentEnd {
        id: AssignmentId(row.assignment_id),
        until: WallMs(row.until_ms),
    }
}
