//! What waits at the centre for a browser's answer: a challenge, a sign-in that went elsewhere. It
//! waits for a few minutes and is taken once.
//!
//! It lives in memory: a restart ends it, and whoever was in the middle begins again. There is room
//! for [`WAITING_MAX`]; another one pushes the oldest out, because a door that turned people away
//! would be shut by the first flood.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use veglia_wire::WallMs;

use crate::sessions::Token;

/// What waits at once: a few megabytes. To push out somebody who takes twenty seconds, a stranger
/// must begin eight hundred a second.
pub const WAITING_MAX: usize = 16_384;

/// By the token that the browser holds, of which a hash is kept.
pub struct Waiting<T> {
    life_ms: i64,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    open: HashMap<String, (WallMs, T)>,
    /// Oldest first; what was taken too, until its time is over.
    begun: VecDeque<(WallMs, String)>,
}

impl<T> Waiting<T> {
    /// Room for what waits so long, in milliseconds.
    #[must_use]
    pub fn new(life_ms: i64) -> Self {
        let kept = Kept {
            open: HashMap::new(),
            begun: VecDeque::new(),
        };
        Self {
            life_ms,
            kept: Mutex::new(kept),
        }
    }

    /// Keeps something, for whoever comes back with the token.
    ///
    /// # Errors
    /// The system gave no random numbers.
    pub fn keep(&self, what: T, now: WallMs) -> Result<Token, getrandom::Error> {
        let token = Token::random()?;
        let hash = token.hash();
        self.with(|kept| {
            kept.make_room(|since| !self.is_open(since, now));
            kept.begun.push_back((now, hash.clone()));
            kept.open.insert(hash, (now, what));
        });
        Ok(token)
    }

    /// Takes it out: it is used, whatever comes of it.
    #[must_use]
    pub fn take(&self, token: &Token, now: WallMs) -> Option<T> {
        let (since, what) = self.with(|kept| kept.open.remove(&token.hash()))?;
        self.is_open(since, now).then_some(what)
    }

    /// A clock that was set back ends what was begun in its future.
    fn is_open(&self, since: WallMs, now: WallMs) -> bool {
        (0..self.life_ms).contains(&now.since(since))
    }

    /// What is kept is whole at every step, so a panic elsewhere does not spoil it.
    fn with<R>(&self, work: impl FnOnce(&mut Kept<T>) -> R) -> R {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Kept<T> {
    fn make_room(&mut self, is_over: impl Fn(WallMs) -> bool) {
        while self.begun.len() >= WAITING_MAX || self.begun.front().is_some_and(|it| is_over(it.0))
        {
            let Some((_, oldest)) = self.begun.pop_front() else {
                break;
            };
            self.open.remove(&oldest);
        }
    }
}

/// What waits is nobody's to read.
impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallMs = WallMs(1_600_000_000_000);
    const LIFE_MS: i64 = 300_000;

    #[test]
    fn what_waits_is_taken_once_and_in_time() {
        let all = Waiting::new(LIFE_MS);
        let one = all.keep("one", NOW).unwrap();
        assert!(all.take(&Token::random().unwrap(), NOW).is_none());
        assert_eq!(all.take(&one, NOW.plus_ms(LIFE_MS - 1)), Some("one"));
        assert!(all.take(&one, NOW).is_none());
        let late = all.keep("late", NOW).unwrap();
        assert!(all.take(&late, NOW.plus_ms(LIFE_MS)).is_none());
        let set_back = all.keep("set back", NOW).unwrap();
        assert!(all.take(&set_back, NOW.plus_ms(-1)).is_none());
    }

    #[test]
    fn a_flood_pushes_the_oldest_out_and_takes_no_more_memory() {
        let all = Waiting::new(LIFE_MS);
        let first = all.keep(0, NOW).unwrap();
        let second = all.keep(1, NOW).unwrap();
        for number in 2..=WAITING_MAX {
            all.keep(number, NOW).unwrap();
        }
        let kept = |all: &Waiting<usize>| all.with(|kept| (kept.open.len(), kept.begun.len()));
        assert_eq!(kept(&all), (WAITING_MAX, WAITING_MAX));
        assert!(all.take(&first, NOW).is_none());
        assert_eq!(all.take(&second, NOW), Some(1));
        all.keep(0, NOW.plus_ms(LIFE_MS)).unwrap();
        assert_eq!(kept(&all), (1, 1));
    }
}
