//! Exports: every reading as a line of CSV, in order per device and vital sign.
//!
//! `device,vital,measured_ms,value,quality`: the value is a decimal in the vital sign's unit with
//! as many decimals as it was kept with (`97.0`, `36.60`); quality is empty for a clean reading,
//! else the names of its flags joined by `+`. No field ever needs quoting.

use std::fmt::Write as _;

use bytes::Bytes;
use tokio::sync::mpsc;
use veglia_series::{Sample, Series};
use veglia_wire::{Quality, VitalKind, WallMs};

use crate::local::{Worn, failed};
use crate::{ExportAsk, Lines, ViewError};

/// First line of an export.
pub const EXPORT_HEADER: &str = "device,vital,measured_ms,value,quality\n";

/// Pieces waiting for a slow reader: with [`PIECE_BYTES`] a quarter of a megabyte.
const PIECES_WAITING: usize = 4;

/// Length of a piece, about: few wake-ups, little memory.
const PIECE_BYTES: usize = 64 * 1024;

/// A value as a decimal in its unit, with a point: tenths have one decimal, hundredths two.
#[must_use]
pub fn decimal(vital: VitalKind, steps: i32) -> String {
    let per_unit = vital.steps_per_unit().unsigned_abs();
    let width = if per_unit == 100 { 2 } else { 1 };
    let sign = if steps < 0 { "-" } else { "" };
    let (units, rest) = (
        steps.unsigned_abs() / per_unit,
        steps.unsigned_abs() % per_unit,
    );
    format!("{sign}{units}.{rest:0width$}")
}

/// What was said of a reading, in words.
fn words(quality: Quality) -> String {
    let named = quality.iter_names().map(|(name, _)| name.to_lowercase());
    let unknown = quality.difference(Quality::all()).bits();
    let unknown = (unknown != 0).then(|| format!("{unknown:#x}"));
    named.chain(unknown).collect::<Vec<_>>().join("+")
}

fn line(sample: &Sample) -> String {
    format!(
        "{},{},{},{},{}\n",
        sample.device,
        sample.vital,
        sample.at,
        decimal(sample.vital, sample.value),
        words(sample.quality)
    )
}

/// Starts an export of these stretches. It ends by itself when the reader goes away.
pub(crate) fn start(series: Series, ask: ExportAsk, mut worn: Vec<Worn>) -> Lines {
    worn.sort_by(|one, other| (&one.device, one.from).cmp(&(&other.device, other.from)));
    let (pieces, lines) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(async move {
        let ended = write(&series, ask, &worn, &pieces).await;
        if let Err(Stop::Told(error)) = ended
            && pieces.send(Err(error)).await.is_err()
        {
            tracing::debug!("the reader of an export left before its end");
        }
    });
    Lines(lines)
}

/// Why an export ends before its last line.
enum Stop {
    /// Nobody reads any more.
    Unread,
    /// The reader must know.
    Told(ViewError),
}

type Pieces = mpsc::Sender<Result<Bytes, ViewError>>;

async fn write(
    series: &Series,
    ask: ExportAsk,
    worn: &[Worn],
    pieces: &Pieces,
) -> Result<(), Stop> {
    let mut text = EXPORT_HEADER.to_owned();
    let mut missing: u64 = 0;
    for device in worn.chunk_by(|one, next| one.device == next.device) {
        for vital in VitalKind::ALL {
            for worn in device {
                let until = worn.until.unwrap_or(ask.to).min(ask.to);
                let range = worn.from.max(ask.from)..until;
                missing += stretch(series, worn, vital, range, &mut text, pieces).await?;
            }
        }
    }
    send(&mut text, pieces).await?;
    match missing {
        0 => Ok(()),
        missing => Err(Stop::Told(ViewError::Missing(missing))),
    }
}

/// One vital sign of one device while it was worn; how many damaged chunks were met.
async fn stretch(
    series: &Series,
    worn: &Worn,
    vital: VitalKind,
    range: std::ops::Range<WallMs>,
    text: &mut String,
    pieces: &Pieces,
) -> Result<u64, Stop> {
    let mut damaged = 0;
    let mut export = series.export(&worn.device, vital, range);
    while let Some(page) = export
        .next()
        .await
        .map_err(|error| Stop::Told(failed(&error)))?
    {
        damaged += u64::try_from(page.damaged.len()).unwrap_or(u64::MAX);
        for sample in page.samples.iter().filter(|it| worn.is_ours(it)) {
            if text.write_str(&line(sample)).is_err() {
                return Err(Stop::Told(ViewError::Failed));
            }
            if text.len() >= PIECE_BYTES {
                send(text, pieces).await?;
            }
        }
    }
    Ok(damaged)
}

async fn send(text: &mut String, pieces: &Pieces) -> Result<(), Stop> {
    if text.is_empty() {
        return Ok(());
    }
    let piece = Bytes::from(std::mem::take(text));
    pieces.send(Ok(piece)).await.map_err(|_| Stop::Unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_with_the_decimals_it_was_kept_with() {
        let table = [
            (VitalKind::SpO2, 970, "97.0"),
            (VitalKind::Pulse, 72, "7.2"),
            (VitalKind::Temperature, 3_660, "36.60"),
            (VitalKind::Temperature, 3_605, "36.05"),
            (VitalKind::Temperature, -5, "-0.05"),
            (VitalKind::RespiratoryRate, 0, "0.0"),
        ];
        for (vital, steps, text) in table {
            assert_eq!(decimal(vital, steps), text);
        }
    }

    #[test]
    fn quality_is_written_in_words_also_when_a_later_program_said_it() {
        assert_eq!(words(Quality::empty()), "");
        let two = Quality::NO_CONTACT | Quality::HELD;
        assert_eq!(words(two), "no_contact+held");
        assert_eq!(
            words(two | Quality::from_bits_retain(0x8000)),
            "no_contact+held+0x8000"
        );
    }
}
