//! CBOR as this crate speaks it: a thin, strict layer over `ciborium-ll`.
//!
//! Definite lengths only, integers that fit 64 bits, no tags, no floats. Everything read is
//! bounded by the caller, so that a length in the input never decides an allocation.

use alloc::string::String;
use alloc::vec::Vec;

use ciborium_io::Read;
use ciborium_ll::{Decoder, Encoder, Header, simple};

/// Why bytes are not what they should be. `field` names the place in the words of `wire.cddl`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too soon or are not CBOR.
    #[error("not well-formed CBOR at {field}")]
    Malformed {
        /// Where.
        field: &'static str,
    },
    /// Well-formed, but not of the expected type.
    #[error("{field} is not {expected}")]
    Type {
        /// Where.
        field: &'static str,
        /// What should have stood there.
        expected: &'static str,
    },
    /// A number or length outside its range.
    #[error("{field} is {value}, outside {allowed}")]
    Range {
        /// Where.
        field: &'static str,
        /// What stood there.
        value: i128,
        /// The allowed range, in words.
        allowed: &'static str,
    },
    /// A text that is not an identifier.
    #[error("{field} is not an identifier")]
    Id {
        /// Where.
        field: &'static str,
        /// Why not.
        #[source]
        source: crate::ids::IdError,
    },
    /// A value that is physically impossible.
    #[error("{field} is impossible")]
    Vital {
        /// Where.
        field: &'static str,
        /// Why.
        #[source]
        source: crate::vital::OutOfRange,
    },
    /// Made by a newer version of the format.
    #[error("{field} is version {found}, this program reads up to {known}; update it")]
    NewerVersion {
        /// What is newer.
        field: &'static str,
        /// The version found.
        found: u64,
        /// The newest version known here.
        known: u64,
    },
    /// Bytes after the end.
    #[error("{count} bytes follow the end of {field}")]
    Trailing {
        /// What should have been the end.
        field: &'static str,
        /// How many bytes are left.
        count: usize,
    },
}

/// Pairs of a map of any version: twice as many as any message has today.
const MOST_PAIRS: usize = 32;

/// Writes CBOR to a vector.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(64),
        }
    }

    fn push(&mut self, header: Header) {
        let done = Encoder::from(&mut self.bytes).push(header);
        debug_assert!(done.is_ok(), "a vector takes every byte");
    }

    pub(crate) fn uint(&mut self, value: u64) {
        self.push(Header::Positive(value));
    }

    pub(crate) fn int(&mut self, value: i64) {
        let header = match u64::try_from(value) {
            Ok(positive) => Header::Positive(positive),
            Err(_) => Header::Negative((!value).cast_unsigned()),
        };
        self.push(header);
    }

    pub(crate) fn int_or_null(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.int(value),
            None => self.push(Header::Simple(simple::NULL)),
        }
    }

    pub(crate) fn uint_or_null(&mut self, value: Option<u64>) {
        match value {
            Some(value) => self.uint(value),
            None => self.push(Header::Simple(simple::NULL)),
        }
    }

    pub(crate) fn array(&mut self, items: usize) {
        self.push(Header::Array(Some(items)));
    }

    pub(crate) fn map(&mut self, pairs: usize) {
        self.push(Header::Map(Some(pairs)));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.push(Header::Text(Some(text.len())));
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.push(Header::Simple(simple::NULL)),
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.push(Header::Bytes(Some(bytes.len())));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads CBOR from a slice.
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    decoder: Decoder<&'a [u8]>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            decoder: Decoder::from(input),
        }
    }

    pub(crate) fn pull(&mut self, field: &'static str) -> Result<Header, DecodeError> {
        self.decoder
            .pull()
            .map_err(|_| DecodeError::Malformed { field })
    }

    pub(crate) fn uint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        match self.pull(field)? {
            Header::Positive(value) => Ok(value),
            _ => Err(DecodeError::Type {
                field,
                expected: "a whole number",
            }),
        }
    }

    pub(crate) fn uint_to(
        &mut self,
        field: &'static str,
        max: u64,
        allowed: &'static str,
    ) -> Result<u64, DecodeError> {
        let value = self.uint(field)?;
        if value <= max {
            Ok(value)
        } else {
            Err(DecodeError::Range {
                field,
                value: i128::from(value),
                allowed,
            })
        }
    }

    pub(crate) fn int(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        int_of(self.pull(field)?, field)
    }

    pub(crate) fn int_or_null(&mut self, field: &'static str) -> Result<Option<i64>, DecodeError> {
        match self.pull(field)? {
            Header::Simple(simple::NULL) => Ok(None),
            header => int_of(header, field).map(Some),
        }
    }

    pub(crate) fn uint_or_null(&mut self, field: &'static str) -> Result<Option<u64>, DecodeError> {
        match self.pull(field)? {
            Header::Simple(simple::NULL) => Ok(None),
            Header::Positive(value) => Ok(Some(value)),
            _ => Err(DecodeError::Type {
                field,
                expected: "a whole number or null",
            }),
        }
    }

    pub(crate) fn array(
        &mut self,
        field: &'static str,
        max: usize,
        allowed: &'static str,
    ) -> Result<usize, DecodeError> {
        match self.pull(field)? {
            Header::Array(Some(items)) => bounded(field, items, max, allowed),
            _ => Err(DecodeError::Type {
                field,
                expected: "an array of definite length",
            }),
        }
    }

    pub(crate) fn map(&mut self, field: &'static str, pairs: usize) -> Result<(), DecodeError> {
        match self.pull(field)? {
            Header::Map(Some(found)) if found == pairs => Ok(()),
            _ => Err(DecodeError::Type {
                field,
                expected: "a map of the known keys",
            }),
        }
    }

    /// The pairs of a map whose version is not yet known: a newer one may have more, and is to be
    /// refused for its version and not for its length.
    pub(crate) fn map_of_any_version(&mut self, field: &'static str) -> Result<usize, DecodeError> {
        self.map_up_to(field, MOST_PAIRS)
    }

    /// Demands a number of pairs or parts.
    pub(crate) fn has(
        &self,
        field: &'static str,
        found: usize,
        wanted: usize,
    ) -> Result<(), DecodeError> {
        if found == wanted {
            Ok(())
        } else {
            Err(DecodeError::Type {
                field,
                expected: "of the parts that its version has",
            })
        }
    }

    /// The pairs of a map that may hold optional keys.
    pub(crate) fn map_up_to(
        &mut self,
        field: &'static str,
        pairs: usize,
    ) -> Result<usize, DecodeError> {
        match self.pull(field)? {
            Header::Map(Some(found)) if found <= pairs => Ok(found),
            _ => Err(DecodeError::Type {
                field,
                expected: "a map of the known keys",
            }),
        }
    }

    /// Expects a key: maps here are written with their keys in ascending order.
    pub(crate) fn key(&mut self, field: &'static str, key: u64) -> Result<(), DecodeError> {
        match self.pull(field)? {
            Header::Positive(found) if found == key => Ok(()),
            _ => Err(DecodeError::Type {
                field,
                expected: "under its own key",
            }),
        }
    }

    pub(crate) fn text(&mut self, field: &'static str, max: usize) -> Result<String, DecodeError> {
        let header = self.pull(field)?;
        self.text_of(header, field, max)?.ok_or(DecodeError::Type {
            field,
            expected: "a text",
        })
    }

    pub(crate) fn text_or_null(
        &mut self,
        field: &'static str,
        max: usize,
    ) -> Result<Option<String>, DecodeError> {
        match self.pull(field)? {
            Header::Simple(simple::NULL) => Ok(None),
            header => self
                .text_of(header, field, max)?
                .map(Some)
                .ok_or(DecodeError::Type {
                    field,
                    expected: "a text or null",
                }),
        }
    }

    fn text_of(
        &mut self,
        header: Header,
        field: &'static str,
        max: usize,
    ) -> Result<Option<String>, DecodeError> {
        let Header::Text(Some(length)) = header else {
            return Ok(None);
        };
        let bytes = self.take(field, length, max, "the longest allowed text")?;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| DecodeError::Malformed { field })
    }

    pub(crate) fn bytes(
        &mut self,
        field: &'static str,
        max: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        match self.pull(field)? {
            Header::Bytes(Some(length)) => self.take(field, length, max, "the longest allowed"),
            _ => Err(DecodeError::Type {
                field,
                expected: "a byte string of definite length",
            }),
        }
    }

    fn take(
        &mut self,
        field: &'static str,
        length: usize,
        max: usize,
        allowed: &'static str,
    ) -> Result<Vec<u8>, DecodeError> {
        let length = bounded(field, length, max, allowed)?;
        let mut bytes = alloc::vec![0; length];
        self.decoder
            .read_exact(&mut bytes)
            .map_err(|_| DecodeError::Malformed { field })?;
        Ok(bytes)
    }

    pub(crate) fn end(mut self, field: &'static str) -> Result<(), DecodeError> {
        match self.input.len().saturating_sub(self.decoder.offset()) {
            0 => Ok(()),
            count => Err(DecodeError::Trailing { field, count }),
        }
    }
}

fn bounded(
    field: &'static str,
    length: usize,
    max: usize,
    allowed: &'static str,
) -> Result<usize, DecodeError> {
    if length <= max {
        Ok(length)
    } else {
        let value = i128::try_from(length).unwrap_or(i128::MAX);
        Err(DecodeError::Range {
            field,
            value,
            allowed,
        })
    }
}

pub(crate) fn int_of(header: Header, field: &'static str) -> Result<i64, DecodeError> {
    let too_large = |value: u64| DecodeError::Range {
        field,
        value: i128::from(value),
        allowed: "a signed 64-bit number",
    };
    match header {
        Header::Positive(value) => i64::try_from(value).map_err(|_| too_large(value)),
        Header::Negative(inverted) => i64::try_from(inverted)
            .map(|value| !value)
            .map_err(|_| too_large(inverted)),
        _ => Err(DecodeError::Type {
            field,
            expected: "a number",
        }),
    }
}
