//! What the door is for: a gateway's frames reach its service, and the answers come back.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};
use tokio::time::timeout;

use crate::client::{Client, PATIENCE};
use crate::house::House;

fn client(house: &House, name: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(name, "127.0.0.1", house.address.port());
    options.set_credentials(name, house.secret(name));
    options.set_keep_alive(Duration::from_secs(30));
    options.set_clean_session(true);
    AsyncClient::new(options, 10)
}

/// Polls until the packet that is waited for.
async fn until<T>(events: &mut EventLoop, wanted: impl Fn(&Packet) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = events.poll().await.expect("the connection holds");
            if let Event::Incoming(packet) = &event
                && let Some(found) = wanted(packet)
            {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("the packet comes")
}

fn subscribed(packet: &Packet) -> Option<()> {
    matches!(packet, Packet::SubAck(_)).then_some(())
}

fn message(packet: &Packet) -> Option<Publish> {
    match packet {
        Packet::Publish(publish) => Some(publish.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_frame_reaches_its_service_and_the_acknowledgement_comes_back() {
    let house = House::open().await;
    let (ingest, mut ingest_events) = client(&house, "ingest");
    let filter = "v1/p/07/g/+/up";
    ingest.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
    until(&mut ingest_events, subscribed).await;

    let (casa, mut casa_events) = client(&house, "casa-1");
    let ack = "v1/p/07/g/casa-1/ack";
    casa.subscribe(ack, QoS::AtLeastOnce).await.unwrap();
    until(&mut casa_events, subscribed).await;

    let up = "v1/p/07/g/casa-1/up";
    casa.publish(up, QoS::AtLeastOnce, false, "frame")
        .await
        .unwrap();
    until(&mut casa_events, |packet| {
        matches!(packet, Packet::PubAck(_)).then_some(())
    })
    .await;
    let frame = until(&mut ingest_events, message).await;
    assert_eq!(
        (frame.topic.as_str(), &frame.payload[..]),
        (up, &b"frame"[..])
    );

    ingest
        .publish(ack, QoS::AtLeastOnce, false, "up to 7")
        .await
        .unwrap();
    until(&mut ingest_events, |packet| {
        matches!(packet, Packet::PubAck(_)).then_some(())
    })
    .await;
    let answer = until(&mut casa_events, message).await;
    assert_eq!(
        (answer.topic.as_str(), &answer.payload[..]),
        (ack, &b"up to 7"[..])
    );
    house.close().await.unwrap();
}

#[tokio::test]
async fn messages_go_to_the_services_of_their_partition_and_to_one_gateway_only() {
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    let mut seven = Client::enter(&house, "seven").await;
    ingest.hear("v1/p/07/g/+/up").await;
    ingest.hear("v1/p/08/g/+/up").await;
    seven.hear("v1/p/07/g/+/up").await;
    let mut one = Client::enter(&house, "casa-1").await;
    let mut two = Client::enter(&house, "casa-2").await;
    let mut three = Client::enter(&house, "casa-3").await;
    one.hear("v1/p/07/g/casa-1/ack").await;
    two.hear("v1/p/07/g/casa-2/ack").await;

    three.hand_over("v1/p/08/g/casa-3/up", b"three").await;
    one.hand_over("v1/p/07/g/casa-1/up", b"one").await;
    let from_three = ("v1/p/08/g/casa-3/up".to_owned(), b"three".to_vec());
    let from_one = ("v1/p/07/g/casa-1/up".to_owned(), b"one".to_vec());
    assert_eq!(ingest.message().await, from_three);
    assert_eq!(ingest.message().await, from_one);
    assert_eq!(seven.message().await, from_one);

    seven.hand_over("v1/p/07/g/casa-2/ack", b"for two").await;
    assert_eq!(two.message().await.1, b"for two");
    one.ping().await; // and nothing before the answer
    house.close().await.unwrap();
}

#[tokio::test]
async fn messages_keep_their_order_in_a_flood() {
    const MESSAGES: u32 = 5_000;
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hear("v1/p/07/g/casa-1/cmd").await;
    // Mailboxes are bounded, so the two sides run together.
    let sending = async {
        for number in 0..MESSAGES {
            ingest
                .hand_over("v1/p/07/g/casa-1/cmd", &number.to_be_bytes())
                .await;
        }
    };
    let receiving = async {
        for number in 0..MESSAGES {
            assert_eq!(casa.message().await.1, number.to_be_bytes());
        }
    };
    tokio::join!(sending, receiving);
    let snapshot = house.health.snapshot();
    assert_eq!(snapshot.publishes_in, u64::from(MESSAGES));
    assert_eq!(snapshot.publishes_out, u64::from(MESSAGES));
    house.close().await.unwrap();
}

#[tokio::test]
async fn what_was_unsubscribed_is_not_delivered() {
    use rumqttc::mqttbytes::v4::{UnsubAck, Unsubscribe};
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    ingest.hear("v1/p/07/g/+/up").await;
    ingest.hear("v1/p/07/g/+/hello").await;
    assert_eq!(house.health.snapshot().subscriptions, 2);
    let mut unsubscribe = Unsubscribe::new("v1/p/07/g/+/up");
    unsubscribe.pkid = 3;
    ingest.send(Packet::Unsubscribe(unsubscribe)).await;
    assert_eq!(
        ingest.receive().await,
        Some(Packet::UnsubAck(UnsubAck::new(3)))
    );
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"nobody hears it")
        .await;
    casa.hand_over("v1/p/07/g/casa-1/hello", b"hello").await;
    assert_eq!(ingest.message().await.1, b"hello");
    house.close().await.unwrap();
}

#[tokio::test]
async fn the_router_is_probed_from_the_start() {
    let house = House::open().await;
    house
        .until("a probe came back", |it| it.router_answered.is_some())
        .await;
    house.close().await.unwrap();
}
