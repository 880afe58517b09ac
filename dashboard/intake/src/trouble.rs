//! What keeps the telephone from the rules, for those who are told at once: whoever writes it into
//! a log, and whoever looks at the ward.
//!
//! Words about time are the caller's: the outbox and its link go by the wall, screens by the clock
//! of care.

use veglia_link::{LinkStatus, OutboxState, OutboxStatus, Phase, Refused};
use veglia_wire::{Sequence, WallMs};

use crate::line::Line;

/// How long an answer may wait for ingest before people are told, in milliseconds at the wall:
/// ingest acknowledges within a second, and comes back from a restart within half a minute.
const WAITS_MS: i64 = 60_000;

/// What is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing that is said can be saved.
    Closed,
    /// Answers are saved and do not arrive.
    Waiting {
        /// How many.
        answers: u64,
        /// Since when none has arrived, at the wall.
        since: WallMs,
    },
}

/// Watches the line from one look to the next.
#[derive(Debug, Default)]
pub struct Lookout {
    /// How far ingest had come, and when that was first seen; while something waits.
    stands: Option<(Option<Sequence>, WallMs)>,
}

impl Lookout {
    /// What is amiss now, at the wall; `line` none when it could not be opened.
    pub fn look(&mut self, line: Option<&Line>, now: WallMs) -> Option<Trouble> {
        match line {
            Some(line) => self.judge(&line.status(), now),
            None => Some(Trouble::Closed),
        }
    }

    fn judge(&mut self, status: &OutboxStatus, now: WallMs) -> Option<Trouble> {
        let answers = status.waiting();
        let stands = self.stands.filter(|it| it.0 == status.acknowledged);
        self.stands = (answers > 0).then(|| stands.unwrap_or((status.acknowledged, now)));
        if status.state != OutboxState::Writing {
            return Some(Trouble::Closed);
        }
        let (_, since) = self.stands.filter(|it| now.since(it.1) > WAITS_MS)?;
        Some(Trouble::Waiting { answers, since })
    }
}

/// How the link to the broker stands, for a log that tells each change once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// What is said is sent.
    Sends,
    /// There is no connection.
    Away,
    /// The broker will not have this identity.
    Refused(Refused),
}

impl LinkState {
    /// As the sender says; none before it has tried, and after it has ended.
    #[must_use]
    pub fn of(status: &LinkStatus) -> Option<Self> {
        match (&status.phase, status.refused) {
            (Phase::Connected, _) => Some(Self::Sends),
            (Phase::Connecting { .. }, Some(refused)) => Some(Self::Refused(refused)),
            (
                Phase::Connecting {
                    last_error: Some(_),
                    ..
                },
                None,
            ) => Some(Self::Away),
            (Phase::Connecting { .. }, None) | (Phase::Stopped, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use veglia_wire::Epoch;

    use super::*;

    const NOW: WallMs = WallMs(1_605_964_320_000);

    fn status(newest: u64, acknowledged: u64) -> OutboxStatus {
        OutboxStatus {
            epoch: Epoch(7),
            oldest: Sequence::new(1),
            newest: Sequence::new(newest),
            acknowledged: Sequence::new(acknowledged),
            bytes: 0,
            thinned: 0,
            state: OutboxState::Writing,
        }
    }

    #[test]
    fn answers_that_do_not_arrive_are_told_after_a_minute_without_one_that_did() {
        let mut lookout = Lookout::default();
        let mut at = |seconds: i64, newest, acknowledged| {
            let now = NOW.plus_ms(seconds * 1_000);
            lookout.judge(&status(newest, acknowledged), now)
        };
        assert_eq!(at(0, 3, 0), None);
        assert_eq!(at(50, 3, 1), None, "one has arrived");
        assert_eq!(at(100, 5, 1), None);
        let waiting = |answers, since: i64| {
            let since = NOW.plus_ms(since * 1_000);
            Some(Trouble::Waiting { answers, since })
        };
        assert_eq!(at(120, 5, 1), waiting(4, 50));
        assert_eq!(at(130, 5, 5), None, "all have");
        assert_eq!(at(900, 6, 5), None, "and the next one has its minute");
        assert_eq!(at(961, 6, 5), waiting(1, 900));
    }

    #[test]
    fn an_outbox_that_takes_nothing_is_told_at_once() {
        let mut lookout = Lookout::default();
        for state in [
            OutboxState::Poisoned,
            OutboxState::Closed,
            OutboxState::Refusing { lost: 3 },
        ] {
            let status = OutboxStatus {
                state,
                ..status(3, 3)
            };
            assert_eq!(lookout.judge(&status, NOW), Some(Trouble::Closed));
        }
        assert_eq!(lookout.look(None, NOW), Some(Trouble::Closed));
    }

    #[test]
    fn a_refused_identity_is_told_apart_from_a_broker_that_is_away() {
        let mut status = LinkStatus::default();
        assert_eq!(LinkState::of(&status), None, "nothing was tried");
        status.phase = Phase::Connecting {
            attempt: 2,
            last_error: Some("refused".to_owned()),
        };
        assert_eq!(LinkState::of(&status), Some(LinkState::Away));
        status.refused = Some(Refused::Revoked);
        let revoked = LinkState::Refused(Refused::Revoked);
        assert_eq!(LinkState::of(&status), Some(revoked));
        status.phase = Phase::Connected;
        assert_eq!(LinkState::of(&status), Some(LinkState::Sends));
    }
}
