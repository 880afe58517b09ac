//! Handovers whose moment has come and that nobody wrote, or nobody has read.
//!
//! A change of shift asks for one while somebody is on duty at the centre, a night while an
//! out-of-hours doctor is, the morning after if patients were given for the night: a centre that
//! keeps no roster is reminded of nothing. Of a shift and of a morning it is said as long as it can
//! still be written, of a night as long as it lasts.

use veglia_people::duty::{self, Post};
use veglia_store::{Actor, Database, TxError};
use veglia_view::WallMs;

use crate::book::{self, Fate, Kind};
use crate::calendar::Night;
use crate::turns::{Change, LATE_MS};

/// A handover that is missing at its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub(crate) kind: Kind,
    /// The moment it is known by.
    pub(crate) change: WallMs,
    /// Since when it is missing.
    pub(crate) since: WallMs,
    /// Whether it is there, and nobody has acknowledged it.
    pub(crate) is_written: bool,
}

/// What is missing now.
pub(crate) async fn overdue(
    record: &Database,
    actor: &Actor,
    now: WallMs,
) -> Result<Vec<Overdue>, TxError> {
    let mut missing = Vec::new();
    for (kind, change, since) in due(now) {
        let is_written = match book::fate(record, actor, (kind, change)).await? {
            Fate::Acknowledged => continue,
            Fate::Waiting => true,
            Fate::Unwritten => false,
        };
        if is_wanted(record, actor, (kind, change), now).await? {
            missing.push(Overdue {
                kind,
                change,
                since,
                is_written,
            });
        }
    }
    Ok(missing)
}

/// Handovers whose moment has come: which, the moment they are known by, and since when they are
/// due.
fn due(now: WallMs) -> Vec<(Kind, WallMs, WallMs)> {
    let shift = Change::near(now).filter(|change| change.at <= now);
    let shift = shift.map(|change| (Kind::Shift, change.at, change.at));
    let night = Night::near(now).filter(|night| night.is_on(now));
    let night = night.map(|night| (Kind::Night, night.from, night.from));
    let before = Night::near(now.plus_ms(-LATE_MS));
    let before = before.filter(|night| night.until <= now && now.since(night.until) < LATE_MS);
    let morning = before.map(|night| (Kind::Morning, night.from, night.until));
    [shift, night, morning].into_iter().flatten().collect()
}

/// Whether there is anybody to whom it matters.
async fn is_wanted(
    record: &Database,
    actor: &Actor,
    (kind, change): (Kind, WallMs),
    now: WallMs,
) -> Result<bool, TxError> {
    let post = match kind {
        Kind::Shift => Post::Operator,
        Kind::Night => Post::OutOfHours,
        Kind::Morning => {
            let given = book::fate(record, actor, (Kind::Night, change)).await?;
            return Ok(given != Fate::Unwritten);
        }
    };
    Ok(!duty::on_duty(record, actor, post, now).await?.is_empty())
}
