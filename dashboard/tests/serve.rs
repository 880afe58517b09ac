//! The server on a real socket: which listeners it accepts, and how it stops.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
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

#[test]
fn the_default_is_closed_to_the_network() {
    let config = Config::default();
    assert!(config.listen.ip().is_loopback());
    assert!(!config.behind_proxy);
}
