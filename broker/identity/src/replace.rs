//! A small file that is replaced whole, and that programs change one at a time.
//!
//! A change writes a new file beside the old one (0600), syncs it, renames it over the old one
//! and syncs the folder: a reader sees the old text or the new one, also after a power cut. Two
//! programs that edit at once are kept apart by a lock on a file of its own, because the file
//! itself is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Only its owner reads it: keys are secret, and who is enrolled is nobody's business.
const OWNER_ONLY: u32 = 0o600;

/// The disk said no.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: check the space and the permissions of its folder", path.display())]
pub struct WriteError {
    /// The file or folder concerned.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Keeps a certificate in a file of its owner's: the old one or the new one is there, never half
/// of either.
pub fn keep(path: &Path, pem: &str) -> Result<(), WriteError> {
    let file = WholeFile::new(path);
    let _held = file.lock()?;
    file.replace(pem)
}

/// A file by its path.
#[derive(Debug, Clone)]
pub(crate) struct WholeFile {
    path: PathBuf,
}

impl WholeFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Held until the returned file is dropped, also against other processes.
    pub(crate) fn lock(&self) -> Result<File, WriteError> {
        let path = self.beside("lock");
        let locked = owner_only(OpenOptions::new().truncate(false), &path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(failed(&path))
    }

    /// Puts a new text in the place of the old one. When it returns, the text is on the disk.
    pub(crate) fn replace(&self, text: &str) -> Result<(), WriteError> {
        let new = self.beside("new");
        write_synced(&new, text).map_err(failed(&new))?;
        fs::rename(&new, &self.path).map_err(failed(&self.path))?;
        self.sync_folder()
    }

    /// Makes a new name last.
    pub(crate) fn sync_folder(&self) -> Result<(), WriteError> {
        let folder = self.folder();
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed(folder))
    }

    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        let parent = self.path.parent();
        let named = parent.filter(|folder| !folder.as_os_str().is_empty());
        named.unwrap_or(Path::new("."))
    }
}

/// Reads at most so many bytes, whatever the path leads to; none if there are more.
pub(crate) fn read_at_most(limit: u64, file: File) -> io::Result<Option<String>> {
    let mut text = String::new();
    let length = file
        .take(limit.saturating_add(1))
        .read_to_string(&mut text)?;
    let fits = u64::try_from(length).is_ok_and(|length| length <= limit);
    Ok(fits.then_some(text))
}

fn owner_only(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.write(true).create(true).mode(OWNER_ONLY).open(path)
}

/// A leftover of a program that ended midway is removed first: it may have another mode.
pub(crate) fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut file = owner_only(OpenOptions::new().truncate(true), path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    |source| WriteError { path, source }
}
