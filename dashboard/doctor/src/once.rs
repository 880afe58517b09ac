//! Answers by the name of their form: the same press of the same form is one entry of the diary,
//! however often it arrives.

use veglia_diary::{LINES_MAX, Written, diary_of};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_view::{PatientId, WallMs};

use crate::desk::{Desk, DoctorError};
use crate::rows::act::{ActiveModel, Column, Entity, Model};

/// Patients in one statement: below the number of parameters any engine takes.
const NAMES_PER_QUERY: usize = 500;

/// A press that is about to be written.
pub(crate) struct Claim<'a> {
    pub(crate) once: &'a str,
    pub(crate) patient: PatientId,
    /// The flag, or the admission, that it answers.
    pub(crate) about: &'a str,
    pub(crate) act: &'a str,
    pub(crate) telling: u32,
}

/// Whether a press of this name is in the diary. One whose entry is not there was cut off between
/// the two, and is forgotten.
pub(crate) async fn was_written(desk: Desk<'_>, once: &str) -> Result<bool, DoctorError> {
    let actor = desk.who.actor();
    let row = desk.record.read_tx("doctor.pressed", &actor, move |tx| {
        let row = Entity::find().filter(Column::Once.eq(once));
        Box::pin(async move { Ok(row.one(tx).await?) })
    });
    let Some(row) = row.await.map_err(DoctorError::Record)? else {
        return Ok(false);
    };
    let patient: PatientId = row.patient.parse().map_err(|_| DoctorError::Form)?;
    let at = WallMs(row.at_ms);
    let lines = diary_of(desk.record, &actor, patient, at..at.plus_ms(1), LINES_MAX).await;
    let lines = lines.map_err(DoctorError::Diary)?;
    let by = actor.to_string();
    let is_it = |what: &Written| matches!(what, Written::Act(act) if act.by == by);
    if lines.iter().any(|line| is_it(&line.what)) {
        return Ok(true);
    }
    release(desk, row.id).await?;
    Ok(false)
}

/// Takes the name of a press.
pub(crate) async fn claim(desk: Desk<'_>, claim: &Claim<'_>) -> Result<i64, DoctorError> {
    let actor = desk.who.actor();
    let row = ActiveModel {
        id: NotSet,
        once: Set(claim.once.to_owned()),
        patient: Set(claim.patient.to_string()),
        flag: Set(claim.about.to_owned()),
        act: Set(claim.act.to_owned()),
        actor: Set(actor.to_string()),
        telling: Set(i64::from(claim.telling)),
        at_ms: Set(desk.now.0),
    };
    let row = &row;
    let written = desk.record.run_tx("doctor.claim", &actor, move |tx| {
        Box::pin(async move {
            let inserted = Entity::insert(row.clone()).exec(tx).await?;
            Ok(inserted.last_insert_id)
        })
    });
    written.await.map_err(DoctorError::Record)
}

/// Gives the name of a press back that was not written.
pub(crate) async fn release(desk: Desk<'_>, row: i64) -> Result<(), DoctorError> {
    let actor = desk.who.actor();
    let gone = desk.record.run_tx("doctor.release", &actor, move |tx| {
        Box::pin(async move {
            Entity::delete_by_id(row).exec(tx).await?;
            Ok(())
        })
    });
    gone.await.map_err(DoctorError::Record)
}

/// What the reader answered about these patients, the newest first.
pub(crate) async fn answered(
    desk: Desk<'_>,
    patients: &[PatientId],
) -> Result<Vec<Model>, DoctorError> {
    let actor = desk.who.actor();
    let names: Vec<String> = patients.iter().map(ToString::to_string).collect();
    let names = names.as_slice();
    let rows = desk.record.read_tx("doctor.acts", &actor, move |tx| {
        Box::pin(async move {
            let by = tx.actor().to_string();
            let mut rows = Vec::new();
            for some in names.chunks(NAMES_PER_QUERY) {
                let theirs = Entity::find()
                    .filter(Column::Patient.is_in(some.iter().cloned()))
                    .filter(Column::Actor.eq(by.as_str()))
                    .order_by_desc(Column::Id);
                rows.extend(theirs.all(tx).await?);
            }
            Ok(rows)
        })
    });
    rows.await.map_err(DoctorError::Record)
}
