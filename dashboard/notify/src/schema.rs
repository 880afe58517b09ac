//! The tables of this room. Only the modules of this crate name them.

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What `notify` keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "notify",
    migrations: || vec![Box::new(First)],
};

/// Deliveries, their addresses, what happened to them, and how far others have read that.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_deliveries"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [delivery(), address(), event(), cursor()] {
            manager.create_table(table).await?;
        }
        let mut due = Index::create();
        due.name("delivery_due").table("delivery");
        due.col("state").col("channel").col("next_at_ms");
        manager.create_index(due).await?;
        let mut by_about = Index::create();
        by_about
            .name("delivery_by_about")
            .table("delivery")
            .col("about");
        manager.create_index(by_about).await?;
        let mut by_delivery = Index::create();
        by_delivery.name("delivery_address_by_delivery");
        by_delivery.table("delivery_address").col("delivery_id");
        manager.create_index(by_delivery).await?;
        let mut by_recipient = Index::create();
        by_recipient.name("delivery_event_by_recipient");
        by_recipient
            .table("delivery_event")
            .col("recipient")
            .col("at_ms");
        manager.create_index(by_recipient).await?;
        let mut by_channel = Index::create();
        by_channel.name("delivery_event_by_channel");
        by_channel.table("delivery_event").col("channel").col("id");
        manager.create_index(by_channel).await
    }
}

fn id() -> ColumnDef {
    let mut id = ColumnDef::new("id");
    id.big_integer().not_null().auto_increment().primary_key();
    id
}

fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

fn optional(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

fn table_of(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    table
}

/// `channel` is that of the address which is tried now, so that a lane finds its own.
fn delivery() -> TableCreateStatement {
    let mut key = text("key");
    key.unique_key();
    let columns = vec![
        id(),
        key,
        text("about"),
        text("recipient"),
        flag("urgent"),
        text("subject"),
        text("text"),
        text("link"),
        text("state"),
        text("channel"),
        number("position"),
        number("attempts"),
        number("next_at_ms"),
        number("created_at_ms"),
        optional("settled_at_ms"),
    ];
    table_of("delivery", columns)
}

fn address() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("delivery_id"),
        number("position"),
        text("channel"),
        text("address"),
    ];
    let mut owner = ForeignKey::create();
    owner
        .from("delivery_address", "delivery_id")
        .to("delivery", "id");
    let mut table = table_of("delivery_address", columns);
    table.foreign_key(&mut owner);
    table
}

/// Append-only. Key and recipient stand in it again: whoever follows needs nothing else.
fn event() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("delivery_id"),
        text("key"),
        text("about"),
        text("recipient"),
        number("at_ms"),
        text("happened"),
        text("channel"),
        flag("blames_channel"),
        text("reason"),
    ];
    table_of("delivery_event", columns)
}

fn cursor() -> TableCreateStatement {
    let mut name = text("name");
    name.primary_key();
    table_of("delivery_cursor", vec![name, number("position")])
}
