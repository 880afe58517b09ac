//! The clinical record of the load: a patient for each home, who wears its device and has a plan,
//! so that the rules judge every reading. Made once and copied into each run.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;
use veglia_diary::{assign_device, create_plan};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{
    Calling, Expected, OxygenScale, Parameter, PatientId, Plan, PlanVersion, Severity,
};
use veglia_view::{HttpView, Row, View};
use veglia_wire::WallMs;

use super::load::{Home, VITALS};

/// Who writes the record.
const ACTOR: Actor = Actor::System("bench");

/// The record's name in a data directory.
pub(super) const RECORD: &str = "record.db";

/// For the watch to have taken up all plans, or read the journal to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A value is expected so often, and may be late by as much: no run lasts long enough for silence.
const EXPECTED_MINUTES: u32 = 12 * 60;

/// Writes the record of these homes in an empty folder.
pub(super) async fn write(folder: &Path, homes: &[Home], now: WallMs) -> Result<()> {
    let path = folder.join(RECORD);
    let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]).await?;
    for home in homes {
        let patient = patient(home)?;
        assign_device(&record, &ACTOR, &home.device, patient, WallMs(0), now).await?;
    }
    // Plans last: when the board has every patient, every device is known.
    for home in homes {
        let parameter = |vital| Parameter {
            vital,
            expected: Expected::EveryMinutes(EXPECTED_MINUTES),
            grace_minutes: EXPECTED_MINUTES,
        };
        let plan = Plan {
            patient: patient(home)?,
            version: PlanVersion(1),
            from: now,
            until: None,
            parameters: VITALS.into_iter().map(parameter).collect(),
            spo2: None,
            oxygen_scale: OxygenScale::One,
            guards: Vec::new(),
            limits: Vec::new(),
            calling: Calling::default(),
        };
        create_plan(&record, &ACTOR, &plan, now).await?;
    }
    record.close().await.context("cannot close the record")
}

fn patient(home: &Home) -> Result<PatientId> {
    Ok(PatientId::new(u64::try_from(home.number)? + 1))
}

/// Waits until the watch knows every patient.
pub(super) async fn until_known(view: &HttpView, homes: &[Home]) -> Result<()> {
    let began = Instant::now();
    while board(view).await?.len() < homes.len() {
        if began.elapsed() > PATIENCE {
            bail!("the watch did not take up every patient in time");
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Waits until the watch has judged everything that was received before a moment.
pub(super) async fn until_judged(view: &HttpView, before: WallMs) -> Result<()> {
    let began = Instant::now();
    loop {
        let progress = view.status().await?.progress;
        if progress.is_some_and(|progress| progress.at > before) {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("the watch did not judge every reading in time");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How many patients have a red flag.
pub(super) async fn reds(view: &HttpView) -> Result<u64> {
    let is_red = |row: &&Row| row.flags.iter().any(|it| it.flag.severity == Severity::Red);
    let rows = board(view).await?;
    Ok(u64::try_from(rows.iter().filter(is_red).count())?)
}

/// Every row there is.
async fn board(view: &HttpView) -> Result<Vec<Row>> {
    let mut rows = std::collections::HashMap::new();
    let mut since = None;
    loop {
        let delta = view.ward(since).await?.delta;
        let changed = delta.rows.iter().map(|row| (row.patient, Row::clone(row)));
        rows.extend(changed);
        if delta.complete {
            return Ok(rows.into_values().collect());
        }
        since = Some(delta.version);
    }
}
