//! Withdrawing what waits: whoever decided a delivery may find that nobody needs it any more.
//!
//! What a channel has taken cannot be called back; a delivery that is being given to one at this
//! very moment may still go out, and is accepted then.

use std::collections::BTreeMap;

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::message::Key;
use crate::outbox::State;
use crate::rows::{also, delivery};

/// Deliveries looked at in one go: in an outage many wait, and those whose turn comes first matter.
const WAITING_LOOKED_AT: u64 = 500;

/// Deliveries that wait, the next first, each with all that it tells of.
///
/// # Errors
/// What the database reports.
pub async fn waiting(record: &Database, actor: &Actor) -> Result<Vec<(Key, Vec<Key>)>, TxError> {
    record
        .read_tx("notify.waiting", actor, |tx| {
            Box::pin(async move {
                let rows = delivery::Entity::find()
                    .filter(delivery::Column::State.eq(State::Waiting.code()))
                    .order_by_asc(delivery::Column::NextAtMs)
                    .limit(WAITING_LOOKED_AT)
                    .all(tx)
                    .await?;
                if rows.is_empty() {
                    return Ok(Vec::new());
                }
                let ids = rows.iter().map(|row| row.id);
                let also = also::Entity::find().filter(also::Column::DeliveryId.is_in(ids));
                let mut told: BTreeMap<i64, Vec<Key>> = BTreeMap::new();
                for row in also.all(tx).await? {
                    let abouts = told.entry(row.delivery_id).or_default();
                    abouts.extend(row.about.parse::<Key>());
                }
                let keys = rows.into_iter().filter_map(|row| {
                    let mut abouts = told.remove(&row.id).unwrap_or_default();
                    abouts.push(row.about.parse().ok()?);
                    Some((row.key.parse().ok()?, abouts))
                });
                Ok(keys.collect())
            })
        })
        .await
}

/// Withdraws a delivery, if it still waits. Returns whether it did.
///
/// # Errors
/// What the database reports.
pub async fn withdraw(
    record: &Database,
    actor: &Actor,
    key: &Key,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("notify.withdraw", actor, move |tx| {
            Box::pin(async move {
                let withdrawn = delivery::Entity::update_many()
                    .col_expr(
                        delivery::Column::State,
                        Expr::value(State::Withdrawn.code()),
                    )
                    .col_expr(delivery::Column::SettledAtMs, Expr::value(now.0))
                    .col_expr(delivery::Column::Link, Expr::value(""))
                    .filter(delivery::Column::Key.eq(key.as_str()))
                    .filter(delivery::Column::State.eq(State::Waiting.code()))
                    .exec(tx)
                    .await?;
                Ok(withdrawn.rows_affected > 0)
            })
        })
        .await
}
