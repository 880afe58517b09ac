//! Half-open connections and takeovers: one identity, one session, the newest wins, and all of it
//! costs only that identity.
// req: G5

use std::time::Duration;

use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet};
use veglia_broker::Refusal;

use crate::arrivals::{arrive_at_once, served};
use crate::client::Client;
use crate::honest::Honest;
use crate::house::{House, unbridled};

#[tokio::test]
async fn a_half_open_handshake_takes_nobodys_seat() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    // The certificate was shown, and then nothing: no CONNECT, no seat.
    let mut half_open = Vec::new();
    for _ in 0..20 {
        let mut half = Client::open(&house).await;
        half.shake_hands(house.introduction("casa-1")).await;
        half_open.push(half);
    }
    house
        .until("all are through their handshakes", |it| it.handshakes == 0)
        .await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"still here").await;
    assert_eq!(house.refused(Refusal::TakenOver), 0);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn of_many_takeovers_at_once_one_stays_and_it_works() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut clients = arrive_at_once(&house, "casa-1", 32).await;
    house
        .until("one is left, beside the pair", |it| {
            (it.connections, it.sessions) == (3, 3)
        })
        .await;
    assert_eq!(served(&mut clients).await, 1);
    honest.end().await;
    house.close().await.unwrap();
}

/// The old connection does not read, and its socket is full: it must still give way at once.
#[tokio::test]
async fn a_session_that_is_stuck_in_a_write_gives_way() {
    let house = House::with(unbridled()).await;
    let honest = Honest::start(&house).await;
    let mut stuck = Client::enter(&house, "seven").await;
    stuck.hear("v1/p/07/g/+/hello").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    for _ in 0..400 {
        casa.hand_over("v1/p/07/g/casa-1/hello", &[0x5a; 16 * 1024])
            .await;
    }
    let mut new = Client::enter(&house, "seven").await;
    new.hear("v1/p/07/g/+/hello").await;
    casa.hand_over("v1/p/07/g/casa-1/hello", b"to the new one")
        .await;
    new.message_is(b"to the new one").await;
    assert_eq!(house.refused(Refusal::TakenOver), 1);
    honest.end().await;
    house.close().await.unwrap();
}

/// The line of the old connection is dead, nobody has noticed, and its keep-alive runs out while
/// the new one works.
#[tokio::test]
async fn the_end_of_a_dead_line_does_not_touch_its_successor() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut impatient = house.connect("casa-1");
    impatient.keep_alive = 1;
    let mut old = Client::open(&house).await;
    let code = old.connect(&impatient).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    let mut new = Client::enter(&house, "casa-1").await;
    new.hear("v1/p/07/g/casa-1/ack").await;
    let mut watch = house.connect("casa-3");
    watch.keep_alive = 1;
    let mut shows_the_time = Client::open(&house).await;
    let code = shows_the_time.connect(&watch).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    assert!(shows_the_time.is_closed().await);
    new.ping().await;
    assert!(old.is_closed().await);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_comes_and_goes_all_the_time_disturbs_nobody() {
    let house = House::with(unbridled()).await;
    let honest = Honest::start(&house).await;
    for round in 0..100 {
        let mut casa = Client::enter(&house, "casa-1").await;
        casa.hear("v1/p/07/g/casa-1/ack").await;
        if round % 3 == 0 {
            casa.send(Packet::Disconnect).await;
        }
        if round % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    house
        .until("only the pair is left", |it| {
            (it.connections, it.sessions, it.subscriptions) == (2, 2, 2)
        })
        .await;
    honest.end().await;
    house.close().await.unwrap();
}
