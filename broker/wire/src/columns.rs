//! Columns: the same field of all records of a frame, side by side.
//!
//! A column in which all values are equal is that one value. Otherwise it is an array of
//! differences, each from the value before it (the first from 0): neighbours are alike, so most
//! of them are one byte of CBOR. Nulls stand aside and are not counted from.

use alloc::vec::Vec;

use ciborium_ll::{Header, simple};

use crate::cbor::{DecodeError, Reader, Writer, int_of};

/// Writes a column of numbers or nulls. Differences wrap, so that every 64-bit number survives.
pub(crate) fn write(out: &mut Writer, column: &[Option<i64>]) {
    match column.first() {
        Some(first) if column.iter().all(|value| value == first) => out.int_or_null(*first),
        _ => {
            out.array(column.len());
            let mut before = 0_i64;
            for value in column {
                out.int_or_null(value.map(|value| value.wrapping_sub(before)));
                before = value.unwrap_or(before);
            }
        }
    }
}

/// Reads a column of `count` numbers or nulls.
pub(crate) fn read(
    input: &mut Reader<'_>,
    field: &'static str,
    count: usize,
) -> Result<Vec<Option<i64>>, DecodeError> {
    match input.pull(field)? {
        Header::Array(Some(items)) if items == count => {
            let mut column = Vec::with_capacity(count);
            let mut before = 0_i64;
            for _ in 0..count {
                let value = input
                    .int_or_null(field)?
                    .map(|step| before.wrapping_add(step));
                before = value.unwrap_or(before);
                column.push(value);
            }
            Ok(column)
        }
        Header::Array(_) => Err(DecodeError::Type {
            field,
            expected: "as long as the header's count",
        }),
        Header::Simple(simple::NULL) => Ok(alloc::vec![None; count]),
        header => Ok(alloc::vec![Some(int_of(header, field)?); count]),
    }
}

/// Reads a column without nulls.
pub(crate) fn read_full(
    input: &mut Reader<'_>,
    field: &'static str,
    count: usize,
) -> Result<Vec<i64>, DecodeError> {
    let column = read(input, field, count)?;
    let full: Option<Vec<i64>> = column.into_iter().collect();
    full.ok_or(DecodeError::Type {
        field,
        expected: "a column of numbers",
    })
}
