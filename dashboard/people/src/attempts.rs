//! How often a password may be tried, per user name and in all.
//!
//! Two token buckets stand before the password hash, so that a stranger can neither guess at speed
//! nor keep the processor busy. A try takes a token from both; a correct password puts both back,
//! so a whole shift signing in at eight o'clock is not slowed by itself. The counts live in memory:
//! a restart forgets them, and several processes count apart. Nobody is ever locked out for good,
//! because that would let a stranger lock out a nurse.

use std::collections::HashMap;

use veglia_wire::WallMs;

/// Tries in a row for one user name: people mistype, and remember at the third or fourth time.
const PER_NAME_BURST: u32 = 5;

/// After that one try a minute: at most 1,440 guesses a day against one person's password.
const PER_NAME_REFILL_MS: i64 = 60_000;

/// Tries in a row for everybody together: two shifts of the largest centre, all mistyping.
const OVERALL_BURST: u32 = 120;

/// After that two tries a second, which costs a few hundredths of one processor.
const OVERALL_REFILL_MS: i64 = 500;

/// Names remembered. A bucket is full again, and forgotten, after five minutes; in five minutes
/// the overall bucket lets through 120 + 600 tries, so fewer names than this can ever matter.
const NAMES: usize = 1_024;

/// The two buckets. One value per process, behind a mutex.
#[derive(Debug)]
pub(crate) struct Attempts {
    overall: Bucket,
    by_name: HashMap<String, Bucket>,
}

/// A refused try: when the next one makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) wait_ms: i64,
}

impl Attempts {
    pub(crate) fn new(now: WallMs) -> Self {
        Self {
            overall: Bucket::full(OVERALL_BURST, now),
            by_name: HashMap::new(),
        }
    }

    /// Takes one try, or says how long to wait. A refused try costs nothing.
    pub(crate) fn take(&mut self, name: &str, now: WallMs) -> Result<(), TooMany> {
        if self.by_name.len() >= NAMES {
            self.by_name
                .retain(|_, bucket| !bucket.is_full(PER_NAME, now));
        }
        self.overall.refill(OVERALL, now);
        self.overall.check(OVERALL, now)?;
        // A name is remembered only from its first try that gets this far.
        let fresh = Bucket::full(PER_NAME_BURST, now);
        let named = self.by_name.entry(name.to_owned()).or_insert(fresh);
        named.refill(PER_NAME, now);
        named.check(PER_NAME, now)?;
        named.tokens -= 1;
        self.overall.tokens -= 1;
        Ok(())
    }

    /// The password was right: the try did not count.
    pub(crate) fn give_back(&mut self, name: &str) {
        self.overall.tokens = OVERALL_BURST.min(self.overall.tokens + 1);
        self.by_name.remove(name);
    }
}

/// How a bucket fills.
#[derive(Clone, Copy)]
struct Rate {
    burst: u32,
    refill_ms: i64,
}

const PER_NAME: Rate = Rate {
    burst: PER_NAME_BURST,
    refill_ms: PER_NAME_REFILL_MS,
};
const OVERALL: Rate = Rate {
    burst: OVERALL_BURST,
    refill_ms: OVERALL_REFILL_MS,
};

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: u32,
    /// Up to when the refill has been counted.
    counted_to: WallMs,
}

impl Bucket {
    fn full(burst: u32, now: WallMs) -> Self {
        Self {
            tokens: burst,
            counted_to: now,
        }
    }

    fn refill(&mut self, rate: Rate, now: WallMs) {
        let elapsed_ms = now.since(self.counted_to);
        if elapsed_ms < 0 {
            // A clock set back gives nothing, and must not jam the door until it catches up.
            self.counted_to = now;
            return;
        }
        let earned = u32::try_from(elapsed_ms / rate.refill_ms).unwrap_or(rate.burst);
        if earned == 0 {
            return;
        }
        self.tokens = rate.burst.min(self.tokens.saturating_add(earned));
        self.counted_to = self.counted_to.plus_ms(i64::from(earned) * rate.refill_ms);
    }

    /// Whether there is a token, or how long until there is one.
    fn check(&self, rate: Rate, now: WallMs) -> Result<(), TooMany> {
        if self.tokens > 0 {
            return Ok(());
        }
        let waited_ms = now.since(self.counted_to).clamp(0, rate.refill_ms);
        Err(TooMany {
            wait_ms: rate.refill_ms - waited_ms,
        })
    }

    fn is_full(mut self, rate: Rate, now: WallMs) -> bool {
        self.refill(rate, now);
        self.tokens == rate.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: WallMs = WallMs(1_600_000_000_000);

    #[test]
    fn a_name_may_be_tried_five_times_and_then_once_a_minute() {
        let mut attempts = Attempts::new(START);
        for _ in 0..PER_NAME_BURST {
            attempts.take("anna", START).unwrap();
        }
        let refused = attempts.take("anna", START.plus_ms(1_000)).unwrap_err();
        assert_eq!(refused.wait_ms, 59_000);
        attempts.take("bruno", START).unwrap();
        attempts.take("anna", START.plus_ms(60_000)).unwrap();
        assert!(attempts.take("anna", START.plus_ms(60_001)).is_err());
    }

    #[test]
    fn a_right_password_gives_the_tries_back() {
        let mut attempts = Attempts::new(START);
        for _ in 0..1_000 {
            attempts.take("anna", START).unwrap();
            attempts.give_back("anna");
        }
    }

    #[test]
    fn many_names_together_are_slowed_and_few_are_remembered() {
        let mut attempts = Attempts::new(START);
        let mut let_through = 0;
        for second in 0..3_600 {
            for try_in_second in 0..10 {
                let name = format!("{second}-{try_in_second}");
                let_through +=
                    i32::from(attempts.take(&name, START.plus_ms(second * 1_000)).is_ok());
            }
            assert!(attempts.by_name.len() <= NAMES);
        }
        assert!(let_through <= 120 + 2 * 3_600, "{let_through}");
    }

    #[test]
    fn a_clock_set_back_neither_frees_nor_jams_the_door() {
        let mut attempts = Attempts::new(START);
        for _ in 0..PER_NAME_BURST {
            attempts.take("anna", START).unwrap();
        }
        let yesterday = START.plus_ms(-86_400_000);
        let refused = attempts.take("anna", yesterday).unwrap_err();
        assert_eq!(refused.wait_ms, PER_NAME_REFILL_MS);
        attempts.take("anna", yesterday.plus_ms(60_000)).unwrap();
    }
}
