//! Identifiers, each its own type so that none can stand where another is meant.
//!
//! Absent: an identifier of a patient. It lives where patients are known, at the centre.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use crc::{CRC_32_ISCSI, Crc};
use serde::{Deserialize, Serialize};

/// Longest identifier of a gateway or device, in characters. 64 holds a UUID, a serial number
/// with its maker's prefix or a certificate's short name, and bounds every table keyed by it.
pub const MAX_ID_CHARS: usize = 64;

/// How many partitions gateways are spread over. A fixed number, so that a gateway keeps its
/// partition when ingest nodes are added; 64 allows as many nodes and fits two digits.
pub const PARTITIONS: u8 = 64;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty, or longer than [`MAX_ID_CHARS`].
    #[error("an identifier has 1 to {MAX_ID_CHARS} characters, this one has {0}")]
    Length(usize),
    /// A character outside the allowed set.
    #[error("an identifier may not contain {0:?}; use letters, digits, '_' and '-'{1}")]
    Character(char, &'static str),
    /// A number outside its range.
    #[error("a partition is 0 to 63, not {0}")]
    Partition(u8),
}

fn check(text: &str, also: &[char], hint: &'static str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > MAX_ID_CHARS {
        return Err(IdError::Length(text.chars().count()));
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "_-".contains(*c) || also.contains(c)))
    {
        Some(c) => Err(IdError::Character(c, hint)),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $also:expr, $hint:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                Self::from(id.as_str())
            }
        }

        impl $name {
            /// Checks the text and makes the identifier.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text, $also, $hint)?;
                Ok(Self(Arc::from(text)))
            }

            /// The identifier as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), &self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// A home gateway: `[A-Za-z0-9_-]`, the same text as its MQTT client id.
    GatewayId, &[], ""
}

text_id! {
    /// A device at home, opaque to the wire: `[A-Za-z0-9_:.-]`, usually protocol and serial
    /// number (`nonin:501234`). The by-hand and by-phone devices of a patient are such ids too.
    DeviceId, &[':', '.'], ", ':' and '.'"
}

/// The share of gateways that one ingest serves: 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u8);

impl Partition {
    /// A partition by number.
    pub fn new(number: u8) -> Result<Self, IdError> {
        if number < PARTITIONS {
            Ok(Self(number))
        } else {
            Err(IdError::Partition(number))
        }
    }

    /// The partition of a gateway, fixed at its enrolment: CRC-32C of the id, modulo 64.
    pub fn of(gateway: &GatewayId) -> Self {
        const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
        let hash = CRC.checksum(gateway.as_str().as_bytes());
        let [low, ..] = (hash % u32::from(PARTITIONS)).to_le_bytes();
        Self(low)
    }

    /// Every partition, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }

    /// The number, 0 to 63.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// Two digits, as in a topic.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// One life of an outbox: a random number made when it is created. Sequences count within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One connection of a gateway to the broker: a random number that the gateway makes for each, so
/// that what was meant for one connection cannot be mistaken on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Session(pub u64);

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Number of a record within its epoch: 1, 2, 3 …, given at the durable append, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sequence(u64);

impl Sequence {
    /// The first sequence of an epoch.
    pub const FIRST: Self = Self(1);

    /// A sequence by number; there is no sequence 0.
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number, from 1.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The sequence `count` places on. Saturates: at a billion a second an epoch lasts 584 years.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The name of one record for ever: which outbox life, which place in it. Epochs are random
/// 64-bit numbers, so two outboxes do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId {
    /// The outbox life.
    pub epoch: Epoch,
    /// The place in it.
    pub sequence: Sequence,
}

/// `epoch-sequence`, as in flags and logs.
impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

impl TryFrom<String> for RecordId {
    type Error = RecordIdError;
    fn try_from(text: String) -> Result<Self, RecordIdError> {
        text.parse()
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.to_string()
    }
}

/// Reads what [`RecordId`]'s `Display` wrote.
impl core::str::FromStr for RecordId {
    type Err = RecordIdError;

    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let (epoch, sequence) = text.split_once('-').ok_or(RecordIdError)?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| RecordIdError)?;
        let sequence = sequence
            .parse()
            .ok()
            .and_then(Sequence::new)
            .ok_or(RecordIdError)?;
        Ok(Self {
            epoch: Epoch(epoch),
            sequence,
        })
    }
}

/// A text that is not a [`RecordId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record id is written epoch (hexadecimal), '-', sequence (from 1)")]
pub struct RecordIdError;
