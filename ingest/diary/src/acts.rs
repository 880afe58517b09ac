//! What people do and write: taking charge of a flag, telephoning, snoozing, escalating, handing
//! over, closing, notes; asking for another measurement, referring to a service, correcting.
//!
//! An act is a row that is never altered, and moves the alert of its flag in the same transaction.
//! Of two people who act at the same moment one is told who was first. Closing names what the
//! person has seen, so that nobody closes a confirmation they have not read.

mod alerting;
mod beside;

use serde::{Deserialize, Serialize};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{FlagId, PatientId, Why};
use veglia_wire::{VitalKind, WallMs};

use crate::alerts;
use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::flags::{self, Told};
use crate::hidden::Veil;
use crate::rows::entry::{ActiveModel, Column, Entity, Model};
use crate::sealed::{self, Keys};

pub use alerting::{close, escalate, hand_over, record_call, snooze, take_charge};
pub use beside::{HomeService, ask_repeat, correct, note_call, refer};

/// Longest note, in characters: a page. More is a document and belongs elsewhere.
pub const WORDS_CHARS_MAX: usize = 4_000;

/// How corrections are stored.
pub(crate) const CORRECTED: &str = "corrected";

/// Number of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub i64);

/// Who was telephoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The patient.
    Patient,
    /// Whoever the patient named to be called.
    Contact,
    /// Whoever has a key to the home.
    KeyHolder,
    /// The family doctor.
    FamilyDoctor,
    /// 112.
    Emergency,
}

/// How a telephone call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallOutcome {
    /// Reached, and there is no cause for worry.
    Well,
    /// Reached, and not well.
    Unwell,
    /// Nobody answered.
    NoAnswer,
    /// Help is on its way.
    HelpSent,
}

/// What kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// A person has taken a flag on themselves, or goes on having it.
    TakenCharge,
    /// A person has closed a flag.
    Closed,
    /// A person has written something down.
    Note,
    /// A person has telephoned about a flag.
    Called(Whom, CallOutcome),
    /// A person keeps a flag's alert quiet until then.
    Snoozed(WallMs),
    /// A person asks for the doctor on duty.
    Escalated,
    /// A person has given a flag to a member of staff.
    HandedOver(i64),
    /// A person has asked the patient to measure a vital sign again.
    RepeatAsked(VitalKind),
    /// A person has asked a service to see to the patient at home.
    Referred(HomeService),
    /// A person has corrected what an entry says; the entry stays as it is.
    Corrected(EntryId),
}

/// What an act says beside its words, as it is stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Detail {
    Call { whom: Whom, outcome: CallOutcome },
    Until(i64),
    To(i64),
    Vital(VitalKind),
    Service(HomeService),
    Entry(i64),
}

impl ActKind {
    /// `taken-charge`, `closed`, `note`, `called`, `snoozed`, `escalated`, `handed-over`,
    /// `repeat-asked`, `referred`, `corrected`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TakenCharge => "taken-charge",
            Self::Closed => "closed",
            Self::Note => "note",
            Self::Called(..) => "called",
            Self::Snoozed(_) => "snoozed",
            Self::Escalated => "escalated",
            Self::HandedOver(_) => "handed-over",
            Self::RepeatAsked(_) => "repeat-asked",
            Self::Referred(_) => "referred",
            Self::Corrected(_) => CORRECTED,
        }
    }

    fn detail(self) -> Option<Detail> {
        match self {
            Self::TakenCharge | Self::Closed | Self::Note | Self::Escalated => None,
            Self::Called(whom, outcome) => Some(Detail::Call { whom, outcome }),
            Self::Snoozed(until) => Some(Detail::Until(until.0)),
            Self::HandedOver(to) => Some(Detail::To(to)),
            Self::RepeatAsked(vital) => Some(Detail::Vital(vital)),
            Self::Referred(service) => Some(Detail::Service(service)),
            Self::Corrected(entry) => Some(Detail::Entry(entry.0)),
        }
    }

    fn stored(name: &str, detail: Option<Detail>) -> Option<Self> {
        match (name, detail) {
            ("taken-charge", None) => Some(Self::TakenCharge),
            ("closed", None) => Some(Self::Closed),
            ("note", None) => Some(Self::Note),
            ("escalated", None) => Some(Self::Escalated),
            ("called", Some(Detail::Call { whom, outcome })) => Some(Self::Called(whom, outcome)),
            ("snoozed", Some(Detail::Until(until))) => Some(Self::Snoozed(WallMs(until))),
            ("handed-over", Some(Detail::To(to))) => Some(Self::HandedOver(to)),
            ("repeat-asked", Some(Detail::Vital(vital))) => Some(Self::RepeatAsked(vital)),
            ("referred", Some(Detail::Service(service))) => Some(Self::Referred(service)),
            (CORRECTED, Some(Detail::Entry(id))) => Some(Self::Corrected(EntryId(id))),
            _ => None,
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
    /// In their words; empty where the act says all.
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
    /// A snooze that ends too late, or before it begins.
    #[error("this may be kept quiet for at most {minutes} minutes")]
    Snooze {
        /// The longest.
        minutes: i64,
    },
    /// Empty, too long, or with control characters.
    #[error("a note has 1 to {WORDS_CHARS_MAX} ordinary characters")]
    Words,
    /// This patient's diary has no such entry.
    #[error("there is no entry {} in this diary", .0.0)]
    NoEntry(EntryId),
    /// The diary could not be read or written.
    #[error("nothing was written")]
    Read(#[source] ReadError),
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
            if let Some(flag) = flag
                && !is_known(tx, patient, flag).await?
            {
                return Ok(Err(ActRefused::Unknown(flag.clone())));
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

/// Whether a patient has had such a flag, for whoever acts: what is hidden from them never was.
async fn is_known(tx: &Tx<'_>, patient: PatientId, flag: &FlagId) -> Result<bool, TxError> {
    let id = flag.to_string();
    if flag.patient != patient || flags::told_of(tx, &id).await?.is_none() {
        return Ok(false);
    }
    let veil = Veil::of(tx, &patient.to_string()).await?;
    Ok(!veil.hides_flag(&id))
}

/// What a transaction of an act says, as the act's answer.
fn outcome(written: Result<Result<(), ActRefused>, TxError>) -> Result<(), ActRefused> {
    written.map_err(|fault| ActRefused::Read(fault.into()))?
}

/// Words that may be left out.
fn perhaps(words: &str) -> Result<&str, ActRefused> {
    if words.trim().is_empty() {
        return Ok("");
    }
    checked(words)
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
    if Veil::of(tx, &flag.patient.to_string())
        .await?
        .hides_flag(&id)
    {
        return Ok(Err(ActRefused::Unknown(flag.clone())));
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

/// An act on its way into the diary.
pub(crate) struct Draft<'a> {
    pub(crate) patient: PatientId,
    pub(crate) flag: Option<String>,
    pub(crate) kind: ActKind,
    pub(crate) once: Option<String>,
    pub(crate) telling: Option<i64>,
    pub(crate) at: WallMs,
    pub(crate) words: &'a str,
}

impl Draft<'_> {
    /// Writes it as the act of whoever writes.
    pub(crate) async fn write(self, tx: &Tx<'_>) -> Result<(), TxError> {
        let by = tx.actor().to_string();
        self.write_as(tx, by).await
    }

    /// Writes what somebody did before, as theirs; the words say how it came here.
    pub(crate) async fn write_as(self, tx: &Tx<'_>, by: String) -> Result<(), TxError> {
        let detail = self.kind.detail().map(|it| alerts::written(&it));
        let detail = detail.transpose()?;
        let patient = self.patient.to_string();
        let row = ActiveModel {
            id: NotSet,
            patient: Set(patient.clone()),
            flag_id: Set(self.flag),
            kind: Set(self.kind.name().to_owned()),
            once: Set(self.once),
            telling: Set(self.telling),
            actor: Set(by),
            at_ms: Set(self.at.0),
            words: Set(String::new()),
            detail: Set(detail),
            sealed: Set(None),
        };
        let id = Entity::insert(row).exec(tx).await?.last_insert_id;
        // What the machine does for those who are watched is never refused because of somebody who
        // was forgotten: it stands there without words.
        let is_machine = matches!(tx.actor(), Actor::System(_));
        let is_mute = is_machine && sealed::is_destroyed(tx, &patient).await?;
        if !self.words.is_empty() && !is_mute {
            // The seal is bound to the row's number, which is known only now.
            let sealed = sealed::seal(tx, &patient, &Model::place(id), self.words, self.at).await?;
            let row = ActiveModel {
                id: Unchanged(id),
                sealed: Set(Some(sealed)),
                ..Default::default()
            };
            Entity::update(row).exec(tx).await?;
        }
        changes::note(tx, Kind::Entry, id).await
    }
}

pub(crate) async fn row_of(tx: &Tx<'_>, id: i64) -> Result<Option<Model>, TxError> {
    Ok(Entity::find_by_id(id).one(tx).await?)
}

impl Model {
    /// What its words are bound to.
    pub(crate) fn place(id: i64) -> String {
        format!("entry/{id}")
    }
}

/// What kind of act a row is of.
pub(crate) fn kind(row: &Model) -> Result<ActKind, ReadError> {
    let damaged = || ReadError::damaged("entry", row.id);
    let detail = row.detail.as_deref().map(serde_json::from_str).transpose();
    ActKind::stored(&row.kind, detail.map_err(|_| damaged())?).ok_or_else(damaged)
}

/// The act of a row, its words opened; those of somebody who was forgotten are empty.
pub(crate) async fn read(tx: &Tx<'_>, keys: &mut Keys, row: Model) -> Result<Act, TxError> {
    let kind = kind(&row).map_err(TxError::refuse)?;
    let words = match &row.sealed {
        None => row.words,
        Some(sealed) => {
            let place = Model::place(row.id);
            let opened = keys.open(tx, &row.patient, &place, sealed).await?;
            opened.unwrap_or_default()
        }
    };
    let damaged = |id| TxError::refuse(ReadError::damaged("entry", id));
    let flag = row.flag_id.as_ref().map(|id| id.parse()).transpose();
    Ok(Act {
        id: EntryId(row.id),
        patient: row.patient.parse().map_err(|_| damaged(row.id))?,
        flag: flag.map_err(|_| damaged(row.id))?,
        kind,
        by: row.actor,
        at: WallMs(row.at_ms),
        words,
    })
}
