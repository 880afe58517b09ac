//! The journal's consumer that watches: records to observations to verdicts to the diary, and the
//! board of live rows.
//!
//! ```text
//! entries of the journal → (patient by assignment) → triage::step → verdicts
//!     → diary, in one transaction a batch → board → now and then: memory
//! ```
//! The diary comes before the board: what a clinician sees is written down. A diary that refuses
//! for now holds the watch up, and the board says how far behind it is; nothing is skipped.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_diary::{
    ActKind, Assignments, Change, ChangeId, Changed, ReadError, changes_since, record_verdicts,
};
use veglia_journal::{JournalReader, Position};
use veglia_store::{Actor, Database};
use veglia_triage::{
    Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_view::{Board, Full, Progress, Worn, WornBy};
use veglia_wire::{Body, DeviceId, GatewayId, Record, RecordId, UpFrame, WallMs};

use crate::dating::date;
use crate::entry::Entry;
use crate::follower::{FollowError, Follower};
use crate::intake::{Arrival, Consumer};
use crate::ledger::Ledger;
use crate::memory::{Known, Memory, MemoryError, Remembered};
use crate::rows;

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
    /// There are more patients than a board holds.
    #[error("the watch cannot show every patient")]
    Board(#[from] Full),
}

/// The watch and all it knows.
pub(crate) struct Watch {
    rules: RuleSet,
    pub(crate) record: Database,
    memory: Memory,
    board: Board,
    /// Written here only; the view reads it for its curves.
    assignments: Arc<RwLock<Assignments>>,
    patients: HashMap<PatientId, Known>,
    ledger: Ledger,
    /// The last row of changes taken up.
    change: i64,
    /// Patients changed since the states were kept.
    unkept: HashSet<PatientId>,
}

/// What a batch of entries has to say.
#[derive(Default)]
struct Told {
    verdicts: Vec<(Verdict, WallMs)>,
    touched: HashSet<PatientId>,
}

impl Watch {
    /// Goes on from what was remembered: the board is full again before the first entry is read.
    pub(crate) async fn resume(
        record: Database,
        memory: Memory,
        board: Board,
        remembered: Remembered,
    ) -> Result<Self, WatchError> {
        let Remembered {
            change,
            ledger,
            patients,
            ..
        } = remembered;
        for (patient, known) in &patients {
            let row = known.row.clone();
            board.update(*patient, |shown| *shown = row)?;
        }
        let assignments = assignments_at(&record, ChangeId(change)).await?;
        Ok(Self {
            rules: RuleSet::shipped(),
            record,
            memory,
            board,
            assignments: Arc::new(RwLock::new(assignments)),
            patients,
            ledger,
            change,
            unkept: HashSet::new(),
        })
    }

    /// Which devices a patient wore, for whoever asks the view.
    pub(crate) fn worn_by(&self) -> WornBy {
        let assignments = Arc::clone(&self.assignments);
        Arc::new(move |patient| {
            let known = assignments.read().unwrap_or_else(PoisonError::into_inner);
            known
                .of_patient(patient)
                .map(|(device, worn)| Worn {
                    device: device.clone(),
                    from: worn.from,
                    until: worn.until,
                })
                .collect()
        })
    }

    fn resolve(&self, device: &DeviceId, at: WallMs) -> Option<PatientId> {
        self.assignments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resolve(device, at)
    }

    /// Follows the journal until told to stop; then keeps what it knows.
    pub(crate) async fn run<R: JournalReader + 'static>(
        mut self,
        mut journal: Follower<R>,
        passed: mpsc::WeakSender<Arrival>,
        stop: CancellationToken,
    ) -> Result<(), WatchError> {
        let mut next_keep = Instant::now() + KEEP_EVERY;
        loop {
            let entries = tokio::select! {
                () = stop.cancelled() => break,
                entries = journal.more() => entries?,
            };
            if let Some((_, last)) = entries.last() {
                let at = last.at();
                self.take(&entries).await?;
                let position = journal.next().get();
                self.board.report(Progress {
                    position,
                    waiting_since: None,
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
        for (_, entry) in entries {
            self.ledger.follow(entry);
            match entry {
                Entry::Frame { at, skip, bytes } => self.frame(*at, *skip, bytes, &mut told),
                Entry::Tick { at } => self.tick(*at, &mut told),
                Entry::Change { at, id } => self.changes(*at, *id, &mut told).await?,
                // Said where they were found; the holes are seen in the curves.
                Entry::Gone { .. } | Entry::Refused { .. } => {}
            }
        }
        self.write_down(&told.verdicts).await;
        for (verdict, now) in &told.verdicts {
            self.show(verdict, *now);
        }
        for patient in &told.touched {
            if let Some(known) = self.patients.get(patient) {
                let row = known.row.clone();
                self.board.update(*patient, |shown| *shown = row)?;
            }
        }
        self.unkept.extend(told.touched);
        Ok(())
    }

    fn frame(&mut self, received: WallMs, skip: u8, bytes: &[u8], told: &mut Told) {
        let Ok(frame) = UpFrame::decode(bytes) else {
            tracing::error!("a frame that was understood when it came cannot be read any more");
            return;
        };
        let gateway = frame.header.gateway.clone();
        for (id, record) in frame.into_numbered().skip(usize::from(skip)) {
            self.record(received, &gateway, id, &record, told);
        }
    }

    /// One record: whose it is, what it changes in the row, and what the rules say.
    fn record(
        &mut self,
        received: WallMs,
        gateway: &GatewayId,
        id: RecordId,
        record: &Record,
        told: &mut Told,
    ) {
        let Some(device) = &record.device else { return };
        let (at, doubt) = date(record, received);
        // Nobody wears it: the reading is in the series, and waits there to be assigned.
        let Some(patient) = self.resolve(device, at) else {
            return;
        };
        tracing::trace!(%gateway, %id, "record of an assigned device");
        let known = self
            .patients
            .entry(patient)
            .or_insert_with(|| Known::new(patient));
        rows::take(&mut known.row, device, record, at, doubt);
        let seen = match record.body {
            Body::Reading(vital, quality) => Seen::Vital(vital, quality | doubt),
            Body::Contact(sensor, contact) => Seen::Contact(sensor, contact),
            Body::Answer(answer) => Seen::Answer(answer),
            Body::Event(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => {
                told.touched.insert(patient);
                return;
            }
        };
        let observation = Observation {
            id,
            device: device.clone(),
            source: source(device),
            at,
            received,
            seen,
        };
        let input = Input::Observation(&observation);
        told.say(
            step(&self.rules, &mut known.state, input, received),
            received,
        );
        told.touched.insert(patient);
    }

    fn tick(&mut self, now: WallMs, told: &mut Told) {
        for (patient, known) in &mut self.patients {
            if known
                .state
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                told.say(step(&self.rules, &mut known.state, Input::Tick, now), now);
                told.touched.insert(*patient);
            }
        }
    }

    /// Takes up every row of changes up to `id`.
    async fn changes(&mut self, now: WallMs, id: i64, told: &mut Told) -> Result<(), WatchError> {
        while self.change < id {
            let changes = changes_since(&self.record, &ACTOR, ChangeId(self.change)).await?;
            let Some(last) = changes.last().map(|change| change.id.0) else {
                break;
            };
            for change in changes.into_iter().filter(|change| change.id.0 <= id) {
                self.apply(change, now, told);
            }
            self.change = last.min(id);
        }
        Ok(())
    }

    fn apply(&mut self, change: Change, now: WallMs, told: &mut Told) {
        let mut known = self
            .assignments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Changed::Ended(end) = &change.what
            && let Some((patient, device)) = known.find(end.id)
            && let Some(known) = self.patients.get_mut(&patient)
        {
            known.row.take_off(&device);
            told.touched.insert(patient);
        }
        known.apply(&change.what);
        drop(known);
        match change.what {
            Changed::Plan(plan) => {
                let patient = plan.patient;
                let known = self
                    .patients
                    .entry(patient)
                    .or_insert_with(|| Known::new(patient));
                let verdicts = step(&self.rules, &mut known.state, Input::Plan(&plan), now);
                told.say(verdicts, now);
                told.touched.insert(patient);
            }
            Changed::Act(act) if act.kind == ActKind::Closed => {
                if let (Some(flag), Some(known)) = (act.flag, self.patients.get_mut(&act.patient)) {
                    known.row.unflag(&flag);
                    told.touched.insert(act.patient);
                }
            }
            Changed::Act(_) | Changed::Assigned(_) | Changed::Ended(_) => {}
        }
    }

    /// Writes verdicts in the diary, and does not go on without it.
    async fn write_down(&self, verdicts: &[(Verdict, WallMs)]) {
        for of_one_moment in verdicts.chunk_by(|one, next| one.1 == next.1) {
            let Some((_, now)) = of_one_moment.first() else {
                continue;
            };
            let verdicts: Vec<Verdict> = of_one_moment
                .iter()
                .map(|(verdict, _)| verdict.clone())
                .collect();
            while let Err(error) = record_verdicts(&self.record, &ACTOR, &verdicts, *now).await {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "flags wait for the diary; trying again");
                tokio::time::sleep(DIARY_REST).await;
            }
        }
    }

    fn show(&mut self, verdict: &Verdict, now: WallMs) {
        if let Some(known) = self.patients.get_mut(&verdict.id().patient) {
            rows::tell(&mut known.row, verdict, now);
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
            .filter_map(|patient| self.patients.get(patient));
        self.memory
            .keep(next, self.change, &self.ledger, changed)
            .await?;
        self.unkept.clear();
        if let Some(intake) = passed.upgrade() {
            // A full channel only means that old segments go a little later.
            drop(intake.try_send(Arrival::Passed(Consumer::Watch, next)));
        }
        Ok(())
    }
}

impl Told {
    fn say(&mut self, verdicts: Vec<Verdict>, now: WallMs) {
        self.verdicts
            .extend(verdicts.into_iter().map(|verdict| (verdict, now)));
    }
}

impl Known {
    fn new(patient: PatientId) -> Self {
        Self {
            state: PatientState::new(patient),
            row: veglia_view::Row::new(patient),
        }
    }
}

/// The assignments as they were known at a change.
async fn assignments_at(record: &Database, change: ChangeId) -> Result<Assignments, ReadError> {
    let mut assignments = Assignments::default();
    let mut last = ChangeId(0);
    while last < change {
        let changes = changes_since(record, &ACTOR, last).await?;
        let Some(newest) = changes.last().map(|known| known.id) else {
            break;
        };
        changes
            .iter()
            .filter(|known| known.id <= change)
            .for_each(|known| assignments.apply(&known.what));
        last = newest;
    }
    Ok(assignments)
}

/// By which way a device's values come. The by-hand and by-phone devices of a patient have names
/// of their own.
pub(crate) fn source(device: &DeviceId) -> Source {
    let name = device.as_str();
    if name.starts_with("hand:") {
        Source::ByHand
    } else if name.starts_with("phone:") {
        Source::ByPhone
    } else {
        Source::Device
    }
}
