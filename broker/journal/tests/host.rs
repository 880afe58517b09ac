//! The journal on the real file system, with a reader in another thread.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use veglia_journal::{
    HostFilesystem, Item, Journal, JournalReader, Options, Position, SegmentedLog,
};

const OPTIONS: Options = Options {
    segment_bytes: 64 * 1024,
    max_total_bytes: None,
    kind: *b"test",
};

/// Long enough for the slowest disk; reached only when something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

fn entry(position: u64) -> Vec<u8> {
    format!("reading number {position}").repeat(10).into_bytes()
}

#[test]
fn a_reader_in_another_thread_sees_every_durable_entry_once_and_in_order() {
    const APPENDS: u64 = 200;
    const BATCH: u64 = 10;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut log, _) = SegmentedLog::open(HostFilesystem, dir.path(), OPTIONS).expect("it opens");
    let mut reader = log.reader();
    let (progress, passed) = mpsc::channel();

    let reading = std::thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        let mut next = Position::FIRST;
        while next.get() <= APPENDS * BATCH {
            assert!(Instant::now() < deadline, "still waiting for {next}");
            for item in reader.read(next, 16 * 1024).expect("it can be read") {
                let Item::Entry(found) = item else {
                    panic!("nothing is damaged")
                };
                assert_eq!(found.position, next);
                assert_eq!(found.bytes, entry(next.get()));
                next = next.next();
            }
            progress.send(next).expect("the writer listens");
        }
        next
    });

    for append in 0..APPENDS {
        let first = append * BATCH + 1;
        let batch: Vec<Vec<u8>> = (first..first + BATCH).map(entry).collect();
        let batch: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        let durable = log.append(&batch).expect("there is room");
        assert_eq!(durable.first().get(), first);
        if let Some(passed) = passed.try_iter().last() {
            log.remove_before(passed).expect("segments can be deleted");
        }
    }
    let end = reading.join().expect("the reader found everything");
    assert_eq!(end, log.next());
    log.remove_before(end).expect("segments can be deleted");
    assert!(log.size_bytes() <= OPTIONS.segment_bytes);
}

#[test]
fn entries_survive_a_reopen_and_only_their_owner_may_read_the_files() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("gateway").join("outbox");
    for opening in 0..3 {
        let (mut log, recovered) =
            SegmentedLog::open(HostFilesystem, &dir, OPTIONS).expect("it opens");
        assert_eq!(recovered.next.get(), opening + 1);
        log.append(&[&entry(opening + 1)]).expect("there is room");
        let items = log
            .reader()
            .read(Position::FIRST, usize::MAX)
            .expect("it can be read");
        for (item, position) in items.iter().zip(1..) {
            assert!(matches!(item, Item::Entry(it) if it.bytes == entry(position)));
        }
    }
    let mode = |path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(dir.join("00000000000000000001.log")), 0o600);
    assert_eq!(mode(dir), 0o700);
}

#[test]
fn a_file_cut_in_the_middle_of_a_frame_is_recovered() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut log, _) = SegmentedLog::open(HostFilesystem, dir.path(), OPTIONS).expect("it opens");
    log.append(&[b"one"]).expect("there is room");
    log.append(&[b"two"]).expect("there is room");
    let bytes = log.size_bytes();
    drop(log);
    let path = dir.path().join("00000000000000000001.log");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("it is there");
    file.set_len(bytes - 2).expect("it can be cut");

    let (mut log, recovered) =
        SegmentedLog::open(HostFilesystem, dir.path(), OPTIONS).expect("it opens");
    assert_eq!((recovered.skipped, recovered.next.get()), (1, 3));
    assert_eq!(
        log.append(&[b"three"])
            .expect("there is room")
            .first()
            .get(),
        3
    );
}
