//! When a device must be greeted again: it may have been switched on after its port was opened, and
//! then nobody has told it in which format to speak, or to begin at all.
//!
//! A greeting does no harm to a device that speaks: each protocol's only asks for what the device
//! does already. It is written only when nothing that was understood came for [`AFTER`].

use std::time::Duration;

use tokio::time::Instant;

/// Silence, or bytes that are no frames, for so long: greet. An oximeter shows its first number
/// some ten seconds after the finger is in.
const AFTER: Duration = Duration::from_secs(10);

/// A port's greeting.
#[derive(Debug)]
pub(super) struct Greeting {
    bytes: &'static [&'static [u8]],
    due: Instant,
    last_bytes: Instant,
}

impl Greeting {
    /// Said when the port was opened.
    pub(super) fn said(bytes: &'static [&'static [u8]], now: Instant) -> Self {
        Self {
            bytes,
            due: now + AFTER,
            last_bytes: now,
        }
    }

    /// Bytes came, and whether there was a frame among them. The first bytes after a silence that
    /// are none come from a device that was just switched on: it is told at once, because a Nonin
    /// listens for five seconds only.
    pub(super) fn heard(&mut self, is_frame: bool, now: Instant) {
        let was_silent = now.duration_since(self.last_bytes) >= AFTER;
        self.last_bytes = now;
        if is_frame {
            self.due = now + AFTER;
        } else if was_silent {
            self.due = now;
        }
    }

    /// Waits until it must be said, and counts it as said; for ever for a device that wants none.
    /// It may be dropped at any moment.
    pub(super) async fn is_due(&mut self) -> &'static [&'static [u8]] {
        if self.bytes.is_empty() {
            return std::future::pending().await;
        }
        tokio::time::sleep_until(self.due).await;
        self.due = Instant::now() + AFTER;
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(start: Instant, count: u64) -> Instant {
        start + Duration::from_secs(count)
    }

    #[test]
    fn whoever_is_understood_is_not_greeted_again() {
        let start = Instant::now();
        let mut greeting = Greeting::said(&[b"hello"], start);
        for second in 1..60 {
            greeting.heard(true, seconds(start, second));
            assert_eq!(greeting.due, seconds(start, second + 10));
        }
    }

    #[test]
    fn a_device_that_wakes_up_in_another_format_is_told_at_once_and_then_every_ten_seconds() {
        let start = Instant::now();
        let mut greeting = Greeting::said(&[b"hello"], start);
        greeting.due = seconds(start, 20);
        greeting.heard(false, seconds(start, 13));
        assert_eq!(greeting.due, seconds(start, 13));
        greeting.due = seconds(start, 23);
        greeting.heard(false, seconds(start, 14));
        assert_eq!(greeting.due, seconds(start, 23));
    }
}
