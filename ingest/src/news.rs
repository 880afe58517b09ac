//! What the diary has that the journal does not: the intake asks before it writes what came.
//!
//! Plans, assignments and acts are written by others, in the diary. In the journal stands only
//! that there is something to take up, and it must stand there before what was received later: a
//! reading taken up before the hand-over of its device would be the former patient's.
//!
//! Limits: homes wait for the answer, so a diary that hangs is asked no longer than
//! [`DIARY_WITHIN`] and then left alone for a while. What arrives meanwhile is kept, and belongs to
//! whoever is known to wear the device.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use veglia_diary::newest_change;
use veglia_store::Database;
use veglia_wire::WallMs;

use crate::entry::Entry;
use crate::watch::ACTOR;

/// How long readings wait for the diary to say what has changed. It answers within a millisecond;
/// one that hangs must not keep homes from being heard.
const DIARY_WITHIN: Duration = Duration::from_millis(200);

/// How long a diary that did not answer is left alone.
const DIARY_REST: Duration = Duration::from_secs(1);

/// Says the newest row of changes; none when it cannot be said now.
pub(crate) type Diary = Box<dyn FnMut() -> Option<i64> + Send>;

/// What the diary has that the journal does not.
pub(crate) struct News {
    diary: Diary,
    /// The last row of changes that is in the journal.
    journaled: i64,
}

impl News {
    /// Of a diary; to be made within the runtime that it is asked by.
    pub(crate) fn of(record: Database, journaled: i64) -> Self {
        Self::new(diary(record), journaled)
    }

    pub(crate) fn new(diary: Diary, journaled: i64) -> Self {
        Self { diary, journaled }
    }

    /// The entry that tells what is new. It blocks; the thread must not be the runtime's.
    pub(crate) fn newer(&mut self, now: WallMs) -> Option<Entry> {
        let id = (self.diary)().filter(|id| *id > self.journaled)?;
        Some(Entry::Change { at: now, id })
    }

    /// A row of changes is in the journal now.
    pub(crate) fn journaled(&mut self, id: i64) {
        self.journaled = id;
    }
}

/// Asks the diary for its newest row of changes, from the intake's thread.
fn diary(record: Database) -> Diary {
    let runtime = Handle::current();
    let mut rests_until: Option<Instant> = None;
    Box::new(move || {
        if rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        // The timer belongs to the runtime, so it is made within it.
        let newest = runtime.block_on(async {
            let newest = newest_change(&record, &ACTOR);
            tokio::time::timeout(DIARY_WITHIN, newest).await
        });
        let failure = match newest {
            Ok(Ok(newest)) => {
                rests_until = None;
                return Some(newest.0);
            }
            Ok(Err(error)) => std::error::Error::source(&error).map(ToString::to_string),
            Err(elapsed) => Some(elapsed.to_string()),
        };
        if rests_until.is_none() {
            tracing::error!(
                cause = failure,
                "the record does not say what has changed; readings are kept, and new plans and \
                 assignments wait"
            );
        }
        rests_until = Some(Instant::now() + DIARY_REST);
        None
    })
}

#[cfg(test)]
mod tests {
    use veglia_diary::assign_device;
    use veglia_store::Purpose;
    use veglia_triage::PatientId;
    use veglia_wire::DeviceId;

    use super::*;

    #[tokio::test]
    async fn the_intake_hears_of_an_assignment_as_soon_as_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let record = record.await.unwrap();
        let mut ask = diary(record.clone());
        // From a thread, as the intake does.
        let asked = tokio::task::spawn_blocking(move || (ask(), ask));
        let (before, ask) = asked.await.unwrap();
        let device = DeviceId::new("nonin:501234").unwrap();
        let (patient, now) = (PatientId::new(1), WallMs(0));
        let assigned = assign_device(&record, &ACTOR, &device, patient, now, now).await;
        assigned.unwrap();
        let after = tokio::task::spawn_blocking(ask).await.unwrap();
        assert_eq!((before, after), (Some(0), Some(1)));
    }
}
