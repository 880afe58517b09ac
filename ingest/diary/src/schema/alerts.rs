//! The tables of alerts: what happened to each, what was to be told, and the list made of it.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

use super::{counted, index, number, table, words};

/// Alerts, their events, pages, and what an act says beside its words.
pub(super) struct Alerts;

impl MigrationName for Alerts {
    fn name(&self) -> &str {
        "0002_alerts_pages"
    }
}

#[async_trait]
impl MigrationTrait for Alerts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [alert(), alert_flag(), alert_event(), page(), page_event()] {
            manager.create_table(table).await?;
        }
        for index in [
            &mut index("alert_due", "alert", &["due_ms"]),
            &mut index("alert_opened", "alert", &["opened_at_ms"]),
            &mut index("alert_closed", "alert", &["closed_at_ms"]),
            &mut index("alert_flag_of", "alert_flag", &["flag_id"]),
            index("alert_event_place", "alert_event", &["alert_id", "place"]).unique(),
            &mut index("page_time", "page", &["patient", "at_ms"]),
            &mut index("alert_event_time", "alert_event", &["patient", "at_ms"]),
        ] {
            manager.create_index(index.to_owned()).await?;
        }
        let mut entry = Table::alter();
        entry.table("entry").add_column(perhaps_words("detail"));
        manager.alter_table(entry).await
    }
}

fn perhaps_words(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

fn perhaps_number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

fn key_of(from: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(from, column).to(to, "id");
    key
}

/// `open_key` is the patient and the rule while the alert is open, and nothing afterwards: of two
/// that are opened at the same moment one is refused. `due_ms` is the next moment at which the
/// ladder does something by itself. `state` is the fold of the events.
fn alert() -> TableCreateStatement {
    let mut open_key = perhaps_words("open_key");
    open_key.unique_key();
    let columns = vec![
        counted(),
        words("patient"),
        words("subject"),
        open_key,
        words("flag_id"),
        words("severity"),
        number("opened_at_ms"),
        perhaps_number("closed_at_ms"),
        perhaps_words("closed_by"),
        perhaps_number("due_ms"),
        number("events"),
        words("state"),
    ];
    table("alert", columns)
}

fn alert_flag() -> TableCreateStatement {
    let mut table = table("alert_flag", vec![number("alert_id"), words("flag_id")]);
    table
        .primary_key(Index::create().col("alert_id").col("flag_id"))
        .foreign_key(&mut key_of("alert_flag", "alert_id", "alert"))
        .foreign_key(&mut key_of("alert_flag", "flag_id", "flag"));
    table
}

/// `place` counts within the alert: two who write at the same moment meet there.
fn alert_event() -> TableCreateStatement {
    let columns = vec![
        counted(),
        number("alert_id"),
        number("place"),
        words("flag_id"),
        words("patient"),
        words("what"),
        number("at_ms"),
        words("actor"),
        words("body"),
    ];
    let mut table = table("alert_event", columns);
    table.foreign_key(&mut key_of("alert_event", "alert_id", "alert"));
    table
}

/// `once` names the event and the place among what it led to. `due_ms` is when it should have been
/// decided: earlier than `at_ms` when nobody was there to decide it.
fn page() -> TableCreateStatement {
    let mut once = words("once");
    once.unique_key();
    let columns = vec![
        counted(),
        once,
        number("alert_id"),
        words("flag_id"),
        words("patient"),
        words("severity"),
        words("callee"),
        words("why"),
        perhaps_number("rung"),
        number("due_ms"),
        number("at_ms"),
    ];
    let mut table = table("page", columns);
    table.foreign_key(&mut key_of("page", "alert_id", "alert"));
    table
}

/// Each thing becomes of a page once.
fn page_event() -> TableCreateStatement {
    let columns = vec![
        number("page_id"),
        words("what"),
        number("at_ms"),
        words("actor"),
        words("reason"),
    ];
    let mut table = table("page_event", columns);
    table
        .primary_key(Index::create().col("page_id").col("what"))
        .foreign_key(&mut key_of("page_event", "page_id", "page"));
    table
}
