//! What was done about boxes, by whom, and until when their certificates are good.
//!
//! What a person does is written before it is done: a revocation or a code that nobody signed
//! cannot be. When the doing fails, that is written as well. What a box does by itself (enrolling,
//! renewing) is written before it is answered; a box without an answer asks again.

use std::collections::HashMap;

use veglia_identity::{CertificateFacts, KeyHash, UnixSeconds};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::rows::{act, certificate};

/// Something that was done about a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A one-time code was made.
    Invited,
    /// A code was withdrawn.
    Withdrawn,
    /// A box came in with its code.
    Enrolled,
    /// A box was shut out.
    Revoked,
    /// A box was asked to answer.
    Pinged,
    /// A device was asked to measure.
    Measured,
    /// What stands before it could not be done.
    Failed,
}

impl Deed {
    const ALL: [Self; 7] = [
        Self::Invited,
        Self::Withdrawn,
        Self::Enrolled,
        Self::Revoked,
        Self::Pinged,
        Self::Measured,
        Self::Failed,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Withdrawn => "withdrawn",
            Self::Enrolled => "enrolled",
            Self::Revoked => "revoked",
            Self::Pinged => "pinged",
            Self::Measured => "measured",
            Self::Failed => "failed",
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When, by wall time.
    pub at: WallMs,
    /// About which gateway.
    pub gateway: String,
    /// What; `None` for a word that a later version wrote.
    pub deed: Option<Deed>,
    /// What was said with it: a reason, an answer.
    pub words: String,
    /// Who, as acts are signed (`staff:42`).
    pub by: String,
}

/// Writes one line.
pub(crate) async fn write(
    record: &Database,
    actor: &Actor,
    gateway: &str,
    deed: Deed,
    words: &str,
    now: WallMs,
) -> Result<(), TxError> {
    record
        .run_tx("fleet.act", actor, move |tx| {
            Box::pin(async move { insert(tx, gateway, deed, words, now).await })
        })
        .await
}

async fn insert(
    tx: &Tx<'_>,
    gateway: &str,
    deed: Deed,
    words: &str,
    now: WallMs,
) -> Result<(), TxError> {
    let row = act::ActiveModel {
        id: NotSet,
        at_ms: Set(now.0),
        gateway: Set(gateway.to_owned()),
        what: Set(deed.code().to_owned()),
        words: Set(words.to_owned()),
        actor: Set(tx.actor().to_string()),
    };
    act::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes which certificate a box was given. A key that this box did not have before is an
/// enrolment, and a line of the log; the same key again is a renewal, or an answer repeated.
pub(crate) async fn certified(
    record: &Database,
    actor: &Actor,
    gateway: &str,
    facts: &CertificateFacts,
    now: WallMs,
) -> Result<(), TxError> {
    record
        .run_tx("fleet.certified", actor, move |tx| {
            Box::pin(async move {
                let known = certificate::Entity::find_by_id(gateway).one(tx).await?;
                let key = facts.key.to_string();
                if known.is_none_or(|known| known.key != key) {
                    insert(tx, gateway, Deed::Enrolled, "", now).await?;
                }
                let row = certificate::Model {
                    gateway: gateway.to_owned(),
                    key,
                    expires_at: facts.not_after.0,
                };
                let mut again = OnConflict::column(certificate::Column::Gateway);
                again.update_columns([certificate::Column::Key, certificate::Column::ExpiresAt]);
                certificate::Entity::insert(row.into_active_model())
                    .on_conflict(again)
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Until when the last certificate of each key is good.
pub(crate) async fn certificates(
    record: &Database,
    actor: &Actor,
) -> Result<HashMap<KeyHash, UnixSeconds>, TxError> {
    let rows = record
        .read_tx("fleet.certificates", actor, |tx| {
            Box::pin(async move { Ok(certificate::Entity::find().all(tx).await?) })
        })
        .await?;
    let read = |row: certificate::Model| Some((row.key.parse().ok()?, UnixSeconds(row.expires_at)));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// What was done last, the newest first, at most `limit` lines.
///
/// # Errors
/// What the record reports.
pub async fn acts(record: &Database, actor: &Actor, limit: u64) -> Result<Vec<Act>, TxError> {
    let rows = record
        .read_tx("fleet.acts", actor, move |tx| {
            Box::pin(async move {
                let rows = act::Entity::find().order_by_desc(act::Column::Id);
                Ok(rows.limit(limit).all(tx).await?)
            })
        })
        .await?;
    let read = |row: act::Model| Act {
        at: WallMs(row.at_ms),
        deed: Deed::ALL.into_iter().find(|deed| deed.code() == row.what),
        gateway: row.gateway,
        words: row.words,
        by: row.actor,
    };
    Ok(rows.into_iter().map(read).collect())
}
