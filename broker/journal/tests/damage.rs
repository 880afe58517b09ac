//! What becomes of entries when bytes on the disk change: each kind of damage, in a sentence.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Found, SEGMENT_HEADER, at, dir, is, lost, open, read_all, segment};
use veglia_journal::DamageReason::{Header, Missing, Payload, TornTail};
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Item, Journal, JournalReader, OpenError, Options, SegmentedLog};

/// The length of a frame's header.
const FRAME_HEADER: usize = 28;

/// Three frames: 1 and 2, 3, 4 and 5. Returns where each begins.
fn three_frames(fs: &FaultyFilesystem) -> [usize; 3] {
    let (mut log, _) = open(fs);
    let mut starts = [0; 3];
    let appends: [&[&[u8]]; 3] = [&[b"one", b"two"], &[b"three"], &[b"four", b"five"]];
    for (start, entries) in starts.iter_mut().zip(appends) {
        *start = fs
            .content(&segment(1))
            .map_or(SEGMENT_HEADER, |content| content.len());
        log.append(entries).expect("there is room");
    }
    starts
}

fn shorten(fs: &FaultyFilesystem, first: u64, to: usize) {
    let content = fs.content(&segment(first)).expect("the segment is there");
    fs.put(&segment(first), &content[..to]);
}

fn len(fs: &FaultyFilesystem, first: u64) -> usize {
    fs.content(&segment(first))
        .expect("the segment is there")
        .len()
}

#[test]
fn a_flipped_byte_in_the_middle_is_reported_and_neighbours_survive() {
    let fs = FaultyFilesystem::new();
    let [_, second, _] = three_frames(&fs);
    fs.flip(&segment(1), second + FRAME_HEADER + 5, 0x10)
        .expect("the byte is there");
    let (log, recovered) = open(&fs);
    assert_eq!(
        (recovered.damaged, recovered.torn_bytes, recovered.next),
        (1, 0, at(6))
    );
    let expected = [
        is(1, "one"),
        is(2, "two"),
        lost(3, 3, Payload),
        is(4, "four"),
        is(5, "five"),
    ];
    assert_eq!(read_all(&log), expected);
}

#[test]
fn a_damaged_length_is_passed_over_by_searching_for_the_next_frame() {
    let fs = FaultyFilesystem::new();
    let [first, ..] = three_frames(&fs);
    fs.flip(&segment(1), first + 6, 0x80)
        .expect("the byte is there");
    let (log, recovered) = open(&fs);
    assert_eq!((recovered.damaged, recovered.next), (1, at(6)));
    let expected = [
        lost(1, 2, Header),
        is(3, "three"),
        is(4, "four"),
        is(5, "five"),
    ];
    assert_eq!(read_all(&log), expected);
}

#[test]
fn damage_that_appears_while_the_journal_is_open_is_reported_as_well() {
    let fs = FaultyFilesystem::new();
    let (mut log, _) = open(&fs);
    log.append(&[b"one"]).expect("there is room");
    fs.flip(&segment(1), SEGMENT_HEADER, 0x01)
        .expect("the byte is there");
    assert_eq!(read_all(&log), [lost(1, 1, Header)]);

    let mut reader = log.reader();
    assert_eq!(reader.read(at(1), 1).expect("it can be read").len(), 1);
    log.append(&[b"two"]).expect("there is room");
    let items = reader.read(at(2), 1).expect("it can be read");
    assert!(matches!(&items[..], [Item::Entry(entry)] if entry.bytes == b"two"));
}

#[test]
fn a_torn_tail_is_truncated_at_open_and_its_positions_are_not_given_again() {
    let fs = FaultyFilesystem::new();
    let [_, _, third] = three_frames(&fs);
    shorten(&fs, 1, third + FRAME_HEADER + 3);
    let (mut log, recovered) = open(&fs);
    assert_eq!(
        (recovered.torn_bytes, recovered.skipped, recovered.damaged),
        (31, 2, 0)
    );
    assert_eq!(len(&fs, 1), third);
    log.append(&[b"six"]).expect("there is room");
    let expected = [
        is(1, "one"),
        is(2, "two"),
        is(3, "three"),
        lost(4, 5, TornTail),
        is(6, "six"),
    ];
    assert_eq!(read_all(&log), expected);
}

#[test]
fn a_torn_tail_without_a_header_jumps_past_all_that_it_could_have_held() {
    let fs = FaultyFilesystem::new();
    let [_, _, third] = three_frames(&fs);
    fs.flip(&segment(1), third, 0xFF)
        .expect("the byte is there");
    let (log, recovered) = open(&fs);
    // 17 bytes of payload hold at most four entries.
    assert_eq!((recovered.skipped, recovered.next), (4, at(8)));
    assert_eq!(read_all(&log)[3..], [lost(4, 7, TornTail)]);
}

#[test]
fn a_promised_position_is_not_given_again_however_often_the_journal_is_opened() {
    let fs = FaultyFilesystem::new();
    let [_, _, third] = three_frames(&fs);
    fs.flip(&segment(1), third + FRAME_HEADER, 0x01)
        .expect("the byte is there");
    for _ in 0..3 {
        let (log, recovered) = open(&fs);
        assert_eq!(recovered.next, at(6));
        assert_eq!(read_all(&log)[3..], [lost(4, 5, TornTail)]);
        fs.crash();
    }
    let (mut log, _) = open(&fs);
    assert_eq!(log.append(&[b"six"]).expect("there is room").first(), at(6));
}

#[test]
fn damage_before_a_torn_tail_is_told_apart_from_it() {
    let fs = FaultyFilesystem::new();
    let [_, second, third] = three_frames(&fs);
    fs.flip(&segment(1), second + FRAME_HEADER, 0x01)
        .expect("the byte is there");
    shorten(&fs, 1, third + FRAME_HEADER);
    let (log, recovered) = open(&fs);
    assert_eq!((recovered.damaged, recovered.skipped), (1, 2));
    assert_eq!(
        read_all(&log)[2..],
        [lost(3, 3, Payload), lost(4, 5, TornTail)]
    );
}

#[test]
fn a_few_stray_bytes_at_the_end_are_cut_off_without_a_jump() {
    let fs = FaultyFilesystem::new();
    three_frames(&fs);
    let mut content = fs.content(&segment(1)).expect("the segment is there");
    content.extend_from_slice(&[0; 31]);
    fs.put(&segment(1), &content);
    let (log, recovered) = open(&fs);
    assert_eq!(
        (recovered.torn_bytes, recovered.skipped, log.next()),
        (31, 0, at(6))
    );
    assert_eq!(len(&fs, 1), content.len() - 31);
    assert_eq!(fs.files(), [segment(1)]);
}

#[test]
fn a_journal_carried_inside_an_entry_is_not_taken_for_frames() {
    let fs = FaultyFilesystem::new();
    three_frames(&fs);
    let carried = fs.content(&segment(1)).expect("the segment is there");
    let (mut log, _) = open(&fs);
    let start = len(&fs, 1);
    log.append(&[&carried]).expect("there is room");
    log.append(&[b"seven"]).expect("there is room");
    fs.flip(&segment(1), start, 0xFF)
        .expect("the byte is there");
    assert_eq!(read_all(&log)[5..], [lost(6, 6, Header), is(7, "seven")]);
}

#[test]
fn a_missing_segment_is_reported_with_its_positions() {
    let fs = FaultyFilesystem::new();
    let options = Options {
        segment_bytes: 1,
        ..support::OPTIONS
    };
    let (mut log, _) = SegmentedLog::open(fs.clone(), dir(), options).expect("it opens");
    for entry in [b"a", b"b", b"c"] {
        log.append(&[entry]).expect("there is room");
    }
    veglia_journal::Filesystem::remove(&fs, &segment(2)).expect("it is there");
    let (log, _) = open(&fs);
    assert_eq!(
        read_all(&log),
        [is(1, "a"), lost(2, 2, Missing), is(3, "c")]
    );
}

#[test]
fn a_damaged_segment_header_costs_no_entry() {
    let fs = FaultyFilesystem::new();
    three_frames(&fs);
    for offset in [0, 8, 20, 39] {
        fs.flip(&segment(1), offset, 0xFF)
            .expect("the byte is there");
        let (log, recovered) = open(&fs);
        assert_eq!((recovered.damaged, log.next()), (1, at(6)));
        assert_eq!(read_all(&log).len(), 5);
        fs.flip(&segment(1), offset, 0xFF)
            .expect("the byte is there");
    }
}

#[test]
fn a_newer_version_is_refused_with_the_name_of_the_file() {
    let fs = FaultyFilesystem::new();
    let mut newer = b"VEGLIALG\x02\0\0\0".to_vec();
    newer.extend_from_slice(&[0x67, 0x2A, 0x04, 0x4D]);
    newer.extend_from_slice(b"whatever version 2 will be");
    fs.put(&segment(1), &newer);
    let error = SegmentedLog::open(fs, dir(), support::OPTIONS).expect_err("it is newer");
    assert!(matches!(
        error,
        OpenError::NewerVersion {
            found: 2,
            supported: 1,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "/journal/00000000000000000001.log is in journal format 2, this program reads up to 1: \
         start the newer version again"
    );
}

#[test]
fn a_journal_of_another_kind_is_refused() {
    let fs = FaultyFilesystem::new();
    three_frames(&fs);
    let options = Options {
        kind: *b"outb",
        ..support::OPTIONS
    };
    let error = SegmentedLog::open(fs, dir(), options).expect_err("it is another kind");
    assert_eq!(
        error.to_string(),
        "/journal/00000000000000000001.log belongs to a journal of kind \"test\", not \"outb\": \
         check the data directory"
    );
}

proptest! {
    #[test]
    fn one_flipped_byte_costs_one_frame_at_most_and_no_number(
        frames in vec(vec(vec(any::<u8>(), 0..30), 1..4), 1..12),
        place in any::<prop::sample::Index>(),
        mask in 1_u8..,
        reopened in any::<bool>(),
    ) {
        let fs = FaultyFilesystem::new();
        let options = Options { segment_bytes: 250, ..support::OPTIONS };
        let (mut log, _) = SegmentedLog::open(fs.clone(), dir(), options).expect("it opens");
        for frame in &frames {
            let entries: Vec<&[u8]> = frame.iter().map(Vec::as_slice).collect();
            log.append(&entries).expect("there is room");
        }
        let promised = log.next();
        let whole = read_all(&log);

        let places: Vec<_> = fs
            .files()
            .into_iter()
            .flat_map(|file| {
                let len = fs.content(&file).map_or(0, |content| content.len());
                (0..len).map(move |offset| (file.clone(), offset))
            })
            .collect();
        let (file, offset) = place.get(&places);
        fs.flip(file, *offset, mask).expect("the byte is there");
        if reopened {
            (log, _) = SegmentedLog::open(fs.clone(), dir(), options).expect("it opens");
        }

        prop_assert!(log.next() >= promised);
        let (mut next, mut holes) = (1, 0);
        for found in read_all(&log) {
            match &found {
                Found::Is(position, _) => {
                    prop_assert_eq!(*position, next);
                    prop_assert!(whole.contains(&found));
                    next = position + 1;
                }
                Found::Lost(from, to, _) => {
                    prop_assert_eq!(*from, next);
                    let known = (*to).min(promised.get() - 1);
                    prop_assert!(known - from < 3, "more than one frame is lost");
                    holes += 1;
                    next = to + 1;
                }
            }
        }
        prop_assert_eq!(next, log.next().get());
        prop_assert!(holes <= 1);
    }
}
