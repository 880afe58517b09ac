//! Whether the gateway's clock goes as the centre's does, as far as acknowledgements tell.
//!
//! A box may have a battery and a wrong time, and no network that sets it. What it measures is then
//! filed hours ago, or believed by nobody, and nothing else shows it. Acknowledgements carry the
//! centre's time, so the box can know, and says of itself that it does not know the time.
//!
//! Deliberately absent: setting the clock, and correcting what was measured. The server annotates,
//! it never rewrites.

use veglia_wire::WallMs;

/// How far the two may be apart, in milliseconds of care: what ingest tolerates of a time ahead of
/// its own.
const TOLERATED_MS: i64 = 5 * 60 * 1000;

/// Acknowledgements in a row that must say so: one may have been late on its way.
const IN_A_ROW: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Agreement {
    apart: u32,
    ahead_ms: Option<i64>,
}

impl Agreement {
    /// How far the box is ahead of the centre, in milliseconds of care, less than nothing when it
    /// is behind; none while they agree.
    pub(super) fn ahead_ms(&self) -> Option<i64> {
        self.ahead_ms
    }

    /// Takes in that it was `at` at the centre, and `now` here. True when that changes whether they
    /// agree.
    pub(super) fn heard(&mut self, at: WallMs, now: WallMs) -> bool {
        let ahead_ms = now.since(at);
        let did_agree = self.ahead_ms.is_none();
        if ahead_ms.abs() <= TOLERATED_MS {
            *self = Self::default();
        } else {
            self.apart = self.apart.saturating_add(1);
            if self.apart >= IN_A_ROW {
                self.ahead_ms = Some(ahead_ms);
            }
        }
        did_agree != self.ahead_ms.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: WallMs = WallMs(1_603_188_000_000);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_clock_that_stays_apart_is_told_once_and_told_again_when_it_is_right() {
        for ahead in [6 * HOUR, -6 * HOUR] {
            let mut clocks = Agreement::default();
            let told: Vec<bool> = (0..5)
                .map(|_| clocks.heard(NOON, NOON.plus_ms(ahead)))
                .collect();
            assert_eq!(told, [false, false, true, false, false]);
            assert_eq!(clocks.ahead_ms(), Some(ahead));
            assert!(clocks.heard(NOON, NOON.plus_ms(2_000)));
            assert_eq!(clocks.ahead_ms(), None);
        }
    }

    #[test]
    fn one_late_acknowledgement_says_nothing_of_the_clock() {
        let mut clocks = Agreement::default();
        for late in [HOUR, 0, HOUR, HOUR, 0] {
            assert!(!clocks.heard(NOON, NOON.plus_ms(late)));
        }
    }
}
