//! How fast one gateway is read: a token bucket, kept as the moment at which it will be full.
//! How often an identity may come in is counted by another of the same kind; see `arrivals`.
//!
//! Of packets nothing is refused and nothing is dropped: whoever sends faster is read later, and
//! feels it as a full socket. A large packet counts as several. The bucket belongs to the identity
//! and not to the connection: who comes back finds it as it was left. Time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// A packet counts once for each of these it has begun: a frame is mostly smaller, and a full
/// burst is then a whole window of 32 of the largest.
pub(crate) const STEP_BYTES: usize = 4 * 1024;

/// The terms that hold for everybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Time that one step costs.
    each: Duration,
    /// Time that a full bucket holds.
    burst: Duration,
}

impl Rate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let each = Duration::from_secs(1) / limits.packets_per_second.get();
        Self {
            each,
            burst: each.saturating_mul(limits.packet_burst.get()),
        }
    }

    /// How often an identity may come in; each time is one step.
    pub(crate) fn of_arrivals(limits: &Limits) -> Self {
        let each = Duration::from_secs(60) / limits.arrivals_per_minute.get();
        Self {
            each,
            burst: each.saturating_mul(limits.arrival_burst.get()),
        }
    }
}

/// How full one gateway's bucket is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    pub(crate) fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// From when on the next packet may be read.
    pub(crate) fn open_from(&self, rate: &Rate, now: Instant) -> Instant {
        let from = self.full_at.checked_sub(rate.burst);
        from.map_or(now, |from| from.max(now))
    }

    /// Counts one packet of so many bytes, and says from when on the next may be read.
    pub(crate) fn count(&mut self, bytes: usize, rate: &Rate, now: Instant) -> Instant {
        let steps = bytes.div_ceil(STEP_BYTES).max(1);
        let cost = rate
            .each
            .saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
        self.full_at = self.full_at.max(now) + cost;
        self.open_from(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn rate() -> Rate {
        Rate::new(&Limits {
            packets_per_second: NonZeroU32::new(10).expect("it is not zero"),
            packet_burst: NonZeroU32::new(3).expect("it is not zero"),
            ..Limits::default()
        })
    }

    fn waits(bucket: &mut Bucket, packets: &[usize], now: Instant) -> Vec<u128> {
        let wait = |bytes: &usize| (bucket.count(*bytes, &rate(), now) - now).as_millis();
        packets.iter().map(wait).collect()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        let waits = waits(&mut bucket, &[2, 100, 4096, 0, 50], start);
        assert_eq!(waits, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn a_large_packet_counts_as_several() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        let waits = waits(&mut bucket, &[4097, 16 * 1024], start);
        assert_eq!(waits, [0, 300]);
        assert_eq!((bucket.open_from(&rate(), start) - start).as_millis(), 300);
    }

    #[test]
    fn silence_fills_the_bucket_and_never_more_than_that() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        let later = start + Duration::from_secs(3600);
        assert_eq!(waits(&mut bucket, &[1; 4], later), [0, 0, 0, 100]);
        assert!(!bucket.is_full(later));
        assert!(bucket.is_full(later + Duration::from_millis(400)));
    }
}
