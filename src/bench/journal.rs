//! How fast the disk promises: appends to a journal like ingest's, each with its `fdatasync`.
//! This is the floor under everything else: no acknowledgement is faster.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use veglia_journal::{HostFilesystem, Journal, Options, SegmentedLog};

/// Entries in one append: a lone reading, a busy moment, a flood.
const SIZES: [usize; 3] = [1, 100, 1_000];

/// Bytes of an entry: a frame of ten readings is about as long.
pub(super) const ENTRY_BYTES: usize = 128;

/// Times of appends of one size.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Commits {
    pub(super) entries: usize,
    pub(super) commits_per_s: f64,
    pub(super) entries_per_s: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
}

/// Appends for so long with each size, in a folder that may be thrown away.
pub(super) fn measure(folder: &Path, lasting: Duration) -> Result<Vec<Commits>> {
    let each = |(size, entries): (usize, usize)| {
        let dir = folder.join(format!("journal-{size}"));
        let commits = commits(&dir, entries, lasting);
        std::fs::remove_dir_all(&dir)?;
        commits
    };
    SIZES.into_iter().enumerate().map(each).collect()
}

fn commits(dir: &Path, entries: usize, lasting: Duration) -> Result<Commits> {
    let (mut log, _) = SegmentedLog::open(HostFilesystem, dir, Options::default())?;
    let bytes = [0x5a; ENTRY_BYTES];
    let batch = vec![&bytes[..]; entries];
    // The first append makes the segment.
    log.append(&batch)?;
    let mut took_us = Vec::new();
    let began = Instant::now();
    while began.elapsed() < lasting {
        let before = Instant::now();
        log.append(&batch)?;
        took_us.push(u64::try_from(before.elapsed().as_micros())?);
    }
    let seconds = began.elapsed().as_secs_f64();
    took_us.sort_unstable();
    let commits_per_s = f64::from(u32::try_from(took_us.len())?) / seconds;
    let at = |hundredths: usize| {
        let place = took_us.len() * hundredths / 100;
        took_us.get(place).copied().unwrap_or(0)
    };
    Ok(Commits {
        entries,
        commits_per_s,
        entries_per_s: commits_per_s * f64::from(u32::try_from(entries)?),
        p50_us: at(50),
        p99_us: at(99),
    })
}
