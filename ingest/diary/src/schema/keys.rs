//! The table of patients' keys, and the words of people sealed with them.
//!
//! What was written before is sealed here, row by row, in the transaction of the migration: a
//! hundred thousand texts take some seconds. Pages of the file that the plain words leave are
//! overwritten by the engine (`secure_delete`) or wait for its next clean-up.

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{ConnectionTrait, DbErr, QueryOrder, QuerySelect, sea_query};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::{
    Alias, ColumnDef, MigrationName, MigrationTrait, Query, SchemaManager, Table,
};
use veglia_wire::WallMs;

use super::{number, table, words};
use crate::plans::Grounds;
use crate::rows::{entry, plan, standing};
use crate::sealed::{SealError, seal};

/// Rows sealed at once.
const AT_ONCE: u64 = 500;

/// Keys, and sealed words.
pub(super) struct Keys;

impl MigrationName for Keys {
    fn name(&self) -> &str {
        "0009_patient_keys"
    }
}

#[async_trait]
impl MigrationTrait for Keys {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut patient = words("patient");
        patient.primary_key();
        let mut key = ColumnDef::new("key");
        key.blob().not_null();
        let mut destroyed = ColumnDef::new("destroyed_at_ms");
        destroyed.big_integer();
        let columns = vec![patient, key, number("made_at_ms"), destroyed];
        manager.create_table(table("patient_key", columns)).await?;
        for name in ["entry", "plan", "standing"] {
            let mut sealed = ColumnDef::new("sealed");
            let mut table = Table::alter();
            table.table(name).add_column(sealed.blob());
            manager.alter_table(table).await?;
        }
        let connection = manager.get_connection();
        let sealed = async {
            entries(connection).await?;
            plans(connection).await?;
            standings(connection).await
        };
        sealed.await.map_err(|error| match error {
            SealError::Database(fault) => fault,
            other => DbErr::Custom(other.to_string()),
        })
    }
}

async fn entries(connection: &impl ConnectionTrait) -> Result<(), SealError> {
    let mut after = 0;
    loop {
        let rows: Vec<(i64, String, String, i64)> = entry::Entity::find()
            .select_only()
            .columns([
                entry::Column::Id,
                entry::Column::Patient,
                entry::Column::Words,
                entry::Column::AtMs,
            ])
            .filter(entry::Column::Words.ne(""))
            .filter(entry::Column::Id.gt(after))
            .order_by_asc(entry::Column::Id)
            .limit(AT_ONCE)
            .into_tuple()
            .all(connection)
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.0;
        for (id, patient, words, at_ms) in rows {
            let row = entry::Model::place(id);
            let sealed = seal(connection, &patient, &row, &words, WallMs(at_ms)).await?;
            write(connection, "entry", id, sealed, &[("words", Some(""))]).await?;
        }
    }
}

async fn plans(connection: &impl ConnectionTrait) -> Result<(), SealError> {
    type Row = (
        i64,
        String,
        i64,
        i64,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = plan::Entity::find()
        .select_only()
        .columns([
            plan::Column::Id,
            plan::Column::Patient,
            plan::Column::Version,
            plan::Column::CreatedAtMs,
            plan::Column::Why,
            plan::Column::DecidedBy,
            plan::Column::DecidedOn,
        ])
        .order_by_asc(plan::Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    for (id, patient, version, at_ms, why, decided_by, decided_on) in rows {
        let grounds = Grounds {
            why,
            decided_by,
            decided_on,
        };
        let Some(words) = grounds.words()? else {
            continue;
        };
        let row = plan::Model::place(version);
        let sealed = seal(connection, &patient, &row, &words, WallMs(at_ms)).await?;
        let blank = [("why", None), ("decided_by", None), ("decided_on", None)];
        write(connection, "plan", id, sealed, &blank).await?;
    }
    Ok(())
}

async fn standings(connection: &impl ConnectionTrait) -> Result<(), SealError> {
    let rows: Vec<(i64, String, i64, i64, String)> = standing::Entity::find()
        .select_only()
        .columns([
            standing::Column::Id,
            standing::Column::Patient,
            standing::Column::Number,
            standing::Column::CreatedAtMs,
            standing::Column::Why,
        ])
        .order_by_asc(standing::Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    for (id, patient, number, at_ms, why) in rows {
        let row = standing::Model::place(number);
        let sealed = seal(connection, &patient, &row, &why, WallMs(at_ms)).await?;
        write(connection, "standing", id, sealed, &[("why", Some(""))]).await?;
    }
    Ok(())
}

/// Puts sealed words in the place of plain ones.
async fn write(
    connection: &impl ConnectionTrait,
    table: &'static str,
    id: i64,
    sealed: Vec<u8>,
    blank: &[(&'static str, Option<&str>)],
) -> Result<(), DbErr> {
    let mut update = Query::update();
    update
        .table(Alias::new(table))
        .value(Alias::new("sealed"), sealed)
        .and_where(sea_query::ExprTrait::eq(Expr::col(Alias::new("id")), id));
    for (column, value) in blank {
        update.value(Alias::new(*column), value.map(str::to_owned));
    }
    connection.execute(&update).await?;
    Ok(())
}
