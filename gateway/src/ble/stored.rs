//! What a device has stored: asked for, taken over, and deleted there when the centre has it.
//!
//! ```text
//! Resting → Reporting → Kept (on our disk) → Counting (the centre has it) → Deleting → Resting
//! ```
//! Nothing is deleted that was not told to us: when the device counts more than it has told, it is
//! asked again. A full memory overwrites its oldest and counts as before; so what is deleted was
//! told moments ago, or it is asked to tell all again first. This is only the order of things:
//! bytes come in and requests go out.

use std::time::{Duration, Instant};

use veglia_codecs::racp::{Request, Response};
use veglia_link::OutboxStatus;
use veglia_wire::{Epoch, Sequence};

/// How long a device may be silent while it tells what it has stored.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long until a device that stays connected is asked again.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

/// How long what was told stands for what is there: the time of an acknowledgement on a good line.
const FRESH: Duration = Duration::from_secs(15);

/// How long until it is asked again after it has told less than it has. What cannot be understood
/// is never deleted, and asked for in vain.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Where the memory of one device stands, within one connection.
#[derive(Debug)]
pub(crate) enum Stored {
    /// It is asked at this moment.
    Resting(Instant),
    /// It tells: so many so far, the last at this moment.
    Reporting { told: u16, heard: Instant },
    /// All it told until this moment is in the outbox, up to here.
    Kept {
        told: u16,
        through: Mark,
        at: Instant,
    },
    /// The centre has all of it; the device is asked how many it has.
    Counting { told: u16, since: Instant },
    /// It deletes.
    Deleting(Instant),
    /// It does not do what it is asked; not in this connection any more.
    Refusing,
}

/// A place in the outbox.
pub(crate) type Mark = (Epoch, Sequence);

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Wait,
    /// It has nothing stored.
    Deleted,
    /// Ask this.
    Ask(Request),
    /// All was told: see to it that it is on disk, and call [`Stored::kept`].
    Keep,
}

impl Stored {
    /// At the beginning of a connection.
    pub(crate) fn new(now: Instant) -> Self {
        Self::Resting(now)
    }

    /// Whether the device tells what it has stored right now.
    pub(crate) fn is_reporting(&self) -> bool {
        matches!(self, Self::Reporting { .. })
    }

    /// A stored record came.
    pub(crate) fn told(&mut self, now: Instant) {
        if let Self::Reporting { told, heard } = self {
            *told = told.saturating_add(1);
            *heard = now;
        }
    }

    /// Something was just measured: what was told is not all any more.
    pub(crate) fn measured(&mut self, now: Instant) {
        if matches!(self, Self::Kept { .. } | Self::Counting { .. }) {
            *self = Self::Resting(now);
        }
    }

    /// Time passes, and ingest may have acknowledged more.
    pub(crate) fn look(&mut self, now: Instant, outbox: &OutboxStatus) -> Step {
        match *self {
            Self::Resting(at) if now >= at => {
                *self = Self::Reporting {
                    told: 0,
                    heard: now,
                };
                Step::Ask(Request::ReportAll)
            }
            Self::Reporting { heard, .. } if now.duration_since(heard) > PATIENCE => {
                *self = Self::Resting(now + ASK_EVERY);
                Step::Ask(Request::Abort)
            }
            Self::Counting { since, .. } | Self::Deleting(since)
                if now.duration_since(since) > PATIENCE =>
            {
                *self = Self::Resting(now + ASK_EVERY);
                Step::Wait
            }
            Self::Kept { told, through, at } if is_acknowledged(outbox, through) => {
                if now.duration_since(at) > FRESH {
                    *self = Self::Resting(now);
                    return self.look(now, outbox);
                }
                *self = Self::Counting { told, since: now };
                Step::Ask(Request::CountAll)
            }
            _ => Step::Wait,
        }
    }

    /// The device answers.
    pub(crate) fn answered(&mut self, response: Response, now: Instant) -> Step {
        match (&*self, response) {
            // Whatever was told in the meantime, from memory or just measured, is kept.
            (
                Self::Reporting { told: 1.., .. },
                Response::Done(Request::ReportAll) | Response::Nothing(Request::ReportAll),
            ) => Step::Keep,
            (
                Self::Reporting { .. },
                Response::Done(Request::ReportAll) | Response::Nothing(Request::ReportAll),
            ) => {
                *self = Self::Resting(now + ASK_EVERY);
                Step::Deleted
            }
            (Self::Deleting(_), Response::Done(_) | Response::Nothing(_)) => {
                *self = Self::Resting(now + ASK_EVERY);
                Step::Deleted
            }
            (Self::Counting { told, .. }, Response::Count(count)) if count == *told => {
                *self = Self::Deleting(now);
                Step::Ask(Request::DeleteAll)
            }
            // It has measured since: that is to be told as well, before anything is deleted.
            (Self::Counting { .. }, Response::Count(_)) => {
                *self = Self::Resting(now + ASK_AGAIN);
                Step::Wait
            }
            (Self::Reporting { .. } | Self::Deleting(_), Response::Refused(request, reason)) => {
                tracing::warn!(
                    ?request,
                    reason,
                    "the device does not give what it has stored"
                );
                *self = Self::Refusing;
                Step::Wait
            }
            _ => Step::Wait,
        }
    }

    /// All that was told is on disk. `through` none: it is not certain where, so that nothing may
    /// be deleted.
    pub(crate) fn kept(&mut self, through: Option<Mark>, now: Instant) {
        *self = match (&*self, through) {
            (Self::Reporting { told, .. }, Some(through)) => Self::Kept {
                told: *told,
                through,
                at: now,
            },
            _ => Self::Resting(now + ASK_EVERY),
        };
    }
}

fn is_acknowledged(outbox: &OutboxStatus, (epoch, through): Mark) -> bool {
    outbox.epoch == epoch && outbox.acknowledged >= Some(through)
}

#[cfg(test)]
mod tests {
    use veglia_link::OutboxState;

    use super::*;

    fn outbox(acknowledged: Option<u64>) -> OutboxStatus {
        OutboxStatus {
            epoch: Epoch(9),
            oldest: None,
            newest: Sequence::new(5),
            acknowledged: acknowledged.and_then(Sequence::new),
            bytes: 0,
            thinned: 0,
            state: OutboxState::Writing,
        }
    }

    /// A device that has told `told` measurements, which are on disk up to sequence 5.
    fn kept(told: u16, now: Instant) -> Stored {
        let mut stored = Stored::new(now);
        let asked = stored.look(now, &outbox(None));
        assert_eq!(asked, Step::Ask(Request::ReportAll));
        (0..told).for_each(|_| stored.told(now));
        let done = stored.answered(Response::Done(Request::ReportAll), now);
        assert_eq!(done, Step::Keep);
        stored.kept(Some((Epoch(9), Sequence::new(5).unwrap())), now);
        stored
    }

    #[test]
    fn what_was_told_moments_ago_is_counted_and_deleted_when_the_centre_has_it() {
        let now = Instant::now();
        let mut stored = kept(2, now);
        assert_eq!(stored.look(now, &outbox(Some(4))), Step::Wait);
        let soon = now + Duration::from_secs(2);
        let count = stored.look(soon, &outbox(Some(5)));
        assert_eq!(count, Step::Ask(Request::CountAll));
        let delete = stored.answered(Response::Count(2), soon);
        assert_eq!(delete, Step::Ask(Request::DeleteAll));
    }

    #[test]
    fn a_full_memory_that_may_have_overwritten_its_oldest_is_told_again_before_it_is_deleted() {
        let now = Instant::now();
        let mut stored = kept(20, now);
        // The line was down for an hour; the count would be the same.
        let later = now + Duration::from_secs(3600);
        let again = stored.look(later, &outbox(Some(5)));
        assert_eq!(again, Step::Ask(Request::ReportAll));
        assert!(stored.is_reporting());
    }

    #[test]
    fn a_measurement_made_meanwhile_is_asked_for_before_anything_is_deleted() {
        let now = Instant::now();
        let mut stored = kept(20, now);
        assert_eq!(
            stored.look(now, &outbox(Some(5))),
            Step::Ask(Request::CountAll)
        );
        stored.measured(now);
        assert_eq!(stored.answered(Response::Count(20), now), Step::Wait);
        let again = stored.look(now, &outbox(Some(5)));
        assert_eq!(again, Step::Ask(Request::ReportAll));
    }

    #[test]
    fn an_empty_memory_is_as_good_as_a_deleted_one_so_that_the_clock_is_set() {
        let now = Instant::now();
        let mut stored = Stored::new(now);
        stored.look(now, &outbox(None));
        let empty = stored.answered(Response::Nothing(Request::ReportAll), now);
        assert_eq!(empty, Step::Deleted);
    }
}
