//! How often one identity may come in.
//!
//! A box that connects in a loop costs a handshake each time, takes its own seat from itself, and
//! has everybody who hears it told anew. So each identity may come in so often and no more: a
//! burst, and then a rate, both in [`Limits`]. Only who was let in is counted: a box that goes on
//! trying comes in at the rate and is never shut out for good, because what it has to say may
//! matter.
//!
//! Who comes too often is told "server unavailable", the word that MQTT has for "not now", and
//! late: a loop that waits for its answer then turns once in [`LATE`] instead of hundreds of times
//! a second, and costs that many handshakes less. The session that it has meanwhile is not
//! touched.
//!
//! Limits: an entry for each identity that came in and whose bucket is not full again, so never
//! more than there are identities. Deliberately absent: any trace of it across a restart, after
//! which everybody comes at once and may.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;
use crate::rate::{Bucket, Rate};
use crate::refusal::Refusal;

/// How late the answer comes. A gateway waits ten seconds for a whole greeting, so it still hears
/// it; a second for each end of a bad line is left, and more.
pub(crate) const LATE: Duration = Duration::from_secs(4);

/// Who came lately, by name.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    lately: Mutex<HashMap<String, Lately>>,
}

#[derive(Debug)]
struct Lately {
    bucket: Bucket,
    /// That it comes too often was logged: once until it has been quiet.
    is_told: bool,
}

impl Arrivals {
    /// Counts somebody who has proved to be this identity, or says that it comes too often.
    pub(crate) fn count(&self, name: &str, limits: &Limits, now: Instant) -> Result<(), Refusal> {
        let rate = Rate::of_arrivals(limits);
        let mut lately = self.lately();
        let here = lately.entry(name.to_owned()).or_insert_with(|| Lately {
            bucket: Bucket::full(now),
            is_told: false,
        });
        let mut counted = here.bucket;
        if counted.count(0, &rate, now) <= now {
            here.bucket = counted;
            return Ok(());
        }
        let is_told = std::mem::replace(&mut here.is_told, true);
        drop(lately);
        if !is_told {
            let most = limits.arrivals_per_minute;
            tracing::warn!(
                client = name,
                "it connects again and again and is let in {most} times a minute: look at its \
                 line, at the box, or for a second one with the same key"
            );
        }
        Err(Refusal::TooOften)
    }

    /// Forgets those who have been quiet.
    pub(crate) fn tidy(&self, now: Instant) {
        self.lately().retain(|_, it| !it.bucket.is_full(now));
    }

    fn lately(&self) -> MutexGuard<'_, HashMap<String, Lately>> {
        self.lately.lock().expect("nothing panics under this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn limits() -> Limits {
        Limits {
            arrivals_per_minute: NonZeroU32::new(30).expect("it is not zero"),
            arrival_burst: NonZeroU32::new(3).expect("it is not zero"),
            ..Limits::default()
        }
    }

    /// How many of so many attempts at this moment are let in.
    fn let_in(arrivals: &Arrivals, attempts: u32, now: Instant) -> usize {
        let all = (0..attempts).map(|_| arrivals.count("casa", &limits(), now));
        all.filter(Result::is_ok).count()
    }

    #[test]
    fn a_burst_comes_in_and_then_so_many_a_minute_however_often_they_try() {
        let start = Instant::now();
        let arrivals = Arrivals::default();
        assert_eq!(let_in(&arrivals, 100, start), 3);
        assert_eq!(let_in(&arrivals, 100, start + Duration::from_secs(1)), 0);
        let in_a_minute = (1..=60).map(|second| {
            let now = start + Duration::from_secs(second);
            let_in(&arrivals, 100, now)
        });
        assert_eq!(in_a_minute.sum::<usize>(), 30);
    }

    #[test]
    fn the_others_come_in_meanwhile_and_who_was_quiet_is_forgotten() {
        let start = Instant::now();
        let arrivals = Arrivals::default();
        let_in(&arrivals, 100, start);
        assert_eq!(arrivals.count("another", &limits(), start), Ok(()));
        arrivals.tidy(start + Duration::from_secs(3));
        assert_eq!(arrivals.lately().len(), 1);
        arrivals.tidy(start + Duration::from_secs(6));
        assert!(arrivals.lately().is_empty());
    }
}
