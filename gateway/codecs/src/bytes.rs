//! A few bytes that no source explains, kept as they came.
//!
//! Limit: what fits into one attribute value of a connection that agreed on nothing longer.

use serde::ser::{Serialize, Serializer};

use crate::json::hex;

/// A few bytes, not understood and not thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    len: usize,
    bytes: [u8; Self::MAX],
}

impl Bytes {
    /// Most bytes that fit: an attribute value over the smallest MTU.
    pub const MAX: usize = 20;

    /// A copy, if there are not more than [`Bytes::MAX`].
    #[must_use]
    pub fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self {
            len: from.len(),
            bytes,
        })
    }

    /// The bytes as they came.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// In hexadecimal.
impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self.as_slice()))
    }
}
