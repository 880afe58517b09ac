//! Scenarios lived through in care time, minute by minute, and heard through the real decoders.

use std::collections::BTreeSet;
use std::sync::Arc;

use veglia_codecs::{Frame, Observation, Protocol, observe};
use veglia_firmware_core::Body;
use veglia_wire::{Contact, Sensor, Vital};

use super::Speaker;
use crate::home::{Home, Rhythm, homes};
use crate::log::What;
use crate::scenario::Scenario;
use crate::voice::Utterance;

const MINUTE_MS: i64 = 60_000;

/// No plan calls less than this silence; much more than this is silence for every plan.
const SHORT_MS: i64 = 45 * MINUTE_MS;
const LONG_MS: i64 = 12 * 60 * MINUTE_MS;

/// What a device was heard to say, by care time.
type Heard = Vec<(i64, Vec<Observation>)>;

/// Lives through `care_ms` of care, one turn a second at sixty times the pace of life.
fn live(home: &Home, device: usize, seed: u64, care_ms: i64) -> (Vec<Utterance>, Heard) {
    let device = &home.devices[device];
    let mut speaker = Speaker::new(home, device, seed);
    let mut decoder = device.protocol.decoder();
    let (mut spoken, mut heard) = (Vec::new(), Vec::new());
    for (turn, care_ms) in (0..).zip((0..care_ms).step_by(60_000)) {
        let Some(said) = speaker.turn(care_ms, turn * 1_000) else {
            decoder.reset();
            continue;
        };
        let mut out = Vec::new();
        for utterance in &said {
            decoder.push(&utterance.bytes, &mut out);
        }
        let frames = out.iter().filter_map(|answer| answer.as_ref().ok());
        heard.push((care_ms, frames.flat_map(observe).collect()));
        spoken.extend(said);
    }
    (spoken, heard)
}

fn readings(heard: &Heard) -> impl Iterator<Item = (i64, Vital, bool)> {
    heard.iter().flat_map(|(at, said)| {
        said.iter().filter_map(|one| match one {
            Observation::Reading(vital, quality) => Some((*at, *vital, quality.is_clean())),
            _ => None,
        })
    })
}

/// The flags that what was heard must raise, by the plainest reading of the rules.
fn raised(heard: &Heard, care_ms: i64) -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    let mut last = std::collections::BTreeMap::new();
    for (at, vital, _) in readings(heard).filter(|(_, _, clean)| *clean) {
        match vital {
            Vital::SpO2(spo2) if spo2.percent_tenths() / 10 <= 92 => {
                flags.insert("spo2-red".to_owned());
            }
            Vital::Temperature(celsius, _) if (celsius.celsius_hundredths() + 5) / 10 > 380 => {
                flags.insert("fever".to_owned());
            }
            _ => {}
        }
        let before = last.insert(vital.kind().name(), at).unwrap_or(0);
        assert!(
            at - before < SHORT_MS,
            "{vital:?} was away {} ms",
            at - before
        );
    }
    for (vital, at) in last {
        let away = care_ms - at;
        assert!(
            !(SHORT_MS..LONG_MS).contains(&away),
            "{vital} is neither there nor silent"
        );
        if away >= LONG_MS {
            flags.insert(format!("silence-{vital}"));
        }
    }
    flags
}

#[test]
fn each_scenario_raises_the_flags_it_expects_and_no_other() {
    for scenario in Scenario::shipped() {
        let scenario = Arc::new(scenario);
        let expected: BTreeSet<String> = scenario.expect().iter().cloned().collect();
        let care_ms = scenario.care_ms();
        for seed in 0..20 {
            let home = Home::living(1, Arc::clone(&scenario), seed);
            let flags: BTreeSet<String> = (0..home.devices.len())
                .flat_map(|device| raised(&live(&home, device, seed, care_ms).1, care_ms))
                .collect();
            assert_eq!(flags, expected, "{} with seed {seed}", scenario.name());
        }
    }
}

#[test]
fn who_is_well_has_the_values_of_somebody_well() {
    for home in homes(60, 5).iter().filter(|home| {
        home.scenario()
            .is_some_and(|scenario| scenario.name() == "stable")
    }) {
        for device in 0..home.devices.len() {
            for (_, vital, clean) in readings(&live(home, device, 5, 600 * MINUTE_MS).1) {
                assert!(clean);
                let steps = vital.steps();
                let well = match vital {
                    Vital::SpO2(_) => (950..=990).contains(&steps),
                    Vital::Pulse(_) => (550..=950).contains(&steps),
                    Vital::Temperature(..) => (3_600..=3_720).contains(&steps),
                    Vital::RespiratoryRate(_) | Vital::SystolicPressure(_) => false,
                };
                assert!(well, "{vital:?} in {}", home.name);
            }
        }
    }
}

#[test]
fn the_same_seed_says_the_same_bytes_and_another_says_others() {
    let scenario = Arc::new(Scenario::named("artefacts").unwrap());
    let say = |seed: u64, device: usize| {
        let home = Home::living(3, Arc::clone(&scenario), seed);
        live(&home, device, seed, 90 * MINUTE_MS).0
    };
    for device in [0, 1] {
        assert_eq!(say(7, device), say(7, device));
        assert_ne!(say(7, device), say(8, device));
    }
}

#[test]
fn noise_on_the_line_costs_no_frame() {
    let home = Home::living(1, Arc::new(Scenario::named("artefacts").unwrap()), 2);
    for device in [0, 1] {
        let (spoken, heard) = live(&home, device, 2, 60 * MINUTE_MS);
        let said = spoken
            .iter()
            .filter_map(|utterance| utterance.said.as_ref());
        assert!(said.clone().any(|said| said.what == What::LineNoise));
        let values = said
            .clone()
            .filter(|said| said.spo2_tenths.is_some())
            .count();
        let heard = readings(&heard).filter(|(_, vital, _)| matches!(vital, Vital::SpO2(_)));
        assert_eq!(heard.count(), values);
    }
}

#[test]
fn an_artefact_reads_low_and_says_that_it_is_one() {
    let home = Home::living(1, Arc::new(Scenario::named("artefacts").unwrap()), 2);
    for device in [0, 1] {
        let (_, heard) = live(&home, device, 2, 60 * MINUTE_MS);
        let low = readings(&heard).filter(
            |(_, vital, _)| matches!(vital, Vital::SpO2(spo2) if spo2.percent_tenths() <= 920),
        );
        let low: Vec<bool> = low.map(|(_, _, clean)| clean).collect();
        assert!(!low.is_empty());
        assert!(low.iter().all(|clean| !clean));
    }
}

#[test]
fn a_finger_taken_out_is_a_contact_lost_and_found_again() {
    let home = Home::living(1, Arc::new(Scenario::named("finger-out").unwrap()), 2);
    for device in [0, 1] {
        let (_, heard) = live(&home, device, 2, 50 * MINUTE_MS);
        let mut contacts: Vec<Contact> = heard
            .iter()
            .flat_map(|(_, said)| said)
            .filter_map(|one| match one {
                Observation::Contact(Sensor::Oximeter, contact) => Some(*contact),
                _ => None,
            })
            .collect();
        contacts.dedup();
        assert_eq!(contacts, [Contact::On, Contact::Off, Contact::On]);
    }
}

#[test]
fn a_wrong_clock_jumps_and_a_restart_counts_from_zero() {
    let home = Home::living(
        1,
        Arc::new(Scenario::named("wrong-device-clock").unwrap()),
        2,
    );
    let (spoken, _) = live(&home, 0, 2, 70 * MINUTE_MS);
    let mut decoder = Protocol::Node.decoder();
    let mut out = Vec::new();
    for utterance in &spoken {
        decoder.push(&utterance.bytes, &mut out);
    }
    let frames: Vec<_> = out
        .into_iter()
        .map(|answer| match answer {
            Ok(Frame::Node(frame)) => frame,
            other => panic!("a node says nothing else: {other:?}"),
        })
        .collect();
    let jump = |far: u32| {
        let near = |pair: &&[veglia_firmware_core::NodeFrame]| {
            pair[1].uptime_ms.wrapping_sub(pair[0].uptime_ms) > far
        };
        frames.windows(2).filter(near).count()
    };
    // Ahead by a month, then back behind its own start, which wraps.
    assert_eq!(jump(1_000_000_000), 2);
    let hellos =
        |frame: &&veglia_firmware_core::NodeFrame| matches!(frame.body, Body::Hello { .. });
    let restarts = frames
        .iter()
        .filter(hellos)
        .filter(|frame| frame.sequence == 0);
    assert_eq!(
        restarts.map(|frame| frame.uptime_ms).collect::<Vec<_>>(),
        [0, 0]
    );
}

#[test]
fn in_counter_mode_every_frame_has_the_next_number() {
    let protocols = [Protocol::Nonin8, Protocol::Node];
    let home = Home::counting(1, &protocols, Rhythm::hz(50), 4);
    for device in [0, 1] {
        let (spoken, heard) = live(&home, device, 4, 500 * MINUTE_MS);
        let numbers: Vec<u64> = spoken
            .iter()
            .filter_map(|utterance| utterance.said.as_ref()?.counter)
            .collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        let values: Vec<(u16, u16)> = heard
            .iter()
            .flat_map(|(_, said)| said)
            .filter_map(|one| match one {
                Observation::Reading(vital, _) => u16::try_from(vital.steps()).ok(),
                _ => None,
            })
            .collect::<Vec<_>>()
            .chunks(2)
            .map(|pair| (pair[0], pair[1]))
            .collect();
        let protocol = protocols[device];
        let decode = |&(spo2, pulse): &(u16, u16)| crate::decode_counter(protocol, spo2, pulse);
        let found: Vec<_> = values.iter().filter_map(decode).collect();
        assert_eq!(found, numbers);
    }
}

#[test]
fn a_device_that_lies_on_the_table_measures_when_its_time_comes_and_when_it_is_asked() {
    let text = "title = \"Prova\"\nexpect = []\nnoise = { spo2 = 0.0, pulse = 0.0, \
                temperature = 0.0 }\n[[device]]\nname = \"nodo\"\nprotocol = \"node\"\n\
                measures = \"both\"\nevery_minutes = 10\n[[phase]]\nminutes = 60\n";
    let scenario = Arc::new(Scenario::parse("prova", text).unwrap());
    let home = Home::living(1, scenario, 5);
    let mut speaker = Speaker::new(&home, &home.devices[0], 5);
    let mut measured = Vec::new();
    for minute in 0..25 {
        if minute == 14 {
            speaker.measure();
        }
        let said = speaker.turn(minute * MINUTE_MS, 0).unwrap();
        let readings = said.iter().filter_map(|one| one.said.as_ref());
        let readings = readings.filter(|said| said.what == What::Reading).count();
        if readings > 0 {
            measured.push((minute, readings));
        }
    }
    // Saturation and temperature; the next ten minutes count from the measurement asked for.
    assert_eq!(measured, [(0, 2), (10, 2), (14, 2), (24, 2)]);
}
