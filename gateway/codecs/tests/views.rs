//! Names, line settings, and the JSON that people see.

use std::collections::BTreeSet;

use serde_json::{json, to_value};
use veglia_codecs::nonin8::{Flags, Frame as Second};
use veglia_codecs::{Frame, Parity, Protocol, Reject, RejectReason, Uuid, sig, unsupported};
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
    let names: BTreeSet<&str> = Protocol::ALL.into_iter().map(Protocol::name).collect();
    assert_eq!(names.len(), Protocol::ALL.len());
    let refused = "bluetooth"
        .parse::<Protocol>()
        .map_err(|error| error.to_string());
    let sentence = refused.unwrap_err();
    assert!(
        sentence.starts_with("there is no protocol \"bluetooth\"; choose "),
        "{sentence}"
    );
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
    let of_nonin = |protocol: &Protocol| protocol.name().starts_with("nonin-");
    let serial = |protocol: &Protocol| protocol.line().is_some();
    let nonins = Protocol::ALL.into_iter().filter(of_nonin).filter(serial);
    let table = nonins.map(|protocol| (protocol, 9_600));
    let table = table.chain([(Protocol::Masimo, 9_600), (Protocol::Node, 115_200)]);
    let mut seen = 0;
    for (protocol, baud) in table {
        let line = protocol.line().unwrap();
        assert_eq!((line.baud, line.data_bits, line.stop_bits), (baud, 8, 1));
        assert_eq!(line.parity, Parity::None);
        seen += 1;
    }
    assert_eq!(seen, 6, "four Nonin formats, a monitor, the node");
}

#[test]
fn a_short_number_of_the_bluetooth_sig_is_a_whole_uuid() {
    let uuid = "00001822-0000-1000-8000-00805f9b34fb";
    assert_eq!(Uuid::sig(0x1822).to_string(), uuid);
    let gatt = Protocol::NoninBle.gatt().unwrap();
    let uuid = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b";
    assert_eq!(gatt.service.to_string(), uuid);
}

#[test]
fn standard_devices_are_listened_to_for_what_is_final() {
    let listens = |protocol: Protocol| protocol.gatt().unwrap().listen;
    assert_eq!(listens(Protocol::PlxContinuous), [Uuid::sig(0x2A5F)]);
    assert_eq!(listens(Protocol::PlxSpot), [Uuid::sig(0x2A5E)]);
    assert_eq!(listens(Protocol::Thermometer), [Uuid::sig(0x2A1C)]);
    let intermediate = sig::INTERMEDIATE_TEMPERATURE;
    let all = Protocol::ALL.into_iter().filter_map(Protocol::gatt);
    assert!(
        all.into_iter()
            .all(|gatt| !gatt.listen.contains(&intermediate))
    );
}

#[test]
fn what_cannot_be_read_is_refused_by_name_with_a_sentence() {
    for name in ["ihealth", "mmc-t201", "ghs"] {
        let refused = name.parse::<Protocol>().map_err(|error| error.to_string());
        let sentence = refused.unwrap_err();
        assert!(
            sentence.starts_with(&format!("{name} cannot be read: ")),
            "{sentence}"
        );
    }
    let ghs = [Uuid::sig(0x1840)];
    assert!(unsupported("", &ghs).is_some_and(|why| why.contains("Generic Health Sensor")));
    assert!(unsupported("MMC-T201-1", &[]).is_some_and(|why| why.contains("another thermometer")));
    assert!(unsupported("PO3 1234", &[]).is_some_and(|why| why.contains("encrypted")));
    assert_eq!(unsupported("Nonin3230_501234", &[Uuid::sig(0x1822)]), None);
    assert_eq!(unsupported("", &[]), None);
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
