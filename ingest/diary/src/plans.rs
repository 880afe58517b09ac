//! Plans: every version that ever was, none ever altered.
//!
//! A plan is checked by the shipped rules, whose limits it may move, and by the ladders, one of
//! which it may name. What lowers the red limit of oxygen (the second scale and its target) is
//! written with the decision: who took it, and on what. The open alerts of the patient hear of a
//! new version in the transaction that writes it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{
    Calling, OxygenScale, PatientId, Plan, PlanError, PlanVersion, RuleName, RuleSet,
};
use veglia_wire::WallMs;

use crate::alerts::grounds;
use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::ladder::Ladder;
use crate::rows::plan::{ActiveModel, Column, Entity, Model};
use crate::sealed::{self, Keys, SealError};
use crate::standings::reason;

/// The rules that a plan is to be judged with.
static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::shipped);

/// A clinical decision that a plan rests on. Neither part is read by ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who took it, as the centre calls them.
    pub who: String,
    /// On what.
    pub grounds: String,
}

/// Why a version of a plan is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reasons<'a> {
    /// In the writer's words; may be empty.
    pub why: &'a str,
    /// The decision that the second scale of oxygen saturation rests on.
    pub decision: Option<&'a Decision>,
}

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
    /// No ladder has the name that the plan gives.
    #[error("the plan was not written: there is no ladder {0}; there is {all}", all = ladders())]
    Ladder(RuleName),
    /// A very long reason, or one with control characters.
    #[error("the plan was not written: a reason is too long or has odd characters")]
    Reason,
    /// The plan cannot be put into a row.
    #[error("the plan was not written: it cannot be put into words")]
    Encode(#[source] serde_json::Error),
    /// The database did not write.
    #[error("the plan was not written")]
    Store(#[source] TxError),
}

fn ladders() -> String {
    let names: Vec<&str> = Ladder::all().iter().map(|it| it.name.as_str()).collect();
    names.join(", ")
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
    /// The decision it rests on, if one was recorded with this version.
    pub decision: Option<Decision>,
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
    write_plan(record, actor, plan, Reasons::default(), now).await
}

/// Writes the next version of a patient's plan, and why. The second scale of oxygen saturation, and
/// another target with it, is a clinical decision: who brings it in says who took it and on what.
///
/// # Errors
/// See [`PlanRefused`]; nothing was written then.
pub async fn write_plan(
    record: &Database,
    actor: &Actor,
    plan: &Plan,
    reasons: Reasons<'_>,
    now: WallMs,
) -> Result<(), PlanRefused> {
    let draft = Draft::new(plan, reasons)?;
    let draft = &draft;
    let written = record.run_tx("diary.create_plan", actor, move |tx| {
        Box::pin(async move { draft.write(tx, now).await })
    });
    written.await.map_err(PlanRefused::Store)?
}

/// The same within a transaction of others: whoever enrols a patient writes the plan with them, or
/// nothing.
///
/// # Errors
/// What the database reports; what the diary refuses is the answer, and whoever has the transaction
/// then gives it up.
pub async fn write_plan_in(
    tx: &Tx<'_>,
    plan: &Plan,
    reasons: Reasons<'_>,
    now: WallMs,
) -> Result<Result<(), PlanRefused>, TxError> {
    match Draft::new(plan, reasons) {
        Ok(draft) => draft.write(tx, now).await,
        Err(refused) => Ok(Err(refused)),
    }
}

/// A checked version, on its way.
struct Draft<'a> {
    plan: &'a Plan,
    body: String,
    why: Option<&'a str>,
    decision: Option<(&'a str, &'a str)>,
}

impl<'a> Draft<'a> {
    fn new(plan: &'a Plan, reasons: Reasons<'a>) -> Result<Self, PlanRefused> {
        plan.validate(&RULES).map_err(PlanRefused::Faulty)?;
        if let Some(name) = &plan.calling.ladder
            && Ladder::named(name.as_str()).is_none()
        {
            return Err(PlanRefused::Ladder(name.clone()));
        }
        let why = match reasons.why.trim() {
            "" => None,
            why => Some(reason(why).ok_or(PlanRefused::Reason)?),
        };
        let decision = reasons.decision.map(|decision| {
            let who = reason(&decision.who).ok_or(PlanRefused::Decision)?;
            let grounds = reason(&decision.grounds).ok_or(PlanRefused::Decision)?;
            Ok((who, grounds))
        });
        Ok(Self {
            plan,
            body: serde_json::to_string(plan).map_err(PlanRefused::Encode)?,
            why,
            decision: decision.transpose()?,
        })
    }

    async fn write(&self, tx: &Tx<'_>, now: WallMs) -> Result<Result<(), PlanRefused>, TxError> {
        let plan = self.plan;
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
        if self.decision.is_none() && is_decision(before.as_ref(), plan) {
            return Ok(Err(PlanRefused::Decision));
        }
        let row = ActiveModel {
            id: NotSet,
            patient: Set(plan.patient.to_string()),
            version: Set(next),
            body: Set(self.body.clone()),
            created_at_ms: Set(now.0),
            created_by: Set(tx.actor().to_string()),
            why: Set(None),
            decided_by: Set(None),
            decided_on: Set(None),
            sealed: Set(self.sealed(tx, next, now).await?),
        };
        let inserted = Entity::insert(row).exec(tx).await?;
        changes::note(tx, Kind::Plan, inserted.last_insert_id).await?;
        grounds::settle_all(tx, plan.patient, now).await?;
        Ok(Ok(()))
    }

    /// What people said of it, sealed; none when they said nothing.
    async fn sealed(
        &self,
        tx: &Tx<'_>,
        version: i64,
        now: WallMs,
    ) -> Result<Option<Vec<u8>>, TxError> {
        let grounds = Grounds {
            why: self.why.map(str::to_owned),
            decided_by: self.decision.map(|(who, _)| who.to_owned()),
            decided_on: self.decision.map(|(_, grounds)| grounds.to_owned()),
        };
        let Some(words) = grounds.words()? else {
            return Ok(None);
        };
        let patient = self.plan.patient.to_string();
        let place = Model::place(version);
        let sealed = sealed::seal(tx, &patient, &place, &words, now).await?;
        Ok(Some(sealed))
    }
}

impl Model {
    /// What its words are bound to.
    pub(crate) fn place(version: i64) -> String {
        format!("plan/{version}")
    }
}

/// What people said of a version, as it is sealed; fields are only ever added.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Grounds {
    pub(crate) why: Option<String>,
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_on: Option<String>,
}

impl Grounds {
    /// As it is sealed; none when nothing was said.
    pub(crate) fn words(&self) -> Result<Option<String>, SealError> {
        if self.why.is_none() && self.decided_by.is_none() && self.decided_on.is_none() {
            return Ok(None);
        }
        let words = serde_json::to_string(self).map_err(SealError::Words)?;
        Ok(Some(words))
    }

    /// What was said of the version of a row; nothing of somebody who was forgotten.
    pub(crate) async fn of(tx: &Tx<'_>, keys: &mut Keys, row: &mut Model) -> Result<Self, TxError> {
        let Some(sealed) = &row.sealed else {
            return Ok(Self {
                why: row.why.take(),
                decided_by: row.decided_by.take(),
                decided_on: row.decided_on.take(),
            });
        };
        let place = Model::place(row.version);
        let opened = keys.open(tx, &row.patient, &place, sealed);
        let Some(words) = opened.await? else {
            return Ok(Self::default());
        };
        let damaged = |_| TxError::refuse(ReadError::damaged("plan", row.id));
        serde_json::from_str(&words).map_err(damaged)
    }
}

/// Whether a version lets pass by the second scale what the one before did not.
fn is_decision(before: Option<&Plan>, plan: &Plan) -> bool {
    let is_second = |plan: &Plan| plan.oxygen_scale == OxygenScale::Two;
    let is_known = |before: &Plan| is_second(before) && before.spo2 == plan.spo2;
    is_second(plan) && !before.is_some_and(is_known)
}

/// Whom a patient's plan calls at a moment. A plan that has ended still says it: who was to be
/// called for a patient is who knows them.
pub(crate) async fn calling_of(
    tx: &Tx<'_>,
    patient: PatientId,
    at: WallMs,
) -> Result<Calling, TxError> {
    let rows = Entity::find().filter(Column::Patient.eq(patient.to_string()));
    for row in rows.order_by_desc(Column::Version).all(tx).await? {
        let plan = read(&row).map_err(TxError::refuse)?;
        if plan.from <= at {
            return Ok(plan.calling);
        }
    }
    Ok(Calling::default())
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
            let mut keys = Keys::default();
            let mut written = Vec::new();
            for mut row in rows.order_by_desc(Column::Version).all(tx).await? {
                let grounds = Grounds::of(tx, &mut keys, &mut row).await?;
                written.push(PlanWritten {
                    plan: read(&row).map_err(TxError::refuse)?,
                    why: grounds.why.unwrap_or_default(),
                    decision: grounds
                        .decided_by
                        .zip(grounds.decided_on)
                        .map(|(who, grounds)| Decision { who, grounds }),
                    by: row.created_by,
                    at: WallMs(row.created_at_ms),
                });
            }
            Ok(written)
        })
    });
    Ok(rows.await?)
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
