//! The tables of this room. Only the modules of this crate name them.

use veglia_store::Schema;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What `people` keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "people",
    migrations: || {
        vec![
            Box::new(First),
            Box::new(crate::reach_schema::Reach),
            Box::new(crate::reach_schema::Told),
            Box::new(crate::care_schema::Care),
            Box::new(crate::code_schema::Codes),
            Box::new(crate::background::Sheets),
            Box::new(crate::boards::Boards),
            Box::new(crate::views::Views),
            Box::new(crate::passkey_schema::Ways),
            Box::new(crate::token_schema::Tokens),
            Box::new(crate::forgotten::Forgotten),
        ]
    },
};

/// People, staff and sessions.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_people_staff_sessions"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(person()).await?;
        manager.create_table(staff()).await?;
        manager.create_table(session()).await
    }
}

fn person() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("person")
        .col(ColumnDef::new("id").big_integer().not_null().primary_key())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("surname").text().not_null())
        .col(
            ColumnDef::new("codice_fiscale")
                .text()
                .not_null()
                .unique_key(),
        )
        .col(ColumnDef::new("phone").text().not_null())
        .col(ColumnDef::new("address").text().not_null())
        .col(ColumnDef::new("registered_at_ms").big_integer().not_null())
        .col(ColumnDef::new("registered_by").text().not_null());
    table
}

fn staff() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("staff")
        .col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("username").text().not_null().unique_key())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("role").text().not_null())
        .col(ColumnDef::new("password_hash").text().not_null())
        .col(ColumnDef::new("created_at_ms").big_integer().not_null())
        .col(ColumnDef::new("created_by").text().not_null())
        .col(ColumnDef::new("disabled_at_ms").big_integer());
    table
}

/// Of the identifier in the cookie only the hash is kept: who reads this table cannot sign in.
fn session() -> TableCreateStatement {
    let mut owner = ForeignKey::create();
    owner.from("staff_session", "staff_id").to("staff", "id");
    let mut table = Table::create();
    table
        .table("staff_session")
        .col(ColumnDef::new("token_hash").text().not_null().primary_key())
        .col(ColumnDef::new("staff_id").big_integer().not_null())
        .col(ColumnDef::new("opened_at_ms").big_integer().not_null())
        .col(ColumnDef::new("seen_at_ms").big_integer().not_null())
        .foreign_key(&mut owner);
    table
}
