//! The tables of this room. Only the modules of this crate name them. Rows are only ever inserted.

use veglia_store::Schema;
use veglia_store::columns::{
    flag, id, index_of, key, number, optional, optional_text, table_of, text,
};
use veglia_store::sea_orm::{ConnectionTrait, DbErr};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// What the intake keeps in `record.db`.
pub const SCHEMA: Schema = Schema {
    room: "intake",
    migrations: || vec![Box::new(First), Box::new(Once)],
};

/// Calls, what was handed to the link, needs, attempts, claims.
struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_calls_needs_attempts"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [call(), handed(), need(), attempt(), claim()] {
            manager.create_table(table).await?;
        }
        let of_patient = &["patient", "id"];
        for index in [
            index_of("phone_need_by_patient", "phone_need", of_patient),
            index_of("phone_attempt_by_patient", "phone_attempt", of_patient),
            index_of("phone_claim_by_patient", "phone_claim", of_patient),
            index_of("phone_handed_by_call", "phone_handed", &["call"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// What the outbox has on its disk, what the diary was told, and forms that write once.
struct Once;

impl MigrationName for Once {
    fn name(&self) -> &str {
        "0002_sent_noted_forms"
    }
}

#[async_trait]
impl MigrationTrait for Once {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["phone_call", "phone_attempt"] {
            let mut form = Table::alter();
            form.table(table).add_column(optional_text("form"));
            manager.alter_table(form).await?;
        }
        for table in [sent(), noted()] {
            manager.create_table(table).await?;
        }
        let mut once = index_of("phone_attempt_by_form", "phone_attempt", &["form"]);
        for index in [
            once.unique().to_owned(),
            index_of("phone_attempt_by_time", "phone_attempt", &["at_ms"]),
            index_of("phone_claim_by_time", "phone_claim", &["at_ms"]),
            index_of("phone_call_by_time", "phone_call", &["written_at_ms"]),
            index_of("phone_sent_by_call", "phone_sent", &["call"]),
        ] {
            manager.create_index(index).await?;
        }
        // What was handed before today counts as in, as it did.
        let mut handed = Query::select();
        handed
            .columns(["call", "epoch"])
            .expr(Expr::col("after").add(1))
            .from("phone_handed");
        let mut sent = Query::insert();
        sent.into_table("phone_sent")
            .columns(["call", "epoch", "through"]);
        let sent = sent
            .select_from(handed)
            .map_err(|fault| DbErr::Custom(fault.to_string()))?;
        manager.get_connection().execute(sent).await?;
        Ok(())
    }
}

/// What was said in a call, under the name that its form had.
fn call() -> TableCreateStatement {
    let columns = vec![
        key("id"),
        text("patient"),
        text("actor"),
        text("said"),
        number("at_ms"),
        number("written_at_ms"),
    ];
    table_of("phone_call", columns)
}

/// A call that is about to be handed to the outbox, and the newest sequence there before.
fn handed() -> TableCreateStatement {
    let columns = vec![id(), text("call"), text("epoch"), number("after")];
    table_of("phone_handed", columns)
}

/// A call that the outbox has on its disk, and the newest sequence there since.
fn sent() -> TableCreateStatement {
    let columns = vec![id(), text("call"), text("epoch"), number("through")];
    table_of("phone_sent", columns)
}

/// A call or an attempt that the diary was told of, by the name of its form.
fn noted() -> TableCreateStatement {
    table_of("phone_noted", vec![key("form")])
}

/// What somebody needs.
fn need() -> TableCreateStatement {
    let mut call = text("call");
    call.unique_key();
    let columns = vec![
        id(),
        call,
        flag("consent"),
        number("at_ms"),
        text("patient"),
        text("actor"),
        text("kinds"),
        text("words"),
        text("place"),
    ];
    table_of("phone_need", columns)
}

/// Somebody was telephoned.
fn attempt() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("at_ms"),
        optional("again_ms"),
        text("patient"),
        text("actor"),
        text("whom"),
        text("outcome"),
        text("words"),
    ];
    table_of("phone_attempt", columns)
}

/// Who telephones a patient, until when; the newest row of a patient holds.
fn claim() -> TableCreateStatement {
    let columns = vec![
        id(),
        number("at_ms"),
        number("until_ms"),
        text("patient"),
        text("actor"),
    ];
    table_of("phone_claim", columns)
}
