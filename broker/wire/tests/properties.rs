//! Any frame survives the journey; any damage is noticed; any bytes are answered.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its input should stop"
)]

use proptest::prelude::*;
use veglia_wire::{
    Answered, Body, Boot, Charge, ClockState, Command, CommandId, CommandKind, DeviceId,
    DeviceStamp, Epoch, Filter, FrameError, FrameHeader, GatewayId, MonoMs, Outcome, Partition,
    PortFault, PortReport, PortState, Quality, Record, Sequence, Session, Site, State, Topic,
    UpFrame, Vital, VitalKind, WallMs, When,
};

fn a_vital() -> impl Strategy<Value = Vital> {
    (0_u8..4, any::<i32>(), 0_u8..11).prop_map(|(kind, steps, site)| {
        let kind = VitalKind::from_code(kind + 1).unwrap();
        Vital::from_steps(kind, steps.rem_euclid(1001), Site::from_code(site).unwrap()).unwrap()
    })
}

fn a_record() -> impl Strategy<Value = Record> {
    let device = prop::option::of("[A-Za-z0-9_:.-]{1,64}");
    let wall = prop::option::of(any::<i64>());
    let stamp = prop::option::of(any::<i64>());
    (
        device,
        any::<u32>(),
        any::<u64>(),
        wall,
        stamp,
        a_vital(),
        any::<u16>(),
    )
        .prop_map(|(device, boot, mono, wall, stamp, vital, quality)| Record {
            device: device.map(|text| DeviceId::new(&text).unwrap()),
            when: When {
                boot: Boot(boot),
                mono: MonoMs(mono),
                wall: wall.map(WallMs),
                device: stamp.map(DeviceStamp),
            },
            body: Body::Reading(vital, Quality::from_bits_retain(quality)),
        })
}

fn a_frame() -> impl Strategy<Value = UpFrame> {
    let records = prop::collection::vec(a_record(), 1..=128);
    (
        records,
        "[A-Za-z0-9_-]{1,64}",
        any::<u64>(),
        1_u64..,
        0_u8..3,
    )
        .prop_map(|(records, gateway, epoch, first, clock)| UpFrame {
            header: FrameHeader {
                gateway: GatewayId::new(&gateway).unwrap(),
                epoch: Epoch(epoch),
                first: Sequence::new(first).unwrap(),
                count: u8::try_from(records.len()).unwrap(),
            },
            sent_at: None,
            clock: ClockState::from_code(clock).unwrap(),
            records,
        })
}

fn a_command() -> impl Strategy<Value = Command> {
    let kind = prop_oneof![
        Just(CommandKind::Ping),
        Just(CommandKind::WeWillCall),
        ("[A-Za-z0-9_:.-]{1,64}", 0_usize..4).prop_map(|(device, vital)| {
            CommandKind::MeasureAgain {
                device: DeviceId::new(&device).unwrap(),
                vital: VitalKind::ALL[vital],
            }
        }),
        any::<u32>().prop_map(|reconnect_seconds| CommandKind::Configure { reconnect_seconds }),
    ];
    (any::<u64>(), 1_u64.., kind).prop_map(|(session, id, kind)| Command {
        session: Session(session),
        id: CommandId(id),
        kind,
    })
}

fn a_port() -> impl Strategy<Value = PortReport> {
    let device = prop::option::of("[A-Za-z0-9_:.-]{1,64}");
    let battery = prop::option::of(prop_oneof![
        Just(Charge::Low),
        (0_u8..=100).prop_map(Charge::Percent)
    ]);
    let age = prop::option::of(any::<u64>());
    let fault = prop::option::of((1_u8..).prop_map(|code| PortFault::from_code(code).unwrap()));
    ("[ -~]{0,128}", device, 0_usize..3, age, battery, fault).prop_map(
        |(name, device, state, last_frame_ms, battery, fault)| PortReport {
            name,
            device: device.map(|text| DeviceId::new(&text).unwrap()),
            state: [PortState::Absent, PortState::Silent, PortState::Speaking][state],
            last_frame_ms,
            battery,
            fault,
        },
    )
}

fn a_state() -> impl Strategy<Value = State> {
    let answer = (1_u64.., 0_usize..5).prop_map(|(id, outcome)| Answered {
        id: CommandId(id),
        outcome: Outcome::ALL[outcome],
    });
    (
        (any::<u64>(), "[ -~]{0,64}", any::<u32>(), 0_u8..3),
        (
            any::<u64>(),
            prop::option::of(any::<u64>()),
            any::<u64>(),
            any::<u64>(),
        ),
        prop::collection::vec(a_port(), 0..=32),
        prop::collection::vec(answer, 0..=16),
    )
        .prop_map(
            |((session, software, boot, clock), numbers, ports, answers)| {
                let (waiting, oldest_ms, refused, last_command) = numbers;
                State {
                    session: Session(session),
                    software,
                    boot: Boot(boot),
                    clock: ClockState::from_code(clock).unwrap(),
                    waiting,
                    oldest_ms,
                    refused,
                    last_command: (last_command > 0).then_some(CommandId(last_command)),
                    ports,
                    answers,
                }
            },
        )
}

proptest! {
    #[test]
    fn every_command_arrives_as_it_was_sent(command in a_command()) {
        prop_assert_eq!(Command::decode(&command.encode()).unwrap(), command);
    }

    #[test]
    fn every_state_arrives_as_it_was_sent_and_fits(state in a_state()) {
        let bytes = state.encode();
        prop_assert!(bytes.len() <= veglia_wire::state::MAX_STATE_BYTES, "{}", bytes.len());
        prop_assert_eq!(State::decode(&bytes).unwrap(), state);
    }

    #[test]
    fn a_prefix_of_a_message_is_not_taken_for_one(
        state in a_state(), command in a_command(), cut in any::<prop::sample::Index>(),
    ) {
        let (state, command) = (state.encode(), command.encode());
        prop_assert!(State::decode(&state[..cut.index(state.len())]).is_err());
        prop_assert!(Command::decode(&command[..cut.index(command.len())]).is_err());
    }

    #[test]
    fn every_frame_arrives_as_it_was_sent(frame in a_frame()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(FrameHeader::peek(&bytes).unwrap(), frame.header.clone());
        prop_assert_eq!(UpFrame::decode(&bytes).unwrap(), frame);
    }

    #[test]
    fn every_record_leaves_the_outbox_as_it_entered(record in a_record()) {
        prop_assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn a_flipped_bit_never_changes_what_a_frame_says(
        frame in a_frame(), place in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let mut bytes = frame.encode().unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // A flip may fall on a redundant encoding, but then the frame says the same.
        if let Ok(read) = UpFrame::decode(&bytes) {
            prop_assert_eq!(read, frame);
        }
    }

    #[test]
    fn a_body_that_is_damaged_still_says_whose_it_was(frame in a_frame()) {
        let mut bytes = frame.encode().unwrap();
        let last_of_body = bytes.len() - 6;
        bytes[last_of_body] ^= 0x10;
        match UpFrame::decode(&bytes) {
            Err(FrameError::BodyCrc { header, .. }) => prop_assert_eq!(header, frame.header),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(UpFrame::decode(&bytes));
        drop(Record::decode(&bytes));
        drop(veglia_wire::Ack::decode(&bytes));
        drop(veglia_wire::Hello::decode(&bytes));
        drop(Command::decode(&bytes));
        drop(State::decode(&bytes));
    }

    #[test]
    fn every_topic_reads_back(gateway in "[A-Za-z0-9_-]{1,64}", channel in 0_usize..6) {
        let gateway = GatewayId::new(&gateway).unwrap();
        let channel = veglia_wire::Channel::ALL[channel];
        let topic = Topic { partition: Partition::of(&gateway), gateway, channel };
        prop_assert_eq!(topic.to_string().parse::<Topic>().unwrap(), topic);
    }
}

#[test]
fn what_is_no_topic_of_ours_is_refused() {
    let bad = [
        "",
        "/",
        "v1",
        "v1/p/07/g/casa/up/",
        "/v1/p/07/g/casa/up",
        "v1/p/7/g/casa/up",
        "v1/p/64/g/casa/up",
        "v1/p/+1/g/casa/up",
        "v1/p/07/g/ca sa/up",
        "v1/p/07/g/+/up",
        "v1/p/07/g/#",
        "v1/p/07/g/casa/down",
        "v2/p/07/g/casa/up",
        "v1/p/07/g//up",
        "v1/p/07/g/c\u{e0}sa/up",
        "$SYS/x",
        "$share/x/v1/p/07/g/casa/up",
    ];
    for text in bad {
        assert!(
            text.parse::<Topic>().is_err(),
            "{text} was taken for a topic"
        );
    }
    assert!("v1/p/07/g/+/up".parse::<Filter>().is_ok());
    for text in ["v1/p/07/g/casa/up", "v1/p/+/g/+/up", "#", "v1/#"] {
        assert!(
            text.parse::<Filter>().is_err(),
            "{text} was taken for a filter"
        );
    }
}

#[test]
fn the_largest_possible_frame_fits_its_limit() {
    let record = |n: u32| Record {
        device: Some(DeviceId::new(&format!("{n:0>64}")).unwrap()),
        when: When {
            boot: Boot(u32::MAX - n * 7_919),
            mono: MonoMs(u64::MAX / u64::from(n + 1)),
            wall: Some(WallMs(i64::MIN / i64::from(n + 1))),
            device: Some(DeviceStamp(i64::MAX / i64::from(n + 1))),
        },
        body: Body::Reading(
            Vital::from_steps(VitalKind::Temperature, 5_000, Site::Skin).unwrap(),
            Quality::from_bits_retain(if n.is_multiple_of(2) { 0xffff } else { 0 }),
        ),
    };
    let frame = UpFrame {
        header: FrameHeader {
            gateway: GatewayId::new(&"g".repeat(64)).unwrap(),
            epoch: Epoch(u64::MAX),
            first: Sequence::new(u64::MAX).unwrap(),
            count: 128,
        },
        sent_at: Some(WallMs(i64::MIN)),
        clock: ClockState::Unknown,
        records: (0..128).map(record).collect(),
    };
    let bytes = frame.encode().unwrap();
    assert_eq!(UpFrame::decode(&bytes).unwrap(), frame);
}

#[test]
fn a_frame_of_a_newer_version_is_refused_with_a_sentence() {
    let frame = UpFrame {
        header: FrameHeader {
            gateway: GatewayId::new("casa").unwrap(),
            epoch: Epoch(1),
            first: Sequence::FIRST,
            count: 1,
        },
        sent_at: None,
        clock: ClockState::Unknown,
        records: vec![Record {
            device: None,
            when: When {
                boot: Boot(1),
                mono: MonoMs(1),
                wall: None,
                device: None,
            },
            body: Body::Clock,
        }],
    };
    let mut bytes = frame.encode().unwrap();
    // [array, bytes(20), map, key 1, VERSION]: the version follows the first key.
    let header_start = 2;
    assert_eq!(bytes[header_start..header_start + 3], [0xa5, 0x01, 0x01]);
    bytes[header_start + 2] = 2;
    let header_length = usize::from(bytes[1] & 0x1f);
    let header = bytes[header_start..header_start + header_length].to_vec();
    let crc = veglia_wire::frame::crc32c(&header).to_be_bytes();
    bytes[header_start + header_length + 1..][..4].copy_from_slice(&crc);
    let error = UpFrame::decode(&bytes).unwrap_err();
    // Whose it is and what it holds can be read all the same, so that it can be answered.
    let FrameError::Body { header, source } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*header, frame.header);
    assert_eq!(FrameHeader::peek(&bytes).unwrap(), frame.header);
    assert_eq!(
        source.to_string(),
        "the frame is version 2, this program reads up to 1; update it"
    );
}

#[test]
fn what_is_no_command_is_refused_with_its_fault() {
    let bad: [(&[u8], &str); 8] = [
        (
            &[0xa4, 1, 2, 2, 9, 3, 1, 4, 0x81, 1],
            "the command is version 2, this program reads up to 1; update it",
        ),
        (
            &[0xa5, 1, 2, 2, 9, 3, 1, 4, 0x81, 1, 5, 0],
            "the command is version 2, this program reads up to 1; update it",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 0, 4, 0x81, 1],
            "id is 0, outside 1 and more",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 1, 4, 0x81, 7],
            "kind is 7, outside 1 to 4",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 1, 4, 0x82, 1, 1],
            "kind is not as long as its kind",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 1, 4, 0x83, 2, 0x61, b'n', 9],
            "vital is 9, outside 1 to 4",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 1, 4, 0x83, 2, 0x61, b' ', 1],
            "device is not an identifier",
        ),
        (
            &[0xa4, 1, 1, 2, 9, 3, 1, 4, 0x81, 1, 0],
            "1 bytes follow the end of command",
        ),
    ];
    for (bytes, fault) in bad {
        assert_eq!(Command::decode(bytes).unwrap_err().to_string(), fault);
    }
}

#[test]
fn a_state_says_no_more_than_its_limits_allow() {
    let port = PortReport {
        name: "\u{e8}".repeat(100),
        device: None,
        state: PortState::Absent,
        last_frame_ms: None,
        battery: None,
        fault: Some(PortFault::Unsupported),
    };
    let answer = |id| Answered {
        id: CommandId(id),
        outcome: Outcome::Done,
    };
    let state = State {
        session: Session(1),
        software: "x".repeat(100),
        boot: Boot(1),
        clock: ClockState::Unknown,
        waiting: 0,
        oldest_ms: None,
        refused: 0,
        last_command: None,
        ports: vec![port; 100],
        answers: (1..=100).map(answer).collect(),
    };
    let read = State::decode(&state.encode()).unwrap();
    assert_eq!((read.software.len(), read.ports.len()), (64, 32));
    assert_eq!(read.ports[0].name, "\u{e8}".repeat(64));
    let newest: Vec<Answered> = (85..=100).map(answer).collect();
    assert_eq!(read.answers, newest);
}
