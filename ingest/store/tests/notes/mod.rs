//! The smallest room there can be, for tests that are not about what it keeps.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Actor, Schema};

pub(crate) const ACTOR: Actor = Actor::System("test");

struct Notes;

impl MigrationName for Notes {
    fn name(&self) -> &str {
        "0001_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Notes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut notes = Table::create();
        notes
            .table("note")
            .col(ColumnDef::new("words").text().not_null());
        manager.create_table(notes).await
    }
}

pub(crate) const SCHEMA: Schema = Schema {
    room: "notes",
    migrations: || vec![Box::new(Notes)],
};
