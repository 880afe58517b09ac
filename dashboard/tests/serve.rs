//! The server on a real socket: which listeners it accepts, how many connections, and how it stops.

#![cfg(test)]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use veglia_dashboard::{Config, Deps, ServeError, serve};
use veglia_store::{Database, Purpose};
use veglia_view::HttpView;
use veglia_wire::{CareClock, Clock, WallMs};

const PATIENCE: Duration = Duration::from_secs(30);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        WallMs(1_600_000_000_000)
    }
}

async fn deps(folder: &tempfile::TempDir) -> Deps {
    let path = folder.path().join("record.db");
    let record = Database::open(
        &path,
        Purpose::Record,
        &[
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_fleet::SCHEMA,
            veglia_handover::SCHEMA,
            veglia_isolation::SCHEMA,
            veglia_laboratory::SCHEMA,
            veglia_notify::SCHEMA,
        ],
    )
    .await
    .unwrap();
    Deps {
        record,
        view: Arc::new(HttpView::new(&folder.path().join("nobody.sock"))),
        clock: Arc::new(Noon),
        care: CareClock::real(Arc::new(Noon)),
        identities: folder.path().join("identities.toml"),
        enrolments: folder.path().join("enrolments.toml"),
        notify: veglia_notify::Config::default(),
        alarm_path: None,
        line: None,
        laboratory: veglia_laboratory::Config::default(),
    }
}

#[tokio::test]
async fn a_listener_that_others_can_reach_is_refused_without_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&folder).await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(
        Config::default(),
        deps.clone(),
        listener,
        std::future::pending(),
    )
    .await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, ServeError::Exposed(_)));
    assert!(refused.to_string().contains("behind_proxy"), "{refused}");

    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let proxied = Config {
        behind_proxy: true,
        ..Config::default()
    };
    serve(proxied, deps, listener, async {}).await.unwrap();
}

#[tokio::test]
async fn it_answers_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap_or_default() };
    let deps = deps(&folder).await;
    let server = tokio::spawn(serve(Config::default(), deps, listener, shutdown));

    let mut browser = TcpStream::connect(address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    browser.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, browser.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Connections that one address may have.
const PLACES_OF_ONE: usize = 128;

/// A server on a loopback address, until the test ends.
async fn opened(folder: &tempfile::TempDir, behind_proxy: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config {
        behind_proxy,
        ..Config::default()
    };
    let deps = deps(folder).await;
    tokio::spawn(serve(config, deps, listener, std::future::pending()));
    address
}

async fn held(address: SocketAddr, many: usize) -> Vec<TcpStream> {
    let mut held = Vec::with_capacity(many);
    for _ in 0..many {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    held
}

/// Whether somebody from this address is answered.
async fn is_served(address: SocketAddr, from: [u8; 4]) -> bool {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::from(from), 0)).unwrap();
    let mut browser = socket.connect(address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let asked = browser.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, browser.read_to_end(&mut answer)).await;
    // Whoever is turned away may see a broken connection or an empty answer.
    asked.and(read.unwrap()).is_ok() && answer.starts_with(b"HTTP/1.1 200 OK")
}

#[tokio::test]
async fn one_stranger_cannot_take_every_place_of_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let address = opened(&folder, false).await;
    let mut silent = held(address, PLACES_OF_ONE).await;
    assert!(!is_served(address, [127, 0, 0, 1]).await);
    assert!(is_served(address, [127, 0, 0, 2]).await);

    // A place that is given up can be had again.
    silent.clear();
    let again = async { while !is_served(address, [127, 0, 0, 1]).await {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_proxy_has_more_places_than_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let address = opened(&folder, true).await;
    let _through_it = held(address, 2 * PLACES_OF_ONE).await;
    assert!(is_served(address, [127, 0, 0, 1]).await);
}

#[test]
fn the_default_is_closed_to_the_network() {
    let config = Config::default();
    assert!(config.listen.ip().is_loopback());
    assert!(!config.behind_proxy);
}
