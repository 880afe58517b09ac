//! ChoiceMMed's oximeters: the layout of two readers of one model.

use veglia_codecs::{Frame, Protocol, RejectReason, choicemmed};

use crate::{ON, SEARCHING, all, contact, good, hex, one, readings, reasons};

#[test]
fn a_second_makes_both_numbers_and_no_breaths() {
    let frame = one(Protocol::ChoiceMmed, &hex("3e6100480010200000000036f0"));
    let Frame::ChoiceMmed(choicemmed::Frame::Values {
        breaths,
        perfusion_tenths,
        ..
    }) = frame
    else {
        panic!("{frame:?} holds no values");
    };
    assert_eq!((breaths, perfusion_tenths), (16, 54));
    assert_eq!(
        (contact(frame), readings(frame)),
        (ON, good(97, 72).to_vec())
    );
}

#[test]
fn the_markers_are_no_numbers() {
    for spo2 in ["7f", "00"] {
        let frame = one(
            Protocol::ChoiceMmed,
            &hex(&format!("3e{spo2}00000000200000000000f0")),
        );
        assert_eq!(
            (contact(frame), readings(frame)),
            (SEARCHING, vec![]),
            "{spo2}"
        );
    }
}

#[test]
fn a_byte_that_was_always_zero_and_is_not_takes_its_number_away() {
    let frame = one(Protocol::ChoiceMmed, &hex("3e6101480010200000000036f0"));
    assert_eq!((contact(frame), readings(frame)), (SEARCHING, vec![]));
    let frame = one(Protocol::ChoiceMmed, &hex("3e6100480110200000000036f0"));
    assert_eq!(
        (contact(frame), readings(frame)),
        (ON, good(97, 72)[..1].to_vec())
    );
}

#[test]
fn the_wave_says_nothing_and_other_values_are_refused() {
    let wave = one(Protocol::ChoiceMmed, &hex("0155"));
    assert_eq!((contact(wave), readings(wave)), (None, vec![]));
    let table = [
        ("01", RejectReason::BadLength),
        ("3e6100480010200000000036", RejectReason::BadLength),
        ("3e6100480010200000000036f1", RejectReason::BadLength),
        ("6100", RejectReason::Noise),
    ];
    for (value, reason) in table {
        assert_eq!(
            reasons(&all(Protocol::ChoiceMmed, &hex(value))),
            [reason],
            "{value}"
        );
    }
}

#[test]
fn both_characteristics_are_listened_to() {
    let gatt = Protocol::ChoiceMmed.gatt().unwrap();
    let listen: Vec<String> = gatt.listen.iter().map(ToString::to_string).collect();
    assert!(listen[0].starts_with("0000fff0-") && listen[1].starts_with("0000fff1-"));
    let shared = Protocol::Pc60Fw.gatt().unwrap();
    assert_eq!(gatt.service, shared.service);
    assert!(!gatt.name_prefixes.is_empty() && !shared.name_prefixes.is_empty());
}
