//! The ways in which a bare rumqttd loses messages that it has acknowledged. Behind the door, and
//! with outboxes and acknowledgements at both ends, each of them loses no reading, and brings
//! none twice.
// req: G5

use std::num::NonZeroU32;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, SubscribeReasonCode};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use veglia_broker::{Limits, Refusal, Remedy};

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

/// A house that has room for so many connections beside the three of the life in it.
async fn house_with_room_for(more: u32) -> House {
    House::with(Limits {
        connections: NonZeroU32::new(3 + more).expect("it is not zero"),
        ..unbridled()
    })
    .await
}

/// What each of them does to the others is shown in `kill_cases`; here, that it costs no reading.
#[tokio::test]
async fn the_seven_packets_and_sequences_that_end_a_bare_rumqttd() {
    let house = house_with_room_for(100).await;
    let mut life = Life::begin(&house);
    let up = "v1/p/07/g/casa-2/up";
    life.goes_on().await;
    // P1: a persistent member of a shared subscription.
    let mut member = Client::open(&house).await;
    let mut persistent = house.connect("seven");
    persistent.clean_session = false;
    let code = member.connect(&persistent).await;
    assert_eq!(code, Some(ConnectReturnCode::NotAuthorized));
    let mut member = Client::enter(&house, "seven").await;
    let answer = member.subscribe(&["$share/x/v1/p/07/g/+/up"]).await;
    assert_eq!(answer, [SubscribeReasonCode::Failure]);
    drop(member);
    // P3: a client id with a slash, twice.
    for _ in 0..2 {
        let mut slash = house.connect("casa-2");
        slash.client_id = "a/b".to_owned();
        let code = Client::open(&house).await.connect(&slash).await;
        assert_eq!(code, Some(ConnectReturnCode::BadClientId));
    }
    life.goes_on().await;
    // P4: a subscriber that does not keep up is taken over.
    let mut slow = Client::enter(&house, "seven").await;
    slow.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-2").await;
    for _ in 0..300 {
        casa.hand_over(up, &[0x5a; 16 * 1024]).await;
    }
    Client::enter(&house, "seven").await.ping().await;
    life.goes_on().await;
    // P5: a socket that says nothing. P6: a topic that begins with an accented letter.
    let _silent = Client::from_elsewhere(&house).await;
    casa.publish("è", QoS::AtMostOnce, b"").await;
    assert!(casa.is_closed().await);
    life.goes_on().await;
    // P7: a gateway that came back beside its half-open connection, whose time then ends.
    let mut impatient = house.connect("casa-2");
    impatient.keep_alive = 1;
    let mut half_open = Client::open(&house).await;
    half_open.connect(&impatient).await;
    let mut back = Client::enter(&house, "casa-2").await;
    sleep(Duration::from_millis(1_600)).await;
    back.ping().await;
    life.lost_nothing().await;
    house.close().await.unwrap();
}

/// P2: the most connections, exceeded twice with the same id.
#[tokio::test]
async fn one_connection_too_many_twice() {
    let house = house_with_room_for(1).await;
    let mut life = Life::begin(&house);
    life.goes_on().await;
    let mut last = Client::enter(&house, "casa-2").await;
    for refused in 1..=2 {
        let mut one_more = Client::open(&house).await;
        assert_eq!(one_more.connect(&house.connect("casa-2")).await, None);
        house.has_refused(Refusal::HouseFull, refused).await;
    }
    last.ping().await;
    life.goes_on().await;
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

/// Somebody with a copy of its key takes a box's seat until neither may come in for a while.
#[tokio::test]
async fn a_copied_key_that_uses_up_how_often_its_box_may_come() {
    let house = House::with(Limits {
        arrivals_per_minute: NonZeroU32::new(60).expect("it is not zero"),
        arrival_burst: NonZeroU32::new(4).expect("it is not zero"),
        ..unbridled()
    })
    .await;
    let mut life = Life::begin(&house);
    life.goes_on().await;
    while house.refused(Refusal::TooOften) == 0 {
        let mut twin = Client::open(&house).await;
        twin.connect(&house.connect("casa-1")).await;
    }
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
