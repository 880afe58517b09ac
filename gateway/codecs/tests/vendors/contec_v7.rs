//! Contec's newer oximeters. The bytes were written by hand from the layout in the module's header.

use veglia_codecs::contec_v7::{Flags, Frame as Packet, decode, encode};
use veglia_codecs::{Frame, Protocol, RejectReason};

use crate::{ON, SEARCHING, UNMEASURABLE, all, contact, frames, good, hex, readings};

fn packet(spo2: Option<u8>, pulse: Option<u8>, flags: Flags) -> Packet {
    Packet {
        spo2,
        pulse,
        perfusion_hundredths: Some(570),
        signal: 5,
        pleth: 60,
        bar: 7,
        flags,
    }
}

#[test]
fn the_layout_has_golden_bytes() {
    let nothing = Packet {
        perfusion_hundredths: None,
        signal: 0,
        pleth: 0,
        bar: 0,
        ..packet(None, None, Flags::SEARCHING | Flags::PERFUSION_INVALID)
    };
    let golden = [
        // 570 is 3A 02.
        (
            "0180 85bc87c8e1ba82",
            packet(Some(97), Some(72), Flags::empty()),
        ),
        // The top bits of pulse 172 (data byte 3) and of "probe error" (byte 0).
        (
            "0189 85bc87ace1ba82",
            packet(Some(97), Some(172), Flags::PROBE_ERROR),
        ),
        ("01ea 808090ffffffff", nothing),
    ];
    for (bytes, frame) in golden {
        assert_eq!(encode(&frame).to_vec(), hex(bytes), "{bytes}");
        assert_eq!(decode(hex(bytes).try_into().unwrap()), Ok(frame), "{bytes}");
    }
}

#[test]
fn a_misplaced_top_bit_or_another_type_is_noise() {
    let sound = encode(&packet(Some(97), Some(72), Flags::empty()));
    for place in 1..9 {
        let mut torn = sound;
        torn[place] &= 0x7F;
        assert_eq!(decode(torn), Err(RejectReason::Noise), "byte {place}");
    }
    let mut other = sound;
    other[0] = 0x0F;
    assert_eq!(decode(other), Err(RejectReason::Noise));
}

#[test]
fn a_finger_makes_both_numbers_and_the_flags_keep_them_back() {
    let frame = Frame::ContecV7(packet(Some(97), Some(172), Flags::LOW_SPO2 | Flags::BEEP));
    assert_eq!(
        (contact(frame), readings(frame)),
        (ON, good(97, 172).to_vec())
    );
    let table = [
        (Flags::PROBE_ERROR, UNMEASURABLE),
        (Flags::SEARCHING, SEARCHING),
        (Flags::SEARCHING_TOO_LONG, SEARCHING),
    ];
    for (flags, expected) in table {
        let frame = Frame::ContecV7(packet(Some(97), Some(72), flags));
        assert_eq!(
            (contact(frame), readings(frame)),
            (expected, vec![]),
            "{flags:?}"
        );
    }
    let none = Frame::ContecV7(packet(None, None, Flags::empty()));
    assert_eq!((contact(none), readings(none)), (SEARCHING, vec![]));
}

#[test]
fn it_is_asked_to_speak_and_kept_speaking() {
    assert_eq!(Protocol::ContecV7.greeting(), [hex("7d81a1808080808080")]);
    let keep = Protocol::ContecV7.keep_alive().unwrap();
    assert_eq!(keep.bytes, hex("7d81af808080808080"));
    assert!(keep.every_ms < 5_000);
}

#[test]
fn its_own_echo_is_not_a_packet() {
    let mut stream = hex("7d81a1808080808080");
    let sound = packet(Some(97), Some(72), Flags::empty());
    stream.extend(encode(&sound).repeat(2));
    let heard = frames(&all(Protocol::ContecV7, &stream));
    assert_eq!(heard, [Frame::ContecV7(sound); 2]);
}
