//! One session an identity, the newest wins, and wills tell the truth.

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Packet};
use veglia_broker::Refusal;

use crate::arrivals::{arrive_at_once, served};
use crate::client::Client;
use crate::house::{House, unbridled};

fn with_will(house: &House) -> Connect {
    let mut connect = house.connect("casa-1");
    let pres = "v1/p/07/g/casa-1/pres";
    connect.last_will = Some(LastWill::new(pres, "gone", QoS::AtLeastOnce, false));
    connect
}

#[tokio::test]
async fn the_old_session_is_gone_when_the_new_one_is_answered() {
    let house = House::open().await;
    let mut old = Client::enter(&house, "casa-1").await;
    old.hear("v1/p/07/g/casa-1/ack").await;
    let mut new = Client::enter(&house, "casa-1").await;
    let now = house.health.snapshot();
    assert_eq!((now.sessions, now.subscriptions), (1, 0));
    assert!(old.is_closed().await);
    assert_eq!(house.refused(Refusal::TakenOver), 1);

    new.hear("v1/p/07/g/casa-1/ack").await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest
        .hand_over("v1/p/07/g/casa-1/ack", b"to the new one")
        .await;
    assert_eq!(new.message().await.1, b"to the new one");
    house.close().await.unwrap();
}

#[tokio::test]
async fn of_many_at_once_one_stays_and_it_works() {
    let house = House::open().await;
    let mut clients = arrive_at_once(&house, "casa-1", 32).await;
    house
        .until("one is left", |it| (it.connections, it.sessions) == (1, 1))
        .await;
    assert_eq!(served(&mut clients).await, 1);
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_will_is_told_when_a_gateway_is_lost_and_only_then() {
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/pres").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let enter = async || {
        let mut client = Client::open(&house).await;
        let code = client.connect(&with_will(&house)).await;
        assert_eq!(code, Some(ConnectReturnCode::Success));
        client
    };

    let _taken_over = enter().await;
    let mut left = enter().await;
    left.send(Packet::Disconnect).await;
    assert!(left.is_closed().await);
    let mut lost = enter().await;
    lost.hand_over("v1/p/07/g/casa-1/up", b"first of all").await;
    drop(lost);
    assert_eq!(ingest.message().await.1, b"first of all");
    assert_eq!(ingest.message().await.1, b"gone");

    let mut refused = enter().await;
    refused
        .publish("v1/p/07/g/casa-2/up", QoS::AtMostOnce, b"not mine")
        .await;
    assert_eq!(ingest.message().await.1, b"gone");
    house.close().await.unwrap();
}

#[tokio::test]
async fn two_hundred_comings_and_goings_leave_nothing_behind() {
    let house = House::with(unbridled()).await;
    for round in 0..200 {
        let mut casa = Client::enter(&house, "casa-1").await;
        casa.hear("v1/p/07/g/casa-1/ack").await;
        // Some say goodbye, some are lost, some are taken over.
        if round % 3 == 0 {
            casa.send(Packet::Disconnect).await;
        }
    }
    house
        .until("everybody has gone", |it| {
            (it.connections, it.sessions, it.subscriptions) == (0, 0, 0)
        })
        .await;
    house.close().await.unwrap();
}
