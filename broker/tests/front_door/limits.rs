//! Too large, too many, too slow, too silent: each costs only whoever does it.

use std::num::NonZeroU32;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::time::{Instant, timeout};
use veglia_broker::{Limits, Refusal};

use crate::client::{Client, PATIENCE};
use crate::house::{House, unbridled};

fn some(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("it is not zero")
}

#[tokio::test]
async fn a_packet_above_the_limit_ends_the_connection_before_it_is_read() {
    let house = House::open().await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", &[0x5a; 20_000]).await;
    casa.publish("v1/p/07/g/casa-1/up", QoS::AtLeastOnce, &[0x5a; 21_000])
        .await;
    assert!(casa.is_closed().await);
    house
        .until("it is counted", |it| {
            it.refused.contains_key(&Refusal::TooLarge)
        })
        .await;
    // The header alone is enough: 256 MiB are promised, and not awaited.
    let mut stranger = Client::open(&house).await;
    stranger.send_bytes(&[0x10, 0xff, 0xff, 0xff, 0x7f]).await;
    assert!(stranger.is_closed().await);
    Client::enter(&house, "casa-2").await.ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_stranger_may_not_send_a_large_connect() {
    let house = House::open().await;
    let mut stranger = Client::open(&house).await;
    let mut connect = house.connect("casa-1");
    connect.client_id = "x".repeat(5_000);
    assert_eq!(stranger.connect(&connect).await, None);
    assert_eq!(house.refused(Refusal::TooLarge), 1);
    house.close().await.unwrap();
}

#[tokio::test]
async fn silent_sockets_keep_nobody_waiting() {
    const SILENT: u32 = 200;
    let house = House::open().await;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(Client::open(&house).await);
    }
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"at once").await;
    assert_eq!(ingest.message().await.1, b"at once");
    assert_eq!(house.health.snapshot().connections, SILENT + 2);
    drop(silent);
    house.close().await.unwrap();
}

#[tokio::test]
async fn who_keeps_silent_beyond_the_keep_alive_is_sent_away_and_who_pings_stays() {
    let house = House::open().await;
    let mut connect = house.connect("casa-1");
    connect.keep_alive = 1;
    let mut silent = Client::open(&house).await;
    let code = silent.connect(&connect).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    let mut lively = Client::enter(&house, "casa-2").await;
    assert!(silent.is_closed().await);
    assert_eq!(house.refused(Refusal::Silent), 1);
    lively.ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_packet_that_trickles_gets_no_more_time_than_silence() {
    let house = House::open().await;
    let mut casa = Client::open(&house).await;
    let mut impatient = house.connect("casa-1");
    impatient.keep_alive = 1;
    let code = casa.connect(&impatient).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    // A publish of 100 bytes that would take ten seconds.
    casa.send_bytes(&[0x30, 100]).await;
    while house.refused(Refusal::Silent) == 0 {
        casa.send_bytes(&[0]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(casa.is_closed().await);
    assert_eq!(house.refused(Refusal::Malformed), 0, "it was never whole");
    house.is_served().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_full_house_refuses_the_next_and_takes_it_when_one_leaves() {
    let limits = Limits {
        connections: some(2),
        ..Limits::default()
    };
    let house = House::with(limits).await;
    let one = Client::enter(&house, "casa-1").await;
    let mut two = Client::enter(&house, "casa-2").await;
    let mut three = Client::open(&house).await;
    assert!(three.is_closed().await);
    assert_eq!(house.refused(Refusal::HouseFull), 1);
    drop(one);
    house.until("there is room", |it| it.connections == 1).await;
    Client::enter(&house, "casa-3").await.ping().await;
    two.ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn one_address_is_held_to_its_share() {
    let limits = Limits {
        connections_per_address: some(1),
        ..Limits::default()
    };
    let house = House::with(limits).await;
    let mut one = Client::enter(&house, "casa-1").await;
    let mut two = Client::open(&house).await;
    assert!(two.is_closed().await);
    assert_eq!(house.refused(Refusal::AddressFull), 1);
    one.ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_gateway_above_its_rate_is_read_more_slowly_and_loses_nothing() {
    let limits = Limits {
        packets_per_second: some(100),
        packet_burst: some(10),
        ..Limits::default()
    };
    let house = House::with(limits).await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let start = Instant::now();
    for number in 0..60_u8 {
        casa.publish("v1/p/07/g/casa-1/up", QoS::AtMostOnce, &[number])
            .await;
    }
    for number in 0..60_u8 {
        assert_eq!(ingest.message().await.1, [number]);
    }
    // 50 packets beyond the burst at 100 a second: a lower bound that no fast machine breaks.
    assert!(start.elapsed() >= Duration::from_millis(450));
    house.close().await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_the_others_miss_nothing() {
    const MESSAGES: u32 = 2_000;
    let house = House::with(unbridled()).await;
    let mut stalled = Client::enter(&house, "seven").await;
    stalled.hear("v1/p/07/g/+/up").await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;

    let payload = vec![0x5a; 16 * 1024];
    let mut sent = 0;
    let flood = async {
        while house.refused(Refusal::TooSlow) == 0 && sent < MESSAGES {
            casa.hand_over("v1/p/07/g/casa-1/up", &payload).await;
            assert_eq!(ingest.message().await.1.len(), payload.len());
            sent += 1;
        }
    };
    timeout(4 * PATIENCE, flood).await.expect("the flood ends");
    assert_eq!(house.refused(Refusal::TooSlow), 1);
    house.until("it is gone", |it| it.sessions == 2).await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"afterwards").await;
    assert_eq!(ingest.message().await.1, b"afterwards");
    house.close().await.unwrap();
}
