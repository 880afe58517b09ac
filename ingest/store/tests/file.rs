//! What only an SQLite file can meet: a full disk, a file that is none, a lock beside it.

mod notes;

use std::path::Path;

use notes::{ACTOR, SCHEMA};
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Database, OpenError, Purpose, TxError};

async fn open(path: &Path) -> Database {
    let opened = Database::open(path, Purpose::Record, &[SCHEMA]).await;
    opened.expect("the folder is ours alone")
}

async fn notes(database: &Database) -> usize {
    let read = database.read_tx("note.count", &ACTOR, |tx| {
        Box::pin(async move {
            let mut select = Query::select();
            select.column("words").from("note");
            Ok(tx.query_all(&select).await?.len())
        })
    });
    read.await.expect("reading notes")
}

#[tokio::test]
async fn a_full_disk_says_so_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    let words = "x".repeat(1 << 20);
    let words = words.as_str();
    let refused = database
        .run_tx("note.fill", &ACTOR, move |tx| {
            Box::pin(async move {
                // The engine's own limit fails by the same code as a disk with no room.
                tx.execute_unprepared("PRAGMA max_page_count = 20").await?;
                let mut insert = Query::insert();
                insert
                    .into_table("note")
                    .columns(["words"])
                    .values_panic([words.into()]);
                tx.execute(&insert).await?;
                Ok(())
            })
        })
        .await
        .unwrap_err();
    assert!(matches!(refused, TxError::DiskFull(_)), "{refused:?}");
    assert!(refused.to_string().contains("free some space"));
    assert_eq!(notes(&database).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_waits_for_whoever_holds_the_migration_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let lock = std::fs::File::create(folder.path().join("record.db.migrate-lock")).unwrap();
    lock.lock().unwrap();
    let opening = tokio::spawn(async move { open(&path).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!folder.path().join("record.db").exists());
    drop(lock);
    opening.await.unwrap();
    assert!(folder.path().join("record.db").exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let letter = "this is a letter, not a database".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let refused = Database::open(&path, Purpose::Record, &[SCHEMA]).await;
    assert!(
        matches!(refused, Err(OpenError::Connect { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}
