//! The text of `identities.toml`, in both directions.
//!
//! Rows are what is written; [`Identities`](crate::Identities) is what is meant. Everything that
//! a row could get wrong is refused here with its line.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::identities::{Grant, Grants, MAX_NAME_CHARS, PARTITIONS, Partitions};
use crate::secret::SecretHash;

/// Largest file that is read: fifty thousand gateways, twenty-five times what one front door
/// is made for. More means that the path leads to something else.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The version this crate reads and writes.
const VERSION: u32 = 1;

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
    #[error("its version is {0}, this program reads version {VERSION}: use the program it is of")]
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayRow {
    pub(crate) id: Spanned<String>,
    pub(crate) partition: u8,
    pub(crate) secret_sha256: SecretHash,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceRow {
    pub(crate) name: Spanned<String>,
    pub(crate) secret_sha256: SecretHash,
    partitions: PartitionsRow,
    may: BTreeSet<Grant>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "partitions are \"all\" or a list of numbers")]
enum PartitionsRow {
    Every(All),
    These(BTreeSet<u8>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum All {
    All,
}

/// Only what every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl GatewayRow {
    pub(crate) fn new(id: &str, partition: u8, secret_sha256: SecretHash) -> Self {
        Self {
            id: unplaced(id),
            partition,
            secret_sha256,
        }
    }
}

impl ServiceRow {
    pub(crate) fn new(name: &str, grants: &Grants, secret_sha256: SecretHash) -> Self {
        let partitions = match &grants.partitions {
            Partitions::All => PartitionsRow::Every(All::All),
            Partitions::These(numbers) => PartitionsRow::These(numbers.clone()),
        };
        Self {
            name: unplaced(name),
            secret_sha256,
            partitions,
            may: grants.may.clone(),
        }
    }

    pub(crate) fn grants(&self) -> Grants {
        let partitions = match &self.partitions {
            PartitionsRow::Every(All::All) => Partitions::All,
            PartitionsRow::These(numbers) => Partitions::These(numbers.clone()),
        };
        Grants {
            partitions,
            may: self.may.clone(),
        }
    }

    fn partition_numbers(&self) -> impl Iterator<Item = u8> {
        let these = match &self.partitions {
            PartitionsRow::Every(All::All) => None,
            PartitionsRow::These(numbers) => Some(numbers.iter().copied()),
        };
        these.into_iter().flatten()
    }
}

/// A row made by the program stands nowhere yet.
fn unplaced(text: &str) -> Spanned<String> {
    Spanned::new(0..0, text.to_owned())
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
        if header.version != VERSION {
            return Err(ParseError::Version(header.version));
        }
        let document: Self = toml::from_str(text).map_err(syntax)?;
        document.check(text)?;
        Ok(document)
    }

    fn check(&self, text: &str) -> Result<(), ParseError> {
        let mut seen = HashSet::new();
        let gateways = self.gateway.iter().map(|row| &row.id);
        for name in gateways.chain(self.service.iter().map(|row| &row.name)) {
            let line = line_of(text, Some(name.span()));
            let name = name.get_ref();
            if !is_name(name) {
                let name = name.clone();
                return Err(ParseError::Name { line, name });
            }
            if !seen.insert(name.as_str()) {
                let name = name.clone();
                return Err(ParseError::Twice { line, name });
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

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}

/// The line of a place in the text; a fault without a place belongs to the whole: line 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.map_or(1, |before| 1 + before.matches('\n').count())
}
