//! What came of an attempt, and what a channel said later: each a step of a delivery's life.

use veglia_people::Party;
use veglia_people::contacts::{self, Channel};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::events::{self, Happened, Step};
use crate::outages;
use crate::outbox::{State, address_at, get};
use crate::retry::Pace;
use crate::rows::{address, delivery};
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
    outages::end(tx, row, now).await?;
    end(tx, row, State::Accepted, now).await
}

async fn refused(
    tx: &Tx<'_>,
    row: &delivery::Model,
    refusal: &Refusal,
    pace: &Pace,
    now: WallMs,
) -> Result<(), TxError> {
    if !refusal.may_pass {
        give_up(tx, row, refusal.is_gone, now).await?;
    }
    outages::begin(tx, row, refusal, now).await?;
    let next = next(tx, row, pace).await?;
    let step = Step {
        happened: match next {
            Some(_) if refusal.may_pass => Happened::Deferred,
            _ => Happened::Abandoned,
        },
        blames_channel: refusal.blames_channel,
        reason: &refusal.reason,
    };
    events::append(tx, row, step, now).await?;
    go_on(tx, row, next, now).await
}

/// What comes after an address did not take a delivery.
pub(crate) struct Next {
    address: address::Model,
    /// Rounds through all addresses that were in vain.
    attempts: i64,
    pause_ms: i64,
}

/// The next address that may still take it, at once; after the last of them, the first again after
/// a pause, until it was tried often enough.
async fn next(tx: &Tx<'_>, row: &delivery::Model, pace: &Pace) -> Result<Option<Next>, TxError> {
    let mut usable = usable(tx, row.id).await?;
    if let Some(place) = usable.iter().position(|it| it.position > row.position) {
        return Ok(Some(Next {
            address: usable.swap_remove(place),
            attempts: row.attempts,
            pause_ms: 0,
        }));
    }
    let attempts = row.attempts + 1;
    let counted = u32::try_from(attempts).unwrap_or(u32::MAX);
    let pause_ms = pace.after(counted, row.urgent);
    let first = usable.into_iter().next();
    Ok(first.zip(pause_ms).map(|(address, pause_ms)| Next {
        address,
        attempts,
        pause_ms,
    }))
}

/// Its addresses that were not given up, in order.
async fn usable(tx: &Tx<'_>, delivery: i64) -> Result<Vec<address::Model>, TxError> {
    let rows = address::Entity::find()
        .filter(address::Column::DeliveryId.eq(delivery))
        .filter(address::Column::GivenUp.eq(false))
        .order_by_asc(address::Column::Position);
    Ok(rows.all(tx).await?)
}

/// An address that will not take this delivery is not tried again for it; one that is gone, by
/// whoever kept it, for no other either.
async fn give_up(
    tx: &Tx<'_>,
    row: &delivery::Model,
    is_gone: bool,
    now: WallMs,
) -> Result<(), TxError> {
    address::Entity::update_many()
        .col_expr(address::Column::GivenUp, Expr::value(true))
        .filter(address::Column::DeliveryId.eq(row.id))
        .filter(address::Column::Position.eq(row.position))
        .exec(tx)
        .await?;
    let party: Option<Party> = row.recipient.parse().ok().filter(|_| is_gone);
    let gone = address_at(tx, row.id, row.position).await?;
    if let Some((party, gone)) = party.zip(gone) {
        contacts::end_in(tx, party, &gone, now).await?;
    }
    Ok(())
}

async fn go_on(
    tx: &Tx<'_>,
    row: &delivery::Model,
    next: Option<Next>,
    now: WallMs,
) -> Result<(), TxError> {
    let Some(next) = next else {
        return fail(tx, row, "every address was tried", now).await;
    };
    let at = now.plus_ms(next.pause_ms);
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(State::Waiting.code()))
        .col_expr(delivery::Column::Channel, Expr::value(next.address.channel))
        .col_expr(
            delivery::Column::Position,
            Expr::value(next.address.position),
        )
        .col_expr(delivery::Column::Attempts, Expr::value(next.attempts))
        .col_expr(delivery::Column::NextAtMs, Expr::value(at.0))
        .filter(delivery::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Leaves a channel that is known to be down, for another by which this delivery may go at once;
/// whether there is one.
pub(crate) async fn spare(
    tx: &Tx<'_>,
    row: &delivery::Model,
    now: WallMs,
) -> Result<bool, TxError> {
    let is_other = |it: &address::Model| it.position > row.position && it.channel != row.channel;
    let other = usable(tx, row.id).await?.into_iter().find(is_other);
    let Some(address) = other else {
        return Ok(false);
    };
    let step = Step {
        happened: Happened::Deferred,
        blames_channel: false,
        reason: "the channel is known to be down",
    };
    events::append(tx, row, step, now).await?;
    let next = Next {
        address,
        attempts: row.attempts,
        pause_ms: 0,
    };
    go_on(tx, row, Some(next), now).await?;
    Ok(true)
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
                        give_up(tx, &row, false, now).await?;
                        let next = next(tx, &row, &Pace::default()).await?;
                        go_on(tx, &row, next, now).await?;
                        Ok(true)
                    }
                    Receipt::NotReceived => Ok(false),
                }
            })
        })
        .await
}
