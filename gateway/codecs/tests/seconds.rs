//! From sixty frames a second to one, without making anything up.
// req: G2

use proptest::prelude::*;
use veglia_codecs::nonin::{Status, Status2, Third};
use veglia_codecs::{Frame, Observation, Protocol, Seconds, observe};
use veglia_wire::{Contact, VitalKind};

/// A frame of a fast device that shows this saturation, or is off the finger.
fn third(percent: impl Into<Option<u8>>) -> Frame {
    let percent = percent.into();
    let flags = if percent.is_some() {
        Status::GREEN_PERFUSION
    } else {
        Status::SENSOR_ALARM
    };
    Frame::Nonin2(Third::new(percent, Some(72), flags, Status2::empty()))
}

/// On the finger, and still looking for a pulse.
fn searching() -> Frame {
    let status = Status::OUT_OF_TRACK;
    Frame::Nonin2(Third::new(None, None, status, Status2::empty()))
}

fn contact(frame: &Frame) -> Contact {
    let mut said = observe(frame).into_iter();
    said.find_map(|said| match said {
        Observation::Contact(_, contact) => Some(contact),
        _ => None,
    })
    .expect("every frame of an oximeter says how it holds")
}

fn spo2(frame: &Frame) -> Option<i32> {
    observe(frame).into_iter().find_map(|said| match said {
        Observation::Reading(vital, _) if vital.kind() == VitalKind::SpO2 => Some(vital.steps()),
        _ => None,
    })
}

/// What is kept of frames heard at these milliseconds.
fn kept(heard: &[(u64, Frame)]) -> Vec<(u64, Frame)> {
    let mut seconds = Seconds::new(Protocol::Nonin2);
    let mut out = Vec::new();
    for (ms, frame) in heard {
        seconds.take(*ms, *ms, *frame, &mut out);
    }
    seconds.finish(&mut out);
    out
}

#[test]
fn of_a_falling_saturation_the_last_value_of_each_second_is_kept_and_never_a_mean() {
    let heard: Vec<(u64, Frame)> = [
        (0, 98),
        (300, 96),
        (600, 94),
        (900, 92),
        (1200, 90),
        (1900, 88),
    ]
    .map(|(ms, percent)| (ms, third(percent)))
    .to_vec();
    let kept: Vec<_> = kept(&heard)
        .iter()
        .map(|(ms, frame)| (*ms, spo2(frame)))
        .collect();
    // The first is told at once: the finger has come.
    assert_eq!(kept, [(0, Some(980)), (900, Some(920)), (1900, Some(880))]);
}

#[test]
fn a_finger_that_goes_out_is_told_at_once_and_the_value_before_it_too() {
    let heard = [
        (0, third(97)),
        (200, third(96)),
        (400, third(95)),
        (600, third(None)),
        (800, third(None)),
    ];
    let kept: Vec<_> = kept(&heard)
        .iter()
        .map(|(ms, frame)| (*ms, contact(frame)))
        .collect();
    let expected = [
        (0, Contact::On),
        (400, Contact::On),
        (600, Contact::Off),
        (800, Contact::Off),
    ];
    assert_eq!(kept, expected);
}

#[test]
fn a_second_that_ends_in_frames_without_a_value_keeps_the_value() {
    let low = Third::new(None, Some(72), Status::GREEN_PERFUSION, Status2::empty());
    let heard = [
        (0, searching()),
        (300, Frame::Nonin2(low)),
        (600, searching()),
    ];
    let kept = kept(&heard);
    // The contact is the same in all: a pulse without a saturation is still searching.
    assert_eq!(kept.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [0, 300]);
}

#[test]
fn a_second_of_silence_hands_out_what_was_held() {
    let mut seconds = Seconds::new(Protocol::Nonin2);
    let mut out = Vec::new();
    seconds.take(0, (), third(97), &mut out);
    seconds.take(500, (), third(96), &mut out);
    assert_eq!(out.len(), 1, "the finger has come");
    seconds.tick(900, &mut out);
    assert_eq!(out.len(), 1, "the second is not over");
    seconds.tick(1_000, &mut out);
    assert_eq!(out.len(), 2);
    seconds.tick(9_000, &mut out);
    assert_eq!(out.len(), 2, "once");
}

#[test]
fn a_device_that_comes_back_tells_its_contact_again() {
    let mut seconds = Seconds::new(Protocol::Nonin2);
    let mut out = Vec::new();
    seconds.take(0, (), third(97), &mut out);
    seconds.finish(&mut out);
    seconds.take(100, (), third(97), &mut out);
    assert_eq!(out.len(), 2);
}

#[test]
fn slow_devices_are_not_thinned() {
    for protocol in Protocol::ALL.into_iter().filter(|it| !it.is_fast()) {
        let mut seconds = Seconds::new(protocol);
        let mut out = Vec::new();
        let samples = protocol.samples();
        for frame in &samples {
            seconds.take(0, (), *frame, &mut out);
        }
        let passed: Vec<Frame> = out.into_iter().map(|((), frame)| frame).collect();
        assert_eq!(passed, samples, "{protocol}");
    }
}

proptest! {
    #[test]
    fn what_is_kept_was_said_and_a_second_keeps_few(
        steps in prop::collection::vec((0..400_u64, prop::option::of(70..=100_u8)), 1..200),
    ) {
        let mut now = 0;
        let heard: Vec<(u64, Frame)> = steps
            .iter()
            .map(|(step, percent)| {
                now += step;
                (now, third(*percent))
            })
            .collect();
        let kept = kept(&heard);
        let mut rest = heard.iter();
        for one in &kept {
            prop_assert!(rest.any(|said| said == one), "in the order in which it was said");
        }
        for second in 0..=now / 1_000 {
            let of = |all: &[(u64, Frame)]| -> Vec<Frame> {
                let within = all.iter().filter(|(ms, _)| ms / 1_000 == second);
                within.map(|(_, frame)| *frame).collect()
            };
            let (said, kept) = (of(&heard), of(&kept));
            prop_assert!(kept.len() <= 10, "{kept:?}");
            let last = said.last().map(contact);
            prop_assert_eq!(kept.last().map(contact), last, "the state at its end");
            let value = said.iter().rev().find_map(spo2);
            let kept_values: Vec<i32> = kept.iter().filter_map(spo2).collect();
            prop_assert!(value.is_none_or(|value| kept_values.contains(&value)));
        }
    }
}
