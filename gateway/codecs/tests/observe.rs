//! Which frames make readings, which make only a state, and that no other number gets through.

use proptest::prelude::*;
use veglia_codecs::nonin8::{Flags, Frame as Second};
use veglia_codecs::{Frame, Identity, Observation, Protocol, observe};
use veglia_firmware_core::{
    Body, ContactState, FirmwareVersion, Model, NodeFrame, OximetryFlags, Sensor as NodeSensor,
    Site, TemperatureFlags,
};
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor, Vital, VitalKind};

fn nonin(spo2: impl Into<Option<u8>>, pulse: impl Into<Option<u16>>, flags: Flags) -> Frame {
    Frame::Nonin8(Second {
        spo2: spo2.into(),
        pulse: pulse.into(),
        flags,
    })
}

fn node(body: Body) -> Frame {
    Frame::Node(NodeFrame {
        sequence: 1,
        uptime_ms: 1000,
        body,
    })
}

fn oximetry(flags: OximetryFlags) -> Frame {
    node(Body::Oximetry {
        spo2_tenths: Some(936),
        pulse_tenths: Some(1042),
        quality_percent: 90,
        flags,
    })
}

fn temperature(flags: TemperatureFlags) -> Frame {
    node(Body::Temperature {
        celsius_hundredths: 3856,
        site: Site::Tympanum,
        flags,
    })
}

fn contact(frame: &Frame) -> Option<(Sensor, Contact)> {
    observe(frame).into_iter().find_map(|said| match said {
        Observation::Contact(sensor, contact) => Some((sensor, contact)),
        _ => None,
    })
}

/// The readings of a frame: kind, value in its steps, quality.
fn readings(frame: &Frame) -> Vec<(VitalKind, i32, Quality)> {
    let reading = |said| match said {
        Observation::Reading(vital, quality) => Some((vital.kind(), vital.steps(), quality)),
        _ => None,
    };
    observe(frame).into_iter().filter_map(reading).collect()
}

const FINGER_OFF: (Sensor, Contact) = (Sensor::Oximeter, Contact::Off);
const FINGER_SEARCHING: (Sensor, Contact) = (Sensor::Oximeter, Contact::Searching);
const FINGER_ON: (Sensor, Contact) = (Sensor::Oximeter, Contact::On);

#[test]
fn a_good_second_is_two_readings_with_nothing_against_them() {
    let frame = nonin(97, 72, Flags::SMART_POINT);
    assert_eq!(contact(&frame), Some(FINGER_ON));
    let clean = Quality::empty();
    assert_eq!(
        readings(&frame),
        [
            (VitalKind::SpO2, 970, clean),
            (VitalKind::Pulse, 720, clean)
        ]
    );
}

#[test]
fn a_finger_taken_out_is_a_contact_and_never_the_held_number() {
    for flags in [Flags::SENSOR_ALARM, Flags::SENSOR_DISCONNECTED] {
        let frame = nonin(97, 72, flags);
        assert_eq!(
            observe(&frame),
            [Observation::Contact(Sensor::Oximeter, Contact::Off)]
        );
    }
    let frame = nonin(97, 72, Flags::OUT_OF_TRACK);
    assert_eq!(
        observe(&frame),
        [Observation::Contact(Sensor::Oximeter, Contact::Searching)]
    );
    let both = Flags::OUT_OF_TRACK | Flags::SENSOR_ALARM;
    assert_eq!(contact(&nonin(97, 72, both)), Some(FINGER_OFF));
}

#[test]
fn a_missing_value_is_no_value() {
    assert_eq!(
        contact(&nonin(None, None, Flags::empty())),
        Some(FINGER_SEARCHING)
    );
    assert_eq!(readings(&nonin(None, None, Flags::empty())), []);
    let clean = Quality::empty();
    assert_eq!(
        readings(&nonin(95, None, Flags::empty())),
        [(VitalKind::SpO2, 950, clean)]
    );
    assert_eq!(
        readings(&nonin(None, 80, Flags::empty())),
        [(VitalKind::Pulse, 800, clean)]
    );
}

#[test]
fn a_pulse_without_a_saturation_says_that_the_saturation_is_still_searched_for() {
    assert_eq!(
        contact(&nonin(None, 80, Flags::empty())),
        Some(FINGER_SEARCHING)
    );
    assert_eq!(
        contact(&nonin(95, None, Flags::empty())),
        Some(FINGER_ON),
        "a saturation is what the sensor is there for"
    );
}

#[test]
fn a_disturbed_reading_says_by_what() {
    let table = [
        (Flags::ARTEFACT, Quality::ARTEFACT),
        (Flags::LOW_PERFUSION, Quality::LOW_PERFUSION),
        (Flags::MARGINAL_PERFUSION, Quality::WEAK_SIGNAL),
        (
            Flags::ARTEFACT | Flags::LOW_PERFUSION | Flags::MARGINAL_PERFUSION,
            Quality::ARTEFACT | Quality::LOW_PERFUSION | Quality::WEAK_SIGNAL,
        ),
    ];
    for (flags, quality) in table {
        let said = readings(&nonin(88, 110, flags));
        assert_eq!(
            said,
            [
                (VitalKind::SpO2, 880, quality),
                (VitalKind::Pulse, 1100, quality)
            ]
        );
    }
    let table = [
        (OximetryFlags::ARTEFACT, Quality::ARTEFACT),
        (OximetryFlags::LOW_PERFUSION, Quality::LOW_PERFUSION),
        (OximetryFlags::WEAK_SIGNAL, Quality::WEAK_SIGNAL),
    ];
    for (flags, quality) in table {
        let said = readings(&oximetry(OximetryFlags::FINGER | flags));
        assert_eq!(
            said,
            [
                (VitalKind::SpO2, 936, quality),
                (VitalKind::Pulse, 1042, quality)
            ]
        );
    }
}

#[test]
fn a_low_battery_is_said_whatever_else_is() {
    let low = Observation::Battery(DeviceEvent::BatteryLow);
    for flags in [Flags::empty(), Flags::SENSOR_ALARM, Flags::OUT_OF_TRACK] {
        assert_eq!(
            observe(&nonin(97, 72, flags | Flags::LOW_BATTERY)).last(),
            Some(&low)
        );
        assert!(!observe(&nonin(97, 72, flags)).contains(&low));
    }
    let level = Observation::Battery(DeviceEvent::BatteryPercent(83));
    assert_eq!(observe(&node(Body::Battery { percent: 83 })), [level]);
}

#[test]
fn a_node_without_a_finger_or_with_an_older_value_makes_no_reading() {
    let off = oximetry(OximetryFlags::all().difference(OximetryFlags::FINGER));
    assert_eq!(
        observe(&off),
        [Observation::Contact(Sensor::Oximeter, Contact::Off)]
    );
    let held = oximetry(OximetryFlags::FINGER | OximetryFlags::HELD);
    assert_eq!(
        observe(&held),
        [Observation::Contact(Sensor::Oximeter, Contact::Searching)]
    );
}

#[test]
fn a_temperature_is_a_reading_once_it_has_settled_on_skin() {
    let table = [
        (TemperatureFlags::empty(), Contact::Off),
        (TemperatureFlags::SETTLED, Contact::Off),
        (TemperatureFlags::SKIN, Contact::Searching),
    ];
    for (flags, contact) in table {
        let said = observe(&temperature(flags));
        assert_eq!(said, [Observation::Contact(Sensor::Thermometer, contact)]);
    }
    let settled = temperature(TemperatureFlags::all());
    let clean = Quality::empty();
    assert_eq!(readings(&settled), [(VitalKind::Temperature, 3856, clean)]);
}

#[test]
fn an_estimate_the_node_did_not_make_is_no_value() {
    let half = |spo2_tenths, pulse_tenths| {
        node(Body::Oximetry {
            spo2_tenths,
            pulse_tenths,
            quality_percent: 90,
            flags: OximetryFlags::FINGER,
        })
    };
    let clean = Quality::empty();
    let only_spo2 = half(Some(936), None);
    assert_eq!(readings(&only_spo2), [(VitalKind::SpO2, 936, clean)]);
    let only_pulse = half(None, Some(1042));
    assert_eq!(readings(&only_pulse), [(VitalKind::Pulse, 1042, clean)]);
    assert_eq!(contact(&only_pulse), Some(FINGER_SEARCHING));
    assert_eq!(contact(&only_spo2), Some(FINGER_ON));
    assert_eq!(contact(&half(None, None)), Some(FINGER_SEARCHING));
    assert_eq!(readings(&half(None, None)), []);
}

#[test]
fn a_temperature_keeps_its_site() {
    for site in Site::ALL {
        let flags = TemperatureFlags::all();
        let frame = node(Body::Temperature {
            celsius_hundredths: 3700,
            site,
            flags,
        });
        let Some(Observation::Reading(Vital::Temperature(_, wire_site), _)) = observe(&frame).pop()
        else {
            panic!("{site:?} made no temperature");
        };
        let name = match site {
            Site::Gut => "GastroIntestinal".to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(format!("{wire_site:?}"), name);
    }
}

#[test]
fn contact_frames_keep_sensor_and_state() {
    let table = [
        (ContactState::On, Contact::On),
        (ContactState::Off, Contact::Off),
        (ContactState::Searching, Contact::Searching),
        (ContactState::Faulty, Contact::Unmeasurable),
    ];
    let sensors = [
        (NodeSensor::Oximeter, Sensor::Oximeter),
        (NodeSensor::Thermometer, Sensor::Thermometer),
    ];
    for (sensor, named) in sensors {
        for (state, contact) in table {
            let said = observe(&node(Body::Contact { sensor, state }));
            assert_eq!(said, [Observation::Contact(named, contact)]);
        }
    }
}

#[test]
fn a_hello_names_the_device_and_marks_its_uncalibrated_saturation() {
    let hello = |calibration| {
        node(Body::Hello {
            serial: 0xC0FFEE,
            model: Model::Both,
            firmware: FirmwareVersion {
                major: 0,
                minor: 1,
                patch: 0,
            },
            calibration,
        })
    };
    let bare = Identity {
        serial: 0xC0FFEE,
        calibrated: false,
        model: Model::Both,
    };
    let calibrated = Identity {
        calibrated: true,
        ..bare
    };
    assert_eq!(observe(&hello(0)), [Observation::Identity(bare)]);
    assert_eq!(observe(&hello(7)), [Observation::Identity(calibrated)]);
    assert_eq!(bare.device().as_str(), "node:0000000000c0ffee");

    for frame in [
        oximetry(OximetryFlags::FINGER),
        temperature(TemperatureFlags::all()),
    ] {
        for said in observe(&frame) {
            let Observation::Reading(vital, quality) = said else {
                continue;
            };
            let marked = vital.kind() == VitalKind::SpO2;
            let expected = if marked {
                Quality::UNCALIBRATED
            } else {
                Quality::empty()
            };
            assert_eq!(bare.qualify(vital, quality), expected);
            assert_eq!(calibrated.qualify(vital, quality), quality);
        }
    }
}

#[test]
fn a_node_can_be_asked_for_what_its_model_measures_and_a_nonin_for_nothing() {
    let measured = |model| {
        let node = Identity {
            serial: 1,
            calibrated: true,
            model,
        };
        VitalKind::ALL.map(|vital| node.measures(vital))
    };
    assert_eq!(measured(Model::Oximeter), [true, true, false, false, false]);
    assert_eq!(
        measured(Model::Thermometer),
        [false, false, true, false, false]
    );
    assert_eq!(measured(Model::Both), [true, true, true, false, false]);
    assert_eq!(Protocol::Node.measure_now(), Some(&b"!"[..]));
    assert_eq!(Protocol::Nonin8.measure_now(), None);
}

proptest! {
    #[test]
    fn no_flag_or_value_whatever_turns_a_finger_out_into_a_number(
        spo2 in prop::option::of(any::<u8>()),
        pulse in prop::option::of(any::<u16>()),
        bits in any::<u16>(),
    ) {
        let flags = Flags::from_bits_retain(bits);
        let frame = nonin(spo2, pulse, flags);
        let out = Flags::SENSOR_ALARM | Flags::SENSOR_DISCONNECTED | Flags::OUT_OF_TRACK;
        if flags.intersects(out) {
            prop_assert_eq!(readings(&frame), []);
            prop_assert_ne!(contact(&frame), Some(FINGER_ON));
        }
        for (kind, steps, _) in readings(&frame) {
            let said = if kind == VitalKind::SpO2 { spo2.map(u16::from) } else { pulse };
            prop_assert_eq!(said.map(|value| i32::from(value) * 10), Some(steps));
        }
    }

    #[test]
    fn a_finger_is_in_exactly_when_there_is_a_saturation(
        spo2 in prop::option::of(1..=100_u8),
        pulse in prop::option::of(18..=321_u16),
        bits in any::<u16>(),
    ) {
        let frame = nonin(spo2, pulse, Flags::from_bits_retain(bits));
        let on = contact(&frame) == Some(FINGER_ON);
        let said = readings(&frame);
        prop_assert_eq!(on, said.iter().any(|(kind, ..)| *kind == VitalKind::SpO2));
    }
}
