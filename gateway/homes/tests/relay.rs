//! The cable to the centre: whole, cut, and mended.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use veglia_homes::Relay;

const PATIENCE: Duration = Duration::from_secs(10);

/// A centre that answers every byte with itself.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn answers(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 4];
    stream.write_all(b"ping").await.is_ok() && stream.read_exact(&mut answer).await.is_ok()
}

async fn ends(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An end and a reset are both an end to a gateway.
    drop(
        timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .expect("the line was cut"),
    );
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_cut_ends_what_is_connected_and_refuses_what_comes() {
    let (address, relay) = Relay::start(echo().await).await.unwrap();
    let mut before = TcpStream::connect(address).await.unwrap();
    assert!(timeout(PATIENCE, answers(&mut before)).await.unwrap());

    relay.cut();
    ends(&mut before).await;
    let mut during = TcpStream::connect(address).await.unwrap();
    ends(&mut during).await;
    assert!(!relay.is_whole());

    relay.restore();
    let mut after = TcpStream::connect(address).await.unwrap();
    assert!(timeout(PATIENCE, answers(&mut after)).await.unwrap());
}

#[tokio::test]
async fn a_cut_mended_at_once_is_a_cut_all_the_same() {
    let (address, relay) = Relay::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(timeout(PATIENCE, answers(&mut stream)).await.unwrap());
    relay.cut();
    relay.restore();
    ends(&mut stream).await;
}

#[tokio::test]
async fn the_last_handle_takes_the_relay_with_it() {
    let (address, relay) = Relay::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(timeout(PATIENCE, answers(&mut stream)).await.unwrap());
    drop(relay);
    ends(&mut stream).await;
}
