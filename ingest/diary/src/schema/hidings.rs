//! The tables of what patients had hidden.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

use super::{counted, index, number, table, words};

/// Hidings, and their ends.
pub(super) struct Hidings;

impl MigrationName for Hidings {
    fn name(&self) -> &str {
        "0008_hidings"
    }
}

#[async_trait]
impl MigrationTrait for Hidings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(hiding()).await?;
        manager.create_table(hiding_end()).await?;
        let of_patient = index("hiding_patient", "hiding", &["patient"]);
        manager.create_index(of_patient).await
    }
}

/// One of `entry_id`, `flag_id`, and both ends of a period. Of the code only the digest is kept.
fn hiding() -> TableCreateStatement {
    let perhaps = |name| {
        let mut column = ColumnDef::new(name);
        column.big_integer();
        column
    };
    let mut flag_id = ColumnDef::new("flag_id");
    flag_id.text();
    let columns = vec![
        counted(),
        words("patient"),
        perhaps("entry_id"),
        flag_id,
        perhaps("from_ms"),
        perhaps("until_ms"),
        words("code_digest"),
        number("at_ms"),
        words("actor"),
    ];
    table("hiding", columns)
}

/// A row of its own, so that a hiding is never altered and ends at most once.
fn hiding_end() -> TableCreateStatement {
    let mut id = number("hiding_id");
    id.primary_key();
    let mut of = ForeignKey::create();
    of.from("hiding_end", "hiding_id").to("hiding", "id");
    let mut table = table("hiding_end", vec![id, number("at_ms"), words("actor")]);
    table.foreign_key(&mut of);
    table
}
