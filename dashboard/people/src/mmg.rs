//! Family doctors (*medici di medicina generale*, MMG): who they are, when they work, and whose.
//!
//! A patient has one at a time, with dates. A doctor's hours decide whether a call goes out now or
//! at the next opening; a substitute ([`crate::duty::stand_in`]) is called while one is away.

use std::fmt;

use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::contacts::{self, Address};
use crate::patients::MAX_NAME_CHARS;
use crate::reach_rows::{care, mmg};
use crate::rows::person;
use crate::{Hours, MmgId, Party, PersonId};

/// Doctors listed at once: an agency has some thousands, a centre works with hundreds.
pub const LISTED_MAX: u64 = 5_000;

/// A family doctor. `Debug` shows the number alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Mmg {
    /// Which one.
    pub id: MmgId,
    /// How the doctor is called.
    pub name: String,
    /// When the surgery is open.
    pub hours: Hours,
}

/// A doctor to be written down. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMmg {
    /// How the doctor is called.
    pub name: String,
    /// When the surgery is open.
    pub hours: Hours,
    /// Ways of reaching the doctor, the first to be tried first.
    pub contacts: Vec<Address>,
}

/// Why a doctor, or whose doctor, was not written.
#[derive(Debug, Error)]
pub enum MmgError {
    /// The name cannot be shown.
    #[error("the name must have 1 to {MAX_NAME_CHARS} ordinary characters")]
    Name,
    /// Nobody could reach them.
    #[error("a family doctor needs an e-mail address or a mobile number")]
    NoContact,
    /// No doctor has this number.
    #[error("there is no family doctor {0}: `veglia mmg list` shows them")]
    Unknown(MmgId),
    /// No patient has this number.
    #[error("there is no patient {0}")]
    UnknownPatient(PersonId),
    /// The database did not write.
    #[error("the family doctor was not written")]
    Store(#[source] TxError),
}

/// Writes a doctor down, with the ways of reaching them.
///
/// # Errors
/// See [`MmgError`]; nothing was written then.
pub async fn add(
    record: &Database,
    actor: &Actor,
    new: &NewMmg,
    now: WallMs,
) -> Result<MmgId, MmgError> {
    let name = new.name.trim();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(MmgError::Name);
    }
    if new.contacts.is_empty() || new.contacts.len() > contacts::MAX_CONTACTS {
        return Err(MmgError::NoContact);
    }
    record
        .run_tx("mmg.add", actor, move |tx| {
            Box::pin(async move {
                let row = mmg::ActiveModel {
                    id: NotSet,
                    name: Set(name.to_owned()),
                    hours: Set(new.hours.as_str().to_owned()),
                    registered_at_ms: Set(now.0),
                    registered_by: Set(tx.actor().to_string()),
                };
                let id = mmg::Entity::insert(row).exec(tx).await?.last_insert_id;
                let id = MmgId::from_row(id);
                for address in &new.contacts {
                    contacts::add_in(tx, Party::Mmg(id), address, now).await?;
                }
                Ok(id)
            })
        })
        .await
        .map_err(MmgError::Store)
}

/// Every doctor, by name.
///
/// # Errors
/// What the database reports.
pub async fn list(record: &Database, actor: &Actor) -> Result<Vec<Mmg>, TxError> {
    let rows = record
        .read_tx("mmg.list", actor, move |tx| {
            Box::pin(async move {
                let by_name = mmg::Entity::find().order_by_asc(mmg::Column::Name);
                Ok(by_name.limit(LISTED_MAX).all(tx).await?)
            })
        })
        .await?;
    Ok(rows.into_iter().filter_map(Mmg::from_row).collect())
}

/// Gives a patient a family doctor from `from` on; the one before ends then.
///
/// # Errors
/// See [`MmgError`]; nothing was written then.
pub async fn assign(
    record: &Database,
    actor: &Actor,
    patient: PersonId,
    doctor: MmgId,
    from: WallMs,
) -> Result<(), MmgError> {
    let assigned = record.run_tx("mmg.assign", actor, move |tx| {
        Box::pin(assign_in(tx, patient, doctor, from))
    });
    assigned.await.map_err(MmgError::Store)?
}

/// The same within a transaction of others: whoever enrols a patient says whose they are with it.
///
/// # Errors
/// What the database reports; that one of them is unknown is the answer, and whoever has the
/// transaction then gives it up.
pub async fn assign_in(
    tx: &Tx<'_>,
    patient: PersonId,
    doctor: MmgId,
    from: WallMs,
) -> Result<Result<(), MmgError>, TxError> {
    let person = person::Entity::find_by_id(patient.get()).one(tx).await?;
    if person.is_none() {
        return Ok(Err(MmgError::UnknownPatient(patient)));
    }
    if get_in(tx, doctor).await?.is_none() {
        return Ok(Err(MmgError::Unknown(doctor)));
    }
    care::Entity::update_many()
        .col_expr(care::Column::UntilMs, Expr::value(from.0))
        .filter(care::Column::PersonId.eq(patient.get()))
        .filter(care::Column::UntilMs.is_null())
        .exec(tx)
        .await?;
    let row = care::ActiveModel {
        id: NotSet,
        person_id: Set(patient.get()),
        mmg_id: Set(doctor.get()),
        from_ms: Set(from.0),
        until_ms: Set(None),
        written_by: Set(tx.actor().to_string()),
    };
    care::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(Ok(()))
}

/// The doctor whom a patient has at `at`, if one is known.
pub(crate) async fn of_in(
    tx: &Tx<'_>,
    patient: PersonId,
    at: WallMs,
) -> Result<Option<Mmg>, TxError> {
    let not_over = Condition::any()
        .add(care::Column::UntilMs.is_null())
        .add(care::Column::UntilMs.gt(at.0));
    let row = care::Entity::find()
        .filter(care::Column::PersonId.eq(patient.get()))
        .filter(care::Column::FromMs.lte(at.0))
        .filter(not_over)
        .order_by_desc(care::Column::Id)
        .one(tx)
        .await?;
    match row {
        Some(row) => get_in(tx, MmgId::from_row(row.mmg_id)).await,
        None => Ok(None),
    }
}

pub(crate) async fn get_in(tx: &Tx<'_>, id: MmgId) -> Result<Option<Mmg>, TxError> {
    let row = mmg::Entity::find_by_id(id.get()).one(tx).await?;
    Ok(row.and_then(Mmg::from_row))
}

impl Mmg {
    fn from_row(row: mmg::Model) -> Option<Self> {
        Some(Self {
            id: MmgId::from_row(row.id),
            name: row.name,
            hours: row.hours.parse().ok()?,
        })
    }
}

impl fmt::Debug for Mmg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mmg({})", self.id)
    }
}

impl fmt::Debug for NewMmg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewMmg(…)")
    }
}
