//! Viatom's fingertip oximeters: frames that were published, with their checksums.

use veglia_codecs::pc60fw::{Frame as Said, Status};
use veglia_codecs::{Frame, Observation, Protocol, RejectReason, encode, observe};
use veglia_wire::DeviceEvent;

use crate::{OFF, ON, SEARCHING, all, contact, frames, good, hex, one, readings, reasons};

fn values(spo2: u8, pulse: u16, status: Status) -> Frame {
    Frame::Pc60Fw(Said::Values {
        spo2,
        pulse,
        perfusion_tenths: 87,
        status,
        level: 0xC0,
    })
}

#[test]
fn the_published_frames_are_read() {
    let frame = one(Protocol::Pc60Fw, &hex("aa550f08015f55005700c0da"));
    assert_eq!(frame, values(95, 85, Status::empty()));
    assert_eq!(
        (contact(frame), readings(frame)),
        (ON, good(95, 85).to_vec())
    );
    let silent = [
        (
            "aa550f07025a57d24c45a7",
            Frame::Pc60Fw(Said::Wave([0x5A, 0x57, 0xD2, 0x4C, 0x45])),
        ),
        ("aa55f0030303f6", Frame::Pc60Fw(Said::Battery(3))),
    ];
    for (bytes, expected) in silent {
        let frame = one(Protocol::Pc60Fw, &hex(bytes));
        assert_eq!(frame, expected);
        assert_eq!((contact(frame), readings(frame)), (None, vec![]));
    }
    let idle = one(Protocol::Pc60Fw, &hex("aa550f06210200000045"));
    assert_eq!(observe(&idle), []);
}

#[test]
fn the_recorded_stream_of_a_sister_model_is_read_and_tells_no_battery() {
    // PC-60NW: name and versions, then two seconds of numbers.
    let stream = hex("aa550f0b03201050432d36304e579e aa550f0801603f002d00388c");
    let answers = all(Protocol::Pc60Fw, &stream);
    assert_eq!(reasons(&answers), []);
    let heard = frames(&answers);
    assert_eq!(observe(&heard[0]), []);
    assert_eq!(readings(heard[1]), good(96, 63));
    assert!(
        !observe(&heard[1])
            .iter()
            .any(|said| matches!(said, Observation::Battery(_)))
    );
}

#[test]
fn the_status_keeps_the_numbers_back() {
    let table = [
        (Status::PROBE_OFF, OFF),
        (Status::SEARCHING, SEARCHING),
        (Status::PROBE_OFF | Status::SEARCHING, OFF),
    ];
    for (status, expected) in table {
        let frame = values(95, 85, status);
        assert_eq!(
            (contact(frame), readings(frame)),
            (expected, vec![]),
            "{status:?}"
        );
    }
    let zero = values(0, 0, Status::empty());
    assert_eq!((contact(zero), readings(zero)), (SEARCHING, vec![]));
}

#[test]
fn no_bar_is_a_low_battery_and_bars_are_no_percentage() {
    let low = [Observation::Battery(DeviceEvent::BatteryLow)];
    assert_eq!(observe(&Frame::Pc60Fw(Said::Battery(0))), low);
    for bars in 1..=3 {
        assert_eq!(observe(&Frame::Pc60Fw(Said::Battery(bars))), []);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_no_reading() {
    let sound = hex("aa550f08015f55005700c0da");
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let answers = all(Protocol::Pc60Fw, &damaged);
        assert_eq!(frames(&answers), [], "bit {bit}");
    }
    let mut damaged = sound.clone();
    damaged[5] ^= 1;
    assert!(reasons(&all(Protocol::Pc60Fw, &damaged)).contains(&RejectReason::BadCrc));
}

#[test]
fn half_a_frame_in_each_notification_is_a_frame() {
    let bytes = encode(&values(95, 185, Status::empty()));
    let mut decoder = Protocol::Pc60Fw.decoder();
    let mut out = Vec::new();
    decoder.push(&bytes[..7], &mut out);
    assert_eq!(out, []);
    decoder.push(&bytes[7..], &mut out);
    assert_eq!(out, [Ok(values(95, 185, Status::empty()))]);
}
