//! What was kept of calls, read again: how far each has come, and which somebody has to look after.

use veglia_link::OutboxStatus;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, TxError};
use veglia_view::PatientId;
use veglia_wire::WallMs;

use super::way::{self, Way};
use super::{Line, SaveError};
use crate::rows::call;
use crate::said::{CallId, Said};

/// Calls looked through for those that are not on their way: a busy day.
const LOOSE_AMONG: u64 = 500;

/// A call in which nothing was said that the rules hear, as it is stored.
const SAID_NOTHING: &str = "[]";

/// A call as it was kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) patient: PatientId,
    pub(crate) at: WallMs,
    pub(crate) said: Vec<Said>,
    /// When it was written down.
    pub(crate) written_at: WallMs,
    pub(crate) place: Place,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The outbox does not have it, as far as is known.
    Stuck,
    /// An outbox had it that is gone: nobody knows whether it arrived.
    Lost,
    /// The outbox has it on its disk.
    Waiting,
    /// Ingest has it on its disk.
    Arrived,
}

/// A call that somebody has to look after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loose {
    pub(crate) patient: PatientId,
    pub(crate) call: CallId,
    pub(crate) at: WallMs,
    /// Whether an outbox had it that is gone.
    pub(crate) is_lost: bool,
}

impl Line {
    /// A call of a patient, as it was kept.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub(crate) async fn kept(
        &self,
        actor: &Actor,
        patient: PatientId,
        id: &CallId,
    ) -> Result<Option<Kept>, SaveError> {
        let OutboxStatus {
            epoch,
            acknowledged,
            ..
        } = self.outbox.status();
        let read = self.record.read_tx("intake.kept", actor, move |tx| {
            Box::pin(async move {
                let row = call::Entity::find_by_id(id.as_str()).one(tx).await?;
                let Some(row) = row.filter(|row| row.patient == patient.to_string()) else {
                    return Ok(None);
                };
                Ok(Some((row, way::of(tx, id.as_str(), epoch).await?)))
            })
        });
        let Some((row, way)) = read.await.map_err(SaveError::Record)? else {
            return Ok(None);
        };
        Ok(Some(Kept {
            patient,
            at: WallMs(row.at_ms),
            said: serde_json::from_str(&row.said).map_err(SaveError::Words)?,
            written_at: WallMs(row.written_at_ms),
            place: match way {
                Way::Out | Way::Doubtful(_) => Place::Stuck,
                Way::Elsewhere => Place::Lost,
                Way::In(through) if through <= acknowledged => Place::Arrived,
                Way::In(_) => Place::Waiting,
            },
        }))
    }

    /// Calls since a moment that were kept and are not known to be on their way, the first first.
    pub(crate) async fn loose(&self, actor: &Actor, since: WallMs) -> Result<Vec<Loose>, TxError> {
        let epoch = self.outbox.status().epoch;
        let read = self.record.read_tx("intake.loose", actor, move |tx| {
            Box::pin(async move {
                let calls = call::Entity::find()
                    .filter(call::Column::WrittenAtMs.gte(since.0))
                    .filter(call::Column::Said.ne(SAID_NOTHING))
                    .order_by_desc(call::Column::WrittenAtMs)
                    .limit(LOOSE_AMONG);
                let calls = calls.all(tx).await?;
                let names: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
                let ways = way::of_all(tx, &names, epoch).await?;
                Ok((calls, ways))
            })
        });
        let (calls, ways) = read.await?;
        let loose = calls.into_iter().rev().filter_map(|call| {
            let way = ways.get(&call.id).copied().unwrap_or(Way::Out);
            let is_loose = !matches!(way, Way::In(_));
            let loose = Loose {
                patient: call.patient.parse().ok()?,
                call: call.id.parse().ok()?,
                at: WallMs(call.at_ms),
                is_lost: way == Way::Elsewhere,
            };
            is_loose.then_some(loose)
        });
        Ok(loose.collect())
    }
}
