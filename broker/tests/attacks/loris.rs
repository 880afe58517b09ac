//! Sockets that say nothing, or say it byte by byte: they take a few places from their own
//! address, for a bounded time, and nobody else waits for them.
// req: G5

use std::net::IpAddr;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::task::JoinSet;
use tokio::time::sleep;
use veglia_broker::{Limits, Refusal};

use crate::client::Client;
use crate::grounds::Grounds;
use crate::honest::Honest;
use crate::house::House;

/// As many as an attacker opens without effort.
const SILENT: u32 = 1_000;

/// What a client of this house says first.
pub(crate) fn client_hello(at: &Grounds) -> Vec<u8> {
    let server = ServerName::from(IpAddr::from([127, 0, 0, 1]));
    let session = ClientConnection::new(at.introduction("casa-1"), server);
    let mut bytes = Vec::new();
    let mut session = session.expect("a client");
    session.write_tls(&mut bytes).expect("into memory");
    bytes
}

#[tokio::test]
async fn a_thousand_silent_sockets_keep_nobody_waiting() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let allowed = Limits::default().handshakes_per_address.get();
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(Client::from_elsewhere(&house).await);
    }
    let turned_away = u64::from(SILENT - allowed);
    house
        .has_refused(Refusal::AddressHandshakes, turned_away)
        .await;
    assert_eq!(house.health.snapshot().handshakes, allowed);
    honest.is_served().await;
    // Newcomers from elsewhere get in at once, while all the silent ones are there.
    house.is_served_to_newcomers().await;
    house
        .has_refused(Refusal::HandshakeTime, u64::from(allowed))
        .await;
    assert_eq!(house.health.snapshot().handshakes, 0);
    drop(silent);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_trickles_gets_no_more_time_than_another() {
    const MANY: u32 = 100;
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut trickling = JoinSet::new();
    for number in 0..MANY {
        let mut client = Client::from_elsewhere(&house).await;
        let hello = client_hello(&house);
        trickling.spawn(async move {
            // Most stop short of the last byte; some never get near it.
            let most = hello.len() - 1;
            let pause = Duration::from_millis(10 + u64::from(number % 40));
            for byte in hello.iter().take(most) {
                client.send_bytes(&[*byte]).await;
                sleep(pause).await;
            }
            assert!(client.is_closed().await);
        });
    }
    house
        .until("all are at it", |it| it.handshakes >= MANY)
        .await;
    honest.is_served().await;
    house.is_served_to_newcomers().await;
    house
        .has_refused(Refusal::HandshakeTime, u64::from(MANY))
        .await;
    assert_eq!(house.health.snapshot().handshakes, 0);
    while let Some(ended) = trickling.join_next().await {
        ended.unwrap();
    }
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn who_shakes_hands_and_then_says_nothing_is_sent_away() {
    const MANY: usize = 50;
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut silent = Vec::new();
    for _ in 0..MANY {
        let mut client = Client::open(&house).await;
        client.shake_hands(house.introduction("casa-1")).await;
        silent.push(client);
    }
    honest.is_served().await;
    for mut client in silent {
        assert!(client.is_closed().await);
    }
    house.has_refused(Refusal::NoConnect, 50).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn handshakes_are_limited_in_all_and_by_address() {
    let some = |number| std::num::NonZeroU32::new(number).expect("it is not zero");
    let house = House::with(Limits {
        handshakes: some(4),
        handshakes_per_address: some(3),
        ..Limits::default()
    })
    .await;
    let mut elsewhere = Vec::new();
    for _ in 0..4 {
        elsewhere.push(Client::from_elsewhere(&house).await);
    }
    house.has_refused(Refusal::AddressHandshakes, 1).await;
    let _fourth = Client::open(&house).await;
    house
        .until("four are under way", |it| it.handshakes == 4)
        .await;
    // A newcomer takes the place of the oldest of whoever has most, until they have as many.
    let _fifth = Client::open(&house).await;
    house.has_refused(Refusal::HandshakesFull, 1).await;
    assert!(elsewhere.remove(0).is_closed().await);
    let mut sixth = Client::open(&house).await;
    assert!(sixth.is_closed().await);
    house.has_refused(Refusal::HandshakesFull, 2).await;
    drop((elsewhere, _fifth));
    house.until("one is left", |it| it.handshakes == 1).await;
    house.is_served().await;
    house.close().await.unwrap();
}
