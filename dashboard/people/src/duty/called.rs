//! Who is called at a moment: the roster, then substitutes, then the ways of reaching them.

use std::collections::HashSet;
use std::fmt;

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use super::{Post, SHIFTS_MAX, Shift, lasts};
use crate::contacts::{self, Address};
use crate::reach_rows::{absence, quiet, shift};
use crate::{Hours, Party, PersonId, mmg};

/// People called at one post at once: more would each think that another answers.
pub const CALLED_MAX: usize = 8;

/// Substitutes of substitutes that are followed.
pub(crate) const STAND_INS_MAX: usize = 4;

/// Somebody to be called, and how. `Debug` shows who by number.
#[derive(Clone, PartialEq, Eq)]
pub struct Called {
    /// Who: after substitution.
    pub party: Party,
    /// Ways of reaching them, the first to be tried first; may be empty.
    pub addresses: Vec<Address>,
    /// When what is not red waits.
    pub quiet: Option<Hours>,
    /// A family doctor's hours; staff have the roster.
    pub surgery: Option<Hours>,
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Called({}, {:?})", self.party, self.addresses)
    }
}

/// Who holds a post at `at`, each once, after substitution.
///
/// # Errors
/// What the database reports.
pub async fn on_duty(
    record: &Database,
    actor: &Actor,
    post: Post,
    at: WallMs,
) -> Result<Vec<Called>, TxError> {
    record
        .read_tx("duty.on_duty", actor, move |tx| {
            Box::pin(async move {
                let mut called: Vec<Called> = Vec::new();
                for shift in shifts_in(tx, post, at).await? {
                    let person = in_place_of(tx, shift.party, at).await?;
                    let is_new = called.iter().all(|it| it.party != person);
                    if is_new && called.len() < CALLED_MAX {
                        called.push(reached(tx, person).await?);
                    }
                }
                Ok(called)
            })
        })
        .await
}

/// The places at a post whose days and hours `at` is in.
async fn shifts_in(tx: &Tx<'_>, post: Post, at: WallMs) -> Result<Vec<Shift>, TxError> {
    let rows = shift::Entity::find()
        .filter(shift::Column::Post.eq(post.code()))
        .filter(shift::Column::FromMs.lte(at.0))
        .filter(lasts(shift::Column::UntilMs, at))
        .order_by_asc(shift::Column::Id)
        .limit(SHIFTS_MAX)
        .all(tx)
        .await?;
    let shifts = rows.into_iter().filter_map(Shift::from_row);
    // Hours that cannot be told let nobody fall off the roster.
    Ok(shifts
        .filter(|shift| shift.hours.contain(at).unwrap_or(true))
        .collect())
}

/// Whether somebody holds a post at `at`, after substitution.
pub(crate) async fn holds_in(
    tx: &Tx<'_>,
    post: Post,
    party: Party,
    at: WallMs,
) -> Result<bool, TxError> {
    for shift in shifts_in(tx, post, at).await? {
        if in_place_of(tx, shift.party, at).await? == party {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The family doctor of a patient at `at`, or who stands in.
///
/// # Errors
/// What the database reports.
pub async fn mmg_of(
    record: &Database,
    actor: &Actor,
    patient: PersonId,
    at: WallMs,
) -> Result<Option<Called>, TxError> {
    record
        .read_tx("duty.mmg_of", actor, move |tx| {
            Box::pin(async move {
                let Some(doctor) = mmg::of_in(tx, patient, at).await? else {
                    return Ok(None);
                };
                let person = in_place_of(tx, Party::Mmg(doctor.id), at).await?;
                reached(tx, person).await.map(Some)
            })
        })
        .await
}

/// One who is called by name at `at`, or who stands in.
///
/// # Errors
/// What the database reports.
pub async fn one(
    record: &Database,
    actor: &Actor,
    party: Party,
    at: WallMs,
) -> Result<Called, TxError> {
    record
        .read_tx("duty.one", actor, move |tx| {
            Box::pin(async move {
                let person = in_place_of(tx, party, at).await?;
                reached(tx, person).await
            })
        })
        .await
}

/// Whoever stands in for somebody at `at`, or themselves.
pub(crate) async fn in_place_of(tx: &Tx<'_>, party: Party, at: WallMs) -> Result<Party, TxError> {
    let mut person = party;
    let mut passed = HashSet::from([person]);
    for _ in 0..STAND_INS_MAX {
        let away = absence::Entity::find()
            .filter(absence::Column::Party.eq(person.to_string()))
            .filter(absence::Column::FromMs.lte(at.0))
            .filter(absence::Column::UntilMs.gt(at.0))
            .order_by_desc(absence::Column::Id)
            .one(tx)
            .await?;
        match away.and_then(|row| row.substitute.parse().ok()) {
            Some(substitute) if passed.insert(substitute) => person = substitute,
            _ => break,
        }
    }
    Ok(person)
}

async fn reached(tx: &Tx<'_>, party: Party) -> Result<Called, TxError> {
    let addresses = contacts::of_in(tx, party).await?;
    let quiet = quiet::Entity::find_by_id(party.to_string()).one(tx).await?;
    let surgery = match party {
        Party::Mmg(id) => mmg::get_in(tx, id).await?.map(|doctor| doctor.hours),
        Party::Staff(_) => None,
    };
    Ok(Called {
        party,
        addresses,
        quiet: quiet.and_then(|row| row.hours.parse().ok()),
        surgery,
    })
}
