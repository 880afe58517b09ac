//! Deadlines of alerts: what falls due by a moment, and what a clock that was set right leaves
//! behind.

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use super::apply;
use crate::error::ReadError;
use crate::ladder::Input;
use crate::rows::alert;

/// Alerts moved in one transaction by a tick: it stays short, and the next one follows at once.
const ALERTS_PER_TICK: u64 = 200;

/// Acts on every deadline that has passed by `now`. Returns how many alerts moved; the same moment
/// given twice moves nothing.
///
/// # Errors
/// See [`ReadError`]; what was not written is done by the next tick.
pub async fn tick(record: &Database, actor: &Actor, now: WallMs) -> Result<usize, ReadError> {
    let mut moved = 0;
    loop {
        let some = record.read_tx("alerts.due", actor, move |tx| {
            Box::pin(async move { Ok(!due(tx, now, 1).await?.is_empty()) })
        });
        // Usually nothing is due, and then nothing is written.
        if !some.await? {
            return Ok(moved);
        }
        let step = record.run_tx("alerts.tick", actor, move |tx| {
            Box::pin(async move {
                let rows = due(tx, now, ALERTS_PER_TICK).await?;
                let count = rows.len();
                for row in rows {
                    apply(tx, row, &Input::Tick, now).await?;
                }
                Ok(count)
            })
        });
        moved += step.await?;
    }
}

/// The clock was set back to `now`: timers that it had set while it was ahead are cut to what they
/// may be, or the ladder would rest for as long as the clock had jumped. Returns how many alerts
/// moved; doing so twice moves nothing.
///
/// # Errors
/// See [`ReadError`]; what was not written may be done again.
pub async fn set_back(record: &Database, actor: &Actor, now: WallMs) -> Result<usize, ReadError> {
    let (mut moved, mut after) = (0, 0);
    loop {
        let step = record.run_tx("alerts.set_back", actor, move |tx| {
            Box::pin(async move {
                let rows = alert::Entity::find()
                    .filter(alert::Column::DueMs.is_not_null())
                    .filter(alert::Column::Id.gt(after))
                    .order_by_asc(alert::Column::Id)
                    .limit(ALERTS_PER_TICK);
                let rows = rows.all(tx).await?;
                let last = rows.last().map(|row| row.id);
                let mut count = 0;
                for row in rows {
                    let events = row.events;
                    let id = row.id;
                    apply(tx, row, &Input::SetBack, now).await?;
                    let row = alert::Entity::find_by_id(id).one(tx).await?;
                    count += usize::from(row.is_some_and(|row| row.events > events));
                }
                Ok((last, count))
            })
        });
        let (last, count) = step.await?;
        moved += count;
        match last {
            Some(last) => after = last,
            None => return Ok(moved),
        }
    }
}

async fn due(tx: &Tx<'_>, now: WallMs, limit: u64) -> Result<Vec<alert::Model>, TxError> {
    let rows = alert::Entity::find()
        .filter(alert::Column::DueMs.lte(now.0))
        .order_by_asc(alert::Column::DueMs)
        .order_by_asc(alert::Column::Id)
        .limit(limit);
    Ok(rows.all(tx).await?)
}
