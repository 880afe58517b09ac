//! The end of the alarm path's probe: a message that goes through the outbox and is given to
//! nobody.
//!
//! It is a delivery like the others, written by the same transaction and taken by the same
//! courier, in a lane of its own: a mail server that hangs has an alert of its own and shall not
//! look like a broken path. It counts in no figure, and goes when its round is over; so do the
//! calls outward that say that a round came home.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::message::Key;
use crate::outbox::State;
use crate::rows::{address, delivery, event};

/// To whom the probe's messages are: nobody. Figures leave this recipient out.
pub const RECIPIENT: &str = "probe";

/// The lane of messages that end here; no channel of people has this name.
const LANE: &str = "probe";

/// Puts the message of a round into the outbox; `false` when it is there already.
///
/// # Errors
/// What the database reports; nothing was written then.
pub async fn put(
    record: &Database,
    actor: &Actor,
    key: &Key,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("notify.probe_put", actor, move |tx| {
            Box::pin(async move {
                let by_key = delivery::Column::Key.eq(key.as_str());
                let known = delivery::Entity::find().filter(by_key).one(tx).await?;
                if known.is_some() {
                    return Ok(false);
                }
                let row = delivery::ActiveModel {
                    id: NotSet,
                    key: Set(key.as_str().to_owned()),
                    about: Set(key.as_str().to_owned()),
                    recipient: Set(RECIPIENT.to_owned()),
                    urgent: Set(true),
                    subject: Set(String::new()),
                    text: Set(String::new()),
                    link: Set(String::new()),
                    state: Set(State::Waiting.code().to_owned()),
                    channel: Set(LANE.to_owned()),
                    position: Set(0),
                    attempts: Set(0),
                    next_at_ms: Set(now.0),
                    created_at_ms: Set(now.0),
                    settled_at_ms: Set(None),
                };
                delivery::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok(true)
            })
        })
        .await
}

/// Whether the courier has taken the message of a round out of the outbox.
///
/// # Errors
/// What the database reports.
pub async fn is_given_away(record: &Database, actor: &Actor, key: &Key) -> Result<bool, TxError> {
    record
        .read_tx("notify.probe_is_given_away", actor, move |tx| {
            Box::pin(async move {
                let taken = delivery::Entity::find()
                    .filter(delivery::Column::Key.eq(key.as_str()))
                    .filter(delivery::Column::State.eq(State::Accepted.code()));
                Ok(taken.one(tx).await?.is_some())
            })
        })
        .await
}

/// Takes everything of the probe that is settled out of the outbox and its history.
///
/// # Errors
/// What the database reports; nothing was written then.
pub async fn forget(record: &Database, actor: &Actor) -> Result<(), TxError> {
    record
        .run_tx("notify.probe_forget", actor, |tx| {
            Box::pin(async move {
                let settled = delivery::Entity::find()
                    .filter(delivery::Column::Recipient.eq(RECIPIENT))
                    .filter(delivery::Column::State.ne(State::Waiting.code()));
                for row in settled.all(tx).await? {
                    let of = address::Column::DeliveryId.eq(row.id);
                    address::Entity::delete_many().filter(of).exec(tx).await?;
                    let of = event::Column::DeliveryId.eq(row.id);
                    event::Entity::delete_many().filter(of).exec(tx).await?;
                    delivery::Entity::delete_by_id(row.id).exec(tx).await?;
                }
                Ok(())
            })
        })
        .await
}

/// The courier's part: gives away what waits. How many there were.
pub(crate) async fn round(record: &Database, actor: &Actor, now: WallMs) -> Result<u64, TxError> {
    let waits = || {
        delivery::Entity::find()
            .filter(delivery::Column::State.eq(State::Waiting.code()))
            .filter(delivery::Column::Channel.eq(LANE))
    };
    // Most looks find nothing: they shall not take the one writing connection.
    let any = record
        .read_tx("notify.probe_waits", actor, move |tx| {
            Box::pin(async move { Ok(waits().one(tx).await?.is_some()) })
        })
        .await?;
    if !any {
        return Ok(0);
    }
    record
        .run_tx("notify.probe_round", actor, move |tx| {
            Box::pin(async move {
                let taken = delivery::Entity::update_many()
                    .col_expr(delivery::Column::State, Expr::value(State::Accepted.code()))
                    .col_expr(delivery::Column::SettledAtMs, Expr::value(now.0))
                    .filter(delivery::Column::State.eq(State::Waiting.code()))
                    .filter(delivery::Column::Channel.eq(LANE));
                Ok(taken.exec(tx).await?.rows_affected)
            })
        })
        .await
}
