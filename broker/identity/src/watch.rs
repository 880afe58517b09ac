//! Notices that the file was replaced.
//!
//! A poll compares modification time, inode and length: one `stat` a second costs nothing and
//! works on every file system, where notifications do not. A file that is broken or gone never
//! takes effect: whoever was let in stays in, whoever was not stays out, and the fault is
//! reported once for each state of the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::identities::{Identities, LoadError};

/// A file under watch.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    seen: Seen,
}

/// What a poll found.
#[derive(Debug)]
pub enum Poll {
    /// The same file as at the last poll, good or not.
    Unchanged,
    /// A new list, to be used from now on.
    Changed(Arc<Identities>),
    /// A file that cannot be used: keep the list you have, and tell somebody.
    Broken(LoadError),
}

/// What the last poll saw.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    NotLooked,
    NoFile,
    File(Stamp),
}

/// Enough to tell one file from the next.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    inode: u64,
    length: u64,
}

impl Watch {
    /// Watches a path from now on: the first poll reads the file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            seen: Seen::NotLooked,
        }
    }

    /// Looks at the file and, if it is another, reads it. Blocks for as long as the disk does.
    pub fn poll(&mut self) -> Poll {
        let (seen, opened) = match open(&self.path) {
            Ok((file, stamp)) => (Seen::File(stamp), Ok(file)),
            Err(fault) => (Seen::NoFile, Err(fault)),
        };
        if seen == self.seen {
            return Poll::Unchanged;
        }
        self.seen = seen;
        let read = match opened {
            Ok(file) => Identities::read(&self.path, file),
            Err(source) => Err(LoadError::Read {
                path: self.path.clone(),
                source,
            }),
        };
        read.map_or_else(Poll::Broken, |list| Poll::Changed(Arc::new(list)))
    }
}

/// The stamp is of the file that will be read, not of the one that then has its name.
fn open(path: &Path) -> io::Result<(File, Stamp)> {
    let file = File::open(path)?;
    let data = file.metadata()?;
    let stamp = Stamp {
        modified: data.modified()?,
        inode: data.ino(),
        length: data.len(),
    };
    Ok((file, stamp))
}
