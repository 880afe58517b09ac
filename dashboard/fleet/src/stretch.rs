//! The stretch of time that a correction speaks of.
//!
//! Pages and fields tell minutes, hand-overs and readings have milliseconds. A correction holds all
//! that the page shows with its first and its last minute, and nothing of who had the device
//! before or after. One correction is about one holder: a wrong year in a field must not make one
//! patient's what all earlier wearers measured.

use std::ops::Range;

use veglia_diary::{Attribution, Handover};
use veglia_wire::WallMs;

/// What a field counts in, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// Why a stretch is not corrected in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooWide {
    /// It begins before anybody had the device: when the first got it, if anybody did.
    BeforeAll(Option<WallMs>),
    /// More than one holder had the device in it.
    Shared,
}

/// From the minute `from` to the end of the minute `until`, now at the latest. Where the device
/// was handed over within one of the two, the stretch keeps to the side of the hand-over on which
/// it lies.
pub(crate) fn of_minutes(
    from: WallMs,
    until: WallMs,
    handovers: &[Handover],
    now: WallMs,
) -> Range<WallMs> {
    let begins = || handovers.iter().map(|it| it.assignment.from);
    let within = |at: &WallMs, minute: WallMs| (0..MINUTE_MS).contains(&at.since(minute));
    let end = until.plus_ms(MINUTE_MS).min(now);
    if from == until {
        // Of one minute only what was before all hand-overs is left out.
        let first = begins().min().filter(|at| within(at, from));
        return first.unwrap_or(from)..end;
    }
    let start = begins().filter(|at| within(at, from)).max();
    let next = begins().filter(|at| within(at, until)).min();
    start.unwrap_or(from)..next.unwrap_or(end).min(end)
}

/// Whether one correction may speak of all this. Before the first hand-over it may only where
/// somebody has said already whose it was: such a word can be wrong too.
pub(crate) fn check(
    measured: &Range<WallMs>,
    handovers: &[Handover],
    said: &[Attribution],
) -> Result<(), TooWide> {
    let first = handovers.iter().map(|it| it.assignment.from).min();
    let is_said = |it: &Attribution| {
        measured.start.since(it.from) > -MINUTE_MS && it.until.since(measured.end) > -MINUTE_MS
    };
    if first.is_none_or(|first| measured.start < first) && !said.iter().any(is_said) {
        return Err(TooWide::BeforeAll(first));
    }
    let is_in = |it: &&Handover| {
        let returned = it.returned.as_ref();
        it.assignment.from < measured.end && returned.is_none_or(|it| it.until > measured.start)
    };
    let mut holders = handovers.iter().filter(is_in);
    let one = holders.next().map(|it| &it.assignment.holder);
    if holders.all(|it| Some(&it.assignment.holder) == one) {
        Ok(())
    } else {
        Err(TooWide::Shared)
    }
}
