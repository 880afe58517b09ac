//! The standard pulse oximeter and thermometer: values that devices and the standard's own tests
//! have sent, and what must not be read out of them.
//!
//! Vectors: StanfordSpezi/SpeziBluetooth, PLXTests.swift (MIT); NordicSemiconductor's
//! Android-BLE-Common-Library, TemperatureMeasurementDataCallbackTest.java (BSD-3); the reserved
//! words of IEEE 11073-20601.
// req: G2

use proptest::prelude::*;
use veglia_codecs::plx::{Abilities, Features, MeasurementStatus, Pair, SensorStatus, Status};
use veglia_codecs::sig::{Float, SFloat};
use veglia_codecs::{
    DateTime, DeviceTime, Frame, Observation, Protocol, RejectReason, encode, observe, plx_spot,
};
use veglia_wire::{Contact, DeviceStamp, Quality, Sensor, Vital, VitalKind};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).expect("digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn heard(protocol: Protocol, value: &[u8]) -> Result<Frame, RejectReason> {
    let mut out = Vec::new();
    protocol.decoder().push(value, &mut out);
    assert_eq!(out.len(), 1);
    out.remove(0).map_err(|reject| reject.reason)
}

fn said(protocol: Protocol, hex: &str) -> Vec<Observation> {
    observe(&heard(protocol, &bytes(hex)).expect("a value that is read"))
}

fn spo2(tenths: i32, quality: Quality) -> Observation {
    let vital = Vital::from_steps(VitalKind::SpO2, tenths, veglia_wire::Site::Unknown);
    Observation::Reading(vital.expect("in its range"), quality)
}

fn pulse(tenths: i32, quality: Quality) -> Observation {
    let vital = Vital::from_steps(VitalKind::Pulse, tenths, veglia_wire::Site::Unknown);
    Observation::Reading(vital.expect("in its range"), quality)
}

fn celsius(hundredths: i32, site: veglia_wire::Site, quality: Quality) -> Observation {
    let vital = Vital::from_steps(VitalKind::Temperature, hundredths, site);
    Observation::Reading(vital.expect("in its range"), quality)
}

const ON: Observation = Observation::Contact(Sensor::Oximeter, Contact::On);
const OFF: Observation = Observation::Contact(Sensor::Oximeter, Contact::Off);
const SEARCHING: Observation = Observation::Contact(Sensor::Oximeter, Contact::Searching);
const CLEAN: Quality = Quality::empty();

#[test]
fn published_values_of_the_continuous_oximeter_are_read() {
    let table = [
        ("00e8f384f3", [1000, 900]),
        ("0064005a00", [1000, 900]),
        ("1c5f005a00200000000057f0", [950, 900]),
        ("1fdef3caf3caf35af5d4f3b2f220010000007ae3", [990, 970]),
    ];
    for (hex, [percent, rate]) in table {
        let expected = [ON, spo2(percent, CLEAN), pulse(rate, CLEAN)];
        assert_eq!(said(Protocol::PlxContinuous, hex), expected, "{hex}");
    }
}

#[test]
fn every_field_of_the_continuous_oximeter_is_kept() {
    let value = bytes("1fdef3caf3caf35af5d4f3b2f220010000007ae3");
    let Ok(Frame::PlxContinuous(frame)) = heard(Protocol::PlxContinuous, &value) else {
        panic!("a published value was refused");
    };
    let steps = |pair: Option<Pair>| pair.map(|pair| (pair.spo2.steps(1), pair.pulse.steps(1)));
    assert_eq!(steps(frame.fast), Some((Some(970), Some(1370))));
    assert_eq!(steps(frame.slow), Some((Some(980), Some(690))));
    let ongoing = MeasurementStatus::ONGOING | MeasurementStatus::QUALIFIED;
    assert_eq!(frame.status.measurement, Some(ongoing));
    assert_eq!(frame.status.sensor, Some(SensorStatus::empty()));
    assert_eq!(frame.status.amplitude.unwrap().steps(1), Some(89));
    assert_eq!(encode(&Frame::PlxContinuous(frame)), value);
}

#[test]
fn a_published_spot_check_has_its_time_and_what_the_device_says_against_it() {
    let hex = "0facf3bef5e8070b1d170839204022000066e3";
    let time = DeviceTime(1_732_921_737);
    let quality = Quality::QUESTIONABLE | Quality::INVALID | Quality::LOW_PERFUSION;
    let expected = [
        Observation::Measured(time),
        ON,
        spo2(940, quality),
        pulse(1470, quality),
    ];
    assert_eq!(said(Protocol::PlxSpot, hex), expected);
    let frame = heard(Protocol::PlxSpot, &bytes(hex)).unwrap();
    assert_eq!(frame.stamp(), Some(DeviceStamp(time.0)));
}

#[test]
fn a_missing_value_in_the_standards_words_is_no_number() {
    // Not a number, no resolution, the infinities, and the word kept for later.
    for word in ["ff07", "0008", "fe07", "0208", "0108"] {
        let neither = format!("00{word}{word}");
        assert_eq!(said(Protocol::PlxContinuous, &neither), [SEARCHING]);
        let no_spo2 = format!("00{word}5a00");
        let expected = [SEARCHING, pulse(900, CLEAN)];
        assert_eq!(said(Protocol::PlxContinuous, &no_spo2), expected);
        let no_pulse = format!("006100{word}");
        assert_eq!(
            said(Protocol::PlxContinuous, &no_pulse),
            [ON, spo2(970, CLEAN)]
        );
        let spot = said(Protocol::PlxSpot, &neither);
        let unmeasurable = Observation::Contact(Sensor::Oximeter, Contact::Unmeasurable);
        assert_eq!(spot, [unmeasurable], "it was tried, and is over");
    }
}

#[test]
fn a_number_that_no_body_has_is_no_reading() {
    // 101 %, 0 %, -1 %, and a pulse of 2045.
    for word in ["6500", "0000", "ff0f"] {
        let hex = format!("00{word}5a00");
        let expected = [SEARCHING, pulse(900, CLEAN)];
        assert_eq!(said(Protocol::PlxContinuous, &hex), expected);
    }
    let hex = "006100fd07";
    assert_eq!(said(Protocol::PlxContinuous, hex), [ON, spo2(970, CLEAN)]);
}

#[test]
fn exponents_are_not_biased_as_one_published_parser_has_them() {
    // That one reads 0x8062 as 98 and 0x700A as 1.
    let expected = [SEARCHING, pulse(900, CLEAN)];
    assert_eq!(said(Protocol::PlxContinuous, "0062805a00"), expected);
    assert_eq!(said(Protocol::PlxContinuous, "000a705a00"), expected);
}

#[test]
fn a_sensor_off_the_body_makes_no_number_and_a_searching_one_none_yet() {
    let with = |bit: u32| {
        let [a, b, c, _] = (1_u32 << bit).to_le_bytes();
        said(
            Protocol::PlxContinuous,
            &format!("0861005a00{a:02x}{b:02x}{c:02x}"),
        )
    };
    for bit in [11, 13, 15] {
        assert_eq!(with(bit), [OFF], "bit {bit}");
    }
    for bit in [7, 9] {
        assert_eq!(with(bit), [SEARCHING], "bit {bit}");
    }
    let table = [
        (0, Quality::HELD),
        (1, Quality::INVALID),
        (2, Quality::ARTEFACT),
        (3, Quality::QUESTIONABLE),
        (4, Quality::WEAK_SIGNAL),
        (5, Quality::LOW_PERFUSION),
        (6, Quality::ARTEFACT),
        (8, Quality::QUESTIONABLE),
        (10, Quality::ARTEFACT),
        (12, Quality::QUESTIONABLE),
        (14, Quality::INVALID),
        (16, CLEAN),
    ];
    for (bit, quality) in table {
        let expected = [ON, spo2(970, quality), pulse(900, quality)];
        assert_eq!(with(bit), expected, "bit {bit}");
    }
}

#[test]
fn the_status_of_the_measurement_is_the_quality_of_the_reading() {
    let with = |bit: u32| {
        let [a, b, ..] = (1_u32 << bit).to_le_bytes();
        said(
            Protocol::PlxContinuous,
            &format!("0461005a00{a:02x}{b:02x}"),
        )
    };
    let table = [
        (5, CLEAN),
        (6, Quality::EARLY),
        (7, CLEAN),
        (8, CLEAN),
        (10, Quality::DEMO),
        (11, Quality::DEMO),
        (12, Quality::DEMO),
        (14, Quality::QUESTIONABLE),
        (15, Quality::INVALID),
    ];
    for (bit, quality) in table {
        let expected = [ON, spo2(970, quality), pulse(900, quality)];
        assert_eq!(with(bit), expected, "bit {bit}");
    }
    assert_eq!(with(13), [SEARCHING], "unavailable");
}

#[test]
fn what_comes_out_of_a_memory_is_readings_and_their_time_and_no_state_of_now() {
    let stored = Quality::FROM_STORAGE;
    let dated = said(Protocol::PlxSpot, "0361005a00e4070a140800000002");
    let expected = [
        Observation::Measured(DeviceTime(1_603_180_800)),
        spo2(970, stored),
        pulse(900, stored),
    ];
    assert_eq!(dated, expected);

    let uncertain = stored | Quality::TIME_UNCERTAIN;
    let expected = [spo2(970, uncertain), pulse(900, uncertain)];
    // No time; a day the device does not know; a clock that nobody has set.
    for hex in [
        "0261005a000002",
        "0361005a00e4070a000800000002",
        "1361005a00e4070a140800000002",
    ] {
        assert_eq!(said(Protocol::PlxSpot, hex), expected, "{hex}");
    }
    assert_eq!(said(Protocol::PlxSpot, "02ff07ff070002"), []);
}

#[test]
fn a_value_cut_short_too_long_or_with_unknown_flags_is_refused() {
    let short = Err(RejectReason::BadLength);
    let reserved = Err(RejectReason::Reserved);
    for protocol in [Protocol::PlxContinuous, Protocol::PlxSpot] {
        assert_eq!(heard(protocol, &[]), short);
        assert_eq!(heard(protocol, &bytes("0061005a")), short);
        assert_eq!(heard(protocol, &bytes("0061005a0000")), short);
        assert_eq!(heard(protocol, &bytes("2061005a00")), reserved);
    }
    let cut = bytes("06b00e00fedc070c050b321b");
    assert_eq!(
        heard(Protocol::Thermometer, &cut),
        short,
        "the type is missing"
    );
    assert_eq!(heard(Protocol::Thermometer, &bytes("08b00e00fe")), reserved);
}

#[test]
fn published_temperatures_are_read() {
    use veglia_wire::Site;

    let on = Observation::Contact(Sensor::Thermometer, Contact::On);
    let time = Observation::Measured(DeviceTime(1_354_708_227));
    let expected = [time, on, celsius(3760, Site::Finger, CLEAN)];
    assert_eq!(
        said(Protocol::Thermometer, "06b00e00fedc070c050b321b04"),
        expected
    );
    let table = [
        ("00720100ff", 3700, Site::Unknown),
        ("00100e00fe", 3600, Site::Unknown),
        // 98.6 and 101.3 °F
        ("01da0300ff", 3700, Site::Unknown),
        ("01f50300ff", 3850, Site::Unknown),
        ("04720100ff03", 3700, Site::Ear),
        ("04720100ff0a", 3700, Site::Unknown),
    ];
    for (hex, hundredths, site) in table {
        let expected = [on, celsius(hundredths, site, CLEAN)];
        assert_eq!(said(Protocol::Thermometer, hex), expected, "{hex}");
    }
    let unmeasurable = Observation::Contact(Sensor::Thermometer, Contact::Unmeasurable);
    for hex in [
        "00ffff7f00",
        "0000008000",
        "00feff7f00",
        "0002008000",
        "0001008000",
    ] {
        assert_eq!(said(Protocol::Thermometer, hex), [unmeasurable], "{hex}");
    }
    // 51 °C is of no body.
    assert_eq!(said(Protocol::Thermometer, "00ec1300fe"), [unmeasurable]);
}

#[test]
fn the_features_of_an_oximeter_say_whether_it_stores() {
    let features = Features::decode(&bytes("a3004010800100")).unwrap();
    assert_eq!(features.abilities.bits(), 0x00A3);
    assert!(!features.abilities.contains(Abilities::SPOT_STORAGE));
    assert_eq!(features.measurement.map(|bits| bits.bits()), Some(0x1040));
    assert_eq!(features.sensor.map(|bits| bits.bits()), Some(0x00_0180));
    let storing = Features::decode(&[0x0C, 0]).unwrap();
    assert!(storing.abilities.contains(Abilities::SPOT_STORAGE));
    for wrong in ["", "a3", "a30040", "a300401080", "0c0000"] {
        assert_eq!(Features::decode(&bytes(wrong)), None, "{wrong}");
    }
}

fn any_time() -> impl Strategy<Value = DateTime> {
    (0..253_402_300_800_i64).prop_map(|time| DateTime::at(DeviceTime(time)).expect("a date"))
}

fn any_status() -> impl Strategy<Value = Status> {
    let measurement = prop::option::of(any::<u16>().prop_map(MeasurementStatus::from_bits_retain));
    let sensor = prop::option::of((0..1_u32 << 24).prop_map(SensorStatus::from_bits_retain));
    let amplitude = prop::option::of(any::<u16>().prop_map(SFloat));
    (measurement, sensor, amplitude).prop_map(|(measurement, sensor, amplitude)| Status {
        measurement,
        sensor,
        amplitude,
    })
}

proptest! {
    #[test]
    fn a_spot_check_is_written_as_it_is_read(
        spo2 in any::<u16>(),
        pulse in any::<u16>(),
        time in prop::option::of(any_time()),
        clock_not_set in any::<bool>(),
        status in any_status(),
    ) {
        let pair = Pair { spo2: SFloat(spo2), pulse: SFloat(pulse) };
        let frame = plx_spot::Frame { pair, time, clock_not_set, status };
        prop_assert_eq!(plx_spot::decode(&plx_spot::encode(&frame)), Ok(frame));
    }

    #[test]
    fn no_word_and_no_flag_makes_a_number_that_was_not_said(
        spo2_word in any::<u16>(),
        pulse_word in any::<u16>(),
        status in any_status(),
    ) {
        let pair = Pair { spo2: SFloat(spo2_word), pulse: SFloat(pulse_word) };
        let frame = plx_spot::Frame { pair, time: None, clock_not_set: false, status };
        for said in observe(&Frame::PlxSpot(frame)) {
            let Observation::Reading(vital, _) = said else { continue };
            let word = match vital.kind() {
                VitalKind::SpO2 => pair.spo2,
                _ => pair.pulse,
            };
            prop_assert_eq!(word.steps(1), Some(vital.steps()));
        }
    }

    #[test]
    fn fahrenheit_is_celsius_to_the_nearest_hundredth(hundredths in -10_000..20_000_i32) {
        let frame = veglia_codecs::thermometer::Frame {
            temperature: Float::hundredths(hundredths),
            is_fahrenheit: true,
            time: None,
            site: None,
        };
        let exact = (f64::from(hundredths) / 100.0 - 32.0) / 1.8;
        let given = f64::from(frame.celsius_hundredths().unwrap()) / 100.0;
        prop_assert!((exact - given).abs() <= 0.005 + 1e-9, "{exact} {given}");
    }
}
