//! The access log: every access is written, and what is tampered with is found.

use std::path::Path;

use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::{Access, AccessLog, Actor, Asked, Database};

const DOCTOR: Actor = Actor::Staff(7);

async fn open(path: &Path) -> Database {
    veglia_trial::open(path, &[]).await
}

async fn look(database: &Database, at_ms: i64) {
    let access = Access {
        at_ms,
        purpose: "patient.open",
        subject: "42",
    };
    database
        .log_access(&DOCTOR, access)
        .await
        .expect("logging an access");
}

async fn check(database: &Database) -> AccessLog {
    database
        .check_access_log(&DOCTOR)
        .await
        .expect("checking the chain")
}

async fn tamper(database: &Database, sql: &str) {
    let tampering = database.run_tx("test.tamper", &DOCTOR, move |tx| {
        Box::pin(async move {
            tx.execute_unprepared(sql).await?;
            Ok(())
        })
    });
    tampering.await.expect("the table is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn accesses_from_two_processes_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let (one, two) = (open(&path).await, open(&path).await);
    assert_eq!(check(&one).await.intact, 0);
    let mut looks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let database = if n % 2 == 0 { one.clone() } else { two.clone() };
        looks.spawn(async move { look(&database, n).await });
    }
    looks.join_all().await;
    let found = check(&one).await;
    assert_eq!((found.intact, found.broken_at), (40, None));
    assert_eq!(found, check(&two).await);
    assert_eq!(found.head.len(), 64);
}

#[tokio::test]
async fn a_changed_a_removed_and_a_forged_entry_are_found() {
    let tampered = [
        (
            "UPDATE access_log SET subject = '43' WHERE id = 3",
            2,
            Some(3),
        ),
        (
            "UPDATE access_log SET actor = 'staff:8' WHERE id = 1",
            0,
            Some(1),
        ),
        ("DELETE FROM access_log WHERE id = 3", 2, Some(4)),
        ("UPDATE access_log SET id = 9 WHERE id = 5", 4, Some(9)),
        (
            "INSERT INTO access_log SELECT 6, at_ms, actor, purpose, subject, prev_hash, hash \
             FROM access_log WHERE id = 5",
            5,
            Some(6),
        ),
    ];
    for (sql, intact, broken_at) in tampered {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder.path().join("record.db")).await;
        for n in 0..5 {
            look(&database, n).await;
        }
        tamper(&database, sql).await;
        let found = check(&database).await;
        assert_eq!(
            (found.intact, found.broken_at),
            (intact, broken_at),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn an_end_cut_off_shows_by_the_noted_head() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    for n in 0..5 {
        look(&database, n).await;
    }
    let noted = check(&database).await.head;
    let find = async || database.access_with_head(&DOCTOR, &noted).await.unwrap();
    assert_eq!(find().await, Some(5));
    look(&database, 5).await;
    assert_eq!(find().await, Some(5), "the log has grown since");
    tamper(&database, "DELETE FROM access_log WHERE id > 3").await;
    let found = check(&database).await;
    assert_eq!((found.intact, found.broken_at), (3, None));
    assert_ne!(found.head, noted);
    assert_eq!(find().await, None);
    for nothing in ["", "x", &noted[1..], &"è".repeat(32)] {
        let found = database.access_with_head(&DOCTOR, nothing).await;
        assert_eq!(found.unwrap(), None, "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_goes_on_is_written_once_for_its_stretch_also_by_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let (one, two) = (open(&path).await, open(&path).await);
    let access = |at_ms, subject| Access {
        at_ms,
        purpose: "patient.curves",
        subject,
    };
    let mut looks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let database = if n % 2 == 0 { one.clone() } else { two.clone() };
        looks.spawn(async move {
            let written = database.log_access_once(&DOCTOR, access(n, "42"), 1_000);
            written.await.expect("logging an access")
        });
    }
    let written = looks.join_all().await.into_iter().filter(|it| *it).count();
    assert_eq!((written, check(&one).await.intact), (1, 1));
    let again = async |actor: &Actor, access| one.log_access_once(actor, access, 1_000).await;
    assert!(!again(&DOCTOR, access(900, "42")).await.unwrap());
    assert!(
        again(&DOCTOR, access(5_000, "42")).await.unwrap(),
        "its stretch is over"
    );
    assert!(
        again(&DOCTOR, access(999, "42")).await.unwrap(),
        "the clock was set back"
    );
    assert!(
        again(&DOCTOR, access(999, "43")).await.unwrap(),
        "another's data"
    );
    let nurse = Actor::Staff(8);
    assert!(
        again(&nurse, access(999, "42")).await.unwrap(),
        "another's eyes"
    );
    assert_eq!(check(&one).await.broken_at, None);
}

#[tokio::test]
async fn who_looked_is_told_newest_first_and_of_one_person_only() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    for (n, subject) in ["42", "43", "42", "42"].into_iter().enumerate() {
        let access = Access {
            at_ms: i64::try_from(n).unwrap(),
            purpose: "patient.page",
            subject,
        };
        database.log_accesses(&DOCTOR, &[access]).await.unwrap();
    }
    let listed = database.accesses_to(&DOCTOR, "42", None, 10).await;
    let listed = listed.unwrap();
    let times: Vec<i64> = listed.iter().map(|it| it.at_ms).collect();
    assert_eq!(times, [3, 2, 0]);
    assert_eq!(
        (listed[0].actor.as_str(), listed[0].purpose.as_str()),
        ("staff:7", "patient.page")
    );
    let number = Some(listed[0].number);
    let before = database.accesses_to(&DOCTOR, "42", number, 1).await;
    let before = before.unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].at_ms, 2);
    assert_eq!(check(&database).await.intact, 4, "asking writes nothing");
}

#[tokio::test]
async fn paging_loses_no_entry_of_one_millisecond() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    for _ in 0..7 {
        look(&database, 1_000).await;
    }
    let (mut before, mut numbers) = (None, Vec::new());
    loop {
        let page = database.accesses_to(&DOCTOR, "42", before, 2).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        numbers.extend(page.iter().map(|it| it.number));
    }
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn the_log_is_asked_by_reader_and_by_purpose_too() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("record.db")).await;
    look(&database, 1).await;
    let nurse = Actor::Staff(8);
    let access = Access {
        at_ms: 2,
        purpose: "patient.curves",
        subject: "43",
    };
    database.log_access(&nurse, access).await.unwrap();
    let ask = async |asked| database.accesses(&DOCTOR, asked, 10).await.unwrap();
    assert_eq!(ask(Asked::default()).await.len(), 2);
    let by = ask(Asked {
        by: Some("staff:8"),
        ..Asked::default()
    });
    let by = by.await;
    assert_eq!((by.len(), by[0].subject.as_str()), (1, "43"));
    let opened = ask(Asked {
        purpose: Some("patient.open"),
        ..Asked::default()
    });
    assert_eq!(opened.await[0].number, 1);
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
