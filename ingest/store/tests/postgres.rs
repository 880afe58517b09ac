//! What only a server can meet: a line that is cut, a commit that nobody answers, a password, a
//! certificate that is not the one that was meant.

mod notes;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use notes::{ACTOR, SCHEMA};
use support::skip;
use veglia_identity::{Authority, UnixSeconds};
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Database, OpenError, Place, Server, TxError};
use veglia_trial::{NO_POSTGRESQL, Postgres};

/// A clause of its own for one user, before the one that lets everybody in.
const DOORS: &str =
    "local all nurse scram-sha-256\nlocal all all trust\nhostssl all all all trust\n";

async fn open(server: Server) -> Result<Database, OpenError> {
    Database::open_record(&Place::Server(server), &[SCHEMA]).await
}

async fn notes(database: &Database) -> Result<usize, TxError> {
    let read = database.read_tx("note.count", &ACTOR, |tx| {
        Box::pin(async move {
            let mut select = Query::select();
            select.column("words").from("note");
            Ok(tx.query_all(&select).await?.len())
        })
    });
    read.await
}

/// Writes a note, and `cut` the line while the first runs are under way.
async fn write_down(database: &Database, cut: &AtomicU32) -> Result<(), TxError> {
    let written = database.run_tx("note.add", &ACTOR, move |tx| {
        Box::pin(async move {
            let insert = "INSERT INTO note (words) VALUES ('well today')";
            tx.execute_unprepared(insert).await?;
            let left = cut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
            if left.is_ok() {
                let cut = "SELECT pg_terminate_backend(pg_backend_pid())";
                tx.execute_unprepared(cut).await?;
            }
            Ok(())
        })
    });
    written.await
}

/// No line is cut.
static WHOLE: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn a_line_that_is_cut_is_tried_again_and_nothing_is_written_twice() {
    let name = "a_line_that_is_cut_is_tried_again_and_nothing_is_written_twice";
    let Some(server) = Postgres::start() else {
        return skip(name, NO_POSTGRESQL);
    };
    let database = open(server.database("cut")).await.unwrap();
    write_down(&database, &AtomicU32::new(2)).await.unwrap();
    assert_eq!(notes(&database).await.unwrap(), 1);
    let lost = write_down(&database, &AtomicU32::new(u32::MAX))
        .await
        .unwrap_err();
    assert!(matches!(lost, TxError::Unreachable(_)), "{lost:?}");
    assert!(lost.is_passing());
    assert_eq!(notes(&database).await.unwrap(), 1);
}

#[tokio::test]
async fn a_commit_that_nobody_answers_is_not_done_again() {
    let name = "a_commit_that_nobody_answers_is_not_done_again";
    let Some(server) = Postgres::start() else {
        return skip(name, NO_POSTGRESQL);
    };
    let database = open(server.database("unsure")).await.unwrap();
    // What is deferred runs when everything else is done, within the commit.
    let cut_while_committing = "\
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
        CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED \
        FOR EACH ROW EXECUTE FUNCTION cut()";
    server.sql("unsure", cut_while_committing);
    let unsure = write_down(&database, &WHOLE).await.unwrap_err();
    assert!(matches!(unsure, TxError::Unsure(_)), "{unsure:?}");
    assert!(unsure.to_string().contains("look whether it was written"));
}

#[tokio::test]
async fn a_server_that_is_started_again_is_found_again() {
    let name = "a_server_that_is_started_again_is_found_again";
    let Some(mut server) = Postgres::start() else {
        return skip(name, NO_POSTGRESQL);
    };
    let database = open(server.database("again")).await.unwrap();
    write_down(&database, &WHOLE).await.unwrap();
    assert_eq!(notes(&database).await.unwrap(), 1);
    server.stop();
    let lost = write_down(&database, &WHOLE).await.unwrap_err();
    assert!(lost.is_passing(), "{lost:?}");
    assert!(notes(&database).await.unwrap_err().is_passing());
    server.run(&[]);
    write_down(&database, &WHOLE).await.unwrap();
    assert_eq!(notes(&database).await.unwrap(), 2);
}

#[tokio::test]
async fn a_password_is_read_from_its_file_and_shown_nowhere() {
    let name = "a_password_is_read_from_its_file_and_shown_nowhere";
    let Some(mut server) = Postgres::install() else {
        return skip(name, NO_POSTGRESQL);
    };
    server.lay("data/pg_hba.conf", DOORS);
    server.run(&[]);
    server.sql("postgres", "CREATE ROLE nurse LOGIN PASSWORD 'sesame'");
    server.sql("postgres", "CREATE DATABASE locked OWNER nurse");
    let socket = server.socket().display();
    let address = format!("postgres:///locked?host={socket}&user=nurse");
    let address: Server = address.parse().unwrap();
    let by = |file: PathBuf| address.clone().with_password_file(file);

    let absent = by(server.socket().join("absent"));
    let refused = open(absent).await.unwrap_err();
    assert!(matches!(refused, OpenError::Password { .. }), "{refused:?}");
    let refused = open(by(server.lay("wrong", "open sesame\n"))).await;
    assert!(
        matches!(refused, Err(OpenError::Reach { .. })),
        "{refused:?}"
    );
    assert!(!format!("{refused:?}").contains("sesame"));
    let right = by(server.lay("right", "sesame\n"));
    assert!(!format!("{right:?} {right}").contains("sesame"));
    let database = open(right).await.unwrap();
    assert!(!format!("{database:?}").contains("sesame"), "{database:?}");
    assert_eq!(notes(&database).await.unwrap(), 0);
}

#[tokio::test]
async fn over_a_network_only_the_server_that_was_meant_is_spoken_to() {
    let name = "over_a_network_only_the_server_that_was_meant_is_spoken_to";
    let Some(mut server) = Postgres::install() else {
        return skip(name, NO_POSTGRESQL);
    };
    // The certificates begin to be valid with their authority: today, by the system's clock.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let today = UnixSeconds(since.as_secs().cast_signed());
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| Authority::create(&folder.path().join(name), name, today).unwrap();
    let (ours, other) = (authority("ours"), authority("other"));
    let issued = ours.issue_server(&["localhost".to_owned()], today).unwrap();
    server.lay("data/server.crt", &issued.certificate);
    server.lay("data/server.key", &issued.key.pem());
    server.lay("data/pg_hba.conf", DOORS);
    let port = server.listen();
    server.run(&["ssl=on"]);

    let at = |host: &str| -> Server {
        let address = format!("postgres://veglia@{host}:{port}/postgres");
        address.parse().unwrap()
    };
    let believing = |host: &str, authority: &Authority| {
        let file = server.lay(&format!("{}.pem", authority.centre()), authority.pem());
        at(host).with_ca(file)
    };
    let refused = [
        at("localhost"), // the server wants TLS, and on this machine nobody asked for it
        believing("localhost", &other),
        believing("127.0.0.1", &ours),
    ];
    for server in refused {
        let refused = open(server).await;
        assert!(
            matches!(refused, Err(OpenError::Reach { .. })),
            "{refused:?}"
        );
    }
    let database = open(believing("localhost", &ours)).await.unwrap();
    assert_eq!(notes(&database).await.unwrap(), 0);
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'veglia'";
    assert_eq!(server.sql("postgres", encrypted), "t");
}
