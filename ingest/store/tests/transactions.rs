//! The door, tried on real databases: contention, second runs, roll-backs, migrations.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use veglia_store::sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult};
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Actor, Database, OpenError, Schema, TxError};
use veglia_trial::place;

const ACTOR: Actor = Actor::System("test");

/// Time enough for a second writer to overtake a first that does not keep it out.
const OVERTAKING: Duration = Duration::from_millis(500);

struct Step(&'static str, &'static str);

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.1).await?;
        Ok(())
    }
}

const COUNTS: Step = Step(
    "0001_counts",
    "CREATE TABLE counter (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
);
const MORE: Step = Step("0002_more", "CREATE TABLE more (id INTEGER PRIMARY KEY)");
const BROKEN: Step = Step("0002_broken", "CREATE TABLE counter (again INTEGER)");

const SCHEMA: Schema = Schema {
    room: "counts",
    migrations: || vec![Box::new(COUNTS)],
};
const NEWER: Schema = Schema {
    room: "counts",
    migrations: || vec![Box::new(COUNTS), Box::new(MORE)],
};
const FAULTY: Schema = Schema {
    room: "counts",
    migrations: || vec![Box::new(COUNTS), Box::new(BROKEN)],
};
const OTHER: Schema = Schema {
    room: "other",
    migrations: || vec![Box::new(MORE)],
};

async fn open(path: &Path) -> Database {
    veglia_trial::open(path, &[SCHEMA]).await
}

#[derive(FromQueryResult)]
struct Count {
    n: i64,
}

async fn count(database: &Database, id: i64) -> Option<i64> {
    database
        .read_tx("count.read", &ACTOR, move |tx| {
            Box::pin(async move {
                let mut select = Query::select();
                select
                    .column("n")
                    .from("counter")
                    .and_where(Expr::col("id").eq(id));
                let row = tx.query_one(&select).await?;
                let count = row.map(|row| Count::from_query_result(&row, ""));
                Ok(count.transpose()?.map(|count| count.n))
            })
        })
        .await
        .expect("reading a count")
}

async fn set(database: &Database, id: i64, n: i64) -> Result<(), TxError> {
    database
        .run_tx("count.set", &ACTOR, move |tx| {
            Box::pin(async move {
                let mut insert = Query::insert();
                insert
                    .into_table("counter")
                    .columns(["id", "n"])
                    .values_panic([id.into(), n.into()]);
                tx.execute(&insert).await?;
                Ok(())
            })
        })
        .await
}

/// Reads, yields, then writes: the shape that loses updates or fails under weaker transactions.
async fn increment(database: &Database) -> Result<(), TxError> {
    database
        .run_tx("count.increment", &ACTOR, |tx| {
            Box::pin(async move {
                let mut select = Query::select();
                select.column("n").from("counter");
                let row = tx.query_one(&select).await?.expect("the row set at start");
                let n = Count::from_query_result(&row, "")?.n;
                tokio::task::yield_now().await;
                let mut update = Query::update();
                update.table("counter").value("n", n + 1);
                tx.execute(&update).await?;
                Ok(())
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_writing_at_once_never_fail_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let (left, right) = tokio::join!(open(&path), open(&path));
    set(&left, 1, 0).await.unwrap();
    let mut writers = JoinSet::new();
    for database in [&left, &right] {
        for _ in 0..4 {
            let database = database.clone();
            writers.spawn(async move {
                for _ in 0..50 {
                    increment(&database).await.unwrap();
                }
            });
        }
    }
    writers.join_all().await;
    assert_eq!(count(&left, 1).await, Some(400));
    assert_eq!(count(&right, 1).await, Some(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_closure_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    let runs = AtomicU32::new(0);
    let runs = &runs;
    database
        .run_tx("count.second_time", &ACTOR, move |tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO counter (id, n) VALUES (1, 1)")
                    .await?;
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    let timeout = veglia_store::sea_orm::ConnAcquireErr::Timeout;
                    return Err(DbErr::ConnectionAcquire(timeout).into());
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(count(&database, 1).await, Some(1));
    assert_eq!(count(&database, 2).await, None, "the first run left a row");
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct No;

#[tokio::test]
async fn a_refusal_undoes_everything_and_comes_back_as_itself() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    let refused = database
        .run_tx("count.refuse", &ACTOR, |tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO counter (id, n) VALUES (1, 1)")
                    .await?;
                Err::<(), _>(TxError::refuse(No))
            })
        })
        .await
        .unwrap_err();
    assert!(refused.refusal::<No>().is_some());
    assert_eq!(count(&database, 1).await, None);
}

#[tokio::test]
async fn the_closure_knows_who_acts_and_a_reader_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    let who = database
        .read_tx("count.who", &Actor::Staff(7), |tx| {
            Box::pin(async move { Ok(tx.actor().to_string()) })
        })
        .await
        .unwrap();
    assert_eq!(who, "staff:7");
    let refused = database
        .read_tx("count.sneak", &ACTOR, |tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO counter (id, n) VALUES (1, 1)")
                    .await?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(refused, Err(TxError::Database(_))), "{refused:?}");
}

#[tokio::test]
async fn a_closure_that_passes_over_a_failed_statement_writes_nothing_and_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    let passed_over = database.run_tx("count.again", &ACTOR, |tx| {
        Box::pin(async move {
            let insert = "INSERT INTO counter (id, n) VALUES (1, 1)";
            tx.execute_unprepared(insert).await?;
            assert!(tx.execute_unprepared(insert).await.is_err());
            Ok(())
        })
    });
    let refused = passed_over.await.unwrap_err();
    assert!(matches!(refused, TxError::Swallowed), "{refused:?}");
    assert_eq!(count(&database, 1).await, None);
}

#[tokio::test]
async fn a_second_row_with_the_same_key_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    set(&database, 1, 1).await.unwrap();
    assert!(set(&database, 1, 2).await.unwrap_err().is_duplicate());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_start_at_once_and_only_one_migrates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let mut starters = JoinSet::new();
    for _ in 0..6 {
        let path = path.clone();
        starters.spawn(async move { open(&path).await });
    }
    for database in starters.join_all().await {
        assert_eq!(count(&database, 1).await, None);
    }
}

#[tokio::test]
async fn a_newer_record_is_refused_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let newer = veglia_trial::open(&path, &[NEWER]).await;
    newer.close().await.unwrap();
    let refused = Database::open_record(&place(&path), &[SCHEMA]).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, OpenError::Newer { migration, .. } if migration == "0002_more"),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("update this program"));
}

#[tokio::test]
async fn rooms_that_do_not_know_each_other_share_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let both = veglia_trial::open(&path, &[SCHEMA, OTHER]).await;
    let one = open(&path).await;
    set(&both, 1, 5).await.unwrap();
    assert_eq!(count(&one, 1).await, Some(5));
}

#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let refused = Database::open_record(&place(&path), &[OTHER, FAULTY]).await;
    assert!(matches!(refused, Err(OpenError::Migrate { .. })));
    let database = open(&path).await;
    assert_eq!(count(&database, 1).await, None);
}

struct Lines;

impl MigrationName for Lines {
    fn name(&self) -> &str {
        "0001_lines"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Lines {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut id = ColumnDef::new("id");
        id.big_integer().not_null().auto_increment().primary_key();
        let mut lines = Table::create();
        lines
            .table("line")
            .col(id)
            .col(ColumnDef::new("n").big_integer().not_null());
        manager.create_table(lines).await
    }
}

const LINES: Schema = Schema {
    room: "lines",
    migrations: || vec![Box::new(Lines)],
};

/// Writes a line, and stays in the transaction until `meanwhile` is over.
async fn write_line<F>(database: &Database, n: i64, meanwhile: impl Fn() -> F + Sync)
where
    F: Future<Output = ()> + Send,
{
    let meanwhile = &meanwhile;
    let written = database.run_tx("line.add", &ACTOR, move |tx| {
        Box::pin(async move {
            let mut insert = Query::insert();
            insert
                .into_table("line")
                .columns(["n"])
                .values_panic([n.into()]);
            tx.execute(&insert).await?;
            meanwhile().await;
            Ok(())
        })
    });
    written.await.expect("writing a line");
}

/// Numbers and contents of the lines after one.
async fn lines_after(database: &Database, last: i64) -> Vec<(i64, i64)> {
    let read = database.read_tx("line.follow", &ACTOR, move |tx| {
        Box::pin(async move {
            let mut select = Query::select();
            select
                .columns(["id", "n"])
                .from("line")
                .and_where(Expr::col("id").gt(last))
                .order_by("id", Order::Asc);
            let rows = tx.query_all(&select).await?;
            let line = |row: &QueryResult| Ok((row.try_get_by("id")?, row.try_get_by("n")?));
            rows.iter().map(line).collect()
        })
    });
    read.await.expect("reading lines")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_lines_by_their_numbers_misses_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let first = veglia_trial::open(&path, &[LINES]).await;
    let second = veglia_trial::open(&path, &[LINES]).await;
    let (has_number, is_followed) = (Notify::new(), Notify::new());
    // The second could be done before the first only if it did not wait for it.
    let slow = write_line(&first, 1, || async {
        has_number.notify_one();
        drop(timeout(OVERTAKING, is_followed.notified()).await);
    });
    let quick = async {
        has_number.notified().await;
        write_line(&second, 2, || async {}).await;
        let seen = lines_after(&second, 0).await;
        is_followed.notify_one();
        seen
    };
    let ((), mut seen) = tokio::join!(slow, quick);
    let last = seen.last().expect("the quick line").0;
    seen.extend(lines_after(&second, last).await);
    let lines: Vec<i64> = seen.into_iter().map(|(_, n)| n).collect();
    assert_eq!(lines, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_one_moment_while_another_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let (reader, writer) = (open(&path).await, open(&path).await);
    let writer = &writer;
    let read = reader.read_tx("count.twice", &ACTOR, move |tx| {
        Box::pin(async move {
            let counted = async || {
                let mut select = Query::select();
                select.column("n").from("counter");
                Ok::<_, TxError>(tx.query_all(&select).await?.len())
            };
            let before = counted().await?;
            set(writer, 1, 1).await?;
            Ok((before, counted().await?))
        })
    });
    assert_eq!(read.await.unwrap(), (0, 0));
    assert_eq!(count(&reader, 1).await, Some(1));
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
