//! BerryMed's oximeters. The bytes were written by hand from the layout in the module's header.

use veglia_codecs::bci::{Flags, Frame as Hundredth, encode};
use veglia_codecs::{Frame, Protocol, RejectReason};

use crate::{OFF, ON, SEARCHING, all, contact, frames, good, hex, readings, reasons};

fn hundredth(spo2: Option<u8>, pulse: Option<u8>, flags: Flags) -> Hundredth {
    Hundredth {
        spo2,
        pulse,
        signal: 5,
        pleth: 60,
        bar: 7,
        flags,
    }
}

#[test]
fn the_layout_has_golden_bytes() {
    let golden = [
        ("853c074861", hundredth(Some(97), Some(72), Flags::empty())),
        ("c53c470c5a", hundredth(Some(90), Some(140), Flags::BEEP)),
        ("953c477f7f", hundredth(None, None, Flags::NO_SIGNAL)),
        (
            "a53c077f7f",
            hundredth(None, Some(127), Flags::PROBE_UNPLUGGED),
        ),
        (
            "853c174861",
            hundredth(Some(97), Some(72), Flags::NO_FINGER),
        ),
        (
            "853c274861",
            hundredth(Some(97), Some(72), Flags::SEARCHING),
        ),
    ];
    for (bytes, frame) in golden {
        assert_eq!(encode(&frame).to_vec(), hex(bytes), "{bytes}");
        let heard = frames(&all(Protocol::Bci, &hex(bytes).repeat(8)));
        assert_eq!(heard, [Frame::Bci(frame); 8], "{bytes}");
    }
}

#[test]
fn a_finger_on_the_probe_makes_both_numbers() {
    let frame = Frame::Bci(hundredth(Some(97), Some(172), Flags::BEEP));
    assert_eq!(contact(frame), ON);
    assert_eq!(readings(frame), good(97, 172));
}

#[test]
fn every_flag_that_says_so_keeps_the_numbers_back() {
    let table = [
        (Flags::NO_FINGER, OFF),
        (Flags::PROBE_UNPLUGGED, OFF),
        (Flags::NO_SIGNAL, SEARCHING),
        (Flags::SEARCHING, SEARCHING),
        (Flags::NO_FINGER | Flags::SEARCHING, OFF),
    ];
    for (flags, expected) in table {
        let frame = Frame::Bci(hundredth(Some(97), Some(72), flags));
        assert_eq!(contact(frame), expected, "{flags:?}");
        assert_eq!(readings(frame), [], "{flags:?}");
    }
}

#[test]
fn the_markers_are_no_numbers() {
    let none = Frame::Bci(hundredth(None, None, Flags::empty()));
    assert_eq!((contact(none), readings(none)), (SEARCHING, vec![]));
    let zero = Frame::Bci(hundredth(Some(0), Some(0), Flags::empty()));
    assert_eq!((contact(zero), readings(zero)), (SEARCHING, vec![]));
}

#[test]
fn seven_frames_on_end_are_not_believed_and_eight_are() {
    let frame = hex("853c074861");
    let seven = all(Protocol::Bci, &frame.repeat(7));
    assert_eq!(frames(&seven), []);
    assert_eq!(reasons(&seven), [RejectReason::Unconfirmed; 7]);
    assert_eq!(frames(&all(Protocol::Bci, &frame.repeat(8))).len(), 8);
}

#[test]
fn white_noise_makes_no_reading_in_an_hour() {
    // Five million bytes, as a line at the wrong speed would give them.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut decoder = Protocol::Bci.decoder();
    let mut out = Vec::new();
    for _ in 0..100 {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(50_000)
        .collect();
        decoder.push(&noise, &mut out);
        assert_eq!(frames(&out), []);
        out.clear();
    }
}

#[test]
fn a_saturation_no_oximeter_can_mean_loses_the_step() {
    let mut stream = hex("853c074861").repeat(8);
    stream.extend(hex("853c074878"));
    stream.extend(hex("853c074861").repeat(8));
    let answers = all(Protocol::Bci, &stream);
    assert_eq!(frames(&answers).len(), 16);
    assert!(matches!(
        reasons(&answers)[..],
        [RejectReason::OutOfRange { .. }]
    ));
}
