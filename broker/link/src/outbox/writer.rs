//! The outbox's one thread: gathers appends into one commit, deletes what was acknowledged, thins
//! out what is old when there is no room, and counts what did not fit even so.
//!
//! It has a runtime of its own for its timer: while it gathers, something may come that must not
//! wait.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};
use veglia_journal::{
    CursorFile, Durable, Filesystem, Journal, JournalReader, Position, RewriteError, SegmentedLog,
};
use veglia_wire::{Body, Boot, Gap, GapReason, Record, Refusal, Sequence, When};

use super::loss::{LossFile, Lost};
use super::open::{position, sequence};
use super::spool;
use super::thin::Thinner;
use super::urgent::Urgency;
use super::{AppendError, Appended, MARK_EVERY, OutboxOptions, OutboxState, OutboxStatus};
use crate::status::chain;

/// A commit takes no further append once it has this many records: half a megabyte, which any
/// disk writes in a moment.
const FULL_COMMIT_RECORDS: usize = 4096;

/// Shortest pause between two commits of what does not wait: a loose plug must not wear out a card.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

/// Files kept in `refused/`: one for each frame that ingest could not understand. A hundred show
/// what is wrong; a program that sends nothing else must not fill the disk.
const MAX_REFUSED_FILES: usize = 100;

/// What the writer is asked to do.
pub(super) enum Command {
    Append {
        records: Vec<Record>,
        reply: AppendReply,
    },
    /// The acknowledged mark has moved.
    Tidy,
    Reader(oneshot::Sender<Box<dyn JournalReader>>),
    Keep {
        refusal: Refusal,
        reply: oneshot::Sender<()>,
    },
    /// To be answered, no more.
    Turn(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

type AppendReply = oneshot::Sender<Result<Appended, AppendError>>;

pub(super) struct Writer<F: Filesystem> {
    log: SegmentedLog<F>,
    fs: F,
    dir: PathBuf,
    mark: CursorFile<F>,
    /// What the mark on disk says, and since when.
    marked: Option<Sequence>,
    marked_at: Instant,
    lost: Option<Lost>,
    losses: LossFile<F>,
    thinner: Thinner,
    /// Segments before this one have been thinned out.
    thinned_before: Position,
    /// A refused frame of which no copy could be kept has been logged.
    told_unkept: bool,
    status: Arc<watch::Sender<OutboxStatus>>,
    commit_window: Duration,
    urgency: Urgency,
    committed_at: Option<Instant>,
}

/// Commands taken together: the appends share one commit.
#[derive(Default)]
struct Batch {
    appends: Vec<(Vec<Record>, AppendReply)>,
    records: usize,
    readers: Vec<oneshot::Sender<Box<dyn JournalReader>>>,
    keeps: Vec<(Refusal, oneshot::Sender<()>)>,
    turns: Vec<oneshot::Sender<()>>,
    close: Option<oneshot::Sender<()>>,
    /// Since when appends wait in it.
    since: Option<Instant>,
    is_urgent: bool,
}

impl Batch {
    fn take(&mut self, command: Command) {
        match command {
            Command::Append { records, reply } => {
                self.since.get_or_insert_with(Instant::now);
                self.records += records.len();
                self.appends.push((records, reply));
            }
            Command::Tidy => {}
            Command::Reader(reply) => self.readers.push(reply),
            Command::Keep { refusal, reply } => self.keeps.push((refusal, reply)),
            Command::Turn(reply) => self.turns.push(reply),
            Command::Close(reply) => self.close = Some(reply),
        }
    }

    fn wants_more(&self) -> bool {
        self.records < FULL_COMMIT_RECORDS && self.close.is_none()
    }
}

impl<F: Filesystem> Writer<F> {
    pub(super) fn new(
        log: SegmentedLog<F>,
        fs: F,
        dir: &Path,
        mark: CursorFile<F>,
        (losses, lost): (LossFile<F>, Option<Lost>),
        status: Arc<watch::Sender<OutboxStatus>>,
        options: OutboxOptions,
    ) -> Self {
        let marked = status.borrow().acknowledged;
        Self {
            log,
            fs,
            dir: dir.to_owned(),
            mark,
            marked,
            marked_at: Instant::now(),
            lost,
            losses,
            thinner: Thinner::default(),
            thinned_before: Position::FIRST,
            told_unkept: false,
            status,
            commit_window: options.commit_window,
            urgency: Urgency::default(),
            committed_at: None,
        }
    }

    /// Works until the last handle is gone or it is closed.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>, timer: &Runtime) {
        let mut closed = None;
        while let Some(mut batch) = timer.block_on(self.gather(&mut queue)) {
            self.serve(&mut batch);
            if batch.close.is_some() {
                closed = batch.close;
                break;
            }
        }
        queue.close();
        self.store_mark();
        self.status
            .send_modify(|status| status.state = OutboxState::Closed);
        drop(self);
        // After everything else, so that the directory can be opened again.
        answer(closed, ());
    }

    /// Waits for something to do and for its company; none when the last handle is gone.
    async fn gather(&mut self, queue: &mut mpsc::Receiver<Command>) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut next = queue.recv().await;
        next.as_ref()?;
        while let Some(command) = next {
            if let Command::Append { records, .. } = &command {
                batch.is_urgent |= !self.commit_window.is_zero() && self.urgency.of(records);
            }
            batch.take(command);
            if !batch.wants_more() {
                break;
            }
            // What waits already comes with it in any case.
            let more = tokio::time::timeout_at(self.deadline(&batch).into(), queue.recv());
            next = more.await.ok().flatten();
        }
        Some(batch)
    }

    /// Until when a batch waits for company.
    fn deadline(&self, batch: &Batch) -> Instant {
        let now = Instant::now();
        let Some(since) = batch.since else { return now };
        let at_last = since + self.commit_window;
        if !batch.is_urgent {
            return at_last;
        }
        let soonest = self.committed_at.map_or(now, |at| at + URGENT_PAUSE);
        soonest.min(at_last)
    }

    fn serve(&mut self, batch: &mut Batch) {
        if !batch.appends.is_empty() {
            self.committed_at = Some(Instant::now());
            self.commit(std::mem::take(&mut batch.appends));
        }
        for reply in batch.readers.drain(..) {
            answer(Some(reply), Box::new(self.log.reader()));
        }
        for (refusal, reply) in batch.keeps.drain(..) {
            self.keep(refusal);
            answer(Some(reply), ());
        }
        self.tidy();
        for reply in batch.turns.drain(..) {
            answer(Some(reply), ());
        }
    }

    /// Writes all appends, preceded by what was lost before them, or none.
    fn commit(&mut self, appends: Vec<(Vec<Record>, AppendReply)>) {
        let gap = self.gap_before(&appends);
        let entries: Vec<Vec<u8>> = gap
            .iter()
            .chain(appends.iter().flat_map(|(records, _)| records))
            .map(Record::encode)
            .collect();
        let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        match self.append(&slices) {
            Ok(durable) => {
                if let Some(lost) = self.lost.take() {
                    let lost = lost.count;
                    tracing::info!(outbox.lost = lost, "the outbox takes records again");
                }
                self.publish(OutboxState::Writing);
                let mut next = position(Sequence::FIRST.plus(durable.first().get() - 1));
                if gap.is_some() {
                    next = next.next();
                }
                answer_appends(next, appends);
            }
            Err(error) => self.give_up(error, appends),
        }
    }

    /// Appends, and makes room for it as long as there is something to give up.
    fn append(&mut self, entries: &[&[u8]]) -> Result<Durable, veglia_journal::AppendError> {
        loop {
            match self.log.append(entries) {
                Err(veglia_journal::AppendError::Full { .. }) if self.thin() => {}
                answer => return answer,
            }
        }
    }

    /// Thins out the oldest segment in which that makes room. False: there is none left, or none
    /// that can be written anew at this moment; it is tried again when the next record asks for
    /// room.
    fn thin(&mut self) -> bool {
        while let Some((first, after)) = self.log.closed_segment(self.thinned_before) {
            let (thinner, mut given_up) = (&mut self.thinner, 0);
            let rewritten = self
                .log
                .rewrite(first, |entries| given_up = thinner.thin(entries));
            if matches!(rewritten, Ok(_) | Err(RewriteError::Damaged { .. })) {
                self.thinned_before = after;
            }
            match rewritten {
                Ok(0) => {}
                Ok(freed) => {
                    let from = first.get();
                    tracing::warn!(
                        outbox.given_up = given_up,
                        outbox.freed_bytes = freed,
                        outbox.from = from,
                        "the outbox is at its limit: old continuous readings are thinned out to \
                         one a minute; check the connection to the centre"
                    );
                    self.status.send_modify(|status| status.thinned += given_up);
                    return true;
                }
                Err(error) => {
                    let is_damaged = matches!(error, RewriteError::Damaged { .. });
                    tracing::warn!(
                        error = chain(&error),
                        "a part of the outbox cannot be thinned out"
                    );
                    if !is_damaged {
                        return false;
                    }
                }
            }
        }
        false
    }

    /// The record that stands for what was lost, dated like the first record after it that was made
    /// now: what comes out of a device's memory is of another time, and counts no boot.
    fn gap_before(&self, appends: &[(Vec<Record>, AppendReply)]) -> Option<Record> {
        let lost = self.lost.as_ref()?;
        let records = || appends.iter().flat_map(|(records, _)| records);
        records().next()?;
        let of_now = records().find(|record| record.when.boot != Boot(0));
        let when = of_now.map_or(lost.since, |record| record.when);
        let lasted_ms = (when.boot == lost.since.boot)
            .then(|| when.mono.0.saturating_sub(lost.since.mono.0))
            .and_then(|ms| i64::try_from(ms).ok());
        let gap = Gap {
            reason: lost.reason,
            lost: lost.count,
            lasted_ms,
        };
        let body = Body::Gap(gap);
        let (device, when) = (
            None,
            When {
                device: None,
                ..when
            },
        );
        Some(Record { device, when, body })
    }

    fn give_up(
        &mut self,
        error: veglia_journal::AppendError,
        appends: Vec<(Vec<Record>, AppendReply)>,
    ) {
        let began = self.lost.is_none();
        let is_final = error.is_final();
        let (reason, error) = named(error);
        for record in appends.iter().flat_map(|(records, _)| records) {
            let lost = self.lost.get_or_insert(Lost {
                reason,
                count: 0,
                since: record.when,
            });
            lost.count = lost.count.saturating_add(1);
        }
        if let Some(lost) = self.lost {
            self.losses.store(lost, self.log.next());
        }
        let lost = self.lost.as_ref().map_or(0, |lost| lost.count);
        if began {
            tracing::error!(error = chain(&error), "the outbox takes no records");
        }
        self.publish(if is_final {
            OutboxState::Poisoned
        } else {
            OutboxState::Refusing { lost }
        });
        for (_, reply) in appends {
            answer(Some(reply), Err(error.clone()));
        }
    }

    /// Deletes segments that ingest has, and stores the mark when that is due.
    fn tidy(&mut self) {
        let Some(acknowledged) = self.status.borrow().acknowledged else {
            return;
        };
        if Some(acknowledged) == self.marked {
            return;
        }
        let freed = self.log.remove_before(position(acknowledged).next());
        let freed = freed.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "could not give back space");
            0
        });
        if freed > 0 {
            let state = self.status.borrow().state;
            self.publish(state);
        }
        if freed > 0 || self.marked_at.elapsed() >= MARK_EVERY {
            self.store_mark();
        }
    }

    fn store_mark(&mut self) {
        let acknowledged = self.status.borrow().acknowledged;
        let Some(through) = acknowledged.filter(|_| acknowledged != self.marked) else {
            return;
        };
        if let Err(error) = self.mark.store(position(through).next(), &[]) {
            tracing::warn!(
                error = chain(&error),
                "the acknowledged mark was not stored"
            );
        }
        // Stored or not: the next try is as far away.
        self.marked = acknowledged;
        self.marked_at = Instant::now();
    }

    fn publish(&self, state: OutboxState) {
        let next = self.log.next();
        self.status.send_modify(|status| {
            let oldest = self.log.oldest();
            status.oldest = sequence(oldest).filter(|_| oldest < next);
            status.newest = next.previous().and_then(sequence);
            status.bytes = self.log.size_bytes();
            status.state = state;
        });
    }

    /// Copies the records of a refusal into a file of their own, once.
    fn keep(&mut self, refusal: Refusal) {
        let kept = spool::keep_refused(
            &self.fs,
            &self.dir.join("refused"),
            &mut self.log.reader(),
            self.status.borrow().epoch,
            refusal,
            MAX_REFUSED_FILES,
        );
        let (from, to) = (refusal.from.get(), refusal.to.get());
        match kept {
            Ok(false) => {}
            Err(_) if self.told_unkept => {}
            Ok(true) => tracing::error!(
                link.refused_from = from,
                link.refused_to = to,
                link.refused_reason = ?refusal.reason,
                "ingest could not understand these records; a copy is kept in `refused`"
            ),
            Err(error) => {
                self.told_unkept = true;
                tracing::error!(
                    link.refused_from = from,
                    link.refused_to = to,
                    error = chain(&error),
                    "ingest could not understand these records, and no copy could be kept"
                );
            }
        }
    }
}

/// Gives each append the positions that follow those of the one before.
fn answer_appends(mut next: Position, appends: Vec<(Vec<Record>, AppendReply)>) {
    for (records, reply) in appends {
        let first = Sequence::FIRST.plus(next.get() - 1);
        let last = first.plus(u64::try_from(records.len()).map_or(0, |count| count - 1));
        next = position(last).next();
        answer(Some(reply), Ok(Appended { first, last }));
    }
}

/// Whoever asked may have gone; then nobody needs the answer.
fn answer<T>(reply: Option<oneshot::Sender<T>>, value: T) {
    if let Some(reply) = reply
        && reply.send(value).is_err()
    {
        tracing::trace!("nobody waited for the outbox's answer");
    }
}

/// The failure as the caller sees it, and as the gap will call it.
fn named(error: veglia_journal::AppendError) -> (GapReason, AppendError) {
    use veglia_journal::AppendError as Cause;
    let error = Arc::new(error);
    match *error {
        Cause::DiskFull { .. } => (GapReason::DiskFull, AppendError::DiskFull(error)),
        Cause::Full { .. } => (GapReason::Limit, AppendError::Full(error)),
        _ if error.is_final() => (GapReason::DiskFull, AppendError::Poisoned(error)),
        _ => (GapReason::DiskFull, AppendError::Write(error)),
    }
}
