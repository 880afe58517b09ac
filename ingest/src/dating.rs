//! When a record happened, as far as anybody can say.
//!
//! The gateway's wall time is believed when it had one and it does not lie in the future. A
//! record without one is filed under the time it was received, marked as uncertain: it is kept
//! and shown, and no rule scores it. The server's "now" is never given silently.

use veglia_wire::{Quality, Record, WallMs};

/// How far ahead of ingest a gateway's clock may be, in care milliseconds, before its times are
/// called uncertain: above any honest drift, below what would hide a silence.
const AHEAD_TOLERATED_MS: i64 = 5 * 60 * 1000;

/// The record's time and what has to be said against it.
pub(crate) fn date(record: &Record, received: WallMs) -> (WallMs, Quality) {
    match record.when.wall {
        Some(wall) if wall.since(received) <= AHEAD_TOLERATED_MS => (wall, Quality::empty()),
        Some(_) | None => (received, Quality::TIME_UNCERTAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::{Body, Boot, MonoMs, When};

    fn record(wall: Option<i64>) -> Record {
        let when = When {
            boot: Boot(1),
            mono: MonoMs(0),
            wall: wall.map(WallMs),
            device: None,
        };
        Record {
            device: None,
            when,
            body: Body::Clock,
        }
    }

    #[test]
    fn a_time_is_believed_unless_it_lies_in_the_future_or_is_missing() {
        let received = WallMs(1_000_000_000);
        let day = 24 * 3_600_000;
        for (wall, uncertain) in [
            (Some(received.0), false),
            (Some(received.0 - 3 * day), false),
            (Some(received.0 + 60_000), false),
            (Some(received.0 + day), true),
            (None, true),
        ] {
            let (at, quality) = date(&record(wall), received);
            assert_eq!(
                quality.contains(Quality::TIME_UNCERTAIN),
                uncertain,
                "{wall:?}"
            );
            assert_eq!(
                at == received,
                uncertain || wall == Some(received.0),
                "{wall:?}"
            );
        }
    }
}
