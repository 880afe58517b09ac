//! What the watch remembers between two lives: the state and the row of every patient, the
//! ledger, and the journal position that they all belong to, in `watch.db`.
//!
//! Only what has changed is written, all of it and the position in one transaction: after a stop
//! there is one moment, whole. The journal is read on from there, and the same verdicts follow.
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

use crate::ledger::Ledger;
use crate::sources::Source;
use crate::waiting::Saved;

const ACTOR: Actor = Actor::System("watch");

/// Rows in one INSERT: the cost of preparing is spread, the statement stays small.
const ROWS_PER_INSERT: usize = 100;

const SCHEMA: Schema = Schema {
    room: "watch",
    migrations: || vec![Box::new(First)],
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
    pub(crate) waiting: Saved,
    /// What set flags off.
    pub(crate) sources: Vec<Source>,
}

/// What is kept beside the patients.
pub(crate) struct Beside<'a> {
    /// The last row of changes taken up.
    pub(crate) change: i64,
    /// Who has been heard, up to where.
    pub(crate) ledger: &'a Ledger,
    /// Readings that wait to be told whose they are.
    pub(crate) waiting: Saved,
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
    #[serde(default)]
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

impl Memory {
    /// Opens `watch.db` in ingest's folder.
    pub(crate) async fn open(dir: &Path) -> Result<Self, OpenError> {
        let database = Database::open(&dir.join("watch.db"), Purpose::Series, &[SCHEMA]).await?;
        Ok(Self { database })
    }

    /// Everything that was kept.
    pub(crate) async fn load(&self) -> Result<Remembered, MemoryError> {
        let (moment, rows) = self
            .database
            .read_tx("watch.load", &ACTOR, |tx| Box::pin(read(tx)))
            .await?;
        let mut patients = HashMap::with_capacity(rows.len());
        for (state, row) in rows {
            let known = Known {
                state: understood::<PatientState>(&state)?,
                row: understood(&row)?,
                life: 0,
            };
            patients.insert(known.state.patient(), known);
        }
        Ok(match moment {
            None => Remembered {
                next: None,
                change: 0,
                ledger: Ledger::default(),
                patients,
                waiting: Saved::default(),
                sources: Vec::new(),
            },
            Some(moment) => {
                let heard: Heard<Ledger> = understood(&moment.ledger)?;
                for (patient, life) in heard.lives {
                    if let Some(known) = patients.get_mut(&patient) {
                        known.life = life;
                    }
                }
                Remembered {
                    next: moment.next.try_into().ok().and_then(Position::new),
                    change: moment.change,
                    ledger: heard.ledger,
                    patients,
                    waiting: heard.waiting,
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
                Ok([patient, said(&known.state)?, said(&known.row)?])
            })
            .collect();
        let heard = Heard {
            ledger: beside.ledger,
            waiting: beside.waiting,
            sources: beside.sources,
            lives: beside.lives,
        };
        let gone: Vec<String> = beside.gone.iter().map(PatientId::to_string).collect();
        let (rows, ledger) = (rows?, said(&heard)?);
        let change = beside.change;
        let next = next.get().try_into().unwrap_or(i64::MAX);
        let moment = Moment {
            next,
            change,
            ledger,
        };
        let (rows, gone, moment) = (&rows, &gone, &moment);
        self.database
            .run_tx("watch.keep", &ACTOR, move |tx| {
                Box::pin(write(tx, rows, gone, moment))
            })
            .await?;
        Ok(())
    }
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

async fn read(tx: &Tx<'_>) -> Result<(Option<Moment>, Vec<(String, String)>), TxError> {
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
    Ok((moment, rows?))
}

fn moment(row: &QueryResult) -> Result<Moment, DbErr> {
    Ok(Moment {
        next: row.try_get_by(0_usize)?,
        change: row.try_get_by(1_usize)?,
        ledger: row.try_get_by(2_usize)?,
    })
}

async fn write(
    tx: &Tx<'_>,
    rows: &[[String; 3]],
    gone: &[String],
    moment: &Moment,
) -> Result<(), TxError> {
    for some in gone.chunks(ROWS_PER_INSERT) {
        let mut delete = Query::delete();
        delete
            .from_table("watch_patient")
            .and_where(Expr::col("patient").is_in(some.iter().map(String::as_str)));
        tx.execute(&delete).await?;
    }
    for some in rows.chunks(ROWS_PER_INSERT) {
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

fn replace(key: &'static str, columns: &[&'static str]) -> OnConflict {
    let mut conflict = OnConflict::column(Alias::new(key));
    conflict.update_columns(columns.iter().map(|column| Alias::new(*column)));
    conflict
}
