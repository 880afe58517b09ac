//! Links that open one call for one person, without an account.
//!
//! Whoever holds the link may see that somebody waits and confirm having seen it; nothing else.
//! The table has only a hash of the random part. A link is of use for [`LIFE_MS`].

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::Party;
use crate::reach_rows::call_link::{Column, Entity, Model};
use crate::sessions::hex;

/// How long a link opens anything: a doctor back from a long weekend still finds it.
pub const LIFE_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// Calls that one confirmation answers: a week of a doctor with very many patients.
const WAITING_MAX: u64 = 1_000;

/// Random bytes in a link: 128 bits, beyond guessing, and short enough for an SMS.
const SECRET_BYTES: usize = 16;

/// The secret part of a link. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret(String);

/// A text that is no [`LinkSecret`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a link ends in 32 hexadecimal digits")]
pub struct LinkSecretError;

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLink {
    /// For whom it was made.
    pub party: Party,
    /// The number of the call, as the diary counts them.
    pub page: i64,
    /// When it was confirmed, if it was.
    pub seen_at: Option<WallMs>,
}

/// Why no link was made.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The system gave no random numbers.
    #[error("no link could be made")]
    Random(#[source] getrandom::Error),
    /// The database did not write.
    #[error("the link was not written")]
    Store(#[source] TxError),
}

impl LinkSecret {
    /// The secret itself, for the address that is sent.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl FromStr for LinkSecret {
    type Err = LinkSecretError;

    fn from_str(text: &str) -> Result<Self, LinkSecretError> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = text.len() == 2 * SECRET_BYTES && text.bytes().all(is_hex);
        fits.then(|| Self(text.to_owned())).ok_or(LinkSecretError)
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

/// Makes a link to a call for somebody.
///
/// # Errors
/// See [`LinkError`]; there is no link then.
pub async fn make(
    record: &Database,
    actor: &Actor,
    party: Party,
    page: i64,
    now: WallMs,
) -> Result<LinkSecret, LinkError> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(LinkError::Random)?;
    let secret = LinkSecret(hex(&secret));
    let hash = &secret.hash();
    record
        .run_tx("links.make", actor, move |tx| {
            Box::pin(async move {
                Entity::delete_many()
                    .filter(Column::ExpiresAtMs.lt(now.0))
                    .exec(tx)
                    .await?;
                let row = Model {
                    token_hash: hash.clone(),
                    party: party.to_string(),
                    page,
                    made_at_ms: now.0,
                    expires_at_ms: now.plus_ms(LIFE_MS).0,
                    seen_at_ms: None,
                };
                Entity::insert(row.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await
        .map_err(LinkError::Store)?;
    Ok(secret)
}

/// What a link opens; `None` when there is none, or no longer.
///
/// # Errors
/// What the database reports.
pub async fn open(
    record: &Database,
    actor: &Actor,
    secret: &LinkSecret,
    now: WallMs,
) -> Result<Option<CallLink>, TxError> {
    let hash = &secret.hash();
    let row = record
        .read_tx("links.open", actor, move |tx| {
            Box::pin(async move { Ok(Entity::find_by_id(hash.clone()).one(tx).await?) })
        })
        .await?;
    let link = |row: Model| {
        let party = row.party.parse().ok()?;
        let seen_at = row.seen_at_ms.map(WallMs);
        (row.expires_at_ms > now.0).then_some(CallLink {
            party,
            page: row.page,
            seen_at,
        })
    };
    Ok(row.and_then(link))
}

/// The numbers of all calls that wait for whoever has this link, made until now, its own with
/// them: a doctor who confirms one has them all before them.
///
/// # Errors
/// What the database reports.
pub async fn waiting(
    record: &Database,
    actor: &Actor,
    secret: &LinkSecret,
    now: WallMs,
) -> Result<Vec<i64>, TxError> {
    let hash = &secret.hash();
    record
        .read_tx("links.waiting", actor, move |tx| {
            Box::pin(async move {
                let Some(own) = Entity::find_by_id(hash.clone()).one(tx).await? else {
                    return Ok(Vec::new());
                };
                let rows = Entity::find()
                    .filter(unseen(&own.party, now))
                    .order_by_asc(Column::Page)
                    .limit(WAITING_MAX)
                    .all(tx)
                    .await?;
                let mut pages: Vec<i64> = rows.into_iter().map(|row| row.page).collect();
                pages.dedup();
                Ok(pages)
            })
        })
        .await
}

/// Writes down that whoever has the link confirmed all that waits for them; whether any did.
///
/// # Errors
/// What the database reports.
pub async fn seen(
    record: &Database,
    actor: &Actor,
    secret: &LinkSecret,
    now: WallMs,
) -> Result<bool, TxError> {
    let hash = &secret.hash();
    record
        .run_tx("links.seen", actor, move |tx| {
            Box::pin(async move {
                let Some(own) = Entity::find_by_id(hash.clone()).one(tx).await? else {
                    return Ok(false);
                };
                let marked = Entity::update_many()
                    .col_expr(Column::SeenAtMs, Expr::value(now.0))
                    .filter(unseen(&own.party, now))
                    .exec(tx)
                    .await?;
                Ok(marked.rows_affected > 0)
            })
        })
        .await
}

fn unseen(party: &str, now: WallMs) -> Condition {
    Condition::all()
        .add(Column::Party.eq(party))
        .add(Column::SeenAtMs.is_null())
        .add(Column::MadeAtMs.lte(now.0))
        .add(Column::ExpiresAtMs.gt(now.0))
}
