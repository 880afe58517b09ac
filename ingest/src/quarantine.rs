//! Where frames go that arrived damaged or could not be understood: kept for a person, byte for
//! byte, one file each.
//!
//! The name is the CRC-32C of the content, so that a frame that is sent again and again is kept
//! once. Limits: [`MAX_FILES`] files; what comes after is counted and logged, not kept (a frame
//! that is only damaged comes again whole, and a frame that is refused stays in the journal and
//! at the gateway).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use veglia_wire::frame::crc32c;

/// Files kept. At 16 KiB each at most 64 MiB; a person looks long before there are as many.
pub(crate) const MAX_FILES: usize = 4096;

/// Why quarantine could not keep a frame.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep a damaged frame in {path}")]
pub struct QuarantineError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// The folder of frames in quarantine.
#[derive(Debug)]
pub(crate) struct Quarantine {
    dir: PathBuf,
    files: usize,
}

impl Quarantine {
    /// Opens the folder, making it if it is not there.
    pub(crate) fn open(dir: &Path) -> Result<Self, QuarantineError> {
        let refused = |source| QuarantineError {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(refused)?;
        let files = fs::read_dir(dir).map_err(refused)?.count();
        Ok(Self {
            dir: dir.to_owned(),
            files,
        })
    }

    /// Keeps a frame durably. True when it is kept (now or since before), false when full.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Result<bool, QuarantineError> {
        let path = self.dir.join(format!("{:08x}.frame", crc32c(bytes)));
        if path.exists() {
            return Ok(true);
        }
        if self.files >= MAX_FILES {
            return Ok(false);
        }
        let refused = |source| QuarantineError {
            path: path.clone(),
            source,
        };
        let mut file = File::create_new(&path).map_err(refused)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(source) = written {
            // A half-written copy would pass for the frame the next time.
            fs::remove_file(&path).map_err(refused)?;
            return Err(refused(source));
        }
        File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(refused)?;
        self.files += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_comes_again_is_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::open(dir.path()).unwrap();
        assert!(quarantine.keep(b"damaged").unwrap());
        assert!(quarantine.keep(b"damaged").unwrap());
        assert!(quarantine.keep(b"other").unwrap());
        assert_eq!(quarantine.files, 2);
        assert_eq!(Quarantine::open(dir.path()).unwrap().files, 2);
    }
}
