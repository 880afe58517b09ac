//! Publish floods: whoever sends too fast is read more slowly, whoever reads too slowly is cut
//! off, and the others miss nothing.
// req: G5

use std::num::NonZeroU32;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::Packet;
use tokio::time::timeout;
use veglia_broker::{Limits, Refusal};

use crate::client::{Client, PATIENCE};
use crate::honest::Honest;
use crate::house::{House, unbridled};

/// As fast as the socket takes it, until told to stop.
fn flood(mut client: Client, topic: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            client
                .publish(topic, QoS::AtMostOnce, &[0x5a; 16 * 1024])
                .await;
        }
    })
}

#[tokio::test]
async fn a_flood_is_read_no_faster_than_the_rate_and_the_others_are_served() {
    let some = |number| NonZeroU32::new(number).expect("it is not zero");
    let house = House::with(Limits {
        packets_per_second: some(100),
        packet_burst: some(50),
        ..Limits::default()
    })
    .await;
    let honest = Honest::start(&house).await;
    let start = tokio::time::Instant::now();
    let one = flood(Client::enter(&house, "casa-1").await, "v1/p/07/g/casa-1/up");
    let three = flood(Client::enter(&house, "casa-3").await, "v1/p/08/g/casa-3/up");
    for _ in 0..20 {
        honest.is_served().await;
    }
    let handed_over = house.health.snapshot().publishes_in - 2 * honest.rounds();
    // Two bursts, and from then on the rate, each packet for four: an upper bound that no slow
    // machine breaks.
    let allowed = 2 * (50 + 100 * (start.elapsed().as_secs() + 1)) + 10;
    assert!(handed_over <= allowed, "{handed_over} of {allowed}");
    assert!(handed_over > 100, "the flood was there: {handed_over}");
    one.abort();
    three.abort();
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_flood_without_a_rate_is_held_by_what_stands_behind_the_door() {
    let house = House::with(unbridled()).await;
    let honest = Honest::start(&house).await;
    let three = flood(
        Client::enter(&house, "casa-3").await,
        "v1/p/08/g/casa-3/hello",
    );
    for _ in 0..8 {
        honest.is_served().await;
    }
    three.abort();
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_flood_of_pings_is_held_to_the_rate_as_well() {
    let some = |number| NonZeroU32::new(number).expect("it is not zero");
    let house = House::with(Limits {
        packets_per_second: some(100),
        packet_burst: some(10),
        ..Limits::default()
    })
    .await;
    let honest = Honest::start(&house).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let start = tokio::time::Instant::now();
    for _ in 0..60 {
        casa.send(Packet::PingReq).await;
    }
    for _ in 0..60 {
        assert_eq!(casa.receive().await, Some(Packet::PingResp));
    }
    // 50 packets beyond the burst: a lower bound that no fast machine breaks.
    assert!(start.elapsed() >= std::time::Duration::from_millis(450));
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_the_others_miss_nothing() {
    const MOST: u32 = 3_000;
    let house = House::with(unbridled()).await;
    let honest = Honest::start(&house).await;
    let mut stalled = Client::enter(&house, "seven").await;
    stalled.hear("v1/p/07/g/+/hello").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let mut sent = 0;
    let flood = async {
        while house.refused(Refusal::TooSlow) == 0 && sent < MOST {
            casa.hand_over("v1/p/07/g/casa-1/hello", &[0x5a; 16 * 1024])
                .await;
            sent += 1;
        }
    };
    timeout(2 * PATIENCE, flood).await.expect("the flood ends");
    house.has_refused(Refusal::TooSlow, 1).await;
    house.until("it is gone", |it| it.sessions == 3).await;
    honest.end().await;
    house.close().await.unwrap();
}
