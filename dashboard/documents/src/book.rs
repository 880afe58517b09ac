//! The documents that were issued, as they are kept: each a version that is never altered.
//!
//! A row holds the document byte by byte and the SHA-256 of these bytes. Whoever has the file or
//! the paper compares that digest; the digest is compared here too, each time a row is read.

use sha2::{Digest, Sha256};
use veglia_people::PersonId;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_view::WallMs;

use crate::kind::Kind;
use crate::rows::document::{ActiveModel, Column, Entity, Model};

/// Versions of one document listed at once; what is older is found by its number.
const LISTED_MAX: u64 = 100;

/// In the access log, beside who only reads.
pub(crate) const ISSUED: &str = "patient.document-issued";

/// A version in the list.
pub(crate) struct Listed {
    /// From 1, within the patient and the kind.
    pub(crate) version: i64,
    pub(crate) at: WallMs,
    pub(crate) by: String,
}

/// A version with all that it says.
pub(crate) struct Kept {
    pub(crate) version: i64,
    pub(crate) body: String,
    pub(crate) digest: String,
}

/// What is to be kept.
pub(crate) struct New<'a> {
    pub(crate) kind: Kind,
    pub(crate) version: i64,
    pub(crate) body: &'a str,
    pub(crate) at: WallMs,
    /// The patient, as the access log names them.
    pub(crate) subject: &'a str,
}

/// Somebody else has issued meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overtaken;

#[derive(Debug, thiserror::Error)]
#[error("document {0} is not what was issued: restore a backup")]
struct Damaged(i64);

/// The digest by which a document is recognised.
pub(crate) fn digest(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a version, if it is the next, and writes in the access log who issued it.
pub(crate) async fn keep(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    new: &New<'_>,
) -> Result<Result<(), Overtaken>, TxError> {
    let access = Access {
        at_ms: new.at.0,
        purpose: ISSUED,
        subject: new.subject,
    };
    record.log_access(actor, access).await?;
    let digest = &digest(new.body);
    let kept = record.run_tx("documents.keep", actor, move |tx| {
        Box::pin(async move {
            let newest = newest_in(tx, person, new.kind).await?;
            if newest + 1 != new.version {
                return Ok(Err(Overtaken));
            }
            let row = ActiveModel {
                id: NotSet,
                person_id: Set(person.get()),
                kind: Set(new.kind.code().to_owned()),
                version: Set(new.version),
                body: Set(new.body.to_owned()),
                digest: Set(digest.clone()),
                at_ms: Set(new.at.0),
                issued_by: Set(tx.actor().to_string()),
            };
            Entity::insert(row).exec(tx).await?;
            Ok(Ok(()))
        })
    });
    kept.await
}

async fn newest_in(tx: &Tx<'_>, person: PersonId, kind: Kind) -> Result<i64, TxError> {
    let newest: Option<i64> = Entity::find()
        .select_only()
        .column(Column::Version)
        .filter(Column::PersonId.eq(person.get()))
        .filter(Column::Kind.eq(kind.code()))
        .order_by_desc(Column::Version)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(newest.unwrap_or(0))
}

/// The versions of one document of a patient, the newest first.
pub(crate) async fn listed(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    kind: Kind,
) -> Result<Vec<Listed>, TxError> {
    let read = record.read_tx("documents.listed", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find()
                .select_only()
                .columns([Column::Version, Column::AtMs, Column::IssuedBy])
                .filter(Column::PersonId.eq(person.get()))
                .filter(Column::Kind.eq(kind.code()))
                .order_by_desc(Column::Version)
                .limit(LISTED_MAX);
            let rows: Vec<(i64, i64, String)> = rows.into_tuple().all(tx).await?;
            Ok(rows)
        })
    });
    let listed = read.await?.into_iter();
    let listed = listed.map(|(version, at, by)| Listed {
        version,
        at: WallMs(at),
        by,
    });
    Ok(listed.collect())
}

/// A version as it was issued.
pub(crate) async fn get(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    (kind, version): (Kind, i64),
) -> Result<Option<Kept>, TxError> {
    let read = record.read_tx("documents.get", actor, move |tx| {
        Box::pin(async move {
            let row = Entity::find()
                .filter(Column::PersonId.eq(person.get()))
                .filter(Column::Kind.eq(kind.code()))
                .filter(Column::Version.eq(version));
            row.one(tx).await?.map(whole).transpose()
        })
    });
    read.await
}

fn whole(row: Model) -> Result<Kept, TxError> {
    if digest(&row.body) != row.digest {
        return Err(TxError::refuse(Damaged(row.id)));
    }
    Ok(Kept {
        version: row.version,
        body: row.body,
        digest: row.digest,
    })
}
