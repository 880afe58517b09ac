//! The few file system operations a journal needs, and the real ones.
//!
//! The trait exists so that the journal can be tried on a file system that forgets what was not
//! synced ([`crate::fake`]). It names only what is used; it does not hide platform differences:
//! reads and writes are positional, so Unix only.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// Files and directories. Nothing is durable before [`File::sync`] and [`Filesystem::sync_dir`].
pub trait Filesystem: Clone + Send + Sync + 'static {
    /// An open file.
    type File: File;

    /// Makes the directory and its parents, durably; they may exist.
    ///
    /// # Errors
    /// What the operating system answers, as for every operation here.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the files in the directory, in any order.
    ///
    /// # Errors
    /// What the operating system answers.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// Makes an empty file that only its owner may read, or empties the one that is there.
    ///
    /// # Errors
    /// What the operating system answers.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// What the operating system answers.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Gives a file another name in the same directory, in place of a file that has it.
    ///
    /// # Errors
    /// What the operating system answers.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Deletes a file; whoever has it open can still read it.
    ///
    /// # Errors
    /// What the operating system answers.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names made, changed and deleted in the directory are on disk.
    ///
    /// # Errors
    /// What the operating system answers.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file, read and written at given offsets.
pub trait File: Send + 'static {
    /// Reads up to a bufferful; 0 at the end of the file.
    ///
    /// # Errors
    /// What the operating system answers.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of the bytes and says how many.
    ///
    /// # Errors
    /// What the operating system answers.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// The size in bytes.
    ///
    /// # Errors
    /// What the operating system answers.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    /// What the operating system answers.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Returns when content and size are on disk (`fdatasync`).
    ///
    /// # Errors
    /// What the operating system answers; never call it again then, see the crate's documentation.
    fn sync(&self) -> io::Result<()>;
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostFilesystem;

/// Readings concern people's health: nobody but the service's own user looks inside.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

impl Filesystem for HostFilesystem {
    type File = std::fs::File;

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        self.create_dir(parent)?;
        match DirBuilder::new().mode(DIRECTORY_MODE).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_dir(parent),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(dir)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn create(&self, path: &Path) -> io::Result<Self::File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)
    }

    fn open(&self, path: &Path) -> io::Result<Self::File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::File::open(dir)?.sync_all()
    }
}

impl File for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Reads until the buffer is full or the file ends; returns how much was read.
pub(crate) fn read_full<H: File>(file: &H, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + size_of_len(done)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes everything, in as many calls as it takes.
pub(crate) fn write_full<H: File>(file: &H, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], offset + size_of_len(done)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether an error means that there is no space, which is expected to pass.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A length in memory as a length in a file.
pub(crate) fn size_of_len(len: usize) -> u64 {
    u64::try_from(len).expect("memory is addressed with at most 64 bits")
}

/// A length of at most 32 bits as a length in memory.
pub(crate) fn len_of(bytes: u32) -> usize {
    usize::try_from(bytes).expect("memory is addressed with at least 32 bits")
}
