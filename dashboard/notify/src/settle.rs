//! What came of an attempt, and what a channel said later: each a step of a delivery's life.

use veglia_people::contacts::Channel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::events::{self, Happened, Step};
use crate::outbox::{State, address_at, get};
use crate::retry::{Next, Pace};
use crate::rows::delivery;
use crate::senders::Refusal;

/// What a channel said later about a message that it had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It arrived.
    Received,
    /// It will not arrive: the next address is used.
    NotReceived,
}

impl Receipt {
    /// What a code of Kannel's receipts means; the ones in between mean nothing.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "1" => Some(Self::Received),
            "2" | "16" => Some(Self::NotReceived),
            _ => None,
        }
    }
}

/// Writes down what came of an attempt.
pub(crate) async fn settle(
    record: &Database,
    actor: &Actor,
    id: i64,
    outcome: &Result<(), Refusal>,
    pace: &Pace,
    now: WallMs,
) -> Result<(), TxError> {
    record
        .run_tx("notify.settle", actor, move |tx| {
            Box::pin(async move {
                let waiting = |row: &delivery::Model| row.state == State::Waiting.code();
                let Some(row) = get(tx, id).await?.filter(waiting) else {
                    return Ok(()); // a receipt was quicker
                };
                match outcome {
                    Ok(()) => accepted(tx, &row, now).await,
                    Err(refusal) => refused(tx, &row, refusal, pace, now).await,
                }
            })
        })
        .await
}

async fn accepted(tx: &Tx<'_>, row: &delivery::Model, now: WallMs) -> Result<(), TxError> {
    let step = Step {
        happened: Happened::Accepted,
        blames_channel: false,
        reason: "",
    };
    events::append(tx, row, step, now).await?;
    end(tx, row, State::Accepted, now).await
}

async fn refused(
    tx: &Tx<'_>,
    row: &delivery::Model,
    refusal: &Refusal,
    pace: &Pace,
    now: WallMs,
) -> Result<(), TxError> {
    let attempts = row.attempts + 1;
    let counted = u32::try_from(attempts).unwrap_or(u32::MAX);
    let next = pace.after(refusal, counted, row.urgent);
    let happened = match next {
        Next::Again { .. } => Happened::Deferred,
        Next::Abandon => Happened::Abandoned,
    };
    let step = Step {
        happened,
        blames_channel: refusal.blames_channel,
        reason: &refusal.reason,
    };
    events::append(tx, row, step, now).await?;
    match next {
        Next::Again { pause_ms } => move_on(tx, row.id, now.plus_ms(pause_ms), attempts).await,
        Next::Abandon => next_address(tx, row, now).await,
    }
}

/// The next address is tried at once; without one the delivery has failed.
async fn next_address(tx: &Tx<'_>, row: &delivery::Model, now: WallMs) -> Result<(), TxError> {
    let position = row.position + 1;
    let Some(address) = address_at(tx, row.id, position).await? else {
        return fail(tx, row, "every address was tried", now).await;
    };
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(State::Waiting.code()))
        .col_expr(
            delivery::Column::Channel,
            Expr::value(address.channel().code()),
        )
        .col_expr(delivery::Column::Position, Expr::value(position))
        .col_expr(delivery::Column::Attempts, Expr::value(0))
        .col_expr(delivery::Column::NextAtMs, Expr::value(now.0))
        .filter(delivery::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(())
}

pub(crate) async fn move_on(
    tx: &Tx<'_>,
    id: i64,
    next: WallMs,
    attempts: i64,
) -> Result<(), TxError> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::NextAtMs, Expr::value(next.0))
        .col_expr(delivery::Column::Attempts, Expr::value(attempts))
        .filter(delivery::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

pub(crate) async fn fail(
    tx: &Tx<'_>,
    row: &delivery::Model,
    reason: &str,
    now: WallMs,
) -> Result<(), TxError> {
    let step = Step {
        happened: Happened::Failed,
        blames_channel: false,
        reason,
    };
    events::append(tx, row, step, now).await?;
    end(tx, row, State::Failed, now).await
}

/// The link has a secret, and goes when nothing can need it any more: after an SMS was accepted
/// the network may still say that it did not arrive.
async fn end(tx: &Tx<'_>, row: &delivery::Model, state: State, now: WallMs) -> Result<(), TxError> {
    let may_go_on = state == State::Accepted && row.channel == Channel::Sms.code();
    let link = if may_go_on { row.link.as_str() } else { "" };
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(state.code()))
        .col_expr(delivery::Column::SettledAtMs, Expr::value(now.0))
        .col_expr(delivery::Column::Link, Expr::value(link))
        .filter(delivery::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes down what a channel said later; `false` when there is no such delivery, or it was known.
///
/// # Errors
/// What the database reports.
pub async fn receipt(
    record: &Database,
    actor: &Actor,
    delivery: i64,
    channel: Channel,
    said: Receipt,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("notify.receipt", actor, move |tx| {
            Box::pin(async move {
                let Some(row) = get(tx, delivery).await? else {
                    return Ok(false);
                };
                let is_in = |state: State| row.state == state.code();
                match said {
                    Receipt::Received if is_in(State::Received) => Ok(false),
                    Receipt::Received => {
                        // Also after another channel took over, and before `accepted` was written.
                        let step = Step {
                            happened: Happened::Received,
                            blames_channel: false,
                            reason: "",
                        };
                        events::append(tx, &row, step, now).await?;
                        end(tx, &row, State::Received, now).await?;
                        Ok(true)
                    }
                    Receipt::NotReceived
                        if is_in(State::Accepted) && row.channel == channel.code() =>
                    {
                        let step = Step {
                            happened: Happened::Abandoned,
                            blames_channel: false,
                            reason: "the network says that it will not arrive",
                        };
                        events::append(tx, &row, step, now).await?;
                        next_address(tx, &row, now).await?;
                        Ok(true)
                    }
                    Receipt::NotReceived => Ok(false),
                }
            })
        })
        .await
}
