//! The time by which certificates of the other side are judged: the system's, held at what is
//! certain. A box whose clock has lost the time knows some moment that is past.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use veglia_identity::UnixSeconds;
use veglia_wire::Clock;

/// The system's clock, held at the time that is certainly past.
pub struct TlsClock {
    wall: Arc<dyn Clock>,
    not_before: UnixSeconds,
}

impl TlsClock {
    /// It is not before this, whatever the clock says.
    pub fn new(wall: Arc<dyn Clock>, not_before: UnixSeconds) -> Self {
        Self { wall, not_before }
    }
}

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = believed(self.wall.as_ref()).max(self.not_before);
        let seconds = u64::try_from(seconds.0).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for TlsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClock").finish_non_exhaustive()
    }
}

/// What the system's clock says.
pub(crate) fn believed(wall: &dyn Clock) -> UnixSeconds {
    UnixSeconds(wall.now().0.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use veglia_wire::WallMs;

    use super::*;

    struct Hand(i64);

    impl Clock for Hand {
        fn now(&self) -> WallMs {
            WallMs(self.0)
        }
    }

    #[test]
    fn a_lost_clock_is_held_at_what_is_certain() {
        let time = |wall_ms| {
            let clock = TlsClock::new(Arc::new(Hand(wall_ms)), UnixSeconds(1_000_000));
            clock.current_time().unwrap().as_secs()
        };
        assert_eq!(time(0), 1_000_000);
        assert_eq!(time(-5), 1_000_000);
        assert_eq!(time(1_000_001_999), 1_000_001);
    }
}
