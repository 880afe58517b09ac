//! Identities from elsewhere: which account a person opens whom an identity provider (OpenID
//! Connect) vouches for.
//!
//! A provider says *who* somebody is, never what they may do: an identity opens an account that
//! exists and that it was linked to, by an administrator or by whoever has both, signed in to the
//! one and shown the other; no account is made by signing in. Of issuer and subject only a hash is
//! kept, because a subject may be a tax code.
//!
//! **Limits.** The hash hides a subject from whoever looks at the table, not from whoever tries all
//! tax codes.

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder};
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::passkey_rows::subject;
use crate::rows::{session, staff};
use crate::sessions::{Token, Way, hex};
use crate::staff::Staff;

/// Longest subject: what OpenID Connect allows.
pub const SUBJECT_CHARS_MAX: usize = 255;

/// Identities of one account at most: SPID of two managers, the electronic card, the region's.
pub const IDENTITIES_MAX: u64 = 8;

/// Letters of the hash by which pages name an identity.
const REFERENCE_CHARS: usize = 16;

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
    /// The account has many.
    #[error("an account has {IDENTITIES_MAX} identities at most: unlink one")]
    Full,
    /// The database did not write.
    #[error("the identity was not linked")]
    Store(#[source] TxError),
}

/// An identity that opens an account, as its owner sees it: which one it is, nobody kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// By what pages name it. It opens nothing.
    pub reference: String,
    /// Since when.
    pub at: WallMs,
    /// Whether its owner linked it; else an administrator did.
    pub is_own: bool,
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
            if count_in(tx, id).await? >= IDENTITIES_MAX {
                return Ok(false);
            }
            subject::Entity::insert(row.clone().into_active_model())
                .exec_without_returning(tx)
                .await?;
            tx.log_access(Access {
                at_ms: now.0,
                purpose: purposes::LINKED,
                subject: &Actor::Staff(id.get()).to_string(),
            })
            .await?;
            Ok(true)
        })
    });
    let is_linked = linked.await.map_err(|error| match error {
        error if error.is_duplicate() => LinkError::Taken,
        error => LinkError::Store(error),
    })?;
    is_linked.then_some(()).ok_or(LinkError::Full)
}

/// The identities of an account, the oldest first.
///
/// # Errors
/// What the database reports.
pub async fn list(record: &Database, staff: &Staff) -> Result<Vec<Linked>, TxError> {
    let (id, actor) = (staff.id.get(), staff.actor());
    let rows = record.read_tx("subject.list", &actor, move |tx| {
        Box::pin(async move {
            let theirs = subject::Entity::find().filter(subject::Column::StaffId.eq(id));
            Ok(theirs
                .order_by_asc(subject::Column::LinkedAtMs)
                .all(tx)
                .await?)
        })
    });
    let own = actor.to_string();
    let linked = |row: subject::Model| Linked {
        reference: row.subject_hash.chars().take(REFERENCE_CHARS).collect(),
        at: WallMs(row.linked_at_ms),
        is_own: row.linked_by == own,
    };
    Ok(rows.await?.into_iter().map(linked).collect())
}

/// Takes one away, at its owner's wish, and ends the sessions that identities opened, but `kept`:
/// whose they are nobody knows any more. Whether there was one.
///
/// # Errors
/// What the database reports.
pub async fn remove(
    record: &Database,
    staff: &Staff,
    kept: &Token,
    reference: &str,
    now: WallMs,
) -> Result<bool, TxError> {
    let fits = |it: u8| it.is_ascii_hexdigit();
    if reference.len() != REFERENCE_CHARS || !reference.bytes().all(fits) {
        return Ok(false);
    }
    let (id, actor, kept) = (staff.id.get(), staff.actor(), &kept.hash());
    let removed = record.run_tx("subject.remove", &actor, move |tx| {
        Box::pin(async move {
            let gone = subject::Entity::delete_many()
                .filter(subject::Column::StaffId.eq(id))
                .filter(subject::Column::SubjectHash.starts_with(reference))
                .exec(tx)
                .await?;
            if gone.rows_affected == 0 {
                return Ok(false);
            }
            session::Entity::delete_many()
                .filter(session::Column::StaffId.eq(id))
                .filter(session::Column::OpenedBy.eq(Way::Federated.code()))
                .filter(session::Column::TokenHash.ne(kept.as_str()))
                .exec(tx)
                .await?;
            tx.log_access(Access {
                at_ms: now.0,
                purpose: purposes::UNLINKED,
                subject: &Actor::Staff(id).to_string(),
            })
            .await?;
            Ok(true)
        })
    });
    removed.await
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
            Box::pin(async move { count_in(tx, id).await })
        })
        .await
}

async fn count_in(tx: &Tx<'_>, id: StaffId) -> Result<u64, TxError> {
    let theirs = subject::Column::StaffId.eq(id.get());
    Ok(subject::Entity::find().filter(theirs).count(tx).await?)
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
