//! Opening an outbox: its epoch, its records, and how far ingest had come.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use veglia_journal::{
    CursorError, CursorFile, Filesystem, Journal, Options, Position, Recovered, SegmentedLog,
};
use veglia_wire::{Epoch, Sequence};

use super::loss::LossFile;
use super::writer::Writer;
use super::{OpenError, OutboxOptions, OutboxState, OutboxStatus};

/// So that an outbox is never opened as another journal.
const KIND: [u8; 4] = *b"outb";

pub(super) fn open<F: Filesystem>(
    fs: F,
    dir: &Path,
    options: OutboxOptions,
) -> Result<(Writer<F>, Arc<watch::Sender<OutboxStatus>>), OpenError> {
    fs.create_dir(dir).map_err(|source| OpenError::System {
        action: "make the directory",
        dir: dir.to_owned(),
        source,
    })?;
    let (log, recovered) = open_journal(&fs, dir, options)?;
    let epoch = read_or_make_epoch(&fs, dir, &recovered)?;
    let mark = CursorFile::new(fs.clone(), &dir.join("acknowledged"));
    let acknowledged = read_mark(&mark, dir, &recovered)?;

    let status = OutboxStatus {
        epoch,
        oldest: (log.oldest() < log.next())
            .then(|| sequence(log.oldest()))
            .flatten(),
        newest: log.next().previous().and_then(sequence),
        acknowledged,
        bytes: log.size_bytes(),
        thinned: 0,
        state: OutboxState::Writing,
    };
    let status = Arc::new(watch::Sender::new(status));
    let losses = LossFile::open(&fs, dir, &log);
    let writer = Writer::new(log, fs, dir, mark, losses, Arc::clone(&status), options);
    Ok((writer, status))
}

/// A position as the sequence of the same number.
pub(super) fn sequence(position: Position) -> Option<Sequence> {
    Sequence::new(position.get())
}

/// A sequence as the position of the same number.
pub(super) fn position(sequence: Sequence) -> Position {
    Position::new(sequence.get()).unwrap_or(Position::FIRST)
}

fn open_journal<F: Filesystem>(
    fs: &F,
    dir: &Path,
    options: OutboxOptions,
) -> Result<(SegmentedLog<F>, Recovered), OpenError> {
    let options = Options {
        segment_bytes: options.segment_bytes,
        max_total_bytes: Some(options.max_total_bytes),
        kind: KIND,
    };
    let opened = SegmentedLog::open(fs.clone(), &dir.join("journal"), options);
    let (log, recovered) = opened.map_err(|source| OpenError::Journal {
        dir: dir.to_owned(),
        source,
    })?;
    if recovered.torn_bytes > 0 {
        tracing::warn!(
            outbox.torn_bytes = recovered.torn_bytes,
            outbox.skipped = recovered.skipped,
            "the last write to the outbox was cut short by a stop; its sequences are skipped"
        );
    }
    Ok((log, recovered))
}

fn read_or_make_epoch<F: Filesystem>(
    fs: &F,
    dir: &Path,
    recovered: &Recovered,
) -> Result<Epoch, OpenError> {
    let mark = |source| OpenError::Mark {
        dir: dir.to_owned(),
        source,
    };
    let path = dir.join("epoch");
    let mut file = CursorFile::new(fs.clone(), &path);
    if let Some(stored) = file.load().map_err(mark)? {
        let bytes = stored.payload.as_slice().try_into();
        let bytes = bytes.map_err(|_| mark(CursorError::Damaged { path }))?;
        return Ok(Epoch(u64::from_le_bytes(bytes)));
    }
    if recovered.next != Position::FIRST {
        return Err(OpenError::NoEpoch {
            dir: dir.to_owned(),
        });
    }
    let number = getrandom::u64().map_err(|source| OpenError::System {
        action: "get a random epoch",
        dir: dir.to_owned(),
        source: std::io::Error::other(source.to_string()),
    })?;
    file.store(Position::FIRST, &number.to_le_bytes())
        .map_err(mark)?;
    Ok(Epoch(number))
}

/// The last sequence acknowledged. A damaged mark is not a fault: repeating is harmless.
fn read_mark<F: Filesystem>(
    mark: &CursorFile<F>,
    dir: &Path,
    recovered: &Recovered,
) -> Result<Option<Sequence>, OpenError> {
    let wanted = match mark.load() {
        Ok(stored) => stored.map_or(Position::FIRST, |cursor| cursor.position),
        Err(error @ CursorError::Damaged { .. }) => {
            tracing::warn!(%error, "the outbox starts over from its oldest record");
            Position::FIRST
        }
        Err(source) => {
            return Err(OpenError::Mark {
                dir: dir.to_owned(),
                source,
            });
        }
    };
    let acknowledged = wanted.previous().and_then(sequence);
    if let Some(acknowledged) = acknowledged.filter(|_| wanted > recovered.next) {
        return Err(OpenError::Older {
            dir: dir.to_owned(),
            acknowledged,
        });
    }
    // Only what was acknowledged is ever removed, so the oldest record kept is a mark as well.
    Ok(acknowledged.max(recovered.oldest.previous().and_then(sequence)))
}
