//! Whatever bytes come over the broker: they are refused, or they mean something, and what they
//! mean survives being written and read again.
//!
//! The first byte of an input chooses the message, the rest is its bytes. An up frame is tried
//! twice: as it is, and sealed, that is, put together from a header and a body with the right
//! checksums, which no fuzzer finds by chance.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use veglia_wire::frame::crc32c;
use veglia_wire::{Ack, Command, FrameHeader, Hello, Record, State, Topic, UpFrame};

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, bytes)) = input.split_first() else {
        return Corpus::Reject;
    };
    match kind % 8 {
        0 => frame(bytes),
        1 => sealed(bytes),
        2 => again(bytes, Hello::decode, Hello::encode),
        3 => again(bytes, Ack::decode, Ack::encode),
        4 => again(bytes, State::decode, State::encode),
        5 => again(bytes, Command::decode, Command::encode),
        6 => again(bytes, Record::decode, Record::encode),
        _ => topic(bytes),
    }
    Corpus::Keep
});

/// What decodes must encode to bytes that decode to the same.
fn again<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    if let Ok(message) = decode(bytes) {
        let read_again = decode(&encode(&message)).expect("our own bytes");
        assert_eq!(read_again, message);
    }
}

fn frame(bytes: &[u8]) {
    let header = FrameHeader::peek(bytes);
    if let Ok(frame) = UpFrame::decode(bytes) {
        assert_eq!(header.as_ref(), Ok(&frame.header));
        assert_eq!(frame.records.len(), usize::from(frame.header.count));
        let again = frame.encode().expect("what fitted fits");
        assert_eq!(UpFrame::decode(&again), Ok(frame));
    }
}

/// The first byte says where the header ends.
fn sealed(bytes: &[u8]) {
    let Some((end, bytes)) = bytes.split_first() else {
        return;
    };
    let (header, body) = bytes.split_at(usize::from(*end).min(bytes.len()));
    let mut whole = vec![0x84];
    for part in [header, body] {
        let Ok(length) = u16::try_from(part.len()) else {
            return;
        };
        whole.push(0x59);
        whole.extend(length.to_be_bytes());
        whole.extend(part);
        whole.push(0x1a);
        whole.extend(crc32c(part).to_be_bytes());
    }
    frame(&whole);
}

fn topic(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(topic) = text.parse::<Topic>() {
        assert_eq!(topic.to_string(), text);
    }
}
