//! What an outbox gives up when it has reached its limit: of measurements that a device repeats
//! every few seconds, all but one a minute, the oldest first.
//!
//! Kept whatever happens: events, answers, contacts, clocks, gaps, heartbeats; readings that stand
//! alone (somebody measured), and those from a device's memory, which may be the only copy. What
//! is given up keeps its sequence: the last of a row of such records becomes a
//! [`Gap`] that counts them and says how long they lasted, and the others become
//! nothing at all, which is sent as a gap that counts nothing more.
//!
//! Deliberately absent: values. Which reading of a minute is kept does not hang on what it says.

use std::collections::HashMap;

use veglia_journal::Entry;
use veglia_wire::{Body, Boot, DeviceId, Gap, GapReason, Quality, Record, VitalKind, When};

/// Of a continuous measurement one reading in this many milliseconds of care is kept: what a
/// chart of weeks can show.
const KEPT_EVERY_MS: u64 = 60_000;

/// A reading that comes within this after the one before, in milliseconds of care, is part of a
/// continuous measurement. Sensors speak every second to every five; a person who measures again
/// takes longer.
pub(super) const CONTINUOUS_MS: u64 = 10_000;

/// Streams that are remembered: far more than a box has. With more, all are forgotten and each
/// keeps one reading too many.
pub(super) const STREAMS: usize = 256;

/// Whose readings, of what, in which start of the box.
type Stream = (DeviceId, VitalKind, Boot);

/// Goes over an outbox from its beginning.
#[derive(Debug, Default)]
pub(super) struct Thinner {
    streams: HashMap<Stream, Seen>,
}

/// Monotonic times of readings of one stream.
#[derive(Debug, Clone, Copy)]
struct Seen {
    last_ms: u64,
    kept_ms: u64,
}

/// A row of records that are given up, in entries that follow each other.
struct Row {
    count: u32,
    began: When,
    ended: When,
}

impl Thinner {
    /// Gives up what can be among these entries and answers how many records that were.
    pub(super) fn thin(&mut self, entries: &mut [Entry]) -> u64 {
        let mut row: Option<Row> = None;
        let mut given_up = 0;
        for at in 0..entries.len() {
            let when = self.dispensable(&entries[at].bytes);
            if let Some(when) = when {
                entries[at].bytes = Vec::new();
                given_up += 1;
                let row = row.get_or_insert(Row {
                    count: 0,
                    began: when,
                    ended: when,
                });
                row.count = row.count.saturating_add(1);
                row.ended = when;
            }
            let is_over = when.is_none() || at + 1 == entries.len();
            if is_over && let Some(row) = row.take() {
                let last = if when.is_none() { at - 1 } else { at };
                entries[last].bytes = row.gap().encode();
            }
        }
        given_up
    }

    /// When the record in an entry was made, if it can be given up.
    fn dispensable(&mut self, bytes: &[u8]) -> Option<When> {
        let record = Record::decode(bytes).ok()?;
        let Body::Reading(vital, quality) = record.body else {
            return None;
        };
        let device = record.device?;
        if quality.contains(Quality::FROM_STORAGE) {
            return None;
        }
        let now_ms = record.when.mono.0;
        if self.streams.len() >= STREAMS {
            self.streams.clear();
        }
        let seen = Seen {
            last_ms: now_ms,
            kept_ms: now_ms,
        };
        let stream = (device, vital.kind(), record.when.boot);
        let Some(before) = self.streams.get_mut(&stream) else {
            self.streams.insert(stream, seen);
            return None;
        };
        let is_continuous = now_ms.saturating_sub(before.last_ms) <= CONTINUOUS_MS;
        let is_due = now_ms.saturating_sub(before.kept_ms) >= KEPT_EVERY_MS;
        before.last_ms = now_ms;
        if is_continuous && !is_due {
            return Some(record.when);
        }
        before.kept_ms = now_ms;
        None
    }
}

impl Row {
    fn gap(&self) -> Record {
        let lasted_ms = (self.began.boot == self.ended.boot)
            .then(|| self.ended.mono.0.saturating_sub(self.began.mono.0));
        Record {
            device: None,
            when: When {
                device: None,
                ..self.ended
            },
            body: Body::Gap(Gap {
                reason: GapReason::Limit,
                lost: self.count,
                lasted_ms: lasted_ms.and_then(|ms| i64::try_from(ms).ok()),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
