//! What happened to deliveries, in order, for whoever decided them; and how far they have read.

use veglia_people::contacts::Channel;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::message::Key;
use crate::rows::{cursor as cursor_rows, delivery, event};

/// Events given at once.
pub const EVENTS_MAX: u64 = 500;

/// One step in the life of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happened {
    /// A channel took the message.
    Accepted,
    /// A channel did not take it: the next address is used, or the same again later.
    Deferred,
    /// An address was given up for good; another is used, if there is one.
    Abandoned,
    /// Every address was tried in vain: nobody was told.
    Failed,
    /// The channel says that it arrived.
    Received,
}

impl Happened {
    const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Deferred,
        Self::Abandoned,
        Self::Failed,
        Self::Received,
    ];

    /// The word stored.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
            Self::Received => "received",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }
}

/// Something that happened to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order; the cursor of whoever follows.
    pub id: i64,
    /// Which delivery.
    pub key: Key,
    /// What the delivery is about.
    pub about: Key,
    /// When, by the wall clock.
    pub at: WallMs,
    /// What.
    pub happened: Happened,
    /// By which channel; none when there was no address at all.
    pub channel: Option<Channel>,
    /// Why, where something was in vain; without addresses or names.
    pub reason: String,
}

/// What is written down beside the time.
pub(crate) struct Step<'a> {
    pub(crate) happened: Happened,
    pub(crate) blames_channel: bool,
    pub(crate) reason: &'a str,
}

pub(crate) async fn append(
    tx: &Tx<'_>,
    delivery: &delivery::Model,
    step: Step<'_>,
    now: WallMs,
) -> Result<(), TxError> {
    let row = event::ActiveModel {
        id: NotSet,
        delivery_id: Set(delivery.id),
        key: Set(delivery.key.clone()),
        about: Set(delivery.about.clone()),
        recipient: Set(delivery.recipient.clone()),
        at_ms: Set(now.0),
        happened: Set(step.happened.code().to_owned()),
        channel: Set(delivery.channel.clone()),
        blames_channel: Set(step.blames_channel),
        reason: Set(step.reason.to_owned()),
    };
    event::Entity::insert(row)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What happened after the event `after`, at most [`EVENTS_MAX`] at once.
///
/// # Errors
/// What the database reports.
pub async fn events_since(
    record: &Database,
    actor: &Actor,
    after: i64,
) -> Result<Vec<Event>, TxError> {
    let rows = record
        .read_tx("notify.events", actor, move |tx| {
            Box::pin(async move {
                let later = event::Entity::find().filter(event::Column::Id.gt(after));
                let later = later.order_by_asc(event::Column::Id).limit(EVENTS_MAX);
                Ok(later.all(tx).await?)
            })
        })
        .await?;
    let read = |row: event::Model| {
        Some(Event {
            id: row.id,
            key: row.key.parse().ok()?,
            about: row.about.parse().ok()?,
            at: WallMs(row.at_ms),
            happened: Happened::from_code(&row.happened)?,
            channel: row.channel.parse().ok(),
            reason: row.reason,
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// How far a follower has read; zero before the first word.
///
/// # Errors
/// What the database reports.
pub async fn cursor(record: &Database, actor: &Actor, name: &str) -> Result<i64, TxError> {
    let row = record
        .read_tx("notify.cursor", actor, move |tx| {
            Box::pin(async move { Ok(cursor_rows::Entity::find_by_id(name).one(tx).await?) })
        })
        .await?;
    Ok(row.map_or(0, |row| row.position))
}

/// Writes down how far a follower has read.
///
/// # Errors
/// What the database reports.
pub async fn set_cursor(
    record: &Database,
    actor: &Actor,
    name: &str,
    position: i64,
) -> Result<(), TxError> {
    record
        .run_tx("notify.set_cursor", actor, move |tx| {
            Box::pin(async move {
                let row = cursor_rows::ActiveModel {
                    name: Set(name.to_owned()),
                    position: Set(position),
                };
                let mut again = OnConflict::column(cursor_rows::Column::Name);
                again.update_column(cursor_rows::Column::Position);
                cursor_rows::Entity::insert(row)
                    .on_conflict(again)
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}
