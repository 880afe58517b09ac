//! A recording, read out by a simulated node and stored: every value of every row, in order, to
//! its last decimal; a minute without a reading stays without one; and nothing else is stored.
//!
//! `VEGLIA_RECORDED=FILE.csv` names a recording to try beside the one that lies here. It must be
//! shorter than three days of minutes: the test reads it out an hour in a second.
// req: G2

#[path = "support/demo.rs"]
mod demo;
#[path = "support/process.rs"]
mod process;

use std::env;
use std::fs;
use std::process::Command;

use demo::{Demo, UP, Values, spoken};
use process::wait_until;
use veglia_wire::VitalKind;

/// A recording nobody lived, with all that a monitor's export may hold: minutes that are missing,
/// empty cells, zeros, more decimals than a node knows, a comma in quotes, columns for others.
const RECORDING: &str = "tests/fixtures/recording.csv";

/// The fastest care time at which what is on its way to the centre is not yet called silent: a
/// tenth of a second is a minute.
const TENTHS: &str = "600";

/// The fastest there is: an hour in a second.
const HOURS: &str = "3600";

/// In the simulator's log, the home that a recording comes from.
const RECORDED_HOME: &str = r#""home":"casa-2001""#;

#[test]
fn a_recording_is_stored_row_by_row_and_the_demonstration_ends_after_it() {
    is_stored(RECORDING, TENTHS);
}

#[test]
fn the_fastest_care_time_loses_no_row_either() {
    is_stored(RECORDING, HOURS);
    if let Ok(recorded) = env::var("VEGLIA_RECORDED") {
        is_stored(&recorded, HOURS);
    }
}

#[test]
fn a_recording_among_homes_is_one_of_the_stories_until_somebody_ends_all() {
    let demo = Demo::new(&["--homes", "2", "--replay", RECORDING, "--speed", HOURS]);
    let process = demo.start(1, &[]);
    assert!(process.has_said("2 simulated homes and a recording", 1));
    let node = |(device, _): &&(String, VitalKind)| device.starts_with("node:");
    // A temperature is an entry of its own: there are more entries than rows.
    let rows = fs::read_to_string(RECORDING).unwrap().lines().count();
    wait_until("recording and homes are well under way", || {
        let log = fs::read_to_string(demo.path("data/spoken.jsonl")).unwrap_or_default();
        let of_the_recording = log.matches(RECORDED_HOME).count() > rows;
        // A home speaks once a second, and its box must have been listening.
        let mut lines = log.lines().filter(|line| !line.contains(RECORDED_HOME));
        let heard = |line: &str| line.contains(r#""reading""#) && line.contains(r#""heard":true"#);
        let of_a_home = lines.any(|line| line.contains("node:") && heard(line));
        (of_the_recording && of_a_home).then_some(())
    });
    process.end();
    let stored = demo.stored();
    assert_eq!(spoken(&demo.said()), stored);
    let nodes: Vec<_> = stored.keys().filter(node).collect();
    assert!(nodes.len() > recorded(RECORDING).len(), "{nodes:?}");
}

#[test]
fn a_recording_with_a_fault_is_refused_in_one_sentence_that_says_where() {
    for (csv, words) in [
        ("", &["line 1", "empty"][..]),
        ("minute,SpO2,PULSE\n", &["line 1", "no row"]),
        (
            "minute,PULSE\n0,70\n",
            &["line 1", "column SpO2", "no such column"],
        ),
        (
            "SpO2,PULSE\n97,70\n",
            &["line 1", "column minute", "no such column"],
        ),
        (
            "minute,SpO2\n0,97\n",
            &["line 1", "PULSE or HR", "no such column"],
        ),
        (
            "minute,SpO2,HR\n0,97,70\n1,9x,71\n",
            &["line 3", "column SpO2", "9x"],
        ),
        (
            "minute,SpO2,HR\n0,97,70\n1,97,nan\n",
            &["line 3", "column HR", "nan"],
        ),
        (
            "minute,SpO2,HR\n0,97,70\n1,97\n",
            &["line 3", "2 cells", "3 columns"],
        ),
        (
            "minute,SpO2,HR\n5,97,70\n4,97,70\n",
            &["line 3", "minute 4 after minute 5"],
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let (file, data) = (
            place.path().join("recording.csv"),
            place.path().join("data"),
        );
        fs::write(&file, csv).unwrap();
        let mut veglia = Command::new(env!("CARGO_BIN_EXE_veglia"));
        veglia.arg("--data").arg(&data);
        veglia
            .args([
                "demo",
                "--homes",
                "0",
                "--listen",
                "127.0.0.1:0",
                "--replay",
            ])
            .arg(&file);
        let output = veglia.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{csv:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{csv:?}: {said}");
        for word in words.iter().chain(&["recording.csv"]) {
            assert!(said.contains(word), "{csv:?}: {said}");
        }
        assert!(!data.exists(), "nothing is begun: {csv:?}");
    }
}

/// Stores a recording at a speed, and looks at every value.
fn is_stored(recording: &str, speed: &str) {
    let demo = Demo::new(&["--homes", "0", "--replay", recording, "--speed", speed]);
    let mut process = demo.start(1, &[]);
    assert!(process.has_said(UP, 1));
    let status = wait_until("the demonstration ends after the last row", || {
        process.ended()
    });
    assert!(status.success(), "{status}");
    let stored: Vec<(VitalKind, Vec<i32>)> = in_order(demo.stored());
    assert_eq!(stored, recorded(recording));
    let summary = demo.summary();
    let readings: usize = stored.iter().map(|(_, values)| values.len()).sum();
    assert_eq!(summary["readings"]["produced"], readings, "{summary}");
    assert_eq!(in_order(spoken(&demo.said())), stored);
}

/// The series of the only device there is.
fn in_order(values: Values) -> Vec<(VitalKind, Vec<i32>)> {
    let mut series: Vec<_> = values
        .into_iter()
        .map(|((_, vital), steps)| (vital, steps))
        .collect();
    series.sort();
    series
}

/// What a recording says, read a second time in another way: in the steps of the wire, what is
/// empty or nothing left out.
fn recorded(file: &str) -> Vec<(VitalKind, Vec<i32>)> {
    let text = fs::read_to_string(file).expect("the recording can be read");
    let mut lines = text.lines().map(|line| {
        // What stands in quotes is for others.
        let plain: String = line.split('"').step_by(2).collect();
        plain.split(',').map(str::to_owned).collect::<Vec<String>>()
    });
    let header = lines.next().expect("the first line names the columns");
    let place = |names: &[&str]| {
        let mut names = names.iter();
        names.find_map(|name| {
            header
                .iter()
                .position(|head| head.eq_ignore_ascii_case(name))
        })
    };
    let columns = [
        (VitalKind::SpO2, place(&["SpO2"]), 10.0),
        (VitalKind::Pulse, place(&["PULSE", "HR"]), 10.0),
        (
            VitalKind::Temperature,
            place(&["temperature", "TEMP"]),
            100.0,
        ),
    ];
    let rows: Vec<Vec<String>> = lines.collect();
    let mut series: Vec<(VitalKind, Vec<i32>)> = columns
        .into_iter()
        .filter_map(|(vital, place, per_unit)| {
            let place = place?;
            let cells = rows.iter().map(|row| &row[place]);
            let values = cells.filter_map(|cell| cell.parse::<f64>().ok());
            let steps = values.map(|value| format!("{:.0}", (value * per_unit).round()));
            let steps = steps.map(|steps| steps.parse::<i32>().expect("a number of steps"));
            Some((vital, steps.filter(|steps| *steps != 0).collect()))
        })
        .filter(|(_, steps): &(_, Vec<i32>)| !steps.is_empty())
        .collect();
    series.sort();
    series
}
