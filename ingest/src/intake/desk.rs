//! Where what a gateway sends is weighed: new, known, after a hole, damaged or not understood.
//!
//! It decides what goes into the batch and what is answered once the batch is on disk; it writes
//! and answers nothing itself. What cannot be stored as it is goes to quarantine.

use veglia_link::receiver::{Parcel, Receipt};
use veglia_wire::{
    DecodeError, FrameError, FrameHeader, GatewayId, Hello, Refusal, RefusalReason, Sequence,
    UpFrame, WallMs,
};

use super::{Answer, Line, plain};
use crate::entry::Entry;
use crate::figures::Figures;
use crate::ledger::{Draft, Weighed};
use crate::probe::is_probe;
use crate::quarantine::Quarantine;

/// Where one frame is weighed.
pub(super) struct Desk<'a, 'b> {
    pub(super) draft: &'a mut Draft<'b>,
    pub(super) quarantine: &'a mut Quarantine,
    pub(super) figures: &'a Figures,
}

/// What a frame adds to the batch, if anything, and what it is answered, if anything.
type Outcome = (Option<Line>, Option<Answer>);

impl Desk<'_, '_> {
    pub(super) fn weigh(&mut self, parcel: Parcel, now: WallMs) -> Outcome {
        let Parcel {
            gateway,
            bytes,
            receipt,
        } = parcel;
        match UpFrame::decode(&bytes) {
            Ok(frame) if frame.header.gateway == gateway => {
                self.weigh_sound(frame, bytes, receipt, now)
            }
            // The topic is what the broker has checked; a frame may not speak for another.
            Ok(_) => self.damaged(&bytes, "it names another gateway than its topic"),
            Err(FrameError::Body { header, source }) if header.gateway == gateway => {
                self.weigh_foreign(&header, &source, bytes, receipt, now)
            }
            Err(FrameError::BodyCrc { header, .. }) if header.gateway == gateway => {
                self.damaged(&bytes, "its body is damaged");
                let through = self.draft.through(&gateway, header.epoch);
                let expected = Sequence::FIRST.plus(through.map_or(0, Sequence::get));
                (None, Some(Answer::Hole(receipt, header.epoch, expected)))
            }
            Err(error) => self.damaged(&bytes, &error.to_string()),
        }
    }

    fn weigh_sound(
        &mut self,
        frame: UpFrame,
        bytes: Vec<u8>,
        receipt: Receipt,
        now: WallMs,
    ) -> Outcome {
        let header = &frame.header;
        let weighed = self.draft.weigh(header);
        let is_counted = !is_probe(&header.gateway);
        if is_counted {
            self.figures.frame(header, weighed);
        }
        let Weighed::New { skip } = weighed else {
            return (None, Some(self.again(header, weighed, receipt)));
        };
        let newest = frame.records.last().filter(|_| is_counted);
        let measured = newest.and_then(|record| record.when.wall);
        let answer = Answer::Stored {
            receipt,
            epoch: header.epoch,
            through: header.last(),
            measured,
        };
        let entry = Entry::Frame {
            at: now,
            skip,
            bytes,
        };
        (Some((entry, Some(frame))), Some(answer))
    }

    /// A frame that arrived as it was sent and says nothing we understand: kept in quarantine and
    /// in the journal, and counted as received, or it would block its gateway for ever.
    fn weigh_foreign(
        &mut self,
        header: &FrameHeader,
        why: &DecodeError,
        bytes: Vec<u8>,
        receipt: Receipt,
        now: WallMs,
    ) -> Outcome {
        let weighed = self.draft.weigh(header);
        let Weighed::New { .. } = weighed else {
            return (None, Some(self.again(header, weighed, receipt)));
        };
        self.damaged(&bytes, &why.to_string());
        self.figures.refused(u64::from(header.count));
        let reason = match why {
            DecodeError::NewerVersion { .. } => RefusalReason::NewerVersion,
            _ => RefusalReason::Undecodable,
        };
        let refusal = Refusal {
            from: header.first,
            to: header.last(),
            reason,
        };
        let entry = Entry::Refused {
            at: now,
            reason,
            bytes,
        };
        let answer = Answer::Refused(receipt, header.epoch, refusal);
        (Some(plain(entry)), Some(answer))
    }

    /// Says again what is known, or which sequence is missing.
    fn again(&self, header: &FrameHeader, weighed: Weighed, receipt: Receipt) -> Answer {
        let epoch = header.epoch;
        let known = self.draft.through(&header.gateway, epoch);
        match weighed {
            Weighed::Hole { expected } => Answer::Hole(receipt, epoch, expected),
            Weighed::New { .. } | Weighed::Seen => {
                let through = known.unwrap_or(header.last());
                Answer::Stored {
                    receipt,
                    epoch,
                    through,
                    measured: None,
                }
            }
        }
    }

    /// Keeps a damaged frame and says so. It is not answered: the gateway sends it again.
    fn damaged(&mut self, bytes: &[u8], why: &str) -> Outcome {
        self.figures.damaged();
        match self.quarantine.keep(bytes) {
            Ok(kept) => tracing::warn!(why, kept, "a frame was put in quarantine"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(why, %error, cause, "a damaged frame could not be kept");
            }
        }
        (None, None)
    }
}

/// Records that a gateway no longer has and ingest never had: only a disk that lost what it had
/// confirmed, here or there, makes them. They are written down as lost; waiting for them would
/// block the gateway for ever.
pub(super) fn gone(
    draft: &mut Draft<'_>,
    gateway: &GatewayId,
    hello: &Hello,
    now: WallMs,
) -> Option<Entry> {
    let known = draft.through(gateway, hello.epoch).map_or(0, Sequence::get);
    let kept_from = hello
        .oldest
        .or_else(|| hello.newest.map(|newest| newest.plus(1)))?;
    let from = Sequence::FIRST.plus(known);
    let to = Sequence::new(kept_from.get().saturating_sub(1)).filter(|to| *to >= from)?;
    tracing::error!(
        gateway = %gateway, epoch = %hello.epoch, %from, %to,
        "records are lost: the gateway does not have them any more and they are not here"
    );
    draft.advance(gateway, hello.epoch, to);
    let (gateway, epoch) = (gateway.clone(), hello.epoch);
    Some(Entry::Gone {
        at: now,
        gateway,
        epoch,
        from,
        to,
    })
}
