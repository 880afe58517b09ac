//! How long the journal keeps what everybody has read: at least [`KEEP_MS`], so that the rules
//! can be replayed over the last days and a series node that was lost can be fed again.

use std::collections::VecDeque;

use veglia_journal::Position;
use veglia_wire::WallMs;

/// 72 hours of care time: a long weekend, after which somebody has noticed.
pub const KEEP_MS: i64 = 72 * 60 * 60 * 1000;

/// Marks are this far apart, in care milliseconds: finer than a segment lasts, and a list of 72 h
/// of them is short.
const MARK_EVERY_MS: i64 = 10 * 60 * 1000;

/// Which position was written when.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    marks: VecDeque<(Position, WallMs)>,
}

impl Retention {
    /// Notes that `position` was written at `at`.
    pub(crate) fn mark(&mut self, position: Position, at: WallMs) {
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
    use super::*;

    fn position(number: u64) -> Position {
        Position::new(number).unwrap()
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
