//! The demonstration, whole and as anybody starts it: nothing lost, nothing doubled, each story
//! told by the right rules on the right readings, and the same again when the journal is replayed.
//!
//! `VEGLIA_DEMO_SEED` repeats the one run whose seed is left to chance.
// req: G4, G7

#[path = "support/demo.rs"]
mod demo;
#[path = "demo/flags.rs"]
mod flags;
#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;

use std::env;

use demo::{Demo, Values, spoken};
use flags::{Left, replayed, residents};
use process::{Process, announce, wait_until};
use serde_json::Value;
use veglia_homes::Scenario;
use veglia_trial::{NO_POSTGRESQL, Postgres};

/// Seeds of the stories, besides one by chance.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

/// Every expected flag is raised in the first fifty minutes of care: at a minute in a second, an
/// hour leaves the slowest machine time to spare.
const STORY: [&str; 2] = ["--for", "60s"];

/// Resident memory that a demonstration of fifty homes may take, in megabytes.
const FIFTY_HOMES_MB: u64 = 150;

#[test]
fn twenty_homes_for_a_minute_lose_and_double_nothing() {
    let demo = Demo::new(&["--homes", "20", "--seed", "1"]);
    ends(demo.start(1, &STORY));
    is_whole(&demo);
    let summary = demo.summary();
    assert_eq!(
        summary["readings"]["stored"],
        summary["readings"]["produced"]
    );
    assert!(number(&summary, "/readings/produced") > 2_000);
    for figure in ["journal/p50", "journal/p99", "screen/p50", "screen/p99"] {
        number(&summary, &format!("/latency_ms/{figure}"));
    }
    assert_eq!(spoken(&demo.said()), demo.stored());
    assert_eq!(residents(&demo).len(), 21, "in one home there are two");
}

#[test]
fn every_story_raises_its_flags_on_its_readings_and_no_other() {
    let chosen = env::var("VEGLIA_DEMO_SEED").ok();
    let chance = chosen.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a number"));
    announce(&format!("stories: VEGLIA_DEMO_SEED={chance}"));
    let stories = Scenario::shipped().len();
    let homes = stories.to_string();
    let demos: Vec<(u64, Demo)> = SEEDS
        .chain([chance])
        .map(|seed| {
            let arguments = ["--homes", &homes, "--seed", &seed.to_string()];
            (seed, Demo::new(&arguments))
        })
        .collect();
    let running: Vec<Process> = demos
        .iter()
        .map(|(_, demo)| demo.start(1, &STORY))
        .collect();
    running.into_iter().for_each(ends);
    for (seed, demo) in &demos {
        announce(&format!("stories of seed {seed}"));
        is_whole(demo);
        let (left, said) = (Left::read(demo), spoken(&demo.said()));
        assert_eq!(said, demo.stored());
        assert_eq!(sorted(said), sorted(left.values()));
        left.is_as_expected(&veglia_homes::homes(stories, *seed));
        let standing = left.standing();
        assert_eq!(replayed(demo, &[]), standing, "the journal, read again");
        for shuffle in ["1", "2", "3"] {
            let again = replayed(demo, &["--shuffle", shuffle]);
            assert_eq!(again, standing, "the journal, shuffled by {shuffle}");
        }
    }
}

#[test]
fn a_demonstration_may_keep_its_record_on_a_server() {
    let name = "a_demonstration_may_keep_its_record_on_a_server";
    let Some(server) = Postgres::start() else {
        return support::skip(name, NO_POSTGRESQL);
    };
    let address = server.database("demo").to_string();
    let demo = Demo::new(&["--homes", "6", "--seed", "1", "--record", &address]);
    let running = demo.start(1, &[]);
    wait_until("somebody is flagged", || {
        let flags = server.sql("demo", "SELECT count(*) FROM flag");
        (flags != "0").then_some(())
    });
    running.end();
    is_whole(&demo);
    assert_eq!(server.sql("demo", "SELECT count(*) FROM person"), "6");
    assert!(!demo.path("data/record.db").exists());
}

#[test]
fn a_stopped_demonstration_goes_on_with_the_same_people_at_a_later_time() {
    let demo = Demo::new(&["--homes", "3", "--seed", "5"]);
    let first = demo.start(1, &[]);
    until_spoken(&demo, 20);
    first.end();
    let (people, before) = (residents(&demo), demo.said());
    is_whole(&demo);
    assert_eq!(spoken(&before), demo.stored());

    // The seed need not be said again.
    ends(demo.start(2, &["--for", "5s"]));
    let after = demo.said();
    is_whole(&demo);
    assert_eq!(residents(&demo), people);
    let last = before.iter().map(|entry| entry.care_ms).max();
    let next = after.iter().map(|entry| entry.care_ms).min();
    assert!(last < next, "care time went back from {last:?} to {next:?}");
    let everything: Vec<_> = before.into_iter().chain(after).collect();
    assert_eq!(spoken(&everything), demo.stored());
}

#[test]
fn a_demonstration_that_was_killed_goes_on_at_a_later_time_and_doubles_nothing() {
    let demo = Demo::new(&["--homes", "3", "--seed", "6"]);
    let first = demo.start(1, &[]);
    until_spoken(&demo, 20);
    drop(first);
    let before = demo.said();
    ends(demo.start(2, &["--for", "5s"]));
    let after = demo.said();
    let last = before.iter().map(|entry| entry.care_ms).max();
    let next = after.iter().map(|entry| entry.care_ms).min();
    assert!(last < next, "care time went back from {last:?} to {next:?}");
    let (stored, before, after) = (demo.stored(), spoken(&before), spoken(&after));
    for (series, after) in &after {
        let earlier = stored[series].strip_suffix(after.as_slice());
        let earlier = earlier.expect("what was spoken last is stored last, once");
        // The log may have died a word before the box did.
        let earlier = earlier
            .split_last()
            .map_or(earlier, |(_, all_but_last)| all_but_last);
        let mut spoken = before.get(series).into_iter().flatten();
        let in_order = earlier.iter().all(|value| spoken.any(|it| it == value));
        assert!(in_order, "{series:?}: {earlier:?} of {before:?}");
    }
}

#[test]
fn a_replay_needs_a_journal_and_leaves_alone_one_that_is_written_to() {
    let demo = Demo::new(&["--homes", "1"]);
    let refused = |words: &str| {
        let output = demo.veglia("replay").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    };
    refused("holds no journal of an ingest");
    let running = demo.start(1, &[]);
    refused("is in use by another process");
    running.end();
}

#[test]
fn another_seed_in_the_same_directory_is_refused() {
    let demo = Demo::new(&["--homes", "1", "--seed", "7"]);
    ends(demo.start(1, &["--for", "1s"]));
    let output = demo.veglia("demo").args(["--seed", "8"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("--seed 7") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn fifty_homes_fit_in_little_memory() {
    let demo = Demo::new(&["--homes", "50"]);
    ends(demo.start(1, &["--for", "20s"]));
    is_whole(&demo);
    let megabytes = number(&demo.summary(), "/memory_mb");
    announce(&format!("50 homes: {megabytes} MB resident"));
    assert!((1..=FIFTY_HOMES_MB).contains(&megabytes));
}

/// Waits until a demonstration has ended by itself, and well.
fn ends(mut process: Process) {
    let status = wait_until("the demonstration ends", || process.ended());
    assert!(status.success(), "{status}");
}

fn until_spoken(demo: &Demo, lines: usize) {
    wait_until("the homes speak", || {
        let log = demo.path("data/spoken.jsonl");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        (log.lines().count() >= lines).then_some(())
    });
}

fn is_whole(demo: &Demo) {
    let summary = demo.summary();
    let readings = &summary["readings"];
    assert_eq!(
        (&readings["lost"], &readings["doubled"]),
        (&0.into(), &0.into()),
        "{summary}"
    );
}

fn number(summary: &Value, pointer: &str) -> u64 {
    let figure = summary.pointer(pointer).and_then(Value::as_u64);
    figure.unwrap_or_else(|| panic!("no figure {pointer} in {summary}"))
}

/// In order of size: the sequences of two outboxes of one home's past are not one order.
fn sorted(mut values: Values) -> Values {
    values
        .values_mut()
        .for_each(|values| values.sort_unstable());
    values
}
