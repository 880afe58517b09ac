//! How the door opens and closes, and what happens when the router behind it ends.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_broker::{Backend, BackendError, Config, Limits, Link, ServeError};
use veglia_identity::IdentityFile;

use crate::client::Client;
use crate::house::House;

#[tokio::test]
async fn closing_ends_every_session_and_returns() {
    let house = House::open().await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let mut ingest = Client::enter(&house, "ingest").await;
    let mut silent = Client::open(&house).await;
    house.until("all are in", |it| it.connections == 3).await;
    let health = house.health.clone();
    house.close().await.unwrap();
    assert!(casa.is_closed().await);
    assert!(ingest.is_closed().await);
    assert!(silent.is_closed().await);
    let after = health.snapshot();
    assert_eq!(
        (after.connections, after.sessions, after.subscriptions),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        listen: taken.local_addr().unwrap(),
        ..Config::default()
    };
    let fault = veglia_broker::listen(&config).await.unwrap_err();
    assert!(matches!(fault, ServeError::Bind { .. }));
    assert!(fault.to_string().contains("choose another port"));
}

#[tokio::test]
async fn a_door_open_to_others_needs_tls() {
    let config = Config {
        listen: SocketAddr::from(([0, 0, 0, 0], 0)),
        ..Config::default()
    };
    let fault = veglia_broker::listen(&config).await.unwrap_err();
    assert!(matches!(fault, ServeError::Unprotected(_)));

    // Whoever brings a socket of their own is asked too.
    let folder = tempfile::tempdir().unwrap();
    let identities = folder.path().join("identities.toml");
    IdentityFile::new(&identities).create_if_missing().unwrap();
    let config = Config {
        identities,
        ..Config::default()
    };
    let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = veglia_broker::serve(config, open, CancellationToken::new()).await;
    assert!(matches!(served, Err(ServeError::Unprotected(_))));
}

/// A router that dies at the first message.
struct Mortal;

impl Backend for Mortal {
    fn open(&self) -> Result<Link, BackendError> {
        let (hand_over, mut from_door) = mpsc::channel(1);
        let (to_door, deliveries) = mpsc::channel(1);
        tokio::spawn(async move {
            drop(from_door.recv().await);
            drop(to_door);
        });
        Ok(Link {
            hand_over,
            deliveries,
        })
    }
}

#[tokio::test]
async fn when_the_router_dies_the_door_closes_with_an_error() {
    let house = House::before(Limits::default(), Box::new(Mortal)).await;
    let ended = house.end().await;
    assert!(matches!(ended, Err(ServeError::BackendGone)));
}

#[test]
fn the_configuration_refuses_what_it_does_not_know() {
    let parse = |text: &str| toml::from_str::<Config>(text);
    assert_eq!(parse("").unwrap(), Config::default());
    let some = parse("listen = \"127.0.0.1:1884\"\n[limits]\nconnections = 10\n").unwrap();
    assert_eq!(some.limits.connections.get(), 10);
    assert!(parse("lisen = \"127.0.0.1:1884\"").is_err());
    assert!(parse("[limits]\nconnections = 0").is_err());
    assert!(parse("[limits]\nconections = 10").is_err());
}
