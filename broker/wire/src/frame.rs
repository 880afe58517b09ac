//! The frame that goes up: a header that can be read even when the rest is damaged, and a body of
//! records in columns. Each half has its own CRC-32C, because a damaged body must still say whose
//! it was and which sequences it held.
//!
//! The five keys of the header keep their meaning in every version. So a reader that meets a newer
//! frame still knows whose it is and which sequences it holds, and can answer that it refuses it.
//!
//! Limits: [`MAX_RECORDS`] records, [`MAX_FRAME_BYTES`] bytes.

use alloc::vec::Vec;

use crc::{CRC_32_ISCSI, Crc, Table};

use crate::body;
use crate::cbor::{DecodeError, Reader, Writer};
use crate::ids::{Epoch, GatewayId, MAX_ID_CHARS, RecordId, Sequence};
use crate::record::Record;
use crate::time::{ClockState, WallMs};

/// Records in a frame. 128 make a frame of one to two kilobytes: large enough that the header
/// does not count, small enough that losing and repeating one costs nothing.
pub const MAX_RECORDS: usize = 128;

/// Bytes of a frame. The worst 128 records (each with its own device of 64 characters) need about
/// 14 KiB; 16 KiB also bounds what a broker must hold for one client.
pub const MAX_FRAME_BYTES: usize = 16 * 1024;

/// The version of the format written here, and the newest read.
pub const VERSION: u64 = 1;

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// CRC-32C as frames and the journal's neighbours use it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Whose frame, and which sequences it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameHeader {
    /// The gateway that made it.
    pub gateway: GatewayId,
    /// The outbox life.
    pub epoch: Epoch,
    /// Sequence of the first record.
    pub first: Sequence,
    /// How many records, 1 to [`MAX_RECORDS`]; their sequences follow each other.
    pub count: u8,
}

impl FrameHeader {
    /// Sequence of the last record.
    pub fn last(&self) -> Sequence {
        self.first.plus(u64::from(self.count.saturating_sub(1)))
    }
}

/// Records on their way to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpFrame {
    /// Whose, and which sequences.
    pub header: FrameHeader,
    /// Wall time of the gateway when it made the frame, if it knew it.
    pub sent_at: Option<WallMs>,
    /// What the gateway knows of the wall time.
    pub clock: ClockState,
    /// `header.count` records.
    pub records: Vec<Record>,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is over the limit of {MAX_FRAME_BYTES}")]
    TooLarge(usize),
    /// Not even the header can be read: nobody knows whose it is.
    #[error("the frame's header cannot be read")]
    Header(#[source] DecodeError),
    /// The header was damaged on the way.
    #[error("the frame's header is damaged (CRC {found:08x}, computed {computed:08x})")]
    HeaderCrc {
        /// The CRC in the frame.
        found: u32,
        /// The CRC of the bytes.
        computed: u32,
    },
    /// The body was damaged on the way; the header stands.
    #[error("the frame's body is damaged (CRC {found:08x}, computed {computed:08x})")]
    BodyCrc {
        /// The header, which is sound.
        header: FrameHeader,
        /// The CRC in the frame.
        found: u32,
        /// The CRC of the bytes.
        computed: u32,
    },
    /// The body arrived as it was sent and still says nothing sensible.
    #[error("the frame's body is undamaged but cannot be understood")]
    Body {
        /// The header, which is sound.
        header: FrameHeader,
        /// Why not.
        #[source]
        source: DecodeError,
    },
    /// A frame to be written holds no records, too many, or another number than its header says.
    #[error("a frame holds 1 to {MAX_RECORDS} records and its header counts them; this one {0}")]
    Count(usize),
}

impl UpFrame {
    /// The frame's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let count = self.records.len();
        if count == 0 || count > MAX_RECORDS || count != usize::from(self.header.count) {
            return Err(FrameError::Count(count));
        }
        let header = self.header.encode();
        let body = body::encode(self);
        let mut out = Writer::new();
        out.array(4);
        out.bytes(&header);
        out.uint(u64::from(crc32c(&header)));
        out.bytes(&body);
        out.uint(u64::from(crc32c(&body)));
        let bytes = out.finish();
        if bytes.len() > MAX_FRAME_BYTES {
            Err(FrameError::TooLarge(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    /// Reads a frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(bytes.len()));
        }
        let mut input = Reader::new(bytes);
        let (header, version) = FrameHeader::read(&mut input)?;
        let in_body = |source| FrameError::Body {
            header: header.clone(),
            source,
        };
        let body = input.bytes("body", MAX_FRAME_BYTES).map_err(in_body)?;
        let found = read_crc(&mut input, "body CRC").map_err(in_body)?;
        input.end("frame").map_err(in_body)?;
        let computed = crc32c(&body);
        if found != computed {
            return Err(FrameError::BodyCrc {
                header,
                found,
                computed,
            });
        }
        if version > VERSION {
            return Err(in_body(DecodeError::NewerVersion {
                field: "the frame",
                found: version,
                known: VERSION,
            }));
        }
        body::decode(&header, &body).map_err(in_body)
    }

    /// The records with their names.
    pub fn into_numbered(self) -> impl Iterator<Item = (RecordId, Record)> {
        let FrameHeader { epoch, first, .. } = self.header;
        (0..).zip(self.records).map(move |(place, record)| {
            (
                RecordId {
                    epoch,
                    sequence: first.plus(place),
                },
                record,
            )
        })
    }
}

fn read_crc(input: &mut Reader<'_>, field: &'static str) -> Result<u32, DecodeError> {
    let value = input.uint_to(field, u64::from(u32::MAX), "a 32-bit number")?;
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

impl FrameHeader {
    /// Reads only the header of a frame, of any version, which suffices to de-duplicate it.
    pub fn peek(bytes: &[u8]) -> Result<Self, FrameError> {
        Self::read(&mut Reader::new(bytes)).map(|(header, _)| header)
    }

    /// The header and the version of the frame.
    fn read(input: &mut Reader<'_>) -> Result<(Self, u64), FrameError> {
        let parts = input
            .array("frame", 4, "four parts")
            .map_err(FrameError::Header)?;
        if parts != 4 {
            let source = DecodeError::Type {
                field: "frame",
                expected: "an array of four parts",
            };
            return Err(FrameError::Header(source));
        }
        let header = input
            .bytes("header", MAX_FRAME_BYTES)
            .map_err(FrameError::Header)?;
        let found = read_crc(input, "header CRC").map_err(FrameError::Header)?;
        let computed = crc32c(&header);
        if found != computed {
            return Err(FrameError::HeaderCrc { found, computed });
        }
        Self::decode(&header).map_err(FrameError::Header)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.map(5);
        out.uint(1);
        out.uint(VERSION);
        out.uint(2);
        out.text(self.gateway.as_str());
        out.uint(3);
        out.uint(self.epoch.0);
        out.uint(4);
        out.uint(self.first.get());
        out.uint(5);
        out.uint(u64::from(self.count));
        out.finish()
    }

    /// A newer header may have more keys behind the five.
    fn decode(bytes: &[u8]) -> Result<(Self, u64), DecodeError> {
        let mut input = Reader::new(bytes);
        let pairs = input.map_of_any_version("header")?;
        input.key("version", 1)?;
        let version = input.uint("version")?;
        if version <= VERSION {
            input.has("header", pairs, 5)?;
        }
        input.key("gateway", 2)?;
        let gateway = GatewayId::new(&input.text("gateway", MAX_ID_CHARS)?).map_err(|source| {
            DecodeError::Id {
                field: "gateway",
                source,
            }
        })?;
        input.key("epoch", 3)?;
        let epoch = Epoch(input.uint("epoch")?);
        input.key("first", 4)?;
        let first = Sequence::new(input.uint("first")?).ok_or(DecodeError::Range {
            field: "first",
            value: 0,
            allowed: "1 and more",
        })?;
        input.key("count", 5)?;
        let count = input.uint("count")?;
        let count = u8::try_from(count)
            .ok()
            .filter(|count| (1..=MAX_RECORDS).contains(&usize::from(*count)))
            .ok_or(DecodeError::Range {
                field: "count",
                value: i128::from(count),
                allowed: "1 to 128",
            })?;
        if version <= VERSION {
            input.end("header")?;
        }
        let header = Self {
            gateway,
            epoch,
            first,
            count,
        };
        Ok((header, version))
    }
}
