//! Nonin's other serial formats and its Bluetooth service: real packets, held values, damage.
//!
//! The packet of format 2 is the one quoted in mattjlewis/NoninPulseOx; the value of format 19 the
//! one in Nonin's sample application. The others were put together by hand from the layouts.
// req: G2

use proptest::prelude::*;
use veglia_codecs::nonin::{FRAMES, Status, Status2, Third};
use veglia_codecs::nonin_ble::Flags as BleFlags;
use veglia_codecs::{
    DateTime, DeviceTime, Frame, Observation, Protocol, Reject, RejectReason, encode, nonin7,
    nonin13, observe,
};
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor, Site, Vital, VitalKind};

/// A third of a second of a Nonin, and the frame before and after it.
const CAPTURE: [[u8; 5]; 27] = [
    [0x01, 0x80, 0x43, 0x00, 0xC4],
    [0x01, 0x81, 0x43, 0x00, 0xC5],
    [0x01, 0x80, 0x43, 0x4A, 0x0E],
    [0x01, 0x80, 0x43, 0x60, 0x24],
    [0x01, 0x80, 0x43, 0x94, 0x58],
    [0x01, 0x80, 0x43, 0x00, 0xC4],
    [0x01, 0x80, 0x41, 0x00, 0xC2],
    [0x01, 0x80, 0x3E, 0x17, 0xD6],
    [0x01, 0x80, 0x3C, 0x04, 0xC1],
    [0x01, 0x80, 0x39, 0x60, 0x1A],
    [0x01, 0x80, 0x36, 0x60, 0x17],
    [0x01, 0x80, 0x35, 0x60, 0x16],
    [0x01, 0x80, 0x34, 0x00, 0xB5],
    [0x01, 0x80, 0x34, 0x00, 0xB5],
    [0x01, 0x80, 0x34, 0x00, 0xB5],
    [0x01, 0x80, 0x35, 0x4A, 0x00],
    [0x01, 0x80, 0x36, 0x60, 0x17],
    [0x01, 0x80, 0x37, 0x60, 0x18],
    [0x01, 0x80, 0x3A, 0x00, 0xBB],
    [0x01, 0x80, 0x40, 0x00, 0xC1],
    [0x01, 0x80, 0x4A, 0x00, 0xCB],
    [0x01, 0x80, 0x57, 0x4A, 0x22],
    [0x01, 0x80, 0x69, 0x00, 0xEA],
    [0x01, 0x80, 0x7C, 0x4A, 0x47],
    [0x01, 0x80, 0x90, 0x00, 0x11],
    [0x01, 0x80, 0xA1, 0x00, 0x22],
    [0x01, 0x81, 0xAF, 0x00, 0x31],
];

type Answers = Vec<Result<Frame, Reject>>;

fn all(protocol: Protocol, stream: &[u8]) -> Answers {
    let mut decoder = protocol.decoder();
    let mut out = Vec::new();
    decoder.push(stream, &mut out);
    decoder.finish(&mut out);
    out
}

fn frames(answers: &Answers) -> Vec<Frame> {
    let frames = answers.iter().filter_map(|answer| answer.as_ref().ok());
    frames.copied().collect()
}

fn vital(kind: VitalKind, steps: i32) -> Vital {
    Vital::from_steps(kind, steps, Site::Unknown).expect("in its range")
}

fn pair(percent: i32, rate: i32, quality: Quality) -> [Observation; 2] {
    let (spo2, pulse) = (
        vital(VitalKind::SpO2, percent * 10),
        vital(VitalKind::Pulse, rate * 10),
    );
    [
        Observation::Reading(spo2, quality),
        Observation::Reading(pulse, quality),
    ]
}

const ON: Observation = Observation::Contact(Sensor::Oximeter, Contact::On);
const OFF: Observation = Observation::Contact(Sensor::Oximeter, Contact::Off);
const SEARCHING: Observation = Observation::Contact(Sensor::Oximeter, Contact::Searching);
const UNMEASURABLE: Observation = Observation::Contact(Sensor::Oximeter, Contact::Unmeasurable);
const CLEAN: Quality = Quality::empty();

/// Contact, then readings.
fn says(contact: Observation, readings: [Observation; 2]) -> Vec<Observation> {
    [&[contact][..], &readings].concat()
}

fn third(spo2: Option<u8>, pulse: Option<u16>, flags: Status) -> Frame {
    Frame::Nonin2(Third::new(spo2, pulse, flags, Status2::empty()))
}

#[test]
fn a_captured_third_of_a_second_is_read_out_of_its_middle() {
    let answers = all(Protocol::Nonin2, &CAPTURE.concat());
    let heard = frames(&answers);
    assert_eq!(heard.len(), 1);
    let Frame::Nonin2(third) = heard[0] else {
        panic!("{heard:?}");
    };
    assert_eq!((third.spo2(), third.pulse()), (Some(96), Some(74)));
    assert_eq!(third.pleth[0], 0x43);
    assert_eq!(third.pleth[24], 0xA1);
    assert_eq!(encode(&heard[0]), CAPTURE[1..26].concat());
    assert_eq!(observe(&heard[0]), says(ON, pair(96, 74, CLEAN)));
    let reasons: Vec<RejectReason> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .map(|reject| reject.reason)
        .collect();
    let expected = [RejectReason::Incomplete, RejectReason::Noise];
    assert_eq!(
        reasons, expected,
        "the frame before, and the one that is cut off"
    );
}

#[test]
fn one_flipped_bit_costs_its_packet_and_no_other() {
    let packet = CAPTURE[1..26].concat();
    for at in 0..packet.len() {
        let mut hurt = packet.clone();
        hurt[at] ^= 0x10;
        let stream = [packet.clone(), hurt, packet.clone(), packet.clone()].concat();
        assert_eq!(
            frames(&all(Protocol::Nonin2, &stream)).len(),
            3,
            "byte {at}"
        );
    }
}

#[test]
fn values_that_are_held_after_the_finger_is_gone_are_no_numbers() {
    let held = |flags| observe(&third(Some(97), Some(72), flags));
    assert_eq!(held(Status::SENSOR_ALARM), [OFF]);
    assert_eq!(held(Status::SENSOR_DISCONNECTED), [OFF]);
    assert_eq!(held(Status::OUT_OF_TRACK), [SEARCHING]);
    assert_eq!(held(Status::OUT_OF_TRACK | Status::SENSOR_ALARM), [OFF]);
    let Frame::Nonin2(mut one) = third(Some(97), Some(72), Status::GREEN_PERFUSION) else {
        unreachable!("a frame of format 2");
    };
    one.status[24] |= Status::SENSOR_ALARM;
    assert_eq!(
        observe(&Frame::Nonin2(one)),
        [OFF],
        "said in the last of 25"
    );
}

#[test]
fn the_values_for_a_display_are_never_read() {
    let Frame::Nonin2(mut one) = third(None, None, Status::GREEN_PERFUSION) else {
        unreachable!("a frame of format 2");
    };
    // SpO2 for the display, fast, and extended; pulse for the display.
    for (place, value) in [(8, 97), (9, 97), (15, 97), (16, 97), (20, 72), (22, 72)] {
        one.data[place] = value;
    }
    assert_eq!(observe(&Frame::Nonin2(one)), [SEARCHING]);
}

#[test]
fn the_colour_of_perfusion_is_the_quality_of_the_signal() {
    let quality = |flags| match observe(&third(Some(90), Some(100), flags))[..] {
        [ON, Observation::Reading(_, quality), _] => quality,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(quality(Status::GREEN_PERFUSION), CLEAN);
    assert_eq!(quality(Status::RED_PERFUSION), Quality::LOW_PERFUSION);
    let yellow = Status::GREEN_PERFUSION | Status::RED_PERFUSION;
    assert_eq!(quality(yellow), Quality::WEAK_SIGNAL);
    assert_eq!(quality(Status::ARTEFACT), Quality::ARTEFACT);
}

#[test]
fn format_7_has_a_wave_of_sixteen_bits_and_no_start_byte() {
    let mut third = Third::new(
        Some(95),
        Some(300),
        Status::GREEN_PERFUSION,
        Status2::LOW_BATTERY,
    );
    third.pleth[3] = 0xABCD;
    let wire = nonin7::encode(&third);
    assert_eq!(wire.len(), FRAMES * 5);
    assert_eq!(wire[..5], [0x83, 0x00, 0x00, 0x02, 0x85]);
    assert_eq!(wire[15..20], [0x82, 0xAB, 0xCD, 0x00, 0xFA]);
    let heard = frames(&all(Protocol::Nonin7, &wire));
    assert_eq!(heard, [Frame::Nonin7(third)]);
    let mut expected = says(ON, pair(95, 300, CLEAN));
    expected.push(Observation::Battery(DeviceEvent::BatteryLow));
    assert_eq!(observe(&heard[0]), expected);
}

const SPOT: [u8; 22] = [
    0x00, 0x02, 0x00, 0x0D, 0x00, 0x0E, 0x20, 0x20, 0x10, 0x20, 0x08, 0x15, 0x59, 0x00, 0x02, 0x00,
    0x00, 0x48, 0x00, 0x61, 0x91, 0x03,
];

fn spot(change: impl Fn(&mut nonin13::Frame)) -> Vec<Observation> {
    let heard = frames(&all(Protocol::Nonin13, &SPOT));
    let [Frame::Nonin13(mut frame)] = heard[..] else {
        panic!("{heard:?}");
    };
    change(&mut frame);
    observe(&Frame::Nonin13(frame))
}

#[test]
fn a_spot_check_says_when_it_was_made() {
    let time = DateTime {
        year: 2020,
        month: 10,
        day: 20,
        hour: 8,
        minute: 15,
        second: 59,
    };
    let measured = Observation::Measured(time.seconds().unwrap());
    let said = spot(|_| {});
    assert_eq!(
        said,
        [&[measured][..], &says(ON, pair(97, 72, CLEAN))].concat()
    );

    let plain = [20, 20, 10, 20, 8, 15, 59, 0];
    assert_eq!(spot(|frame| frame.date = plain), said);
    assert_eq!(
        nonin13::date(time),
        [0x20, 0x20, 0x10, 0x20, 0x08, 0x15, 0x59, 0]
    );
    let no_dates = [
        [0x19, 0x20, 0x10, 0x20, 0x08, 0x15, 0x59, 0],
        [0x20, 0x2A, 0x10, 0x20, 0x08, 0x15, 0x59, 0],
        [0x20, 0x20, 0x13, 0x20, 0x08, 0x15, 0x59, 0],
        [0x20, 0x20, 0x00, 0x00, 0x08, 0x15, 0x59, 0],
    ];
    for date in no_dates {
        assert_eq!(
            spot(|frame| frame.date = date),
            says(ON, pair(97, 72, CLEAN))
        );
    }
}

#[test]
fn a_spot_check_that_came_to_nothing_or_out_of_memory_says_so() {
    use nonin13::Flags;

    let without_time = |said: Vec<Observation>| -> Vec<Observation> {
        let is_time = |said: &Observation| matches!(said, Observation::Measured(_));
        said.into_iter().filter(|said| !is_time(said)).collect()
    };
    let with = |flags| without_time(spot(|frame| frame.flags = flags));
    assert_eq!(with(Flags::NO_MEASUREMENT), [UNMEASURABLE]);
    let weak = pair(97, 72, Quality::WEAK_SIGNAL);
    assert_eq!(with(Flags::empty()), says(ON, weak));
    let stored = pair(97, 72, Quality::FROM_STORAGE);
    assert_eq!(with(Flags::FROM_MEMORY | Flags::SMART_POINT), stored);
    let missing = spot(|frame| (frame.spo2, frame.pulse) = (127, 511));
    assert_eq!(without_time(missing), [UNMEASURABLE]);
    let low = with(Flags::SMART_POINT | Flags::LOW_BATTERY);
    assert_eq!(
        low.last(),
        Some(&Observation::Battery(DeviceEvent::BatteryLow))
    );
}

#[test]
fn a_damaged_spot_check_is_refused_and_the_next_one_heard() {
    for at in 0..SPOT.len() {
        let mut hurt = SPOT;
        hurt[at] ^= 0x04;
        let heard = frames(&all(Protocol::Nonin13, &[hurt, SPOT].concat()));
        assert_eq!(heard, frames(&all(Protocol::Nonin13, &SPOT)), "byte {at}");
    }
}

#[test]
fn the_makers_bluetooth_value_is_read_big_endian_and_its_battery_is_no_saturation() {
    let value = [0x0A, 0x15, 0x1E, 0x01, 0x64, 0x00, 0x07, 0x62, 0x00, 0x48];
    let heard = frames(&all(Protocol::NoninBle, &value));
    let [Frame::NoninBle(frame)] = heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!((frame.spo2(), frame.pulse()), (Some(98), Some(72)));
    assert_eq!(
        (frame.amplitude_hundredths, frame.battery_tenths),
        (356, 30)
    );
    assert_eq!(frame.counter, 7);
    assert_eq!(observe(&heard[0]), says(ON, pair(98, 72, CLEAN)));

    let with = |flags, spo2, pulse| {
        observe(&Frame::NoninBle(veglia_codecs::nonin_ble::Frame {
            flags,
            spo2,
            pulse,
            ..frame
        }))
    };
    assert_eq!(with(BleFlags::empty(), 98, 72), [OFF]);
    assert_eq!(
        with(BleFlags::FINGER | BleFlags::SEARCHING, 98, 72),
        [SEARCHING]
    );
    assert_eq!(with(BleFlags::FINGER, 127, 511), [SEARCHING]);
    let weak = BleFlags::FINGER | BleFlags::WEAK_SIGNAL;
    assert_eq!(
        with(weak, 98, 72),
        says(ON, pair(98, 72, Quality::WEAK_SIGNAL))
    );
    for wrong in [&value[..9], &[&value[..], &[0]].concat(), &[0x0B, 0x15]] {
        assert_eq!(frames(&all(Protocol::NoninBle, wrong)), []);
    }
}

#[test]
fn a_nonin_is_told_which_format_to_speak_and_what_time_it_is() {
    assert_eq!(Protocol::Nonin8.greeting(), [&[2, 0x70, 2, 2, 8, 3][..]]);
    assert_eq!(Protocol::Nonin13.greeting(), [&[2, 0x70, 2, 2, 13, 3][..]]);
    let time = DateTime::at(DeviceTime(1_603_181_759)).unwrap();
    let command = Protocol::Nonin13.set_time(&time);
    assert_eq!(command, Some(vec![2, 0x72, 6, 20, 10, 20, 8, 15, 59, 3]));
    assert_eq!(Protocol::NoninBle.set_time(&time), None);
}

proptest! {
    #[test]
    fn a_packet_is_written_as_it_is_read(
        spo2 in prop::option::of(0..127_u8),
        pulse in prop::option::of(0..511_u16),
        status in prop::array::uniform25(0..0x40_u8),
        pleth in prop::array::uniform25(any::<u16>()),
    ) {
        let mut third = Third::new(spo2, pulse, Status::empty(), Status2::SMART_POINT);
        for (to, bits) in third.status.iter_mut().zip(status) {
            let flags = Status::from_bits_retain(bits).difference(Status::SYNC);
            *to = to.intersection(Status::SYNC) | flags;
        }
        third.pleth = pleth;
        prop_assert_eq!((third.spo2(), third.pulse()), (spo2, pulse));
        let heard = frames(&all(Protocol::Nonin7, &nonin7::encode(&third)));
        prop_assert_eq!(heard, [Frame::Nonin7(third)]);
    }
}
