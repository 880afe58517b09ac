//! Observations from a spreadsheet: one value a row, of any patient, in the order in which they
//! reached the centre.
//!
//! Columns are found by their header: `time` (milliseconds since 1970, or RFC 3339 with its
//! offset), `patient` (any name), `vital` (`spo2`, `temperature` …), `value` (a decimal in the
//! vital sign's unit, rounded to the step it is kept in) and perhaps `quality` (empty, or names
//! joined by `+` as `veglia export` writes them). An export can be read as it is: its `device`
//! stands for the patient, its `measured_ms` for the time. Other columns are ignored; anything
//! wrong in these ends the reading, because a row silently left out would make a replay prove
//! nothing.
//!
//! Limits: [`PATIENTS_MAX`], [`NAME_BYTES_MAX`]. Absent: answers, contacts and plans, which are in
//! no such table.

use std::collections::HashMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;
use thiserror::Error;
use veglia_wire::{Quality, Site, Vital, VitalKind, WallMs};

/// Patients of a table: ten times a large centre. A patient's state takes a few KiB.
pub(super) const PATIENTS_MAX: usize = 1_000_000;

/// Longest name of a patient, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Bytes read at a time: a table of a centre has gigabytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a table cannot be read.
#[derive(Debug, Error)]
pub(super) enum TableError {
    /// A cell, or a column, is wrong.
    #[error("line {line}, column {column}: {what}")]
    Cell {
        /// Line of the text, from 1.
        line: u64,
        /// Header of the column.
        column: &'static str,
        /// What stands there, and what should.
        what: String,
    },
    /// It is no table, or cannot be read.
    #[error("this is no table of comma-separated values")]
    Table(#[from] csv::Error),
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Observed {
    /// Its line in the table.
    pub(super) line: u64,
    /// Whose: the place among the names, in the order of their first appearance.
    pub(super) patient: usize,
    pub(super) at: WallMs,
    pub(super) vital: Vital,
    pub(super) quality: Quality,
}

/// A table that is being read.
pub(super) struct Table<R> {
    rows: csv::Reader<R>,
    row: ByteRecord,
    columns: Columns,
    names: Vec<String>,
    places: HashMap<Box<[u8]>, usize>,
    /// The place of the row before.
    last: usize,
}

struct Columns {
    time: Column,
    patient: Column,
    vital: Column,
    value: Column,
    quality: Option<Column>,
}

#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    place: usize,
}

impl<R: Read> Table<R> {
    /// Reads the names of the columns.
    pub(super) fn open(input: R) -> Result<Self, TableError> {
        let mut rows = ReaderBuilder::new();
        let mut rows = rows.buffer_capacity(BUFFER_BYTES).from_reader(input);
        let header = rows.byte_headers()?.clone();
        let columns = Columns::find(&header)?;
        Ok(Self {
            rows,
            row: ByteRecord::new(),
            columns,
            names: Vec::new(),
            places: HashMap::new(),
            last: 0,
        })
    }

    /// What the patients read so far are called, by their places.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next value; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Observed>, TableError> {
        if !self.rows.read_byte_record(&mut self.row)? {
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        let row = Row {
            line,
            cells: &self.row,
        };
        let columns = &self.columns;
        let kind = row.parse(
            columns.vital,
            |text| text.parse::<VitalKind>().ok(),
            || VitalKind::ALL.map(VitalKind::name).join(", "),
        )?;
        let observed = Observed {
            line,
            at: row.parse(columns.time, moment, || {
                "milliseconds since 1970 or 2020-10-20T08:00:00+02:00".to_owned()
            })?,
            vital: row.vital(columns.value, kind)?,
            quality: columns.quality.map_or(Ok(Quality::empty()), |column| {
                row.parse(column, quality, || {
                    "names of qualities joined by +".to_owned()
                })
            })?,
            patient: 0,
        };
        let patient = self.place()?;
        self.last = patient;
        Ok(Some(Observed {
            patient,
            ..observed
        }))
    }

    /// The place of the row's patient among the names.
    fn place(&mut self) -> Result<usize, TableError> {
        let column = self.columns.patient;
        let name = cell(&self.row, column);
        // A table that was written in turns has the same patient again, or the next one.
        let is_of = |place: &usize| {
            let known = self.names.get(*place);
            known.is_some_and(|known| known.as_bytes() == name)
        };
        if let Some(place) = [self.last, self.last + 1].into_iter().find(is_of) {
            return Ok(place);
        }
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        let text = String::from_utf8_lossy(name).into_owned();
        let fault = |what: String| Err(column.fault(line, what));
        if text.is_empty() || name.len() > NAME_BYTES_MAX {
            return fault(format!(
                "a patient has a name of 1 to {NAME_BYTES_MAX} bytes"
            ));
        }
        if self.names.len() == PATIENTS_MAX {
            return fault(format!("more than {PATIENTS_MAX} patients"));
        }
        let place = self.names.len();
        self.places.insert(name.into(), place);
        self.names.push(text);
        Ok(place)
    }
}

impl Columns {
    fn find(header: &ByteRecord) -> Result<Self, TableError> {
        let column = |name: &'static str, other: &str| {
            let is_named = |cell: &[u8]| {
                let cell = cell.trim_ascii();
                cell.eq_ignore_ascii_case(name.as_bytes())
                    || cell.eq_ignore_ascii_case(other.as_bytes())
            };
            let place = header.iter().position(is_named);
            place.map(|place| Column { name, place })
        };
        let needed = |name: &'static str, other: &str| {
            column(name, other).ok_or_else(|| TableError::Cell {
                line: 1,
                column: name,
                what: "the first line names no such column".to_owned(),
            })
        };
        Ok(Self {
            time: needed("time", "measured_ms")?,
            patient: needed("patient", "device")?,
            vital: needed("vital", "vital")?,
            value: needed("value", "value")?,
            quality: column("quality", "quality"),
        })
    }
}

impl Column {
    fn fault(self, line: u64, what: String) -> TableError {
        TableError::Cell {
            line,
            column: self.name,
            what,
        }
    }
}

/// What stands in a column, without the spaces around it.
fn cell(row: &ByteRecord, column: Column) -> &[u8] {
    row.get(column.place).unwrap_or_default().trim_ascii()
}

/// A row on its way to a value.
struct Row<'a> {
    line: u64,
    cells: &'a ByteRecord,
}

impl Row<'_> {
    fn text(&self, column: Column) -> &str {
        std::str::from_utf8(cell(self.cells, column)).unwrap_or_default()
    }

    fn parse<T>(
        &self,
        column: Column,
        read: impl Fn(&str) -> Option<T>,
        wanted: impl Fn() -> String,
    ) -> Result<T, TableError> {
        let text = self.text(column);
        read(text).ok_or_else(|| {
            let what = format!("{text:?} is none of: {}", wanted());
            column.fault(self.line, what)
        })
    }

    fn vital(&self, column: Column, kind: VitalKind) -> Result<Vital, TableError> {
        let per_unit = kind.steps_per_unit();
        let steps = self.parse(
            column,
            |text| steps(text, per_unit),
            || "a decimal".to_owned(),
        )?;
        Vital::from_steps(kind, steps, Site::Unknown)
            .map_err(|refused| column.fault(self.line, refused.to_string()))
    }
}

fn moment(text: &str) -> Option<WallMs> {
    if let Ok(ms) = text.parse() {
        return Some(WallMs(ms));
    }
    let at: Timestamp = text.parse().ok()?;
    Some(WallMs(at.as_millisecond()))
}

fn quality(text: &str) -> Option<Quality> {
    let mut all = Quality::empty();
    for name in text.split('+').filter(|name| !name.is_empty()) {
        all |= Quality::from_name(&name.to_ascii_uppercase())?;
    }
    Some(all)
}

/// A decimal in steps of `1 / per_unit` (10 or 100), rounded to the nearer, halves up.
fn steps(text: &str, per_unit: i32) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut steps: i32 = whole.parse().ok()?;
    let mut digits = fraction.bytes().map(|digit| i32::from(digit - b'0'));
    let mut unit = 1;
    while unit < per_unit {
        steps = steps
            .checked_mul(10)?
            .checked_add(digits.next().unwrap_or(0))?;
        unit *= 10;
    }
    let rest = digits.next().unwrap_or(0);
    let is_up = rest >= 5;
    steps.checked_add(i32::from(is_up))?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_rounded_to_the_step_it_is_kept_in() {
        for (text, per_unit, wanted) in [
            ("97", 10, Some(970)),
            ("97.25", 10, Some(973)),
            ("36.6", 100, Some(3_660)),
            ("36.604999", 100, Some(3_660)),
            ("-0.05", 100, Some(-5)),
            ("97.", 10, None),
            ("", 10, None),
            ("1e2", 10, None),
            ("99999999999", 10, None),
        ] {
            assert_eq!(steps(text, per_unit), wanted, "{text}");
        }
    }

    #[test]
    fn an_export_of_another_order_of_columns_is_read() {
        let text = "value,vital,device,measured_ms,quality\n\
                    91.5,spo2,node:1,1603188000000,no_contact+held\n\
                    36.6,temperature,node:2,1603188001000,\n";
        let mut table = Table::open(text.as_bytes()).unwrap();
        let first = table.next().unwrap().unwrap();
        assert_eq!(
            (first.line, first.patient, first.vital.steps()),
            (2, 0, 915)
        );
        assert_eq!(first.quality, Quality::NO_CONTACT | Quality::HELD);
        let second = table.next().unwrap().unwrap();
        assert_eq!((second.patient, second.at), (1, WallMs(1_603_188_001_000)));
        assert_eq!(table.next().unwrap(), None);
        assert_eq!(table.names(), ["node:1", "node:2"]);
    }

    #[test]
    fn spaces_around_a_cell_are_nobodys_and_patients_may_come_in_any_order() {
        let text = "time, patient ,vital,value\n0, a ,spo2, 97 \n1,b,spo2,96\n2,c,spo2,95\n\
                    3,b,spo2,94\n4,a,spo2,93\n5,b,spo2,92\n";
        let mut table = Table::open(text.as_bytes()).unwrap();
        let mut said = Vec::new();
        while let Some(observed) = table.next().unwrap() {
            said.push((observed.patient, observed.vital.steps()));
        }
        let wanted = [(0, 970), (1, 960), (2, 950), (1, 940), (0, 930), (1, 920)];
        assert_eq!(said, wanted);
        assert_eq!(table.names(), ["a", "b", "c"]);
    }

    #[test]
    fn a_wrong_cell_is_named_by_line_and_column() {
        for (text, words) in [
            ("time,patient,vital\n", "line 1, column value: "),
            (
                "time,patient,vital,value\nnoon,a,spo2,97\n",
                "line 2, column time: \"noon\"",
            ),
            (
                "time,patient,vital,value\n0,a,spo2,97\n1,a,spo3,97\n",
                "line 3, column vital: ",
            ),
            (
                "time,patient,vital,value\n0,a,spo2,x\n",
                "line 2, column value: \"x\"",
            ),
            (
                "time,patient,vital,value\n0,a,spo2,101\n",
                "line 2, column value: 1010 tenths",
            ),
            (
                "time,patient,vital,value\n0,,spo2,97\n",
                "line 2, column patient: ",
            ),
            (
                "time,patient,vital,value,quality\n0,a,spo2,97,odd\n",
                "line 2, column quality: ",
            ),
        ] {
            let read = Table::open(text.as_bytes()).and_then(|mut table| {
                while table.next()?.is_some() {}
                Ok(())
            });
            let said = read.unwrap_err().to_string();
            assert!(said.starts_with(words), "{said}");
        }
    }
}
