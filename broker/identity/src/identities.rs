//! What the file means: names, what each may do, and how each proves itself.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Document, MAX_FILE_BYTES, ParseError};
use crate::secret::SecretHash;

/// Longest name, in characters; the same as a gateway's id on the wire.
pub const MAX_NAME_CHARS: usize = 64;

/// How many partitions there are: a number of the wire, repeated because this crate stands
/// below it. The broker's tests compare the two.
pub const PARTITIONS: u8 = 64;

/// Somebody who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A home gateway: it speaks for itself only.
    Gateway {
        /// Its id, which is also its client id.
        id: String,
        /// Its partition, 0 to 63, fixed at enrolment.
        partition: u8,
    },
    /// A process of the centre.
    Service {
        /// Its name, which is also its client id.
        name: String,
        /// What it may do.
        grants: Grants,
    },
}

impl Identity {
    /// The name in the file, and the client id on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Gateway { id, .. } => id,
            Self::Service { name, .. } => name,
        }
    }
}

/// What a service may do, and for which gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// For the gateways of these partitions only.
    pub partitions: Partitions,
    /// These things.
    pub may: BTreeSet<Grant>,
}

/// A set of partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partitions {
    /// Every one, also those of gateways enrolled later.
    All,
    /// These numbers.
    These(BTreeSet<u8>),
}

impl Partitions {
    /// Whether the partition is one of them.
    pub fn contains(&self, partition: u8) -> bool {
        match self {
            Self::All => partition < PARTITIONS,
            Self::These(numbers) => numbers.contains(&partition),
        }
    }
}

/// One thing a service may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Receive what gateways send, acknowledge it, and send them commands.
    Receive,
}

/// How somebody proves who they are. An enum, because a client certificate is another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By a secret of which this is the hash.
    Secret(SecretHash),
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    identity: Identity,
    credential: Credential,
}

impl Entry {
    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Everybody who may connect. Cheap to ask, whole or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    entries: HashMap<String, Arc<Entry>>,
}

/// Why an identity file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be opened or read.
    #[error("cannot read {}: enrol a gateway first, or check its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Far larger than an identity file can be.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes: is it the identity file?", .0.display())]
    TooLarge(PathBuf),
    /// Its text is wrong.
    #[error("{} is not a valid identity file: mend it or restore a copy", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: ParseError,
    },
}

impl Identities {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let gateways = document.gateway.iter().map(|row| Entry {
            identity: Identity::Gateway {
                id: row.id.get_ref().clone(),
                partition: row.partition,
            },
            credential: Credential::Secret(row.secret_sha256),
        });
        let services = document.service.iter().map(|row| Entry {
            identity: Identity::Service {
                name: row.name.get_ref().clone(),
                grants: row.grants(),
            },
            credential: Credential::Secret(row.secret_sha256),
        });
        let named = |entry: Entry| (entry.identity.name().to_owned(), Arc::new(entry));
        Ok(Self {
            entries: gateways.chain(services).map(named).collect(),
        })
    }

    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let file = File::open(path).map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::read(path, file)
    }

    pub(crate) fn read(path: &Path, file: File) -> Result<Self, LoadError> {
        let text = read_text(path, file)?;
        Self::parse(&text).map_err(|source| LoadError::Parse {
            path: path.to_owned(),
            source,
        })
    }

    /// Who this is, if the secret is theirs. An unknown name and a wrong secret look the same.
    pub fn authenticate(&self, name: &str, secret: &str) -> Option<&Arc<Entry>> {
        let entry = self.entries.get(name)?;
        let Credential::Secret(hash) = &entry.credential;
        hash.matches(secret).then_some(entry)
    }

    /// The entry of a name. Two entries that are equal give the same rights to the same secret.
    pub fn entry(&self, name: &str) -> Option<&Arc<Entry>> {
        self.entries.get(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody may connect.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Reads at most [`MAX_FILE_BYTES`], whatever the path leads to.
pub(crate) fn read_text(path: &Path, file: File) -> Result<String, LoadError> {
    let mut text = String::new();
    let length = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    let length = length.map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(text)
    } else {
        Err(LoadError::TooLarge(path.to_owned()))
    }
}
