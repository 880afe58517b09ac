//! The tables of the probe of the alarm path.

use veglia_store::columns::{id, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Rounds of the probe, and times in which it did not come back.
pub(super) struct Probe;

impl MigrationName for Probe {
    fn name(&self) -> &str {
        "0004_probe"
    }
}

#[async_trait]
impl MigrationTrait for Probe {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(round()).await?;
        manager.create_table(interruption()).await
    }
}

/// One trip: when each leg of the way was done.
fn round() -> TableCreateStatement {
    let mut key = text("key");
    key.unique_key();
    let columns = vec![
        id(),
        key,
        number("began_ms"),
        optional("spoken_ms"),
        optional("received_ms"),
        optional("judged_ms"),
        optional("called_ms"),
        optional("carried_ms"),
        optional("delivered_ms"),
    ];
    table_of("probe_round", columns)
}

/// `open_key` is there until the end, so that one is open at a time.
fn interruption() -> TableCreateStatement {
    let mut open_key = optional_text("open_key");
    open_key.unique_key();
    let columns = vec![
        id(),
        open_key,
        text("leg"),
        number("since_ms"),
        number("raised_at_ms"),
        text("raised_by"),
        optional("told_at_ms"),
        optional("ended_at_ms"),
    ];
    table_of("probe_interruption", columns)
}
