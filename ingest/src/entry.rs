//! What an entry of ingest's journal says: the only ordered input of everything that follows.
//!
//! ```text
//! Entry { version: u8, kind: u8, at: i64 (care milliseconds, little endian), rest by kind }
//!   1 frame    skip: u8, the frame's bytes           records from `skip` on are new
//!   2 tick     –                                     a deadline may have passed
//!   3 change   id: i64                               a plan or assignment row to take up
//!   4 gone     gateway: u8 + bytes, epoch, from, to: u64   records no one has any more
//!   5 refused  reason: u8, the frame's bytes         intact, and not understood
//!   6 dated    received: i64, frame: u64, boot: u32, zero: i64, exact: u8, skip: u8, bytes
//!                                                    what waited in a frame for a clock
//! ```
//! Version 2 has dated entries; all others are still written as version 1, which knew them.
//!
//! A replay of these entries gives the same flags: nothing else reaches the rules.

use veglia_wire::{Boot, Epoch, GatewayId, RefusalReason, Sequence, WallMs};

/// The newest version read, and that of dated entries.
const VERSION: u8 = 2;

/// The version of all other entries, and the last kind that it knew.
const FIRST_VERSION: u8 = 1;
const LAST_OF_FIRST_VERSION: u8 = 5;

/// Bytes of a dated entry beside its frame, after what all entries have.
const DATED_BYTES: usize = 30;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A frame from home, whole and understood.
    Frame {
        /// Care time at which it was received.
        at: WallMs,
        /// How many of its records were known already.
        skip: u8,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Time passed.
    Tick {
        /// Care time.
        at: WallMs,
    },
    /// A new immutable row is to be taken up.
    Change {
        /// Care time at which it was noticed.
        at: WallMs,
        /// Its number in the table of changes.
        id: i64,
    },
    /// Records that the gateway does not have any more and ingest never had.
    Gone {
        /// Care time at which it was noticed.
        at: WallMs,
        /// The gateway.
        gateway: GatewayId,
        /// Its outbox life.
        epoch: Epoch,
        /// First sequence lost.
        from: Sequence,
        /// Last sequence lost.
        to: Sequence,
    },
    /// A frame that arrived undamaged and could not be understood; also in quarantine.
    Refused {
        /// Care time at which it was received.
        at: WallMs,
        /// Why.
        reason: RefusalReason,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Records of one boot of a frame that had no time when it came.
    Dated {
        /// Care time at which they were dated.
        at: WallMs,
        /// Care time at which the frame was received.
        received: WallMs,
        /// Its position in the journal.
        frame: u64,
        /// Whose start.
        boot: Boot,
        /// The moment that the boot's monotonic time counts from.
        zero: WallMs,
        /// Whether the gateway's clock said so; else it is the latest that it can be.
        is_exact: bool,
        /// How many of the frame's records were known when it came.
        skip: u8,
        /// The frame.
        bytes: Vec<u8>,
    },
}

/// Why bytes of the journal are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Written by a newer program.
    #[error("the journal holds entries of version {0}, this program reads {VERSION}; update it")]
    Newer(u8),
    /// The bytes end too soon or say something impossible.
    #[error("an entry of the journal is not whole or says something impossible ({0})")]
    Malformed(&'static str),
}

impl Entry {
    /// Care time of the entry.
    pub fn at(&self) -> WallMs {
        match self {
            Self::Frame { at, .. }
            | Self::Tick { at }
            | Self::Change { at, .. }
            | Self::Gone { at, .. }
            | Self::Refused { at, .. }
            | Self::Dated { at, .. } => *at,
        }
    }

    /// Whether it holds records from home; the others only say that something happened here.
    pub fn is_record(&self) -> bool {
        matches!(self, Self::Frame { .. } | Self::Dated { .. })
    }

    /// The entry's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let start = |kind: u8, rest: usize| {
            let mut out = Vec::with_capacity(10 + rest);
            let is_first = kind <= LAST_OF_FIRST_VERSION;
            out.extend([if is_first { FIRST_VERSION } else { VERSION }, kind]);
            out.extend(self.at().0.to_le_bytes());
            out
        };
        match self {
            Self::Frame { skip, bytes, .. } => {
                let mut out = start(1, 1 + bytes.len());
                out.push(*skip);
                out.extend(bytes);
                out
            }
            Self::Tick { .. } => start(2, 0),
            Self::Change { id, .. } => {
                let mut out = start(3, 8);
                out.extend(id.to_le_bytes());
                out
            }
            Self::Gone {
                gateway,
                epoch,
                from,
                to,
                ..
            } => {
                let name = gateway.as_str().as_bytes();
                let mut out = start(4, 25 + name.len());
                // An identifier has at most 64 characters.
                out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
                out.extend(name);
                out.extend(epoch.0.to_le_bytes());
                out.extend(from.get().to_le_bytes());
                out.extend(to.get().to_le_bytes());
                out
            }
            Self::Refused { reason, bytes, .. } => {
                let mut out = start(5, 1 + bytes.len());
                out.push(match reason {
                    RefusalReason::NewerVersion => 1,
                    RefusalReason::Undecodable => 2,
                });
                out.extend(bytes);
                out
            }
            Self::Dated {
                received,
                frame,
                boot,
                zero,
                is_exact,
                skip,
                bytes,
                ..
            } => {
                let mut out = start(6, DATED_BYTES + bytes.len());
                out.extend(received.0.to_le_bytes());
                out.extend(frame.to_le_bytes());
                out.extend(boot.0.to_le_bytes());
                out.extend(zero.0.to_le_bytes());
                out.extend([u8::from(*is_exact), *skip]);
                out.extend(bytes);
                out
            }
        }
    }

    /// Reads what [`Entry::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input(bytes);
        let [version, kind] = input.take("version")?;
        if !(FIRST_VERSION..=VERSION).contains(&version) {
            return Err(EntryError::Newer(version));
        }
        let at = WallMs(i64::from_le_bytes(input.take("time")?));
        let entry = match kind {
            1 => {
                let [skip] = input.take("skip")?;
                Self::Frame {
                    at,
                    skip,
                    bytes: input.rest(),
                }
            }
            2 => Self::Tick { at },
            3 => Self::Change {
                at,
                id: i64::from_le_bytes(input.take("change")?),
            },
            4 => input.gone(at)?,
            5 => {
                let reason = match input.take("reason")? {
                    [1] => RefusalReason::NewerVersion,
                    [2] => RefusalReason::Undecodable,
                    _ => return Err(EntryError::Malformed("reason")),
                };
                Self::Refused {
                    at,
                    reason,
                    bytes: input.rest(),
                }
            }
            6 => input.dated(at)?,
            _ => return Err(EntryError::Malformed("kind")),
        };
        if input.0.is_empty() {
            Ok(entry)
        } else {
            Err(EntryError::Malformed("length"))
        }
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], EntryError> {
        let (head, tail) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(EntryError::Malformed(field))?;
        self.0 = tail;
        Ok(*head)
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_vec()
    }

    fn dated(&mut self, at: WallMs) -> Result<Entry, EntryError> {
        Ok(Entry::Dated {
            at,
            received: WallMs(i64::from_le_bytes(self.take("received")?)),
            frame: u64::from_le_bytes(self.take("frame")?),
            boot: Boot(u32::from_le_bytes(self.take("boot")?)),
            zero: WallMs(i64::from_le_bytes(self.take("zero")?)),
            is_exact: match self.take("exact")? {
                [0] => false,
                [1] => true,
                _ => return Err(EntryError::Malformed("exact")),
            },
            skip: u8::from_le_bytes(self.take("skip")?),
            bytes: self.rest(),
        })
    }

    fn gone(&mut self, at: WallMs) -> Result<Entry, EntryError> {
        let malformed = || EntryError::Malformed("gone");
        let [length] = self.take("gateway")?;
        let (name, tail) = self
            .0
            .split_at_checked(usize::from(length))
            .ok_or_else(malformed)?;
        self.0 = tail;
        let name = std::str::from_utf8(name).map_err(|_| malformed())?;
        let gateway = GatewayId::new(name).map_err(|_| malformed())?;
        let epoch = Epoch(u64::from_le_bytes(self.take("epoch")?));
        let mut sequence = |field| {
            let number = u64::from_le_bytes(self.take(field)?);
            Sequence::new(number).ok_or(EntryError::Malformed(field))
        };
        let (from, to) = (sequence("from")?, sequence("to")?);
        Ok(Entry::Gone {
            at,
            gateway,
            epoch,
            from,
            to,
        })
    }
}

#[cfg(test)]
mod tests;
