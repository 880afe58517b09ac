//! Who is on duty: the roster, quiet hours, absences and substitutes.
//!
//! A post (operator, second operator, doctor, out of hours) is held by whoever the roster names
//! for that moment. Somebody who is away is called through a substitute, who may be away too: a
//! few steps are followed, and a circle ends at the last one. Quiet hours hold back what is not
//! red; they never hold back a red.

mod called;

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::hours::moment;
use crate::reach_rows::{absence, quiet, shift};
use crate::rows::staff;
use crate::{Hours, Party, mmg};

pub use called::{CALLED_MAX, Called, mmg_of, on_duty, one};
pub(crate) use called::{STAND_INS_MAX, holds_in, in_place_of};

/// Places on the roster that are read at once: twelve weeks of a large centre.
const SHIFTS_MAX: u64 = 2_000;

/// A place that somebody holds at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Post {
    /// Answers first.
    Operator,
    /// Called when the first does not answer; the head of the shift.
    SecondOperator,
    /// The centre's doctor.
    Doctor,
    /// *Continuità Assistenziale*: doctors outside the hours of the family doctors.
    OutOfHours,
}

impl Post {
    /// Every post.
    pub const ALL: [Self; 4] = [
        Self::Operator,
        Self::SecondOperator,
        Self::Doctor,
        Self::OutOfHours,
    ];

    /// The word stored and typed at the command line.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::SecondOperator => "second-operator",
            Self::Doctor => "doctor",
            Self::OutOfHours => "out-of-hours",
        }
    }
}

/// A word that is no [`Post`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a post is one of operator, second-operator, doctor, out-of-hours")]
pub struct PostError;

impl FromStr for Post {
    type Err = PostError;

    fn from_str(text: &str) -> Result<Self, PostError> {
        let named = Self::ALL.into_iter().find(|post| post.code() == text);
        named.ok_or(PostError)
    }
}

/// From when to when; without an end, until another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub from: WallMs,
    /// Its end, which is not in it.
    pub until: Option<WallMs>,
}

/// A place on the roster, for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Which place.
    pub post: Post,
    /// Who holds it.
    pub party: Party,
    /// In which hours.
    pub hours: Hours,
    /// On which days.
    pub period: Period,
}

/// Why a word about duty was not written.
#[derive(Debug, Error)]
pub enum DutyError {
    /// An end before its beginning.
    #[error("the end must be after the beginning")]
    Backwards,
    /// Somebody standing in for themselves.
    #[error("nobody stands in for themselves: name somebody else")]
    Themselves,
    /// Nobody has this number.
    #[error("there is nobody known as {0}")]
    Unknown(Party),
    /// The database did not write.
    #[error("it was not written on the roster")]
    Store(#[source] TxError),
}

/// A text that is no day and no moment.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0:?} is no moment: write 2020-11-02, or 2020-11-02T08:00, by the clock in Italy")]
pub struct MomentError(String);

/// A day or a minute by the clock in Italy; a day begins at midnight.
///
/// # Errors
/// When the text is neither.
pub fn read_moment(text: &str) -> Result<WallMs, MomentError> {
    let refused = || MomentError(text.chars().take(40).collect());
    let shown = match text.parse::<Date>() {
        Ok(day) if !text.contains('T') => day.at(0, 0, 0, 0),
        _ => text.parse::<DateTime>().map_err(|_| refused())?,
    };
    moment(shown).map_err(|_| refused())
}

/// Gives somebody a post in these hours.
///
/// # Errors
/// See [`DutyError`]; nothing was written then.
pub async fn add_shift(record: &Database, actor: &Actor, new: &Shift) -> Result<(), DutyError> {
    if new.period.until.is_some_and(|end| end <= new.period.from) {
        return Err(DutyError::Backwards);
    }
    let known = record
        .run_tx("duty.add", actor, move |tx| {
            Box::pin(async move {
                if !exists(tx, new.party).await? {
                    return Ok(false);
                }
                let row = shift::ActiveModel {
                    id: NotSet,
                    post: Set(new.post.code().to_owned()),
                    party: Set(new.party.to_string()),
                    hours: Set(new.hours.as_str().to_owned()),
                    from_ms: Set(new.period.from.0),
                    until_ms: Set(new.period.until.map(|end| end.0)),
                    written_by: Set(tx.actor().to_string()),
                };
                shift::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok(true)
            })
        })
        .await
        .map_err(DutyError::Store)?;
    known.then_some(()).ok_or(DutyError::Unknown(new.party))
}

/// Ends every place that somebody holds at a post; how many there were.
///
/// # Errors
/// What the database reports.
pub async fn end_shifts(
    record: &Database,
    actor: &Actor,
    post: Post,
    party: Party,
    at: WallMs,
) -> Result<u64, TxError> {
    record
        .run_tx("duty.end", actor, move |tx| {
            Box::pin(async move {
                let ended = shift::Entity::update_many()
                    .col_expr(shift::Column::UntilMs, Expr::value(at.0))
                    .filter(shift::Column::Post.eq(post.code()))
                    .filter(shift::Column::Party.eq(party.to_string()))
                    .filter(lasts(shift::Column::UntilMs, at))
                    .exec(tx)
                    .await?;
                Ok(ended.rows_affected)
            })
        })
        .await
}

/// When somebody is left alone, unless it is red; `None` takes it back.
///
/// # Errors
/// See [`DutyError`]; nothing was written then.
pub async fn set_quiet(
    record: &Database,
    actor: &Actor,
    party: Party,
    hours: Option<&Hours>,
) -> Result<(), DutyError> {
    let known = record
        .run_tx("duty.quiet", actor, move |tx| {
            Box::pin(async move {
                if !exists(tx, party).await? {
                    return Ok(false);
                }
                let Some(hours) = hours else {
                    quiet::Entity::delete_by_id(party.to_string())
                        .exec(tx)
                        .await?;
                    return Ok(true);
                };
                let row = quiet::ActiveModel {
                    party: Set(party.to_string()),
                    hours: Set(hours.as_str().to_owned()),
                    written_by: Set(tx.actor().to_string()),
                };
                let mut again = OnConflict::column(quiet::Column::Party);
                again.update_columns([quiet::Column::Hours, quiet::Column::WrittenBy]);
                quiet::Entity::insert(row)
                    .on_conflict(again)
                    .exec_without_returning(tx)
                    .await?;
                Ok(true)
            })
        })
        .await
        .map_err(DutyError::Store)?;
    known.then_some(()).ok_or(DutyError::Unknown(party))
}

/// Has `substitute` called in somebody's place from `from` until `until`.
///
/// # Errors
/// See [`DutyError`]; nothing was written then.
pub async fn stand_in(
    record: &Database,
    actor: &Actor,
    party: Party,
    substitute: Party,
    from: WallMs,
    until: WallMs,
) -> Result<(), DutyError> {
    if until <= from {
        return Err(DutyError::Backwards);
    }
    if party == substitute {
        return Err(DutyError::Themselves);
    }
    let unknown = record
        .run_tx("duty.stand_in", actor, move |tx| {
            Box::pin(async move {
                for named in [party, substitute] {
                    if !exists(tx, named).await? {
                        return Ok(Some(named));
                    }
                }
                let row = absence::ActiveModel {
                    id: NotSet,
                    party: Set(party.to_string()),
                    substitute: Set(substitute.to_string()),
                    from_ms: Set(from.0),
                    until_ms: Set(until.0),
                    written_by: Set(tx.actor().to_string()),
                };
                absence::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok(None)
            })
        })
        .await
        .map_err(DutyError::Store)?;
    unknown.map_or(Ok(()), |named| Err(DutyError::Unknown(named)))
}

/// The roster from `at` on.
///
/// # Errors
/// What the database reports.
pub async fn roster(record: &Database, actor: &Actor, at: WallMs) -> Result<Vec<Shift>, TxError> {
    record
        .read_tx("duty.roster", actor, move |tx| {
            Box::pin(async move {
                let rows = shift::Entity::find()
                    .filter(lasts(shift::Column::UntilMs, at))
                    .order_by_asc(shift::Column::Id)
                    .limit(SHIFTS_MAX)
                    .all(tx)
                    .await?;
                Ok(rows.into_iter().filter_map(Shift::from_row).collect())
            })
        })
        .await
}

/// An account that may be used, or a doctor on file.
async fn exists(tx: &Tx<'_>, party: Party) -> Result<bool, TxError> {
    match party {
        Party::Mmg(id) => Ok(mmg::get_in(tx, id).await?.is_some()),
        Party::Staff(id) => {
            let row = staff::Entity::find_by_id(id.get()).one(tx).await?;
            Ok(row.is_some_and(|row| row.disabled_at_ms.is_none()))
        }
    }
}

fn lasts(until: shift::Column, at: WallMs) -> Condition {
    Condition::any().add(until.is_null()).add(until.gt(at.0))
}

impl Shift {
    fn from_row(row: shift::Model) -> Option<Self> {
        Some(Self {
            post: row.post.parse().ok()?,
            party: row.party.parse().ok()?,
            hours: row.hours.parse().ok()?,
            period: Period {
                from: WallMs(row.from_ms),
                until: row.until_ms.map(WallMs),
            },
        })
    }
}
