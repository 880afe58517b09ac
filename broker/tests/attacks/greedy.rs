//! One enrolled gateway that was rewritten to take more than its part, and networks that take all
//! places before anybody knows who they are: each is held to a share, and the others are served.
// req: G5

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use veglia_broker::{Limits, Refusal};

use crate::client::Client;
use crate::honest::Honest;
use crate::house::House;

#[tokio::test]
async fn who_comes_back_again_and_again_gets_no_new_burst() {
    let some = |number| NonZeroU32::new(number).expect("it is not zero");
    let house = House::with(Limits {
        packets_per_second: some(20),
        packet_burst: some(50),
        ..Limits::default()
    })
    .await;
    let start = Instant::now();
    for _ in 0..10 {
        let mut casa = Client::enter(&house, "casa-1").await;
        for _ in 0..50 {
            casa.publish("v1/p/07/g/casa-1/up", QoS::AtMostOnce, b"a frame")
                .await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    // An upper bound that no slow machine breaks; each connection may have one in hand.
    let allowed = 50 + 20 * (start.elapsed().as_secs() + 1) + 10;
    let handed_over = house.health.snapshot().publishes_in;
    assert!(handed_over <= allowed, "{handed_over} of {allowed}");
    assert!(handed_over >= 50, "a burst was there: {handed_over}");
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_floods_and_comes_back_does_not_cost_ingest_its_session() {
    let house = House::open().await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let reader = tokio::spawn(async move {
        while ingest.receive().await.is_some() {
            // As somebody who stores what comes.
            sleep(Duration::from_millis(3)).await;
        }
    });
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(8) && !reader.is_finished() {
        let mut casa = Client::enter(&house, "casa-1").await;
        for _ in 0..32 {
            casa.publish("v1/p/07/g/casa-1/up", QoS::AtMostOnce, &[0x5a; 16 * 1024])
                .await;
        }
        casa.ping().await;
    }
    assert_eq!(house.refused(Refusal::TooSlow), 0);
    assert!(!reader.is_finished(), "ingest has lost its session");
    reader.abort();
    house.close().await.unwrap();
}

#[tokio::test]
async fn who_connects_in_a_loop_is_told_not_now_and_late_and_the_others_notice_nothing() {
    const LOOPS: u32 = 50;
    const BURST: u32 = 5;
    let some = |number| NonZeroU32::new(number).expect("it is not zero");
    let house = House::with(Limits {
        arrivals_per_minute: some(1),
        arrival_burst: some(BURST),
        ..Limits::default()
    })
    .await;
    let honest = Honest::start(&house).await;
    let mut stays = Client::enter(&house, "casa-1").await;
    for _ in 1..BURST {
        stays = Client::enter(&house, "casa-1").await;
    }
    let takeovers = u64::from(BURST - 1);
    house.has_refused(Refusal::TakenOver, takeovers).await;

    let start = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..LOOPS {
        let mut again = Client::open(&house).await;
        let connect = house.connect("casa-1");
        loops.spawn(async move {
            let code = again.connect(&connect).await;
            assert!(again.is_closed().await);
            code
        });
    }
    // Meanwhile others come in at once, and nobody's seat is touched, not even its own.
    Client::enter(&house, "casa-3").await.ping().await;
    stays.ping().await;
    honest.is_served().await;
    while let Some(code) = loops.join_next().await {
        let not_now = Some(ConnectReturnCode::ServiceUnavailable);
        assert_eq!(code.unwrap(), not_now);
    }
    assert!(start.elapsed() >= Duration::from_secs(4), "it is told late");
    house.has_refused(Refusal::TooOften, LOOPS.into()).await;
    assert_eq!(house.refused(Refusal::TakenOver), takeovers);
    stays.ping().await;
    house
        .until("only the pair and the one session are left", |it| {
            (it.connections, it.sessions) == (3, 3)
        })
        .await;
    honest.end().await;
    house.close().await.unwrap();
}

/// A SUBSCRIBE, or an UNSUBSCRIBE, with so many filters of one letter.
fn filters(head: u8, many: usize) -> Vec<u8> {
    let each: &[u8] = if head == 0x82 {
        &[0, 1, b'x', 0]
    } else {
        &[0, 1, b'x']
    };
    let length = 2 + many * each.len();
    let low = u8::try_from(length % 128).unwrap() | 0x80;
    let mut bytes = vec![head, low, u8::try_from(length / 128).unwrap(), 0, 1];
    bytes.extend(each.repeat(many));
    bytes
}

#[tokio::test]
async fn a_subscribe_with_more_filters_than_anybody_needs_ends_the_session() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.send_bytes(&filters(0x82, 256)).await;
    assert!(
        !casa.is_closed().await,
        "all of them are refused, one by one"
    );
    house.has_refused(Refusal::NotYourFilter, 256).await;
    for (round, head) in [(1, 0x82), (2, 0xa2)] {
        let mut casa = Client::enter(&house, "casa-1").await;
        casa.send_bytes(&filters(head, 257)).await;
        assert!(casa.is_closed().await);
        house.has_refused(Refusal::Malformed, round).await;
    }
    house.has_refused(Refusal::NotYourFilter, 256).await;
    honest.end().await;
    house.close().await.unwrap();
}

/// With each as many handshakes as one address may have, and one more: all places of the house.
async fn hold_handshakes(house: &House, networks: &[[u8; 4]]) -> Vec<Client> {
    let each = Limits::default().handshakes_per_address.get();
    let mut held = Vec::new();
    for network in networks {
        for _ in 0..each {
            held.push(Client::from_address(house, IpAddr::from(*network)).await);
        }
    }
    held
}

#[tokio::test]
async fn four_networks_that_hold_every_handshake_lock_nobody_out() {
    let house = House::open().await;
    let networks = [2, 3, 4, 5].map(|network| [127, network, 0, 1]);
    let held = hold_handshakes(&house, &networks).await;
    let all = Limits::default().handshakes.get();
    house
        .until("all places are held", |it| it.handshakes == all)
        .await;
    for _ in 0..10 {
        let mut casa = Client::open(&house).await;
        let code = casa.connect(&house.connect("casa-1")).await;
        assert_eq!(code, Some(ConnectReturnCode::Success));
    }
    assert!(house.refused(Refusal::HandshakesFull) >= 1);
    drop(held);
    house.close().await.unwrap();
}

#[tokio::test]
async fn two_neighbours_that_hold_all_of_a_network_do_not_lock_out_a_third() {
    let house = House::open().await;
    let held = hold_handshakes(&house, &[[127, 0, 0, 2], [127, 0, 0, 3]]).await;
    house
        .until("both have all they may", |it| it.handshakes == 256)
        .await;
    let mut casa = Client::open(&house).await;
    let code = casa.connect(&house.connect("casa-1")).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    house.has_refused(Refusal::AddressHandshakes, 1).await;
    drop(held);
    house.close().await.unwrap();
}
