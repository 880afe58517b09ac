//! What is done when a session with BlueZ has ended: another one, later and later, and in the end
//! another process, where that might fare better.

use std::time::{Duration, Instant};

use super::radio::Trouble;

/// First pause between two sessions that were no good.
const FIRST: Duration = Duration::from_secs(1);

/// Longest pause between two sessions.
const LONGEST: Duration = Duration::from_secs(30);

/// A session that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Where the sessions of this process stand.
#[derive(Debug)]
pub(crate) struct Ladder {
    restart_after: Duration,
    failing: Option<Instant>,
    wait: Duration,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// A new session, after this pause.
    Again(Duration),
    /// The process ends, for its supervisor to start it again.
    Restart,
}

impl Ladder {
    /// `restart_after`: how long new sessions may fail where a new process might do better.
    pub(crate) fn new(restart_after: Duration) -> Self {
        Self {
            restart_after,
            failing: None,
            wait: Duration::ZERO,
        }
    }

    /// A session that had `begun` has ended in trouble.
    pub(crate) fn climb(&mut self, trouble: &Trouble, begun: Instant, now: Instant) -> Rung {
        let was_good = now.duration_since(begun) >= GOOD;
        if was_good || !trouble.is_cured_by_restart() {
            self.failing = None;
        }
        let since = *self.failing.get_or_insert(now);
        if now.duration_since(since) >= self.restart_after && trouble.is_cured_by_restart() {
            return Rung::Restart;
        }
        self.wait = if was_good {
            Duration::ZERO
        } else {
            (self.wait * 2).clamp(FIRST, LONGEST)
        };
        Rung::Again(self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(300);

    /// Sessions that fail at once, one after the other: how often, and how long, until a restart;
    /// none within an hour.
    fn until_restart(trouble: &Trouble) -> Option<(usize, Duration)> {
        let begun = Instant::now();
        let (mut ladder, mut now) = (Ladder::new(AFTER), begun);
        for count in 1.. {
            match ladder.climb(trouble, now, now) {
                Rung::Restart => return Some((count, now - begun)),
                Rung::Again(wait) => {
                    assert!((FIRST..=LONGEST).contains(&wait));
                    now += wait;
                }
            }
            if now - begun > Duration::from_secs(3600) {
                break;
            }
        }
        None
    }

    #[test]
    fn what_a_new_process_may_mend_ends_in_one_after_minutes_of_new_sessions() {
        let slow = Trouble::NoAnswer(8, "search");
        for trouble in [Trouble::Limit, Trouble::NotSearching, slow, Trouble::Ended] {
            let (count, after) = until_restart(&trouble).expect("a restart");
            assert!(count > 10, "{trouble}: only {count} sessions");
            assert!((AFTER..AFTER + LONGEST).contains(&after), "{trouble}");
        }
    }

    #[test]
    fn what_only_a_person_can_mend_is_waited_for() {
        for trouble in [Trouble::Off, Trouble::NoAdapter, Trouble::NotAllowed] {
            assert_eq!(until_restart(&trouble), None, "{trouble}");
        }
    }

    #[test]
    fn after_a_good_session_the_next_begins_at_once_and_from_the_first_rung() {
        let begun = Instant::now();
        let mut ladder = Ladder::new(AFTER);
        let limit = Trouble::Limit;
        ladder.climb(&limit, begun, begun);
        let later = begun + 2 * AFTER;
        let good = ladder.climb(&limit, later - GOOD, later);
        assert_eq!(good, Rung::Again(Duration::ZERO));
        assert_eq!(ladder.climb(&limit, later, later), Rung::Again(FIRST));
    }
}
