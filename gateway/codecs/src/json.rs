//! Rejects and flags as JSON, for people who look at a line: units in the names, absent values as
//! null. A view for diagnosis, not a format to store: nothing reads it back. What a frame shows
//! stands in its module.

use alloc::format;
use alloc::string::String;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Reject;

impl Serialize for Reject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rejected", &format!("{}", self.reason))?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("bytes", &hex(&self.bytes))?;
        map.end()
    }
}

/// Bytes in hexadecimal, two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The set flags by name.
pub(crate) struct Names<F>(pub(crate) F);

impl<F: bitflags::Flags> Serialize for Names<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self
            .0
            .iter_names()
            .map(|(name, _)| name.to_ascii_lowercase().replace('_', "-"));
        serializer.collect_seq(names)
    }
}
