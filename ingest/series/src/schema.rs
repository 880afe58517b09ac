//! The tables of series, and every statement that touches them.
//!
//! | table | a row is |
//! |---|---|
//! | `series_device` | a device that ever sent something, and its short key |
//! | `series_chunk` | a chunk: whose, which window, its summary, its bytes |
//! | `series_cursor` | one row: the journal position and the chunk counter of the last checkpoint |
//!
//! Chunks lie in order of their key, so that a series is read in one sweep.
//!
//! **Versions.** Since `0002_outlines` a chunk whose readings are partly clean carries the outlines
//! of both sorts. Rows from before have none: a curve opens those chunks, and their summary serves
//! whenever all of their readings are of one sort. They are outlined when they are next written.

use std::ops::RangeInclusive;

use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::*;
use veglia_store::{Schema, Tx, TxError};
use veglia_wire::DeviceId;

use crate::builder::{Channel, ChunkSequence, DeviceKey};
use crate::chunk::{Digest, Outline};
use crate::codec::Point;
use crate::outlines;

/// What `series` keeps in `series.db`.
pub const SCHEMA: Schema = Schema {
    room: "series",
    migrations: || vec![Box::new(First), Box::new(Outlines)],
};

/// Rows in one INSERT: 200 × 21 parameters stay far below the engines' limits (32,766 and more)
/// and the cost of preparing is spread over them.
const ROWS_PER_INSERT: usize = 200;

/// The columns of `series_chunk`, in the order of [`ChunkRow::values`]; the first four are the key.
const CHUNK_COLUMNS: [&str; 21] = [
    "device",
    "vital",
    "window_number",
    "sequence",
    "n",
    "flagged",
    "clean_sum",
    "first_at_ms",
    "first_value",
    "first_marks",
    "last_at_ms",
    "last_value",
    "last_marks",
    "min_at_ms",
    "min_value",
    "min_marks",
    "max_at_ms",
    "max_value",
    "max_marks",
    "data",
    "outlines",
];

const KEY_COLUMNS: usize = 4;

/// The columns that `0001` made.
const FIRST_COLUMNS: usize = 20;

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_devices_chunks_cursor"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut device = Table::create();
        device
            .table("series_device")
            .col(ColumnDef::new("key").big_integer().not_null().primary_key())
            .col(ColumnDef::new("device").text().not_null().unique_key());
        manager.create_table(device).await?;
        let mut cursor = Table::create();
        cursor
            .table("series_cursor")
            .col(ColumnDef::new("id").integer().not_null().primary_key())
            .col(ColumnDef::new("through").big_integer().not_null())
            .col(ColumnDef::new("next_sequence").big_integer().not_null());
        manager.create_table(cursor).await?;
        let mut start = Query::insert();
        start
            .into_table("series_cursor")
            .columns(["id", "through", "next_sequence"])
            .values_panic([1.into(), 0_i64.into(), 1_i64.into()]);
        manager.get_connection().execute(&start).await?;
        manager
            .create_table(chunk_table(manager.get_database_backend()))
            .await
    }
}

struct Outlines;

impl MigrationName for Outlines {
    fn name(&self) -> &str {
        "0002_outlines"
    }
}

#[async_trait]
impl MigrationTrait for Outlines {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut chunk = Table::alter();
        chunk
            .table("series_chunk")
            .add_column(ColumnDef::new("outlines").blob().null());
        manager.alter_table(chunk).await
    }
}

fn chunk_table(backend: DbBackend) -> TableCreateStatement {
    let mut chunk = Table::create();
    let mut key = Index::create();
    chunk.table("series_chunk");
    for (place, name) in CHUNK_COLUMNS.into_iter().take(FIRST_COLUMNS).enumerate() {
        let mut column = ColumnDef::new(name);
        if name == "data" {
            column.blob();
        } else {
            column.big_integer();
        }
        chunk.col(column.not_null());
        if place < KEY_COLUMNS {
            key.col(name);
        }
    }
    chunk.primary_key(&mut key);
    if backend == DbBackend::Sqlite {
        // Else rows lie in order of arrival, and a curve reads one page for each of them.
        chunk.extra("WITHOUT ROWID");
    }
    chunk
}

/// A chunk as it lies in the table.
#[derive(Debug)]
pub(crate) struct ChunkRow {
    pub(crate) channel: Channel,
    pub(crate) window: i64,
    pub(crate) sequence: ChunkSequence,
    pub(crate) digest: Digest,
    pub(crate) data: Vec<u8>,
}

impl ChunkRow {
    fn values(&self) -> [Expr; 21] {
        let Digest {
            n,
            flagged,
            clean_sum,
            all,
            clean,
            doubtful,
        } = self.digest;
        let point = |point: Point| {
            [
                point.at_ms.into(),
                i64::from(point.value).into(),
                i64::from(point.marks).into(),
            ]
        };
        let [first_at, first_value, first_marks]: [Expr; 3] = point(all.first);
        let [last_at, last_value, last_marks]: [Expr; 3] = point(all.last);
        let [min_at, min_value, min_marks]: [Expr; 3] = point(all.min);
        let [max_at, max_value, max_marks]: [Expr; 3] = point(all.max);
        let mixed = clean.zip(doubtful);
        let outlines = mixed.map(|(clean, doubtful)| outlines::encode(&clean, &doubtful));
        [
            self.channel.device.0.into(),
            i64::from(self.channel.vital.code()).into(),
            self.window.into(),
            self.sequence.0.into(),
            n.cast_signed().into(),
            flagged.cast_signed().into(),
            clean_sum.into(),
            first_at,
            first_value,
            first_marks,
            last_at,
            last_value,
            last_marks,
            min_at,
            min_value,
            min_marks,
            max_at,
            max_value,
            max_marks,
            self.data.clone().into(),
            outlines.into(),
        ]
    }
}

/// Where a checkpoint leaves the journal and the counter of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) through: u64,
    pub(crate) next_sequence: ChunkSequence,
}

/// What the last checkpoint left.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) cursor: Cursor,
    pub(crate) devices: Vec<(DeviceKey, DeviceId)>,
}

/// Reads the cursor and the devices.
pub(crate) async fn read_start(tx: &Tx<'_>) -> Result<Start, TxError> {
    let mut cursor = Query::select();
    cursor
        .columns(["through", "next_sequence"])
        .from("series_cursor");
    let row = tx.query_one(&cursor).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("series_cursor".to_owned()))?;
    let mut devices = Query::select();
    devices.columns(["key", "device"]).from("series_device");
    let devices = tx.query_all(&devices).await?;
    let device = |row: &QueryResult| -> Result<_, DbErr> {
        let id: String = row.try_get_by("device")?;
        let id = DeviceId::new(&id).map_err(|cause| DbErr::Type(cause.to_string()))?;
        Ok((DeviceKey(row.try_get_by("key")?), id))
    };
    Ok(Start {
        cursor: Cursor {
            through: row.try_get_by::<i64, _>("through")?.cast_unsigned(),
            next_sequence: ChunkSequence(row.try_get_by("next_sequence")?),
        },
        devices: devices.iter().map(device).collect::<Result<_, _>>()?,
    })
}

/// Moves the cursor on, if it still is where the last checkpoint of this writer left it.
pub(crate) async fn move_cursor(tx: &Tx<'_>, from: Cursor, to: Cursor) -> Result<bool, TxError> {
    let mut update = Query::update();
    update
        .table("series_cursor")
        .value("through", to.through.cast_signed())
        .value("next_sequence", to.next_sequence.0)
        .and_where(Expr::col("through").eq(from.through.cast_signed()))
        .and_where(Expr::col("next_sequence").eq(from.next_sequence.0));
    Ok(tx.execute(&update).await?.rows_affected() == 1)
}

/// Adds devices; they are new, or the cursor would not have moved.
pub(crate) async fn write_devices(
    tx: &Tx<'_>,
    devices: &[(DeviceKey, DeviceId)],
) -> Result<(), TxError> {
    for some in devices.chunks(ROWS_PER_INSERT) {
        let mut insert = Query::insert();
        insert
            .into_table("series_device")
            .columns(["key", "device"]);
        for (key, device) in some {
            insert.values_panic([key.0.into(), device.as_str().into()]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Adds chunks, or replaces those of builders that have grown.
pub(crate) async fn write_chunks(tx: &Tx<'_>, rows: &[ChunkRow]) -> Result<(), TxError> {
    for some in rows.chunks(ROWS_PER_INSERT) {
        let mut insert = Query::insert();
        insert.into_table("series_chunk").columns(CHUNK_COLUMNS);
        for row in some {
            insert.values_panic(row.values());
        }
        let (key, rest) = CHUNK_COLUMNS.split_at(KEY_COLUMNS);
        let mut replace = OnConflict::columns(key.iter().copied());
        replace.update_columns(rest.iter().copied());
        insert.on_conflict(replace);
        tx.execute(&insert).await?;
    }
    Ok(())
}

fn of_channel(channel: Channel, before: ChunkSequence) -> SelectStatement {
    let mut select = Query::select();
    select
        .from("series_chunk")
        .and_where(Expr::col("device").eq(channel.device.0))
        .and_where(Expr::col("vital").eq(i64::from(channel.vital.code())))
        .and_where(Expr::col("sequence").lt(before.0));
    select
}

/// The first window that has a chunk, among some.
pub(crate) async fn first_window(
    tx: &Tx<'_>,
    channel: Channel,
    before: ChunkSequence,
    windows: &RangeInclusive<i64>,
) -> Result<Option<i64>, TxError> {
    let mut select = of_channel(channel, before);
    select
        .column("window_number")
        .and_where(within(windows))
        .order_by("window_number", Order::Asc)
        .limit(1);
    let row = tx.query_one(&select).await?;
    Ok(row.map(|row| row.try_get_by("window_number")).transpose()?)
}

/// The bytes of chunks, in order of window and sequence.
#[derive(Debug)]
pub(crate) struct ChunkBytes {
    pub(crate) window: i64,
    pub(crate) sequence: ChunkSequence,
    pub(crate) data: Vec<u8>,
}

/// The condition that a chunk's window lies in a range.
pub(crate) fn within(windows: &RangeInclusive<i64>) -> Expr {
    Expr::col("window_number").between(*windows.start(), *windows.end())
}

/// The condition that a chunk's window is one of a few.
pub(crate) fn among(windows: &[i64]) -> Expr {
    Expr::col("window_number").is_in(windows.iter().copied())
}

/// The chunks of some windows, to be opened by whoever asked.
pub(crate) async fn chunk_bytes(
    tx: &Tx<'_>,
    channel: Channel,
    before: ChunkSequence,
    windows: Expr,
) -> Result<Vec<ChunkBytes>, TxError> {
    let mut select = of_channel(channel, before);
    select
        .columns(["window_number", "sequence", "data"])
        .and_where(windows)
        .order_by("window_number", Order::Asc)
        .order_by("sequence", Order::Asc);
    let rows = tx.query_all(&select).await?;
    let chunk = |row: &QueryResult| -> Result<_, DbErr> {
        Ok(ChunkBytes {
            window: row.try_get_by("window_number")?,
            sequence: ChunkSequence(row.try_get_by("sequence")?),
            data: row.try_get_by("data")?,
        })
    };
    Ok(rows.iter().map(chunk).collect::<Result<_, _>>()?)
}

/// The summary of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkSummary {
    pub(crate) window: i64,
    pub(crate) sequence: ChunkSequence,
    /// Its earliest reading.
    pub(crate) first: Point,
    /// Its latest.
    pub(crate) last: Point,
    /// `None` when the row does not tell its clean readings from the flagged ones.
    pub(crate) digest: Option<Digest>,
}

/// The summaries of some windows, in order of window and sequence.
pub(crate) async fn chunk_summaries(
    tx: &Tx<'_>,
    channel: Channel,
    before: ChunkSequence,
    windows: &RangeInclusive<i64>,
) -> Result<Vec<ChunkSummary>, TxError> {
    let mut select = of_channel(channel, before);
    select
        .columns(summary_columns())
        .and_where(within(windows))
        .order_by("window_number", Order::Asc)
        .order_by("sequence", Order::Asc);
    let rows = tx.query_all(&select).await?;
    Ok(rows.iter().map(summary).collect::<Result<_, _>>()?)
}

/// The chunk that holds the latest reading: windows part the time, so it lies in the last one.
pub(crate) async fn latest_chunk(
    tx: &Tx<'_>,
    channel: Channel,
    before: ChunkSequence,
) -> Result<Option<ChunkSummary>, TxError> {
    let mut select = of_channel(channel, before);
    select
        .columns(summary_columns())
        .order_by("window_number", Order::Desc)
        .order_by("last_at_ms", Order::Desc)
        .order_by("sequence", Order::Desc)
        .limit(1);
    let row = tx.query_one(&select).await?;
    Ok(row.as_ref().map(summary).transpose()?)
}

/// Reads a row of [`summary_columns`], by place.
fn summary(row: &QueryResult) -> Result<ChunkSummary, DbErr> {
    let number = |place: usize| row.try_get_by::<i64, _>(place);
    let count = |place: usize| number(place).map(i64::cast_unsigned);
    let point = |place: usize| -> Result<Point, DbErr> {
        let range = |cause: std::num::TryFromIntError| DbErr::Type(cause.to_string());
        Ok(Point {
            at_ms: number(place)?,
            value: number(place + 1)?.try_into().map_err(range)?,
            marks: number(place + 2)?.try_into().map_err(range)?,
        })
    };
    let all = Outline {
        first: point(5)?,
        last: point(8)?,
        min: point(11)?,
        max: point(14)?,
    };
    let (n, flagged) = (count(2)?, count(3)?);
    let outlines: Option<Vec<u8>> = row.try_get_by(17)?;
    let outlines = match flagged {
        0 => Some((Some(all), None)),
        flagged if flagged == n => Some((None, Some(all))),
        _ => outlines
            .and_then(|bytes| outlines::decode(&bytes))
            .map(|(clean, doubtful)| (Some(clean), Some(doubtful))),
    };
    let clean_sum = number(4)?;
    Ok(ChunkSummary {
        window: number(0)?,
        sequence: ChunkSequence(number(1)?),
        first: all.first,
        last: all.last,
        digest: outlines.map(|(clean, doubtful)| Digest {
            n,
            flagged,
            clean_sum,
            all,
            clean,
            doubtful,
        }),
    })
}

/// From the window to the highest reading, and the outlines: without whose it is, and without the
/// bytes.
fn summary_columns() -> impl Iterator<Item = &'static str> {
    CHUNK_COLUMNS
        .into_iter()
        .filter(|name| !["device", "vital", "data"].contains(name))
}
