//! Who looked at a patient's data: written before anything is shown, and told on request.
//!
//! | what | purpose | one entry stands for |
//! |---|---|---|
//! | who it is, clinical sheet, plan, values, flags | `patient.page` | one opening of the page |
//! | the diary | `patient.diary` | one opening of the page |
//! | curves, and their marks | `patient.curves` | the hour after it ([`CURVES_WINDOW_MS`]) |
//! | this log | `patient.accesses` | one look at it |
//! | who follows the patient | `patient.care` | one opening of the page, and one word about it |
//!
//! An open page fetches its curves anew every few seconds and at every zoom; live values reach it
//! by the list's stream, which is everybody's. Neither writes by itself: the stream belongs to the
//! opening, and curves are entered again each hour that somebody keeps them on a screen.
//!
//! What could not be written is not shown. Absent: the list of patients, which is the work of
//! whoever is on duty and names no single patient as its purpose.

use std::collections::HashMap;

use veglia_people::care::{self, glass};
use veglia_people::staff::{self, Role};
use veglia_store::{Access, Accessed, Actor, Database, TxError};
use veglia_view::{PatientId, WallMs};

/// How long an entry about curves stands for further fetches of them, by the clock of care, in
/// milliseconds.
pub const CURVES_WINDOW_MS: i64 = 3_600_000;

/// Where the reader works who has no account. The person whose data it is learns this, the role and
/// the reason, and not the name.
const UNIT: &str = "Centrale Medica";

const PAGE: &str = "patient.page";
const DIARY: &str = "patient.diary";
const CURVES: &str = "patient.curves";
const LOG: &str = "patient.accesses";

/// Somebody has looked at a patient's data, as that patient may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewing {
    /// Its number in the access log; older ones are asked for by it.
    pub number: i64,
    /// When.
    pub at: WallMs,
    /// Of which unit the reader is.
    pub unit: &'static str,
    /// In which role, in words.
    pub role: &'static str,
    /// For which reason, in words.
    pub reason: String,
}

/// Writes that somebody opens a patient's page.
pub(crate) async fn opens_page(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let subject = patient.to_string();
    let of = |purpose| access(purpose, &subject, now);
    record.log_accesses(actor, &[of(PAGE), of(DIARY)]).await
}

/// Writes that somebody opens a patient's diary, of which the page shows the newest entries only.
pub(crate) async fn opens_diary(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let subject = patient.to_string();
    let opens = access(DIARY, &subject, now);
    record.log_access(actor, opens).await
}

/// Writes that somebody looks at a patient's curves, once for [`CURVES_WINDOW_MS`].
pub(crate) async fn looks_at_curves(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let subject = patient.to_string();
    let looks = access(CURVES, &subject, now);
    record
        .log_access_once(actor, looks, CURVES_WINDOW_MS)
        .await
        .map(drop)
}

/// Writes that somebody opens the page of who follows a patient, or says who does.
pub(crate) async fn opens_care(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let subject = patient.to_string();
    let opens = access(care::PURPOSE, &subject, now);
    record.log_access(actor, opens).await
}

/// Who has seen a patient's data before the look of that number, newest first, at most `limit`
/// looks. Asking is a look as well, and is written before the answer.
///
/// # Errors
/// What the record reports; nothing is told then.
pub async fn who_has_seen(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    before: Option<i64>,
    limit: u64,
    now: WallMs,
) -> Result<Vec<Viewing>, TxError> {
    let subject = patient.to_string();
    let seen = record.accesses_to(actor, &subject, before, limit).await?;
    let roles = staff::roles(record, actor).await?;
    record.log_access(actor, access(LOG, &subject, now)).await?;
    Ok(seen.iter().map(|it| viewing(it, &roles)).collect())
}

fn access<'a>(purpose: &'static str, subject: &'a str, now: WallMs) -> Access<'a> {
    Access {
        at_ms: now.0,
        purpose,
        subject,
    }
}

fn viewing(seen: &Accessed, roles: &HashMap<String, Role>) -> Viewing {
    let role = roles.get(&seen.actor);
    Viewing {
        number: seen.number,
        at: WallMs(seen.at_ms),
        unit: role.map_or(UNIT, |role| role.unit()),
        role: match role {
            Some(role) => role.word(),
            None if seen.actor.starts_with("command:") => "gestore del sistema",
            None => "sistema",
        },
        reason: why_in_words(&seen.purpose),
    }
}

/// A purpose of the access log in words; what no page of this version does is said as it is
/// written.
#[must_use]
pub fn why_in_words(purpose: &str) -> String {
    let words = match purpose {
        PAGE => "Consultazione della scheda",
        DIARY => "Consultazione del diario",
        CURVES => "Consultazione dell’andamento delle misure",
        LOG => "Consultazione del registro degli accessi",
        care::PURPOSE => "Chi segue il paziente",
        glass::PURPOSE => "Accesso urgente, con motivo",
        glass::SOUGHT => "Ricerca per codice fiscale, per un accesso urgente",
        // Entered by the pages of devices, of the telephone and of the auditor.
        "device.sheet" => "Consultazione della scheda di un dispositivo",
        "device.card" => "Tesserino di un dispositivo",
        "device.first" => "Attesa della prima misura di un dispositivo",
        "patient.call" => "Telefonata",
        "patient.needs" => "Bisogni detti al telefono",
        "patient.handover" => "Passaggio di consegne tra turni",
        "patient.night" => "Elenco della notte per la Continuità Assistenziale",
        "patient.sheet-112" => "Scheda per il 112",
        // Entered by the family doctors' door.
        "patient.inbox" => "Segnalazioni del medico di famiglia",
        "patient.digest" => "Riepilogo del medico di famiglia",
        "patient.synopsis" => "Sintesi del paziente",
        "report.list" => "Casi segnalati dai medici",
        "audit.list" => "Controllo degli accessi",
        "audit.command" => "Controllo degli accessi, dalla riga di comando",
        other => other,
    };
    words.to_owned()
}
