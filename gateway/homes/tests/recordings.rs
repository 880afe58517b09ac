//! Recordings: what is read from a spreadsheet, and how a fault in one is told.

use veglia_homes::{CsvError, Replay, Row};

fn row(minute: u32, spo2: u16, pulse: u16, celsius: i16) -> Row {
    Row {
        minute,
        spo2_tenths: Some(spo2).filter(|value| *value != 0),
        pulse_tenths: Some(pulse).filter(|value| *value != 0),
        celsius_hundredths: Some(celsius).filter(|value| *value != 0),
    }
}

#[test]
fn columns_are_found_by_their_header_and_the_rest_is_ignored() {
    let csv =
        "\u{feff}Note, HR ,minute,\"SpO2\",temp\r\n\"a, b\",71.96,0,97,36.8\r\n,,5,0,\r\n\r\n";
    let replay = Replay::read(csv).unwrap();
    assert_eq!(replay.rows(), [row(0, 970, 720, 3680), row(5, 0, 0, 0)]);
}

#[test]
fn the_oximeters_own_pulse_is_preferred_to_the_heart_rate() {
    let replay = Replay::read("minute,HR,PULSE,SpO2\n1,80,79,98\n2,80,,98\n").unwrap();
    assert_eq!(replay.rows(), [row(1, 980, 790, 0), row(2, 980, 0, 0)]);
}

#[test]
fn half_a_row_is_a_row() {
    let replay = Replay::read("minute,SpO2,PULSE\n1,,79\n2,98,0.0\n").unwrap();
    assert_eq!(replay.rows(), [row(1, 0, 790, 0), row(2, 980, 0, 0)]);
}

#[test]
fn a_fault_names_its_line_its_column_and_what_stands_there() {
    for (csv, line, column, word) in [
        ("", 1, "minute", "empty"),
        ("SpO2,PULSE\n", 1, "minute", "no such column"),
        ("minute,PULSE\n", 1, "SpO2", "no such column"),
        ("minute,SpO2\n", 1, "PULSE or HR", "no such column"),
        ("minute,SpO2,HR\n\n", 1, "minute", "no row"),
        ("minute,SpO2,HR\n0,97,70\n1,x,70\n", 3, "SpO2", "\"x\""),
        ("minute,SpO2,HR\n0,97,NaN\n", 2, "HR", "NaN"),
        ("minute,SpO2,HR\n0,101,70\n", 2, "SpO2", "101"),
        ("minute,SpO2,HR\n0,0.04,70\n", 2, "SpO2", "0.04"),
        ("minute,SpO2,HR\n0,97,7\n", 2, "HR", "7"),
        ("minute,SpO2,HR,TEMP\n0,97,70,98.6\n", 2, "TEMP", "98.6"),
        ("minute,SpO2,HR\n0,97,70\n0,97,70\n", 3, "minute", "after"),
        ("minute,SpO2,HR\n\n0.5,97,70\n", 3, "minute", "0.5"),
        ("minute,SpO2,HR\n0,97\n", 2, "minute", "2 cells"),
    ] {
        let CsvError {
            line: at,
            column: of,
            what,
        } = Replay::read(csv).unwrap_err();
        assert_eq!((at, of.as_str()), (line, column), "{csv:?}: {what}");
        assert!(what.contains(word), "{csv:?}: {what}");
    }
}
