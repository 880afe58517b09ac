//! Contec over Bluetooth: three frames that were published.

use veglia_codecs::contec_ble::Frame as Said;
use veglia_codecs::{Frame, Protocol, RejectReason, Uuid, encode};

use crate::{ON, SEARCHING, all, contact, frames, good, hex, readings, reasons};

fn values(pulse: u8, spo2: u8) -> Frame {
    Frame::ContecBle(Said::Values {
        state: 4,
        pulse,
        spo2,
        rest: [0x7F, 0],
    })
}

#[test]
fn the_published_frames_are_read_and_their_checksums_fit() {
    // OxiVis issue 2, twice; captured live from an EMAY SleepO2.
    let stream = hex("eb010453637f0025 eb000348093f eb01053e5f7f000d");
    let answers = all(Protocol::ContecBle, &stream);
    assert_eq!(reasons(&answers), []);
    let emay = Said::Values {
        state: 5,
        pulse: 62,
        spo2: 95,
        rest: [0x7F, 0],
    };
    let wave = Frame::ContecBle(Said::Wave([3, 0x48, 9]));
    assert_eq!(
        frames(&answers),
        [values(83, 99), wave, Frame::ContecBle(emay)]
    );
    assert_eq!(readings(values(83, 99)), good(99, 83));
    assert_eq!((contact(values(83, 99)), contact(wave)), (ON, None));
}

#[test]
fn the_eighth_bit_of_the_pulse_stands_apart() {
    let fast = encode(&values(140, 92));
    assert_eq!(fast[2..4], [0x06, 0x0C]);
    let heard = frames(&all(Protocol::ContecBle, &fast.repeat(2)));
    assert_eq!(readings(heard[0]), good(92, 140), "and not a pulse of 12");
}

#[test]
fn without_a_finger_there_is_no_number() {
    for frame in [
        values(255, 127),
        values(72, 127),
        values(0, 0),
        values(72, 0),
    ] {
        assert_eq!(contact(frame), SEARCHING);
        assert!(
            readings(frame)
                .iter()
                .all(|(kind, ..)| *kind != veglia_wire::VitalKind::SpO2)
        );
        assert_eq!(readings(frame), [], "a pulse beside no finger is none");
    }
}

#[test]
fn a_wrong_checksum_is_refused() {
    let stream = hex("eb010453637f0026");
    let answers = all(Protocol::ContecBle, &stream.repeat(3));
    assert_eq!(frames(&answers), []);
    assert!(reasons(&answers).contains(&RejectReason::BadCrc));
}

#[test]
fn it_is_found_asked_and_kept_speaking() {
    let gatt = Protocol::ContecBle.gatt().unwrap();
    assert_eq!(gatt.write, Some(Uuid::sig(0xFF01)));
    assert_eq!(Protocol::ContecBle.greeting(), [[0x9B, 0x01, 0x1C]]);
    let keep = Protocol::ContecBle.keep_alive().unwrap();
    assert_eq!(keep.bytes, [0x9A, 0x1A]);
}
