//! What is refused, how, and that everybody else is still served.
// req: G5

use rumqttc::mqttbytes::Protocol;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, SubscribeReasonCode,
};
use veglia_broker::Refusal;

use crate::client::Client;
use crate::house::{House, connect};

#[tokio::test]
async fn who_cannot_prove_who_they_are_is_told_why_in_the_words_of_mqtt() {
    let house = House::open().await;
    let secret = house.secret("casa-1");
    let good = house.connect("casa-1");
    let changed = |change: &dyn Fn(&mut Connect)| {
        let mut connect = good.clone();
        change(&mut connect);
        connect
    };
    let will = |topic: &str, qos, retain| Some(LastWill::new(topic, "", qos, retain));
    let own_pres = "v1/p/07/g/casa-1/pres";
    let not_authorized = ConnectReturnCode::NotAuthorized;
    let bad_login = ConnectReturnCode::BadUserNamePassword;
    let table = [
        (
            "wrong secret",
            connect("casa-1", &house.secret("casa-2")),
            bad_login,
        ),
        ("no secret", connect("casa-1", ""), bad_login),
        ("unknown id", connect("casa-9", &secret), bad_login),
        ("no login", changed(&|it| it.login = None), bad_login),
        (
            "another client id",
            changed(&|it| it.client_id = "casa-2".to_owned()),
            ConnectReturnCode::BadClientId,
        ),
        (
            "no client id",
            changed(&|it| it.client_id.clear()),
            ConnectReturnCode::BadClientId,
        ),
        (
            "MQTT 5",
            changed(&|it| it.protocol = Protocol::V5),
            ConnectReturnCode::RefusedProtocolVersion,
        ),
        (
            "a persistent session",
            changed(&|it| it.clean_session = false),
            not_authorized,
        ),
        (
            "a will on another's topic",
            changed(&|it| it.last_will = will("v1/p/07/g/casa-2/pres", QoS::AtMostOnce, false)),
            not_authorized,
        ),
        (
            "a will that is not presence",
            changed(&|it| it.last_will = will("v1/p/07/g/casa-1/up", QoS::AtMostOnce, false)),
            not_authorized,
        ),
        (
            "a retained will",
            changed(&|it| it.last_will = will(own_pres, QoS::AtMostOnce, true)),
            not_authorized,
        ),
    ];
    for (what, connect, expected) in &table {
        let mut client = Client::open(&house).await;
        assert_eq!(client.connect(connect).await, Some(*expected), "{what}");
        assert!(client.is_closed().await, "{what}");
    }
    assert_eq!(house.health.snapshot().sessions, 0);
    house.is_served().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_connect_is_answered_by_closing() {
    let house = House::open().await;
    let publish = Publish::new("v1/p/07/g/casa-1/up", QoS::AtMostOnce, "early");
    let mut client = Client::open(&house).await;
    client.send(Packet::Publish(publish)).await;
    assert!(client.is_closed().await);
    let http = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(64));
    for nonsense in [http.as_bytes(), b"\x16\x03\x01\x02\x00\x01", b"\x10\x00"] {
        let mut client = Client::open(&house).await;
        client.send_bytes(nonsense).await;
        assert!(client.is_closed().await);
    }
    house.is_served().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_publish_that_is_not_allowed_ends_the_connection_and_reaches_nobody() {
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "seven").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let own = "v1/p/07/g/casa-1/up";
    let table = [
        (
            "casa-1",
            "v1/p/07/g/casa-2/up",
            QoS::AtLeastOnce,
            Refusal::NotYourTopic,
        ),
        (
            "casa-1",
            "v1/p/08/g/casa-1/up",
            QoS::AtLeastOnce,
            Refusal::NotYourTopic,
        ),
        (
            "casa-1",
            "v1/p/07/g/casa-1/ack",
            QoS::AtMostOnce,
            Refusal::NotYourTopic,
        ),
        (
            "casa-1",
            "v1/p/07/g/casa-1/#",
            QoS::AtMostOnce,
            Refusal::NotATopic,
        ),
        ("casa-1", "v1/probe", QoS::AtMostOnce, Refusal::NotATopic),
        ("casa-1", "è", QoS::AtMostOnce, Refusal::NotATopic),
        ("casa-1", "", QoS::AtMostOnce, Refusal::NotATopic),
        ("casa-1", own, QoS::ExactlyOnce, Refusal::ExactlyOnce),
        (
            "deaf",
            "v1/p/07/g/casa-1/ack",
            QoS::AtMostOnce,
            Refusal::NotYourTopic,
        ),
        ("ingest", own, QoS::AtMostOnce, Refusal::NotYourTopic),
    ];
    for (name, topic, qos, why) in table {
        let before = house.refused(why);
        let mut client = Client::enter(&house, name).await;
        client.publish(topic, qos, b"forbidden").await;
        assert!(client.is_closed().await, "{name} {topic}");
        house
            .until("it is counted", |it| {
                it.refused.get(&why) == Some(&(before + 1))
            })
            .await;
    }
    let mut client = Client::enter(&house, "casa-1").await;
    let mut retained = Publish::new(own, QoS::AtMostOnce, "retained");
    retained.retain = true;
    client.send(Packet::Publish(retained)).await;
    assert!(client.is_closed().await);

    let mut casa = Client::enter(&house, "casa-2").await;
    casa.hand_over("v1/p/07/g/casa-2/up", b"allowed").await;
    assert_eq!(ingest.message().await.1, b"allowed");
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_filter_that_is_not_allowed_is_refused_alone() {
    let house = House::open().await;
    let granted = SubscribeReasonCode::Success(QoS::AtMostOnce);
    let refused = SubscribeReasonCode::Failure;
    let mut casa = Client::enter(&house, "casa-1").await;
    let asked = [
        "v1/p/07/g/casa-1/ack",
        "#",
        "v1/p/07/g/+/ack",
        "v1/p/07/g/casa-2/ack",
        "$share/x/v1/p/07/g/casa-1/ack",
        "v1/p/07/g/casa-1/cmd",
        "v1/p/07/g/casa-1/up",
    ];
    let answers = [
        granted, refused, refused, refused, refused, granted, refused,
    ];
    assert_eq!(casa.subscribe(&asked).await, answers);
    casa.ping().await;

    let mut seven = Client::enter(&house, "seven").await;
    let asked = [
        "v1/p/07/g/+/up",
        "v1/p/08/g/+/up",
        "v1/p/+/g/+/up",
        "v1/#",
        "$SYS/#",
    ];
    let answers = [granted, refused, refused, refused, refused];
    assert_eq!(seven.subscribe(&asked).await, answers);
    let mut deaf = Client::enter(&house, "deaf").await;
    assert_eq!(deaf.subscribe(&["v1/p/07/g/+/up"]).await, [refused]);
    assert_eq!(house.health.snapshot().subscriptions, 3);
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_packet_that_a_client_may_not_send_ends_the_connection() {
    let house = House::open().await;
    let packets = [
        Packet::Connect(house.connect("casa-1")),
        Packet::PubAck(PubAck::new(1)),
        Packet::PingResp,
    ];
    for packet in packets {
        let mut client = Client::enter(&house, "casa-1").await;
        client.send(packet.clone()).await;
        assert!(client.is_closed().await, "{packet:?}");
    }
    house.is_served().await;
    house.close().await.unwrap();
}
