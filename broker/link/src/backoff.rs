//! How long to wait before trying again: doubling, with full jitter, up to a cap.
//!
//! Full jitter (anything between the floor and the ceiling) keeps ten thousand homes from coming
//! back in the same second after a power cut.

use std::time::Duration;

/// A waiting time that grows with each use and starts over at [`Backoff::reset`].
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    floor: Duration,
    first: Duration,
    cap: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Waits of `floor` to `first`, then to twice that, … and at most `cap`.
    pub(crate) fn new(floor: Duration, first: Duration, cap: Duration) -> Self {
        Self {
            floor,
            first,
            cap,
            ceiling: first.min(cap),
        }
    }

    /// The next wait.
    pub(crate) fn wait(&mut self, rng: &mut fastrand::Rng) -> Duration {
        let room = self.ceiling.saturating_sub(self.floor);
        let wait = self.floor + room.mul_f64(rng.f64());
        self.ceiling = self.ceiling.saturating_mul(2).min(self.cap);
        wait
    }

    /// A wait for what only a person can mend: half the longest one at least.
    pub(crate) fn long_wait(&self, rng: &mut fastrand::Rng) -> Duration {
        self.cap.mul_f64(f64::midpoint(1.0, rng.f64()))
    }

    /// From now on no wait is longer than this.
    pub(crate) fn cap(&mut self, cap: Duration) {
        self.cap = cap.max(self.floor);
        self.ceiling = self.ceiling.min(self.cap);
    }

    /// There was progress: the next wait is a short one.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.first.min(self.cap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_grow_to_the_cap_and_start_over_after_progress() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::ZERO, SECOND, 300 * SECOND);
        let ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        for ceiling in ceilings {
            assert!(backoff.wait(&mut rng) <= ceiling * SECOND);
        }
        backoff.reset();
        assert!(backoff.wait(&mut rng) <= SECOND);
    }

    #[test]
    fn a_long_wait_is_half_the_cap_at_least() {
        let mut rng = fastrand::Rng::with_seed(7);
        let backoff = Backoff::new(Duration::ZERO, SECOND, 300 * SECOND);
        for _ in 0..1000 {
            let wait = backoff.long_wait(&mut rng);
            assert!((150 * SECOND..=300 * SECOND).contains(&wait));
        }
    }

    #[test]
    fn a_cap_that_is_set_later_holds_from_then_on() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::ZERO, SECOND, 300 * SECOND);
        for _ in 0..20 {
            backoff.wait(&mut rng);
        }
        backoff.cap(3 * SECOND);
        let longest = (0..1000).map(|_| backoff.wait(&mut rng)).max();
        assert!(longest.is_some_and(|longest| longest > SECOND && longest <= 3 * SECOND));
    }

    #[test]
    fn a_wait_is_never_shorter_than_its_floor() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(5 * SECOND, 5 * SECOND, 300 * SECOND);
        assert_eq!(backoff.wait(&mut rng), 5 * SECOND);
        for _ in 0..1000 {
            assert!(backoff.wait(&mut rng) >= 5 * SECOND);
        }
    }
}
