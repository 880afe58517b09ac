//! The tables of one-time codes, and what a session says of its browser; a later step of this
//! room's schema.

use veglia_store::columns::{index_of, key, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Codes, and sessions that can be told apart.
pub(crate) struct Codes;

impl MigrationName for Codes {
    fn name(&self) -> &str {
        "0005_codes_and_sessions"
    }
}

#[async_trait]
impl MigrationTrait for Codes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut session = Table::alter();
        session
            .table("staff_session")
            .add_column(optional_text("browser"));
        manager.alter_table(session).await?;
        for table in [totp(), recovery(), step()] {
            manager.create_table(table).await?;
        }
        let by_owner = index_of("staff_recovery_by_staff", "staff_recovery", &["staff_id"]);
        manager.create_index(by_owner).await
    }
}

fn totp() -> TableCreateStatement {
    let mut owner = number("staff_id");
    owner.primary_key();
    let columns = vec![
        owner,
        text("secret"),
        number("made_at_ms"),
        optional("confirmed_at_ms"),
        number("last_step"),
    ];
    owned("staff_totp", columns)
}

fn recovery() -> TableCreateStatement {
    let columns = vec![
        key("code_hash"),
        number("staff_id"),
        number("made_at_ms"),
        optional("used_at_ms"),
    ];
    owned("staff_recovery", columns)
}

fn step() -> TableCreateStatement {
    let columns = vec![
        key("token_hash"),
        number("staff_id"),
        number("opened_at_ms"),
    ];
    owned("staff_step", columns)
}

fn owned(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut owner = ForeignKey::create();
    owner.from(name, "staff_id").to("staff", "id");
    let mut table = table_of(name, columns);
    table.foreign_key(&mut owner);
    table
}
