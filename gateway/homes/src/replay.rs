//! Recordings: one row a minute from a spreadsheet, spoken again by a node.
//!
//! Columns are found by their header, whatever their order and case: `minute`, `SpO2`, `PULSE`
//! or else `HR`, and perhaps `temperature` or `TEMP`; others are ignored. An empty cell and a
//! zero mean that there was no reading. Values are rounded to a tenth (a temperature to a
//! hundredth), the node's own resolution. Anything else in those columns is an error: a row
//! silently left out would make a replay prove nothing.
//!
//! Limits: [`MAX_ROWS`]. Absent: cells that run over several lines.

use std::ops::RangeInclusive;

use thiserror::Error;

use crate::decimal::rounded;
use crate::scenario::Measures;

/// Rows of a recording: a year of minutes.
pub const MAX_ROWS: usize = 366 * 24 * 60;

const SPO2_TENTHS: RangeInclusive<i32> = 1..=1_000;
const PULSE_TENTHS: RangeInclusive<i32> = 100..=3_500;
const CELSIUS_HUNDREDTHS: RangeInclusive<i32> = 1..=5_000;

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    rows: Vec<Row>,
}

/// One minute of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its minute, by the recording's own count.
    pub minute: u32,
    /// Oxygen saturation in tenths of a percent, if there was a reading.
    pub spo2_tenths: Option<u16>,
    /// Pulse in tenths of a beat per minute, if there was a reading.
    pub pulse_tenths: Option<u16>,
    /// Temperature in hundredths of a degree Celsius, if there was a reading.
    pub celsius_hundredths: Option<i16>,
}

/// Why a text is not a recording.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {what}")]
pub struct CsvError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Header of the column.
    pub column: String,
    /// What stands there, and what should.
    pub what: String,
}

/// The places of the columns we read.
struct Columns {
    width: usize,
    minute: Column,
    spo2: Column,
    pulse: Column,
    temperature: Option<Column>,
}

struct Column {
    name: String,
    place: usize,
}

impl Replay {
    /// Reads a recording from comma-separated text.
    ///
    /// # Errors
    /// The first line and column that are wrong, and why.
    pub fn read(csv: &str) -> Result<Self, CsvError> {
        let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
        let mut lines = (1..)
            .zip(csv.lines())
            .filter(|(_, line)| !line.trim().is_empty());
        let (line, header) = lines.next().ok_or_else(|| CsvError {
            line: 1,
            column: "minute".to_owned(),
            what: "the file is empty; its first line names the columns".to_owned(),
        })?;
        let columns = Columns::find(line, &cells(header))?;
        let mut rows: Vec<Row> = Vec::new();
        for (line, text) in lines {
            let row = columns.row(line, &cells(text))?;
            let fault = |what: String| Err(columns.minute.fault(line, what));
            if let Some(last) = rows.last().filter(|last| last.minute >= row.minute) {
                return fault(format!(
                    "minute {} after minute {}",
                    row.minute, last.minute
                ));
            }
            if rows.len() == MAX_ROWS {
                return fault(format!("a recording has at most {MAX_ROWS} rows"));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            let what = "no row follows the names of the columns".to_owned();
            return Err(columns.minute.fault(line, what));
        }
        Ok(Self { rows })
    }

    /// Its rows, in ascending minutes.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn measures(&self) -> Measures {
        if self.rows.iter().any(|row| row.celsius_hundredths.is_some()) {
            Measures::Both
        } else {
            Measures::Oximetry
        }
    }
}

impl Columns {
    fn find(line: usize, header: &[String]) -> Result<Self, CsvError> {
        let column = |names: &[&str]| {
            let place_of = |name: &&str| {
                header
                    .iter()
                    .position(|head| head.eq_ignore_ascii_case(name))
            };
            let place = names.iter().find_map(place_of)?;
            Some(Column {
                name: header[place].clone(),
                place,
            })
        };
        let needed = |names: &[&str]| {
            column(names).ok_or_else(|| CsvError {
                line,
                column: names.join(" or "),
                what: "the first line names no such column".to_owned(),
            })
        };
        Ok(Self {
            width: header.len(),
            minute: needed(&["minute"])?,
            spo2: needed(&["SpO2"])?,
            pulse: needed(&["PULSE", "HR"])?,
            temperature: column(&["temperature", "TEMP"]),
        })
    }

    fn row(&self, line: usize, cells: &[String]) -> Result<Row, CsvError> {
        if cells.len() != self.width {
            let what = format!("{} cells, but {} columns", cells.len(), self.width);
            return Err(self.minute.fault(line, what));
        }
        let minute = &cells[self.minute.place];
        let minute = minute.parse().map_err(|_| {
            let what = format!("{minute:?} is not a minute, a whole number from 0");
            self.minute.fault(line, what)
        })?;
        Ok(Row {
            minute,
            spo2_tenths: self.spo2.value(line, cells, 1, &SPO2_TENTHS)?,
            pulse_tenths: self.pulse.value(line, cells, 1, &PULSE_TENTHS)?,
            celsius_hundredths: match &self.temperature {
                Some(column) => column.value(line, cells, 2, &CELSIUS_HUNDREDTHS)?,
                None => None,
            },
        })
    }
}

impl Column {
    fn value<T: TryFrom<i32>>(
        &self,
        line: usize,
        cells: &[String],
        decimals: usize,
        range: &RangeInclusive<i32>,
    ) -> Result<Option<T>, CsvError> {
        let cell = &cells[self.place];
        if cell.is_empty() {
            return Ok(None);
        }
        let value = rounded(cell, decimals)
            .ok_or_else(|| self.fault(line, format!("{cell:?} is not a number")))?;
        if cell.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            return Ok(None);
        }
        let value = Some(value).filter(|value| range.contains(value));
        let value = value.and_then(|value| T::try_from(value).ok());
        let refused = || self.fault(line, format!("{cell} is nothing a sensor can measure"));
        value.ok_or_else(refused).map(Some)
    }

    fn fault(&self, line: usize, what: String) -> CsvError {
        CsvError {
            line,
            column: self.name.clone(),
            what,
        }
    }
}

/// Splits a line at its commas, except those in double quotes; cells are trimmed.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(letter);
                }
            }
        }
    }
    cells
        .into_iter()
        .map(|cell| cell.trim().to_owned())
        .collect()
}
