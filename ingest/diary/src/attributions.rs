//! Whose readings are, said by a person after they were measured: the answer to "di chi è?" of a
//! shared device, and the correction of who had a device in a past stretch of time.
//!
//! A word is a row that is never altered: device, from when until when by the time of measuring,
//! and whose. The newest that covers a moment holds, before any assignment; so a wrong word is
//! corrected by one more. It names a patient, or says that the readings are no patient's. Ingest
//! hears of each by the changes and has the rules judge again.
//!
//! Of two people who answer at once, one is told who was first: a word names the newest that its
//! author has seen. An answer speaks of what waits: what was said before of some readings amid
//! them stays as it is, and only a correction says otherwise.

use std::ops::Range;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

use crate::acts::WORDS_CHARS_MAX;
use crate::assignments;
use crate::changes::{self, Kind};
use crate::error::ReadError;
use crate::rows::attribution::{ActiveModel, Column, Entity, Model};

/// How far a box's clock may be ahead of the centre's: what was measured is in the past, by
/// whichever clock. In milliseconds, above what ingest believes of a box.
const AHEAD_MS: i64 = 10 * 60_000;

/// Words of one device that are read at once.
pub const ATTRIBUTIONS_MAX: u64 = 200;

/// Number of a word, from 1; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AttributionId(pub i64);

/// What a person said of readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Its number.
    pub id: AttributionId,
    /// Of which device.
    pub device: DeviceId,
    /// Of what was measured from then on, that moment in it.
    pub from: WallMs,
    /// Until then, that moment not in it.
    pub until: WallMs,
    /// Whose they are; none for no patient's.
    pub patient: Option<PatientId>,
    /// Why, in their words; empty for an answer, which says all.
    pub why: String,
    /// Who said so: `staff:42`.
    pub by: String,
    /// When.
    pub at: WallMs,
}

/// A word as ingest hears of it: without the person's reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// Its number.
    pub id: AttributionId,
    /// Of which device.
    pub device: DeviceId,
    /// Of what was measured from then on, that moment in it.
    pub from: WallMs,
    /// Until then, that moment not in it.
    pub until: WallMs,
    /// Whose they are; none for no patient's.
    pub patient: Option<PatientId>,
    /// Whether it answers for readings that waited, and corrects nothing.
    pub is_answer: bool,
}

impl From<Attribution> for Attributed {
    fn from(said: Attribution) -> Self {
        Self {
            id: said.id,
            device: said.device,
            from: said.from,
            until: said.until,
            patient: said.patient,
            is_answer: said.why.is_empty(),
        }
    }
}

/// Why a word was not written.
#[derive(Debug, thiserror::Error)]
pub enum AttributeRefused {
    /// It ends before it begins, or in the future.
    #[error("nothing was attributed: say from when until when, in the past")]
    Range,
    /// The patient is none of those who had the device then or, if nobody had, who have it now.
    #[error("nothing was attributed: patient {0} did not share the device then")]
    Stranger(PatientId),
    /// A correction without a reason, or with a very long one.
    #[error("say why in 1 to {WORDS_CHARS_MAX} ordinary characters")]
    Reason,
    /// Somebody was first.
    #[error("{} has said already whose it is", .0.by)]
    Said(Box<Attribution>),
    /// The diary could not be read or written.
    #[error("nothing was attributed")]
    Read(#[source] ReadError),
}

/// What somebody has to say of readings.
#[derive(Debug, Clone)]
pub struct Saying<'a> {
    /// Of which device.
    pub device: &'a DeviceId,
    /// Of what was measured in this time, its end not in it.
    pub measured: Range<WallMs>,
    /// Whose they are; none for no patient's.
    pub patient: Option<PatientId>,
    /// The newest word of these readings that they have seen; the first number when none.
    pub seen: AttributionId,
}

/// Answers whose readings that wait are: of one of those who had the device then, or who have it
/// now if nobody had; or no patient's.
///
/// # Errors
/// See [`AttributeRefused`]; nothing was written then.
pub async fn answer_whose(
    record: &Database,
    actor: &Actor,
    saying: Saying<'_>,
    now: WallMs,
) -> Result<AttributionId, AttributeRefused> {
    say(record, actor, saying, Why::Answer(""), now).await
}

/// Answers that readings that wait are no patient's, for a reason: a red rests on them.
///
/// # Errors
/// See [`AttributeRefused`]; nothing was written then.
pub async fn dismiss_whose(
    record: &Database,
    actor: &Actor,
    saying: Saying<'_>,
    why: &str,
    now: WallMs,
) -> Result<AttributionId, AttributeRefused> {
    let why = crate::standings::reason(why).ok_or(AttributeRefused::Reason)?;
    let saying = Saying {
        patient: None,
        ..saying
    };
    say(record, actor, saying, Why::Answer(why), now).await
}

/// Corrects whose readings are, for a reason.
///
/// # Errors
/// See [`AttributeRefused`]; nothing was written then.
pub async fn correct_whose(
    record: &Database,
    actor: &Actor,
    saying: Saying<'_>,
    why: &str,
    now: WallMs,
) -> Result<AttributionId, AttributeRefused> {
    let why = crate::standings::reason(why).ok_or(AttributeRefused::Reason)?;
    say(record, actor, saying, Why::Correction(why), now).await
}

#[derive(Debug, Clone, Copy)]
enum Why<'a> {
    /// Of what waits; the words may be empty.
    Answer(&'a str),
    Correction(&'a str),
}

async fn say(
    record: &Database,
    actor: &Actor,
    saying: Saying<'_>,
    why: Why<'_>,
    now: WallMs,
) -> Result<AttributionId, AttributeRefused> {
    let Saying {
        device,
        measured: Range { start, end },
        patient,
        seen,
    } = saying;
    if start >= end || end.since(now) > AHEAD_MS {
        return Err(AttributeRefused::Range);
    }
    let written = record.run_tx("diary.attribute", actor, move |tx| {
        Box::pin(async move {
            let known = covering(tx, device, start..end).await?;
            let parts = match why {
                Why::Answer(_) => beside(start..end, &known),
                Why::Correction(_) => vec![start..end],
            };
            // Of what was all said before nothing waits.
            if let Some(newest) = known.into_iter().next()
                && (newest.id > seen || parts.is_empty())
            {
                return Ok(Err(AttributeRefused::Said(Box::new(newest))));
            }
            if let (Why::Answer(_), Some(patient)) = (why, patient) {
                let mut holding = assignments::holding(tx, device, start).await?;
                // Measured before the device was given: whoever has it now may say it was theirs.
                if holding.is_none() {
                    holding = assignments::holding(tx, device, now).await?;
                }
                let is_one = holding.is_some_and(|it| it.holder.members().contains(&patient));
                if !is_one {
                    return Ok(Err(AttributeRefused::Stranger(patient)));
                }
            }
            let (Why::Answer(words) | Why::Correction(words)) = why;
            let mut last = 0;
            for part in parts {
                let row = ActiveModel {
                    id: NotSet,
                    device: Set(device.to_string()),
                    from_ms: Set(part.start.0),
                    until_ms: Set(part.end.0),
                    patient: Set(patient.map(|it| it.to_string())),
                    why: Set(words.to_owned()),
                    created_at_ms: Set(now.0),
                    created_by: Set(tx.actor().to_string()),
                };
                last = Entity::insert(row).exec(tx).await?.last_insert_id;
                changes::note(tx, Kind::Attribution, last).await?;
            }
            Ok(Ok(AttributionId(last)))
        })
    });
    written
        .await
        .map_err(|fault| AttributeRefused::Read(fault.into()))?
}

/// What was said of a device's readings, the newest word first; at most [`ATTRIBUTIONS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn attributions_of(
    record: &Database,
    actor: &Actor,
    device: &DeviceId,
) -> Result<Vec<Attribution>, ReadError> {
    let rows = record.read_tx("diary.attributions_of", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().filter(Column::Device.eq(device.as_str()));
            let rows = rows.order_by_desc(Column::Id).limit(ATTRIBUTIONS_MAX);
            Ok(rows.all(tx).await?)
        })
    });
    rows.await?.iter().map(read).collect()
}

/// What is left of a time of which some was spoken of before.
fn beside(measured: Range<WallMs>, known: &[Attribution]) -> Vec<Range<WallMs>> {
    let mut parts = vec![measured];
    for said in known {
        let apart = |part: Range<WallMs>| {
            let before = part.start..part.end.min(said.from);
            let after = part.start.max(said.until)..part.end;
            [before, after].into_iter().filter(|it| !it.is_empty())
        };
        parts = parts.into_iter().flat_map(apart).collect();
    }
    parts
}

/// The newest word that covers some of this time.
pub(crate) async fn newest(
    tx: &Tx<'_>,
    device: &DeviceId,
    measured: Range<WallMs>,
) -> Result<Option<Attribution>, TxError> {
    let row = said_of(device, &measured).one(tx).await?;
    let read = row.map(|row| read(&row)).transpose();
    read.map_err(TxError::refuse)
}

/// Every word that covers some of this time, the newest first.
async fn covering(
    tx: &Tx<'_>,
    device: &DeviceId,
    measured: Range<WallMs>,
) -> Result<Vec<Attribution>, TxError> {
    let rows = said_of(device, &measured).all(tx).await?;
    let read: Result<Vec<Attribution>, ReadError> = rows.iter().map(read).collect();
    read.map_err(TxError::refuse)
}

fn said_of(device: &DeviceId, measured: &Range<WallMs>) -> Select<Entity> {
    Entity::find()
        .filter(Column::Device.eq(device.as_str()))
        .filter(Column::FromMs.lt(measured.end.0))
        .filter(Column::UntilMs.gt(measured.start.0))
        .order_by_desc(Column::Id)
}

/// Every word, in the order of writing.
pub(crate) async fn all(tx: &Tx<'_>) -> Result<Vec<Attribution>, TxError> {
    let rows = Entity::find().order_by_asc(Column::Id).all(tx).await?;
    let read: Result<Vec<Attribution>, ReadError> = rows.iter().map(read).collect();
    read.map_err(TxError::refuse)
}

pub(crate) async fn by_row(tx: &Tx<'_>, id: i64) -> Result<Option<Attribution>, TxError> {
    let row = Entity::find_by_id(id).one(tx).await?;
    let read = row.map(|row| read(&row)).transpose();
    read.map_err(TxError::refuse)
}

fn read(row: &Model) -> Result<Attribution, ReadError> {
    let damaged = || ReadError::damaged("attribution", row.id);
    let patient = row.patient.as_deref().map(str::parse).transpose();
    Ok(Attribution {
        id: AttributionId(row.id),
        device: row.device.parse().map_err(|_| damaged())?,
        from: WallMs(row.from_ms),
        until: WallMs(row.until_ms),
        patient: patient.map_err(|_| damaged())?,
        why: row.why.clone(),
        by: row.created_by.clone(),
        at: WallMs(row.created_at_ms),
    })
}
