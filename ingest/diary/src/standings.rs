//! Where patients are: at home, in hospital, suspended, discharged, deceased; who said so, and why.
//!
//! A row is never altered; a correction is one more row. What holds at a moment is the row with the
//! highest number that begins by then. Ingest hears of each by the changes, and silence, reminders
//! and repeats stop while a patient is not at home; the open alerts hear of it in the same
//! transaction, and call nobody until the patient is back. So nothing is written of the future:
//! what does not come true would keep an alert quiet.

use std::collections::HashMap;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{PatientId, PatientStanding, Whereabouts};
use veglia_wire::WallMs;

use crate::acts::WORDS_CHARS_MAX;
use crate::alerts::grounds;
use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::hidden::Veil;
use crate::rows::standing::{ActiveModel, Column, Entity, Model};
use crate::sealed::{self, Keys};

/// Where a patient is, as somebody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// Where, and from when.
    pub standing: PatientStanding,
    /// Why, in their words.
    pub why: String,
    /// Who wrote it: `staff:42`.
    pub by: String,
    /// When.
    pub at: WallMs,
}

/// Why it was not written where a patient is.
#[derive(Debug, thiserror::Error)]
pub enum StandingRefused {
    /// No reason, or a very long one.
    #[error("say why in 1 to {WORDS_CHARS_MAX} ordinary characters")]
    Reason,
    /// From a moment that is not there yet.
    #[error("say where the patient is when it is so: nothing is written of the future")]
    Future,
    /// The database did not write.
    #[error("it was not written where the patient is")]
    Store(#[source] TxError),
}

/// Writes where a patient is from a moment on, and why. Returns the row's number within the
/// patient.
///
/// # Errors
/// See [`StandingRefused`]; nothing was written then.
pub async fn set_standing(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    (whereabouts, from): (Whereabouts, WallMs),
    why: &str,
    now: WallMs,
) -> Result<i64, StandingRefused> {
    let why = reason(why).ok_or(StandingRefused::Reason)?;
    if from > now {
        return Err(StandingRefused::Future);
    }
    let written = record.run_tx("diary.set_standing", actor, move |tx| {
        Box::pin(async move {
            let latest = latest_row(tx, patient).await?;
            let number = latest.map_or(1, |row| row.number.saturating_add(1));
            let row = ActiveModel {
                id: NotSet,
                patient: Set(patient.to_string()),
                number: Set(number),
                from_ms: Set(from.0),
                whereabouts: Set(whereabouts.name().to_owned()),
                why: Set(String::new()),
                sealed: Set(Some(
                    sealed::seal(tx, &patient.to_string(), &Model::place(number), why, now).await?,
                )),
                created_at_ms: Set(now.0),
                created_by: Set(tx.actor().to_string()),
            };
            let inserted = Entity::insert(row).exec(tx).await?;
            changes::note(tx, Kind::Standing, inserted.last_insert_id).await?;
            grounds::settle_all(tx, patient, now).await?;
            Ok(number)
        })
    });
    written.await.map_err(StandingRefused::Store)
}

/// All that was written of where a patient is, the newest first.
///
/// # Errors
/// See [`ReadError`].
pub async fn standings_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<Stood>, ReadError> {
    let rows = record.read_tx("diary.standings_of", actor, move |tx| {
        Box::pin(async move {
            let patient = patient.to_string();
            let rows = Entity::find().filter(Column::Patient.eq(&patient));
            let mut rows = rows.order_by_desc(Column::Number).all(tx).await?;
            let veil = Veil::of(tx, &patient).await?;
            let newest = rows.first().map_or(0, |row| row.number);
            rows.retain(|row| !veil.hides_standing(row, newest));
            let mut keys = Keys::default();
            let mut all = Vec::with_capacity(rows.len());
            for row in rows {
                all.push(opened(tx, &mut keys, row).await?);
            }
            Ok(all)
        })
    });
    Ok(rows.await?)
}

/// Where everybody is at a moment of whom anything was written; the others are at home.
///
/// # Errors
/// See [`ReadError`].
pub async fn whereabouts_at(
    record: &Database,
    actor: &Actor,
    at: WallMs,
) -> Result<HashMap<PatientId, Whereabouts>, ReadError> {
    let rows = record.read_tx("diary.whereabouts_at", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().filter(Column::FromMs.lte(at.0));
            Ok(rows.order_by_asc(Column::Number).all(tx).await?)
        })
    });
    let mut all = HashMap::new();
    for row in rows.await? {
        let standing = read(&row)?;
        all.insert(standing.patient, standing.whereabouts);
    }
    Ok(all)
}

/// A reason that can be kept, without the space around it.
pub(crate) fn reason(words: &str) -> Option<&str> {
    let words = words.trim();
    let is_odd = |letter: char| letter.is_control() && letter != '\n';
    let is_fit = (1..=WORDS_CHARS_MAX).contains(&words.chars().count());
    (is_fit && !words.contains(is_odd)).then_some(words)
}

pub(crate) async fn by_row(tx: &Tx<'_>, id: i64) -> Result<Option<PatientStanding>, TxError> {
    let row = Entity::find_by_id(id).one(tx).await?;
    let standing = row.map(|row| read(&row)).transpose();
    standing.map_err(TxError::refuse)
}

/// Where a patient is at a moment, by all that is written; at home before anything is.
pub(crate) async fn whereabouts_of(
    tx: &Tx<'_>,
    patient: PatientId,
    at: WallMs,
) -> Result<Whereabouts, TxError> {
    let rows = Entity::find()
        .filter(Column::Patient.eq(patient.to_string()))
        .filter(Column::FromMs.lte(at.0))
        .order_by_desc(Column::Number);
    let Some(row) = rows.one(tx).await? else {
        return Ok(Whereabouts::AtHome);
    };
    Ok(read(&row).map_err(TxError::refuse)?.whereabouts)
}

async fn latest_row(tx: &Tx<'_>, patient: PatientId) -> Result<Option<Model>, TxError> {
    let rows = Entity::find().filter(Column::Patient.eq(patient.to_string()));
    Ok(rows.order_by_desc(Column::Number).one(tx).await?)
}

/// Where a patient is, by a row.
pub(crate) fn read(row: &Model) -> Result<PatientStanding, ReadError> {
    let damaged = || ReadError::damaged("standing", row.id);
    Ok(PatientStanding {
        patient: row.patient.parse().map_err(|_| damaged())?,
        number: row.number,
        from: WallMs(row.from_ms),
        whereabouts: row.whereabouts.parse().map_err(|_| damaged())?,
    })
}

/// The same with its reason, opened; that of somebody who was forgotten is empty.
pub(crate) async fn opened(tx: &Tx<'_>, keys: &mut Keys, row: Model) -> Result<Stood, TxError> {
    let standing = read(&row).map_err(TxError::refuse)?;
    let why = match &row.sealed {
        None => row.why,
        Some(sealed) => {
            let place = Model::place(row.number);
            let opened = keys.open(tx, &row.patient, &place, sealed).await?;
            opened.unwrap_or_default()
        }
    };
    Ok(Stood {
        standing,
        why,
        by: row.created_by,
        at: WallMs(row.created_at_ms),
    })
}

impl Model {
    /// What its words are bound to.
    pub(crate) fn place(number: i64) -> String {
        format!("standing/{number}")
    }
}
