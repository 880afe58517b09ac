//! `veglia patient export|erased|erase`: a patient's own copy from the command line, and what the
//! keeper of copies does after restoring one. Erasing somebody in the first place takes two
//! administrators, on the pages.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use veglia_privacy::{OwnCopy, erase_again, erased};
use veglia_store::Database;
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use crate::record::{actor, local_time, say};

/// Writes the patient's own copy to standard output: all but the readings, which `veglia export
/// --patient` gives.
pub(crate) async fn export(record: &Database, patient: PatientId, now: WallMs) -> Result<()> {
    let copy = OwnCopy::begin(record, &actor(), patient, now).await?;
    let Some(mut copy) = copy else {
        bail!("nobody is on file as {patient}");
    };
    let mut out = io::stdout().lock();
    while let Some(piece) = copy.piece().await? {
        out.write_all(piece.as_bytes())?;
    }
    out.flush().context("cannot write the copy")
}

/// Everybody who was erased, a line each: what is kept beside copies of the record.
pub(crate) async fn tell_erased(record: &Database) -> Result<()> {
    for (patient, at) in erased(record, &actor()).await? {
        say(&format!("{patient}  {}", local_time(at)))?;
    }
    Ok(())
}

/// Erases again everybody on a list that [`tell_erased`] wrote.
pub(crate) async fn again(record: &Database, list: &Path, now: WallMs) -> Result<()> {
    let text = fs::read_to_string(list);
    let text = text.with_context(|| format!("cannot read {}", list.display()))?;
    let mut patients: Vec<PatientId> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let Some(named) = line.split_whitespace().next() else {
            continue;
        };
        let patient = named.parse();
        let patient = patient
            .with_context(|| format!("line {} names no patient", place.saturating_add(1)))?;
        patients.push(patient);
    }
    for patient in &patients {
        erase_again(record, &actor(), *patient, now).await?;
    }
    say(&format!("{} patients are erased", patients.len()))
}
