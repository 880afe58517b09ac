//! Handovers as they are kept: versions of which none is ever altered, and who acknowledged which.
//!
//! A handover is known by its kind and by the change of shift, or the night, it is for. Whoever
//! writes names the version that they read: of two who write at once the second is told who was
//! first. An acknowledgement is of one version: a newer one wants to be read again.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_view::{PatientId, WallMs};

use crate::fact::Fact;
use crate::rows::{ack, handover};

/// Handovers listed at once: two weeks of three shifts.
const LISTED_MAX: u64 = 42;

/// Which handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From one shift of the centre to the next.
    Shift,
    /// From the day to the out-of-hours doctors.
    Night,
    /// From them back to the day.
    Morning,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Shift, Self::Night, Self::Morning];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Shift => "shift",
            Self::Night => "night",
            Self::Morning => "morning",
        }
    }
}

/// What is kept of one patient: what was so when it was written, and what somebody recommends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) patient: PatientId,
    /// Why the patient matters.
    pub(crate) situation: Vec<Fact>,
    /// How the patient was.
    pub(crate) assessment: Vec<Fact>,
    /// In the words of whoever writes.
    pub(crate) recommendation: String,
    /// Whether whoever writes gives the charge they have to whoever acknowledges.
    #[serde(default)]
    pub(crate) offered: bool,
}

/// What a version says.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    /// What concerns everybody.
    pub(crate) words: String,
    pub(crate) lines: Vec<Line>,
}

impl Body {
    /// Whether people typed the same in both. What was so of the patients is looked up anew each
    /// time a form is sent.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        fn typed(line: &Line) -> (PatientId, &str, bool) {
            (line.patient, &line.recommendation, line.offered)
        }
        let lines = self.lines.iter().map(typed);
        self.words == other.words && lines.eq(other.lines.iter().map(typed))
    }
}

/// Somebody has read a version and takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) by: String,
    pub(crate) at: WallMs,
}

/// A version, with who acknowledged it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    /// The moment it is for.
    pub(crate) change: WallMs,
    /// From 1.
    pub(crate) number: i64,
    pub(crate) body: Body,
    pub(crate) by: String,
    pub(crate) at: WallMs,
    pub(crate) acks: Vec<Ack>,
}

/// What became of a handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody has written it.
    Unwritten,
    /// Nobody has acknowledged its newest version.
    Waiting,
    /// Somebody has.
    Acknowledged,
}

/// Why a handover was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AckRefused {
    /// There is no such version.
    Unknown,
    /// Whoever wrote it does not take it over.
    Own,
    /// There is a newer version.
    Superseded { by: String, at: WallMs },
}

/// Somebody else has written meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overtaken;

/// A handover that nobody has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unacknowledged {
    pub(crate) kind: Kind,
    /// What it is for.
    pub(crate) change: WallMs,
    pub(crate) by: String,
    pub(crate) at: WallMs,
}

#[derive(Debug, thiserror::Error)]
#[error("the handover cannot be put into words")]
struct Unwritten(#[source] serde_json::Error);

#[derive(Debug, thiserror::Error)]
#[error("handover {0} is damaged: restore a backup")]
struct Damaged(i64);

/// Writes the next version, by somebody who has read version `seen` (0: none). Its number in the
/// book.
pub(crate) async fn write(
    record: &Database,
    actor: &Actor,
    (kind, change): (Kind, WallMs),
    seen: i64,
    body: &Body,
    at: WallMs,
) -> Result<Result<i64, Overtaken>, TxError> {
    let written = record.run_tx("handover.write", actor, move |tx| {
        Box::pin(async move {
            let newest = newest_in(tx, kind, change).await?;
            let version = newest.as_ref().map_or(0, |row| row.version);
            if version != seen {
                return Ok(Err(Overtaken));
            }
            let body = serde_json::to_string(body);
            let row = handover::ActiveModel {
                id: NotSet,
                kind: Set(kind.code().to_owned()),
                change_ms: Set(change.0),
                version: Set(version + 1),
                body: Set(body.map_err(|error| TxError::refuse(Unwritten(error)))?),
                actor: Set(tx.actor().to_string()),
                at_ms: Set(at.0),
            };
            let inserted = handover::Entity::insert(row).exec(tx).await?;
            Ok(Ok(inserted.last_insert_id))
        })
    });
    written.await
}

/// The newest version of a handover.
pub(crate) async fn newest(
    record: &Database,
    actor: &Actor,
    (kind, change): (Kind, WallMs),
) -> Result<Option<Version>, TxError> {
    let read = record.read_tx("handover.newest", actor, move |tx| {
        Box::pin(async move {
            let row = newest_in(tx, kind, change).await?;
            let rows = row.into_iter().collect();
            Ok(versions(tx, rows).await?.pop())
        })
    });
    read.await
}

/// Everybody whom any version of a handover names.
pub(crate) async fn named(
    record: &Database,
    actor: &Actor,
    (kind, change): (Kind, WallMs),
) -> Result<BTreeSet<PatientId>, TxError> {
    let read = record.read_tx("handover.named", actor, move |tx| {
        Box::pin(async move {
            let rows = handover::Entity::find()
                .filter(handover::Column::Kind.eq(kind.code()))
                .filter(handover::Column::ChangeMs.eq(change.0));
            let rows = rows.all(tx).await?;
            versions(tx, rows).await
        })
    });
    let lines = read.await?.into_iter().flat_map(|it| it.body.lines);
    Ok(lines.map(|line| line.patient).collect())
}

/// What became of a handover.
pub(crate) async fn fate(
    record: &Database,
    actor: &Actor,
    (kind, change): (Kind, WallMs),
) -> Result<Fate, TxError> {
    let read = record.read_tx("handover.fate", actor, move |tx| {
        Box::pin(async move {
            let Some(row) = newest_in(tx, kind, change).await? else {
                return Ok(Fate::Unwritten);
            };
            let acks = ack::Entity::find().filter(ack::Column::HandoverId.eq(row.id));
            Ok(match acks.one(tx).await? {
                Some(_) => Fate::Acknowledged,
                None => Fate::Waiting,
            })
        })
    });
    read.await
}

/// A version by its number in the book.
pub(crate) async fn get(
    record: &Database,
    actor: &Actor,
    id: i64,
) -> Result<Option<Version>, TxError> {
    let read = record.read_tx("handover.get", actor, move |tx| {
        Box::pin(async move {
            let row = handover::Entity::find_by_id(id).one(tx).await?;
            let rows = row.into_iter().collect();
            Ok(versions(tx, rows).await?.pop())
        })
    });
    read.await
}

/// Every version of the newest handovers of these kinds, the newest first.
pub(crate) async fn recent(
    record: &Database,
    actor: &Actor,
    kinds: &[Kind],
) -> Result<Vec<Version>, TxError> {
    let codes = kinds.iter().map(|kind| kind.code().to_owned());
    let codes: &Vec<String> = &codes.collect();
    let read = record.read_tx("handover.recent", actor, move |tx| {
        Box::pin(async move {
            let rows = handover::Entity::find()
                .filter(handover::Column::Kind.is_in(codes.iter().cloned()))
                .order_by_desc(handover::Column::ChangeMs)
                .order_by_desc(handover::Column::Id)
                .limit(LISTED_MAX);
            let rows = rows.all(tx).await?;
            versions(tx, rows).await
        })
    });
    read.await
}

/// Writes that somebody has read a version and takes over. Doing so twice is no fault.
pub(crate) async fn acknowledge(
    record: &Database,
    actor: &Actor,
    id: i64,
    at: WallMs,
) -> Result<Result<(), AckRefused>, TxError> {
    let written = record.run_tx("handover.acknowledge", actor, move |tx| {
        Box::pin(async move {
            let by = tx.actor().to_string();
            let Some(row) = handover::Entity::find_by_id(id).one(tx).await? else {
                return Ok(Err(AckRefused::Unknown));
            };
            if row.actor == by {
                return Ok(Err(AckRefused::Own));
            }
            let Some(kind) = kind(&row.kind) else {
                return Ok(Err(AckRefused::Unknown));
            };
            let newest = newest_in(tx, kind, WallMs(row.change_ms)).await?;
            if let Some(newest) = newest.filter(|newest| newest.id != id) {
                return Ok(Err(AckRefused::Superseded {
                    by: newest.actor,
                    at: WallMs(newest.at_ms),
                }));
            }
            let known = ack::Entity::find()
                .filter(ack::Column::HandoverId.eq(id))
                .filter(ack::Column::Actor.eq(by.as_str()));
            if known.one(tx).await?.is_none() {
                let row = ack::ActiveModel {
                    id: NotSet,
                    handover_id: Set(id),
                    actor: Set(by),
                    at_ms: Set(at.0),
                };
                ack::Entity::insert(row).exec_without_returning(tx).await?;
            }
            Ok(Ok(()))
        })
    });
    written.await
}

/// Of each kind the newest version that was written, if nobody has acknowledged it.
pub(crate) async fn unacknowledged(
    record: &Database,
    actor: &Actor,
) -> Result<Vec<Unacknowledged>, TxError> {
    let read = record.read_tx("handover.unacknowledged", actor, |tx| {
        Box::pin(async move {
            let mut waiting = Vec::new();
            for kind in Kind::ALL {
                let newest = handover::Entity::find()
                    .filter(handover::Column::Kind.eq(kind.code()))
                    .order_by_desc(handover::Column::Id);
                let Some(row) = newest.one(tx).await? else {
                    continue;
                };
                let acks = ack::Entity::find().filter(ack::Column::HandoverId.eq(row.id));
                if acks.one(tx).await?.is_none() {
                    waiting.push(Unacknowledged {
                        kind,
                        change: WallMs(row.change_ms),
                        by: row.actor,
                        at: WallMs(row.at_ms),
                    });
                }
            }
            Ok(waiting)
        })
    });
    read.await
}

async fn newest_in(
    tx: &Tx<'_>,
    kind: Kind,
    change: WallMs,
) -> Result<Option<handover::Model>, TxError> {
    let rows = handover::Entity::find()
        .filter(handover::Column::Kind.eq(kind.code()))
        .filter(handover::Column::ChangeMs.eq(change.0))
        .order_by_desc(handover::Column::Version);
    Ok(rows.one(tx).await?)
}

fn kind(code: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.code() == code)
}

/// Rows with who acknowledged them, in the same order.
async fn versions(tx: &Tx<'_>, rows: Vec<handover::Model>) -> Result<Vec<Version>, TxError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let taken = ack::Entity::find()
        .filter(ack::Column::HandoverId.is_in(ids))
        .order_by_asc(ack::Column::Id);
    let mut acks: HashMap<i64, Vec<Ack>> = HashMap::new();
    for row in taken.all(tx).await? {
        acks.entry(row.handover_id).or_default().push(Ack {
            by: row.actor,
            at: WallMs(row.at_ms),
        });
    }
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let damaged = || TxError::refuse(Damaged(row.id));
        read.push(Version {
            id: row.id,
            kind: kind(&row.kind).ok_or_else(damaged)?,
            change: WallMs(row.change_ms),
            number: row.version,
            body: serde_json::from_str(&row.body).map_err(|_| damaged())?,
            by: row.actor.clone(),
            at: WallMs(row.at_ms),
            acks: acks.remove(&row.id).unwrap_or_default(),
        });
    }
    Ok(read)
}
