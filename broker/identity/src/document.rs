//! The text of `identities.toml`, in both directions.
//!
//! Rows are what is written; [`Identities`](crate::Identities) is what is meant. Everything that
//! a row could get wrong is refused here with its line.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

mod rows;

pub(crate) use rows::{GatewayRow, Proof, Row, ServiceRow};

use crate::identities::{Credential, MAX_NAME_CHARS, PARTITIONS};

/// Largest file that is read: fifty thousand gateways, twenty-five times what one front door
/// is made for. More means that the path leads to something else.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The version this crate writes.
const VERSION: u32 = 2;

/// The oldest version it reads: secrets only, nobody revoked. The next change writes the newest.
const OLDEST: u32 = 1;

/// Why a text is not an identity file. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not TOML, a key that does not exist, or a value of the wrong kind.
    #[error("line {line}: {message}")]
    Syntax {
        /// Where.
        line: usize,
        /// What the reader met.
        message: String,
    },
    /// Written by another version of this program.
    #[error(
        "its version is {0}, this program reads versions {OLDEST} to {VERSION}: use the program \
         it is of"
    )]
    Version(u32),
    /// A name with other characters, or too long.
    #[error("line {line}: {name:?} is not a name: use 1 to {MAX_NAME_CHARS} of A-Z a-z 0-9 _ -")]
    Name {
        /// Where.
        line: usize,
        /// What was written.
        name: String,
    },
    /// Gateways and services share one space of names.
    #[error("line {line}: {name:?} is already in the file: remove one of the two")]
    Twice {
        /// Where it stands the second time.
        line: usize,
        /// The name.
        name: String,
    },
    /// An identity proves itself in one way, not in none and not in two.
    #[error("line {line}: {name:?} needs either secret_sha256 or key_sha256, and only one")]
    Credential {
        /// Where its owner stands.
        line: usize,
        /// Its owner.
        name: String,
    },
    /// Whoever holds a key that two identities share could be either.
    #[error("line {line}: the key of {name:?} is another identity's already: make a new key")]
    KeyTwice {
        /// Where it stands the second time.
        line: usize,
        /// Its second owner.
        name: String,
    },
    /// Something that the version of the file does not know.
    #[error("line {line}: {name:?} has a key or was revoked, which needs version = 2")]
    TooOld {
        /// Where its owner stands.
        line: usize,
        /// Its owner.
        name: String,
    },
    /// A partition that does not exist.
    #[error(
        "line {line}: {name:?} has partition {partition}, there are 0 to {}",
        PARTITIONS - 1
    )]
    Partition {
        /// Where its owner stands.
        line: usize,
        /// Its owner.
        name: String,
        /// The number.
        partition: u8,
    },
}

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) gateway: Vec<GatewayRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) service: Vec<ServiceRow>,
}

/// Only what every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Document {
    pub(crate) fn empty() -> Self {
        Self {
            version: VERSION,
            gateway: Vec::new(),
            service: Vec::new(),
        }
    }

    /// Parses, then validates; never repairs.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let syntax = |fault: toml::de::Error| ParseError::Syntax {
            line: line_of(text, fault.span()),
            message: fault.message().to_owned(),
        };
        // The version first: a newer file may hold keys that are unknown here.
        let header: Header = toml::from_str(text).map_err(syntax)?;
        if !(OLDEST..=VERSION).contains(&header.version) {
            return Err(ParseError::Version(header.version));
        }
        let mut document: Self = toml::from_str(text).map_err(syntax)?;
        document.check(text)?;
        document.version = VERSION;
        Ok(document)
    }

    /// Every row, gateways first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &dyn Row> {
        let gateways = self.gateway.iter().map(|row| -> &dyn Row { row });
        gateways.chain(self.service.iter().map(|row| -> &dyn Row { row }))
    }

    /// The row of a name, to change it.
    pub(crate) fn row_mut(&mut self, name: &str) -> Option<&mut dyn Row> {
        let gateways = self.gateway.iter_mut().map(|row| -> &mut dyn Row { row });
        let services = self.service.iter_mut().map(|row| -> &mut dyn Row { row });
        gateways
            .chain(services)
            .find(|row| row.name().get_ref() == name)
    }

    fn check(&self, text: &str) -> Result<(), ParseError> {
        let mut seen = HashSet::new();
        let mut keys = HashSet::new();
        for row in self.rows() {
            let line = line_of(text, Some(row.name().span()));
            let name = row.name().get_ref();
            let owned = || name.clone();
            if !is_name(name) {
                return Err(ParseError::Name {
                    line,
                    name: owned(),
                });
            }
            if !seen.insert(name.as_str()) {
                return Err(ParseError::Twice {
                    line,
                    name: owned(),
                });
            }
            let proof = row.proof().ok_or_else(|| ParseError::Credential {
                line,
                name: owned(),
            })?;
            if let Credential::Key(key) = proof.credential
                && !keys.insert(key)
            {
                return Err(ParseError::KeyTwice {
                    line,
                    name: owned(),
                });
            }
            if self.version == OLDEST && Some(proof) != proof.of_oldest() {
                return Err(ParseError::TooOld {
                    line,
                    name: owned(),
                });
            }
        }
        let gateways = self.gateway.iter().map(|row| (&row.id, row.partition));
        let services = self.service.iter().flat_map(|row| {
            let numbers = row.partition_numbers();
            numbers.map(move |number| (&row.name, number))
        });
        match gateways
            .chain(services)
            .find(|(_, number)| *number >= PARTITIONS)
        {
            None => Ok(()),
            Some((name, partition)) => Err(ParseError::Partition {
                line: line_of(text, Some(name.span())),
                name: name.get_ref().clone(),
                partition,
            }),
        }
    }

    /// The text of the file.
    pub(crate) fn render(&self) -> Result<String, toml::ser::Error> {
        let rows = toml::to_string(self)?;
        Ok(format!(
            "# Written by the program: comments are not kept.\n{rows}"
        ))
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}

/// The line of a place in the text; a fault without a place belongs to the whole: line 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.map_or(1, |before| 1 + before.matches('\n').count())
}
