//! When all addresses of a delivery are tried again. Pure.

use std::time::Duration;

/// How patiently a courier works; times are wall times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rounds through all addresses when somebody must act now: with the pauses, half a minute.
    pub urgent_attempts: u32,
    /// Rounds for the rest: with the pauses, some ten minutes.
    pub other_attempts: u32,
    /// The pause after the first attempt; it triples each time.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Between two looks at the outbox: well under the two seconds that a red may take.
    pub look_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            urgent_attempts: 3,
            other_attempts: 6,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
            look_every: Duration::from_millis(250),
        }
    }
}

impl Pace {
    /// How long to wait after `attempts` (from 1) rounds in vain before the next one, in
    /// milliseconds; none when it was tried often enough.
    pub(crate) fn after(&self, attempts: u32, urgent: bool) -> Option<i64> {
        let most = if urgent {
            self.urgent_attempts
        } else {
            self.other_attempts
        };
        if attempts >= most {
            return None;
        }
        let grown = 3_u32.saturating_pow(attempts.saturating_sub(1));
        let pause = self
            .first_pause
            .saturating_mul(grown)
            .min(self.longest_pause);
        Some(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_and_what_is_urgent_ends_sooner() {
        let pace = Pace::default();
        let pauses: Vec<Option<i64>> = (1..=6).map(|n| pace.after(n, false)).collect();
        let again = |seconds: i64| Some(seconds * 1_000);
        let expected = [again(5), again(15), again(45), again(135), again(300), None];
        assert_eq!(pauses, expected);
        assert_eq!(pace.after(2, true), again(15));
        assert_eq!(pace.after(3, true), None);
    }
}
