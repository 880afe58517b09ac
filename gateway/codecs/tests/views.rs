//! Names, line settings, and the JSON that people see.

use serde_json::{json, to_value};
use veglia_codecs::nonin8::{Flags, Frame as Second};
use veglia_codecs::{Frame, Parity, Protocol, Reject, RejectReason};
use veglia_firmware_core::{
    Body, ContactState, Field, FirmwareVersion, Model, NodeFrame, OximetryFlags, Sensor, Site,
    TemperatureFlags,
};

fn node(body: Body) -> Frame {
    Frame::Node(NodeFrame {
        sequence: 3,
        uptime_ms: 2012,
        body,
    })
}

#[test]
fn every_protocol_is_found_by_its_name() {
    for protocol in Protocol::ALL {
        assert_eq!(protocol.to_string().parse(), Ok(protocol));
    }
    assert_eq!(Protocol::ALL.map(Protocol::name), ["nonin-8", "node"]);
    let refused = "bluetooth"
        .parse::<Protocol>()
        .map_err(|error| error.to_string());
    let sentence = "there is no protocol \"bluetooth\"; choose nonin-8 or node";
    assert_eq!(refused, Err(sentence.to_string()));
}

#[test]
fn the_refusal_names_every_protocol() {
    let sentence = "x"
        .parse::<Protocol>()
        .map_err(|error| error.to_string())
        .unwrap_err();
    assert!(
        Protocol::ALL
            .iter()
            .all(|protocol| sentence.contains(protocol.name()))
    );
}

#[test]
fn ports_open_as_the_makers_say() {
    for (protocol, baud) in [(Protocol::Nonin8, 9_600), (Protocol::Node, 115_200)] {
        let line = protocol.line();
        assert_eq!((line.baud, line.data_bits, line.stop_bits), (baud, 8, 1));
        assert_eq!(line.parity, Parity::None);
    }
}

#[test]
fn a_nonin_second_reads_as_json() {
    let flags = Flags::OUT_OF_TRACK | Flags::LOW_BATTERY;
    let frame = Frame::Nonin8(Second {
        spo2: Some(97),
        pulse: None,
        flags,
    });
    let expected = json!({
        "protocol": "nonin-8", "spo2_percent": 97, "pulse_per_minute": null,
        "flags": ["out-of-track", "low-battery"],
    });
    assert_eq!(to_value(frame).unwrap(), expected);
}

#[test]
fn every_kind_of_node_frame_reads_as_json() {
    let hello = Body::Hello {
        serial: 0xC0FFEE,
        model: Model::Both,
        firmware: FirmwareVersion {
            major: 0,
            minor: 1,
            patch: 2,
        },
        calibration: 7,
    };
    let oximetry = Body::Oximetry {
        spo2_tenths: Some(967),
        pulse_tenths: Some(724),
        quality_percent: 93,
        flags: OximetryFlags::FINGER | OximetryFlags::LOW_PERFUSION,
    };
    let temperature = Body::Temperature {
        celsius_hundredths: 3856,
        site: Site::Armpit,
        flags: TemperatureFlags::SKIN,
    };
    let contact = Body::Contact {
        sensor: Sensor::Oximeter,
        state: ContactState::Off,
    };
    let table = [
        (
            hello,
            json!({"kind": "hello", "serial": "0000000000c0ffee", "model": "both",
            "firmware": "0.1.2", "calibration": 7}),
        ),
        (
            oximetry,
            json!({"kind": "oximetry", "spo2_percent_tenths": 967,
            "pulse_per_minute_tenths": 724, "quality_percent": 93,
            "flags": ["finger", "low-perfusion"]}),
        ),
        (
            temperature,
            json!({"kind": "temperature", "celsius_hundredths": 3856,
            "site": "armpit", "flags": ["skin"]}),
        ),
        (
            contact,
            json!({"kind": "contact", "sensor": "oximeter", "state": "off"}),
        ),
        (
            Body::Battery { percent: 83 },
            json!({"kind": "battery", "percent": 83}),
        ),
    ];
    for (body, mut expected) in table {
        expected["protocol"] = json!("node");
        expected["sequence"] = json!(3);
        expected["uptime_ms"] = json!(2012);
        assert_eq!(to_value(node(body)).unwrap(), expected);
    }
}

#[test]
fn a_reject_says_what_where_and_why() {
    let reason = RejectReason::OutOfRange { field: Field::Spo2 };
    let reject = Reject {
        reason,
        bytes: vec![0x80, 0x48, 0x78, 0x00],
        offset: 12,
    };
    let expected = json!({
        "rejected": "the SpO2 lies outside what the device can mean",
        "offset": 12, "bytes": "80487800",
    });
    assert_eq!(to_value(&reject).unwrap(), expected);
    let sentence = "the SpO2 lies outside what the device can mean (4 bytes at offset 12)";
    assert_eq!(reject.to_string(), sentence);
}
