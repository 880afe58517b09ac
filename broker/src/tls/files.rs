//! The three files of TLS, watched: certificate, key, authority.
//!
//! They are replaced while the door is open, one after the other and perhaps in place. So a change
//! counts when two looks in a row saw the same: half of a new pair never takes effect. What cannot
//! be used then leaves the terms as they are, is reported once, and tried again at every look: it
//! may be the process that had no file to open. An authority that is gone is no accident to be
//! bridged: it is withdrawn trust, and nobody is vouched for until there is one again.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, RootCertStore};
use tokio::sync::watch;
use veglia_identity::Identities;

use super::Terms;
use crate::config::Tls;

/// Largest file that is read: some forty certificates. More means that the path leads to
/// something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why the files of TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: make it with `veglia ca`, or check its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Far larger than such a file can be.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes: is it a certificate or key?", .0.display())]
    TooLarge(PathBuf),
    /// The text is not PEM.
    #[error("{} is damaged: restore a copy, or make it again with `veglia ca`", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// There is no certificate in it.
    #[error("{} holds no certificate: name the PEM file that `veglia ca` wrote", .0.display())]
    NoCertificate(PathBuf),
    /// There is no private key in it.
    #[error("{} holds no private key: name the PEM file that `veglia ca` wrote", .0.display())]
    NoKey(PathBuf),
    /// The authority's certificate is not one.
    #[error("{} is not the certificate of an authority: see `veglia ca show`", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Error,
    },
    /// The provider and the versions of TLS do not go together.
    #[error("this build speaks no version of TLS that is safe: report it")]
    Unsupported(#[source] Error),
    /// Key and certificate do not go together, or are of a kind that is not known.
    #[error(
        "the certificate {} and the key {} cannot be used together: \
         make both again with `veglia ca server`", certificate.display(), key.display()
    )]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        source: Error,
    },
}

/// Enough to tell one file from the next; `None` while there is none.
type Stamp = Option<(SystemTime, u64, u64)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamps {
    authority: Stamp,
    certificate: Stamp,
    key: Stamp,
}

/// What a look at the files found.
#[derive(Debug)]
pub(crate) enum Look {
    /// Nothing new, or not yet for certain.
    Unchanged,
    /// New terms, to be used from now on.
    Changed(Terms),
    /// The authority is gone.
    Withdrawn,
    /// Files that cannot be used: keep the terms you have, and tell somebody.
    Broken(TlsError),
}

/// The files under watch.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Tls,
    identities: watch::Receiver<Arc<Identities>>,
    in_force: Stamps,
    last_seen: Stamps,
    /// What could not be used, and was told.
    reported: Option<Stamps>,
}

impl Files {
    /// Reads the files, and watches them from now on.
    pub(crate) fn open(
        paths: Tls,
        identities: watch::Receiver<Arc<Identities>>,
    ) -> Result<(Self, Terms), TlsError> {
        // Stamped before they are read: a change in between is seen at the next look.
        let stamps = Stamps::of(&paths);
        let terms = load(&paths, identities.clone())?;
        let files = Self {
            paths,
            identities,
            in_force: stamps,
            last_seen: stamps,
            reported: None,
        };
        Ok((files, terms))
    }

    /// Looks at the files. Blocks for as long as the disk does.
    pub(crate) fn look(&mut self) -> Look {
        let stamps = Stamps::of(&self.paths);
        let is_settled = stamps == self.last_seen;
        self.last_seen = stamps;
        if !is_settled || stamps == self.in_force {
            return Look::Unchanged;
        }
        if stamps.authority.is_none() {
            self.in_force = stamps;
            return Look::Withdrawn;
        }
        match load(&self.paths, self.identities.clone()) {
            Ok(terms) => {
                self.in_force = stamps;
                self.reported = None;
                Look::Changed(terms)
            }
            Err(_) if self.reported == Some(stamps) => Look::Unchanged,
            Err(fault) => {
                self.reported = Some(stamps);
                Look::Broken(fault)
            }
        }
    }
}

impl Stamps {
    fn of(paths: &Tls) -> Self {
        Self {
            authority: stamp(&paths.authority),
            certificate: stamp(&paths.certificate),
            key: stamp(&paths.key),
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.ino(), data.len()))
}

fn load(paths: &Tls, identities: watch::Receiver<Arc<Identities>>) -> Result<Terms, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(&paths.authority)? {
        roots.add(root).map_err(|source| TlsError::Authority {
            path: paths.authority.clone(),
            source,
        })?;
    }
    let chain = certificates(&paths.certificate)?;
    let key = private_key(&paths.key)?;
    Terms::new(chain, key, roots, identities).map_err(|source| TlsError::Pair {
        certificate: paths.certificate.clone(),
        key: paths.key.clone(),
        source,
    })
}

/// At least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|source| TlsError::Pem {
        path: path.to_owned(),
        source,
    })?;
    if all.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(all)
}

/// The first.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        source => TlsError::Pem {
            path: path.to_owned(),
            source,
        },
    })
}

/// Reads at most [`MAX_FILE_BYTES`], whatever the path leads to.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    let length = read.map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(TlsError::TooLarge(path.to_owned()))
    }
}
