//! What was lost and not yet told, on the disk that is full.
//!
//! Records that an outbox refuses are counted, and the next append that succeeds is preceded by a
//! gap that tells them. A box that loses its power before that must know the count all the same. So
//! there is a file that was made while there was room, and is written over in place:
//!
//! ```text
//! <dir>/lost    two slots, 4096 bytes apart, written in turn; of whole ones the higher turn counts
//! slot: magic "VEGLIALO" · version u32 · reason u32 · turn u64 · next u64 · count u32 · boot u32 ·
//!       monotonic ms u64 · wall ms i64 (its least: none) · CRC-32C u32       little endian
//! ```
//! `next` is the position that the gap will have. Nothing is ever erased: whether the gap was
//! written, the journal itself says, at that position.
//!
//! Limits: a disk that was full before the file could be made keeps the count in memory only, which
//! is logged. A file system that never overwrites in place may refuse the write too.

use std::io;
use std::path::Path;

use veglia_journal::{File, Filesystem, Item, Journal, JournalReader, Position, ReadError};
use veglia_wire::frame::crc32c;
use veglia_wire::{Body, Boot, Gap, GapReason, MonoMs, Record, WallMs, When};

use crate::status::chain;

const MAGIC: [u8; 8] = *b"VEGLIALO";
const VERSION: u32 = 1;

/// Bytes of a slot; the CRC is the last four.
const SLOT: usize = 60;

/// From one slot to the other: no disk tears both with one write.
const STRIDE: usize = 4096;

/// Stands for "no wall time".
const NO_WALL: i64 = i64::MIN;

/// Records given up since the last append that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) reason: GapReason,
    pub(super) count: u32,
    /// Of the first of them.
    pub(super) since: When,
}

/// The file; none where there was no room for it.
#[derive(Debug)]
pub(super) struct LossFile<F: Filesystem> {
    file: Option<F::File>,
    turn: u64,
}

impl<F: Filesystem> LossFile<F> {
    /// Opens the file of an outbox, or makes it; and what it says was lost and never told.
    pub(super) fn open(fs: &F, dir: &Path, log: &impl Journal) -> (Self, Option<Lost>) {
        let file = open_or_make(fs, dir).inspect_err(|error| {
            tracing::warn!(
                error = chain(error),
                "what may be lost on a full disk is not kept across a restart; free some space"
            );
        });
        let Ok(file) = file else {
            let (file, turn) = (None, 0);
            return (Self { file, turn }, None);
        };
        let slots = [0, STRIDE].map(|offset| read_slot(&file, offset));
        let newest = slots.into_iter().flatten().max_by_key(|slot| slot.turn);
        let mut found = Self {
            file: Some(file),
            turn: newest.map_or(0, |slot| slot.turn),
        };
        let Some(Slot { next, lost, .. }) = newest else {
            return (found, None);
        };
        if was_told(log, next, lost) {
            return (found, None);
        }
        if next != log.next() {
            found.store(lost, log.next());
        }
        tracing::warn!(
            outbox.lost = lost.count,
            "records were lost before this start, and will be told"
        );
        (found, Some(lost))
    }

    /// Writes down what is lost by now; `next` is the position of the next entry.
    pub(super) fn store(&mut self, lost: Lost, next: Position) {
        let Some(file) = &self.file else { return };
        self.turn += 1;
        let turn = self.turn;
        let offset = if turn.is_multiple_of(2) { STRIDE } else { 0 };
        let bytes = Slot { turn, next, lost }.encode();
        let written = write_all(file, &bytes, offset).and_then(|()| file.sync());
        if let Err(error) = written {
            tracing::warn!(
                error = chain(&error),
                "what the outbox loses is only counted in memory"
            );
            // After a sync that failed nobody knows what the file holds.
            self.file = None;
        }
    }
}

fn open_or_make<F: Filesystem>(fs: &F, dir: &Path) -> io::Result<F::File> {
    let path = dir.join("lost");
    let size = STRIDE * 2;
    match fs.open(&path) {
        Ok(file) if file.size()? >= number(size) => return Ok(file),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = fs.create(&path)?;
    write_all(&file, &vec![0; size], 0)?;
    file.sync()?;
    fs.sync_dir(dir)?;
    Ok(file)
}

/// Whether the gap is in the journal, at the place that was kept for it, or was there and has been
/// acknowledged.
fn was_told(log: &impl Journal, at: Position, lost: Lost) -> bool {
    if at >= log.next() {
        return false;
    }
    match log.reader().read(at, 1) {
        Ok(items) => items.first().is_some_and(|item| match item {
            Item::Entry(entry) => matches!(
                Record::decode(&entry.bytes).map(|record| record.body),
                Ok(Body::Gap(Gap { reason, lost: told, .. }))
                    if reason == lost.reason && told >= lost.count
            ),
            Item::Damaged { .. } => false,
        }),
        Err(ReadError::Removed { .. }) => true,
        Err(_) => false,
    }
}

/// What stands in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    turn: u64,
    next: Position,
    lost: Lost,
}

impl Slot {
    fn encode(&self) -> Vec<u8> {
        let Lost {
            reason,
            count,
            since,
        } = self.lost;
        let mut out = Vec::with_capacity(SLOT);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend(code(reason).to_le_bytes());
        out.extend(self.turn.to_le_bytes());
        out.extend(self.next.get().to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(since.boot.0.to_le_bytes());
        out.extend(since.mono.0.to_le_bytes());
        let wall = since.wall.map_or(NO_WALL, |wall| wall.0);
        out.extend(wall.to_le_bytes());
        let crc = crc32c(&out);
        out.extend(crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        if u32::from_le_bytes(*crc) != crc32c(content) {
            return None;
        }
        let mut rest = content.strip_prefix(&MAGIC)?;
        let (version, reason) = (take_u32(&mut rest)?, take_u32(&mut rest)?);
        if version != VERSION {
            return None;
        }
        let (turn, next) = (take_u64(&mut rest)?, take_u64(&mut rest)?);
        let (count, boot) = (take_u32(&mut rest)?, take_u32(&mut rest)?);
        let (mono, wall) = (take_u64(&mut rest)?, take_u64(&mut rest)?.cast_signed());
        let since = When {
            boot: Boot(boot),
            mono: MonoMs(mono),
            wall: (wall != NO_WALL).then_some(WallMs(wall)),
            device: None,
        };
        Some(Self {
            turn,
            next: Position::new(next)?,
            lost: Lost {
                reason: REASONS.into_iter().find(|it| code(*it) == reason)?,
                count,
                since,
            },
        })
    }
}

const REASONS: [GapReason; 3] = [GapReason::DiskFull, GapReason::Damaged, GapReason::Limit];

fn code(reason: GapReason) -> u32 {
    match reason {
        GapReason::DiskFull => 1,
        GapReason::Damaged => 2,
        GapReason::Limit => 3,
    }
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_le_bytes(*bytes))
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u64::from_le_bytes(*bytes))
}

/// What a slot says; none where it was never written, or not to its end.
fn read_slot(file: &impl File, offset: usize) -> Option<Slot> {
    let (mut bytes, mut read) = ([0; SLOT], 0);
    while read < SLOT {
        match file.read_at(&mut bytes[read..], number(offset + read)) {
            Ok(0) | Err(_) => return None,
            Ok(more) => read += more,
        }
    }
    Slot::decode(&bytes)
}

/// Writes all of the bytes.
pub(super) fn write_all(file: &impl File, bytes: &[u8], offset: usize) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write_at(&bytes[written..], number(offset + written))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            more => written += more,
        }
    }
    Ok(())
}

fn number(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_these_bytes() {
        let slot = Slot {
            turn: 3,
            next: Position::new(258).unwrap(),
            lost: Lost {
                reason: GapReason::Limit,
                count: 7,
                since: When {
                    boot: Boot(5),
                    mono: MonoMs(1_000),
                    wall: None,
                    device: None,
                },
            },
        };
        let bytes = slot.encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5645474c49414c4f01000000030000000300000000000000020100000000000007000000\
             05000000e8030000000000000000000000000080293d507d"
        );
        assert_eq!(Slot::decode(&bytes), Some(slot));
        for at in 0..SLOT {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert_eq!(Slot::decode(&torn), None, "byte {at}");
        }
    }
}
