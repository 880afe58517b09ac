//! Whether the box's tasks really turn. Each task beats at every turn; who watches asks whether
//! one has not for too long, and whether the outbox's thread answers. A supervisor that is told
//! "alive" by a timer of its own would learn nothing.
//!
//! Deliberately absent: whether the work succeeds. A box without a centre, or without devices,
//! turns, and starting it again would help nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use veglia_link::Outbox;

/// A task that has not turned for so long is stuck. The slowest turns every ten seconds.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(60);

/// How often a task that has nothing to do turns all the same.
pub(crate) const TURNS_EVERY: Duration = Duration::from_secs(10);

/// How long the outbox's thread may take to answer: a worn memory card may need some seconds for
/// one write.
const OUTBOX_ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Cheap to clone; all clones are the same heart.
#[derive(Debug, Clone)]
pub struct Heart {
    parts: Arc<Mutex<Vec<Part>>>,
    outbox: Outbox,
    began: Instant,
}

#[derive(Debug)]
struct Part {
    name: String,
    /// Gone when its task has ended.
    last: Weak<AtomicU64>,
}

/// One task's part in it, for as long as the task runs.
#[derive(Debug)]
pub(crate) struct Beat {
    last: Arc<AtomicU64>,
    began: Instant,
}

impl Heart {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            parts: Arc::default(),
            outbox,
            began: Instant::now(),
        }
    }

    /// A task that turns from now on.
    pub(crate) fn part(&self, name: impl Into<String>) -> Beat {
        let beat = Beat {
            last: Arc::default(),
            began: self.began,
        };
        beat.beat();
        let part = Part {
            name: name.into(),
            last: Arc::downgrade(&beat.last),
        };
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.retain(|part| part.last.strong_count() > 0);
        parts.push(part);
        beat
    }

    /// What does not turn any more; none when all is well.
    pub async fn stalled(&self) -> Option<String> {
        if let Some(name) = self.stopped(self.began.elapsed()) {
            return Some(name);
        }
        let answered = tokio::time::timeout(OUTBOX_ANSWERS_WITHIN, self.outbox.turns()).await;
        match answered {
            Ok(()) => None,
            Err(_) => Some("the outbox: its disk does not answer".to_owned()),
        }
    }

    /// What has not turned, so long after the beginning.
    pub(crate) fn stopped(&self, now: Duration) -> Option<String> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_stalled = |part: &&Part| {
            let last = part.last.upgrade();
            last.is_some_and(|last| {
                let last = Duration::from_millis(last.load(Ordering::Relaxed));
                now.saturating_sub(last) > STALLED_AFTER
            })
        };
        parts.iter().find(is_stalled).map(|part| part.name.clone())
    }
}

impl Beat {
    /// The task has come round.
    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use veglia_link::OutboxOptions;

    use super::*;

    #[tokio::test]
    async fn a_task_that_does_not_turn_is_named_and_one_that_ended_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path(), OutboxOptions::default()).unwrap();
        let heart = Heart::new(outbox.clone());
        let (turning, ended) = (heart.part("port 1"), heart.part("port 2"));
        assert_eq!(heart.stalled().await, None);
        let later = STALLED_AFTER + Duration::from_secs(2);
        drop(ended);
        assert_eq!(heart.stopped(later), Some("port 1".to_owned()));
        turning.last.store(5_000, Ordering::Relaxed);
        assert_eq!(heart.stopped(later), None);
    }
}
