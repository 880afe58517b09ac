//! To whom a page goes when an alert is handed over, and the alerts of one patient.

use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

use super::index;

/// A page's receiver, and an index of alerts by patient.
pub(super) struct Receivers;

impl MigrationName for Receivers {
    fn name(&self) -> &str {
        "0006_page_receivers"
    }
}

#[async_trait]
impl MigrationTrait for Receivers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut receiver = ColumnDef::new("receiver");
        let mut page = Table::alter();
        page.table("page").add_column(receiver.text());
        manager.alter_table(page).await?;
        let of = index("alert_patient", "alert", &["patient", "closed_at_ms"]);
        manager.create_index(of).await
    }
}
