//! Frames with readings that have no time, kept in mind until their boot's clock is known.
//!
//! A box without a battery behind its clock starts with monotonic time only, measures, and learns
//! the time when it reaches a network: often just before it sends all that it has. So the frames
//! without a time come first and their clock a moment later. What a boot's clock says, it says of
//! the whole boot.
//!
//! ```text
//! frame without a time → here, by its place in the journal → that boot's clock → dated, exact
//!                                                          → or too late      → dated, doubtful
//! ```
//! Like the ledger this is a fold over the journal and nothing else: what was dated is an entry
//! there too. A mapping is exact unless the boot's clock stepped, or told a time in the future:
//! then nobody knows which of its times to believe.
//!
//! Limits: [`FRAMES_MAX`] frames of a gateway wait at most, for [`WAIT_MS`] at most. A clock that
//! steps after a frame was dated changes nothing of it.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use veglia_journal::Position;
use veglia_wire::{Boot, FrameHeader, GatewayId, UpFrame, WallMs};

use crate::dating::{believed, reaches, waits, zero};
use crate::entry::Entry;

/// How long a frame waits for its boot's clock, in care milliseconds. A box that is connected asks
/// a time server within seconds; one that has no time after a quarter of an hour has no server.
/// The journal keeps what waits for far longer than this.
const WAIT_MS: i64 = 15 * 60 * 1000;

/// Frames of one gateway that wait at most: three days of two readings a second, in full frames.
const FRAMES_MAX: usize = 4_096;

/// How far a boot's clock may move before its mapping is called doubtful, in care milliseconds:
/// above the drift that a gateway corrects, below what any rule looks at.
const STEP_TOLERATED_MS: i64 = 60 * 1000;

/// What waits, by gateway. Gateways that know the time are not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undated {
    boots: HashMap<GatewayId, Vec<BootClock>>,
}

/// What is known of the clock of one start of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BootClock {
    boot: Boot,
    /// The moment that its monotonic time counts from, by its own clock.
    zero: Option<WallMs>,
    /// The latest moment that it can count from.
    latest_zero: WallMs,
    /// Its clock told another time before or after.
    is_doubtful: bool,
    /// The gateway has started again: this boot says nothing any more.
    is_over: bool,
    frames: VecDeque<Waiting>,
}

/// A frame that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    position: u64,
    skip: u8,
    received: WallMs,
}

/// A frame whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) gateway: GatewayId,
    /// Where it is in the journal.
    pub(crate) position: u64,
    /// Records in it that were known before.
    pub(crate) skip: u8,
    pub(crate) received: WallMs,
    /// Which of its records are dated.
    pub(crate) boot: Boot,
    /// The moment that their monotonic time counts from.
    pub(crate) zero: WallMs,
    pub(crate) is_exact: bool,
}

impl Undated {
    /// Takes up what an entry of the journal says.
    pub(crate) fn follow(&mut self, position: Position, entry: &Entry) {
        match entry {
            Entry::Frame { at, skip, bytes } => {
                if let Ok(frame) = UpFrame::decode(bytes) {
                    self.hear(position, &frame, *skip, *at);
                }
            }
            Entry::Dated {
                frame, boot, bytes, ..
            } => {
                if let Ok(header) = FrameHeader::peek(bytes) {
                    self.forget(&header.gateway, *frame, *boot);
                }
            }
            Entry::Tick { .. }
            | Entry::Change { .. }
            | Entry::Gone { .. }
            | Entry::Refused { .. } => {}
        }
    }

    /// Takes up a frame that was decoded already. True when something may be due now.
    pub(crate) fn hear(
        &mut self,
        position: Position,
        frame: &UpFrame,
        skip: u8,
        received: WallMs,
    ) -> bool {
        let gateway = &frame.header.gateway;
        let reaches = reaches(frame, received);
        if reaches.is_empty() && !self.boots.contains_key(gateway) {
            return false;
        }
        let boots = self.boots.entry(gateway.clone()).or_default();
        for reach in reaches {
            match boots.iter_mut().find(|known| known.boot == reach.boot) {
                Some(known) => known.latest_zero = known.latest_zero.min(reach.latest_zero),
                None => boots.push(BootClock {
                    boot: reach.boot,
                    zero: None,
                    latest_zero: reach.latest_zero,
                    is_doubtful: false,
                    is_over: false,
                    frames: VecDeque::new(),
                }),
            }
        }
        let newest = frame.records.iter().map(|record| record.when.boot).max();
        for known in boots.iter_mut() {
            known.listen(position, frame, skip, received);
            known.is_over |= newest.is_some_and(|newest| known.boot < newest);
        }
        self.tidy(gateway);
        true
    }

    /// Of a boot that is over and waits for nothing, nothing will be asked.
    fn tidy(&mut self, gateway: &GatewayId) {
        if let Some(boots) = self.boots.get_mut(gateway) {
            boots.retain(|known| !known.is_over || !known.frames.is_empty());
            if boots.is_empty() {
                self.boots.remove(gateway);
            }
        }
    }

    /// Frames whose time has come, at most so many.
    pub(crate) fn due(&self, now: WallMs, most: usize) -> Vec<Due> {
        let boots = self.boots.iter();
        let boots = boots.flat_map(|(gateway, boots)| boots.iter().map(move |it| (gateway, it)));
        let due = boots.flat_map(|(gateway, known)| known.due(gateway, now));
        due.take(most).collect()
    }

    /// A frame waits no more for the clock of a boot.
    pub(crate) fn forget(&mut self, gateway: &GatewayId, position: u64, boot: Boot) {
        let boots = self.boots.get_mut(gateway).into_iter().flatten();
        for known in boots.filter(|known| known.boot == boot) {
            known.frames.retain(|frame| frame.position != position);
        }
        self.tidy(gateway);
    }
}

impl BootClock {
    fn listen(&mut self, position: Position, frame: &UpFrame, skip: u8, received: WallMs) {
        let mut is_waiting = false;
        let records = frame.records.iter().enumerate();
        for (index, record) in records.filter(|(_, it)| it.when.boot == self.boot) {
            is_waiting |= index >= usize::from(skip) && waits(record, received);
            match believed(record, received) {
                Some(wall) => {
                    let told = zero(record, wall);
                    let known = *self.zero.get_or_insert(told);
                    self.is_doubtful |= known.since(told).abs() > STEP_TOLERATED_MS;
                }
                None => self.is_doubtful |= record.when.wall.is_some(),
            }
        }
        if is_waiting {
            self.frames.push_back(Waiting {
                position: position.get(),
                skip,
                received,
            });
        }
    }

    fn due<'a>(&'a self, gateway: &'a GatewayId, now: WallMs) -> impl Iterator<Item = Due> + 'a {
        let is_known = self.zero.is_some();
        let is_exact = is_known && !self.is_doubtful;
        let zero = self.zero.unwrap_or(self.latest_zero);
        let zero = if is_exact {
            zero
        } else {
            zero.min(self.latest_zero)
        };
        let beyond = self.frames.len().saturating_sub(FRAMES_MAX);
        let frames = self.frames.iter().enumerate();
        let due = frames.filter(move |(place, frame)| {
            let is_late = now.since(frame.received) >= WAIT_MS;
            is_known || self.is_over || is_late || *place < beyond
        });
        due.map(move |(_, frame)| Due {
            gateway: gateway.clone(),
            position: frame.position,
            skip: frame.skip,
            received: frame.received,
            boot: self.boot,
            zero,
            is_exact,
        })
    }
}

#[cfg(test)]
mod tests;
