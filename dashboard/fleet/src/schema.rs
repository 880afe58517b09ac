//! The tables of this room. Only the modules of this crate name them.
//!
//! Acts are only ever inserted. Of certificates the last one of each box is kept: the allow-list
//! says who may come in, this says until when the box can show it.

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What the fleet keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "fleet",
    migrations: || vec![Box::new(First)],
};

/// Acts and certificates.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_acts_and_certificates"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(act()).await?;
        manager.create_table(certificate()).await
    }
}

fn words(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

fn act() -> TableCreateStatement {
    let mut id = number("id");
    id.auto_increment().primary_key();
    let mut table = Table::create();
    table.table("fleet_act").col(id).col(number("at_ms"));
    for name in ["gateway", "what", "words", "actor"] {
        table.col(words(name));
    }
    table
}

fn certificate() -> TableCreateStatement {
    let mut gateway = words("gateway");
    gateway.primary_key();
    let mut table = Table::create();
    table
        .table("fleet_certificate")
        .col(gateway)
        .col(words("key"))
        .col(number("expires_at"));
    table
}
