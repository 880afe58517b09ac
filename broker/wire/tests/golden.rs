//! Golden bytes: what version 1 looks like for ever. When one of these changes, a deployed
//! gateway and a deployed centre no longer understand each other.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its input should stop"
)]

use veglia_wire::{
    Ack, Answer, AnswerCode, Body, Boot, ClockState, Contact, DeviceEvent, DeviceId, DeviceStamp,
    Epoch, FrameHeader, Gap, GapReason, GatewayId, Hello, MonoMs, Quality, Record, Refusal,
    RefusalReason, Sensor, Sequence, Site, UpFrame, Vital, VitalKind, WallMs, When,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn when(mono: u64) -> When {
    let wall = Some(WallMs(1_603_180_800_000 + i64::try_from(mono).unwrap()));
    When {
        boot: Boot(3),
        mono: MonoMs(mono),
        wall,
        device: None,
    }
}

fn reading(device: &str, mono: u64, kind: VitalKind, steps: i32) -> Record {
    let vital = Vital::from_steps(kind, steps, Site::Armpit).unwrap();
    let device = Some(DeviceId::new(device).unwrap());
    Record {
        device,
        when: when(mono),
        body: Body::Reading(vital, Quality::empty()),
    }
}

fn every_body() -> Vec<Record> {
    let gateway = |mono, body| Record {
        device: None,
        when: when(mono),
        body,
    };
    let mut uncertain = reading("node:1", 5_000, VitalKind::SpO2, 914);
    uncertain.when.wall = None;
    uncertain.when.device = Some(DeviceStamp(77));
    uncertain.body = match uncertain.body {
        Body::Reading(vital, _) => Body::Reading(vital, Quality::TIME_UNCERTAIN | Quality::HELD),
        other => other,
    };
    let gap = Gap {
        reason: GapReason::DiskFull,
        lost: 12,
        lasted_ms: Some(60_000),
    };
    let answer = Answer {
        code: AnswerCode::ChestPain,
        value: 1,
    };
    vec![
        reading("nonin:501234", 1_000, VitalKind::SpO2, 970),
        reading("nonin:501234", 1_000, VitalKind::Pulse, 720),
        reading("node:1", 1_200, VitalKind::Temperature, 3660),
        reading("nonin:501234", 2_000, VitalKind::SpO2, 960),
        uncertain,
        gateway(6_000, Body::Answer(answer)),
        gateway(6_100, Body::Contact(Sensor::Oximeter, Contact::Off)),
        gateway(6_200, Body::Event(DeviceEvent::BatteryPercent(41))),
        gateway(6_300, Body::Clock),
        gateway(6_400, Body::Gap(gap)),
        gateway(6_500, Body::Heartbeat(9)),
    ]
}

fn frame(records: Vec<Record>) -> UpFrame {
    let header = FrameHeader {
        gateway: GatewayId::new("casa-12").unwrap(),
        epoch: Epoch(0x0123_4567_89ab_cdef),
        first: Sequence::new(41).unwrap(),
        count: u8::try_from(records.len()).unwrap(),
    };
    let sent_at = Some(WallMs(1_603_180_807_000));
    UpFrame {
        header,
        sent_at,
        clock: ClockState::Synchronised,
        records,
    }
}

#[test]
fn an_up_frame_of_version_1_has_these_bytes() {
    let bytes = frame(every_body()).encode().unwrap();
    assert_eq!(hex(&bytes), include_str!("golden/up-frame.hex").trim());
    assert_eq!(UpFrame::decode(&bytes).unwrap(), frame(every_body()));
}

#[test]
fn a_record_in_the_outbox_has_these_bytes() {
    let lines: Vec<String> = every_body()
        .iter()
        .map(|record| hex(&record.encode()))
        .collect();
    assert_eq!(lines.join("\n"), include_str!("golden/records.hex").trim());
    for record in every_body() {
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }
}

#[test]
fn hello_and_ack_have_these_bytes() {
    let hello = Hello {
        epoch: Epoch(7),
        oldest: Sequence::new(40),
        newest: Sequence::new(41),
        software: "0.1.0".into(),
        clock: ClockState::Holdover,
        boot: Boot(3),
    };
    let refused = Refusal {
        from: Sequence::new(5).unwrap(),
        to: Sequence::new(9).unwrap(),
        reason: RefusalReason::Undecodable,
    };
    let ack = Ack {
        epoch: Epoch(7),
        through: Sequence::new(40),
        at: WallMs(1_603_180_807_000),
        window: 32,
        expected: None,
        refused: Some(refused),
    };
    let plain = Ack {
        through: None,
        expected: Some(Sequence::FIRST),
        refused: None,
        ..ack
    };
    let lines = [hello.encode(), ack.encode(), plain.encode()].map(|bytes| hex(&bytes));
    assert_eq!(
        lines.join("\n"),
        include_str!("golden/hello-ack.hex").trim()
    );
    assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
    assert_eq!(Ack::decode(&ack.encode()).unwrap(), ack);
    assert_eq!(Ack::decode(&plain.encode()).unwrap(), plain);
}

#[test]
fn a_minute_of_an_oximeter_at_one_hertz_costs_five_bytes_a_reading() {
    let mut records = Vec::new();
    for second in 0..64_u64 {
        let wobble = i32::try_from(second % 3).unwrap();
        let mono = 1_000 * second + second % 7;
        records.push(reading(
            "nonin:501234",
            mono,
            VitalKind::SpO2,
            970 - 10 * wobble,
        ));
        records.push(reading(
            "nonin:501234",
            mono,
            VitalKind::Pulse,
            700 + 10 * wobble,
        ));
    }
    let bytes = frame(records).encode().unwrap();
    assert!(bytes.len() <= 5 * 128, "{} bytes", bytes.len());
}
