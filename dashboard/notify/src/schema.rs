//! The tables of this room. Only the modules of this crate name them.

use veglia_store::Schema;
use veglia_store::columns::{flag, id, index_of, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What `notify` keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "notify",
    migrations: || vec![Box::new(First), Box::new(Outages)],
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
        for (name, table, columns) in [
            (
                "delivery_due",
                "delivery",
                &["state", "channel", "next_at_ms"][..],
            ),
            ("delivery_by_about", "delivery", &["about"]),
            (
                "delivery_address_by_delivery",
                "delivery_address",
                &["delivery_id"],
            ),
            (
                "delivery_event_by_recipient",
                "delivery_event",
                &["recipient", "at_ms"],
            ),
            (
                "delivery_event_by_channel",
                "delivery_event",
                &["channel", "id"],
            ),
        ] {
            manager.create_index(index_of(name, table, columns)).await?;
        }
        Ok(())
    }
}

/// Channels that are down, what else a delivery tells of, and addresses that were given up.
struct Outages;

impl MigrationName for Outages {
    fn name(&self) -> &str {
        "0002_outages_abouts"
    }
}

#[async_trait]
impl MigrationTrait for Outages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [outage(), also_about()] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            ("channel_outage_by_end", "channel_outage", "ended_at_ms"),
            ("delivery_also_about", "delivery_also", "about"),
        ] {
            manager
                .create_index(index_of(name, table, &[columns]))
                .await?;
        }
        let mut given_up = flag("given_up");
        given_up.default(false);
        let mut address = Table::alter();
        address.table("delivery_address").add_column(given_up);
        manager.alter_table(address).await
    }
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

/// `recipient` is empty when the channel works for nobody.
fn outage() -> TableCreateStatement {
    let columns = vec![
        id(),
        text("channel"),
        text("recipient"),
        text("reason"),
        number("began_at_ms"),
        number("tried_at_ms"),
        optional("ended_at_ms"),
        optional_text("ended_by"),
    ];
    table_of("channel_outage", columns)
}

/// What a delivery tells of beside its own `about`.
fn also_about() -> TableCreateStatement {
    let mut table = table_of("delivery_also", vec![number("delivery_id"), text("about")]);
    let mut owner = ForeignKey::create();
    owner
        .from("delivery_also", "delivery_id")
        .to("delivery", "id");
    table
        .primary_key(Index::create().col("delivery_id").col("about"))
        .foreign_key(&mut owner);
    table
}
