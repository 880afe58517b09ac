//! The versions of clinical sheets: the table, and a row of it.

use veglia_store::columns::{id, index_of, number, table_of, text};
use veglia_store::sea_orm;
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::{
    ForeignKey, MigrationName, MigrationTrait, SchemaManager,
};

/// A version of somebody's sheet; `body` is JSON, to which fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clinical_sheet")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) person_id: i64,
    pub(crate) version: i64,
    pub(crate) body: String,
    pub(crate) at_ms: i64,
    pub(crate) written_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The step of the schema that makes the table.
pub(crate) struct Sheets;

impl MigrationName for Sheets {
    fn name(&self) -> &str {
        "0005_clinical_sheet"
    }
}

#[async_trait]
impl MigrationTrait for Sheets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id(),
            number("person_id"),
            number("version"),
            text("body"),
            number("at_ms"),
            text("written_by"),
        ];
        let mut person = ForeignKey::create();
        person
            .from("clinical_sheet", "person_id")
            .to("person", "id");
        let mut table = table_of("clinical_sheet", columns);
        table.foreign_key(&mut person);
        manager.create_table(table).await?;
        let columns = ["person_id", "version"];
        let mut by_version = index_of("clinical_sheet_version", "clinical_sheet", &columns);
        manager.create_index(by_version.unique().take()).await
    }
}
