//! The contract of writing, kept against a strict imitation of InfluxDB 2: what arrives is
//! compared value by value with what was given, whatever the server answers on the way.
// req: G6

use std::time::Duration;

use crate::feed::{Feed, cursor, hurry, wait_until, writer};
use crate::log;
use crate::server::{self, Answer, Server};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_influx::{Pace, Portion, Trouble};
use veglia_journal::Position;

/// The file of refused lines.
const REFUSED: &str = "influx-refused.lines";

/// Whether the first of all readings is among these lines.
fn begins_all(body: &str) -> bool {
    body.contains(" 1700000000000\n")
}

fn usual(_: usize, _: &str) -> Answer {
    Answer::Usual
}

#[tokio::test]
async fn every_reading_arrives_with_its_value_its_time_and_its_flags() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(43_210, 6_789);
    let server = Server::start(|_, _| Answer::Late(Duration::from_millis(20))).await;
    let writer = writer(dir.path(), &server, hurry());
    let figures = writer.figures();
    feed.deliver(writer).await;

    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.seen().points, feed.points());
    assert_eq!(server.seen().repeated, 0);
    assert_eq!(server.seen().most_lines, 5_000);
    assert!((2..=4).contains(&server.seen().most_open));
    assert_eq!(cursor(dir.path()), Some(feed.end()));
    let figures = figures.snapshot();
    assert_eq!((figures.written, figures.waiting), (43_210, 0));
    assert_eq!((figures.behind, figures.trouble), (0, None));
}

#[tokio::test]
async fn what_is_fed_already_is_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(1_000, 100);
    let server = Server::start(usual).await;
    feed.deliver(writer(dir.path(), &server, hurry())).await;
    feed.deliver(writer(dir.path(), &server, hurry())).await;
    assert_eq!(server.seen().repeated, 0);
}

#[tokio::test]
async fn a_refused_line_goes_into_quarantine_and_its_neighbours_arrive() {
    for status in [400, 422] {
        let dir = tempfile::tempdir().unwrap();
        let feed = Feed::new(7_000, 700);
        let mut expected = feed.points();
        let bad: Vec<_> = expected.keys().step_by(1_999).cloned().collect();
        let server = Server::start(usual).await;
        let judged = bad.clone();
        server.refuse(move |key| judged.contains(key).then_some(status));
        let writer = writer(dir.path(), &server, hurry());
        let figures = writer.figures();
        feed.deliver(writer).await;

        assert_eq!(server.faults(), Vec::<String>::new());
        let kept = std::fs::read_to_string(dir.path().join(REFUSED)).unwrap();
        let (reasons, lines): (Vec<_>, Vec<_>) = kept
            .split_inclusive('\n')
            .partition(|line| line.starts_with('#'));
        assert_eq!(reasons.len(), bad.len());
        assert!(
            reasons
                .iter()
                .all(|it| it.starts_with(&format!("# {status} {{"))),
            "{reasons:?}"
        );
        let mut found: Vec<_> = lines
            .iter()
            .map(|line| server::parse(line).unwrap())
            .collect();
        found.sort();
        let wanted: Vec<_> = bad
            .iter()
            .map(|key| expected.remove_entry(key).unwrap())
            .collect();
        assert_eq!(found, wanted);
        assert_eq!(server.seen().points, expected);
        assert_eq!(cursor(dir.path()), Some(feed.end()));
        assert_eq!(figures.snapshot().quarantined, 4);
        assert_eq!(figures.snapshot().waiting, 0);
    }
}

#[tokio::test]
async fn a_server_that_fails_in_every_way_has_everything_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(60_000, 2_500);
    let mut chance = fastrand::Rng::with_seed(7);
    let server = Server::start(move |_, _| match chance.u8(..10) {
        0 => Answer::Status(503, "", "{\"code\":\"unavailable\"}"),
        1 => Answer::Status(
            429,
            "Retry-After: 1\r\n",
            "{\"code\":\"too many requests\"}",
        ),
        2 => Answer::Status(500, "", "internal error"),
        3 => Answer::Cut,
        4 => Answer::WrittenThenCut,
        5 => Answer::Late(Duration::from_millis(400)),
        _ => Answer::Usual,
    })
    .await;
    let impatient = Pace {
        timeout: Duration::from_millis(200),
        ..hurry()
    };
    feed.deliver(writer(dir.path(), &server, impatient)).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.seen().points, feed.points());
    assert!(server.seen().repeated > 0);
    assert_eq!(cursor(dir.path()), Some(feed.end()));
    assert_eq!(
        std::fs::read_to_string(dir.path().join(REFUSED)).unwrap(),
        ""
    );
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_told_once_and_waited_for() {
    for (status, trouble, sentence) in [
        (401, Trouble::Unauthorised, "InfluxDB refuses the token"),
        (403, Trouble::Unauthorised, "InfluxDB refuses the token"),
        (
            404,
            Trouble::NotFound,
            "InfluxDB knows no such organisation or bucket",
        ),
        (302, Trouble::Unexpected, "what answers is not InfluxDB 2"),
        (200, Trouble::Unexpected, "what answers is not InfluxDB 2"),
    ] {
        let (log, _guard) = log::listen();
        let dir = tempfile::tempdir().unwrap();
        let feed = Feed::new(12_000, 1_000);
        let redirect = "Location: http://127.0.0.1:1/\r\n";
        let server = Server::start(move |_, _| Answer::Status(status, redirect, "no")).await;
        let writer = writer(dir.path(), &server, hurry());
        let figures = writer.figures();
        let mended = async {
            wait_until("many tries", || server.seen().requests >= 12).await;
            assert_eq!(figures.snapshot().trouble, Some(trouble));
            assert_eq!(cursor(dir.path()), None, "nothing was taken");
            server.answer(usual);
        };
        tokio::join!(feed.deliver(writer), mended);
        assert_eq!(server.seen().points, feed.points(), "{status}");
        assert_eq!(log.text().matches(sentence).count(), 1, "{}", log.text());
        assert!(!log.text().contains(server::TOKEN), "{}", log.text());
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_is_cut_in_halves() {
    let (log, _guard) = log::listen();
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(11_000, 5_500);
    let server = Server::start(|_, body| match body.lines().count() {
        0..=700 => Answer::Usual,
        _ => Answer::Status(413, "", "request entity too large"),
    })
    .await;
    feed.deliver(writer(dir.path(), &server, hurry())).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.seen().points, feed.points());
    assert_eq!(server.seen().repeated, 0);
    assert_eq!(
        log.text().matches("takes only smaller requests").count(),
        1,
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn a_line_alone_that_is_too_large_waits_and_is_not_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(3, 1);
    let server = Server::start(|_, _| Answer::Status(413, "", "no")).await;
    let writer = writer(dir.path(), &server, hurry());
    let figures = writer.figures();
    let mended = async {
        wait_until("tries of single lines", || server.seen().requests >= 8).await;
        assert_eq!(figures.snapshot().trouble, Some(Trouble::TooLarge));
        server.answer(usual);
    };
    tokio::join!(feed.deliver(writer), mended);
    assert_eq!(server.seen().points, feed.points());
}

#[tokio::test]
async fn the_cursor_never_passes_what_was_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(20_000, 1_000);
    let first = feed.points().len() - 5_000;
    // The very first batch is refused for long, the others are taken at once.
    let server = Server::start(|_, body| match begins_all(body) {
        true => Answer::Status(503, "", ""),
        false => Answer::Usual,
    })
    .await;
    let writer = writer(dir.path(), &server, hurry());
    let figures = writer.figures();
    let watched = async {
        wait_until("all but the first batch", || {
            server.seen().points.len() == first
        })
        .await;
        let so_far = server.seen().requests;
        wait_until("more tries", || server.seen().requests > so_far + 5).await;
        assert_eq!(cursor(dir.path()), None);
        assert_eq!(figures.snapshot().waiting, 5_000);
        assert_eq!(figures.snapshot().behind, feed.end().get() - 1);
        server.answer(usual);
    };
    tokio::join!(feed.deliver(writer), watched);
    assert_eq!(cursor(dir.path()), Some(feed.end()));
    assert_eq!(server.seen().points, feed.points());
}

#[tokio::test]
async fn the_cursor_stays_before_a_portion_that_is_delivered_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(12_000, 12_000);
    // One portion is three requests: the first is taken, the others are not.
    let server = Server::start(|_, body| match begins_all(body) {
        true => Answer::Usual,
        false => Answer::Status(503, "", ""),
    })
    .await;
    let watched = async {
        wait_until("the first", || server.seen().points.len() == 5_000).await;
        let so_far = server.seen().requests;
        wait_until("more tries", || server.seen().requests > so_far + 10).await;
        assert_eq!(cursor(dir.path()), None);
        server.answer(usual);
    };
    tokio::join!(feed.deliver(writer(dir.path(), &server, hurry())), watched);
    assert_eq!(cursor(dir.path()), Some(feed.end()));
    assert_eq!(server.seen().points, feed.points());
}

#[tokio::test]
async fn a_server_that_never_answers_costs_a_bounded_memory_and_no_reading() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(60_000, 1_000);
    let server = Server::start(|_, _| Answer::Late(Duration::from_secs(3_600))).await;
    let impatient = Pace {
        timeout: Duration::from_millis(50),
        ..hurry()
    };
    let writer = writer(dir.path(), &server, impatient);
    let figures = writer.figures();
    let stop = CancellationToken::new();
    let stopped = async {
        wait_until("many tries", || server.seen().requests >= 30).await;
        // Four batches on their way, one that is ready, and what was gathering beside it.
        assert!(
            figures.snapshot().waiting <= 30_000,
            "{:?}",
            figures.snapshot()
        );
        assert_eq!(figures.snapshot().trouble, Some(Trouble::Unreachable));
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(feed.run(writer, stop.clone()), stopped);
    ran.unwrap();
    assert_eq!(cursor(dir.path()), None);

    server.answer(usual);
    feed.deliver(crate::feed::writer(dir.path(), &server, hurry()))
        .await;
    assert_eq!(server.seen().points, feed.points());
}

#[tokio::test]
async fn readings_of_a_quiet_hour_are_sent_without_waiting_for_a_full_request() {
    let dir = tempfile::tempdir().unwrap();
    let feed = Feed::new(10, 1);
    let server = Server::start(usual).await;
    let writer = writer(dir.path(), &server, hurry());
    let (to, portions) = mpsc::channel(20);
    let stop = CancellationToken::new();
    // The sender stays open: more could come.
    feed.give(&writer, to.clone()).await;
    let all_there = async {
        wait_until("all ten", || server.seen().points == feed.points()).await;
        wait_until("the cursor", || cursor(dir.path()) == Some(feed.end())).await;
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(writer.run(portions, stop.clone()), all_there);
    ran.unwrap();
    drop(to);
}

#[tokio::test]
async fn what_left_the_journal_unread_is_counted_and_told() {
    let (log, _guard) = log::listen();
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(usual).await;
    let writer = writer(dir.path(), &server, hurry());
    let figures = writer.figures();
    let (to, portions) = mpsc::channel(1);
    let (next, end) = (Position::new(900).unwrap(), Position::new(900).unwrap());
    let late = Portion {
        samples: Vec::new(),
        next,
        end,
        missed: 899,
    };
    to.send(late).await.unwrap();
    drop(to);
    writer
        .run(portions, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(figures.snapshot().missed, 899);
    assert_eq!(cursor(dir.path()), Some(next));
    assert_eq!(
        log.text().matches("the embedded series have them").count(),
        1
    );
}
