//! The broker behind the door is away for a while: killed, standing still, not yet there.

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::Packet;
use tokio::sync::watch;
use tokio::time::timeout;
use veglia_broker::{Backend, Limits, Standing};

use crate::client::{Client, PATIENCE};
use crate::house::{House, unbridled};
use crate::mosquitto::{ANYBODY, Mosquitto};

/// What the module of the backend promises to lose at most with one connection.
const WINDOW_MESSAGES: u64 = 512;

/// A call in vain, and the longest pause before the next.
const ONE_CALL: std::time::Duration = std::time::Duration::from_secs(10);

pub(crate) fn standing(backend: &dyn Backend) -> watch::Receiver<Standing> {
    backend.standing().expect("another broker can be away")
}

/// A house that lets a gateway send as fast as it can, before a mosquitto of its own.
pub(crate) async fn unbridled_house() -> (Mosquitto, watch::Receiver<Standing>, House) {
    let mosquitto = Mosquitto::start();
    let backend = mosquitto.backend();
    let standing = standing(&*backend);
    let house = House::before(unbridled(), backend).await;
    (mosquitto, standing, house)
}

pub(crate) async fn until(
    standing: &mut watch::Receiver<Standing>,
    what: &str,
    level: impl Fn(&Standing) -> bool,
) -> Standing {
    let reached = timeout(PATIENCE + ONE_CALL, standing.wait_for(level)).await;
    let reached = reached.map(|it| *it.expect("the backend is there"));
    reached.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

#[tokio::test]
async fn a_broker_that_is_killed_and_restarted_costs_nobody_the_session() {
    let (mut mosquitto, mut standing, house) = unbridled_house().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"before").await;
    ingest.message_is(b"before").await;

    for restart in 1..=3 {
        mosquitto.kill();
        until(&mut standing, "the loss is seen", |it| !it.connected).await;
        let payload = format!("after {restart}");
        casa.hand_over("v1/p/07/g/casa-1/up", payload.as_bytes())
            .await;
        mosquitto.run();
        ingest.message_is(payload.as_bytes()).await;
        let now = until(&mut standing, "it is back", |it| it.connected).await;
        assert_eq!((now.connections, now.lost), (1 + restart, 0));
    }
    assert_eq!(house.health.snapshot().sessions, 2);
    house.close().await.unwrap();
}

#[tokio::test]
async fn while_it_is_away_who_sends_is_not_read_and_goes_on_afterwards() {
    const MESSAGES: u32 = 2_000;
    let (mut mosquitto, mut standing, house) = unbridled_house().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    // Until then the first probe is on its way, and would be lost.
    house
        .until("a probe came back", |it| it.router_answered.is_some())
        .await;
    mosquitto.kill();
    until(&mut standing, "the loss is seen", |it| !it.connected).await;

    // More than every buffer on the way holds.
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let mut payload = vec![0x5a; 16 * 1024];
            payload.splice(..4, number.to_be_bytes());
            casa.publish("v1/p/07/g/casa-1/up", QoS::AtMostOnce, &payload)
                .await;
        }
        casa
    });
    house
        .until("the channel is full", |it| it.publishes_in >= 64)
        .await;
    let taken = house.health.snapshot().publishes_in;
    assert!(!sending.is_finished());
    assert!(taken < u64::from(MESSAGES), "{taken}");

    mosquitto.run();
    for number in 0..MESSAGES {
        let (_, payload) = ingest.message().await;
        assert_eq!(payload[..4], number.to_be_bytes());
    }
    assert_eq!(standing.borrow().lost, 0);
    sending.await.unwrap().ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn what_was_outstanding_is_lost_counted_and_bounded() {
    let (mut mosquitto, mut standing, house) = unbridled_house().await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"before").await;
    until(&mut standing, "it is connected", |it| it.connected).await;
    mosquitto.freeze();
    let flood = async {
        loop {
            casa.publish("v1/p/07/g/casa-1/up", QoS::AtMostOnce, b"outstanding")
                .await;
        }
    };
    // It ends when nothing moves any more: the window, the channel and the sockets are full.
    drop(timeout(std::time::Duration::from_secs(1), flood).await);
    let taken = house.health.snapshot().publishes_in;
    mosquitto.kill();
    let lost = until(&mut standing, "the loss is seen", |it| !it.connected).await;
    assert!((1..=WINDOW_MESSAGES).contains(&lost.lost), "{lost:?}");
    assert!(lost.lost <= taken, "{lost:?} of {taken}");
    mosquitto.run();
    house.is_served().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_stands_still_is_left_and_called_until_it_moves() {
    let mosquitto = Mosquitto::start();
    let backend = mosquitto.backend();
    let mut standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    until(&mut standing, "it is connected", |it| it.connected).await;
    mosquitto.freeze();
    casa.hand_over("v1/p/07/g/casa-1/up", b"into the void")
        .await;
    until(&mut standing, "it was given up", |it| !it.connected).await;
    mosquitto.thaw();
    let back = until(&mut standing, "it is back", |it| it.connected).await;
    assert!(back.lost >= 1, "{back:?}");
    casa.send(Packet::PingReq).await;
    house.is_served().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn the_door_opens_before_a_broker_that_is_not_there_yet() {
    let mut mosquitto = Mosquitto::prepared(|_| ANYBODY.to_owned());
    let backend = mosquitto.backend();
    let standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.ping().await;
    assert!(!standing.borrow().connected);
    assert_eq!(house.health.snapshot().router_answered, None);
    mosquitto.run();
    house
        .until("a probe came back", |it| it.router_answered.is_some())
        .await;
    house.is_served().await;
    house.close().await.unwrap();
}
