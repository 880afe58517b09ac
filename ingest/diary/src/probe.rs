//! The probe of the alarm path: a made-up red goes the whole way of an alarm, again and again.
//!
//! ```text
//! spoken (a gateway of the centre's own) → received (journal) → judged (rules, this record)
//!     → called (a tick of the ladder's) → carried (dashboard) → delivered (outbox of messages)
//! ```
//! Each of these is a [`Leg`]; whoever does one notes here when, and the last closes the round. So
//! the test alert acknowledges itself, and a [`Round`] that stands still says where. Who judges
//! reads it by a clock of their own ([`overdue`]): no part of the way is asked about itself.
//!
//! When a round is missed the watch over the path writes an [`Interruption`], once however many
//! watch, and its end: that is the trace. Times are those of care, as everywhere in the diary.
//!
//! **It is nobody's.** What comes through the probe's gateway has no patient, no flag, no alert and
//! no page, and is in no series: it leaves rows in the two tables of this module alone.
//!
//! **Limits**: rounds are kept for [`KEEP_MS`]; interruptions for good, they are few.
//!
//! **Deliberately absent**: how often and how long ([`Pace`] is given), who is told, and whether
//! the whole machine is dead: from inside nobody can tell.

mod interruptions;
mod rows;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::error::ReadError;
use rows::round::{ActiveModel, Column, Entity, Model};

pub use interruptions::{INTERRUPTIONS_MAX, Interruption, interrupt, interruptions, restore, tell};

/// The gateway through which the probe speaks: a name that no home has.
pub const GATEWAY: &str = "veglia-probe";

/// The device that it pretends to have.
pub const DEVICE: &str = "veglia-probe:1";

/// How long rounds are kept: a week shows whether a leg has become slow.
pub const KEEP_MS: i64 = 7 * 24 * 3_600_000;

/// Rounds under way that are looked at together. There is one at a time; after an outage a few.
const UNDER_WAY_MAX: u64 = 20;

/// Rounds given at once: some hours of the usual rhythm.
pub const ROUNDS_MAX: u64 = 100;

/// A part of the way, named by what is done at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leg {
    /// It is in the outbox of the probe's gateway.
    Spoken,
    /// It came through the broker into ingest's journal.
    Received,
    /// The rules said red, and the record has it.
    Judged,
    /// A tick of the ladder called for somebody.
    Called,
    /// The dashboard took the call and gave a message to the outbox.
    Carried,
    /// The outbox gave the message away: the round is closed.
    Delivered,
}

impl Leg {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Spoken,
        Self::Received,
        Self::Judged,
        Self::Called,
        Self::Carried,
        Self::Delivered,
    ];

    /// The word stored and used in figures.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Spoken => "spoken",
            Self::Received => "received",
            Self::Judged => "judged",
            Self::Called => "called",
            Self::Carried => "carried",
            Self::Delivered => "delivered",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|leg| leg.code() == code)
    }

    fn column(self) -> Column {
        match self {
            Self::Spoken => Column::SpokenMs,
            Self::Received => Column::ReceivedMs,
            Self::Judged => Column::JudgedMs,
            Self::Called => Column::CalledMs,
            Self::Carried => Column::CarriedMs,
            Self::Delivered => Column::DeliveredMs,
        }
    }
}

/// One trip of the probe, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// By what it is known: the name of the record that was spoken, so that a journal that is read
    /// again means the same round. Lower-case letters, digits and `-`.
    pub key: String,
    /// When it was first heard of.
    pub began: WallMs,
    /// When each leg was done, in the order of [`Leg::ALL`].
    at: [Option<WallMs>; 6],
}

impl Round {
    /// When a leg was done.
    #[must_use]
    pub fn done(&self, leg: Leg) -> Option<WallMs> {
        let mut legs = Leg::ALL.into_iter().zip(self.at);
        legs.find(|(it, _)| *it == leg).and_then(|(_, at)| at)
    }

    /// The first leg that is not done.
    #[must_use]
    pub fn missing(&self) -> Option<Leg> {
        let mut legs = Leg::ALL.into_iter().zip(self.at);
        // Whoever spoke may not have reached the record with it; what came was spoken.
        let is_missing = |(leg, at): &(Leg, Option<WallMs>)| at.is_none() && *leg != Leg::Spoken;
        legs.find(is_missing).map(|(leg, _)| leg)
    }

    /// From the first word to the last, in milliseconds of care; none while it is under way.
    #[must_use]
    pub fn lasted_ms(&self) -> Option<i64> {
        Some(self.done(Leg::Delivered)?.since(self.began))
    }

    /// How long each leg took that is done, in milliseconds of care; the first takes none.
    pub fn legs(&self) -> impl Iterator<Item = (Leg, i64)> {
        let mut before = self.began;
        let done = Leg::ALL.into_iter().zip(self.at);
        let done = done.filter_map(|(leg, at)| Some((leg, at?)));
        done.map(move |(leg, at)| {
            let took_ms = at.since(before).max(0);
            before = before.max(at);
            (leg, took_ms)
        })
    }
}

/// How often the probe speaks, and how long a round may take; in milliseconds of care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one round to the next.
    pub every_ms: i64,
    /// From the first word of a round to its end.
    pub within_ms: i64,
}

/// How it stands with the path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest round that ended.
    pub last: Option<Round>,
    /// The oldest round after it, which has not ended.
    pub waiting: Option<Round>,
    /// The interruption that has not ended.
    pub interruption: Option<Interruption>,
}

/// The path does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// Since when: the round that should have ended began then, or should have.
    pub since: WallMs,
    /// Which leg was not done.
    pub leg: Leg,
}

/// Whether a round is missed, for somebody who watches since `began`; by their own clock. What
/// has just begun to watch waits a little, so that the path may come up beside it.
#[must_use]
pub fn overdue(standing: &Standing, pace: Pace, began: WallMs, now: WallMs) -> Option<Overdue> {
    let last = standing.last.as_ref();
    let ended = last.and_then(|round| round.done(Leg::Delivered));
    // A round that ended in the future was dated by a clock that was set back since: it says
    // nothing of the present.
    let ended = ended.filter(|ended| *ended <= now.plus_ms(pace.within_ms));
    let due = ended.map_or(began, |ended| ended.plus_ms(pace.every_ms).max(began));
    if now <= due.plus_ms(pace.within_ms) {
        return None;
    }
    let waiting = standing.waiting.as_ref();
    let next = last.map_or(began, |round| round.began.plus_ms(pace.every_ms));
    Some(Overdue {
        since: waiting.map_or(next, |round| round.began).min(now),
        leg: waiting.and_then(Round::missing).unwrap_or(Leg::Spoken),
    })
}

/// Notes that a leg of a round is done. The first word stands; returns whether this was it.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn note(
    record: &Database,
    actor: &Actor,
    key: &str,
    leg: Leg,
    at: WallMs,
) -> Result<bool, ReadError> {
    let noted = record.run_tx("diary.probe_note", actor, move |tx| {
        Box::pin(async move { noted(tx, key, leg, at).await })
    });
    Ok(noted.await?)
}

/// Notes that a round was received then, and judged as it should be now.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn judged(
    record: &Database,
    actor: &Actor,
    key: &str,
    received: WallMs,
    now: WallMs,
) -> Result<(), ReadError> {
    let written = record.run_tx("diary.probe_judged", actor, move |tx| {
        Box::pin(async move {
            noted(tx, key, Leg::Received, received).await?;
            noted(tx, key, Leg::Judged, now).await?;
            Ok(())
        })
    });
    Ok(written.await?)
}

/// Calls for somebody, for every round that is judged: the ladder's tick. Returns how many.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn call(record: &Database, actor: &Actor, now: WallMs) -> Result<u64, ReadError> {
    let called = record.run_tx("diary.probe_call", actor, move |tx| {
        Box::pin(async move {
            let called = Entity::update_many()
                .col_expr(Column::CalledMs, Expr::value(now.0))
                .filter(Column::JudgedMs.is_not_null())
                .filter(Column::CalledMs.is_null());
            Ok(called.exec(tx).await?.rows_affected)
        })
    });
    Ok(called.await?)
}

/// Rounds that called for somebody and were not delivered, the oldest first.
///
/// # Errors
/// See [`ReadError`].
pub async fn under_way(record: &Database, actor: &Actor) -> Result<Vec<Round>, ReadError> {
    let rows = record.read_tx("diary.probe_under_way", actor, |tx| {
        Box::pin(async move {
            let rows = Entity::find()
                .filter(Column::CalledMs.is_not_null())
                .filter(Column::DeliveredMs.is_null())
                .order_by_asc(Column::Id)
                .limit(UNDER_WAY_MAX);
            Ok(rows.all(tx).await?)
        })
    });
    Ok(rows.await?.into_iter().map(round).collect())
}

/// The last rounds, the newest first, at most `limit` and [`ROUNDS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn rounds(record: &Database, actor: &Actor, limit: u64) -> Result<Vec<Round>, ReadError> {
    let rows = record.read_tx("diary.probe_rounds", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().order_by_desc(Column::Id);
            Ok(rows.limit(limit.min(ROUNDS_MAX)).all(tx).await?)
        })
    });
    Ok(rows.await?.into_iter().map(round).collect())
}

/// How it stands with the path.
///
/// # Errors
/// See [`ReadError`].
pub async fn standing(record: &Database, actor: &Actor) -> Result<Standing, ReadError> {
    let read = record.read_tx("diary.probe_standing", actor, |tx| {
        Box::pin(async move {
            let ended = Entity::find().filter(Column::DeliveredMs.is_not_null());
            let last = ended.order_by_desc(Column::Id).one(tx).await?;
            let after = last.as_ref().map_or(0, |row| row.id);
            let waiting = Entity::find()
                .filter(Column::DeliveredMs.is_null())
                .filter(Column::Id.gt(after));
            let waiting = waiting.order_by_asc(Column::Id).one(tx).await?;
            Ok(Standing {
                last: last.map(round),
                waiting: waiting.map(round),
                interruption: interruptions::open(tx).await?,
            })
        })
    });
    Ok(read.await?)
}

async fn noted(tx: &Tx<'_>, key: &str, leg: Leg, at: WallMs) -> Result<bool, TxError> {
    let row = ActiveModel {
        id: NotSet,
        key: Set(key.to_owned()),
        began_ms: Set(at.0),
        spoken_ms: Set(None),
        received_ms: Set(None),
        judged_ms: Set(None),
        called_ms: Set(None),
        carried_ms: Set(None),
        delivered_ms: Set(None),
    };
    let known = OnConflict::column(Column::Key).do_nothing().to_owned();
    let new = Entity::insert(row).on_conflict(known);
    if new.exec_without_returning(tx).await? > 0 {
        let old = Column::BeganMs.lt(at.plus_ms(-KEEP_MS).0);
        Entity::delete_many().filter(old).exec(tx).await?;
    }
    let done = Entity::update_many()
        .col_expr(leg.column(), Expr::value(at.0))
        .filter(Column::Key.eq(key))
        .filter(leg.column().is_null());
    Ok(done.exec(tx).await?.rows_affected > 0)
}

fn round(row: Model) -> Round {
    let legs = [
        row.spoken_ms,
        row.received_ms,
        row.judged_ms,
        row.called_ms,
        row.carried_ms,
        row.delivered_ms,
    ];
    Round {
        key: row.key,
        began: WallMs(row.began_ms),
        at: legs.map(|at| at.map(WallMs)),
    }
}

#[cfg(test)]
mod tests;
