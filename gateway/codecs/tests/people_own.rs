//! A day with each device that people own: what it sends, and what becomes of it. A row is a
//! moment of the day; the decoder goes through all of them, as at home.

use std::fmt::Write;

use veglia_codecs::o2ring::answer;
use veglia_codecs::{
    DateTime, Decoder, Frame, Framing, Observation, Protocol, bci, choicemmed, contec, contec_ble,
    contec_v7, encode, jumper, nonin8, o2ring, o2ring_file, observe, pc60fw, taidoc,
};
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor, Vital};

/// What a moment brings.
enum Comes {
    /// These frames, each so many times.
    Said(Vec<Frame>, usize),
    /// Bytes that are none.
    Noise(Vec<u8>),
    /// The device was away and is back.
    Reconnect,
}

use Comes::{Noise, Reconnect, Said};

/// One decoder through one day.
fn live_through(protocol: Protocol, day: Vec<(&str, Comes, &str)>) {
    let mut decoder = protocol.decoder();
    for (moment, comes, expected) in day {
        let told = match comes {
            Said(frames, times) => {
                let all = std::iter::repeat_n(frames, times).flatten();
                let pieces: Vec<Vec<u8>> = all.map(|frame| encode(&frame)).collect();
                tell(protocol, decoder.as_mut(), &pieces)
            }
            Noise(bytes) => tell(protocol, decoder.as_mut(), &[bytes]),
            Reconnect => {
                decoder.reset();
                String::new()
            }
        };
        assert_eq!(told, expected, "{protocol}: {moment}");
    }
}

/// What becomes of some bytes, in words; the same twice in a row is said once.
fn tell(protocol: Protocol, decoder: &mut dyn Decoder, pieces: &[Vec<u8>]) -> String {
    let mut out = Vec::new();
    match protocol.framing() {
        Framing::Packets => {
            for value in pieces {
                decoder.push(value, &mut out);
            }
        }
        // As notifications cut a stream: without regard to its frames.
        Framing::Stream => {
            for piece in pieces.concat().chunks(20) {
                decoder.push(piece, &mut out);
            }
        }
    }
    if protocol == Protocol::O2RingFile {
        decoder.finish(&mut out);
    }
    let mut lines: Vec<String> = out.iter().flatten().map(words).collect();
    lines.retain(|line| !line.is_empty());
    lines.dedup();
    lines.join(" | ")
}

fn words(frame: &Frame) -> String {
    let words: Vec<String> = observe(frame).into_iter().map(word).collect();
    words.join(" ")
}

fn word(said: Observation) -> String {
    match said {
        Observation::Measured(time) => {
            let at = DateTime::at(time).expect("a year from 1 to 9999");
            format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second)
        }
        Observation::Identity(identity) => identity.device().as_str().to_owned(),
        Observation::Contact(sensor, contact) => {
            let contact = match contact {
                Contact::On => "on",
                Contact::Off => "off",
                Contact::Searching => "searching",
                Contact::Unmeasurable => "unmeasurable",
            };
            match sensor {
                Sensor::Oximeter => contact.to_owned(),
                Sensor::Thermometer => format!("thermometer {contact}"),
            }
        }
        Observation::Reading(vital, quality) => reading(vital, quality),
        Observation::Battery(DeviceEvent::BatteryPercent(percent)) => format!("battery {percent}"),
        Observation::Battery(_) => "battery low".to_owned(),
    }
}

fn reading(vital: Vital, quality: Quality) -> String {
    let mut text = match vital {
        Vital::SpO2(_) => format!("{}%", vital.steps() / 10),
        Vital::Pulse(_) => format!("{}/min", vital.steps() / 10),
        other => format!("{}.{:02}C", other.steps() / 100, other.steps() % 100),
    };
    for (name, _) in quality.iter_names() {
        let name = name.to_ascii_lowercase().replace('_', "-");
        write!(text, " {name}").expect("a string takes all that is written");
    }
    text
}

/// A busy line, or a radio that was turned off in the middle of a word.
fn noise() -> Vec<u8> {
    (0..97_u8)
        .map(|place| place.wrapping_mul(73) ^ 0x5C)
        .collect()
}

#[test]
fn a_day_with_a_contec_of_the_older_kind() {
    let live = |spo2, pulse, flags| {
        Frame::Contec(contec::Frame::Live(contec::Live {
            spo2,
            pulse,
            signal: 5,
            pleth: 64,
            bar: 8,
            flags,
        }))
    };
    let none = contec::Flags::empty();
    let sound = live(Some(97), Some(72), none);
    let out = live(None, None, contec::Flags::FINGER_OUT);
    let held = live(Some(97), Some(72), contec::Flags::FINGER_OUT);
    let searching = live(Some(96), Some(70), contec::Flags::SEARCHING);
    let falling = live(Some(84), Some(140), contec::Flags::FALLING_SPO2);
    let broken = live(Some(97), Some(72), contec::Flags::PROBE_ERROR);
    let day = vec![
        ("switched on, no finger", Said(vec![out], 60), "off"),
        ("the finger goes in", Said(vec![searching], 60), "searching"),
        ("it measures", Said(vec![sound], 60), "on 97% 72/min"),
        (
            "the patient gets worse",
            Said(vec![falling], 60),
            "on 84% 140/min",
        ),
        (
            "a weak pulse",
            Said(vec![live(Some(95), None, none)], 60),
            "on 95%",
        ),
        (
            "no number at all",
            Said(vec![live(None, None, none)], 60),
            "searching",
        ),
        (
            "the probe is broken",
            Said(vec![broken], 60),
            "unmeasurable",
        ),
        ("the plug is loose", Noise(noise()), ""),
        ("seven frames after it", Said(vec![sound], 7), ""),
        ("the eighth", Said(vec![sound], 1), "on 97% 72/min"),
        (
            "the finger goes out, the number stands",
            Said(vec![held], 60),
            "off",
        ),
        ("unplugged", Reconnect, ""),
        ("plugged in again", Said(vec![sound], 60), "on 97% 72/min"),
    ];
    live_through(Protocol::Contec, day);
}

#[test]
fn a_day_with_a_contec_of_the_newer_kind() {
    let packet = |spo2, pulse, flags| {
        Frame::ContecV7(contec_v7::Frame {
            spo2,
            pulse,
            perfusion_hundredths: Some(310),
            signal: 5,
            pleth: 64,
            bar: 8,
            flags,
        })
    };
    let none = contec_v7::Flags::empty();
    let sound = packet(Some(97), Some(172), none);
    let searching = packet(None, None, contec_v7::Flags::SEARCHING);
    let broken = packet(Some(97), Some(72), contec_v7::Flags::PROBE_ERROR);
    let day = vec![
        (
            "no finger",
            Said(vec![packet(None, None, none)], 60),
            "searching",
        ),
        ("the finger goes in", Said(vec![searching], 60), "searching"),
        ("it measures", Said(vec![sound], 60), "on 97% 172/min"),
        (
            "the probe is broken",
            Said(vec![broken], 60),
            "unmeasurable",
        ),
        ("the plug is loose", Noise(noise()), ""),
        ("one packet after it", Said(vec![sound], 1), ""),
        ("the second", Said(vec![sound], 1), "on 97% 172/min"),
        ("unplugged", Reconnect, ""),
        ("plugged in again", Said(vec![sound], 60), "on 97% 172/min"),
    ];
    live_through(Protocol::ContecV7, day);
}

#[test]
fn a_day_with_a_contec_over_bluetooth() {
    let values = |pulse, spo2| {
        Frame::ContecBle(contec_ble::Frame::Values {
            state: 4,
            pulse,
            spo2,
            rest: [0x7F, 0],
        })
    };
    let wave = Frame::ContecBle(contec_ble::Frame::Wave([3, 0x48, 9]));
    let day = vec![
        ("it answers and draws", Said(vec![wave], 9), ""),
        (
            "no finger",
            Said(vec![values(255, 127), wave], 9),
            "searching",
        ),
        (
            "it measures",
            Said(vec![values(72, 97), wave], 9),
            "on 97% 72/min",
        ),
        (
            "a racing heart",
            Said(vec![values(141, 93), wave], 9),
            "on 93% 141/min",
        ),
        ("a weak pulse", Said(vec![values(0, 93), wave], 9), "on 93%"),
        ("the link is bad", Noise(noise()), ""),
        (
            "and good again",
            Said(vec![values(72, 97), wave], 9),
            "on 97% 72/min",
        ),
    ];
    live_through(Protocol::ContecBle, day);
}

#[test]
fn a_day_with_a_berrymed() {
    let frame = |spo2, pulse, flags| {
        Frame::Bci(bci::Frame {
            spo2,
            pulse,
            signal: 5,
            pleth: 64,
            bar: 8,
            flags,
        })
    };
    let sound = frame(Some(97), Some(72), bci::Flags::BEEP);
    let out = frame(None, None, bci::Flags::NO_FINGER);
    let held = frame(Some(97), Some(72), bci::Flags::NO_FINGER);
    let weak = frame(Some(91), Some(50), bci::Flags::NO_SIGNAL);
    let unplugged = frame(Some(97), Some(72), bci::Flags::PROBE_UNPLUGGED);
    let day = vec![
        ("no finger", Said(vec![out], 100), "off"),
        ("it measures", Said(vec![sound], 100), "on 97% 72/min"),
        ("the signal is lost", Said(vec![weak], 100), "searching"),
        ("the probe is unplugged", Said(vec![unplugged], 100), "off"),
        ("the number stands", Said(vec![held], 100), "off"),
        ("the link is bad", Noise(noise()), ""),
        ("back", Said(vec![sound], 100), "on 97% 72/min"),
    ];
    live_through(Protocol::Bci, day);
}

#[test]
fn a_day_with_a_jumper() {
    let values = |pulse, spo2, perfusion_tenths| {
        Frame::Jumper(jumper::Frame::Values {
            pulse,
            spo2,
            perfusion_tenths,
        })
    };
    let day = vec![
        ("it is idle", Noise(vec![0x2D; 4]), ""),
        ("no finger", Said(vec![values(255, 127, 0)], 5), "searching"),
        (
            "it measures",
            Said(vec![values(56, 99, 68)], 5),
            "on 99% 56/min",
        ),
        (
            "no perfusion",
            Said(vec![values(56, 99, 0)], 5),
            "searching",
        ),
        (
            "a weak pulse",
            Said(vec![values(56, 99, 1)], 5),
            "on 99% 56/min",
        ),
        ("a value of another length", Noise(vec![0x81, 56, 99]), ""),
        ("back", Said(vec![values(56, 99, 68)], 1), "on 99% 56/min"),
    ];
    live_through(Protocol::Jumper, day);
}

#[test]
fn a_day_with_a_pc60fw() {
    let values = |spo2, pulse, status| {
        Frame::Pc60Fw(pc60fw::Frame::Values {
            spo2,
            pulse,
            perfusion_tenths: 57,
            status,
            level: 0xC0,
        })
    };
    let battery = |bars| Frame::Pc60Fw(pc60fw::Frame::Battery(bars));
    let wave = Frame::Pc60Fw(pc60fw::Frame::Wave([60; 5]));
    let none = pc60fw::Status::empty();
    let sound = values(95, 85, none);
    let held = values(95, 85, pc60fw::Status::PROBE_OFF);
    let searching = values(95, 85, pc60fw::Status::SEARCHING);
    let day = vec![
        ("a full battery", Said(vec![battery(3)], 1), ""),
        ("no finger", Said(vec![values(0, 0, none)], 5), "searching"),
        ("it searches", Said(vec![searching, wave], 5), "searching"),
        ("it measures", Said(vec![sound, wave], 5), "on 95% 85/min"),
        (
            "the finger goes out, the number stands",
            Said(vec![held], 5),
            "off",
        ),
        (
            "the battery runs down",
            Said(vec![battery(0)], 5),
            "battery low",
        ),
        ("the link is bad", Noise(noise()), ""),
        ("back", Said(vec![sound], 1), "on 95% 85/min"),
    ];
    live_through(Protocol::Pc60Fw, day);
}

#[test]
fn a_night_with_a_ring_and_what_it_has_recorded() {
    let values = |spo2, pulse, motion, worn| {
        Frame::O2Ring(o2ring::Frame::Values {
            spo2,
            pulse,
            rest: [0; 5],
            battery_percent: 61,
            charging: 0,
            motion,
            perfusion_tenths: 8,
            worn,
            last: 0,
        })
    };
    let done = answer(0, 0, &[]);
    let day = vec![
        ("the clock is set", Noise(done), ""),
        (
            "on the table",
            Said(vec![values(255, 255, 0, 0)], 5),
            "off battery 61",
        ),
        (
            "it calibrates",
            Said(vec![values(0, 0, 3, 1)], 5),
            "searching battery 61",
        ),
        (
            "it measures",
            Said(vec![values(96, 58, 3, 1)], 5),
            "on 96% 58/min battery 61",
        ),
        (
            "the hand moves",
            Said(vec![values(96, 58, 99, 1)], 5),
            "on 96% 58/min battery 61",
        ),
        ("the link is bad", Noise(noise()), ""),
        (
            "back",
            Said(vec![values(88, 58, 3, 1)], 1),
            "on 88% 58/min battery 61",
        ),
        (
            "taken off, the number stands",
            Said(vec![values(88, 58, 3, 0)], 1),
            "off battery 61",
        ),
    ];
    live_through(Protocol::O2Ring, day);

    let start = DateTime {
        year: 2020,
        month: 11,
        day: 21,
        hour: 23,
        minute: 59,
        second: 54,
    };
    let header = o2ring_file::Header::new(3, &start, 4, 16);
    let samples = [
        95, 58, 0, 3, 0, 88, 61, 0, 3, 0x40, 255, 255, 255, 0, 0, 94, 60, 0, 2, 0,
    ];
    let file = [header.0.as_slice(), &samples].concat();
    // The third is no finger, or below 61 %: a time and no number.
    let told = "23:59:54 95% from-storage 58/min from-storage \
                | 23:59:58 88% from-storage 61/min from-storage \
                | 00:00:02 | 00:00:06 94% from-storage 60/min from-storage";
    let night = vec![("the night is fetched", Noise(file), told)];
    live_through(Protocol::O2RingFile, night);
}

#[test]
fn a_day_with_a_taidoc_thermometer_and_an_oximeter() {
    let at = DateTime {
        year: 2020,
        month: 11,
        day: 22,
        hour: 7,
        minute: 35,
        second: 0,
    };
    let stored = |time: Option<DateTime>, raw: u16| {
        let [low, high] = raw.to_le_bytes();
        let time = time.as_ref().map(taidoc::encode_time);
        let value = [low, high, 0, 0];
        Frame::TaiDoc(taidoc::Frame::Stored { time, value })
    };
    let now = |spo2, pulse| {
        let rest = [0, 0];
        Frame::TaiDoc(taidoc::Frame::Now { spo2, rest, pulse })
    };
    let fever = "07:35:00 thermometer on 38.30C";
    let undated = "38.30C from-storage time-uncertain";
    let day = vec![
        (
            "the fever of this morning",
            Said(vec![stored(Some(at), 383)], 1),
            fever,
        ),
        (
            "it connects again, and tells it again",
            Said(vec![stored(Some(at), 383)], 1),
            fever,
        ),
        (
            "in hundredths",
            Said(vec![stored(Some(at), 3830)], 1),
            fever,
        ),
        (
            "the answer about the time was lost",
            Said(vec![stored(None, 383)], 1),
            undated,
        ),
        ("in Fahrenheit", Said(vec![stored(Some(at), 1009)], 1), ""),
        (
            "the oximeter without a finger",
            Said(vec![now(0, 0)], 5),
            "searching",
        ),
        ("it measures", Said(vec![now(97, 72)], 5), "on 97% 72/min"),
        ("the link is bad", Noise(noise()), ""),
        ("back", Said(vec![now(97, 72)], 1), "on 97% 72/min"),
    ];
    live_through(Protocol::TaiDoc, day);
}

#[test]
fn a_day_with_a_choicemmed() {
    let values = |spo2, pulse, after_pulse| {
        Frame::ChoiceMmed(choicemmed::Frame::Values {
            spo2,
            after_spo2: 0,
            pulse,
            after_pulse,
            breaths: 16,
            rest: [0x20, 0, 0, 0, 0],
            perfusion_tenths: 54,
        })
    };
    let wave = Frame::ChoiceMmed(choicemmed::Frame::Wave(90));
    let day = vec![
        ("no finger", Said(vec![values(127, 0, 0)], 5), "searching"),
        (
            "it measures",
            Said(vec![values(97, 72, 0), wave], 5),
            "on 97% 72/min",
        ),
        (
            "a byte that nobody explains",
            Said(vec![values(97, 72, 1)], 5),
            "on 97%",
        ),
        ("a value of another kind", Noise(vec![97, 72]), ""),
        ("back", Said(vec![values(97, 72, 0)], 1), "on 97% 72/min"),
    ];
    live_through(Protocol::ChoiceMmed, day);
}

#[test]
fn a_day_with_a_nonin_for_what_the_others_do_not_say() {
    let second = |spo2, pulse, flags| Frame::Nonin8(nonin8::Frame { spo2, pulse, flags });
    let sound = second(Some(97), Some(72), nonin8::Flags::SMART_POINT);
    let moved = second(Some(89), Some(110), nonin8::Flags::ARTEFACT);
    let cold = second(Some(93), Some(70), nonin8::Flags::LOW_PERFUSION);
    let held = second(Some(97), Some(72), nonin8::Flags::SENSOR_ALARM);
    let low = second(Some(97), Some(72), nonin8::Flags::LOW_BATTERY);
    let artefact = "on 89% artefact 110/min artefact";
    let perfusion = "on 93% low-perfusion 70/min low-perfusion";
    let day = vec![
        ("it measures", Said(vec![sound], 5), "on 97% 72/min"),
        ("the hand moves", Said(vec![moved], 5), artefact),
        ("cold fingers", Said(vec![cold], 5), perfusion),
        (
            "the finger goes out, the number stands",
            Said(vec![held], 5),
            "off",
        ),
        (
            "the battery runs down",
            Said(vec![low], 5),
            "on 97% 72/min battery low",
        ),
    ];
    live_through(Protocol::Nonin8, day);
}
