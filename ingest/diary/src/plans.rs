//! Plans: every version that ever was, none ever altered.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{OxygenScale, PatientId, Plan, PlanError, PlanVersion};
use veglia_wire::WallMs;

use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::rows::plan::{ActiveModel, Column, Entity, Model};
use crate::standings::reason;

/// Why a plan was not written.
#[derive(Debug, thiserror::Error)]
pub enum PlanRefused {
    /// The plan itself is faulty.
    #[error("the plan was not written: {}", sentences(.0))]
    Faulty(Vec<PlanError>),
    /// Someone else has written a version meanwhile, or the number is not the next.
    #[error(
        "the plan was not written: the next version is {next}; \
         read the current plan again, it may have changed"
    )]
    Version {
        /// The version that would be accepted.
        next: PlanVersion,
    },
    /// The other scale of oxygen saturation, and no word of who decided it.
    #[error(
        "the plan was not written: the second scale of oxygen saturation is for a recorded \
         decision; say who took it and on what"
    )]
    Decision,
    /// A very long reason, or one with control characters.
    #[error("the plan was not written: the reason is too long or has odd characters")]
    Reason,
    /// The plan cannot be put into a row.
    #[error("the plan was not written: it cannot be put into words")]
    Encode(#[source] serde_json::Error),
    /// The database did not write.
    #[error("the plan was not written")]
    Store(#[source] TxError),
}

fn sentences(faults: &[PlanError]) -> String {
    let sentences: Vec<String> = faults.iter().map(PlanError::to_string).collect();
    sentences.join("; ")
}

/// A version of a plan, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanWritten {
    /// The plan.
    pub plan: Plan,
    /// Why, in their words; empty when none were needed.
    pub why: String,
    /// Who wrote it: `staff:42`.
    pub by: String,
    /// When.
    pub at: WallMs,
}

/// Writes the next version of a patient's plan without a reason: the first one, from a template.
///
/// # Errors
/// See [`PlanRefused`]; nothing was written then.
pub async fn create_plan(
    record: &Database,
    actor: &Actor,
    plan: &Plan,
    now: WallMs,
) -> Result<(), PlanRefused> {
    write_plan(record, actor, plan, "", now).await
}

/// Writes the next version of a patient's plan, and why. The second scale of oxygen saturation is
/// a clinical decision: who brings it in says who took it and on what.
///
/// # Errors
/// See [`PlanRefused`]; nothing was written then.
pub async fn write_plan(
    record: &Database,
    actor: &Actor,
    plan: &Plan,
    why: &str,
    now: WallMs,
) -> Result<(), PlanRefused> {
    plan.validate().map_err(PlanRefused::Faulty)?;
    let why = match why.trim() {
        "" => None,
        why => Some(reason(why).ok_or(PlanRefused::Reason)?),
    };
    let body = serde_json::to_string(plan).map_err(PlanRefused::Encode)?;
    let body = body.as_str();
    let written = record.run_tx("diary.create_plan", actor, move |tx| {
        Box::pin(async move {
            let latest = latest_row(tx, plan.patient).await?;
            let next = latest
                .as_ref()
                .map_or(1, |row| row.version.saturating_add(1));
            if plan.version.0 != next {
                let next = PlanVersion(next);
                return Ok(Err(PlanRefused::Version { next }));
            }
            let before = latest.as_ref().map(read).transpose();
            let before = before.map_err(TxError::refuse)?;
            let is_decided = before.is_some_and(|plan| plan.oxygen_scale == OxygenScale::Two);
            if plan.oxygen_scale == OxygenScale::Two && !is_decided && why.is_none() {
                return Ok(Err(PlanRefused::Decision));
            }
            let row = ActiveModel {
                id: NotSet,
                patient: Set(plan.patient.to_string()),
                version: Set(next),
                body: Set(body.to_owned()),
                created_at_ms: Set(now.0),
                created_by: Set(tx.actor().to_string()),
                why: Set(why.map(str::to_owned)),
            };
            let inserted = Entity::insert(row).exec(tx).await?;
            changes::note(tx, Kind::Plan, inserted.last_insert_id).await?;
            Ok(Ok(()))
        })
    });
    written.await.map_err(PlanRefused::Store)?
}

/// Every version of a patient's plan, the newest first.
///
/// # Errors
/// See [`ReadError`].
pub async fn plans_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<PlanWritten>, ReadError> {
    let rows = record.read_tx("diary.plans_of", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().filter(Column::Patient.eq(patient.to_string()));
            Ok(rows.order_by_desc(Column::Version).all(tx).await?)
        })
    });
    let written = |row: Model| {
        Ok(PlanWritten {
            plan: read(&row)?,
            why: row.why.unwrap_or_default(),
            by: row.created_by,
            at: WallMs(row.created_at_ms),
        })
    };
    rows.await?.into_iter().map(written).collect()
}

/// The highest version of a patient's plan, in force or not; none before the first.
///
/// # Errors
/// See [`ReadError`].
pub async fn plan_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Option<Plan>, ReadError> {
    let row = record.read_tx("diary.plan_of", actor, move |tx| {
        Box::pin(latest_row(tx, patient))
    });
    row.await?.map(|row| read(&row)).transpose()
}

/// The highest version of every patient's plan, in force or not.
///
/// # Errors
/// See [`ReadError`].
pub async fn plans_current(record: &Database, actor: &Actor) -> Result<Vec<Plan>, ReadError> {
    let rows = record.read_tx("diary.plans_current", actor, |tx| {
        Box::pin(async move {
            let rows = Entity::find().order_by_asc(Column::Patient);
            Ok(rows.order_by_desc(Column::Version).all(tx).await?)
        })
    });
    let mut rows = rows.await?;
    rows.dedup_by(|older, newer| older.patient == newer.patient);
    rows.iter().map(read).collect()
}

/// From when until when each patient has had a plan, whatever its version.
pub(crate) async fn spans(
    record: &Database,
    actor: &Actor,
) -> Result<Vec<(WallMs, Option<WallMs>)>, ReadError> {
    let rows = record.read_tx("diary.plan_spans", actor, |tx| {
        Box::pin(async move {
            let rows = Entity::find().order_by_asc(Column::Patient);
            Ok(rows.order_by_asc(Column::Version).all(tx).await?)
        })
    });
    let mut spans: Vec<(PatientId, WallMs, Option<WallMs>)> = Vec::new();
    for row in rows.await? {
        let plan = read(&row)?;
        match spans.last_mut().filter(|last| last.0 == plan.patient) {
            Some(last) => *last = (last.0, last.1.min(plan.from), plan.until),
            None => spans.push((plan.patient, plan.from, plan.until)),
        }
    }
    let spans = spans.into_iter().map(|(_, from, until)| (from, until));
    Ok(spans.collect())
}

pub(crate) async fn by_row(tx: &Tx<'_>, id: i64) -> Result<Option<Plan>, TxError> {
    let row = Entity::find_by_id(id).one(tx).await?;
    let plan = row.map(|row| read(&row)).transpose();
    plan.map_err(TxError::refuse)
}

async fn latest_row(tx: &Tx<'_>, patient: PatientId) -> Result<Option<Model>, TxError> {
    let rows = Entity::find().filter(Column::Patient.eq(patient.to_string()));
    Ok(rows.order_by_desc(Column::Version).one(tx).await?)
}

fn read(row: &Model) -> Result<Plan, ReadError> {
    serde_json::from_str(&row.body).map_err(|_| ReadError::damaged("plan", row.id))
}
