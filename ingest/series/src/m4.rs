//! Curves: for each bucket of time the first, lowest, highest and last reading (M4), of the clean
//! readings and of the flagged ones apart.
//!
//! A line drawn through the clean ones covers the same pixels as a line through every clean
//! reading: it never averages, never loses an extreme (not beside an artefact either, which has
//! an outline of its own), and a bucket without readings is absent, so a gap stays a gap. A chunk
//! that lies inside one bucket is merged by its summary; only chunks that straddle an edge are
//! opened, and those of an earlier program that mix clean and flagged readings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use veglia_store::{Tx, TxError};
use veglia_wire::{DeviceId, Quality, VitalKind, WallMs};

use crate::builder::{Channel, ChunkSequence, View};
use crate::chunk::{Digest, Outline, quality_of};
use crate::codec::Point;
use crate::query::{Damage, ReadError, Series, windows_of};
use crate::schema::{ChunkBytes, ChunkSummary, among, chunk_bytes, chunk_summaries, first_window};
use crate::writer::ACTOR;

/// Buckets in a curve at most: one for each pixel of the widest screens.
pub const BUCKETS_MAX: u32 = 8_000;

/// Windows whose summaries are read at once: two weeks, under a megabyte.
const PAGE_WINDOWS: i64 = 4_032;

/// Windows named in one query, far below the engines' limit of parameters.
const NAMED_WINDOWS_MAX: usize = 500;

/// The readings of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// When the bucket begins; it lasts [`Curve::bucket_ms`].
    pub from: WallMs,
    /// How many readings; never 0.
    pub n: u64,
    /// How many of them are not clean ([`veglia_wire::Quality::is_clean`]).
    pub flagged: u64,
    /// Sum of the values of the clean ones, for summaries of many curves.
    pub clean_sum: i64,
    /// The clean ones; `None` when there are none.
    pub clean: Option<Outline>,
    /// Those that something speaks against; `None` when there are none.
    pub doubtful: Option<Outline>,
}

/// A series drawn small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve {
    /// Length of a bucket, in milliseconds.
    pub bucket_ms: u64,
    /// The buckets that have readings, in order of time.
    pub buckets: Vec<Bucket>,
    /// Chunks that had to be opened and could not be read.
    pub damaged: Vec<Damage>,
}

/// Which readings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    All,
    /// Those whose time is certain.
    Dated,
}

/// How a range is cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    start_ms: i64,
    end_ms: i64,
    bucket_ms: u64,
    drawn: Drawn,
}

impl Cut {
    /// The length is rounded up, so there may be fewer buckets than asked for.
    fn new(range: &Range<WallMs>, buckets: u32, drawn: Drawn) -> Self {
        let (start_ms, end_ms) = (range.start.0, range.end.0);
        let span = end_ms.wrapping_sub(start_ms).cast_unsigned();
        Self {
            start_ms,
            end_ms,
            bucket_ms: span.div_ceil(u64::from(buckets)).max(1),
            drawn,
        }
    }

    fn bucket_of(&self, at_ms: i64) -> Option<u64> {
        let inside = (self.start_ms..self.end_ms).contains(&at_ms);
        inside.then(|| at_ms.wrapping_sub(self.start_ms).cast_unsigned() / self.bucket_ms)
    }

    /// The bucket that holds all of a chunk, and the summary that says so; `None` when only its
    /// bytes can tell.
    fn whole<'a>(&self, chunk: &'a ChunkSummary) -> Option<(u64, &'a Digest)> {
        let bucket = self.bucket_of(chunk.first.at_ms)?;
        let is_inside = self.bucket_of(chunk.last.at_ms) == Some(bucket);
        let digest = chunk.digest.as_ref().filter(|_| is_inside)?;
        if self.drawn == Drawn::Dated && digest.doubtful.is_some() {
            return None;
        }
        Some((bucket, digest))
    }

    fn is_disjoint(&self, chunk: &ChunkSummary) -> bool {
        chunk.last.at_ms < self.start_ms || chunk.first.at_ms >= self.end_ms
    }

    fn start_of(&self, bucket: u64) -> WallMs {
        let offset = bucket.saturating_mul(self.bucket_ms);
        WallMs(self.start_ms.wrapping_add(offset.cast_signed()))
    }
}

/// Summaries of some windows, and the bytes of those chunks that cannot be taken whole.
struct Found {
    windows: RangeInclusive<i64>,
    summaries: Vec<ChunkSummary>,
    opened: HashMap<ChunkSequence, ChunkBytes>,
}

/// A chunk as it goes into the buckets.
enum Part<'a> {
    Whole(u64, &'a Digest),
    Points(Arc<Vec<Point>>),
}

impl Series {
    /// The curve of a time range in at most `buckets` buckets of equal length.
    ///
    /// # Errors
    /// See [`ReadError`]; a damaged chunk is no error, it is told in the answer.
    pub async fn m4(
        &self,
        device: &DeviceId,
        vital: VitalKind,
        range: Range<WallMs>,
        buckets: u32,
    ) -> Result<Curve, ReadError> {
        self.curve(device, vital, range, buckets, Drawn::All).await
    }

    /// The same of the readings whose time is certain. The others may be of any time before, and
    /// so, where a device changed hands, another patient's.
    ///
    /// # Errors
    /// Those of [`Series::m4`].
    pub async fn m4_dated(
        &self,
        device: &DeviceId,
        vital: VitalKind,
        range: Range<WallMs>,
        buckets: u32,
    ) -> Result<Curve, ReadError> {
        self.curve(device, vital, range, buckets, Drawn::Dated)
            .await
    }

    async fn curve(
        &self,
        device: &DeviceId,
        vital: VitalKind,
        range: Range<WallMs>,
        buckets: u32,
        which: Drawn,
    ) -> Result<Curve, ReadError> {
        if buckets == 0 || buckets > BUCKETS_MAX {
            return Err(ReadError::Buckets(buckets));
        }
        let cut = Cut::new(&range, buckets, which);
        let mut damaged = Vec::new();
        let mut filled: BTreeMap<u64, Digest> = BTreeMap::new();
        let source = self
            .source(device, vital)
            .filter(|_| range.start < range.end);
        let mut rest = source.map(|source| (source, windows_of(&range)));
        while let Some((source, windows)) = rest.take() {
            let view = self.view(source.channel, &windows);
            let Some(found) = self.find(source.channel, &view, &windows, cut).await? else {
                break;
            };
            let mut parts: Vec<(ChunkSequence, Part<'_>)> = Vec::new();
            for summary in &found.summaries {
                let part = match found.opened.get(&summary.sequence) {
                    Some(chunk) => self
                        .open_chunk(&source, chunk, &mut damaged)?
                        .map(|points| Part::Points(Arc::new(points))),
                    None => cut
                        .whole(summary)
                        .map(|(bucket, digest)| Part::Whole(bucket, digest)),
                };
                parts.extend(part.map(|part| (summary.sequence, part)));
            }
            let growing = view
                .pieces
                .iter()
                .filter(|piece| found.windows.contains(&piece.window));
            parts.extend(
                growing.map(|piece| (piece.sequence, Part::Points(Arc::clone(&piece.points)))),
            );
            // In order of arrival, which decides between readings of the same time.
            parts.sort_by_key(|(sequence, _)| *sequence);
            parts
                .into_iter()
                .for_each(|(_, part)| fill(&mut filled, cut, part));
            let (visited, end) = (*found.windows.end(), *windows.end());
            rest = (visited < end).then_some((source, visited + 1..=end));
        }
        let buckets = filled
            .into_iter()
            .map(|(bucket, digest)| drawn(cut.start_of(bucket), digest));
        Ok(Curve {
            bucket_ms: cut.bucket_ms,
            buckets: buckets.collect(),
            damaged,
        })
    }

    async fn find(
        &self,
        channel: Channel,
        view: &View,
        rest: &RangeInclusive<i64>,
        cut: Cut,
    ) -> Result<Option<Found>, ReadError> {
        let before = view.next_sequence;
        let in_ram = view.pieces.iter().map(|piece| piece.window).min();
        let growing: HashSet<ChunkSequence> =
            view.pieces.iter().map(|piece| piece.sequence).collect();
        let growing = &growing;
        let found = self.database().read_tx("series.curve", &ACTOR, move |tx| {
            Box::pin(async move {
                let on_disk = first_window(tx, channel, before, rest).await?;
                let Some(first) = on_disk.into_iter().chain(in_ram).min() else {
                    return Ok(None);
                };
                let windows = first..=rest.end().to_owned().min(first + PAGE_WINDOWS - 1);
                let mut summaries = chunk_summaries(tx, channel, before, &windows).await?;
                summaries
                    .retain(|chunk| !growing.contains(&chunk.sequence) && !cut.is_disjoint(chunk));
                let opened = straddling(tx, channel, before, &summaries, cut).await?;
                Ok(Some(Found {
                    windows,
                    summaries,
                    opened,
                }))
            })
        });
        found.await.map_err(ReadError::Store)
    }
}

/// The bytes of the chunks that cannot be taken whole.
async fn straddling(
    tx: &Tx<'_>,
    channel: Channel,
    before: ChunkSequence,
    summaries: &[ChunkSummary],
    cut: Cut,
) -> Result<HashMap<ChunkSequence, ChunkBytes>, TxError> {
    let split: Vec<&ChunkSummary> = summaries
        .iter()
        .filter(|chunk| cut.whole(chunk).is_none())
        .collect();
    let wanted: HashSet<ChunkSequence> = split.iter().map(|chunk| chunk.sequence).collect();
    let mut windows: Vec<i64> = split.iter().map(|chunk| chunk.window).collect();
    windows.dedup();
    let mut opened = HashMap::with_capacity(wanted.len());
    for some in windows.chunks(NAMED_WINDOWS_MAX) {
        let chunks = chunk_bytes(tx, channel, before, among(some)).await?;
        let chunks = chunks
            .into_iter()
            .filter(|chunk| wanted.contains(&chunk.sequence));
        opened.extend(chunks.map(|chunk| (chunk.sequence, chunk)));
    }
    Ok(opened)
}

fn fill(filled: &mut BTreeMap<u64, Digest>, cut: Cut, part: Part<'_>) {
    let mut add = |bucket: u64, digest: Digest| {
        let merged = filled
            .get(&bucket)
            .map_or(digest, |before| before.merge(digest));
        filled.insert(bucket, merged);
    };
    match part {
        Part::Whole(bucket, digest) => add(bucket, *digest),
        Part::Points(points) => {
            // Runs, because neighbours mostly share a bucket; the order of arrival is kept.
            let same = |a: &Point, b: &Point| cut.bucket_of(a.at_ms) == cut.bucket_of(b.at_ms);
            let dated: Vec<Point>;
            let points = match cut.drawn {
                Drawn::All => points.as_slice(),
                Drawn::Dated => {
                    dated = points.iter().copied().filter(is_dated).collect();
                    &dated
                }
            };
            for run in points.chunk_by(same) {
                let bucket = run.first().and_then(|point| cut.bucket_of(point.at_ms));
                if let Some((bucket, digest)) = bucket.zip(Digest::of(run)) {
                    add(bucket, digest);
                }
            }
        }
    }
}

fn is_dated(point: &Point) -> bool {
    !quality_of(point.marks).contains(Quality::TIME_UNCERTAIN)
}

fn drawn(from: WallMs, digest: Digest) -> Bucket {
    Bucket {
        from,
        n: digest.n,
        flagged: digest.flagged,
        clean_sum: digest.clean_sum,
        clean: digest.clean.map(Outline::drawn),
        doubtful: digest.doubtful.map(Outline::drawn),
    }
}
