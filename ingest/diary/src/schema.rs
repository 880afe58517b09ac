//! The tables of this room. Only the modules of this crate name them.
//!
//! Rows are only ever inserted, but for `open_flag` and `alert`: lists derived from the other
//! tables, so that neither the centre's page nor a timer reads all there ever was; and for
//! `patient_key`, whose rows lose their key when somebody is forgotten.

mod alerts;
mod decisions;
mod hidings;
mod households;
mod keys;
mod probe;
mod receivers;
mod standings;

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What the diary keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "diary",
    migrations: || {
        vec![
            Box::new(First),
            Box::new(alerts::Alerts),
            Box::new(standings::Standings),
            Box::new(probe::Probe),
            Box::new(decisions::Decisions),
            Box::new(receivers::Receivers),
            Box::new(households::Households),
            Box::new(hidings::Hidings),
            Box::new(keys::Keys),
        ]
    },
};

/// Plans, assignments, flags, acts and the list of changes.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_plans_assignments_flags_entries"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            plan(),
            assignment(),
            assignment_end(),
            flag(),
            flag_event(),
            open_flag(),
            entry(),
            change(),
        ] {
            manager.create_table(table).await?;
        }
        for index in [
            index("plan_version", "plan", &["patient", "version"]).unique(),
            &mut index("assignment_device", "assignment", &["device", "from_ms"]),
            &mut index("assignment_patient", "assignment", &["patient"]),
            &mut index("flag_event_time", "flag_event", &["patient", "told_at_ms"]),
            &mut index("entry_time", "entry", &["patient", "at_ms"]),
            &mut index("entry_flag", "entry", &["flag_id"]),
        ] {
            manager.create_index(index.to_owned()).await?;
        }
        Ok(())
    }
}

fn index(
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

fn words(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

fn counted() -> ColumnDef {
    let mut column = number("id");
    column.auto_increment().primary_key();
    column
}

fn table(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    table
}

fn plan() -> TableCreateStatement {
    let columns = vec![
        counted(),
        words("patient"),
        number("version"),
        words("body"),
        number("created_at_ms"),
        words("created_by"),
    ];
    table("plan", columns)
}

fn assignment() -> TableCreateStatement {
    let columns = vec![
        counted(),
        words("device"),
        words("patient"),
        number("from_ms"),
        number("created_at_ms"),
        words("created_by"),
    ];
    table("assignment", columns)
}

/// A row of its own, so that an assignment is never altered and ends at most once.
fn assignment_end() -> TableCreateStatement {
    let mut of = ForeignKey::create();
    of.from("assignment_end", "assignment_id")
        .to("assignment", "id");
    let mut id = number("assignment_id");
    id.primary_key();
    let columns = vec![
        id,
        number("until_ms"),
        number("created_at_ms"),
        words("created_by"),
    ];
    let mut table = table("assignment_end", columns);
    table.foreign_key(&mut of);
    table
}

fn flag() -> TableCreateStatement {
    let mut id = words("id");
    id.primary_key();
    let mut late = ColumnDef::new("late");
    late.boolean().not_null();
    let columns = vec![
        id,
        words("patient"),
        words("rule"),
        words("rule_set"),
        words("severity"),
        number("since_ms"),
        number("raised_at_ms"),
        late,
    ];
    table("flag", columns)
}

fn flag_event() -> TableCreateStatement {
    let mut of = ForeignKey::create();
    of.from("flag_event", "flag_id").to("flag", "id");
    let columns = vec![
        words("flag_id"),
        number("telling"),
        words("patient"),
        words("what"),
        number("told_at_ms"),
        words("body"),
    ];
    let mut table = table("flag_event", columns);
    table
        .primary_key(Index::create().col("flag_id").col("telling"))
        .foreign_key(&mut of);
    table
}

fn open_flag() -> TableCreateStatement {
    let mut of = ForeignKey::create();
    of.from("open_flag", "flag_id").to("flag", "id");
    let mut id = words("flag_id");
    id.primary_key();
    let mut table = table("open_flag", vec![id]);
    table.foreign_key(&mut of);
    table
}

/// `once` names what may be done once; two people who do it at the same moment meet there.
/// `telling` is the latest thing said of the flag when it was closed.
fn entry() -> TableCreateStatement {
    let mut of = ForeignKey::create();
    of.from("entry", "flag_id").to("flag", "id");
    let mut flag_id = ColumnDef::new("flag_id");
    flag_id.text();
    let mut once = ColumnDef::new("once");
    once.text().unique_key();
    let mut telling = ColumnDef::new("telling");
    telling.big_integer();
    let columns = vec![
        counted(),
        words("patient"),
        flag_id,
        words("kind"),
        once,
        telling,
        words("actor"),
        number("at_ms"),
        words("words"),
    ];
    let mut table = table("entry", columns);
    table.foreign_key(&mut of);
    table
}

fn change() -> TableCreateStatement {
    table("change", vec![counted(), words("kind"), number("row_id")])
}
