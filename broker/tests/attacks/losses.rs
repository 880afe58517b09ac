//! The ways in which a bare rumqttd loses messages that it has acknowledged. Behind the door, and
//! with outboxes and acknowledgements at both ends, each of them loses no reading, and brings
//! none twice.
// req: G5

use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use veglia_broker::{Refusal, Remedy};

use crate::client::{Client, PATIENCE};
use crate::grounds::certify;
use crate::homes::Life;
use crate::house::{House, unbridled};
use crate::router::Mute;

/// A bare rumqttd overwrites what a slow reader has not read; a door cuts the reader off, which
/// comes back and asks for what it missed.
#[tokio::test]
async fn a_subscriber_that_falls_behind_in_a_flood() {
    let house = House::with(unbridled()).await;
    let (pause, paused) = watch::channel(false);
    let mut life = Life::begin_with_pauses(&house, paused);
    life.goes_on().await;
    pause.send_replace(true);
    let mut casa = Client::enter(&house, "casa-2").await;
    let flood = async {
        while house.refused(Refusal::TooSlow) == 0 {
            casa.publish("v1/p/07/g/casa-2/up", QoS::AtMostOnce, &[0x5a; 16 * 1024])
                .await;
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, flood)
        .await
        .expect("it is cut off at last");
    pause.send_replace(false);
    life.lost_nothing().await;
    house.close().await.unwrap();
}

/// A bare rumqttd forgets sessions and messages; clients throw away what was queued.
#[tokio::test]
async fn restarts_of_the_broker() {
    let mut house = House::open().await;
    let mut life = Life::begin(&house);
    for _ in 0..3 {
        life.goes_on().await;
        house = house.restart(unbridled()).await;
    }
    life.goes_on().await;
    life.lost_nothing().await;
    house.close().await.unwrap();
}

/// A bare rumqttd panics, or ends the wrong session, when a gateway or a service comes twice.
#[tokio::test]
async fn takeovers_of_a_gateway_and_of_ingest() {
    let house = House::open().await;
    let mut life = Life::begin(&house);
    for _ in 0..5 {
        for name in ["casa-1", "ingest"] {
            life.goes_on().await;
            let mut twin = Client::open(&house).await;
            let code = twin.connect(&house.connect(name)).await;
            // The true one may already be back.
            assert!(matches!(code, Some(ConnectReturnCode::Success) | None));
        }
    }
    assert!(house.refused(Refusal::TakenOver) >= 5);
    life.lost_nothing().await;
    house.close().await.unwrap();
}

/// After its router's panic a bare rumqttd accepts connections and carries nothing.
#[tokio::test]
async fn a_router_that_falls_silent() {
    let (mute, silence) = Mute::new(Remedy::Reopen);
    let house = House::before(mute).await;
    let mut life = Life::begin(&house);
    for lives in 1..=2 {
        life.goes_on().await;
        silence.send_replace(lives);
        house
            .until("it is opened again", |it| it.router_restarts == lives)
            .await;
    }
    life.lost_nothing().await;
    house.close().await.unwrap();
}

/// Nothing that is done to the certificates of a working centre loses anything either.
#[tokio::test]
async fn new_certificates_in_the_middle_of_it_all() {
    let house = House::open().await;
    let mut life = Life::begin(&house);
    for _ in 0..2 {
        life.goes_on().await;
        certify(&house.tls, &house.centre);
        sleep(Duration::from_millis(1_200)).await;
    }
    assert_eq!(house.health.snapshot().sessions, 3, "nobody was sent away");
    life.lost_nothing().await;
    house.close().await.unwrap();
}
