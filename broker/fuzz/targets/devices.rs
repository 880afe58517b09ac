//! Whatever a device says, or noise on its line: no decoder panics, the pieces do not matter, and
//! no frame is handed out that did not stand on the wire.
//!
//! The first byte of an input chooses the protocol by its place in [`Protocol::ALL`], or 255 the
//! fetching of a ring's recordings; the rest is the line. Where a push is a whole value, the byte
//! before each says how long it is. The seeds are the protocols' own samples, and are written anew
//! when there is another protocol: see `gateway/codecs/tests/seeds.rs`.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use veglia_codecs::o2ring::Download;
use veglia_codecs::{
    Frame, Framing, MAX_REJECT_BYTES, Observation, Protocol, Reject, encode, observe,
};
use veglia_wire::Contact;

/// Those of which the bytes of a frame are not all there is, or more: idle zeros, names that are
/// passed over, a copy that was torn off.
const NOT_RETOLD: [Protocol; 3] = [Protocol::Node, Protocol::Masimo, Protocol::O2RingFile];

type Answers = Vec<Result<Frame, Reject>>;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((first, line)) = input.split_first() else {
        return Corpus::Reject;
    };
    if *first == u8::MAX {
        fetch(line);
        return Corpus::Keep;
    }
    let Some(protocol) = Protocol::ALL.get(usize::from(*first)) else {
        return Corpus::Reject;
    };
    match protocol.framing() {
        Framing::Stream => stream(*protocol, line),
        Framing::Packets => values(*protocol, line),
    }
    Corpus::Keep
});

fn stream(protocol: Protocol, line: &[u8]) {
    let answers = heard(protocol, line.chunks(line.len().max(1)));
    for piece in [1, 7] {
        assert_eq!(
            heard(protocol, line.chunks(piece)),
            answers,
            "{protocol} in pieces of {piece}"
        );
    }
    let mut told = Vec::new();
    for answer in &answers {
        match answer {
            Ok(frame) => told.extend(checked(protocol, frame)),
            Err(reject) => {
                let from = usize::try_from(reject.offset).expect("a short line");
                assert_eq!(
                    line.get(from..from + reject.bytes.len()),
                    Some(&reject.bytes[..])
                );
                assert!((1..=MAX_REJECT_BYTES).contains(&reject.bytes.len()));
                told.extend(&reject.bytes);
            }
        }
    }
    if !NOT_RETOLD.contains(&protocol) {
        assert_eq!(told, line, "{protocol}");
    }
}

fn values(protocol: Protocol, mut line: &[u8]) {
    let mut decoder = protocol.decoder();
    while let Some((len, rest)) = line.split_first() {
        let (value, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        line = rest;
        let mut out = Vec::new();
        decoder.push(value, &mut out);
        assert_eq!(out.len(), 1, "{protocol}: one answer to a value");
        if let Ok(frame) = &out[0] {
            assert_eq!(checked(protocol, frame), value, "{protocol}");
        }
    }
}

/// Whatever a ring answers, its files are asked for in an order that ends.
fn fetch(line: &[u8]) {
    let (mut download, _) = Download::start();
    for piece in line.chunks(20) {
        if download.is_done() {
            break;
        }
        download.hear(piece, |_| true);
    }
    drop(download.abandon());
}

fn heard<'a>(protocol: Protocol, pieces: impl Iterator<Item = &'a [u8]>) -> Answers {
    let mut decoder = protocol.decoder();
    let mut out = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut out);
    }
    decoder.finish(&mut out);
    out
}

/// The bytes of a frame that says nothing of a sensor that is off.
fn checked(protocol: Protocol, frame: &Frame) -> Vec<u8> {
    assert_eq!(frame.protocol(), protocol);
    let said = observe(frame);
    let is_off = |said: &Observation| matches!(said, Observation::Contact(_, Contact::Off));
    let is_number = |said: &Observation| matches!(said, Observation::Reading(..));
    assert!(
        !(said.iter().any(is_off) && said.iter().any(is_number)),
        "{frame:?} says {said:?}"
    );
    encode(frame)
}
