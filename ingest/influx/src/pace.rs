//! How patient the room is with its server.
//!
//! A pause doubles from try to try up to the longest, and lies by chance between half of that and
//! all of it, so that the requests of many centres do not come back to a server in one moment.

use std::time::Duration;

/// Doublings after which a pause is at its longest, whatever the first was.
const MAX_DOUBLINGS: u32 = 16;

/// Time-outs and pauses. The default is for a real server; tests are in a hurry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a request may take, from connecting to the answer's last byte. A server that
    /// needs longer for 5 000 lines is not keeping up, and the next try finds it less busy.
    pub timeout: Duration,
    /// First pause after a failure that passes by itself.
    pub first: Duration,
    /// First pause when the server asks for fewer requests (429).
    pub busy: Duration,
    /// Longest of these pauses: a server that is back is fed within it.
    pub longest: Duration,
    /// Pause when only a person can help: wrong token, no such bucket, quarantine full.
    pub slow: Duration,
    /// How long lines wait for company before a batch that is not full is sent.
    pub gather: Duration,
    /// Shortest time between two writings of the cursor. What is sent again after a crash is what
    /// was sent since.
    pub keep_cursor: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            first: Duration::from_millis(500),
            busy: Duration::from_secs(5),
            longest: Duration::from_secs(30),
            slow: Duration::from_secs(60),
            gather: Duration::from_secs(1),
            keep_cursor: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// The pause after `tries` failures that began with `first`.
    pub(crate) fn growing(&self, first: Duration, tries: u32) -> Duration {
        let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(MAX_DOUBLINGS));
        jittered(doubled.min(self.longest))
    }

    /// The pause when only a person can help.
    pub(crate) fn slowly(&self) -> Duration {
        jittered(self.slow)
    }
}

fn jittered(longest: Duration) -> Duration {
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_stay_below_the_longest_and_are_never_all_the_same() {
        let pace = Pace::default();
        for (tries, whole_ms) in [
            (1, 500),
            (2, 1_000),
            (4, 4_000),
            (7, 30_000),
            (u32::MAX, 30_000),
        ] {
            let whole = Duration::from_millis(whole_ms);
            let pauses: Vec<_> = (0..50).map(|_| pace.growing(pace.first, tries)).collect();
            assert!(
                pauses.iter().all(|it| (whole / 2..=whole).contains(it)),
                "{tries}"
            );
            assert!(pauses.iter().any(|it| *it != pauses[0]), "{tries}");
        }
    }
}
