//! Reading the outbox: records in order under their sequences, without a hole.
//!
//! What the disk has spoiled comes out as a gap record for each sequence lost. A gap is dated
//! like the record before it (or, at the head of a page, the one after): its true time is lost
//! with it, and ingest sees from the sequence where it belongs. An empty entry was thinned out and
//! is counted by the gap after it: it comes out as a gap that counts nothing.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use thiserror::Error;
use veglia_journal::{File, Filesystem, Item, JournalReader, Position, ReadError};
use veglia_wire::frame::MAX_RECORDS;
use veglia_wire::{
    Body, Boot, Epoch, Gap, GapReason, MonoMs, Record, Refusal, RefusalReason, Sequence, When,
};

use super::loss::write_all;
use super::open::{position, sequence};
use crate::sender::Page;
use crate::status::chain;

/// Bytes read from the journal at a time: enough for some full frames.
const PAGE_BYTES: usize = 32 * 1024;

/// Records of one page at most. A spoiled range may be long, and each of its sequences becomes a
/// record.
const PAGE_RECORDS: usize = 1024;

/// A reader that keeps what it has read ahead.
pub(crate) struct Spool {
    /// Away while a read is running, or lost with one that panicked.
    reader: Option<Box<dyn JournalReader>>,
    next: Sequence,
    ahead: VecDeque<Record>,
    /// Damage up to here has been logged.
    told: Option<Position>,
}

/// Why the spool could not be read.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The journal could not be read.
    #[error("the outbox could not be read: check the disk, then restart")]
    Read(#[source] ReadError),
    /// The reading thread did not answer.
    #[error("reading the outbox stopped: restart")]
    Stopped,
}

impl Spool {
    pub(super) fn new(reader: Box<dyn JournalReader>) -> Self {
        Self {
            reader: Some(reader),
            next: Sequence::FIRST,
            ahead: VecDeque::new(),
            told: None,
        }
    }

    /// Up to `limit` records from sequence `from` to at most about `newest`, which is on disk.
    /// Begins later if `from` was removed.
    pub(crate) async fn take(
        &mut self,
        from: Sequence,
        newest: Sequence,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        if from != self.next {
            self.ahead.clear();
            self.next = from;
        }
        let mut behind = self.next.plus(count(self.ahead.len()));
        while self.ahead.len() < limit && behind <= newest {
            let page = self.read(behind).await?;
            if page.records.is_empty() {
                break;
            }
            if page.first != behind {
                self.next = page.first;
                self.ahead.clear();
            }
            behind = page.first.plus(count(page.records.len()));
            self.ahead.extend(page.records);
        }
        let taken = self.ahead.len().min(limit);
        let page = Page {
            first: self.next,
            records: self.ahead.drain(..taken).collect(),
        };
        self.next = self.next.plus(count(taken));
        Ok(page)
    }

    /// Reads a page in a thread that may wait for the disk.
    async fn read(&mut self, from: Sequence) -> Result<Page, SpoolError> {
        let mut reader = self.reader.take().ok_or(SpoolError::Stopped)?;
        let told = self.told;
        let work = tokio::task::spawn_blocking(move || {
            let page = read_page(reader.as_mut(), from, told);
            (reader, page)
        });
        let (reader, page) = work.await.map_err(|_| SpoolError::Stopped)?;
        self.reader = Some(reader);
        let (page, told) = page.map_err(SpoolError::Read)?;
        self.told = told;
        Ok(page)
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn read_page(
    reader: &mut dyn JournalReader,
    from: Sequence,
    told: Option<Position>,
) -> Result<(Page, Option<Position>), ReadError> {
    let (from, items) = match reader.read(position(from), PAGE_BYTES) {
        Err(ReadError::Removed { oldest, .. }) => (oldest, reader.read(oldest, PAGE_BYTES)?),
        other => (position(from), other?),
    };
    let mut page = Unspoiled {
        records: Vec::new(),
        told,
    };
    for item in items {
        page.add(item);
    }
    let first = sequence(from).unwrap_or(Sequence::FIRST);
    let (records, told) = page.finish();
    Ok((Page { first, records }, told))
}

/// Records of a page, with a gap's reason and count where one is lost.
struct Unspoiled {
    records: Vec<Result<Record, Missing>>,
    told: Option<Position>,
}

/// What stands in the place of a record.
type Missing = (GapReason, u32);

impl Unspoiled {
    fn add(&mut self, item: Item) {
        match item {
            Item::Entry(entry) if entry.bytes.is_empty() => {
                self.push(Err((GapReason::Limit, 0)), 1);
            }
            Item::Entry(entry) => match Record::decode(&entry.bytes) {
                Ok(record) => self.push(Ok(record), 1),
                Err(error) => self.lost(entry.position, entry.position, &chain(&error)),
            },
            Item::Damaged { from, to, reason } => self.lost(from, to, &format!("{reason:?}")),
        }
    }

    fn lost(&mut self, from: Position, to: Position, reason: &str) {
        if self.told.is_none_or(|told| told < from) {
            tracing::error!(
                outbox.from = from.get(),
                outbox.to = to.get(),
                outbox.reason = reason,
                "records in the outbox cannot be read; gaps are sent in their place"
            );
            self.told = Some(to);
        }
        let missing = Err((GapReason::Damaged, 1));
        self.push(
            missing,
            to.get().saturating_sub(from.get()).saturating_add(1),
        );
    }

    fn push(&mut self, record: Result<Record, Missing>, times: u64) {
        let room = PAGE_RECORDS.saturating_sub(self.records.len());
        let times = usize::try_from(times).map_or(room, |times| times.min(room));
        self.records.extend(std::iter::repeat_n(record, times));
    }

    fn finish(self) -> (Vec<Record>, Option<Position>) {
        const UNDATED: When = When {
            boot: Boot(0),
            mono: MonoMs(0),
            wall: None,
            device: None,
        };
        let mut when = self
            .records
            .iter()
            .flatten()
            .next()
            .map_or(UNDATED, |record| record.when);
        let records = self.records.into_iter().map(|record| {
            let record = record.unwrap_or_else(|missing| lost_record(when, missing));
            when = record.when;
            record
        });
        (records.collect(), self.told)
    }
}

/// What stands in the place of one record that is not there any more.
fn lost_record(when: When, (reason, lost): Missing) -> Record {
    Record {
        device: None,
        when: When {
            device: None,
            ..when
        },
        body: Body::Gap(Gap {
            reason,
            lost,
            lasted_ms: None,
        }),
    }
}

/// Why no copy of refused records was kept.
#[derive(Debug, Error)]
pub(super) enum KeepError {
    #[error("the records are no longer in the outbox")]
    Read(#[source] ReadError),
    #[error("there are {0} copies already: look at them, then move them away")]
    Many(usize),
    #[error("could not write the copy")]
    Write(#[source] io::Error),
}

/// Writes the records of a refusal, as the outbox stores them, one after the other (a CBOR
/// sequence), into a file named by them. `false` if that file was there already.
pub(super) fn keep_refused<F: Filesystem>(
    fs: &F,
    dir: &Path,
    reader: &mut impl JournalReader,
    epoch: Epoch,
    refusal: Refusal,
    most_files: usize,
) -> Result<bool, KeepError> {
    let Refusal { from, to, reason } = refusal;
    let reason = match reason {
        RefusalReason::NewerVersion => "newer-version",
        RefusalReason::Undecodable => "undecodable",
    };
    let name = format!("{epoch}-{from}-{to}-{reason}.cbor");
    fs.create_dir(dir).map_err(KeepError::Write)?;
    let kept = fs.list(dir).map_err(KeepError::Write)?;
    if kept.iter().any(|file| file.as_os_str() == name.as_str()) {
        return Ok(false);
    }
    if kept.len() >= most_files {
        return Err(KeepError::Many(kept.len()));
    }
    // A refusal names one frame. A range that is longer is cut: it cannot be a frame of ours.
    let last = position(to).min(position(from.plus(count(MAX_RECORDS) - 1)));
    let mut bytes = Vec::new();
    let mut next = position(from);
    while next <= last {
        let items = reader.read(next, PAGE_BYTES).map_err(KeepError::Read)?;
        if items.is_empty() {
            break;
        }
        for item in items {
            next = match item {
                Item::Entry(entry) => {
                    if entry.position <= last {
                        bytes.extend_from_slice(&entry.bytes);
                    }
                    entry.position.next()
                }
                Item::Damaged { to, .. } => to.next(),
            };
        }
    }
    write_file(fs, dir, &name, &bytes).map_err(KeepError::Write)?;
    Ok(true)
}

/// The whole file or none, also after a power cut.
fn write_file<F: Filesystem>(fs: &F, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = dir.join("unfinished.new");
    let file = fs.create(&unfinished)?;
    write_all(&file, bytes, 0)?;
    file.sync()?;
    fs.rename(&unfinished, &dir.join(name))?;
    fs.sync_dir(dir)
}
