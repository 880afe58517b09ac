//! The data directory: one folder a role, each locked by the process that runs the role.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a role's folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirError {
    /// It cannot be made or opened.
    #[error("cannot use the data directory {path}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process runs the role there.
    #[error(
        "{path} is in use by another process that runs the same role; stop it, or choose another \
         directory with --data"
    )]
    Held {
        /// The folder.
        path: PathBuf,
    },
}

/// A role's folder, held until dropped. The lock goes with the process, however it ends.
#[derive(Debug)]
pub(crate) struct RoleDir {
    path: PathBuf,
    _lock: File,
}

impl RoleDir {
    /// Makes `data`/`role` if needed and locks it.
    pub(crate) fn take(data: &Path, role: &Path) -> Result<Self, DirError> {
        let path = data.join(role);
        let refused = |source| DirError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&path).map_err(refused)?;
        let lock = File::create(path.join("lock")).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DirError::Held { path }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
