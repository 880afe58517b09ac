//! Counts the starts of the box, durably: the monotonic time of a record means nothing without
//! the start that it counts from.
//!
//! The file holds one decimal number. It is replaced by rename, so that a power cut leaves either
//! the old number or the new one; the number is on disk before the first record uses it. The file
//! that will replace it is there already, and is written over in place: a box whose outbox has
//! filled the disk must start all the same, because only delivering makes room.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use veglia_wire::Boot;

/// Why the boot counter cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The file cannot be read or written.
    #[error("cannot keep the boot counter in {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the boot counter {path} is damaged; write a number there that is higher than any before, \
         for example the days since 2020 times 1000"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Counts this start and answers with its number, from 1.
pub(crate) fn next(dir: &Path) -> Result<Boot, BootError> {
    let path = dir.join("boot");
    let io = |source| BootError::Io {
        path: path.clone(),
        source,
    };
    let last = match fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse::<u32>()
            .map_err(|_| BootError::Damaged { path: path.clone() })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(io(error)),
    };
    let boot = last.saturating_add(1);
    let fresh = dir.join("boot.new");
    write_over(&fresh, boot).map_err(io)?;
    fs::rename(&fresh, &path).map_err(io)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
    if let Err(error) = write_over(&fresh, boot) {
        tracing::warn!(%error, "no room is kept for the next start; free some space");
    }
    Ok(Boot(boot))
}

/// Writes the number, always with the same length, so that a file that is there needs no room.
fn write_over(path: &Path, boot: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    writeln!(file, "{boot:10}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn each_start_has_the_next_number() {
        let dir = tempfile::tempdir().unwrap();
        let starts: Vec<u32> = (0..3).map(|_| next(dir.path()).unwrap().0).collect();
        assert_eq!(starts, [1, 2, 3]);
    }

    #[test]
    fn a_start_needs_no_room_that_the_start_before_has_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let inode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().ino();
        next(dir.path()).unwrap();
        let kept = inode("boot.new");
        next(dir.path()).unwrap();
        assert_eq!(inode("boot"), kept);
    }

    #[test]
    fn a_damaged_counter_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("boot"), "twelve").unwrap();
        let error = next(dir.path()).unwrap_err();
        assert!(matches!(error, BootError::Damaged { .. }), "{error}");
        assert_eq!(
            fs::read_to_string(dir.path().join("boot")).unwrap(),
            "twelve"
        );
    }
}
