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

use std::borrow::Cow;
use std::collections::HashMap;

use veglia_people::care::{self, glass};
use veglia_people::staff::{self, Role};
use veglia_store::{Access, Accessed, Actor, Database, TxError};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Language, Words};

use crate::WORDS;

/// How long an entry about curves stands for further fetches of them, by the clock of care, in
/// milliseconds.
pub const CURVES_WINDOW_MS: i64 = 3_600_000;

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
    pub unit: Cow<'static, str>,
    /// In which role, in words.
    pub role: Cow<'static, str>,
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
/// looks, in a language. Asking is a look as well, and is written before the answer.
///
/// # Errors
/// What the record reports; nothing is told then.
pub async fn who_has_seen(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    before: Option<i64>,
    limit: u64,
    (now, language): (WallMs, Language),
) -> Result<Vec<Viewing>, TxError> {
    let subject = patient.to_string();
    let seen = record.accesses_to(actor, &subject, before, limit).await?;
    let roles = staff::roles(record, actor).await?;
    record.log_access(actor, access(LOG, &subject, now)).await?;
    let w = WORDS.speaking(language);
    Ok(seen.iter().map(|it| viewing(w, it, &roles)).collect())
}

fn access<'a>(purpose: &'static str, subject: &'a str, now: WallMs) -> Access<'a> {
    Access {
        at_ms: now.0,
        purpose,
        subject,
    }
}

fn viewing(w: Words, seen: &Accessed, roles: &HashMap<String, Role>) -> Viewing {
    let role = roles.get(&seen.actor);
    // The person whose data it is learns unit, role and reason, and not the name.
    let (unit, role) = match role {
        Some(role) => (
            Cow::Borrowed(role.unit_in(w.language)),
            Cow::Borrowed(role.word_in(w.language)),
        ),
        None if seen.actor.starts_with("command:") => {
            (w.say("entrust-centre"), w.say("seen-by-command"))
        }
        None => (w.say("entrust-centre"), w.say("seen-by-system")),
    };
    Viewing {
        number: seen.number,
        at: WallMs(seen.at_ms),
        unit,
        role,
        reason: why_in_words(&seen.purpose, w.language),
    }
}

/// A purpose of the access log in words; what no page of this version does is said as it is
/// written.
#[must_use]
pub fn why_in_words(purpose: &str, language: Language) -> String {
    let key = match purpose {
        PAGE => Key("purpose-page"),
        DIARY => Key("purpose-diary"),
        CURVES => Key("purpose-curves"),
        LOG => Key("purpose-accesses"),
        care::PURPOSE => Key("purpose-care"),
        glass::PURPOSE => Key("purpose-glass"),
        glass::SOUGHT => Key("purpose-glass-sought"),
        // Entered by the pages of devices, of the telephone and of the auditor.
        "device.sheet" => Key("purpose-device"),
        "device.card" => Key("purpose-device-card"),
        "device.first" => Key("purpose-device-first"),
        "patient.call" => Key("purpose-call"),
        "patient.needs" => Key("purpose-needs"),
        "patient.handover" => Key("purpose-handover"),
        "patient.night" => Key("purpose-night"),
        "patient.sheet-112" => Key("purpose-sheet"),
        // Entered by the family doctors' door.
        "patient.inbox" => Key("purpose-inbox"),
        "patient.digest" => Key("purpose-digest"),
        "patient.synopsis" => Key("purpose-synopsis"),
        // Entered by the pages of documents.
        "patient.documents" => Key("purpose-documents"),
        "patient.document-issued" => Key("purpose-document-issued"),
        "report.list" | "report.own" => Key("purpose-reports"),
        // Entered by the pages of a patient's rights, and by the book of consents.
        "patient.consents" => Key("purpose-consents"),
        "patient.rights" => Key("purpose-rights"),
        "patient.copy" => Key("purpose-copy"),
        "patient.erasure" => Key("purpose-erasure"),
        // Entered by the API.
        "api.patient" => Key("purpose-api-read"),
        "api.diary" => Key("purpose-api-written"),
        "audit.list" => Key("purpose-audit"),
        "audit.command" => Key("purpose-audit-command"),
        other => return other.to_owned(),
    };
    WORDS.speaking(language).say(key).into_owned()
}
