//! A copy of a database while others write to it.

use std::path::Path;

use veglia_store::sea_orm::{ConnectionTrait, DbErr};
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Actor, Database, Purpose, Schema, SnapshotError, TxError, snapshot};

const ACTOR: Actor = Actor::System("test");

/// Rows are written in pairs: half a pair is a moment that never was.
const PAIR: [i64; 2] = [1, 2];

struct Halves;

impl MigrationName for Halves {
    fn name(&self) -> &str {
        "0001_halves"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Halves {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("half")
            .col(ColumnDef::new("side").big_integer().not_null());
        manager.create_table(table).await
    }
}

const SCHEMA: Schema = Schema {
    room: "halves",
    migrations: || vec![Box::new(Halves)],
};

async fn open(path: &Path) -> Database {
    Database::open(path, Purpose::Record, &[SCHEMA])
        .await
        .expect("the folder is ours alone")
}

async fn write_pair(database: &Database) -> Result<(), TxError> {
    let write = database.run_tx("half.add", &ACTOR, |tx| {
        Box::pin(async move {
            for side in PAIR {
                let mut insert = Query::insert();
                insert
                    .into_table("half")
                    .columns(["side"])
                    .values_panic([side.into()]);
                tx.execute(&insert).await?;
            }
            Ok(())
        })
    });
    write.await
}

async fn halves(database: &Database) -> usize {
    let read = database.read_tx("half.read", &ACTOR, |tx| {
        Box::pin(async move {
            let mut select = Query::select();
            select.column("side").from("half");
            Ok(tx.query_all(&select).await?.len())
        })
    });
    read.await.expect("reading rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_one_moment_while_another_writes() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.db");
    let database = open(&live).await;
    write_pair(&database).await.unwrap();
    let writer = database.clone();
    let writing = tokio::spawn(async move {
        loop {
            write_pair(&writer).await.unwrap();
        }
    });
    let mut last = 0;
    for number in 0..10 {
        let before = halves(&database).await;
        let copy = folder.path().join(format!("copy-{number}.db"));
        snapshot(&live, &copy).await.unwrap();
        let copied = halves(&open(&copy).await).await;
        assert_eq!(copied % PAIR.len(), 0, "half of a pair was copied");
        assert!(
            copied >= before && copied > last,
            "{last}, {before}, {copied}"
        );
        last = copied;
    }
    writing.abort();
}

#[tokio::test]
async fn what_cannot_be_copied_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let absent = snapshot(&path("absent.db"), &path("copy.db")).await;
    assert!(absent.unwrap_err().to_string().contains("absent.db"));
    assert!(!path("absent.db").exists(), "nothing is made by asking");
    std::fs::write(path("noise.db"), [7; 4096]).unwrap();
    let noise = snapshot(&path("noise.db"), &path("copy.db")).await;
    let Err(SnapshotError::Copy { source, .. }) = noise else {
        panic!("{noise:?}");
    };
    assert!(matches!(source, TxError::Damaged(_)), "{source:?}");
    open(&path("live.db")).await;
    std::fs::write(path("taken.db"), "somebody's").unwrap();
    let taken = snapshot(&path("live.db"), &path("taken.db")).await;
    assert!(taken.is_err());
    assert_eq!(std::fs::read(path("taken.db")).unwrap(), b"somebody's");
}
