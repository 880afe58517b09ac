//! One session an identity, and the newest wins: a seat each.
//!
//! After a network change a gateway comes back while its old connection still looks alive here.
//! The old session is told to end and is *gone* (its socket closed, its subscriptions dropped)
//! before the new one is answered, so that one gateway's messages never interleave. Several that
//! come at once wait in a chain, each for the one before it.
//!
//! What a gateway has used up of its rate goes with the seat from one session to the next: it is
//! kept after the last one until the bucket is full again, a few seconds, so there are never more
//! of these than gateways that left just now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use veglia_identity::Entry;

use crate::rate::Bucket;
use crate::refusal::Refusal;
use crate::tls::Papers;

/// A way to end a session from outside.
#[derive(Debug, Default)]
pub(crate) struct Kick {
    token: CancellationToken,
    why: OnceLock<Refusal>,
}

impl Kick {
    /// Ends the session; the first reason stands.
    pub(crate) fn kick(&self, why: Refusal) {
        self.why.get_or_init(|| why);
        self.token.cancel();
    }

    /// Waits to be kicked.
    pub(crate) async fn kicked(&self) -> Refusal {
        self.token.cancelled().await;
        *self.why.get_or_init(|| Refusal::Revoked)
    }
}

/// Who is in, by name.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Sessions since the start; a seat is given up by its number, not by its name.
    count: u64,
    by_name: HashMap<String, Occupant>,
    /// Of those who left with a bucket that was not full.
    buckets: HashMap<String, Bucket>,
}

/// Somebody who was let in, and by what: enough to be judged again.
#[derive(Debug, Clone)]
pub(crate) struct Sitter {
    pub(crate) entry: Arc<Entry>,
    /// Of whoever came with a certificate.
    pub(crate) papers: Option<Arc<Papers>>,
}

#[derive(Debug)]
struct Occupant {
    number: u64,
    sitter: Sitter,
    kick: Arc<Kick>,
    gone: CancellationToken,
}

impl Seats {
    /// Takes the seat of an identity, once whoever had it is gone.
    pub(crate) async fn take(self: &Arc<Self>, sitter: &Sitter) -> Seat {
        let kick = Arc::new(Kick::default());
        let gone = CancellationToken::new();
        let name = sitter.entry.identity().name().to_owned();
        let (number, before) = {
            let mut taken = self.taken();
            taken.count += 1;
            let number = taken.count;
            let occupant = Occupant {
                number,
                sitter: sitter.clone(),
                kick: Arc::clone(&kick),
                gone: gone.clone(),
            };
            (number, taken.by_name.insert(name.clone(), occupant))
        };
        let mut seat = Seat {
            seats: Arc::clone(self),
            name,
            number,
            kick,
            bucket: Bucket::full(Instant::now()),
            _gone: gone.drop_guard(),
        };
        if let Some(before) = before {
            before.kick.kick(Refusal::TakenOver);
            before.gone.cancelled().await;
        }
        if let Some(left) = self.taken().buckets.remove(&seat.name) {
            seat.bucket = left;
        }
        seat
    }

    /// Ends the session of an identity, if it has one.
    pub(crate) fn end(&self, name: &str, why: Refusal) {
        if let Some(occupant) = self.taken().by_name.get(name) {
            occupant.kick.kick(why);
        }
    }

    /// Forgets the buckets that are full again.
    pub(crate) fn tidy(&self, now: Instant) {
        self.taken()
            .buckets
            .retain(|_, bucket| !bucket.is_full(now));
    }

    /// Asks about everybody, and ends the sessions of those who may not stay.
    pub(crate) fn judge(&self, verdict: impl Fn(&Sitter) -> Result<(), Refusal>) {
        // A copy, because a verdict may take a signature's time and arrivals must not wait.
        let all: Vec<(Sitter, Arc<Kick>)> = self
            .taken()
            .by_name
            .values()
            .map(|occupant| (occupant.sitter.clone(), Arc::clone(&occupant.kick)))
            .collect();
        for (sitter, kick) in all {
            if let Err(why) = verdict(&sitter) {
                kick.kick(why);
            }
        }
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.taken().by_name.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("nothing panics under this lock")
    }
}

/// The right to be the session of an identity. Dropped last of all that a session holds.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    name: String,
    number: u64,
    kick: Arc<Kick>,
    /// How much of its rate the identity has left.
    pub(crate) bucket: Bucket,
    _gone: DropGuard,
}

impl Seat {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn kick(&self) -> &Arc<Kick> {
        &self.kick
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let mine = taken.by_name.get(&self.name);
        if mine.is_some_and(|occupant| occupant.number == self.number) {
            taken.by_name.remove(&self.name);
        }
        if !self.bucket.is_full(Instant::now()) {
            taken.buckets.insert(self.name.clone(), self.bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;
    use veglia_identity::Identities;

    use super::*;
    use crate::config::Limits;
    use crate::rate::Rate;
    use crate::warden::judge;

    fn identities(names: &[&str]) -> Identities {
        let hash = "5a".repeat(32);
        let row = |name: &&str| {
            format!("[[gateway]]\nid = \"{name}\"\npartition = 0\nsecret_sha256 = \"{hash}\"\n")
        };
        let rows: String = names.iter().map(row).collect();
        Identities::parse(&format!("version = 1\n{rows}")).expect("an identity file")
    }

    fn sitter(name: &str) -> Sitter {
        let list = identities(&[name]);
        Sitter {
            entry: Arc::clone(list.entry(name).expect("it is in the list")),
            papers: None,
        }
    }

    #[tokio::test]
    async fn the_new_session_waits_until_the_old_one_is_gone() {
        let seats = Arc::new(Seats::default());
        let casa = sitter("casa");
        let old = seats.take(&casa).await;
        let new = tokio::spawn({
            let (seats, casa) = (Arc::clone(&seats), casa.clone());
            async move { seats.take(&casa).await }
        });
        assert_eq!(old.kick().kicked().await, Refusal::TakenOver);
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!new.is_finished());
        drop(old);
        let new = new.await.unwrap();
        assert_eq!(seats.count(), 1);
        drop(new);
        assert_eq!(seats.count(), 0);
    }

    #[tokio::test]
    async fn of_three_at_once_the_last_has_the_seat() {
        let seats = Arc::new(Seats::default());
        let casa = sitter("casa");
        let first = seats.take(&casa).await;
        let session = |seats: Arc<Seats>, casa: Sitter| async move {
            let seat = seats.take(&casa).await;
            let number = seat.number();
            (number, seat.kick().kicked().await)
        };
        let second = tokio::spawn(session(Arc::clone(&seats), casa.clone()));
        first.kick().kicked().await;
        let third = tokio::spawn({
            let (seats, casa) = (Arc::clone(&seats), casa.clone());
            async move { seats.take(&casa).await }
        });
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!third.is_finished(), "the first one is still in");
        drop(first);
        assert_eq!(second.await.unwrap(), (2, Refusal::TakenOver));
        assert_eq!(third.await.unwrap().number(), 3);
    }

    #[tokio::test]
    async fn only_who_changed_is_sent_away() {
        let seats = Arc::new(Seats::default());
        let one = seats.take(&sitter("one")).await;
        let two = seats.take(&sitter("two")).await;
        let changed = identities(&["two", "three"]);
        seats.judge(|sitter| judge(sitter, &changed));
        assert_eq!(one.kick().kicked().await, Refusal::Revoked);
        assert!(!two.kick().token.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_finds_the_bucket_as_it_was_left_until_it_is_full() {
        let seats = Arc::new(Seats::default());
        let casa = sitter("casa");
        let rate = Rate::new(&Limits::default());
        let now = Instant::now();
        let mut first = seats.take(&casa).await;
        let used_up = (0..200).map(|_| first.bucket.count(1, &rate, now)).last();
        drop(first);
        seats.tidy(now);
        let second = seats.take(&casa).await;
        assert_eq!(Some(second.bucket.open_from(&rate, now)), used_up);
        drop(second);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        seats.tidy(Instant::now());
        assert!(seats.taken().buckets.is_empty());
    }
}
