//! The tables of this room: who asked that somebody be erased, and what became of it. Rows are only
//! ever inserted.

use veglia_store::Schema;
use veglia_store::columns::{id, index_of, number, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What this room keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "privacy",
    migrations: || vec![Box::new(First)],
};

/// Erasures.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_erasures"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id(),
            text("patient"),
            text("why"),
            number("at_ms"),
            text("actor"),
        ];
        manager.create_table(table_of("erasure", columns)).await?;
        let of_patient = index_of("erasure_patient", "erasure", &["patient"]);
        manager.create_index(of_patient).await?;
        // Each thing becomes of an erasure once.
        let columns = vec![
            number("erasure_id"),
            text("what"),
            number("at_ms"),
            text("actor"),
        ];
        let mut of = ForeignKey::create();
        of.from("erasure_step", "erasure_id").to("erasure", "id");
        let mut key = Index::create();
        key.col("erasure_id").col("what");
        let mut steps = table_of("erasure_step", columns);
        steps.foreign_key(&mut of).primary_key(&mut key);
        manager.create_table(steps).await
    }
}
