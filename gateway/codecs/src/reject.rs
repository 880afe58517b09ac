//! Bytes that were not a frame: why, which, and where.

use alloc::vec::Vec;

use thiserror::Error;
use veglia_firmware_core::{DecodeError, Field};

/// Most bytes one reject carries. Longer noise makes several rejects: a line at the wrong speed
/// must not grow memory, and 64 bytes are enough to recognise what it was.
pub const MAX_REJECT_BYTES: usize = 64;

/// Bytes that were not a frame.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} ({} bytes at offset {offset})", bytes.len())]
pub struct Reject {
    /// Why they were refused.
    pub reason: RejectReason,
    /// The bytes themselves, at most [`MAX_REJECT_BYTES`].
    pub bytes: Vec<u8>,
    /// Bytes between the start of the stream (or its last reset) and the first of these.
    pub offset: u64,
}

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RejectReason {
    /// They do not have the shape of a frame.
    #[error("noise: these bytes do not have the shape of a frame; check cable and line speed")]
    Noise,
    /// One frame alone, in a protocol without a checksum, after the step was lost.
    #[error("one frame alone is not believed: no second one followed to confirm it")]
    Unconfirmed,
    /// The frames of a packet that belong together did not come on end.
    #[error("part of a packet whose rest did not follow; check the cable")]
    Incomplete,
    /// A bit or code that the standard keeps for later is in use: it may say that the number
    /// beside it is worthless.
    #[error("a bit or code that is reserved is in use; update the gateway")]
    Reserved,
    /// The checksum does not agree.
    #[error("the checksum does not agree with the frame; check the cable")]
    BadCrc,
    /// The frame has not the length of its kind.
    #[error("the frame has not the length of its kind")]
    BadLength,
    /// A version this reader does not know.
    #[error("frame version {version} is unknown; update the gateway")]
    UnknownVersion {
        /// The version claimed.
        version: u8,
    },
    /// A kind this reader does not know.
    #[error("frame kind {kind} is unknown; update the gateway")]
    UnknownKind {
        /// The kind claimed.
        kind: u8,
    },
    /// A field holds what no such device can mean.
    #[error("the {field} lies outside what the device can mean")]
    OutOfRange {
        /// Which field.
        field: Field,
    },
    /// A recorded file, or a part of it, is damaged.
    #[error("{0}")]
    File(FileFault),
}

/// What is wrong with a recorded file, or with a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FileFault {
    /// No date that is one.
    #[error("the header holds no date, so nobody can know when this was measured; fetch it again")]
    NoDate,
    /// No interval between samples follows from the header.
    #[error(
        "length and duration in the header fit no interval, so nobody can know when this was \
         measured; fetch it again"
    )]
    NoInterval,
    /// A sample that is written twice reads differently.
    #[error("the two copies of this sample differ, so neither is believed")]
    CopiesDiffer,
    /// The file ends before its header or in a sample.
    #[error("the file ends before it should; fetch it again")]
    Torn,
    /// Bytes behind the end that the header states.
    #[error("these bytes stand behind the end that the header states")]
    BehindTheEnd,
}

impl From<DecodeError> for RejectReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Framing => Self::Noise,
            DecodeError::Crc => Self::BadCrc,
            DecodeError::Length => Self::BadLength,
            DecodeError::Version { version } => Self::UnknownVersion { version },
            DecodeError::Kind { kind } => Self::UnknownKind { kind },
            DecodeError::OutOfRange { field } => Self::OutOfRange { field },
        }
    }
}
