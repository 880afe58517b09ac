//! What a rule set makes of a table of observations, and what another would have changed.
// req: G7

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The rules that come with the program.
const SHIPPED: &str = "ingest/triage/rules/home-2020.toml";

/// 20 October 2020, 12:00 in Rome.
const NOON_MS: i64 = 1_603_188_000_000;

fn veglia(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
    let output = command.arg("replay").args(arguments).output();
    output.expect("the program can be started")
}

fn lines(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout.clone()).expect("JSON is text");
    let line = |line: &str| serde_json::from_str(line).expect("each line is JSON");
    text.lines().map(line).collect()
}

/// A table of saturations: patient, minute, percent.
fn table(folder: &Path, rows: &[(&str, i64, i32)]) -> String {
    let mut text = "time,patient,vital,value\n".to_owned();
    for (patient, minute, percent) in rows {
        let at = NOON_MS + minute * 60_000;
        text.push_str(&format!("{at},{patient},spo2,{percent}\n"));
    }
    let path = folder.join("table.csv");
    fs::write(&path, text).expect("the folder is ours");
    path.display().to_string()
}

/// The shipped rules, changed.
fn rules(folder: &Path, name: &str, change: impl Fn(String) -> String) -> String {
    let text = change(fs::read_to_string(SHIPPED).expect("it is there"));
    let path = folder.join(name);
    fs::write(&path, text).expect("the folder is ours");
    path.display().to_string()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_table_means_the_flags_of_its_values_with_the_rows_behind_them() {
    let folder = folder();
    let rows = [
        ("anna", 0, 97),
        ("bruno", 0, 96),
        ("anna", 10, 91),
        ("anna", 12, 90),
        ("bruno", 480, 96),
    ];
    let table = table(folder.path(), &rows);
    let flags = lines(&veglia(&["--observations", &table]));
    let red: Vec<&Value> = flags.iter().filter(|it| it["severity"] == "red").collect();
    assert_eq!(red.len(), 1, "{flags:?}");
    assert_eq!(red[0]["patient"], "anna");
    assert_eq!(red[0]["about"], "spo2");
    assert_eq!(red[0]["standing"]["confirmed"]["how"], "repeat");
    // The fourth and the fifth line of the table.
    assert_eq!(red[0]["evidence"][0]["id"], "0000000000000001-4");
    assert_eq!(red[0]["evidence"][1]["id"], "0000000000000001-5");
}

#[test]
fn only_those_are_told_that_were_asked_for() {
    let folder = folder();
    let rows = [("anna", 0, 85), ("bruno", 60, 85), ("anna", 600, 97)];
    let table = table(folder.path(), &rows);
    let of = |more: &[&str]| {
        let mut arguments = vec!["--observations", &table];
        arguments.extend(more);
        let flags = lines(&veglia(&arguments));
        let red = flags.iter().filter(|it| it["severity"] == "red");
        let names = red.map(|it| it["patient"].as_str().expect("a name").to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(of(&[]), ["anna", "bruno"]);
    assert_eq!(of(&["--patient", "bruno"]), ["bruno"]);
    assert_eq!(of(&["--from", "2020-10-20T12:30:00+02:00"]), ["bruno"]);
    assert_eq!(of(&["--to", "2020-10-20T12:30:00+02:00"]), ["anna"]);
    assert_eq!(of(&["--patient", "carla"]), [""; 0]);
}

#[test]
fn two_rule_sets_are_laid_beside_each_other() {
    let folder = folder();
    let at_once = rules(folder.path(), "at-once.toml", |text| {
        text.replace("at_once_beyond = 88", "at_once_beyond = 91")
    });
    // One is called two minutes earlier without a repeat; one low value that the repeat refutes
    // would have called somebody; the third is called by both at once.
    let rows = [
        ("anna", 0, 91),
        ("anna", 2, 90),
        ("bruno", 0, 91),
        ("bruno", 2, 97),
        ("carla", 0, 85),
    ];
    let table = table(folder.path(), &rows);
    let output = veglia(&["--observations", &table, "--compare", &at_once]);
    let told: Vec<(String, String)> = lines(&output)
        .iter()
        .filter(|it| it["rule"] == "spo2-red")
        .map(|it| (it["patient"].to_string(), it["change"].to_string()))
        .collect();
    let pair = |patient: &str, change: &str| (format!("{patient:?}"), format!("{change:?}"));
    assert_eq!(
        told,
        [pair("anna", "earlier"), pair("bruno", "only-second")]
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("calls a patient-day"), "{said}");
}

#[test]
fn how_often_people_are_called_is_told_of_a_recording() {
    let output = veglia(&["--recording", "tests/fixtures/recording.csv"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let tables = String::from_utf8(output.stdout).expect("a table is text");
    assert!(tables.contains("| recording | "), "{tables}");
    let nowhere = veglia(&["--recording", "nowhere.csv"]);
    let errors = String::from_utf8_lossy(&nowhere.stderr);
    assert!(errors.contains("in the recording nowhere.csv"), "{errors}");
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let folder = folder();
    let bad = folder.path().join("bad.csv");
    fs::write(
        &bad,
        "time,patient,vital,value\n0,anna,spo2,97\n1,anna,spo2,much\n",
    )
    .unwrap();
    let bad = bad.display().to_string();
    let gap = rules(folder.path(), "gap.toml", |text| {
        text.replacen("to = 92", "to = 91", 1)
    });
    let good = table(folder.path(), &[("anna", 0, 97)]);
    for (arguments, words) in [
        (
            &["--observations", &bad][..],
            "line 3, column value: \"much\"",
        ),
        (
            &["--observations", "nowhere.csv"],
            "cannot open nowhere.csv",
        ),
        (&["--observations", &good, "--rules", &gap], "leaves a gap"),
        (
            &["--observations", &good, "--rules", "nowhere.toml"],
            "cannot read the rules",
        ),
        (&["--observations", &good, "--from", "noon"], "--from"),
    ] {
        let output = veglia(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    }
}
