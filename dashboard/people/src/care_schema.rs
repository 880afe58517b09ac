//! The tables of care relations and of what accounts are tied to; the fourth step of this room's
//! schema.

use veglia_store::columns::{id, index_of, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::{ConnectionTrait, DbErr};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Who cares for whom, and to whom accounts belong.
pub(crate) struct Care;

impl MigrationName for Care {
    fn name(&self) -> &str {
        "0004_care_relations"
    }
}

#[async_trait]
impl MigrationTrait for Care {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut staff = Table::alter();
        staff.table("staff").add_column(optional_text("belongs_to"));
        manager.alter_table(staff).await?;
        manager.create_table(care_relation()).await?;
        for column in ["person_id", "holder"] {
            let name = match column {
                "holder" => "care_relation_by_holder",
                _ => "care_relation_by_person",
            };
            let index = index_of(name, "care_relation", &[column]);
            manager.create_index(index).await?;
        }
        // Who is on file was followed by the centre until today, and stays so.
        let mut known = Query::select();
        known
            .column("id")
            .expr(Expr::val("centre"))
            .column("registered_at_ms")
            .expr(Expr::val(""))
            .column("registered_by")
            .from("person");
        let mut followed = Query::insert();
        followed.into_table("care_relation").columns([
            "person_id",
            "holder",
            "from_ms",
            "why",
            "written_by",
        ]);
        let followed = followed
            .select_from(known)
            .map_err(|fault| DbErr::Custom(fault.to_string()))?;
        manager.get_connection().execute(followed).await?;
        Ok(())
    }
}

/// `holder` is `centre`, `unit:NAME`, `out-of-hours` or, for an hour, `staff:ID`.
fn care_relation() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("person_id"),
        text("holder"),
        number("from_ms"),
        optional("until_ms"),
        text("why"),
        text("written_by"),
    ];
    let mut person = ForeignKey::create();
    person.from("care_relation", "person_id").to("person", "id");
    let mut table = table_of("care_relation", columns);
    table.foreign_key(&mut person);
    table
}
