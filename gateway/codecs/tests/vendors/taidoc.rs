//! TaiDoc's devices: the published questions, and answers by hand from the layout in the module's
//! header.

use veglia_codecs::taidoc::{Frame as Said, encode_time};
use veglia_codecs::{DateTime, Frame, Protocol, RejectReason, encode};
use veglia_wire::{Contact, Quality, Sensor, VitalKind};

use crate::{ON, SEARCHING, all, contact, frames, good, hex, one, readings, reasons, time};

const MORNING: DateTime = DateTime {
    year: 2020,
    month: 11,
    day: 22,
    hour: 7,
    minute: 35,
    second: 0,
};

fn stored(time: Option<DateTime>, raw: u16) -> Frame {
    let [low, high] = raw.to_le_bytes();
    Frame::TaiDoc(Said::Stored {
        time: time.as_ref().map(encode_time),
        value: [low, high, 0, 0],
    })
}

#[test]
fn the_published_questions_have_their_checksums_and_are_no_values() {
    for question in ["512600000000a31a", "514900000000a33d", "515000000000a344"] {
        let frame = one(Protocol::TaiDoc, &hex(question));
        assert_eq!(
            (contact(frame), readings(frame)),
            (None, vec![]),
            "{question}"
        );
    }
    let asked: Vec<&[u8]> = Protocol::TaiDoc.greeting().to_vec();
    assert_eq!(asked, [hex("512500000000a319"), hex("512600000000a31a")]);
    assert_eq!(
        Protocol::TaiDoc.keep_alive().unwrap().bytes,
        hex("514900000000a33d")
    );
}

#[test]
fn a_temperature_comes_with_the_time_of_the_answer_before_it() {
    // 22 November 2020 is 0x2976: 20 · 512 + 11 · 32 + 22.
    let stream = hex("5125 7629 2307 a5e4 5126 7f01 0000 a59c");
    let frame = one(Protocol::TaiDoc, &stream);
    assert_eq!(frame, stored(Some(MORNING), 383));
    assert_eq!(time(frame), MORNING.seconds());
    let clean = Quality::empty();
    assert_eq!(readings(frame), [(VitalKind::Temperature, 3830, clean)]);
    assert_eq!(contact(frame), Some((Sensor::Thermometer, Contact::On)));
}

#[test]
fn hundredths_are_told_from_tenths() {
    for (raw, hundredths) in [(365, 3650), (999, 0), (3655, 3655), (4100, 4100)] {
        let values: Vec<i32> = readings(stored(Some(MORNING), raw))
            .iter()
            .map(|it| it.1)
            .collect();
        let expected: Vec<i32> = (hundredths > 0).then_some(hundredths).into_iter().collect();
        assert_eq!(values, expected, "{raw}");
    }
}

#[test]
fn what_another_meter_or_unit_means_is_no_temperature() {
    // 97.7 degrees Fahrenheit, an oximeter's 98 % and 72, a glucose of 105, nothing.
    for raw in [977, 98, 105, 0, 0xFFFF] {
        let frame = stored(Some(MORNING), raw);
        assert_eq!((contact(frame), readings(frame)), (None, vec![]), "{raw}");
    }
}

#[test]
fn a_temperature_without_its_time_is_of_no_certain_time() {
    let undated = Quality::FROM_STORAGE | Quality::TIME_UNCERTAIN;
    let expected = [(VitalKind::Temperature, 3830, undated)];
    assert_eq!(readings(stored(None, 383)), expected);
    let unset = DateTime {
        month: 0,
        day: 0,
        ..MORNING
    };
    assert_eq!(readings(stored(Some(unset), 383)), expected);
    assert!(!undated.is_clean());
}

#[test]
fn a_time_belongs_to_the_next_answer_or_to_none() {
    let time = Frame::TaiDoc(Said::Other {
        command: 0x25,
        data: encode_time(&MORNING),
        is_question: false,
    });
    let now = Frame::TaiDoc(Said::Now {
        spo2: 97,
        rest: [0, 0],
        pulse: 72,
    });
    let stream = [time, now, stored(None, 383)].map(|frame| encode(&frame));
    let heard = frames(&all(Protocol::TaiDoc, &stream.concat()));
    assert_eq!(heard, [time, now, stored(None, 383)]);
}

#[test]
fn a_saturation_and_a_pulse_come_together_or_not_at_all() {
    let now = |spo2, pulse| {
        let rest = [0, 0];
        Frame::TaiDoc(Said::Now { spo2, rest, pulse })
    };
    assert_eq!(contact(now(97, 72)), ON);
    assert_eq!(readings(now(97, 72)), good(97, 72));
    for frame in [now(0, 72), now(97, 0), now(0, 0), now(255, 255)] {
        assert_eq!((contact(frame), readings(frame)), (SEARCHING, vec![]));
    }
}

#[test]
fn a_wrong_sum_is_refused() {
    let answers = all(Protocol::TaiDoc, &hex("51497f010000a5c0"));
    assert_eq!(frames(&answers), []);
    assert_eq!(reasons(&answers)[0], RejectReason::BadCrc);
}
