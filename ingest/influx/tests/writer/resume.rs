//! Killed and started again, at any moment, before a server that fails: nothing is missing, and
//! what comes twice is equal to what was there.
// req: G6

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::feed::{Feed, cursor, hurry, wait_until, writer};
use crate::server::{Answer, Server};
use tokio_util::sync::CancellationToken;
use veglia_journal::Position;

/// Lives of one writer, each killed after some requests.
const LIVES: usize = 40;

/// A life that ends after `until` requests, or when nothing is left to send. Its future is
/// dropped wherever it stands, with no last word; a cursor that is just being written is written
/// to its end, because the next life would not share the file with it in any other process.
fn live(dir: &Path, feed: &Feed, server: &Server, until: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let writer = writer(dir, server, hurry());
    let run = feed.run(writer, CancellationToken::new());
    let all_fed = || cursor(dir) == Some(feed.end());
    let killed = wait_until("requests", || server.seen().requests >= until || all_fed());
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            ran = run => ran.expect("the writer runs"),
            () = killed => {}
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_again_and_again_leaves_nothing_out() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let feed = Arc::new(Feed::new(80_000, 900));
    let mut chance = fastrand::Rng::with_seed(11);
    let mut fate = chance.fork();
    let server = Server::start(move |_, _| match chance.u8(..6) {
        0 => Answer::Status(503, "", ""),
        1 => Answer::WrittenThenCut,
        2 => Answer::Late(Duration::from_millis(chance.u64(1..30))),
        _ => Answer::Usual,
    });
    let server = Arc::new(server.await);
    let mut stood = None;
    for life in 0..LIVES {
        let until = server.seen().requests + fate.usize(1..12);
        let (own_dir, own_feed) = (Arc::clone(&dir), Arc::clone(&feed));
        let own_server = Arc::clone(&server);
        let lived = move || live(own_dir.path(), &own_feed, &own_server, until);
        tokio::task::spawn_blocking(lived).await.unwrap();
        let stands = cursor(dir.path());
        assert!(stands >= stood, "the cursor never goes back (life {life})");
        let before = feed.points_before(stands.map_or(0, |it| it.get() - 1));
        let there = |key| server.seen().points.contains_key(key);
        assert!(
            before.iter().all(there),
            "the cursor passed a reading (life {life})"
        );
        stood = stands;
    }
    feed.deliver(writer(dir.path(), &server, hurry())).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.seen().points, feed.points());
    assert!(server.seen().repeated > 0, "a kill makes some come twice");
}

#[tokio::test]
async fn a_server_that_was_lost_is_fed_again_after_a_rewind() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(9_000, 500);
    let first = Server::start(|_, _| Answer::Usual).await;
    feed.deliver(writer(dir.path(), &first, hurry())).await;
    let second = Server::start(|_, _| Answer::Usual).await;
    veglia_influx::rewind(dir.path(), Position::FIRST).unwrap();
    feed.deliver(writer(dir.path(), &second, hurry())).await;
    assert_eq!(second.seen().points, first.seen().points);
}

#[tokio::test]
async fn a_damaged_cursor_costs_only_that_everything_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(2_000, 500);
    let server = Server::start(|_, _| Answer::Usual).await;
    feed.deliver(writer(dir.path(), &server, hurry())).await;
    std::fs::write(
        dir.path().join("influx.cursor"),
        "VEGLIACU and then rubbish",
    )
    .unwrap();
    let writer = writer(dir.path(), &server, hurry());
    assert_eq!(writer.resume_from(), None);
    feed.deliver(writer).await;
    assert_eq!(server.seen().repeated, 2_000);
    assert_eq!(server.faults(), Vec::<String>::new());
}
