//! A disk that is full, that fails, or that writes less than it is given; limits; and what readers
//! are told when they ask for what is not there.

mod support;

use support::{SEGMENT_HEADER, at, dir, is, lost, open, read_all, segment};
use veglia_journal::DamageReason::TornTail;
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{
    AppendError, Journal, JournalReader, MAX_FRAME_PAYLOAD_BYTES, Options, ReadError, SegmentedLog,
};

#[test]
fn one_append_is_one_frame_and_one_sync() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"the first one makes the segment"])
        .expect("there is room");
    let before = fs.syncs();
    let entries = [[7; 200].as_slice(); 100];
    let durable = log.append(&entries).expect("there is room");
    assert_eq!(fs.syncs() - before, 1);
    assert_eq!((durable.first(), durable.through()), (at(2), at(101)));
}

#[test]
fn a_failed_sync_poisons_the_writer_until_the_journal_is_opened_again() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    fs.fail_sync_after(0);
    let error = log.append(&[b"two"]).expect_err("the disk did not confirm");
    assert!(matches!(error, AppendError::Sync { .. }) && error.is_final());
    for _ in 0..2 {
        assert!(matches!(
            log.append(&[b"three"]),
            Err(AppendError::Poisoned)
        ));
    }
    assert_eq!(read_all(&log), [is(1, "one")]);
}

#[test]
fn what_a_failed_sync_left_behind_is_made_durable_before_anyone_reads_it() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    fs.fail_sync_after(0);
    log.append(&[b"two"]).expect_err("the disk did not confirm");
    let (log, _) = open(&fs);
    assert_eq!(read_all(&log), [is(1, "one"), is(2, "two")]);
    fs.crash();
    let (log, _) = open(&fs);
    assert_eq!(read_all(&log), [is(1, "one"), is(2, "two")]);
}

#[test]
fn a_segment_whose_name_was_not_confirmed_is_confirmed_before_it_is_used() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    // The segment's content, then its name.
    fs.fail_sync_after(1);
    let error = log.append(&[b"one"]).expect_err("the disk did not confirm");
    assert!(matches!(error, AppendError::Sync { .. }));
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    fs.crash();
    assert_eq!(read_all(&open(&fs).0), [is(1, "one")]);
}

#[test]
fn a_full_disk_is_said_and_appending_goes_on_when_there_is_space() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    let before = fs.content(&segment(1)).expect("the segment is there");
    fs.set_free_bytes(Some(20));
    let error = log.append(&[b"two"]).expect_err("there is no space");
    assert!(matches!(error, AppendError::DiskFull { .. }) && !error.is_final());
    assert_eq!(
        fs.content(&segment(1)).expect("the segment is there"),
        before
    );
    fs.set_free_bytes(None);
    log.append(&[b"two"]).expect("there is space again");
    fs.crash();
    assert_eq!(read_all(&open(&fs).0), [is(1, "one"), is(2, "two")]);
}

#[test]
fn a_full_disk_does_not_keep_a_journal_with_a_torn_tail_from_opening() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    log.append(&[b"two"]).expect("there is room");
    let content = fs.content(&segment(1)).expect("the segment is there");
    fs.put(&segment(1), &content[..content.len() - 1]);
    fs.set_free_bytes(Some(0));
    for _ in 0..2 {
        let (mut log, recovered) = open(&fs);
        assert_eq!((recovered.skipped, log.next()), (1, at(3)));
        assert_eq!(read_all(&log), [is(1, "one"), lost(2, 2, TornTail)]);
        assert!(matches!(
            log.append(&[b"three"]),
            Err(AppendError::DiskFull { .. })
        ));
        fs.crash();
    }
    fs.set_free_bytes(None);
    let (mut log, _) = open(&fs);
    log.append(&[b"three"]).expect("there is space again");
    assert_eq!(
        read_all(&log),
        [is(1, "one"), lost(2, 2, TornTail), is(3, "three")]
    );
}

#[test]
fn writes_that_take_less_than_they_are_given_are_continued() {
    let fs = FaultyFilesystem::new();
    fs.set_longest_write(Some(7));
    let (mut log, _) = open(&fs);
    log.append(&[b"a somewhat longer entry", b"and another"])
        .expect("there is room");
    fs.crash();
    let expected = [is(1, "a somewhat longer entry"), is(2, "and another")];
    assert_eq!(read_all(&open(&fs).0), expected);
}

#[test]
fn a_journal_at_its_limit_refuses_until_something_is_removed() {
    let fs = FaultyFilesystem::new();
    let options = Options {
        segment_bytes: 100,
        max_total_bytes: Some(250),
        kind: *b"test",
    };
    let (mut log, _) = SegmentedLog::open(fs, dir(), options).expect("it opens");
    let refused = loop {
        match log.append(&[b"twenty-four bytes of text"]) {
            Ok(_) => assert!(log.size_bytes() <= 250),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Full { limit_bytes: 250 }));
    let freed = log
        .remove_before(at(2))
        .expect("the segment can be deleted");
    assert!(freed > 0);
    assert_eq!(log.oldest(), at(2));
    log.append(&[b"twenty-four bytes of text"])
        .expect("there is room again");
}

#[test]
fn nothing_and_too_much_are_refused_and_the_journal_goes_on() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    assert!(matches!(log.append(&[]), Err(AppendError::Empty)));
    let len = usize::try_from(MAX_FRAME_PAYLOAD_BYTES).expect("it fits");
    let large = vec![0; len];
    assert!(matches!(
        log.append(&[&large]),
        Err(AppendError::TooLarge { .. })
    ));
    log.append(&[&large[4..]]).expect("that fits exactly");
    assert_eq!(log.next(), at(2));
}

#[test]
fn removal_keeps_the_segment_that_holds_the_position_and_the_newest() {
    let fs = FaultyFilesystem::new();
    let options = Options {
        segment_bytes: 150,
        ..support::OPTIONS
    };
    let (mut log, _) = SegmentedLog::open(fs.clone(), dir(), options).expect("it opens");
    for number in 0..9_u8 {
        log.append(&[&[number; 20]]).expect("there is room");
    }
    assert_eq!(
        fs.files(),
        [segment(1), segment(3), segment(5), segment(7), segment(9)]
    );
    log.remove_before(at(4))
        .expect("the segment can be deleted");
    assert_eq!(log.oldest(), at(3));
    log.remove_before(at(100))
        .expect("the segments can be deleted");
    assert_eq!((log.oldest(), log.next()), (at(9), at(10)));
    fs.crash();
    assert_eq!(fs.files(), [segment(9)]);
    assert_eq!(open(&fs).1.next, at(10));
}

#[test]
fn a_reader_is_told_when_what_it_asks_for_is_removed_or_was_never_given() {
    let fs = FaultyFilesystem::new();
    let options = Options {
        segment_bytes: 1,
        ..support::OPTIONS
    };
    let (mut log, _) = SegmentedLog::open(fs, dir(), options).expect("it opens");
    let mut reader = log.reader();
    assert_eq!(reader.read(at(1), 1).expect("nothing is there yet"), []);
    for number in 0..4_u8 {
        log.append(&[&[number]]).expect("there is room");
    }
    log.remove_before(at(3))
        .expect("the segments can be deleted");
    let removed = reader.read(at(2), 1).expect_err("it was removed");
    assert!(matches!(removed, ReadError::Removed { oldest, .. } if oldest == at(3)));
    let beyond = reader.read(at(6), 1).expect_err("it was never given");
    assert!(matches!(beyond, ReadError::Beyond { next, .. } if next == at(5)));
}

#[test]
fn a_limit_ends_a_batch_and_the_next_one_goes_on_there() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[[1; 100].as_slice(); 10])
        .expect("there is room");
    let mut reader = log.reader();
    let (mut next, mut batches) = (at(1), 0);
    loop {
        let items = reader.read(next, 256).expect("it can be read");
        if items.is_empty() {
            break;
        }
        assert!(items.len() <= 2);
        batches += 1;
        for _ in items {
            next = next.next();
        }
    }
    assert_eq!((next, batches), (at(11), 5));
}

#[test]
fn an_interrupted_creation_leaves_nothing() {
    let fs = FaultyFilesystem::new();
    fs.put(&dir().join("00000000000000000001.log.new"), b"VEGLI");
    let (log, recovered) = open(&fs);
    assert_eq!((recovered.next, recovered.damaged), (at(1), 0));
    assert!(fs.files().is_empty());
    drop(log);
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    assert!(fs.content(&segment(1)).expect("it is there").len() > SEGMENT_HEADER);
}
