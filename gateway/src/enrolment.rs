//! What a box keeps of its enrolment, and how it survives a power cut.
//!
//! ```text
//! <data>/gateway/.enrolling/   while it is under way: key.pem, then what the centre answered
//! <data>/gateway/<id>/         when it is done: key.pem, certificate.pem, authority.pem,
//!                              enrolment.toml
//! ```
//! `enrolment.toml` is written last and moved last, so it is the mark of completeness in both
//! folders. A box that lost power
//! - before the centre's answer was kept, asks again with the same code and the same key, and the
//!   centre answers the same;
//! - after that, has everything: [`find`] moves what is still in the first folder to its place,
//!   at the next start of whatever comes first.
//!
//! Moving begins with taking the old `enrolment.toml` away: a key beside the certificate of another
//! never looks complete.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use veglia_identity::WriteError;
use veglia_link::{Address, AddressError, CertificateFiles};
use veglia_wire::{GatewayId, IdError, Partition};

/// The folder of an enrolment under way, beside those of gateways; none can have such an id.
pub const UNDER_WAY: &str = ".enrolling";

pub(crate) const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.pem";
const AUTHORITY: &str = "authority.pem";
const ENROLMENT: &str = "enrolment.toml";
/// An enrolment that another has taken the place of: kept for whoever looks into the outbox.
const RETIRED: &str = "enrolment.toml.retired";

/// Held while an answer is moved to its place.
const LOCK: &str = "moving.lock";

/// The version of `enrolment.toml` that is written.
const VERSION: u32 = 1;

/// Where a box was enrolled, as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The gateway's id, given by the centre.
    pub gateway: GatewayId,
    /// Its partition, fixed at enrolment.
    pub partition: Partition,
    /// The centre's broker.
    pub broker: Address,
    /// The centre's pages, where a certificate is renewed.
    pub centre: String,
}

/// Why an enrolment cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The disk said no.
    #[error("cannot use {}: check the space and the permissions of its folder", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file cannot be replaced.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file is not what this program writes.
    #[error("{} is damaged: enrol again with a new code and --again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Fault,
    },
    /// The file is of a newer program.
    #[error("{} is of a newer version of veglia: update this box", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong in `enrolment.toml`.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Not TOML, or other keys.
    #[error("it does not have the form")]
    Form(#[from] toml::de::Error),
    /// The id or the partition.
    #[error("its id or its partition cannot be")]
    Id(#[from] IdError),
    /// The broker.
    #[error("its broker cannot be")]
    Broker(#[from] AddressError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    id: String,
    partition: u8,
    broker: String,
    centre: String,
}

/// Only this, to tell a newer file from a damaged one.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Enrolment {
    /// The enrolment in a gateway's folder; none if there is none.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, EnrolmentError> {
        let path = dir.join(ENROLMENT);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EnrolmentError::Io { path, source }),
        };
        match toml::from_str::<Versioned>(&text) {
            Ok(Versioned { version }) if version > VERSION => Err(EnrolmentError::Newer { path }),
            _ => match Self::parse(&text) {
                Ok(enrolment) => Ok(Some(enrolment)),
                Err(source) => Err(EnrolmentError::Damaged { path, source }),
            },
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let document: Document = toml::from_str(text)?;
        Ok(Self {
            gateway: GatewayId::new(&document.id)?,
            partition: Partition::new(document.partition)?,
            broker: document.broker.parse()?,
            centre: document.centre,
        })
    }

    fn text(&self) -> String {
        let document = Document {
            version: VERSION,
            id: self.gateway.to_string(),
            partition: self.partition.number(),
            broker: self.broker.to_string(),
            centre: self.centre.clone(),
        };
        toml::to_string(&document).expect("five plain values are always TOML")
    }
}

/// Where the certificate of an enrolled gateway is.
pub(crate) fn certificate_files(dir: &Path) -> CertificateFiles {
    CertificateFiles {
        certificate: dir.join(CERTIFICATE),
        key: dir.join(KEY),
        authority: dir.join(AUTHORITY),
    }
}

/// The folder of an enrolment under way, made if needed.
pub(crate) fn under_way(data: &Path) -> Result<PathBuf, EnrolmentError> {
    let dir = data.join("gateway").join(UNDER_WAY);
    fs::create_dir_all(&dir).map_err(failed(&dir))?;
    Ok(dir)
}

/// Everything that is enrolled in a data directory, by id. What was interrupted is finished first.
pub(crate) fn find(data: &Path) -> Result<Vec<Enrolment>, EnrolmentError> {
    finish(data)?;
    let dir = data.join("gateway");
    let mut found = Vec::new();
    for folder in folders(&dir)? {
        let is_gateway = folder.file_name().and_then(|name| name.to_str());
        if is_gateway.is_some_and(|name| GatewayId::new(name).is_ok()) {
            found.extend(Enrolment::read(&folder)?);
        }
    }
    found.sort_by(|one, other| one.gateway.cmp(&other.gateway));
    Ok(found)
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>, EnrolmentError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(dir)(source)),
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths: io::Result<Vec<_>> = paths.collect();
    let mut paths = paths.map_err(failed(dir))?;
    paths.retain(|path| path.is_dir());
    Ok(paths)
}

/// Keeps what the centre answered, beside the key that is there already, and puts it all in its
/// place.
pub(crate) fn keep(
    data: &Path,
    enrolment: &Enrolment,
    certificate: &str,
    authority: &str,
) -> Result<(), EnrolmentError> {
    let dir = under_way(data)?;
    veglia_identity::keep(&dir.join(CERTIFICATE), certificate)?;
    veglia_identity::keep(&dir.join(AUTHORITY), authority)?;
    veglia_identity::keep(&dir.join(ENROLMENT), &enrolment.text())?;
    finish(data)
}

/// Moves an answer that is complete to its place. Repeats what was begun, wherever it stopped.
fn finish(data: &Path) -> Result<(), EnrolmentError> {
    let gateways = data.join("gateway");
    let from = gateways.join(UNDER_WAY);
    if Enrolment::read(&from)?.is_none() {
        return Ok(());
    }
    // Two that finish at once would each take what the other has just put there for what was
    // there before.
    let lock = from.join(LOCK);
    let held = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = held.map_err(failed(&lock))?;
    let Some(enrolment) = Enrolment::read(&from)? else {
        return Ok(());
    };
    let to = gateways.join(enrolment.gateway.as_str());
    fs::create_dir_all(&to).map_err(failed(&to))?;
    for folder in folders(&gateways)? {
        if folder != from {
            move_if_there(&folder.join(ENROLMENT), &folder.join(RETIRED))?;
            sync(&folder)?;
        }
    }
    for name in [KEY, CERTIFICATE, AUTHORITY] {
        move_if_there(&from.join(name), &to.join(name))?;
    }
    sync(&to)?;
    move_if_there(&from.join(ENROLMENT), &to.join(ENROLMENT))?;
    sync(&to)?;
    sync(&from)
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), EnrolmentError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved.map_err(failed(to)),
    }
}

/// Puts a renewed certificate in the place of the old one.
pub(crate) fn renewed(dir: &Path, certificate: &str) -> Result<(), EnrolmentError> {
    Ok(veglia_identity::keep(&dir.join(CERTIFICATE), certificate)?)
}

fn sync(dir: &Path) -> Result<(), EnrolmentError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(failed(dir))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> EnrolmentError {
    let path = path.to_owned();
    move |source| EnrolmentError::Io {
        path: path.clone(),
        source,
    }
}
