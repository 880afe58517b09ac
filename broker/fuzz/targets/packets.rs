//! Whatever bytes a client sends: the door neither panics nor lets anything through that it should
//! not, and answers in MQTT.
//!
//! The first byte of an input says how the client begins (a known gateway or service that was let
//! in, or a stranger) and in what pieces its bytes arrive; the rest is what it says.

#![no_main]

use std::sync::LazyLock;

use bytes::BytesMut;
use libfuzzer_sys::{Corpus, fuzz_target};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Login, Packet};
use tokio::runtime::{Builder, Runtime};
use veglia_broker::fuzzing::{Door, Outcome};
use veglia_wire::{GatewayId, Partition, Topic};

/// The SHA-256 of the secret below.
const IDENTITIES: &str = "\
version = 1

[[gateway]]
id = \"casa-12\"
partition = 7
secret_sha256 = \"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\"

[[service]]
name = \"ingest\"
secret_sha256 = \"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\"
partitions = [7]
may = [\"receive\"]
";

const SECRET: &str = "open sesame";
const GATEWAY: &str = "casa-12";
const SERVICE: &str = "ingest";
const PARTITION: u8 = 7;

/// Largest packet of the door, either way.
const MAX_PACKET_BYTES: usize = 64 * 1024;

/// In what pieces bytes arrive: one by one, across every boundary, and all at once.
const PIECES: [usize; 4] = [1, 3, 100, usize::MAX];

static DOOR: LazyLock<Door> = LazyLock::new(|| Door::new(IDENTITIES).expect("an identity file"));

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true);
    runtime.build().expect("a runtime")
});

/// How each kind of client begins.
static BEGINNINGS: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let pres = format!("v1/p/07/g/{GATEWAY}/pres");
    let will = LastWill::new(pres, "gone", QoS::AtLeastOnce, false);
    [
        Vec::new(),
        connect(GATEWAY, None),
        connect(GATEWAY, Some(will)),
        connect(SERVICE, None),
    ]
});

fn connect(name: &str, will: Option<LastWill>) -> Vec<u8> {
    let mut connect = Connect::new(name);
    connect.login = Some(Login::new(name, SECRET));
    connect.last_will = will;
    let mut bytes = BytesMut::new();
    let written = Packet::Connect(connect).write(&mut bytes, MAX_PACKET_BYTES);
    written.expect("a CONNECT");
    bytes.to_vec()
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((terms, says)) = input.split_first() else {
        return Corpus::Reject;
    };
    let beginning = &BEGINNINGS[usize::from(terms & 3)];
    let piece = PIECES[usize::from(terms >> 2 & 3)];
    let bytes = [beginning, says].concat();
    let outcome = RUNTIME.block_on(DOOR.hear(&bytes, piece));
    let let_in = answers_are_sound(&outcome);
    assert!(let_in || outcome.handed_over.is_empty());
    assert!(let_in || beginning.is_empty());
    grants_are_kept(&outcome);
    Corpus::Keep
});

/// They are packets that only a server says, a CONNACK first. Says whether the client was let in.
fn answers_are_sound(outcome: &Outcome) -> bool {
    let mut answers = BytesMut::from(&outcome.answers[..]);
    let mut let_in = None;
    let mut confirmed = 0;
    while !answers.is_empty() {
        let packet = Packet::read(&mut answers, MAX_PACKET_BYTES).expect("the door says MQTT");
        match (&packet, let_in) {
            (Packet::ConnAck(answer), None) => {
                assert!(!answer.session_present);
                let_in = Some(answer.code == ConnectReturnCode::Success);
            }
            (Packet::PubAck(_), Some(true)) => confirmed += 1,
            (Packet::Publish(message), Some(true)) => {
                assert!(message.qos == QoS::AtMostOnce && !message.retain);
                message.topic.parse::<Topic>().expect("a topic of ours");
            }
            (Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp, Some(true)) => {}
            _ => panic!("the door says {packet:?}"),
        }
    }
    assert!(confirmed <= outcome.handed_over.len());
    let_in == Some(true)
}

/// Only topics of the one gateway and its partition, and all of them upward or none.
fn grants_are_kept(outcome: &Outcome) {
    let mut upward = None;
    for message in &outcome.handed_over {
        let topic: Topic = message.topic.parse().expect("a topic of ours");
        assert_eq!(topic.to_string(), &*message.topic);
        assert_eq!(Ok(topic.partition), Partition::new(PARTITION));
        let is_upward = topic.channel.is_upward();
        assert_eq!(*upward.get_or_insert(is_upward), is_upward);
        assert!(!is_upward || Ok(topic.gateway) == GatewayId::new(GATEWAY));
        assert!(message.payload.len() <= MAX_PACKET_BYTES);
    }
}
