//! Who decided what a plan lets pass, and on what.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// The two columns of a decision, both there or neither.
pub(super) struct Decisions;

impl MigrationName for Decisions {
    fn name(&self) -> &str {
        "0005_plan_decisions"
    }
}

#[async_trait]
impl MigrationTrait for Decisions {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["decided_by", "decided_on"] {
            let mut column = ColumnDef::new(name);
            let mut plan = Table::alter();
            plan.table("plan").add_column(column.text());
            manager.alter_table(plan).await?;
        }
        Ok(())
    }
}
