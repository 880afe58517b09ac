//! The journal's consumer that keeps every reading for ever: frames to samples to series.
//!
//! A checkpoint writes the samples and the journal position in one transaction, so that a restart
//! reads on from exactly there: nothing twice, nothing missing. A full disk is an ordinary event:
//! the samples stay in memory and in the journal, and the checkpoint is tried again.
//!
//! A reading without a time is kept when an entry dates it, a quarter of an hour later at most: a
//! sample is never moved, so it goes where it belongs or, when nobody knows, is marked.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_journal::{JournalReader, Position};
use veglia_series::{CheckpointError, Pressure, SeriesWriter};
use veglia_wire::Body;

use crate::dating::{Records, sample};
use crate::entry::Entry;
use crate::figures::Figures;
use crate::follower::{FollowError, Follower};
use crate::intake::{Arrival, Consumer};
use crate::probe::is_probe;

/// How often samples go to disk. They are in the journal all the while; this bounds how much of
/// it is read again after a restart.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// How long the tape waits before it tries again when the disk is full and so is its memory.
const REFUSED_REST: Duration = Duration::from_secs(1);

/// Why the series fell behind for good.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The journal cannot be followed.
    #[error("series cannot follow the journal")]
    Follow(#[from] FollowError),
    /// The samples cannot be written.
    #[error("samples cannot be written")]
    Checkpoint(#[from] CheckpointError),
}

/// Follows the journal until told to stop; then writes a last checkpoint.
pub(crate) async fn run<R: JournalReader + 'static>(
    mut journal: Follower<R>,
    mut series: SeriesWriter,
    passed: mpsc::WeakSender<Arrival>,
    figures: Figures,
    stop: CancellationToken,
) -> Result<(), TapeError> {
    let mut last = Instant::now();
    let mut refused = false;
    loop {
        let entries = tokio::select! {
            () = stop.cancelled() => break,
            entries = journal.more() => entries?,
        };
        let mut pressed = false;
        for (_, entry) in &entries {
            pressed |= record(&mut series, entry, &figures);
        }
        if pressed || last.elapsed() >= CHECKPOINT_EVERY {
            let through = read_so_far(&journal);
            // With a full memory nothing more is read before the disk has taken what there is.
            while !checkpoint(&mut series, through, &mut refused).await? && pressed {
                let rest = tokio::time::sleep(REFUSED_REST);
                if stop.run_until_cancelled(rest).await.is_none() {
                    break;
                }
            }
            last = Instant::now();
            if let (Some(position), Some(intake)) =
                (Position::new(series.resume_from()), passed.upgrade())
            {
                // A full channel only means that old segments go a little later.
                drop(intake.try_send(Arrival::Passed(Consumer::Tape, position)));
            }
        }
    }
    series.checkpoint(read_so_far(&journal)).await?;
    series.settle().await?;
    Ok(())
}

/// Begins a checkpoint. False when the disk refuses for now, which is told once.
async fn checkpoint(
    series: &mut SeriesWriter,
    through: u64,
    refused: &mut bool,
) -> Result<bool, TapeError> {
    match series.checkpoint(through).await {
        Ok(()) => {
            *refused = false;
            Ok(true)
        }
        Err(CheckpointError::Store(error)) if error.is_passing() => {
            if !std::mem::replace(refused, true) {
                tracing::error!(%error, "the series stay in memory and in the journal meanwhile");
            }
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn read_so_far<R: JournalReader + 'static>(journal: &Follower<R>) -> u64 {
    journal.next().get() - 1
}

/// Pushes the readings of an entry. True when memory calls for a checkpoint.
fn record(series: &mut SeriesWriter, entry: &Entry, figures: &Figures) -> bool {
    // The readings of the alarm path's probe are nobody's.
    let Some(records) = Records::of(entry).filter(|it| !is_probe(&it.gateway)) else {
        return false;
    };
    let gateway = records.gateway.clone();
    let mut pressed = false;
    for dated in records.dated() {
        if let Body::Gap(gap) = dated.record.body {
            figures.lost_at_home(gap.lost);
            tracing::warn!(
                %gateway, reason = ?gap.reason, lost = gap.lost,
                lasted_ms = gap.lasted_ms, "a home could not keep records; they are missing"
            );
        }
        if let Some(sample) = sample(&dated) {
            pressed |= series.push(&sample) == Pressure::Checkpoint;
        }
    }
    pressed
}
