//! Acts that move no alert: asking for another measurement, referring to a service, telephoning
//! when nothing is open, correcting an entry. Whoever was to be called about an alert still is:
//! only taking charge and telephoning about it stop that.

use serde::{Deserialize, Serialize};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database};
use veglia_triage::{FlagId, PatientId};
use veglia_wire::{VitalKind, WallMs};

use super::{
    ActKind, ActRefused, CallOutcome, Draft, EntryId, Whom, checked, is_known, outcome, perhaps,
};
use crate::hidden::Veil;
use crate::rows::entry;

/// A service that goes to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HomeService {
    /// The special units of the continuity of care (*USCA*): a doctor at home.
    SpecialUnit,
    /// Integrated home care (*ADI*): nursing.
    HomeCare,
    /// Oxygen delivered and fitted.
    Oxygen,
    /// A swab at home.
    Swab,
    /// Social services of the Comune.
    Social,
    /// Shopping and medicines brought by volunteers.
    Errands,
    /// Psychological support by telephone.
    Psychology,
}

impl HomeService {
    /// Every service, as a form offers them.
    pub const ALL: [Self; 7] = [
        Self::SpecialUnit,
        Self::HomeCare,
        Self::Oxygen,
        Self::Swab,
        Self::Social,
        Self::Errands,
        Self::Psychology,
    ];

    /// The word of forms: `special-unit`, `home-care`, `oxygen`, `swab`, `social`, `errands`,
    /// `psychology`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SpecialUnit => "special-unit",
            Self::HomeCare => "home-care",
            Self::Oxygen => "oxygen",
            Self::Swab => "swab",
            Self::Social => "social",
            Self::Errands => "errands",
            Self::Psychology => "psychology",
        }
    }
}

/// Writes down that the patient was asked to measure a vital sign again.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn ask_repeat(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    flag: Option<&FlagId>,
    vital: VitalKind,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = perhaps(words)?;
    write(
        record,
        actor,
        patient,
        flag,
        (ActKind::RepeatAsked(vital), words),
        at,
    )
    .await
}

/// Writes down that a service was asked to see to the patient, and for what.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn refer(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    flag: Option<&FlagId>,
    service: HomeService,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = checked(words)?;
    write(
        record,
        actor,
        patient,
        flag,
        (ActKind::Referred(service), words),
        at,
    )
    .await
}

/// Writes down a telephone call that is about no flag.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn note_call(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    call: (Whom, CallOutcome),
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = perhaps(words)?;
    write(
        record,
        actor,
        patient,
        None,
        (ActKind::Called(call.0, call.1), words),
        at,
    )
    .await
}

async fn write(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    flag: Option<&FlagId>,
    (kind, words): (ActKind, &str),
    at: WallMs,
) -> Result<(), ActRefused> {
    let written = record.run_tx("diary.write_act", actor, move |tx| {
        Box::pin(async move {
            if let Some(flag) = flag
                && !is_known(tx, patient, flag).await?
            {
                return Ok(Err(ActRefused::Unknown(flag.clone())));
            }
            let draft = Draft {
                patient,
                flag: flag.map(FlagId::to_string),
                kind,
                once: None,
                telling: None,
                at,
                words,
            };
            draft.write(tx).await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Writes what an entry of a patient's diary should have said. The entry stays as it is, and so
/// does every correction of it.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn correct(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    wrong: EntryId,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = checked(words)?;
    let written = record.run_tx("diary.correct", actor, move |tx| {
        Box::pin(async move {
            let row = entry::Entity::find_by_id(wrong.0)
                .filter(entry::Column::Patient.eq(patient.to_string()));
            let veil = Veil::of(tx, &patient.to_string()).await?;
            let row = row.one(tx).await?.filter(|row| !veil.hides_entry(row));
            let Some(row) = row else {
                return Ok(Err(ActRefused::NoEntry(wrong)));
            };
            let draft = Draft {
                patient,
                flag: row.flag_id,
                kind: ActKind::Corrected(wrong),
                once: None,
                telling: None,
                at,
                words,
            };
            draft.write(tx).await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}
