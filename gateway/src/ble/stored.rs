//! What a device has stored: asked for, taken over, and deleted there when the centre has it.
//!
//! ```text
//! Resting → Reporting → Kept (on our disk) → Counting (the centre has it) → Deleting → Resting
//! ```
//! Nothing is deleted that was not told to us: when the device counts more than it has told, it is
//! asked again. This is only the order of things: bytes come in and requests go out.

use std::time::{Duration, Instant};

use veglia_codecs::racp::{Request, Response};
use veglia_link::OutboxStatus;
use veglia_wire::{Epoch, Sequence};

/// How long a device may be silent while it tells what it has stored.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long until a device that stays connected is asked again.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

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
    /// All it told is in the outbox, up to here.
    Kept { told: u16, through: Mark },
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
            Self::Kept { told, through } if is_acknowledged(outbox, through) => {
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
            },
            _ => Self::Resting(now + ASK_EVERY),
        };
    }
}

fn is_acknowledged(outbox: &OutboxStatus, (epoch, through): Mark) -> bool {
    outbox.epoch == epoch && outbox.acknowledged >= Some(through)
}
