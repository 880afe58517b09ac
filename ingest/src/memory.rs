//! What the watch remembers between two lives: the state and the row of every patient, the
//! ledger, and the journal position that they all belong to, in `watch.db`.
//!
//! Only what has changed is written, all of it and the position in one transaction: after a stop
//! there is one moment, whole. What waits for its patient is written device by device. The journal
//! is read on from there, and the same verdicts follow.
//!
//! States are JSON in a column: they are derived, so a program that cannot read one says so and
//! builds them again from the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use veglia_journal::Position;
use veglia_store::sea_orm::sea_query::{Alias, OnConflict};
use veglia_store::sea_orm::{ConnectionTrait, DbErr, QueryResult};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Actor, Database, OpenError, Purpose, Schema, Tx, TxError};
use veglia_triage::{PatientId, PatientState};
use veglia_view::Row;
use veglia_wire::{DeviceId, WallMs};

use crate::ledger::Ledger;
use crate::sources::Source;
use crate::waiting::Saved;

const ACTOR: Actor = Actor::System("watch");

/// Rows in one INSERT: the cost of preparing is spread, the statement stays small.
const ROWS_PER_INSERT: usize = 100;

const SCHEMA: Schema = Schema {
    room: "watch",
    migrations: || vec![Box::new(First), Box::new(Apart)],
};

/// Why the watch cannot remember.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The database refused. What was not written is in the journal.
    #[error("the states of patients cannot be kept in watch.db")]
    Store(#[from] TxError),
    /// A state or row is of another version of the program.
    #[error(
        "watch.db cannot be understood; delete it, and the states are built again from the journal"
    )]
    Foreign(#[source] serde_json::Error),
}

/// What the watch knows of one patient.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// What triage remembers.
    pub(crate) state: PatientState,
    /// What the board shows.
    pub(crate) row: Row,
    /// How often the rules had to begin anew, because readings turned out to be another's.
    pub(crate) life: u32,
    /// When they did last: what was measured before they may not remember.
    pub(crate) anew_at: Option<WallMs>,
    /// What the rules took, by device.
    pub(crate) taken: Taken,
}

/// Devices of one patient of which it is known what the rules took: years of exchanges. Of an
/// older one a correction takes back the flags that it set off, and the memory stays.
const TAKEN_MAX: usize = 64;

/// When the newest reading was measured that the rules took of each device, the latest last. What
/// came before its own time was measured when it came: the box was ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Taken(Vec<(DeviceId, WallMs)>);

impl Taken {
    pub(crate) fn note(&mut self, device: &DeviceId, at: WallMs) {
        if let Some((_, newest)) = self.0.iter_mut().find(|(known, _)| known == device) {
            *newest = at.max(*newest);
            return;
        }
        if self.0.len() >= TAKEN_MAX {
            self.0.remove(0);
        }
        self.0.push((device.clone(), at));
    }

    pub(crate) fn newest(&self, device: &DeviceId) -> Option<WallMs> {
        let mut known = self.0.iter();
        known.find(|(known, _)| known == device).map(|it| it.1)
    }
}

/// The column of the row: the row, and what its patient's rules took.
#[derive(Serialize, Deserialize)]
struct Shown<R> {
    #[serde(flatten)]
    row: R,
    /// None in rows of earlier versions.
    #[serde(default)]
    taken: Option<Taken>,
    #[serde(default)]
    anew_at: Option<WallMs>,
}

impl Shown<Row> {
    /// Of an earlier version: what was heard of each device stands for what was measured.
    fn taken(&self) -> Taken {
        self.taken.clone().unwrap_or_else(|| {
            let heard = self.row.devices.iter();
            let heard = heard.filter_map(|it| Some((it.device.clone(), it.last_heard?)));
            Taken(heard.collect())
        })
    }
}

/// All that was remembered at one journal position.
pub(crate) struct Remembered {
    /// The position to go on from; none when nothing was kept yet.
    pub(crate) next: Option<Position>,
    /// The last row of changes taken up.
    pub(crate) change: i64,
    /// Who has been heard, up to where.
    pub(crate) ledger: Ledger,
    /// Every patient.
    pub(crate) patients: HashMap<PatientId, Known>,
    /// Readings that wait to be told whose they are.
    pub(crate) waiting: Vec<Saved>,
    /// What set flags off.
    pub(crate) sources: Vec<Source>,
}

/// What is kept beside the patients.
pub(crate) struct Beside<'a> {
    /// The last row of changes taken up.
    pub(crate) change: i64,
    /// Who has been heard, up to where.
    pub(crate) ledger: &'a Ledger,
    /// Devices of which something new waits to be told whose it is: all that waits of them.
    pub(crate) waiting: Vec<(DeviceId, Saved)>,
    /// What set flags off.
    pub(crate) sources: Vec<Source>,
    /// Whose rules have begun anew, and how often.
    pub(crate) lives: BTreeMap<PatientId, u32>,
    /// Those who stood in for somebody and are not needed any more.
    pub(crate) gone: &'a HashSet<PatientId>,
}

/// The column of the ledger: the ledger, and whose readings and flags are.
#[derive(Serialize, Deserialize)]
struct Heard<L> {
    #[serde(flatten)]
    ledger: L,
    /// Of earlier versions.
    #[serde(default, skip_serializing)]
    waiting: Saved,
    #[serde(default)]
    sources: Vec<Source>,
    #[serde(default)]
    lives: BTreeMap<PatientId, u32>,
}

/// The watch's memory.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    database: Database,
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_patients_moment"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut patient = Table::create();
        patient
            .table("watch_patient")
            .col(ColumnDef::new("patient").text().not_null().primary_key())
            .col(ColumnDef::new("state").text().not_null())
            .col(ColumnDef::new("shown").text().not_null());
        manager.create_table(patient).await?;
        let mut moment = Table::create();
        moment
            .table("watch_moment")
            .col(ColumnDef::new("id").integer().not_null().primary_key())
            .col(ColumnDef::new("next").big_integer().not_null())
            .col(ColumnDef::new("change").big_integer().not_null())
            .col(ColumnDef::new("ledger").text().not_null());
        manager.create_table(moment).await
    }
}

struct Apart;

impl MigrationName for Apart {
    fn name(&self) -> &str {
        "0002_waiting_apart"
    }
}

#[async_trait]
impl MigrationTrait for Apart {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut waiting = Table::create();
        waiting
            .table("watch_waiting")
            .col(ColumnDef::new("device").text().not_null().primary_key())
            .col(ColumnDef::new("waits").text().not_null());
        manager.create_table(waiting).await
    }
}

impl Memory {
    /// Opens `watch.db` in ingest's folder.
    pub(crate) async fn open(dir: &Path) -> Result<Self, OpenError> {
        let database = Database::open(&dir.join("watch.db"), Purpose::Series, &[SCHEMA]).await?;
        Ok(Self { database })
    }

    /// Everything that was kept.
    pub(crate) async fn load(&self) -> Result<Remembered, MemoryError> {
        let Found {
            moment,
            rows,
            waiting,
        } = self
            .database
            .read_tx("watch.load", &ACTOR, |tx| Box::pin(read(tx)))
            .await?;
        let mut patients = HashMap::with_capacity(rows.len());
        for (state, row) in rows {
            let shown: Shown<Row> = understood(&row)?;
            let known = Known {
                state: understood::<PatientState>(&state)?,
                taken: shown.taken(),
                anew_at: shown.anew_at,
                row: shown.row,
                life: 0,
            };
            patients.insert(known.state.patient(), known);
        }
        let waiting: Result<Vec<Saved>, MemoryError> =
            waiting.iter().map(|saved| understood(saved)).collect();
        let mut waiting = waiting?;
        Ok(match moment {
            None => Remembered {
                next: None,
                change: 0,
                ledger: Ledger::default(),
                patients,
                waiting: Vec::new(),
                sources: Vec::new(),
            },
            Some(moment) => {
                let heard: Heard<Ledger> = understood(&moment.ledger)?;
                for (patient, life) in heard.lives {
                    if let Some(known) = patients.get_mut(&patient) {
                        known.life = life;
                    }
                }
                waiting.push(heard.waiting);
                Remembered {
                    next: moment.next.try_into().ok().and_then(Position::new),
                    change: moment.change,
                    ledger: heard.ledger,
                    patients,
                    waiting,
                    sources: heard.sources,
                }
            }
        })
    }

    /// Keeps what has changed, and the moment it belongs to.
    pub(crate) async fn keep<'a>(
        &self,
        next: Position,
        beside: Beside<'_>,
        changed: impl Iterator<Item = &'a Known>,
    ) -> Result<(), MemoryError> {
        let rows: Result<Vec<[String; 3]>, MemoryError> = changed
            .map(|known| {
                let patient = known.state.patient().to_string();
                let shown = Shown {
                    row: &known.row,
                    taken: Some(known.taken.clone()),
                    anew_at: known.anew_at,
                };
                Ok([patient, said(&known.state)?, said(&shown)?])
            })
            .collect();
        let waiting: Result<Vec<[String; 2]>, MemoryError> = beside
            .waiting
            .iter()
            .filter(|(_, saved)| !saved.is_empty())
            .map(|(device, saved)| Ok([device.to_string(), said(saved)?]))
            .collect();
        let over = beside.waiting.iter().map(|(device, _)| device.to_string());
        let heard = Heard {
            ledger: beside.ledger,
            waiting: Saved::default(),
            sources: beside.sources,
            lives: beside.lives,
        };
        let gone: Vec<String> = beside.gone.iter().map(PatientId::to_string).collect();
        let ledger = said(&heard)?;
        let changes = Changes {
            rows: rows?,
            gone,
            waiting: waiting?,
            over: over.collect(),
        };
        let change = beside.change;
        let next = next.get().try_into().unwrap_or(i64::MAX);
        let moment = Moment {
            next,
            change,
            ledger,
        };
        let (changes, moment) = (&changes, &moment);
        self.database
            .run_tx("watch.keep", &ACTOR, move |tx| {
                Box::pin(write(tx, changes, moment))
            })
            .await?;
        Ok(())
    }
}

/// What is new since the last moment.
struct Changes {
    rows: Vec<[String; 3]>,
    gone: Vec<String>,
    waiting: Vec<[String; 2]>,
    /// Devices of which what was kept is over.
    over: Vec<String>,
}

/// Everything that is there.
struct Found {
    moment: Option<Moment>,
    rows: Vec<(String, String)>,
    waiting: Vec<String>,
}

struct Moment {
    next: i64,
    change: i64,
    ledger: String,
}

fn said(value: &impl Serialize) -> Result<String, MemoryError> {
    serde_json::to_string(value).map_err(MemoryError::Foreign)
}

fn understood<T: DeserializeOwned>(text: &str) -> Result<T, MemoryError> {
    serde_json::from_str(text).map_err(MemoryError::Foreign)
}

async fn read(tx: &Tx<'_>) -> Result<Found, TxError> {
    let mut ask = Query::select();
    ask.columns(["next", "change", "ledger"])
        .from("watch_moment");
    let moment = tx
        .query_one(&ask)
        .await?
        .map(|row| moment(&row))
        .transpose()?;
    let mut ask = Query::select();
    ask.columns(["state", "shown"]).from("watch_patient");
    let rows = tx.query_all(&ask).await?;
    let pair = |row: &QueryResult| Ok((row.try_get_by(0_usize)?, row.try_get_by(1_usize)?));
    let rows: Result<Vec<_>, DbErr> = rows.iter().map(pair).collect();
    let mut ask = Query::select();
    ask.columns(["waits"]).from("watch_waiting");
    let waiting = tx.query_all(&ask).await?;
    let waiting: Result<Vec<String>, DbErr> =
        waiting.iter().map(|row| row.try_get_by(0_usize)).collect();
    Ok(Found {
        moment,
        rows: rows?,
        waiting: waiting?,
    })
}

fn moment(row: &QueryResult) -> Result<Moment, DbErr> {
    Ok(Moment {
        next: row.try_get_by(0_usize)?,
        change: row.try_get_by(1_usize)?,
        ledger: row.try_get_by(2_usize)?,
    })
}

async fn write(tx: &Tx<'_>, changes: &Changes, moment: &Moment) -> Result<(), TxError> {
    drop_rows(tx, ("watch_patient", "patient"), &changes.gone).await?;
    for some in changes.rows.chunks(ROWS_PER_INSERT) {
        let mut insert = Query::insert();
        insert
            .into_table("watch_patient")
            .columns(["patient", "state", "shown"]);
        for row in some {
            insert.values_panic(row.iter().map(|text| text.as_str().into()));
        }
        insert.on_conflict(replace("patient", &["state", "shown"]));
        tx.execute(&insert).await?;
    }
    drop_rows(tx, ("watch_waiting", "device"), &changes.over).await?;
    // Each may be half a megabyte.
    for row in &changes.waiting {
        let mut insert = Query::insert();
        insert
            .into_table("watch_waiting")
            .columns(["device", "waits"])
            .values_panic(row.iter().map(|text| text.as_str().into()));
        tx.execute(&insert).await?;
    }
    let mut insert = Query::insert();
    insert
        .into_table("watch_moment")
        .columns(["id", "next", "change", "ledger"])
        .values_panic([
            1.into(),
            moment.next.into(),
            moment.change.into(),
            moment.ledger.as_str().into(),
        ]);
    insert.on_conflict(replace("id", &["next", "change", "ledger"]));
    tx.execute(&insert).await?;
    Ok(())
}

async fn drop_rows(
    tx: &Tx<'_>,
    (table, key): (&'static str, &'static str),
    gone: &[String],
) -> Result<(), TxError> {
    for some in gone.chunks(ROWS_PER_INSERT) {
        let mut delete = Query::delete();
        delete
            .from_table(table)
            .and_where(Expr::col(key).is_in(some.iter().map(String::as_str)));
        tx.execute(&delete).await?;
    }
    Ok(())
}

fn replace(key: &'static str, columns: &[&'static str]) -> OnConflict {
    let mut conflict = OnConflict::column(Alias::new(key));
    conflict.update_columns(columns.iter().map(|column| Alias::new(*column)));
    conflict
}

#[cfg(test)]
mod tests {
    use veglia_view::DeviceState;

    use super::*;

    #[test]
    fn a_row_of_an_earlier_version_says_of_each_device_what_was_heard() {
        let device = DeviceId::new("nonin:501234").unwrap();
        let mut row = Row::new(PatientId::new(7));
        row.devices.push(DeviceState {
            last_heard: Some(WallMs(5)),
            ..DeviceState::new(device.clone())
        });
        let shown: Shown<Row> = understood(&said(&row).unwrap()).unwrap();
        assert_eq!(shown.taken().newest(&device), Some(WallMs(5)));
        let mut taken = Taken::default();
        taken.note(&device, WallMs(3));
        let shown = Shown {
            row: &row,
            taken: Some(taken),
            anew_at: None,
        };
        let shown: Shown<Row> = understood(&said(&shown).unwrap()).unwrap();
        assert_eq!(shown.taken().newest(&device), Some(WallMs(3)));
        assert_eq!(shown.row, row);
    }

    #[test]
    fn what_waited_beside_the_ledger_in_an_earlier_version_is_read() {
        let heard = Heard {
            ledger: Ledger::default(),
            waiting: Saved::default(),
            sources: Vec::new(),
            lives: BTreeMap::new(),
        };
        let mut text = serde_json::to_value(&heard).unwrap();
        assert_eq!(text.get("waiting"), None, "it has a table of its own");
        text["waiting"] = serde_json::json!({ "readings": [], "sessions": [{
            "stand_in": PatientId::new(7),
            "waits": {
                "device": "nonin:501234",
                "from": WallMs(1), "until": WallMs(2), "readings": 2, "since": WallMs(3),
            },
            "heard": WallMs(3),
        }] });
        let heard: Heard<Ledger> = serde_json::from_value(text).unwrap();
        assert!(!heard.waiting.is_empty());
    }

    #[test]
    fn of_more_devices_than_one_wears_in_years_the_first_are_forgotten() {
        let device = |number| DeviceId::new(&format!("nonin:{number}")).unwrap();
        let mut taken = Taken::default();
        for number in 0..=TAKEN_MAX {
            taken.note(&device(number), WallMs(1));
        }
        assert_eq!(taken.newest(&device(0)), None);
        assert_eq!(taken.newest(&device(1)), Some(WallMs(1)));
    }
}
