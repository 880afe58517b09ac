//! The citizen's door: telephone and code, then a one-time code by SMS, then a short visit.
//!
//! ```text
//! ask(telephone | link, code) ─▶ entry, whoever it is ─▶ Messenger ─▶ an SMS, to a pair on file
//! show(entry, one-time code) ─▶ visit ─▶ whose ─▶ one case
//! ```
//! Telephone and *Codice Fiscale* say who somebody is and prove nothing: relatives know both. The
//! one-time code proves that the telephone is in the hand; the personal link of the first SMS only
//! spares typing the number.
//!
//! **The same for everybody.** A pair that is on file and any other get the same answer after the
//! same statements: an entry is written for both, with a code that for the other nobody is sent.
//! Who is written to is decided afterwards, outside of the request. Codes are compared exactly as
//! they are on file.
//!
//! **Limits**, for a telephone or a link, for a code and for an address, go by what was typed,
//! whether anybody has it or not. At most [`A_DAY`] codes a day for a telephone, each with
//! [`TRIES`] tries of a million: whoever guesses without rest hits once in 55 years. Whoever shuts
//! a stranger's number out for a day does not shut out the link.

use std::net::IpAddr;

use thiserror::Error;
use tokio::sync::mpsc;
use veglia_people::Phone;
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::{Alias, ExprTrait, Query};
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::cases::CaseId;
use crate::code::PersonCode;
use crate::invitation::LINK_MS;
use crate::messenger::Letter;
use crate::rows::{entry, link, result, visit};
use crate::secret::{Secret, digest};

/// How long a one-time code holds: an SMS may take minutes.
pub const CODE_MS: i64 = 10 * 60 * 1_000;

/// Tries for one code: people mistype.
pub const TRIES: i64 = 5;

/// Codes an hour, for a telephone or link, and for a *Codice Fiscale*.
const AN_HOUR: u64 = 5;

/// The same in a day.
pub const A_DAY: u64 = 10;

/// Codes an hour for an address: mobile networks give one to many telephones, and a household of
/// cases asks for a few. Whoever tries numbers in turn tries no more than these.
pub const AN_HOUR_BY_ADDRESS: u64 = 60;

/// The same for everybody together: three times the positives of Lombardia's worst day, all of whom
/// come at once. What a flood writes is bounded by it.
const AN_HOUR_IN_ALL: u64 = 30_000;

/// Unused for this long a visit ends: telephones are lent.
pub const IDLE_MS: i64 = 15 * 60 * 1_000;

/// No visit lasts longer.
pub const WHOLE_MS: i64 = 2 * HOUR_MS;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Use is written down no more often than this.
const NOTED_EVERY_MS: i64 = 60 * 1_000;

/// How many codes there are: six digits, as telephones offer to fill in.
const CODES: u32 = 1_000_000;

const ACTOR: Actor = Actor::System("citizen");

/// The door of a record.
#[derive(Debug, Clone)]
pub struct Door {
    record: Database,
    letters: mpsc::Sender<Letter>,
}

/// Whose number it is said to be.
#[derive(Debug, Clone, Copy)]
pub enum Reached<'a> {
    /// As it was typed.
    Phone(&'a Phone),
    /// The number that a personal link was sent to.
    Link(&'a Secret),
}

/// Why nobody was let in.
#[derive(Debug, Error)]
pub enum DoorError {
    /// Too many codes were asked for: for this number, this code or from this address.
    #[error("too many codes were asked for: try again in an hour, or call the Centrale Medica")]
    TooMany,
    /// The code is wrong, over, used, or was tried too often; or nobody has this pair.
    #[error("the one-time code opens nothing")]
    Refused,
    /// More wait for their SMS than can be written to.
    #[error("too many wait for a code: try again in a few minutes")]
    Busy,
    /// The system gave no random numbers.
    #[error("no code could be made")]
    Random(#[source] getrandom::Error),
    /// The database did not answer.
    #[error("the door did not open")]
    Store(#[source] TxError),
}

/// What limits are counted by; hashes, because most of it is strangers' data.
struct Counted {
    way: String,
    code: String,
    address: String,
}

impl Door {
    /// A door at which [`crate::Messenger`] takes the letters.
    pub(crate) fn new(record: Database, letters: mpsc::Sender<Letter>) -> Self {
        Self { record, letters }
    }

    /// Asks for a one-time code. The secret is for the browser; it is given for every pair.
    ///
    /// # Errors
    /// See [`DoorError`]; the same for every pair.
    pub async fn ask(
        &self,
        reached: Reached<'_>,
        code: &PersonCode,
        from: IpAddr,
        now: WallMs,
    ) -> Result<Secret, DoorError> {
        let place = self.letters.try_reserve().map_err(|_| DoorError::Busy)?;
        let secret = Secret::random().map_err(DoorError::Random)?;
        let digits = six_digits().map_err(DoorError::Random)?;
        let entry = &Entry {
            hash: secret.hash(),
            code_hash: shown(&secret, &digits),
            counted: Counted::of(reached, code, from),
        };
        let asked = self.record.run_tx("citizen.ask", &ACTOR, move |tx| {
            Box::pin(async move { Ok(enter(tx, entry, reached, code, now).await?) })
        });
        let (phone, case) = asked
            .await
            .map_err(DoorError::Store)?
            .ok_or(DoorError::TooMany)?;
        place.send(Letter {
            entry: entry.hash.clone(),
            case: case.map(CaseId),
            phone,
            digits,
            at: now,
        });
        Ok(secret)
    }

    /// Shows a one-time code; the secret is then of a visit.
    ///
    /// # Errors
    /// See [`DoorError`].
    pub async fn show(
        &self,
        entry: &Secret,
        digits: &str,
        now: WallMs,
    ) -> Result<(Secret, CaseId), DoorError> {
        let typed: String = digits.chars().filter(char::is_ascii_digit).collect();
        let code_hash = &shown(entry, &typed);
        let hash = &entry.hash();
        let secret = Secret::random().map_err(DoorError::Random)?;
        let visit_hash = &secret.hash();
        let judged = self.record.run_tx("citizen.show", &ACTOR, move |tx| {
            Box::pin(async move {
                // The try is counted before the code is looked at, and only while some are left.
                let counted = entry::Entity::update_many()
                    .col_expr(
                        entry::Column::Tries,
                        Expr::col(entry::Column::Tries).add(1_i64),
                    )
                    .filter(entry::Column::TokenHash.eq(hash))
                    .filter(entry::Column::Tries.lt(TRIES))
                    .filter(entry::Column::AtMs.gt(now.plus_ms(-CODE_MS).0))
                    .exec(tx)
                    .await?;
                let row = entry::Entity::find_by_id(hash.clone()).one(tx).await?;
                let right =
                    row.filter(|row| counted.rows_affected == 1 && row.code_hash == *code_hash);
                let Some(case) = right.and_then(|row| row.case_id) else {
                    return Ok(None);
                };
                // Used once: it opens nothing more, and still counts towards the limits.
                entry::Entity::update_many()
                    .col_expr(entry::Column::Tries, Expr::value(TRIES))
                    .filter(entry::Column::TokenHash.eq(hash))
                    .exec(tx)
                    .await?;
                open(tx, visit_hash, case, now).await?;
                Ok(Some(CaseId(case)))
            })
        });
        let case = judged.await.map_err(DoorError::Store)?;
        case.map(|case| (secret, case)).ok_or(DoorError::Refused)
    }

    /// Which case a visit opens, while it is open. Counts as use.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn whose(&self, visit: &Secret, now: WallMs) -> Result<Option<CaseId>, TxError> {
        let hash = &visit.hash();
        let found = self.record.read_tx("citizen.whose", &ACTOR, move |tx| {
            Box::pin(async move { Ok(visit::Entity::find_by_id(hash.clone()).one(tx).await?) })
        });
        let Some(row) = found.await?.filter(|row| is_open(row, now)) else {
            return Ok(None);
        };
        if now.since(WallMs(row.seen_at_ms)) >= NOTED_EVERY_MS {
            let noted = self.record.run_tx("citizen.seen", &ACTOR, move |tx| {
                Box::pin(async move {
                    visit::Entity::update_many()
                        .col_expr(visit::Column::SeenAtMs, Expr::value(now.0))
                        .filter(visit::Column::TokenHash.eq(hash))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            });
            noted.await?;
        }
        Ok(Some(CaseId(row.case_id)))
    }

    /// Ends a visit; ending one that is over is no fault.
    ///
    /// # Errors
    /// What the database reports; the visit may then still be open.
    pub async fn leave(&self, visit: &Secret) -> Result<(), TxError> {
        let hash = &visit.hash();
        let left = self.record.run_tx("citizen.leave", &ACTOR, move |tx| {
            Box::pin(async move {
                visit::Entity::delete_by_id(hash.clone()).exec(tx).await?;
                Ok(())
            })
        });
        left.await
    }
}

impl Counted {
    fn of(reached: Reached<'_>, code: &PersonCode, from: IpAddr) -> Self {
        let (way, code) = match reached {
            Reached::Phone(phone) => (
                digest(&["phone", phone.as_str()]),
                digest(&["code", code.as_str()]),
            ),
            // Whoever has the link is not shut out by strangers who know number and code.
            Reached::Link(link) => (
                digest(&["link", link.reveal()]),
                digest(&["link code", link.reveal(), code.as_str()]),
            ),
        };
        // A socket of both families, or a proxy, names IPv4 as a part of IPv6.
        let network = match from.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            // A house has a /64 of its own.
            IpAddr::V6(address) => format!("{:x}", u128::from(address) >> 64),
        };
        Self {
            way,
            code,
            address: digest(&["address", &network]),
        }
    }
}

/// Somebody who wants to come in, before anything is known of them.
struct Entry {
    hash: String,
    code_hash: String,
    counted: Counted,
}

/// Writes an entry, for whoever it is; the number and the case of a pair that is on file. None when
/// a limit is reached. Every pair costs the same statements.
async fn enter(
    tx: &impl ConnectionTrait,
    entry: &Entry,
    reached: Reached<'_>,
    code: &PersonCode,
    now: WallMs,
) -> Result<Option<(String, Option<i64>)>, DbErr> {
    if is_too_many(tx, &entry.counted, now).await? {
        return Ok(None);
    }
    let phone = number(tx, reached, now).await?;
    let case = pair(tx, &phone, code).await?;
    let row = entry::Model {
        token_hash: entry.hash.clone(),
        case_id: case,
        code_hash: entry.code_hash.clone(),
        tries: 0,
        by_way: entry.counted.way.clone(),
        by_code: entry.counted.code.clone(),
        by_address: entry.counted.address.clone(),
        at_ms: now.0,
    };
    entry::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await?;
    Ok(Some((phone, case)))
}

/// Forgets what no limit counts any more, and asks for each whether it is reached.
async fn is_too_many(
    tx: &impl ConnectionTrait,
    counted: &Counted,
    now: WallMs,
) -> Result<bool, DbErr> {
    let over = entry::Column::AtMs.lte(now.plus_ms(-DAY_MS).0);
    entry::Entity::delete_many().filter(over).exec(tx).await?;
    let limits = [
        (entry::Column::ByWay, &counted.way, HOUR_MS, AN_HOUR),
        (entry::Column::ByWay, &counted.way, DAY_MS, A_DAY),
        (entry::Column::ByCode, &counted.code, HOUR_MS, AN_HOUR),
        (entry::Column::ByCode, &counted.code, DAY_MS, A_DAY),
        (
            entry::Column::ByAddress,
            &counted.address,
            HOUR_MS,
            AN_HOUR_BY_ADDRESS,
        ),
    ];
    let mut too_many = false;
    for (column, value, within_ms, most) in limits {
        let asked = entry::Entity::find()
            .filter(column.eq(value.as_str()))
            .filter(entry::Column::AtMs.gt(now.plus_ms(-within_ms).0))
            .count(tx)
            .await?;
        too_many |= asked >= most;
    }
    let in_all = entry::Entity::find()
        .filter(entry::Column::AtMs.gt(now.plus_ms(-HOUR_MS).0))
        .count(tx)
        .await?;
    Ok(too_many || in_all >= AN_HOUR_IN_ALL)
}

/// The number; of a link that is none, or over, one that nobody has.
async fn number(
    tx: &impl ConnectionTrait,
    reached: Reached<'_>,
    now: WallMs,
) -> Result<String, DbErr> {
    match reached {
        Reached::Phone(phone) => Ok(phone.as_str().to_owned()),
        Reached::Link(secret) => {
            let row = link::Entity::find_by_id(secret.hash()).one(tx).await?;
            let row = row.filter(|row| now.since(WallMs(row.made_at_ms)) < LINK_MS);
            Ok(row.map_or_else(String::new, |row| row.phone))
        }
    }
}

/// The newest case of exactly this number and this code; else one of which every result was given
/// to somebody else, by the last that was said of it: whoever was told of it is told that, too.
async fn pair(
    tx: &impl ConnectionTrait,
    phone: &str,
    code: &PersonCode,
) -> Result<Option<i64>, DbErr> {
    let other = Alias::new("other");
    let column = |it| Expr::col((other.clone(), it));
    let is_later = Condition::any()
        .add(column(result::Column::IsNewest).eq(true))
        .add(column(result::Column::Id).gt(Expr::col((result::Entity, result::Column::Id))));
    let of_case = (result::Entity, result::Column::CaseId);
    let mut later = Query::select();
    later
        .expr(Expr::val(1))
        .from_as(result::Entity, other.clone())
        .and_where(column(result::Column::CaseId).equals(of_case))
        .cond_where(is_later);
    let counts = Condition::any()
        .add(result::Column::IsNewest.eq(true))
        .add(Expr::exists(later).not());
    let row = result::Entity::find()
        .filter(result::Column::Phone.eq(phone))
        .filter(result::Column::Code.eq(code.as_str()))
        .filter(counts)
        .order_by_desc(result::Column::IsNewest)
        .order_by_desc(result::Column::CaseId)
        .limit(1)
        .one(tx)
        .await?;
    Ok(row.map(|row| row.case_id))
}

async fn open(tx: &Tx<'_>, hash: &str, case: i64, now: WallMs) -> Result<(), TxError> {
    let over = visit::Column::OpenedAtMs.lte(now.plus_ms(-WHOLE_MS).0);
    visit::Entity::delete_many().filter(over).exec(tx).await?;
    let row = visit::Model {
        token_hash: hash.to_owned(),
        case_id: case,
        opened_at_ms: now.0,
        seen_at_ms: now.0,
    };
    visit::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// A clock that was set back ends it: nobody knows then how old it is.
fn is_open(row: &visit::Model, now: WallMs) -> bool {
    let within = |at, most| (0..most).contains(&now.since(WallMs(at)));
    // Use is noted to a minute, by a clock that may have been read a moment earlier.
    within(row.opened_at_ms, WHOLE_MS) && now.since(WallMs(row.seen_at_ms)) < IDLE_MS
}

/// What is kept of a code: of no use without the secret, which the table has not.
fn shown(entry: &Secret, digits: &str) -> String {
    digest(&["one-time code", entry.reveal(), digits])
}

/// Each code as likely as any other.
fn six_digits() -> Result<String, getrandom::Error> {
    // The part of the range that would favour small numbers is thrown again.
    let fair = u32::MAX - u32::MAX % CODES;
    loop {
        let number = getrandom::u32()?;
        if number < fair {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

#[cfg(test)]
mod tests;
