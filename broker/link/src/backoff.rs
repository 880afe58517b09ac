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
    fn a_wait_is_never_shorter_than_its_floor() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(5 * SECOND, 5 * SECOND, 300 * SECOND);
        assert_eq!(backoff.wait(&mut rng), 5 * SECOND);
        for _ in 0..1000 {
            assert!(backoff.wait(&mut rng) >= 5 * SECOND);
        }
    }
}
