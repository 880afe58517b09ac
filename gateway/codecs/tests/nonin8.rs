//! Nonin format 8 on a clean line, on a bad one, and on a line that talks nonsense.
//!
//! The golden bytes were written by hand from the layout in the module's header.

use proptest::prelude::*;
use veglia_codecs::nonin8::{Flags, Frame as Second, decode, encode};
use veglia_codecs::{Frame, MAX_REJECT_BYTES, Protocol, Reject, RejectReason};
use veglia_firmware_core::Field;

type Answers = Vec<Result<Frame, Reject>>;

fn second(spo2: impl Into<Option<u8>>, pulse: impl Into<Option<u16>>, flags: Flags) -> Second {
    Second {
        spo2: spo2.into(),
        pulse: pulse.into(),
        flags,
    }
}

fn calm(spo2: u8) -> Second {
    second(spo2, 72, Flags::empty())
}

/// All a fresh decoder says of a stream, its end included.
fn all(stream: &[u8]) -> Answers {
    let mut decoder = Protocol::Nonin8.decoder();
    let mut out = Vec::new();
    decoder.push(stream, &mut out);
    decoder.finish(&mut out);
    out
}

fn frames(answers: &Answers) -> Vec<Second> {
    let frame = |answer: &Result<Frame, Reject>| match answer {
        Ok(Frame::Nonin8(second)) => Some(*second),
        _ => None,
    };
    answers.iter().filter_map(frame).collect()
}

fn reasons(answers: &Answers) -> Vec<RejectReason> {
    answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .map(|reject| reject.reason)
        .collect()
}

fn wire(seconds: &[Second]) -> Vec<u8> {
    seconds.iter().flat_map(encode).collect()
}

#[test]
fn the_layout_has_golden_bytes() {
    let golden = [
        ([0x80, 0x48, 0x61, 0x00], second(97, 72, Flags::empty())),
        (
            [0x81, 0x34, 0x5A, 0x20],
            second(90, 180, Flags::SMART_POINT),
        ),
        (
            [0x82, 0x41, 0x58, 0x01],
            second(88, 321, Flags::LOW_BATTERY),
        ),
        (
            [0x94, 0x6E, 0x54, 0x00],
            second(84, 110, Flags::LOW_PERFUSION | Flags::ARTEFACT),
        ),
        (
            [0x88, 0x50, 0x5F, 0x00],
            second(95, 80, Flags::MARGINAL_PERFUSION),
        ),
        (
            [0xA3, 0x7F, 0x7F, 0x08],
            second(None, None, Flags::OUT_OF_TRACK | Flags::SENSOR_ALARM),
        ),
        (
            [0xC3, 0x7F, 0x61, 0x00],
            second(97, None, Flags::SENSOR_DISCONNECTED),
        ),
    ];
    for (bytes, frame) in golden {
        assert_eq!(decode(bytes), Ok(frame), "{bytes:02x?}");
        assert_eq!(encode(&frame), bytes, "{frame:?}");
    }
}

#[test]
fn values_no_oximeter_can_mean_are_refused() {
    let spo2 = Err(RejectReason::OutOfRange { field: Field::Spo2 });
    let pulse = Err(RejectReason::OutOfRange {
        field: Field::Pulse,
    });
    assert_eq!(decode([0x80, 0x48, 0, 0]), spo2);
    assert_eq!(decode([0x80, 0x48, 101, 0]), spo2);
    assert_eq!(decode([0x80, 0x48, 126, 0]), spo2);
    assert_eq!(decode([0x80, 0x00, 97, 0]), pulse);
    assert_eq!(decode([0x82, 0x42, 97, 0]), pulse);
    assert_eq!(decode([0x83, 0x7E, 97, 0]), pulse);
}

#[test]
fn in_step_each_frame_is_delivered_with_its_last_byte() {
    let mut decoder = Protocol::Nonin8.decoder();
    let mut out = Vec::new();
    decoder.push(&wire(&[calm(97)]), &mut out);
    assert_eq!(out, [], "one frame alone is not believed");
    decoder.push(&wire(&[calm(96)]), &mut out);
    assert_eq!(
        frames(&out),
        [calm(97), calm(96)],
        "the second confirms the first"
    );
    let third = wire(&[calm(95)]);
    decoder.push(&third[..3], &mut out);
    assert_eq!(out.len(), 2);
    decoder.push(&third[3..], &mut out);
    assert_eq!(frames(&out), [calm(97), calm(96), calm(95)]);
}

#[test]
fn a_lost_byte_costs_its_frame_and_no_other() {
    for lost in 0..4 {
        let mut stream = wire(&[calm(99), calm(98), calm(97), calm(96), calm(95)]);
        stream.remove(8 + lost);
        let answers = all(&stream);
        assert_eq!(
            frames(&answers),
            [calm(99), calm(98), calm(96), calm(95)],
            "byte {lost}"
        );
        assert_eq!(reasons(&answers), [RejectReason::Noise]);
    }
}

#[test]
fn an_inserted_byte_costs_at_most_its_frame() {
    for byte in [0x00, 0x61, 0x80, 0xFF] {
        for place in 8..=12 {
            let mut stream = wire(&[calm(99), calm(98), calm(97), calm(96), calm(95)]);
            stream.insert(place, byte);
            let heard = frames(&all(&stream));
            assert_eq!(heard[..2], [calm(99), calm(98)], "{byte:02x} at {place}");
            assert_eq!(
                heard[heard.len() - 2..],
                [calm(96), calm(95)],
                "{byte:02x} at {place}"
            );
        }
    }
}

#[test]
fn an_impossible_value_loses_the_step_but_no_neighbour() {
    let mut stream = wire(&[calm(99), calm(98)]);
    stream.extend([0x80, 0x48, 120, 0x00]);
    stream.extend(wire(&[calm(97), calm(96)]));
    let answers = all(&stream);
    assert_eq!(frames(&answers), [calm(99), calm(98), calm(97), calm(96)]);
    assert_eq!(
        reasons(&answers),
        [RejectReason::OutOfRange { field: Field::Spo2 }]
    );
}

#[test]
fn one_frame_between_noise_is_never_believed() {
    let mut stream = vec![0x11, 0x22];
    stream.extend(wire(&[calm(40)]));
    stream.extend([0x33, 0x44]);
    let answers = all(&stream);
    assert_eq!(frames(&answers), []);
    let noise = RejectReason::Noise;
    assert_eq!(reasons(&answers), [noise, RejectReason::Unconfirmed, noise]);
}

#[test]
fn a_frame_from_before_a_silence_does_not_wait_for_one_after_it() {
    let mut decoder = Protocol::Nonin8.decoder();
    let mut out = Vec::new();
    decoder.push(&wire(&[calm(70)]), &mut out);
    decoder.reset();
    decoder.push(&wire(&[calm(97), calm(96)]), &mut out);
    assert_eq!(frames(&out), [calm(97), calm(96)]);
}

#[test]
fn endless_noise_comes_out_in_bounded_pieces() {
    for byte in [0x00, 0x55, 0x80, 0xFF] {
        let answers = all(&[byte; 10_000]);
        assert_eq!(frames(&answers), []);
        let rejects = answers.iter().filter_map(|answer| answer.as_ref().err());
        assert!(
            rejects
                .clone()
                .all(|reject| reject.bytes.len() <= MAX_REJECT_BYTES)
        );
        assert_eq!(
            rejects.map(|reject| reject.bytes.len()).sum::<usize>(),
            10_000
        );
    }
}

fn any_second() -> impl Strategy<Value = Second> {
    let spo2 = prop::option::of(1..=100_u8);
    let pulse = prop::option::of(18..=321_u16);
    (spo2, pulse, any::<u16>())
        .prop_map(|(spo2, pulse, bits)| second(spo2, pulse, Flags::from_bits_retain(bits & 0x7C7F)))
}

/// A line that mixes frames, torn frames and noise, so that every state is reached.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => any_second().prop_map(|second| encode(&second).to_vec()),
        1 => (any_second(), 1..4_usize).prop_map(|(second, len)| encode(&second)[..len].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
        1 => prop::collection::vec(0..0x80_u8, 0..99),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_frame_comes_back_as_it_was(second in any_second()) {
        prop_assert_eq!(decode(encode(&second)), Ok(second));
    }

    #[test]
    fn the_answers_retell_the_stream_byte_for_byte(line in any_line()) {
        let mut retold = Vec::new();
        for answer in all(&line) {
            match answer {
                Ok(Frame::Nonin8(second)) => retold.extend(encode(&second)),
                Ok(other) => prop_assert!(false, "{other:?} on a Nonin's line"),
                Err(reject) => {
                    prop_assert_eq!(usize::try_from(reject.offset), Ok(retold.len()));
                    prop_assert!((1..=MAX_REJECT_BYTES).contains(&reject.bytes.len()));
                    retold.extend(reject.bytes);
                }
            }
        }
        prop_assert_eq!(retold, line);
    }

    #[test]
    fn the_answers_do_not_depend_on_the_pieces(
        line in any_line(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        cuts.extend([0, line.len()]);
        cuts.sort_unstable();
        let mut decoder = Protocol::Nonin8.decoder();
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            decoder.push(&line[pair[0]..pair[1]], &mut out);
        }
        decoder.finish(&mut out);
        prop_assert_eq!(out, all(&line));
    }

    #[test]
    fn after_any_noise_two_frames_are_enough_to_be_in_step(
        noise in any_line(),
        first in any_second(),
        next in any_second(),
    ) {
        let mut stream = noise;
        stream.extend(wire(&[first, next]));
        let heard = frames(&all(&stream));
        prop_assert!(heard.ends_with(&[first, next]), "{heard:?}");
    }
}
