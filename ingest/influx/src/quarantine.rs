//! Where lines go that the server refuses: one file, kept for a person.
//!
//! It is line protocol itself: before each line stands, as a comment, what the server said. So
//! when the cause is mended the file can be sent as it is, with `influx write --precision ms`.
//!
//! ```text
//! # 400 {"code":"invalid","message":"…"}
//! vitals,device=nonin:501234,vital=spo2 value=97.6,quality=0i 1700000000123
//! ```
//! A line that comes again after a stop is kept again. Limit: [`MAX_LINES`]; then nothing more is
//! sent, because so many refusals are the fault of a bucket and not of readings.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Lines kept. With their reasons at most 10 MB; a person looks long before there are as many.
pub(crate) const MAX_LINES: usize = 10_000;

/// Largest file that is opened, far above what [`MAX_LINES`] take.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why a refused line cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep lines that InfluxDB refused in {}", path.display())]
pub struct QuarantineError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// The file of refused lines. One owner at a time.
#[derive(Debug)]
pub(crate) struct Quarantine {
    path: PathBuf,
    file: File,
    /// Bytes that are whole entries; what a failed write left behind lies after them.
    bytes: u64,
    lines: usize,
}

impl Quarantine {
    /// Opens the file, making it if it is not there, and cuts off a line that a stop tore.
    pub(crate) fn open(path: &Path) -> Result<Self, QuarantineError> {
        open(path).map_err(|source| QuarantineError {
            path: path.into(),
            source,
        })
    }

    /// How many lines are kept.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Keeps a line, which ends with a line break. When this returns it is on disk. False when
    /// there is no more room.
    pub(crate) fn keep(&mut self, line: &[u8], said: &str) -> Result<bool, QuarantineError> {
        if self.lines >= MAX_LINES {
            return Ok(false);
        }
        let mut entry = format!("# {said}\n").into_bytes();
        entry.extend_from_slice(line);
        self.append(&entry).map_err(|source| QuarantineError {
            path: self.path.clone(),
            source,
        })?;
        self.lines += 1;
        Ok(true)
    }

    fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(entry)?;
        self.file.sync_data()?;
        self.bytes += u64::try_from(entry.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Quarantine> {
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if let Some(dir) = path.parent().filter(|dir| *dir != Path::new("")) {
        File::open(dir)?.sync_all()?;
    }
    let mut text = Vec::new();
    if file.metadata()?.len() > MAX_BYTES {
        let why = "it is larger than this program makes it; move it away";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    file.read_to_end(&mut text)?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    let entries = text[..whole].split(|byte| *byte == b'\n');
    let lines = entries
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .count();
    Ok(Quarantine {
        path: path.into(),
        file,
        bytes: u64::try_from(whole).unwrap_or(u64::MAX),
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_with_their_reason_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refused");
        let mut quarantine = Quarantine::open(&path).unwrap();
        assert!(quarantine.keep(b"vitals a=1 1\n", "400 because").unwrap());
        assert!(quarantine.keep(b"vitals a=2 2\n", "422 too old").unwrap());
        drop(quarantine);
        assert_eq!(Quarantine::open(&path).unwrap().lines(), 2);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# 400 because\nvitals a=1 1\n# 422 too old\nvitals a=2 2\n"
        );
    }

    #[test]
    fn a_line_torn_by_a_stop_is_cut_off_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refused");
        std::fs::write(&path, "# 400 x\nvitals a=1 1\n# 400 y\nvit").unwrap();
        let mut quarantine = Quarantine::open(&path).unwrap();
        assert_eq!(quarantine.lines(), 1);
        quarantine.keep(b"vitals a=2 2\n", "400 z").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# 400 x\nvitals a=1 1\n# 400 y\n# 400 z\nvitals a=2 2\n"
        );
    }

    #[test]
    fn a_full_quarantine_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refused");
        std::fs::write(&path, "v a=1 1\n".repeat(MAX_LINES)).unwrap();
        let mut quarantine = Quarantine::open(&path).unwrap();
        assert!(!quarantine.keep(b"v a=2 2\n", "400").unwrap());
        assert_eq!(quarantine.lines(), MAX_LINES);
    }
}
