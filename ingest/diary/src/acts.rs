//! What people do and write: taking charge of a flag, closing it, notes.
//!
//! An act is a row that is never altered. Taking charge and closing happen once per *round*: from
//! a flag's coming on the list to its being closed. Of two people who act at the same moment one
//! is told who was first. Closing names what the person has seen, so that nobody closes a
//! confirmation they have not read.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{FlagId, PatientId, Why};
use veglia_wire::WallMs;

use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::flags::{self, Told};
use crate::rows::entry::{ActiveModel, Column, Entity, Model};

/// Longest note, in characters: a page. More is a document and belongs elsewhere.
pub const WORDS_CHARS_MAX: usize = 4_000;

/// Number of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub i64);

/// What kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// A person has taken a flag on themselves.
    TakenCharge,
    /// A person has closed a flag.
    Closed,
    /// A person has written something down.
    Note,
}

impl ActKind {
    const ALL: [Self; 3] = [Self::TakenCharge, Self::Closed, Self::Note];

    /// `taken-charge`, `closed`, `note`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TakenCharge => "taken-charge",
            Self::Closed => "closed",
            Self::Note => "note",
        }
    }
}

/// Something a person did or wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its number.
    pub id: EntryId,
    /// About whom.
    pub patient: PatientId,
    /// About which flag, if about one.
    pub flag: Option<FlagId>,
    /// What kind.
    pub kind: ActKind,
    /// Who: `staff:42`.
    pub by: String,
    /// When.
    pub at: WallMs,
    /// In their words; empty for taking charge.
    pub words: String,
}

/// Why an act was not written.
#[derive(Debug, thiserror::Error)]
pub enum ActRefused {
    /// No such flag was ever raised.
    #[error("there is no flag {0}")]
    Unknown(FlagId),
    /// Somebody was first.
    #[error("{by} has taken charge of it already")]
    Taken {
        /// Who.
        by: String,
        /// When.
        at: WallMs,
    },
    /// Somebody has closed it.
    #[error("{by} has closed it already")]
    Closed {
        /// Who.
        by: String,
        /// When.
        at: WallMs,
    },
    /// It is over by itself and asks for nobody.
    #[error("it is over and needs nobody any more")]
    Over {
        /// Why.
        why: Why,
        /// When.
        at: WallMs,
    },
    /// Something was said of the flag that the person has not seen.
    #[error("it has changed since the page was opened; read it again, then close it")]
    News,
    /// Empty, too long, or with control characters.
    #[error("a note has 1 to {WORDS_CHARS_MAX} ordinary characters")]
    Words,
    /// The diary could not be read or written.
    #[error("nothing was written")]
    Read(#[source] ReadError),
}

/// Takes charge of a flag on the list. Doing so twice is no fault.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn take_charge(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    at: WallMs,
) -> Result<(), ActRefused> {
    let written = record.run_tx("diary.take_charge", actor, move |tx| {
        Box::pin(async move {
            let id = flag.to_string();
            let round = match listed(tx, flag).await? {
                Ok((_, rounds)) => rounds.number(),
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(first) = charge_in(tx, &id, round).await? {
                let is_same = first.by == tx.actor().to_string();
                let taken = ActRefused::Taken {
                    by: first.by,
                    at: first.at,
                };
                return Ok(if is_same { Ok(()) } else { Err(taken) });
            }
            let draft = Draft {
                patient: flag.patient,
                flag: Some(id.clone()),
                kind: ActKind::TakenCharge,
                once: Some(charge_key(&id, round)),
                telling: None,
                at,
                words: "",
            };
            draft.write(tx).await?;
            Ok(Ok(()))
        })
    });
    written
        .await
        .map_err(|fault| ActRefused::Read(fault.into()))?
}

/// Closes a flag on the list, with a note. `seen` is the telling of the flag the person has
/// before them ([`veglia_triage::Flag::telling`]).
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn close(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    seen: u32,
    note: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let note = checked(note)?;
    let written = record.run_tx("diary.close", actor, move |tx| {
        Box::pin(async move {
            let id = flag.to_string();
            let (told, rounds) = match listed(tx, flag).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            if told.flag.telling > seen {
                return Ok(Err(ActRefused::News));
            }
            let draft = Draft {
                patient: flag.patient,
                flag: Some(id.clone()),
                kind: ActKind::Closed,
                once: Some(format!("closed:{id}:{}", rounds.number())),
                telling: Some(i64::from(told.latest)),
                at,
                words: note,
            };
            draft.write(tx).await?;
            flags::relist(tx, &id).await?;
            Ok(Ok(()))
        })
    });
    written
        .await
        .map_err(|fault| ActRefused::Read(fault.into()))?
}

/// Writes a note about a patient, or about one of their flags.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn write_note(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    flag: Option<&FlagId>,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = checked(words)?;
    let written = record.run_tx("diary.write_note", actor, move |tx| {
        Box::pin(async move {
            if let Some(flag) = flag {
                let told = flags::told_of(tx, &flag.to_string()).await?;
                if told.is_none() || flag.patient != patient {
                    return Ok(Err(ActRefused::Unknown(flag.clone())));
                }
            }
            let draft = Draft {
                patient,
                flag: flag.map(FlagId::to_string),
                kind: ActKind::Note,
                once: None,
                telling: None,
                at,
                words,
            };
            draft.write(tx).await?;
            Ok(Ok(()))
        })
    });
    written
        .await
        .map_err(|fault| ActRefused::Read(fault.into()))?
}

/// Writes a note about a flag that the machine makes, once: of all that name the same `key` only
/// the first is kept. Returns whether this one was.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn note_once(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    key: &str,
    words: &str,
    at: WallMs,
) -> Result<bool, ReadError> {
    let written = record.run_tx("diary.note_once", actor, move |tx| {
        Box::pin(async move {
            if noted(tx, key).await? {
                return Ok(false);
            }
            let draft = Draft {
                patient: flag.patient,
                flag: Some(flag.to_string()),
                kind: ActKind::Note,
                once: Some(note_key(key)),
                telling: None,
                at,
                words,
            };
            draft.write(tx).await?;
            Ok(true)
        })
    });
    Ok(written.await?)
}

/// Whether a note of this key was written with [`note_once`].
///
/// # Errors
/// See [`ReadError`].
pub async fn has_noted(record: &Database, actor: &Actor, key: &str) -> Result<bool, ReadError> {
    let read = record.read_tx("diary.has_noted", actor, move |tx| {
        Box::pin(async move { noted(tx, key).await })
    });
    Ok(read.await?)
}

async fn noted(tx: &Tx<'_>, key: &str) -> Result<bool, TxError> {
    let row = Entity::find().filter(Column::Once.eq(note_key(key)));
    Ok(row.one(tx).await?.is_some())
}

fn note_key(key: &str) -> String {
    format!("note:{key}")
}

fn checked(words: &str) -> Result<&str, ActRefused> {
    let words = words.trim();
    let is_odd = |letter: char| letter.is_control() && letter != '\n';
    let is_fit = (1..=WORDS_CHARS_MAX).contains(&words.chars().count());
    if is_fit && !words.contains(is_odd) {
        Ok(words)
    } else {
        Err(ActRefused::Words)
    }
}

/// How often a flag was closed, and the last time.
pub(crate) struct Rounds {
    closed: Vec<Model>,
}

impl Rounds {
    fn number(&self) -> usize {
        self.closed.len()
    }

    /// The latest thing said when it was last closed.
    pub(crate) fn last_telling(&self) -> Option<u32> {
        let telling = self.closed.last()?.telling?;
        u32::try_from(telling).ok()
    }
}

pub(crate) async fn rounds(tx: &Tx<'_>, flag: &str) -> Result<Rounds, TxError> {
    let closed = Entity::find()
        .filter(Column::FlagId.eq(flag))
        .filter(Column::Kind.eq(ActKind::Closed.name()))
        .order_by_asc(Column::Id)
        .all(tx)
        .await?;
    Ok(Rounds { closed })
}

/// Who has charge of a flag in its present round.
pub(crate) async fn charge(tx: &Tx<'_>, flag: &str) -> Result<Option<Act>, TxError> {
    let round = rounds(tx, flag).await?.number();
    charge_in(tx, flag, round).await
}

async fn charge_in(tx: &Tx<'_>, flag: &str, round: usize) -> Result<Option<Act>, TxError> {
    let key = charge_key(flag, round);
    let row = Entity::find().filter(Column::Once.eq(key)).one(tx).await?;
    let act = row.map(|row| read(&row)).transpose();
    act.map_err(TxError::refuse)
}

fn charge_key(flag: &str, round: usize) -> String {
    format!("charge:{flag}:{round}")
}

/// A flag that is on the list, or why it is not.
async fn listed(tx: &Tx<'_>, flag: &FlagId) -> Result<Result<(Told, Rounds), ActRefused>, TxError> {
    let id = flag.to_string();
    let Some(told) = flags::told_of(tx, &id).await? else {
        return Ok(Err(ActRefused::Unknown(flag.clone())));
    };
    let rounds = rounds(tx, &id).await?;
    if told.is_listed(rounds.last_telling()) {
        return Ok(Ok((told, rounds)));
    }
    Ok(Err(match (rounds.closed.last(), told.ended) {
        (Some(last), _) => ActRefused::Closed {
            by: last.actor.clone(),
            at: WallMs(last.at_ms),
        },
        (None, Some((why, at))) => ActRefused::Over { why, at },
        (None, None) => ActRefused::Unknown(flag.clone()),
    }))
}

struct Draft<'a> {
    patient: PatientId,
    flag: Option<String>,
    kind: ActKind,
    once: Option<String>,
    telling: Option<i64>,
    at: WallMs,
    words: &'a str,
}

impl Draft<'_> {
    async fn write(self, tx: &Tx<'_>) -> Result<(), TxError> {
        let row = ActiveModel {
            id: NotSet,
            patient: Set(self.patient.to_string()),
            flag_id: Set(self.flag),
            kind: Set(self.kind.name().to_owned()),
            once: Set(self.once),
            telling: Set(self.telling),
            actor: Set(tx.actor().to_string()),
            at_ms: Set(self.at.0),
            words: Set(self.words.to_owned()),
        };
        let inserted = Entity::insert(row).exec(tx).await?;
        changes::note(tx, Kind::Entry, inserted.last_insert_id).await
    }
}

pub(crate) async fn by_row(tx: &Tx<'_>, id: i64) -> Result<Option<Act>, TxError> {
    let row = Entity::find_by_id(id).one(tx).await?;
    let act = row.map(|row| read(&row)).transpose();
    act.map_err(TxError::refuse)
}

pub(crate) fn read(row: &Model) -> Result<Act, ReadError> {
    let damaged = || ReadError::damaged("entry", row.id);
    let flag = row.flag_id.as_ref().map(|id| id.parse()).transpose();
    let kind = ActKind::ALL
        .into_iter()
        .find(|kind| kind.name() == row.kind);
    Ok(Act {
        id: EntryId(row.id),
        patient: row.patient.parse().map_err(|_| damaged())?,
        flag: flag.map_err(|_| damaged())?,
        kind: kind.ok_or_else(damaged)?,
        by: row.actor.clone(),
        at: WallMs(row.at_ms),
        words: row.words.clone(),
    })
}
