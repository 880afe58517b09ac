//! Deliveries on the disk: putting one in, and finding what is due.
//!
//! ```text
//! waiting ──accepted──► accepted ──receipt──► received
//!    │ ▲ deferred or abandoned, with another address or another round
//!    ├─┴── with none ──► failed
//!    └── nobody needs it any more ──► withdrawn
//! ```

use thiserror::Error;
use veglia_people::contacts::{Address, Channel};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::events::Happened;
use crate::message::{Key, Message};
use crate::outages;
use crate::rows::{address, also, delivery, event};
use crate::settle::{fail, move_on, spare};

/// Deliveries that may wait at once: an outage of all channels through a night of a large centre.
/// Beyond it a new one is refused, and whoever decided it keeps it.
pub const WAITING_MAX: u64 = 20_000;

/// Messages to one person in an hour, of which nobody needs to act at once. The rest wait.
const HOURLY_MAX: u64 = 20;

/// The same for what is urgent: one a minute. More would not be read, and a phone that never
/// stops is put away.
const HOURLY_URGENT_MAX: u64 = 60;

const HOUR_MS: i64 = 3_600_000;

/// A message that is this late tells nobody anything: the ladder has long gone on.
const STALE_MS: i64 = 24 * HOUR_MS;

/// A message to be delivered to one person.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// By what it is known; a second one with the same key is none.
    pub key: Key,
    /// What it is about: several deliveries may tell several people of one thing.
    pub about: Key,
    /// To whom, in a form that names nobody; the limits by hour go by it.
    pub recipient: String,
    /// The addresses of that person, in the order in which they are tried.
    pub addresses: Vec<Address>,
    /// What is said.
    pub message: Message,
    /// Whether somebody must act at once.
    pub urgent: bool,
    /// When it may go out, by the wall clock.
    pub not_before: WallMs,
}

/// Why a delivery was not taken.
#[derive(Debug, Error)]
pub enum EnqueueError {
    /// The outbox is full.
    #[error("{WAITING_MAX} messages wait already: see in `veglia status` which channel is down")]
    Full,
    /// The database did not write.
    #[error("a message was not put into the outbox")]
    Store(#[source] TxError),
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Accepted,
    Received,
    Failed,
    Withdrawn,
}

impl State {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Received => "received",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A delivery whose turn it is.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) key: Key,
    pub(crate) recipient: String,
    pub(crate) address: Address,
    pub(crate) message: Message,
}

enum Taken {
    New,
    Known,
    Full,
}

/// Puts a delivery into the outbox; `false` when its key is known already. On `Ok` it is on the
/// disk. Somebody without an address fails at once, and the event says so.
///
/// # Errors
/// See [`EnqueueError`]; nothing was written then.
pub async fn enqueue(
    record: &Database,
    actor: &Actor,
    new: &NewDelivery,
    now: WallMs,
) -> Result<bool, EnqueueError> {
    let taken = record
        .run_tx("notify.enqueue", actor, move |tx| {
            Box::pin(async move { put(tx, new, now).await })
        })
        .await
        .map_err(EnqueueError::Store)?;
    match taken {
        Taken::New => Ok(true),
        Taken::Known => Ok(false),
        Taken::Full => Err(EnqueueError::Full),
    }
}

async fn put(tx: &Tx<'_>, new: &NewDelivery, now: WallMs) -> Result<Taken, TxError> {
    let by_key = delivery::Column::Key.eq(new.key.as_str());
    if delivery::Entity::find()
        .filter(by_key)
        .one(tx)
        .await?
        .is_some()
    {
        return Ok(Taken::Known);
    }
    let waits = delivery::Column::State.eq(State::Waiting.code());
    if delivery::Entity::find().filter(waits).count(tx).await? >= WAITING_MAX {
        return Ok(Taken::Full);
    }
    let first = new.addresses.first();
    let row = delivery::ActiveModel {
        id: NotSet,
        key: Set(new.key.as_str().to_owned()),
        about: Set(new.about.as_str().to_owned()),
        recipient: Set(new.recipient.clone()),
        urgent: Set(new.urgent),
        subject: Set(new.message.subject().to_owned()),
        text: Set(new.message.text().to_owned()),
        link: Set(new.message.link().to_owned()),
        state: Set(State::Waiting.code().to_owned()),
        channel: Set(first.map_or("", |it| it.channel().code()).to_owned()),
        position: Set(0),
        attempts: Set(0),
        next_at_ms: Set(new.not_before.0.max(now.0)),
        created_at_ms: Set(now.0),
        settled_at_ms: Set(None),
    };
    let id = delivery::Entity::insert(row).exec(tx).await?.last_insert_id;
    for (address, position) in new.addresses.iter().zip(0_i64..) {
        let row = address::ActiveModel {
            id: NotSet,
            delivery_id: Set(id),
            position: Set(position),
            channel: Set(address.channel().code().to_owned()),
            address: Set(address.reveal().to_owned()),
            given_up: Set(false),
        };
        address::Entity::insert(row)
            .exec_without_returning(tx)
            .await?;
    }
    if first.is_none()
        && let Some(row) = get(tx, id).await?
    {
        fail(tx, &row, "no way of reaching this person is on file", now).await?;
    }
    Ok(Taken::New)
}

pub(crate) async fn get(tx: &Tx<'_>, id: i64) -> Result<Option<delivery::Model>, TxError> {
    Ok(delivery::Entity::find_by_id(id).one(tx).await?)
}

/// What is due on a channel, the urgent first. What is late beyond use fails here, and what would
/// be too much for one person in an hour is put off.
pub(crate) async fn due(
    record: &Database,
    actor: &Actor,
    channel: Channel,
    limit: u64,
    now: WallMs,
) -> Result<Vec<Due>, TxError> {
    let due_now = || {
        delivery::Entity::find()
            .filter(delivery::Column::State.eq(State::Waiting.code()))
            .filter(delivery::Column::Channel.eq(channel.code()))
            .filter(delivery::Column::NextAtMs.lte(now.0))
    };
    // Most looks find nothing: they shall not take the one writing connection.
    let any = record
        .read_tx("notify.any_due", actor, move |tx| {
            Box::pin(async move { Ok(due_now().one(tx).await?.is_some()) })
        })
        .await?;
    if !any {
        return Ok(Vec::new());
    }
    record
        .run_tx("notify.due", actor, move |tx| {
            Box::pin(async move {
                let rows = due_now()
                    .order_by_desc(delivery::Column::Urgent)
                    .order_by_asc(delivery::Column::NextAtMs)
                    .limit(limit)
                    .all(tx)
                    .await?;
                let mut due: Vec<Due> = Vec::new();
                for row in rows {
                    let also = due
                        .iter()
                        .filter(|it| it.recipient == row.recipient)
                        .count();
                    let also = u64::try_from(also).unwrap_or(u64::MAX);
                    if let Some(ready) = ready(tx, row, also, now).await? {
                        due.push(ready);
                    }
                }
                Ok(due)
            })
        })
        .await
}

/// `also` others of the same round go to the same person.
async fn ready(
    tx: &Tx<'_>,
    row: delivery::Model,
    also: u64,
    now: WallMs,
) -> Result<Option<Due>, TxError> {
    if now.since(WallMs(row.next_at_ms)) > STALE_MS {
        fail(tx, &row, "a day late: it would tell nobody anything", now).await?;
        return Ok(None);
    }
    let most = if row.urgent {
        HOURLY_URGENT_MAX
    } else {
        HOURLY_MAX
    };
    if let Some(free_at) = full_until(tx, &row.recipient, most, also, now).await? {
        move_on(tx, row.id, free_at, row.attempts).await?;
        return Ok(None);
    }
    let channel = row.channel.parse();
    if let Ok(channel) = channel
        && outages::is_spared(tx, channel, now).await?
        && spare(tx, &row, now).await?
    {
        return Ok(None);
    }
    let read = || {
        let message = match row.link.as_str() {
            "" => Message::without_link(&row.subject, &row.text).ok()?,
            link => Message::new(&row.subject, &row.text, link).ok()?,
        };
        Some((row.key.parse::<Key>().ok()?, message))
    };
    let address = address_at(tx, row.id, row.position).await?;
    let (Some((key, message)), Some(address)) = (read(), address) else {
        fail(tx, &row, "its row is damaged", now).await?;
        return Ok(None);
    };
    Ok(Some(Due {
        id: row.id,
        key,
        recipient: row.recipient,
        address,
        message,
    }))
}

/// Until when this person has had enough, if they have.
async fn full_until(
    tx: &Tx<'_>,
    recipient: &str,
    most: u64,
    also: u64,
    now: WallMs,
) -> Result<Option<WallMs>, TxError> {
    let accepted = || {
        event::Entity::find()
            .filter(event::Column::Recipient.eq(recipient))
            .filter(event::Column::AtMs.gt(now.plus_ms(-HOUR_MS).0))
            .filter(event::Column::Happened.eq(Happened::Accepted.code()))
    };
    if accepted().count(tx).await?.saturating_add(also) < most {
        return Ok(None);
    }
    let oldest = accepted().order_by_asc(event::Column::AtMs).one(tx).await?;
    let oldest = oldest.map_or(now, |row| WallMs(row.at_ms));
    Ok(Some(oldest.plus_ms(HOUR_MS + 1)))
}

pub(crate) async fn address_at(
    tx: &Tx<'_>,
    id: i64,
    position: i64,
) -> Result<Option<Address>, TxError> {
    let row = address::Entity::find()
        .filter(address::Column::DeliveryId.eq(id))
        .filter(address::Column::Position.eq(position))
        .one(tx)
        .await?;
    Ok(row.and_then(|row| Address::new(row.channel.parse().ok()?, &row.address).ok()))
}

/// Whether a delivery that is known tells of one thing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// It does, from now on or before.
    Yes,
    /// It has gone already, or was never put in: what is to be told needs its own.
    TooLate,
}

/// Has a delivery that waits tell of one thing more: who is told of several things at once is told
/// by one message, and all of them know what became of it.
///
/// # Errors
/// What the database reports.
pub async fn join(
    record: &Database,
    actor: &Actor,
    key: &Key,
    about: &Key,
) -> Result<Joined, TxError> {
    record
        .run_tx("notify.join", actor, move |tx| {
            Box::pin(async move {
                let by_key = delivery::Column::Key.eq(key.as_str());
                let Some(row) = delivery::Entity::find().filter(by_key).one(tx).await? else {
                    return Ok(Joined::TooLate);
                };
                if also_of(tx, &row).await?.contains(about) {
                    return Ok(Joined::Yes);
                }
                if row.state != State::Waiting.code() {
                    return Ok(Joined::TooLate);
                }
                let row = also::ActiveModel {
                    delivery_id: Set(row.id),
                    about: Set(about.as_str().to_owned()),
                };
                also::Entity::insert(row).exec_without_returning(tx).await?;
                Ok(Joined::Yes)
            })
        })
        .await
}

/// Everything that a delivery tells of.
///
/// # Errors
/// What the database reports.
pub async fn abouts(record: &Database, actor: &Actor, key: &Key) -> Result<Vec<Key>, TxError> {
    record
        .read_tx("notify.abouts", actor, move |tx| {
            Box::pin(async move {
                let by_key = delivery::Column::Key.eq(key.as_str());
                match delivery::Entity::find().filter(by_key).one(tx).await? {
                    Some(row) => also_of(tx, &row).await,
                    None => Ok(Vec::new()),
                }
            })
        })
        .await
}

async fn also_of(tx: &Tx<'_>, row: &delivery::Model) -> Result<Vec<Key>, TxError> {
    let also = also::Entity::find().filter(also::Column::DeliveryId.eq(row.id));
    let also = also.order_by_asc(also::Column::About).all(tx).await?;
    let all = std::iter::once(row.about.as_str()).chain(also.iter().map(|it| it.about.as_str()));
    Ok(all.filter_map(|about| about.parse().ok()).collect())
}

/// Whether nobody was told of a thing, and nobody will be: all of its deliveries have failed.
///
/// # Errors
/// What the database reports.
pub async fn reached_nobody(
    record: &Database,
    actor: &Actor,
    about: &Key,
) -> Result<bool, TxError> {
    record
        .read_tx("notify.reached_nobody", actor, move |tx| {
            Box::pin(async move {
                let also = also::Entity::find().filter(also::Column::About.eq(about.as_str()));
                let also = also.all(tx).await?.into_iter().map(|it| it.delivery_id);
                let tells = Condition::any()
                    .add(delivery::Column::About.eq(about.as_str()))
                    .add(delivery::Column::Id.is_in(also));
                let not_failed = delivery::Entity::find()
                    .filter(tells)
                    .filter(delivery::Column::State.ne(State::Failed.code()))
                    .one(tx)
                    .await?;
                Ok(not_failed.is_none())
            })
        })
        .await
}
