//! What the file means: names, what each may do, and how each proves itself.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Document, MAX_FILE_BYTES, ParseError, Proof, Row};
use crate::key::KeyHash;
use crate::replace::read_at_most;
use crate::seconds::UnixSeconds;
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

/// How somebody proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// By a secret of which this is the hash.
    Secret(SecretHash),
    /// By a key of which this is the hash, in a TLS handshake.
    Key(KeyHash),
}

/// Why somebody is not let in: for the log and the counters. A stranger hears one answer to all
/// of it. [`Denied::Revoked`] is said only of who presented the right secret or key, so it may be
/// passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No such name.
    #[error("the name is not in the list")]
    Unknown,
    /// Another secret, or an identity that proves itself by a key.
    #[error("the secret is not the one in the list")]
    WrongSecret,
    /// Another key, or an identity that proves itself by a secret.
    #[error("the key is not the one in the list")]
    WrongKey,
    /// It was revoked.
    #[error("it was revoked")]
    Revoked {
        /// Since when.
        at: UnixSeconds,
    },
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    identity: Identity,
    proof: Proof,
}

impl Entry {
    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How it proves who it is.
    pub fn credential(&self) -> &Credential {
        &self.proof.credential
    }

    /// Since when it is in the list with this key; not known of secrets.
    pub fn admitted_at(&self) -> Option<UnixSeconds> {
        self.proof.admitted_at
    }

    /// Since when it may not connect any more.
    pub fn revoked_at(&self) -> Option<UnixSeconds> {
        self.proof.revoked_at
    }

    fn unless_revoked(self: &Arc<Self>) -> Result<&Arc<Self>, Denied> {
        match self.revoked_at() {
            None => Ok(self),
            Some(at) => Err(Denied::Revoked { at }),
        }
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
        let entry = |identity: Identity, row: &dyn Row| {
            // A row without a proof is refused when it is read.
            row.proof().map(|proof| Entry { identity, proof })
        };
        let gateways = document.gateway.iter().filter_map(|row| {
            let id = row.id.get_ref().clone();
            let partition = row.partition;
            entry(Identity::Gateway { id, partition }, row)
        });
        let services = document.service.iter().filter_map(|row| {
            let name = row.name.get_ref().clone();
            let grants = row.grants();
            entry(Identity::Service { name, grants }, row)
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

    /// Who this is, if the secret is theirs and still counts.
    pub fn authenticate_secret(&self, name: &str, secret: &str) -> Result<&Arc<Entry>, Denied> {
        let entry = self.entries.get(name).ok_or(Denied::Unknown)?;
        match entry.credential() {
            Credential::Secret(hash) if hash.matches(secret) => entry.unless_revoked(),
            Credential::Secret(_) | Credential::Key(_) => Err(Denied::WrongSecret),
        }
    }

    /// Who this is, if the key is theirs and still counts. That the other side holds the key, the
    /// handshake has proven before.
    pub fn authenticate_key(&self, name: &str, key: &KeyHash) -> Result<&Arc<Entry>, Denied> {
        let entry = self.entries.get(name).ok_or(Denied::Unknown)?;
        match entry.credential() {
            Credential::Key(hash) if hash == key => entry.unless_revoked(),
            Credential::Key(_) | Credential::Secret(_) => Err(Denied::WrongKey),
        }
    }

    /// Whose key it is, revoked or not.
    pub fn by_key(&self, key: &KeyHash) -> Option<&Arc<Entry>> {
        let theirs = Credential::Key(*key);
        self.entries().find(|entry| *entry.credential() == theirs)
    }

    /// All of them, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// The entry of a name, also of a revoked one. Two entries that are equal give the same rights
    /// to the same secret or key.
    pub fn entry(&self, name: &str) -> Option<&Arc<Entry>> {
        self.entries.get(name)
    }

    /// How many there are, revoked ones too.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is in the list.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Reads at most [`MAX_FILE_BYTES`], whatever the path leads to.
pub(crate) fn read_text(path: &Path, file: File) -> Result<String, LoadError> {
    let text = read_at_most(MAX_FILE_BYTES, file).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    text.ok_or_else(|| LoadError::TooLarge(path.to_owned()))
}
