//! Masimo's lines: the models' variants that were published, and lines that are not whole.

use proptest::prelude::*;
use veglia_codecs::masimo::{Exceptions, Frame as Line, MAX_LINE, decode, encode};
use veglia_codecs::{Frame, MAX_REJECT_BYTES, Observation, Protocol, Reject, observe};
use veglia_wire::{Contact, Quality, Sensor};

/// Lines as published clients quote them: two of a Radical-7, one of a Rad-8.
const COLOUR: &str = "03/17/16 19:19:36 SN=---------- SPO2=098% BPM=123 PI=00.55 SPCO=--% \
                      SPMET=--.-% SPHB=--.- SPOC=-- RESVD=--- DESAT=-- PIDELTA=+-- PVI=--- \
                      ALARM=000000 EXC=0000C00 EXC1=00000000";
const BLUE: &str = "05/15/07 08:12:21 SN=0000070986 SPO2=---% BPM=--- PI=--.--% SPCO=--.-% \
                    SPMET=--.-% DESAT=-- PIDELTA=+-- PVI=--- ALARM=0000 EXC=000000 ";
const RAD_8: &str = "03/19/16 13:37:12 SN=0000093112 SPO2=---% BPM=---% DESAT=-- PIDELTA=+-- \
                     ALARM=0000 EXC=000001";

fn heard(text: &str) -> Vec<Result<Frame, Reject>> {
    let mut decoder = Protocol::Masimo.decoder();
    let mut out = Vec::new();
    decoder.push(text.as_bytes(), &mut out);
    decoder.finish(&mut out);
    out
}

fn said(line: &str) -> Vec<Observation> {
    let [Ok(frame)] = heard(&format!("{line}\r\n"))[..] else {
        panic!("{line}");
    };
    observe(&frame)
}

fn qualities(line: &str) -> Vec<(i32, Quality)> {
    let reading = |said| match said {
        Observation::Reading(vital, quality) => Some((vital.steps(), quality)),
        _ => None,
    };
    said(line).into_iter().filter_map(reading).collect()
}

#[test]
fn published_lines_of_three_models_are_read() {
    let colour = decode(COLOUR.as_bytes()).unwrap();
    assert_eq!((colour.spo2, colour.pulse), (Some(98), Some(123)));
    assert_eq!(colour.perfusion_hundredths, Some(55));
    let set = Exceptions::SET | Exceptions::LOW_SIGNAL_QUALITY;
    assert_eq!(colour.exceptions, set);
    let weak = Quality::WEAK_SIGNAL;
    assert_eq!(qualities(COLOUR), [(980, weak), (1230, weak)]);

    let searching = Observation::Contact(Sensor::Oximeter, Contact::Searching);
    assert_eq!(said(BLUE), [searching], "dashes, and nothing against them");
    let off = Observation::Contact(Sensor::Oximeter, Contact::Off);
    assert_eq!(said(RAD_8), [off], "no sensor");
}

#[test]
fn an_exception_takes_the_number_or_marks_it() {
    let with = |exceptions: u32| {
        let line = COLOUR.replace("EXC=0000C00", &format!("EXC={exceptions:07X}"));
        (said(&line)[0], qualities(&line))
    };
    let contact = |contact| Observation::Contact(Sensor::Oximeter, contact);
    for off in [0x001, 0x002, 0x020, 0x080, 0x0A8] {
        assert_eq!(with(off), (contact(Contact::Off), vec![]), "{off:03x}");
    }
    assert_eq!(with(0x008), (contact(Contact::Searching), vec![]));
    let table = [
        (0x000, Quality::empty()),
        (0x004, Quality::LOW_PERFUSION),
        (0x010, Quality::ARTEFACT),
        (0x040, Quality::ARTEFACT),
        (0x400, Quality::WEAK_SIGNAL),
        (0x800, Quality::empty()),
    ];
    for (exceptions, quality) in table {
        let readings = vec![(980, quality), (1230, quality)];
        assert_eq!(with(exceptions), (contact(Contact::On), readings));
    }
}

#[test]
fn a_line_that_lost_a_piece_is_no_line() {
    for from in 0..COLOUR.len() {
        for len in [1, 2, 7, 30] {
            let Some(rest) = COLOUR.get(from + len..) else {
                continue;
            };
            let hurt = [&COLOUR[..from], rest].concat();
            let Some(line) = decode(hurt.as_bytes()) else {
                continue;
            };
            assert_eq!((line.spo2, line.pulse), (Some(98), Some(123)), "{hurt}");
            assert_eq!(line.stamp, *b"03/17/16 19:19:36", "{hurt}");
        }
    }
}

#[test]
fn a_number_with_digits_too_many_makes_no_line() {
    for (right, wrong) in [
        ("PI=00.55", "PI=1615.01"),
        ("PI=00.55", "PI=00.555"),
        ("PI=00.55", "PI=+1.05"),
        ("SPO2=098%", "SPO2=0098%"),
        ("SPO2=098%", "SPO2=98%"),
        ("BPM=123", "BPM=1234"),
        ("BPM=123", "BPM=12"),
        ("EXC=0000C00", "EXC=0000000C00"),
        ("ALARM=000000", "ALARM=+00000"),
    ] {
        let line = COLOUR.replace(right, wrong);
        assert_eq!(decode(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn what_is_no_line_is_noise_in_bounded_pieces_and_the_next_line_is_heard() {
    let noise = "~".repeat(3 * MAX_LINE + 7);
    let answers = heard(&format!("{noise}\n{RAD_8}\r\n"));
    assert!(matches!(answers.last(), Some(Ok(Frame::Masimo(_)))));
    let rejects = answers.iter().filter_map(|answer| answer.as_ref().err());
    let lengths: Vec<usize> = rejects.map(|reject| reject.bytes.len()).collect();
    assert!(lengths.iter().all(|len| *len <= MAX_REJECT_BYTES));
    assert_eq!(lengths.iter().sum::<usize>(), noise.len() + 1);
}

proptest! {
    #[test]
    fn a_line_is_written_as_it_is_read(
        spo2 in prop::option::of(0..=100_u16),
        pulse in prop::option::of(0..=999_u16),
        perfusion_hundredths in prop::option::of(0..=9_999_u16),
        alarm in any::<u32>(),
        exceptions in any::<u32>(),
    ) {
        let frame = Line {
            stamp: *b"12/31/99 23:59:59",
            spo2,
            pulse,
            perfusion_hundredths,
            alarm,
            exceptions: Exceptions::from_bits_retain(exceptions),
        };
        let line = encode(&frame);
        prop_assert_eq!(decode(line.strip_suffix(b"\r\n").unwrap()), Some(frame));
    }
}
