//! The roll: what a list of many patients says of each of them, read for many at once.
//!
//! A list of a hundred thousand asks for a thousand at a time. Who is not on file is not in the
//! answer.

use std::collections::HashMap;
use std::fmt;

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::care::followed_in;
use crate::patients::FullName;
use crate::place::Place;
use crate::reach_rows::{care, mmg};
use crate::rows::person;
use crate::{MmgId, PersonId};

/// People asked for in one statement; more are asked for in several.
const PER_QUERY: usize = 500;

/// What a list says of somebody. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Their name.
    pub name: FullName,
    /// Their family doctor, with the doctor's name.
    pub doctor: Option<(MmgId, String)>,
    /// Where they live.
    pub place: Option<Place>,
    /// Whether the centre follows them.
    pub is_followed: bool,
}

/// What is on file of these people at `at`.
///
/// # Errors
/// What the database reports.
pub async fn call(
    record: &Database,
    actor: &Actor,
    ids: &[PersonId],
    at: WallMs,
) -> Result<HashMap<PersonId, Enrolled>, TxError> {
    record
        .read_tx("roll.call", actor, move |tx| {
            Box::pin(async move {
                let mut roll = HashMap::with_capacity(ids.len());
                let mut doctors = HashMap::new();
                for some in ids.chunks(PER_QUERY) {
                    let numbers: Vec<i64> = some.iter().map(|id| id.get()).collect();
                    let followed = followed_in(tx, &numbers, at).await?;
                    let whose = doctors_of(tx, &numbers, at).await?;
                    learn_names(tx, &mut doctors, &whose).await?;
                    let people = person::Entity::find()
                        .filter(person::Column::Id.is_in(numbers))
                        .filter(person::Column::ForgottenAtMs.is_null())
                        .all(tx)
                        .await?;
                    for row in people {
                        let Some(id) = PersonId::new(row.id) else {
                            continue;
                        };
                        let doctor = whose.get(&row.id).and_then(|doctor| {
                            let name = doctors.get(doctor)?.clone();
                            Some((MmgId::from_row(*doctor), name))
                        });
                        let name = FullName {
                            name: row.name,
                            surname: row.surname,
                        };
                        let enrolled = Enrolled {
                            place: Place::of_address(&row.address),
                            name,
                            doctor,
                            is_followed: followed.contains(&row.id),
                        };
                        roll.insert(id, enrolled);
                    }
                }
                Ok(roll)
            })
        })
        .await
}

/// By person: the number of their doctor at `at`; of two, the one written later.
async fn doctors_of(tx: &Tx<'_>, people: &[i64], at: WallMs) -> Result<HashMap<i64, i64>, TxError> {
    let not_over = Condition::any()
        .add(care::Column::UntilMs.is_null())
        .add(care::Column::UntilMs.gt(at.0));
    let rows = care::Entity::find()
        .filter(care::Column::PersonId.is_in(people.iter().copied()))
        .filter(care::Column::FromMs.lte(at.0))
        .filter(not_over)
        .order_by_asc(care::Column::Id)
        .all(tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.person_id, row.mmg_id))
        .collect())
}

/// The names of doctors that are not known yet.
async fn learn_names(
    tx: &Tx<'_>,
    known: &mut HashMap<i64, String>,
    whose: &HashMap<i64, i64>,
) -> Result<(), TxError> {
    let mut strange: Vec<i64> = whose
        .values()
        .filter(|doctor| !known.contains_key(doctor))
        .copied()
        .collect();
    strange.sort_unstable();
    strange.dedup();
    if strange.is_empty() {
        return Ok(());
    }
    let rows = mmg::Entity::find().filter(mmg::Column::Id.is_in(strange));
    let rows = rows.all(tx).await?;
    known.extend(rows.into_iter().map(|row| (row.id, row.name)));
    Ok(())
}

impl fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolled(…)")
    }
}
