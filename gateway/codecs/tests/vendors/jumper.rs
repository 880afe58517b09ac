//! Jumper's oximeter: one published value, and the markers of all its readers.

use veglia_codecs::jumper::Frame as Said;
use veglia_codecs::{Frame, Protocol, RejectReason};

use crate::{ON, SEARCHING, all, contact, good, hex, one, readings, reasons};

#[test]
fn the_published_value_has_the_pulse_first() {
    let frame = one(Protocol::Jumper, &hex("81386344"));
    let expected = Said::Values {
        pulse: 56,
        spo2: 99,
        perfusion_tenths: 68,
    };
    assert_eq!(frame, Frame::Jumper(expected));
    assert_eq!(
        (contact(frame), readings(frame)),
        (ON, good(99, 56).to_vec())
    );
}

#[test]
fn every_readers_marker_is_no_number() {
    for value in [
        "81ff7f00", "81ff6344", "81387f44", "8138b144", "81386300", "81380044",
    ] {
        let frame = one(Protocol::Jumper, &hex(value));
        assert_eq!(
            (contact(frame), readings(frame)),
            (SEARCHING, vec![]),
            "{value}"
        );
    }
}

#[test]
fn wave_and_idle_values_say_nothing_and_are_no_rejects() {
    for value in ["80", "800102030405060708090a", "2d2d2d2d2d2d2d2d"] {
        let frame = one(Protocol::Jumper, &hex(value));
        assert_eq!((contact(frame), readings(frame)), (None, vec![]), "{value}");
    }
}

#[test]
fn other_values_are_refused_and_never_searched_for_numbers() {
    let table = [
        ("813863", RejectReason::BadLength),
        ("8138634400", RejectReason::BadLength),
        ("63386344", RejectReason::Noise),
        ("", RejectReason::Noise),
    ];
    for (value, reason) in table {
        assert_eq!(
            reasons(&all(Protocol::Jumper, &hex(value))),
            [reason],
            "{value}"
        );
    }
}
