//! Viatom's rings, live: three answers that were recorded, and the questions.

use veglia_codecs::o2ring::{Frame as Said, answer};
use veglia_codecs::{DateTime, Frame, Observation, Protocol, RejectReason, encode, observe};
use veglia_wire::DeviceEvent;

use crate::{OFF, ON, SEARCHING, all, contact, frames, good, hex, one, readings, reasons};

/// An answer to 17 that holds these thirteen bytes.
fn heard(content: &str) -> Frame {
    one(Protocol::O2Ring, &answer(0, 0, &hex(content)))
}

fn charge(frame: Frame) -> Option<DeviceEvent> {
    observe(&frame).into_iter().find_map(|said| match said {
        Observation::Battery(event) => Some(event),
        _ => None,
    })
}

#[test]
fn the_recorded_answers_are_read() {
    let worn = heard("624200000000006100920a0100");
    assert_eq!((contact(worn), readings(worn)), (ON, good(98, 66).to_vec()));
    assert_eq!(charge(worn), Some(DeviceEvent::BatteryPercent(97)));
    let off = heard("ffffff00000000600005000000");
    assert_eq!((contact(off), readings(off)), (OFF, vec![]));
    assert_eq!(charge(off), Some(DeviceEvent::BatteryPercent(96)));
    let charging = heard("ffffff00000000620100000000");
    assert_eq!((contact(charging), readings(charging)), (OFF, vec![]));
    assert!(matches!(
        charging,
        Frame::O2Ring(Said::Values { charging: 1, .. })
    ));
}

#[test]
fn a_ring_that_calibrates_is_searching_and_a_held_number_is_none() {
    let calibrating = heard("0000000000000061000000 01 00");
    assert_eq!(
        (contact(calibrating), readings(calibrating)),
        (SEARCHING, vec![])
    );
    let off_with_numbers = heard("6242000000000061000000 00 00");
    assert_eq!(
        (contact(off_with_numbers), readings(off_with_numbers)),
        (OFF, vec![])
    );
    let fallen = heard("6242000000000061000000 02 00");
    assert_eq!((contact(fallen), readings(fallen)), (OFF, vec![]));
    let no_charge = heard("62420000000000ff000000 01 00");
    assert_eq!(charge(no_charge), None);
}

#[test]
fn the_question_has_its_published_bytes() {
    let asked = hex("aa17e8000000001b");
    assert_eq!(Protocol::O2Ring.greeting(), [asked.as_slice()]);
    let keep = Protocol::O2Ring.keep_alive().unwrap();
    assert_eq!((keep.every_ms, keep.bytes), (2_000, asked.as_slice()));
}

#[test]
fn the_clock_is_set_in_words() {
    let time = DateTime {
        year: 2020,
        month: 11,
        day: 2,
        hour: 7,
        minute: 5,
        second: 9,
    };
    let request = Protocol::O2Ring.set_time(&time).unwrap();
    let text = b"{\"SetTIME\":\"2020-11-02,07:05:09\"}";
    assert_eq!(request[..3], [0xAA, 0x16, 0xE9]);
    assert_eq!(usize::from(request[5]), text.len());
    assert_eq!(request[7..request.len() - 1], text[..]);
    // With an answer's head it would be a whole answer: its checksum is right.
    let same = answer(0x16, 0, text);
    assert_eq!(request[1..request.len() - 1], same[1..same.len() - 1]);
}

#[test]
fn pieces_of_twenty_bytes_are_one_answer() {
    let bytes = answer(0, 0, &hex("624200000000006100920a0100"));
    let mut decoder = Protocol::O2Ring.decoder();
    let mut out = Vec::new();
    for piece in bytes.chunks(20) {
        decoder.push(piece, &mut out);
    }
    assert_eq!(
        out.into_iter().flatten().map(readings).collect::<Vec<_>>(),
        [good(98, 66)]
    );
}

#[test]
fn done_and_refused_are_answers_and_no_values() {
    for bytes in [
        answer(0, 0, &[]),
        answer(1, 0, &hex("624200000000006100920a0100")),
    ] {
        let frame = one(Protocol::O2Ring, &bytes);
        assert_eq!((contact(frame), readings(frame)), (None, vec![]));
        assert_eq!(encode(&frame), bytes);
    }
}

#[test]
fn a_block_of_a_file_is_never_taken_for_values() {
    // Thirteen bytes of a file that look like a saturation and a pulse: another block, or longer.
    let samples = hex("624200000000006100920a0100");
    let last = one(Protocol::O2Ring, &answer(0, 7, &samples));
    assert_eq!((contact(last), readings(last)), (None, vec![]));
    let answers = all(Protocol::O2Ring, &answer(0, 0, &samples.repeat(4)));
    assert_eq!(frames(&answers), []);
    assert_eq!(reasons(&answers)[0], RejectReason::BadLength);
}

#[test]
fn a_flipped_bit_anywhere_is_no_reading() {
    let sound = answer(0, 0, &hex("624200000000006100920a0100"));
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(frames(&all(Protocol::O2Ring, &damaged)), [], "bit {bit}");
    }
}
