//! The format of a frame: what one append leaves on disk. Pure; the layout is in the crate's
//! documentation.
//!
//! A frame that cannot be decoded is `None`: what that means (damage, a torn tail) depends on what
//! stands around it and is decided by [`crate::walk`], [`crate::recovery`] and [`crate::reader`].

use crc::{CRC_32_ISCSI, Crc, Table};

use crate::filesystem::{len_of, size_of_len};
use crate::{AppendError, Position};

/// Most payload bytes in one frame. A reader holds one frame in memory; ingest's largest group
/// commit is an eighth of this.
pub const MAX_FRAME_PAYLOAD_BYTES: u32 = 16 * 1024 * 1024;

pub(crate) const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Not text and not UTF-8, so that it is rare in what entries contain.
pub(crate) const FRAME_MAGIC: [u8; 4] = [0xF3, b'V', b'F', 0x0D];
pub(crate) const FRAME_HEADER_BYTES: usize = 28;
const ENTRY_HEADER_BYTES: usize = 4;

/// Where a frame stands; part of what its header's CRC covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first position of the segment.
    pub segment: Position,
    /// Bytes from the start of the file.
    pub offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub first: Position,
    pub count: u32,
    pub payload_len: u32,
    pub payload_crc: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self, place: Place) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&FRAME_MAGIC);
        bytes[4..8].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.get().to_le_bytes());
        bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = header_crc(&bytes, place);
        bytes[24..28].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header, if these bytes are one and were written at this place.
    pub(crate) fn decode(bytes: &[u8], place: Place) -> Option<Self> {
        let bytes: &[u8; FRAME_HEADER_BYTES] = bytes.first_chunk()?;
        if bytes[0..4] != FRAME_MAGIC || u32_at(bytes, 24) != header_crc(bytes, place) {
            return None;
        }
        let header = Self {
            payload_len: u32_at(bytes, 4),
            first: Position::new(u64_at(bytes, 8))?,
            count: u32_at(bytes, 16),
            payload_crc: u32_at(bytes, 20),
        };
        let possible = header.count > 0
            && header.payload_len <= MAX_FRAME_PAYLOAD_BYTES
            && len_of(header.count) <= len_of(header.payload_len) / ENTRY_HEADER_BYTES;
        possible.then_some(header)
    }

    /// The position after its last entry.
    pub(crate) fn next(&self) -> Position {
        self.first.plus(u64::from(self.count))
    }

    /// Header and payload.
    pub(crate) fn frame_bytes(&self) -> u64 {
        size_of_len(FRAME_HEADER_BYTES) + u64::from(self.payload_len)
    }
}

fn header_crc(bytes: &[u8; FRAME_HEADER_BYTES], place: Place) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&bytes[..24]);
    digest.update(&place.segment.get().to_le_bytes());
    digest.update(&place.offset.to_le_bytes());
    digest.finalize()
}

/// The size of the frame that these entries need.
pub(crate) fn frame_bytes(entries: &[&[u8]]) -> Result<u64, AppendError> {
    if entries.is_empty() {
        return Err(AppendError::Empty);
    }
    let payload: u64 = entries
        .iter()
        .map(|entry| size_of_len(ENTRY_HEADER_BYTES) + size_of_len(entry.len()))
        .sum();
    let limit = u64::from(MAX_FRAME_PAYLOAD_BYTES);
    if payload > limit {
        return Err(AppendError::TooLarge {
            bytes: payload,
            limit,
        });
    }
    Ok(size_of_len(FRAME_HEADER_BYTES) + payload)
}

/// Writes the frame into `out`, in place of what is there, and returns its header. The entries
/// have passed [`frame_bytes`].
pub(crate) fn encode(
    out: &mut Vec<u8>,
    place: Place,
    first: Position,
    entries: &[&[u8]],
) -> FrameHeader {
    out.clear();
    out.resize(FRAME_HEADER_BYTES, 0);
    for entry in entries {
        out.extend_from_slice(&u32_of(entry.len()).to_le_bytes());
        out.extend_from_slice(entry);
    }
    let payload = &out[FRAME_HEADER_BYTES..];
    let header = FrameHeader {
        first,
        count: u32_of(entries.len()),
        payload_len: u32_of(payload.len()),
        payload_crc: CRC.checksum(payload),
    };
    out[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode(place));
    header
}

/// The most entries that a damaged stretch of a segment can have held.
pub(crate) fn most_entries(bytes: u64) -> u64 {
    bytes.saturating_sub(size_of_len(FRAME_HEADER_BYTES)) / size_of_len(ENTRY_HEADER_BYTES)
}

/// A payload that is whole, handed out entry by entry.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Vec<u8>,
    at: usize,
    next: Position,
}

impl Payload {
    /// The payload, if it is the one that the header announces.
    pub(crate) fn check(header: &FrameHeader, bytes: Vec<u8>) -> Option<Self> {
        if bytes.len() != len_of(header.payload_len) || CRC.checksum(&bytes) != header.payload_crc {
            return None;
        }
        let (mut rest, mut count) = (bytes.as_slice(), 0);
        while !rest.is_empty() {
            rest = split_entry(rest)?.1;
            count += 1;
        }
        (count == header.count).then_some(Self {
            bytes,
            at: 0,
            next: header.first,
        })
    }

    /// The position of the entry that comes next, also after the last.
    pub(crate) fn next_position(&self) -> Position {
        self.next
    }

    /// The next entry.
    pub(crate) fn take(&mut self) -> Option<(Position, &[u8])> {
        let (entry, _) = split_entry(&self.bytes[self.at..])?;
        let position = self.next;
        self.at += ENTRY_HEADER_BYTES + entry.len();
        self.next = position.next();
        Some((position, entry))
    }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(len_of(u32::from_le_bytes(*len)))
}

fn u32_of(len: usize) -> u32 {
    u32::try_from(len).expect("a frame's payload is limited to 16 MiB")
}

/// The four bytes at `at`, which the caller knows to be there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

/// The eight bytes at `at`, which the caller knows to be there.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        segment: Position::FIRST,
        offset: 40,
    };

    #[test]
    fn the_frame_of_version_1_has_these_bytes() {
        let mut out = Vec::new();
        encode(&mut out, PLACE, Position::FIRST, &[b"a", b"bc"]);
        let golden: [u8; 39] = [
            0xF3, b'V', b'F', 0x0D, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, // header
            139, 60, 140, 28, // payload CRC
            43, 193, 222, 230, // header CRC
            1, 0, 0, 0, b'a', 2, 0, 0, 0, b'b', b'c', // payload
        ];
        assert_eq!(out, golden);
    }

    #[test]
    fn a_header_is_not_valid_in_another_place() {
        let header = FrameHeader {
            first: Position::FIRST,
            count: 1,
            payload_len: 9,
            payload_crc: 7,
        };
        let bytes = header.encode(PLACE);
        assert_eq!(FrameHeader::decode(&bytes, PLACE), Some(header));
        assert_eq!(
            FrameHeader::decode(
                &bytes,
                Place {
                    offset: 41,
                    ..PLACE
                }
            ),
            None
        );
        let elsewhere = Place {
            segment: Position::FIRST.next(),
            ..PLACE
        };
        assert_eq!(FrameHeader::decode(&bytes, elsewhere), None);
    }

    #[test]
    fn a_header_that_promises_more_entries_than_bytes_is_refused() {
        let header = FrameHeader {
            first: Position::FIRST,
            count: 3,
            payload_len: 8,
            payload_crc: 7,
        };
        assert_eq!(FrameHeader::decode(&header.encode(PLACE), PLACE), None);
    }

    #[test]
    fn a_payload_gives_back_its_entries_in_order() {
        let mut out = Vec::new();
        let header = encode(&mut out, PLACE, Position::FIRST, &[b"a", b"", b"bc"]);
        let bytes = out[FRAME_HEADER_BYTES..].to_vec();
        let mut payload = Payload::check(&header, bytes).expect("the payload is whole");
        let mut taken = Vec::new();
        while let Some((position, entry)) = payload.take() {
            taken.push((position.get(), entry.to_vec()));
        }
        assert_eq!(
            taken,
            [(1, b"a".to_vec()), (2, vec![]), (3, b"bc".to_vec())]
        );
    }
}
