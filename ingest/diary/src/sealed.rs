//! What people write of a patient in their own words, sealed with a key of that patient.
//!
//! The diary is append-only, and somebody may have to be forgotten one day: then their key is
//! destroyed, and what was sealed with it is noise in its place. Sealed are the words of acts, and
//! the reasons of plans and of stays; what triage says is numbers and is not. A key lies in the
//! same database as what it seals: it protects against remembering, not against who reads the
//! disk.
//!
//! **How.** AES-256-GCM. Each text has a nonce of 96 random bits, written before it: one key seals
//! some thousands of texts in its life, and two of 2³² would meet with a chance of 2⁻³³. The row a
//! text belongs to (table, patient, number) is associated data: moved to another row, and so to
//! another patient, it does not open.
//!
//! A text that does not open is damage and is said; of a destroyed key, texts are empty. Of
//! somebody forgotten people write nothing more; the machine, whose work for others goes on, writes
//! without words.

mod concern;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use veglia_store::sea_orm::ActiveValue::Set;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, Unchanged};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use crate::error::ReadError;
use crate::rows::patient_key::{ActiveModel, Entity, Model};

pub use concern::{Concern, concern_in};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Why a text was not sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The database did not answer.
    #[error("the key of a patient was not read or written")]
    Database(#[from] DbErr),
    /// No random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The patient was forgotten.
    #[error("patient {0} has been erased: nothing more is written of them")]
    Erased(String),
    /// What is to be sealed cannot be put into words.
    #[error("the words cannot be sealed")]
    Words(#[source] serde_json::Error),
    /// A row that this program would not have written.
    #[error("the key of patient {0} is damaged: restore the record from a backup")]
    Key(String),
}

impl From<SealError> for TxError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Database(fault) => Self::from(fault),
            other => Self::refuse(other),
        }
    }
}

/// Seals words that belong to a row; makes the patient's key when there is none.
pub(crate) async fn seal(
    connection: &impl ConnectionTrait,
    patient: &str,
    row: &str,
    words: &str,
    now: WallMs,
) -> Result<Vec<u8>, SealError> {
    let known = Entity::find_by_id(patient).one(connection).await?;
    let known = match known {
        Some(known) => known,
        None => {
            let mut key = vec![0; KEY_BYTES];
            fill(&mut key)?;
            let made = Model {
                patient: patient.to_owned(),
                key,
                made_at_ms: now.0,
                destroyed_at_ms: None,
            };
            Entity::insert(made.clone().into_active_model())
                .exec_without_returning(connection)
                .await?;
            made
        }
    };
    let key = usable(&known)?.ok_or_else(|| SealError::Erased(patient.to_owned()))?;
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    let mut text = words.as_bytes().to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(bound(row, patient)),
        &mut text,
    )
    .map_err(|_| SealError::Key(patient.to_owned()))?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut text);
    Ok(sealed)
}

fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| SealError::Random)
}

/// What a text is bound to.
fn bound(row: &str, patient: &str) -> Vec<u8> {
    format!("veglia/1/{row}/{patient}").into_bytes()
}

/// The key of a row; none when it was destroyed.
fn usable(row: &Model) -> Result<Option<LessSafeKey>, SealError> {
    if row.destroyed_at_ms.is_some() {
        return Ok(None);
    }
    let key = UnboundKey::new(&AES_256_GCM, &row.key);
    let key = key.map_err(|_| SealError::Key(row.patient.clone()))?;
    Ok(Some(LessSafeKey::new(key)))
}

/// The keys that one reading has needed so far.
#[derive(Default)]
pub(crate) struct Keys(BTreeMap<String, Option<LessSafeKey>>);

impl Keys {
    /// The words of a row: sealed, or plain as those of a record that was kept before there were
    /// keys; none when the key was destroyed.
    pub(crate) async fn open(
        &mut self,
        tx: &Tx<'_>,
        patient: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Option<String>, TxError> {
        let key = match self.0.entry(patient.to_owned()) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(new) => {
                let known = Entity::find_by_id(patient).one(tx).await?;
                new.insert(match known {
                    Some(known) => usable(&known)?,
                    None => None,
                })
            }
        };
        let Some(key) = key else { return Ok(None) };
        let damaged = || TxError::refuse(ReadError::damaged("sealed text", row));
        let (nonce, text) = sealed.split_first_chunk().ok_or_else(damaged)?;
        let mut text = text.to_vec();
        let opened = key.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(bound(row, patient)),
            &mut text,
        );
        let opened = opened.map_err(|_| damaged())?;
        let words = std::str::from_utf8(opened).map_err(|_| damaged())?;
        Ok(Some(words.to_owned()))
    }
}

/// Whether a text of whoever writes would be refused or left out: the patient was forgotten.
pub(crate) async fn is_destroyed(tx: &Tx<'_>, patient: &str) -> Result<bool, TxError> {
    let known = Entity::find_by_id(patient).one(tx).await?;
    Ok(known.is_some_and(|row| row.destroyed_at_ms.is_some()))
}

/// Destroys the key of a patient, within the transaction that forgets them: what was sealed with it
/// is noise from now on, and nothing more is written. Doing so twice is no fault.
///
/// # Errors
/// What the database reports.
pub async fn destroy_key(tx: &Tx<'_>, patient: PatientId, now: WallMs) -> Result<(), TxError> {
    let known = Entity::find_by_id(patient.to_string()).one(tx).await?;
    match known {
        None => {
            let row = Model {
                patient: patient.to_string(),
                key: vec![0; KEY_BYTES],
                made_at_ms: now.0,
                destroyed_at_ms: Some(now.0),
            };
            Entity::insert(row.into_active_model())
                .exec_without_returning(tx)
                .await?;
        }
        Some(row) if row.destroyed_at_ms.is_none() => {
            let row = ActiveModel {
                patient: Unchanged(row.patient),
                key: Set(vec![0; KEY_BYTES]),
                destroyed_at_ms: Set(Some(now.0)),
                ..Default::default()
            };
            Entity::update(row).exec(tx).await?;
        }
        Some(_) => {}
    }
    Ok(())
}

/// When the key of a patient was destroyed, if it was.
///
/// # Errors
/// See [`ReadError`].
pub async fn key_destroyed(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Option<WallMs>, ReadError> {
    let read = record.read_tx("diary.key_destroyed", actor, move |tx| {
        Box::pin(async move {
            let row = Entity::find_by_id(patient.to_string()).one(tx).await?;
            Ok(row.and_then(|row| row.destroyed_at_ms).map(WallMs))
        })
    });
    Ok(read.await?)
}
