//! Frames to journal to acknowledgement: one thread that owns the journal.
//!
//! ```text
//! gather what has arrived → weigh each on a draft of the ledger → one append, one fsync
//! → Durable → take it up in the ledger → answer every receipt
//! ```
//! While the disk works on one batch the next one gathers, and a batch that is not full waits
//! `GATHER` for company, so that a busy ingest syncs seldom and an idle one almost at once.
//! Nothing is answered before its batch is on disk, and what cannot be written is not answered at
//! all: forgetting a receipt never acknowledges, and the gateway sends again.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use veglia_journal::{AppendError, Durable, Journal, Position, RemoveError};
use veglia_link::receiver::{Parcel, Receipt, Reply};
use veglia_wire::{
    CareClock, DecodeError, Epoch, FrameError, FrameHeader, GatewayId, Hello, Refusal,
    RefusalReason, Sequence, UpFrame, WallMs,
};

use crate::entry::Entry;
use crate::figures::Figures;
use crate::ledger::{Draft, Ledger, Weighed};
use crate::quarantine::Quarantine;
use crate::retention::Retention;

/// Arrivals in one batch. 256 frames of at most 16 KiB stay well within one journal frame, and
/// commit in a few milliseconds.
const MAX_BATCH: usize = 256;

/// Arrivals waiting for the thread. Each is at most 16 KiB, so at most 16 MiB; beyond it the
/// receiver waits and the broker holds the gateways back.
pub const MAX_WAITING: usize = 1024;

/// How long a batch that is not full waits for company. A thousand homes that speak once a second
/// are then a few hundred commits a second fewer, and nobody notices five milliseconds.
const GATHER: Duration = Duration::from_millis(5);

/// How long the thread rests when the disk refused a batch. Gateways keep everything meanwhile.
const DISK_FULL_REST: Duration = Duration::from_millis(500);

/// What comes to the thread.
pub enum Arrival {
    /// A frame.
    Frame(Parcel),
    /// A gateway greets and asks what is on disk.
    Hello(GatewayId, Hello, Reply),
    /// Care time passed.
    Tick,
    /// A row of changes was found.
    Change(i64),
    /// A consumer has kept all before this position for itself.
    Passed(Consumer, Position),
}

/// Who reads the journal. What all of them have passed may go when it is old enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// The series.
    Tape,
    /// The rules.
    Watch,
}

/// Why the thread stopped: each needs a restart by somebody who has looked at the disk.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The journal can promise nothing any more.
    #[error("ingest's journal failed and nothing more can be acknowledged")]
    Journal(#[source] AppendError),
    /// Old segments cannot be deleted.
    #[error("old segments of ingest's journal cannot be deleted")]
    Remove(#[source] RemoveError),
}

/// What a batch answers once it is on disk.
enum Answer {
    Stored {
        receipt: Receipt,
        epoch: Epoch,
        through: Sequence,
        measured: Option<WallMs>,
    },
    Hole(Receipt, Epoch, Sequence),
    Refused(Receipt, Epoch, Refusal),
    Hello(Reply, Epoch, Option<Sequence>),
}

/// The thread's work and all it owns.
pub(crate) struct Intake<J: Journal> {
    journal: J,
    ledger: Ledger,
    quarantine: Quarantine,
    retention: Retention,
    passed: [Option<Position>; 2],
    /// The last row of changes found, until it is on disk: nobody sends it again.
    pending_change: Option<i64>,
    care: CareClock,
    /// The last proof; it covers everything before, duplicates included.
    proof: Durable,
    written: watch::Sender<Position>,
    figures: Figures,
    disk_full: bool,
}

impl<J: Journal> Intake<J> {
    /// Takes the journal over. Its first entry is a tick, which also proves that the disk works.
    pub(crate) fn start(
        mut journal: J,
        ledger: Ledger,
        quarantine: Quarantine,
        care: CareClock,
        figures: Figures,
        retention: Retention,
    ) -> Result<(Self, watch::Receiver<Position>), IntakeError> {
        let tick = Entry::Tick { at: care.now() }.encode();
        let proof = journal.append(&[&tick]).map_err(IntakeError::Journal)?;
        let (written, reader) = watch::channel(proof.through());
        let intake = Self {
            journal,
            ledger,
            quarantine,
            retention,
            passed: [None; 2],
            pending_change: None,
            care,
            proof,
            written,
            figures,
            disk_full: false,
        };
        Ok((intake, reader))
    }

    /// One more reader of the journal, the oldest position it may ask for, and how far it may.
    pub(crate) fn reader(&self) -> (J::Reader, Position, watch::Receiver<Position>) {
        let (reader, oldest) = (self.journal.reader(), self.journal.oldest());
        (reader, oldest, self.written.subscribe())
    }

    /// Works until every sender is gone.
    pub(crate) fn run(mut self, mut arrivals: mpsc::Receiver<Arrival>) -> Result<(), IntakeError> {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while arrivals.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            if batch.len() < MAX_BATCH {
                std::thread::sleep(GATHER);
                while batch.len() < MAX_BATCH
                    && let Ok(arrival) = arrivals.try_recv()
                {
                    batch.push(arrival);
                }
            }
            self.commit(batch.drain(..))?;
        }
        Ok(())
    }

    fn commit(&mut self, batch: impl Iterator<Item = Arrival>) -> Result<(), IntakeError> {
        let now = self.care.now();
        let refused = self.pending_change;
        let mut entries: Vec<Entry> = refused
            .into_iter()
            .map(|id| Entry::Change { at: now, id })
            .collect();
        let mut answers = Vec::new();
        let mut draft = self.ledger.draft();
        for arrival in batch {
            match arrival {
                Arrival::Frame(parcel) => {
                    let mut desk = Desk {
                        draft: &mut draft,
                        quarantine: &mut self.quarantine,
                        figures: &self.figures,
                    };
                    let (entry, answer) = desk.weigh(parcel, now);
                    entries.extend(entry);
                    answers.extend(answer);
                }
                Arrival::Hello(gateway, hello, reply) => {
                    entries.extend(gone(&mut draft, &gateway, &hello, now));
                    let through = draft.through(&gateway, hello.epoch);
                    answers.push(Answer::Hello(reply, hello.epoch, through));
                }
                Arrival::Tick => entries.push(Entry::Tick { at: now }),
                Arrival::Change(id) => {
                    entries.push(Entry::Change { at: now, id });
                    self.pending_change = Some(id);
                }
                Arrival::Passed(Consumer::Tape, position) => self.passed[0] = Some(position),
                Arrival::Passed(Consumer::Watch, position) => self.passed[1] = Some(position),
            }
        }
        if self.append(&entries)? {
            self.pending_change = None;
            self.answer(answers);
        }
        self.forget(now)
    }

    /// Writes the batch. False when the disk refused it for now.
    fn append(&mut self, entries: &[Entry]) -> Result<bool, IntakeError> {
        if entries.is_empty() {
            return Ok(true);
        }
        let encoded: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
        let slices: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        match self.journal.append(&slices) {
            Ok(durable) => {
                if self.disk_full {
                    tracing::info!("the disk takes writes again");
                }
                self.disk_full = false;
                self.figures.disk_full(false);
                self.proof = durable;
                for entry in entries {
                    self.ledger.follow(entry);
                }
                self.written.send_replace(durable.through());
                Ok(true)
            }
            Err(error) if error.is_final() => Err(IntakeError::Journal(error)),
            Err(error) => {
                if !self.disk_full {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "nothing is acknowledged until this is mended");
                }
                self.disk_full = true;
                self.figures.disk_full(true);
                std::thread::sleep(DISK_FULL_REST);
                Ok(false)
            }
        }
    }

    fn answer(&self, answers: Vec<Answer>) {
        let proof = &self.proof;
        let now = self.care.now();
        for answer in answers {
            match answer {
                Answer::Stored {
                    receipt,
                    epoch,
                    through,
                    measured,
                } => {
                    if let Some(measured) = measured {
                        self.figures
                            .durable_after(self.care.wall_ms(now.since(measured)));
                    }
                    receipt.acknowledge(proof, epoch, through);
                }
                Answer::Hole(receipt, epoch, expected) => receipt.expect(epoch, expected),
                Answer::Refused(receipt, epoch, refusal) => {
                    receipt.refuse(proof, epoch, refusal.to, refusal);
                }
                Answer::Hello(reply, epoch, Some(through)) => reply.known(proof, epoch, through),
                Answer::Hello(reply, epoch, None) => reply.nothing(epoch),
            }
        }
    }

    fn forget(&mut self, now: WallMs) -> Result<(), IntakeError> {
        self.retention.mark(self.proof.through(), now);
        let [Some(tape), Some(watch)] = self.passed else {
            return Ok(());
        };
        if let Some(keep) = self.retention.keep_from(tape.min(watch), now) {
            let freed = self
                .journal
                .remove_before(keep)
                .map_err(IntakeError::Remove)?;
            if freed > 0 {
                tracing::debug!(freed_bytes = freed, "old journal segments deleted");
            }
        }
        Ok(())
    }
}

/// Where one frame is weighed.
struct Desk<'a, 'b> {
    draft: &'a mut Draft<'b>,
    quarantine: &'a mut Quarantine,
    figures: &'a Figures,
}

/// What a frame adds to the batch, if anything, and what it is answered, if anything.
type Outcome = (Option<Entry>, Option<Answer>);

impl Desk<'_, '_> {
    fn weigh(&mut self, parcel: Parcel, now: WallMs) -> Outcome {
        let Parcel {
            gateway,
            bytes,
            receipt,
        } = parcel;
        match UpFrame::decode(&bytes) {
            Ok(frame) if frame.header.gateway == gateway => {
                self.weigh_sound(&frame, bytes, receipt, now)
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
        frame: &UpFrame,
        bytes: Vec<u8>,
        receipt: Receipt,
        now: WallMs,
    ) -> Outcome {
        let header = &frame.header;
        let weighed = self.draft.weigh(header);
        self.figures.frame(header, weighed);
        let Weighed::New { skip } = weighed else {
            return (None, Some(self.again(header, weighed, receipt)));
        };
        let measured = frame.records.last().and_then(|record| record.when.wall);
        (
            Some(Entry::Frame {
                at: now,
                skip,
                bytes,
            }),
            Some(Answer::Stored {
                receipt,
                epoch: header.epoch,
                through: header.last(),
                measured,
            }),
        )
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
        (
            Some(Entry::Refused {
                at: now,
                reason,
                bytes,
            }),
            Some(Answer::Refused(receipt, header.epoch, refusal)),
        )
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
fn gone(draft: &mut Draft<'_>, gateway: &GatewayId, hello: &Hello, now: WallMs) -> Option<Entry> {
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

#[cfg(test)]
mod tests;
