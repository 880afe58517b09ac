//! What becomes of every table of the record when a patient is erased: one list, to be read as a
//! decision. A test compares it with the tables there are, so that a new one cannot be forgotten.
//!
//! What stays is numbers under a number: readings, flags, calls by kind and hour, who did what
//! when. The diary's words stay as noise, because their key is destroyed. The access log and its
//! chain stay whole: they name nobody but by number.
//!
//! Deliberately absent: rooms of people who are not monitored at home (swabs and isolation, the
//! messages of laboratories): what public health keeps of an epidemic has its own law and term.

use veglia_people::PersonId;
use veglia_people::forgotten;
use veglia_store::sea_orm::{ConnectionTrait, DbErr};
use veglia_store::sea_orm_migration::prelude::{Alias, Expr, ExprTrait, Query};
use veglia_store::{Tx, TxError};
use veglia_view::{PatientId, WallMs};

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Stays: it says nothing of a patient, or numbers.
    Kept,
    /// Stays; its words are sealed, and their key is destroyed.
    Noise,
    /// Rows of the patient are removed.
    Removed(Subject),
    /// Rows of the patient stay, with these texts empty.
    Blanked(Subject, &'static [&'static str]),
    /// As [`erase`] says for this table alone.
    Special,
}

/// How a table names the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// By number, in `person_id`.
    Person,
    /// By the sixteen digits, in `patient`.
    Patient,
    /// As `patient:` and the sixteen digits, in `recipient`.
    Recipient,
}

use Fate::{Blanked, Kept, Noise, Removed, Special};
use Subject::{Patient, Person, Recipient};

/// Every table, in the order of the alphabet.
pub(crate) const FATES: &[(&str, Fate)] = &[
    ("absence", Kept),
    ("access_log", Kept),
    ("alert", Kept),
    ("alert_event", Kept),
    ("alert_flag", Kept),
    ("assignment", Kept),
    ("assignment_end", Kept),
    ("assignment_member", Kept),
    ("attribution", Special),
    ("call_link", Kept),
    ("care_relation", Blanked(Person, &["why"])),
    ("change", Kept),
    ("channel_outage", Kept),
    ("clinical_sheet", Removed(Person)),
    ("consent", Kept),
    ("contact", Kept),
    ("delivery", Blanked(Recipient, &["subject", "text", "link"])),
    ("delivery_address", Special),
    ("delivery_also", Kept),
    ("delivery_cursor", Kept),
    ("delivery_event", Kept),
    ("doctor_act", Kept),
    ("doctor_digest", Kept),
    ("doctor_report", Special),
    ("document", Blanked(Person, &["body"])),
    ("duty_shift", Kept),
    ("entry", Noise),
    ("erasure", Kept),
    ("erasure_step", Kept),
    ("flag", Kept),
    ("flag_event", Kept),
    ("fleet_act", Kept),
    ("fleet_certificate", Kept),
    ("handover", Special),
    ("handover_ack", Kept),
    ("hiding", Kept),
    ("hiding_end", Kept),
    ("mmg", Kept),
    ("mmg_of_person", Kept),
    ("open_flag", Kept),
    ("page", Kept),
    ("page_event", Kept),
    ("patient_key", Special),
    ("person", Special),
    ("phone_attempt", Blanked(Patient, &["words"])),
    ("phone_call", Kept),
    ("phone_claim", Kept),
    ("phone_handed", Kept),
    ("phone_need", Blanked(Patient, &["words", "place"])),
    ("phone_noted", Kept),
    ("phone_sent", Kept),
    ("plan", Noise),
    ("probe_interruption", Kept),
    ("probe_round", Kept),
    ("quiet_hours", Kept),
    ("saved_view", Kept),
    ("staff", Kept),
    ("staff_passkey", Kept),
    ("staff_recovery", Kept),
    ("staff_session", Kept),
    ("staff_step", Kept),
    ("staff_subject", Kept),
    ("staff_token", Kept),
    ("staff_totp", Kept),
    ("standing", Noise),
    ("told", Removed(Person)),
    ("wall_board", Kept),
];

/// Erases somebody, all of it or nothing. Doing so again changes nothing.
pub(crate) async fn erase(
    tx: &Tx<'_>,
    patient: PatientId,
    person: PersonId,
    now: WallMs,
) -> Result<(), TxError> {
    veglia_diary::destroy_key(tx, patient, now).await?;
    if let Some(code) = forgotten::blank_in(tx, person, now).await? {
        let mut reports = Query::delete();
        reports
            .from_table(Alias::new("doctor_report"))
            .and_where(column("codice_fiscale").eq(code));
        tx.execute(&reports).await?;
    }
    for (table, fate) in FATES {
        match fate {
            Removed(subject) => {
                let mut rows = Query::delete();
                rows.from_table(Alias::new(*table))
                    .and_where(subject.is(patient, person));
                tx.execute(&rows).await?;
            }
            Blanked(subject, texts) => {
                let mut rows = Query::update();
                rows.table(Alias::new(*table))
                    .and_where(subject.is(patient, person));
                for text in *texts {
                    rows.value(Alias::new(*text), "");
                }
                tx.execute(&rows).await?;
            }
            Kept | Noise | Special => {}
        }
    }
    reasons(tx, patient).await?;
    addresses(tx, patient, person).await?;
    handovers(tx, patient).await
}

fn column(name: &'static str) -> Expr {
    Expr::col(Alias::new(name))
}

impl Subject {
    fn is(self, patient: PatientId, person: PersonId) -> Expr {
        match self {
            Person => column("person_id").eq(person.get()),
            Patient => column("patient").eq(patient.to_string()),
            Recipient => column("recipient").eq(format!("patient:{patient}")),
        }
    }
}

/// Why readings were said to be the patient's. An empty reason would make an answer of a
/// correction.
async fn reasons(tx: &Tx<'_>, patient: PatientId) -> Result<(), TxError> {
    let mut rows = Query::update();
    rows.table(Alias::new("attribution"))
        .value(Alias::new("why"), "–")
        .and_where(column("patient").eq(patient.to_string()))
        .and_where(column("why").ne(""));
    tx.execute(&rows).await?;
    Ok(())
}

/// The numbers to which messages for the patient went.
async fn addresses(tx: &Tx<'_>, patient: PatientId, person: PersonId) -> Result<(), TxError> {
    let mut theirs = Query::select();
    theirs
        .column(Alias::new("id"))
        .from(Alias::new("delivery"))
        .and_where(Recipient.is(patient, person));
    let mut rows = Query::delete();
    rows.from_table(Alias::new("delivery_address"))
        .and_where(column("delivery_id").in_subquery(theirs));
    tx.execute(&rows).await?;
    Ok(())
}

/// A handover is one text about many patients: the lines of this one are taken out.
async fn handovers(tx: &Tx<'_>, patient: PatientId) -> Result<(), TxError> {
    let named = patient.to_string();
    let mut rows = Query::select();
    rows.columns([Alias::new("id"), Alias::new("body")])
        .from(Alias::new("handover"))
        .and_where(column("body").like(format!("%{named}%")));
    for row in tx.query_all(&rows).await? {
        let id: i64 = row.try_get("", "id")?;
        let body: String = row.try_get("", "body")?;
        let without = without(&body, &named)
            .map_err(|fault| DbErr::Custom(format!("handover {id} is damaged: {fault}")))?;
        let mut update = Query::update();
        update
            .table(Alias::new("handover"))
            .value(Alias::new("body"), without)
            .and_where(column("id").eq(id));
        tx.execute(&update).await?;
    }
    Ok(())
}

/// A handover without the lines about a patient.
fn without(body: &str, patient: &str) -> Result<String, serde_json::Error> {
    let mut body: serde_json::Value = serde_json::from_str(body)?;
    let lines = body.get_mut("lines").and_then(|it| it.as_array_mut());
    if let Some(lines) = lines {
        let about = |line: &serde_json::Value| {
            line.get("patient").and_then(|it| it.as_str()) == Some(patient)
        };
        lines.retain(|line| !about(line));
    }
    serde_json::to_string(&body)
}
