//! Golden bytes: what each version looks like for ever. When one of these changes, a deployed
//! gateway and a deployed centre no longer understand each other.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its input should stop"
)]

use veglia_wire::{
    Ack, Answer, AnswerCode, Answered, Body, Boot, Charge, ClockState, Command, CommandId,
    CommandKind, Contact, DeviceEvent, DeviceId, DeviceStamp, Epoch, FrameHeader, Gap, GapReason,
    GatewayId, Hello, MonoMs, Outcome, PortFault, PortReport, PortState, Quality, Record, Refusal,
    RefusalReason, Sensor, Sequence, Session, Site, State, UpFrame, Vital, VitalKind, WallMs, When,
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

/// What came after the first records: systolic pressure, and the answers of procedures.
fn later_bodies() -> Vec<Record> {
    let answer = |mono, code, value| Record {
        device: None,
        when: when(mono),
        body: Body::Answer(Answer { code, value }),
    };
    vec![
        reading("cuff:1", 7_000, VitalKind::SystolicPressure, 1_245),
        answer(7_100, AnswerCode::AntipyreticTaken, 1),
        answer(7_200, AnswerCode::WalkingLowestSpO2, 930),
        answer(7_300, AnswerCode::SitToStandLowestSpO2, 915),
        answer(7_400, AnswerCode::ExertionRestingSpO2, 970),
        answer(7_500, AnswerCode::BaselineSpO2, 965),
    ]
}

#[test]
fn records_that_came_later_have_these_bytes() {
    let records = later_bodies();
    let lines: Vec<String> = records.iter().map(|it| hex(&it.encode())).collect();
    let golden = include_str!("golden/records-2.hex").trim();
    assert_eq!(lines.join("\n"), golden);
    for record in records.clone() {
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }
    let sent = frame(records);
    let bytes = sent.encode().unwrap();
    assert_eq!(hex(&bytes), include_str!("golden/up-frame-2.hex").trim());
    assert_eq!(UpFrame::decode(&bytes).unwrap(), sent);
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
        session: None,
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

fn told(session: Option<Session>) -> Hello {
    Hello {
        epoch: Epoch(7),
        oldest: None,
        newest: Sequence::new(41),
        software: "0.1.0".into(),
        clock: ClockState::Synchronised,
        boot: Boot(3),
        session,
    }
}

fn a_state() -> State {
    let port = |name: &str, state, device: Option<&str>, last_frame_ms, battery| PortReport {
        name: name.into(),
        device: device.map(|text| DeviceId::new(text).unwrap()),
        state,
        last_frame_ms,
        battery,
        fault: None,
    };
    let node = Some("node:0000000000000001");
    State {
        session: Session(0x0123_4567_89ab_cdef),
        software: "0.1.0".into(),
        boot: Boot(3),
        clock: ClockState::Holdover,
        waiting: 300,
        oldest_ms: Some(60_000),
        refused: 4,
        last_command: Some(CommandId(2)),
        ports: vec![
            port(
                "/dev/ttyUSB0",
                PortState::Speaking,
                node,
                Some(900),
                Some(Charge::Percent(61)),
            ),
            port(
                "/dev/ttyUSB1",
                PortState::Silent,
                Some("nonin:501234"),
                Some(9_000),
                Some(Charge::Low),
            ),
            port("/dev/ttyUSB2", PortState::Absent, None, None, None),
        ],
        answers: [(1, Outcome::Done), (2, Outcome::NotSupported)]
            .map(|(id, outcome)| Answered {
                id: CommandId(id),
                outcome,
            })
            .to_vec(),
    }
}

#[test]
fn a_greeting_that_takes_commands_has_these_bytes() {
    let hello = told(Some(Session(0x0123_4567_89ab_cdef)));
    assert_eq!(
        hex(&hello.encode()),
        include_str!("golden/hello-2.hex").trim()
    );
    for hello in [hello, told(None)] {
        assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
    }
}

#[test]
fn commands_have_these_bytes() {
    let again = CommandKind::MeasureAgain {
        device: DeviceId::new("node:1").unwrap(),
        vital: VitalKind::Temperature,
    };
    let configure = CommandKind::Configure {
        reconnect_seconds: 600,
    };
    let commands: Vec<Command> = [CommandKind::Ping, again, configure, CommandKind::WeWillCall]
        .into_iter()
        .zip(1..)
        .map(|(kind, id)| Command {
            session: Session(9),
            id: CommandId(id),
            kind,
        })
        .collect();
    let lines: Vec<String> = commands.iter().map(|it| hex(&it.encode())).collect();
    assert_eq!(lines.join("\n"), include_str!("golden/commands.hex").trim());
    for command in commands {
        assert_eq!(Command::decode(&command.encode()).unwrap(), command);
    }
}

#[test]
fn a_state_has_these_bytes() {
    let state = a_state();
    assert_eq!(
        hex(&state.encode()),
        include_str!("golden/state.hex").trim()
    );
    assert_eq!(State::decode(&state.encode()).unwrap(), state);
}

/// A centre that knows no faults reads a state without one as it always did.
#[test]
fn a_state_with_a_fault_has_these_bytes() {
    let mut state = a_state();
    state.ports[2].fault = Some(PortFault::BondLost);
    assert_eq!(
        hex(&state.encode()),
        include_str!("golden/state-2.hex").trim()
    );
    assert_eq!(State::decode(&state.encode()).unwrap(), state);
}

/// The faults that were added later, one on each port.
#[test]
fn a_state_with_the_later_faults_has_these_bytes() {
    let mut state = a_state();
    let later = [
        PortFault::ListDamaged,
        PortFault::TooMany,
        PortFault::ClockWrong,
    ];
    for (port, fault) in state.ports.iter_mut().zip(later) {
        port.fault = Some(fault);
    }
    assert_eq!(
        hex(&state.encode()),
        include_str!("golden/state-3.hex").trim()
    );
    assert_eq!(State::decode(&state.encode()).unwrap(), state);
}

/// A box that is newer than its centre: what the centre has no word for costs it nothing else.
#[test]
fn a_state_with_a_newer_boxs_fault_is_read_and_has_these_bytes() {
    let mut state = a_state();
    state.ports[2].fault = Some(PortFault::Other(11));
    let bytes = include_str!("golden/state-4.hex").trim();
    assert_eq!(hex(&state.encode()), bytes);
    assert_eq!(State::decode(&state.encode()).unwrap(), state);
}

#[test]
fn a_fault_is_a_word_as_text_and_a_newer_one_is_read_whatever_it_is() {
    let text = |fault: PortFault| serde_json::to_string(&fault).unwrap();
    let read = |text: &str| serde_json::from_str::<PortFault>(text).unwrap();
    for fault in PortFault::ALL.into_iter().chain([PortFault::Other(11)]) {
        assert_eq!(read(&text(fault)), fault);
    }
    assert_eq!(text(PortFault::BondLost), "\"bond-lost\"");
    assert_eq!(text(PortFault::Other(11)), "11");
    assert_eq!(read("\"of-tomorrow\""), PortFault::Other(0));
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
