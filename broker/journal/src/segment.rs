//! A segment file: its name, its header, and how it is made.
//!
//! A segment is born whole: written and synced under a temporary name, then renamed. So a header
//! that cannot be read is damage, never an interrupted creation, and the position in the name can
//! be relied on.

use std::io;
use std::path::{Path, PathBuf};

use crate::filesystem::{File, Filesystem, read_full, size_of_len, write_full};
use crate::frame::{CRC, u32_at, u64_at};
use crate::{AppendError, OpenError, Position};

const MAGIC: [u8; 8] = *b"VEGLIALG";
pub(crate) const FORMAT_VERSION: u32 = 1;
const HEADER_LEN: usize = 40;
/// Where the frames of a segment start.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 40;

const EXTENSION: &str = ".log";
const UNFINISHED_EXTENSION: &str = ".log.new";
/// Enough for every 64-bit number, so that names sort as numbers do.
const DIGITS: usize = 20;

/// What is known of a segment without reading its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub first: Position,
    /// Positions before `first` that a recovery gave up.
    pub skipped: u64,
    /// Durable bytes, header included.
    pub bytes: u64,
    /// Counts how often the file was replaced since the journal was opened: who holds an older
    /// one open must open it anew.
    pub edition: u32,
}

pub(crate) fn path(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:0DIGITS$}{EXTENSION}", first.get()))
}

pub(crate) fn unfinished_path(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:0DIGITS$}{UNFINISHED_EXTENSION}", first.get()))
}

/// The first position of the segment with this file name, if it is one.
pub(crate) fn parse_name(name: &str) -> Option<Position> {
    parse_digits(name.strip_suffix(EXTENSION)?)
}

/// Whether the file is what an interrupted creation left.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(UNFINISHED_EXTENSION)
        .and_then(parse_digits)
        .is_some()
}

fn parse_digits(digits: &str) -> Option<Position> {
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain
        .then(|| digits.parse().ok().and_then(Position::new))
        .flatten()
}

pub(crate) fn encode_header(kind: [u8; 4], first: Position, skipped: u64) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let crc = CRC.checksum(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes[16..20].copy_from_slice(&kind);
    bytes[20..28].copy_from_slice(&first.get().to_le_bytes());
    bytes[28..36].copy_from_slice(&skipped.to_le_bytes());
    let crc = CRC.checksum(&bytes[..36]);
    bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the header of an existing segment says.
pub(crate) enum HeaderState {
    Whole { skipped: u64 },
    Damaged,
}

/// Reads the header of a segment and refuses what must not be opened.
pub(crate) fn check_header<H: File>(
    file: &H,
    path: &Path,
    first: Position,
    kind: [u8; 4],
) -> Result<HeaderState, OpenError> {
    let mut bytes = [0; HEADER_LEN];
    let read = read_full(file, &mut bytes, 0).map_err(|source| OpenError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let is_ours =
        read >= 16 && bytes[0..8] == MAGIC && u32_at(&bytes, 12) == CRC.checksum(&bytes[..12]);
    let version = u32_at(&bytes, 8);
    if is_ours && version > FORMAT_VERSION {
        return Err(OpenError::NewerVersion {
            path: path.to_owned(),
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    let is_whole =
        is_ours && read == HEADER_LEN && u32_at(&bytes, 36) == CRC.checksum(&bytes[..36]);
    if !is_whole || u64_at(&bytes, 20) != first.get() {
        return Ok(HeaderState::Damaged);
    }
    let mut found = [0; 4];
    found.copy_from_slice(&bytes[16..20]);
    if found != kind {
        return Err(OpenError::WrongKind {
            path: path.to_owned(),
            found,
            expected: kind,
        });
    }
    Ok(HeaderState::Whole {
        skipped: u64_at(&bytes, 28),
    })
}

/// Makes a segment durably and returns it open, or says what failed and where.
pub(crate) fn create<F: Filesystem>(
    fs: &F,
    dir: &Path,
    kind: [u8; 4],
    first: Position,
    skipped: u64,
) -> Result<(F::File, Segment), AppendError> {
    let unfinished = unfinished_path(dir, first);
    let write = |source| write_error(&unfinished, source);
    let sync = |path: &Path| {
        let path = path.to_owned();
        |source| AppendError::Sync { path, source }
    };
    let file = fs.create(&unfinished).map_err(write)?;
    write_full(&file, &encode_header(kind, first, skipped), 0).map_err(write)?;
    file.sync().map_err(sync(&unfinished))?;
    fs.rename(&unfinished, &path(dir, first)).map_err(write)?;
    fs.sync_dir(dir).map_err(sync(dir))?;
    Ok((
        file,
        Segment {
            first,
            skipped,
            bytes: size_of_len(HEADER_LEN),
            edition: 0,
        },
    ))
}

/// Sorts a failed write into "no space", which passes, and the rest.
pub(crate) fn write_error(path: &Path, source: io::Error) -> AppendError {
    let path = path.to_owned();
    if crate::filesystem::is_disk_full(&source) {
        AppendError::DiskFull { path, source }
    } else {
        AppendError::Write { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_header_of_version_1_has_these_bytes() {
        let golden: [u8; HEADER_LEN] = [
            b'V', b'E', b'G', b'L', b'I', b'A', b'L', b'G', 1, 0, 0, 0, // magic, version
            94, 163, 38, 47, // CRC of what every version keeps
            b'o', b'u', b't', b'b', 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0,
            0, // kind…skipped
            73, 20, 194, 199, // CRC
        ];
        let seven = Position::new(7).expect("seven is a position");
        assert_eq!(encode_header(*b"outb", seven, 3), golden);
    }

    #[test]
    fn names_carry_the_first_position_and_nothing_else_is_a_segment() {
        let name = path(Path::new(""), Position::FIRST);
        assert_eq!(name.to_str(), Some("00000000000000000001.log"));
        assert_eq!(
            parse_name("00000000000000000001.log"),
            Some(Position::FIRST)
        );
        assert_eq!(parse_name("00000000000000000000.log"), None);
        assert_eq!(parse_name("+0000000000000000001.log"), None);
        assert_eq!(parse_name("1.log"), None);
        assert!(is_unfinished("00000000000000000001.log.new"));
    }
}
