//! What breaks: damaged bytes, a newer program's bytes, a full disk, a second writer.

use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::{VitalKind, WallMs};

use super::{MIDNIGHT_MS, database, device, everything, open, sample};
use crate::chunk::WINDOW_MS;
use crate::{CheckpointError, ChunkError, Pressure, ReadError, SeriesWriter};

const ACTOR: Actor = Actor::System("test");

async fn execute(database: &Database, sql: &str) {
    database
        .run_tx("test.execute", &ACTOR, move |tx| {
            Box::pin(async move {
                tx.execute_unprepared(sql).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

pub(super) async fn rows(database: &Database) -> i64 {
    let count = database.read_tx("test.count", &ACTOR, |tx| {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let count = "SELECT COUNT(*) FROM series_chunk".to_owned();
            let count = veglia_store::sea_orm::Statement::from_string(backend, count);
            let row = tx.query_one_raw(count).await?.unwrap();
            Ok(row.try_get_by_index(0)?)
        })
    });
    count.await.unwrap()
}

/// Three windows of ten readings, on disk.
async fn three_windows(writer: &mut SeriesWriter) {
    for n in 0..30 {
        let at_ms = MIDNIGHT_MS + i64::from(n / 10) * WINDOW_MS + i64::from(n % 10) * 1000;
        assert_eq!(writer.push(&sample(at_ms, n)), Pressure::None);
    }
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
}

fn hour() -> std::ops::Range<WallMs> {
    WallMs(MIDNIGHT_MS)..WallMs(MIDNIGHT_MS + 3_600_000)
}

#[tokio::test]
async fn a_damaged_chunk_is_told_and_its_neighbours_are_intact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (_, mut writer) = open(&path).await;
    three_windows(&mut writer).await;
    let second = MIDNIGHT_MS / WINDOW_MS + 1;
    let damage = format!(
        "UPDATE series_chunk SET data = substr(data, 1, 20) || x'00' || substr(data, 22) \
         WHERE window_number = {second}"
    );
    execute(&database(&path).await, &damage).await;
    let (series, _writer) = open(&path).await;
    let device = device("nonin:501234");
    let raw = series
        .raw(&device, VitalKind::SpO2, hour(), 100)
        .await
        .unwrap();
    let values: Vec<i32> = raw.samples.iter().map(|sample| sample.value).collect();
    assert_eq!(values, (0..10).chain(20..30).collect::<Vec<_>>());
    assert_eq!(raw.damaged.len(), 1);
    assert_eq!(raw.damaged[0].from, WallMs(MIDNIGHT_MS + WINDOW_MS));
    assert_eq!(raw.damaged[0].reason, ChunkError::CheckSum);
    // A curve of seconds opens every chunk.
    let curve = series
        .m4(&device, VitalKind::SpO2, hour(), 3600)
        .await
        .unwrap();
    assert_eq!((curve.buckets.len(), curve.damaged.len()), (20, 1));
    assert_eq!(series.damage_met(), 2);
}

#[tokio::test]
async fn a_chunk_of_a_newer_program_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (_, mut writer) = open(&path).await;
    three_windows(&mut writer).await;
    let newer = "UPDATE series_chunk SET data = x'02' || substr(data, 2)";
    execute(&database(&path).await, newer).await;
    let (series, _writer) = open(&path).await;
    let refused = series
        .raw(&device("nonin:501234"), VitalKind::SpO2, hour(), 100)
        .await;
    let Err(ReadError::Newer { source, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(source.to_string().contains("update this program"));
}

#[tokio::test]
async fn a_full_disk_keeps_readings_in_memory_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let database = database(&path).await;
    let (series, mut writer) = crate::Series::open(database.clone()).await.unwrap();
    execute(&database, "PRAGMA max_page_count = 8").await;
    for n in 0..2_000 {
        let at_ms = MIDNIGHT_MS + i64::from(n) * 60_000;
        assert_eq!(writer.push(&sample(at_ms, n * 7919 % 1000)), Pressure::None);
    }
    writer.checkpoint(1).await.unwrap();
    let refused = writer.settle().await;
    assert!(
        matches!(refused, Err(CheckpointError::Store(TxError::DiskFull(_)))),
        "{refused:?}"
    );
    assert_eq!(writer.resume_from(), 0);
    assert_eq!(everything(&series).await.len(), 2_000);
    execute(&database, "PRAGMA max_page_count = 100000").await;
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    drop(writer);
    let (series, writer) = open(&path).await;
    assert_eq!(writer.resume_from(), 1);
    assert_eq!(everything(&series).await.len(), 2_000);
}

#[tokio::test]
async fn a_second_writer_is_noticed_before_it_doubles_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (_, mut one) = open(&path).await;
    let (_, mut two) = open(&path).await;
    three_windows(&mut one).await;
    assert_eq!(two.push(&sample(MIDNIGHT_MS, 1)), Pressure::None);
    two.checkpoint(1).await.unwrap();
    assert!(matches!(
        two.settle().await,
        Err(CheckpointError::AnotherWriter)
    ));
    let (series, _three) = open(&path).await;
    assert_eq!(everything(&series).await.len(), 30);
}

#[tokio::test]
async fn a_second_writer_is_noticed_though_no_chunk_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let (_, mut one) = open(&path).await;
    three_windows(&mut one).await;
    let (_, mut two) = open(&path).await;
    let last_window = MIDNIGHT_MS + 2 * WINDOW_MS;
    assert_eq!(one.push(&sample(last_window + 20_000, 30)), Pressure::None);
    one.checkpoint(2).await.unwrap();
    one.settle().await.unwrap();
    assert_eq!(two.push(&sample(last_window + 20_000, 30)), Pressure::None);
    two.checkpoint(2).await.unwrap();
    assert!(matches!(
        two.settle().await,
        Err(CheckpointError::AnotherWriter)
    ));
    let (series, _three) = open(&path).await;
    assert_eq!(everything(&series).await.len(), 31);
}

#[tokio::test]
async fn a_curve_of_no_bucket_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (series, _writer) = open(&folder.path().join("series.db")).await;
    let refused = series
        .m4(&device("nonin:501234"), VitalKind::SpO2, hour(), 0)
        .await;
    assert!(matches!(refused, Err(ReadError::Buckets(0))));
}
