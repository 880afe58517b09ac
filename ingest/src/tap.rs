//! A tap on the journal: its readings in order, for a store that this room does not know.
//!
//! The executable draws from it and hands on what it drew; ingest knows neither the store nor how
//! far it is. A tap has a reader of its own and nothing waits for it, the deletion of old segments
//! neither: what has left the journal before it was drawn is counted ([`Portion::missed`]). The
//! embedded series have it all the same.

use std::path::Path;

use tokio::sync::watch;
use veglia_journal::{
    HostFilesystem, Item, Journal, JournalReader, LogReader, OpenError, Options, Position,
    ReadError, SegmentedLog,
};
use veglia_series::Sample;
use veglia_wire::WallMs;

use crate::dating::{self, Records};
use crate::entry::Entry;
use crate::figures::Figures;
use crate::follower::{FollowError, Follower};

/// What was drawn at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The readings, exactly as they go into the embedded series.
    pub samples: Vec<Sample>,
    /// Everything before it was in this portion or in those before.
    pub next: Position,
    /// The position after the last entry of the journal.
    pub end: Position,
    /// Entries before this portion that left the journal before they could be drawn.
    pub missed: u64,
}

/// A place in the journal of a running ingest.
pub struct Tap {
    follower: Follower<LogReader<HostFilesystem>>,
    /// Entries found to have left the journal since the last portion.
    missed: u64,
}

/// Why a place in a journal could not be found.
#[derive(Debug, thiserror::Error)]
pub enum SeekError {
    /// It cannot be opened.
    #[error("the journal cannot be opened")]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error("the journal cannot be searched")]
    Follow(#[from] FollowError),
}

impl Tap {
    /// Draws from `from` on; from `oldest`, the oldest position there is, when that is none, or
    /// one that this journal never gave (it was put back from a copy).
    pub(crate) fn new(
        reader: LogReader<HostFilesystem>,
        from: Option<Position>,
        oldest: Position,
        written: watch::Receiver<Position>,
    ) -> Self {
        let end = written.borrow().next();
        let from = from.unwrap_or(oldest);
        let from = if from > end {
            tracing::warn!(%from, %end, "the journal is older than its tap: all of it is drawn");
            oldest
        } else {
            from
        };
        // Damage is counted by the consumers that ingest cannot do without, who read the same.
        let follower = Follower::new(reader, from, written, Figures::default());
        Self {
            follower,
            missed: 0,
        }
    }

    /// The next readings, as soon as there are some; a portion without any after a while, or when
    /// the journal had other things to say. Must be awaited to its end, or not used any more.
    ///
    /// # Errors
    /// The journal cannot be followed any more.
    pub async fn more(&mut self) -> Result<Portion, FollowError> {
        let entries = loop {
            match self.follower.more().await {
                Err(FollowError::Read(ReadError::Removed { from, oldest })) => {
                    self.missed += oldest.get().saturating_sub(from.get());
                    self.follower.go_on_at(oldest);
                }
                entries => break entries?,
            }
        };
        Ok(Portion {
            samples: entries.iter().flat_map(|(_, it)| samples(it)).collect(),
            next: self.follower.next(),
            end: self.follower.end(),
            missed: std::mem::take(&mut self.missed),
        })
    }
}

/// The readings of an entry, by the same rules as those of the embedded series.
fn samples(entry: &Entry) -> impl Iterator<Item = Sample> {
    Records::of(entry).into_iter().flat_map(dating::samples)
}

/// The first position in the journal of `ingest`, a folder that must be the caller's alone, that
/// was written at `at` or later; the one after the last when there is none.
///
/// # Errors
/// See [`SeekError`].
pub fn position_at(ingest: &Path, at: WallMs) -> Result<Position, SeekError> {
    let (journal, _) =
        SegmentedLog::open(HostFilesystem, &ingest.join("journal"), Options::default())?;
    Ok(position_in(&journal, at)?)
}

/// The same of a journal that is open.
pub(crate) fn position_in(journal: &impl Journal, at: WallMs) -> Result<Position, FollowError> {
    let mut reader = journal.reader();
    let (mut low, mut high) = (journal.oldest(), journal.next());
    // Times rise with positions, as far as the clock was not set back.
    while low < high {
        let middle = low.get().midpoint(high.get());
        let middle = Position::new(middle).unwrap_or(low);
        match first_entry(&mut reader, middle, high)? {
            Some((position, written)) if written < at => low = position.next(),
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first entry from `from` to before `end` that is whole, and when it was written.
fn first_entry(
    reader: &mut impl JournalReader,
    from: Position,
    end: Position,
) -> Result<Option<(Position, WallMs)>, FollowError> {
    let mut next = from;
    while next < end {
        match reader.read(next, 1)?.into_iter().next() {
            Some(Item::Entry(found)) => {
                let position = found.position;
                let entry = Entry::decode(&found.bytes)
                    .map_err(|source| FollowError::Entry { position, source })?;
                return Ok(Some((position, entry.at())));
            }
            Some(Item::Damaged { to, .. }) => next = to.next(),
            None => break,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    fn journal(dir: &Path, ticks: std::ops::Range<i64>) -> SegmentedLog {
        let (mut journal, _) =
            SegmentedLog::open(HostFilesystem, &dir.join("journal"), Options::default()).unwrap();
        for at in ticks {
            let tick = Entry::Tick {
                at: WallMs(at * 1000),
            }
            .encode();
            journal.append(&[&tick]).unwrap();
        }
        journal
    }

    #[test]
    fn a_time_is_found_in_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path(), 0..50));
        for (at, found) in [
            (-1, 1),
            (0, 1),
            (1, 2),
            (7_000, 8),
            (49_000, 50),
            (49_001, 51),
        ] {
            assert_eq!(
                position_at(dir.path(), WallMs(at)).unwrap(),
                position(found),
                "{at}"
            );
        }
    }

    #[tokio::test]
    async fn what_left_the_journal_before_it_was_drawn_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let small = Options {
            segment_bytes: 200,
            ..Options::default()
        };
        let path = dir.path().join("journal");
        let (mut journal, _) = SegmentedLog::open(HostFilesystem, &path, small).unwrap();
        let tick = Entry::Tick { at: WallMs(0) }.encode();
        for _ in 0..30 {
            journal.append(&[&tick]).unwrap();
        }
        let (_written, end) = watch::channel(position(30));
        let mut tap = Tap::new(journal.reader(), None, journal.oldest(), end);
        journal.remove_before(position(20)).unwrap();
        let gone = journal.oldest().get() - 1;
        assert!(gone > 0);
        let portion = tap.more().await.unwrap();
        assert_eq!((portion.missed, portion.next), (gone, position(31)));
        assert_eq!(tap.follower.end(), position(31));
    }

    #[tokio::test]
    async fn a_tap_ahead_of_a_restored_journal_draws_all_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path(), 0..5);
        let (_written, end) = watch::channel(position(5));
        let from = Some(position(900));
        let mut tap = Tap::new(journal.reader(), from, journal.oldest(), end);
        let portion = tap.more().await.unwrap();
        assert_eq!((portion.next, portion.end), (position(6), position(6)));
        assert_eq!((portion.samples.len(), portion.missed), (0, 0));
    }
}
