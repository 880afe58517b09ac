//! Plans from the command line: with the patient in one go or not at all, from a file that is
//! refused with its line, and edited with a reason.

// req: G7

use std::path::Path;
use std::process::{Command, Output};

const CODE: &str = "RSSMRA85T10A562S";

fn veglia(data: &Path, arguments: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_veglia"))
        .args(["--data".as_ref(), data.as_os_str()])
        .args(arguments)
        .output();
    run.expect("the program can be started")
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

fn add<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let person = [
        "patient",
        "add",
        "--name",
        "Ada",
        "--surname",
        "Prova",
        "--codice-fiscale",
        CODE,
        "--phone",
        "+39 02 55501234",
        "--address",
        "via delle Prove 1, Milano",
    ];
    person.iter().chain(more).copied().collect()
}

#[test]
fn a_patient_is_enrolled_with_a_plan_in_one_go_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    refused(
        data,
        &add(&["--plan", "mood"]),
        "there is no template \"mood\"; there is home-covid",
    );
    refused(
        data,
        &add(&["--plan", "home-covid", "--until", "2001-01-01"]),
        "ends before it begins",
    );
    refused(data, &add(&["--until", "2099-01-01"]), "--plan");
    // Nothing was written by any of them: the same Codice Fiscale is still free.
    let patient = said(
        data,
        &add(&["--plan", "home-covid", "--until", "2099-12-31"]),
    );
    let patient = patient.trim();
    let shown = said(data, &["plan", "show", patient]);
    assert!(shown.contains("spo2=08:00,14:00,20:00~120"), "{shown}");
    assert!(shown.contains("until 2100-01-01 00:00"), "{shown}");
    assert!(shown.contains("called: home-2020"), "{shown}");
    refused(data, &add(&["--plan", "copd"]), "already registered");
}

const FILE: &str = "[[parameter]]\nvital = \"spo2\"\nwhen = \"08:00,20:00\"\ngrace_minutes = 60\n\
    \n[[limits]]\nvital = \"pulse\"\nunit = \"/min\"\namber_from = 115\n";

#[test]
fn a_plan_from_a_file_is_taken_or_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let patient = said(data, &add(&[]));
    let patient = patient.trim();
    let file = folder.path().join("plan.toml");
    let name = file.display().to_string();
    let set = ["plan", "set", patient, "--file", &name];
    for (from, to, words) in [
        ("08:00", "25:00", "line 3 of the plan"),
        ("60", "0", "line 4 of the plan"),
        (
            "/min",
            "Hz",
            "line 8 of the plan: pulse is measured in \"/min\"",
        ),
        ("115", "131", "line 9 of the plan"),
    ] {
        std::fs::write(&file, FILE.replacen(from, to, 1)).unwrap();
        refused(data, &set, words);
    }
    std::fs::write(&file, FILE).unwrap();
    said(data, &set);
    let shown = said(data, &["plan", "show", patient]);
    assert!(shown.contains("pulse.amber_from=115/min"), "{shown}");
}

#[test]
fn a_plan_is_edited_with_limits_a_ladder_and_a_recorded_decision() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let patient = said(data, &add(&["--plan", "copd"]));
    let patient = patient.trim();
    let edit = |more: &[&'static str]| {
        let edit = ["plan", "edit", patient, "--why", "Visita."];
        edit.iter()
            .chain(more)
            .map(ToString::to_string)
            .collect::<Vec<String>>()
    };
    let run = |more: &[&'static str]| {
        let edit = edit(more);
        said(data, &edit.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let not = |more: &[&'static str], words: &str| {
        let edit = edit(more);
        refused(
            data,
            &edit.iter().map(String::as_str).collect::<Vec<_>>(),
            words,
        );
    };
    not(&["--limit", "pulse.amber_from=120"], "with its unit");
    not(&["--limit", "spo2.red_to=90%"], "would let pass");
    not(&["--ladder", "nobody"], "there is no ladder nobody");
    not(&["--target", "88-92"], "lowers the red limit");
    not(
        &["--target", "88-92", "--scale", "2"],
        "say who took it and on what",
    );
    run(&[
        "--limit",
        "pulse.amber_from=120/min",
        "--ladder",
        "doctor-first-2020",
    ]);
    run(&[
        "--target",
        "88-92",
        "--scale",
        "2",
        "--decided-by",
        "dott. Neri",
        "--decided-on",
        "Emogas di marzo",
    ]);
    let shown = said(data, &["plan", "show", patient]);
    for words in [
        "pulse.amber_from=120/min",
        "called: doctor-first-2020",
        "NEWS2 by scale 2",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let history = said(data, &["plan", "history", patient]);
    assert!(
        history.contains("decided by dott. Neri: Emogas di marzo"),
        "{history}"
    );
}
