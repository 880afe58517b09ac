//! The centre's own certificate authority: small, in one folder, on one machine.
//!
//! `authority.pem` is the root certificate and may be shown to everybody; `authority.key` (0600)
//! is what it signs with. Both come into being in one step, as a folder that is renamed into its
//! place: a crash leaves no half authority.
//!
//! Every certificate begins when the root began, so that a box whose clock is slow is not told
//! that its certificate is not valid yet; its end bounds its life. Each has a random serial
//! number, and names what it may be used for: a gateway's certificate makes no server.
//!
//! Limits: the root lives ten years; before that, a new authority has to be made and every box
//! enrolled again. Deliberately absent: a list of revoked certificates (the allow-list pins keys
//! and knows who is revoked), intermediate authorities, and a password on the key (see
//! [`Key`]).

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyUsagePurpose};

use crate::certificate::{self, CertificateError, CertificateFacts};
use crate::fingerprint::Fingerprint;
use crate::key::{Key, KeyError, common_name};
use crate::replace::{WholeFile, WriteError, failed, read_at_most, write_synced};
use crate::seconds::UnixSeconds;

mod sign;

pub use sign::{CENTRE_DAYS, GATEWAY_DAYS, Issued, MAX_HOSTS, SignError};

/// The root certificate, for everybody.
const CERTIFICATE_FILE: &str = "authority.pem";

/// What it signs with.
const KEY_FILE: &str = "authority.key";

/// How long the root lives: longer than a box, shorter than the trust in its kind of key.
const ROOT_DAYS: i64 = 3652;

/// Largest certificate file that is read; a root is about 600 bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// Longest name of a centre, in characters: X.509 bounds a common name by 64.
pub const MAX_CENTRE_CHARS: usize = 64;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A name that cannot stand in a certificate and in a URI.
    #[error("{0:?} cannot be a centre's name: use 1 to {MAX_CENTRE_CHARS} of A-Z a-z 0-9 . _ -")]
    Centre(String),
    /// There is one already.
    #[error(
        "{} holds an authority already: it was left alone; another one would shut out every box \
         enrolled so far",
        .0.display()
    )]
    Exists(PathBuf),
    /// There is none, or it cannot be read.
    #[error(
        "cannot read {}: make the authority with `veglia ca init`, or restore a copy",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The root is no certificate.
    #[error("{} is not the authority's certificate: restore a copy", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: CertificateError,
    },
    /// It cannot sign.
    #[error("the authority's key cannot be used")]
    Key(#[from] KeyError),
    /// Key and certificate are of two authorities.
    #[error(
        "{KEY_FILE} in {} is not the key of {CERTIFICATE_FILE}: restore both from the same copy",
        .0.display()
    )]
    Mismatch(PathBuf),
    /// The clock is so wrong that it is no date.
    #[error("the clock of this machine shows no possible date: set it first")]
    Clock,
    /// It could not be kept.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The certificate could not be made or used.
    #[error("the certificate of the authority could not be made or used")]
    Crypto(#[source] rcgen::Error),
    /// The operating system gave no random bytes.
    #[error("no serial number could be made: the system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

/// Signs for one centre.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, Key>,
    facts: CertificateFacts,
    pem: String,
    der: Vec<u8>,
}

impl Authority {
    /// Makes the authority of a centre in a folder that does not exist yet, or is empty.
    pub fn create(folder: &Path, centre: &str, now: UnixSeconds) -> Result<Self, AuthorityError> {
        if !is_centre(centre) {
            return Err(AuthorityError::Centre(centre.to_owned()));
        }
        let key = Key::generate()?;
        let pem = self_signed(&key, centre, now)?;
        let place = WholeFile::new(folder);
        fs::create_dir_all(place.folder()).map_err(failed(place.folder()))?;
        let _held = place.lock()?;
        if fs::symlink_metadata(folder.join(CERTIFICATE_FILE)).is_ok() {
            return Err(AuthorityError::Exists(folder.to_owned()));
        }
        put(&place, &key.pem(), &pem)?;
        Self::open(folder)
    }

    /// Reads the authority of a folder.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(CERTIFICATE_FILE);
        let text = File::open(&path).and_then(|file| read_at_most(MAX_FILE_BYTES, file));
        let text = text.map_err(|source| AuthorityError::Read {
            path: path.clone(),
            source,
        })?;
        let unusable = |source| AuthorityError::Certificate { path, source };
        let pem = match text {
            Some(text) => text,
            None => return Err(unusable(CertificateError::Der)),
        };
        let read = || {
            let der = certificate::der_of(&pem)?;
            CertificateFacts::read(&der).map(|facts| (der, facts))
        };
        let (der, facts) = read().map_err(unusable)?;
        let key = Key::open(&folder.join(KEY_FILE))?;
        if key.hash() != facts.key {
            return Err(AuthorityError::Mismatch(folder.to_owned()));
        }
        let issuer = Issuer::from_ca_cert_der(&der.as_slice().into(), key);
        Ok(Self {
            issuer: issuer.map_err(AuthorityError::Crypto)?,
            facts,
            pem,
            der,
        })
    }

    /// The centre it signs for.
    pub fn centre(&self) -> &str {
        &self.facts.name
    }

    /// The root certificate, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The root certificate, as DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What the root is known by.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// The beginning of the root, and of every certificate it signs.
    pub fn not_before(&self) -> UnixSeconds {
        self.facts.not_before
    }

    /// The end of the root; no certificate lives longer.
    pub fn not_after(&self) -> UnixSeconds {
        self.facts.not_after
    }
}

/// The root: it may sign certificates, and none of them may sign another.
fn self_signed(key: &Key, centre: &str, now: UnixSeconds) -> Result<String, AuthorityError> {
    let mut root = CertificateParams::default();
    root.distinguished_name = common_name(centre);
    root.not_before = now.as_date().ok_or(AuthorityError::Clock)?;
    let end = now.plus_days(ROOT_DAYS);
    root.not_after = end.as_date().ok_or(AuthorityError::Clock)?;
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.serial_number = Some(sign::serial_number().map_err(AuthorityError::Random)?);
    let signed = root.self_signed(key).map_err(AuthorityError::Crypto)?;
    Ok(signed.pem())
}

/// Both files in a folder beside, synced, then the folder in its place: nothing or all.
fn put(place: &WholeFile, key: &str, certificate: &str) -> Result<(), WriteError> {
    let made = place.beside("new");
    let files = [(KEY_FILE, key), (CERTIFICATE_FILE, certificate)];
    // What a run that ended midway left behind has signed nothing.
    for (name, _) in files {
        absent(fs::remove_file(made.join(name))).map_err(failed(&made))?;
    }
    absent(fs::remove_dir(&made)).map_err(failed(&made))?;
    let created = DirBuilder::new().mode(0o700).create(&made);
    created.map_err(failed(&made))?;
    for (name, text) in files {
        let path = made.join(name);
        write_synced(&path, text).map_err(failed(&path))?;
    }
    let synced = File::open(&made).and_then(|folder| folder.sync_all());
    synced.map_err(failed(&made))?;
    fs::rename(&made, place.path()).map_err(failed(place.path()))?;
    place.sync_folder()
}

/// What is not there need not be removed.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn is_centre(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_CENTRE_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}
