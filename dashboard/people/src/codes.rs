//! One-time codes: what staff show besides their password, from an application on their telephone
//! (TOTP, RFC 6238), and recovery codes for the day on which it is lost.
//!
//! Enrolling shows a secret once ([`begin`]) and counts from when a code made with it is typed
//! ([`confirm`]): whoever did not scan it well is not locked out. A code is accepted once: its step
//! is written in the transaction that accepts it, and no step before it counts again. Of recovery
//! codes only hashes are kept; each is good once. Tries are slowed at the door
//! ([`crate::SignIn::second`]) as those of passwords are.
//!
//! **Limits.** The secret itself must be kept, and in clear: a key beside the record would be
//! stolen with it. What keeps it is what keeps the record: the rights of its file, encrypted disks
//! and copies. Who steals this table can make codes, and still needs the password, of which there
//! is only a hash; after a theft all codes are withdrawn. Codes do not stop somebody who is
//! deceived into typing one on another site; passkeys would.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;
use totp_rs::{Builder, Secret, Totp};
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::code_rows::{recovery, totp};
use crate::rows::{session, staff};
use crate::sessions::hex;
use crate::staff::Staff;

/// Who asks, in the list of the application on the telephone.
const ISSUER: &str = "Veglia";

/// Random bytes of a secret: what RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// Recovery codes made at once: years of lost telephones, and they fit on a card.
pub const RECOVERY_CODES: usize = 8;

/// Random bytes of a recovery code: beyond guessing, so that a plain hash of it is enough.
const RECOVERY_BYTES: usize = 10;

/// Longest text that is looked at as a code: a recovery code with every sign between its letters.
const TYPED_CHARS_MAX: usize = 40;

/// What stands in the audit.
pub mod purposes {
    /// An account shows codes from now on.
    pub const MADE: &str = "codes.made";
    /// It has new recovery codes.
    pub const RENEWED: &str = "codes.renewed";
    /// It shows none any more.
    pub const WITHDRAWN: &str = "codes.withdrawn";
}

/// A secret to be scanned. Not shown by `Debug`.
#[derive(Clone)]
pub struct Enrolling {
    /// What the square says: `otpauth://…`.
    pub url: String,
    /// The secret in letters, for whoever cannot scan.
    pub secret: String,
}

impl fmt::Debug for Enrolling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolling(…)")
    }
}

/// What was shown besides the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A code of this half minute.
    Code,
    /// A recovery code, of which so many are left.
    Recovery {
        /// How many.
        left: u64,
    },
}

/// Why a code was not accepted, or none was set up.
#[derive(Debug, Error)]
pub enum CodeError {
    /// Another code, one of another time, or one that was used.
    #[error("this code is not right, or was used already")]
    Wrong,
    /// Codes were not set up, or already are.
    #[error("one-time codes of this account are not in that state")]
    State,
    /// The system gave no random numbers.
    #[error("no secret could be made")]
    Random(#[source] getrandom::Error),
    /// The stored secret is none that this program writes.
    #[error("the stored secret cannot be used: withdraw the codes of this account")]
    Stored(#[source] totp_rs::TotpError),
    /// The database did not answer.
    #[error("the code was not looked at")]
    Store(#[source] TxError),
}

/// Whether an account shows codes.
///
/// # Errors
/// What the database reports.
pub async fn is_enrolled(record: &Database, actor: &Actor, id: StaffId) -> Result<bool, TxError> {
    record
        .read_tx("codes.is_enrolled", actor, move |tx| {
            Box::pin(async move { Ok(confirmed_in(tx, id).await?.is_some()) })
        })
        .await
}

/// Every account that shows codes.
///
/// # Errors
/// What the database reports.
pub async fn enrolled(record: &Database, actor: &Actor) -> Result<Vec<StaffId>, TxError> {
    record
        .read_tx("codes.enrolled", actor, move |tx| {
            Box::pin(async move {
                let confirmed = totp::Column::ConfirmedAtMs.is_not_null();
                let rows = totp::Entity::find().filter(confirmed).all(tx).await?;
                let ids = rows.into_iter().map(|row| StaffId::from_row(row.staff_id));
                Ok(ids.collect())
            })
        })
        .await
}

/// Makes a secret that counts once it is confirmed; one that was not confirmed is replaced.
///
/// # Errors
/// [`CodeError::State`] of an account that shows codes already, and see the others.
pub async fn begin(record: &Database, staff: &Staff, now: WallMs) -> Result<Enrolling, CodeError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(CodeError::Random)?;
    let secret = Secret::from(bytes);
    let letters = &secret.to_base32();
    let id = staff.id;
    let actor = staff.actor();
    let begun = record.run_tx("codes.begin", &actor, move |tx| {
        Box::pin(async move {
            if confirmed_in(tx, id).await?.is_some() {
                return Ok(None);
            }
            totp::Entity::delete_by_id(id.get()).exec(tx).await?;
            let row = totp::Model {
                staff_id: id.get(),
                secret: letters.clone(),
                made_at_ms: now.0,
                confirmed_at_ms: None,
                last_step: 0,
            };
            totp::Entity::insert(row.into_active_model())
                .exec_without_returning(tx)
                .await?;
            let account = staff::Entity::find_by_id(id.get()).one(tx).await?;
            Ok(account.map(|account| account.username))
        })
    });
    let username = begun.await.map_err(CodeError::Store)?;
    let username = username.ok_or(CodeError::State)?;
    enrolling(secret, letters, &username)
}

fn enrolling(secret: Secret, letters: &str, username: &str) -> Result<Enrolling, CodeError> {
    let named = Builder::new()
        .with_secret(secret)
        .with_account_name(username)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(CodeError::Stored)?;
    Ok(Enrolling {
        url: named.to_url().map_err(CodeError::Stored)?,
        secret: letters.to_owned(),
    })
}

/// The secret that was begun and not confirmed, to be shown again.
///
/// # Errors
/// See [`CodeError`].
pub async fn begun(record: &Database, staff: &Staff) -> Result<Option<Enrolling>, CodeError> {
    let id = staff.id.get();
    let actor = staff.actor();
    let read = record.read_tx("codes.begun", &actor, move |tx| {
        Box::pin(async move {
            let row = totp::Entity::find_by_id(id).one(tx).await?;
            let account = staff::Entity::find_by_id(id).one(tx).await?;
            Ok(row.zip(account))
        })
    });
    let Some((row, account)) = read.await.map_err(CodeError::Store)? else {
        return Ok(None);
    };
    if row.confirmed_at_ms.is_some() {
        return Ok(None);
    }
    let secret = Secret::try_from_base32(&row.secret).map_err(|_| CodeError::State)?;
    enrolling(secret, &row.secret, &account.username).map(Some)
}

/// Turns codes on, with the first one; what is answered is shown once. Every session of the account
/// but `kept` ends: they were opened by the password alone.
///
/// # Errors
/// [`CodeError::Wrong`], and see the others.
pub async fn confirm(
    record: &Database,
    staff: &Staff,
    kept: &crate::sessions::Token,
    typed: &str,
    now: WallMs,
) -> Result<Vec<String>, CodeError> {
    let (codes, id) = (&fresh()?, staff.id);
    let kept = &kept.hash();
    let actor = staff.actor();
    let confirmed = record.run_tx("codes.confirm", &actor, move |tx| {
        Box::pin(async move {
            let Some(row) = totp::Entity::find_by_id(id.get()).one(tx).await? else {
                return Ok(Err(CodeError::State));
            };
            if row.confirmed_at_ms.is_some() {
                return Ok(Err(CodeError::State));
            }
            let step = match accepted(&row, typed, now) {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(Err(CodeError::Wrong)),
                Err(error) => return Ok(Err(error)),
            };
            totp::Entity::update_many()
                .col_expr(totp::Column::ConfirmedAtMs, Expr::value(now.0))
                .col_expr(totp::Column::LastStep, Expr::value(step))
                .filter(totp::Column::StaffId.eq(id.get()))
                .exec(tx)
                .await?;
            put(tx, id, codes, now).await?;
            session::Entity::delete_many()
                .filter(session::Column::StaffId.eq(id.get()))
                .filter(session::Column::TokenHash.ne(kept.as_str()))
                .exec(tx)
                .await?;
            note(tx, purposes::MADE, id, now).await?;
            Ok(Ok(()))
        })
    });
    confirmed.await.map_err(CodeError::Store)??;
    Ok(codes.clone())
}

/// Makes new recovery codes; those of before are good no more.
///
/// # Errors
/// [`CodeError::State`] of an account without codes, and see the others.
pub async fn renew(
    record: &Database,
    staff: &Staff,
    now: WallMs,
) -> Result<Vec<String>, CodeError> {
    let (codes, id) = (&fresh()?, staff.id);
    let actor = staff.actor();
    let renewed = record.run_tx("codes.renew", &actor, move |tx| {
        Box::pin(async move {
            if confirmed_in(tx, id).await?.is_none() {
                return Ok(false);
            }
            put(tx, id, codes, now).await?;
            note(tx, purposes::RENEWED, id, now).await?;
            Ok(true)
        })
    });
    let renewed = renewed.await.map_err(CodeError::Store)?;
    renewed.then(|| codes.clone()).ok_or(CodeError::State)
}

/// How many recovery codes are left.
///
/// # Errors
/// What the database reports.
pub async fn left(record: &Database, staff: &Staff) -> Result<u64, TxError> {
    let id = staff.id;
    record
        .read_tx("codes.left", &staff.actor(), move |tx| {
            Box::pin(async move { left_in(tx, id).await })
        })
        .await
}

/// Takes codes away from an account, and ends its sessions: the telephone and the card are lost.
/// Whether it had any.
///
/// # Errors
/// What the database reports.
pub async fn withdraw(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("codes.withdraw", actor, move |tx| {
            Box::pin(async move {
                let gone = totp::Entity::delete_by_id(id.get()).exec(tx).await?;
                recovery::Entity::delete_many()
                    .filter(recovery::Column::StaffId.eq(id.get()))
                    .exec(tx)
                    .await?;
                session::Entity::delete_many()
                    .filter(session::Column::StaffId.eq(id.get()))
                    .exec(tx)
                    .await?;
                if gone.rows_affected > 0 {
                    note(tx, purposes::WITHDRAWN, id, now).await?;
                }
                Ok(gone.rows_affected > 0)
            })
        })
        .await
}

async fn note(tx: &Tx<'_>, purpose: &'static str, id: StaffId, now: WallMs) -> Result<(), TxError> {
    tx.log_access(Access {
        at_ms: now.0,
        purpose,
        subject: &Actor::Staff(id.get()).to_string(),
    })
    .await
}

/// Judges what was typed, and uses it up.
pub(crate) async fn show(
    record: &Database,
    staff: &Staff,
    typed: &str,
    now: WallMs,
) -> Result<Shown, CodeError> {
    let id = staff.id;
    let actor = staff.actor();
    let shown = record.run_tx("codes.show", &actor, move |tx| {
        Box::pin(async move {
            let Some(row) = confirmed_in(tx, id).await? else {
                return Ok(Err(CodeError::State));
            };
            match accepted(&row, typed, now) {
                Ok(Some(step)) => {
                    totp::Entity::update_many()
                        .col_expr(totp::Column::LastStep, Expr::value(step))
                        .filter(totp::Column::StaffId.eq(id.get()))
                        .exec(tx)
                        .await?;
                    return Ok(Ok(Shown::Code));
                }
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
            let used = recovery::Entity::update_many()
                .col_expr(recovery::Column::UsedAtMs, Expr::value(now.0))
                .filter(recovery::Column::CodeHash.eq(hash(typed)))
                .filter(recovery::Column::StaffId.eq(id.get()))
                .filter(recovery::Column::UsedAtMs.is_null())
                .exec(tx)
                .await?;
            if used.rows_affected == 0 {
                return Ok(Err(CodeError::Wrong));
            }
            let left = left_in(tx, id).await?;
            Ok(Ok(Shown::Recovery { left }))
        })
    });
    shown.await.map_err(CodeError::Store)?
}

/// The step of a code that is right now and was not used, if this is one.
fn accepted(row: &totp::Model, typed: &str, now: WallMs) -> Result<Option<i64>, CodeError> {
    let typed = plain(typed);
    let Ok(seconds) = u64::try_from(now.0 / 1_000) else {
        return Ok(None);
    };
    let step = judge(&row.secret)?.check(&typed, seconds);
    let step = step.and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > row.last_step))
}

fn judge(letters: &str) -> Result<Totp, CodeError> {
    let secret = Secret::try_from_base32(letters).map_err(|_| CodeError::State)?;
    let judge = Builder::new().with_secret(secret).build();
    judge.map_err(CodeError::Stored)
}

async fn confirmed_in(tx: &Tx<'_>, id: StaffId) -> Result<Option<totp::Model>, TxError> {
    let row = totp::Entity::find_by_id(id.get()).one(tx).await?;
    Ok(row.filter(|row| row.confirmed_at_ms.is_some()))
}

async fn left_in(tx: &Tx<'_>, id: StaffId) -> Result<u64, TxError> {
    let left = recovery::Entity::find()
        .filter(recovery::Column::StaffId.eq(id.get()))
        .filter(recovery::Column::UsedAtMs.is_null());
    Ok(left.count(tx).await?)
}

async fn put(tx: &Tx<'_>, id: StaffId, codes: &[String], now: WallMs) -> Result<(), TxError> {
    recovery::Entity::delete_many()
        .filter(recovery::Column::StaffId.eq(id.get()))
        .exec(tx)
        .await?;
    for code in codes {
        let row = recovery::Model {
            code_hash: hash(code),
            staff_id: id.get(),
            made_at_ms: now.0,
            used_at_ms: None,
        };
        recovery::Entity::insert(row.into_active_model())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Recovery codes nobody has: four groups of four letters.
fn fresh() -> Result<Vec<String>, CodeError> {
    let one = |_| {
        let mut bytes = [0; RECOVERY_BYTES];
        getrandom::fill(&mut bytes).map_err(CodeError::Random)?;
        let letters = Secret::from(bytes.to_vec()).to_base32();
        let groups = letters.as_bytes().chunks(4);
        let groups: Vec<String> = groups
            .map(|group| group.iter().copied().map(char::from).collect())
            .collect();
        Ok(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(one).collect()
}

/// What was typed without the signs that people and telephones put in.
fn plain(typed: &str) -> String {
    let kept = typed.chars().take(TYPED_CHARS_MAX);
    kept.filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_uppercase())
        .collect()
}

fn hash(code: &str) -> String {
    hex(&Sha256::digest(plain(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_many_different_and_read_with_or_without_their_signs() {
        let codes = fresh().unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        for code in &codes {
            assert_eq!(code.len(), 19, "{code}");
            let is_ours = |it: u8| matches!(it, b'-' | b'A'..=b'Z' | b'2'..=b'7');
            assert!(code.bytes().all(is_ours), "{code}");
            let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
            assert_eq!(hash(code), hash(&typed));
        }
        let different: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(different.len(), RECOVERY_CODES);
    }

    /// RFC 6238, appendix B, its SHA-1 rows, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = Secret::from(b"12345678901234567890".to_vec());
        let judge = judge(&secret.to_base32()).unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(judge.check(code, seconds), Some(seconds / 30), "{seconds}");
        }
    }
}
