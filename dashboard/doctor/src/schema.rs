//! The tables of this room. Only the modules of this crate name them.

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What the doctors' door keeps in the record.
pub const SCHEMA: Schema = Schema {
    room: "doctor",
    migrations: || vec![Box::new(First)],
};

/// Acts by the name of their form, reports, and when somebody wants their digest.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_acts_reports_digests"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [act(), report(), digest()] {
            manager.create_table(table).await?;
        }
        let mut index = Index::create();
        let index = index.name("doctor_act_by_patient").table("doctor_act");
        manager
            .create_index(index.col("patient").col("id").to_owned())
            .await?;
        let mut index = Index::create();
        let index = index.name("doctor_report_by_code").table("doctor_report");
        manager
            .create_index(index.col("codice_fiscale").col("id").to_owned())
            .await
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

fn unique(name: &'static str) -> ColumnDef {
    let mut column = words(name);
    column.unique_key();
    column
}

/// What a doctor answered to a flag, under the name that its form had; the diary has it too.
fn act() -> TableCreateStatement {
    let mut table = numbered("doctor_act");
    table.col(unique("once"));
    for name in ["patient", "flag", "act", "actor"] {
        table.col(words(name));
    }
    table.col(number("telling")).col(number("at_ms"));
    table
}

/// Somebody with symptoms, reported by their doctor. Never altered; `round` is unique, so that of
/// two doctors at once one is told.
fn report() -> TableCreateStatement {
    let mut table = numbered("doctor_report");
    table.col(unique("once")).col(unique("round"));
    for name in [
        "codice_fiscale",
        "phone",
        "onset",
        "symptoms",
        "words",
        "actor",
    ] {
        table.col(words(name));
    }
    table.col(number("at_ms"));
    table
}

/// When somebody wants to be told that their summary waits.
fn digest() -> TableCreateStatement {
    let mut staff = number("staff_id");
    staff.primary_key();
    let mut table = Table::create();
    table.table("doctor_digest").col(staff);
    table.col(number("minute")).col(number("set_at_ms"));
    table
}
