//! Bytes that are not what they should be: too large, cut short, out of place, or nonsense.
// req: G5

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, PubAck};
use veglia_broker::Refusal;

use crate::client::Client;
use crate::honest::Honest;
use crate::house::House;

#[tokio::test]
async fn an_oversized_packet_ends_the_connection_before_it_is_read() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.publish("v1/p/07/g/casa-1/up", QoS::AtLeastOnce, &[0x5a; 21_000])
        .await;
    assert!(casa.is_closed().await);
    house.has_refused(Refusal::TooLarge, 1).await;
    // A header alone is enough: 256 MiB are promised, and not awaited.
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.send_bytes(&[0x32, 0xff, 0xff, 0xff, 0x7f]).await;
    assert!(casa.is_closed().await);
    house.has_refused(Refusal::TooLarge, 2).await;
    // Before the CONNECT is accepted, far less is too much.
    let mut casa = Client::open(&house).await;
    let mut connect = house.connect("casa-1");
    connect.client_id = "x".repeat(5_000);
    assert_eq!(casa.connect(&connect).await, None);
    house.has_refused(Refusal::TooLarge, 3).await;
    honest.end().await;
    house.close().await.unwrap();
}

/// What a session may never bring.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("type 0", vec![0x00, 0x00]),
        ("type 15", vec![0xf0, 0x00]),
        (
            "an endless length",
            vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
        ("a publish without a topic", vec![0x30, 0x00]),
        (
            "a topic that is longer than its packet",
            vec![0x30, 0x04, 0xff, 0xff, 0x61, 0x62],
        ),
        (
            "a topic that is not UTF-8",
            vec![0x30, 0x04, 0x00, 0x02, 0xc3, 0x28],
        ),
        (
            "QoS 3",
            vec![0x36, 0x07, 0x00, 0x03, 0x61, 0x2f, 0x62, 0x00, 0x01],
        ),
        (
            "a packet id of 0",
            vec![0x32, 0x07, 0x00, 0x03, 0x61, 0x2f, 0x62, 0x00, 0x00],
        ),
        ("a subscription to nothing", vec![0x82, 0x02, 0x00, 0x01]),
        (
            "a filter that is cut short",
            vec![0x82, 0x05, 0x00, 0x01, 0x00, 0x09, 0x61],
        ),
        (
            "QoS 3 wanted",
            vec![0x82, 0x06, 0x00, 0x01, 0x00, 0x01, 0x61, 0x03],
        ),
        ("a PUBREL out of nowhere", vec![0x62, 0x02, 0x00, 0x01]),
        (
            "a second CONNECT",
            vec![
                0x10, 0x0d, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'x',
            ],
        ),
        ("a CONNACK", vec![0x20, 0x02, 0x00, 0x00]),
        ("a SUBACK", vec![0x90, 0x03, 0x00, 0x01, 0x00]),
        (
            "random bytes",
            (0..64).map(|it: u8| it.wrapping_mul(167) | 0x80).collect(),
        ),
    ]
}

#[tokio::test]
async fn a_malformed_packet_ends_its_own_session_and_no_other() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    for (seen_before, (what, bytes)) in (0..).zip(malformed()) {
        let mut casa = Client::enter(&house, "casa-1").await;
        casa.send_bytes(&bytes).await;
        assert!(casa.is_closed().await, "{what}");
        house.has_refused(Refusal::Malformed, seen_before + 1).await;
    }
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.send(Packet::PubAck(PubAck::new(1))).await;
    assert!(casa.is_closed().await);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_malformed_connect_is_answered_by_closing() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut others = malformed();
    others.retain(|(what, _)| *what != "a second CONNECT");
    others.extend([
        ("an empty CONNECT", vec![0x10, 0x00]),
        ("no protocol", vec![0x10, 0x04, 0x00, 0x02, b'M', b'Q']),
        (
            "another protocol",
            vec![0x10, 0x06, 0, 4, b'H', b'T', b'T', b'P'],
        ),
        (
            "no client id",
            vec![0x10, 0x0a, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60],
        ),
        ("a ping first", vec![0xc0, 0x00]),
    ]);
    for (what, bytes) in others {
        let mut casa = Client::open(&house).await;
        casa.shake_hands(house.introduction("casa-1")).await;
        casa.send_bytes(&bytes).await;
        assert!(casa.is_closed().await, "{what}");
    }
    assert_eq!(house.health.snapshot().sessions, 2, "the honest pair");
    honest.end().await;
    house.close().await.unwrap();
}
