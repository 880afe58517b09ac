//! Contec's older oximeters, live and recorded. The bytes were written by hand from the layout in
//! the module's header.

use veglia_codecs::contec::{Flags, Frame as Said, Live, encode};
use veglia_codecs::{Frame, Parity, Protocol};
use veglia_wire::{Quality, VitalKind};

use crate::{
    OFF, ON, SEARCHING, UNMEASURABLE, all, contact, frames, good, hex, readings, reasons, time,
};

fn live(spo2: Option<u8>, pulse: Option<u8>, flags: Flags) -> Frame {
    Frame::Contec(Said::Live(Live {
        spo2,
        pulse,
        signal: 4,
        pleth: 60,
        bar: 7,
        flags,
    }))
}

#[test]
fn the_live_layout_has_golden_bytes() {
    let golden = [
        ("843c074861", live(Some(97), Some(72), Flags::empty())),
        ("c43c470c5a", live(Some(90), Some(140), Flags::BEEP)),
        ("943c477f7f", live(None, None, Flags::FINGER_OUT)),
        ("a43c074858", live(Some(88), Some(72), Flags::FALLING_SPO2)),
        ("843c174861", live(Some(97), Some(72), Flags::PROBE_ERROR)),
        ("843c274861", live(Some(97), Some(72), Flags::SEARCHING)),
    ];
    for (bytes, frame) in golden {
        let heard = frames(&all(Protocol::Contec, &hex(bytes).repeat(8)));
        assert_eq!(heard, [frame; 8], "{bytes}");
        assert_eq!(veglia_codecs::encode(&frame), hex(bytes));
    }
}

#[test]
fn the_line_has_odd_parity() {
    let line = Protocol::Contec.line().unwrap();
    assert_eq!((line.baud, line.parity), (19_200, Parity::Odd));
}

#[test]
fn the_flags_mean_what_they_mean_here_and_not_at_berrymed() {
    let table = [
        (Flags::FINGER_OUT, OFF),
        (Flags::PROBE_ERROR, UNMEASURABLE),
        (Flags::SEARCHING, SEARCHING),
        (Flags::FINGER_OUT | Flags::SEARCHING, OFF),
    ];
    for (flags, expected) in table {
        let frame = live(Some(97), Some(72), flags);
        assert_eq!(contact(frame), expected, "{flags:?}");
        assert_eq!(readings(frame), [], "{flags:?}");
    }
    // The bit that is an unplugged probe there is a falling saturation here: just what counts.
    let falling = live(Some(84), Some(120), Flags::FALLING_SPO2);
    assert_eq!(
        (contact(falling), readings(falling)),
        (ON, good(84, 120).to_vec())
    );
    let same = hex("a43c077854").repeat(8);
    let there = frames(&all(Protocol::Bci, &same))[0];
    assert_eq!((contact(there), readings(there)), (OFF, vec![]));
}

#[test]
fn a_recording_is_told_without_a_time_and_marked_with_that() {
    let mut dump = hex("f28000 f28000 f28000 80801a");
    dump.extend(hex(
        "f0c861 f0c960 f0ca5f f18c5a f1ff7f f0cb5e f0cc5d f0cd5c f0ce5b",
    ));
    let answers = all(Protocol::Contec, &dump);
    assert_eq!(reasons(&answers), []);
    let heard = frames(&answers);
    let opening = Said::Recording {
        start: [0x80, 0],
        length: [0x80, 0x80, 0x1A],
    };
    assert_eq!(heard[0], Frame::Contec(opening));
    assert_eq!(heard.len(), 10);
    let retold: Vec<u8> = heard.iter().flat_map(veglia_codecs::encode).collect();
    assert_eq!(retold, dump);

    let undated = Quality::FROM_STORAGE | Quality::TIME_UNCERTAIN;
    assert!(
        !undated.is_clean(),
        "a reading without a time is never scored"
    );
    let first = (VitalKind::SpO2, 970, undated);
    assert_eq!(
        readings(heard[1]),
        [first, (VitalKind::Pulse, 720, undated)]
    );
    let fast = (VitalKind::SpO2, 900, undated);
    assert_eq!(
        readings(heard[4]),
        [fast, (VitalKind::Pulse, 1400, undated)]
    );
    assert_eq!(readings(heard[5]), [], "255 and 127 are none");
    for frame in heard {
        assert_eq!((time(frame), contact(frame)), (None, None));
    }
}

#[test]
fn the_wish_for_a_recording_does_not_break_the_live_stream() {
    let mut stream = hex("843c074861").repeat(8);
    stream.extend(encode(&Said::Recording {
        start: [9, 41],
        length: [0x80, 0x80, 2],
    }));
    stream.extend(hex("f0c861"));
    stream.extend(hex("843c074861").repeat(2));
    let answers = all(Protocol::Contec, &stream);
    assert_eq!((frames(&answers).len(), reasons(&answers)), (12, vec![]));
}
