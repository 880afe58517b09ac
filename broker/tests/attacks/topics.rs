//! An enrolled gateway speaks for itself only, and hears itself only, whatever it asks for. The
//! same at both versions of TLS, since the rules stand behind it.
// req: G5

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, LastWill, Packet, Publish, SubscribeReasonCode};
use veglia_broker::Refusal;

use crate::client::Client;
use crate::honest::Honest;
use crate::house::House;

const OWN: &str = "v1/p/07/g/casa-1/up";
const ANOTHERS: &str = "v1/p/07/g/casa-2/up";

#[tokio::test]
async fn nobody_connects_under_anothers_client_id() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    for stolen in ["casa-2", "ingest", "casa-9", "", "CASA-1", "casa-1 ", "a/b"] {
        let mut connect = house.connect("casa-1");
        connect.client_id = stolen.to_owned();
        let mut thief = Client::open(&house).await;
        let code = thief.connect(&connect).await;
        assert_eq!(code, Some(ConnectReturnCode::BadClientId), "{stolen:?}");
        assert!(thief.is_closed().await);
    }
    house.has_refused(Refusal::ClientId, 7).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn nobody_publishes_what_is_not_theirs() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut seven = Client::enter(&house, "seven").await;
    seven.hear("v1/p/07/g/+/hello").await;
    let (once, yours, none) = (QoS::AtLeastOnce, Refusal::NotYourTopic, Refusal::NotATopic);
    let table = [
        (ANOTHERS, once, false, yours),
        ("v1/p/07/g/casa-2/hello", once, false, yours),
        ("v1/p/07/g/casa-2/pres", QoS::AtMostOnce, false, yours),
        ("v1/p/08/g/casa-1/up", once, false, yours),
        ("v1/p/07/g/casa-1/ack", once, false, yours),
        ("v1/p/07/g/casa-1/cmd", once, false, yours),
        ("v1/p/07/g/casa-2/cmd", QoS::AtMostOnce, false, yours),
        ("v1/probe", once, false, none),
        ("$SYS/broker/version", once, false, none),
        ("$share/x/v1/p/07/g/casa-1/up", once, false, none),
        ("v1/p/07/g/casa-1", once, false, none),
        ("/v1/p/07/g/casa-1/up", once, false, none),
        ("v1/p/07/g/casa-1/up/", once, false, none),
        ("v1/p/7/g/casa-1/up", once, false, none),
        ("v2/p/07/g/casa-1/up", once, false, none),
        ("", once, false, none),
        ("è", once, false, none),
        (OWN, QoS::ExactlyOnce, false, Refusal::ExactlyOnce),
        (OWN, once, true, Refusal::Retained),
        (OWN, QoS::AtMostOnce, true, Refusal::Retained),
    ];
    for (topic, qos, retain, why) in table {
        let before = house.refused(why);
        let mut casa = Client::enter(&house, "casa-1").await;
        let mut publish = Publish::new(topic, qos, "not allowed");
        publish.pkid = u16::from(qos != QoS::AtMostOnce);
        publish.retain = retain;
        casa.send(Packet::Publish(publish)).await;
        assert!(casa.is_closed().await, "{topic:?}");
        house.has_refused(why, before + 1).await;
    }
    // Services have bounds too.
    let mut outside = Client::enter(&house, "seven").await;
    outside
        .publish("v1/p/08/g/casa-3/cmd", QoS::AtLeastOnce, b"not mine")
        .await;
    assert!(outside.is_closed().await);
    let mut deaf = Client::enter(&house, "deaf").await;
    deaf.publish("v1/p/07/g/casa-1/cmd", QoS::AtLeastOnce, b"not granted")
        .await;
    assert!(deaf.is_closed().await);

    // Of all that, nobody heard anything.
    let mut casa = Client::enter(&house, "casa-1").await;
    let mut seven = Client::enter(&house, "seven").await;
    seven.hear("v1/p/07/g/+/hello").await;
    casa.hand_over("v1/p/07/g/casa-1/hello", b"allowed").await;
    assert_eq!(seven.message().await.1, b"allowed");
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn wildcards_are_no_topics() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    for topic in ["#", "v1/#", "v1/p/07/g/+/up", "v1/p/+/g/casa-1/up", "+/up"] {
        let mut casa = Client::enter(&house, "casa-1").await;
        // The codec would not write a topic with a wildcard.
        casa.send_bytes(&publish_of(topic)).await;
        assert!(casa.is_closed().await, "{topic}");
    }
    house.has_refused(Refusal::NotATopic, 5).await;
    honest.end().await;
    house.close().await.unwrap();
}

/// PUBLISH, QoS 0, without a payload.
fn publish_of(topic: &str) -> Vec<u8> {
    let length = u8::try_from(topic.len()).unwrap();
    let mut bytes = vec![0x30, length + 2, 0, length];
    bytes.extend(topic.as_bytes());
    bytes
}

#[tokio::test]
async fn nobody_subscribes_to_what_is_not_theirs() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let refused = [
        "v1/p/07/g/casa-2/ack",
        "v1/p/07/g/casa-2/cmd",
        "v1/p/08/g/casa-1/ack",
        OWN,
        ANOTHERS,
        "#",
        "+",
        "v1/#",
        "v1/p/07/g/#",
        "v1/p/07/g/+/ack",
        "v1/p/07/g/+/up",
        "v1/p/07/g/casa-1/+",
        "v1/p/07/g/casa-1/ack/#",
        "$SYS/#",
        "$SYS/broker/clients/connected",
        "$share/x/v1/p/07/g/casa-1/ack",
        "v1/probe",
        "è",
    ];
    let mut casa = Client::enter(&house, "casa-1").await;
    let before = house.refused(Refusal::NotYourFilter);
    let answers = casa.subscribe(&refused).await;
    assert_eq!(answers, vec![SubscribeReasonCode::Failure; refused.len()]);
    let all = u64::try_from(refused.len()).unwrap();
    house
        .has_refused(Refusal::NotYourFilter, before + all)
        .await;

    // It stays, hears what is its own, and nothing of what was sent to others.
    casa.hear("v1/p/07/g/casa-1/ack").await;
    honest.is_served().await;
    casa.ping().await;
    let mut deaf = Client::enter(&house, "deaf").await;
    let answers = deaf.subscribe(&["v1/p/07/g/+/up"]).await;
    assert_eq!(answers, [SubscribeReasonCode::Failure]);
    let mut seven = Client::enter(&house, "seven").await;
    let answers = seven.subscribe(&["v1/p/08/g/+/up"]).await;
    assert_eq!(answers, [SubscribeReasonCode::Failure]);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn nobody_leaves_a_will_in_anothers_name() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let own = "v1/p/07/g/casa-1/pres";
    let table = [
        ("v1/p/07/g/casa-2/pres", QoS::AtMostOnce, false),
        ("v1/p/08/g/casa-1/pres", QoS::AtMostOnce, false),
        (OWN, QoS::AtMostOnce, false),
        (ANOTHERS, QoS::AtLeastOnce, false),
        ("v1/p/07/g/casa-2/cmd", QoS::AtLeastOnce, false),
        ("$SYS/x", QoS::AtMostOnce, false),
        ("è", QoS::AtMostOnce, false),
        (own, QoS::ExactlyOnce, false),
        (own, QoS::AtLeastOnce, true),
    ];
    for (topic, qos, retain) in table {
        let mut connect = house.connect("casa-1");
        connect.last_will = Some(LastWill::new(topic, "gone", qos, retain));
        let mut casa = Client::open(&house).await;
        let code = casa.connect(&connect).await;
        assert_eq!(code, Some(ConnectReturnCode::NotAuthorized), "{topic}");
    }
    house.has_refused(Refusal::Will, 9).await;
    honest.end().await;
    house.close().await.unwrap();
}
