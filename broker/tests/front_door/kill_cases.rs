//! Seven ways in which one client ends a bare rumqttd for everybody. Each is tried at the door,
//! and everybody else is still served. `tests/attacks` reads this file too and comes over TLS.

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, SubscribeReasonCode};
use std::num::NonZeroU32;
use veglia_broker::{Limits, Refusal};

use crate::client::Client;
use crate::grounds::STRANGERS_ARE_TOLD;
use crate::house::{House, connect, unbridled};

/// The router's thread panics when such a member leaves with one message unacknowledged.
#[tokio::test]
async fn p1_a_persistent_member_of_a_shared_subscription() {
    let house = House::open().await;
    let mut member = Client::open(&house).await;
    let mut persistent = house.connect("seven");
    persistent.clean_session = false;
    let code = member.connect(&persistent).await;
    assert_eq!(code, Some(ConnectReturnCode::NotAuthorized));

    let mut member = Client::enter(&house, "seven").await;
    let answer = member.subscribe(&["$share/x/v1/p/07/g/+/up"]).await;
    assert_eq!(answer, [SubscribeReasonCode::Failure]);
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"never acknowledged")
        .await;
    drop(member);
    house.is_served().await;
    house.close().await.unwrap();
}

/// The listener is poisoned when the maximum is exceeded twice with the same id.
#[tokio::test]
async fn p2_one_connection_too_many_twice() {
    let limits = Limits {
        connections: const { NonZeroU32::new(2).expect("it is not zero") },
        ..Limits::default()
    };
    let house = House::with(limits).await;
    let first = Client::enter(&house, "casa-1").await;
    let second = Client::enter(&house, "casa-2").await;
    for refused in 1..=2 {
        let mut third = Client::open(&house).await;
        assert_eq!(third.connect(&house.connect("casa-3")).await, None);
        assert_eq!(house.refused(Refusal::HouseFull), refused);
    }
    drop((first, second));
    house.until("there is room", |it| it.connections == 0).await;
    house.is_served().await;
    house.close().await.unwrap();
}

/// The listener is poisoned when such an id comes twice.
#[tokio::test]
async fn p3_a_client_id_with_a_slash_twice() {
    let house = House::open().await;
    for _ in 0..2 {
        let mut slash = Client::open(&house).await;
        let code = slash
            .connect(&connect("a/b", &house.secret("casa-1")))
            .await;
        assert_eq!(code, STRANGERS_ARE_TOLD);
        let mut slash = Client::open(&house).await;
        let mut connect = house.connect("casa-1");
        connect.client_id = "a/b".to_owned();
        let code = slash.connect(&connect).await;
        assert_eq!(code, Some(ConnectReturnCode::BadClientId));
    }
    house.is_served().await;
    house.close().await.unwrap();
}

/// The router's thread panics when a subscriber that does not keep up is taken over.
#[tokio::test]
async fn p4_a_takeover_of_a_slow_subscriber() {
    let house = House::with(unbridled()).await;
    let mut slow = Client::enter(&house, "seven").await;
    slow.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    for _ in 0..300 {
        casa.hand_over("v1/p/07/g/casa-1/up", &[0x5a; 16 * 1024])
            .await;
    }
    let mut new = Client::enter(&house, "seven").await;
    new.hear("v1/p/07/g/+/up").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"to the new one")
        .await;
    new.message_is(b"to the new one").await;
    house.is_served().await;
    house.close().await.unwrap();
}

/// One silent socket blocks every TLS handshake after it. Here it is a task of its own.
#[tokio::test]
async fn p5_a_socket_that_says_nothing() {
    let house = House::open().await;
    let mut half = Client::open(&house).await;
    half.send_bytes(&[0x16, 0x7f, 0x01]).await;
    let _nothing = Client::open(&house).await;
    house.is_served().await;
    house.close().await.unwrap();
}

/// The router's thread panics at a topic whose first letter is not ASCII.
#[tokio::test]
async fn p6_a_topic_that_begins_with_an_accented_letter() {
    let house = House::open().await;
    for topic in ["è", "è/up", "€", "v1/p/07/g/è/up"] {
        let mut casa = Client::enter(&house, "casa-1").await;
        casa.publish(topic, QoS::AtMostOnce, b"").await;
        assert!(casa.is_closed().await, "{topic}");
    }
    house.is_served().await;
    house.close().await.unwrap();
}

/// The keep-alive of a half-open connection ends the session of the gateway that came back.
#[tokio::test]
async fn p7_a_gateway_that_came_back_beside_its_half_open_connection() {
    let house = House::open().await;
    let mut old = Client::open(&house).await;
    let mut impatient = house.connect("casa-1");
    impatient.keep_alive = 1;
    let code = old.connect(&impatient).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    let mut new = Client::enter(&house, "casa-1").await;
    new.hear("v1/p/07/g/casa-1/ack").await;
    // Another connection with the same keep-alive shows when the old one's time is over.
    let mut watch = Client::open(&house).await;
    let mut impatient = house.connect("casa-3");
    impatient.keep_alive = 1;
    let code = watch.connect(&impatient).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    assert!(watch.is_closed().await);
    new.send(Packet::PingReq).await;
    assert_eq!(new.receive().await, Some(Packet::PingResp));
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest
        .hand_over("v1/p/07/g/casa-1/ack", b"still here")
        .await;
    assert_eq!(new.message().await.1, b"still here");
    house.close().await.unwrap();
}
