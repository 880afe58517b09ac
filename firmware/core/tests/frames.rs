//! The bytes of version 1, one golden frame a kind, and what damage does to them.
//!
//! The golden bytes were computed by an independent program from the layout in the crate's
//! header, with a bitwise CRC-16/IBM-SDLC. They may only change together with the version.

use proptest::option;
use proptest::prelude::*;
use veglia_firmware_core::{
    Body, ContactState, DecodeError, Field, FirmwareVersion, MAX_WIRE, Model, NodeFrame,
    OximetryFlags, Sensor, Site, TemperatureFlags, decode, encode,
};

fn frame(sequence: u16, uptime_ms: u32, body: Body) -> NodeFrame {
    NodeFrame {
        sequence,
        uptime_ms,
        body,
    }
}

fn golden() -> Vec<(&'static str, NodeFrame)> {
    let hello = Body::Hello {
        serial: 0x0123_4567_89AB_CDEF,
        model: Model::Both,
        firmware: FirmwareVersion {
            major: 0,
            minor: 1,
            patch: 0,
        },
        calibration: 7,
    };
    let calm = Body::Oximetry {
        spo2_tenths: Some(967),
        pulse_tenths: Some(724),
        quality_percent: 93,
        flags: OximetryFlags::FINGER,
    };
    let moving = Body::Oximetry {
        spo2_tenths: Some(884),
        pulse_tenths: Some(1180),
        quality_percent: 41,
        flags: OximetryFlags::FINGER | OximetryFlags::ARTEFACT | OximetryFlags::LOW_PERFUSION,
    };
    let fever = Body::Temperature {
        celsius_hundredths: 3856,
        site: Site::Armpit,
        flags: TemperatureFlags::SKIN | TemperatureFlags::SETTLED,
    };
    let no_finger = Body::Contact {
        sensor: Sensor::Oximeter,
        state: ContactState::Off,
    };
    vec![
        (
            "03010101020c01010aefcdab8967452301030201020703960c00",
            frame(0, 12, hello),
        ),
        ("0401020103f4030109c703d4025d013af900", frame(1, 1012, calm)),
        (
            "070102020148ee010974039c04290795ef00",
            frame(258, 61_000, moving),
        ),
        ("0401030203dc070107100f010342e800", frame(2, 2012, fever)),
        ("0401040303c40b01050102939000", frame(3, 3012, no_finger)),
        (
            "0c0105ffffffffffff53517100",
            frame(65_535, u32::MAX, Body::Battery { percent: 83 }),
        ),
    ]
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("golden bytes are hexadecimal"))
        .collect()
}

fn encoded(frame: &NodeFrame) -> Vec<u8> {
    let mut out = [0xAA; MAX_WIRE];
    let len = encode(frame, &mut out);
    out[..len].to_vec()
}

/// A frame on the wire around any payload, with a checksum that is right.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let crc = crc::Crc::<u16>::new(&crc::CRC_16_IBM_SDLC).checksum(payload);
    let mut whole = payload.to_vec();
    whole.extend(crc.to_le_bytes());
    let mut out = vec![0; cobs::max_encoding_length(whole.len())];
    let len = cobs::encode(&whole, &mut out);
    out.truncate(len);
    out.push(0);
    out
}

/// What a listener that cuts the stream at its zeros makes of it.
fn listen(stream: &[u8]) -> Vec<NodeFrame> {
    stream
        .split_inclusive(|&byte| byte == 0)
        .filter_map(|piece| decode(piece).ok())
        .collect()
}

#[test]
fn each_kind_has_its_golden_bytes() {
    for (hex, frame) in golden() {
        assert_eq!(encoded(&frame), bytes(hex), "{frame:?}");
        assert_eq!(decode(&bytes(hex)), Ok(frame));
    }
}

#[test]
fn the_longest_frame_fills_the_buffer() {
    let longest = golden().iter().map(|(_, frame)| encoded(frame).len()).max();
    assert_eq!(longest, Some(MAX_WIRE));
}

#[test]
fn no_flipped_bit_makes_another_value() {
    for (_, frame) in golden() {
        let wire = encoded(&frame);
        for bit in 0..wire.len() * 8 {
            let mut hurt = wire.clone();
            hurt[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&hurt).ok(), None, "bit {bit} of {frame:?}");
            assert_eq!(listen(&hurt), [], "bit {bit} of {frame:?}");
        }
    }
}

#[test]
fn a_flipped_bit_costs_at_most_the_next_frame() {
    let (_, next) = golden()[1];
    for (_, frame) in golden() {
        let wire = encoded(&frame);
        for bit in 0..wire.len() * 8 {
            let mut stream = wire.clone();
            stream[bit / 8] ^= 1 << (bit % 8);
            stream.extend(encoded(&next));
            stream.extend(encoded(&frame));
            let heard = listen(&stream);
            let expected = if bit / 8 == wire.len() - 1 {
                vec![frame]
            } else {
                vec![next, frame]
            };
            assert_eq!(heard, expected, "bit {bit} of {frame:?}");
        }
    }
}

#[test]
fn every_piece_of_a_frame_is_refused() {
    for (_, frame) in golden() {
        let wire = encoded(&frame);
        for from in 0..wire.len() {
            for to in from..wire.len() {
                assert!(
                    decode(&wire[from..to]).is_err(),
                    "{from}..{to} of {frame:?}"
                );
            }
            if from > 0 {
                assert!(decode(&wire[from..]).is_err(), "{from}.. of {frame:?}");
            }
        }
    }
}

#[test]
fn what_this_version_does_not_know_is_refused_with_the_reason() {
    let header = [1, 5, 0, 0, 0, 0, 0, 0];
    let with = |at: usize, value: u8, fields: &[u8]| {
        let mut payload = header.to_vec();
        payload[at] = value;
        payload.extend(fields);
        decode(&sealed(&payload))
    };
    assert!(with(0, 1, &[50]).is_ok());
    assert_eq!(with(0, 2, &[50]), Err(DecodeError::Version { version: 2 }));
    assert_eq!(with(1, 9, &[50]), Err(DecodeError::Kind { kind: 9 }));
    assert_eq!(with(1, 5, &[]), Err(DecodeError::Length));
    assert_eq!(with(1, 5, &[50, 0]), Err(DecodeError::Length));
    assert_eq!(decode(&sealed(&[])), Err(DecodeError::Length));
    assert_eq!(decode(&sealed(&[1])), Err(DecodeError::Length));
    assert_eq!(decode(&[]), Err(DecodeError::Framing));
    assert_eq!(decode(&[0]), Err(DecodeError::Framing));
    assert_eq!(decode(&[1, 0]), Err(DecodeError::Length));
    assert_eq!(decode(&[0xFF; 300]), Err(DecodeError::Framing));
}

#[test]
fn a_value_no_sensor_can_mean_is_refused_by_name() {
    let refused = |kind: u8, fields: &[u8], field: Field| {
        let mut payload = vec![1, kind, 0, 0, 0, 0, 0, 0];
        payload.extend(fields);
        assert_eq!(
            decode(&sealed(&payload)),
            Err(DecodeError::OutOfRange { field })
        );
    };
    let oximetry = |spo2: u16, pulse: u16, quality: u8, flags: u8| {
        let [s0, s1] = spo2.to_le_bytes();
        let [p0, p1] = pulse.to_le_bytes();
        [s0, s1, p0, p1, quality, flags]
    };
    refused(2, &oximetry(1001, 700, 90, 1), Field::Spo2);
    refused(2, &oximetry(970, 99, 90, 1), Field::Pulse);
    refused(2, &oximetry(970, 3501, 90, 1), Field::Pulse);
    refused(2, &oximetry(970, 700, 101, 1), Field::Quality);
    refused(2, &oximetry(970, 700, 90, 0x21), Field::Flags);
    refused(3, &[0xFF, 0xFF, 1, 3], Field::Temperature);
    refused(3, &[0x89, 0x13, 1, 3], Field::Temperature);
    refused(3, &[0x10, 0x0F, 10, 3], Field::Site);
    refused(3, &[0x10, 0x0F, 1, 4], Field::Flags);
    refused(4, &[3, 1], Field::Sensor);
    refused(4, &[1, 0], Field::Contact);
    refused(5, &[101], Field::Battery);
    refused(1, &[0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0], Field::Model);
}

#[test]
fn an_estimate_the_window_did_not_give_is_zero_on_the_wire_and_none_in_the_frame() {
    let oximetry = |spo2_tenths, pulse_tenths| {
        let flags = OximetryFlags::FINGER;
        frame(
            1,
            1012,
            Body::Oximetry {
                spo2_tenths,
                pulse_tenths,
                quality_percent: 93,
                flags,
            },
        )
    };
    for (spo2, pulse) in [(None, Some(724)), (Some(967), None), (None, None)] {
        let [s0, s1] = spo2.unwrap_or(0_u16).to_le_bytes();
        let [p0, p1] = pulse.unwrap_or(0_u16).to_le_bytes();
        let payload = [1, 2, 1, 0, 0xF4, 3, 0, 0, s0, s1, p0, p1, 93, 1];
        assert_eq!(encoded(&oximetry(spo2, pulse)), sealed(&payload));
        assert_eq!(decode(&sealed(&payload)), Ok(oximetry(spo2, pulse)));
    }
}

fn any_body() -> impl Strategy<Value = Body> {
    let one_of = |len: usize| 0..len;
    prop_oneof![
        (
            any::<u64>(),
            one_of(Model::ALL.len()),
            any::<[u8; 3]>(),
            any::<u16>()
        )
            .prop_map(
                |(serial, model, [major, minor, patch], calibration)| Body::Hello {
                    serial,
                    model: Model::ALL[model],
                    firmware: FirmwareVersion {
                        major,
                        minor,
                        patch
                    },
                    calibration,
                }
            ),
        (
            option::of(1..=1000_u16),
            option::of(100..=3500_u16),
            0..=100_u8,
            any::<u8>()
        )
            .prop_map(|(spo2_tenths, pulse_tenths, quality_percent, bits)| {
                Body::Oximetry {
                    spo2_tenths,
                    pulse_tenths,
                    quality_percent,
                    flags: OximetryFlags::from_bits_truncate(bits),
                }
            }),
        (0..=5000_i16, one_of(Site::ALL.len()), any::<u8>()).prop_map(
            |(celsius_hundredths, site, bits)| Body::Temperature {
                celsius_hundredths,
                site: Site::ALL[site],
                flags: TemperatureFlags::from_bits_truncate(bits),
            }
        ),
        (one_of(Sensor::ALL.len()), one_of(ContactState::ALL.len())).prop_map(|(sensor, state)| {
            Body::Contact {
                sensor: Sensor::ALL[sensor],
                state: ContactState::ALL[state],
            }
        }),
        (0..=100_u8).prop_map(|percent| Body::Battery { percent }),
    ]
}

fn any_frame() -> impl Strategy<Value = NodeFrame> {
    (any::<u16>(), any::<u32>(), any_body()).prop_map(|(sequence, uptime_ms, body)| NodeFrame {
        sequence,
        uptime_ms,
        body,
    })
}

proptest! {
    #[test]
    fn every_frame_comes_back_as_it_was(frame in any_frame()) {
        let wire = encoded(&frame);
        prop_assert_eq!(wire.iter().position(|&byte| byte == 0), Some(wire.len() - 1));
        prop_assert_eq!(decode(&wire), Ok(frame));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(wire in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(frame) = decode(&wire) {
            prop_assert_eq!(encoded(&frame), wire);
        }
    }

    #[test]
    fn no_sealed_payload_makes_the_decoder_panic(
        payload in prop::collection::vec(any::<u8>(), 0..40),
        kind in 0..8_u8,
    ) {
        let mut payload = payload;
        for (byte, known) in payload.iter_mut().zip([1, kind]) {
            *byte = known;
        }
        let wire = sealed(&payload);
        if let Ok(frame) = decode(&wire) {
            prop_assert_eq!(encoded(&frame), wire);
        }
    }
}
