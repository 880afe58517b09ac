//! Trying to reach the broker again and again: how long to wait, what to say, what to log.
//!
//! A series of attempts ends with the first sign of life from the other end, not with the
//! connection itself: a broker that accepts and then throws out must not be hammered. An identity
//! that was revoked may be admitted again, so it too goes on trying, at the slowest.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::pipe::PipeError;
use crate::sender::Timing;
use crate::status::{Phase, Refused, chain};

#[derive(Debug)]
pub(crate) struct Reconnect {
    backoff: Backoff,
    /// Which attempt of the series the present one is, from 1.
    attempt: u32,
    /// The refusal that was logged last, so that it is logged once.
    told: Option<Refused>,
    rng: fastrand::Rng,
}

impl Reconnect {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self {
            backoff: Backoff::new(Duration::ZERO, timing.reconnect, timing.reconnect_cap),
            attempt: 1,
            told: None,
            rng: fastrand::Rng::new(),
        }
    }

    /// From now on no wait is longer than this.
    pub(crate) fn cap(&mut self, longest: Duration) {
        self.backoff.cap(longest);
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The other end is alive: the next failure begins a new series.
    pub(crate) fn progress(&mut self) {
        self.attempt = 1;
        self.told = None;
        self.backoff.reset();
    }

    /// The connection is lost, or was not made: what to say and how long to wait. The reason is
    /// logged once in a series, and a refusal that needs a person once, at whatever attempt.
    pub(crate) fn failed(&mut self, reason: &PipeError) -> (Phase, Duration) {
        let last_error = chain(reason);
        let refused = reason.refused();
        if refused.is_some() && refused != self.told {
            tracing::error!(error = last_error, "the broker refuses this identity");
        } else if self.attempt == 1 {
            tracing::warn!(
                error = last_error,
                "no connection to the broker; trying again"
            );
        } else {
            tracing::debug!(
                error = last_error,
                link.attempt = self.attempt,
                "still none"
            );
        }
        self.told = refused.or(self.told);
        self.attempt = self.attempt.saturating_add(1);
        let phase = Phase::Connecting {
            attempt: self.attempt,
            last_error: Some(last_error),
        };
        let pause = match refused {
            Some(Refused::Revoked) => self.backoff.long_wait(&mut self.rng),
            _ => self.backoff.wait(&mut self.rng),
        };
        (phase, pause)
    }
}
