//! How delivery stands: what waits, what was sent, which channel does not answer.

use veglia_people::contacts::Channel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::events::Happened;
use crate::outages;
use crate::outbox::State;
use crate::probe::RECIPIENT;
use crate::rows::{delivery, event};

/// The figures of the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Messages that wait, those for later too.
    pub waiting: u64,
    /// How long the oldest of those that are due waits; `None` when none is due.
    pub oldest_due_ms: Option<i64>,
    /// Messages that a channel took, since the record began.
    pub sent: u64,
    /// Of these, such as were said to have arrived.
    pub received: u64,
    /// Messages that nobody got.
    pub failed: u64,
    /// Channels that were tried, with how they stand.
    pub channels: Vec<ChannelStanding>,
}

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStanding {
    /// Which one.
    pub channel: Channel,
    /// While it does not work, by no fault of a recipient: since when, and why.
    pub down: Option<(WallMs, String)>,
}

/// Reads the figures.
///
/// # Errors
/// What the database reports.
pub async fn standing(record: &Database, actor: &Actor, now: WallMs) -> Result<Standing, TxError> {
    record
        .read_tx("notify.standing", actor, move |tx| {
            Box::pin(async move {
                let received = count(tx, State::Received).await?;
                let waiting = delivery::Column::State.eq(State::Waiting.code());
                let oldest = delivery::Entity::find()
                    .filter(waiting)
                    .filter(delivery::Column::Recipient.ne(RECIPIENT))
                    .filter(delivery::Column::NextAtMs.lte(now.0))
                    .order_by_asc(delivery::Column::NextAtMs)
                    .one(tx)
                    .await?;
                let mut channels = Vec::new();
                for channel in Channel::ALL {
                    channels.extend(of_channel(tx, channel).await?);
                }
                Ok(Standing {
                    waiting: count(tx, State::Waiting).await?,
                    oldest_due_ms: oldest.map(|row| now.since(WallMs(row.next_at_ms))),
                    sent: count(tx, State::Accepted).await?.saturating_add(received),
                    received,
                    failed: count(tx, State::Failed).await?,
                    channels,
                })
            })
        })
        .await
}

async fn count(tx: &Tx<'_>, state: State) -> Result<u64, TxError> {
    let in_state = delivery::Entity::find()
        .filter(delivery::Column::State.eq(state.code()))
        .filter(delivery::Column::Recipient.ne(RECIPIENT));
    Ok(in_state.count(tx).await?)
}

/// None for a channel that was never tried in a way that says something of the channel itself.
async fn of_channel(tx: &Tx<'_>, channel: Channel) -> Result<Option<ChannelStanding>, TxError> {
    let telling = Condition::any()
        .add(event::Column::Happened.eq(Happened::Accepted.code()))
        .add(event::Column::BlamesChannel.eq(true));
    let last = event::Entity::find()
        .filter(event::Column::Channel.eq(channel.code()))
        .filter(telling)
        .order_by_desc(event::Column::Id)
        .one(tx)
        .await?;
    let down = outages::down(tx, channel).await?;
    Ok(last.map(|_| ChannelStanding {
        channel,
        down: down.map(|row| (WallMs(row.began_at_ms), row.reason)),
    }))
}
