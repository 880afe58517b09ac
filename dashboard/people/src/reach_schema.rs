//! The tables about who is called and how; the second step of this room's schema.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Contacts, family doctors, the roster, and links.
pub(crate) struct Reach;

impl MigrationName for Reach {
    fn name(&self) -> &str {
        "0002_contacts_mmg_duty"
    }
}

#[async_trait]
impl MigrationTrait for Reach {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            contact(),
            mmg(),
            mmg_of_person(),
            shift(),
            quiet_hours(),
            absence(),
            call_link(),
        ] {
            manager.create_table(table).await?;
        }
        for (name, table, column) in [
            ("contact_by_party", "contact", "party"),
            ("mmg_by_person", "mmg_of_person", "person_id"),
            ("absence_by_party", "absence", "party"),
        ] {
            let mut index = Index::create();
            index.name(name).table(table).col(column);
            manager.create_index(index).await?;
        }
        Ok(())
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

fn key(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null().primary_key();
    column
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
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

fn contact() -> TableCreateStatement {
    let columns = vec![
        id(),
        text("party"),
        text("channel"),
        text("address"),
        number("added_at_ms"),
        text("added_by"),
        optional("ended_at_ms"),
    ];
    table_of("contact", columns)
}

fn mmg() -> TableCreateStatement {
    let columns = vec![
        id(),
        text("name"),
        text("hours"),
        number("registered_at_ms"),
        text("registered_by"),
    ];
    table_of("mmg", columns)
}

fn mmg_of_person() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("person_id"),
        number("mmg_id"),
        number("from_ms"),
        optional("until_ms"),
        text("written_by"),
    ];
    let (mut person, mut mmg) = (ForeignKey::create(), ForeignKey::create());
    person.from("mmg_of_person", "person_id").to("person", "id");
    mmg.from("mmg_of_person", "mmg_id").to("mmg", "id");
    let mut table = table_of("mmg_of_person", columns);
    table.foreign_key(&mut person).foreign_key(&mut mmg);
    table
}

fn shift() -> TableCreateStatement {
    let columns = vec![
        id(),
        text("post"),
        text("party"),
        text("hours"),
        number("from_ms"),
        optional("until_ms"),
        text("written_by"),
    ];
    table_of("duty_shift", columns)
}

fn quiet_hours() -> TableCreateStatement {
    let columns = vec![key("party"), text("hours"), text("written_by")];
    table_of("quiet_hours", columns)
}

fn absence() -> TableCreateStatement {
    let columns = vec![
        id(),
        text("party"),
        text("substitute"),
        number("from_ms"),
        number("until_ms"),
        text("written_by"),
    ];
    table_of("absence", columns)
}

fn call_link() -> TableCreateStatement {
    let columns = vec![
        key("token_hash"),
        text("party"),
        number("page"),
        number("made_at_ms"),
        number("expires_at_ms"),
        optional("seen_at_ms"),
    ];
    table_of("call_link", columns)
}
