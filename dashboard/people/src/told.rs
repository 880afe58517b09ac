//! What the centre says to a patient: a row of the record, whatever carries it.
//!
//! An SMS takes it to the telephone; a page of the patient's own may show it too. It says what to
//! do and never a value. How it fared is not kept here: carriers know.
//!
//! **Once.** Whoever says something names what it is said for; the same name twice is one row.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::PersonId;
use crate::reach_rows::told::{ActiveModel, Column, Entity, Model};

/// Words given at once: what somebody reads of the last days.
const TOLD_MAX: u64 = 100;

/// Number of something said, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToldId(pub i64);

/// Something to be said. `Debug` shows it: it is the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// What it is said for; a second one of the same name is none.
    pub once: String,
    /// To whom.
    pub person: PersonId,
    /// What it is about, as the diary names it.
    pub about: String,
    /// The words.
    pub words: String,
    /// When it was said, by the clock of care.
    pub at: WallMs,
    /// From when on it is of no use any more.
    pub until: WallMs,
}

/// Writes down that something is said; the number of what was said before under the same name, if
/// it was.
///
/// # Errors
/// What the database reports; nothing was written then.
pub async fn tell(record: &Database, actor: &Actor, telling: &Telling) -> Result<ToldId, TxError> {
    record
        .run_tx("told.tell", actor, move |tx| {
            Box::pin(async move {
                let known = Entity::find().filter(Column::Once.eq(&telling.once));
                if let Some(known) = known.one(tx).await? {
                    return Ok(ToldId(known.id));
                }
                let row = ActiveModel {
                    id: NotSet,
                    once: Set(telling.once.clone()),
                    person_id: Set(telling.person.get()),
                    about: Set(telling.about.clone()),
                    words: Set(telling.words.clone()),
                    at_ms: Set(telling.at.0),
                    until_ms: Set(telling.until.0),
                    written_by: Set(tx.actor().to_string()),
                };
                let inserted = Entity::insert(row).exec(tx).await?;
                Ok(ToldId(inserted.last_insert_id))
            })
        })
        .await
}

/// Something that was said, by its number.
///
/// # Errors
/// What the database reports.
pub async fn get(record: &Database, actor: &Actor, id: ToldId) -> Result<Option<Telling>, TxError> {
    let row = record
        .read_tx("told.get", actor, move |tx| {
            Box::pin(async move { Ok(Entity::find_by_id(id.0).one(tx).await?) })
        })
        .await?;
    Ok(row.and_then(read))
}

/// What was said to somebody, the newest first.
///
/// # Errors
/// What the database reports.
pub async fn to(
    record: &Database,
    actor: &Actor,
    person: PersonId,
) -> Result<Vec<Telling>, TxError> {
    let rows = record
        .read_tx("told.to", actor, move |tx| {
            Box::pin(async move {
                let rows = Entity::find().filter(Column::PersonId.eq(person.get()));
                let rows = rows.order_by_desc(Column::Id).limit(TOLD_MAX);
                Ok(rows.all(tx).await?)
            })
        })
        .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

fn read(row: Model) -> Option<Telling> {
    Some(Telling {
        once: row.once,
        person: PersonId::new(row.person_id)?,
        about: row.about,
        words: row.words,
        at: WallMs(row.at_ms),
        until: WallMs(row.until_ms),
    })
}
