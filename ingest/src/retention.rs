//! How long the journal keeps what everybody has read: at least [`KEEP_MS`], so that the rules
//! can be replayed over the last days and a series node that was lost can be fed again.
//!
//! What was written when is noted in memory, and after a restart found in the journal itself: an
//! ingest that is restarted every night deletes no less.

use std::collections::VecDeque;

use veglia_journal::{Journal, Position};
use veglia_wire::WallMs;

use crate::follower::FollowError;
use crate::tap::position_in;

/// 72 hours of care time: a long weekend, after which somebody has noticed.
pub const KEEP_MS: i64 = 72 * 60 * 60 * 1000;

/// Marks are this far apart, in care milliseconds: finer than a segment lasts, and a list of 72 h
/// of them is short.
const MARK_EVERY_MS: i64 = 10 * 60 * 1000;

/// Marks found at a start are this far apart, in care milliseconds: each is a search of the disk,
/// and a few hours more of the journal are no harm.
const FOUND_EVERY_MS: i64 = 6 * 60 * 60 * 1000;

/// Which position was written when.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    marks: VecDeque<(Position, WallMs)>,
}

impl Retention {
    /// What is known of a journal that was written by an earlier life.
    pub(crate) fn found_in(journal: &impl Journal, now: WallMs) -> Result<Self, FollowError> {
        let mut found = Self::default();
        let mut ago_ms = KEEP_MS;
        while ago_ms > 0 {
            let at = now.plus_ms(-ago_ms);
            found.marks.push_back((position_in(journal, at)?, at));
            ago_ms -= FOUND_EVERY_MS;
        }
        Ok(found)
    }

    /// Notes that `position` was written at `at`. What was noted for later than that was noted by
    /// a clock that has been set back since, and would stand in the way for as long.
    pub(crate) fn mark(&mut self, position: Position, at: WallMs) {
        while self.marks.back().is_some_and(|(_, last)| at < *last) {
            self.marks.pop_back();
        }
        let due = self
            .marks
            .back()
            .is_none_or(|(_, last)| at.since(*last) >= MARK_EVERY_MS);
        if due {
            self.marks.push_back((position, at));
        }
    }

    /// The oldest position to keep: nothing that a reader still needs, nothing younger than
    /// [`KEEP_MS`]. None when nothing can go.
    pub(crate) fn keep_from(&mut self, readers: Position, now: WallMs) -> Option<Position> {
        let mut old = None;
        while let Some((position, at)) = self.marks.front().copied() {
            if now.since(at) < KEEP_MS {
                break;
            }
            old = Some(position);
            self.marks.pop_front();
        }
        old.map(|position| position.min(readers))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use veglia_journal::fake::FaultyFilesystem;
    use veglia_journal::{Options, SegmentedLog};

    use super::*;
    use crate::entry::Entry;

    const HOUR: i64 = 3_600_000;

    fn position(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    #[test]
    fn after_a_restart_the_journal_says_what_is_old_enough() {
        let path = Path::new("journal");
        let disk = FaultyFilesystem::new();
        let (mut journal, _) = SegmentedLog::open(disk, path, Options::default()).unwrap();
        for hour in 0..100 {
            let tick = Entry::Tick {
                at: WallMs(hour * HOUR),
            };
            journal.append(&[&tick.encode()]).unwrap();
        }
        let mut retention = Retention::found_in(&journal, WallMs(99 * HOUR)).unwrap();
        let old = retention.keep_from(position(100), WallMs(99 * HOUR));
        assert_eq!(old, Some(position(28)), "written at hour 27, 72 hours ago");
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_everything() {
        let mut retention = Retention::default();
        retention.mark(position(1), WallMs(1_000 * HOUR));
        retention.mark(position(2), WallMs(0));
        let old = retention.keep_from(position(9), WallMs(73 * HOUR));
        assert_eq!(old, Some(position(2)));
    }

    #[test]
    fn nothing_goes_before_its_time_nor_before_it_is_read() {
        let mut retention = Retention::default();
        let hour = 3_600_000;
        for n in 0..100 {
            let at = i64::try_from(n).unwrap() * hour;
            retention.mark(position(n + 1), WallMs(at));
        }
        assert_eq!(retention.keep_from(position(90), WallMs(71 * hour)), None);
        assert_eq!(
            retention.keep_from(position(90), WallMs(73 * hour)),
            Some(position(2))
        );
        assert_eq!(
            retention.keep_from(position(5), WallMs(90 * hour)),
            Some(position(5))
        );
    }
}
