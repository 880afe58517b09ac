//! The rows of `identities.toml`, as they are written.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::identities::{Credential, Grant, Grants, Partitions};
use crate::key::KeyHash;
use crate::seconds::UnixSeconds;
use crate::secret::SecretHash;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayRow {
    pub(crate) id: Spanned<String>,
    pub(crate) partition: u8,
    // A flattened structure would not refuse unknown keys: the four columns of a proof are
    // written out in both rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_sha256: Option<SecretHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_sha256: Option<KeyHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admitted_at: Option<UnixSeconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixSeconds>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceRow {
    pub(crate) name: Spanned<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_sha256: Option<SecretHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_sha256: Option<KeyHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admitted_at: Option<UnixSeconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixSeconds>,
    partitions: PartitionsRow,
    may: BTreeSet<Grant>,
}

/// How the owner of a row proves who it is, and whether that still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) credential: Credential,
    pub(crate) admitted_at: Option<UnixSeconds>,
    pub(crate) revoked_at: Option<UnixSeconds>,
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

impl Proof {
    /// By a secret made just now, at a time nobody said.
    pub(crate) fn secret(hash: SecretHash) -> Self {
        Self {
            credential: Credential::Secret(hash),
            admitted_at: None,
            revoked_at: None,
        }
    }

    /// By a key, from now on.
    pub(crate) fn key(hash: KeyHash, now: UnixSeconds) -> Self {
        Self {
            credential: Credential::Key(hash),
            admitted_at: Some(now),
            revoked_at: None,
        }
    }

    /// What the oldest version could have said of it.
    pub(super) fn of_oldest(self) -> Option<Self> {
        match self.credential {
            Credential::Secret(hash) => Some(Self::secret(hash)),
            Credential::Key(_) => None,
        }
    }

    fn columns(self) -> (Option<SecretHash>, Option<KeyHash>) {
        match self.credential {
            Credential::Secret(hash) => (Some(hash), None),
            Credential::Key(hash) => (None, Some(hash)),
        }
    }
}

/// What both kinds of row have: a name in its place, and a proof.
pub(crate) trait Row {
    fn name(&self) -> &Spanned<String>;
    /// None if it proves itself in no way, or in two.
    fn proof(&self) -> Option<Proof>;
    fn set_proof(&mut self, proof: Proof);
}

macro_rules! row {
    ($row:ty, $name:ident) => {
        impl Row for $row {
            fn name(&self) -> &Spanned<String> {
                &self.$name
            }

            fn proof(&self) -> Option<Proof> {
                let credential = match (self.secret_sha256, self.key_sha256) {
                    (Some(hash), None) => Credential::Secret(hash),
                    (None, Some(hash)) => Credential::Key(hash),
                    (None, None) | (Some(_), Some(_)) => return None,
                };
                Some(Proof {
                    credential,
                    admitted_at: self.admitted_at,
                    revoked_at: self.revoked_at,
                })
            }

            fn set_proof(&mut self, proof: Proof) {
                (self.secret_sha256, self.key_sha256) = proof.columns();
                self.admitted_at = proof.admitted_at;
                self.revoked_at = proof.revoked_at;
            }
        }
    };
}

row!(GatewayRow, id);
row!(ServiceRow, name);

impl GatewayRow {
    pub(crate) fn new(id: &str, partition: u8, proof: Proof) -> Self {
        let (secret_sha256, key_sha256) = proof.columns();
        Self {
            id: unplaced(id),
            partition,
            secret_sha256,
            key_sha256,
            admitted_at: proof.admitted_at,
            revoked_at: proof.revoked_at,
        }
    }
}

impl ServiceRow {
    pub(crate) fn new(name: &str, grants: &Grants, proof: Proof) -> Self {
        let (secret_sha256, key_sha256) = proof.columns();
        Self {
            name: unplaced(name),
            secret_sha256,
            key_sha256,
            admitted_at: proof.admitted_at,
            revoked_at: proof.revoked_at,
            partitions: PartitionsRow::of(grants),
            may: grants.may.clone(),
        }
    }

    pub(crate) fn set_grants(&mut self, grants: &Grants) {
        self.partitions = PartitionsRow::of(grants);
        self.may.clone_from(&grants.may);
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

    pub(super) fn partition_numbers(&self) -> impl Iterator<Item = u8> {
        let these = match &self.partitions {
            PartitionsRow::Every(All::All) => None,
            PartitionsRow::These(numbers) => Some(numbers.iter().copied()),
        };
        these.into_iter().flatten()
    }
}

impl PartitionsRow {
    fn of(grants: &Grants) -> Self {
        match &grants.partitions {
            Partitions::All => Self::Every(All::All),
            Partitions::These(numbers) => Self::These(numbers.clone()),
        }
    }
}

/// A row made by the program stands nowhere yet.
fn unplaced(text: &str) -> Spanned<String> {
    Spanned::new(0..0, text.to_owned())
}
