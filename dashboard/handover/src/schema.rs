//! The tables of this room. Only `book.rs` names them. Rows are only ever inserted.

use veglia_store::Schema;
use veglia_store::columns::{id, index_of, number, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What handovers keep in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "handover",
    migrations: || vec![Box::new(First)],
};

/// Versions of handovers, and who has acknowledged them.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_handovers"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let written = vec![
            id(),
            text("kind"),
            number("change_ms"),
            number("version"),
            text("body"),
            text("actor"),
            number("at_ms"),
        ];
        manager.create_table(table_of("handover", written)).await?;
        let mut once = index_of(
            "handover_once",
            "handover",
            &["kind", "change_ms", "version"],
        );
        manager.create_index(once.unique().to_owned()).await?;
        let taken = vec![id(), number("handover_id"), text("actor"), number("at_ms")];
        let mut taken = table_of("handover_ack", taken);
        let mut of = ForeignKey::create();
        of.from("handover_ack", "handover_id").to("handover", "id");
        taken.foreign_key(&mut of);
        manager.create_table(taken).await?;
        let mut once = index_of(
            "handover_ack_once",
            "handover_ack",
            &["handover_id", "actor"],
        );
        manager.create_index(once.unique().to_owned()).await
    }
}
