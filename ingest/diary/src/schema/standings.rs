//! The table of where patients are, and why a version of a plan was written.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

use super::{counted, index, number, table, words};

/// Where patients are, and reasons of plans.
pub(super) struct Standings;

impl MigrationName for Standings {
    fn name(&self) -> &str {
        "0003_standings_plan_reasons"
    }
}

#[async_trait]
impl MigrationTrait for Standings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            counted(),
            words("patient"),
            number("number"),
            number("from_ms"),
            words("whereabouts"),
            words("why"),
            number("created_at_ms"),
            words("created_by"),
        ];
        manager.create_table(table("standing", columns)).await?;
        let mut by_number = index("standing_number", "standing", &["patient", "number"]);
        manager.create_index(by_number.unique().to_owned()).await?;
        let mut plan = Table::alter();
        let mut why = ColumnDef::new("why");
        plan.table("plan").add_column(why.text());
        manager.alter_table(plan).await
    }
}
