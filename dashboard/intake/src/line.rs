//! The way into the clinical path: an outbox of the dashboard's own, and a row for every call.
//!
//! ```text
//! form ─▶ phone_call, phone_need ─▶ phone_handed ─▶ outbox (fsync) ─▶ broker ─▶ ingest ─▶ rules
//! ```
//! What was said reaches the rules as a device's readings do, by the same broker, journal and
//! triage, from the patient's permanent by-phone device. The form is answered after the outbox has
//! it on the disk.
//!
//! **Once.** A form carries the name of its call. Before anything goes into the outbox a row says
//! for which call, and which sequence was the newest there; one call at a time. So it is known for
//! ever, whatever died in between, whether the call went in: the next row, or the outbox itself,
//! has gone further, or it has not. A repeated form doubles nothing, and one that failed half way
//! is finished by repeating it.
//!
//! An outbox that was moved away and begun anew has another epoch: what it held and whether it
//! arrived is not known any more, and a call that is repeated then is sent. A value twice is better
//! than none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::task::JoinError;
use veglia_diary::{AssignRefused, assign_device, wearer, write_note};
use veglia_link::outbox::{AppendError, OpenError};
use veglia_link::{Outbox, OutboxOptions, OutboxStatus};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_view::PatientId;
use veglia_wire::{Boot, CareClock, DeviceId, MonoMs, WallMs};

use crate::attempt::{self, Came, Whom};
use crate::need::Draft;
use crate::rows::{call, handed, need};
use crate::said::{CallId, Said, device_of};

/// The gateway through which the telephone speaks: a name that no home has.
pub const GATEWAY: &str = "veglia-phone";

/// Calls are a few records each: the smallest outbox that still holds a week without a broker.
const OUTBOX: OutboxOptions = OutboxOptions {
    segment_bytes: 256 * 1024,
    max_total_bytes: 64 * 1024 * 1024,
    commit_window: Duration::ZERO,
};

/// Calls looked through for those that are not on their way: a busy day.
const STUCK_AMONG: u64 = 500;

/// A call in which nothing was said that the rules hear, as it is stored.
const SAID_NOTHING: &str = "[]";

/// A permanent device is its patient's at any time.
const FOR_EVER: WallMs = WallMs(0);

/// A call, as it is to be kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) patient: PatientId,
    /// When it was said.
    pub(crate) at: WallMs,
    pub(crate) said: Vec<Said>,
    pub(crate) need: Option<Draft>,
    /// What the diary says of it.
    pub(crate) words: String,
}

/// It holds what a patient said.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.id)
    }
}

/// A call as it was kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) patient: PatientId,
    pub(crate) at: WallMs,
    pub(crate) said: Vec<Said>,
    /// Whether what was said is in the outbox; `true` when there was nothing to send.
    pub(crate) is_handed: bool,
}

/// Why a call is not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// A call of this name was saved with other values.
    #[error("a call of this name is kept already, with other values")]
    Other,
    /// The by-phone device cannot be the patient's.
    #[error("the patient's by-phone device could not be given to them")]
    Device(#[source] AssignRefused),
    /// Whose the by-phone device is could not be read.
    #[error("the diary did not say whose the by-phone device is")]
    Diary(#[source] veglia_diary::ReadError),
    /// The record did not write, or not read.
    #[error("the call was not written")]
    Record(#[source] TxError),
    /// It is written, and the outbox did not take it: repeat it.
    #[error("the outbox of the telephone did not take the call")]
    Outbox(#[source] AppendError),
    /// It cannot be put into words, or read again.
    #[error("what was said cannot be stored")]
    Words(#[source] serde_json::Error),
    /// The task that saved it died.
    #[error("saving was not finished")]
    Died(#[source] JoinError),
}

/// The outbox of the telephone; clones are the same one.
#[derive(Clone)]
pub struct Line {
    record: Database,
    outbox: Outbox,
    boot: Boot,
    began: Instant,
    care: CareClock,
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    /// Opens the outbox in `dir`, or makes a new one.
    ///
    /// # Errors
    /// What the outbox reports.
    pub fn open(dir: &Path, record: Database, care: CareClock) -> Result<Self, OpenError> {
        let seconds = care.wall().now().0.div_euclid(1_000);
        Ok(Self {
            record,
            outbox: Outbox::open(dir, OUTBOX)?,
            boot: Boot(u32::try_from(seconds).unwrap_or(u32::MAX)),
            began: Instant::now(),
            care,
            turn: Arc::new(Mutex::new(())),
        })
    }

    /// What whoever sends takes from.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Which start of the gateway this is.
    #[must_use]
    pub fn boot(&self) -> Boot {
        self.boot
    }

    /// Records that ingest does not have yet.
    pub(crate) fn waiting(&self) -> u64 {
        self.outbox.status().waiting()
    }

    /// Keeps a call, and hands what was said to the outbox; on the disk when this returns. Saving
    /// the same call again changes nothing.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub(crate) async fn save(
        &self,
        actor: &Actor,
        call: Call,
        now: WallMs,
    ) -> Result<(), SaveError> {
        let (line, actor) = (self.clone(), actor.clone());
        // A browser that goes away must not leave half a call.
        let saving = tokio::spawn(async move { line.keep(&actor, &call, now).await });
        saving.await.map_err(SaveError::Died)?
    }

    /// Hands a call to the outbox that was kept and did not get there.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub(crate) async fn finish(
        &self,
        actor: &Actor,
        id: &CallId,
        kept: Kept,
    ) -> Result<(), SaveError> {
        let (line, actor, id) = (self.clone(), actor.clone(), id.clone());
        let handing = tokio::spawn(async move {
            line.hand(&actor, &id, kept.patient, kept.at, &kept.said)
                .await
        });
        handing.await.map_err(SaveError::Died)?
    }

    async fn keep(&self, actor: &Actor, call: &Call, now: WallMs) -> Result<(), SaveError> {
        if !call.said.is_empty() {
            self.give_device(actor, call.patient, now).await?;
        }
        if self.write(actor, call, now).await? {
            let (record, patient) = (&self.record, call.patient);
            let noted = write_note(record, actor, patient, None, &call.words, call.at).await;
            if let Err(error) = noted {
                // The values and the call itself are kept: the line in the diary only tells of it.
                tracing::error!(%error, "a call has no line in the diary");
            }
        }
        self.hand(actor, &call.id, call.patient, call.at, &call.said)
            .await
    }

    /// Sees that the by-phone device is the patient's.
    async fn give_device(
        &self,
        actor: &Actor,
        patient: PatientId,
        now: WallMs,
    ) -> Result<(), SaveError> {
        let device = device(patient);
        let holder = wearer(&self.record, actor, &device, now).await;
        if holder.map_err(SaveError::Diary)? == Some(patient) {
            return Ok(());
        }
        let given = assign_device(&self.record, actor, &device, patient, FOR_EVER, now).await;
        match given {
            Ok(_) => Ok(()),
            // Somebody was as fast.
            Err(AssignRefused::Overlap { holder, .. }) if holder.patient() == Some(patient) => {
                Ok(())
            }
            Err(refused) => Err(SaveError::Device(refused)),
        }
    }

    /// Writes the call; whether it is new.
    async fn write(&self, actor: &Actor, call: &Call, now: WallMs) -> Result<bool, SaveError> {
        let said = serde_json::to_string(&call.said).map_err(SaveError::Words)?;
        let said = said.as_str();
        let written = self.record.run_tx("intake.call", actor, move |tx| {
            Box::pin(async move {
                let known = call::Entity::find_by_id(call.id.as_str()).one(tx).await?;
                if let Some(known) = known {
                    let is_same = known.said == said && known.patient == call.patient.to_string();
                    return Ok(is_same.then_some(false));
                }
                insert(tx, call, said, now).await?;
                Ok(Some(true))
            })
        });
        written
            .await
            .map_err(SaveError::Record)?
            .ok_or(SaveError::Other)
    }

    /// Hands what was said to the outbox, unless it went in before.
    async fn hand(
        &self,
        actor: &Actor,
        id: &CallId,
        patient: PatientId,
        at: WallMs,
        said: &[Said],
    ) -> Result<(), SaveError> {
        if said.is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let status = self.outbox.status();
        let is_new = self.record.run_tx("intake.hand", actor, move |tx| {
            Box::pin(async move {
                if way(tx, id.as_str(), &status).await? == Way::In {
                    return Ok(false);
                }
                let row = handed::ActiveModel {
                    id: NotSet,
                    call: Set(id.to_string()),
                    epoch: Set(status.epoch.to_string()),
                    after: Set(newest(&status)),
                };
                handed::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok(true)
            })
        });
        if !is_new.await.map_err(SaveError::Record)? {
            return Ok(());
        }
        let device = device(patient);
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mono = MonoMs(elapsed_ms.saturating_mul(u64::from(self.care.speed())));
        let records = said.iter();
        let records = records.map(|it| it.record(&device, self.boot, mono, at));
        let appended = self.outbox.append(records.collect()).await;
        appended.map(drop).map_err(SaveError::Outbox)
    }

    /// A call of a patient, as it was kept.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub(crate) async fn kept(
        &self,
        actor: &Actor,
        patient: PatientId,
        id: &CallId,
    ) -> Result<Option<Kept>, SaveError> {
        let status = self.outbox.status();
        let read = self.record.read_tx("intake.kept", actor, move |tx| {
            Box::pin(async move {
                let row = call::Entity::find_by_id(id.as_str()).one(tx).await?;
                let Some(row) = row.filter(|row| row.patient == patient.to_string()) else {
                    return Ok(None);
                };
                Ok(Some((row, way(tx, id.as_str(), &status).await?)))
            })
        });
        let Some((row, way)) = read.await.map_err(SaveError::Record)? else {
            return Ok(None);
        };
        let said: Vec<Said> = serde_json::from_str(&row.said).map_err(SaveError::Words)?;
        Ok(Some(Kept {
            patient,
            at: WallMs(row.at_ms),
            is_handed: way != Way::Out || said.is_empty(),
            said,
        }))
    }

    /// Calls since a moment that were kept and are not on their way, the first first.
    pub(crate) async fn stuck(
        &self,
        actor: &Actor,
        since: WallMs,
    ) -> Result<Vec<(PatientId, CallId)>, TxError> {
        let status = self.outbox.status();
        let read = self.record.read_tx("intake.stuck", actor, move |tx| {
            Box::pin(async move {
                let calls = call::Entity::find()
                    .filter(call::Column::WrittenAtMs.gte(since.0))
                    .filter(call::Column::Said.ne(SAID_NOTHING))
                    .order_by_desc(call::Column::WrittenAtMs)
                    .limit(STUCK_AMONG);
                let mut stuck = Vec::new();
                for call in calls.all(tx).await?.into_iter().rev() {
                    if way(tx, &call.id, &status).await? == Way::Out {
                        stuck.push((call.patient, call.id));
                    }
                }
                Ok(stuck)
            })
        });
        let known =
            |(patient, id): (String, String)| Some((patient.parse().ok()?, id.parse().ok()?));
        Ok(read.await?.into_iter().filter_map(known).collect())
    }
}

/// The by-phone device of a patient.
fn device(patient: PatientId) -> DeviceId {
    device_of(patient).expect("a prefix and sixteen digits are an identifier")
}

fn newest(status: &OutboxStatus) -> i64 {
    let newest = status.newest.map_or(0, |newest| newest.get());
    i64::try_from(newest).unwrap_or(i64::MAX)
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It went into the outbox.
    In,
    /// It did not.
    Out,
    /// It was handed to an outbox that is gone.
    Elsewhere,
}

/// Whether a call went into the outbox: after the row that says it was about to, either the next
/// row or the outbox itself has gone further.
async fn way(tx: &Tx<'_>, id: &str, status: &OutboxStatus) -> Result<Way, TxError> {
    let epoch = status.epoch.to_string();
    let last = handed::Entity::find()
        .filter(handed::Column::Call.eq(id))
        .order_by_desc(handed::Column::Id);
    let Some(last) = last.one(tx).await? else {
        return Ok(Way::Out);
    };
    if last.epoch != epoch {
        return Ok(Way::Elsewhere);
    }
    let next = handed::Entity::find()
        .filter(handed::Column::Id.gt(last.id))
        .filter(handed::Column::Epoch.eq(&epoch))
        .order_by_asc(handed::Column::Id);
    let next = next.one(tx).await?.map(|next| next.after);
    if next.unwrap_or_else(|| newest(status)) > last.after {
        Ok(Way::In)
    } else {
        Ok(Way::Out)
    }
}

async fn insert(tx: &Tx<'_>, call: &Call, said: &str, now: WallMs) -> Result<(), TxError> {
    let row = call::Model {
        id: call.id.to_string(),
        patient: call.patient.to_string(),
        actor: tx.actor().to_string(),
        said: said.to_owned(),
        at_ms: call.at.0,
        written_at_ms: now.0,
    };
    call::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await?;
    attempt::write(tx, call.patient, (Whom::Patient, Came::Answered), call.at).await?;
    let Some(draft) = &call.need else {
        return Ok(());
    };
    let row = need::ActiveModel {
        id: NotSet,
        call: Set(call.id.to_string()),
        consent: Set(draft.has_consent),
        at_ms: Set(call.at.0),
        patient: Set(call.patient.to_string()),
        actor: Set(tx.actor().to_string()),
        kinds: Set(draft.kinds.join(",")),
        words: Set(draft.words.clone()),
        place: Set(draft.place.clone()),
    };
    need::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
