//! The table of this room. Rows are only ever inserted; when a patient is erased, theirs go.

use veglia_store::Schema;
use veglia_store::columns::{id, index_of, number, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What this room keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "documents",
    migrations: || vec![Box::new(First)],
};

/// Issued documents.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_issued"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id(),
            number("person_id"),
            text("kind"),
            number("version"),
            text("body"),
            text("digest"),
            number("at_ms"),
            text("issued_by"),
        ];
        manager.create_table(table_of("document", columns)).await?;
        // Unique: of two who issue at once the second finds a version.
        let mut once = index_of(
            "document_once",
            "document",
            &["person_id", "kind", "version"],
        );
        manager.create_index(once.unique().to_owned()).await
    }
}
