//! Accounts, care relations and the access log, from the command line.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::{Access, Actor, Database, Purpose};

const TEST: Actor = Actor::System("test");

fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_veglia"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut typed = program.stdin.take().expect("its input is ours");
    typed.write_all("tre civette sul comò\n".as_bytes()).ok();
    drop(typed);
    program.wait_with_output().expect("the program ends")
}

fn said(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("words")
}

fn refused(data: &Path, arguments: &[&str], words: &str) {
    let output = run(data, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        complaint.contains(words),
        "{words:?} is not in: {complaint}"
    );
}

fn maria(data: &Path) -> String {
    let maria = [
        "patient",
        "add",
        "--name",
        "Maria",
        "--surname",
        "Prova",
        "--codice-fiscale",
        "RSSMRA85M01H501Q",
        "--phone",
        "+390212345678",
        "--address",
        "via Larga 1, Milano",
    ];
    said(data, &maria).trim().to_owned()
}

/// Does something to the record while no program has it.
fn with_record(data: &Path, statement: &'static str, looks: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_doctor::SCHEMA,
            veglia_fleet::SCHEMA,
            veglia_intake::SCHEMA,
            veglia_handover::SCHEMA,
            veglia_isolation::SCHEMA,
            veglia_laboratory::SCHEMA,
            veglia_notify::SCHEMA,
        ];
        let file = data.join("record.db");
        let record = Database::open(&file, Purpose::Record, &schemas).await;
        let record = record.expect("the record opens");
        for subject in looks {
            let access = Access {
                at_ms: 1_604_300_000_000,
                purpose: "patient.page",
                subject,
            };
            let logged = record.log_access(&Actor::Staff(1), access).await;
            logged.expect("the log takes it");
        }
        let done = record.run_tx("test.tamper", &TEST, move |tx| {
            Box::pin(async move {
                if !statement.is_empty() {
                    tx.execute_unprepared(statement).await?;
                }
                Ok(())
            })
        });
        done.await.expect("the table is there");
        record.close().await.expect("the record closes");
    });
}

#[test]
fn who_read_whom_is_listed_and_a_broken_chain_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    said(
        data,
        &[
            "staff",
            "add",
            "ada",
            "--name",
            "Ada Prova",
            "--role",
            "nurse",
        ],
    );
    let maria = maria(data);
    with_record(data, "", &[&maria, "00000000000000ff", &maria]);

    let about = said(data, &["audit", "list", "--patient", &maria]);
    let lines: Vec<&str> = about.lines().collect();
    assert_eq!(lines.len(), 3, "{about}");
    assert!(
        lines[0].contains("audit.command"),
        "asking is in it: {about}"
    );
    assert!(
        lines[1].starts_with("3  ") && lines[1].contains("Ada Prova"),
        "{about}"
    );
    let by = said(data, &["audit", "list", "--by", "ada", "--limit", "2"]);
    assert_eq!(by.lines().count(), 2, "{by}");
    refused(data, &["audit", "list", "--by", "nobody"], "no account");

    let whole = said(data, &["audit", "verify"]);
    assert!(whole.starts_with("5 entries are intact; head "), "{whole}");
    let head = whole.trim().rsplit(' ').next().unwrap().to_owned();
    let noted = said(data, &["audit", "verify", "--noted", &head]);
    assert!(noted.contains("that of entry 5"), "{noted}");

    with_record(data, "DELETE FROM access_log WHERE id = 5", &[]);
    said(data, &["audit", "verify"]);
    refused(data, &["audit", "verify", "--noted", &head], "cut off");
    with_record(
        data,
        "UPDATE access_log SET subject = 'x' WHERE id = 2",
        &[],
    );
    refused(data, &["audit", "verify"], "broken at entry 2");
}

#[test]
fn accounts_of_outside_are_tied_and_patients_are_entrusted_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let maria = maria(data);
    let account = ["staff", "add", "olga", "--name", "Olga", "--role"];
    let with = |rest: &[&'static str]| [&account[..], rest].concat();
    refused(
        data,
        &with(&["nurse", "--unit", "Pneumologia"]),
        "hospital-doctor",
    );
    refused(data, &with(&["surgeon"]), "a role is one of");
    said(data, &with(&["hospital-doctor", "--unit", "Pneumologia"]));
    let tied = said(data, &["staff", "tie", "olga", "--unit", "Sacco  Medicina"]);
    assert_eq!(tied, "account olga belongs to unit:Sacco Medicina\n");
    refused(
        data,
        &["staff", "forget-codes", "olga"],
        "no one-time codes",
    );

    let care = ["patient", "care", &maria];
    let told = said(data, &care);
    assert!(told.contains("centre"), "{told}");
    let entrust = [
        &care[..],
        &["--entrust", "unit:Sacco Medicina", "--why", "dimessa"],
    ];
    let told = said(data, &entrust.concat());
    assert!(
        told.contains("unit:Sacco Medicina") && told.contains("dimessa"),
        "{told}"
    );
    let endless = [&care[..], &["--entrust", "out-of-hours"]].concat();
    refused(data, &endless, "until a moment");
    let release = [&care[..], &["--release", "centre"]].concat();
    said(
        data,
        &["device", "assign", "nonin:501234", "--patient", &maria],
    );
    refused(data, &release, "nonin:501234 is with them: take it back");
    said(data, &["device", "return", "nonin:501234"]);
    said(data, &release);
    refused(data, &release, "not entrusted");
}
