//! The way into the clinical path: an outbox of the dashboard's own, and rows for every call.
//!
//! ```text
//! form ─▶ phone_call, phone_need ─▶ diary ─▶ phone_handed ─▶ outbox (fsync) ─▶ phone_sent
//!                                                              └─▶ broker ─▶ ingest ─▶ rules
//! ```
//! What was said reaches the rules as a device's readings do, by the same broker, journal and
//! triage, from the patient's permanent by-phone device. The form is answered after the outbox has
//! it on the disk.
//!
//! **Once.** A form carries the name of its call, and under that name nothing else is ever saved.
//! A repeated form doubles nothing, and one that failed half way is finished by repeating it: what
//! the outbox was about to get when somebody died, it is asked for ([`Outbox::holds`]), and gets
//! what it does not have (`way.rs`).
//!
//! An outbox that was moved away and begun anew has another epoch: whether what it held arrived is
//! not known any more. Pages say so, and a call that is repeated then is sent. A value twice is
//! better than none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinError;
use veglia_diary::{AssignRefused, assign_device, wearer, write_note};
use veglia_link::outbox::{AppendError, OpenError, SpoolError};
use veglia_link::{LinkStatus, Outbox, OutboxOptions, OutboxStatus};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_view::PatientId;
use veglia_wire::{Boot, CareClock, DeviceId, MonoMs, Record, Sequence, WallMs};

use crate::attempt::{self, Came, Whom};
use crate::need::Draft;
use crate::noted;
use crate::rows::{call, need};
use crate::said::{CallId, Said, device_of};
use way::Way;

mod kept;
mod way;

pub(crate) use kept::{Kept, Loose, Place};

/// The gateway through which the telephone speaks: a name that no home has.
pub const GATEWAY: &str = "veglia-phone";

/// Calls are a few records each: the smallest outbox that still holds a week without a broker.
const OUTBOX: OutboxOptions = OutboxOptions {
    segment_bytes: 256 * 1024,
    max_total_bytes: 64 * 1024 * 1024,
    commit_window: Duration::ZERO,
};

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

/// Why a call is not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// A call of this name was saved that says something else.
    #[error("a call of this name is kept already, and says something else")]
    Other,
    /// The by-phone device cannot be the patient's.
    #[error("the patient's by-phone device could not be given to them")]
    Device(#[source] AssignRefused),
    /// Whose the by-phone device is was not read, or the call not noted: repeat it.
    #[error("the diary did not answer")]
    Diary(#[source] veglia_diary::ReadError),
    /// The record did not write, or not read.
    #[error("the call was not written")]
    Record(#[source] TxError),
    /// It is written, and the outbox did not take it: repeat it.
    #[error("the outbox of the telephone did not take the call")]
    Outbox(#[source] AppendError),
    /// It is written, and whether the outbox has it cannot be read: repeat it.
    #[error("the outbox of the telephone does not say whether it has the call")]
    Doubtful(#[source] SpoolError),
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
    link: watch::Sender<LinkStatus>,
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
            link: watch::Sender::new(LinkStatus::default()),
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

    /// Where whoever sends says how it is doing.
    pub(crate) fn teller(&self) -> watch::Sender<LinkStatus> {
        self.link.clone()
    }

    /// How whoever sends is doing.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<LinkStatus> {
        self.link.subscribe()
    }

    /// How the outbox is doing.
    pub(crate) fn status(&self) -> OutboxStatus {
        self.outbox.status()
    }

    /// How much care time goes by while somebody waits this long at the wall.
    pub(crate) fn care_ms(&self, wall_ms: i64) -> i64 {
        wall_ms.saturating_mul(i64::from(self.care.speed()))
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
            let _turn = line.turn.lock().await;
            line.hand(&actor, &id, kept.patient, kept.at, &kept.said)
                .await
        });
        handing.await.map_err(SaveError::Died)?
    }

    async fn keep(&self, actor: &Actor, call: &Call, now: WallMs) -> Result<(), SaveError> {
        if !call.said.is_empty() {
            self.give_device(actor, call.patient, now).await?;
        }
        let _turn = self.turn.lock().await;
        self.write(actor, call, now).await?;
        let telling = write_note(
            &self.record,
            actor,
            call.patient,
            None,
            &call.words,
            call.at,
        );
        let noted = noted::once(&self.record, actor, &call.id, telling).await;
        // A diary that does not answer keeps no value from the rules.
        self.hand(actor, &call.id, call.patient, call.at, &call.said)
            .await?;
        noted.map_err(SaveError::Diary)
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

    /// Writes the call, unless it was.
    async fn write(&self, actor: &Actor, call: &Call, now: WallMs) -> Result<(), SaveError> {
        let said = serde_json::to_string(&call.said).map_err(SaveError::Words)?;
        let form = call.form().map_err(SaveError::Words)?;
        let (said, form) = (said.as_str(), form.as_str());
        let written = self.record.run_tx("intake.call", actor, move |tx| {
            Box::pin(async move {
                let known = call::Entity::find_by_id(call.id.as_str()).one(tx).await?;
                let Some(known) = known else {
                    insert(tx, call, (said, form), now).await?;
                    return Ok(true);
                };
                let is_same = |known_form: &String| known_form == form;
                let was_said = known.said == said && known.patient == call.patient.to_string();
                Ok(known.form.as_ref().map_or(was_said, is_same))
            })
        });
        let is_this_one = written.await.map_err(SaveError::Record)?;
        is_this_one.then_some(()).ok_or(SaveError::Other)
    }

    /// Hands what was said to the outbox, as far as it does not have it; one call at a time.
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
        let OutboxStatus { epoch, newest, .. } = self.outbox.status();
        let read = self.record.read_tx("intake.way", actor, move |tx| {
            Box::pin(async move { way::of(tx, id.as_str(), epoch).await })
        });
        let records = self.records(patient, at, said);
        let missing = match read.await.map_err(SaveError::Record)? {
            Way::In(_) => return Ok(()),
            Way::Doubtful(after) => self.missing(records, after).await?,
            Way::Out | Way::Elsewhere => {
                let handed = way::is_handed(&self.record, actor, id, (epoch, newest)).await;
                handed.map_err(SaveError::Record)?;
                records
            }
        };
        let through = if missing.is_empty() {
            newest
        } else {
            let appended = self.outbox.append(missing).await;
            Some(appended.map_err(SaveError::Outbox)?.last)
        };
        if let Err(error) = way::is_in(&self.record, actor, id, (epoch, through)).await {
            // It is: whoever asks for it again finds it there.
            tracing::warn!(%error, "it is not written down that a call is in the outbox");
        }
        Ok(())
    }

    /// What was said, as records of the patient's by-phone device.
    fn records(&self, patient: PatientId, at: WallMs, said: &[Said]) -> Vec<Record> {
        let device = device(patient);
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mono = MonoMs(elapsed_ms.saturating_mul(u64::from(self.care.speed())));
        let records = said.iter();
        let records = records.map(|it| it.record(&device, self.boot, mono, at));
        records.collect()
    }

    /// Those of some records that the outbox does not have behind a sequence.
    async fn missing(
        &self,
        mut records: Vec<Record>,
        after: Option<Sequence>,
    ) -> Result<Vec<Record>, SaveError> {
        let looked = self.outbox.holds(after, |held| {
            records.retain(|it| !is_same(it, held));
            records.is_empty()
        });
        looked.await.map_err(SaveError::Doubtful)?;
        Ok(records)
    }
}

impl Call {
    /// All that the form said, as a digest: another one under the same name says something else.
    fn form(&self) -> Result<String, serde_json::Error> {
        let all = (self.patient, self.at, &self.said, &self.need, &self.words);
        let digest = Sha256::digest(serde_json::to_vec(&all)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The by-phone device of a patient.
fn device(patient: PatientId) -> DeviceId {
    device_of(patient).expect("a prefix and sixteen digits are an identifier")
}

/// Whether two records say the same of the same moment, whenever they were appended.
fn is_same(one: &Record, other: &Record) -> bool {
    let of = |it: &Record| (it.when.wall, it.body);
    one.device == other.device && of(one) == of(other)
}

async fn insert(
    tx: &Tx<'_>,
    call: &Call,
    (said, form): (&str, &str),
    now: WallMs,
) -> Result<(), TxError> {
    let row = call::Model {
        id: call.id.to_string(),
        patient: call.patient.to_string(),
        actor: tx.actor().to_string(),
        said: said.to_owned(),
        at_ms: call.at.0,
        written_at_ms: now.0,
        form: Some(form.to_owned()),
    };
    call::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await?;
    let answered = (Whom::Patient, Came::Answered);
    attempt::write(tx, call.patient, answered, call.at, None).await?;
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
