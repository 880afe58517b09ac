//! What a ring has recorded: files sound, doubled, damaged at any byte and cut at any length. What
//! is sound is kept, the rest is refused with a sentence, and no sample is told twice.

use proptest::prelude::*;
use veglia_codecs::o2ring_file::{Frame as Part, HEADER_LEN, Header, MAX_FILE_BYTES, Sample};
use veglia_codecs::{
    DateTime, DeviceTime, FileFault, Frame, Protocol, Reject, RejectReason, encode,
};
use veglia_wire::{Quality, VitalKind};

use crate::{Answers, all, contact, frames, hex, readings, reasons, time};

const NIGHT: DateTime = DateTime {
    year: 2020,
    month: 11,
    day: 21,
    hour: 22,
    minute: 33,
    second: 40,
};

const PROTOCOL: Protocol = Protocol::O2RingFile;

fn night() -> DeviceTime {
    NIGHT.seconds().expect("a date")
}

/// Samples that change all the time, as those of a living hand do.
fn some_samples(count: usize) -> Vec<[u8; 5]> {
    let sample = |place: usize| {
        let small = |it: usize| u8::try_from(it).expect("a small number");
        [
            small(90 + place % 9),
            small(60 + place % 23),
            0,
            small(place % 7),
            0,
        ]
    };
    (0..count).map(sample).collect()
}

fn file(version: u8, step_s: u16, samples: &[[u8; 5]], copies: usize) -> Vec<u8> {
    let count = u16::try_from(samples.len()).expect("a short night");
    let header = Header::new(version, &NIGHT, count, count * step_s);
    let body = samples.iter().flat_map(|sample| sample.repeat(copies));
    header.0.into_iter().chain(body).collect()
}

fn samples(answers: &Answers) -> Vec<Sample> {
    let sample = |frame| match frame {
        Frame::O2RingFile(Part::Sample(sample)) => Some(sample),
        _ => None,
    };
    frames(answers).into_iter().filter_map(sample).collect()
}

/// When each sample is said to be of, in seconds since the first, and its saturation and pulse.
fn told(answers: &Answers) -> Vec<(i64, u8, u16)> {
    let told = |it: Sample| (it.time.0 - night().0, it.spo2, it.pulse);
    samples(answers).into_iter().map(told).collect()
}

fn truth(samples: &[[u8; 5]], step_s: i64) -> Vec<(i64, u8, u16)> {
    let truth = |(sample, place): (&[u8; 5], i64)| {
        (
            place * step_s,
            sample[0],
            u16::from_le_bytes([sample[1], sample[2]]),
        )
    };
    samples.iter().zip(0..).map(truth).collect()
}

#[test]
fn a_file_of_two_samples_has_golden_bytes() {
    let bytes = hex(
        "03 00 e407 0b 15 16 21 28 32000000 0800 0000 00000000000000000000000000000000000000000000 \
         00 61480003 00 ffffff0000",
    );
    assert_eq!(bytes.len(), HEADER_LEN + 10);
    let answers = all(PROTOCOL, &bytes);
    assert_eq!(reasons(&answers), []);
    let heard = frames(&answers);
    assert_eq!(heard.iter().flat_map(encode).collect::<Vec<_>>(), bytes);

    assert_eq!(
        (time(heard[1]), time(heard[2])),
        (Some(night()), Some(DeviceTime(night().0 + 4)),)
    );
    let stored = Quality::FROM_STORAGE;
    let first = [
        (VitalKind::SpO2, 970, stored),
        (VitalKind::Pulse, 720, stored),
    ];
    assert_eq!(readings(heard[1]), first);
    assert_eq!(
        readings(heard[2]),
        [],
        "255 is no finger, or below 61 %: never a number"
    );
    assert!(
        heard.iter().all(|frame| contact(*frame).is_none()),
        "the past is not now"
    );
}

#[test]
fn the_interval_follows_from_duration_and_length() {
    let data = some_samples(100);
    for (version, step_s) in [(3, 4), (5, 2), (5, 4)] {
        let answers = all(PROTOCOL, &file(version, step_s, &data, 1));
        assert_eq!(reasons(&answers), [], "version {version}, {step_s} s");
        assert_eq!(told(&answers), truth(&data, step_s.into()));
        assert!(
            samples(&answers)
                .iter()
                .all(|sample| sample.is_time_certain)
        );
    }
}

#[test]
fn a_doubled_file_tells_each_sample_once() {
    let data = some_samples(100);
    // The header counts the samples once, or it counts their copies too.
    let counted_once = file(3, 4, &data, 2);
    let copies: Vec<[u8; 5]> = data.iter().flat_map(|sample| [*sample; 2]).collect();
    for bytes in [counted_once, file(3, 2, &copies, 1)] {
        let answers = all(PROTOCOL, &bytes);
        assert_eq!(reasons(&answers), []);
        assert_eq!(told(&answers), truth(&data, 4));
        let is_sure = |sample: &Sample| sample.is_time_certain && sample.is_doubled;
        assert!(samples(&answers).iter().all(is_sure));
        assert_eq!(
            frames(&answers).iter().flat_map(encode).collect::<Vec<_>>(),
            bytes
        );
    }
}

#[test]
fn copies_that_differ_are_one_reject_and_no_sample() {
    let data = some_samples(20);
    let mut bytes = file(3, 4, &data, 2);
    bytes[HEADER_LEN + 33] ^= 0x04;
    let answers = all(PROTOCOL, &bytes);
    assert_eq!(
        reasons(&answers),
        [RejectReason::File(FileFault::CopiesDiffer)]
    );
    let mut expected = truth(&data, 4);
    expected.remove(3);
    assert_eq!(told(&answers), expected);
}

#[test]
fn a_file_that_may_be_half_of_a_doubled_one_is_of_no_certain_time() {
    let bytes = file(3, 4, &some_samples(100), 2);
    let answers = all(PROTOCOL, &bytes[..HEADER_LEN + 5 * 40]);
    assert_eq!(told(&answers), truth(&some_samples(20), 4), "each once");
    for frame in &frames(&answers)[1..] {
        let uncertain = readings(*frame)
            .iter()
            .all(|(.., quality)| !quality.is_clean());
        assert!(uncertain && !readings(*frame).is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_dated_is_refused_once_and_whole() {
    let sound = file(3, 4, &some_samples(50), 1);
    let damaged = |place: usize, byte: u8| {
        let mut bytes = sound.clone();
        bytes[place] = byte;
        bytes
    };
    let no_date = RejectReason::File(FileFault::NoDate);
    let table = [
        (damaged(0, 4), RejectReason::UnknownVersion { version: 4 }),
        (damaged(3, 0), no_date),
        (damaged(4, 13), no_date),
        (damaged(5, 0), no_date),
        (damaged(6, 24), no_date),
        (damaged(13, 0xC9), RejectReason::File(FileFault::NoInterval)),
        (sound[..39].to_vec(), RejectReason::File(FileFault::Torn)),
        (vec![3], RejectReason::File(FileFault::Torn)),
    ];
    for (bytes, reason) in table {
        let answers = all(PROTOCOL, &bytes);
        assert_eq!(frames(&answers), [], "{reason}");
        assert_eq!(reasons(&answers), [reason]);
        assert!(reason.to_string().len() > 30, "a sentence: {reason}");
    }
    assert_eq!(all(PROTOCOL, &[]), []);
}

#[test]
fn a_damaged_length_does_not_cost_the_file() {
    let data = some_samples(50);
    let mut bytes = file(3, 4, &data, 1);
    bytes[9] = 0xFF;
    let answers = all(PROTOCOL, &bytes);
    assert_eq!(
        (told(&answers), reasons(&answers)),
        (truth(&data, 4), vec![])
    );
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let data = some_samples(50);
    let mut bytes = file(3, 4, &data, 1);
    bytes.extend(hex("6142000000 deadbeef"));
    let answers = all(PROTOCOL, &bytes);
    assert_eq!(told(&answers), truth(&data, 4));
    assert_eq!(
        reasons(&answers),
        [RejectReason::File(FileFault::BehindTheEnd)]
    );
}

#[test]
fn a_saturation_no_ring_can_mean_is_refused_alone() {
    let mut data = some_samples(10);
    data[4][0] = 180;
    let answers = all(PROTOCOL, &file(3, 4, &data, 1));
    assert_eq!(told(&answers).len(), 9);
    assert!(matches!(
        reasons(&answers)[..],
        [RejectReason::OutOfRange { .. }]
    ));
}

#[test]
fn a_damaged_length_that_makes_a_whole_file_look_like_half_of_another_is_of_no_certain_time() {
    let mut bytes = file(5, 4, &some_samples(13), 1);
    // 105 bytes become 170: 26 samples, two seconds apart.
    bytes[9] ^= 195;
    let read = samples(&all(PROTOCOL, &bytes));
    assert_eq!(read.len(), 13);
    assert!(read.iter().all(|it| !it.is_time_certain));
}

#[test]
fn a_pulse_with_something_in_its_upper_byte_is_none() {
    let data = [[95, 60, 1, 0, 0], [95, 0xFF, 0xFF, 0, 0]];
    for frame in &frames(&all(PROTOCOL, &file(3, 4, &data, 1)))[1..] {
        let kinds: Vec<VitalKind> = readings(*frame).iter().map(|it| it.0).collect();
        assert_eq!(kinds, [VitalKind::SpO2]);
    }
}

#[test]
fn a_file_longer_than_any_is_held_to_its_bound() {
    let mut decoder = PROTOCOL.decoder();
    let mut out = Vec::new();
    decoder.push(&vec![0x55; MAX_FILE_BYTES + 10_000], &mut out);
    decoder.finish(&mut out);
    let is_small = |it: &Result<Frame, Reject>| it.as_ref().is_err_and(|it| it.bytes.len() <= 64);
    assert!(out.iter().all(is_small));
}

fn any_file() -> impl Strategy<Value = (Vec<u8>, Vec<(i64, u8, u16)>)> {
    let kind = prop::sample::select(vec![
        (3_u8, 4_u16, 1_usize),
        (3, 4, 2),
        (5, 2, 1),
        (5, 4, 1),
    ]);
    (kind, 8..60_usize).prop_map(|((version, step_s, copies), count)| {
        let data = some_samples(count);
        (
            file(version, step_s, &data, copies),
            truth(&data, step_s.into()),
        )
    })
}

proptest! {
    #[test]
    fn cut_at_any_length_what_is_left_is_told_once_and_rightly(
        (bytes, truth) in any_file(),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(bytes.len() + 1);
        let answers = all(PROTOCOL, &bytes[..cut]);
        let told = told(&answers);
        prop_assert!(truth.starts_with(&told), "{told:?}");
        let bytes_told: usize = frames(&answers).iter().map(|frame| encode(frame).len()).sum();
        let is_torn = (cut > 0 && cut < HEADER_LEN) || (cut > HEADER_LEN && cut % 5 > 0);
        let torn = [RejectReason::File(FileFault::Torn)];
        prop_assert_eq!(reasons(&answers), torn[..usize::from(is_torn)].to_vec());
        prop_assert!(cut < HEADER_LEN || bytes_told + 5 > cut);
    }

    #[test]
    fn damaged_at_any_byte_no_other_sample_is_touched(
        (bytes, truth) in any_file(),
        place in any::<prop::sample::Index>(),
        mask in 1..=255_u8,
    ) {
        let place = place.index(bytes.len());
        let mut damaged = bytes.clone();
        damaged[place] ^= mask;
        let answers = all(PROTOCOL, &damaged);
        let told = told(&answers);
        let mut times: Vec<i64> = told.iter().map(|it| it.0).collect();
        times.dedup();
        prop_assert_eq!(times.len(), told.len(), "nothing twice");
        if place >= HEADER_LEN {
            let wrong = told.iter().filter(|it| !truth.contains(it)).count();
            prop_assert!(wrong <= 1, "only the damaged sample may be another");
            prop_assert!(told.len() + 1 >= truth.len());
        } else if !(2..=8).contains(&place) {
            // A date that is another date cannot be seen; all else in the header can.
            // Or the time is said to be uncertain.
            let is_true = |(it, sample): &(&(i64, u8, u16), Sample)| {
                truth.contains(it) || !sample.is_time_certain
            };
            let told_rightly = told.iter().zip(samples(&answers)).filter(is_true);
            prop_assert_eq!(told_rightly.count(), told.len());
        } else {
            // Then all samples are shifted by the same.
            let shift = told.first().map_or(0, |first| first.0);
            let shifted: Vec<_> = told.iter().map(|it| (it.0 - shift, it.1, it.2)).collect();
            prop_assert!(truth.starts_with(&shifted));
        }
        for reject in answers.iter().filter_map(|it| it.as_ref().err()) {
            prop_assert!(reject.to_string().len() > 30);
        }
    }

    #[test]
    fn any_bytes_in_any_pieces_give_the_same_answers(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        is_file in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let head = Header::new(3, &NIGHT, 60, 240);
        let bytes = if is_file { [&head.0, bytes.as_slice()].concat() } else { bytes };
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        let mut decoder = PROTOCOL.decoder();
        let mut out = Vec::new();
        decoder.push(left, &mut out);
        decoder.push(right, &mut out);
        decoder.finish(&mut out);
        prop_assert_eq!(&out, &all(PROTOCOL, &bytes));
        // Nothing is invented: every sample stands in the file.
        for sample in samples(&out) {
            let stands = encode(&Frame::O2RingFile(Part::Sample(sample)));
            prop_assert!(bytes.windows(stands.len()).any(|window| window == stands));
        }
    }
}
