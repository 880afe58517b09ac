//! A desk with a made-up role, asked over its socket byte by byte.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::super::{Config, Kind, Role, SOCKET, Standing};
use super::Desk;

/// A role that is unready for the reasons it is given.
#[derive(Clone, Default)]
struct Moody(std::sync::Arc<Mutex<Vec<String>>>);

impl Role for Moody {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        let unready = self.0.lock().unwrap().clone();
        Box::pin(std::future::ready(Standing {
            unready,
            brief: Vec::new(),
            figures: Vec::new(),
        }))
    }
}

/// A role that never says how it is.
struct Stuck;

impl Role for Stuck {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        Box::pin(std::future::pending())
    }
}

fn open(dir: &Path, stop: &CancellationToken) -> Desk {
    Desk::open(&Config::default(), Kind::Ingest, dir, stop).unwrap()
}

async fn ask(dir: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(dir.join(SOCKET)).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: veglia\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn says(answer: &str, status: u16, words: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains(words), "{words} not in: {answer}");
}

#[tokio::test]
async fn a_role_is_alive_before_it_is_ready_and_says_why_not() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let desk = open(dir.path(), &stop);
    says(&ask(dir.path(), "GET /healthz").await, 200, "\r\n\r\nok\n");
    says(&ask(dir.path(), "GET /readyz").await, 503, "it is starting");

    let role = Moody::default();
    desk.speak_for(role.clone());
    says(&ask(dir.path(), "GET /readyz").await, 200, "\r\n\r\nok\n");
    says(
        &ask(dir.path(), "GET /metrics").await,
        200,
        "veglia_ready{role=\"ingest\"} 1\n",
    );

    role.0.lock().unwrap().push("the disk is full".into());
    says(
        &ask(dir.path(), "GET /readyz").await,
        503,
        "\r\n\r\nthe disk is full\n",
    );
    says(
        &ask(dir.path(), "GET /metrics").await,
        200,
        "veglia_ready{role=\"ingest\"} 0\n",
    );
    says(
        &ask(dir.path(), "GET /status").await,
        200,
        "\"why\":\"the disk is full\"",
    );

    stop.cancel();
    says(&ask(dir.path(), "GET /readyz").await, 503, "it is stopping");
    says(&ask(dir.path(), "GET /healthz").await, 200, "ok");
}

#[tokio::test]
async fn what_is_not_a_question_is_answered_with_what_would_be() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let _desk = open(dir.path(), &stop);
    says(&ask(dir.path(), "GET /").await, 404, "/healthz, /readyz");
    says(
        &ask(dir.path(), "POST /healthz").await,
        405,
        "allow: GET, HEAD",
    );
    let head = ask(dir.path(), "HEAD /healthz").await;
    says(&head, 200, "content-length: 3");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_role_that_does_not_answer_is_not_ready() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let desk = open(dir.path(), &stop);
    desk.speak_for(Stuck);
    says(
        &ask(dir.path(), "GET /readyz").await,
        503,
        "did not say within 4 s",
    );
    says(&ask(dir.path(), "GET /healthz").await, 200, "ok");
}

#[tokio::test]
async fn a_desk_takes_the_place_of_a_dead_one_and_takes_its_socket_with_it() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let socket = dir.path().join(SOCKET);
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "a killed process leaves its socket");

    let desk = open(dir.path(), &stop);
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    says(&ask(dir.path(), "GET /healthz").await, 200, "ok");
    drop(desk);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_socket_that_cannot_be_made_stops_no_role() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let nowhere = dir.path().join("nowhere");
    open(&nowhere, &stop).speak_for(Moody::default());
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_key() {
    let (dir, stop) = (TempDir::new().unwrap(), CancellationToken::new());
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    let config: Config = toml::from_str(&format!("ingest = \"{taken}\"")).unwrap();
    let refused = Desk::open(&config, Kind::Ingest, dir.path(), &stop)
        .err()
        .unwrap();
    let refused = refused.to_string();
    for words in ["[health] ingest", &taken.to_string(), "choose another"] {
        assert!(refused.contains(words), "{words} not in: {refused}");
    }
    drop(holder);
    let _desk = Desk::open(&config, Kind::Ingest, dir.path(), &stop).unwrap();
    let mut stream = TcpStream::connect(taken).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: veglia\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    says(&answer, 200, "ok");
}
