//! How long a connection keeps its place, on a clock that the tests move.

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{interval, timeout};

use super::*;

/// Between two signs of life of a stream: longer than anything else may take.
const BEAT: Duration = Duration::from_secs(60);

/// More than any limit. The clock runs ahead when nobody has anything to do.
const PATIENCE: Duration = Duration::from_secs(50);

/// How long the slow page takes.
const SLOW: Duration = Duration::from_secs(5);

/// A browser's end of a connection.
fn connected() -> DuplexStream {
    connected_until(CancellationToken::new())
}

fn connected_until(closing: CancellationToken) -> DuplexStream {
    let (browser, ours) = duplex(16 * 1024);
    let app = Router::new()
        .route("/page", get(async || "a page"))
        .route("/slow", get(async || tokio::time::sleep(SLOW).await))
        .route("/form", post(async |body: Bytes| body))
        .route("/stream", get(async || Body::from_stream(beats())));
    let peer = IpAddr::from([192, 0, 2, 1]);
    tokio::spawn(converse(ours, peer, app, closing));
    browser
}

fn beats() -> impl stream::Stream<Item = Result<&'static str, axum::Error>> {
    stream::unfold(interval(BEAT), async |mut beat| {
        beat.tick().await;
        Some((Ok("beat"), beat))
    })
}

/// What still comes until the connection is closed.
async fn rest(mut browser: DuplexStream) -> String {
    let mut rest = String::new();
    let ended = timeout(PATIENCE, browser.read_to_string(&mut rest)).await;
    ended.expect("the connection keeps its place").unwrap();
    rest
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_loses_its_place() {
    assert_eq!(rest(connected()).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_takes_no_longer_than_another() {
    let (mut reading, mut writing) = tokio::io::split(connected());
    let trickle = async {
        let mut beat = interval(Duration::from_secs(1));
        while writing.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
    };
    let mut rest = Vec::new();
    let closed = async {
        let both = tokio::join!(trickle, reading.read_to_end(&mut rest));
        both.1.unwrap();
    };
    timeout(PATIENCE, closed).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let mut browser = connected();
    let request = b"GET /page HTTP/1.1\r\nHost: centre\r\n\r\n";
    browser.write_all(request).await.unwrap();
    tokio::time::sleep(HEAD_WITHIN / 2).await;
    browser.write_all(request).await.unwrap();
    let answers = rest(browser).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_as_broken() {
    let mut browser = connected();
    let head = b"POST /form HTTP/1.1\r\nHost: centre\r\nContent-Length: 10\r\n\r\nhalf";
    browser.write_all(head).await.unwrap();
    let answer = rest(browser).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_arrives_as_it_was_sent() {
    let mut browser = connected();
    let head = b"POST /form HTTP/1.1\r\nHost: centre\r\nContent-Length: 10\r\n\r\nfirst";
    browser.write_all(head).await.unwrap();
    tokio::time::sleep(BODY_WITHIN / 2).await;
    browser.write_all(b"other").await.unwrap();
    let answer = rest(browser).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("firstother"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_for_as_long_as_somebody_looks() {
    let mut browser = connected();
    let request = b"GET /stream HTTP/1.1\r\nHost: centre\r\n\r\n";
    browser.write_all(request).await.unwrap();
    let mut heard = String::new();
    while heard.matches("beat").count() < 100 {
        let mut piece = [0; 1024];
        let read = timeout(2 * BEAT, browser.read(&mut piece)).await;
        let length = read.expect("the stream fell silent").unwrap();
        assert_ne!(length, 0, "the stream was closed");
        heard.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_a_request_under_way_is_answered_and_silence_is_ended() {
    let closing = CancellationToken::new();
    let (mut asking, silent) = (
        connected_until(closing.clone()),
        connected_until(closing.clone()),
    );
    let request = b"GET /slow HTTP/1.1\r\nHost: centre\r\n\r\n";
    asking.write_all(request).await.unwrap();
    tokio::time::sleep(SLOW / 2).await;
    closing.cancel();
    let stopped_at = Instant::now();
    assert_eq!(rest(silent).await, "");
    let answer = rest(asking).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(stopped_at.elapsed() < SLOW, "the connection was kept");
}
