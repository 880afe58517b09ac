//! Who is called, written from the command line: what is taken, and what a sentence refuses.

// req: G9

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const CODE: &str = "RSSMRA85T10A562S";

fn veglia(data: &Path, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_veglia"))
        .args(["--data".as_ref(), data.as_os_str()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut input = child.stdin.take().expect("it reads");
    // A command that reads nothing may have ended already.
    drop(input.write_all(b"tre civette sul tetto\n"));
    drop(input);
    child.wait_with_output().expect("it ends")
}

#[track_caller]
fn said(data: &Path, arguments: &[&str]) -> String {
    let output = veglia(data, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("it says text")
}

#[track_caller]
fn refused(data: &Path, arguments: &[&str], words: &str) {
    let output = veglia(data, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} was taken");
    assert!(
        complaint.contains(words),
        "{words:?} is not in: {complaint}"
    );
}

/// Makes the one account.
fn maria(data: &Path) {
    let account = ["staff", "add", "maria", "--name", "Maria Prova", "--role"];
    said(data, &[&account[..], &["nurse"]].concat());
}

#[test]
fn the_roster_is_written_shown_and_ended_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    maria(data);
    said(
        data,
        &["duty", "contact", "maria", "--mobile", "333 1234567"],
    );
    said(
        data,
        &["duty", "contact", "maria", "--email", "maria@prova.example"],
    );
    said(data, &["duty", "add", "operator", "maria"]);
    said(
        data,
        &["duty", "quiet", "maria", "--hours", "mon-sun 22:00-07:00"],
    );
    let list = said(data, &["duty", "list"]);
    for line in [
        "operator  staff:1  always",
        "now operator: staff:1 by sms, email",
        "now doctor: nobody",
    ] {
        assert!(list.contains(line), "{line:?} is not in: {list}");
    }
    assert!(
        !list.contains("333") && !list.contains('@'),
        "addresses are not shown: {list}"
    );

    let doctor = [
        "mmg",
        "add",
        "--name",
        "Medico di prova",
        "--email",
        "m@prova.example",
    ];
    assert_eq!(said(data, &doctor), "mmg:1\n");
    let patient = [
        "patient",
        "add",
        "--name",
        "Ada",
        "--surname",
        "Prova",
        "--codice-fiscale",
        CODE,
        "--phone",
        "0255501234",
        "--address",
        "via delle Prove 1",
    ];
    let patient = said(data, &patient);
    said(data, &["mmg", "assign", patient.trim(), "--mmg", "1"]);
    assert!(said(data, &["mmg", "list"]).contains("mon-fri 08:00-20:00"));
    let away = ["--from", "2020-12-24", "--until", "2020-12-27"];
    said(
        data,
        &[&["duty", "substitute", "maria", "--by", "mmg:1"][..], &away].concat(),
    );

    said(data, &["duty", "end", "operator", "maria"]);
    assert!(said(data, &["duty", "list"]).contains("now operator: nobody"));
}

#[test]
fn what_nobody_could_be_called_by_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    maria(data);
    for (arguments, words) in [
        (&["duty", "add", "cook", "maria"][..], "a post is one of"),
        (
            &["duty", "add", "operator", "mario"],
            "nobody has the user name",
        ),
        (
            &["duty", "add", "operator", "maria", "--hours", "8-20"],
            "says no hours",
        ),
        (
            &["duty", "add", "operator", "maria", "--from", "domani"],
            "is no moment",
        ),
        (
            &["duty", "contact", "maria", "--mobile", "maria"],
            "a mobile number has",
        ),
        (
            &["duty", "contact", "maria", "--email", "maria"],
            "name@domain",
        ),
        (
            &["duty", "contact", "maria", "--webhook", "http://x.example/"],
            "https://",
        ),
        (
            &["duty", "end", "doctor", "maria"],
            "does not stand on the roster",
        ),
        (
            &["mmg", "add", "--name", "Nessuno"],
            "needs an e-mail address or a mobile",
        ),
        (
            &["mmg", "assign", "00000000000000ff", "--mmg", "1"],
            "there is no patient",
        ),
    ] {
        refused(data, arguments, words);
    }
}
