//! Identities from elsewhere: which account a person opens whom an identity provider (OpenID
//! Connect) vouches for.
//!
//! A provider says *who* somebody is, never what they may do: an identity opens an account that
//! exists and that an administrator linked it to, and no account is made by signing in. Of issuer
//! and subject only a hash is kept, because a subject may be a tax code.
//!
//! **Limits.** The hash hides a subject from whoever looks at the table, not from whoever tries all
//! tax codes.

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Access, Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::passkey_rows::subject;
use crate::rows::staff;
use crate::sessions::hex;
use crate::staff::Staff;

/// Longest subject: what OpenID Connect allows.
pub const SUBJECT_CHARS_MAX: usize = 255;

/// What stands in the audit.
pub mod purposes {
    /// Somebody came in by one.
    pub const SHOWN: &str = "identity.shown";
    /// An identity was linked to an account.
    pub const LINKED: &str = "identity.linked";
    /// The identities of an account were taken away.
    pub const UNLINKED: &str = "identity.unlinked";
}

/// Why an identity was not linked.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Empty, or longer than any.
    #[error("a subject has 1 to {SUBJECT_CHARS_MAX} characters")]
    Subject,
    /// It opens an account already.
    #[error("this identity opens an account already: unlink it first")]
    Taken,
    /// The database did not write.
    #[error("the identity was not linked")]
    Store(#[source] TxError),
}

/// Lets an identity open an account.
///
/// # Errors
/// See [`LinkError`]; nothing was written then.
pub async fn link(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    (issuer, subject): (&str, &str),
    now: WallMs,
) -> Result<(), LinkError> {
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(LinkError::Subject);
    }
    let row = &subject::Model {
        subject_hash: hash(issuer, subject),
        staff_id: id.get(),
        linked_at_ms: now.0,
        linked_by: actor.to_string(),
    };
    let linked = record.run_tx("subject.link", actor, move |tx| {
        Box::pin(async move {
            subject::Entity::insert(row.clone().into_active_model())
                .exec_without_returning(tx)
                .await?;
            tx.log_access(Access {
                at_ms: now.0,
                purpose: purposes::LINKED,
                subject: &Actor::Staff(id.get()).to_string(),
            })
            .await?;
            Ok(())
        })
    });
    linked.await.map_err(|error| match error {
        error if error.is_duplicate() => LinkError::Taken,
        error => LinkError::Store(error),
    })
}

/// Takes every identity away from an account. How many there were. Its sessions go on: whoever
/// should be gone has them ended too.
///
/// # Errors
/// What the database reports.
pub async fn unlink(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    now: WallMs,
) -> Result<u64, TxError> {
    record
        .run_tx("subject.unlink", actor, move |tx| {
            Box::pin(async move {
                let gone = subject::Entity::delete_many()
                    .filter(subject::Column::StaffId.eq(id.get()))
                    .exec(tx)
                    .await?;
                if gone.rows_affected > 0 {
                    tx.log_access(Access {
                        at_ms: now.0,
                        purpose: purposes::UNLINKED,
                        subject: &Actor::Staff(id.get()).to_string(),
                    })
                    .await?;
                }
                Ok(gone.rows_affected)
            })
        })
        .await
}

/// How many identities open an account.
///
/// # Errors
/// What the database reports.
pub async fn count(record: &Database, actor: &Actor, id: StaffId) -> Result<u64, TxError> {
    record
        .read_tx("subject.count", actor, move |tx| {
            Box::pin(async move {
                let theirs = subject::Column::StaffId.eq(id.get());
                Ok(subject::Entity::find().filter(theirs).count(tx).await?)
            })
        })
        .await
}

/// Whose account an identity opens; nobody's when it is not linked or the account is closed.
///
/// # Errors
/// What the database reports.
pub async fn whose(
    record: &Database,
    (issuer, subject): (&str, &str),
) -> Result<Option<Staff>, TxError> {
    let hash = &hash(issuer, subject);
    let found = record.read_tx("subject.whose", &Actor::System("people"), move |tx| {
        Box::pin(async move {
            let Some(row) = subject::Entity::find_by_id(hash.clone()).one(tx).await? else {
                return Ok(None);
            };
            Ok(staff::Entity::find_by_id(row.staff_id).one(tx).await?)
        })
    });
    Ok(found.await?.and_then(Staff::from_row))
}

/// The length keeps issuer and subject apart.
fn hash(issuer: &str, subject: &str) -> String {
    hex(&Sha256::digest(format!(
        "{}:{issuer}{subject}",
        issuer.len()
    )))
}
