//! Who looked at what a patient has and measured, on these pages: written before it is shown.
//!
//! | page | purpose | one entry stands for |
//! |---|---|---|
//! | a device's sheet | `device.sheet` | one opening, for each who has or had it |
//! | the *tesserino* | `device.card` | one opening, for each whose name is on it |
//! | the first measure of a kit | `device.first` | the hour that follows it ([`FIRST_WINDOW_MS`]) |
//!
//! Not entered: *di chi è?*, the list of boxes and lists of names to choose from. They are the work
//! of whoever is on duty, name no single patient as their purpose, and say nothing that was
//! measured by somebody who is known. Who answers is in the diary, signed.

use std::collections::BTreeSet;

use veglia_people::staff::Staff;
use veglia_store::{Access, Database};
use veglia_view::{PatientId, WallMs};

use crate::fleet::FleetError;

/// How long an entry about a first measure stands for further looks at it, by the clock of care,
/// in milliseconds: the page fetches itself anew every few seconds.
pub const FIRST_WINDOW_MS: i64 = 3_600_000;

const SHEET: &str = "device.sheet";
const CARD: &str = "device.card";
const FIRST: &str = "device.first";

/// Somebody opens a device's sheet.
pub(crate) async fn opens_sheet(
    record: &Database,
    reader: &Staff,
    patients: &BTreeSet<PatientId>,
    now: WallMs,
) -> Result<(), FleetError> {
    opens(record, reader, SHEET, patients, now).await
}

/// Somebody opens a device's *tesserino*.
pub(crate) async fn opens_card(
    record: &Database,
    reader: &Staff,
    patients: &BTreeSet<PatientId>,
    now: WallMs,
) -> Result<(), FleetError> {
    opens(record, reader, CARD, patients, now).await
}

/// Somebody waits for the first measure of those who were given a device.
pub(crate) async fn awaits_first(
    record: &Database,
    reader: &Staff,
    patients: &[PatientId],
    now: WallMs,
) -> Result<(), FleetError> {
    let actor = reader.actor();
    for patient in patients {
        let subject = patient.to_string();
        let looks = access(FIRST, &subject, now);
        let entered = record.log_access_once(&actor, looks, FIRST_WINDOW_MS);
        entered.await.map_err(FleetError::Record)?;
    }
    Ok(())
}

async fn opens(
    record: &Database,
    reader: &Staff,
    purpose: &'static str,
    patients: &BTreeSet<PatientId>,
    now: WallMs,
) -> Result<(), FleetError> {
    let subjects: Vec<String> = patients.iter().map(ToString::to_string).collect();
    let entries = subjects.iter().map(|subject| access(purpose, subject, now));
    let entries: Vec<Access<'_>> = entries.collect();
    let actor = reader.actor();
    let entered = record.log_accesses(&actor, &entries);
    entered.await.map_err(FleetError::Record)
}

fn access<'a>(purpose: &'static str, subject: &'a str, now: WallMs) -> Access<'a> {
    Access {
        at_ms: now.0,
        purpose,
        subject,
    }
}
