//! The table of the programs' tokens; a later step of this room's schema.

use veglia_store::columns::{id, index_of, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What programs show instead of a session.
pub(crate) struct Tokens;

impl MigrationName for Tokens {
    fn name(&self) -> &str {
        "0009_api_tokens"
    }
}

#[async_trait]
impl MigrationTrait for Tokens {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut token_hash = text("token_hash");
        token_hash.unique_key();
        let columns = vec![
            id(),
            token_hash,
            number("staff_id"),
            text("name"),
            text("scopes"),
            number("made_at_ms"),
            number("expires_at_ms"),
            optional("used_at_ms"),
            optional("ended_at_ms"),
            optional_text("ended_by"),
        ];
        let mut owner = ForeignKey::create();
        owner.from("staff_token", "staff_id").to("staff", "id");
        let mut table = table_of("staff_token", columns);
        table.foreign_key(&mut owner);
        manager.create_table(table).await?;
        let by_owner = index_of("staff_token_by_staff", "staff_token", &["staff_id"]);
        manager.create_index(by_owner).await
    }
}
