//! What the ward says of handovers: that nobody has acknowledged one, or that nobody wrote it.
//!
//! Not acknowledged: of a shift from when it is written; of a night while it lasts; of what a night
//! gave back once it is over, until somebody of the day has read it. Not written: from its moment
//! on (`overdue.rs`).

use veglia_people::staff;
use veglia_store::{Actor, Database, TxError};
use veglia_view::WallMs;
use veglia_words::{Key, Language};

use crate::WORDS;
use crate::book::{self, Kind, Unacknowledged};
use crate::calendar::Night;
use crate::overdue::{Overdue, overdue};
use crate::tell::Names;

/// A sentence for each handover that waits to be acknowledged, or to be written.
///
/// # Errors
/// What the database reports.
pub async fn waiting(
    record: &Database,
    actor: &Actor,
    now: WallMs,
    language: Language,
) -> Result<Vec<String>, TxError> {
    let mut waiting = book::unacknowledged(record, actor).await?;
    waiting.retain(|it| is_due(it, now));
    let w = WORDS.speaking(language);
    let mut missing = overdue(record, actor, now).await?;
    missing.retain(|it| !it.is_written);
    let missing = missing.iter().map(|it| {
        let change = language.hour_of(it.since, now);
        w.with(unwritten(it), "change", change).to_string()
    });
    let missing: Vec<String> = missing.collect();
    if waiting.is_empty() {
        return Ok(missing);
    }
    let names = Names(staff::signatures(record, actor).await?);
    let said = waiting.iter().map(|it| {
        let key = match it.kind {
            Kind::Shift => Key("ward-shift"),
            Kind::Night => Key("ward-night"),
            Kind::Morning => Key("ward-morning"),
        };
        w.with(key, "change", language.hour_of(it.change, now))
            .and("who", names.of(&it.by))
            .and("at", language.hour_of(it.at, now))
            .to_string()
    });
    Ok(missing.into_iter().chain(said).collect())
}

fn unwritten(missing: &Overdue) -> Key {
    match missing.kind {
        Kind::Shift => Key("ward-shift-unwritten"),
        Kind::Night => Key("ward-night-unwritten"),
        Kind::Morning => Key("ward-morning-unwritten"),
    }
}

fn is_due(waiting: &Unacknowledged, now: WallMs) -> bool {
    let night = || Night::at(waiting.change);
    match waiting.kind {
        Kind::Shift => true,
        Kind::Night => night().is_some_and(|night| night.is_on(now)),
        Kind::Morning => night().is_some_and(|night| night.until <= now),
    }
}
