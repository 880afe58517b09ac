//! The tables of passkeys and of identities from elsewhere, and what a session says of how it was
//! opened; a later step of this room's schema.

use veglia_store::columns::{index_of, key, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::DbErr;
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;

/// Other ways to sign in than password and code.
pub(crate) struct Ways;

impl MigrationName for Ways {
    fn name(&self) -> &str {
        "0008_passkeys_and_subjects"
    }
}

#[async_trait]
impl MigrationTrait for Ways {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One alteration each: SQLite knows no other.
        for column in [optional_text("opened_by"), optional("confirmed_at_ms")] {
            let mut session = Table::alter();
            session.table("staff_session").add_column(column);
            manager.alter_table(session).await?;
        }
        manager.create_table(passkey()).await?;
        manager.create_table(subject()).await?;
        for (name, table) in [
            ("staff_passkey_by_staff", "staff_passkey"),
            ("staff_subject_by_staff", "staff_subject"),
        ] {
            let by_owner = index_of(name, table, &["staff_id"]);
            manager.create_index(by_owner).await?;
        }
        Ok(())
    }
}

/// The public half of a passkey. Its identifier is as long as its maker likes: a hash is the key.
fn passkey() -> TableCreateStatement {
    let columns = vec![
        key("id_hash"),
        number("staff_id"),
        text("user_handle"),
        text("name"),
        text("credential"),
        number("made_at_ms"),
        optional("used_at_ms"),
    ];
    owned("staff_passkey", columns)
}

/// Whom an identity provider means: a hash of issuer and subject, which may be a tax code.
fn subject() -> TableCreateStatement {
    let columns = vec![
        key("subject_hash"),
        number("staff_id"),
        number("linked_at_ms"),
        text("linked_by"),
    ];
    owned("staff_subject", columns)
}

fn owned(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut owner = ForeignKey::create();
    owner.from(name, "staff_id").to("staff", "id");
    let mut table = table_of(name, columns);
    table.foreign_key(&mut owner);
    table
}
