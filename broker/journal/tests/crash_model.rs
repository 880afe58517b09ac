//! The journal against a model, on a file system that forgets what was not synced.
//!
//! Whatever was answered durable is there after any crash; a position never holds two different
//! things; order is kept; nothing is reported lost that was promised. Power cuts strike between any
//! two operations of the file system, also while recovering from the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{
    AppendError, CursorFile, DamageReason, Item, Journal, JournalReader, LogReader, Options,
    Position, ReadError, SegmentedLog,
};

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Vec<u8>>),
    /// Reads on with the reader that has been there all along.
    ReadOn {
        limit_bytes: usize,
    },
    /// Reads with the same reader from somewhere else.
    ReadFrom {
        percent: u64,
        limit_bytes: usize,
    },
    RemoveBefore {
        percent: u64,
    },
    StoreCursor(Vec<u8>),
    FillDisk {
        free_bytes: u64,
    },
    FreeDisk,
    WriteShort(Option<usize>),
    FailSync {
        after: u32,
    },
    CutPower {
        changes: u64,
        seed: u64,
    },
    Crash,
    CrashMidway(u64),
    /// The process stops, the machine does not.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let entry = vec(any::<u8>(), 0..40);
    prop_oneof![
        12 => vec(entry, 1..5).prop_map(Step::Append),
        4 => (0_usize..200).prop_map(|limit_bytes| Step::ReadOn { limit_bytes }),
        2 => (0_u64..=100, 0_usize..200)
            .prop_map(|(percent, limit_bytes)| Step::ReadFrom { percent, limit_bytes }),
        2 => (0_u64..=100).prop_map(|percent| Step::RemoveBefore { percent }),
        2 => vec(any::<u8>(), 0..20).prop_map(Step::StoreCursor),
        1 => (0_u64..150).prop_map(|free_bytes| Step::FillDisk { free_bytes }),
        2 => Just(Step::FreeDisk),
        1 => proptest::option::of(1_usize..30).prop_map(Step::WriteShort),
        2 => (0_u32..3).prop_map(|after| Step::FailSync { after }),
        3 => (0_u64..10, any::<u64>()).prop_map(|(changes, seed)| Step::CutPower { changes, seed }),
        1 => Just(Step::Crash),
        2 => any::<u64>().prop_map(Step::CrashMidway),
        2 => Just(Step::Restart),
    ]
}

/// What must be true of the journal, kept in the simplest way.
#[derive(Default)]
struct Model {
    /// Everything promised or ever read: it can never change.
    known: BTreeMap<u64, Vec<u8>>,
    /// What an append that was not confirmed may have left.
    uncertain: BTreeMap<u64, Vec<u8>>,
    /// The largest position that removal was ever asked for.
    may_be_removed_before: u64,
    /// `next` never goes back.
    next: u64,
    /// The cursors that may be found: the last one confirmed, and those tried since.
    cursors: Vec<Option<(Position, Vec<u8>)>>,
}

struct World {
    fs: FaultyFilesystem,
    log: SegmentedLog<FaultyFilesystem>,
    reader: LogReader<FaultyFilesystem>,
    read_to: Position,
    cursor: CursorFile<FaultyFilesystem>,
    power_cut_seed: u64,
    model: Model,
}

const OPTIONS: Options = Options {
    segment_bytes: 300,
    max_total_bytes: None,
    kind: *b"test",
};

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

impl World {
    fn new() -> Self {
        let fs = FaultyFilesystem::new();
        let (log, _) =
            SegmentedLog::open(fs.clone(), &dir(), OPTIONS).expect("an empty disk works");
        Self {
            reader: log.reader(),
            read_to: Position::FIRST,
            cursor: CursorFile::new(fs.clone(), Path::new("/journal/cursor")),
            power_cut_seed: 0,
            model: Model {
                cursors: vec![None],
                ..Model::default()
            },
            fs,
            log,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(entries) => self.append(&entries),
            Step::ReadOn { limit_bytes } => {
                let from = self.read_to.max(self.log.oldest());
                self.read(from, limit_bytes);
            }
            Step::ReadFrom {
                percent,
                limit_bytes,
            } => {
                let from = self.somewhere(percent);
                self.read(from, limit_bytes);
            }
            Step::RemoveBefore { percent } => {
                let keep = self.somewhere(percent);
                let asked = &mut self.model.may_be_removed_before;
                *asked = keep.get().max(*asked);
                if self.log.remove_before(keep).is_err() {
                    assert!(self.log.oldest() <= keep);
                }
            }
            Step::StoreCursor(payload) => {
                let stored = Some((self.log.next(), payload.clone()));
                if self.cursor.store(self.log.next(), &payload).is_ok() {
                    self.model.cursors.clear();
                }
                self.model.cursors.push(stored);
            }
            Step::FillDisk { free_bytes } => self.fs.set_free_bytes(Some(free_bytes)),
            Step::FreeDisk => self.fs.set_free_bytes(None),
            Step::WriteShort(longest) => self.fs.set_longest_write(longest),
            Step::FailSync { after } => self.fs.fail_sync_after(after),
            Step::CutPower { changes, seed } => {
                self.fs.cut_power_after(changes);
                self.power_cut_seed = seed;
            }
            Step::Crash => {
                self.fs.crash();
                self.reopen();
            }
            Step::CrashMidway(seed) => {
                self.fs.crash_midway(seed);
                self.reopen();
            }
            Step::Restart => self.reopen(),
        }
        if self.fs.is_powered_off() {
            self.fs.crash_midway(self.power_cut_seed);
            self.reopen();
        }
    }

    fn somewhere(&self, percent: u64) -> Position {
        let (oldest, next) = (self.log.oldest().get(), self.log.next().get());
        Position::new(oldest + (next - oldest) * percent / 100).expect("it is at least the oldest")
    }

    fn append(&mut self, entries: &[Vec<u8>]) {
        let first = self.log.next();
        let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let numbered = (first.get()..).zip(entries.iter().cloned());
        match self.log.append(&slices) {
            Ok(durable) => {
                assert_eq!(durable.first(), first);
                assert_eq!(durable.through().next(), self.log.next());
                for (position, bytes) in numbered {
                    let before = self.model.known.insert(position, bytes);
                    assert_eq!(before, None, "position {position} was given twice");
                }
            }
            Err(AppendError::DiskFull { .. }) => {
                assert_eq!(
                    self.log.next(),
                    first,
                    "a refused append uses up no position"
                );
                self.log
                    .append(&[])
                    .expect_err("there is nothing to append");
            }
            Err(AppendError::Poisoned) => assert_eq!(self.log.next(), first),
            Err(AppendError::Sync { .. } | AppendError::Write { .. }) => {
                assert_eq!(self.log.next(), first);
                self.model.uncertain.extend(numbered);
            }
            Err(other) => panic!("not expected here: {other}"),
        }
    }

    fn read(&mut self, from: Position, limit_bytes: usize) {
        // The machine may have lost its power under the reader's feet.
        let Ok(items) = self.reader.read(from, limit_bytes) else {
            panic!("reading failed")
        };
        assert_eq!(items.is_empty(), from == self.log.next());
        self.read_to = self.model.check(from, &items, &BTreeMap::new());
    }

    fn reopen(&mut self) {
        let mut tries = 0;
        let recovered = loop {
            match SegmentedLog::open(self.fs.clone(), &dir(), OPTIONS) {
                Ok((log, recovered)) => {
                    self.log = log;
                    break recovered;
                }
                Err(error) => {
                    tries += 1;
                    assert!(tries < 4, "the journal does not open: {error:?}");
                    if self.fs.is_powered_off() {
                        self.fs.crash_midway(self.power_cut_seed);
                    }
                }
            }
        };
        self.reader = self.log.reader();
        assert_eq!(recovered.next, self.log.next());
        assert_eq!(recovered.oldest, self.log.oldest());
        assert_eq!(recovered.damaged, 0, "nothing was damaged: {recovered:?}");
        self.check_everything();
        self.model.uncertain.clear();
    }

    fn check_everything(&mut self) {
        let (oldest, next) = (self.log.oldest(), self.log.next());
        let asked = self.model.may_be_removed_before.max(Position::FIRST.get());
        assert!(
            oldest.get() <= asked,
            "{oldest} is the oldest, removed up to {asked}"
        );
        assert!(
            next.get() >= self.model.next,
            "the next position went back to {next}"
        );
        self.model.next = next.get();

        let items = self
            .log
            .reader()
            .read(oldest, usize::MAX)
            .expect("it can be read");
        let uncertain = self.model.uncertain.clone();
        let end = self.model.check(oldest, &items, &uncertain);
        assert_eq!(
            end, next,
            "everything up to the next position is accounted for"
        );
        assert!(matches!(
            self.log.reader().read(next.next(), 1),
            Err(ReadError::Beyond { .. })
        ));

        let found = self
            .cursor
            .load()
            .expect("a cursor is never damaged by a crash");
        let found = found.map(|cursor| (cursor.position, cursor.payload));
        assert!(
            self.model.cursors.contains(&found),
            "an old cursor came back: {found:?}"
        );
    }
}

impl Model {
    /// Checks items that were read and returns the position after them.
    fn check(
        &mut self,
        from: Position,
        items: &[Item],
        uncertain: &BTreeMap<u64, Vec<u8>>,
    ) -> Position {
        let mut next = from;
        for item in items {
            match item {
                Item::Entry(entry) => {
                    let position = entry.position.get();
                    assert_eq!(entry.position, next, "entries come in order, without a gap");
                    let expected = self
                        .known
                        .get(&position)
                        .or_else(|| uncertain.get(&position));
                    assert_eq!(expected, Some(&entry.bytes), "at position {position}");
                    self.known.insert(position, entry.bytes.clone());
                    next = entry.position.next();
                }
                Item::Damaged { from, to, reason } => {
                    assert_eq!(*from, next, "holes come in order, without a gap");
                    assert_eq!(*reason, DamageReason::TornTail);
                    let lost = self.known.range(from.get()..=to.get()).next();
                    assert_eq!(lost, None, "something promised was given up");
                    next = to.next();
                }
            }
        }
        next
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_was_answered_durable_survives_everything(steps in vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.check_everything();
        world.fs.crash();
        world.fs.mend();
        world.reopen();
        let next = world.log.next();
        world.append(&[b"it goes on".to_vec()]);
        assert_eq!(world.log.next(), next.next());
        world.check_everything();
    }
}
