//! Segments that are put in their own place again with smaller entries.

mod support;

use support::{SEGMENT_HEADER, at, dir, is, lost, open, read_all, segment};
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{
    DamageReason, Entry, Item, Journal, JournalReader, Options, Position, RewriteError,
    SegmentedLog,
};

const SMALL: Options = Options {
    segment_bytes: 400,
    max_total_bytes: None,
    kind: *b"test",
};

/// Some segments of a few entries each, from `1` on.
fn filled(fs: &FaultyFilesystem) -> SegmentedLog<FaultyFilesystem> {
    let opened = SegmentedLog::open(fs.clone(), dir(), SMALL);
    let (mut log, _) = opened.expect("the journal opens");
    for number in 1..=30 {
        log.append(&[text(number).as_bytes()])
            .expect("there is room");
    }
    log
}

fn text(number: u64) -> String {
    format!("{number} {}", "long ".repeat(8))
}

/// Empties the entries with an even number.
fn empty_even(entries: &mut [Entry]) {
    for entry in entries {
        if entry.position.get() % 2 == 0 {
            entry.bytes.clear();
        }
    }
}

fn closed(log: &SegmentedLog<FaultyFilesystem>) -> Vec<Position> {
    let mut from = Position::FIRST;
    std::iter::from_fn(|| {
        let (first, after) = log.closed_segment(from)?;
        from = after;
        Some(first)
    })
    .collect()
}

fn expected(emptied_before: u64) -> Vec<support::Found> {
    let content = |number| {
        if number % 2 == 0 && number < emptied_before {
            is(number, "")
        } else {
            is(number, &text(number))
        }
    };
    (1..=30).map(content).collect()
}

#[test]
fn a_rewritten_segment_keeps_its_positions_and_its_neighbours() {
    let fs = FaultyFilesystem::new();
    let mut log = filled(&fs);
    let segments = closed(&log);
    assert!(segments.len() > 3, "{segments:?}");
    let before = log.size_bytes();
    let freed = log.rewrite(segments[0], empty_even).unwrap();
    assert!(freed > 0);
    assert_eq!(log.size_bytes(), before - freed);
    assert_eq!(read_all(&log), expected(segments[1].get()));
    assert_eq!(log.rewrite(segments[0], empty_even).unwrap(), 0);

    fs.crash();
    let (log, recovered) = SegmentedLog::open(fs, dir(), SMALL).unwrap();
    assert_eq!((recovered.damaged, recovered.skipped), (0, 0));
    assert_eq!(read_all(&log), expected(segments[1].get()));
}

#[test]
fn the_segment_that_is_written_to_is_not_rewritten() {
    let mut log = filled(&FaultyFilesystem::new());
    let last = *closed(&log).last().unwrap();
    let active = log.closed_segment(last).unwrap().1;
    assert_eq!(log.closed_segment(active), None);
    assert_eq!(log.rewrite(active, empty_even).unwrap(), 0);
    assert_eq!(read_all(&log), expected(0));
}

#[test]
fn a_reader_in_the_middle_of_a_segment_goes_on_in_its_replacement() {
    let mut log = filled(&FaultyFilesystem::new());
    let segments = closed(&log);
    let mut reader = log.reader();
    let items = reader.read(at(1), 1).unwrap();
    assert_eq!(items.len(), 1);
    log.rewrite(segments[0], empty_even).unwrap();
    let items = reader.read(at(2), usize::MAX).unwrap();
    assert_eq!(items.len(), 29);
    assert!(items.iter().all(|item| matches!(item, Item::Entry(_))));
    assert!(matches!(&items[0], Item::Entry(entry) if entry.bytes.is_empty()));
}

#[test]
fn a_damaged_segment_stays_as_it_is() {
    let fs = FaultyFilesystem::new();
    let mut log = filled(&fs);
    // In the payload of the first frame.
    fs.flip(&segment(1), SEGMENT_HEADER + 40, 1).unwrap();
    let before = read_all(&log);
    assert_eq!(before[0], lost(1, 1, DamageReason::Payload));
    let refused = log.rewrite(at(1), empty_even);
    assert!(matches!(refused, Err(RewriteError::Damaged { .. })));
    assert_eq!(read_all(&log), before);
}

#[test]
fn a_power_cut_leaves_the_old_segment_or_the_new_one() {
    for cut in 0..12 {
        let fs = FaultyFilesystem::new();
        let mut log = filled(&fs);
        let segments = closed(&log);
        fs.cut_power_after(cut);
        let rewritten = log.rewrite(segments[0], empty_even);
        fs.crash_midway(cut);
        let (log, _) = SegmentedLog::open(fs, dir(), SMALL).unwrap();
        let (old, new) = (expected(0), expected(segments[1].get()));
        let found = read_all(&log);
        assert!(found == old || found == new, "cut after {cut}");
        assert!(rewritten.is_err() || found == new, "cut after {cut}");
    }
}

#[test]
fn a_full_disk_leaves_the_segment_as_it_is() {
    let fs = FaultyFilesystem::new();
    let mut log = filled(&fs);
    let segments = closed(&log);
    fs.set_free_bytes(Some(10));
    assert!(matches!(
        log.rewrite(segments[0], empty_even),
        Err(RewriteError::Io { .. })
    ));
    assert_eq!(read_all(&log), expected(0));
    let (mut log, _) = open(&fs);
    fs.set_free_bytes(None);
    log.append(&[b"more"]).unwrap();
}
