//! The makers' own protocols: the frames that were published, the markers and flags as they are
//! documented, and the laws that hold for all of them.

mod bci;
mod choicemmed;
mod contec;
mod contec_ble;
mod contec_v7;
mod jumper;
mod laws;
mod o2ring;
mod o2ring_download;
mod o2ring_file;
mod pc60fw;
mod taidoc;

use veglia_codecs::{DeviceTime, Frame, Observation, Protocol, Reject, RejectReason, observe};
use veglia_wire::{Contact, Quality, Sensor, VitalKind};

type Answers = Vec<Result<Frame, Reject>>;

/// All a fresh decoder says of some bytes, pushed at once, their end included.
fn all(protocol: Protocol, bytes: &[u8]) -> Answers {
    let mut decoder = protocol.decoder();
    let mut out = Vec::new();
    decoder.push(bytes, &mut out);
    decoder.finish(&mut out);
    out
}

fn frames(answers: &Answers) -> Vec<Frame> {
    answers.iter().flatten().copied().collect()
}

fn reasons(answers: &Answers) -> Vec<RejectReason> {
    let rejects = answers.iter().filter_map(|answer| answer.as_ref().err());
    rejects.map(|reject| reject.reason).collect()
}

/// The one frame that some bytes are.
fn one(protocol: Protocol, bytes: &[u8]) -> Frame {
    match all(protocol, bytes).as_slice() {
        [Ok(frame)] => *frame,
        other => panic!("{other:?} is not one frame"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.chars().filter_map(|digit| digit.to_digit(16));
    let digits: Vec<u8> = digits.filter_map(|digit| digit.try_into().ok()).collect();
    digits
        .chunks_exact(2)
        .map(|pair| (pair[0] << 4) | pair[1])
        .collect()
}

fn contact(frame: Frame) -> Option<(Sensor, Contact)> {
    observe(&frame).into_iter().find_map(|said| match said {
        Observation::Contact(sensor, contact) => Some((sensor, contact)),
        _ => None,
    })
}

/// The readings of a frame: kind, value in its steps, quality.
fn readings(frame: Frame) -> Vec<(VitalKind, i32, Quality)> {
    let reading = |said| match said {
        Observation::Reading(vital, quality) => Some((vital.kind(), vital.steps(), quality)),
        _ => None,
    };
    observe(&frame).into_iter().filter_map(reading).collect()
}

fn time(frame: Frame) -> Option<DeviceTime> {
    observe(&frame).into_iter().find_map(|said| match said {
        Observation::Measured(time) => Some(time),
        _ => None,
    })
}

/// Saturation and pulse of now, with nothing against them.
fn good(spo2: i32, pulse: i32) -> [(VitalKind, i32, Quality); 2] {
    let clean = Quality::empty();
    [
        (VitalKind::SpO2, spo2 * 10, clean),
        (VitalKind::Pulse, pulse * 10, clean),
    ]
}

const OFF: Option<(Sensor, Contact)> = Some((Sensor::Oximeter, Contact::Off));
const ON: Option<(Sensor, Contact)> = Some((Sensor::Oximeter, Contact::On));
const SEARCHING: Option<(Sensor, Contact)> = Some((Sensor::Oximeter, Contact::Searching));
const UNMEASURABLE: Option<(Sensor, Contact)> = Some((Sensor::Oximeter, Contact::Unmeasurable));
