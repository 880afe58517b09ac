//! What every decoder holds to, whatever comes: nothing panics, nothing is invented, the pieces do
//! not matter, and it is in step again after noise.
// req: G2

use proptest::prelude::*;
use veglia_codecs::{
    Frame, Framing, MAX_REJECT_BYTES, Observation, Protocol, Reject, encode, observe,
};
use veglia_wire::{Contact, Quality, Sensor, VitalKind};

type Answers = Vec<Result<Frame, Reject>>;

/// Frames on end behind the noise; more than any protocol wants before it believes the first.
const AFTER_NOISE: usize = 16;

/// Frames that may be lost to noise.
const LOST: usize = 2;

/// A file is read from its beginning and has no frames to be in step with.
const NO_STEP: &[&str] = &["o2ring-file"];

/// Those of which the bytes of a frame are not all there is, or more: idle zeros between a node's
/// frames, names that are passed over in a monitor's line, the second copy of a sample that was
/// torn off with the end of its file.
const NOT_RETOLD: &[&str] = &["node", "masimo", "o2ring-file"];

fn streams() -> Vec<Protocol> {
    let mut all = Protocol::ALL.to_vec();
    all.retain(|protocol| protocol.framing() == Framing::Stream);
    all
}

/// All a fresh decoder says of a stream, its end included.
fn all(protocol: Protocol, stream: &[u8]) -> Answers {
    let mut decoder = protocol.decoder();
    let mut out = Vec::new();
    decoder.push(stream, &mut out);
    decoder.finish(&mut out);
    out
}

/// What a device says that repeats its samples.
fn wires(protocol: Protocol) -> Vec<Vec<u8>> {
    protocol.samples().iter().map(encode).collect()
}

/// A piece of a line: frames, halves of frames, damaged ones, noise.
fn any_piece(protocol: Protocol) -> impl Strategy<Value = Vec<u8>> {
    let wire = prop::sample::select(wires(protocol));
    let several = (wire.clone(), 1..12_usize).prop_map(|(wire, times)| wire.repeat(times));
    let cut = (wire.clone(), any::<prop::sample::Index>(), any::<bool>());
    let cut = cut.prop_map(|(wire, at, head)| {
        let (first, last) = wire.split_at(at.index(wire.len()));
        if head { first.to_vec() } else { last.to_vec() }
    });
    let hurt = (wire, any::<prop::sample::Index>(), 0..8_u8);
    let hurt = hurt.prop_map(|(mut wire, at, bit)| {
        let at = at.index(wire.len());
        wire[at] ^= 1 << bit;
        wire
    });
    prop_oneof![
        4 => several,
        1 => cut,
        2 => hurt,
        2 => prop::collection::vec(any::<u8>(), 0..80),
    ]
}

fn any_line(protocol: Protocol) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any_piece(protocol), 0..8).prop_map(|pieces| pieces.concat())
}

fn on_a_line() -> impl Strategy<Value = (Protocol, Vec<u8>)> {
    let line = |protocol| (Just(protocol), any_line(protocol));
    prop::sample::select(streams()).prop_flat_map(line)
}

fn in_packets() -> impl Strategy<Value = (Protocol, Vec<Vec<u8>>)> {
    let mut all = Protocol::ALL.to_vec();
    all.retain(|protocol| protocol.framing() == Framing::Packets);
    let values = |protocol| {
        (
            Just(protocol),
            prop::collection::vec(any_piece(protocol), 0..12),
        )
    };
    prop::sample::select(all).prop_flat_map(values)
}

/// What was said of a frame holds together.
fn check(frame: &Frame) -> Result<(), TestCaseError> {
    let said = observe(frame);
    for sensor in [Sensor::Oximeter, Sensor::Thermometer] {
        let contacts = said.iter().filter_map(|said| match said {
            Observation::Contact(its, contact) if *its == sensor => Some(*contact),
            _ => None,
        });
        let contacts: Vec<Contact> = contacts.collect();
        let readings = said.iter().filter_map(|said| match said {
            Observation::Reading(vital, quality) => Some((vital.kind(), *quality)),
            _ => None,
        });
        let mine = |kind| (kind == VitalKind::Temperature) == (sensor == Sensor::Thermometer);
        let readings: Vec<_> = readings.filter(|(kind, _)| mine(*kind)).collect();
        prop_assert!(contacts.len() <= 1, "{frame:?} says {said:?}");
        let has_main = readings.iter().any(|(kind, _)| *kind != VitalKind::Pulse);
        for (_, quality) in &readings {
            let is_stored = quality.contains(Quality::FROM_STORAGE);
            prop_assert_eq!(
                is_stored,
                contacts.is_empty(),
                "{:?} says {:?}",
                frame,
                said
            );
        }
        match contacts.first() {
            Some(Contact::Off) => prop_assert_eq!(readings, []),
            Some(Contact::On) if !readings.is_empty() => prop_assert!(has_main),
            Some(Contact::Searching | Contact::Unmeasurable) => prop_assert!(!has_main),
            _ => {}
        }
    }
    for said in &said {
        let Observation::Reading(vital, _) = said else {
            continue;
        };
        let range = match vital.kind() {
            VitalKind::SpO2 => 1..=1000,
            VitalKind::Pulse => 100..=3500,
            _ => 0..=5000,
        };
        prop_assert!(range.contains(&vital.steps()), "{frame:?} says {said:?}");
    }
    let times = said
        .iter()
        .filter(|said| matches!(said, Observation::Measured(_)));
    let is_first = matches!(said.first(), Some(Observation::Measured(_)));
    prop_assert!(times.count() == usize::from(is_first));
    Ok(())
}

#[test]
fn every_protocol_has_samples_and_reads_them_back() {
    for protocol in Protocol::ALL {
        let samples = protocol.samples();
        assert!(!samples.is_empty(), "{protocol}");
        assert!(samples.iter().all(|frame| frame.protocol() == protocol));
        let wires = wires(protocol);
        let mut decoder = protocol.decoder();
        let mut heard: Answers = Vec::new();
        // A file is read once; what speaks on and on is heard until it is believed.
        let times = if NO_STEP.contains(&protocol.name()) {
            1
        } else {
            AFTER_NOISE
        };
        for wire in wires.iter().cycle().take(times * wires.len()) {
            decoder.push(wire, &mut heard);
        }
        decoder.finish(&mut heard);
        let heard: Vec<Frame> = heard.into_iter().map(|frame| frame.unwrap()).collect();
        let expected: Vec<Frame> = samples
            .iter()
            .copied()
            .cycle()
            .take(times * samples.len())
            .collect();
        assert_eq!(heard, expected, "{protocol}");
    }
}

#[test]
fn every_protocol_says_readings_of_somebody_well() {
    for protocol in Protocol::ALL {
        let samples = protocol.samples();
        let said = samples.iter().flat_map(observe);
        let readings = said.filter(|said| matches!(said, Observation::Reading(..)));
        assert!(readings.count() > 0, "{protocol} makes no reading");
    }
}

#[test]
fn every_protocol_is_spoken_somewhere() {
    for protocol in Protocol::ALL {
        let is_file = NO_STEP.contains(&protocol.name());
        let has_way = protocol.line().is_some() || protocol.gatt().is_some();
        assert!(is_file || has_way, "{protocol}");
        if let Some(gatt) = protocol.gatt() {
            assert!(!gatt.listen.is_empty(), "{protocol}");
            let sends = !protocol.greeting().is_empty() || protocol.keep_alive().is_some();
            assert!(!sends || gatt.write.is_some() || protocol.line().is_some());
        } else {
            assert_eq!(protocol.framing(), Framing::Stream, "{protocol}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn the_answers_do_not_depend_on_the_pieces(
        (protocol, line) in on_a_line(),
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
        prop_assert_eq!(&out, &all(protocol, &line), "{}", protocol);

        let mut bytewise = Vec::new();
        for byte in &line {
            decoder.push(&[*byte], &mut bytewise);
        }
        decoder.finish(&mut bytewise);
        prop_assert_eq!(out, bytewise, "{}", protocol);
    }

    #[test]
    fn the_answers_tell_the_stream_again_and_nothing_else((protocol, line) in on_a_line()) {
        let mut told: Vec<u8> = Vec::new();
        for answer in all(protocol, &line) {
            match answer {
                Ok(frame) => {
                    prop_assert_eq!(frame.protocol(), protocol);
                    check(&frame)?;
                    told.extend(encode(&frame));
                }
                Err(reject) => {
                    let from = usize::try_from(reject.offset).unwrap();
                    let there = line.get(from..from + reject.bytes.len());
                    prop_assert_eq!(there, Some(&reject.bytes[..]), "{} {:?}", protocol, reject);
                    prop_assert!((1..=MAX_REJECT_BYTES).contains(&reject.bytes.len()));
                    told.extend(reject.bytes);
                }
            }
        }
        if !NOT_RETOLD.contains(&protocol.name()) {
            prop_assert_eq!(told, line, "{}", protocol);
        }
    }

    #[test]
    fn after_any_noise_at_most_two_frames_are_lost((protocol, noise) in on_a_line()) {
        prop_assume!(!NO_STEP.contains(&protocol.name()));
        let samples = protocol.samples();
        let after: Vec<Frame> = samples.iter().copied().cycle().take(AFTER_NOISE).collect();
        let wires: Vec<u8> = after.iter().flat_map(encode).collect();
        let heard: Vec<Frame> = all(protocol, &[noise, wires].concat())
            .into_iter()
            .filter_map(Result::ok)
            .collect();
        prop_assert!(heard.ends_with(&after[LOST..]), "{protocol} heard {heard:?}");
    }

    #[test]
    fn a_value_is_one_frame_or_one_reject_and_none_depends_on_another(
        (protocol, values) in in_packets(),
    ) {
        let mut decoder = protocol.decoder();
        for value in values {
            let mut out = Vec::new();
            decoder.push(&value, &mut out);
            prop_assert_eq!(out.len(), 1, "{}", protocol);
            let reasons = |answer: &Result<Frame, Reject>| {
                answer.as_ref().copied().map_err(|reject| reject.reason)
            };
            prop_assert_eq!(reasons(&out[0]), reasons(&all(protocol, &value)[0]));
            match &out[0] {
                Ok(frame) => {
                    check(frame)?;
                    prop_assert_eq!(encode(frame), value, "{} {:?}", protocol, frame);
                }
                Err(reject) => {
                    let shown = value.len().min(MAX_REJECT_BYTES);
                    prop_assert_eq!(&reject.bytes[..], &value[..shown]);
                }
            }
        }
    }

    #[test]
    fn what_was_half_heard_is_forgotten_at_a_reset((protocol, line) in on_a_line()) {
        let mut decoder = protocol.decoder();
        decoder.push(&line, &mut Vec::new());
        decoder.reset();
        let wire: Vec<u8> = wires(protocol).concat();
        let (mut out, mut fresh) = (Vec::new(), Vec::new());
        decoder.push(&wire, &mut out);
        protocol.decoder().push(&wire, &mut fresh);
        prop_assert_eq!(out, fresh, "{}", protocol);
    }

    #[test]
    fn a_frame_shows_as_json_under_its_protocol((protocol, line) in on_a_line()) {
        for frame in all(protocol, &line).into_iter().filter_map(Result::ok) {
            let json = serde_json::to_value(frame).unwrap();
            prop_assert_eq!(json["protocol"].as_str(), Some(protocol.name()));
        }
    }
}
