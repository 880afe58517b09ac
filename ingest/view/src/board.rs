//! The board: one row a patient, in memory, with a count of changes.
//!
//! Ingest's watch consumer writes it as it reads the journal; screens ask what changed since the
//! count they know. A restart makes a new board with another [`Edition`], so a count of the last
//! life is never taken for one of this.
//!
//! **Limits.** As many rows as there are patients ([`PATIENTS_MAX`]), each bounded by its own
//! constants. Asking costs the changed rows, not all of them.
//!
//! **Deliberately absent**: history (that is the diary and the series) and any storage: a board is
//! derived, and is filled again from what is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use crate::{Row, is_stand_in};

/// Patients on a board at most: ten times the largest centre foreseen, about 1 GB of rows.
pub const PATIENTS_MAX: usize = 1_000_000;

/// Rows in one answer at most: about 2 MB of JSON. Whoever asks comes back for the rest.
pub const ROWS_MAX: usize = 2_000;

/// Departures remembered. A screen that missed more than these starts afresh.
const DEPARTURES_MAX: usize = 1_024;

/// One life of a board: a number that its maker takes at random, or from the clock at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition(pub u64);

/// How far a screen has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// On which board.
    pub edition: Edition,
    /// The count of changes seen.
    pub count: u64,
    /// The board's own count when the page-by-page reading under way began; equal to `count` for a
    /// screen that has seen everything. Who left before it was never on the screen.
    pub began: u64,
}

/// What changed on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// What to ask with the next time.
    pub version: Version,
    /// Whether what was known before is void: forget every row, then take these.
    pub afresh: bool,
    /// The changed rows, the earliest change first.
    pub rows: Vec<Arc<Row>>,
    /// Patients who left the board.
    pub departed: Vec<PatientId>,
    /// Whether this is all; if not, ask again at once.
    pub complete: bool,
}

/// How far the watch consumer has come through the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Position after the last record it has worked off.
    pub position: u64,
    /// When the oldest record that it has not worked off was received; `None` when there is none.
    pub waiting_since: Option<WallMs>,
    /// When it said so, by the clock of care. It says so about once a second, also when idle.
    pub at: WallMs,
}

/// A full board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the board holds {PATIENTS_MAX} patients already: serve the others by another ingest")]
pub struct Full;

#[derive(Debug)]
struct Rows {
    edition: Edition,
    count: u64,
    rows: HashMap<PatientId, Arc<Row>>,
    /// Each row by the count of its last change.
    changes: BTreeMap<u64, PatientId>,
    departures: BTreeMap<u64, PatientId>,
    /// Departures up to this count may be forgotten.
    forgotten: u64,
    progress: Option<Progress>,
    /// Those of the patients who only stand in.
    stand_ins: BTreeSet<PatientId>,
}

/// The rows of all patients; clones are the same board.
#[derive(Debug, Clone)]
pub struct Board(Arc<RwLock<Rows>>);

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(edition: Edition) -> Self {
        Self(Arc::new(RwLock::new(Rows {
            edition,
            count: 0,
            rows: HashMap::new(),
            changes: BTreeMap::new(),
            departures: BTreeMap::new(),
            forgotten: 0,
            progress: None,
            stand_ins: BTreeSet::new(),
        })))
    }

    /// Changes the row of a patient, who comes onto the board when new.
    ///
    /// # Errors
    /// [`Full`] for a new patient above [`PATIENTS_MAX`]; nothing was changed then.
    pub fn update(&self, patient: PatientId, change: impl FnOnce(&mut Row)) -> Result<(), Full> {
        let mut board = self.write();
        let board = &mut *board;
        let is_known = board.rows.contains_key(&patient);
        if !is_known && board.rows.len() >= PATIENTS_MAX {
            return Err(Full);
        }
        board.count += 1;
        let row = board
            .rows
            .entry(patient)
            .or_insert_with(|| Arc::new(Row::new(patient)));
        // Copies only when an answer under way still holds the row.
        let row = Arc::make_mut(row);
        board.changes.remove(&row.version);
        change(row);
        row.patient = patient;
        row.version = board.count;
        board.changes.insert(board.count, patient);
        if is_stand_in(patient) {
            board.stand_ins.insert(patient);
        }
        Ok(())
    }

    /// Takes a patient off the board: the plan ended, or nobody is followed under this id.
    pub fn remove(&self, patient: PatientId) {
        let mut board = self.write();
        let Some(row) = board.rows.remove(&patient) else {
            return;
        };
        board.changes.remove(&row.version);
        board.stand_ins.remove(&patient);
        board.count += 1;
        let count = board.count;
        board.departures.insert(count, patient);
        if board.departures.len() > DEPARTURES_MAX
            && let Some((oldest, _)) = board.departures.pop_first()
        {
            board.forgotten = oldest;
        }
    }

    /// What changed after `since`, at most `limit` rows (and at most [`ROWS_MAX`]). Everything,
    /// afresh, for a screen that knows nothing, knows another board, or was away too long.
    #[must_use]
    pub fn since(&self, since: Option<Version>, limit: usize) -> Delta {
        let board = self.read();
        let known = since.filter(|since| {
            since.edition == board.edition
                && since.count <= board.count
                && since.began >= board.forgotten
        });
        let after = known.map_or(0, |known| known.count);
        let limit = limit.clamp(1, ROWS_MAX);
        let mut changes = board.changes.range(after + 1..);
        let taken: Vec<(u64, PatientId)> = changes
            .by_ref()
            .take(limit)
            .map(|(count, patient)| (*count, *patient))
            .collect();
        let complete = changes.next().is_none();
        let reached = match taken.last() {
            Some((count, _)) if !complete => *count,
            _ => board.count,
        };
        // Who left and came back is here, not gone.
        let departed: BTreeSet<PatientId> = board
            .departures
            .range(after + 1..)
            .take_while(|(count, _)| **count <= reached)
            .filter(|(_, patient)| !board.rows.contains_key(patient))
            .map(|(_, patient)| *patient)
            .collect();
        let began = match known {
            _ if complete => reached,
            Some(known) => known.began,
            None => board.count,
        };
        Delta {
            version: Version {
                edition: board.edition,
                count: reached,
                began,
            },
            afresh: known.is_none(),
            rows: taken
                .iter()
                .filter_map(|(_, patient)| board.rows.get(patient).cloned())
                .collect(),
            departed: departed.into_iter().collect(),
            complete,
        }
    }

    /// The row of one patient.
    #[must_use]
    pub fn row(&self, patient: PatientId) -> Option<Arc<Row>> {
        self.read().rows.get(&patient).cloned()
    }

    /// The rows of those who stand in for somebody unknown and of whom something waits, the first
    /// that came first; at most [`ROWS_MAX`].
    #[must_use]
    pub fn waiting(&self) -> Vec<Arc<Row>> {
        let board = self.read();
        let rows = board.stand_ins.iter();
        let rows = rows.filter_map(|patient| board.rows.get(patient));
        let mut rows: Vec<Arc<Row>> = rows.filter(|row| row.waits.is_some()).cloned().collect();
        rows.sort_by_key(|row| (row.waits.as_ref().map(|it| it.since), row.patient));
        rows.truncate(ROWS_MAX);
        rows
    }

    /// How many patients are on it.
    #[must_use]
    pub fn patients(&self) -> usize {
        self.read().rows.len()
    }

    /// The watch consumer says how far it has come.
    pub fn report(&self, progress: Progress) {
        self.write().progress = Some(progress);
    }

    /// How far the watch consumer has come; `None` before it said so.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.read().progress
    }

    // A panic inside `change` leaves a row that is whole, if odd: other patients must not lose
    // their screens for it.
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
