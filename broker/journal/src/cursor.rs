//! A durable cursor: how far a consumer has come, with a few bytes of its own beside it.
//!
//! The position is the *next* one to read. It is replaced whole: written to a temporary file,
//! synced, renamed, and the directory synced; so after any stop there is the old one or the new
//! one. There is no fallback: a damaged cursor is an error that names the file, because starting
//! over silently would raise old alarms again.
//!
//! ```text
//! magic: [u8; 8] = "VEGLIACU" | version: u32 = 1 | payload_len: u32 | position: u64
//! | payload | crc: u32 (CRC-32C of everything before)
//! ```

use std::io;
use std::path::{Path, PathBuf};

use crate::filesystem::{File, Filesystem, HostFilesystem, read_full, size_of_len, write_full};
use crate::frame::{CRC, u32_at, u64_at};
use crate::{CursorError, Position};

/// Most bytes beside a position: room for the state of 100 000 patients, which must be stored
/// together with the position it belongs to.
pub const MAX_CURSOR_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: [u8; 8] = *b"VEGLIACU";
const FORMAT_VERSION: u32 = 1;
const HEADER_LEN: usize = 24;
const CRC_LEN: usize = 4;

/// What a [`CursorFile`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The next position to read.
    pub position: Position,
    /// What the consumer stored with it.
    pub payload: Vec<u8>,
}

/// A file with one cursor in it. One owner at a time.
#[derive(Debug)]
pub struct CursorFile<F: Filesystem = HostFilesystem> {
    fs: F,
    path: PathBuf,
    unfinished: PathBuf,
    dir: PathBuf,
}

impl<F: Filesystem> CursorFile<F> {
    /// The cursor in the file at `path`; nothing is read or made yet.
    #[must_use]
    pub fn new(fs: F, path: &Path) -> Self {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let dir = match path.parent() {
            Some(dir) if dir != Path::new("") => dir,
            _ => Path::new("."),
        };
        Self {
            fs,
            path: path.to_owned(),
            unfinished: unfinished.into(),
            dir: dir.to_owned(),
        }
    }

    /// The cursor last stored; `None` if none ever was.
    ///
    /// # Errors
    /// [`CursorError`] if the file cannot be read, is damaged or is newer than this program.
    pub fn load(&self) -> Result<Option<Cursor>, CursorError> {
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed("read", &self.path, source)),
        };
        let damaged = || CursorError::Damaged {
            path: self.path.clone(),
        };
        let (content, crc) = bytes.split_last_chunk::<CRC_LEN>().ok_or_else(damaged)?;
        let is_whole = content.len() >= HEADER_LEN
            && content[0..8] == MAGIC
            && u32::from_le_bytes(*crc) == CRC.checksum(content);
        if !is_whole {
            return Err(damaged());
        }
        let version = u32_at(content, 8);
        if version > FORMAT_VERSION {
            let (path, supported) = (self.path.clone(), FORMAT_VERSION);
            return Err(CursorError::NewerVersion {
                path,
                found: version,
                supported,
            });
        }
        let payload = content[HEADER_LEN..].to_vec();
        if u32::try_from(payload.len()).ok() != Some(u32_at(content, 12)) {
            return Err(damaged());
        }
        let position = Position::new(u64_at(content, 16)).ok_or_else(damaged)?;
        Ok(Some(Cursor { position, payload }))
    }

    /// Stores the cursor; when this returns it is on disk.
    ///
    /// # Errors
    /// [`CursorError`]; the cursor stored before, or this one, is in force then, never a mixture.
    /// It may be tried again: each try writes a new file.
    pub fn store(&mut self, position: Position, payload: &[u8]) -> Result<(), CursorError> {
        let payload_len = u32::try_from(payload.len())
            .ok()
            .filter(|_| payload.len() <= MAX_CURSOR_PAYLOAD_BYTES)
            .ok_or_else(|| CursorError::TooLarge {
                path: self.path.clone(),
                bytes: payload.len(),
                limit: MAX_CURSOR_PAYLOAD_BYTES,
            })?;
        let mut bytes = Vec::with_capacity(HEADER_LEN + payload.len() + CRC_LEN);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&payload_len.to_le_bytes());
        bytes.extend_from_slice(&position.get().to_le_bytes());
        bytes.extend_from_slice(payload);
        let crc = CRC.checksum(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());

        self.write(&bytes)
            .map_err(|source| self.failed("write", &self.unfinished, source))?;
        self.fs
            .rename(&self.unfinished, &self.path)
            .and_then(|()| self.fs.sync_dir(&self.dir))
            .map_err(|source| self.failed("replace", &self.path, source))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let file = self.fs.open(&self.path)?;
        let largest = size_of_len(HEADER_LEN + MAX_CURSOR_PAYLOAD_BYTES + CRC_LEN);
        let len = usize::try_from(file.size()?.min(largest)).unwrap_or(0);
        let mut bytes = vec![0; len];
        let read = read_full(&file, &mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let file = self.fs.create(&self.unfinished)?;
        write_full(&file, bytes, 0)?;
        file.sync()
    }

    fn failed(&self, action: &'static str, path: &Path, source: io::Error) -> CursorError {
        CursorError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
