//! Rounds and interruptions, with the record on a file of its own.

use tempfile::TempDir;
use veglia_store::Purpose;

use super::*;

// req: G9

const WATCH: Actor = Actor::System("watch");
const PAGES: Actor = Actor::System("alarm-path");

/// Every five minutes, within two.
const PACE: Pace = Pace {
    every_ms: 300_000,
    within_ms: 120_000,
};

fn second(seconds: i64) -> WallMs {
    WallMs(1_603_173_600_000 + seconds * 1_000)
}

async fn record() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let record = Database::open(&path, Purpose::Record, &[crate::SCHEMA]);
    let record = record.await.unwrap();
    (folder, record)
}

/// A round that began at `from` and did each leg a second after the one before, up to `leg`.
async fn came_to(record: &Database, key: &str, from: i64, leg: Leg) {
    for (leg, at) in Leg::ALL.into_iter().zip(from..).filter(|it| it.0 <= leg) {
        note(record, &WATCH, key, leg, second(at)).await.unwrap();
    }
}

#[tokio::test]
async fn a_round_is_one_however_often_its_legs_are_noted() {
    let (_folder, record) = record().await;
    note(&record, &WATCH, "a-1", Leg::Spoken, second(0))
        .await
        .unwrap();
    for later in [1, 50] {
        // A journal that is read again after a restart.
        judged(&record, &WATCH, "a-1", second(later), second(later + 1))
            .await
            .unwrap();
        let called = call(&record, &WATCH, second(later + 2)).await.unwrap();
        assert_eq!(called, u64::from(later == 1));
    }
    let [round] = &under_way(&record, &PAGES).await.unwrap()[..] else {
        panic!("one round is under way");
    };
    assert_eq!(round.missing(), Some(Leg::Carried));
    let legs: Vec<(Leg, i64)> = round.legs().collect();
    assert_eq!(
        legs,
        [
            (Leg::Spoken, 0),
            (Leg::Received, 1_000),
            (Leg::Judged, 1_000),
            (Leg::Called, 1_000)
        ]
    );
    let first = note(&record, &PAGES, "a-1", Leg::Carried, second(4)).await;
    let again = note(&record, &PAGES, "a-1", Leg::Carried, second(9)).await;
    assert_eq!((first.unwrap(), again.unwrap()), (true, false));
    note(&record, &PAGES, "a-1", Leg::Delivered, second(5))
        .await
        .unwrap();
    assert!(under_way(&record, &PAGES).await.unwrap().is_empty());
    let last = standing(&record, &PAGES).await.unwrap().last.unwrap();
    assert_eq!((last.lasted_ms(), last.missing()), (Some(5_000), None));
}

#[tokio::test]
async fn what_came_without_a_word_of_having_been_spoken_ends_all_the_same() {
    let (_folder, record) = record().await;
    judged(&record, &WATCH, "a-1", second(0), second(1))
        .await
        .unwrap();
    call(&record, &WATCH, second(2)).await.unwrap();
    for leg in [Leg::Carried, Leg::Delivered] {
        note(&record, &PAGES, "a-1", leg, second(3)).await.unwrap();
    }
    let last = standing(&record, &PAGES).await.unwrap().last.unwrap();
    assert_eq!((last.missing(), last.began), (None, second(0)));
}

#[tokio::test]
async fn a_round_that_stands_still_is_overdue_at_its_time_and_names_its_leg() {
    for leg in Leg::ALL {
        let (_folder, record) = record().await;
        came_to(&record, "a-1", 0, Leg::Delivered).await;
        came_to(&record, "a-2", 300, leg).await;
        let standing = standing(&record, &PAGES).await.unwrap();
        // The first round ended in second 5.
        let judge = |at| overdue(&standing, PACE, second(0), second(at));
        if leg == Leg::Delivered {
            assert_eq!(judge(300 + 5 + 420), None);
            assert!(judge(300 + 5 + 421).is_some());
            continue;
        }
        assert_eq!(judge(5 + 420), None, "{leg:?}");
        let found = judge(5 + 421).unwrap();
        let missing = match leg {
            Leg::Spoken => Leg::Received,
            Leg::Received => Leg::Judged,
            Leg::Judged => Leg::Called,
            Leg::Called => Leg::Carried,
            Leg::Carried | Leg::Delivered => Leg::Delivered,
        };
        assert_eq!((found.leg, found.since), (missing, second(300)), "{leg:?}");
    }
}

#[tokio::test]
async fn a_probe_that_never_speaks_is_overdue_and_whoever_begins_to_watch_waits_a_little() {
    let nothing = Standing::default();
    assert_eq!(overdue(&nothing, PACE, second(0), second(120)), None);
    let found = overdue(&nothing, PACE, second(0), second(121)).unwrap();
    assert_eq!((found.leg, found.since), (Leg::Spoken, second(0)));

    // A centre that was off for a day comes up again.
    let (_folder, record) = record().await;
    came_to(&record, "a-1", 0, Leg::Delivered).await;
    let standing = standing(&record, &PAGES).await.unwrap();
    let up = 86_400;
    assert_eq!(overdue(&standing, PACE, second(up), second(up + 120)), None);
    let found = overdue(&standing, PACE, second(up), second(up + 121)).unwrap();
    assert_eq!((found.leg, found.since), (Leg::Spoken, second(300)));
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_no_interruption_from_being_seen() {
    let (_folder, record) = record().await;
    came_to(&record, "a-1", 36_000, Leg::Delivered).await;
    let standing = standing(&record, &PAGES).await.unwrap();
    assert!(overdue(&standing, PACE, second(0), second(1_000)).is_some());
}

#[tokio::test]
async fn an_interruption_is_written_once_told_once_and_ends_with_a_trace() {
    let (_folder, record) = record().await;
    let missing = Overdue {
        since: second(300),
        leg: Leg::Received,
    };
    let first = interrupt(&record, &PAGES, missing, second(421))
        .await
        .unwrap();
    let again = interrupt(&record, &WATCH, missing, second(422))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!((first.since, first.leg), (second(300), Leg::Received));
    for at in [430, 440] {
        tell(&record, &PAGES, first.id, second(at)).await.unwrap();
    }
    let open = standing(&record, &PAGES).await.unwrap().interruption;
    assert_eq!(open.unwrap().told, Some(second(430)));
    let ended = restore(&record, &PAGES, second(900)).await.unwrap();
    let again = restore(&record, &PAGES, second(901)).await.unwrap();
    assert_eq!((ended, again), (true, false));

    let next = interrupt(&record, &PAGES, missing, second(2_000))
        .await
        .unwrap();
    assert_ne!(next.id, first.id);
    let all = interruptions(&record, &PAGES, 10).await.unwrap();
    let ends: Vec<Option<WallMs>> = all.iter().map(|it| it.ended).collect();
    assert_eq!(ends, [None, Some(second(900))]);
}

#[tokio::test]
async fn rounds_older_than_a_week_go() {
    let (_folder, record) = record().await;
    came_to(&record, "a-1", 0, Leg::Called).await;
    came_to(&record, "a-2", KEEP_MS / 1_000 + 1, Leg::Called).await;
    let left = under_way(&record, &PAGES).await.unwrap();
    let left: Vec<&str> = left.iter().map(|round| &*round.key).collect();
    assert_eq!(left, ["a-2"]);
}
