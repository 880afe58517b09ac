//! Times in which the alarm path did not answer: written once, told once, ended with a trace.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use super::rows::interruption::{ActiveModel, Column, Entity, Model};
use super::{Leg, Overdue};
use crate::error::ReadError;

/// Interruptions given at once: a page shows the last few.
pub const INTERRUPTIONS_MAX: u64 = 100;

/// The key of the one that is open: of two who write it at the same moment one is ignored.
const OPEN: &str = "open";

/// A time in which the path did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// Its number, from 1.
    pub id: i64,
    /// Since when the path did not answer.
    pub since: WallMs,
    /// The leg that was missing when it was noticed.
    pub leg: Leg,
    /// When it was noticed.
    pub raised: WallMs,
    /// When whoever is on duty was sent a message.
    pub told: Option<WallMs>,
    /// When a round ended again.
    pub ended: Option<WallMs>,
}

/// Writes that the path does not answer. While that stands written it stands once: returns the
/// one that is open.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn interrupt(
    record: &Database,
    actor: &Actor,
    overdue: Overdue,
    now: WallMs,
) -> Result<Interruption, ReadError> {
    let written = record.run_tx("diary.probe_interrupt", actor, move |tx| {
        Box::pin(async move {
            let row = ActiveModel {
                id: NotSet,
                open_key: Set(Some(OPEN.to_owned())),
                leg: Set(overdue.leg.code().to_owned()),
                since_ms: Set(overdue.since.0),
                raised_at_ms: Set(now.0),
                raised_by: Set(tx.actor().to_string()),
                told_at_ms: Set(None),
                ended_at_ms: Set(None),
            };
            let known = OnConflict::column(Column::OpenKey).do_nothing().to_owned();
            let new = Entity::insert(row).on_conflict(known);
            new.exec_without_returning(tx).await?;
            let open = open(tx).await?;
            open.ok_or_else(|| TxError::refuse(ReadError::damaged("probe_interruption", OPEN)))
        })
    });
    Ok(written.await?)
}

/// Writes that whoever is on duty was told of it. The first word stands.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn tell(record: &Database, actor: &Actor, id: i64, now: WallMs) -> Result<(), ReadError> {
    let written = record.run_tx("diary.probe_tell", actor, move |tx| {
        Box::pin(async move {
            let told = Entity::update_many()
                .col_expr(Column::ToldAtMs, Expr::value(now.0))
                .filter(Column::Id.eq(id))
                .filter(Column::ToldAtMs.is_null());
            told.exec(tx).await?;
            Ok(())
        })
    });
    Ok(written.await?)
}

/// Writes that the path answers again. Returns whether that is news.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn restore(record: &Database, actor: &Actor, now: WallMs) -> Result<bool, ReadError> {
    let written = record.run_tx("diary.probe_restore", actor, move |tx| {
        Box::pin(async move {
            let ended = Entity::update_many()
                .col_expr(Column::EndedAtMs, Expr::value(now.0))
                .col_expr(Column::OpenKey, Expr::value(None::<String>))
                .filter(Column::OpenKey.eq(OPEN));
            Ok(ended.exec(tx).await?.rows_affected > 0)
        })
    });
    Ok(written.await?)
}

/// The last interruptions, the newest first, at most `limit` and [`INTERRUPTIONS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn interruptions(
    record: &Database,
    actor: &Actor,
    limit: u64,
) -> Result<Vec<Interruption>, ReadError> {
    let read = record.read_tx("diary.probe_interruptions", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().order_by_desc(Column::Id);
            let rows = rows.limit(limit.min(INTERRUPTIONS_MAX)).all(tx).await?;
            let read: Result<Vec<_>, ReadError> = rows.iter().map(read).collect();
            read.map_err(TxError::refuse)
        })
    });
    Ok(read.await?)
}

/// The one that has not ended.
pub(super) async fn open(tx: &Tx<'_>) -> Result<Option<Interruption>, TxError> {
    let row = Entity::find().filter(Column::OpenKey.eq(OPEN));
    let row = row.one(tx).await?;
    row.map(|row| read(&row).map_err(TxError::refuse))
        .transpose()
}

fn read(row: &Model) -> Result<Interruption, ReadError> {
    let leg = Leg::from_code(&row.leg);
    Ok(Interruption {
        id: row.id,
        since: WallMs(row.since_ms),
        leg: leg.ok_or_else(|| ReadError::damaged("probe_interruption", row.id))?,
        raised: WallMs(row.raised_at_ms),
        told: row.told_at_ms.map(WallMs),
        ended: row.ended_at_ms.map(WallMs),
    })
}
