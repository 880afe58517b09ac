//! Whoever has taken charge of somebody unknown has it of the patient whom they turn out to be.
//!
//! Measures that waited to be told whose they are had raised an alert of somebody who stood in.
//! With the answer that alert leaves the list ([`Why::NotTheirs`]), and the same readings raise the
//! patient's own, in the same telling of verdicts. What was done about the first holds for the
//! second: nobody is called anew about what somebody is on the telephone for. Both diaries say so.
//!
//! Limits: what rests on the same records, and is no graver. What is taken back from a patient who
//! is known (a correction) hands nothing on: whoever has them telephones to *them*.

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Tx, TxError};
use veglia_triage::{Flag, FlagId, Severity, Trigger, Verdict, Why};
use veglia_wire::{RecordId, WallMs};

use super::{grounds, open_alert, state};
use crate::acts::{ActKind, Draft};
use crate::flags::Told;
use crate::ladder::{Hold, Input, State};
use crate::rows::{alert, assignment, assignment_member, plan};

/// What the patient's diary says.
const TAKEN: &str = "Già in carico per la misura senza nome: la presa in carico vale per questa \
                     segnalazione.";

/// Who had an alert of somebody unknown, just before it was let go.
#[derive(Debug)]
pub(crate) struct Charge {
    /// Of somebody unknown.
    flag: FlagId,
    hold: Hold,
    severity: Severity,
    /// The gravest that people were called for.
    heard: Option<Severity>,
    /// What it rests on.
    records: Vec<RecordId>,
}

/// Who has the alert of a flag that is about to be let go; none when nobody has, or when the
/// flag's patient is known.
pub(crate) async fn charge_of(
    tx: &Tx<'_>,
    verdict: &Verdict,
    told: &Told,
    now: WallMs,
) -> Result<Option<Charge>, TxError> {
    let Verdict::End {
        id,
        why: Why::NotTheirs,
        ..
    } = verdict
    else {
        return Ok(None);
    };
    let Some(row) = open_alert(tx, id).await? else {
        return Ok(None);
    };
    let State {
        hold,
        severity,
        is_confirmed,
        ..
    } = state(&row).map_err(TxError::refuse)?;
    let Some(hold) = hold.filter(|hold| hold.until > now) else {
        return Ok(None);
    };
    if is_known(tx, &row.patient).await? {
        return Ok(None);
    }
    Ok(Some(Charge {
        flag: id.clone(),
        hold,
        severity,
        heard: is_confirmed.then_some(severity),
        records: rests_on(&told.flag),
    }))
}

/// Hands on to the alert of a flag what was done about the same records before anybody knew whose
/// they are. Returns its row as it is then.
pub(super) async fn hand_on(
    tx: &Tx<'_>,
    row: alert::Model,
    flag: &Flag,
    charges: &[Charge],
    now: WallMs,
) -> Result<alert::Model, TxError> {
    let own = state(&row).map_err(TxError::refuse)?;
    let is_attended = own.hold.is_some() || own.snooze.is_some();
    // Somebody is being called for reasons of the patient's own: that goes on.
    let is_ringing = own.climb.is_some();
    let severity = flag.severity.max(own.severity);
    if is_attended || is_ringing || charges.is_empty() {
        return Ok(row);
    }
    let records = rests_on(flag);
    let is_same = |charge: &&Charge| {
        charge.severity >= severity && charge.records.iter().any(|it| records.contains(it))
    };
    let Some(charge) = charges.iter().find(is_same) else {
        return Ok(row);
    };
    let input = Input::Inherited {
        hold: charge.hold.clone(),
        heard: charge.heard,
    };
    let row = grounds::told(tx, row, &input, now).await?;
    let taken = Draft {
        patient: flag.id.patient,
        flag: Some(flag.id.to_string()),
        kind: ActKind::TakenCharge,
        once: None,
        telling: None,
        at: now,
        words: TAKEN,
    };
    taken.write_as(tx, charge.hold.by.clone()).await?;
    let given = Draft {
        patient: charge.flag.patient,
        flag: Some(charge.flag.to_string()),
        kind: ActKind::Note,
        once: None,
        telling: None,
        at: now,
        words: &format!(
            "La misura ha un nome: la presa in carico vale ora per il paziente {}.",
            flag.id.patient
        ),
    };
    given.write(tx).await?;
    Ok(row)
}

/// The records that a flag was set off by.
fn rests_on(flag: &Flag) -> Vec<RecordId> {
    let evidence = flag.evidence.iter().map(|it| it.id);
    let trigger = match flag.id.trigger {
        Trigger::Record(record) => Some(record),
        Trigger::SilentSince(..) | Trigger::HomeSilentSince(_) => None,
    };
    evidence.chain(trigger).collect()
}

/// Whether somebody is followed under this number: whoever stands in has neither a plan nor a
/// device.
async fn is_known(tx: &Tx<'_>, patient: &str) -> Result<bool, TxError> {
    let plans = plan::Entity::find().filter(plan::Column::Patient.eq(patient));
    if plans.one(tx).await?.is_some() {
        return Ok(true);
    }
    let own = assignment::Entity::find().filter(assignment::Column::Patient.eq(patient));
    if own.one(tx).await?.is_some() {
        return Ok(true);
    }
    let shared = assignment_member::Entity::find();
    let shared = shared.filter(assignment_member::Column::Patient.eq(patient));
    Ok(shared.one(tx).await?.is_some())
}
