//! Which frames are on their way, and when to send them again. Pure: time is an argument.
//!
//! Go-back-N: frames are sent in order; an acknowledgement covers everything before it; when none
//! comes, or ingest asks for an earlier sequence, sending starts over from there. Ingest knows a
//! repetition by its numbers, so that going back is never wrong, only wasteful: that is why each
//! reason to go back has a pause of its own.
//!
//! ```text
//!   acknowledged │ in flight │ not sent
//!   ─────────────┼───────────┼──────────→ sequence
//!               base        next
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use veglia_wire::Sequence;

use crate::backoff::Backoff;

/// Limits and pauses of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) frames: usize,
    /// Frames on their way before ingest has said how many it wishes to see.
    pub(crate) first_frames: usize,
    pub(crate) bytes: usize,
    /// No progress for this long: go back. Doubles up to `retry_cap` while nothing helps.
    pub(crate) retry: Duration,
    pub(crate) retry_cap: Duration,
    /// The same sequence asked for again within this does not count.
    pub(crate) asked_again: Duration,
    /// Frames unanswered for this long: the connection is not to be trusted.
    pub(crate) stalled: Duration,
}

/// A frame on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) last: Sequence,
    pub(crate) bytes: usize,
}

/// What the passing of time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Sending starts over behind the last acknowledgement; this has been done.
    WentBack,
    /// Make a new connection.
    Stalled,
}

#[derive(Debug)]
pub(crate) struct Window {
    limits: Limits,
    /// Frames that ingest wishes to see at most.
    wished: usize,
    base: Sequence,
    next: Sequence,
    flights: VecDeque<Flight>,
    retry: Backoff,
    retry_at: Option<Instant>,
    unanswered_since: Option<Instant>,
    asked: Option<(Sequence, Instant)>,
}

impl Window {
    pub(crate) fn new(limits: Limits, base: Sequence) -> Self {
        Self {
            limits,
            wished: limits.first_frames,
            base,
            next: base,
            flights: VecDeque::new(),
            retry: Backoff::new(limits.retry, limits.retry, limits.retry_cap),
            retry_at: None,
            unanswered_since: None,
            asked: None,
        }
    }

    /// The sequence that the next frame begins with.
    pub(crate) fn next(&self) -> Sequence {
        self.next
    }

    /// Whether another frame may be sent.
    pub(crate) fn is_open(&self) -> bool {
        let bytes: usize = self.flights.iter().map(|flight| flight.bytes).sum();
        let frames = self.limits.frames.min(self.wished);
        self.flights.len() < frames && bytes < self.limits.bytes
    }

    /// The frame that begins with [`Window::next`] was handed over.
    pub(crate) fn sent(&mut self, flight: Flight, now: Instant, rng: &mut fastrand::Rng) {
        self.next = flight.last.plus(1);
        self.flights.push_back(flight);
        if self.retry_at.is_none() {
            self.retry_at = Some(now + self.retry.wait(rng));
        }
        self.unanswered_since.get_or_insert(now);
    }

    /// What was to be sent next is not there any more: it was given up before this process began.
    pub(crate) fn skip_to(&mut self, first: Sequence) {
        if first > self.next {
            self.next = first;
            if self.flights.is_empty() {
                self.base = first;
            }
        }
    }

    /// Ingest has everything up to `through` (nothing, if none), and wishes a window of `wished`
    /// frames. Answers whether that is news.
    pub(crate) fn acknowledge(
        &mut self,
        through: Option<Sequence>,
        wished: u32,
        now: Instant,
    ) -> bool {
        // A window of nothing would never open again.
        self.wished = usize::try_from(wished).unwrap_or(usize::MAX).max(1);
        let base = through.map_or(self.base, |through| through.plus(1));
        let is_progress = base > self.base;
        if is_progress {
            self.base = base;
            self.next = self.next.max(base);
            while self.flights.front().is_some_and(|it| it.last < base) {
                self.flights.pop_front();
            }
            self.asked = None;
        }
        // Even an old acknowledgement says that ingest is alive: wait shortly again.
        self.retry.reset();
        let soon = now + self.limits.retry;
        self.retry_at = match self.retry_at {
            _ if self.flights.is_empty() => None,
            Some(at) if !is_progress => Some(at.min(soon)),
            _ => Some(soon),
        };
        self.unanswered_since = (!self.flights.is_empty()).then_some(now);
        is_progress
    }

    /// Ingest waits for `expected`. Answers whether sending starts over from there.
    pub(crate) fn expect(&mut self, expected: Sequence, now: Instant) -> bool {
        let is_repeated = self.asked.is_some_and(|(asked, at)| {
            asked == expected && now.duration_since(at) < self.limits.asked_again
        });
        if expected >= self.next || is_repeated {
            return false;
        }
        self.asked = Some((expected, now));
        self.base = self.base.min(expected);
        self.next = expected;
        self.flights.clear();
        self.retry_at = None;
        true
    }

    /// There is a new connection: what was on its way may be lost.
    pub(crate) fn start_over(&mut self) {
        self.go_back();
        self.unanswered_since = None;
        self.asked = None;
    }

    /// When [`Window::on_time`] is to be called next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let stalled_at = self.stalled_at();
        match (self.retry_at, stalled_at) {
            (Some(retry), Some(stalled)) => Some(retry.min(stalled)),
            (retry, stalled) => retry.or(stalled),
        }
    }

    pub(crate) fn on_time(&mut self, now: Instant) -> Due {
        if self.stalled_at().is_some_and(|at| at <= now) {
            Due::Stalled
        } else if self.retry_at.is_some_and(|at| at <= now) {
            self.go_back();
            Due::WentBack
        } else {
            Due::Nothing
        }
    }

    fn stalled_at(&self) -> Option<Instant> {
        self.unanswered_since
            .map(|since| since + self.limits.stalled)
    }

    fn go_back(&mut self) {
        self.next = self.base;
        self.flights.clear();
        self.retry_at = None;
    }
}

#[cfg(test)]
mod tests;
