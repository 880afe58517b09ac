//! When a delivery is tried again, and when the next channel is used. Pure.

use std::time::Duration;

use crate::senders::Refusal;

/// How patiently a courier works; times are wall times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Attempts by one channel when somebody must act now: with the pauses, half a minute.
    pub urgent_attempts: u32,
    /// Attempts by one channel for the rest: with the pauses, some ten minutes.
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
            look_every: Duration::from_millis(500),
        }
    }
}

/// What comes after an attempt in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The same channel again, after so many milliseconds.
    Again { pause_ms: i64 },
    /// The next address, at once.
    Abandon,
}

impl Pace {
    /// What comes after the attempt number `attempts` (from 1) was refused.
    pub(crate) fn after(&self, refusal: &Refusal, attempts: u32, urgent: bool) -> Next {
        let most = if urgent {
            self.urgent_attempts
        } else {
            self.other_attempts
        };
        if !refusal.may_pass || attempts >= most {
            return Next::Abandon;
        }
        let grown = 3_u32.saturating_pow(attempts.saturating_sub(1));
        let pause = self
            .first_pause
            .saturating_mul(grown)
            .min(self.longest_pause);
        Next::Again {
            pause_ms: i64::try_from(pause.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_and_what_is_urgent_ends_sooner() {
        let pace = Pace::default();
        let away = Refusal::channel("away", true);
        let pauses: Vec<Next> = (1..=6).map(|n| pace.after(&away, n, false)).collect();
        let again = |seconds: i64| Next::Again {
            pause_ms: seconds * 1_000,
        };
        let expected = [
            again(5),
            again(15),
            again(45),
            again(135),
            again(300),
            Next::Abandon,
        ];
        assert_eq!(pauses, expected);
        assert_eq!(pace.after(&away, 2, true), again(15));
        assert_eq!(pace.after(&away, 3, true), Next::Abandon);
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        let refused = Refusal::recipient("refused", false);
        assert_eq!(Pace::default().after(&refused, 1, false), Next::Abandon);
    }
}
