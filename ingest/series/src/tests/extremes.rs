//! A clean extreme is never hidden by an artefact beyond it, however small the curve and however
//! old the row.

// req: G6

use veglia_store::Actor;
use veglia_store::sea_orm::ConnectionTrait;
use veglia_wire::{Quality, VitalKind, WallMs};

use super::{MIDNIGHT_MS, database, device, open, sample};
use crate::{Bucket, Outline, Pressure, Sample, Series, SeriesWriter};

const ACTOR: Actor = Actor::System("test");
const DAY_MS: i64 = 86_400_000;
const DAYS: i64 = 14;

/// When the clean drop of one second was: within the tenth day, off every round number.
const DROP_MS: i64 = MIDNIGHT_MS + 9 * DAY_MS + 37_123_000;

/// A second of fourteen days: 97 %, one clean drop to 84 %, and beside it, as in every hour, a
/// disturbed minute at 50 %.
fn second(at_ms: i64) -> Sample {
    let is_disturbed = (at_ms - DROP_MS + 20_000).rem_euclid(3_600_000) < 60_000;
    match at_ms {
        DROP_MS => sample(at_ms, 840),
        _ if is_disturbed => Sample {
            quality: Quality::ARTEFACT,
            ..sample(at_ms, 500)
        },
        _ => sample(at_ms, 970),
    }
}

async fn fortnight(writer: &mut SeriesWriter) {
    for n in 0..DAYS * DAY_MS / 1_000 {
        let pressure = writer.push(&second(MIDNIGHT_MS + n * 1_000));
        assert_eq!(pressure, Pressure::None);
    }
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
}

async fn curve(series: &Series, buckets: u32) -> Vec<Bucket> {
    let all = WallMs(MIDNIGHT_MS)..WallMs(MIDNIGHT_MS + DAYS * DAY_MS);
    let device = device("nonin:501234");
    let curve = series.m4(&device, VitalKind::SpO2, all, buckets).await;
    curve.unwrap().buckets
}

fn lowest(buckets: &[Bucket], sort: fn(&Bucket) -> Option<Outline>) -> Vec<(i64, i32)> {
    let outlines = buckets.iter().filter_map(sort);
    let lows: Vec<(i64, i32)> = outlines
        .map(|outline| (outline.min.at.0, outline.min.value))
        .collect();
    let lowest = lows.iter().map(|(_, value)| *value).min();
    let is_lowest = |low: &(i64, i32)| Some(low.1) == lowest;
    lows.into_iter().filter(is_lowest).collect()
}

#[tokio::test]
async fn one_clean_second_in_fourteen_days_stays_visible_beside_lower_artefacts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    fortnight(&mut writer).await;
    for buckets in [1, 50, 800, 4_032, 8_000] {
        let curve = curve(&series, buckets).await;
        let clean = lowest(&curve, |bucket| bucket.clean);
        assert_eq!(clean, [(DROP_MS, 840)], "{buckets} buckets");
        let doubtful = lowest(&curve, |bucket| bucket.doubtful);
        assert!(doubtful.iter().all(|(_, value)| *value == 500));
        let flagged: u64 = curve.iter().map(|bucket| bucket.flagged).sum();
        assert_eq!(flagged, 14 * 24 * 60 - 1, "all but the drop itself");
    }
}

/// A file as the program before outlines left it: they are gone, and so is their column.
async fn grow_old(path: &std::path::Path) {
    database(path)
        .await
        .run_tx("test.age", &ACTOR, |tx| {
            Box::pin(async move {
                for sql in [
                    "ALTER TABLE series_chunk DROP COLUMN outlines",
                    "DELETE FROM migrations_series WHERE version = '0002_outlines'",
                ] {
                    tx.execute_unprepared(sql).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn rows_of_the_program_before_outlines_are_read_and_hide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (series, mut writer) = open(&path).await;
    for n in 0..7_200 {
        assert_eq!(
            writer.push(&second(DROP_MS - 3_600_000 + n * 1_000)),
            Pressure::None
        );
    }
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    let before = curve(&series, 100).await;
    drop((series, writer));
    grow_old(&path).await;
    let (series, mut writer) = open(&path).await;
    assert_eq!(curve(&series, 100).await, before);
    assert_eq!(lowest(&before, |bucket| bucket.clean), [(DROP_MS, 840)]);
    // What is written from now on has its outlines, beside the old rows.
    let later = DROP_MS + 4 * 3_600_000;
    for at_ms in [later, later + 1_000] {
        let quality = if at_ms == later {
            Quality::HELD
        } else {
            Quality::empty()
        };
        let reading = Sample {
            quality,
            ..sample(at_ms, 960)
        };
        assert_eq!(writer.push(&reading), Pressure::None);
    }
    writer.checkpoint(2).await.unwrap();
    writer.settle().await.unwrap();
    let after = curve(&series, 100).await;
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.len(), before.len() + 1);
}
