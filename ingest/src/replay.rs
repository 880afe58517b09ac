//! The journal read again from its beginning, by some rules: which flags it means.
//!
//! It takes the watch's own way (`fold.rs`) through the same entries, with the
//! plans and assignments of the diary, and writes nothing. In the order of arrival it says what
//! the watch said, word for word. Shuffled it proves that the flags that stand are a function of
//! what was measured and not of the order in which it came.
//!
//! Limits: the whole journal is read; every flag it means is held in memory. Absent: what has
//! left the journal ([`Replayed::since`] says where it begins; plans and assignments written
//! before that are taken from the diary), and ticks of its own: time stands
//! where the journal stopped.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use tokio::sync::watch;
use veglia_diary::Told;
use veglia_journal::{HostFilesystem, Journal, Options, Position, SegmentedLog};
use veglia_store::Database;
use veglia_triage::{FlagId, RECENT_MAX, RuleSet};
use veglia_wire::{DeviceId, WallMs};

use crate::entry::Entry;
use crate::figures::Figures;
use crate::fold::{self, Arrived, Fold};
use crate::follower::{FollowError, Follower};

/// Most records of one device in a batch that is shuffled: what arrives later than a whole memory
/// of a vital sign is judged alone, and a patient may have two devices that measure the same.
const SHUFFLED_MOST: usize = RECENT_MAX / 2;

/// In which order observations are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they arrived.
    Arrival,
    /// Batch by batch, each shuffled by this seed; ticks come at the end of their batch. Plans
    /// and assignments keep their place, because a reading belongs to whoever wore its device; and
    /// so does what waits to be told whose it is, because its session is named by what began it.
    Shuffled(u64),
}

/// What a journal means.
#[derive(Debug)]
pub struct Replayed {
    /// The first position that was read; 1 unless older segments were deleted.
    pub since: Position,
    /// Every flag that was told, also those withdrawn since.
    pub told: BTreeMap<FlagId, Told>,
}

/// Why a journal could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be opened.
    #[error("the journal cannot be opened")]
    Open(#[from] veglia_journal::OpenError),
    /// It cannot be read.
    #[error("the journal cannot be followed")]
    Follow(#[from] FollowError),
    /// The diary cannot be read.
    #[error("the plans and assignments of the diary cannot be read")]
    Diary(#[from] veglia_diary::ReadError),
    /// The journal has damage: a replay of the rest would prove nothing.
    #[error("{0} entries of the journal are damaged: what they said is not known")]
    Damaged(u64),
}

impl Replayed {
    /// The flags that stand by all that the journal says: those told and not taken back. Only
    /// they are the same in every order of arrival.
    pub fn standing(&self) -> impl Iterator<Item = &Told> {
        self.told.values().filter(|told| told.stands())
    }
}

/// Reads the journal in an ingest's folder, which must be the caller's alone, by a rule set.
///
/// # Errors
/// See [`ReplayError`].
pub async fn replay(
    ingest: &Path,
    record: Database,
    order: Order,
    rules: RuleSet,
) -> Result<Replayed, ReplayError> {
    let (journal, _) =
        SegmentedLog::open(HostFilesystem, &ingest.join("journal"), Options::default())?;
    let since = journal.oldest();
    let mut replay = Replay {
        fold: Fold::resume(record, rules, HashMap::new(), 0).await?,
        told: BTreeMap::new(),
    };
    let mut shuffle = match order {
        Order::Arrival => None,
        Order::Shuffled(seed) => Some(Shuffle::new(seed)),
    };
    let figures = Figures::default();
    let (written, at_end) = watch::channel(journal.next());
    let mut follower = Follower::new(journal.reader(), since, at_end, figures.clone());
    let mut has_gap = since > Position::FIRST;
    while follower.next() < journal.next() {
        let entries = follower.more().await?;
        if let Some((_, oldest)) = entries.first()
            && std::mem::take(&mut has_gap)
        {
            replay.begin_at(oldest.at()).await?;
        }
        for (_, entry) in entries {
            match &mut shuffle {
                None => replay.take(&entry).await?,
                Some(shuffle) => shuffle.take(entry, &mut replay).await?,
            }
        }
    }
    drop(written);
    if let Some(shuffle) = &mut shuffle {
        shuffle.deal(&mut replay).await?;
    }
    match figures.snapshot().journal_damaged {
        0 => Ok(Replayed {
            since,
            told: replay.told,
        }),
        damaged => Err(ReplayError::Damaged(damaged)),
    }
}

/// The rules, and what they have said so far.
struct Replay {
    fold: Fold,
    told: BTreeMap<FlagId, Told>,
}

impl Replay {
    async fn take(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let mut said = fold::Told::default();
        self.fold.take(entry, &mut said).await?;
        self.hear(said);
        Ok(())
    }

    async fn begin_at(&mut self, oldest: WallMs) -> Result<(), ReplayError> {
        let mut said = fold::Told::default();
        self.fold.begin_at(oldest, &mut said).await?;
        self.hear(said);
        Ok(())
    }

    fn arrive(&mut self, arrived: &Arrived) {
        let mut said = fold::Told::default();
        self.fold.arrive(arrived, &mut said);
        self.hear(said);
    }

    fn hear(&mut self, said: fold::Told) {
        for (verdict, at) in said.verdicts {
            let id = verdict.id().clone();
            let told = Told::after(self.told.remove(&id), verdict, at);
            let told = told.expect("triage raises a flag before it says anything else of it");
            self.told.insert(id, told);
        }
    }
}

/// A batch that is being gathered, to be dealt in another order.
struct Shuffle {
    chance: fastrand::Rng,
    records: Vec<Arrived>,
    of_device: HashMap<DeviceId, usize>,
    ticks: Vec<Entry>,
}

impl Shuffle {
    fn new(seed: u64) -> Self {
        Self {
            chance: fastrand::Rng::with_seed(seed),
            records: Vec::new(),
            of_device: HashMap::new(),
            ticks: Vec::new(),
        }
    }

    async fn take(&mut self, entry: Entry, replay: &mut Replay) -> Result<(), ReplayError> {
        match entry {
            Entry::Frame { .. } | Entry::Dated { .. } => {
                for arrived in fold::arrived(&entry) {
                    self.gather(arrived, replay).await?;
                }
                Ok(())
            }
            Entry::Tick { .. } => {
                self.ticks.push(entry);
                Ok(())
            }
            Entry::Change { .. } | Entry::Gone { .. } | Entry::Refused { .. } => {
                self.deal(replay).await?;
                replay.take(&entry).await
            }
        }
    }

    async fn gather(&mut self, arrived: Arrived, replay: &mut Replay) -> Result<(), ReplayError> {
        if replay.fold.waits(&arrived) {
            self.deal(replay).await?;
            replay.arrive(&arrived);
            return Ok(());
        }
        if let Some(device) = &arrived.record.device {
            let many = self.of_device.get(device).copied().unwrap_or(0);
            if many >= SHUFFLED_MOST {
                self.deal(replay).await?;
            }
            *self.of_device.entry(device.clone()).or_default() += 1;
        }
        self.records.push(arrived);
        Ok(())
    }

    async fn deal(&mut self, replay: &mut Replay) -> Result<(), ReplayError> {
        self.of_device.clear();
        self.chance.shuffle(&mut self.records);
        for arrived in self.records.drain(..) {
            replay.arrive(&arrived);
        }
        for tick in self.ticks.drain(..) {
            replay.take(&tick).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use veglia_diary::{ChangeId, assign_device, changes_since};
    use veglia_store::Purpose;
    use veglia_triage::PatientId;
    use veglia_wire::{
        Body, Boot, ClockState, Epoch, FrameHeader, GatewayId, MonoMs, Quality, Record, Sequence,
        Site, UpFrame, Vital, VitalKind, When,
    };

    use super::*;
    use crate::watch::ACTOR;

    const NOON: WallMs = WallMs(1_603_188_000_000);

    /// A frame with one low saturation.
    fn red(device: &DeviceId) -> Entry {
        let vital = Vital::from_steps(VitalKind::SpO2, 900, Site::Unknown).unwrap();
        let frame = UpFrame {
            header: FrameHeader {
                gateway: GatewayId::new("casa-1").unwrap(),
                epoch: Epoch(7),
                first: Sequence::FIRST,
                count: 1,
            },
            sent_at: Some(NOON),
            clock: ClockState::Synchronised,
            records: vec![Record {
                device: Some(device.clone()),
                when: When {
                    boot: Boot(1),
                    mono: MonoMs(1),
                    wall: Some(NOON),
                    device: None,
                },
                body: Body::Reading(vital, Quality::empty()),
            }],
        };
        let bytes = frame.encode().unwrap();
        Entry::Frame {
            at: NOON,
            skip: 0,
            bytes,
        }
    }

    #[tokio::test]
    async fn a_journal_without_its_beginning_means_the_flags_of_what_it_still_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let record = record.await.unwrap();
        let device = DeviceId::new("node:0000000000000001").unwrap();
        let (patient, since) = (PatientId::new(0xa11ce), NOON.plus_ms(-1_000));
        assign_device(&record, &ACTOR, &device, patient, since, since)
            .await
            .unwrap();
        let changes = changes_since(&record, &ACTOR, ChangeId(0)).await.unwrap();
        let small = Options {
            segment_bytes: 400,
            ..Options::default()
        };
        let path = dir.path().join("journal");
        let (mut journal, _) = SegmentedLog::open(HostFilesystem, &path, small).unwrap();
        let change = Entry::Change {
            at: since,
            id: changes[0].id.0,
        };
        journal.append(&[&change.encode()]).unwrap();
        for _ in 0..30 {
            let tick = Entry::Tick { at: NOON };
            journal.append(&[&tick.encode()]).unwrap();
        }
        let last = journal.append(&[&red(&device).encode()]).unwrap();
        journal.remove_before(last.through()).unwrap();
        drop(journal);

        for order in [Order::Arrival, Order::Shuffled(3)] {
            let replayed = replay(dir.path(), record.clone(), order, RuleSet::shipped())
                .await
                .unwrap();
            assert!(replayed.since > Position::FIRST);
            assert_eq!(replayed.standing().count(), 1, "{order:?}");
        }
    }
}
