//! The tables about who is called and how; the later steps of this room's schema.

use veglia_store::columns::{id, index_of, key, number, optional, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Contacts, family doctors, the roster, and links; the second step.
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
            manager
                .create_index(index_of(name, table, &[column]))
                .await?;
        }
        Ok(())
    }
}

/// What the centre said to patients; the third step.
pub(crate) struct Told;

impl MigrationName for Told {
    fn name(&self) -> &str {
        "0003_told"
    }
}

#[async_trait]
impl MigrationTrait for Told {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(told()).await?;
        let by_person = index_of("told_by_person", "told", &["person_id", "at_ms"]);
        manager.create_index(by_person).await
    }
}

/// `once` names what is said once; `about` is the flag that it is about, `until_ms` when it has
/// become of no use.
fn told() -> TableCreateStatement {
    let mut once = text("once");
    once.unique_key();
    let columns = vec![
        id(),
        once,
        number("person_id"),
        text("about"),
        text("words"),
        number("at_ms"),
        number("until_ms"),
        text("written_by"),
    ];
    let mut person = ForeignKey::create();
    person.from("told", "person_id").to("person", "id");
    let mut table = table_of("told", columns);
    table.foreign_key(&mut person);
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
