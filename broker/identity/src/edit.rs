//! Changes to the file: admit, revoke, reinstate.
//!
//! Each change is whole, lasts when it returns, and excludes others at the same time: see
//! [`WholeFile`].

use std::fs::File;
use std::path::PathBuf;

use crate::document::{Document, GatewayRow, ParseError, Proof, Row, ServiceRow};
use crate::identities::{Credential, Grants, Identities, LoadError, read_text};
use crate::key::KeyHash;
use crate::replace::{WholeFile, WriteError};
use crate::seconds::UnixSeconds;
use crate::secret::{Secret, SecretHash};

/// Why the file was not changed. It is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file as it is cannot be used.
    #[error("the identity file was left as it is")]
    Load(#[from] LoadError),
    /// The result would not be a valid file.
    #[error("the change was refused, the identity file is as it was")]
    Refused(#[source] ParseError),
    /// The list could not be written as text.
    #[error("the list of identities could not be written as TOML")]
    Render(#[source] toml::ser::Error),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The operating system gave no random bytes.
    #[error("no secret could be made: the system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

/// The identity file, for those who change it.
#[derive(Debug, Clone)]
pub struct IdentityFile {
    file: WholeFile,
}

impl IdentityFile {
    /// A file by its path; nothing is touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: WholeFile::new(path),
        }
    }

    /// Writes an empty list, unless there is a file. Says whether it wrote.
    ///
    /// For whoever sets a centre up or admits somebody, and for nobody else: a list that is only
    /// moved aside would be replaced by one in which nobody stands, and everybody shut out.
    pub fn create_if_missing(&self) -> Result<bool, EditError> {
        let _held = self.file.lock()?;
        let path = self.file.path();
        let is_there = path.try_exists().map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        if is_there {
            return Ok(false);
        }
        self.replace(&Document::empty())?;
        Ok(true)
    }

    /// Enrols a gateway in a partition (0 to 63) and returns its secret, which is kept nowhere. One
    /// that was revoked comes back, in the partition it had.
    pub fn add_gateway(&self, id: &str, partition: u8) -> Result<Secret, EditError> {
        self.change(|document, secret| enrol(document, id, partition, secret))
    }

    /// Enrols many gateways, all or none, in one change of the file; the secrets are in the
    /// same order.
    pub fn add_gateways(&self, gateways: &[(&str, u8)]) -> Result<Vec<Secret>, EditError> {
        let secrets: Result<Vec<Secret>, _> = gateways.iter().map(|_| Secret::generate()).collect();
        let secrets = secrets.map_err(EditError::Random)?;
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        for ((id, partition), secret) in gateways.iter().zip(&secrets) {
            enrol(&mut document, id, *partition, secret);
        }
        self.replace(&document)?;
        Ok(secrets)
    }

    /// Admits a service and returns its secret, which is kept nowhere.
    pub fn add_service(&self, name: &str, grants: &Grants) -> Result<Secret, EditError> {
        self.change(|document, secret| {
            let hash = SecretHash::of(secret.reveal());
            let proof = Proof::secret(hash);
            let mut known = document.service.iter_mut();
            match known.find(|row| row.name.get_ref() == name && is_revoked(&**row)) {
                Some(row) => {
                    row.set_proof(proof);
                    row.set_grants(grants);
                }
                None => document.service.push(ServiceRow::new(name, grants, proof)),
            }
        })
    }

    /// Admits a gateway by its key, or gives one that is there another key (the box was
    /// exchanged), and takes back a revocation. Returns the partition in force: that of the
    /// first enrolment, whatever is asked later.
    pub fn admit_gateway_key(
        &self,
        id: &str,
        partition: u8,
        key: KeyHash,
        now: UnixSeconds,
    ) -> Result<u8, EditError> {
        let _held = self.file.lock()?;
        self.put_key(self.read()?, id, partition, key, now)
    }

    /// The same for a box that was invited at some time: none if the gateway was revoked since.
    /// Looked at under the lock, so that no revocation is undone by who came a moment later.
    pub(crate) fn admit_invited(
        &self,
        id: &str,
        partition: u8,
        key: KeyHash,
        invited_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Option<u8>, EditError> {
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        let known = document.row_mut(id).and_then(|row| row.proof());
        let revoked_at = known.and_then(|proof| proof.revoked_at);
        if revoked_at.is_some_and(|at| at >= invited_at) {
            return Ok(None);
        }
        self.put_key(document, id, partition, key, now).map(Some)
    }

    fn put_key(
        &self,
        mut document: Document,
        id: &str,
        partition: u8,
        key: KeyHash,
        now: UnixSeconds,
    ) -> Result<u8, EditError> {
        let mut known = document.gateway.iter_mut();
        let partition = match known.find(|row| row.id.get_ref() == id) {
            Some(row) if holds(row, key) => return Ok(row.partition),
            Some(row) => {
                row.set_proof(Proof::key(key, now));
                row.partition
            }
            None => {
                let row = GatewayRow::new(id, partition, Proof::key(key, now));
                document.gateway.push(row);
                partition
            }
        };
        self.replace(&document)?;
        Ok(partition)
    }

    /// Admits a service by its key, or gives one that is there another key and these grants.
    pub fn admit_service_key(
        &self,
        name: &str,
        grants: &Grants,
        key: KeyHash,
        now: UnixSeconds,
    ) -> Result<(), EditError> {
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        let mut known = document.service.iter_mut();
        match known.find(|row| row.name.get_ref() == name) {
            Some(row) if holds(row, key) && row.grants() == *grants => return Ok(()),
            Some(row) => {
                row.set_proof(Proof::key(key, now));
                row.set_grants(grants);
            }
            None => {
                let row = ServiceRow::new(name, grants, Proof::key(key, now));
                document.service.push(row);
            }
        }
        self.replace(&document)
    }

    /// Revokes an identity and keeps its row, so that its owner can be told; the broker ends its
    /// session. Says whether it was there. Who was revoked before stays revoked since then.
    pub fn revoke(&self, name: &str, now: UnixSeconds) -> Result<bool, EditError> {
        self.mark(name, |revoked_at| Some(revoked_at.unwrap_or(now)))
    }

    /// Takes a revocation back. Says whether the identity was there.
    pub fn reinstate(&self, name: &str) -> Result<bool, EditError> {
        self.mark(name, |_| None)
    }

    fn mark(
        &self,
        name: &str,
        revoked_at: impl FnOnce(Option<UnixSeconds>) -> Option<UnixSeconds>,
    ) -> Result<bool, EditError> {
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        let Some(row) = document.row_mut(name) else {
            return Ok(false);
        };
        let Some(mut proof) = row.proof() else {
            return Ok(false);
        };
        let after = revoked_at(proof.revoked_at);
        if after != proof.revoked_at {
            proof.revoked_at = after;
            row.set_proof(proof);
            self.replace(&document)?;
        }
        Ok(true)
    }

    /// Removes a gateway or a service without a trace; the broker ends its session. Says whether
    /// it was there.
    pub fn remove(&self, name: &str) -> Result<bool, EditError> {
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        let before = document.gateway.len() + document.service.len();
        document.gateway.retain(|row| row.id.get_ref() != name);
        document.service.retain(|row| row.name.get_ref() != name);
        let was_there = document.gateway.len() + document.service.len() < before;
        if was_there {
            self.replace(&document)?;
        }
        Ok(was_there)
    }

    /// The list as it is now.
    pub fn load(&self) -> Result<Identities, LoadError> {
        Identities::load(self.file.path())
    }

    fn change(&self, add: impl FnOnce(&mut Document, &Secret)) -> Result<Secret, EditError> {
        let secret = Secret::generate().map_err(EditError::Random)?;
        let _held = self.file.lock()?;
        let mut document = self.read()?;
        add(&mut document, &secret);
        self.replace(&document)?;
        Ok(secret)
    }

    fn read(&self) -> Result<Document, EditError> {
        let path = || self.file.path().to_owned();
        let file = File::open(self.file.path()).map_err(|source| LoadError::Read {
            path: path(),
            source,
        })?;
        let text = read_text(self.file.path(), file)?;
        let parsed = Document::parse(&text).map_err(|source| LoadError::Parse {
            path: path(),
            source,
        });
        Ok(parsed?)
    }

    /// Refuses what could not be read back, then replaces the file.
    fn replace(&self, document: &Document) -> Result<(), EditError> {
        let text = document.render().map_err(EditError::Render)?;
        Document::parse(&text).map_err(EditError::Refused)?;
        Ok(self.file.replace(&text)?)
    }
}

/// Whether the row is in force with this key already.
fn holds(row: &impl Row, key: KeyHash) -> bool {
    let proof = row.proof();
    proof.is_some_and(|it| it.credential == Credential::Key(key) && it.revoked_at.is_none())
}

fn enrol(document: &mut Document, id: &str, partition: u8, secret: &Secret) {
    let proof = Proof::secret(SecretHash::of(secret.reveal()));
    let mut known = document.gateway.iter_mut();
    match known.find(|row| row.id.get_ref() == id && is_revoked(&**row)) {
        Some(row) => row.set_proof(proof),
        None => document.gateway.push(GatewayRow::new(id, partition, proof)),
    }
}

/// Whoever was revoked may be admitted again; whoever is in force is in the list already.
fn is_revoked(row: &dyn Row) -> bool {
    row.proof().is_some_and(|proof| proof.revoked_at.is_some())
}
