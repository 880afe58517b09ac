//! What the tests on the faulty file system share: a journal in memory, and its content in a form
//! that reads well in an assertion.

use std::path::{Path, PathBuf};

use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{
    DamageReason, Item, Journal, JournalReader, Options, Position, Recovered, SegmentedLog,
};

pub(crate) type Log = SegmentedLog<FaultyFilesystem>;

/// Where the frames of a segment start.
pub(crate) const SEGMENT_HEADER: usize = 40;

pub(crate) const OPTIONS: Options = Options {
    segment_bytes: 1024 * 1024,
    max_total_bytes: None,
    kind: *b"test",
};

pub(crate) fn dir() -> &'static Path {
    Path::new("/journal")
}

pub(crate) fn segment(first: u64) -> PathBuf {
    dir().join(format!("{first:020}.log"))
}

pub(crate) fn open(fs: &FaultyFilesystem) -> (Log, Recovered) {
    SegmentedLog::open(fs.clone(), dir(), OPTIONS).expect("the journal opens")
}

pub(crate) fn at(number: u64) -> Position {
    Position::new(number).expect("not zero")
}

/// What is read, written short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Is(u64, String),
    Lost(u64, u64, DamageReason),
}

pub(crate) fn is(position: u64, text: &str) -> Found {
    Found::Is(position, text.to_owned())
}

pub(crate) fn lost(from: u64, to: u64, reason: DamageReason) -> Found {
    Found::Lost(from, to, reason)
}

pub(crate) fn read_all(log: &Log) -> Vec<Found> {
    let items = log
        .reader()
        .read(log.oldest(), usize::MAX)
        .expect("it can be read");
    items.into_iter().map(found).collect()
}

fn found(item: Item) -> Found {
    match item {
        Item::Entry(entry) => Found::Is(
            entry.position.get(),
            String::from_utf8_lossy(&entry.bytes).into_owned(),
        ),
        Item::Damaged { from, to, reason } => Found::Lost(from.get(), to.get(), reason),
    }
}
