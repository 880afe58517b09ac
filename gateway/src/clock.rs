//! The box's sense of time.
//!
//! Monotonic time is the truth here: it never steps, and no two moments are alike (each is at
//! least a millisecond after the one before), so that every record of the box has its own. Wall
//! time is monotonic time plus an offset that is measured at the start and measured again now
//! and then; only when the clocks have moved apart by more than [`TOLERATED_DRIFT_MS`] is the
//! offset replaced, and then a record says so. Between two such moments wall times neither jitter
//! nor run backwards.
//!
//! A box without a battery behind its clock starts with a time that is plausible and wrong: that
//! of its last shutdown. Where the configuration says so, no wall time is believed before network
//! time was reached in this start; the record that then tells it maps the whole start, also
//! backwards.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use veglia_wire::{Boot, CareClock, ClockState, DeviceStamp, MonoMs, WallMs, When};

/// How far monotonic and wall time may part before the offset is measured anew, in wall
/// milliseconds. Below what matters to a chart, far above the jitter of reading two clocks.
const TOLERATED_DRIFT_MS: i64 = 250;

/// Wall times before this (2020-01-01) are those of a box that has no battery for its clock and
/// was not told the time yet.
const EARLIEST_PLAUSIBLE: WallMs = WallMs(1_577_836_800_000);

/// Where systemd says that network time was reached.
const SYNCHRONISED_MARK: &str = "/run/systemd/timesync/synchronized";

/// How long a box has been running: time that only goes on.
pub trait Steady: Send + Sync {
    /// Since its start.
    fn elapsed(&self) -> Duration;
}

/// The system's.
impl Steady for Instant {
    fn elapsed(&self) -> Duration {
        self.elapsed()
    }
}

/// What must have happened before the system's wall time is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Belief {
    /// Nothing: a battery keeps the clock.
    AtOnce,
    /// This file is there: network time was reached.
    Confirmed(PathBuf),
}

impl Belief {
    /// `needs_network`: no battery keeps the clock.
    pub(crate) fn of(needs_network: bool) -> Self {
        if needs_network {
            Self::Confirmed(PathBuf::from(SYNCHRONISED_MARK))
        } else {
            Self::AtOnce
        }
    }

    fn holds(&self) -> bool {
        match self {
            Self::AtOnce => true,
            Self::Confirmed(mark) => mark.exists(),
        }
    }
}

pub(crate) struct BoxClock {
    boot: Boot,
    steady: Arc<dyn Steady>,
    care: CareClock,
    belief: Belief,
    state: Mutex<State>,
}

struct State {
    last_mono: u64,
    offset: Option<i64>,
}

impl BoxClock {
    /// Starts now, by the system's clocks.
    #[cfg(test)]
    pub(crate) fn new(boot: Boot, care: CareClock) -> Self {
        Self::started(boot, care, Arc::new(Instant::now()), Belief::AtOnce)
    }

    /// Started when `steady` began.
    pub(crate) fn started(
        boot: Boot,
        care: CareClock,
        steady: Arc<dyn Steady>,
        belief: Belief,
    ) -> Self {
        let clock = Self {
            boot,
            steady,
            care,
            belief,
            state: Mutex::new(State {
                last_mono: 0,
                offset: None,
            }),
        };
        clock.adjust();
        clock
    }

    pub(crate) fn boot(&self) -> Boot {
        self.boot
    }

    /// Care milliseconds in one wall millisecond.
    pub(crate) fn speed(&self) -> u64 {
        u64::from(self.care.speed())
    }

    /// Care milliseconds since a moment of this start.
    pub(crate) fn since(&self, at: MonoMs) -> u64 {
        self.mono().saturating_sub(at.0)
    }

    /// Care milliseconds since the start.
    fn mono(&self) -> u64 {
        let wall_ms = u64::try_from(self.steady.elapsed().as_millis()).unwrap_or(u64::MAX);
        wall_ms.saturating_mul(u64::from(self.care.speed()))
    }

    /// This moment: later than every moment given before.
    pub(crate) fn stamp(&self, device: Option<DeviceStamp>) -> When {
        let now = self.mono();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mono = now.max(state.last_mono.saturating_add(1));
        state.last_mono = mono;
        let wall = state
            .offset
            .map(|offset| WallMs(mono.cast_signed().saturating_add(offset)));
        When {
            boot: self.boot,
            mono: MonoMs(mono),
            wall,
            device,
        }
    }

    /// Measures the offset again. True when it was replaced: the next stamps go by the new one.
    pub(crate) fn adjust(&self) -> bool {
        let wall = self.care.now();
        let is_plausible = wall >= EARLIEST_PLAUSIBLE;
        let measured = is_plausible.then(|| wall.0 - self.mono().cast_signed());
        let tolerated = TOLERATED_DRIFT_MS.saturating_mul(i64::from(self.care.speed()));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let replace = match (state.offset, measured) {
            (Some(old), Some(new)) => old.abs_diff(new) > tolerated.unsigned_abs(),
            // A clock that fell back to an implausible time says nothing: keep what was known.
            (Some(_), None) | (None, None) => false,
            (None, Some(_)) => self.belief.holds(),
        };
        if replace {
            state.offset = measured;
        }
        replace
    }

    /// What the box knows of the wall time.
    pub(crate) fn state(&self) -> ClockState {
        let known = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .offset
            .is_some();
        match (known, Path::new(SYNCHRONISED_MARK).exists()) {
            (false, _) => ClockState::Unknown,
            (true, false) => ClockState::Holdover,
            (true, true) => ClockState::Synchronised,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use veglia_wire::Clock;

    use super::*;

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> WallMs {
            WallMs(self.0.load(Ordering::SeqCst))
        }
    }

    const TODAY: i64 = 1_603_180_800_000;

    fn box_at(wall: i64) -> (Arc<Hand>, BoxClock) {
        let hand = Arc::new(Hand(AtomicI64::new(wall)));
        let clock = BoxClock::new(Boot(1), CareClock::real(hand.clone()));
        (hand, clock)
    }

    #[test]
    fn no_two_moments_are_alike_and_wall_time_keeps_its_distance() {
        let (_, clock) = box_at(TODAY);
        let stamps: Vec<When> = (0..1000).map(|_| clock.stamp(None)).collect();
        assert!(stamps.windows(2).all(|pair| pair[0].mono < pair[1].mono));
        assert!(stamps.windows(2).all(|pair| pair[0].wall < pair[1].wall));
    }

    #[test]
    fn a_box_that_was_never_told_the_time_gives_none() {
        let (hand, clock) = box_at(3_600_000);
        assert_eq!(clock.stamp(None).wall, None);
        assert_eq!(clock.state(), ClockState::Unknown);
        hand.0.store(TODAY, Ordering::SeqCst);
        assert!(clock.adjust(), "the time became known");
        assert!(clock.stamp(None).wall.is_some());
    }

    #[test]
    fn a_step_backwards_is_taken_and_told_but_jitter_is_not() {
        let (hand, clock) = box_at(TODAY);
        hand.0.store(TODAY + 100, Ordering::SeqCst);
        assert!(!clock.adjust(), "jitter");
        hand.0.store(TODAY - 3_600_000, Ordering::SeqCst);
        assert!(clock.adjust(), "an hour back");
        assert!(clock.stamp(None).wall < Some(WallMs(TODAY)));
    }

    #[test]
    fn without_a_battery_the_time_is_believed_when_the_network_confirms_it_and_kept_then() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("synchronized");
        let last_shutdown = Arc::new(Hand(AtomicI64::new(TODAY - 86_400_000)));
        let clock = BoxClock::started(
            Boot(1),
            CareClock::real(last_shutdown.clone()),
            Arc::new(Instant::now()),
            Belief::Confirmed(mark.clone()),
        );
        assert!(!clock.adjust(), "plausible, and wrong");
        assert_eq!(clock.stamp(None).wall, None);
        assert_eq!(clock.state(), ClockState::Unknown);
        last_shutdown.0.store(TODAY, Ordering::SeqCst);
        std::fs::write(&mark, "").unwrap();
        assert!(clock.adjust(), "the time became known");
        assert!(clock.stamp(None).wall >= Some(WallMs(TODAY)));
        std::fs::remove_file(&mark).unwrap();
        last_shutdown.0.store(TODAY + 3_600_000, Ordering::SeqCst);
        assert!(clock.adjust(), "a step is taken without asking again");
    }

    #[test]
    fn a_late_time_maps_what_was_measured_before_it() {
        let (hand, clock) = box_at(3_600_000);
        let before = clock.stamp(None);
        hand.0.store(TODAY, Ordering::SeqCst);
        assert!(clock.adjust());
        let told = clock.stamp(None);
        let zero = told.wall.unwrap().0 - told.mono.0.cast_signed();
        let mapped = zero + before.mono.0.cast_signed();
        assert!((mapped - TODAY).abs() < 1_000, "{mapped}");
    }

    #[test]
    fn a_clock_that_forgets_the_time_does_not_take_it_from_the_box() {
        let (hand, clock) = box_at(TODAY);
        hand.0.store(0, Ordering::SeqCst);
        assert!(!clock.adjust());
        assert!(clock.stamp(None).wall.is_some());
    }
}
