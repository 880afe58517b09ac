//! The whole crate on a real file: against a plain list, while checkpoints run, and under faults.

mod extremes;
mod faults;
mod history;
mod moments;

use std::path::Path;

use veglia_store::{Database, Purpose};
use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

use crate::builder::Limits;
use crate::{SCHEMA, Sample, Series, SeriesWriter};

/// Midnight of a day, and the start of a window.
const MIDNIGHT_MS: i64 = 1_700_006_400_000;

/// Small enough that a few hundred readings are pressure.
const TIGHT: Limits = Limits {
    points: 200,
    builders: 20,
};

async fn database(path: &Path) -> Database {
    Database::open(path, Purpose::Series, &[SCHEMA])
        .await
        .unwrap()
}

async fn open(path: &Path) -> (Series, SeriesWriter) {
    Series::open_with(database(path).await, Limits::SHIPPED)
        .await
        .unwrap()
}

async fn open_tight(path: &Path) -> (Series, SeriesWriter) {
    Series::open_with(database(path).await, TIGHT)
        .await
        .unwrap()
}

fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

fn sample(at_ms: i64, value: i32) -> Sample {
    Sample {
        device: device("nonin:501234"),
        vital: VitalKind::SpO2,
        site: Site::Unknown,
        at: WallMs(at_ms),
        value,
        quality: Quality::empty(),
    }
}

/// Every reading of the series of [`sample`].
async fn everything(series: &Series) -> Vec<Sample> {
    let all = WallMs(i64::MIN)..WallMs(i64::MAX);
    let mut export = series.export(&device("nonin:501234"), VitalKind::SpO2, all);
    let mut samples = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        assert_eq!(page.damaged, []);
        samples.extend(page.samples);
    }
    samples
}
