//! What a patient had hidden (*oscuramento*), and the veil that every reading of a diary looks
//! through.
//!
//! **What.** An entry with all its corrections, an alert with everything said and done about it, or
//! a period of the past with what was written in it. Nothing is altered: a hiding is a row, and so
//! is its end.
//!
//! **From whom.** From everybody: the author of an act alone goes on reading that act, because they
//! know it. The rules, the ladder and deliveries work on as before; they show nobody anything. The
//! patient's own copy holds all of it ([`whole_diary_of`](crate::whole_diary_of)), and a court asks
//! for that copy.
//!
//! **That it is hidden is hidden too** (*oscuramento dell'oscuramento*): what is behind the veil is
//! answered as what never was, by reading and by acting alike, and nothing that counts entries is
//! shown. So no list of what is hidden is given to anybody. Whoever hides gets a code, once, on a
//! sheet for the patient; of it only the digest is kept. The code ends the hiding ([`reveal`]), and
//! a wrong code says nothing.
//!
//! **Twice.** Somebody who presses twice, or whose answer was lost, hides the same again and is
//! given another code; any of these codes ends all of it. Nobody else is: to them it is not there.
//!
//! **What may not be hidden.** What is open, and a flag whose episode goes on though a person has
//! closed it: whoever is called at night must see why. What was said, done, closed or measured in
//! the last 24 hours: the list of the centre is made of it, and the next shift reads it. What comes
//! of a flag after it was hidden is not hidden with it. Plans, devices and where the patient
//! is now: they hold today, and versions of plans are numbered without a gap.
//!
//! **One place.** Reading functions make a [`Veil`] of the patient and whoever reads, in the
//! transaction that reads; nobody else decides. A patient who had nothing hidden costs one look
//! into an index.
//!
//! Deliberately absent: hiding from one role or person only, and figures of a whole centre that
//! leave the hidden out (that they moved would tell).

mod limits;
mod veil;

use std::fmt;
use std::ops::Range;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use veglia_store::sea_orm::ActiveValue::NotSet;
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{FlagId, PatientId};
use veglia_wire::WallMs;

use crate::acts::EntryId;
use crate::error::ReadError;
use crate::rows::{hiding, hiding_end};

pub(crate) use veil::{Veil, Veils};

/// How long a period must be over before it can be hidden, in milliseconds: what the list of the
/// centre draws of a patient.
pub const PERIOD_AFTER_MS: i64 = 86_400_000;

/// Characters of a code: 60 bits, more than anybody tries at a form.
const CODE_CHARS: usize = 12;

/// Letters of a code: digits and capitals, without those that are read as one another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What is to be hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hideable {
    /// An entry, and every correction of it.
    Entry(EntryId),
    /// The alerts of a flag, with everything about them.
    Alert(FlagId),
    /// What was written, and measured, in this time.
    Period(Range<WallMs>),
}

/// What ends a hiding: for the patient's sheet, and nowhere else. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct HidingCode(String);

impl HidingCode {
    fn random() -> Result<Self, Unlucky> {
        let mut bytes = [0; CODE_CHARS];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Unlucky)?;
        let letter = |byte: u8| {
            let place = usize::from(byte) % LETTERS.len();
            LETTERS.get(place).copied().map_or('0', char::from)
        };
        Ok(Self(bytes.into_iter().map(letter).collect()))
    }

    /// A code as somebody types it: with or without dashes, in small letters or capitals.
    fn typed(text: &str) -> Self {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        let letters = letters.take(CODE_CHARS.saturating_mul(2));
        let read = letters.map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        Self(read.collect())
    }

    fn digest(&self, patient: PatientId) -> String {
        let said = format!("{patient}/{}", self.0);
        let digest = digest::digest(&digest::SHA256, said.as_bytes());
        let bytes = digest.as_ref().iter();
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

/// In three groups, as it stands on the sheet.
impl fmt::Display for HidingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HidingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HidingCode(…)")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers")]
struct Unlucky;

/// Why nothing was hidden.
#[derive(Debug, thiserror::Error)]
pub enum HideRefused {
    /// This diary has nothing of the kind, for whoever asks.
    #[error("there is nothing of the kind in this diary")]
    Unknown,
    /// An alert of it is open, or the episode goes on.
    #[error("an alert is still open: close it first, for whoever is called must see why")]
    Open,
    /// It ends before it begins, or is not over for long enough.
    #[error("a period can be hidden when it has been over for a day")]
    Period,
    /// Something of it was said, done or closed within the last day.
    #[error("what the next shift must read can be hidden a day later")]
    Recent,
    /// The diary could not be read or written.
    #[error("nothing was hidden")]
    Read(#[source] ReadError),
}

/// Hides something because the patient wishes it. Returns the code that ends it.
///
/// # Errors
/// See [`HideRefused`]; nothing was written then.
pub async fn hide(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    what: &Hideable,
    now: WallMs,
) -> Result<HidingCode, HideRefused> {
    if let Hideable::Period(period) = what
        && (period.is_empty() || now.since(period.end) < PERIOD_AFTER_MS)
    {
        return Err(HideRefused::Period);
    }
    let written = record.run_tx("diary.hide", actor, move |tx| {
        Box::pin(async move {
            let code = HidingCode::random().map_err(TxError::refuse)?;
            let row = what.row(patient, code.digest(patient), tx.actor(), now);
            if let Err(refused) = limits::may_hide(tx, &row, now).await? {
                return Ok(Err(refused));
            }
            let row = hiding::ActiveModel {
                id: NotSet,
                ..row.into_active_model().reset_all()
            };
            hiding::Entity::insert(row)
                .exec_without_returning(tx)
                .await?;
            Ok(Ok(code))
        })
    });
    written
        .await
        .map_err(|fault| HideRefused::Read(fault.into()))?
}

impl Hideable {
    /// The row that hides it; it has no number yet.
    fn row(&self, patient: PatientId, digest: String, by: &Actor, now: WallMs) -> hiding::Model {
        let mut row = hiding::Model {
            id: 0,
            patient: patient.to_string(),
            entry_id: None,
            flag_id: None,
            from_ms: None,
            until_ms: None,
            code_digest: digest,
            at_ms: now.0,
            actor: by.to_string(),
        };
        match self {
            Self::Entry(id) => row.entry_id = Some(id.0),
            Self::Alert(flag) => row.flag_id = Some(flag.to_string()),
            Self::Period(period) => {
                row.from_ms = Some(period.start.0);
                row.until_ms = Some(period.end.0);
            }
        }
        row
    }
}

impl hiding::Model {
    /// Whether the same person hid the same.
    fn is_again(&self, other: &Self) -> bool {
        let target = |row: &Self| (row.entry_id, row.flag_id.clone(), row.from_ms, row.until_ms);
        self.actor == other.actor && target(self) == target(other)
    }
}

/// Ends what a code hid, also where it was hidden twice. Whether there was something: a wrong code
/// says no more.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn reveal(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    code: &str,
    now: WallMs,
) -> Result<bool, ReadError> {
    let digest = HidingCode::typed(code).digest(patient);
    let digest = digest.as_str();
    let written = record.run_tx("diary.reveal", actor, move |tx| {
        Box::pin(async move {
            let rows = in_force(tx, &patient.to_string()).await?;
            let Some(of) = rows.iter().find(|row| row.code_digest == digest) else {
                return Ok(false);
            };
            for row in rows.iter().filter(|row| row.is_again(of)) {
                let end = hiding_end::Model {
                    hiding_id: row.id,
                    at_ms: now.0,
                    actor: tx.actor().to_string(),
                };
                hiding_end::Entity::insert(end.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
            }
            Ok(true)
        })
    });
    Ok(written.await?)
}

/// The periods whose readings nobody is shown.
///
/// # Errors
/// See [`ReadError`].
pub async fn hidden_periods(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<Range<WallMs>>, ReadError> {
    let read = record.read_tx("diary.hidden_periods", actor, move |tx| {
        Box::pin(async move {
            let rows = in_force(tx, &patient.to_string()).await?;
            let periods = rows.iter().filter_map(hiding::Model::period);
            Ok(periods.map(|it| WallMs(it.start)..WallMs(it.end)).collect())
        })
    });
    Ok(read.await?)
}

/// The hidings of a patient that nobody has ended.
async fn in_force(tx: &Tx<'_>, patient: &str) -> Result<Vec<hiding::Model>, TxError> {
    let rows = hiding::Entity::find().filter(hiding::Column::Patient.eq(patient));
    let mut rows = rows.all(tx).await?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let ids = rows.iter().map(|row| row.id);
    let ends = hiding_end::Entity::find().filter(hiding_end::Column::HidingId.is_in(ids));
    let ended: Vec<i64> = ends.all(tx).await?.iter().map(|it| it.hiding_id).collect();
    rows.retain(|row| !ended.contains(&row.id));
    Ok(rows)
}
