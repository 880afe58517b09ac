//! Reading: the latest value, raw readings, and everything in order.
//!
//! A read first takes the builders of its series, then the rows, and leaves out the rows of those
//! builders and the rows opened since. A builder that was let go before was on disk by then. So
//! what it sees is exactly what had been pushed at the moment it took the builders.

use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use veglia_store::{Database, TxError};
use veglia_wire::{DeviceId, VitalKind, WallMs};

use crate::Sample;
use crate::builder::{Channel, ChunkSequence, Ram, View};
use crate::chunk::{quality_of, site_of, window_of, window_start};
use crate::codec::{ChunkError, Point, decode};
use crate::m4::BUCKETS_MAX;
use crate::schema::{ChunkBytes, chunk_bytes, first_window, latest_chunk, within};
use crate::writer::ACTOR;

/// Readings in one answer at most: a day at one a second, 5 MB. More is an [`Export`].
pub const READINGS_MAX: usize = 90_000;

/// Windows in a page of an export: a day, about 100 KB of chunks.
const PAGE_WINDOWS: i64 = 288;

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database refused.
    #[error("the series cannot be read now")]
    Store(#[source] TxError),
    /// A chunk was written by a later program: an answer without it would be wrong.
    #[error("readings of {device} from {} on cannot be read", from.0)]
    Newer {
        /// Whose chunk it is.
        device: DeviceId,
        /// When its window begins.
        from: WallMs,
        /// Which version is needed.
        #[source]
        source: ChunkError,
    },
    /// A curve of no bucket, or of more than [`BUCKETS_MAX`].
    #[error("a curve has 1 to {BUCKETS_MAX} buckets, not {0}; ask for fewer")]
    Buckets(u32),
}

/// A chunk that can no longer be read. Whoever shows readings says that some are missing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Whose chunk it is.
    pub device: DeviceId,
    /// What it measured.
    pub vital: VitalKind,
    /// When its window begins; it lasts five minutes.
    pub from: WallMs,
    /// What is wrong with it.
    pub reason: ChunkError,
}

/// Some readings of one series, in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// The readings; those of the same millisecond in order of arrival.
    pub samples: Vec<Sample>,
    /// Whether there are more in the range than were asked for.
    pub more: bool,
    /// Chunks of the range that could not be read.
    pub damaged: Vec<Damage>,
}

/// Some windows of an [`Export`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The readings, in order of time.
    pub samples: Vec<Sample>,
    /// Chunks that could not be read.
    pub damaged: Vec<Damage>,
}

/// Reads all series of a database; clones are cheap.
#[derive(Debug, Clone)]
pub struct Series {
    ram: Arc<Ram>,
    database: Database,
    damaged: Arc<AtomicU64>,
}

impl Series {
    pub(crate) fn new(ram: Arc<Ram>, database: Database) -> Self {
        Self {
            ram,
            database,
            damaged: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Every device that ever sent a value, in order of its id.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceId> {
        self.ram.devices()
    }

    /// How many times a damaged chunk was met since the start; a health page shows it.
    #[must_use]
    pub fn damage_met(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// The reading with the latest time; of several, the one that arrived last.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn latest(
        &self,
        device: &DeviceId,
        vital: VitalKind,
    ) -> Result<Option<Sample>, ReadError> {
        let Some(source) = self.source(device, vital) else {
            return Ok(None);
        };
        let view = self.ram.view(source.channel, &(i64::MIN..=i64::MAX));
        let (channel, before) = (source.channel, view.next_sequence);
        let written = self
            .database
            .read_tx("series.latest", &ACTOR, move |tx| {
                Box::pin(latest_chunk(tx, channel, before))
            })
            .await
            .map_err(ReadError::Store)?;
        // A row of a builder in the view holds nothing that the builder does not: it may stay.
        let growing = view.pieces.iter().filter_map(|piece| {
            let last = piece
                .points
                .iter()
                .copied()
                .max_by_key(|point| point.at_ms)?;
            Some((piece.sequence, last))
        });
        let written = written.map(|chunk| (chunk.sequence, chunk.last));
        let latest = written
            .into_iter()
            .chain(growing)
            .max_by_key(|(sequence, last)| (last.at_ms, *sequence));
        Ok(latest.map(|(_, last)| source.sample(last)))
    }

    /// The readings of a time range, the earliest first, at most `limit` of them (and at most
    /// [`READINGS_MAX`]).
    ///
    /// # Errors
    /// See [`ReadError`]; a damaged chunk is no error, it is told in the answer.
    pub async fn raw(
        &self,
        device: &DeviceId,
        vital: VitalKind,
        range: Range<WallMs>,
        limit: usize,
    ) -> Result<Readings, ReadError> {
        let limit = limit.min(READINGS_MAX);
        let mut readings = Readings {
            samples: Vec::new(),
            more: false,
            damaged: Vec::new(),
        };
        let mut export = self.export(device, vital, range);
        while readings.samples.len() <= limit {
            let Some(page) = export.next().await? else {
                break;
            };
            readings.samples.extend(page.samples);
            readings.damaged.extend(page.damaged);
        }
        readings.more = readings.samples.len() > limit;
        readings.samples.truncate(limit);
        Ok(readings)
    }

    /// Every reading of a time range, page by page, in bounded memory.
    #[must_use]
    pub fn export(&self, device: &DeviceId, vital: VitalKind, range: Range<WallMs>) -> Export {
        let source = self
            .source(device, vital)
            .filter(|_| range.start < range.end);
        let rest = source.map(|source| (source, windows_of(&range)));
        Export {
            series: self.clone(),
            range,
            rest,
        }
    }

    pub(crate) fn source(&self, device: &DeviceId, vital: VitalKind) -> Option<Source> {
        let key = self.ram.key(device)?;
        Some(Source {
            device: device.clone(),
            channel: Channel { device: key, vital },
        })
    }

    pub(crate) fn view(&self, channel: Channel, windows: &RangeInclusive<i64>) -> View {
        self.ram.view(channel, windows)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Opens a chunk: `None`, counted and told, when it is damaged.
    pub(crate) fn open_chunk(
        &self,
        source: &Source,
        chunk: &ChunkBytes,
        damaged: &mut Vec<Damage>,
    ) -> Result<Option<Vec<Point>>, ReadError> {
        let from = window_start(chunk.window);
        match decode(&chunk.data) {
            Ok(points) => Ok(Some(points)),
            Err(newer @ ChunkError::Newer(_)) => Err(ReadError::Newer {
                device: source.device.clone(),
                from,
                source: newer,
            }),
            Err(reason) => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                damaged.push(Damage {
                    device: source.device.clone(),
                    vital: source.channel.vital,
                    from,
                    reason,
                });
                Ok(None)
            }
        }
    }
}

/// The windows that a range touches; the range is not empty.
pub(crate) fn windows_of(range: &Range<WallMs>) -> RangeInclusive<i64> {
    window_of(range.start.0)..=window_of(range.end.0.saturating_sub(1))
}

/// A series by both its names.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    device: DeviceId,
    pub(crate) channel: Channel,
}

impl Source {
    fn sample(&self, point: Point) -> Sample {
        Sample {
            device: self.device.clone(),
            vital: self.channel.vital,
            site: site_of(point.marks),
            at: WallMs(point.at_ms),
            value: point.value,
            quality: quality_of(point.marks),
        }
    }
}

/// What the view and the table hold of a few windows.
struct Found {
    windows: RangeInclusive<i64>,
    chunks: Vec<ChunkBytes>,
}

/// All readings of a series in a range, page by page.
#[derive(Debug)]
pub struct Export {
    series: Series,
    range: Range<WallMs>,
    /// The windows not yet visited; `None` at the end.
    rest: Option<(Source, RangeInclusive<i64>)>,
}

impl Export {
    /// The next windows that have readings, at most a day of them; `None` at the end.
    ///
    /// # Errors
    /// See [`ReadError`]; the same page may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, ReadError> {
        let Some((source, rest)) = &self.rest else {
            return Ok(None);
        };
        let view = self.series.view(source.channel, rest);
        let Some(found) = find(&self.series, source.channel, &view, rest).await? else {
            self.rest = None;
            return Ok(None);
        };
        let mut damaged = Vec::new();
        let points = self.merge(source, &view, &found, &mut damaged)?;
        let samples = points
            .into_iter()
            .map(|point| source.sample(point))
            .collect();
        let (visited, end) = (*found.windows.end(), *rest.end());
        self.rest = (visited < end).then(|| (source.clone(), visited + 1..=end));
        Ok(Some(Page { samples, damaged }))
    }

    /// Builders and opened chunks in order of arrival, then stably in order of time.
    fn merge(
        &self,
        source: &Source,
        view: &View,
        found: &Found,
        damaged: &mut Vec<Damage>,
    ) -> Result<Vec<Point>, ReadError> {
        let mut parts: Vec<(ChunkSequence, Vec<Point>)> = Vec::new();
        for chunk in &found.chunks {
            if let Some(points) = self.series.open_chunk(source, chunk, damaged)? {
                parts.push((chunk.sequence, points));
            }
        }
        let growing = view
            .pieces
            .iter()
            .filter(|piece| found.windows.contains(&piece.window));
        parts.extend(growing.map(|piece| (piece.sequence, piece.points.to_vec())));
        parts.sort_by_key(|(sequence, _)| *sequence);
        let range = self.range.start.0..self.range.end.0;
        let points = parts.into_iter().flat_map(|(_, points)| points);
        let mut points: Vec<Point> = points
            .filter(|point| range.contains(&point.at_ms))
            .collect();
        points.sort_by_key(|point| point.at_ms);
        Ok(points)
    }
}

/// Skips to the first window that has anything and reads the chunks from there on.
async fn find(
    series: &Series,
    channel: Channel,
    view: &View,
    rest: &RangeInclusive<i64>,
) -> Result<Option<Found>, ReadError> {
    let before = view.next_sequence;
    let in_ram = view.pieces.iter().map(|piece| piece.window).min();
    let growing: HashSet<ChunkSequence> = view.pieces.iter().map(|piece| piece.sequence).collect();
    let growing = &growing;
    let found = series.database().read_tx("series.page", &ACTOR, move |tx| {
        Box::pin(async move {
            let on_disk = first_window(tx, channel, before, rest).await?;
            let Some(first) = on_disk.into_iter().chain(in_ram).min() else {
                return Ok(None);
            };
            let windows = first..=rest.end().to_owned().min(first + PAGE_WINDOWS - 1);
            let mut chunks = chunk_bytes(tx, channel, before, within(&windows)).await?;
            chunks.retain(|chunk| !growing.contains(&chunk.sequence));
            Ok(Some(Found { windows, chunks }))
        })
    });
    found.await.map_err(ReadError::Store)
}
