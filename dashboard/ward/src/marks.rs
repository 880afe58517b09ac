//! What happened beside a curve: alerts, calls, acts and notes on the same axis of time.
//!
//! A mark says its kind by shape and word, and is drawn beside readings, never through them. At
//! most [`MARKS_MAX`], the newest; the answer says when older ones are left out.

use serde::{Deserialize, Serialize};
use veglia_diary::{ActKind, Line, Written, diary_of};
use veglia_view::{PatientId, Severity, Verdict, WallMs};
use veglia_words::Words;

use crate::book::Signatures;
use crate::history::{self, Kind};
use crate::patient::{PageError, Sources};
use crate::trend::{STRETCH_MAX_MS, TrendRefused};
use crate::{WORDS, access, book};

/// Marks in one answer: more would be a wall.
pub const MARKS_MAX: u64 = 300;

/// How much later than it was measured something is told of, and still marked: a home that was
/// without a line for a day.
const LATE_MS: i64 = 86_400_000;

/// The stretch in an address, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MarksQuery {
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
}

/// What happened at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When, in milliseconds.
    pub at: i64,
    /// When, in words.
    pub time: String,
    /// `red`, `amber`, `technical`, `call`, `note` or `act`, for its colour.
    pub kind: &'static str,
    /// Its shape.
    pub mark: &'static str,
    /// What happened.
    pub text: String,
}

/// What is drawn beside the curves of a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marks {
    /// The earliest first.
    pub marks: Vec<Mark>,
    /// Whether older ones are left out.
    pub is_cut: bool,
}

impl MarksQuery {
    /// The stretch that is asked for.
    ///
    /// # Errors
    /// [`TrendRefused::Range`].
    pub fn check(self) -> Result<(WallMs, WallMs), TrendRefused> {
        let (from, to) = (WallMs(self.from), WallMs(self.to));
        if from >= to || to.since(from) > STRETCH_MAX_MS {
            return Err(TrendRefused::Range);
        }
        Ok((from, to))
    }
}

/// What happened to a patient and was done in a stretch of time. Writes in the access log that the
/// actor reads it, with the curves that it is drawn beside.
///
/// # Errors
/// See [`PageError`].
pub async fn marks(
    sources: Sources<'_>,
    patient: PatientId,
    (from, to): (WallMs, WallMs),
) -> Result<Marks, PageError> {
    let (record, actor) = (sources.record, sources.actor);
    access::looks_at_curves(record, actor, patient, sources.fallback_now)
        .await
        .map_err(PageError::Access)?;
    let told = from..to.plus_ms(LATE_MS);
    let lines = diary_of(record, actor, patient, told, MARKS_MAX).await;
    let lines = lines.map_err(PageError::Diary)?;
    let signed = book::signatures(record, actor).await;
    let signed = signed.map_err(|error| PageError::Names(Box::new(error)))?;
    let is_cut = u64::try_from(lines.len()).is_ok_and(|count| count >= MARKS_MAX);
    let w = WORDS.speaking(sources.language);
    let marks = lines.iter().filter_map(|line| mark(w, line, &signed, to));
    let here = |mark: &Mark| (from.0..to.0).contains(&mark.at);
    let mut marks: Vec<Mark> = marks.filter(here).collect();
    marks.sort_by_key(|mark| mark.at);
    Ok(Marks { marks, is_cut })
}

fn mark(w: Words, line: &Line, signed: &Signatures, now: WallMs) -> Option<Mark> {
    let (at, kind, shape, text) = match &line.what {
        // An alert stands where it was measured, not where it was told.
        Written::Said(Verdict::Raise(flag)) => {
            let (kind, shape) = match flag.severity {
                Severity::Red => ("red", "◆"),
                Severity::Amber => ("amber", "▲"),
                Severity::Technical => ("technical", "▬"),
            };
            (flag.since, kind, shape, history::raised(w, flag, now))
        }
        Written::Act(act) => {
            let (kind, shape) = match (history::kind(line), act.kind) {
                (Kind::Call, _) => ("call", "☎"),
                (_, ActKind::Note | ActKind::Corrected(_)) => ("note", "●"),
                _ => ("act", "■"),
            };
            let said = history::entries(w, std::slice::from_ref(line), signed, now);
            let text = said.into_iter().map(|entry| entry.text).collect();
            (line.at, kind, shape, text)
        }
        _ => return None,
    };
    Some(Mark {
        at: at.0,
        time: w.language.exactly(at),
        kind,
        mark: shape,
        text,
    })
}
