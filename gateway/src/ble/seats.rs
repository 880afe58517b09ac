//! Who of the devices in reach is served in a session: each device has one seat, and there are
//! [`MAX_DEVICES`].
//!
//! A device that changes its address, or whoever passes by under `accept`, would take one seat
//! after the other. So a seat is given up for another device when its own is not linked and was
//! not heard for [`UNHEARD`]; a device of this home does not wait for that where only a passer-by
//! sits, and never stands up for one. Two addresses of one id are never served at once: they would
//! be two people's readings in one, and two tasks on one list.
//!
//! Whoever gives up a seat keeps it until its task has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_wire::DeviceId;

use super::config::MAX_DEVICES;

/// A device that was not heard for so long makes place for another.
const UNHEARD: Duration = Duration::from_secs(3600);

/// What is seen of a device from outside its task; both only grow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sighting {
    /// How often it was heard advertising, or found connected.
    pub(crate) seen: u64,
    /// How often BlueZ said that its link is down.
    pub(crate) gone: u64,
}

/// What the task of a device that has a seat is given.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) sightings: watch::Receiver<Sighting>,
    /// Whether it is being connected or is linked.
    pub(crate) is_busy: Arc<AtomicBool>,
    /// Cancelled when it is to end.
    pub(crate) stop: CancellationToken,
}

/// What becomes of a device that asks for a seat.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It has one.
    Seated(Ticket),
    /// Another device gives up its seat; ask again in a moment.
    Soon,
    /// There is one of its id already, at another address.
    Doubled,
    /// There is no seat left.
    Full,
}

/// The seats of a session; `K` is what the radio knows a device by.
#[derive(Debug)]
pub(crate) struct Seats<K> {
    seats: Vec<Seat<K>>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Seat<K> {
    key: K,
    device: DeviceId,
    is_named: bool,
    heard: Instant,
    sightings: watch::Sender<Sighting>,
    is_busy: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl<K: PartialEq> Seats<K> {
    /// `stop` ends all tasks.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            seats: Vec::new(),
            stop,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether a device of this id is served.
    pub(crate) fn serves(&self, device: &DeviceId) -> bool {
        self.seats.iter().any(|seat| seat.device == *device)
    }

    /// It was heard. False when it has no seat.
    pub(crate) fn heard(&mut self, key: &K, now: Instant) -> bool {
        self.change(key, now, |sighting| sighting.seen += 1)
    }

    /// Its link is down.
    pub(crate) fn gone(&mut self, key: &K, now: Instant) -> bool {
        self.change(key, now, |sighting| sighting.gone += 1)
    }

    fn change(&mut self, key: &K, now: Instant, change: impl FnOnce(&mut Sighting)) -> bool {
        let seat = self.seats.iter_mut().find(|seat| seat.key == *key);
        if let Some(seat) = seat {
            seat.heard = now;
            seat.sightings.send_modify(change);
            return true;
        }
        false
    }

    /// A device that was just heard asks for a seat.
    pub(crate) fn ask(
        &mut self,
        key: K,
        device: &DeviceId,
        is_named: bool,
        now: Instant,
    ) -> Answer {
        if let Some(seat) = self.seats.iter().find(|seat| seat.device == *device) {
            if seat.stop.is_cancelled() || seat.is_unheard(now) {
                seat.stop.cancel();
                return Answer::Soon;
            }
            return Answer::Doubled;
        }
        if self.seats.len() < MAX_DEVICES {
            return Answer::Seated(self.seat(key, device, is_named, now));
        }
        if self.seats.iter().any(|seat| seat.stop.is_cancelled()) {
            return Answer::Soon;
        }
        let stands_up = |seat: &&Seat<K>| match (seat.is_named, is_named) {
            (false, true) => !seat.is_busy.load(Ordering::Relaxed),
            (true, false) => false,
            _ => seat.is_unheard(now),
        };
        let all = self.seats.iter().filter(stands_up);
        match all.min_by_key(|seat| seat.heard) {
            Some(seat) => {
                seat.stop.cancel();
                Answer::Soon
            }
            None => Answer::Full,
        }
    }

    fn seat(&mut self, key: K, device: &DeviceId, is_named: bool, now: Instant) -> Ticket {
        let (sightings, seen) = watch::channel(Sighting { seen: 1, gone: 0 });
        let ticket = Ticket {
            sightings: seen,
            is_busy: Arc::default(),
            stop: self.stop.child_token(),
        };
        self.seats.push(Seat {
            key,
            device: device.clone(),
            is_named,
            heard: now,
            sightings,
            is_busy: Arc::clone(&ticket.is_busy),
            stop: ticket.stop.clone(),
        });
        ticket
    }

    /// The task of a device has ended.
    pub(crate) fn left(&mut self, key: &K) {
        self.seats.retain(|seat| seat.key != *key);
    }
}

impl<K> Seat<K> {
    fn is_unheard(&self, now: Instant) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && now.duration_since(self.heard) >= UNHEARD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: usize) -> DeviceId {
        DeviceId::new(&format!("ble:{number}")).unwrap()
    }

    fn seats() -> Seats<usize> {
        Seats::new(CancellationToken::new())
    }

    /// Seats so many, heard one second after the other.
    fn filled(is_named: bool, begun: Instant) -> (Seats<usize>, Vec<Ticket>) {
        let mut seats = seats();
        let tickets = (0..MAX_DEVICES).map(|number| {
            let second = Duration::from_secs(u64::try_from(number).unwrap());
            match seats.ask(number, &device(number), is_named, begun + second) {
                Answer::Seated(ticket) => ticket,
                other => panic!("{number}: {other:?}"),
            }
        });
        let tickets = tickets.collect();
        (seats, tickets)
    }

    #[test]
    fn who_was_not_heard_for_an_hour_makes_place_and_keeps_it_until_its_task_has_ended() {
        let begun = Instant::now();
        let (mut seats, tickets) = filled(false, begun);
        let soon = begun + Duration::from_secs(60);
        assert!(matches!(
            seats.ask(16, &device(16), false, soon),
            Answer::Full
        ));
        let later = begun + UNHEARD + Duration::from_secs(20);
        assert!(seats.heard(&0, later), "the first is still there");
        assert!(matches!(
            seats.ask(16, &device(16), false, later),
            Answer::Soon
        ));
        let ending: Vec<usize> = (0..MAX_DEVICES)
            .filter(|number| tickets[*number].stop.is_cancelled())
            .collect();
        assert_eq!(ending, [1], "the one that was heard longest ago");
        assert!(matches!(
            seats.ask(17, &device(17), false, later),
            Answer::Soon
        ));
        seats.left(&1);
        assert!(matches!(
            seats.ask(16, &device(16), false, later),
            Answer::Seated(_)
        ));
        assert_eq!(seats.len(), MAX_DEVICES);
    }

    #[test]
    fn a_thousand_addresses_of_passers_by_never_take_more_than_the_seats() {
        let (mut now, mut seats) = (Instant::now(), seats());
        let mut tickets: Vec<(usize, Ticket)> = Vec::new();
        for number in 0..1_000 {
            now += Duration::from_secs(600);
            for _ in 0..2 {
                if let Answer::Seated(ticket) = seats.ask(number, &device(number), false, now) {
                    tickets.push((number, ticket));
                    break;
                }
                let ended = tickets.iter().position(|(_, it)| it.stop.is_cancelled());
                if let Some(place) = ended {
                    seats.left(&tickets.remove(place).0);
                }
            }
            assert!(seats.serves(&device(number)), "{number} has found no seat");
            assert!(seats.len() <= MAX_DEVICES && seats.len() == tickets.len());
        }
    }

    #[test]
    fn one_id_has_one_seat_until_its_first_address_is_heard_no_more() {
        let (now, mut seats) = (Instant::now(), seats());
        let Answer::Seated(ticket) = seats.ask(1, &device(1), true, now) else {
            panic!("a seat is free");
        };
        assert!(matches!(
            seats.ask(2, &device(1), true, now),
            Answer::Doubled
        ));
        let later = now + UNHEARD;
        ticket.is_busy.store(true, Ordering::Relaxed);
        assert!(
            matches!(seats.ask(2, &device(1), true, later), Answer::Doubled),
            "who is linked need not be heard"
        );
        ticket.is_busy.store(false, Ordering::Relaxed);
        assert!(matches!(
            seats.ask(2, &device(1), true, later),
            Answer::Soon
        ));
        assert!(ticket.stop.is_cancelled());
        seats.left(&1);
        assert!(matches!(
            seats.ask(2, &device(1), true, later),
            Answer::Seated(_)
        ));
    }

    #[test]
    fn a_device_of_this_home_does_not_wait_for_a_passer_by_nor_stand_up_for_one() {
        let begun = Instant::now();
        let (mut strangers, tickets) = filled(false, begun);
        let soon = begun + Duration::from_secs(60);
        tickets[0].is_busy.store(true, Ordering::Relaxed);
        assert!(matches!(
            strangers.ask(16, &device(16), true, soon),
            Answer::Soon
        ));
        assert!(tickets[1].stop.is_cancelled() && !tickets[0].stop.is_cancelled());
        let (mut home, _tickets) = filled(true, begun);
        let late = begun + 2 * UNHEARD;
        assert!(matches!(
            home.ask(16, &device(16), false, late),
            Answer::Full
        ));
        assert!(matches!(
            home.ask(17, &device(17), true, late),
            Answer::Soon
        ));
    }
}
