//! The table of this room. Rows are only ever inserted.

use veglia_store::Schema;
use veglia_store::columns::{flag, id, index_of, number, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What this room keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "enrol",
    migrations: || vec![Box::new(First)],
};

/// Consents.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_consents"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id(),
            number("person_id"),
            text("item"),
            number("version"),
            flag("given"),
            text("how"),
            number("at_ms"),
            text("written_by"),
        ];
        manager.create_table(table_of("consent", columns)).await?;
        let of_person = index_of("consent_by_person", "consent", &["person_id", "id"]);
        manager.create_index(of_person).await
    }
}
