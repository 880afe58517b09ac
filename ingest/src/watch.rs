//! The journal's consumer that watches: entries through the rules to the diary, and the board of
//! live rows.
//!
//! ```text
//! entries of the journal → fold (assignments, triage) → verdicts
//!     → diary, in one transaction a batch → board → now and then: memory
//! ticks → the deadlines of alerts, in the diary
//! ```
//! A flag that waits for a second measurement has the home asked for one (`repeats.rs`).
//!
//! The diary comes before the board: what a clinician sees is written down. Verdicts and closings
//! reach the diary in an order of their own, so a flag that either touched is read from the diary's
//! list, and the board cannot say anything else. A diary that refuses for now holds the watch up,
//! and the board says how far behind it is; nothing is skipped. States that cannot be kept because
//! the disk is full are kept later: the journal has what made them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_diary::{
    AttributeRefused, AttributionId, OpenFlag, ReadError, RecordError, Saying, adopt, answer_whose,
    flags_listed, open_flags, record_verdicts, set_back, tick,
};
use veglia_journal::{JournalReader, Position};
use veglia_store::{Actor, Database};
use veglia_triage::{FlagId, PatientId, RuleSet, Verdict};
use veglia_view::{Board, Full, Progress, WornBy};
use veglia_wire::WallMs;

use crate::entry::Entry;
use crate::fold::{Fold, Told};
use crate::follower::{FollowError, Follower};
use crate::intake::{Arrival, Consumer};
use crate::ledger::Ledger;
use crate::memory::{Beside, Known, Memory, MemoryError, Remembered};
use crate::probe::Rounds;
use crate::repeats::Wish;
use crate::rows;
use crate::sources::Sources;
use crate::waiting::{Held, Waiting};

/// Shortest time between two keepings of the states.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// The states are kept again only after so many times as long as keeping them took: at most a
/// tenth of the watch's time goes there, however many patients there are.
const KEEP_SHARE: u32 = 10;

/// How long the watch waits before it asks a diary again that refused.
const DIARY_REST: Duration = Duration::from_secs(1);

/// Who acts when the watch reads and writes the diary.
pub(crate) const ACTOR: Actor = Actor::System("watch");

/// Why the watch stopped. A watch that stands still must not look healthy: the process ends.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The journal cannot be followed.
    #[error("the watch cannot follow the journal")]
    Follow(#[from] FollowError),
    /// The states cannot be kept.
    #[error("the watch cannot keep what it knows")]
    Memory(#[from] MemoryError),
    /// The diary cannot be read.
    #[error("the watch cannot read the diary")]
    Diary(#[from] ReadError),
    /// The diary refuses what the rules say.
    #[error("the watch cannot write in the diary")]
    Record(#[from] RecordError),
    /// There are more patients than a board holds.
    #[error("the watch cannot show every patient")]
    Board(#[from] Full),
}

/// The watch and all it knows.
pub(crate) struct Watch {
    fold: Fold,
    pub(crate) record: Database,
    memory: Memory,
    board: Board,
    ledger: Ledger,
    /// Patients changed since the states were kept.
    unkept: HashSet<PatientId>,
    /// Those who stood in for somebody and left since then.
    gone: HashSet<PatientId>,
    /// Where second measurements are asked for.
    wishes: mpsc::Sender<Wish>,
    /// The journal does not have all that came after what is remembered.
    has_gap: bool,
    /// Whether every flag on the list is known to have its alert.
    are_adopted: bool,
    /// Rounds of the alarm path's probe.
    rounds: Rounds,
    /// What follows an answer in the same measure, and the diary knows of.
    said: HashSet<Held>,
}

impl Watch {
    /// Goes on at `from` from what was remembered: the board is full again before the first entry
    /// is read, with the flags that are on the diary's list.
    pub(crate) async fn resume(
        record: Database,
        memory: Memory,
        board: Board,
        wishes: mpsc::Sender<Wish>,
        remembered: Remembered,
        from: Position,
    ) -> Result<Self, WatchError> {
        let Remembered {
            next,
            change,
            ledger,
            mut patients,
            waiting,
            sources,
        } = remembered;
        patients
            .values_mut()
            .for_each(|known| known.row.flags.clear());
        for open in open_flags(&record, &ACTOR).await? {
            let (id, patient) = (open.flag.id.clone(), open.flag.id.patient);
            let known = patients.entry(patient);
            let known = known.or_insert_with(|| Known::new(patient));
            rows::list(&mut known.row, &id, Some(open));
        }
        for (patient, known) in &patients {
            let row = known.row.clone();
            board.update(*patient, |shown| *shown = row)?;
        }
        let rules = RuleSet::shipped();
        let mut fold = Fold::resume(record.clone(), rules, patients, change).await?;
        fold.waiting = Waiting::remembered(waiting);
        fold.sources = Sources::remembered(sources);
        fold.ticks = ledger.ticks;
        Ok(Self {
            fold,
            record,
            memory,
            board,
            ledger,
            unkept: HashSet::new(),
            gone: HashSet::new(),
            wishes,
            has_gap: next.unwrap_or(Position::FIRST) < from,
            are_adopted: false,
            rounds: Rounds::default(),
            said: HashSet::new(),
        })
    }

    /// Which devices a patient wore, for whoever asks the view.
    pub(crate) fn worn_by(&self) -> WornBy {
        self.fold.worn_by()
    }

    /// Follows the journal until told to stop; then keeps what it knows.
    pub(crate) async fn run<R: JournalReader + 'static>(
        mut self,
        mut journal: Follower<R>,
        passed: mpsc::WeakSender<Arrival>,
        stop: CancellationToken,
    ) -> Result<(), WatchError> {
        let mut next_keep = Instant::now() + KEEP_EVERY;
        // The time of the last entry worked off.
        let mut done: Option<WallMs> = None;
        loop {
            let entries = tokio::select! {
                () = stop.cancelled() => break,
                entries = journal.more() => entries?,
            };
            if let Some((first, last)) = entries.first().zip(entries.last()) {
                let oldest = entries.iter().find(|(_, entry)| entry.is_record());
                if let Some((_, oldest)) = oldest {
                    self.board.report(Progress {
                        position: first.0.get(),
                        waiting_since: Some(oldest.at()),
                        at: done.unwrap_or(first.1.at()),
                    });
                }
                self.take(&entries).await?;
                let at = last.1.at();
                done = Some(at);
                // What has been written meanwhile was received no earlier than this.
                let is_behind = journal.next() < journal.end();
                self.board.report(Progress {
                    position: journal.next().get(),
                    waiting_since: is_behind.then_some(at),
                    at,
                });
            }
            if Instant::now() >= next_keep {
                let began = Instant::now();
                self.keep(journal.next(), &passed).await?;
                next_keep = Instant::now() + KEEP_EVERY.max(began.elapsed() * KEEP_SHARE);
            }
        }
        self.keep(journal.next(), &passed).await
    }

    async fn take(&mut self, entries: &[(Position, Entry)]) -> Result<(), WatchError> {
        let mut told = Told::default();
        if let Some((_, oldest)) = entries.first()
            && std::mem::take(&mut self.has_gap)
        {
            self.fold.begin_at(oldest.at(), &mut told).await?;
        }
        let mut is_set_back = false;
        for (position, entry) in entries {
            if let Entry::Tick { at } = entry {
                is_set_back |= self.fold.ticks.is_step_back(*at);
            }
            self.ledger.follow(*position, entry);
            self.fold.take(entry, &mut told).await?;
        }
        self.write_down(&told.verdicts).await?;
        for wish in std::mem::take(&mut told.wishes) {
            self.wish(wish);
        }
        self.list(&mut told).await?;
        if let Some((_, last)) = entries.last() {
            let rounds = std::mem::take(&mut told.rounds);
            self.rounds
                .note(&self.record, &ACTOR, rounds, last.at())
                .await;
        }
        let ticks = entries.iter().rev().map(|(_, entry)| entry);
        let mut ticks = ticks.filter(|entry| matches!(entry, Entry::Tick { .. }));
        if let Some(last) = ticks.next() {
            self.climb(last.at(), is_set_back).await?;
            self.say_held(last.at()).await;
        }
        let now = entries.last().map(|(_, entry)| entry.at());
        let needless = told
            .touched
            .extract_if(|patient| self.fold.is_needless(*patient));
        for patient in needless.collect::<Vec<PatientId>>() {
            self.fold.patients.remove(&patient);
            self.unkept.remove(&patient);
            self.board.remove(patient);
            self.gone.insert(patient);
        }
        for patient in &told.touched {
            if let Some(known) = self.fold.judged(*patient, now) {
                let row = known.row.clone();
                self.board.update(*patient, |shown| *shown = row)?;
            }
        }
        self.unkept.extend(told.touched);
        Ok(())
    }

    /// Writes verdicts in the diary, and does not go on without it.
    async fn write_down(&self, verdicts: &[(Verdict, WallMs)]) -> Result<(), WatchError> {
        let mut told = false;
        for of_one_moment in verdicts.chunk_by(|one, next| one.1 == next.1) {
            let Some((_, now)) = of_one_moment.first() else {
                continue;
            };
            let verdicts: Vec<Verdict> = of_one_moment
                .iter()
                .map(|(verdict, _)| verdict.clone())
                .collect();
            while let Err(error) = record_verdicts(&self.record, &ACTOR, &verdicts, *now).await {
                if !error.is_passing() {
                    return Err(error.into());
                }
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(%error, "flags wait for the diary; free some space");
                }
                tokio::time::sleep(DIARY_REST).await;
            }
        }
        Ok(())
    }

    /// Acts on the deadlines of alerts. Of the ticks of a batch the last stands for all: what fell
    /// due before it is late in any case, and says so. A clock that was ahead and is set right has
    /// left deadlines behind that lie as far ahead: they are drawn in first.
    async fn climb(&mut self, now: WallMs, is_set_back: bool) -> Result<(), WatchError> {
        let acted = async {
            if !self.are_adopted {
                adopt(&self.record, &ACTOR, now).await?;
            }
            if is_set_back {
                set_back(&self.record, &ACTOR, now).await?;
            }
            tick(&self.record, &ACTOR, now).await
        };
        match acted.await {
            Ok(moved) => {
                self.are_adopted = true;
                self.rounds.call(&self.record, &ACTOR, now).await;
                if moved > 0 {
                    tracing::debug!(moved, "alerts called for people");
                }
                Ok(())
            }
            // The next tick finds the same deadlines.
            Err(error) if error.is_passing() => {
                tracing::error!(%error, "alerts wait for the diary; free some space");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes of what followed an answer in the same measure whose it is: the same patient's. What
    /// cannot be written now is written at a later tick; somebody who was first is right.
    async fn say_held(&mut self, now: WallMs) {
        let held = self.fold.waiting.held_over(now);
        self.said.retain(|known| held.contains(known));
        for held in held {
            if self.said.contains(&held) {
                continue;
            }
            let saying = Saying {
                device: &held.device,
                measured: held.measured.clone(),
                patient: Some(held.patient),
                seen: AttributionId::default(),
            };
            match answer_whose(&self.record, &ACTOR, saying, now).await {
                Err(AttributeRefused::Read(error)) => {
                    tracing::warn!(%error, "the rest of a measure that was answered for waits");
                }
                Err(error @ (AttributeRefused::Stranger(_) | AttributeRefused::Range)) => {
                    tracing::warn!(%error, "the rest of a measure stays without its patient");
                    self.said.insert(held);
                }
                Ok(_) | Err(AttributeRefused::Said(_) | AttributeRefused::Reason) => {
                    self.said.insert(held);
                }
            }
        }
    }

    /// Has the home asked for a second measurement. The diary knows the flag by now.
    fn wish(&self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            tracing::warn!("too many second measurements are waited for: one is not asked for");
        }
    }

    /// Puts the flags that were spoken of, or closed, on the rows as the diary has them.
    async fn list(&mut self, told: &mut Told) -> Result<(), WatchError> {
        let spoken_of = told.verdicts.iter().map(|(verdict, _)| verdict.id());
        let flags: BTreeSet<FlagId> = spoken_of.chain(&told.closed).cloned().collect();
        if flags.is_empty() {
            return Ok(());
        }
        let listed = self.listed(&flags).await?.into_iter();
        let mut listed: HashMap<FlagId, OpenFlag> =
            listed.map(|open| (open.flag.id.clone(), open)).collect();
        for id in flags {
            if let Some(known) = self.fold.patients.get_mut(&id.patient) {
                rows::list(&mut known.row, &id, listed.remove(&id));
                told.touched.insert(id.patient);
            }
        }
        Ok(())
    }

    /// Reads from the diary's list, and does not go on without it.
    async fn listed(&self, flags: &BTreeSet<FlagId>) -> Result<Vec<OpenFlag>, WatchError> {
        loop {
            match flags_listed(&self.record, &ACTOR, flags).await {
                Err(error) if error.is_passing() => tokio::time::sleep(DIARY_REST).await,
                listed => return Ok(listed?),
            }
        }
    }

    async fn keep(
        &mut self,
        next: Position,
        passed: &mpsc::WeakSender<Arrival>,
    ) -> Result<(), WatchError> {
        let changed = self
            .unkept
            .iter()
            .filter_map(|patient| self.fold.patients.get(patient));
        let beside = Beside {
            change: self.fold.change(),
            ledger: &self.ledger,
            waiting: self.fold.waiting.unsaved(),
            sources: self.fold.sources.saved(),
            lives: self.fold.lives(),
            gone: &self.gone,
        };
        let kept = self.memory.keep(next, beside, changed).await;
        match kept {
            Err(MemoryError::Store(error)) if error.is_passing() => {
                tracing::error!(%error, "the states of patients are kept later");
                return Ok(());
            }
            kept => kept?,
        }
        self.unkept.clear();
        self.gone.clear();
        self.fold.waiting.was_saved();
        if let Some(intake) = passed.upgrade() {
            // A full channel only means that old segments go a little later.
            drop(intake.try_send(Arrival::Passed(Consumer::Watch, next)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
