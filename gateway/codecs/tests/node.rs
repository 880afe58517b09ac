//! The node's stream: frames between zeros, and what stands between them when the line is bad.

use proptest::prelude::*;
use veglia_codecs::{Frame, MAX_REJECT_BYTES, Protocol, Reject, RejectReason};
use veglia_firmware_core::{
    Body, Field, MAX_WIRE, NodeFrame, OximetryFlags, Site, TemperatureFlags, encode,
};

type Answers = Vec<Result<Frame, Reject>>;

fn battery(sequence: u16, percent: u8) -> NodeFrame {
    NodeFrame {
        sequence,
        uptime_ms: 1000,
        body: Body::Battery { percent },
    }
}

fn wire(frame: &NodeFrame) -> Vec<u8> {
    let mut out = [0; MAX_WIRE];
    let len = encode(frame, &mut out);
    out[..len].to_vec()
}

/// All a fresh decoder says of a stream, its end included.
fn all(stream: &[u8]) -> Answers {
    let mut decoder = Protocol::Node.decoder();
    let mut out = Vec::new();
    decoder.push(stream, &mut out);
    decoder.finish(&mut out);
    out
}

fn frames(answers: &Answers) -> Vec<NodeFrame> {
    let frame = |answer: &Result<Frame, Reject>| match answer {
        Ok(Frame::Node(frame)) => Some(*frame),
        _ => None,
    };
    answers.iter().filter_map(frame).collect()
}

fn reject(reason: RejectReason, bytes: &[u8], offset: u64) -> Result<Frame, Reject> {
    Err(Reject {
        reason,
        bytes: bytes.to_vec(),
        offset,
    })
}

#[test]
fn a_frame_is_believed_at_its_zero() {
    let frame = battery(7, 83);
    let mut decoder = Protocol::Node.decoder();
    let mut out = Vec::new();
    let wire = wire(&frame);
    decoder.push(&wire[..wire.len() - 1], &mut out);
    assert_eq!(out, []);
    decoder.push(&[0], &mut out);
    assert_eq!(out, [Ok(Frame::Node(frame))]);
}

#[test]
fn zeros_between_frames_say_nothing() {
    let frame = battery(1, 50);
    let stream = [vec![0, 0], wire(&frame), vec![0, 0, 0], wire(&frame)].concat();
    assert_eq!(frames(&all(&stream)), [frame, frame]);
    assert_eq!(all(&stream).len(), 2);
}

#[test]
fn the_tail_of_a_frame_is_rejected_and_the_next_one_heard() {
    let (first, second) = (battery(1, 50), battery(2, 51));
    let tail = wire(&first)[5..].to_vec();
    let answers = all(&[tail.clone(), wire(&second)].concat());
    assert!(matches!(&answers[0], Err(reject) if reject.bytes == tail && reject.offset == 0));
    assert_eq!(answers[1], Ok(Frame::Node(second)));
}

#[test]
fn a_damaged_frame_says_why_and_where() {
    let good = wire(&battery(1, 50));
    let mut hurt = good.clone();
    hurt[3] ^= 0x10;
    let impossible = wire(&battery(1, 101));
    let len = u64::try_from(good.len()).unwrap_or(u64::MAX);
    let answers = all(&[good.clone(), hurt.clone(), impossible.clone(), good.clone()].concat());
    let out_of_range = RejectReason::OutOfRange {
        field: Field::Battery,
    };
    assert_eq!(answers[1], reject(RejectReason::BadCrc, &hurt, len));
    assert_eq!(answers[2], reject(out_of_range, &impossible, 2 * len));
    assert_eq!(frames(&answers), [battery(1, 50), battery(1, 50)]);
}

#[test]
fn text_without_a_zero_is_noise_in_bounded_pieces() {
    let answers = all(&b"boot: watchdog reset, trying again\r\n".repeat(100));
    assert!(answers.iter().all(|answer| matches!(
        answer,
        Err(Reject { reason: RejectReason::Noise, bytes, .. }) if bytes.len() <= MAX_REJECT_BYTES
    )));
    let len: usize = answers
        .iter()
        .filter_map(|a| a.as_ref().err())
        .map(|r| r.bytes.len())
        .sum();
    assert_eq!(len, 3600);
}

#[test]
fn a_reset_forgets_half_a_frame() {
    let frame = battery(1, 50);
    let mut decoder = Protocol::Node.decoder();
    let mut out = Vec::new();
    decoder.push(&wire(&frame)[..6], &mut out);
    decoder.reset();
    decoder.push(&wire(&frame), &mut out);
    assert_eq!(out, [Ok(Frame::Node(frame))]);
}

fn any_frame() -> impl Strategy<Value = NodeFrame> {
    let body = prop_oneof![
        (1..=1000_u16, 100..=3500_u16, 0..=100_u8).prop_map(
            |(spo2_tenths, pulse_tenths, quality)| {
                Body::Oximetry {
                    spo2_tenths: Some(spo2_tenths),
                    pulse_tenths: Some(pulse_tenths),
                    quality_percent: quality,
                    flags: OximetryFlags::FINGER,
                }
            }
        ),
        (0..=5000_i16).prop_map(|celsius_hundredths| Body::Temperature {
            celsius_hundredths,
            site: Site::Armpit,
            flags: TemperatureFlags::all(),
        }),
        (0..=100_u8).prop_map(|percent| Body::Battery { percent }),
    ];
    (any::<u16>(), any::<u32>(), body).prop_map(|(sequence, uptime_ms, body)| NodeFrame {
        sequence,
        uptime_ms,
        body,
    })
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => any_frame().prop_map(|frame| wire(&frame)),
        1 => (any_frame(), 1..10_usize).prop_map(|(frame, len)| wire(&frame)[..len].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
        1 => prop::collection::vec(1..=255_u8, 0..150),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_answers_retell_the_stream_but_for_idle_zeros(line in any_line()) {
        let mut told: Vec<u8> = Vec::new();
        for answer in all(&line) {
            match answer {
                Ok(Frame::Node(frame)) => told.extend(wire(&frame)),
                Ok(other) => prop_assert!(false, "{other:?} on a node's line"),
                Err(reject) => {
                    let from = usize::try_from(reject.offset).unwrap();
                    prop_assert_eq!(&line[from..from + reject.bytes.len()], &reject.bytes[..]);
                    prop_assert!((1..=MAX_REJECT_BYTES).contains(&reject.bytes.len()));
                    told.extend(reject.bytes);
                }
            }
        }
        let pieces = line.split_inclusive(|&byte| byte == 0).filter(|piece| *piece != [0]);
        let heard: Vec<u8> = pieces.flatten().copied().collect();
        prop_assert_eq!(told, heard);
    }

    #[test]
    fn the_answers_do_not_depend_on_the_pieces(
        line in any_line(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        cuts.extend([0, line.len()]);
        cuts.sort_unstable();
        let mut decoder = Protocol::Node.decoder();
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            decoder.push(&line[pair[0]..pair[1]], &mut out);
        }
        decoder.finish(&mut out);
        prop_assert_eq!(out, all(&line));
    }

    #[test]
    fn after_any_noise_the_second_frame_is_heard(
        noise in any_line(),
        first in any_frame(),
        next in any_frame(),
    ) {
        let stream = [noise.clone(), wire(&first), wire(&next)].concat();
        let heard = frames(&all(&stream));
        prop_assert_eq!(heard.last(), Some(&next));
        if noise.last().is_none_or(|&byte| byte == 0) {
            prop_assert!(heard.ends_with(&[first, next]), "{heard:?}");
        }
    }
}
