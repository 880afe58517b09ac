//! The tables of this room. Results, facts and contacts are only ever added; of a result that was
//! corrected the older version says that it is no longer the newest.

use veglia_store::Schema;
use veglia_store::columns::{
    flag, id, index_of, key, number, optional, optional_text, table_of, text,
};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What cases and the citizen's door keep in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "isolation",
    migrations: || vec![Box::new(Cases), Box::new(Door)],
};

/// Cases, with what laboratories and people said of them.
struct Cases;

impl MigrationName for Cases {
    fn name(&self) -> &str {
        "0001_cases"
    }
}

#[async_trait]
impl MigrationTrait for Cases {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let household = vec![id(), number("at_ms")];
        let household = table_of("isolation_household", household);
        manager.create_table(household).await?;
        let case = vec![
            id(),
            number("household_id"),
            optional("like_case"),
            number("opened_at_ms"),
            text("opened_by"),
        ];
        let case = table_of("isolation_case", case);
        manager.create_table(case).await?;
        results(manager).await?;
        let fact = vec![
            id(),
            number("case_id"),
            text("kind"),
            optional_text("day"),
            number("at_ms"),
            text("written_by"),
        ];
        let mut fact = table_of("isolation_fact", fact);
        manager
            .create_table(fact.foreign_key(&mut of("isolation_fact")).to_owned())
            .await?;
        let index = index_of("isolation_fact_of", "isolation_fact", &["case_id"]);
        manager.create_index(index).await?;
        let invitation = vec![
            id(),
            number("case_id"),
            optional_text("phone"),
            text("state"),
            number("at_ms"),
            optional("called_at_ms"),
            optional_text("called_by"),
        ];
        let mut invitation = table_of("isolation_invitation", invitation);
        let mut case = of("isolation_invitation");
        manager
            .create_table(invitation.foreign_key(&mut case).to_owned())
            .await?;
        let index = index_of(
            "isolation_invitation_state",
            "isolation_invitation",
            &["state"],
        );
        manager.create_index(index).await
    }
}

async fn results(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let result = vec![
        id(),
        number("case_id"),
        text("laboratory"),
        text("result"),
        number("version"),
        flag("is_newest"),
        text("status"),
        text("finding"),
        text("method"),
        number("taken_at_ms"),
        text("code"),
        text("plain_code"),
        text("surname"),
        text("name"),
        text("spelled"),
        optional_text("born"),
        optional_text("phone"),
        number("received_at_ms"),
        text("received_by"),
    ];
    let mut result = table_of("isolation_result", result);
    manager
        .create_table(result.foreign_key(&mut of("isolation_result")).to_owned())
        .await?;
    let once = ["laboratory", "result", "version"];
    let mut once = index_of("isolation_result_once", "isolation_result", &once);
    manager.create_index(once.unique().to_owned()).await?;
    let indices: [(&'static str, &[&'static str]); 4] = [
        ("isolation_result_of", &["case_id"]),
        ("isolation_result_pair", &["phone", "code"]),
        ("isolation_result_plain", &["plain_code"]),
        ("isolation_result_spelled", &["spelled"]),
    ];
    for (name, columns) in indices {
        let index = index_of(name, "isolation_result", columns);
        manager.create_index(index).await?;
    }
    Ok(())
}

fn of(table: &'static str) -> ForeignKeyCreateStatement {
    let mut of = ForeignKey::create();
    of.from(table, "case_id").to("isolation_case", "id");
    of
}

/// Who is coming in, and who is in.
struct Door;

impl MigrationName for Door {
    fn name(&self) -> &str {
        "0002_door"
    }
}

#[async_trait]
impl MigrationTrait for Door {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let link = vec![
            key("token_hash"),
            number("case_id"),
            text("phone"),
            number("made_at_ms"),
        ];
        let link = table_of("isolation_link", link);
        manager.create_table(link).await?;
        let entry = vec![
            key("token_hash"),
            optional("case_id"),
            text("code_hash"),
            number("tries"),
            text("by_way"),
            text("by_code"),
            text("by_address"),
            number("at_ms"),
        ];
        let entry = table_of("isolation_entry", entry);
        manager.create_table(entry).await?;
        for (name, column) in [
            ("isolation_entry_way", "by_way"),
            ("isolation_entry_code", "by_code"),
            ("isolation_entry_address", "by_address"),
        ] {
            let columns = &[column, "at_ms"];
            let index = index_of(name, "isolation_entry", columns);
            manager.create_index(index).await?;
        }
        let index = index_of("isolation_entry_at", "isolation_entry", &["at_ms"]);
        manager.create_index(index).await?;
        let visit = vec![
            key("token_hash"),
            number("case_id"),
            number("opened_at_ms"),
            number("seen_at_ms"),
        ];
        let visit = table_of("isolation_visit", visit);
        manager.create_table(visit).await
    }
}
