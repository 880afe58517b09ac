//! How much the box sends and receives in a month: what an LTE stick is paid for.
//!
//! Counted are the link's messages, without what TLS and TCP add (`docs/performance.md` says how
//! much that is). The count is written down every hour and at the end, so a power cut costs at most
//! an hour of it; a memory card is not worn out for a figure. A box that does not know the time
//! goes on counting in the month it was in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_link::LinkStatus;
use veglia_wire::WallMs;

use crate::clock::BoxClock;
use crate::heart::Beat;

/// How often the count is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(3_600);

/// How often it is brought up to date.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Bytes of a month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// Year and month, as `2026-11`; empty before the box has ever known the time.
    pub name: String,
    /// Bytes sent to the centre.
    pub sent_bytes: u64,
    /// Bytes received from it.
    pub received_bytes: u64,
}

/// The count; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    file: PathBuf,
    shared: Arc<Mutex<Counted>>,
}

#[derive(Debug, Default)]
struct Counted {
    month: Month,
    /// What the link had counted when this was last looked at.
    seen: (u64, u64),
}

impl Traffic {
    /// Goes on from what was written down. What cannot be read begins again: it is a figure.
    pub(crate) fn open(dir: &Path) -> Self {
        let file = dir.join("traffic");
        let month = fs::read_to_string(&file).ok().and_then(|text| read(&text));
        let counted = Counted {
            month: month.unwrap_or_default(),
            seen: (0, 0),
        };
        Self {
            file,
            shared: Arc::new(Mutex::new(counted)),
        }
    }

    /// The month so far.
    pub(crate) fn month(&self) -> Month {
        self.counted(|counted| counted.month.clone())
    }

    /// Takes over what the link has counted by now.
    pub(crate) fn note(&self, link: &LinkStatus, now: Option<WallMs>) {
        let so_far = (link.sent_bytes, link.received_bytes);
        self.counted(|counted| counted.add(so_far, now));
    }

    /// Counts until told to stop.
    pub(crate) async fn count(
        self,
        link: watch::Receiver<LinkStatus>,
        clock: Arc<BoxClock>,
        beat: Beat,
        stop: CancellationToken,
    ) {
        let mut look = tokio::time::interval(COUNTED_EVERY);
        let mut write = tokio::time::interval(WRITTEN_EVERY);
        write.reset();
        while !stop.is_cancelled() {
            beat.beat();
            let is_due = tokio::select! {
                () = stop.cancelled() => true,
                _ = write.tick() => true,
                _ = look.tick() => false,
            };
            let status = link.borrow().clone();
            self.note(&status, clock.stamp(None).wall);
            if is_due && let Err(error) = self.write() {
                tracing::warn!(%error, "the month's bytes are not written down; free some space");
            }
        }
    }

    fn counted<T>(&self, look: impl FnOnce(&mut Counted) -> T) -> T {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> io::Result<()> {
        let Month {
            name,
            sent_bytes,
            received_bytes,
        } = self.month();
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, format!("{name} {sent_bytes} {received_bytes}\n"))?;
        fs::rename(fresh, &self.file)
    }
}

impl Counted {
    fn add(&mut self, so_far: (u64, u64), now: Option<WallMs>) {
        let name = now.and_then(month_of);
        if let Some(name) = name.filter(|name| *name != self.month.name) {
            if !self.month.name.is_empty() {
                self.month = Month::default();
            }
            self.month.name = name;
        }
        self.month.sent_bytes += so_far.0.saturating_sub(self.seen.0);
        self.month.received_bytes += so_far.1.saturating_sub(self.seen.1);
        self.seen = so_far;
    }
}

fn month_of(WallMs(ms): WallMs) -> Option<String> {
    let now = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(now.strftime("%Y-%m").to_string())
}

fn read(text: &str) -> Option<Month> {
    let mut words = text.trim_end_matches('\n').split(' ');
    let (name, sent, received) = (words.next()?, words.next()?, words.next()?);
    Some(Month {
        name: name.to_owned(),
        sent_bytes: sent.parse().ok()?,
        received_bytes: received.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTOBER: Option<WallMs> = Some(WallMs(1_603_188_000_000));
    const NOVEMBER: Option<WallMs> = Some(WallMs(1_604_300_000_000));

    #[test]
    fn a_month_goes_on_after_a_restart_and_ends_with_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let traffic = Traffic::open(dir.path());
        let add = |traffic: &Traffic, so_far, now| traffic.counted(|it| it.add(so_far, now));
        add(&traffic, (100, 10), None);
        assert_eq!(traffic.month().name, "");
        add(&traffic, (150, 10), OCTOBER);
        let month = traffic.month();
        assert_eq!((month.name.as_str(), month.sent_bytes), ("2020-10", 150));
        traffic.write().unwrap();

        let traffic = Traffic::open(dir.path());
        assert_eq!(traffic.month(), month);
        add(&traffic, (7, 7), None);
        assert_eq!(traffic.month().sent_bytes, 157);
        add(&traffic, (9, 9), NOVEMBER);
        let month = traffic.month();
        assert_eq!((month.name.as_str(), month.sent_bytes), ("2020-11", 2));
    }

    #[test]
    fn a_count_that_cannot_be_read_begins_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("traffic"), "2020-10 many").unwrap();
        assert_eq!(Traffic::open(dir.path()).month(), Month::default());
    }
}
