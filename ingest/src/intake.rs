//! Frames to journal to acknowledgement: one thread that owns the journal.
//!
//! ```text
//! gather what has arrived → ask the diary for changes → weigh each on a draft of the ledger
//! → one append, one fsync → Durable → take it up in the ledger → answer every receipt
//! → date what waited for a clock (`undated.rs`)
//! ```
//! A change that was in the diary when a frame was received stands before it in the journal, so
//! that whoever reads the journal knows who wore a device before it reads what it measured.
//!
//! While the disk works on one batch the next one gathers, and a batch that is not full waits
//! `GATHER` for company, so that a busy ingest syncs seldom and an idle one almost at once.
//! Nothing is answered before its batch is on disk, and what cannot be written is not answered at
//! all: forgetting a receipt never acknowledges, and the gateway sends again.

mod desk;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use veglia_journal::{AppendError, Durable, Item, Journal, JournalReader, Position, RemoveError};
use veglia_link::receiver::{Parcel, Receipt, Reply};
use veglia_wire::{CareClock, Epoch, GatewayId, Hello, Refusal, Sequence, UpFrame, WallMs};

use crate::entry::Entry;
use crate::figures::Figures;
use crate::ledger::Ledger;
use crate::news::News;
use crate::quarantine::Quarantine;
use crate::retention::Retention;
use crate::undated::Due;

use desk::{Desk, gone};

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
    /// The diary may have news.
    Look,
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

/// An entry to be written, and for a frame what it was decoded to.
type Line = (Entry, Option<UpFrame>);

/// The thread's work and all it owns.
pub(crate) struct Intake<J: Journal> {
    journal: J,
    ledger: Ledger,
    quarantine: Quarantine,
    retention: Retention,
    passed: [Option<Position>; 2],
    news: News,
    /// Something that waited for a clock may be due.
    is_ripe: bool,
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
        news: News,
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
            news,
            is_ripe: true,
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
        let mut lines: Vec<Line> = Vec::new();
        let mut answers = Vec::new();
        let mut draft = self.ledger.draft();
        let mut has_asked = false;
        for arrival in batch {
            let asks = matches!(arrival, Arrival::Frame(_) | Arrival::Look);
            if asks && !std::mem::replace(&mut has_asked, true) {
                lines.extend(self.news.newer(now).map(plain));
            }
            match arrival {
                Arrival::Frame(parcel) => {
                    let mut desk = Desk {
                        draft: &mut draft,
                        quarantine: &mut self.quarantine,
                        figures: &self.figures,
                    };
                    let (line, answer) = desk.weigh(parcel, now);
                    lines.extend(line);
                    answers.extend(answer);
                }
                Arrival::Hello(gateway, hello, reply) => {
                    lines.extend(gone(&mut draft, &gateway, &hello, now).map(plain));
                    let through = draft.through(&gateway, hello.epoch);
                    answers.push(Answer::Hello(reply, hello.epoch, through));
                }
                Arrival::Look => {}
                Arrival::Tick => {
                    lines.push(plain(Entry::Tick { at: now }));
                    self.is_ripe = true;
                }
                Arrival::Passed(Consumer::Tape, position) => self.passed[0] = Some(position),
                Arrival::Passed(Consumer::Watch, position) => self.passed[1] = Some(position),
            }
        }
        if self.append(&lines)? {
            self.answer(answers);
            self.date(now)?;
        }
        self.forget(now)
    }

    /// Writes what waited for a clock and waits no more.
    fn date(&mut self, now: WallMs) -> Result<(), IntakeError> {
        while std::mem::take(&mut self.is_ripe) {
            let due = self.ledger.undated.due(now, MAX_BATCH);
            if due.is_empty() {
                break;
            }
            let mut reader = self.journal.reader();
            let lines = due.iter().map(|due| (due, dated(&mut reader, due, now)));
            let (found, lost): (Vec<_>, Vec<_>) = lines.partition(|(_, line)| line.is_some());
            for (due, _) in lost {
                tracing::error!(
                    position = due.position, gateway = %due.gateway,
                    "a frame that waited for a clock cannot be read any more"
                );
                let undated = &mut self.ledger.undated;
                undated.forget(&due.gateway, due.position, due.boot);
            }
            let lines: Vec<Line> = found.into_iter().filter_map(|(_, line)| line).collect();
            // What the disk refuses is due again at the next tick.
            self.is_ripe = self.append(&lines)?;
        }
        Ok(())
    }

    /// Writes the batch. False when the disk refused it for now.
    fn append(&mut self, lines: &[Line]) -> Result<bool, IntakeError> {
        if lines.is_empty() {
            return Ok(true);
        }
        let encoded: Vec<Vec<u8>> = lines.iter().map(|(entry, _)| entry.encode()).collect();
        let slices: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        match self.journal.append(&slices) {
            Ok(durable) => {
                if self.disk_full {
                    tracing::info!("the disk takes writes again");
                }
                self.disk_full = false;
                self.figures.disk_full(false);
                self.proof = durable;
                let mut position = durable.first();
                for line in lines {
                    self.take_up(position, line);
                    position = position.next();
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

    /// Takes up what is on disk now.
    fn take_up(&mut self, position: Position, (entry, frame): &Line) {
        match (entry, frame) {
            (Entry::Frame { at, skip, .. }, Some(frame)) => {
                self.ledger.count(entry);
                let undated = &mut self.ledger.undated;
                self.is_ripe |= undated.hear(position, frame, *skip, *at);
            }
            (Entry::Change { id, .. }, _) => self.news.journaled(*id),
            _ => self.ledger.follow(position, entry),
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

/// An entry that is no frame.
fn plain(entry: Entry) -> Line {
    (entry, None)
}

/// The entry that dates what waited in a frame; none when the frame cannot be read.
fn dated(reader: &mut impl JournalReader, due: &Due, now: WallMs) -> Option<Line> {
    let position = Position::new(due.position)?;
    let items = reader.read(position, 1).ok()?;
    let Some(Item::Entry(found)) = items.into_iter().next() else {
        return None;
    };
    let Ok(Entry::Frame { bytes, .. }) = Entry::decode(&found.bytes) else {
        return None;
    };
    Some(plain(Entry::Dated {
        at: now,
        received: due.received,
        frame: due.position,
        boot: due.boot,
        zero: due.zero,
        is_exact: due.is_exact,
        skip: due.skip,
        bytes,
    }))
}

#[cfg(test)]
mod tests;
