//! What holds for every maker's protocol: any bytes in any pieces, no panic and no frame that was
//! not sent; what was sent comes back; after noise the step is found again.

use proptest::prelude::*;
use veglia_codecs::{
    Bytes, DateTime, Frame, Framing, MAX_REJECT_BYTES, Protocol, bci, choicemmed, contec,
    contec_ble, contec_v7, encode, jumper, o2ring, observe, pc60fw, taidoc,
};

use crate::{all, frames, readings};

/// Every protocol of this folder that is spoken on and on, and how many frames must stand on end.
const SPOKEN: [(Protocol, usize); 9] = [
    (Protocol::Contec, 8),
    (Protocol::ContecV7, 2),
    (Protocol::ContecBle, 2),
    (Protocol::Bci, 8),
    (Protocol::Jumper, 1),
    (Protocol::Pc60Fw, 1),
    (Protocol::O2Ring, 1),
    (Protocol::TaiDoc, 1),
    (Protocol::ChoiceMmed, 1),
];

fn percent() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.8, 0..=100_u8)
}

fn rate() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.8, 0..255_u8)
}

fn five() -> impl Strategy<Value = (Option<u8>, Option<u8>, u8, u8, u8, u16)> {
    (
        percent(),
        rate(),
        0..16_u8,
        0..128_u8,
        0..16_u8,
        any::<u16>(),
    )
}

fn contec_frame() -> BoxedStrategy<Frame> {
    let live = five().prop_map(|(spo2, pulse, signal, pleth, bar, bits)| {
        contec::Frame::Live(contec::Live {
            spo2,
            pulse,
            signal,
            pleth,
            bar,
            flags: contec::Flags::from_bits_retain(bits & 0x3070),
        })
    });
    let recorded = (percent(), rate());
    let recorded = recorded.prop_map(|(spo2, pulse)| contec::Frame::Recorded { spo2, pulse });
    let opening = contec::Frame::Recording {
        start: [0x80, 0],
        length: [0x81, 0x82, 3],
    };
    prop_oneof![4 => live, 2 => recorded, 1 => Just(opening)]
        .prop_map(Frame::Contec)
        .boxed()
}

fn bci_frame() -> BoxedStrategy<Frame> {
    five()
        .prop_map(|(spo2, pulse, signal, pleth, bar, bits)| {
            Frame::Bci(bci::Frame {
                spo2,
                pulse,
                signal,
                pleth,
                bar,
                flags: bci::Flags::from_bits_retain(bits & 0x3070),
            })
        })
        .boxed()
}

fn v7_frame() -> BoxedStrategy<Frame> {
    let perfusion = prop::option::of(0..u16::MAX);
    (five(), perfusion, any::<u32>())
        .prop_map(|((spo2, pulse, signal, pleth, bar, _), perfusion, bits)| {
            Frame::ContecV7(contec_v7::Frame {
                spo2,
                pulse,
                perfusion_hundredths: perfusion,
                signal,
                pleth,
                bar,
                flags: contec_v7::Flags::from_bits_retain(bits & 0x00F0_80F0),
            })
        })
        .boxed()
}

fn contec_ble_frame() -> BoxedStrategy<Frame> {
    let values =
        any::<[u8; 5]>().prop_map(|[state, pulse, spo2, a, b]| contec_ble::Frame::Values {
            state: state & !0x02,
            pulse,
            spo2,
            rest: [a, b],
        });
    let wave = any::<[u8; 3]>().prop_map(contec_ble::Frame::Wave);
    let head = prop::sample::select(vec![0xF3_u8, 0xF6, 0xFA, 0xFB, 0xFF]);
    let reply = (head, any::<u8>()).prop_map(|(head, it)| contec_ble::Frame::Reply([head, it]));
    prop_oneof![values, wave, reply]
        .prop_map(Frame::ContecBle)
        .boxed()
}

fn some_bytes(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), len)
}

fn few(bytes: &[u8]) -> Bytes {
    Bytes::new(bytes).expect("no more bytes than fit")
}

fn jumper_frame() -> BoxedStrategy<Frame> {
    let values =
        any::<[u8; 3]>().prop_map(|[pulse, spo2, perfusion_tenths]| jumper::Frame::Values {
            pulse,
            spo2,
            perfusion_tenths,
        });
    let wave = some_bytes(0..Bytes::MAX).prop_map(|rest| {
        let bytes = [&[0x80], rest.as_slice()].concat();
        jumper::Frame::Other(few(&bytes))
    });
    prop_oneof![values, wave].prop_map(Frame::Jumper).boxed()
}

fn choicemmed_frame() -> BoxedStrategy<Frame> {
    let values = any::<[u8; 11]>().prop_map(|[spo2, a, pulse, b, breaths, rest @ .., pi]| {
        choicemmed::Frame::Values {
            spo2,
            after_spo2: a,
            pulse,
            after_pulse: b,
            breaths,
            rest,
            perfusion_tenths: pi,
        }
    });
    let wave = any::<u8>().prop_map(choicemmed::Frame::Wave);
    prop_oneof![values, wave]
        .prop_map(Frame::ChoiceMmed)
        .boxed()
}

fn pc60fw_frame() -> BoxedStrategy<Frame> {
    let values = (any::<[u8; 4]>(), any::<u16>());
    let values =
        values.prop_map(
            |([spo2, perfusion_tenths, status, level], pulse)| pc60fw::Frame::Values {
                spo2,
                pulse,
                perfusion_tenths,
                status: pc60fw::Status::from_bits_retain(status),
                level,
            },
        );
    let other = (4..=255_u8, some_bytes(0..=Bytes::MAX));
    let other = other.prop_map(|(kind, content)| pc60fw::Frame::Other {
        token: if kind % 2 == 0 { 0x0F } else { 0xF0 },
        kind,
        content: few(&content),
    });
    let wave = any::<[u8; 5]>().prop_map(pc60fw::Frame::Wave);
    let battery = any::<u8>().prop_map(pc60fw::Frame::Battery);
    prop_oneof![values, other, wave, battery]
        .prop_map(Frame::Pc60Fw)
        .boxed()
}

fn o2ring_frame() -> BoxedStrategy<Frame> {
    let values = any::<[u8; 13]>().prop_map(|content| {
        let [spo2, pulse, a, b, c, d, e, battery_percent, state @ ..] = content;
        let [charging, motion, perfusion_tenths, worn, last] = state;
        o2ring::Frame::Values {
            spo2,
            pulse,
            rest: [a, b, c, d, e],
            battery_percent,
            charging,
            motion,
            perfusion_tenths,
            worn,
            last,
        }
    });
    let answer = (any::<u8>(), 1..u16::MAX, some_bytes(0..=Bytes::MAX));
    let answer = answer.prop_map(|(status, block, content)| o2ring::Frame::Answer {
        status,
        block,
        content: few(&content),
    });
    prop_oneof![values, answer].prop_map(Frame::O2Ring).boxed()
}

fn taidoc_frame() -> BoxedStrategy<Frame> {
    let stored = (prop::option::of(any::<[u8; 4]>()), any::<[u8; 4]>());
    let stored = stored.prop_map(|(time, value)| taidoc::Frame::Stored { time, value });
    let now = any::<[u8; 4]>().prop_map(|[spo2, a, b, pulse]| {
        let rest = [a, b];
        taidoc::Frame::Now { spo2, rest, pulse }
    });
    let other = (any::<[u8; 4]>(), any::<bool>());
    let other = other.prop_map(|(data, is_question)| taidoc::Frame::Other {
        command: 0x2B,
        data,
        is_question,
    });
    prop_oneof![stored, now, other]
        .prop_map(Frame::TaiDoc)
        .boxed()
}

fn frame_of(protocol: Protocol) -> BoxedStrategy<Frame> {
    match protocol {
        Protocol::Contec => contec_frame(),
        Protocol::ContecV7 => v7_frame(),
        Protocol::ContecBle => contec_ble_frame(),
        Protocol::Bci => bci_frame(),
        Protocol::Jumper => jumper_frame(),
        Protocol::Pc60Fw => pc60fw_frame(),
        Protocol::O2Ring => o2ring_frame(),
        Protocol::TaiDoc => taidoc_frame(),
        Protocol::ChoiceMmed => choicemmed_frame(),
        other => panic!("{other} is not of this folder"),
    }
}

/// A protocol, a line of it with torn frames and noise in it, and some frames of it.
fn any_line(framing: Framing) -> impl Strategy<Value = (Protocol, usize, Vec<u8>, Vec<Frame>)> {
    let spoken = SPOKEN
        .into_iter()
        .filter(|(protocol, _)| protocol.framing() == framing);
    prop::sample::select(spoken.collect::<Vec<_>>()).prop_flat_map(|(protocol, coherent)| {
        let whole = frame_of(protocol).prop_map(|frame| encode(&frame));
        let torn = (frame_of(protocol), any::<prop::sample::Index>());
        let torn = torn.prop_map(|(frame, cut)| {
            let bytes = encode(&frame);
            bytes[..cut.index(bytes.len())].to_vec()
        });
        let piece = prop_oneof![4 => whole, 1 => torn, 1 => some_bytes(0..99)];
        let line = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
        let good = prop::collection::vec(frame_of(protocol), coherent + 3);
        (Just(protocol), Just(coherent), line, good)
    })
}

proptest! {
    #[test]
    fn the_answers_retell_the_stream_byte_for_byte(
        (protocol, _, line, _) in any_line(Framing::Stream),
    ) {
        let mut retold = Vec::new();
        for answer in all(protocol, &line) {
            match answer {
                Ok(frame) => retold.extend(encode(&frame)),
                Err(reject) => {
                    prop_assert_eq!(usize::try_from(reject.offset), Ok(retold.len()));
                    prop_assert!((1..=MAX_REJECT_BYTES).contains(&reject.bytes.len()));
                    retold.extend(reject.bytes);
                }
            }
        }
        prop_assert_eq!(retold, line, "{}", protocol);
    }

    #[test]
    fn the_answers_do_not_depend_on_the_pieces(
        (protocol, _, line, _) in any_line(Framing::Stream),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        cuts.extend([0, line.len()]);
        cuts.sort_unstable();
        let mut decoder = protocol.decoder();
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            decoder.push(&line[pair[0]..pair[1]], &mut out);
        }
        decoder.finish(&mut out);
        prop_assert_eq!(out, all(protocol, &line), "{}", protocol);
    }

    #[test]
    fn after_any_noise_the_third_frame_is_heard_and_all_after_it(
        (protocol, coherent, noise, good) in any_line(Framing::Stream),
    ) {
        let mut stream = noise;
        stream.extend(good.iter().flat_map(encode));
        let heard = frames(&all(protocol, &stream));
        prop_assert!(heard.ends_with(&good[2..]), "{}: {:?}", protocol, heard);
        // Alone and from the beginning, none is lost.
        let alone: Vec<u8> = good.iter().flat_map(encode).collect();
        prop_assert_eq!(frames(&all(protocol, &alone)), good.clone());
        if coherent > 1 {
            let few: Vec<u8> = good[1..coherent].iter().flat_map(encode).collect();
            prop_assert_eq!(frames(&all(protocol, &few)), []);
        }
    }

    #[test]
    fn a_value_is_one_frame_or_one_reject(
        (protocol, _, value, good) in any_line(Framing::Packets),
    ) {
        prop_assert_eq!(all(protocol, &value).len(), 1);
        for frame in good {
            prop_assert_eq!(all(protocol, &encode(&frame)), vec![Ok(frame)]);
        }
    }

    #[test]
    fn no_frame_makes_a_number_that_does_not_stand_in_it(
        (_, _, _, streamed) in any_line(Framing::Stream),
        (_, _, _, packed) in any_line(Framing::Packets),
    ) {
        for frame in streamed.into_iter().chain(packed) {
            let bytes = encode(&frame);
            for (kind, steps, _) in readings(frame) {
                let in_temperature = bytes.windows(2).any(|pair| {
                    let raw = i32::from(u16::from_le_bytes([pair[0], pair[1]]));
                    raw == steps || raw * 10 == steps
                });
                // Eighth bits may stand apart: seven of them must be there.
                let seven = |byte: &u8| i32::from(byte & 0x7F) == (steps / 10) & 0x7F;
                let stands = bytes.iter().any(seven) && steps % 10 == 0;
                prop_assert!(stands || in_temperature, "{kind:?} {steps} in {bytes:02x?}");
            }
            prop_assert!(serde_json::to_string(&frame).is_ok());
            prop_assert!(observe(&frame).len() <= 4);
        }
    }
}

#[test]
fn a_clock_is_set_by_the_protocols_that_have_one() {
    let time = DateTime {
        year: 2020,
        month: 11,
        day: 22,
        hour: 7,
        minute: 5,
        second: 9,
    };
    for (protocol, _) in SPOKEN {
        let has_clock = protocol.set_time(&time).is_some();
        assert_eq!(has_clock, protocol == Protocol::O2Ring, "{protocol}");
    }
}

#[test]
fn what_is_only_spoken_over_radio_has_no_line_and_the_other_way_round() {
    for (protocol, _) in SPOKEN {
        assert!(
            protocol.line().is_some() || protocol.gatt().is_some(),
            "{protocol}"
        );
        if let Some(gatt) = protocol.gatt() {
            assert!(!gatt.listen.is_empty());
            let speaks = !protocol.greeting().is_empty() || protocol.keep_alive().is_some();
            assert_eq!(speaks, gatt.write.is_some(), "{protocol}");
        }
    }
    let file = Protocol::O2RingFile;
    assert_eq!((file.line(), file.gatt()), (None, None));
}
