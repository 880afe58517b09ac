//! Who had which device, for people to read: each assignment with who gave it and who took it
//! back.

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{ExprTrait, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

use crate::assignments::{Assignment, whole};
use crate::error::ReadError;
use crate::rows::{assignment, assignment_end, assignment_member};

/// Hand-overs read at once; what is older is in the diary all the same.
pub const HANDOVERS_MAX: u64 = 100;

/// A device given to somebody, and taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// What was given to whom, from when on.
    pub assignment: Assignment,
    /// Who wrote that.
    pub given_by: String,
    /// When they wrote it.
    pub given_at: WallMs,
    /// How it ended, if it has.
    pub returned: Option<Returned>,
}

/// A device taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Until when it was theirs, that moment not in it.
    pub until: WallMs,
    /// Who wrote that.
    pub by: String,
    /// When they wrote it.
    pub at: WallMs,
}

/// The hand-overs of a device, the newest first; at most [`HANDOVERS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn handovers_of_device(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
) -> Result<Vec<Handover>, ReadError> {
    let read = record.read_tx("diary.handovers_of_device", actor, move |tx| {
        Box::pin(async move {
            let rows =
                assignment::Entity::find().filter(assignment::Column::Device.eq(device.as_str()));
            let rows = rows.order_by_desc(assignment::Column::FromMs);
            let rows = rows.limit(HANDOVERS_MAX).all(tx).await?;
            handovers(tx, rows).await
        })
    });
    Ok(read.await?)
}

/// The hand-overs to a patient, alone or with their household, the newest first; at most
/// [`HANDOVERS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn handovers_of_patient(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<Handover>, ReadError> {
    let read = record.read_tx("diary.handovers_of_patient", actor, move |tx| {
        Box::pin(async move {
            let shared = assignment_member::Entity::find()
                .filter(assignment_member::Column::Patient.eq(patient.to_string()))
                .order_by_desc(assignment_member::Column::AssignmentId)
                .limit(HANDOVERS_MAX);
            let shared = shared.all(tx).await?.into_iter();
            let shared: Vec<i64> = shared.map(|row| row.assignment_id).collect();
            let theirs = assignment::Column::Patient.eq(patient.to_string());
            let rows = assignment::Entity::find()
                .filter(theirs.or(assignment::Column::Id.is_in(shared)))
                .order_by_desc(assignment::Column::FromMs)
                .limit(HANDOVERS_MAX);
            let rows = rows.all(tx).await?;
            handovers(tx, rows).await
        })
    });
    Ok(read.await?)
}

async fn handovers(tx: &Tx<'_>, rows: Vec<assignment::Model>) -> Result<Vec<Handover>, TxError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let end = assignment_end::Entity::find_by_id(row.id).one(tx).await?;
        all.push(Handover {
            assignment: whole(tx, &row).await?,
            given_at: WallMs(row.created_at_ms),
            given_by: row.created_by,
            returned: end.map(|end| Returned {
                until: WallMs(end.until_ms),
                by: end.created_by,
                at: WallMs(end.created_at_ms),
            }),
        });
    }
    Ok(all)
}
