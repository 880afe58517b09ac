//! How fast one gateway is read: a token bucket, kept as the moment at which it will be full.
//!
//! Nothing is refused and nothing is dropped: whoever sends faster is read later, and feels it as
//! a full socket. Time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// The bucket of one connection.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Time that one packet costs.
    each: Duration,
    /// Time that a full bucket holds.
    burst: Duration,
    /// When the bucket is full again.
    full_at: Instant,
}

impl Rate {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let each = Duration::from_secs(1) / limits.packets_per_second.get();
        Self {
            each,
            burst: each.saturating_mul(limits.packet_burst.get()),
            full_at: now,
        }
    }

    /// Counts one packet, and says from when on the next may be read.
    pub(crate) fn count(&mut self, now: Instant) -> Instant {
        self.full_at = self.full_at.max(now) + self.each;
        let from = self.full_at.checked_sub(self.burst);
        from.map_or(now, |from| from.max(now))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn limits() -> Limits {
        Limits {
            packets_per_second: NonZeroU32::new(10).expect("it is not zero"),
            packet_burst: NonZeroU32::new(3).expect("it is not zero"),
            ..Limits::default()
        }
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut rate = Rate::new(&limits(), start);
        let waits: Vec<u128> = (0..5)
            .map(|_| (rate.count(start) - start).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn silence_fills_the_bucket_and_never_more_than_that() {
        let start = Instant::now();
        let mut rate = Rate::new(&limits(), start);
        let later = start + Duration::from_secs(3600);
        let waits: Vec<u128> = (0..4)
            .map(|_| (rate.count(later) - later).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100]);
    }
}
