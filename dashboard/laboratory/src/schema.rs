//! The tables of this room. Only `book.rs` and `lists.rs` name them. Rows are only ever inserted.

use veglia_store::Schema;
use veglia_store::columns::{id, index_of, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What laboratories keep in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "laboratory",
    migrations: || vec![Box::new(First)],
};

/// Messages as they came, results in them, and what became of those that a person had to look at,
/// or that were passed on.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_laboratory"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let message = vec![
            id(),
            // SHA-256 of its bytes: the same message again is the same row
            text("digest"),
            text("way"),
            text("actor"),
            text("laboratory"),
            text("control"),
            // its bytes, in base64
            text("body"),
            // why it could not be read; empty where it could
            text("unreadable"),
            number("received_ms"),
        ];
        manager
            .create_table(table_of("lab_message", message))
            .await?;
        let mut once = index_of("lab_message_once", "lab_message", &["digest"]);
        manager.create_index(once.unique().to_owned()).await?;
        let result = vec![
            id(),
            number("message_id"),
            // the result, or the message, in whose place a person has put this one
            optional("mends_id"),
            text("laboratory"),
            text("order_number"),
            text("test"),
            text("status"),
            text("outcome"),
            optional_text("taken_day"),
            optional("taken_ms"),
            optional("reported_ms"),
            number("received_ms"),
            // what is wrong with it, as words with a space between; empty where nothing is
            text("faults"),
            // as it was written, in JSON
            text("body"),
        ];
        manager.create_table(table_of("lab_result", result)).await?;
        let chain = ["laboratory", "order_number", "test"];
        let chain = index_of("lab_result_chain", "lab_result", &chain);
        manager.create_index(chain).await?;
        let at = index_of("lab_result_received", "lab_result", &["received_ms"]);
        manager.create_index(at).await?;
        let settled = vec![
            id(),
            // message or result
            text("kind"),
            number("entry_id"),
            text("how"),
            text("why"),
            text("actor"),
            number("at_ms"),
        ];
        manager
            .create_table(table_of("lab_settled", settled))
            .await?;
        let once = ["kind", "entry_id"];
        let mut once = index_of("lab_settled_once", "lab_settled", &once);
        manager.create_index(once.unique().to_owned()).await?;
        let mut result = number("result_id");
        result.primary_key();
        let passed = vec![result, text("became"), number("at_ms")];
        manager.create_table(table_of("lab_passed", passed)).await
    }
}
