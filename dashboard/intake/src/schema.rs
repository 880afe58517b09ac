//! The tables of this room. Only the modules of this crate name them. Rows are only ever inserted.

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What the intake keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "intake",
    migrations: || vec![Box::new(First)],
};

/// Calls, what was handed to the link, needs, attempts, claims.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_calls_needs_attempts"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [call(), handed(), need(), attempt(), claim()] {
            manager.create_table(table).await?;
        }
        for table in ["phone_need", "phone_attempt", "phone_claim"] {
            let mut index = Index::create();
            let name = format!("{table}_by_patient");
            index.name(name).table(table).col("patient").col("id");
            manager.create_index(index).await?;
        }
        let mut index = Index::create();
        let index = index.name("phone_handed_by_call").table("phone_handed");
        manager.create_index(index.col("call").to_owned()).await
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

fn numbered(name: &'static str) -> TableCreateStatement {
    let mut id = number("id");
    id.auto_increment().primary_key();
    let mut table = Table::create();
    table.table(name).col(id);
    table
}

/// What was said in a call, under the name that its form had.
fn call() -> TableCreateStatement {
    let mut id = words("id");
    id.primary_key();
    let mut table = Table::create();
    table.table("phone_call").col(id);
    for name in ["patient", "actor", "said"] {
        table.col(words(name));
    }
    table.col(number("at_ms")).col(number("written_at_ms"));
    table
}

/// A call that is about to be handed to the outbox, and the newest sequence there before.
fn handed() -> TableCreateStatement {
    let mut table = numbered("phone_handed");
    table
        .col(words("call"))
        .col(words("epoch"))
        .col(number("after"));
    table
}

/// What somebody needs.
fn need() -> TableCreateStatement {
    let mut call = words("call");
    call.unique_key();
    let mut consent = ColumnDef::new("consent");
    consent.boolean().not_null();
    let mut table = numbered("phone_need");
    table.col(call).col(consent).col(number("at_ms"));
    for name in ["patient", "actor", "kinds", "words", "place"] {
        table.col(words(name));
    }
    table
}

/// Somebody was telephoned.
fn attempt() -> TableCreateStatement {
    let mut again = ColumnDef::new("again_ms");
    again.big_integer();
    let mut table = numbered("phone_attempt");
    table.col(number("at_ms")).col(again);
    for name in ["patient", "actor", "whom", "outcome", "words"] {
        table.col(words(name));
    }
    table
}

/// Who telephones a patient, until when; the newest row of a patient holds.
fn claim() -> TableCreateStatement {
    let mut table = numbered("phone_claim");
    table.col(number("at_ms")).col(number("until_ms"));
    for name in ["patient", "actor"] {
        table.col(words(name));
    }
    table
}
