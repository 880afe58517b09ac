//! Changes to the file: enrol, revoke.
//!
//! Each change reads the file, writes a whole new one beside it (0600), syncs it, renames it over
//! the old one and syncs the folder: a reader sees the old list or the new one, also after a power
//! cut. Two programs that edit at once are kept apart by a lock on a file of its own, because the
//! identity file itself is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::document::{Document, GatewayRow, ParseError, ServiceRow};
use crate::identities::{Grants, LoadError, read_text};
use crate::secret::{Secret, SecretHash};

/// Only its owner reads it: the hashes are no secret, but who is enrolled is nobody's business.
const OWNER_ONLY: u32 = 0o600;

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
    /// The disk said no.
    #[error("cannot write {}: check the space and the permissions of its folder", path.display())]
    Write {
        /// The file or folder concerned.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("no secret could be made: the system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

/// The identity file, for those who change it.
#[derive(Debug, Clone)]
pub struct IdentityFile {
    path: PathBuf,
}

impl IdentityFile {
    /// A file by its path; nothing is touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes an empty list, unless there is a file. Says whether it wrote.
    pub fn create_if_missing(&self) -> Result<bool, EditError> {
        let _held = self.lock()?;
        if self.path.exists() {
            return Ok(false);
        }
        self.replace(&Document::empty())?;
        Ok(true)
    }

    /// Enrols a gateway in a partition (0 to 63) and returns its secret, which is kept nowhere.
    pub fn add_gateway(&self, id: &str, partition: u8) -> Result<Secret, EditError> {
        self.change(|document, secret| enrol(document, id, partition, secret))
    }

    /// Enrols many gateways, all or none, in one change of the file; the secrets are in the
    /// same order.
    pub fn add_gateways(&self, gateways: &[(&str, u8)]) -> Result<Vec<Secret>, EditError> {
        let secrets: Result<Vec<Secret>, _> = gateways.iter().map(|_| Secret::generate()).collect();
        let secrets = secrets.map_err(EditError::Random)?;
        let _held = self.lock()?;
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
            document.service.push(ServiceRow::new(name, grants, hash));
        })
    }

    /// Revokes a gateway or a service; the broker ends its session. Says whether it was there.
    pub fn remove(&self, name: &str) -> Result<bool, EditError> {
        let _held = self.lock()?;
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

    fn change(&self, add: impl FnOnce(&mut Document, &Secret)) -> Result<Secret, EditError> {
        let secret = Secret::generate().map_err(EditError::Random)?;
        let _held = self.lock()?;
        let mut document = self.read()?;
        add(&mut document, &secret);
        self.replace(&document)?;
        Ok(secret)
    }

    fn read(&self) -> Result<Document, EditError> {
        let file = File::open(&self.path).map_err(|source| LoadError::Read {
            path: self.path.clone(),
            source,
        })?;
        let text = read_text(&self.path, file)?;
        let parsed = Document::parse(&text).map_err(|source| LoadError::Parse {
            path: self.path.clone(),
            source,
        });
        Ok(parsed?)
    }

    /// Refuses what could not be read back, then replaces the file.
    fn replace(&self, document: &Document) -> Result<(), EditError> {
        let text = document.render().map_err(EditError::Render)?;
        Document::parse(&text).map_err(EditError::Refused)?;
        let new = self.beside("new");
        write_synced(&new, &text).map_err(failed(&new))?;
        fs::rename(&new, &self.path).map_err(failed(&self.path))?;
        let folder = self.folder();
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed(folder))
    }

    /// Held until the returned file is dropped.
    fn lock(&self) -> Result<File, EditError> {
        let path = self.beside("lock");
        let locked = owner_only(OpenOptions::new().truncate(false), &path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(failed(&path))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    fn folder(&self) -> &Path {
        let parent = self.path.parent();
        let named = parent.filter(|folder| !folder.as_os_str().is_empty());
        named.unwrap_or(Path::new("."))
    }
}

fn enrol(document: &mut Document, id: &str, partition: u8, secret: &Secret) {
    let hash = SecretHash::of(secret.reveal());
    document.gateway.push(GatewayRow::new(id, partition, hash));
}

fn owner_only(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.write(true).create(true).mode(OWNER_ONLY).open(path)
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = owner_only(OpenOptions::new().truncate(true), path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> EditError {
    let path = path.to_owned();
    |source| EditError::Write { path, source }
}
