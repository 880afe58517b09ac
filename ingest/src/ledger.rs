//! Who has been heard, up to where: the memory that keeps a reading from being stored twice.
//!
//! The ledger is a fold over the journal and nothing else, so that it is exactly as durable as
//! the records themselves. A batch that is not on disk yet is weighed on a [`Draft`], which is
//! thrown away when the disk refuses it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use veglia_journal::Position;
use veglia_wire::{Epoch, FrameHeader, GatewayId, Sequence};

use crate::entry::Entry;
use crate::homes::Ticks;
use crate::undated::Undated;

/// Outbox lives remembered for each gateway. A box makes a new one only when its disk was
/// replaced; the oldest is forgotten when it has long been empty.
const MAX_EPOCHS_PER_GATEWAY: usize = 8;

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// Store it; its first `skip` records are known already.
    New {
        /// Records to leave out.
        skip: u8,
    },
    /// All of it is known: say again what is on disk.
    Seen,
    /// It begins after a hole: do not store it, ask for this sequence.
    Hole {
        /// The first sequence missing.
        expected: Sequence,
    },
}

/// For each outbox life, the last sequence on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    through: HashMap<GatewayId, Vec<(Epoch, Sequence)>>,
    /// What waits for a clock.
    #[serde(default)]
    pub(crate) undated: Undated,
    /// Whether the centre was listening.
    #[serde(default)]
    pub(crate) ticks: Ticks,
}

impl Ledger {
    /// Everything up to and including this is on disk; none when nothing is.
    pub(crate) fn through(&self, gateway: &GatewayId, epoch: Epoch) -> Option<Sequence> {
        let epochs = self.through.get(gateway)?;
        epochs
            .iter()
            .find(|(known, _)| *known == epoch)
            .map(|(_, through)| *through)
    }

    /// Takes up what an entry of the journal says.
    pub(crate) fn follow(&mut self, position: Position, entry: &Entry) {
        self.undated.follow(position, entry);
        self.count(entry);
    }

    /// The same without what waits for a clock.
    pub(crate) fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Frame { bytes, .. } | Entry::Refused { bytes, .. } => {
                if let Ok(header) = FrameHeader::peek(bytes) {
                    let last = header.last();
                    self.advance(&header.gateway, header.epoch, last);
                }
            }
            Entry::Gone {
                gateway, epoch, to, ..
            } => self.advance(gateway, *epoch, *to),
            Entry::Tick { at } => drop(self.ticks.follow(*at)),
            Entry::Change { .. } | Entry::Dated { .. } => {}
        }
    }

    fn advance(&mut self, gateway: &GatewayId, epoch: Epoch, to: Sequence) {
        let epochs = self.through.entry(gateway.clone()).or_default();
        match epochs.iter().position(|(known, _)| *known == epoch) {
            Some(place) => {
                // The newest heard stands last, so that the first is the one to forget.
                let (_, through) = epochs.remove(place);
                epochs.push((epoch, through.max(to)));
            }
            None => {
                if epochs.len() == MAX_EPOCHS_PER_GATEWAY {
                    epochs.remove(0);
                }
                epochs.push((epoch, to));
            }
        }
    }

    /// A draft on which a batch can be weighed before it is on disk.
    pub(crate) fn draft(&self) -> Draft<'_> {
        Draft {
            ledger: self,
            ahead: HashMap::new(),
        }
    }
}

/// The ledger as it will be when the batch under way is on disk.
pub(crate) struct Draft<'a> {
    ledger: &'a Ledger,
    ahead: HashMap<(GatewayId, Epoch), Sequence>,
}

impl Draft<'_> {
    /// The last sequence known, the batch under way included.
    pub(crate) fn through(&self, gateway: &GatewayId, epoch: Epoch) -> Option<Sequence> {
        let ahead = self.ahead.get(&(gateway.clone(), epoch)).copied();
        ahead.or_else(|| self.ledger.through(gateway, epoch))
    }

    /// Weighs a frame and, when it is new, counts it as stored.
    pub(crate) fn weigh(&mut self, header: &FrameHeader) -> Weighed {
        let through = self
            .through(&header.gateway, header.epoch)
            .map_or(0, Sequence::get);
        let (first, last) = (header.first.get(), header.last().get());
        if last <= through {
            return Weighed::Seen;
        }
        if first > through.saturating_add(1) {
            return Weighed::Hole {
                expected: Sequence::FIRST.plus(through),
            };
        }
        self.advance(&header.gateway, header.epoch, header.last());
        // `through` lies in the frame, which holds at most 128 records.
        let known = through.saturating_add(1).saturating_sub(first);
        Weighed::New {
            skip: u8::try_from(known).unwrap_or(u8::MAX),
        }
    }

    /// Counts sequences up to `to` as settled, without a frame.
    pub(crate) fn advance(&mut self, gateway: &GatewayId, epoch: Epoch, to: Sequence) {
        self.ahead.insert((gateway.clone(), epoch), to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::WallMs;

    fn header(first: u64, count: u8) -> FrameHeader {
        FrameHeader {
            gateway: GatewayId::new("casa").unwrap(),
            epoch: Epoch(7),
            first: Sequence::new(first).unwrap(),
            count,
        }
    }

    fn gone_to(ledger: &mut Ledger, to: u64) {
        let gone = Entry::Gone {
            at: WallMs(0),
            gateway: GatewayId::new("casa").unwrap(),
            epoch: Epoch(7),
            from: Sequence::FIRST,
            to: Sequence::new(to).unwrap(),
        };
        ledger.follow(Position::FIRST, &gone);
    }

    #[test]
    fn frames_in_order_are_new_and_repeated_ones_are_seen() {
        let ledger = Ledger::default();
        let mut draft = ledger.draft();
        assert_eq!(draft.weigh(&header(1, 10)), Weighed::New { skip: 0 });
        assert_eq!(draft.weigh(&header(11, 10)), Weighed::New { skip: 0 });
        assert_eq!(draft.weigh(&header(1, 10)), Weighed::Seen);
        assert_eq!(draft.weigh(&header(11, 10)), Weighed::Seen);
    }

    #[test]
    fn an_overlap_is_trimmed_and_a_hole_is_not_stored_past() {
        let mut ledger = Ledger::default();
        gone_to(&mut ledger, 20);
        let mut draft = ledger.draft();
        let expected = Sequence::new(21).unwrap();
        assert_eq!(draft.weigh(&header(30, 5)), Weighed::Hole { expected });
        assert_eq!(draft.weigh(&header(15, 10)), Weighed::New { skip: 6 });
        assert_eq!(
            draft.through(&header(1, 1).gateway, Epoch(7)),
            Sequence::new(24)
        );
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_the_ledger_as_it_was() {
        let ledger = Ledger::default();
        ledger.draft().weigh(&header(1, 10));
        assert_eq!(ledger.through(&header(1, 1).gateway, Epoch(7)), None);
    }

    #[test]
    fn another_epoch_of_the_same_gateway_counts_for_itself() {
        let mut ledger = Ledger::default();
        gone_to(&mut ledger, 20);
        let other = FrameHeader {
            epoch: Epoch(8),
            ..header(1, 10)
        };
        assert_eq!(ledger.draft().weigh(&other), Weighed::New { skip: 0 });
    }
}
