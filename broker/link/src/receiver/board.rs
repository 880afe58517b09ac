//! What is to be said to each gateway: one place for each, where the newest stands for all.
//!
//! Bounded by the number of gateways that the broker admits, and [`MAX_REFUSALS`] beside each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use veglia_wire::{Ack, Epoch, GatewayId, Partition, Refusal, Sequence, WallMs};

/// Refusals that wait for one gateway: a window full of frames that ingest cannot understand.
/// What comes beyond is acknowledged without being told.
const MAX_REFUSALS: usize = crate::sender::WINDOW_FRAMES;

/// Answers that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Board {
    places: Mutex<Places>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Places {
    places: HashMap<GatewayId, Place>,
    /// Gateways whose place holds something to send.
    due: Vec<GatewayId>,
}

/// What is known of a gateway's newest epoch, and what it is still to be told.
#[derive(Debug)]
struct Place {
    partition: Partition,
    epoch: Epoch,
    /// The highest sequence acknowledged.
    through: Option<Sequence>,
    expected: Option<Sequence>,
    refusals: Vec<Refusal>,
    is_due: bool,
}

/// Something to say to a gateway.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    /// Everything up to here is on disk.
    Durable(Sequence),
    /// Nothing of this epoch is known.
    Nothing,
    /// A frame came after a hole that begins here.
    Expected(Sequence),
    /// Everything up to here is on disk, and some of it could not be understood.
    Refused(Sequence, Refusal),
}

impl Board {
    pub(super) fn say(&self, partition: Partition, gateway: GatewayId, epoch: Epoch, word: Word) {
        self.lock().say(partition, gateway, epoch, word);
        self.filled.notify_one();
    }

    /// Returns when something waits to be sent.
    pub(super) async fn filled(&self) {
        while self.lock().due.is_empty() {
            self.filled.notified().await;
        }
    }

    /// How many gateways have been heard.
    pub(super) fn gateways(&self) -> usize {
        self.lock().places.len()
    }

    /// Takes everything there is to send.
    pub(super) fn take(&self, now: WallMs, window: u32) -> Vec<(Partition, GatewayId, Ack)> {
        let mut places = self.lock();
        let mut acks = Vec::new();
        for gateway in std::mem::take(&mut places.due) {
            if let Some(place) = places.places.get_mut(&gateway) {
                let partition = place.partition;
                let told = place.tell(now, window).into_iter();
                acks.extend(told.map(|ack| (partition, gateway.clone(), ack)));
            }
        }
        acks
    }

    /// A thread that panicked cannot have left a place half changed in a way that matters: what
    /// is missing is said again.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn say(&mut self, partition: Partition, gateway: GatewayId, epoch: Epoch, word: Word) {
        let place = self
            .places
            .entry(gateway.clone())
            .or_insert_with(|| Place::new(partition, epoch));
        let was_due = place.is_due;
        if place.epoch != epoch {
            *place = Place::new(partition, epoch);
        }
        place.put(word);
        place.is_due = true;
        if !was_due {
            self.due.push(gateway);
        }
    }
}

impl Place {
    fn new(partition: Partition, epoch: Epoch) -> Self {
        Self {
            partition,
            epoch,
            through: None,
            expected: None,
            refusals: Vec::new(),
            is_due: false,
        }
    }

    fn put(&mut self, word: Word) {
        match word {
            Word::Durable(through) => self.advance(through),
            Word::Nothing => {}
            Word::Expected(expected) => self.expected = Some(expected),
            Word::Refused(through, refusal) => {
                self.advance(through);
                if self.refusals.len() < MAX_REFUSALS {
                    self.refusals.push(refusal);
                }
            }
        }
    }

    fn advance(&mut self, through: Sequence) {
        self.through = self.through.max(Some(through));
        // What was asked for has come in the meantime.
        self.expected = self.expected.filter(|expected| *expected > through);
    }

    /// The acknowledgements that say everything: one, or one for each refusal.
    fn tell(&mut self, at: WallMs, window: u32) -> Vec<Ack> {
        self.is_due = false;
        let ack = Ack {
            epoch: self.epoch,
            through: self.through,
            at,
            window,
            expected: self.expected.take(),
            refused: None,
        };
        if self.refusals.is_empty() {
            return vec![ack];
        }
        let refused = self.refusals.drain(..).map(|refusal| Ack {
            refused: Some(refusal),
            ..ack.clone()
        });
        refused.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::RefusalReason;

    const EPOCH: Epoch = Epoch(7);

    fn sequence(number: u64) -> Sequence {
        Sequence::new(number).expect("tests count from 1")
    }

    fn board(words: &[(Epoch, Word)]) -> Board {
        let gateway = GatewayId::new("home-1").expect("an id");
        let board = Board::default();
        for (epoch, word) in words {
            board.say(Partition::of(&gateway), gateway.clone(), *epoch, *word);
        }
        board
    }

    fn acks(words: &[(Epoch, Word)]) -> Vec<Ack> {
        let taken = board(words).take(WallMs(1), 32).into_iter();
        taken.map(|(_, _, ack)| ack).collect()
    }

    #[test]
    fn many_acknowledgements_become_the_highest_one() {
        let words = [3, 9, 6].map(|number| (EPOCH, Word::Durable(sequence(number))));
        let acks = acks(&words);
        assert_eq!(acks.len(), 1);
        assert_eq!(acks[0].through, Some(sequence(9)));
    }

    #[test]
    fn a_hole_that_was_filled_in_the_meantime_is_not_asked_for() {
        let acks = acks(&[
            (EPOCH, Word::Expected(sequence(4))),
            (EPOCH, Word::Durable(sequence(9))),
        ]);
        assert_eq!(acks[0].expected, None);
    }

    #[test]
    fn asking_for_a_sequence_repeats_what_was_acknowledged_and_no_more() {
        let acks = acks(&[
            (EPOCH, Word::Durable(sequence(9))),
            (EPOCH, Word::Expected(sequence(15))),
        ]);
        assert_eq!(acks[0].through, Some(sequence(9)));
        assert_eq!(acks[0].expected, Some(sequence(15)));
    }

    #[test]
    fn each_refusal_is_told() {
        let refused = |from, to| {
            let refusal = Refusal {
                from: sequence(from),
                to: sequence(to),
                reason: RefusalReason::Undecodable,
            };
            (EPOCH, Word::Refused(sequence(to), refusal))
        };
        let acks = acks(&[refused(1, 5), refused(6, 8)]);
        let told: Vec<u64> = acks
            .iter()
            .filter_map(|ack| ack.refused.map(|refusal| refusal.to.get()))
            .collect();
        assert_eq!(told, [5, 8]);
    }

    #[test]
    fn another_epoch_begins_with_nothing() {
        let acks = acks(&[
            (EPOCH, Word::Durable(sequence(9))),
            (Epoch(8), Word::Nothing),
        ]);
        assert_eq!(acks.len(), 1);
        assert_eq!((acks[0].epoch, acks[0].through), (Epoch(8), None));
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let board = board(&[(EPOCH, Word::Durable(sequence(1)))]);
        assert_eq!(board.take(WallMs(1), 32).len(), 1);
        assert_eq!(board.take(WallMs(1), 32).len(), 0);
    }
}
