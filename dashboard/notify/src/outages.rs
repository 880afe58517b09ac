//! Channels that do not work, and single addresses that do not: since when, why, and until when.
//!
//! One that nobody mends is one row, however many messages it costs. It begins with the first
//! attempt in vain and ends with the first that succeeds; the row stays, as the trace. An address
//! of one person that is refused for good ends as well when somebody says that it was seen to:
//! there may never be another message to try it with.

use veglia_people::contacts::Channel;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::rows::delivery;
use crate::rows::outage::{ActiveModel, Column, Entity, Model};
use crate::senders::Refusal;

/// Outages told of at once: four channels, and as many addresses as a page can show.
const OUTAGES_MAX: u64 = 200;

/// How long a channel that is down is spared by messages that have another way, in milliseconds:
/// the next one after that tries it again. A server that hangs costs one of them its patience,
/// and not each.
const SPARED_MS: i64 = 30_000;

/// Something that does not carry messages, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Its number.
    pub id: i64,
    /// Which channel.
    pub channel: Channel,
    /// Whose address, as [`crate::NewDelivery::recipient`] has it; `None` when the channel works
    /// for nobody.
    pub recipient: Option<String>,
    /// Why, by the last attempt; without addresses or names.
    pub reason: String,
    /// The first attempt in vain, by the wall clock.
    pub began: WallMs,
    /// The last one.
    pub tried: WallMs,
    /// When it worked again, or was said to be seen to.
    pub ended: Option<WallMs>,
}

/// An attempt was in vain: a channel that refuses whoever the recipient, or an address that will
/// not take anything again.
pub(crate) async fn begin(
    tx: &Tx<'_>,
    row: &delivery::Model,
    refusal: &Refusal,
    now: WallMs,
) -> Result<(), TxError> {
    if !refusal.blames_channel && refusal.may_pass {
        return Ok(());
    }
    let recipient = if refusal.blames_channel {
        ""
    } else {
        row.recipient.as_str()
    };
    let known = open()
        .filter(Column::Channel.eq(&row.channel))
        .filter(Column::Recipient.eq(recipient));
    if let Some(known) = known.one(tx).await? {
        Entity::update_many()
            .col_expr(Column::Reason, Expr::value(refusal.reason.clone()))
            .col_expr(Column::TriedAtMs, Expr::value(now.0))
            .filter(Column::Id.eq(known.id))
            .exec(tx)
            .await?;
        return Ok(());
    }
    let new = ActiveModel {
        id: NotSet,
        channel: Set(row.channel.clone()),
        recipient: Set(recipient.to_owned()),
        reason: Set(refusal.reason.clone()),
        began_at_ms: Set(now.0),
        tried_at_ms: Set(now.0),
        ended_at_ms: Set(None),
        ended_by: Set(None),
    };
    Entity::insert(new).exec_without_returning(tx).await?;
    Ok(())
}

/// A message was taken: the channel works, and this person's address by it.
pub(crate) async fn end(tx: &Tx<'_>, row: &delivery::Model, now: WallMs) -> Result<(), TxError> {
    Entity::update_many()
        .col_expr(Column::EndedAtMs, Expr::value(now.0))
        .filter(Column::EndedAtMs.is_null())
        .filter(Column::Channel.eq(&row.channel))
        .filter(Column::Recipient.is_in(["", row.recipient.as_str()]))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether a channel is down and was tried a moment ago.
pub(crate) async fn is_spared(tx: &Tx<'_>, channel: Channel, now: WallMs) -> Result<bool, TxError> {
    let down = down(tx, channel).await?;
    Ok(down.is_some_and(|row| now.since(WallMs(row.tried_at_ms)) < SPARED_MS))
}

/// Since when a channel works for nobody, if it does not, and why.
pub(crate) async fn down(tx: &Tx<'_>, channel: Channel) -> Result<Option<Model>, TxError> {
    let of = open()
        .filter(Column::Channel.eq(channel.code()))
        .filter(Column::Recipient.eq(""));
    Ok(of.one(tx).await?)
}

fn open() -> Select<Entity> {
    Entity::find().filter(Column::EndedAtMs.is_null())
}

/// What does not work now, and what has worked again since `since`: the open ones first, then the
/// newest.
///
/// # Errors
/// What the database reports.
pub async fn outages(
    record: &Database,
    actor: &Actor,
    since: WallMs,
) -> Result<Vec<Outage>, TxError> {
    let rows = record.read_tx("notify.outages", actor, move |tx| {
        Box::pin(async move {
            let wanted = Condition::any()
                .add(Column::EndedAtMs.is_null())
                .add(Column::EndedAtMs.gte(since.0));
            let rows = Entity::find().filter(wanted);
            let rows = rows.order_by_desc(Column::Id).limit(OUTAGES_MAX);
            Ok(rows.all(tx).await?)
        })
    });
    let mut outages: Vec<Outage> = rows.await?.into_iter().filter_map(read).collect();
    outages.sort_by_key(|it| it.ended.is_some());
    Ok(outages)
}

/// Somebody has seen to one person's address that did not work; `false` when there is nothing open
/// of this number that a person may end. A channel ends its outage by itself.
///
/// # Errors
/// What the database reports.
pub async fn see_to(
    record: &Database,
    actor: &Actor,
    outage: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("notify.see_to", actor, move |tx| {
            Box::pin(async move {
                let ended = Entity::update_many()
                    .col_expr(Column::EndedAtMs, Expr::value(now.0))
                    .col_expr(Column::EndedBy, Expr::value(tx.actor().to_string()))
                    .filter(Column::Id.eq(outage))
                    .filter(Column::Recipient.ne(""))
                    .filter(Column::EndedAtMs.is_null())
                    .exec(tx)
                    .await?;
                Ok(ended.rows_affected > 0)
            })
        })
        .await
}

fn read(row: Model) -> Option<Outage> {
    Some(Outage {
        id: row.id,
        channel: row.channel.parse().ok()?,
        recipient: (!row.recipient.is_empty()).then_some(row.recipient),
        reason: row.reason,
        began: WallMs(row.began_at_ms),
        tried: WallMs(row.tried_at_ms),
        ended: row.ended_at_ms.map(WallMs),
    })
}
