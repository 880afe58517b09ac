//! People who were forgotten: their row stays, so that their number is given to nobody else and
//! whoever cared for them is told since when; everything else of it is gone.

use veglia_store::columns::optional;
use veglia_store::sea_orm::ActiveValue::{Set, Unchanged};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::{
    MigrationName, MigrationTrait, SchemaManager, Table,
};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::PersonId;
use crate::rows::person::{ActiveModel, Entity};

/// The step of the schema that says since when somebody is forgotten.
pub(crate) struct Forgotten;

impl MigrationName for Forgotten {
    fn name(&self) -> &str {
        "0010_forgotten"
    }
}

#[async_trait]
impl MigrationTrait for Forgotten {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut person = Table::alter();
        person
            .table("person")
            .add_column(optional("forgotten_at_ms"));
        manager.alter_table(person).await
    }
}

/// Blanks who somebody is, within the transaction that forgets them. Returns the Codice Fiscale
/// that they had, by which other tables may know them; none when nobody has this number, or they
/// were forgotten before.
///
/// # Errors
/// What the database reports.
pub async fn blank_in(
    tx: &Tx<'_>,
    person: PersonId,
    now: WallMs,
) -> Result<Option<String>, TxError> {
    let row = Entity::find_by_id(person.get()).one(tx).await?;
    let Some(row) = row.filter(|row| row.forgotten_at_ms.is_none()) else {
        return Ok(None);
    };
    let blank = ActiveModel {
        id: Unchanged(row.id),
        name: Set(String::new()),
        surname: Set(String::new()),
        // No two may be the same; this is no code of anybody.
        codice_fiscale: Set(format!("forgotten:{person}")),
        phone: Set(String::new()),
        address: Set(String::new()),
        forgotten_at_ms: Set(Some(now.0)),
        ..Default::default()
    };
    Entity::update(blank).exec(tx).await?;
    Ok(Some(row.codice_fiscale))
}

/// Since when somebody is forgotten, if they are.
///
/// # Errors
/// What the database reports.
pub async fn since(
    record: &Database,
    actor: &Actor,
    person: PersonId,
) -> Result<Option<WallMs>, TxError> {
    record
        .read_tx("people.forgotten", actor, move |tx| {
            Box::pin(async move {
                let row = Entity::find_by_id(person.get()).one(tx).await?;
                Ok(row.and_then(|row| row.forgotten_at_ms).map(WallMs))
            })
        })
        .await
}
