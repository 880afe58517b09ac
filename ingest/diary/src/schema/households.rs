//! The tables of who shares a device, and of what is said of readings after they were measured.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

use super::{counted, index, number, table, words};

/// Members of households, and attributions.
pub(super) struct Households;

impl MigrationName for Households {
    fn name(&self) -> &str {
        "0007_households_attributions"
    }
}

#[async_trait]
impl MigrationTrait for Households {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![number("assignment_id"), words("patient")];
        let mut of = ForeignKey::create();
        of.from("assignment_member", "assignment_id")
            .to("assignment", "id");
        let mut key = Index::create();
        key.col("assignment_id").col("patient");
        let mut members = table("assignment_member", columns);
        members.foreign_key(&mut of).primary_key(&mut key);
        manager.create_table(members).await?;
        let by_patient = index(
            "assignment_member_patient",
            "assignment_member",
            &["patient"],
        );
        manager.create_index(by_patient).await?;

        let mut patient = ColumnDef::new("patient");
        patient.text();
        let columns = vec![
            counted(),
            words("device"),
            number("from_ms"),
            number("until_ms"),
            patient,
            words("why"),
            number("created_at_ms"),
            words("created_by"),
        ];
        manager.create_table(table("attribution", columns)).await?;
        let by_device = index("attribution_device", "attribution", &["device", "from_ms"]);
        manager.create_index(by_device).await
    }
}
